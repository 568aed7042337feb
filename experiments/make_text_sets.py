"""Datasets whose classes have sentences, as files of arrays that gzsl reads: the recipes called ``...TEXT`` want them.

``python experiments/make_text_sets.py DATA OUT`` takes CUB127, FLO89 and AWA20 and the sentence vectors CUPLVEC from
DATA and writes OUT/CUB127TEXT, OUT/FLO89TEXT and OUT/AWA20TEXT: the features, labels and split as they are, and
``cupl_embed`` (C, P, 384): twelve sentences of each bird and flower, written by a language model; of animals eight
prompts and the names of the ten attributes that are strongest, with the encoder of the extra ``text``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from gzsl.data import Dataset, load
from gzsl.errors import DataError
from gzsl.semantics.sources import text_table

PROMPTS = (
    "a photo of a {}.", "a bad photo of a {}.", "a close-up photo of a {}.", "a good photo of a {}.",
    "a photo of the large {}.", "a photo of the small {}.", "a photo of one {}.", "a {}, an animal.",
)  # fmt: skip
STRONGEST = 10
WRITTEN = {"CUB127": "cub200.npz", "FLO89": "flo102.npz"}
ATTRIBUTES = (
    "black", "white", "blue", "brown", "gray", "orange", "red", "yellow", "patches", "spots", "stripes", "furry",
    "hairless", "toughskin", "big", "small", "bulbous", "lean", "flippers", "hands", "hooves", "pads", "paws",
    "longleg", "longneck", "tail", "chewteeth", "meatteeth", "buckteeth", "strainteeth", "horns", "claws",
    "tusks", "smelly", "flys", "hops", "swims", "tunnels", "walks", "fast", "slow", "strong", "weak", "muscle",
    "bipedal", "quadrapedal", "active", "inactive", "nocturnal", "hibernate", "agility", "fish", "meat",
    "plankton", "vegetation", "insects", "forager", "grazer", "hunter", "scavenger", "skimmer", "stalker",
    "newworld", "oldworld", "arctic", "coastal", "desert", "bush", "plains", "forest", "fields", "jungle",
    "mountains", "ocean", "ground", "water", "tree", "cave", "fierce", "timid", "smart", "group", "solitary",
    "nestspot", "domestic",
)  # fmt: skip


def plain(name: str) -> str:
    """A class name in words: without the number, the signs of files and words that stand twice in a row."""
    words = name.split(".")[-1].replace("_", " ").replace("+", " ").replace("-", " ").lower().split()
    return " ".join(word for k, word in enumerate(words) if not k or word != words[k - 1])  # "lotus lotus"


def written_sentences(data: Path, dataset: Dataset) -> np.ndarray:
    """Vectors (C, P, 384) of sentences that were written for the classes, found by name."""
    with np.load(data / "CUPLVEC" / WRITTEN[dataset.name]) as file:
        names, vectors = [plain(str(name)) for name in file["class_names"]], file["embed"].astype(np.float32)
    missing = [name for name in dataset.class_names if plain(name) not in names]
    if missing:
        raise DataError(f"{dataset.name}: no sentences of {missing[0]!r} ({len(missing)} such classes)")
    return vectors[[names.index(plain(name)) for name in dataset.class_names]]


def prompts_and_attributes(dataset: Dataset) -> np.ndarray:
    """Vectors (C, P, 384) of prompts and of statements that name the strongest attributes."""
    values = dataset.tables["original_att"].table
    texts = {}
    for c, name in enumerate(dataset.class_names):
        strongest = [ATTRIBUTES[j] for j in np.argsort(-values[c], kind="stable")[:STRONGEST]]
        called = plain(name)
        sentences = [prompt.format(called) for prompt in PROMPTS]
        sentences += [f"a {called}, which is known for: {word}." for word in strongest]
        texts |= {f"{c}:{k}": sentence for k, sentence in enumerate(sentences)}
    table = text_table(texts, "minilm").semantics.table
    return table.reshape(dataset.n_classes, -1, table.shape[1])


def main() -> None:
    """Write the three datasets."""
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    for name in ("CUB127", "FLO89", "AWA20"):
        dataset = load(name, root=data)
        vectors = written_sentences(data, dataset) if name in WRITTEN else prompts_and_attributes(dataset)
        split, train = dataset.split, np.zeros(len(dataset.labels), dtype=bool)
        train[split.trainval] = True
        kept = np.sort(np.concatenate([split.trainval, split.test_seen, split.test_unseen]))
        folder = out / f"{name}TEXT"
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(
            folder / f"{name.lower()}text.npz", features=dataset.features[kept], labels=dataset.labels[kept],
            class_names=np.array(dataset.class_names), unseen=split.unseen, train=train[kept],
            cupl_embed=vectors.astype(np.float16),
        )  # fmt: skip
        sys.stdout.write(f"{folder}: {len(kept)} rows, {vectors.shape[1]} sentences a class\n")


if __name__ == "__main__":
    main()
