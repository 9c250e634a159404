"""What an AligNet study's teacher is asked, and what it says: triplets, drawn and labelled."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.alignet._clusters import Clusters
from isomorph.alignet._kmeans import KMeans
from isomorph.alignet._label import label_triplets
from isomorph.alignet._label_blocks import BLOCK_TRIPLETS
from isomorph.alignet._label_ranges import LabelRange, LabelsJoin, label_ranges
from isomorph.alignet._label_report import LabelReport
from isomorph.alignet._mapped_features import MappedFeatures
from isomorph.alignet._sample import TripletSampler, sample_to_table
from isomorph.alignet._sample_kinds import sampling_kind
from isomorph.alignet._triplet_table import TripletTable
from isomorph.arrays import array_digest
from isomorph.engine import Part
from isomorph.errors import FileError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from isomorph.alignet._study import TripletPart
    from isomorph.alignet._study_run import StudyRun
    from isomorph.alignment import FittedTransform
    from isomorph.features import Features
    from isomorph.stimuli import Stimuli

STUDENT, CONTROL = "alignet", "unalignet"
_TRANSFORMS = {STUDENT: "uncertainty_distillation", CONTROL: "untransformed"}


@dataclass(eq=False)
class StudyTriplets:
    """Tables in the study's folder; each is made when it is first asked for, and read where it is there."""

    run: StudyRun
    _samplers: dict[str, TripletSampler] = field(default_factory=dict, repr=False)
    _units: dict[tuple[str, str], tuple[list[LabelRange], LabelsJoin]] = field(default_factory=dict, repr=False)
    _digests: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def part(self) -> TripletPart:
        """What was asked for."""
        return self.run.study.triplets

    @cached_property
    def splits(self) -> dict[str, tuple[Stimuli, int]]:
        """Of which pictures triplets are drawn, and how many: to learn from, to look at meanwhile, and to judge by."""
        return {
            "train": (self.run.training, self.part.train),
            "val": (self.run.training, self.part.validation),
            "held_out": (self.run.held_out, self.part.validation),
        }

    def tables(self, student: str) -> dict[str, tuple[TripletTable, LabelReport]]:
        """A student's triplets, split by split."""
        return {split: self.labelled(student, split) for split in self.splits}

    def labelled(self, student: str, split: str) -> tuple[TripletTable, LabelReport]:
        """Triplets of pictures, labelled by the teacher with its map, or without."""
        if there := self.found(student, split):
            return there
        if self.part.ranges > 1:
            _, join = self.ranges(student, split)
            return join.write(self.run.store)
        x, transform = self.run.teacher_features(self.splits[split][0]), self._transform(student)
        return label_triplets(x, self.drawn(split), self._path(student, split), transform=transform, progress=self.run.progress)

    def found(self, student: str, split: str) -> tuple[TripletTable, LabelReport] | None:
        """The same if they are there."""
        stimuli, count = self.splits[split]
        transform = self._transform(student)
        sampling = spec.to_plain(self._sampler(split).facts)
        told = {"n": count, "features": self._digest(stimuli), "transform": transform.digest if transform else "", "sampling": sampling}
        path = self._path(student, split)
        if (path / "header.json").is_file():
            table = TripletTable.open(path)
            if all(table.header.get(name) == each for name, each in told.items()):
                return table, LabelReport(**table.header["report"])
        return None

    def drawn(self, split: str) -> TripletTable:
        """Triplets that wait for their labels."""
        stimuli, count = self.splits[split]
        sampler, path = self._sampler(split), self._folder / "drawn" / split
        with suppress(FileError):
            table = TripletTable.open(path)
            if (len(table), table.header.get("sampling"), table.objects) == (count, spec.to_plain(sampler.facts), stimuli.ids):
                return table
        return sample_to_table(sampler, count, path, objects=stimuli.ids, progress=self.run.progress)[0]

    def mapped(self, stimuli: Stimuli) -> MappedFeatures:
        """The unit that maps the teacher's features of pictures once for all ranges."""
        x = self.run.teacher_features(stimuli)
        how: dict[str, Any] = {"transform": self.run.transform, "digest": self._digest(stimuli), "progress": self.run.progress}
        return MappedFeatures(values=x.values, ids=x.ids, **how)

    def ranges(self, student: str, split: str) -> tuple[list[LabelRange], LabelsJoin]:
        """The units that label, one a part, and the one that joins."""
        if (student, split) not in self._units:
            x, path = self.run.teacher_features(self.splits[split][0]), self._path(student, split)
            how: dict[str, Any] = {"ranges": len(self.parts(split)), "transform": self._transform(student)}
            _, units, join = label_ranges(x, self.drawn(split), path, **how, progress=self.run.progress)
            self._units[student, split] = units, join
        return self._units[student, split]

    def parts(self, split: str) -> list[Part]:
        """The ranges of a split; none is empty."""
        count = min(self.part.ranges, -(-self.splits[split][1] // BLOCK_TRIPLETS))
        return [Part(number, count) for number in range(1, count + 1)]

    @cached_property
    def clusters(self) -> Clusters:
        """Clusters of the pictures to learn from."""
        x = self._clustered(self.run.teacher_features(self.run.training))
        study = self.run.study
        method, path, done = (
            KMeans(clusters=self.part.clusters, seed=study.seed),
            study.out / "clusters.safetensors",
            study.out / "clusters.asked",
        )
        asked = spec.fingerprint([method, array_digest(x.values)])
        if path.exists() and done.exists() and done.read_text(encoding="utf-8") == asked:
            return Clusters.load(path)
        found = method.fit(x, device=study.device, progress=self.run.progress)
        found.save(path)
        done.write_text(asked, encoding="utf-8")
        return found

    def groups(self, stimuli: Stimuli) -> Any:
        """What triplets are drawn by: clusters, classes or nothing."""
        kind, _ = sampling_kind(self.part.sampling)
        if kind == "random":
            return None
        if not self.part.sampling.startswith("cluster"):
            if stimuli.labels is None:
                raise InputError(
                    f"the study {self.run.study.name!r}: {self.part.sampling!r} triplets need classes, one folder each; sample by "
                    "clusters instead."
                )
            return stimuli.labels
        return self.clusters.assign(self._clustered(self.run.teacher_features(stimuli)))

    def _sampler(self, split: str) -> TripletSampler:
        if split not in self._samplers:
            stimuli, _ = self.splits[split]
            seed = self.run.study.seed + (split != "train")
            groups = self.groups(stimuli)
            self._samplers[split] = TripletSampler(sampling=self.part.sampling, images=len(stimuli), groups=groups, seed=seed)
        return self._samplers[split]

    def _clustered(self, x: Features) -> Features:
        return self.run.transform.transform(x) if self.part.transformed else x

    def _digest(self, stimuli: Stimuli) -> str:
        """Of what the teacher holds of pictures, which every range asks for."""
        if stimuli.digest not in self._digests:
            self._digests[stimuli.digest] = array_digest(self.run.teacher_features(stimuli).values)
        return self._digests[stimuli.digest]

    def _transform(self, student: str) -> FittedTransform | None:
        return self.run.transform if student == STUDENT else None

    @property
    def _folder(self) -> Path:
        return self.run.study.out / "triplets"

    def _path(self, student: str, split: str) -> Path:
        return self._folder / _TRANSFORMS[student] / split
