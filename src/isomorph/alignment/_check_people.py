"""How close features are to people's judgments before and after a map, on what the map has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from isomorph.alignment._check_intervals import figures
from isomorph.alignment._fitted_transform import FittedTransform
from isomorph.errors import InputError
from isomorph.features import Features

if TYPE_CHECKING:
    from isomorph.alignment._check_intervals import Draws
    from isomorph.geometry import RDM
    from isomorph.judgments import Triplets

Seen = Literal["drop", "keep"]
After: TypeAlias = FittedTransform | Features
"""A map, or features that have passed through one."""
_FEWEST = 4


@dataclass(frozen=True, kw_only=True)
class People:
    """Judgments to compare with, and how.

    Attributes:
        triplets: Odd-one-out trials.
        rdm: Dissimilarities.
        similarity: Of the trials' pairs.
        seen: What becomes of judgments on objects that any of the maps has seen.
        draws: The bootstrap.
    """

    triplets: Triplets | None
    rdm: RDM | None
    similarity: str
    seen: Seen
    draws: Draws

    def rows(self, x: Features, afters: Mapping[str, After]) -> list[dict[str, Any]]:
        """One row for each map and kind of judgment."""
        mapped = {name: mapping(each)(x) for name, each in afters.items()}
        rows = []
        if self.triplets is not None:
            trials, note = self._unseen_trials(self.triplets, afters)
            rows += [self._odd_one_out(x, after, trials, name) | {"note": note} for name, after in mapped.items()]
        if self.rdm is not None:
            ids, note = self._unseen_stimuli(self.rdm.ids, afters)
            rows += [self._rsa(x, after, self.rdm, ids, name) | {"note": note} for name, after in mapped.items()]
        return rows

    def _odd_one_out(self, x: Features, after: Features, trials: Triplets, name: str) -> dict[str, Any]:
        from isomorph.judgments import score_triplets
        from isomorph.judgments._resample import resampled_means

        chance = 1 / 2 if trials.task == "two-alternative" else 1 / 3
        facts = {"transform": name, "question": "odd-one-out", "n": len(trials), "unit": "trials", "drawn": "objects", "chance": chance}
        if not len(trials):
            return facts | figures(np.full(3, np.nan), None, 0)
        similarity: Any = self.similarity
        one, two = (score_triplets(each, trials, similarity=similarity, replicates=0).credit for each in (x, after))
        values, replicates = np.stack([one, two, two - one]), None
        if self.draws.replicates:
            replicates = resampled_means(values, trials, resample="objects", replicates=self.draws.replicates, seed=self.draws.seed)
        return facts | figures(values.mean(axis=1), replicates, self.draws.level)

    def _rsa(self, x: Features, after: Features, rdm: RDM, ids: Sequence[str], name: str) -> dict[str, Any]:
        from isomorph.geometry import RDM
        from isomorph.inference import rsa_scores

        facts = {"transform": name, "question": "RSA", "n": len(ids), "unit": "stimuli", "drawn": "stimuli", "chance": 0.0}
        if len(ids) < _FEWEST:
            return facts | figures(np.full(3, np.nan), None, 0)
        models = np.stack([RDM.from_features(each.take(ids), "correlation").values for each in (x, after)])
        people = rdm.take(ids).values[None]
        draws = self.draws
        found = rsa_scores(
            models, people, n=len(ids), comparison="spearman", replicates=draws.replicates, seed=draws.seed, level=draws.level
        )
        means, replicates = found.values, found.replicates
        with_difference = np.column_stack([replicates, replicates[:, 1] - replicates[:, 0]]) if draws.replicates else None
        return facts | figures(np.array([*means, means[1] - means[0]]), with_difference, draws.level)

    def _unseen_trials(self, triplets: Triplets, afters: Mapping[str, After]) -> tuple[Triplets, str]:
        seen, note = _seen(afters)
        of_seen = np.array([each in seen for each in triplets.objects])[triplets.items].any(axis=1)
        kept = triplets if self.seen == "keep" else triplets.take(~of_seen)
        return kept, _remark(int(of_seen.sum()), len(triplets), "trials", self.seen, note, least=1)

    def _unseen_stimuli(self, ids: Sequence[str], afters: Mapping[str, After]) -> tuple[list[str], str]:
        seen, note = _seen(afters)
        kept = [each for each in ids if self.seen == "keep" or each not in seen]
        return kept, _remark(sum(each in seen for each in ids), len(ids), "stimuli", self.seen, note, least=_FEWEST)


def mapping(after: After) -> Callable[[Features], Features]:
    """Features before to features after: through the map, or the same stimuli in the table."""
    return after.transform if isinstance(after, FittedTransform) else lambda x: after.take(x.ids)


def check_seen(seen: str) -> None:
    """Raise `InputError` unless it is known what to do with judgments that were seen."""
    if seen not in ("drop", "keep"):
        raise InputError(f"seen must be 'drop' or 'keep'; got {seen!r}.")


def _seen(afters: Mapping[str, After]) -> tuple[frozenset[str], str]:
    """What any of the maps has seen, so that all are judged by the same trials; and which do not say."""
    known = {name: each.seen if isinstance(each, FittedTransform) else None for name, each in afters.items()}
    silent = [name for name, ids in known.items() if ids is None]
    note = f"what {', '.join(silent)} has seen is not known: these may be among it" if silent else ""
    if any(isinstance(each, FittedTransform) and "published" in each.options for each in afters.values()):
        note += "; gLocal's published maps were fitted to THINGS"
    return frozenset(each for ids in known.values() for each in ids or ()), note


def _remark(seen: int, total: int, what: str, policy: Seen, note: str, *, least: int) -> str:
    said = [note] if note else []
    if seen and policy == "keep":
        said.insert(0, f"{seen:,} of {total:,} {what} show what a map has seen: no held-out score")
    elif total - seen < least:
        said.insert(0, f"{seen:,} of {total:,} {what} show what a map has seen, so that too few are left; fit it to other objects")
    elif seen:
        said.insert(0, f"{seen:,} of {total:,} {what} left out: a map has seen what they show")
    return "; ".join(said)
