"""model-vs-human's CSV files, read and written."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path

import numpy as np

from isomorph.errors import FileError, InputError
from isomorph.perception._distributions import Floats
from isomorph.perception._plain_names import image_key, plain_condition, plain_number, plain_subject
from isomorph.perception._trials import PEOPLE, Column, Trials

_COLUMNS = ("subj", "session", "trial", "rt", "object_response", "category", "condition", "imagename")
_OPTIONAL = {"session": "1", "trial": "0", "rt": "NaN", "condition": "0"}
_NAME = re.compile(r"(?P<body>.+_.+)_session[-_][^_]+$", re.DOTALL)
_MOST_COLUMNS = 1000


def read_trials(
    source: Path | str | Iterable[Path | str], *, people: str = PEOPLE, no_answer: str = "na", key: Callable[[str], str] = image_key
) -> Trials:
    """Trials of a folder of CSV files, or of the files given.

    Columns, in any case and order: `subj`, `object_response`, `category`, `imagename`, and where they are known `session`, `trial`, `rt`,
    `condition`. The data set stands before the subject in a file's name (`<dataset>_<subject>_session_1.csv`, the form
    of people's files, or `…_session-1.csv`, that of models'); other names belong to the data set that their folder is called after. In a
    folder, at any depth, files of that form are read, and where there is none, all CSV files.

    People and models share an image by the last two fields of `imagename` at `_` if the first of both starts with `n0`, else by its last
    field. Conditions are equal by value (`0.60`, `0.6`) and without case (`True`, `true`); NaN and nothing are `"0"`.

    Args:
        source: A folder or files.
        people: A shell pattern over subjects: who is a person.
        no_answer: The response that stands for none, counted as wrong.
        key: From an `imagename` to what people and models share, where your own names follow another rule: `str` takes them whole.

    Raises:
        FileError: A file lacks a column or has it twice, has more than 1,000 columns or a row of another length, or says another subject
            inside than in its name.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "edge_subject-01_session_1.csv"
        >>> header = "subj,Session,trial,rt,object_response,category,condition,imagename"
        >>> _ = file.write_text(header + chr(10) + "subject-01,1,1,.8,knife,oven,0,0001_edg_s01_0_oven_00_oven10.png" + chr(10))
        >>> trials = read_trials([file])
        >>> trials.dataset.names, trials.item.names, trials.correct.tolist()
        (('edge',), ('oven10.png',), [False])
    """
    files = _files(source)
    tables = [_read(each) for each in files]
    columns = {name: list(chain.from_iterable(table[at] for table in tables)) for at, name in enumerate(_COLUMNS)}
    names = [_dataset(path, table[0]) for path, table in zip(files, tables, strict=True)]
    datasets = Column.of(list(chain.from_iterable([name] * len(table[0]) for name, table in zip(names, tables, strict=True))))
    image = Column.of(columns["imagename"])
    return Trials(
        subject=Column.of(columns["subj"]).renamed(plain_subject), dataset=datasets,
        condition=Column.of(columns["condition"]).renamed(plain_condition), item=image.renamed(key), image=image,
        response=Column.of(columns["object_response"]).renamed(str.strip), category=Column.of(columns["category"]).renamed(str.strip),
        rt=np.concatenate([_seconds(path, table[_COLUMNS.index("rt")]) for path, table in zip(files, tables, strict=True)]),
        session=Column.of(columns["session"]), trial=Column.of(columns["trial"]),
        people=people, no_answer=no_answer,
    )  # fmt: skip


def write_trials(trials: Trials, folder: Path | str) -> list[Path]:
    """Write trials as model-vs-human does: `<dataset>/<dataset>_<subject>_session_1.csv`, with a hyphen before the 1 for models.

    Returns:
        The files written, one for each data set, subject and session.

    Raises:
        InputError: A data set, subject or session is called as no file can be (trials of foreign files may name places elsewhere), or a
            session has a `_`, so that `read_trials` could not tell it from the subject.
    """
    for what, column in (("data set", trials.dataset), ("subject", trials.subject), ("session", trials.session)):
        bad = next((each for each in column.names if re.search(r"[/\\\0]", each) or each in ("", ".", "..")), None)
        if bad is not None:
            raise InputError(f"the {what} {bad!r} cannot be part of a file's name. Give it a name, and one without slashes.")
    bad = next((each for each in trials.session.names if "_" in each), None)
    if bad is not None:
        raise InputError(f"the session {bad!r} has a '_', which ends names in a file's name. Give it a name without.")
    rows = list(zip(
        trials.subject.values(), trials.session.values(), trials.trial.values(), map(plain_number, trials.rt.tolist()),
        trials.response.values(), trials.category.values(), trials.condition.values(), trials.image.values(), strict=True,
    ))  # fmt: skip
    keys = np.stack([trials.dataset.codes, trials.subject.codes, trials.session.codes], axis=1)
    found, which = np.unique(keys, axis=0, return_inverse=True)
    written = []
    for at, (dataset, subject, session) in enumerate(found.tolist()):
        name, who = trials.dataset.names[dataset], trials.subject.names[subject]
        mark = "_" if fnmatchcase(who, trials.people) else "-"
        path = Path(folder) / name / f"{name}_{who}_session{mark}{trials.session.names[session]}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(rows[row] for row in np.flatnonzero(which.ravel() == at))
        written.append(path)
    return written


def _files(source: Path | str | Iterable[Path | str]) -> list[Path]:
    if not isinstance(source, str | Path):
        files = [Path(each) for each in source]
        if not files:
            raise InputError("there is no file to read trials from.")
        return files
    source = Path(source)
    if not source.is_dir():
        return [source]
    files = sorted(source.rglob("*.csv"))
    files = [each for each in files if _NAME.match(each.stem)] or files
    if not files:
        raise FileError(f"{source} holds no CSV file.")
    return files


def _read(path: Path) -> list[Sequence[str]]:
    """The columns of one file, in the order of `_COLUMNS`."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [each.strip().lower() for each in next(reader, [])]
            rows = [each for each in reader if each] if len(header) <= _MOST_COLUMNS else []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path} cannot be read as a CSV table: {error}.") from error
    if len(header) > _MOST_COLUMNS:
        raise FileError(f"{path} has {len(header):,} columns, where trials have {len(_COLUMNS)} and at most {_MOST_COLUMNS:,} are read.")
    missing = [each for each in _COLUMNS if each not in header and each not in _OPTIONAL]
    if missing:
        raise FileError(f"{path} lacks the column {missing[0]!r}; it has {', '.join(header) or 'none'}. Trials have {', '.join(_COLUMNS)}.")
    twice = next((each for each in _COLUMNS if header.count(each) > 1), None)
    if twice is not None:
        raise FileError(f"{path} has the column {twice!r} twice, whatever its case; keep one.")
    short = next((at for at, each in enumerate(rows) if len(each) != len(header)), None)
    if short is not None:
        raise FileError(f"{path}: row {short + 2} has {len(rows[short])} fields and the header {len(header)}.")
    if not rows:
        raise FileError(f"{path} holds no trial.")
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    found: list[Sequence[str]] = [columns[each] if each in columns else [_OPTIONAL[each]] * len(rows) for each in _COLUMNS]
    return found


def _dataset(path: Path, subjects: Sequence[str]) -> str:
    """What stands before the subject in a file's name, where the name has the form, and else the folder's name."""
    match = _NAME.match(path.stem)
    if not match:
        return path.parent.name
    body, inside = match["body"], {plain_subject(each) for each in set(subjects)}
    for who in inside if len(inside) == 1 else ():
        before = body[: -len(who)]
        if len(before) > 1 and before.endswith("_") and plain_subject(body[-len(who) :]) == who:
            return before[:-1]
    raise FileError(
        f"{path} is called after the subject {body.split('_', 1)[1]!r}, but holds trials of {', '.join(map(repr, sorted(inside)))}. Names "
        "may differ in - and _ only; rename the file or correct its column 'subj'."
    )


def _seconds(path: Path, texts: Sequence[str]) -> Floats:
    try:
        return np.array([math.nan if each.strip().lower() in ("", "na", "none") else float(each) for each in texts])
    except ValueError as error:
        raise FileError(f"{path}: a response time in its column 'rt' is no number: {error}.") from error
