"""How much of a brain's responses a few queries explain that people can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.encoding._brain_scores import BrainScores
from isomorph.encoding._encode import encode
from isomorph.encoding._load_protocol import load_protocol
from isomorph.encoding._protocol import Protocol
from isomorph.encoding._query_importances import query_importances
from isomorph.encoding._query_null import RandomQueries, ThinScorer, null_scores
from isomorph.encoding._query_tables import FULL, QUERIES, groups_table, score_table
from isomorph.errors import IdError, InputError
from isomorph.features import Features, relative

if TYPE_CHECKING:
    import pandas

    from isomorph.brains import RDMRecording, Recording
    from isomorph.engine import Progress

_COLUMNS = ("region", "query", "group", "importance", "low_units", "high_units", "low_stimuli", "high_stimuli", "coefficient")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class QuerySheet:
    """What `query_sheet` returns.

    Attributes:
        table: A row a metric × region × side of the split, mean over subjects: `metric`, `region`, `split`, `full`, `full_low`,
            `full_high`, `queries`, `queries_low`, `queries_high`, `performance` (queries ÷ full), and on test `performance_low`,
            `performance_high`, `null_mean`, `null_low`, `null_high` (of random sets), `p` (one-sided: the share of random sets that do
            as well).
        null: A row a metric × region × random set: `metric`, `region`, `draw`, `score`, on test.
        importances: A row a region × query, the most important of each region first: `region`, `query`, `group`, `importance` (mean
            absolute standardised coefficient, in the fit to the first training set), its interval over units (`low_units`, `high_units`)
            and over stimuli (`low_stimuli`, `high_stimuli`), `coefficient` (the signed mean). Empty where the protocol has no ridge.
        groups: A row a metric × region × group of queries: `metric`, `region`, `group`, `queries`, `unique` (what the test score loses
            without the group), `low`, `high`, `p` (two-sided), `importance` (the sum over its queries, of `eReg`). Empty without groups.
        queries: Their names.
        width: How many features the full embedding has.
        scores: Everything `encode` said of all features, of the queries, and of the queries without each group.
        notes: What a reader ought to know.
    """

    table: pandas.DataFrame
    null: pandas.DataFrame
    importances: pandas.DataFrame
    groups: pandas.DataFrame
    queries: tuple[str, ...]
    width: int
    scores: BrainScores
    notes: tuple[str, ...] = field(default=())

    @property
    def dimensions(self) -> float:
        """How many queries there are for each feature of the full embedding: m / p."""
        return len(self.queries) / self.width

    def save(self, folder: Path | str) -> None:
        """Write a new folder: tables in Parquet, `scores` as its own folder, the rest in JSON.

        Raises:
            InputError: The folder is there already.
            FileError: It cannot be written.
        """
        from isomorph.encoding._query_folder import save_sheet

        save_sheet(self, Path(folder))

    @staticmethod
    def load(folder: Path | str) -> QuerySheet:
        """Read what `save` wrote.

        Raises:
            FileError: A file is missing or damaged.
        """
        from isomorph.encoding._query_folder import load_sheet

        return load_sheet(Path(folder))

    def __repr__(self) -> str:
        return f"QuerySheet({len(self.queries)} queries, {self.width} features, {self.scores.recording['name']!r})"

    def __str__(self) -> str:
        lines = [f"{len(self.queries)} queries, {self.dimensions:.1%} of {self.width} dimensions, on test stimuli:"]
        sets = self.null["draw"].nunique()
        for row in self.table[self.table["split"] == "test"].to_dict("records"):
            share = f"{row['performance']:.1%} [{row['performance_low']:.1%}, {row['performance_high']:.1%}]"
            text = f"{row['region']} {row['metric']}: queries {row['queries']:.3f}, all features {row['full']:.3f}, {share}"
            if sets:
                text += f"; {sets} random sets {row['null_mean']:.3f} [{row['null_low']:.3f}, {row['null_high']:.3f}], p = {row['p']:.2g}"
            lines.append(text)
        return "\n".join([*lines, *(f"note: {each}" for each in self.notes)])


def query_sheet(
    x: Features,
    queries: Features | Mapping[str, npt.ArrayLike] | Sequence[str],
    recording: Recording | RDMRecording,
    *,
    protocol: str | Protocol = "conwell2024",
    groups: Mapping[str, str] | None = None,
    null: int = 200,
    pool: Features | None = None,
    regions: Sequence[str] | None = None,
    time: float | tuple[float, float] | None = None,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
    **changes: Any,
) -> QuerySheet:
    r"""Predict responses from cosines with queries, and compare with all features and with random queries.

    `relative(x, queries)` is encoded beside `x`, by the same protocol. A text query is a hypothesis in words: where queries do as well as
    the whole embedding, and better than as many random ones, what they name is what the region tells apart. Without the random ones
    nothing is said: enough directions of any kind span the space.

    Args:
        x: `[stimulus, feature]`, such as the embedding of pictures.
        queries: Anchors in the same space, as `features.relative` takes them: `Features` of texts, vectors by name, ids of stimuli.
        recording: As `encode` takes it.
        protocol: As `encode` takes it. The metric is `eReg` unless `metrics=` names others.
        groups: Of each query its group, such as the `groups` of `Stimuli.from_texts(…, group=)`.
        null: How many random sets of as many queries.
        pool: Queries to draw random sets from; None: directions of the space, drawn evenly.
        regions: As in `encode`.
        time: As in `encode`.
        replicates: Of the bootstrap of importances over units; over stimuli at most 200, each a fit.
        level: Of all intervals.
        seed: Of random queries and bootstraps.
        progress: Where to show it.
        changes: Fields of the protocol.

    Raises:
        ShapeError: Queries live in another space than `x`; and what `encode` raises.
        InputError: A query or stimulus is zero; the pool is too small; all queries are of one group.
        IdError: `x` lacks a stimulus of the recording; a query has no group.

    References:
        Moschella et al., 2023, <https://arxiv.org/abs/2209.15430>; Conwell et al., 2024, <https://doi.org/10.1038/s41467-024-53147-y>.

    Example:
        >>> from isomorph.brains import Recording
        >>> rng = np.random.default_rng(0)
        >>> x = Features(rng.normal(size=(120, 40)), tuple(map(str, range(120))), subject="clip")
        >>> brain = Recording(ids=x.ids, responses=x.values[:, :3] @ rng.normal(size=(3, 12)) + rng.normal(size=(120, 12)))
        >>> named = {name: np.eye(40)[at] for at, name in enumerate(("faces", "places", "hands"))}
        >>> sheet = query_sheet(x, named, brain, null=30, replicates=100)
        >>> sheet.table.query("split == 'test'")["p"].item() < 0.05
        True
    """
    if not isinstance(x, Features):
        raise InputError(f"query_sheet takes Features, for a query needs their space; got {type(x).__name__}.")
    chosen = load_protocol(protocol, **{"metrics": ("eReg",), **changes})
    shown = x.take(recording.ids)
    near = relative(x, queries).take(shown.ids)  # stimuli that the brain was not shown may be queries, too
    parts = _parts(near, groups)
    sets = RandomQueries(shown, near.width, null, seed, pool)
    where: dict[str, Any] = {"regions": regions, "time": time}
    layers = {FULL: shown, QUERIES: near, **{f"without {name}": part for name, part in parts.items()}}
    scores = encode(layers, recording, protocol=chosen, replicates=replicates, level=level, seed=seed, progress=progress, **where)
    thin = ThinScorer.of(recording, scores.protocol, **where)
    drawn = null_scores(sets, thin, recording, scores.protocol, progress=progress, **where)
    importances = _nothing() if thin is None else query_importances(thin, near, groups, replicates=replicates, level=level, seed=seed)
    return QuerySheet(
        table=score_table(scores, drawn, {} if thin is None or not null else thin.scores(near), level),
        null=drawn,
        importances=importances,
        groups=groups_table(scores, importances, near, parts),
        queries=near.feature_names,
        width=x.width,
        scores=scores,
        notes=scores.notes,
    )


def _nothing() -> Any:
    import pandas

    return pandas.DataFrame(columns=list(_COLUMNS))


def _parts(near: Features, groups: Mapping[str, str] | None) -> dict[str, Features]:
    """The queries without each group."""
    if groups is None:
        return {}
    without = [each for each in near.feature_names if each not in groups]
    if without:
        raise IdError(f"{len(without)} of {near.width} queries belong to no group; the first is {without[0]!r}.")
    member = np.array([groups[each] for each in near.feature_names])
    names = list(dict.fromkeys(member.tolist()))
    if len(names) < 2:
        raise InputError(f"all {near.width} queries are of the group {names[0]!r}; name two groups or more, or none.")
    return {name: Features(near.values[:, member != name], near.ids) for name in names}
