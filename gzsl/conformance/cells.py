"""A small dataset whose pictures have regions."""

from __future__ import annotations

import numpy as np

from gzsl.data import Dataset
from gzsl.data.regions import Regions, hash_regions


def with_cells(dataset: Dataset, side: int = 3) -> Dataset:
    """A dataset whose rows have regions: most of a row shows in a few cells of a grid, by chance which ones."""
    n_cells, rng = side * side, np.random.default_rng(0)
    shares = rng.dirichlet(np.full(n_cells, 0.5), size=len(dataset.labels)).astype(np.float32)
    values = np.empty((len(shares), n_cells, dataset.features.shape[1]), dtype=np.float16)
    values[:] = dataset.features[:, None, :] * (n_cells * shares[:, :, None])
    return dataset.with_regions(Regions(values, "simulated", (side, side), hash_regions(values)))
