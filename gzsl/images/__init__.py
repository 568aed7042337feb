"""From pictures to features: listing, backbones, extraction. Needs the extra ``images``."""

from gzsl.images.backbones import BACKBONES, Backbone, open_backbone
from gzsl.images.extract import extract_features
from gzsl.images.finetune import fine_tune, training_pictures
from gzsl.images.listing import ImageList, list_images

__all__ = [
    "BACKBONES", "Backbone", "ImageList", "extract_features", "fine_tune", "list_images", "open_backbone",
    "training_pictures",
]  # fmt: skip
