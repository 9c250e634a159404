"""Recordings and layers named on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph.cli._output import say
from isomorph.cli._source import read_features
from isomorph.errors import IdError, InputError, ShapeError, UnknownNameError

if TYPE_CHECKING:
    from isomorph.brains import RDMRecording, Recording
    from isomorph.features import Features
    from isomorph.geometry import Gram


def read_recording(
    source: str,
    *,
    units: Path | None = None,
    stimuli: Path | None = None,
    axes: tuple[str, ...] = (),
    repeats: int | None = None,
    bad_units: Literal["error", "drop"] = "error",
    small_rois: Literal["warn", "error", "keep"] = "warn",
    subject: str | None = None,
) -> Recording | RDMRecording:
    """Responses of units, or RDMs: a benchmark's by its name, a file, or a saved folder.

    Raises:
        IsomorphError: It cannot be read, its parts do not fit together, or there is no such subject.
    """
    from isomorph.benchmarks import list_benchmarks, load_geometry_match
    from isomorph.brains import load_recording

    if not Path(source).exists() and source in list_benchmarks():
        return _of_subject(load_geometry_match(source).recording, subject)
    name, _, key = (source, "", "") if Path(source).exists() else source.partition("#")
    recording = load_recording(
        name, units, stimuli, key=key or None, axes=axes or None, repeats=repeats, bad_units=bad_units, small_rois=small_rois
    )
    return _of_subject(recording, subject)


def _of_subject(recording: Any, subject: str | None) -> Any:
    from isomorph.brains import Recording

    if subject is None:
        return recording
    if isinstance(recording, Recording):
        return recording.where(subject=subject)
    kept = {region: people.index(subject) for region, people in recording.subjects.items() if subject in people}
    if not kept:
        raise UnknownNameError("subject", subject, dict.fromkeys(each for people in recording.subjects.values() for each in people))
    return replace(
        recording,
        rdms={region: recording.rdms[region][[row]] for region, row in kept.items()},
        subjects=dict.fromkeys(kept, (subject,)),
    )


def read_layers(sources: Sequence[str], recording: Recording | RDMRecording, *, store: str | None = None) -> dict[str, Features | Gram]:
    """Layers by name, in order; of an extraction without `#LAYER` all of them.

    Features without ids of their own are taken in the order of the recording.

    Raises:
        ShapeError: They have another number of rows than the recording has stimuli.
        IdError: They lack a stimulus of it.
        InputError: One is named twice.
    """
    layers: dict[str, Features | Gram] = {}
    for source in sources:
        for name, layer in _layers(source, store):
            if name in layers:
                raise InputError(f"the layer {name!r} is given twice. Give files other names, or name arrays with FILE#KEY.")
            layers[name] = _in_order(layer, recording, source)
    return layers


def _layers(source: str, store: str | None) -> list[tuple[str, Any]]:
    name, _, key = source.partition("#")
    if not key and not Path(source).exists():
        extraction = _stored_extraction(name, store)
        if extraction is not None:
            return list(extraction.items())
    return [(key or Path(name).stem, read_features(source, store=store))]


def _stored_extraction(name: str, store: str | None) -> Any:
    from isomorph.models import stored_extraction
    from isomorph.store import open_store

    kept = open_store(store)
    matching = [each.fingerprint for each in kept.entries() if len(name) >= 6 and each.fingerprint.startswith(name) and each.complete]
    return stored_extraction(kept, matching[0]) if len(matching) == 1 else None


def _in_order(layer: Any, recording: Any, source: str) -> Any:
    """The layer with the recording's ids, if it has none of its own but counts its rows."""
    ids, numbered = recording.ids, tuple(map(str, range(len(layer.ids))))
    if len(layer.ids) != len(ids) and getattr(recording, "width", 0) == len(layer.ids) and numbered == layer.ids:
        raise ShapeError(
            f"{source} has {len(layer.ids)} rows, but the responses have {len(ids)} rows and {len(layer.ids)} columns: they look "
            "transposed. If their rows are units, say --axes unit stimulus."
        )
    if layer.ids != numbered or ids == numbered:
        missing = [each for each in ids if each not in set(layer.ids)]
        if missing and ids == tuple(map(str, range(len(ids)))):
            raise IdError(
                f"{source} names its {len(layer.ids)} stimuli, but the responses count theirs: say with --stimuli which they are (a table "
                "with a column of ids)."
            )
        if missing:
            raise IdError(f"{source} lacks {len(missing)} of the {len(ids)} stimuli of the responses; the first is {missing[0]!r}.")
        return layer
    if len(layer.ids) != len(ids):
        raise ShapeError(
            f"{source} has {len(layer.ids)} rows, but the responses are to {len(ids)} stimuli. Each row of either is one stimulus; "
            "where they differ, name the rows: an array or column called ids."
        )
    say(f"{source} does not name its stimuli: its rows are taken in the order of the responses.")
    return replace(layer, ids=ids)
