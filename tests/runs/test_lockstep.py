"""Several seeds of a recipe trained as one model: the same folders and numbers as one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gzsl.errors import GzslError, TrainingDiverged
from gzsl.methods.stacked import Fit, Outcome
from gzsl.runs import RunResult, load_recipe, run_recipe
from gzsl.runs.lockstep import Fits, carry_out

QUICK = {
    "method.n_epochs": 4, "method.hidden_dim": 32, "method.n_synthetic": 20, "method.n_synthetic_zsl": 20,
    "method.pretrain_epochs": 3, "method.head.n_epochs": 3, "selection.every": 2, "selection.folds": 1,
    "method.critic_steps": 2,
}  # fmt: skip
SEEDS = [2, 0, 1]


@pytest.fixture(scope="module")
def separate(tmp_path_factory: pytest.TempPathFactory) -> list[RunResult]:
    return run_recipe(load_recipe("f-clswgan/simulated", QUICK), out=tmp_path_factory.mktemp("separate"),
                      seeds=SEEDS, device="cpu", stack=False)  # fmt: skip


def records(result: RunResult) -> list[dict]:
    rows = [json.loads(line) for line in (result.folder / "records.jsonl").read_text().splitlines()]
    return sorted(rows, key=lambda row: (row["kind"], row.get("fit", ""), row["epoch"]))


def same(found: RunResult, expected: RunResult) -> None:
    assert found.folder.name == expected.folder.name, "the key of a run does not depend on how it was trained"
    assert {p.name for p in found.folder.iterdir()} == {p.name for p in expected.folder.iterdir()}
    assert found.metrics.keys() == expected.metrics.keys()
    assert found.metrics["chosen"]["epoch"] == expected.metrics["chosen"]["epoch"]
    assert found.metrics["test_reads"] == expected.metrics["test_reads"]
    for name in ("T1", "U", "S", "H", "AUSUC"):
        assert found.metrics[name] == pytest.approx(expected.metrics[name], abs=0.01), name
    for one, other in zip(records(found), records(expected), strict=True):
        assert one.keys() == other.keys()
        if one["kind"] == "losses":
            assert one["losses"] == pytest.approx(other["losses"], rel=1e-3, abs=1e-4)
    assert (found.folder / "recipe.yaml").read_bytes() == (expected.folder / "recipe.yaml").read_bytes()
    scores = [np.load(result.folder / "scores.npz") for result in (found, expected)]
    assert set(scores[0].files) == set(scores[1].files)


def test_stacked_runs_equal_separate_ones(separate: list[RunResult], tmp_path: Path) -> None:
    found = run_recipe(load_recipe("f-clswgan/simulated", QUICK), out=tmp_path, seeds=SEEDS, device="cpu", stack=True)
    assert [result.metrics["seed"] for result in found] == SEEDS
    for one, other in zip(found, separate, strict=True):
        same(one, other)
        assert "trained as one model with 2 other fit(s)" in (one.folder / "log.txt").read_text()
        assert not list(one.folder.glob("checkpoint-*"))


def test_finished_runs_are_read_and_a_started_one_is_continued(
    separate: list[RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gzsl.runs import reporter

    recipe = load_recipe("f-clswgan/simulated", QUICK)
    (first,) = run_recipe(recipe, out=tmp_path, seeds=[0], device="cpu")
    monkeypatch.setattr(reporter, "CHECKPOINT_SECONDS", 0.0)
    keep, kept = reporter.FitMonitor.keep, []

    def stop(self: reporter.FitMonitor, state: bytes) -> None:
        keep(self, state)
        kept.append(self)
        if len(kept) == 7:  # in the fourth step of a stack of two, between the two checkpoints
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reporter.FitMonitor, "keep", stop)
        with pytest.raises(KeyboardInterrupt):
            run_recipe(recipe, out=tmp_path, seeds=SEEDS, device="cpu", stack=True)
    found = run_recipe(recipe, out=tmp_path, seeds=SEEDS, device="cpu", stack=True)
    assert [result.fresh for result in found] == [True, False, True]
    assert found[1].metrics == first.metrics
    for one, other in zip(found, separate, strict=True):
        same(one, other)


def test_a_method_that_cannot_be_stacked_runs_seed_after_seed(tmp_path: Path) -> None:
    found = run_recipe(load_recipe("eszsl/simulated"), out=tmp_path, seeds=[0, 1], device="cpu", stack=True)
    assert [result.fresh for result in found] == [True, True]


def test_a_failing_run_is_logged_and_the_others_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gzsl.methods.generative.f_clswgan import FCLSWGAN

    statistics = FCLSWGAN.epoch_statistics

    def collapsing(self: FCLSWGAN) -> dict[str, float]:
        if self.streams.seed == 1:
            raise TrainingDiverged("f-clswgan: the generator collapsed")
        return statistics(self)

    monkeypatch.setattr(FCLSWGAN, "epoch_statistics", collapsing)
    recipe = load_recipe("f-clswgan/simulated", {**QUICK, "selection": "last", "calibration": "none"})
    with pytest.raises(TrainingDiverged, match="collapsed"):
        run_recipe(recipe, out=tmp_path, seeds=[0, 1, 2], device="cpu", stack=True)
    folders = {seed: next(tmp_path.glob(f"*-s{seed}-*")) for seed in (0, 1, 2)}
    assert [(folder / "done").exists() for folder in folders.values()] == [True, False, True]
    assert "failed: f-clswgan: the generator collapsed" in (folders[1] / "log.txt").read_text()


def test_carrying_out_sends_outcomes_and_throws_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    from gzsl.runs import lockstep

    asked: list[list[int]] = []

    def fitted(fits: list[Fit], *, stack: bool | None) -> list[Outcome]:
        asked.append([fit.seed for fit in fits])
        return [Outcome(GzslError("no") if fit.seed == 3 else None, float(fit.seed)) for fit in fits]

    monkeypatch.setattr(lockstep, "fit_together", fitted)

    def run(*seeds: int) -> Fits[float]:
        total = 0.0
        for seed in seeds:
            outcome = yield Fit(None, None, seed)  # type: ignore[arg-type]
            total += outcome.seconds
        return total

    ends = carry_out([run(1, 2), run(3, 4), run(), run(5)])
    assert asked == [[1, 3, 5], [2]]
    assert (ends[0], ends[2], ends[3]) == (3.0, 0.0, 5.0)
    assert isinstance(ends[1], GzslError)
