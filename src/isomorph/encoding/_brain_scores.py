"""Scores of models against a recording, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.encoding._choose_layers import choose_layers, marked_best
from isomorph.encoding._encode_tally import t_quantile
from isomorph.encoding._over_subjects import half_widths
from isomorph.encoding._protocol import Protocol
from isomorph.errors import InputError, UnknownNameError
from isomorph.inference import Score

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "model", "layer", "layer_index", "depth", "metric", "region", "subject", "split", "score", "low", "high", "p", "ceiling",
    "ceiling_lower", "ceiling_upper", "normalised", "n_units", "n_stimuli", "alpha_low", "alpha_median", "alpha_high", "units_at_edge",
    "effective_dimensionality", "best_on_train", "protocol", "scorer", "normaliser", "aggregator", "split_rule", "regression", "projection",
    "distance", "comparison", "seed", "replicates",
)  # fmt: skip
_MEANS = (
    "score", "p", "ceiling", "ceiling_lower", "ceiling_upper", "normalised", "alpha_low", "alpha_median", "alpha_high", "units_at_edge",
    "effective_dimensionality",
)  # fmt: skip
_KEYS = ("model", "layer", "metric", "region", "split")
_SHOWN = 24
Which: TypeAlias = str | tuple[str, str]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BrainScores:
    """What `encode` returns; `str` of it is a table of the chosen layers.

    Attributes:
        table: One row a model × layer × metric × region × subject × side of the split, with the columns that `COLUMNS` lists.
            `ceiling` is on the scale of `score`; `normalised` is NaN where the protocol normalises by nothing.
        units: Of `(model, layer, metric)` the test score of each unit of the recording `[unit]`, float32; NaN of units in no region.
        recording: Its name, digest, regions, subjects and number of stimuli.
        protocol: How it was judged.
        notes: What a reader ought to know.
        contributions: Of `(model, layer, metric, region, subject)` how much each stimulus of the recording has to do with the test score
            `[stimulus]`, float32: their sum of squares is its variance, and paired differences come from them.
        alphas: Of `(model, layer)` the penalty of each unit `[unit]`, float32, the median over folds; nothing of maps without penalties.
        level: The intervals' coverage.
    """

    table: pandas.DataFrame
    units: Mapping[tuple[str, str, str], FloatArray]
    recording: Mapping[str, Any]
    protocol: Protocol
    notes: tuple[str, ...] = ()
    contributions: Mapping[tuple[str, str, str, str, str], FloatArray] = field(default_factory=dict)
    alphas: Mapping[tuple[str, str], FloatArray] = field(default_factory=dict)
    level: float = 0.95

    @property
    def models(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(dict.fromkeys(self.table["model"]))

    def chosen(self, **options: Any) -> pandas.DataFrame:
        """Of each model, metric, region and subject the layer that scores best on train, with its test score.

        Args:
            options: Of `choose_layers`.
        """
        return choose_layers(self.table, **options)

    def over_subjects(self) -> pandas.DataFrame:
        """Means over the subjects that have a score of every model, layer, metric, region and side; `n_subjects` is how many.

        Intervals are over stimuli, which all subjects share, with the subjects held fixed: on test from `contributions`,
        on train the mean of the subjects' widths, which is too wide. `p` is the mean of theirs.
        """
        grouped = self.table.groupby(list(_KEYS), sort=False)
        first = [each for each in self.table.columns if each not in (*_KEYS, *_MEANS, "subject", "low", "high", "best_on_train")]
        made = grouped.agg({**dict.fromkeys(_MEANS, "mean"), **dict.fromkeys(first, "first")})
        made["n_units"], made["n_subjects"] = grouped["n_units"].sum(), grouped["score"].count()
        made = made.reset_index()
        half = half_widths(self, self.table, grouped.ngroup().to_numpy())
        made["low"], made["high"] = made["score"] - half, made["score"] + half
        return made

    def difference(self, a: Which, b: Which, *, metric: str, region: str, subject: str | None = None) -> Score:
        """How much better `a` scores than `b` on the same test stimuli, stimulus by stimulus, with the two-sided p of no difference.

        Args:
            a: A model, `(model, layer)`; of a model alone the layer that is best on train, of each subject its own.
            b: Another.
            metric: Of which metric.
            region: In which region.
            subject: Of which subject; None: the mean over subjects.

        Raises:
            UnknownNameError: There is no such model, layer, metric, region or subject.
        """
        rows = self._rows(metric, region, subject)
        pairs = [(self._row(rows, a, who), self._row(rows, b, who)) for who in dict.fromkeys(rows["subject"])]
        value = float(np.mean([first["score"] - second["score"] for first, second in pairs]))
        change = np.mean([self._contributions(first) - self._contributions(second) for first, second in pairs], axis=0)
        error, n = float(np.sqrt((change.astype(np.float64) ** 2).sum())), int(pairs[0][0]["n_stimuli"])
        half = t_quantile(n - 1, self.level) * error
        return Score(
            value=value, low=value - half, high=value + half, n=n, measure=f"{metric} difference", level=self.level,
            p=_two_sided(value, error, n - 1),
        )  # fmt: skip

    def merge(self, *others: BrainScores) -> BrainScores:
        """These and others' scores of other models, layers or regions, against the same recording by the same protocol.

        The layers that are best on train are found anew, among all of a model's.

        Args:
            others: What `encode` gave for them.

        Raises:
            InputError: The recording or the protocol is another one, or a layer's score of a region is in two of them.
        """
        import pandas

        everyone = (self, *others)
        for each in others:
            if each.recording["digest"] != self.recording["digest"]:
                raise InputError(
                    f"scores against {self.recording['name']!r} and {each.recording['name']!r} can't be merged: the recordings differ."
                )
            if each.protocol != self.protocol or each.level != self.level:
                raise InputError(f"scores by the protocols {self.protocol.name!r} and {each.protocol.name!r} can't be merged: they differ.")
        table = pandas.concat([each.table for each in everyone], ignore_index=True)
        doubled = table[table.duplicated([*_KEYS, "subject"])]
        if len(doubled):
            first = doubled.iloc[0]
            raise InputError(
                f"layer {first['layer']!r} of {first['model']!r} is in two of the scores. Give models names: encode(…, model=…)."
            )
        recording = dict(self.recording) | {
            part: list(dict.fromkeys(name for each in everyone for name in each.recording[part])) for part in ("regions", "subjects")
        }
        return replace(
            self,
            table=marked_best(table),
            recording=recording,
            units=_joined(each.units for each in everyone),
            contributions={key: value for each in everyone for key, value in each.contributions.items()},
            alphas=_joined(each.alphas for each in everyone),
            notes=tuple(dict.fromkeys(note for each in everyone for note in each.notes)),
        )

    def save(self, folder: Path | str) -> None:
        """Write a new folder: the table in Parquet, arrays in `.npy`, the rest in JSON.

        Raises:
            InputError: The folder is there already.
            FileError: It cannot be written.
        """
        from isomorph.encoding._brain_scores_folder import save_scores

        save_scores(self, Path(folder))

    @staticmethod
    def load(folder: Path | str) -> BrainScores:
        """Read what `save` wrote.

        Raises:
            FileError: A file is missing, damaged, or no part of scores.
        """
        from isomorph.encoding._brain_scores_folder import load_scores

        return load_scores(Path(folder))

    def __repr__(self) -> str:
        counts = {
            word: len(self.table[list(columns)].drop_duplicates())
            for word, columns in (("model", ["model"]), ("layer", ["model", "layer"]), ("metric", ["metric"]), ("region", ["region"]))
        }
        said = ", ".join(f"{count} {word}{'s' * (count > 1)}" for word, count in counts.items())
        return f"BrainScores({self.recording['name']!r}, {said}, {self.protocol.name})"

    def __str__(self) -> str:
        chosen = self.chosen()
        head = ["model", "metric", "region", "subject", "layer", "score", "low", "high", "ceiling"]
        text = chosen[head].head(_SHOWN).to_string(index=False, float_format=lambda value: f"{value:.3f}")
        more = [f"and {len(chosen) - _SHOWN} rows more: chosen()"] if len(chosen) > _SHOWN else []
        return "\n".join([repr(self), "layers chosen on train, scored on test:", text, *more, *(f"note: {each}" for each in self.notes)])

    def _rows(self, metric: str, region: str, subject: str | None) -> pandas.DataFrame:
        rows = self.table
        for name, value in (("metric", metric), ("region", region), ("subject", subject)):
            if value is None:
                continue
            if value not in set(rows[name]):
                raise UnknownNameError(name, str(value), set(rows[name]))
            rows = rows[rows[name] == value]
        return rows

    def _row(self, rows: pandas.DataFrame, which: Which, subject: str) -> Any:
        """The test row of a layer, or of a model's layer that is best on train."""
        model, layer = (which, None) if isinstance(which, str) else which
        if model not in set(rows["model"]):
            raise UnknownNameError("model", model, set(rows["model"]))
        found = rows[(rows["model"] == model) & (rows["subject"] == subject) & (rows["split"] == "test")]
        if layer is not None and layer not in set(found["layer"]):
            raise UnknownNameError("layer", layer, set(found["layer"]), listing=f"`table` lists those of {model!r}")
        found = found[found["best_on_train"]] if layer is None else found[found["layer"] == layer]
        if found.empty or np.isnan(found["score"].iloc[0]):
            raise InputError(f"{model!r}{f' {layer!r}' if layer else ''} has no score to compare{f' for {subject}' if subject else ''}.")
        return found.iloc[0]

    def _contributions(self, row: Any) -> FloatArray:
        return self.contributions[row["model"], row["layer"], row["metric"], row["region"], row["subject"]]


def _joined(parts: Iterable[Mapping[Any, FloatArray]]) -> dict[Any, FloatArray]:
    """Arrays of all units by their keys; of a key that is in two, the units of both."""
    result: dict[Any, FloatArray] = {}
    for key, values in (item for part in parts for item in part.items()):
        result[key] = np.where(np.isnan(result[key]), values, result[key]) if key in result else values
    return result


def _two_sided(value: float, error: float, degrees: int) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(degrees, -abs(value) / error)) if error > 0 else float(value == 0)
