"""Several vectors a class, and embeddings made elsewhere, from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from command_line import gzsl

from gzsl.data.class_tables import read_class_table


def test_sentences_and_prompts_become_members(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("class,text\nfox,red fur\nfox,bushy tail\nseal,grey fur\nowl,feathers\n")
    done = gzsl("semantics", "text", "t.csv", "--members", "--out", "said.npz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Members(3 classes x 1 to 2 members" in done.stdout
    found = read_class_table(tmp_path / "said.npz")
    assert found.members is not None and found.members.sizes.tolist() == [2, 1, 1]
    refused = gzsl("semantics", "text", "t.csv", "--members", "--out", "said.csv", cwd=tmp_path)
    assert refused.returncode == 2 and "expected an .npz" in refused.stderr
    (tmp_path / "p.txt").write_text("a photo of a {}\n{} outdoors\n")
    (tmp_path / "classes.csv").write_text("class\nfox\nseal\n")
    made = gzsl(
        "semantics", "prompts", "p.txt", "classes.csv", "--encoder", "tfidf", "--out", "prompts.npz", cwd=tmp_path
    )
    assert made.returncode == 0, made.stderr
    prompts = read_class_table(tmp_path / "prompts.npz").members
    assert prompts is not None and prompts.templates == ("a photo of a {}", "{} outdoors")
    (tmp_path / "p.txt").write_text("a photo\n")
    bad = gzsl("semantics", "prompts", "p.txt", "classes.csv", "--encoder", "tfidf", "--out", "x.npz", cwd=tmp_path)
    assert bad.returncode == 2 and "without {}" in bad.stderr and not (tmp_path / "x.npz").exists()


def test_embeddings_become_a_features_folder(tmp_path: Path) -> None:
    np.savez(tmp_path / "e.npz", image_embed=np.eye(4, 3) + 1, labels=["a", "a", "b", "b"])
    done = gzsl("features", "import", "e.npz", "--name", "clip", "--out", "f", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4 rows, 3 numbers each, called clip" in done.stdout
    assert "e.npz" in gzsl("features", "show", "f", cwd=tmp_path).stdout
