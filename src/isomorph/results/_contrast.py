"""Controlled comparisons: what one thing about models does to their scores, the rest held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from isomorph.errors import InputError
from isomorph.inference import correct_p_values
from isomorph.inference._bootstrap import check_draws
from isomorph.results._contrast_permutation import MANY, Stratum, permutation_contrast, strata_of
from isomorph.results._contrast_rows import Comparison, comparisons, read_metadata, read_scores

if TYPE_CHECKING:
    import pandas as pd

_PAIR = ("stratum", "level_a", "level_b", "units_a", "units_b", "score_a", "score_b", "difference", "weight")
Method = Literal["permutation", "mixed", "ols"]
Correction = Literal["holm", "fdr_bh", "bonferroni"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Contrast:
    """What a factor does to scores.

    Attributes:
        table: A row a cell and pair of levels: the columns of `by`, `level_a`, `level_b`, `score_a` and `score_b` (the means), `difference`
            (a − b), `low`, `high`, `p` (two-sided), `p_corrected`, `pairs` (strata with both levels), `in_favour` (those where a is
            above b), `n_a`, `n_b` (units), `test`.
        pairs: A row a cell and stratum: the columns of `by`, `stratum`, `level_a`, `level_b`, `units_a`, `units_b`, `score_a`, `score_b`,
            `difference`, `weight`.
        factor: The column of the metadata.
        options: Plain data: held columns, method, correction, seed and the rest.
        notes: Sentences that belong to the numbers.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    factor: str
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        by, held = self.options["by"], ", ".join(self.options["hold"])
        lines = []
        for row in self.table.to_dict("records"):
            cell = ", ".join(f"{row[column]}" for column in by)
            interval = "" if np.isnan(row["low"]) else f" [{row['low']:+.3f}, {row['high']:+.3f}]"
            p = "" if np.isnan(row["p"]) else f", p = {row['p']:.2g} ({row['p_corrected']:.2g} corrected)"
            counted = f"{row['n_a']} against {row['n_b']} models"
            if held and self.options["method"] == "permutation":
                kind = "pairs" if row["test"].startswith("signs") else "strata"
                counted = f"{row['in_favour']} of {row['pairs']} {kind} in favour"
            levels = f"{row['level_a']} − {row['level_b']} {row['difference']:+.3f}"
            lines.append(f"{cell}{': ' * bool(cell)}{levels}{interval}{p}; {counted} ({row['test']}).")
        head = f"{self.factor}{f', holding {held}' * bool(held)}:"
        return "\n".join([head, *lines, *self.notes])

    def __repr__(self) -> str:
        return f"Contrast({self})"


