"""Linear models by L-BFGS: one objective and one solver for softmax, attribute detectors and hinges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True, eq=False)
class LinearModel:
    """``x -> x W + b``.

    Attributes
    ----------
    weights : ndarray, shape (d, k), float32
        One column an output.
    bias : ndarray, shape (k,), float32
        Zeros in a model without bias.
    """

    weights: np.ndarray
    bias: np.ndarray

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Outputs (n, k) float32 of rows (n, d)."""
        return X @ self.weights + self.bias


def fit_linear(
    X: np.ndarray,
    n_outputs: int,
    loss: Loss,
    l2: float,
    *,
    bias: bool = True,
    start: LinearModel | None = None,
    n_iterations: int = 200,
    tolerance: float = 1e-5,
) -> LinearModel:
    """Minimise ``loss(X W + b) + l2/2 |W|^2`` with L-BFGS; the bias is not penalised.

    Parameters
    ----------
    X : ndarray, shape (n, d), float32
        Rows; products with them are the whole cost, two an iteration.
    n_outputs : int
        Number of outputs ``k``.
    loss : callable
        Maps outputs (n, k) to the loss and its gradient (n, k); usually a mean over rows.
    l2 : float
        Weight of the squared norm.
    bias : bool
        Whether outputs have a bias.
    start : LinearModel, optional
        Where to start, such as the solution for a neighbouring ``l2``; zeros when None.
    n_iterations : int
        Iterations at most.
    tolerance : float
        Stop when no entry of the gradient is larger, relative to the largest one at zero weights.

    Returns
    -------
    LinearModel
    """
    d = X.shape[1]

    def objective(values: np.ndarray) -> tuple[float, np.ndarray]:
        W, b = _unpack(values, d, n_outputs, bias)
        value, outer = loss(X @ W.astype(np.float32) + b.astype(np.float32))
        gradient = np.empty_like(values)
        gradient[: d * n_outputs] = (X.T @ outer.astype(np.float32)).ravel()
        gradient[: d * n_outputs] += l2 * W.ravel()
        if bias:
            gradient[d * n_outputs :] = outer.sum(axis=0)
        return value + 0.5 * l2 * float((W**2).sum()), gradient

    zeros = np.zeros((d + bias) * n_outputs)
    scale = float(np.abs(objective(zeros)[1]).max()) or 1.0
    first = zeros if start is None else np.concatenate([start.weights.ravel(), start.bias[: n_outputs * bias]])
    found = minimize(
        objective, first.astype(np.float64), jac=True, method="L-BFGS-B",
        options={"maxiter": n_iterations, "maxfun": 2 * n_iterations, "gtol": tolerance * scale, "ftol": 1e-10},
    )  # fmt: skip
    W, b = _unpack(found.x, d, n_outputs, bias)
    return LinearModel(W.astype(np.float32), b.astype(np.float32))


