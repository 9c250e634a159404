"""What the page of perception shows, computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.perception import Trials, confusion_matrix, error_consistency, texture_of
from isomorph.perception._dropped import kept
from isomorph.report._names import printable
from isomorph.report._perception_scores import Scores

if TYPE_CHECKING:
    import pandas

    from isomorph.results import BehaviourResults

PEOPLE = "people"
CUE_CONFLICT = "cue-conflict"
_HARDEST = 8
_COSTS = np.linspace(0, 6, 25)


@dataclass(frozen=True, kw_only=True)
class HardImage:
    """One image and what was answered."""

    dataset: str
    name: str
    truth: str
    people: tuple[tuple[str, int], ...]
    models: tuple[tuple[str, str], ...]
    right: float


class PerceptionView:
    """The numbers of the page.

    Args:
        results: Answers and scores.
        abstention: Columns `method`, `category`, `value`; or None.
    """

    def __init__(self, results: BehaviourResults, abstention: pandas.DataFrame | None = None) -> None:
        self.results = results
        self.abstention = abstention
        self.trials: Trials = kept(results.joined.trials, results.dropped)

    @cached_property
    def scores(self) -> Scores:
        """The numbers of the tables."""
        return Scores(rows=self.results.rows, models=self.results.models, datasets=self.datasets)

    @property
    def labels(self) -> dict[str, str]:
        """Short names of the models."""
        return self.scores.labels

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets, in order."""
        return tuple(sorted(self.trials.dataset.names))

    @property
    def series(self) -> list[str]:
        """The observers in the order of their colours: people, then models."""
        return [PEOPLE, *(self.labels[each] for each in self.results.models)]

    def score(self, model: str, measure: str, target: str = "all") -> dict[str, Any] | None:
        """One row of the scores."""
        return self.scores.score(model, measure, target)

    @cached_property
    def points(self) -> list[dict[str, Any]]:
        """κ with people against accuracy, for every model and every person on every data set; a person is compared with the others."""
        trials, humans = self.trials, set(self.trials.humans)
        pairs = error_consistency(trials, dropped="none")
        pairs = pairs[pairs["first"].isin(humans) | pairs["second"].isin(humans)]
        right = trials.correct
        found = []
        for dataset in self.datasets:
            own = pairs[pairs["dataset"] == dataset]
            rows = trials.dataset.is_in([dataset])
            for name in [*self.results.models, *trials.humans]:
                mine = rows & trials.subject.is_in([name])
                with_people = own[(own["first"] == name) & own["second"].isin(humans) | (own["second"] == name) & own["first"].isin(humans)]
                if not mine.any() or not len(with_people):
                    continue
                score = self.score(name, "error_consistency", dataset if len(self.datasets) > 1 else "all") or {}
                found.append({
                    "dataset": printable(dataset), "observer": PEOPLE if name in humans else self.labels[name], "name": printable(name),
                    "accuracy": _round(right[mine].mean()), "kappa": _round(with_people["error_consistency"].mean()),
                    "low": _round(score.get("low")), "high": _round(score.get("high")),
                })  # fmt: skip
        return found

    @cached_property
    def bands(self) -> list[dict[str, Any]]:
        """What people reach among themselves on each data set, with its interval."""
        found = []
        for dataset in self.datasets:
            score = self.score("humans", "error_consistency", dataset if len(self.datasets) > 1 else "all")
            if score and score["value"] is not None:
                found.append({"dataset": printable(dataset), **{key: _round(score[key]) for key in ("value", "low", "high")}})
        return found

    @cached_property
    def confusions(self) -> dict[str, Any]:
        """For each data set and observer the shares `[truth][answer]`; the last answer is "no answer"."""
        outcomes = [*sorted(set(self.trials.category.names) | set(self.trials.response.names) - {self.trials.no_answer})]
        columns = [*outcomes, self.trials.no_answer]
        truths = [each for each in outcomes if each in self.trials.category.names]
        found: dict[str, dict[str, Any]] = {}
        for dataset in self.datasets:
            part = self.trials.take(datasets=[dataset])
            groups = {PEOPLE: part.humans} | {self.labels[each]: (each,) for each in self.results.models if each in part.subject.names}
            found[printable(dataset)] = {
                who: [
                    [None if np.isnan(each) else round(float(each), 3) for each in row]
                    for row in confusion_matrix(part.take(subjects=names)).reindex(index=truths, columns=columns).fillna(0).to_numpy()
                ]
                for who, names in groups.items()
            }
        return {"truths": [printable(each) for each in truths], "answers": [*map(printable, outcomes), "no answer"], "sets": found}

    @cached_property
    def shape(self) -> list[dict[str, Any]]:
        """Shape bias by category of shape, for people together and each model."""
        if CUE_CONFLICT not in self.datasets:
            return []
        part = self.trials.take(datasets=[CUE_CONFLICT])
        texture = part.item.renamed(texture_of).values()
        category, said = part.category.values(), part.response.values()
        found = []
        for who, rows in self._observers(part):
            conflict = rows & (texture != category)
            for each in sorted(set(category)):
                mine = conflict & (category == each)
                s, t = int((said[mine] == category[mine]).sum()), int((said[mine] == texture[mine]).sum())
                if s + t:
                    share = _round(s / (s + t))
                    found.append({"observer": who, "category": printable(each), "bias": share, "shape": s, "texture": t})
        return found

    def _observers(self, part: Trials) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
        yield PEOPLE, part.subject.is_in(part.humans)
        yield from ((self.labels[each], part.subject.is_in([each])) for each in self.results.models if each in part.subject.names)

    @cached_property
    def reliability(self) -> list[dict[str, Any]]:
        """R − cW per image, the mean over data sets: models that always answer, models that answer when half sure, and people."""
        found = []
        for who, how, right, wrong in self._decided():
            found += [{"observer": who, "how": how, "c": float(c), "score": _round(right - c * wrong)} for c in _COSTS]
        return found

    def _decided(self) -> Iterator[tuple[str, str, float, float]]:
        always, half = "always answers", "answers when over half sure"
        right, answered = self.trials.correct, self.trials.response.values() != self.trials.no_answer
        for who, rows in self._observers(self.trials):
            each = [(right[part].mean(), (~right & answered)[part].mean()) for name in self.datasets
                    if (part := rows & self.trials.dataset.is_in([name])).any()]  # fmt: skip
            good, bad = np.mean(each, axis=0)
            yield who, always, float(good), float(bad)
        for model in self.results.models:
            mine = [each for several in self.results.joined.answers.values() for each in several if each.subject == model]
            if mine:
                p = [(each.probabilities.max(axis=1) > 0.5, each.decisions() == each.truth_columns) for each in mine]
                yield (
                    self.labels[model],
                    half,
                    float(np.mean([(a & b).mean() for a, b in p])),
                    float(np.mean([(a & ~b).mean() for a, b in p])),
                )

    @cached_property
    def hardest(self) -> dict[str, list[HardImage]]:
        """The images that fewest people name, and those that most people name and fewest models."""
        images = list(self._images())
        of_models = {id(each): np.mean([said == each.truth for _, said in each.models]) if each.models else 1.0 for each in images}
        people = _varied([(each.right, each) for each in images])
        models = _varied([(float(of_models[id(each)]) - each.right, each) for each in images])
        return {"people": people, "models": models if self.results.models else []}

    def _images(self) -> Iterator[HardImage]:
        for dataset in self.datasets:
            people = self.trials.answers(dataset)
            counts, place = np.asarray(people.counts), {each: at for at, each in enumerate(people.ids)}
            said: list[list[tuple[str, str]]] = [[] for _ in people.ids]
            for model in self.results.models:
                if model in self.trials.take(datasets=[dataset]).subject.names:
                    own = self.trials.answers(dataset, subjects=[model])
                    for name, at in zip(own.ids, own.decisions(), strict=True):
                        said[place[name]].append((self.labels[model], own.outcomes[at]))
            for at, name in enumerate(people.ids):
                truth = (people.truth or ())[at]
                order = [each for each in np.argsort(-counts[at], kind="stable")[:3] if counts[at, each]]
                votes = tuple((self._word(people.outcomes[each]), int(counts[at, each])) for each in order)
                right = counts[at, people.outcomes.index(truth)] / counts[at].sum()
                yield HardImage(dataset=dataset, name=name, truth=truth, people=votes, models=tuple(said[at]), right=float(right))

    def _word(self, answer: str) -> str:
        return "no answer" if answer == self.trials.no_answer else answer


def _varied(images: Sequence[tuple[float, HardImage]]) -> list[HardImage]:
    """The first by their number; of equals those whose data set and category were shown least."""
    left = sorted(images, key=lambda each: (each[0], each[1].dataset, each[1].name))
    shown: list[HardImage] = []
    while left and len(shown) < _HARDEST:
        equals = [each for score, each in left if score <= left[0][0] + 1e-9]
        best = min(
            equals,
            key=lambda each: (sum(other.dataset == each.dataset for other in shown), sum(other.truth == each.truth for other in shown)),
        )
        shown.append(best)
        left = [each for each in left if each[1] is not best]
    return shown


def _round(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)


def columns_of(rows: Sequence[dict[str, Any]], name: str) -> list[Any]:
    """The different values of a column, in order."""
    return list(dict.fromkeys(each[name] for each in rows))
