"""Divergences of class posteriors from the uniform one."""

from __future__ import annotations

from torch import Tensor

SMALLEST = 1e-5


def sharma_mittal_to_uniform(p: Tensor, alpha: Tensor, beta: Tensor, *, as_released: bool = False) -> Tensor:
    """Sharma-Mittal divergence of each row of probabilities from the uniform distribution.

    ``[ (sum_k p_k^a q^(1-a))^((1-b)/(1-a)) - 1 ] / (b - 1)`` with ``q = 1/C``: 0 for a uniform row and larger the
    more peaked it is, for orders ``a``, ``b`` in (0, 1).

    Parameters
    ----------
    p : Tensor, shape (n, C)
        Probabilities.
    alpha, beta : Tensor, 0-d
        Orders, different from 1.
    as_released : bool
        The inverse exponent ``(1-a)/(1-b)``, which the authors' code uses.

    Returns
    -------
    Tensor, shape (n,)
    """
    overlap = ((p + SMALLEST).pow(alpha) * (1 / p.shape[1]) ** (1 - alpha)).sum(dim=1)
    exponent = (1 - alpha) / (1 - beta) if as_released else (1 - beta) / (1 - alpha)
    return (overlap.pow(exponent) - 1) / (beta - 1)
