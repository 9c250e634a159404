"""The steps of a VisAlign study, each kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from isomorph import spec
from isomorph.abstention import Normaliser, combine, upstream_compat
from isomorph.benchmarks import AbstentionMatch
from isomorph.benchmarks._abstention_match import CITATION
from isomorph.benchmarks._visalign_scores import score_runs
from isomorph.benchmarks._visalign_set import ABSTAIN, VisalignSet, columns_of, open_set
from isomorph.engine import Progress
from isomorph.errors import FileError
from isomorph.perception import Answers, over_seeds
from isomorph.store._atomic import make_folder, write_bytes
from isomorph.visalign._build_set import build_set
from isomorph.visalign._calibration import calibration_pictures
from isomorph.visalign._kept import Arrays, kept, noted
from isomorph.visalign._reader import FrozenNetwork, Network, PixelNetwork, passes_of_all, read_all, steps_of_all
from isomorph.visalign._results import VisalignResults, visalign_results
from isomorph.visalign._submissions import submit
from isomorph.visalign._training import TrainedNetwork
from isomorph.visalign._training_run import rows_digest

if TYPE_CHECKING:
    import pandas

    from isomorph.stimuli import Stimuli
    from isomorph.visalign._set_part import SetPart
    from isomorph.visalign._study import VisalignStudy

ENSEMBLE = "deepensemble"


@dataclass(frozen=True, kw_only=True, eq=False)
class VisalignOutcome:
    """What a study made and found.

    Attributes:
        study: What was asked.
        data: The data set.
        networks: Seed → network.
        answers: Run (`<network>/<method>/<seed>`) → answers to the test pictures.
        scores: A row a run, metric and group; see `score_runs`.
        summary: Mean and standard deviation over seeds.
        submissions: The files.
        notes: Sentences that must travel with the numbers.
    """

    study: VisalignStudy
    data: VisalignSet
    networks: dict[int, TrainedNetwork]
    answers: dict[str, Answers]
    scores: pandas.DataFrame
    summary: pandas.DataFrame
    submissions: tuple[Path, ...]
    notes: tuple[str, ...]

    @cached_property
    def results(self) -> VisalignResults:
        """The answers beside people's, as a report shows them."""
        benchmark = AbstentionMatch(name="visalign", data=self.data, costs=self.study.costs, citation=CITATION)
        return visalign_results(list(self.answers.values()), benchmark, notes=self.notes, replicates=self.study.replicates)


