"""Does alignment cost anything? Features before and after a map, by neighbourhoods, downstream tasks and people's judgments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.alignment._anomaly import AnomalyDetection, deal
from isomorph.alignment._check_intervals import Draws
from isomorph.alignment._check_people import After, People, Seen, check_seen, mapping, pictures_seen
from isomorph.alignment._check_probe import probe_hits
from isomorph.alignment._check_result import AlignmentCheck
from isomorph.alignment._check_shift import SubclassShift
from isomorph.alignment._few_shot import FewShot
from isomorph.alignment._fitted_transform import FittedTransform
from isomorph.alignment._neighbourhoods import neighbours_kept
from isomorph.arrays import FloatArray, check_finite
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.inference._bootstrap import check_draws
from isomorph.probes import Probe
from isomorph.probes._examples import Examples, read_examples
from isomorph.spec import to_plain

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.geometry import RDM
    from isomorph.judgments import Ratings, Triplets


def check_alignment(
    before: Features,
    after: After | Mapping[str, After],
    *,
    labels: Any = None,
    triplets: Triplets | Mapping[str, Triplets] | None = None,
    rdm: RDM | Mapping[str, RDM] | None = None,
    ratings: Ratings | Mapping[str, Ratings] | None = None,
    objects: Features | None = None,
    neighbours: Sequence[int] = (10,),
    few_shot: FewShot | Sequence[FewShot] | None = FewShot(),  # noqa: B008 - frozen
    anomaly: AnomalyDetection | None = AnomalyDetection(),  # noqa: B008
    probe: Probe | None = Probe(kind="ridge"),  # noqa: B008
    shift: SubclassShift | None = None,
    similarity: str = "cosine",
    resample: str = "objects",
    seen: Seen = "drop",
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
) -> AlignmentCheck:
    """What a map that brings features closer to people costs elsewhere, and what it gains.

    Without labels and judgments there is one question: how many of its k nearest neighbours each stimulus keeps (before: all; chance:
    k/(n − 1)). `labels` add few-shot accuracy, anomaly detection and a linear probe; `triplets`, an `rdm` or `ratings` human alignment.
    Before and after are asked about the same stimuli in the same episodes and folds, and bootstrap samples are the same for both: intervals
    are those of paired differences. Fitted learners are taken as they are; few-shot intervals hold for new episodes too, and trials are
    drawn by their objects.

    Args:
        before: Features before the map.
        after: A map, or features that have passed through it (stimuli meet by id); several by name.
        labels: The class of each stimulus, in order, or a mapping from id to class, which may hold more than these stimuli.
        triplets: Odd-one-out trials of people. Several sets by name, as of the next two: each is a question, `odd-one-out: NAME`.
        rdm: Dissimilarities of people, compared by Spearman's ρ with the correlation distances of the features.
        ratings: Ratings of pairs, compared by Spearman's ρ with the similarities of the rated pairs.
        objects: Features of what the judgments are about, where it is not among `before`.
        neighbours: The numbers of nearest neighbours to look at; none for no such question.
        few_shot: The few-shot test, or one with one shot and one with several; None for none.
        anomaly: Anomaly detection; None for none. Its folds are the probe's, too.
        probe: The linear probe, on centred features divided by one number; None for none.
        shift: Superclasses that are learned from some subclasses and asked about in others, by the probe; None for no such question.
        similarity: Of the pairs of trials and ratings, as in `judgments.score_triplets`.
        resample: What the bootstrap draws of trials: `"objects"`, `"participants"` or `"trials"`.
        seen: Judgments that show anything that any of the maps has seen are left out (`"drop"`), or kept and marked (`"keep"`).
        replicates: Bootstrap samples; 0 for no intervals.
        level: The intervals' coverage.
        seed: The bootstrap's seed.
        progress: Where to report to.

    Raises:
        InputError: A class has too few members for a task, k does not fit n, or there is nothing to ask.
        ShapeError: A map takes another width, or a stimulus is zero.
        IdError: A stimulus has no label, or `after` or the judgments' objects lack one.
        NonFiniteError: A feature is NaN or infinite.

    References:
        What is asked: Muttenthaler et al., 2023, <https://arxiv.org/abs/2306.04507>.

    Example:
        >>> x = Features(np.random.default_rng(0).normal(size=(50, 8)), tuple(map(str, range(50))))
        >>> print(check_alignment(x, FittedTransform(weights=3 * np.eye(8), method="scaled")))
        scaled
          neighbours kept @10  1.000 → 1.000  +0.000 [+0.000, +0.000] none shown, n=50 stimuli
    """
    check_draws(replicates=replicates, seed=seed, level=level)
    check_seen(seen)
    afters = dict(after) if isinstance(after, Mapping) else {_name(after): after}
    several = (few_shot,) if isinstance(few_shot, FewShot) else tuple(few_shot or ())
    asks = _Asks(tuple(neighbours), several, anomaly, probe, shift, Draws(replicates=replicates, level=level, seed=seed))
    if shift is not None and labels is None:
        raise InputError("a subclass shift needs labels of two levels, and there are no labels.")
    if sum(each.shots > 1 for each in several) > 1 or sum(each.shots == 1 for each in several) > 1:
        raise InputError("few-shot tests are one with one shot and one with several at most; ask for others in a check of their own.")
    judged = [_named(each, kind) for each, kind in ((triplets, "odd-one-out"), (rdm, "RSA"), (ratings, "ratings"))]
    if not afters or not (asks.neighbours or labels is not None or any(judged)):
        raise InputError("there is nothing to check: give at least one map, and neighbours, labels, triplets or an rdm.")
    check_finite(before.values, name=repr(before.subject or "before"), ids=before.ids)
    rows = asks.rows(before, afters, None if labels is None else read_examples(before, labels, name="check"), progress)
    if any(judged):
        one, two, three = judged
        people = People(triplets=one, rdm=two, ratings=three, similarity=similarity, seen=seen, resample=resample, draws=asks.draws)
        rows += people.rows(objects or before, afters)
    options = {"similarity": similarity, "seen": seen, "resample": resample, "replicates": replicates, "level": level, "seed": seed}
    options |= {name: to_plain(getattr(asks, name)) for name in ("neighbours", "few_shot", "anomaly", "probe", "shift")}
    notes = [f"{name}: {note}" for name, each in afters.items() if isinstance(each, FittedTransform) for note in each.notes]
    order = {name: at for at, name in enumerate(afters)}
    return AlignmentCheck(rows=tuple(sorted(rows, key=lambda row: order[row["transform"]])), options=options, notes=tuple(notes))


def _named(judgments: Any, kind: str) -> dict[str, Any]:
    """Question → judgments."""
    if isinstance(judgments, Mapping):
        return {f"{kind}: {name}": each for name, each in judgments.items()}
    return {} if judgments is None else {kind: judgments}


def _name(after: After) -> str:
    return (after.method if isinstance(after, FittedTransform) else after.subject) or "after"


@dataclass(frozen=True)
class _Asks:
    """The questions that need no people."""

    neighbours: tuple[int, ...]
    few_shot: tuple[FewShot, ...]
    anomaly: AnomalyDetection | None
    probe: Probe | None
    shift: SubclassShift | None
    draws: Draws

    def rows(
        self, before: Features, afters: Mapping[str, After], examples: Examples | None, progress: Progress | None
    ) -> list[dict[str, Any]]:
        if not self.neighbours and examples is None:
            return []
        from isomorph.engine import Progress as Quiet

        with (progress or Quiet(quiet=True)).task("checking", total=len(afters) + (examples is not None), unit="sets of features") as task:
            answers = {} if examples is None else self._answers(before, examples)
            task.advance(examples is not None)
            rows = []
            for name, each in afters.items():
                mapped = mapping(each)(before)
                check_finite(mapped.values, name=repr(name), ids=mapped.ids)
                own = self._of_neighbours(before, mapped)
                if examples is not None:
                    own += [
                        {**self._facts(question, examples), **self.draws.compare(answers[question], values)}
                        for question, values in self._answers(mapped, examples).items()
                    ]
                rows += [row | {"transform": name, "seen": pictures_seen(each, before.ids)} for row in own]
                task.advance()
        return rows

    def _of_neighbours(self, before: Features, after: Features) -> list[dict[str, Any]]:
        if not self.neighbours:
            return []
        kept = neighbours_kept(before.values, after.values, self.neighbours, ids=before.ids)
        return [
            {"question": f"neighbours kept @{k}", "unit": "stimuli", "drawn": "stimuli", "chance": k / (len(before) - 1), "note": ""}
            | self.draws.compare(np.ones(len(before)), each)
            for k, each in zip(self.neighbours, kept, strict=True)
        ]

    def _answers(self, x: Features, examples: Examples) -> dict[str, FloatArray]:
        """For each question `[stimulus]` or `[episode, stimulus]`, the mean of which is the figure."""
        found: dict[str, FloatArray] = {}
        for task in (*self.few_shot, self.anomaly):
            if isinstance(task, FewShot):
                found |= task.hits(x.values, examples.y, examples.classes, ids=x.ids)
            elif task is not None:
                found |= task.contributions(x.values, examples.y, examples.classes, ids=x.ids)
        if self.probe is not None:
            dealing = self.anomaly or AnomalyDetection()
            found["linear probe"] = probe_hits(self.probe, x.values, examples, deal(examples.y, dealing.folds, dealing.seed))
        if self.shift is not None:
            found |= self.shift.hits(self.probe or Probe(kind="ridge"), x.values, examples)
        return found

    def _facts(self, question: str, examples: Examples) -> dict[str, Any]:
        shares = np.bincount(examples.y) / len(examples.y)
        unit = drawn = "stimuli"
        chance = 0.5 if question.startswith("anomaly") else float(shares.max())
        if "-shot" in question:
            chance, drawn = 1 / len(shares), "stimuli and episodes"
        elif question.startswith("superclass") and self.shift is not None:
            unit = drawn = "subclasses"
            chance = float(np.unique(self.shift.superclasses(examples.classes), return_counts=True)[1].max() / len(examples.classes))
        return {"question": question, "unit": unit, "drawn": drawn, "chance": chance, "note": ""}
