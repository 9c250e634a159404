"""RDMs and data sets that rsatoolbox saved as HDF5."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph import data
from isomorph.arrays import as_floats
from isomorph.brains._presentations import gather, of_stimuli
from isomorph.brains._rdm_check import by_region
from isomorph.brains._rdm_recording import RDMRecording
from isomorph.brains._recording import BadUnits, Recording, SmallROIs
from isomorph.brains._units import rois_of_text
from isomorph.data._read_npz import LIMIT_BYTES
from isomorph.errors import FileError, InputError, IsomorphError, ShapeError, UnknownNameError

if TYPE_CHECKING:
    import pandas

_STIMULUS = ("stimulus_id", "stimulus", "stimuli", "stim", "conds", "condition", "conditions", "image", "name")
_SUBJECT = ("subject", "subj", "participant", "sub")
_REGION = ("roi", "region", "area", "ROI", "brain_area")
_TIME = ("time", "times", "time_s")
Descriptors = dict[str, dict[str, Any]]


def read_rsatoolbox(
    path: Path | str,
    *,
    stimulus: str | None = None,
    subject: str | None = None,
    region: str | None = None,
    name: str | None = None,
    bad_units: BadUnits = "error",
    small_rois: SmallROIs = "warn",
    limit_bytes: int = LIMIT_BYTES,
) -> Recording | RDMRecording:
    """Read what `RDMs.save(…, file_type="hdf5")` or `Dataset.save(…, file_type="hdf5")` of rsatoolbox wrote.

    RDMs become an `RDMRecording`: several of one subject and region are repeats. A `Dataset` or `TemporalDataset` becomes a `Recording`:
    several observations of one stimulus are repeats, channel descriptors the table of units, times are taken as seconds.

    Args:
        path: The file.
        stimulus: The descriptor of patterns, or of observations, that says what was shown. Unless given, one that is called so (`conds`,
            `stimulus`, `condition` …), or the only one.
        subject: The descriptor of RDMs, or of the whole data set, that says whose they are; `subject`, `subj` … unless given.
        region: The descriptor of RDMs, or of channels, that says where; `roi`, `region` … unless given. Else the region is `"all"`.
        name: What to call it; the name of the file unless given.
        bad_units: See `Recording`.
        small_rois: See `Recording`.
        limit_bytes: The most bytes that the file may take in memory.

    Raises:
        FileError: The file is missing, damaged, a pickle, too large, or not of rsatoolbox.
        InputError: It is not clear what was shown; subjects of a region have different numbers of RDMs; and the errors of both recordings.

    References:
        van den Bosch et al., 2025, <https://doi.org/10.1101/2025.05.22.655542>.
    """
    path = Path(path)
    content, descriptors = _read(path, limit_bytes)
    called = path.stem if name is None else name
    try:
        if "dissimilarities" in content:
            return _rdms(content, descriptors, (stimulus, subject, region), called)
        return _units(content, descriptors, (stimulus, subject, region), called, bad_units, small_rois)
    except UnknownNameError:
        raise
    except IsomorphError as error:
        raise type(error)(f"{path}: {error}") from error


Named = tuple[str | None, str | None, str | None]


def _rdms(content: dict[str, Any], descriptors: Descriptors, named: Named, called: str) -> RDMRecording:
    values = as_floats(content["dissimilarities"], name="dissimilarities", ndim=2)
    patterns, of_rdms = descriptors["pattern_descriptors"], _per_row(descriptors["rdm_descriptors"], len(values))
    ids = _texts(patterns[_stimulus(patterns, named[0])])
    people = _column(of_rdms, named[1], _SUBJECT, "descriptor of RDMs") or ["1"] * len(values)
    regions = _column(of_rdms, named[2], _REGION, "descriptor of RDMs") or ["all"] * len(values)
    rdms, subjects = by_region(list(zip(regions, people, values, strict=True)))
    return RDMRecording(ids=ids, rdms=rdms, subjects=subjects, distance=str(content.get("dissimilarity_measure", "")), name=called)


def _per_row(descriptors: dict[str, Any], count: int) -> dict[str, Any]:
    return {name: each for name, each in descriptors.items() if np.ndim(each) == 1 and len(each) == count}


def _units(
    content: dict[str, Any], descriptors: Descriptors, named: Named, called: str, bad_units: BadUnits, small_rois: SmallROIs
) -> Recording:
    values = as_floats(content["measurements"], name="measurements")
    if values.ndim not in (2, 3):
        raise ShapeError(f"measurements need the axes [observation, channel] or [observation, channel, time]; got shape {values.shape}.")
    shown, whole = descriptors["obs_descriptors"], descriptors["descriptors"]
    column = _stimulus(shown, named[0])
    stimuli = _texts(shown[column])
    if len(stimuli) != len(values):
        raise ShapeError(f"the descriptor {column!r} has {len(stimuli)} values for {len(values)} observations.")
    ids, parts = gather(values, stimuli)
    if values.ndim == 3:
        times = _column(descriptors["time_descriptors"], None, _TIME, "descriptor of times")
        parts["times"] = np.arange(values.shape[2], dtype=np.float64) if times is None else np.array(times, dtype=np.float64)
    units = _table(descriptors["channel_descriptors"], values.shape[1], without=("index",))
    person = next((each for each in (named[1:2] if named[1] else _SUBJECT) if each in whole), None)
    if named[1] is not None and person is None:
        raise UnknownNameError("descriptor", named[1], whole)
    units, notes = rois_of_text(units.assign(subject=_text(whole[person])) if person else units, named[2])
    return Recording(
        ids=ids, units=units, stimuli=of_stimuli(_table(shown, len(values), without=(column,)), stimuli), name=called, notes=notes,
        bad_units=bad_units, small_rois=small_rois, **parts,
    )  # fmt: skip


def _table(descriptors: dict[str, Any], rows: int, *, without: tuple[str, ...]) -> pandas.DataFrame:
    import pandas

    columns = {name: each for name, each in _per_row(descriptors, rows).items() if name not in without}
    return pandas.DataFrame(columns, index=pandas.RangeIndex(rows))


def _stimulus(descriptors: dict[str, Any], wanted: str | None) -> str:
    """Which descriptor says what was shown."""
    if wanted is not None:
        if wanted not in descriptors:
            raise UnknownNameError("descriptor of patterns", wanted, descriptors)
        return wanted
    named = [each for each in _STIMULUS if each in descriptors] or [each for each in descriptors if each != "index"]
    if len(named) > 1 and named[0] not in _STIMULUS:
        raise InputError(f"{len(named)} descriptors could say what was shown; name one: stimulus=…. There are {', '.join(sorted(named))}.")
    if not named and "index" not in descriptors:
        raise InputError("no descriptor says what was shown.")
    return named[0] if named else "index"


def _column(descriptors: dict[str, Any], wanted: str | None, known: Iterable[str], kind: str) -> list[str] | None:
    if wanted is not None and wanted not in descriptors:
        raise UnknownNameError(kind, wanted, descriptors)
    found = next((each for each in ([wanted] if wanted else known) if each in descriptors), None)
    return None if found is None else list(_texts(descriptors[found]))


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(_text(each) for each in np.atleast_1d(values).tolist())


def _text(value: Any) -> str:
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    return value.decode() if isinstance(value, bytes) else str(value)


def _read(path: Path, limit_bytes: int) -> tuple[dict[str, Any], Descriptors]:
    """The arrays at the root, and every group of descriptors."""
    _refuse_pickle(path)
    arrays = data.read_hdf5(path, limit_bytes=limit_bytes)
    content: dict[str, Any] = {name: each for name, each in arrays.items() if "/" not in name}
    if "dissimilarities" not in content and "measurements" not in content:
        listed = ", ".join(sorted(arrays)[:6]) or "nothing"
        raise FileError(f"{path} is no file of rsatoolbox: it has neither 'dissimilarities' nor 'measurements'. It holds {listed}.")
    groups = ("descriptors", "rdm_descriptors", "pattern_descriptors", "obs_descriptors", "channel_descriptors", "time_descriptors")
    descriptors: Descriptors = {name: {} for name in groups}
    for name, each in arrays.items():
        group, _, rest = name.partition("/")
        if group in descriptors and rest and "/" not in rest:
            descriptors[group][rest] = each
    attributes = _attributes(path, groups)
    for group in groups:
        descriptors[group] |= attributes[group]
    return {**content, **attributes["/"]}, descriptors


def _attributes(path: Path, groups: Iterable[str]) -> Descriptors:
    """Texts are attributes there, not arrays."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = {name: file[name] if name == "/" else file.get(name) for name in ("/", *groups)}
            return {name: {} if node is None else dict(node.attrs) for name, node in found.items()}
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise FileError(f"{path} cannot be read as a file of rsatoolbox: {error}.") from error


def _refuse_pickle(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            first = stream.read(1)
    except OSError:
        return  # the reader says what is wrong
    if first == b"\x80" or path.suffix.lower() in (".pkl", ".pickle"):
        raise FileError(
            f"{path} is a pickle, which can run code when it is read, so it never is. In rsatoolbox, load it and save it again with "
            "file_type='hdf5'."
        )
