"""`isomorph rdm`: the dissimilarities among the stimuli."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from isomorph.cli._output import print_facts, print_json
from isomorph.cli._parse import StoreFolder, call
from isomorph.cli._source import read_features
from isomorph.errors import FileError, InputError

if TYPE_CHECKING:
    from isomorph.arrays import FloatArray
    from isomorph.geometry import RDM


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(rdm, words, command="rdm")


def rdm(
    source: Annotated[str, tyro.conf.Positional],
    *,
    distance: str = "correlation",
    out: Path,
    stimuli: Path | None = None,
    folds: Path | None = None,
    noise: str = "none",
    per_feature: bool = False,
    sigma: float = 1.0,
    sigma_unit: str = "median",
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Write the strict upper triangle of an RDM, row by row.

    Args:
        source: A file of features (FILE or FILE#KEY) or a stored layer (FINGERPRINT#LAYER).
        distance: correlation (1 - Pearson), cosine, euclidean, sqeuclidean, gaussian, mahalanobis, crossnobis or poisson.
        out: The file to write: .npy (the numbers), .npz (with the ids) or .csv (one row a pair, with both ids).
        stimuli: Where rows are repeated measurements: a text file with the stimulus of each row, one a line.
        folds: For crossnobis: a text file with the fold (run, session) of each row, one a line.
        noise: For mahalanobis and crossnobis: estimate the noise between features from the repeats and divide it out; none, or its
            shrinkage: diagonal, identity, full (none at all), variances.
        per_feature: Divide a squared distance by the number of features.
        sigma: The width of the gaussian distance.
        sigma_unit: median (times the median distance) or absolute.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: distance, n, pairs, out.
    """
    from isomorph.geometry import RDM, Gram

    features = read_features(source, store=store)
    if isinstance(features, Gram):
        if stimuli or folds or noise != "none" or per_feature:
            raise InputError("--stimuli, --folds, --noise and --per-feature need the features, but the store kept only their Gram matrix.")
        result = features.rdm(distance, sigma=sigma, sigma_unit=sigma_unit)
    elif stimuli is None:
        if folds or noise != "none":
            raise InputError("--folds and --noise are about repeated measurements: say with --stimuli which stimulus each row measured.")
        result = RDM.from_features(features, distance=distance, per_feature=per_feature, sigma=sigma, sigma_unit=sigma_unit)
    else:
        options = {"per_feature": per_feature, "sigma": sigma, "sigma_unit": sigma_unit}
        result = _of_repeats(features.values, _labels(stimuli), _labels(folds) if folds else None, distance, noise, options)
    _write(result, out)
    answer = {"distance": distance, "n": len(result.ids), "pairs": len(result.values), "out": str(out)}
    print_json(answer) if json else print_facts(answer)


def _of_repeats(values: FloatArray, stimuli: list[str], folds: list[str] | None, distance: str, noise: str, options: dict[str, Any]) -> RDM:
    """The RDM of repeated measurements: cross-validated between folds, or of each stimulus's mean."""
    from isomorph.geometry import RDM, noise_precision, repeat_residuals
    from isomorph.geometry._crossnobis import fold_means

    precision = None
    if noise != "none":
        residuals, degrees = repeat_residuals(values, stimuli=stimuli)
        precision = noise_precision(residuals, shrinkage=noise, degrees=degrees)
    if distance == "crossnobis":
        if folds is None:
            raise InputError("a crossnobis distance is cross-validated: say with --folds to which fold each row belongs.")
        return RDM.from_repeats(values, stimuli=stimuli, folds=folds, precision=precision, per_feature=options["per_feature"])
    means, ids = fold_means(values, stimuli=stimuli, folds=["all"] * len(values))
    return RDM.from_features(means[0], distance, ids=ids, precision=precision, **options)


def _labels(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read as one label a line: {getattr(error, 'strerror', None) or error}.") from error


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
