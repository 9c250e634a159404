"""Levels: people's odd ones out at three levels of abstraction, and how unsure they and a model are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.alignet._evaluation_pictures import about
from isomorph.alignment import AlignmentCheck, check_alignment
from isomorph.alignment._check_intervals import Draws, figures
from isomorph.alignment._check_people import After, mapping
from isomorph.alignment._check_ranks import rank_figures
from isomorph.alignment._check_result import SEEN_UNKNOWN
from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.judgments import Triplets, read_levels, score_triplets, triplet_ceilings
from isomorph.judgments._repeats import choice_counts

TIERS = {"global coarse-grained": "between_class", "local fine-grained": "within_class", "class boundary": "class_border"}
"""The paper's name of each tier, and the file's."""
_FEWEST = 3


def levels_questions(
    path: Path | str,
    before: Features,
    after: After | Mapping[str, After],
    *,
    time_key: str | None = None,
    time_unit: str = "milliseconds",
    similarity: str = "cosine",
    temperature: float | None = None,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> AlignmentCheck:
    r"""Before and after on Levels, tier by tier: agreement with people, what people reach, and whether a model is unsure where they are.

    $$H = -\sum_{c} q_c \ln q_c, \qquad q = \mathrm{softmax}((s_{01}, s_{02}, s_{12})/T)$$

    Agreement is the share of trials in which the pair with the largest similarity is the one people kept together; chance 1/3. Beside it
    stand two figures of people, from triplets that were answered several times: `ceiling_lower`, how often one answer is that of the
    majority of the *others*, and `ceiling_upper`, how often the majority's answer is given; more are in `note`. Neither is *the* ceiling:
    models are known to agree with people more than these do with each other. H is compared with response times (over trials) and with the
    entropy of people's answers to the same triplet (over triplets), by Spearman's ρ. The bootstrap draws participants, or trials where it
    is not known who answered, and for people's entropies triplets.

    Args:
        path: `pruned_dataset.pkl`, read as plain data.
        before: Features of the pictures; ids are file names, or end in them. Trials about other pictures are left out.
        after: A map, or features of the same pictures; several by name.
        time_key: The file's field of response times, whose name is not documented; None: they are not asked about.
        time_unit: `"milliseconds"` or `"seconds"`.
        similarity: As in `judgments.score_triplets`; cosine is customary.
        temperature: T; None: for either side the one that makes people's answers most likely, so that the scale of features says nothing.
        replicates: Bootstrap samples; 0 for no intervals.
        level: The intervals' coverage.
        seed: The bootstrap's seed.

    Raises:
        FileError: The file is not Levels'.
        InputError: No trial is about three of these pictures.

    References:
        Levels: <https://doi.org/10.12751/g-node.hg4tdz>.
    """
    afters = dict(after) if isinstance(after, Mapping) else {getattr(after, "subject", "") or "after": after}
    tiers, notes = levels_trials(path, before.ids, time_key=time_key, time_unit=time_unit)
    draws = Draws(replicates=replicates, level=level, seed=seed)
    rows = [row for tier, trials in tiers.items() for row in tier_rows(tier, trials, before, afters, similarity, temperature, draws)]
    options = {"similarity": similarity, "temperature": temperature, "replicates": replicates, "level": level, "seed": seed}
    return AlignmentCheck(rows=tuple(row for name in afters for row in rows if row["transform"] == name), options=options, notes=notes)


def levels_trials(
    path: Path | str, ids: Iterable[str], *, time_key: str | None = None, time_unit: str = "milliseconds"
) -> tuple[dict[str, Triplets], tuple[str, ...]]:
    """The trials of each tier that are about three of these pictures, and what was left out."""
    ids, tiers, notes, total = tuple(ids), {}, [], 0
    for tier, kind in TIERS.items():
        trials = read_levels(path, triplet_type=kind, time_key=time_key, time_unit=time_unit)
        kept = about(trials, ids)
        total += len(trials)
        if kept is not None:
            tiers[tier] = kept
        if kept is None or len(kept) < len(trials):
            count = 0 if kept is None else len(kept)
            notes.append(f"Levels, {tier}: {count:,} of {len(trials):,} trials are about pictures at hand; the others are left out.")
    if not tiers:
        raise InputError(
            f"none of Levels' {total:,} trials is about three of these {len(ids):,} pictures; name the pictures by Levels' file names, "
            "such as 'n01440764_10026'."
        )
    return tiers, tuple(notes)


def tier_rows(
    tier: str,
    trials: Triplets,
    before: Features,
    afters: Mapping[str, After],
    similarity: str,
    temperature: float | None,
    draws: Draws,
) -> list[dict[str, Any]]:
    """The questions of one tier: agreement, response times, people's entropies."""
    several = trials.participants is not None and len(set(trials.participants)) > 1
    resample = "participants" if several else "trials"
    silent: dict[str, Any] = {"neighbours": (), "few_shot": None, "anomaly": None, "probe": None}
    agreement = check_alignment(
        before, afters, triplets=trials, similarity=similarity, resample=resample, seen="keep", replicates=draws.replicates,
        level=draws.level, seed=draws.seed, **silent,
    )  # fmt: skip
    name = f"Levels, {tier}"
    people = _people(trials)
    rows = [{**row, "question": name, **people} for row in agreement.rows]
    unsure = _Unsure(trials, similarity, temperature)
    first = unsure.entropy(before)
    for transform, each in afters.items():
        both = np.stack([first, unsure.entropy(mapping(each)(before))])
        facts = {"transform": transform, "chance": 0.0, "seen": SEEN_UNKNOWN}
        if trials.response_times is not None:
            rows.append(facts | {"question": f"{name}: entropy with response times"} | unsure.with_times(both, resample, draws))
        rows.append(facts | {"question": f"{name}: entropy with people's entropy"} | unsure.with_people(both, draws))
    return rows


