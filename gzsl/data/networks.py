"""What a name of image features says about the network that made them, and how wide such features are."""

from __future__ import annotations

import re
from pathlib import PurePath

# a name as letters and digits alone, the network it means, and the widths of its pooled features
_KNOWN: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    (r"res(?:net)?(18|34)(?!\d)", "res{}", (512,)),
    (r"res(?:net)?(50|101|152)(?!\d)", "res{}", (2048,)),
    (r"clip", "clip", (512, 640, 768, 1024)),
    (r"dino", "dino", (384, 768, 1024, 1536, 2048)),
    (r"vits(?=\d|$)", "vit-s", (384,)),
    (r"vitb(?=\d|$)|vitbase", "vit-b", (768,)),
    (r"vitl(?=\d|$)|vitlarge", "vit-l", (1024,)),
    (r"efficientnetlite0|^lite0", "efficientnet_lite0", (1280,)),
    (r"vgg(16|19)", "vgg{}", (4096,)),
    (r"googlenet", "googlenet", (1024,)),
    (r"alexnet", "alexnet", (4096,)),
    (r"densenet121", "densenet121", (1024,)),
)
_TUNED = re.compile(r"finetun|(?<![a-z])ft(?![a-z])")
_NOT_TUNED = re.compile(r"(?:no|not|non|un|without)[^a-z0-9]*(?:fine[^a-z0-9]*tun|ft(?![a-z]))")


def network_of(name: str) -> tuple[str, tuple[int, ...]] | None:
    """The network that a name of features or of their file means, and the widths it can have; None when unknown.

    Examples
    --------
    >>> network_of("ResNet-101_own")
    ('res101', (2048,))
    """
    folded = re.sub(r"[^a-z0-9]+", "", name.lower())
    for pattern, called, widths in _KNOWN:
        found = re.search(pattern, folded)
        if found:
            return called.format(*found.groups()), widths
    return None


def same_network(first: str, second: str) -> bool:
    """Whether two names of features mean the same ones: spelt alike but for case and signs, or one known network."""
    folded = [re.sub(r"[^a-z0-9]+", "", name.lower()) for name in (first, second)]
    known = network_of(first)
    return folded[0] == folded[1] or (known is not None and known == network_of(second))


def says_fine_tuned(name: str) -> bool:
    """Whether a name says that the network was fine-tuned: ``finetuned``, ``fine_tune`` or the word ``ft`` in it."""
    lower = name.lower()
    return bool(_TUNED.search(re.sub(r"[^a-z0-9]*tun", "tun", lower)) and not _NOT_TUNED.search(lower))


def features_name(file_name: str, n_dims: int) -> tuple[str, bool | None, list[str]]:
    """What the features of a file are called, whether they were fine-tuned (None: unknown), and why.

    A file name is believed where it means a network whose features are that wide; ``ResNet101_finetuned.mat`` is
    then ``res101``, fine-tuned. Otherwise the name says what is not known, for example ``res101-16d``.

    Parameters
    ----------
    file_name : str
        Name of the features file.
    n_dims : int
        Length of a feature row.
    """
    stem = PurePath(file_name).stem
    tuned = True if says_fine_tuned(stem) else None
    notes = ["the file name says that the features were fine-tuned"] if tuned else []
    network = network_of(stem)
    if network is not None and n_dims in network[1]:
        plain = _canonical(network[0]) == _canonical(stem)
        said = f"{file_name} with {n_dims} dimensions is plausibly {_title(network[0])}"
        return network[0] if plain else stem, tuned, [said, *notes]
    name, why = unknown_name(stem, n_dims), "which network made them is not known"
    if network is not None:
        why = f"not the {' or '.join(map(str, network[1]))} of {_title(network[0])}"
    return name, tuned, [f"{file_name} has {n_dims} dimensions, {why}: features are called {name}", *notes]


def _title(network: str) -> str:
    return re.sub(r"^res(?=\d)", "ResNet-", network)


def _canonical(name: str) -> str:
    """A name without what is said elsewhere: spelling, fine-tuning, and that these are features."""
    folded = re.sub(r"[^a-z0-9]+", "", name.lower()).replace("resnet", "res")
    return re.sub(r"finetun(ed|ing|e)|features?|ft$|^ft", "", folded)


def unknown_name(stem: str, n_dims: int) -> str:
    """What features are called whose file name and width do not tell the network: ``features-6d``."""
    return f"{stem}-{n_dims}d"


def is_known(name: str, n_dims: int) -> bool:
    """Whether a dataset's name of its features says more than file name and width (see `unknown_name`)."""
    return not name.endswith(f"-{n_dims}d")
