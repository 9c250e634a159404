"""What aligning features cost, and what it gained: one table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import FileError, InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "transform", "question", "before", "after", "difference", "low", "high", "change", "n", "unit", "drawn", "chance",
    "before_low", "before_high", "after_low", "after_high", "ceiling_lower", "ceiling_upper", "seen", "note",
)  # fmt: skip
UNSEEN, PICTURES_SEEN, JUDGMENTS_SEEN, SEEN_UNKNOWN = "unseen", "pictures seen in training", "judgments seen", "not known"
_LATER = {"ceiling_lower": None, "ceiling_upper": None, "seen": SEEN_UNKNOWN}  # columns that files of before lack


@dataclass(frozen=True, eq=False, kw_only=True)
class AlignmentCheck:
    """Features before and after one map or several, by every question that could be asked of them.

    Larger is better in every row. `low` and `high` are the ends of the interval of `difference`, `change` says where that lies:
    `"better"`, `"worse"` or `"none shown"` (which is not the same as none: look at how wide it is).

    Attributes:
        rows: One mapping for each map and question, with the keys of `table`'s columns; without ceilings where there are none, and `seen`
            is `"not known"` unless it is given.
        options: What the figures were computed with, as plain data.
        notes: What a reader must know.
    """

    rows: tuple[Mapping[str, Any], ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple({**_LATER, **each} for each in self.rows))

    @cached_property
    def table(self) -> pandas.DataFrame:
        """One row for each map and question.

        `before`, `after`, `difference`; `low` and `high` of the difference; `change`; `n` of the `unit` that counts; what the bootstrap has
        `drawn`; `chance`; the intervals of `before` and `after` by themselves; `ceiling_lower` and `ceiling_upper`, what people reach,
        where that is known (`note` says how it was reckoned); whether what was asked about had been `seen`: `"unseen"`,
        `"pictures seen in training"`, `"judgments seen"` or `"not known"`; `note`.
        """
        import pandas

        return pandas.DataFrame([dict(each) for each in self.rows], columns=list(COLUMNS))

    @property
    def transforms(self) -> tuple[str, ...]:
        """The maps' names."""
        return tuple(dict.fromkeys(each["transform"] for each in self.rows))

    @property
    def questions(self) -> tuple[str, ...]:
        """What was asked."""
        return tuple(dict.fromkeys(each["question"] for each in self.rows))

    def row(self, question: str, transform: str | None = None) -> Mapping[str, Any]:
        """One row of the table; `transform` may be left out where there is one alone.

        Raises:
            UnknownNameError: There is no such question, or no such map.
            InputError: There are several maps and none is named.
        """
        if question not in self.questions:
            raise UnknownNameError("question", question, self.questions)
        if transform is None and len(self.transforms) > 1:
            raise InputError(f"{len(self.transforms)} maps were checked; name one of {', '.join(map(repr, self.transforms))}.")
        if transform is not None and transform not in self.transforms:
            raise UnknownNameError("map", transform, self.transforms)
        return next(each for each in self.rows if each["question"] == question and transform in (None, each["transform"]))

    def __str__(self) -> str:
        lines = []
        for name in self.transforms:
            own = [each for each in self.rows if each["transform"] == name]
            width = max(len(each["question"]) for each in own)
            lines += [name, *(f"  {each['question']:<{width}}  {_said(each)}" for each in own)]
        remarks = [f"{each['question']}: {each['note']}" for each in self.rows if each["note"]]
        return "\n".join([*lines, *dict.fromkeys([*remarks, *self.notes])])

    def __repr__(self) -> str:
        return f"AlignmentCheck({', '.join(self.transforms)}: {', '.join(self.questions)})"

    def to_plain(self) -> dict[str, Any]:
        """Everything as plain data: `transforms`, `rows`, `options`, `notes`."""
        return {
            "transforms": list(self.transforms),
            "rows": [{name: _finite(each[name]) for name in COLUMNS} for each in self.rows],
            "options": dict(self.options),
            "notes": list(self.notes),
        }

    def save(self, path: Path | str) -> Path:
        """Write it as JSON, or its table alone as `.csv`.

        Raises:
            InputError: The file has another suffix.
            FileError: It cannot be written.
        """
        import json

        path = Path(path)
        if path.suffix not in (".json", ".csv"):
            raise InputError(f"a check is saved as .json, its table as .csv; got {path.name!r}.")
        try:
            if path.suffix == ".csv":
                self.table.to_csv(path, index=False)
            else:
                path.write_text(json.dumps(self.to_plain(), indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        except OSError as error:
            raise FileError(f"{path} cannot be written: {error.strerror or error}.") from error
        return path

    @classmethod
    def load(cls, path: Path | str) -> AlignmentCheck:
        """Read what `save` wrote as JSON.

        Raises:
            FileError: There is no such file, or it is no check.
        """
        from isomorph.data import read_json

        plain = read_json(path)
        rows = plain.get("rows") if isinstance(plain, dict) else None
        if not isinstance(rows, list) or not all(isinstance(each, dict) and set(_LATER) | set(each) == set(COLUMNS) for each in rows):
            raise FileError(f"{path} holds no check of an alignment; AlignmentCheck.save writes them.")
        return cls.of_plain(plain)

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> AlignmentCheck:
        """What `to_plain` gave."""
        whole = ({name: math.nan if each is None and name in COLUMNS[2:5] else each for name, each in row.items()} for row in plain["rows"])
        return cls(rows=tuple(whole), options=dict(plain.get("options", {})), notes=tuple(map(str, plain.get("notes", []))))


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _said(row: Mapping[str, Any]) -> str:
    if math.isnan(row["difference"]):
        return "–"
    ends = "" if row["low"] is None else f" [{row['low']:+.3f}, {row['high']:+.3f}] {row['change']}"
    people = "" if row["ceiling_upper"] is None else f", people {row['ceiling_lower']:.3f} … {row['ceiling_upper']:.3f}"
    return f"{row['before']:.3f} → {row['after']:.3f}  {row['difference']:+.3f}{ends}{people}, n={row['n']:,} {row['unit']}"
