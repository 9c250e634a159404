"""Scores of answers by model and measure, and the tables that show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from isomorph.report._names import short_labels

if TYPE_CHECKING:
    from isomorph.results import Results
    from isomorph.results._behaviour_table import BehaviourRecord

HUMANS = "humans"
TABLES: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    ("Trial by trial", "Answers as right or wrong, beside each person’s on the same image.", (
        ("error_consistency", "κ with people", "higher"), ("ood_accuracy", "Accuracy", "higher"),
        ("observed_consistency", "Both right or both wrong", "higher"), ("accuracy_difference", "Accuracy difference²", "lower"),
        ("shape_bias", "Shape bias", "as people"), ("mean_rank", "Mean rank", "lower"),
    )),
    ("As distributions", "Probabilities beside the shares of people’s votes.", (
        ("hellinger", "Hellinger", "lower"), ("jensen_shannon", "Jensen–Shannon", "lower"), ("total_variation", "Total variation", "lower"),
        ("soft_cross_entropy", "Cross-entropy", "lower"), ("brier", "Brier", "lower"), ("ece", "Calibration error", "lower"),
    )),
    ("As somebody to rely on", "Errors when the least sure answers are left out, and R − cW per image, c a share of the n images.", (
        ("aurc", "AURC", "lower"), ("reliability(c=0n)", "c = 0", "higher"), ("reliability(c=0.5n)", "c = n/2", "higher"),
        ("reliability(c=1n)", "c = n", "higher"),
    )),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Scores of models and of people among themselves.

    Attributes:
        rows: `model`, `target`, `measure`, `value`, `low`, `high`, `ceiling`, `n`.
        models: In the order of the tables.
        datasets: What was answered.
    """

    rows: Sequence[Mapping[str, Any]]
    models: tuple[str, ...]
    datasets: tuple[str, ...]

    @classmethod
    def of(cls, results: Results, record: BehaviourRecord) -> Scores:
        """Those of one benchmark of answers."""
        table = results.table[results.table["benchmark"] == record.name]
        rows: Any = table.astype(object).where(table.notna(), None).to_dict("records")
        models = [each for each in results.leaderboard(record.name)["model"] if each != HUMANS]
        return cls(rows=rows, models=tuple(models), datasets=record.datasets)

    @cached_property
    def labels(self) -> dict[str, str]:
        """Short names of the models."""
        return short_labels(self.models)

    def score(self, model: str, measure: str, target: str = "all") -> dict[str, Any] | None:
        """One row."""
        found = (dict(each) for each in self.rows if (each["model"], each["measure"], each["target"]) == (model, measure, target))
        return next(found, None)

    def tables(self) -> Iterator[dict[str, Any]]:
        """The tables that have a number, as the templates take them."""
        names = [*self.models, HUMANS]
        for title, caption, measures in TABLES:
            used = [each for each in measures if any((self.score(name, each[0]) or {}).get("value") is not None for name in names)]
            if used:
                lines: list[dict[str, Any]] = [
                    {"name": self.labels.get(name, "people among themselves"), "people": name == HUMANS,
                     "cells": [cell(self.score(name, measure)) for measure, _, _ in used]}
                    for name in names
                ]  # fmt: skip
                heads = [(words, better) for _, words, better in used]
                yield {"title": title, "caption": caption, "heads": heads, "lines": [each for each in lines if any(each["cells"])]}


def cell(score: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """A number and its interval in brackets."""
    if score is None or score["value"] is None:
        return None
    ends = "" if score["low"] is None else f"[{_text(score['low'])}, {_text(score['high'])}]"
    return f"{score['value']:.1f}" if score["measure"] == "mean_rank" else _text(score["value"]), ends


def _text(value: float) -> str:
    return (f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}").replace("-", "−")
