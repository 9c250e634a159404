"""A VisAlign study as stages that any number of processes may share. Its files stay in its folder; the store holds receipts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from isomorph._version import __version__
from isomorph.engine import LazyUnit, Needs, Progress, ReceiptUnit, StudyParts
from isomorph.spec import fingerprint, to_plain
from isomorph.store import Store
from isomorph.visalign._study_run import VisalignRun
from isomorph.visalign._training_run import rows_digest

if TYPE_CHECKING:
    from isomorph.visalign._set_part import SetPart
    from isomorph.visalign._study import VisalignStudy

_NOTHING = Needs()


def study_parts(study: VisalignStudy) -> StudyParts:
    """The stages `set` (where one is built), `networks` (a seed each), `evidence` (what each says), `answers` (a run each), `scores`."""
    parts = _Parts(study)
    makers = {"set": parts.built} if study.set else {}
    makers |= {"networks": parts.networks, "evidence": parts.evidence, "answers": parts.answers, "scores": parts.scores}
    expected = {name: partial(parts.labels, name) for name in ("networks", "evidence", "answers", "scores")}
    needs = dict.fromkeys(("networks", "evidence"), parts.needs)
    return StudyParts(name=study.name, report=study.out, store=study.kept, makers=makers, expected=expected, expected_needs=needs)


class _Parts:
    """The functions that make units; what they share is read once."""

    def __init__(self, study: VisalignStudy) -> None:
        self.study = study
        self._runs: dict[Progress | None, VisalignRun] = {}

    def built(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        assert self.study.set is not None  # noqa: S101 - the stage is there only for such studies
        return [_unit("the data set", "set", _asked_of(self.study.set), lambda: dict(self._run(progress).digests))]

    def networks(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run, labels = self._run(progress), self.labels("networks")
        return [
            _unit(label, "network", self._network(run, store, seed), partial(_trained, run, seed), self.needs)
            for label, seed in zip(labels, self.study.seeds, strict=True)
        ]

    def evidence(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run, labels = self._run(progress), iter(self.labels("evidence"))
        return [
            _unit(next(labels), "evidence", self._evidence(run, store, seed, kind), partial(_read, run, seed, kind), self.needs)
            for seed in self.study.seeds
            for kind in run.evidence_kinds
        ]

    def answers(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run = self._run(progress)
        return [
            _unit(name, "answers", self._answers(run, store, name), partial(_answered, run, name, *how)) for name, how in run.runs.items()
        ]

    def scores(self, store: Store, progress: Progress | None) -> list[LazyUnit]:
        run, study = self._run(progress), self.study
        asked = [self._answers(run, store, next(iter(run.runs))), list(run.runs), study.costs, study.replicates]
        return [_unit(self.labels("scores")[0], "scores", asked, partial(_scored, run))]

    def labels(self, stage: str) -> list[str]:
        study, run = self.study, VisalignRun(self.study)
        if stage == "networks":
            return [f"{study.network.name}, seed {seed}" for seed in study.seeds]
        if stage == "evidence":
            words = {"read": "its answers", "mcdropout": "its answers with dropout", "odin": "its answers after steps on pixels"}
            return [f"{study.network.name}, seed {seed}: {words[kind]}" for seed in study.seeds for kind in run.evidence_kinds]
        return list(run.runs) if stage == "answers" else [f"scores of {len(run.runs)} runs"]

    @property
    def needs(self) -> Needs:
        """Of what runs a network."""
        return Needs(gpu=self.study.network.device != "cpu")

    def _run(self, progress: Progress | None) -> VisalignRun:
        if progress not in self._runs:
            self._runs[progress] = VisalignRun(self.study, progress)
        return self._runs[progress]

    def _network(self, run: VisalignRun, store: Store, seed: int) -> list[Any]:
        """What a trained network depends on."""
        from isomorph.models._named_model import named_models

        part = self.study.network
        backbone = [each.fingerprint for each in named_models([part.backbone] if part.backbone else [], device=part.device, store=store)]
        return [part, backbone, run.digests, run.data.classes, seed]

    def _evidence(self, run: VisalignRun, store: Store, seed: int, kind: str) -> list[Any]:
        method = None if kind == "read" else self.study.abstention.method(kind)
        return [self._network(run, store, seed), method, kind]

    def _answers(self, run: VisalignRun, store: Store, name: str) -> list[Any]:
        people = run.data.gold
        evidence = [self._evidence(run, store, seed, kind) for seed in self.study.seeds for kind in run.evidence_kinds]
        return [evidence, self.study.abstention, run.runs[name], rows_digest(people.probabilities), people.groups, people.conditions]


def _asked_of(part: SetPart) -> dict[str, Any]:
    """What decides a data set: pictures by what they are, not by where they lie."""
    plain = {name: each for name, each in to_plain(part).items() if name != "votes"}
    for kind in ("classes", "implausible", "abstain"):
        plain[kind] = {name: [each.labels, each.most, each.load().digest] for name, each in getattr(part, kind).items()}
    return plain | {"votes": hashlib.sha256(part.votes.read_bytes()).hexdigest() if part.votes else ""}


def _unit(label: str, kind: str, inputs: Any, work: Callable[[], Mapping[str, Any]], needs: Needs = _NOTHING) -> LazyUnit:
    named = {"kind": f"visalign {kind}", "isomorph": __version__, "torch": version("torch"), "inputs": fingerprint(to_plain(inputs))}
    return LazyUnit.of(ReceiptUnit(label=label, inputs=named, work=work, needs=needs))


def _trained(run: VisalignRun, seed: int) -> dict[str, Any]:
    network = run.trained(seed)
    return {"folder": network.folder.name, "epoch": network.epoch, "accuracy": network.accuracy, "stopped": network.stopped}


def _read(run: VisalignRun, seed: int, kind: str) -> dict[str, Any]:
    return {name: rows_digest(each) for name, each in run.evidence_of(seed, kind, run.trained(seed)).items()}


def _answered(run: VisalignRun, name: str, method: str, seed: int | None) -> dict[str, Any]:
    return {"probabilities": rows_digest(run.answer(name, method, seed).probabilities)}


def _scored(run: VisalignRun) -> dict[str, Any]:
    return {"rows": len(run.scores)}
