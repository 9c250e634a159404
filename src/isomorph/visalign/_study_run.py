"""The steps of a VisAlign study, each kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from isomorph import spec
from isomorph.abstention import Normaliser, combine, upstream_compat
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
from isomorph.visalign._submissions import submit
from isomorph.visalign._training import TrainedNetwork
from isomorph.visalign._training_run import rows_digest

if TYPE_CHECKING:
    import pandas

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
        training, validation = (self.network.examples(each, columns_of(each, self.data.classes)) for each in self._learnt)
        part = self.study.network
        return {
            seed: part.training.fit(
                self.network.untrained, training, validation, folder=self.study.out / f"{part.name}-{seed}", seed=seed,
                label=f"{part.name}, seed {seed}",
                device=part.device if part.architecture else "cpu", progress=self.progress,
            )
            for seed in self.study.seeds
        }  # fmt: skip

    @cached_property
    def evidence(self) -> dict[int, Arrays]:
        """What each network says of training, calibration and test pictures."""
        training, validation = self._learnt
        calibration = calibration_pictures(validation, self.study.abstention, seed=self.study.seeds[0])
        judged = {"calibration": calibration, "test": self.data.test}
        sets = {"training": training, **judged}
        digests = {name: each.digest for name, each in sets.items()}
        found: dict[int, Arrays] = {}
        with self.progress.task("predict", len(self.networks), unit="networks") as task:
            for seed, each in self.networks.items():
                asked = [digests, self.study.network, self.data.classes, seed, each.epoch]
                kinds: dict[str, Callable[[], Arrays]] = {"read": partial(read_all, self.network, each.module, sets)}
                for name, read in (("mcdropout", passes_of_all), ("odin", steps_of_all)):
                    if name in self.study.abstention.methods:
                        kinds[name] = partial(read, self.network, each.module, judged, self.study.abstention.method(name))
                found[seed] = {}
                for kind, make in kinds.items():
                    path = self.study.out / "evidence" / f"{self.study.network.name}-{seed}-{kind}.npz"
                    method = None if kind == "read" else self.study.abstention.method(kind)
                    found[seed] |= kept(path, [*asked, method], make)
                task.advance()
        return found

    @cached_property
    def answers(self) -> dict[str, Answers]:
        """Calibrated answers of every method and seed."""
        part, name, found = self.study.abstention, self.study.network.name, {}
        for method in part.methods:
            seeds = ["-".join(map(str, self.study.seeds))] if method == ENSEMBLE else list(map(str, self.study.seeds))
            for seed in seeds:
                run = f"{name}/{method}{'-as-released' if part.upstream_compat else ''}/{seed}"
                target = self.study.out / "answers" / f"{run.replace('/', '-')}.npz"
                asked = spec.fingerprint([part, part.method(method), method, seed, self._evidence_digest])
                if target.is_file() and noted(target) == asked:
                    found[run] = Answers.load(target)
                    continue
                found[run] = replace(self._answers(method, None if method == ENSEMBLE else int(seed)), subject=run)
                make_folder(target.parent)
                found[run].save(target)
                write_bytes(target.with_suffix(".asked"), asked.encode())
        return found

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
