"""Models beside people on model-vs-human's questions, as one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from isomorph.errors import InputError
from isomorph.inference import interval
from isomorph.inference._bootstrap import check_draws
from isomorph.perception._agreement import Shares, drawn_shares, pairs_of, shares, without_bias
from isomorph.perception._distributions import Floats
from isomorph.perception._dropped import Dropped
from isomorph.perception._grid import Grid, grids
from isomorph.perception._shape_bias import shape_bias
from isomorph.perception._trials import Trials

if TYPE_CHECKING:
    import pandas

HUMANS = "humans"
STATISTICS = ("accuracy_difference", "observed_consistency", "error_consistency", "ood_accuracy")


@dataclass(frozen=True)
class _Draw:
    replicates: int
    images: bool
    people: bool
    rng: np.random.Generator


def behaviour_table(
    trials: Trials,
    *,
    dropped: Dropped = "model-vs-human",
    by: Literal["model", "dataset"] = "model",
    replicates: int = 1000,
    resample: Literal["images", "people", "both"] = "images",
    level: float = 0.95,
    seed: int = 0,
) -> pandas.DataFrame:
    """Every model, and people among themselves, on the questions of model-vs-human (Geirhos et al., 2021).

    Each number is formed within a condition, then averaged, unweighted, over conditions, people and data sets, in this order. OOD
    accuracy pools the trials of a data set first. A row "humans" holds each pair of people once, with their pooled accuracy: the ceiling.
    Replicates of the accuracy difference are centred on its value, since squares of what is drawn are larger throughout. κ of few images
    falls short of κ of many; its interval is corrected for that bias, and so need not lie evenly about the value, which is not.

    Args:
        trials: Trials of models and people on the same images.
        dropped: Which conditions do not count: a name of `DROPPED` or `{data set: conditions}`.
        by: One row a model, or one a model and data set.
        replicates: Bootstrap replicates of each interval; 0: no columns `…_low`, `…_high`.
        resample: What the bootstrap draws: images (within conditions), people (within data sets), or both; for shape bias always images.
        level: The intervals' coverage.
        seed: The bootstrap's.

    Returns:
        Columns `model`, (`dataset`,) `accuracy_difference` (squared, lower is closer), `observed_consistency`, `error_consistency` (κ),
        `ood_accuracy`, and for models `shape_bias` (with a data set "cue-conflict") and `mean_rank` (of the first three, among models).

    Raises:
        InputError: There are no people, or a model lacks a data set; each is named.
        IdError: Observers saw different images.
    """
    if by not in ("model", "dataset"):
        raise InputError(f"by is 'model' or 'dataset'; got {by!r}.")
    tables, names, values = behaviour_replicates(trials, dropped=dropped, replicates=replicates, resample=resample, level=level, seed=seed)
    if by == "dataset":
        return _as_table([(name, grid.dataset) for grid in tables for name in names], values.reshape(-1, *values.shape[2:]), level)
    table = _as_table([(name,) for name in names], values.mean(axis=0), level)
    _add_shape_bias(table, trials, replicates, seed, level)
    table["mean_rank"] = mean_ranks(table)
    return table


def behaviour_replicates(
    trials: Trials, *, dropped: Dropped, replicates: int, resample: str, level: float, seed: int
) -> tuple[list[Grid], list[str], Floats]:
    """The data sets, the observers (models, then humans), and `[data set, observer, statistic, 1 + replicate]`, the estimate first."""
    check_draws(replicates=replicates, seed=seed, level=level)
    if resample not in ("images", "people", "both"):
        raise InputError(f"resample is 'images', 'people' or 'both'; got {resample!r}.")
    draw = _Draw(replicates, resample != "people", resample != "images", np.random.default_rng(seed))
    tables = grids(trials, dropped)
    models = trials.models
    _check_complete(tables, models, trials.humans)
    values = np.stack([_of_grid(grid, models, trials.humans, draw) for grid in tables])
    if replicates:  # a drawn accuracy's noise is squared, too: uncentred, the interval of people among themselves lies above its value
        squares = values[:, :, STATISTICS.index("accuracy_difference")]
        squares[..., 1:] = np.maximum(squares[..., 1:] + squares[..., :1] - squares[..., 1:].mean(axis=-1, keepdims=True), 0)
    if replicates and draw.images:
        kappas = values[:, :, STATISTICS.index("error_consistency")]
        kappas[..., 1:] = without_bias(kappas[..., 0], kappas[..., 1:])
    return tables, [*models, HUMANS], values


def mean_ranks(table: pandas.DataFrame) -> pandas.Series:
    """The mean of three ranks among the models of a table: accuracy difference (ascending), observed and error consistency (descending).

    The row "humans" has none; ties share their mean rank.
    """
    models = table[table["model"] != HUMANS]
    ranks = [
        models["accuracy_difference"].rank(),
        models["observed_consistency"].rank(ascending=False),
        models["error_consistency"].rank(ascending=False),
    ]
    return (sum(ranks[1:], ranks[0]) / 3).reindex(table.index)


def _of_grid(grid: Grid, models: tuple[str, ...], humans: tuple[str, ...], draw: _Draw) -> Floats:
    """`[observer, statistic, 1 + replicate]`: models, then humans; the first replicate is the estimate itself."""
    people, rows = grid.rows(humans), grid.rows(models)
    across = np.array([(model, person) for model in rows for person in people], dtype=np.intp).reshape(-1, 2)
    within = pairs_of(people)
    pairs = np.concatenate([across, within])
    plain = shares(grid, pairs)
    parts = [_averaged(plain.averaged(pairs), _accuracy(grid, plain), len(rows), people, np.ones((len(people), 1)), rows)]
    if draw.replicates:
        drawn = drawn_shares(grid, pairs, draw.replicates, draw.rng) if draw.images else plain
        who = np.ones((len(people), draw.replicates))
        if draw.people:
            who = _drawn_people(len(people), draw)
        found = _averaged(drawn.averaged(pairs), _accuracy(grid, drawn), len(rows), people, who, rows)
        parts.append(np.broadcast_to(found, (*parts[0].shape[:2], draw.replicates)))
    return np.concatenate(parts, axis=2)


def _drawn_people(n: int, draw: _Draw) -> Floats:
    """How often each person is drawn, `[person, replicate]`; one person alone makes no pair, so that such draws are drawn again."""
    who = np.full((n, draw.replicates), n if n == 1 else 0)
    again = np.ones(draw.replicates, dtype=bool)
    while n > 1 and again.any():
        who[:, again] = draw.rng.multinomial(n, np.full(n, 1 / n), size=int(again.sum())).T
        again = who.max(axis=0) == n
    return who.astype(np.float64)


def _averaged(pairs: Floats, accuracy: Floats, models: int, people: list[int], who: Floats, rows: list[int]) -> Floats:
    """Over people, each with its weight in `who` [person, replicate]; a person is not paired with itself."""
    across = pairs[:, : models * len(people)].reshape(3, models, len(people), pairs.shape[2])
    of_models = (across * who).sum(axis=2) / who.sum(axis=0)
    first, second = pairs_of(list(range(len(people)))).T
    both = who[first] * who[second]
    total = both.sum(axis=0)
    of_people = np.divide(
        (pairs[:, models * len(people) :] * both).sum(axis=1),
        total,
        out=np.full((3, max(pairs.shape[2], who.shape[1])), np.nan),
        where=total > 0,
    )
    pooled = (accuracy[people] * who).sum(axis=0) / who.sum(axis=0)
    own = np.broadcast_to(accuracy[rows], (models, pooled.shape[-1]))
    return np.concatenate([
        np.concatenate([np.broadcast_to(of_models, (3, models, pooled.shape[-1])), own[None]]).transpose(1, 0, 2),
        np.concatenate([of_people, pooled[None]])[None],
    ])  # fmt: skip


def _accuracy(grid: Grid, found: Shares) -> Floats:
    """`[observer, replicate]`: the share of all trials, so that a condition counts as it is large."""
    return np.asarray(np.einsum("ocr,c->or", found.accuracy, np.diff(grid.starts) / grid.starts[-1]))


def _check_complete(tables: list[Grid], models: tuple[str, ...], humans: tuple[str, ...]) -> None:
    if not humans:
        raise InputError(
            f"no subject is a person, among {', '.join(models[:5])}. Say who is: read_trials(…, people='participant-*'); model-vs-human "
            "calls people subject-01 …"
        )
    if HUMANS in models:
        raise InputError(
            f"a model is called {HUMANS!r}, as the row of all people is. Rename it, or say who is a person: people={HUMANS!r}."
        )
    lacking = {name: [grid.dataset for grid in tables if name not in grid.observers] for name in models}
    lacking = {name: each for name, each in lacking.items() if each}
    alone = [grid.dataset for grid in tables if not grid.rows(humans)]
    if alone:
        raise InputError(
            f"nobody answered the data sets {', '.join(alone)}; models are compared with people. Leave them out: take(datasets=…)."
        )
    if lacking:
        lines = "; ".join(f"{name} lacks {', '.join(each)}" for name, each in lacking.items())
        raise InputError(
            f"not every model answered every data set: {lines}. Leave out data sets or models: trials.take(datasets=…, subjects=…)."
        )


def _as_table(keys: list[tuple[str, ...]], values: Floats, level: float) -> pandas.DataFrame:
    """`values` [row, statistic, 1 + replicate] under names, with intervals where there are replicates."""
    import pandas

    columns: dict[str, object] = {name: list(each) for name, each in zip(("model", "dataset"), zip(*keys, strict=True), strict=False)}
    low, high = interval(values[:, :, 1:].transpose(2, 0, 1), level) if values.shape[2] > 1 else (None, None)
    for at, name in enumerate(STATISTICS):
        columns[name] = values[:, at, 0]
        if low is not None and high is not None:
            columns |= {f"{name}_low": low[:, at], f"{name}_high": high[:, at]}
    return pandas.DataFrame(columns)


def _add_shape_bias(table: pandas.DataFrame, trials: Trials, replicates: int, seed: int, level: float) -> None:
    if "cue-conflict" not in trials.dataset.names:
        table["shape_bias"] = float("nan")
        return
    found = shape_bias(trials, replicates=replicates, seed=seed, level=level).set_index("observer")
    ends = {"shape_bias": "shape_bias"} | ({"low": "shape_bias_low", "high": "shape_bias_high"} if replicates else {})
    for column, name in ends.items():
        table[name] = found[column].reindex(table["model"]).to_numpy()
