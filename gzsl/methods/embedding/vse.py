"""Visually semantic embedding: images as probabilities of part types, class codes predicted from class vectors."""

from __future__ import annotations

import warnings

import numpy as np

from gzsl.data import FeatureRows, TrainView
from gzsl.kernel_ridge import ClassKernel, KernelRidge
from gzsl.linalg import class_sums
from gzsl.linear import softmax
from gzsl.methods import Method, register
from gzsl.methods.embedding.exem import principal_components
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "vse",
    family="embedding",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Zhu, Wang & Saligrama, GZSL via Visually Semantic Embedding, CVPR 2019, arXiv:1811.07993",
    year=2019,
    test_params=[{"n_components": 32, "n_parts": 4, "n_types": 6}, {"n_components": 8, "n_parts": 1, "n_types": 12}],
)
class VSE(Method):
    """Describe an image by which of T types each of P parts shows, and a class by the types it is expected to show.

    The principal components of the features are dealt at random into P parts; in every part a mixture of T diagonal
    Gaussians is fitted to the training rows, and its posteriors at temperature τ are the code z(x) on P simplices. The
    code of a seen class is the mean over its rows; square roots of codes are regressed from class vectors by kernel
    ridge, made non-negative and of unit length a part. A class scores the mean over parts of
    ``Σ_t sqrt(z_t(x)) sqrt(v_t(c))``, the Bhattacharyya similarity.

    **Unverified.** Only the abstract was at hand: latent part types shared by images and class vectors, no unseen
    class vectors in training. The paper finds parts by an attention network on feature maps; this form on pooled
    features, the regression and all defaults are ours.
    """

    n_components: int = param(default=128, low=1, high=100_000, doc="principal components, at most (ours)")
    n_parts: int = param(default=8, low=1, high=10_000, symbol="P", doc="parts (ours)")
    n_types: int = param(default=32, low=1, high=10_000, symbol="T", doc="types a part, at most (ours)")
    temperature: float = param(
        default=4.0, low=1e-2, high=1e3, log=True, symbol="τ", tune=(1.0, 16.0), doc="divides log-posteriors (ours)"
    )
    kernel: str = param(default="rbf", choices=("linear", "rbf"), doc="between class vectors (ours)")
    width: float = param(default=1.0, low=1e-4, high=1e4, log=True, doc="width of rbf, relative to the median (ours)")
    ridge: float = param(
        default=0.1, low=1e-9, high=1e9, log=True, tune=(1e-3, 1e2), doc="ridge of the regression of codes (ours)"
    )

    def _fit(self, view: TrainView) -> None:
        rng = np.random.default_rng(self._context.seed)
        self.centre_, components = principal_components(view.features)
        q = min(self.n_components, components.shape[1])
        self.components_ = components[:, rng.permutation(q)]  # columns of one part lie together
        Z = (view.features.to_array() - self.centre_) @ self.components_
        self._fit_mixtures(Z, int(rng.integers(2**31)))
        labels, counts = view.seen_labels, np.bincount(view.seen_labels)
        codes = class_sums(FeatureRows(self.codes(view.features.to_array()) ** 2), labels, len(view.seen)).T
        targets = np.sqrt(codes / counts[:, None])
        kernel = ClassKernel.of(view.seen_semantics.table, self.kernel, self.width)
        self.anchors_ = kernel.anchors
        self.code_weights_ = KernelRidge(kernel, targets).coefficients(self.ridge)  # (s, P T)

    def _fit_mixtures(self, Z: np.ndarray, seed: int) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        n_types = min(self.n_types, len(np.unique(Z, axis=0)))
        means, variances, logs = [], [], []
        for part, block in enumerate(self._parts(Z)):
            mixture = GaussianMixture(
                n_types, covariance_type="diag", reg_covar=1e-3 * float(block.var()) + 1e-12, random_state=seed + part
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                mixture.fit(block.astype(np.float64))
            means.append(mixture.means_)
            variances.append(mixture.covariances_)
            logs.append(np.log(mixture.weights_ + 1e-300))
        self.type_means_, self.type_variances_ = np.concatenate(means, axis=1), np.concatenate(variances, axis=1)
        self.type_logs_ = np.array(logs)  # (P, T)

    def _parts(self, Z: np.ndarray) -> list[np.ndarray]:
        return np.array_split(Z, min(self.n_parts, Z.shape[1]), axis=1)

    def codes(self, X: np.ndarray) -> np.ndarray:
        """Square roots of the type probabilities of rows, shape (n, P T), float32; unit length a part."""
        Z = (X - self.centre_) @ self.components_
        means, variances = self._parts(self.type_means_), self._parts(self.type_variances_)
        blocks = zip(self._parts(Z), means, variances, self.type_logs_, strict=True)
        return np.concatenate([self._posterior(*block) for block in blocks], axis=1).astype(np.float32)

    def _posterior(self, z: np.ndarray, means: np.ndarray, variances: np.ndarray, logs: np.ndarray) -> np.ndarray:
        precision = 1 / variances
        constant = logs - 0.5 * ((means**2 * precision).sum(axis=1) + np.log(variances).sum(axis=1))
        density = constant - 0.5 * (z.astype(np.float64) ** 2 @ precision.T) + z @ (means * precision).T
        return np.sqrt(softmax(density / self.temperature))

    def class_codes(self, semantics: Semantics) -> np.ndarray:
        """Predicted square roots of the codes of a class table, shape (C, P T), float32; unit length a part."""
        kernel = ClassKernel.of(self.anchors_, self.kernel, self.width)(semantics.table)
        found = np.maximum(kernel @ self.code_weights_, 0).reshape(len(semantics), len(self.type_logs_), -1)
        found /= np.maximum(np.linalg.norm(found, axis=2, keepdims=True), 1e-12)
        return found.reshape(len(semantics), -1).astype(np.float32)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return self.codes(X) @ self.class_codes(semantics).T / len(self.type_logs_)