def fit_cosine(
    X: np.ndarray, start: np.ndarray, loss: Loss, scale: float, *, n_iterations: int = 50, tolerance: float = 1e-5
) -> np.ndarray:
    """Minimise ``loss(scale cos(x, w))`` over weights with L-BFGS; what counts of weights is their direction.

    Parameters
    ----------
    X : ndarray, shape (n, d), float32
        Rows of unit length.
    start : ndarray, shape (k, d)
        Where to start, one row an output, none of them zero.
    loss : callable
        As in `fit_linear`.
    scale : float
        Factor of the cosines.
    n_iterations, tolerance
        As in `fit_linear`; the gradient is compared with the one at the start.

    Returns
    -------
    ndarray, shape (k, d), float32
        Weights of unit length.
    """

    def objective(values: np.ndarray) -> tuple[float, np.ndarray]:
        W = values.reshape(start.shape)
        norms = np.linalg.norm(W, axis=1, keepdims=True)
        unit = W / norms
        value, outer = loss(scale * (X @ unit.T.astype(np.float32)))
        slope = scale * (outer.T.astype(np.float32) @ X).astype(np.float64)
        return value, ((slope - (slope * unit).sum(axis=1, keepdims=True) * unit) / norms).ravel()

    first = (start / np.linalg.norm(start, axis=1, keepdims=True)).astype(np.float64).ravel()
    steepest = float(np.abs(objective(first)[1]).max()) or 1.0
    found = minimize(
        objective, first, jac=True, method="L-BFGS-B",
        options={"maxiter": n_iterations, "maxfun": 2 * n_iterations, "gtol": tolerance * steepest, "ftol": 1e-10},
    ).x.reshape(start.shape)  # fmt: skip
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def softmax_loss(labels: np.ndarray, weights: np.ndarray | None = None) -> Loss:
    """Mean cross-entropy of softmax outputs.

    Parameters
    ----------
    labels : ndarray, shape (n,), integer
        Column of the true class.
    weights : ndarray, shape (n,), optional
        Weight of every row; 1 when None.
    """
    rows = np.arange(len(labels))
    share = np.full(len(labels), 1 / len(labels)) if weights is None else weights / len(labels)

    def loss(outputs: np.ndarray) -> tuple[float, np.ndarray]:
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        exps = np.exp(shifted)
        totals = exps.sum(axis=1)
        value = float(share @ (np.log(totals, dtype=np.float64) - shifted[rows, labels]))
        gradient = exps / totals[:, None]
        gradient[rows, labels] -= 1
        return value, gradient * share[:, None]

    return loss


def binary_loss(targets: np.ndarray) -> Loss:
    """Mean over rows of the summed binary cross-entropies of independent outputs.

    Parameters
    ----------
    targets : ndarray, shape (n, k)
        0, 1 or anything between.
    """

    def loss(outputs: np.ndarray) -> tuple[float, np.ndarray]:
        n = len(outputs)
        terms = np.logaddexp(0, outputs) - targets * outputs
        return float(terms.sum(dtype=np.float64)) / n, (sigmoid(outputs) - targets) / n

    return loss


def squared_hinge_loss(labels: np.ndarray) -> Loss:
    """Mean over rows and outputs of ``[1 - t o]_+^2``, t = 1 for the class of the row and -1 for others.

    Parameters
    ----------
    labels : ndarray, shape (n,), integer
        Column of the true class.
    """
    rows = np.arange(len(labels))

    def loss(outputs: np.ndarray) -> tuple[float, np.ndarray]:
        slack = 1 + outputs
        slack[rows, labels] = 1 - outputs[rows, labels]
        np.maximum(slack, 0, out=slack)
        gradient = 2 / outputs.size * slack
        gradient[rows, labels] *= -1
        return float((slack**2).mean(dtype=np.float64)), gradient

    return loss


def worst_violator_loss(labels: np.ndarray, costs: np.ndarray) -> Loss:
    """Mean over rows of ``[max_c (cost(y, c) + o_c) - o_y]_+^2``: Crammer and Singer's hinge, squared to be smooth.

    Parameters
    ----------
    labels : ndarray, shape (n,), integer
        Column of the true class.
    costs : ndarray, shape (k, k)
        Margin that each wrong class has to keep; 0 on the diagonal.
    """
    rows, margins = np.arange(len(labels)), costs[labels].astype(np.float32)

    def loss(outputs: np.ndarray) -> tuple[float, np.ndarray]:
        augmented = outputs + margins
        worst = augmented.argmax(axis=1)
        slack = np.maximum(augmented[rows, worst] - outputs[rows, labels], 0)
        gradient = np.zeros_like(outputs)
        gradient[rows, worst] += 2 / len(labels) * slack
        gradient[rows, labels] -= 2 / len(labels) * slack
        return float((slack**2).mean(dtype=np.float64)), gradient

    return loss


def softmax(outputs: np.ndarray) -> np.ndarray:
    """Probabilities (n, k) of outputs (n, k), shifted by the largest so that nothing overflows."""
    exps = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def sigmoid(outputs: np.ndarray) -> np.ndarray:
    """Element-wise probability of an output, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * outputs))


def _unpack(values: np.ndarray, d: int, k: int, bias: bool) -> tuple[np.ndarray, np.ndarray]:
    return values[: d * k].reshape(d, k), values[d * k :] if bias else np.zeros(k)
