"""Whether the parts of a recording fit together."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray, as_floats, unique_ids
from isomorph.brains._units import find_rois
from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError, UnknownNameError

if TYPE_CHECKING:
    import pandas

MIN_ROI_UNITS = 10
_UNEQUAL = "repeats of unequal number: "
Parts = dict[str, Any]


def settle(parts: Parts, bad_units: str) -> Parts:
    """The parts of a recording in their final form, or the error that says why they are none."""
    if bad_units not in ("error", "drop", "keep"):
        raise UnknownNameError("policy for bad units", str(bad_units), ("error", "drop", "keep"))
    if (parts["responses"] is None) == (parts["trials"] is None):
        raise InputError("a recording needs either responses or trials, and not both.")
    parts["ids"] = unique_ids(parts["ids"], name="the recording")
    if not parts["ids"]:
        raise ShapeError("a recording needs at least one stimulus.")
    _check_shapes(parts)
    if parts["trials"] is not None:
        if parts["repeats"] is not None:
            raise InputError("repeats are counted from trials; leave out one of them.")
        parts["responses"], parts["repeats"] = _mean_of(parts["trials"])
    parts["times"] = _times(parts["times"], parts["responses"])
    width = parts["responses"].shape[1]
    parts["units"] = _table(parts["units"], width, "unit", "columns")
    if "subject" in parts["units"] and (nameless := int(parts["units"]["subject"].isna().sum())):
        raise InputError(f"the column 'subject' of the table of units is empty for {nameless} of {width} units. Say whose they are.")
    parts["stimuli"] = _stimuli_table(parts["stimuli"], parts["ids"])
    parts["roi_columns"] = find_rois(parts["units"], parts["roi_columns"])
    parts["repeats"] = _repeats(parts["repeats"], len(parts["ids"]), width)
    notes = [each for each in parts["notes"] if not each.startswith(_UNEQUAL)]
    if bad_units != "keep":
        notes += _settle_bad_units(parts, bad_units)
    parts["notes"] = (*notes, *_note_of_repeats(parts["repeats"]))
    return parts


def _check_shapes(parts: Parts) -> None:
    key = "responses" if parts["trials"] is None else "trials"
    axes = ["stimulus", "unit"] if key == "responses" else ["stimulus", "repeat", "unit"]
    values = as_floats(parts[key], name=key)
    if values.ndim not in (len(axes), len(axes) + 1):
        raise ShapeError(f"{key} need the axes [{', '.join(axes)}] or [{', '.join(axes)}, time]; got shape {values.shape}.")
    rows, columns, stimuli = len(values), values.shape[len(axes) - 1], len(parts["ids"])
    units = None if parts["units"] is None else len(parts["units"])
    of_stimuli, of_units = rows != stimuli and columns == stimuli, units == rows and columns != units
    if (of_stimuli and units is None) or of_units:
        known = " and ".join([f"{stimuli} stimuli"] * of_stimuli + [f"{units} units"] * of_units)
        raise ShapeError(f"{key} have {rows} rows and {columns} columns, but there are {known}: transpose them.")
    if rows != stimuli:
        raise ShapeError(f"{key} have {rows} rows, but there are {stimuli} stimulus ids. Each row is one stimulus.")
    if not columns or 0 in values.shape:
        raise ShapeError(f"{key} have shape {values.shape}: an axis is empty.")
    infinite = np.isinf(values).reshape(rows, -1).any(axis=1)
    if infinite.any():
        first = parts["ids"][int(infinite.argmax())]
        raise NonFiniteError(f"{key} are infinite for {int(infinite.sum())} of {rows} stimuli; the first is {first!r}.")
    parts[key] = values


def _mean_of(trials: FloatArray) -> tuple[FloatArray, IntArray]:
    """Means over the repeats that there are (NaN where there is none), and how many those are."""
    present = ~np.isnan(trials)
    counts = present.sum(axis=1, dtype=np.int32)
    sums = np.where(present, trials, 0).sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        means = (sums / counts).astype(trials.dtype)
    return means, counts if counts.ndim == 2 else counts.min(axis=2)


def _times(times: Any, responses: FloatArray) -> FloatArray | None:
    if responses.ndim == 2:
        if times is not None:
            raise ShapeError(f"there are {np.size(times)} times, but responses have no time axis: [stimulus, unit, time].")
        return None
    if times is None:
        return np.arange(responses.shape[2], dtype=np.float64)
    result: FloatArray = as_floats(times, name="times", ndim=1)
    if len(result) != responses.shape[2]:
        raise ShapeError(f"there are {len(result)} times, but responses go over {responses.shape[2]}.")
    if not (np.isfinite(result).all() and (np.diff(result) > 0).all()):
        raise InputError("times must be finite and increase.")
    return result


def _table(table: Any, rows: int, kind: str, axis: str) -> pandas.DataFrame:
    import pandas

    if table is None:
        return pandas.DataFrame(index=pandas.RangeIndex(rows))
    if not isinstance(table, pandas.DataFrame):
        raise InputError(f"the table of {kind}s must be a pandas.DataFrame; got {type(table).__name__}.")
    if len(table) != rows:
        plural = {"unit": "units", "stimulus": "stimuli"}[kind]
        raise ShapeError(f"the table of {plural} has {len(table)} rows, but responses have {rows} {axis}: one row a {kind} is needed.")
    renamed = table.set_axis([str(name) for name in table.columns], axis=1)
    if not renamed.columns.is_unique:
        raise InputError(f"the table of {kind}s has the column {renamed.columns[renamed.columns.duplicated()][0]!r} twice.")
    return renamed.copy()


def _stimuli_table(table: Any, ids: tuple[str, ...]) -> pandas.DataFrame:
    import pandas

    numbered = table is None or (isinstance(table, pandas.DataFrame) and isinstance(table.index, pandas.RangeIndex))
    result = _table(table, len(ids), "stimulus", "rows")
    # columns of numbers may be ranks, which are no ids
    columns = {f".set_index({name!r})": tuple(map(str, column)) for name, column in result.items() if column.dtype.kind not in "biuf"}
    named = {how: column for how, column in columns.items() if set(column) == set(ids)}
    for how, theirs in (named if numbered else named | {"": tuple(map(str, result.index))}).items():
        if theirs != ids:
            row = next(row for row in range(len(ids)) if theirs[row] != ids[row])
            raise IdError(
                f"row {row} of the table of stimuli is {theirs[row]!r}, but row {row} of the responses is {ids[row]!r}. Bring them into "
                f"one order, for example with table{how}.loc[list(ids)]."
            )
    result.index = pandas.Index(ids, name="stimulus", dtype=object)
    return result


def _repeats(repeats: Any, stimuli: int, units: int) -> IntArray | None:
    if repeats is None:
        return None
    counts = np.asarray(repeats)
    if counts.ndim == 0:
        counts = np.full(stimuli, counts)
    if counts.shape not in ((stimuli,), (stimuli, units)):
        raise ShapeError(f"repeats need one count a stimulus, [{stimuli}], or [{stimuli}, {units}] with units; got shape {counts.shape}.")
    if counts.dtype.kind not in "iu" or counts.min() < 0:
        raise InputError(f"repeats must be counts, whole numbers; got {counts.dtype} from {counts.min()} to {counts.max()}.")
    if counts.ndim == 2 and (counts == counts[:, :1]).all():
        counts = counts[:, 0]
    return counts.astype(np.int32)


def usable_units(responses: FloatArray) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """`[unit]`: whether there is no NaN, and whether the responses vary (over stimuli, at any time)."""
    others = (0, *range(2, responses.ndim))
    whole, varying = ~np.isnan(responses).any(axis=others), (responses != responses[:1]).any(axis=others)
    return np.asarray(whole), np.asarray(varying)


def _settle_bad_units(parts: Parts, policy: str) -> list[str]:
    unseen = np.isnan(parts["responses"]).reshape(len(parts["ids"]), -1).all(axis=1)
    if unseen.any():
        raise NonFiniteError(
            f"{int(unseen.sum())} of {len(unseen)} stimuli are NaN for every unit; the first is {parts['ids'][int(unseen.argmax())]!r}. "
            "Leave their rows out."
        )
    whole, varying = usable_units(parts["responses"])
    kept, total = whole & varying, len(whole)
    if kept.all():
        return []
    if policy == "error":
        bad, error, what = (~whole, NonFiniteError, "are NaN for some stimulus") if not whole.all() else (~kept, InputError, "are constant")
        first = int(bad.argmax())
        raise error(
            f"{int(bad.sum())} of {total} units {what}; the first is unit {first}. Mask them out, or drop them with bad_units='drop'."
        )
    if not kept.any():
        raise InputError(f"all {total} units are NaN for some stimulus, or constant.")
    for name, axis in (("responses", 1), ("trials", 2)):
        if parts[name] is not None:
            parts[name] = np.compress(kept, parts[name], axis=axis)
    if parts["repeats"] is not None and parts["repeats"].ndim == 2:
        parts["repeats"] = _repeats(parts["repeats"][:, kept], len(parts["ids"]), int(kept.sum()))
    parts["units"] = parts["units"].iloc[np.flatnonzero(kept)]
    return [f"{int((~kept).sum())} of {total} units dropped: {int((~whole).sum())} with NaN, {int((whole & ~varying).sum())} constant"]


def _note_of_repeats(repeats: IntArray | None) -> tuple[str, ...]:
    if repeats is None or repeats.min() == repeats.max():
        return ()
    return (
        f"{_UNEQUAL}{repeats.min()} to {repeats.max()} a stimulus, {repeats.mean():.2f} on average; ceilings use the mean of 1/repeats",
    )


def check_rois(rois: Mapping[str, Mapping[str, int]], policy: str) -> None:
    """Warn of ROIs with fewer than ten units of a subject, or raise; none at all is no such ROI."""
    if policy not in ("warn", "error", "keep"):
        raise UnknownNameError("policy for small ROIs", str(policy), ("warn", "error", "keep"))
    small = [(roi, subject, count) for roi, counts in rois.items() for subject, count in counts.items() if count < MIN_ROI_UNITS]
    if not small or policy == "keep":
        return
    roi, subject, count = small[0]
    whose = f" of subject {subject!r}" if subject else ""
    text = (
        f"the ROI {roi!r}{whose} has {count} unit{'s' * (count != 1)}, fewer than {MIN_ROI_UNITS}: means and RDMs over so few are unstable"
        f"{f' ({len(small) - 1} more such ROIs)' if len(small) > 1 else ''}. Leave it out, or pass small_rois='keep'."
    )
    if policy == "error":
        raise InputError(text)
    warnings.warn(text, stacklevel=4)


def chosen_times(responses: FloatArray, times: FloatArray | None, time: float | Sequence[float] | str | None) -> FloatArray:
    """`[stimulus, feature]`: responses at a time, their mean over a window, or all times side by side."""
    if times is None:
        if time is not None:
            raise InputError(f"time={time!r} was asked for, but responses have no time axis.")
        return responses
    span = f"{times[0]:g} to {times[-1]:g} s"
    if time is None:
        raise InputError(f"responses go over {len(times)} times, {span}; say time=… (one, or a pair from and to), or time='all'.")
    if isinstance(time, str):
        if time != "all":
            raise InputError(f"time={time!r} is no time: give seconds, a pair of them, or 'all'.")
        return responses.reshape(len(responses), -1)
    if isinstance(time, int | float | np.number):
        if not times[0] <= time <= times[-1]:
            raise InputError(f"time={time!r} lies outside the recording, {span}.")
        return responses[:, :, int(np.abs(times - float(time)).argmin())]
    start, stop = time
    inside = (times >= start) & (times <= stop)
    if not inside.any():
        raise InputError(f"no sample lies from {start:g} to {stop:g} s; the recording goes from {span}.")
    mean: FloatArray = responses[:, :, inside].mean(axis=2)
    return mean
