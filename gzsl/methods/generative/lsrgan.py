"""LsrGAN: likenesses between generated classes should be those of their class vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from gzsl.heads import SoftmaxHead
from gzsl.methods.generative.adversarial import AdversarialGenerator
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.checkpoint import optimiser_state, restore_optimiser
from gzsl.nn.critic_gradients import Weight
from gzsl.nn.losses.class_structure import class_means, distance_of_means, relation_gap
from gzsl.nn.losses.classification import frozen_softmax_loss, mean_cross_entropy
from gzsl.nn.optim import adam
from gzsl.nn.stacking import Linear, take
from gzsl.nn.wgan import Terms
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "lsrgan", family="generative", settings=("inductive",),
    fidelity="replicated from code",
    cite="Vyas, Venkateswara & Panchanathan, Leveraging Seen and Unseen Semantic Relationships for Generative "
    "Zero-Shot Learning, ECCV 2020, arXiv:2007.09549",
    year=2020,
    test_params=[
        {
            "n_epochs": 20, "batch_size": 32, "hidden_dim": 64, "lr": 5e-3, "n_synthetic": 40, "pretrain_epochs": 5,
            "classifier": classifier, "classifier_lr": 5e-3, "unseen_cls_weight": 1.0,
            "neighbours": 5, "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
        for classifier in ("co-trained", "head")
    ],  # fmt: skip
)
class LsrGAN(AdversarialGenerator):
    """A WGAN that also generates unseen classes in training, and a classifier that learns from them on the way.

    Steps on seen rows add to the adversarial term the classification loss, the distance of generated class means
    to real ones, and the squared amount by which cosines between a generated mean and its nearest seen classes'
    real means leave a band around the cosines of their class vectors. Steps on unseen classes, drawn uniformly,
    have the classification loss and the relation term; there the classifier (n, d) -> (n, all classes) learns
    too, from generated unseen and real seen rows. It gives the scores (``classifier: co-trained``), unless the
    usual head is asked for.

    **Differences.** In the released code the relation term is computed outside of the graph and has no gradient:
    ``relation: released`` leaves it out of the gradient, and its published results were obtained so. As there, the
    term is summed over the classes of a batch and averaged over the neighbours, and the classifier goes on in the
    loop with the Adam that it was pretrained with. The released code draws unseen classes from the labels of test
    images, which leaks their frequencies, takes its first steps on unseen classes in the second epoch, and adds the
    seen gradient twice; none of the three is offered.
    """

    cls_weight: float = param(default=0.01, low=0.0, high=1e4, doc="weight of the classification loss, seen classes")
    unseen_cls_weight: float = param(default=0.1, low=0.0, high=1e4, doc="the same, unseen classes")
    mean_weight: float = param(default=1.0, low=0.0, high=1e4, doc="of the distance of class means (CENT_LAMBDA)")
    relation_weight: float = param(
        default=20.0, low=0.0, high=1e4, doc="weight of the relation term, a sum over classes (correlation_penalty)"
    )
    relation: str = param(default="differentiable", choices=("differentiable", "released"), doc="released: no gradient")
    below: float = param(default=0.1, low=0.0, high=2.0, symbol="ε", doc="width of the band under each likeness")
    above: float = param(default=0.1, low=0.0, high=2.0, symbol="ε", doc="width of the band over each likeness")
    neighbours: int = param(default=20, low=1, high=10_000, doc="seen classes that a class is compared with")
    classifier_lr: float = param(default=1e-3, low=1e-7, high=1.0, log=True, doc="learning rate of the classifier")
    cls_halved_after: int | None = param(
        default=None, low=1, high=100_000, doc="epochs after which cls_weight is halved; null: never"
    )
    pretrain_epochs: int = param(default=50, low=1, high=10_000, doc="epochs of the classifier before the loop")
    classifier: str = param(default="co-trained", choices=("co-trained", "head"), doc="what gives the scores")

    stackable: ClassVar[bool] = True
    takes_shots: ClassVar[bool] = False  # its classifier learns on the way and would not see them
    training_only: ClassVar[tuple[str, ...]] = ("critic_",)

    def build_parts(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the classifier of all classes."""
        self.classifier_ = Linear(sizes.n_features, len(self.classes_))
        self.epoch_ = 0

    def with_generator(self) -> Sequence[nn.Module]:
        """The classifier learns on unseen steps."""
        return (self.classifier_,)

    def part_rate(self) -> float:
        """Learning rate of the classifier."""
        return self.classifier_lr

    def optimisers(self) -> dict[str, Optimizer]:
        """As every adversarial generator; that of the classifier goes on from what pretraining has left."""
        made = super().optimisers()
        restore_optimiser(made["with_generator"], getattr(self, "_pretrained", {}))
        return made

    def on_epoch_end(self, epoch: int) -> None:
        """Count epochs: the classification weight follows them."""
        self.epoch_ = epoch

    def pretrain(self, rows: TrainingRows) -> None:
        """Train the classifier on real rows, unseen classes being wrong answers only."""
        super().pretrain(rows)
        rng, shape = self.streams.fresh("pretrain"), self.classifier_.weight.shape
        head = SoftmaxHead(batch_size=100, n_epochs=self.pretrain_epochs)
        with torch.no_grad():
            weight = torch.randn(shape, generator=rng, device=rng.device) * 0.02
            bias = rows.x.new_zeros(shape[0])
            optimiser = adam([weight, bias], self.classifier_lr)
            state = head.descend(rows.x, self._to_all()[rows.y], weight, bias, rng, optimiser)
        self.classifier_.load_state_dict(state)
        self._pretrained = optimiser_state(optimiser)
        self.centres_ = class_means(rows.x, rows.y, len(rows.table))[0]

    def constants(self, rows: TrainingRows) -> dict[str, Tensor]:
        """Places of classes among all, and the seen classes that are most like each."""
        unseen = self.to_device(self._standard[1].table)
        directions = functional.normalize(rows.table, dim=1)
        k = min(self.neighbours, len(directions))
        near_seen = (directions @ directions.T).topk(k, dim=1)
        unseen_id = [self.classes_.index(name) for name in self.unseen_classes_]
        near_unseen = (functional.normalize(unseen, dim=1) @ directions.T).topk(k, dim=1)
        return {
            "_seen_id": self._to_all(), "_unseen": unseen,
            "_unseen_id": torch.tensor(unseen_id, device=self.device),
            "_near_seen": near_seen.indices, "_like_seen": near_seen.values,
            "_near_unseen": near_unseen.indices, "_like_unseen": near_unseen.values,
        }  # fmt: skip

    def _to_all(self) -> Tensor:
        return torch.tensor([self.classes_.index(name) for name in self.seen_classes_], device=self.device)

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Classification, class means and relations of seen classes."""
        y = take(self._seen_id, batch.y)
        loss = frozen_softmax_loss(fake, y, self.classifier_.weight, self.classifier_.bias)
        return {
            "classification": (self._cls_weight(), loss),
            "means": (self.mean_weight, distance_of_means(fake, batch.y, self.centres_)),
            "relation": (self.relation_weight, self._relation(fake, batch.y, self._near_seen, self._like_seen)),
        }

    def _cls_weight(self) -> Weight:
        halved = self.cls_halved_after is not None and self.epoch_ >= self.cls_halved_after
        return self.cls_weight / 2 if halved else self.cls_weight

    def _relation(self, fake: Tensor, y: Tensor, near: Tensor, likeness: Tensor) -> Tensor:
        means, counts = class_means(fake, y, near.shape[-2])
        gap = relation_gap(means, self.centres_, near, likeness, self.below, self.above)
        found = (gap * (counts > 0)).sum(dim=-1) / near.shape[-1]
        return found.detach() if self.relation == "released" else found

    def generator_update(self, batch: Batch) -> dict[str, Tensor]:
        """Step on the seen classes of a batch, then on unseen ones."""
        losses = super().generator_update(batch)
        n_unseen = self._unseen.shape[-2]
        u = (self.streams.uniform("unseen", len(batch)) * n_unseen).long().clamp_max(n_unseen - 1)
        fake = self.generator_(self.noise(len(batch)), take(self._unseen, u))
        real = mean_cross_entropy(self.classifier_(batch.x), take(self._seen_id, batch.y))
        terms: Terms = {
            "unseen_classification": (
                self.unseen_cls_weight, mean_cross_entropy(self.classifier_(fake), take(self._unseen_id, u))
            ),
            "unseen_relation": (self.relation_weight, self._relation(fake, u, self._near_unseen, self._like_unseen)),
            "real_classification": (self._cls_weight(), real),
        }  # fmt: skip
        found = self._step.generator_step_on(terms)
        return losses | {name: value for name, value in found.items() if name != "generator"}

    def _known(self, semantics: Semantics) -> bool:
        return self.classifier == "co-trained" and set(semantics.class_names) <= set(self.classes_)

    def _prepare(self, semantics: Semantics) -> None:
        if not self._known(semantics):
            super()._prepare(semantics)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        if not self._known(semantics):
            return super()._scores(X, semantics)
        columns = [self.classes_.index(name) for name in semantics.class_names]
        with torch.inference_mode():
            logits = self.classifier_(torch.from_numpy(X).to(self.device))[:, columns]
            return functional.log_softmax(logits, dim=1).cpu().numpy()