class VisalignRun:
    """A study's steps: each property does what is not done yet."""

    def __init__(self, study: VisalignStudy, progress: Progress | None = None) -> None:
        self.study, self.progress = study, progress or Progress(quiet=True)

    @cached_property
    def data(self) -> VisalignSet:
        """The data set, built or read."""
        if self.study.folder is not None:
            return open_set(self.study.folder)
        part = cast("SetPart", self.study.set)  # the study has checked that it has one or the other
        return build_set(part, self.study.out / "set", progress=self.progress)

    @cached_property
    def network(self) -> Network:
        """What is trained."""
        part, classes = self.study.network, len(self.data.classes)
        return (
            PixelNetwork(part, classes) if part.architecture else FrozenNetwork(part, classes, self._learnt[0], self.study.out / "features")
        )

    @cached_property
    def _learnt(self) -> tuple[Any, Any]:
        if self.data.training is None or self.data.validation is None:
            raise FileError(
                f"{self.data.folder} holds nothing to learn from; train_split_filenames/final_train/<class>.txt and final_eval/<class>.txt "
                "list the pictures under train_files/."
            )
        return self.data.training, self.data.validation

    @cached_property
    def networks(self) -> dict[int, TrainedNetwork]:
        """One network a seed, trained or read."""
        return {seed: self.trained(seed) for seed in self.study.seeds}

    def trained(self, seed: int) -> TrainedNetwork:
        """The network of one seed, trained or read."""
        training, validation = self._examples
        part = self.study.network
        return part.training.fit(
            self.network.untrained, training, validation, folder=self.study.out / f"{part.name}-{seed}", seed=seed,
            label=f"{part.name}, seed {seed}",
            device=part.device if part.architecture else "cpu", progress=self.progress,
        )  # fmt: skip

    @cached_property
    def _examples(self) -> tuple[Any, Any]:
        training, validation = (self.network.examples(each, columns_of(each, self.data.classes)) for each in self._learnt)
        return training, validation

    @cached_property
    def evidence(self) -> dict[int, Arrays]:
        """What each network says of training, calibration and test pictures."""
        found: dict[int, Arrays] = {}
        with self.progress.task("predict", len(self.networks), unit="networks") as task:
            for seed, network in self.networks.items():
                found[seed] = {}
                for kind in self.evidence_kinds:
                    found[seed] |= self.evidence_of(seed, kind, network)
                task.advance()
        return found

    @cached_property
    def _pictures(self) -> dict[str, Stimuli]:
        """What networks are asked about."""
        training, validation = self._learnt
        calibration = calibration_pictures(validation, self.study.abstention, seed=self.study.seeds[0])
        return {"training": training, "calibration": calibration, "test": self.data.test}

    @cached_property
    def digests(self) -> dict[str, str]:
        """What names these pictures."""
        return {name: each.digest for name, each in self._pictures.items()}

    @property
    def evidence_kinds(self) -> tuple[str, ...]:
        """What is read of each network: what it says of pictures, and what `mcdropout` and `odin` ask it."""
        return ("read", *(name for name in ("mcdropout", "odin") if name in self.study.abstention.methods))

    def evidence_of(self, seed: int, kind: str, network: TrainedNetwork) -> Arrays:
        """One kind, of one network."""
        method = None if kind == "read" else self.study.abstention.method(kind)
        asked = [self.digests, self.study.network, self.data.classes, seed, network.epoch, method]
        path = self.study.out / "evidence" / f"{self.study.network.name}-{seed}-{kind}.npz"
        if method is None:
            return kept(path, asked, partial(read_all, self.network, network.module, self._pictures))
        read: Any = passes_of_all if kind == "mcdropout" else steps_of_all
        judged = {name: self._pictures[name] for name in ("calibration", "test")}
        return kept(path, asked, partial(read, self.network, network.module, judged, method))

    @cached_property
    def answers(self) -> dict[str, Answers]:
        """Calibrated answers of every method and seed."""
        return {run: self.answer(run, method, seed) for run, (method, seed) in self.runs.items()}

    @property
    def runs(self) -> dict[str, tuple[str, int | None]]:
        """`<network>/<method>/<seed>` → method and seed; an ensemble is of all seeds."""
        part, name, found = self.study.abstention, self.study.network.name, dict[str, tuple[str, int | None]]()
        for method in part.methods:
            ending = "-as-released" if part.upstream_compat else ""
            for seed in (None,) if method == ENSEMBLE else self.study.seeds:
                found[f"{name}/{method}{ending}/{'-'.join(map(str, self.study.seeds)) if seed is None else seed}"] = method, seed
        return found

    def answer(self, run: str, method: str, seed: int | None) -> Answers:
        """Those of one run, made or read."""
        part, called = self.study.abstention, run.rpartition("/")[2]
        target = self.study.out / "answers" / f"{run.replace('/', '-')}.npz"
        asked = spec.fingerprint([part, part.method(method), method, called, self._evidence_digest])
        if target.is_file() and noted(target) == asked:
            return Answers.load(target)
        answers = replace(self._answers(method, seed), subject=run)
        make_folder(target.parent)
        answers.save(target)
        write_bytes(target.with_suffix(".asked"), asked.encode())
        return answers

    @cached_property
    def _evidence_digest(self) -> str:
        people = self.data.people
        held = {str(seed): {name: rows_digest(each) for name, each in arrays.items()} for seed, arrays in self.evidence.items()}
        return spec.fingerprint([held, self.data.test.ids, self.data.classes, people.conditions if people else None])

    def _answers(self, method: str, seed: int | None) -> Answers:
        """A score, what it is calibrated to, and both combined with the network's own answer."""
        part, test = self.study.abstention, self.data.test
        scores, pi = self._scored(method, seed)
        people = self.data.people
        made = method if part.upstream_compat else f"{method}, calibrated by {part.normaliser}"
        plain = Answers(
            ids=test.ids, outcomes=self.data.classes, probabilities=pi["test"], groups=tuple(test.metadata["category"]),
            conditions=None if people is None else people.conditions, provenance=made,
        )  # fmt: skip
        if part.upstream_compat:
            return cast("Answers", upstream_compat(method, scores["test"], plain).answers)
        return combine(plain, Normaliser(part.normaliser).fit(scores["calibration"])(scores["test"]), outcome=ABSTAIN)

    def _scored(self, name: str, seed: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The scores and the network's own answers to the calibration and the test pictures."""
        from scipy.special import softmax

        method, sets = self.study.abstention.method(name), ("calibration", "test")
        if seed is None:
            several = {each: np.stack([one[f"{each}/logits"] for one in self.evidence.values()]) for each in sets}
            return {each: method.score(several[each]) for each in sets}, {each: method.probabilities(several[each]) for each in sets}
        held = self.evidence[seed]
        key = {"msp": "logits", "odin": "odin", "mcdropout": "passes"}.get(name, "features")
        scale = _unit_length if key == "features" and self.study.abstention.unit_length else np.asarray
        if key == "features":
            method = method.fit(scale(held["training/features"]), list(columns_of(self._learnt[0], self.data.classes)))
        scores = {each: method.score(scale(held[f"{each}/{key}"])) for each in sets}
        return scores, {each: softmax(held[f"{each}/logits"].astype(np.float64), axis=1) for each in sets}

    @cached_property
    def scores(self) -> pandas.DataFrame:
        """Every score of every run; `scores.csv` and `summary.csv` hold them."""
        import pandas

        runs, people = list(self.answers.values()), self.data.gold
        numbers = [[each.subject, rows_digest(each.probabilities)] for each in (*runs, people)]
        asked = spec.fingerprint([numbers, self.study.costs, self.study.replicates, people.groups, people.conditions])
        ending = "-as-released" if self.study.abstention.upstream_compat else ""
        path = self.study.out / f"scores{ending}.csv"
        if path.is_file() and noted(path) == asked:
            return pandas.read_csv(path, dtype={"group": str})
        found = score_runs(runs, people, costs=self.study.costs, replicates=self.study.replicates)
        write_bytes(path, found.to_csv(index=False).encode())
        write_bytes(path.with_name(f"summary{ending}.csv"), over_seeds(found).to_csv(index=False).encode())
        write_bytes(path.with_suffix(".asked"), asked.encode())
        return found

    @cached_property
    def submissions(self) -> tuple[Path, ...]:
        """A file for the leaderboard of each run."""
        found = []
        for run, each in self.answers.items():
            path = self.study.out / "submissions" / f"{run.replace('/', '-')}.json"
            asked = rows_digest(each.probabilities)
            if not path.is_file() or noted(path) != asked:
                submit(each, path, self.data.test.ids)
                write_bytes(path.with_suffix(".asked"), asked.encode())
            found.append(path)
        return tuple(found)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that must travel with the numbers."""
        compat = (
            "These answers are made as VisAlign's released program makes them, for comparison with it: see isomorph.abstention.DEVIATIONS."
        )
        lacking = [f"category {name} is missing: {way}" for name, way in self.data.missing.items()]
        return (*self.data.notes, *([compat] if self.study.abstention.upstream_compat else []), *lacking)

    @property
    def outcome(self) -> VisalignOutcome:
        """All of it."""
        return VisalignOutcome(
            study=self.study, data=self.data, networks=self.networks, answers=self.answers, scores=self.scores,
            summary=over_seeds(self.scores), submissions=self.submissions, notes=self.notes,
        )  # fmt: skip


def _unit_length(rows: Any) -> Any:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
