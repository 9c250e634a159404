"""`isomorph rdm`: the dissimilarities among the stimuli."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from isomorph.cli._output import print_facts, print_json
from isomorph.cli._parse import StoreFolder, call
from isomorph.cli._source import read_features
from isomorph.errors import FileError, InputError

if TYPE_CHECKING:
    from isomorph.geometry import RDM


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(rdm, words, command="rdm")


def rdm(
    source: Annotated[str, tyro.conf.Positional],
    *,
    distance: str = "correlation",
    out: Path,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Write the strict upper triangle of an RDM, row by row.

    Args:
        source: A file of features (FILE or FILE#KEY) or a stored layer (FINGERPRINT#LAYER).
        distance: correlation (1 - Pearson), cosine, euclidean or sqeuclidean.
        out: The file to write: .npy (the numbers), .npz (with the ids) or .csv (one row a pair, with both ids).
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: distance, n, pairs, out.
    """
    from isomorph.geometry import RDM, Gram

    features = read_features(source, store=store)
    result = features.rdm(distance) if isinstance(features, Gram) else RDM.from_features(features, distance=distance)
    _write(result, out)
    answer = {"distance": distance, "n": len(result.ids), "pairs": len(result.values), "out": str(out)}
    print_json(answer) if json else print_facts(answer)


def _write(result: RDM, out: Path) -> None:
    import numpy as np

    try:
        if out.suffix == ".npy":
            np.save(out, result.values)
        elif out.suffix == ".npz":
            np.savez(out, rdm=result.values, ids=np.array(result.ids))
        elif out.suffix == ".csv":
            first, second = np.triu_indices(len(result.ids), 1)
            with out.open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file, lineterminator="\n")
                table.writerow(["first", "second", "dissimilarity"])
                table.writerows(zip(np.take(result.ids, first), np.take(result.ids, second), result.values.tolist(), strict=True))
        else:
            raise InputError(f"an RDM is written as .npy, .npz or .csv; got {out.name!r}.")
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{out} cannot be written: {error.strerror or error}.") from error
