"""Terms about the place of classes: means, prototypes, margins, and likeness between classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SMALLEST = 1e-12


def class_means(x: Tensor, y: Tensor, n_classes: int) -> tuple[Tensor, Tensor]:
    """Mean row of every class and the number of its rows.

    Parameters
    ----------
    x : Tensor, shape (n, d)
        Rows.
    y : Tensor, shape (n,), int64
        Class of each.
    n_classes : int
        Number of classes C.

    Returns
    -------
    means : Tensor, shape (C, d)
        Zero for a class without rows.
    counts : Tensor, shape (C,)
        Rows a class, floating point.
    """
    if x.ndim == 3:  # a stack: the classes of each member are classes of their own
        first = n_classes * torch.arange(len(x), device=y.device)[:, None]
        means, counts = class_means(x.flatten(0, 1), (y + first).flatten(), len(x) * n_classes)
        return means.view(len(x), n_classes, -1), counts.view(len(x), n_classes)
    counts = x.new_zeros(n_classes).index_add(0, y, torch.ones_like(y, dtype=x.dtype))
    sums = x.new_zeros(n_classes, x.shape[1]).index_add(0, y, x)
    return sums / counts.clamp_min(1)[:, None], counts


def distance_of_means(x: Tensor, y: Tensor, centres: Tensor, *, squared: bool = False) -> Tensor:
    """Sum over classes present of the distance between their mean and their centre, over all classes.

    Parameters
    ----------
    x, y : Tensor, shapes (n, d) and (n,)
        Rows and their classes.
    centres : Tensor, shape (C, d)
        Where the means should be.
    squared : bool
        Squared Euclidean distances, averaged over the classes present instead of over all.

    Returns
    -------
    Tensor, 0-d
    """
    means, counts = class_means(x, y, centres.shape[-2])
    present = (counts > 0).to(x.dtype)
    squares = (means - centres).square().sum(dim=-1)
    if squared:
        return (squares * present).sum(dim=-1) / present.sum(dim=-1)
    return (squares.clamp_min(SMALLEST).sqrt() * present).sum(dim=-1) / centres.shape[-2]


def nearest_prototype(x: Tensor, prototypes: Tensor) -> Tensor:
    """Mean over rows of the squared distance to the nearest of a row's prototypes: (n, d), (n, k, d) -> 0-d."""
    return (x.unsqueeze(-2) - prototypes).square().sum(dim=-1).amin(dim=-1).mean(dim=-1)


def centre_margin(x: Tensor, y: Tensor, centres: Tensor, other: Tensor, inner: float, margin: float) -> Tensor:
    """Self-adaptive margin centre loss: near the own centre, far from another one.

    ``mean_b max(0, margin + w ||x_b - c_y||^2 - (1 - w) ||x_b - c_other||^2)``.

    Parameters
    ----------
    x, y : Tensor, shapes (n, k) and (n,)
        Codes and their classes.
    centres : Tensor, shape (C, k)
        Centres, which learn.
    other : Tensor, shape (n,), int64
        The class that each row should stay away from.
    inner : float
        Weight ``w`` of the own centre, between 0 and 1.
    margin : float
        In units of squared distance.

    Returns
    -------
    Tensor, 0-d
    """
    own = (x - centres[y]).square().sum(dim=1)
    far = (x - centres[other]).square().sum(dim=1)
    return functional.relu(margin + inner * own - (1 - inner) * far).mean()


def hardest_centres(x: Tensor, y: Tensor, centres: Tensor) -> Tensor:
    """The nearest wrong centre of every row: (n, k), (n,), (C, k) -> (n,), int64, without gradient."""
    distances = torch.cdist(x.detach(), centres.detach())
    return distances.scatter(1, y[:, None], torch.inf).argmin(dim=1)


def relation_gap(
    means: Tensor, centres: Tensor, near: Tensor, likeness: Tensor, below: float, above: float
) -> Tensor:
    """How far likenesses of features leave the band around likenesses of class vectors.

    Parameters
    ----------
    means : Tensor, shape (m, d)
        Mean synthetic row of each of m classes.
    centres : Tensor, shape (C, d)
        Real means of the seen classes.
    near : Tensor, shape (m, k), int64
        The k seen classes that each of the m is compared with.
    likeness : Tensor, shape (m, k)
        Cosines between the class vectors of the same pairs.
    below, above : float
        Width of the band under and over each likeness.

    Returns
    -------
    Tensor, shape (m,)
        Squared excess, summed over the k pairs of each class.
    """
    cosines = functional.normalize(means, dim=-1) @ functional.normalize(centres, dim=-1).mT
    found = cosines.gather(-1, near)
    over = functional.relu(found - (likeness + above))
    under = functional.relu((likeness - below) - found)
    return (over.square() + under.square()).sum(dim=-1)