def contrast(
    table: pd.DataFrame,
    metadata: pd.DataFrame | Mapping[str, Any],
    factor: str,
    *,
    levels: Sequence[str] | None = None,
    hold: Sequence[str] = (),
    score: str = "score",
    by: Sequence[str] = ("region", "metric"),
    unit: Sequence[str] = ("model",),
    method: Method = "permutation",
    correction: Correction = "holm",
    family: Sequence[str] = (),
    replicates: int = 1000,
    permutations: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Contrast:
    r"""Compare models that differ in one thing, with others held.

    Models that agree in every column of `hold` make a stratum, and only strata with both levels count. With differences of means
    \(d_s\) in stratum s of \(n_s\) and \(m_s\) models,

    $$\hat\Delta = \frac{\sum_s w_s d_s}{\sum_s w_s}, \qquad w_s = \frac{n_s m_s}{n_s + m_s},$$

    the least-squares effect with one intercept a stratum; for pairs, the mean of paired differences.

    `"permutation"` gives other labels to the models of each stratum (for pairs: flips signs), all labellings where these are at most
    `permutations`. For its interval it resamples pairs, or strata where there are five or more, else the models of each level and stratum.
    `"ols"` and `"mixed"` take the held columns as additive effects, so that models without a partner count too: least squares on scores
    averaged over subjects, or restricted maximum likelihood with random intercepts of subjects and of models that several subjects score;
    t tests with as many degrees of freedom as models less effects.

    Args:
        table: A row a unit and cell, such as `BrainScores.chosen()`: `model`, the columns of `by`, and the score. A column `subject`
            that is not in `by` holds repeated scores: they are averaged, or (`"mixed"`) modelled.
        metadata: A row a model: index or column `model`; or facts or `ModelCard` by name.
        factor: The column of the metadata to compare.
        levels: Which of its values, in this order; every two of them are compared. None: all.
        hold: Columns of the metadata in which compared models must agree.
        score: The column of scores.
        by: The columns that make cells; each is compared on its own.
        unit: What tells scores of one cell and subject apart.
        method: `"permutation"`, `"mixed"` or `"ols"`.
        correction: Of the p-values of a family, `inference.correct_p_values`.
        family: The columns of `by` that tell families apart; none: all comparisons are one family.
        replicates: Of the bootstrap; 0 for none. `"ols"` and `"mixed"` need none.
        permutations: How many labellings at most; 0 for no test.
        level: Of the intervals.
        seed: Of both.

    Raises:
        UnknownNameError: There is no such column, or no such level.
        IdError: A model has no metadata.
        InputError: One level alone, no two models that differ in the factor alone, several rows for one unit, or an option out of range.
        NonFiniteError: A score is NaN.

    References:
        Conwell et al., 2024, <https://doi.org/10.1038/s41467-024-53147-y>.

    Example:
        >>> import pandas as pd
        >>> names = [f"{net}-{task}" for net in ("r18", "r50", "vit", "swin", "mixer") for task in ("clip", "class")]
        >>> about = pd.DataFrame([name.split("-") for name in names], index=names, columns=["architecture", "task"])
        >>> scores = pd.DataFrame({"model": names, "score": [0.32, 0.30, 0.35, 0.31, 0.36, 0.33, 0.37, 0.36, 0.29, 0.28]})
        >>> print(contrast(scores, about, "task", hold=["architecture"], by=[]))
        task, holding architecture:
        clip − class +0.022 [+0.012, +0.032], p = 0.062 (0.062 corrected); 5 of 5 pairs in favour (signs, all 32).
    """
    import pandas as pd

    hold, by, unit = tuple(hold), tuple(by), tuple(unit)
    options: dict[str, Any] = {
        "hold": list(hold),
        "by": list(by),
        "unit": list(unit),
        "score": score,
        "method": method,
        "correction": correction,
    }
    options |= {"family": list(family), "replicates": replicates, "permutations": permutations, "level": level, "seed": seed}
    _check(factor, options)
    rows = read_scores(table, score=score, by=by, unit=unit)
    known = read_metadata(metadata, (factor, *hold), tuple(dict.fromkeys(rows["model"].astype(str))))
    found, pairs, notes = [], [], dict[str, None]()
    for each in comparisons(rows, known, factor, levels, hold=hold, by=by):
        row, strata = _compare(each, factor, hold, method, options)
        found.append(row)
        pairs += [_pair(each, stratum) for stratum in strata]
        notes |= dict.fromkeys(_notes(each, row, strata, method))
    result = pd.DataFrame(found).drop(columns="dropped", errors="ignore")
    corrected = pd.Series(np.nan, index=result.index)
    tested = result[result["p"].notna()]
    for _, part in tested.groupby(list(family), sort=False) if family else [((), tested)] if len(tested) else []:
        corrected[part.index] = correct_p_values(part["p"].to_numpy(), correction)
    result.insert(list(result.columns).index("p") + 1, "p_corrected", corrected)
    return Contrast(table=result, pairs=pd.DataFrame(pairs, columns=[*by, *_PAIR]), factor=factor, options=options, notes=tuple(notes))


def _compare(
    comparison: Comparison, factor: str, hold: tuple[str, ...], method: Method, options: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Stratum]]:
    strata = strata_of(comparison.rows)
    first, second = comparison.levels
    if method == "permutation":
        if not strata:
            where = ", ".join(f"{column} {value!r}" for column, value in comparison.cell.items())
            raise InputError(
                f"no {first!r} and {second!r} agree in {', '.join(hold)}{f' for {where}' * bool(where)}: there are no models that differ "
                f"in {factor!r} alone. Hold fewer columns, or take method='ols', where what is held has additive effects."
            )
        numbers = ("replicates", "permutations", "seed", "level")
        fitted = permutation_contrast(strata, **{name: options[name] for name in numbers})
    else:
        from isomorph.results._contrast_mixed import mixed_contrast

        fitted = mixed_contrast(comparison.rows, hold=hold, random=method == "mixed", level=options["level"])
    used = [each.units for each in strata] if method == "permutation" else [tuple(comparison.rows["_unit"])]
    sides = comparison.rows[comparison.rows["_unit"].isin([name for units in used for name in units])].groupby("_first")
    means, counts = sides["_score"].mean(), sides["_unit"].nunique()
    return {
        **comparison.cell,
        **{"level_a": first, "level_b": second, "score_a": float(means[1]), "score_b": float(means[0])},
        **{key: fitted[key] for key in ("difference", "low", "high", "p")},
        **{"pairs": len(strata), "in_favour": sum(each.difference > 0 for each in strata)},
        **{"n_a": int(counts[1]), "n_b": int(counts[0]), "test": fitted["test"], "dropped": fitted.get("dropped", ())},
    }, strata


def _pair(comparison: Comparison, stratum: Stratum) -> dict[str, Any]:
    cut = stratum.first
    return {
        **comparison.cell,
        **{"stratum": stratum.name, "level_a": comparison.levels[0], "level_b": comparison.levels[1]},
        **{"units_a": ", ".join(stratum.units[:cut]), "units_b": ", ".join(stratum.units[cut:])},
        **{"score_a": float(stratum.scores[:cut].mean()), "score_b": float(stratum.scores[cut:].mean())},
        **{"difference": stratum.difference, "weight": stratum.weight},
    }


def _notes(comparison: Comparison, row: Mapping[str, Any], strata: Sequence[Stratum], method: Method) -> list[str]:
    """What a reader should know of one comparison."""
    notes = [f"{each} is told by the other effects and was left out." for each in row["dropped"]]
    units = comparison.rows["_unit"].nunique()
    left = units - row["n_a"] - row["n_b"]
    if left:
        notes.append(f"{left} of {units} models have no partner and were left out: {row['level_a']} against {row['level_b']}.")
    if method == "permutation" and len(strata) < MANY and all(len(each.scores) == 2 for each in strata):
        few = "one pair alone: there is no interval" if len(strata) == 1 else f"{len(strata)} pairs are few: the interval is too narrow"
        notes.append(f"{few}.")
    return notes


def _check(factor: str, options: Mapping[str, Any]) -> None:
    if options["method"] not in ("permutation", "mixed", "ols"):
        raise InputError(f"method must be 'permutation', 'mixed' or 'ols'; got {options['method']!r}.")
    if factor in options["hold"]:
        raise InputError(f"{factor!r} is what is compared; it can't be held too.")
    outside = [each for each in options["family"] if each not in options["by"]]
    if outside:
        raise InputError(f"family names columns of by ({', '.join(options['by']) or 'none'}); got {outside[0]!r}.")
    check_draws(**{name: options[name] for name in ("replicates", "permutations", "seed", "level")})
