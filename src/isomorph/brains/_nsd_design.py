"""Who was shown what, when, in the Natural Scenes Dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isomorph import data
from isomorph.brains._nsd_subject import NSDSubject
from isomorph.errors import FileError, InputError

if TYPE_CHECKING:
    import pandas

SUBJECTS, _SESSIONS = 8, 40


class NSDDesign:
    """The content of `nsd_expdesign.mat`, with images counted from 0."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "nsddata" / "experiments" / "nsd" / "nsd_expdesign.mat"
        content = data.read_mat(self.path)
        try:
            self.order, subject_images, shared = (np.asarray(content[each]) for each in ("masterordering", "subjectim", "sharedix"))
        except KeyError as error:
            raise FileError(f"{self.path} has no variable {error}; it is not the design of NSD.") from error
        whole = all(each.dtype.kind in "iuf" and each.size and each.min() >= 1 for each in (self.order, subject_images, shared))
        if not whole or len(subject_images) != SUBJECTS or subject_images.ndim != 2 or self.order.max() > subject_images.shape[1]:
            raise FileError(f"{self.path} is not the design of NSD: masterordering must point into subjectim [{SUBJECTS}, image].")
        self.order = self.order.astype(np.int64).ravel()
        self.subject_images, self.shared = subject_images.astype(np.int64) - 1, sorted({int(each) - 1 for each in shared.ravel()})

    def shown_by_session(self, person: NSDSubject) -> dict[int, list[int]]:
        """Of each session that is there the image of each trial."""
        each = len(self.order) // _SESSIONS
        images = self.subject_images[person.number - 1, self.order - 1].tolist()
        late = [number for number, _ in person.sessions() if not 1 <= number <= _SESSIONS]
        if late:
            raise FileError(f"{person.name} has betas of session {late[0]}, but sessions are 1 to {_SESSIONS}.")
        return {number: images[(number - 1) * each : number * each] for number, _ in person.sessions()}

    def stimuli(self, people: Sequence[NSDSubject], *, shared: bool) -> tuple[list[int], list[int]]:
        """The images to keep, and the shared ones that somebody was not shown."""
        seen = [{image for session in self.shown_by_session(each).values() for image in session} for each in people]
        if not shared:
            return sorted(seen[0]), []
        common = set.intersection(*seen)
        kept = [each for each in self.shared if each in common]
        if not kept:
            raise InputError(f"none of the {len(self.shared)} shared images was shown to all of {', '.join(each.name for each in people)}.")
        return kept, [each for each in self.shared if each not in common]

    def table(self, images: Sequence[int]) -> pandas.DataFrame:
        """What is known of each image."""
        import pandas

        result = pandas.DataFrame({"nsd_id": list(images), "shared": np.isin(images, self.shared)})
        path = self.path.with_name("nsd_stim_info_merged.csv")
        if not path.exists():
            return result
        info = data.read_csv(path)
        columns = [each for each in ("cocoId", "cocoSplit") if each in info]
        if "nsdId" not in info or not set(images) <= set(info["nsdId"]):
            raise FileError(f"{path} does not list all images that were shown, in a column 'nsdId'.")
        known: pandas.DataFrame = info.set_index("nsdId").loc[list(images), columns].reset_index(drop=True)
        return pandas.concat([result, known], axis=1)
