"""Scores against one or several recordings, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.errors import InputError

if TYPE_CHECKING:
    import pandas

    from isomorph.encoding import BrainScores

CHOICE = ("model", "metric", "region")
_MEANS = (
    *("score", "ceiling", "ceiling_lower", "ceiling_upper", "normalised", "p", "depth"),
    *("alpha_median", "units_at_edge", "effective_dimensionality"),
)


@dataclass(frozen=True, eq=False)
class JoinedScores:
    """Brain scores by the name of their recording; of several, regions are called `region (recording)`.

    Raises:
        InputError: There are no scores.
    """

    by_recording: Mapping[str, BrainScores]

    def __post_init__(self) -> None:
        if not any(len(each.table) for each in self.by_recording.values()):
            raise InputError("there is no brain score to report; score at least one layer of one model on one recording.")

    @cached_property
    def table(self) -> pandas.DataFrame:
        """Every row of every recording."""
        return self._together(lambda scores: scores.table)

    @cached_property
    def mean(self) -> pandas.DataFrame:
        """Over subjects, layers in order."""
        return self._together(lambda scores: scores.over_subjects()).sort_values("layer_index", kind="stable")

    @cached_property
    def chosen(self) -> pandas.DataFrame:
        """Of each model, metric, region and subject the layer that train chose, with its test score; what has none is left out."""
        return self._together(lambda scores: scores.chosen()).dropna(subset=["score"])

    @cached_property
    def choices(self) -> pandas.DataFrame:
        """One row a model × metric × region: the chosen layers' test scores, averaged over subjects.

        The interval is over stimuli, the subjects held fixed. `layer` is the one that most subjects' train halves chose, `agreed` how many
        did.
        """
        return self._together(_choices)

    @property
    def level(self) -> float:
        """The intervals' coverage."""
        return float(next(iter(self.by_recording.values())).level)

    @property
    def notes(self) -> list[str]:
        """What a reader should know, each sentence once."""
        several = len(self.by_recording) > 1
        said = [f"{name}: {note}" if several else note for name, scores in self.by_recording.items() for note in scores.notes]
        return list(dict.fromkeys(said))

    def region(self, name: str, recording: str) -> str:
        """What a region of a recording is called here."""
        return f"{name} ({recording})" if len(self.by_recording) > 1 else name

    def _together(self, part: Any) -> pandas.DataFrame:
        import pandas

        frames = []
        for name, scores in self.by_recording.items():
            rows: pandas.DataFrame = part(scores)
            frames.append(rows.assign(region=[self.region(each, name) for each in rows["region"]], recording=name))
        return pandas.concat(frames, ignore_index=True)


def joined(scores: BrainScores | Mapping[str, BrainScores]) -> JoinedScores:
    """One set of scores, or several by the name of their recording."""
    if isinstance(scores, Mapping):
        return JoinedScores({name: each for name, each in scores.items() if len(each.table)})
    return JoinedScores({str(scores.recording["name"] or "the recording"): scores})


def _choices(scores: BrainScores) -> pandas.DataFrame:
    import pandas

    from isomorph.encoding._over_subjects import half_widths

    rows = []
    for cell, part in scores.chosen().dropna(subset=["score"]).groupby(list(CHOICE), sort=False):
        layers = part["layer"].value_counts(sort=True)
        means = {name: mean_of(part[name]) for name in _MEANS}
        half = half_widths(scores, part, np.zeros(len(part), dtype=np.intp))[0]
        rows.append(
            dict(zip(CHOICE, cell, strict=True))
            | {"layer": layers.index[0], "agreed": int(layers.iloc[0]), "subjects": len(part)}
            | means
            | {"low": means["score"] - half, "high": means["score"] + half}
            | {"n_units": int(part["n_units"].sum()), "n_stimuli": int(part["n_stimuli"].max())}
        )
    return pandas.DataFrame(rows)


def mean_of(values: Sequence[float] | pandas.Series[Any]) -> float:
    """The mean of what is known; NaN of nothing."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else float("nan")
