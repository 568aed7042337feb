"""What every method that sees unlabelled rows must do besides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gzsl.conformance.subject import Subject, differing, expect, listed
from gzsl.data.pool import PoolChoice

CHOICES = (PoolChoice("unseen", "uniform"), PoolChoice("all", "estimated"))


def labels_of_the_pool_change_nothing(subject: Subject) -> None:
    """With all test labels shuffled, unlabelled rows of either pool and either prior teach it the same bits."""
    dataset, rng = subject.bench.dataset, np.random.default_rng(1)
    labels = np.array(dataset.labels)
    for rows in (dataset.split.test_seen, dataset.split.test_unseen):
        labels[rows] = rng.permutation(labels[rows])
    for choice in CHOICES:
        pair = (dataset, replace(dataset, labels=labels))
        views = [subject.bench.task_of(data, "transductive", choice).view for data in pair]
        other = differing(*(subject.retrain(subject.bench.smaller(view)) for view in views))
        expect(not other, f"pool {choice.rows}: with shuffled labels of the pool, fit gives other {listed(other)}")
