"""Recordings over time from epochs of MNE-Python: MEG and EEG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.brains._presentations import gather, of_stimuli
from isomorph.brains._recording import BadUnits, Recording, SmallROIs
from isomorph.brains._units import rois_of_text
from isomorph.errors import FileError, InputError, MissingDependencyError, UnknownNameError

if TYPE_CHECKING:
    import pandas


def read_mne(
    epochs: Any,
    *,
    picks: Any = "data",
    stimulus: str | None = None,
    subject: str | None = None,
    units: pandas.DataFrame | None = None,
    roi: str | None = None,
    name: str = "",
    bad_units: BadUnits = "error",
    small_rois: SmallROIs = "warn",
) -> Recording:
    """Epochs `[epoch, channel, time]` as a recording: epochs of one stimulus are its repeats, channels its units.

    Numbers are in SI units (volt, tesla, tesla per metre), as MNE holds them. Units have `channel`, `type`, and `x`, `y`, `z` in metres of
    the head where positions are known. Channels marked bad are left out, epochs that were dropped are not there; `notes` has the numbers.

    Args:
        epochs: An `mne.Epochs` object of any kind, or the path of one saved as `-epo.fif`.
        picks: Which channels, in the way of MNE: `"data"`, `"eeg"`, `"mag"`, a list of names …
        stimulus: The column of the epochs' metadata that says what was shown. Unless given, the name of each epoch's event.
        subject: Whose they are; the id in the recording's info unless given.
        units: More columns about channels; its index are their names.
        roi: A column of texts that names ROIs; `roi`, `region` … unless given.
        name: What to call the recording.
        bad_units: See `Recording`.
        small_rois: See `Recording`.

    Raises:
        FileError: The file is missing, damaged, or holds no epochs.
        InputError: There are no epochs or channels; the table lacks channels; and the errors of `Recording`.
        UnknownNameError: There is no such column.
        MissingDependencyError: MNE is not installed.
    """
    opened = _opened(epochs)
    if not len(opened):
        raise InputError("the epochs are none: all were dropped. Relax the rejection, or read other events.")
    try:
        chosen = opened.copy().pick(picks, exclude="bads", verbose="error")
    except ValueError as error:
        raise InputError(f"picks={picks!r} chooses no channels: {error}") from error
    shown = _shown(opened, stimulus)
    ids, parts = gather(chosen.get_data(copy=True, verbose="error"), shown)
    table, said = rois_of_text(_channels(chosen, units), roi)
    person = subject or str((opened.info["subject_info"] or {}).get("his_id") or "")
    if person:
        table.insert(0, "subject", person)
    metadata: Any = None if opened.metadata is None else opened.metadata.reset_index(drop=True)
    if metadata is not None:
        metadata = of_stimuli(metadata.drop(columns=[stimulus] if stimulus else []), shown)
    return Recording(
        ids=ids, times=np.asarray(chosen.times, dtype=np.float64), units=table, stimuli=metadata, name=name, notes=_notes(opened) + said,
        bad_units=bad_units, small_rois=small_rois, **parts,
    )  # fmt: skip


def _opened(epochs: Any) -> Any:
    try:
        import mne
    except ImportError as error:
        raise MissingDependencyError("mne", needed_by="reading epochs", install="pip install 'isomorph[mne]'") from error
    if isinstance(epochs, mne.BaseEpochs):
        return epochs.copy().load_data()
    if not isinstance(epochs, str | Path):
        raise InputError(f"epochs must be an object of MNE, or the path of one; got {type(epochs).__name__}.")
    if not Path(epochs).is_file():
        raise FileError(f"there is no file {epochs}.")
    try:
        return mne.read_epochs(epochs, verbose="error")
    except Exception as error:  # a damaged FIF file fails in many ways; all mean the same
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise FileError(f"{epochs} cannot be read as epochs of MNE: {reason}. It is damaged, or something else.") from error


def _shown(epochs: Any, column: str | None) -> list[str]:
    """What each epoch shows."""
    if column is None:
        names = {code: event for event, code in epochs.event_id.items()}
        return [str(names.get(code, code)) for code in epochs.events[:, 2].tolist()]
    known = [] if epochs.metadata is None else [str(each) for each in epochs.metadata.columns]
    if column not in known:
        raise UnknownNameError("column of the epochs' metadata", column, known)
    return [str(each) for each in epochs.metadata[column]]


def _channels(epochs: Any, units: pandas.DataFrame | None) -> pandas.DataFrame:
    import pandas

    names = list(epochs.ch_names)
    table = pandas.DataFrame({"channel": names, "type": epochs.get_channel_types()})
    places = np.array([each["loc"][:3] for each in epochs.info["chs"]], dtype=np.float64)
    known = np.isfinite(places).all(axis=1) & places.any(axis=1)
    if known.any():
        places[~known] = np.nan
        table = table.assign(**dict(zip("xyz", places.T, strict=True)))
    if units is None:
        return table
    indexed = units.set_axis([str(each) for each in units.index], axis=0)
    if missing := [each for each in names if each not in indexed.index]:
        raise InputError(
            f"the table of units lacks {len(missing)} of {len(names)} channels; the first is {missing[0]!r}. Its index are names."
        )
    return pandas.concat([table, indexed.loc[names].reset_index(drop=True)], axis=1)


def _notes(epochs: Any) -> tuple[str, ...]:
    bad = len(epochs.info["bads"])
    dropped = sum(1 for reasons in epochs.drop_log if reasons and "IGNORED" not in reasons)
    said = [f"{bad} channel{'s' * (bad != 1)} marked bad left out"] if bad else []
    return (*said, *([f"{dropped} epoch{'s' * (dropped != 1)} had been dropped"] if dropped else []))
