"""`--profile`: where the time of a command or of a study's stages went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from isomorph.cli._output import print_json, print_table
from isomorph.profile import Profile, profiling

if TYPE_CHECKING:
    from isomorph.engine import Outcome

_COLUMNS = ("phase", "seconds", "share", "in_threads")
_BESIDES = "besides the units"


def measured(wanted: bool) -> AbstractContextManager[Profile | None]:
    """Within, time is measured if it is wanted."""
    return profiling() if wanted else nullcontext()


def tell_profile(profile: Profile | None, *, title: str = "where the time went", json: bool = False) -> None:
    """Print what was measured, if it was: a table, or one JSON object with the key `profile`."""
    if profile is None:
        return
    if json:
        print_json({"profile": plain_profile(profile)})
        return
    print_table(_rows(profile), _COLUMNS, title=title)


def plain_profile(profile: Profile) -> dict[str, Any]:
    """As JSON has it: `seconds` also of what no phase has, under the name `other`."""
    plain = profile.plain()
    return plain | {"seconds": plain["seconds"] | {"other": profile.other}}


def _rows(profile: Profile) -> list[dict[str, Any]]:
    seconds = sorted(profile.seconds.items(), key=lambda each: -each[1])
    rows = {phase: {"phase": phase, "seconds": each, "share": _percent(each, profile.wall)} for phase, each in seconds}
    rows["other"] = {"phase": "other", "seconds": profile.other, "share": _percent(profile.other, profile.wall)}
    for phase, each in profile.beside.items():
        rows.setdefault(phase, {"phase": phase})["in_threads"] = each
    return [{name: f"{each:.2f}" if isinstance(each, float) else each for name, each in row.items()} for row in rows.values()]


def _percent(seconds: float, wall: float) -> str:
    return f"{100 * seconds / wall:.0f} %" if wall else ""


@dataclass
class _Stage:
    began: float
    elapsed: float = 0.0
    units: int = 0
    profile: Profile = field(default_factory=Profile)


class StageProfiles:
    """What the units of each stage spent, on whatever workers, and what this process spent besides.

    Args:
        wanted: Whether to measure and tell anything.
    """

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._stages: dict[str, _Stage] = {}

    @contextmanager
    def told(self, *, json: bool) -> Iterator[None]:
        """Within, all is measured; at the end it is told."""
        with measured(self._wanted) as besides:
            yield
        if besides is not None:
            self._tell(besides, json=json)

    def begin(self, stage: str) -> None:
        """The outcomes that are noted next are of this stage."""
        self._stages[stage] = _Stage(time.perf_counter())

    def note(self, stage: str, outcome: Outcome) -> None:
        """Count a unit that ended."""
        each = self._stages[stage]
        each.elapsed = time.perf_counter() - each.began
        each.units += outcome.state == "done"
        each.profile.add(Profile.of(outcome.profile))

    def _tell(self, besides: Profile, *, json: bool) -> None:
        stages = {name: each for name, each in self._stages.items() if each.profile.wall}
        if json:
            rows = [
                {"stage": name, "units": each.units, "elapsed": each.elapsed, "units_per_second": each.units / each.elapsed}
                | plain_profile(each.profile)
                for name, each in stages.items()
            ]
            print_json({"profile": {"stages": rows, "besides": plain_profile(besides)}})
            return
        for name, each in stages.items():
            title = f"{name}: {each.units} units in {each.elapsed:.1f} s, {each.units / each.elapsed:.3g} a second"
            tell_profile(each.profile, title=f"{title}; {each.profile.wall:.1f} s of workers")
        tell_profile(besides, title=f"{_BESIDES}: {besides.wall:.1f} s of this process")