def _people(trials: Triplets) -> dict[str, Any]:
    """What people reach, where triplets were answered more than once."""
    try:
        found = triplet_ceilings(trials, splits=20, replicates=0)
    except InputError:
        return {"ceiling_lower": None, "ceiling_upper": None, "note": "no triplet was answered twice: it is not known what people reach"}
    return {
        "ceiling_lower": found.leave_one_out.value,
        "ceiling_upper": found.majority.value,
        "note": (
            f"people, over {found.repeated:,} triplets answered several times: an answer is the others' majority's "
            f"{found.leave_one_out.value:.3f} (ceiling_lower), the majority's {found.majority.value:.3f} (ceiling_upper); two answers "
            f"agree {found.agreement.value:.3f}; majorities of halves agree {found.split_half.value:.3f}; entropy index "
            f"{found.entropy_index.value:.3f} (no accuracy)"
        ),
    }


class _Unsure:
    """How unsure a model is in each trial, against how unsure people are."""

    def __init__(self, trials: Triplets, similarity: str, temperature: float | None) -> None:
        self.trials, self.similarity, self.temperature = trials, similarity, temperature

    def entropy(self, x: Features) -> FloatArray:
        """`[trial]`, nats."""
        similarity: Any = self.similarity
        temperature = self.temperature
        if temperature is None:
            temperature, _ = score_triplets(x, self.trials, similarity=similarity, replicates=0).best_temperature()
        score = score_triplets(x, self.trials, similarity=similarity, temperature=temperature, replicates=0)
        return np.asarray(score.entropy)

    def with_times(self, both: FloatArray, resample: str, draws: Draws) -> dict[str, Any]:
        times = self.trials.response_times
        assert times is not None  # noqa: S101 - asked for only where there are times
        known = np.isfinite(times)
        units: IntArray | None = None
        if resample == "participants" and known.any():
            units = np.unique(np.array(self.trials.participants)[known], return_inverse=True)[1]
        facts = {"unit": "trials", "drawn": resample, "note": "" if known.all() else f"{int((~known).sum()):,} trials have no time"}
        return facts | _ranks(both[:, known], times[known], draws, units)

    def with_people(self, both: FloatArray, draws: Draws) -> dict[str, Any]:
        group, _, counts = choice_counts(self.trials)
        total = counts.sum(axis=1)
        several = total >= 2
        shares = counts / np.maximum(total, 1)[:, None]
        people = -(shares * np.log(shares, out=np.zeros_like(shares), where=shares > 0)).sum(axis=1)
        models = np.stack([np.bincount(group, weights=each, minlength=len(total)) / np.maximum(total, 1) for each in both])
        return {"unit": "triplets", "drawn": "triplets", "note": ""} | _ranks(models[:, several], people[several], draws, None)


def _ranks(both: FloatArray, other: FloatArray, draws: Draws, units: IntArray | None) -> dict[str, Any]:
    if len(other) < _FEWEST or np.ptp(other) == 0:
        note = f"{len(other)} of them: too few, or all alike"
        return figures(np.full(3, np.nan), None, 0) | {"n": len(other), "note": note}
    return rank_figures(both, other, draws, units=units)
