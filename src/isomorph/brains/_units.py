"""What the table of units says: subjects, ROIs, reliabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from isomorph.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas

_TEXT_ROIS = ("roi", "region", "area", "brain_area")
_NEVER_ROIS = {"subject", "ncsnr", "unit", "unit_id", "hemisphere", "x", "y", "z", "i", "j", "k"}


def subjects_of(units: pandas.DataFrame) -> list[str]:
    """The subject of each unit; empty names if the table does not say."""
    return [str(each) for each in units["subject"]] if "subject" in units else [""] * len(units)


def find_rois(units: pandas.DataFrame, named: Sequence[str] | None) -> tuple[str, ...]:
    """The columns of ROIs: those that are named, else all that hold nothing but 0 and 1."""
    if named is None:
        return tuple(name for name in units.columns if name.lower() not in _NEVER_ROIS and _is_membership(units[name]))
    for name in named:
        if name not in units:
            raise UnknownNameError("column of units", name, units.columns)
        if not _is_membership(units[name]):
            raise InputError(f"the column {name!r} of units is to be an ROI, but holds other values than 0 and 1.")
    return tuple(named)


def rois_of_text(units: pandas.DataFrame, column: str | None) -> tuple[pandas.DataFrame, tuple[str, ...]]:
    """A table with a column of 0 and 1 for each text in `column` (or `roi`, `region`, `area`), and the note that says so.

    Raises:
        UnknownNameError: There is no such column.
        InputError: It holds no texts, or one that is a column already.
    """
    if column is not None and column not in units:
        raise UnknownNameError("column of units", column, map(str, units.columns))
    if column is None:
        column = next((each for each in units.columns if str(each).lower() in _TEXT_ROIS and _is_text(units[each])), None)
        if column is None:
            return units, ()
    elif not _is_text(units[column]):
        raise InputError(f"the column {column!r} of units is to name ROIs, but holds other than texts.")
    names = [str(each) for each in dict.fromkeys(units[column].dropna()) if str(each).strip()]
    if taken := [each for each in names if each in units]:
        raise InputError(f"the column {column!r} of units names the ROI {taken[0]!r}, which is a column already. Rename one of them.")
    added = units.assign(**{name: (units[column] == name).astype("int8") for name in names})
    return added, (f"ROIs from the column {column!r} of units: {', '.join(names)}",)


def _is_text(column: pandas.Series) -> bool:
    filled = column.dropna()
    return len(filled) > 0 and all(isinstance(each, str) for each in filled)


def _is_membership(column: pandas.Series) -> bool:
    return len(column) > 0 and column.dtype.kind in "biuf" and bool(column.isin((0, 1)).all())


def roi_counts(units: pandas.DataFrame, rois: Sequence[str]) -> dict[str, dict[str, int]]:
    """Of each ROI how many units each subject has, where that is more than none."""
    subjects = np.array(subjects_of(units), dtype=object)
    counts: dict[str, dict[str, int]] = {}
    for roi in rois:
        inside = subjects[units[roi].to_numpy() == 1]
        counts[roi] = {each: number for each in dict.fromkeys(inside) if (number := int((inside == each).sum()))}
    return counts


def members(
    units: pandas.DataFrame, rois: Mapping[str, object], *, roi: str | None, subject: str | None, min_ncsnr: float | None
) -> npt.NDArray[np.bool_]:
    """`[unit]`: which units meet all conditions."""
    kept = np.ones(len(units), dtype=np.bool_)
    if roi is not None:
        if not rois:
            raise InputError(f"the ROI {roi!r} was asked for, but the table of units has none: columns of 0 and 1.")
        if roi not in rois:
            raise UnknownNameError("ROI", roi, rois, listing="`Recording.rois` has them")
        kept &= units[roi].to_numpy() == 1
    if subject is not None:
        if "subject" not in units:
            raise InputError(f"subject {str(subject)!r} was asked for, but the table of units has no column 'subject'.")
        subjects = np.array(subjects_of(units), dtype=object)
        if str(subject) not in subjects:
            raise UnknownNameError("subject", str(subject), set(subjects), listing="`Recording.subjects` has them")
        kept &= subjects == str(subject)
    if min_ncsnr is not None:
        kept &= ncsnr_column(units) >= min_ncsnr
    return kept


def ncsnr_column(units: pandas.DataFrame) -> npt.NDArray[np.float64]:
    """`[unit]`: the table's `ncsnr`.

    Raises:
        InputError: It has none, or other than numbers.
    """
    if "ncsnr" not in units or units["ncsnr"].dtype.kind not in "fiu":
        raise InputError("the table of units has no column 'ncsnr' of numbers. `isomorph.brains.ncsnr(trials)` estimates it from repeats.")
    return units["ncsnr"].to_numpy(dtype=np.float64)
