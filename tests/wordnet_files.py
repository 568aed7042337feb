"""Small WordNet databases in the true format, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

HEADER = "  1 This software and database is being provided to you, the LICENSEE, by  \n"
COPYRIGHT = "  2 WordNet {} Copyright 2006 by Princeton University.  All rights reserved.  \n"
ANIMALS = {  # words, what is above them, gloss; in the order in which senses count
    "entity": (["entity"], [], "that which is perceived"),
    "animal": (["animal", "beast"], ["entity"], "a living organism that moves voluntarily"),
    "bird": (["bird"], ["animal"], "warm-blooded egg-laying vertebrate with feathers and wings"),
    "sparrow": (["sparrow", "true_sparrow"], ["bird"], "small dull-coloured singing bird with feathers"),
    "albatross": (["black-footed_albatross"], ["bird"], "a variety of albatross, a bird with large wings"),
    "mammal": (["mammal"], ["animal"], "warm-blooded vertebrate with hair"),
    "wax": (["seal", "sealing_wax"], ["entity"], "fastener consisting of a resinous composition for closing letters"),
    "seal": (["seal"], ["mammal"], "marine mammal with hair and flippers"),
    "dog": (["dog", "domestic_dog"], ["mammal"], "a member of the genus Canis"),
    "pet": (["pet"], ["animal"], "a domesticated animal"),
    "rex": (["Rex"], ["@i dog", "pet"], "a dog of a film"),
}


def write_wordnet(
    folder: Path, synsets: Mapping[str, tuple[Sequence[str], Sequence[str], str]] = ANIMALS, version: str = "3.0"
) -> dict[str, int]:
    """Write ``data.noun`` and ``index.noun``; returns the place of every synset."""
    header = HEADER + COPYRIGHT.format(version)
    places, start = {}, len(header)
    for name in synsets:
        places[name] = start
        start += len(_line(name, synsets, dict.fromkeys(synsets, 0)))
    data = header + "".join(_line(name, synsets, places) for name in synsets)
    words: dict[str, list[str]] = {}
    for name, (said, _, _) in synsets.items():
        for word in said:
            words.setdefault(word.lower(), []).append(name)
    lines = [
        f"{word} n {len(names)} 1 @ {len(names)} 0 {' '.join(f'{places[name]:08d}' for name in names)}  \n"
        for word, names in sorted(words.items())
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.noun").write_text(data, encoding="latin-1")
    (folder / "index.noun").write_text(header + "".join(lines), encoding="latin-1")
    return places


def _line(name: str, synsets: Mapping[str, tuple[Sequence[str], Sequence[str], str]], places: Mapping[str, int]) -> str:
    words, above, gloss = synsets[name]
    pointers = [(pointer.split(" ")[-2] if " " in pointer else "@", pointer.split(" ")[-1]) for pointer in above]
    below = [other for other, (_, parents, _) in synsets.items() if name in parents]
    links = [f"{kind} {places[other]:08d} n 0000" for kind, other in [*pointers, *(("~", other) for other in below)]]
    said = " ".join(f"{word} 0" for word in words)
    count = f"{len(links):03d}"
    return f"{places[name]:08d} 05 n {len(words):02x} {said} {' '.join([count, *links])} | {gloss}  \n"
