"""A study folder laid out as Ciernik et al. (2025) publish theirs.

```
features/<dataset>/<model>/features_{train,test}.pt        tensors, one row an image
model_similarities/<dataset>/<measure>/similarity_matrix.pt    a numpy matrix, and model_ids.txt beside it
datasets/  models/  results/                               not needed here
```
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.consistency._matrices import MODEL_IDS, Named, matrix_file, read_matrix, together
from isomorph.consistency._metadata import load_metadata
from isomorph.consistency._similarities import Similarities
from isomorph.errors import FileError, ShapeError
from isomorph.features import Features, load_features

if TYPE_CHECKING:
    import pandas


def from_original(folder: Path, *, metadata: pandas.DataFrame | Path | str | None, datasets: str, measures: str) -> Similarities:
    """See `Similarities.from_original`."""
    root = folder / "model_similarities"
    if not root.is_dir():
        raise FileError(f"{folder} holds no folder model_similarities/; give the study's own folder, the one above it.")
    found: dict[str, dict[str, Named]] = {}
    for dataset in _folders(root, datasets):
        by_measure = {each.name: _read(each) for each in _folders(dataset, measures) if matrix_file(each) is not None}
        if by_measure:
            found[dataset.name] = by_measure
    if not found:
        raise FileError(
            f"{root} holds no <dataset>/<measure>/similarity_matrix.pt or .npy for the data sets {datasets!r}, measures {measures!r}."
        )
    table = load_metadata(metadata) if isinstance(metadata, Path | str) else metadata
    return together(found, known={"metadata": table})


def load_original_features(folder: Path | str, dataset: str, model: str, *, split: str = "train") -> Features:
    """The features of one model on one data set of such a folder.

    Args:
        folder: The study's folder, the one that holds `features/`.
        dataset: Its name; `/` is written `_` on disk, and either will do.
        model: Its name.
        split: `"train"` or `"test"`.

    Returns:
        Features: `[image, feature]`; images are numbered from 0, in the order of the file.

    Raises:
        FileError: There is no such file, or it holds more than tensors.
    """
    path = Path(folder) / "features" / dataset.replace("/", "_") / model / f"features_{split}.pt"
    return load_features(path, subject=model)


def _folders(root: Path, pattern: str) -> list[Path]:
    return sorted(each for each in root.iterdir() if each.is_dir() and fnmatchcase(each.name, pattern))


def _read(folder: Path) -> Named:
    path = matrix_file(folder)
    if path is None or not (folder / MODEL_IDS).is_file():
        raise FileError(f"{folder} has no {MODEL_IDS}, so the rows of its matrix have no names. Write one model's name a line into it.")
    values, models = read_matrix(path)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or models is None or len(models) != len(values):
        raise ShapeError(f"{path} has the shape {values.shape}, but {MODEL_IDS} beside it names {len(models or ())} models.")
    return Named(values.astype(float), models)
