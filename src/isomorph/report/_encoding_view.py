"""What the page and the figures of brain scores show, computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.report._encoding_controls import Paired, Queries, paired_contrasts, shown_queries
from isomorph.report._encoding_joined import CHOICE, JoinedScores, mean_of
from isomorph.report._names import short_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas

Floats = npt.NDArray[np.float64]
_MOST_HISTOGRAMS = 12


@dataclass(frozen=True, eq=False)
class UnitScores:
    """Scores of the single units of one recording.

    Attributes:
        model: Its label.
        layer: The one that train chose most often.
        recording: Its name, where there are several.
        values: Of each unit that has a score.
        ceiling: The mean over regions; NaN if not known.
    """

    model: str
    layer: str
    recording: str
    values: Floats
    ceiling: float


@dataclass(frozen=True, eq=False)
class EncodingView:
    """Brain scores in the order and with the labels of the page.

    Attributes:
        scores: Every layer of every model against every region.
        contrasts: Name → controlled comparison.
        query_sheet: What the regression on queries said.
    """

    scores: JoinedScores
    contrasts: Mapping[str, Any] = field(default_factory=dict)
    query_sheet: Any = None

    @property
    def mean(self) -> pandas.DataFrame:
        """One row a model × layer × metric × region × split: over subjects, in the order of the layers."""
        return self.scores.mean

    @property
    def choices(self) -> pandas.DataFrame:
        """As `JoinedScores.choices`."""
        return self.scores.choices

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models, in the order in which they were scored."""
        return _unique(self.scores.table["model"])

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The metrics, in the order of the protocol."""
        return _unique(self.scores.table["metric"])

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """The regions, in the order of the recordings."""
        return _unique(self.scores.table["region"])

    @cached_property
    def subjects(self) -> dict[str, int]:
        """How many subjects each region has."""
        return {str(region): part["subject"].nunique() for region, part in self.scores.table.groupby("region", sort=False)}

    @cached_property
    def most_subjects(self) -> int:
        """The largest number of subjects of any region."""
        return max(self.subjects.values())

    @cached_property
    def labels(self) -> dict[str, str]:
        """The shortest clear name of each model."""
        return short_labels(self.models)

    def curve(self, model: str, metric: str, region: str, split: str) -> pandas.DataFrame:
        """A model's layers in order; empty where it was not scored so."""
        return self._curves.get((model, metric, region, split), self.mean.iloc[:0])

    @cached_property
    def _curves(self) -> dict[Any, pandas.DataFrame]:
        return dict(list(self.mean.groupby([*CHOICE, "split"], sort=False)))

    def ranked(self, metric: str, region: str) -> pandas.DataFrame:
        """The choices for one metric and region, best first."""
        c = self.choices
        return c[(c["metric"] == metric) & (c["region"] == region)].sort_values("score", ascending=False, kind="stable")

    def marks(self, model: str, metric: str, region: str) -> list[tuple[str, float, int]]:
        """`(layer, depth, how many subjects' train halves chose it)`."""
        part = self._chosen.get((model, metric, region))
        if part is None:
            return []
        return [(str(layer), float(each["depth"].iloc[0]), len(each)) for layer, each in part.groupby("layer", sort=False)]

    @cached_property
    def _chosen(self) -> dict[Any, pandas.DataFrame]:
        return dict(list(self.scores.chosen.groupby(list(CHOICE), sort=False)))

    @cached_property
    def has_dimensionality(self) -> bool:
        """Whether effective dimensionality is known, and differs, of at least three layers."""
        found = self.mean["effective_dimensionality"].to_numpy(dtype=float)
        return bool(np.unique(found[np.isfinite(found)]).size >= 3)

    def dimensionality(self, metric: str, region: str) -> tuple[pandas.DataFrame, float, float, float]:
        """Layers on the test half; the slope and intercept of the least-squares line over log₁₀ of the dimensionality, and Pearson's r."""
        m = self.mean
        part = m[(m["metric"] == metric) & (m["region"] == region) & (m["split"] == "test")]
        part = part[np.isfinite(part["effective_dimensionality"]) & np.isfinite(part["score"]) & (part["effective_dimensionality"] > 0)]
        x, y = np.log10(part["effective_dimensionality"].to_numpy(dtype=float)), part["score"].to_numpy(dtype=float)
        if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
            return part, np.nan, np.nan, np.nan
        slope, intercept = np.polyfit(x, y, 1)
        return part, float(slope), float(intercept), float(np.corrcoef(x, y)[0, 1])

    def unit_scores(self, metric: str) -> list[UnitScores]:
        """Of the dozen best models on each recording, at the layer that train chose most often."""
        found = []
        c = self.choices[self.choices["metric"] == metric]
        several = len(self.scores.by_recording) > 1
        for (recording, model), part in c.groupby(["recording", "model"], sort=False):
            layer = str(part["layer"].value_counts().index[0])
            values = np.asarray(self.scores.by_recording[str(recording)].units.get((model, layer, metric), ()), dtype=np.float64)
            values = values[np.isfinite(values)]
            if len(values):
                found.append(UnitScores(self.labels[str(model)], layer, str(recording) * several, values, mean_of(part["ceiling"])))
        return sorted(found, key=lambda each: -float(each.values.mean()))[:_MOST_HISTOGRAMS]

    @cached_property
    def penalties(self) -> pandas.DataFrame:
        """The layers of the first metric that has penalties."""
        m = self.mean[(self.mean["split"] == "test") & np.isfinite(self.mean["alpha_median"].to_numpy(dtype=float))]
        first: pandas.DataFrame = m[m["metric"] == m["metric"].iloc[0]] if len(m) else m
        return first

    def domain(self, metric: str, region: str) -> tuple[float, float]:
        """The ends of the axis of a metric and recording: scores, intervals and ceilings of all layers in all its regions, and 0."""
        m = self.mean[self.mean["metric"] == metric]
        m = m[m["recording"].isin(m.loc[m["region"] == region, "recording"])]
        test = m[m["split"] == "test"]
        bounded = np.isfinite(test["ceiling_lower"].to_numpy(dtype=float)).any()
        drawn = test[["low", "high", *(("ceiling_lower", "ceiling_upper") if bounded else ("ceiling",))]].to_numpy(dtype=float)
        values = np.concatenate([m["score"].to_numpy(dtype=float), drawn.ravel()])
        values = values[np.isfinite(values)]
        low, high = min(0.0, float(values.min(initial=0.0))), max(float(values.max(initial=0.0)), 0.01)
        return low - 0.04 * (high - low) * (low < 0), high + 0.06 * (high - low)

    @cached_property
    def paired(self) -> tuple[Paired, ...]:
        """The controlled contrasts."""
        return paired_contrasts(dict(self.contrasts))

    @cached_property
    def queries(self) -> Queries | None:
        """The query sheet."""
        return None if self.query_sheet is None else shown_queries(self.query_sheet)


def _unique(values: pandas.Series[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, values)))
