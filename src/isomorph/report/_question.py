"""A benchmark's target, and how every model answered it: what the page and the figures both print."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isomorph.report._names import measure_symbol, printable, short_labels

if TYPE_CHECKING:
    from isomorph.results import BenchmarkRecord, Results, TargetRecord


@dataclass(frozen=True, kw_only=True)
class LayerScore:
    """One layer of one model against the target."""

    layer: str
    depth: float
    value: float
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One model against the target: its best layer, all of them from input to output, and whether it was fitted to what is judged."""

    model: str
    label: str
    control: bool
    seen: bool = False
    best: LayerScore
    layers: tuple[LayerScore, ...]

    @property
    def kind(self) -> str:
        """`"model"` or `"control"`."""
        return "control" if self.control else "model"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One target of one benchmark.

    Attributes:
        benchmark: The benchmark's name.
        target: What was compared with.
        measure: The comparison that ranks.
        answers: The models, the closest first.
        ceiling: Lower and upper noise ceiling; None where a single subject leaves none.
        n: How many stimuli.
        subjects: How many people or brains the target has.
    """

    benchmark: str
    target: TargetRecord
    measure: str
    answers: tuple[Answer, ...]
    ceiling: tuple[float, float] | None
    n: int
    subjects: int

    @property
    def symbol(self) -> str:
        """The letter of the comparison."""
        return measure_symbol(self.measure)

    @property
    def domain(self) -> tuple[float, float]:
        """The span of an axis that shows every layer, interval and the ceiling, in whole tenths."""
        return self._span([layer for answer in self.answers for layer in answer.layers])

    @property
    def best_domain(self) -> tuple[float, float]:
        """The same, for the best layers alone."""
        return self._span([answer.best for answer in self.answers])

    def _span(self, layers: list[LayerScore]) -> tuple[float, float]:
        ends = [0.0, *(self.ceiling or ())]
        ends += [end for layer in layers for end in (layer.value, layer.low, layer.high) if end is not None]
        return math.floor(min(ends) * 10 - 1e-9) / 10 if min(ends) < 0 else 0.0, max(0.1, math.ceil(max(ends) * 10 - 1e-9) / 10)


def all_labels(results: Results) -> dict[str, str]:
    """The label of every model and target, the same all over the report."""
    models = [*results.table["model"], *(each.model for each in results.geometry)]
    targets = {target.name: printable(target.name) for record in results.benchmarks for target in record.targets}
    return targets | short_labels(models)


def is_control(results: Results, model: str) -> bool:
    """Whether a model is there to be beaten: untrained, or no network at all."""
    return bool(results.methods.get("models", {}).get(model, {}).get("training_data") == "none")


def questions(results: Results, record: BenchmarkRecord) -> tuple[Question, ...]:
    """Every target of a benchmark that at least one model was scored on."""
    measure = f"rsa-{record.comparisons[0]}"
    table = results.table
    scored = table[(table["benchmark"] == record.name) & (table["measure"] == measure) & table["value"].notna()]
    labels = all_labels(results)
    asked = []
    for target in record.targets:
        rows = scored[scored["target"] == target.name]
        if not len(rows):
            continue
        answers = [_answer(results, str(model), labels, group) for model, group in rows.groupby("model", sort=False)]
        first = rows.iloc[0]
        lower, upper = _number(first["ceiling_lower"]), _number(first["ceiling_upper"])
        asked.append(
            Question(
                benchmark=record.name,
                target=target,
                measure=measure,
                answers=tuple(sorted(answers, key=lambda each: -each.best.value)),
                ceiling=None if lower is None or upper is None else (lower, upper),
                n=int(first["n"]),
                subjects=int(first["subjects"]),
            )
        )
    return tuple(asked)


def _answer(results: Results, model: str, labels: dict[str, str], rows: Any) -> Answer:
    layers = tuple(
        LayerScore(
            layer=str(row["layer"]),
            depth=float(row["depth"]),
            value=float(row["value"]),
            low=_number(row["low"]),
            high=_number(row["high"]),
            p=_number(row["p_corrected"]),
        )
        for row in rows.sort_values("layer_index", kind="stable").to_dict("records")
    )
    best = max(layers, key=lambda each: each.value)
    seen = bool(rows["seen"].any())
    return Answer(model=model, label=labels[model], control=is_control(results, model), seen=seen, best=best, layers=layers)


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
