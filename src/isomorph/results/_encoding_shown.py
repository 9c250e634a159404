"""A recording together with what was shown to the brains, by name or from files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import IdError, InputError, UnknownNameError

if TYPE_CHECKING:
    from isomorph.brains import RDMRecording, Recording
    from isomorph.stimuli import Stimuli


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A recording and what was shown to the brains.

    Attributes:
        name: What tables call it.
        recording: What the brains did.
        stimuli: What they were shown: the recording's, in its order; of captions, all that are about these.
        regions: What is scored unless a study says otherwise; none: all.
    """

    name: str
    recording: Recording | RDMRecording
    stimuli: Stimuli
    regions: tuple[str, ...] = ()


def read_shown(
    name: str, *, stimuli: Path | None = None, units: Path | None = None, column: str | None = None, group: str | None = None
) -> Shown:
    """A benchmark's brains, or a recording in files with the pictures or texts that were shown.

    Raises:
        UnknownNameError: There is neither a benchmark of this name nor such a file.
        InputError: It is a file, and `stimuli` does not say what was shown.
        IdError: A stimulus of the recording is not among those.
    """
    if not Path(name).exists():
        return _benchmark(name)
    from isomorph.brains import load_recording

    recording, called = load_recording(name, units), Path(name).stem
    if stimuli is None:
        raise InputError(
            f"the recording {called!r} does not say what was shown; give the study a folder of pictures or a table of texts: "
            f'stimuli = {{"{called}" = "pictures"}}.'
        )
    return Shown(name=called, recording=recording, stimuli=_matching(called, recording.ids, stimuli, column=column, group=group))


def _benchmark(name: str) -> Shown:
    from isomorph.benchmarks import load_geometry_match

    try:
        benchmark = load_geometry_match(name)
    except UnknownNameError as error:
        raise InputError(f"recordings: {error} Nor is there such a file or folder beside the study's file.") from error
    brains = tuple(target.name for target in benchmark.targets if target.kind == "brain")
    if not brains:
        raise InputError(f"the benchmark {name!r} has no brains: {', '.join(target.name for target in benchmark.targets)}.")
    return Shown(name=name, recording=benchmark.recording, stimuli=benchmark.stimuli, regions=brains)


def _matching(name: str, ids: tuple[str, ...], path: Path, *, column: str | None, group: str | None) -> Stimuli:
    """The stimuli of a recording, in its order."""
    from isomorph.benchmarks import load_stimuli
    from isomorph.stimuli import Stimuli

    shown = Stimuli.from_texts(path, column=column, group=group) if path.is_file() else load_stimuli(path)
    if shown.groups is not None:
        about = set(shown.groups.values())
        _refuse_missing(name, ids, about, path)
        wanted = set(ids)
        return shown.take([each for each in shown.ids if shown.groups[each] in wanted])
    _refuse_missing(name, ids, set(shown.ids), path)
    return shown.take(ids)


def _refuse_missing(name: str, ids: tuple[str, ...], known: set[str], path: Path) -> None:
    missing = [each for each in ids if each not in known]
    if missing:
        example = next(iter(sorted(known)), "")
        raise IdError(
            f"{path.name} lacks {len(missing)} of the {len(ids)} stimuli of {name!r}; the first is {missing[0]!r} (there is, for example, "
            f"{example!r}). The ids of pictures are their file names."
        )
