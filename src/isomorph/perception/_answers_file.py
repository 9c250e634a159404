"""Answers in files: npz, JSON, CSV, Parquet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from isomorph.errors import FileError, InputError
from isomorph.perception._answers import Answers
from isomorph.perception._submission import read_submission

if TYPE_CHECKING:
    import pandas

_FORMAT = "isomorph-answers"
_COLUMNS = {"truth": "truth", "group": "groups", "condition": "conditions", "category": ""}
_ABSTAIN = ("abstain", "na")
_TEXTS = ("abstain", "subject", "provenance")
_LISTS = ("truth", "groups", "conditions")
_MOST_COLUMNS = 50_000  # ImageNet-21k has 21,843 classes


def write_answers(answers: Answers, path: Path | str) -> None:
    """Write answers by the suffix: `.npz` and `.json` keep everything, `.csv` and `.parquet` are item × outcome tables.

    A table has the column `id`, `truth`, `group` and `condition` where they are known, then one column an outcome: votes, where the
    probabilities are the votes' shares, else probabilities.

    Raises:
        FileError: The suffix is another, or an outcome is called as one of the table's own columns.
    """
    path = Path(path)
    if path.suffix == ".npz":
        np.savez_compressed(path, allow_pickle=False, **_as_arrays(answers))
    elif path.suffix == ".json":
        plain = {"format": _FORMAT, **{key: each.tolist() for key, each in _as_arrays(answers).items()}}
        if answers.given is not None:
            plain["given"] = [None if np.isnan(row).any() else row.tolist() for row in answers.given]
        path.write_text(json.dumps(plain, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    elif path.suffix == ".csv":
        _as_table(answers).to_csv(path, index=False)
    elif path.suffix == ".parquet":
        _as_table(answers).to_parquet(path, index=False)
    else:
        raise FileError(f"{path} has no suffix that answers are written with; .npz, .json, .csv and .parquet are.")


def read_answers(path: Path | str, *, kind: Literal["auto", "probabilities", "counts"] = "auto", abstain: str | None = None) -> Answers:
    """Read answers by the suffix: `.npz`, `.json` (ours, or a leaderboard submission), `.csv`, `.tsv`, `.parquet`, `.npy`.

    A table's first column names the items. Columns called truth, group and condition are taken as such, and one called category as the
    truth where it holds outcomes, else as the group (VisAlign's 1 to 8); all others are outcomes. Where rows sum to 1 only with the first
    column, it is an outcome, too, and items are numbered; so are items and outcomes of a bare array [item, outcome] (`.npy`). `"auto"`
    takes whole numbers whose rows do not all sum to 1 as votes. Pickles are not read here: `read_visalign_pickle` does.

    Args:
        path: The file; its stem becomes the subject of a table.
        kind: What a table holds.
        abstain: Which outcome of a table abstains; by default one called "abstain" or "na".

    Raises:
        FileError: The file cannot be read as answers, or is a table of more than 50,000 columns.
        InputError: Its numbers are no distributions; the message names the item.
    """
    path = Path(path)
    try:
        if path.suffix == ".npz":
            return _from_npz(path)
        if path.suffix == ".json":
            return _from_json(path)
        if path.suffix in (".csv", ".tsv", ".parquet"):
            return _from_table(path, kind, abstain)
        if path.suffix == ".npy":
            return _from_array(path, kind)
    except InputError as error:
        if str(error).startswith(str(path)):
            raise
        raise type(error)(f"{path}: {error}") from error
    raise FileError(
        f"{path} has no suffix of answers; .npz, .json, .csv, .tsv, .parquet and .npy are read, pickles by read_visalign_pickle."
    )


def _as_arrays(answers: Answers) -> dict[str, Any]:
    arrays: dict[str, Any] = {"ids": np.array(answers.ids), "outcomes": np.array(answers.outcomes), "probabilities": answers.probabilities}
    arrays |= {name: np.array(getattr(answers, name) or "") for name in _TEXTS}
    arrays |= {name: np.array(column) for name in _LISTS if (column := getattr(answers, name)) is not None}
    return arrays | {name: column for name in ("counts", "given") if (column := getattr(answers, name)) is not None}


def _from_npz(path: Path) -> Answers:
    from isomorph.data import read_npz

    arrays = read_npz(path)
    if not {"ids", "outcomes", "probabilities"} <= set(arrays):
        raise FileError(f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}; answers hold ids, outcomes and probabilities.")
    facts: dict[str, Any] = {name: str(arrays[name]) for name in _TEXTS if name in arrays}
    facts |= {name: tuple(arrays[name].tolist()) for name in _LISTS if name in arrays}
    facts |= {name: arrays[name] for name in ("counts", "given") if name in arrays}
    facts["abstain"] = facts.get("abstain") or None
    ids, outcomes = tuple(map(str, arrays["ids"].tolist())), tuple(map(str, arrays["outcomes"].tolist()))
    return Answers(ids=ids, outcomes=outcomes, probabilities=arrays["probabilities"], **facts)


def _from_json(path: Path) -> Answers:
    from isomorph.data import read_json

    plain = read_json(path)
    if not isinstance(plain, dict) or plain.get("format") != _FORMAT:
        return read_submission(path)
    try:
        width = len(plain["outcomes"])
        facts: dict[str, Any] = {name: str(plain[name]) for name in _TEXTS if plain.get(name)}
        facts |= {name: tuple(_listed(plain, name)) for name in _LISTS if plain.get(name) is not None}
        facts["counts"] = np.array(plain["counts"], dtype=np.int64) if plain.get("counts") is not None else None
        if plain.get("given") is not None:
            facts["given"] = np.array([[np.nan] * width if row is None else row for row in plain["given"]], dtype=np.float64)
        columns = tuple(_listed(plain, "ids")), tuple(_listed(plain, "outcomes")), np.array(plain["probabilities"], dtype=np.float64)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FileError(f"{path} says that it holds answers, but lacks or garbles them: {error}.") from error
    return Answers(ids=columns[0], outcomes=columns[1], probabilities=columns[2], **facts)


def _listed(plain: dict[str, Any], name: str) -> list[Any]:
    column = plain[name]
    if not isinstance(column, list):
        raise TypeError(f"{name} is no list")
    return column


def _as_table(answers: Answers) -> pandas.DataFrame:
    import pandas

    clash = next((each for each in answers.outcomes if each in ("id", *_COLUMNS)), None)
    if clash is not None:
        raise FileError(f"an outcome is called {clash!r}, as a column of the table is. Write .npz or .json, or rename it.")
    own = {"id": answers.ids, "truth": answers.truth, "group": answers.groups, "condition": answers.conditions}
    counts = answers.counts
    whole = counts is not None and np.array_equal(counts / counts.sum(axis=1, keepdims=True), answers.probabilities)
    values = counts if counts is not None and whole else answers.probabilities
    table = {name: column for name, column in own.items() if column is not None}
    return pandas.DataFrame(table | {name: values[:, at] for at, name in enumerate(answers.outcomes)})


def _from_table(path: Path, kind: str, abstain: str | None) -> Answers:
    from pandas import to_numeric

    from isomorph.data import read_csv, read_table

    separator = "\t" if path.suffix == ".tsv" else ","
    if path.suffix != ".parquet":
        _check_width(path, _header_width(path, separator))
    texts = {"dtype": dict.fromkeys((*_COLUMNS, 0), str), "keep_default_na": False, "na_values": ["NaN", "nan"]}
    table = read_table(path) if path.suffix == ".parquet" else read_csv(path, sep=separator, **texts)
    _check_width(path, len(table.columns))
    names = [str(each) for each in table.columns]
    outcomes = [name for name in names[1:] if name not in _COLUMNS]
    columns = {name: tuple("" if each is None else str(each) for each in table[name]) for name in names[1:] if name in _COLUMNS}
    category = columns.pop("category", None)
    facts: dict[str, Any] = {_COLUMNS[name]: column for name, column in columns.items()}
    if category is not None:
        facts.setdefault("truth" if set(category) <= {"", *outcomes} else "groups", category)
    if not outcomes:
        raise FileError(f"{path} has the columns {', '.join(names)}; a table of answers has the items, then one column an outcome.")
    try:
        values = table[outcomes].to_numpy(dtype=np.float64)
    except ValueError as error:
        raise FileError(f"{path} holds something that is no number among the outcomes {', '.join(outcomes[:5])}: {error}.") from error
    facts |= {
        "abstain": abstain or next((each for each in _ABSTAIN if each in outcomes), None),
        "subject": path.stem,
        "provenance": path.name,
    }
    if not len(table):
        raise FileError(f"{path} holds no item below its header.")
    first = table.iloc[:, 0]
    ids = tuple(str(each) for each in first)
    numbers, sums = to_numeric(first, errors="coerce").to_numpy(dtype=np.float64), values.sum(axis=1)
    if np.allclose(numbers + sums, 1, atol=1e-3) and not np.allclose(sums, 1, atol=1e-3):  # NaN, of names, is never close
        ids, outcomes, values = _numbered(len(values)), [names[0], *outcomes], np.column_stack([numbers, values])
    return _made(ids, outcomes, values, kind, facts)


def _header_width(path: Path, separator: str) -> int:
    """Columns of a text table; 0 where that cannot be said, which is then said by whoever reads it."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline().count(separator) + 1
    except OSError:
        return 0


def _check_width(path: Path, columns: int) -> None:
    if columns > _MOST_COLUMNS:
        raise FileError(
            f"{path} has {columns:,} columns; tables of answers are read up to {_MOST_COLUMNS:,}. Write .npz instead: "
            "Answers(…).save('answers.npz')."
        )


def _from_array(path: Path, kind: str) -> Answers:
    from isomorph.data import read_npy

    values = np.asarray(read_npy(path))
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise FileError(f"{path} holds {values.dtype} of shape {values.shape}; answers are numbers with the axes [item, outcome].")
    facts = {"subject": path.stem, "provenance": path.name}
    return _made(_numbered(len(values)), list(_numbered(values.shape[1])), values.astype(np.float64), kind, facts)


def _made(ids: tuple[str, ...], outcomes: list[str], values: Any, kind: str, facts: dict[str, Any]) -> Answers:
    whole = np.isfinite(values).all() and (values == np.rint(values)).all()
    if kind == "counts" or (kind == "auto" and whole and (values.sum(axis=1) != 1).any()):
        return Answers.from_counts(ids, outcomes, values, **facts)
    return Answers(ids=ids, outcomes=tuple(outcomes), probabilities=values, **facts)


def _numbered(n: int) -> tuple[str, ...]:
    return tuple(map(str, range(n)))
