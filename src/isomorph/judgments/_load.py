"""Judgments from the files of many programs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from isomorph.errors import FileError, UnknownNameError
from isomorph.judgments._triplets import Triplets

READERS = {
    "isomorph": "_own_files:read_own",
    "things": "_numbered:read_things",
    "things-csv": "_things_csv:read_things_csv",
    "cblearn": "_numbered:read_cblearn",
    "alignet": "_alignet:read_alignet",
    "levels": "_levels:read_levels",
    "nights": "_nights:read_nights",
    "material-appearance": "_material_appearance:read_material_appearance",
}


def load_triplets(path: Path | str, format: str = "auto", **options: Any) -> Triplets:
    """Read a file of judgments into the one form of `Triplets`.

    Formats:

    - `"isomorph"`: `.npz`, `.csv`, ours: names and all
    - `"things"`: `.npy`, whitespace `.txt`, THINGS, VICE, SPoSE, gLocal: counts from 0, odd one **last**
    - `"things-csv"`: `.csv` with tabs, THINGS, large: `image1` … `image3` count from 1, `choice` (1, 2, 3) is the odd one
    - `"cblearn"`: `.npy`, whitespace `.txt`, counts from 0, odd one **first**
    - `"alignet"`: `.npz`, `indices`, `similarities`, `filenames`; odd one last
    - `"levels"`: `.pkl`, file names; `selected_image` is the odd one. Only plain data are read from it, no code is run
    - `"nights"`: `.csv`, two alternatives to a reference, with votes
    - `"material-appearance"`: `.json`, two alternatives to a reference, with votes

    Args:
        path: The file.
        format: One of these; `"auto"` looks at the file. Files of numbers in three columns are taken for `"things"`: whether the odd
            one stands first or last cannot be seen, so say `"cblearn"` where it is first.
        options: Of the reader: `objects` (ids in the order that the numbers count, or how many there are) and `base` (0 or 1) for files
            of numbers; see `read_things`, `read_things_csv`, `read_alignet`, `read_levels`, `read_nights`,
            `read_material_appearance`.

    Raises:
        FileError: The file is not what it claims to be.
        UnknownNameError: There is no such format.
    """
    path = Path(path)
    name = _recognised(path) if format == "auto" else format
    if name not in READERS:
        raise UnknownNameError("triplet format", name, READERS)
    module, _, function = READERS[name].partition(":")
    reader: Callable[..., Triplets] = getattr(import_module(f"isomorph.judgments.{module}"), function)
    try:
        return reader(path, **options)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise FileError(f"{path} was read as {name!r}, and that reader has no such option: {error}.") from error


def _recognised(path: Path) -> str:
    if not path.is_file():
        raise FileError(f"there is no file {path}.")
    suffix = path.suffix.lower()
    if suffix in (".npy", ".txt"):
        return "things"
    if suffix in (".pkl", ".pickle"):
        return "levels"
    if suffix == ".json":
        return "material-appearance"
    if suffix == ".npz":
        from isomorph.judgments._npz_stream import NpzStream

        with NpzStream(path) as archive:
            return "alignet" if "indices" in archive.names else "isomorph"
    if suffix in (".csv", ".tsv"):
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            head = file.readline()
        if "image1" in head and "choice" in head:
            return "things-csv"
        return "nights" if "ref_path" in head else "isomorph"
    raise FileError(
        f"{path} has the suffix {path.suffix!r}; judgments are read from .npz, .npy, .txt, .csv, .tsv, .pkl and .json. Name a format."
    )
