"""How close features are to people's judgments before and after a map, on what the map has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from isomorph.alignment._check_intervals import figures
from isomorph.alignment._check_ranks import rank_figures
from isomorph.alignment._check_result import JUDGMENTS_SEEN, PICTURES_SEEN, SEEN_UNKNOWN, UNSEEN
from isomorph.alignment._fitted_transform import FittedTransform
from isomorph.errors import InputError
from isomorph.features import Features

if TYPE_CHECKING:
    from isomorph.alignment._check_intervals import Draws
    from isomorph.geometry import RDM
    from isomorph.judgments import Ratings, Triplets

Seen = Literal["drop", "keep"]
After: TypeAlias = FittedTransform | Features
"""A map, or features that have passed through one."""
_FEWEST = 4


@dataclass(frozen=True, kw_only=True)
class People:
    """Judgments to compare with, and how.

    Attributes:
        triplets: Question → odd-one-out trials.
        rdm: Question → dissimilarities.
        ratings: Question → ratings of pairs.
        similarity: Of the pairs of trials and ratings.
        seen: What becomes of judgments on objects that any of the maps has seen.
        resample: What is drawn of trials.
        draws: The bootstrap.
    """

    triplets: Mapping[str, Triplets]
    rdm: Mapping[str, RDM]
    ratings: Mapping[str, Ratings]
    similarity: str
    seen: Seen
    resample: str
    draws: Draws

    def rows(self, x: Features, afters: Mapping[str, After]) -> list[dict[str, Any]]:
        """One row for each map and question."""
        mapped = {name: mapping(each)(x) for name, each in afters.items()}
        seen, silent = seen_by(afters)
        rows = []
        kinds: tuple[tuple[Mapping[str, Any], Any], ...] = (
            (self.triplets, self._odd_one_out),
            (self.rdm, self._rsa),
            (self.ratings, self._rated),
        )
        for judgments, compare in kinds:
            for question, each in judgments.items():
                rest, note, met = self._unseen(each, seen, silent)
                facts = {"question": question, "seen": JUDGMENTS_SEEN if met else SEEN_UNKNOWN if silent else UNSEEN, "note": note}
                rows += [facts | {"transform": name} | compare(x, after, rest) for name, after in mapped.items()]
        return rows

    def _odd_one_out(self, x: Features, after: Features, trials: Triplets) -> dict[str, Any]:
        from isomorph.judgments import score_triplets
        from isomorph.judgments._resample import resampled_means

        chance = 1 / 2 if trials.task == "two-alternative" else 1 / 3
        facts = {"n": len(trials), "unit": "trials", "drawn": self.resample, "chance": chance}
        if not len(trials):
            return facts | figures(np.full(3, np.nan), None, 0)
        similarity: Any = self.similarity
        one, two = (score_triplets(each, trials, similarity=similarity, replicates=0).credit for each in (x, after))
        values, replicates = np.stack([one, two, two - one]), None
        if self.draws.replicates:
            replicates = resampled_means(values, trials, resample=self.resample, replicates=self.draws.replicates, seed=self.draws.seed)
        return facts | figures(values.mean(axis=1), replicates, self.draws.level)

    def _rsa(self, x: Features, after: Features, part: tuple[RDM, Sequence[str]]) -> dict[str, Any]:
        from isomorph.geometry import RDM
        from isomorph.inference import rsa_scores

        rdm, ids = part
        facts = {"n": len(ids), "unit": "stimuli", "drawn": "stimuli", "chance": 0.0}
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

    def _rated(self, x: Features, after: Features, ratings: Ratings) -> dict[str, Any]:
        from isomorph.arrays import positions
        from isomorph.judgments._similarity import matrix_of_similarities

        facts = {"unit": "pairs", "drawn": "objects", "chance": 0.0}
        if len(np.unique(ratings.pairs)) < _FEWEST:
            return facts | {"n": len(ratings)} | figures(np.full(3, np.nan), None, 0)
        pairs, values = ratings.means()
        similarity: Any = self.similarity
        found = []
        for each in (x, after):
            rows = positions(each.ids, ratings.objects, name=repr(each.subject or each.layer or "features"))
            found.append(np.asarray(matrix_of_similarities(each, rows, similarity, "stimuli"))[pairs[:, 0], pairs[:, 1]])
        units = np.unique(pairs, return_inverse=True)[1].reshape(-1, 2)
        signed = values if ratings.scale == "similarity" else -values
        return facts | rank_figures(np.stack(found), signed, self.draws, units=units)

    def _unseen(self, judgments: Any, seen: frozenset[str], silent: str) -> tuple[Any, str, bool]:
        """What is left of judgments, what a reader must know, and whether any that is left was seen."""
        from isomorph.geometry import RDM
        from isomorph.judgments import Triplets

        if isinstance(judgments, RDM):
            met = [each in seen for each in judgments.ids]
            kept = [each for each, out in zip(judgments.ids, met, strict=True) if self.seen == "keep" or not out]
            return (judgments, kept), _remark(sum(met), len(met), "stimuli", self.seen, silent, least=_FEWEST), self._keeps(sum(met))
        items = judgments.items if isinstance(judgments, Triplets) else judgments.pairs
        of_seen = np.array([each in seen for each in judgments.objects])[items].any(axis=1)
        count, what = int(of_seen.sum()), "trials" if isinstance(judgments, Triplets) else "ratings"
        rest = judgments if self.seen == "keep" or not count else _without(judgments, of_seen)
        return rest, _remark(count, len(judgments), what, self.seen, silent, least=1), self._keeps(count)

    def _keeps(self, count: int) -> bool:
        return count > 0 and self.seen == "keep"


def _without(judgments: Triplets | Ratings, out: Any) -> Triplets | Ratings:
    from isomorph.judgments import Triplets

    if isinstance(judgments, Triplets):
        return judgments.take(~out)
    return replace(judgments, pairs=judgments.pairs[~out], values=judgments.values[~out], participants=None)


def mapping(after: After) -> Callable[[Features], Features]:
    """Features before to features after: through the map, or the same stimuli in the table."""
    return after.transform if isinstance(after, FittedTransform) else lambda x: after.take(x.ids)


def check_seen(seen: str) -> None:
    """Raise `InputError` unless it is known what to do with judgments that were seen."""
    if seen not in ("drop", "keep"):
        raise InputError(f"seen must be 'drop' or 'keep'; got {seen!r}.")


def seen_by(afters: Mapping[str, After]) -> tuple[frozenset[str], str]:
    """What any of the maps has seen, so that all are judged by the same trials; and which do not say."""
    known = {name: each.seen if isinstance(each, FittedTransform) else None for name, each in afters.items()}
    silent = [name for name, ids in known.items() if ids is None]
    note = f"what {', '.join(silent)} has seen is not known: these may be among it" if silent else ""
    if any(isinstance(each, FittedTransform) and "published" in each.options for each in afters.values()):
        note += "; gLocal's published maps were fitted to THINGS"
    return frozenset(each for ids in known.values() for each in ids or ()), note


def pictures_seen(after: After, ids: Sequence[str]) -> str:
    """Whether a map has seen any of these stimuli."""
    known = after.seen if isinstance(after, FittedTransform) else None
    return SEEN_UNKNOWN if known is None else PICTURES_SEEN if set(known) & set(ids) else UNSEEN


def _remark(seen: int, total: int, what: str, policy: Seen, note: str, *, least: int) -> str:
    said = [note] if note else []
    if seen and policy == "keep":
        said.insert(0, f"{seen:,} of {total:,} {what} show what a map has seen: no held-out score")
    elif total - seen < least:
        said.insert(0, f"{seen:,} of {total:,} {what} show what a map has seen, so that too few are left; fit it to other objects")
    elif seen:
        said.insert(0, f"{seen:,} of {total:,} {what} left out: a map has seen what they show")
    return "; ".join(said)
