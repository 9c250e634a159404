"""One model on one benchmark of answers: the unit of work, and the immutable answers it leaves in the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.errors import InputError
from isomorph.models._named_model import NamedModel, loaded
from isomorph.perception import Answers
from isomorph.results._behaviour_answer import IMAGENET_16, answer
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.benchmarks import BehaviourMatch
    from isomorph.engine import Progress
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store, StoredObject

KIND = "answers"
_SCHEME = 1  # raise when the meaning of a fragment's contents changes


@dataclass(frozen=True, kw_only=True, eq=False)
class AnswerUnit:
    """Show a classifier the pictures of a benchmark that are public, and keep its probabilities over people's categories.

    How they compare with people's is no part of it: that depends on who else answered. A model that has no classes to answer with leaves
    the reason.
    """

    model: Model | NamedModel
    benchmark: BehaviourMatch
    progress: Progress | None = None

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"{self.model.name} on {self.benchmark.name}"

    @cached_property
    def stimuli(self) -> dict[str, Stimuli]:
        """The pictures of each data set."""
        return public_stimuli(self.benchmark)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the answers depend on."""
        from isomorph.results._fragment import versions

        plain = to_plain(
            {
                "kind": KIND,
                "scheme": _SCHEME,
                "isomorph": __version__,
                "torch": versions()["torch"],
                "model": {"name": self.model.name, "fingerprint": self.model.fingerprint},
                "benchmark": {"name": self.benchmark.name},
                "stimuli": {name: each.digest for name, each in self.stimuli.items()},
                "mapping": IMAGENET_16,
            }
        )
        return dict(plain)

    @cached_property
    def fingerprint(self) -> str:
        """The name of the fragment."""
        return fingerprint(self.spec)

    def run(self, store: Store) -> None:
        """Do the work; a committed fragment is never written again."""
        from isomorph.results._fragment import versions

        reason = self._reason()
        found = {} if reason else {name: self._answers(name, each) for name, each in self.stimuli.items()}
        facts = {name: {"ids": each.ids, "outcomes": each.outcomes} for name, each in found.items()}
        meta = {"answers": facts, "left_out": reason, "card": self.model.card, "versions": versions()}
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            for name, each in found.items():
                writer.put(name, {"probabilities": each.probabilities})
            writer.commit(to_plain(meta))

    def _answers(self, dataset: str, stimuli: Stimuli) -> Answers:
        return answer(loaded(self.model), stimuli, mapping=IMAGENET_16, dataset=dataset, progress=self.progress)

    def _reason(self) -> str:
        """Why the model cannot answer; empty where it can."""
        name, first = next(iter(self.stimuli.items()))
        try:
            answer(loaded(self.model), first.take(first.ids[:1]), mapping=IMAGENET_16, dataset=name)
        except InputError as error:
            return str(error)
        return ""


def public_stimuli(benchmark: BehaviourMatch) -> dict[str, Stimuli]:
    """The pictures of the data sets whose pictures are public.

    Raises:
        InputError: None are.
    """
    public = [each for each in benchmark.datasets if each in (benchmark.stimulus_sets or {})]
    return {each: benchmark.stimuli(each) for each in public or benchmark.datasets}


def read_answers(fragment: StoredObject, subject: str) -> dict[str, Answers]:
    """The answers of a committed fragment to each data set, under a name; none where the model could not answer."""
    return {
        name: Answers(
            ids=tuple(facts["ids"]), outcomes=tuple(facts["outcomes"]), subject=subject, provenance=name,
            probabilities=np.array(fragment.read(name, "probabilities")),
        )
        for name, facts in fragment.meta["answers"].items()
    }  # fmt: skip


def subject_names(models: Sequence[str]) -> dict[str, str]:
    """What models are called beside people: without their source, unless two would then share a name.

    Example:
        >>> subject_names(["timm/vit.a", "ssl/vit.a", "bundled/pixels"])
        {'timm/vit.a': 'timm-vit.a', 'ssl/vit.a': 'ssl-vit.a', 'bundled/pixels': 'pixels'}
    """
    short = {each: each.rpartition("/")[2] for each in models}
    counts = Counter(short.values())
    return {each: name if counts[name] == 1 else each.replace("/", "-") for each, name in short.items()}


def given_answers(fragments: Mapping[str, StoredObject]) -> dict[str, list[Answers]]:
    """Data set → the answers of every model that could, of fragments by the models' names."""
    names = subject_names(list(fragments))
    found: dict[str, list[Answers]] = {}
    for model, fragment in fragments.items():
        for dataset, each in read_answers(fragment, names[model]).items():
            found.setdefault(dataset, []).append(replace(each, truth=None))
    return found
