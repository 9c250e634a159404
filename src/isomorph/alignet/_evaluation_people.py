"""What a study asks about people's judgments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from isomorph.alignet._evaluation_pictures import about, bare, called, known_pictures
from isomorph.alignment import check_alignment
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.judgments import Triplets

if TYPE_CHECKING:
    from isomorph.alignet._study_run import StudyRun
    from isomorph.alignment._check_intervals import Draws
    from isomorph.geometry import RDM
    from isomorph.judgments import Ratings
    from isomorph.stimuli import Stimuli

Ask: TypeAlias = Callable[[Features, Mapping[str, Features], "Draws"], list[dict[str, Any]]]
SILENT: dict[str, Any] = {"neighbours": (), "few_shot": None, "anomaly": None, "probe": None}
_FEWEST = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class PeopleQuestion:
    """Judgments, and the pictures that they are about.

    Attributes:
        pictures: These pictures.
        objects: What the judgments call them.
        ask: Features before and after → rows of the table.
        imagenet: Whether the pictures are files of ImageNet's training set.
    """

    pictures: Stimuli
    objects: tuple[str, ...]
    ask: Ask
    imagenet: bool = False


def people_questions(run: StudyRun) -> Iterator[PeopleQuestion]:
    """Every question about people, one at a time."""
    part = run.study.evaluation
    yield from _judged(run)
    if not (part.triplets or part.levels or part.things or part.arrangements or part.ratings):
        return
    pictures = known_pictures(run)
    for name, path in part.triplets.items():
        yield _trials(run, pictures, Triplets.load(path), name)
    if part.things:
        yield _things(run, pictures)
    for name, path in part.arrangements.items():
        yield _arranged(run, pictures, name, path)
    for name, each in part.ratings.items():
        yield _rated(run, pictures, name, each.file, each.scale)
    if part.levels is not None:
        yield from _levels(run, pictures, part.levels)


def asked(name: str, facts: Mapping[str, Any] | None = None, **judgments: Any) -> Ask:
    """One question of `check_alignment`, called `people (NAME)`; `facts` go into its rows."""

    def ask(before: Features, after: Mapping[str, Features], draws: Draws) -> list[dict[str, Any]]:
        options = {"replicates": draws.replicates, "level": draws.level, "seed": draws.seed}
        found = check_alignment(before, after, **judgments, **SILENT, **options)
        return [{**row, "question": f"people ({name})", "note": "", **(facts or {})} for row in found.rows]

    return ask


def _judged(run: StudyRun) -> Iterator[PeopleQuestion]:
    """The benchmark that the teacher's map was fitted to, on pictures that the map has not seen."""
    from isomorph.alignet._judged_trials import judged_triplets, people

    if run.judged is None:
        return
    _, away = run.judged_split
    trials = judged_triplets(run.judged, away, run.study.teacher.trials, run.study.seed)
    for name, judgments in (("odd-one-out", {"triplets": trials}), ("RSA", {"rdm": people(run.judged).take(away)})):
        ask = asked(f"{run.judged.name}, {name}", **judgments)
        yield PeopleQuestion(pictures=run.judged.stimuli.take(away), objects=tuple(away), ask=ask)


def _trials(run: StudyRun, pictures: Stimuli, trials: Triplets, name: str) -> PeopleQuestion:
    kept = about(trials, pictures.ids)
    if kept is None:
        raise InputError(
            f"none of {len(trials):,} trials of {name!r} is about three pictures that can be asked about; name the trials' pictures by "
            "their ids, or add their folder to evaluation.pictures."
        )
    if len(kept) < len(trials):
        run.notes.append(
            f"{name}: {len(kept):,} of {len(trials):,} trials are about pictures that can be asked about; the others are left out."
        )
    return PeopleQuestion(pictures=_of(pictures, kept.objects), objects=trials.objects, ask=asked(name, triplets=kept))


def _things(run: StudyRun, pictures: Stimuli) -> PeopleQuestion:
    """THINGS: an object's picture has its `uniqueID` for a name, or lies in a folder of that name, whose first is taken."""
    from isomorph.data import path as data_path
    from isomorph.judgments import load_triplets, things_ids

    objects = things_ids()
    names, found = set(objects), dict[str, str]()
    for each in sorted(pictures.ids):
        own = next((part for part in (*each.split("/")[:-1], bare(each)) if part in names), None)
        if own is not None:
            found.setdefault(own, each)
    trials = load_triplets(run.study.evaluation.things_trials or data_path("things-odd-one-out", "2171trials_humans.txt"), objects=objects)
    kept = trials.restrict([each for each in objects if each in found]) if len(found) > 2 else trials.take(slice(0))
    if not len(kept):
        raise InputError(
            f"of THINGS' {len(objects):,} objects {len(found):,} have a picture that can be asked about, and no trial is about three of "
            "them: a picture is called by its object's id, such as 'aardvark', or lies in a folder of that name. Add THINGS' pictures to "
            "evaluation.pictures."
        )
    run.notes.append(f"THINGS: {len(kept):,} of {len(trials):,} trials, about {len(kept.objects):,} of {len(objects):,} objects.")
    kept = replace(kept, objects=tuple(found[each] for each in kept.objects))
    shown = [each for each, is_shown in zip(kept.objects, kept.shown, strict=True) if is_shown]
    return PeopleQuestion(pictures=_of(pictures, shown), objects=tuple(found), ask=asked("THINGS", triplets=kept.restrict(shown)))


def _arranged(run: StudyRun, pictures: Stimuli, name: str, path: Path) -> PeopleQuestion:
    from isomorph.judgments import read_meadows

    people = read_meadows(path)
    first = next(iter(people.values()))
    shared = [each for each in first.ids if all(each in other.ids for other in people.values())]
    id_of = _found(run, pictures, name, shared)
    rdm, ceilings = mean_arrangement([each.take(list(id_of)) for each in people.values()])
    rdm = replace(rdm, ids=tuple(id_of.values()))
    return PeopleQuestion(pictures=_of(pictures, rdm.ids), objects=tuple(shared), ask=asked(f"{name}, RSA", ceilings, rdm=rdm))


def mean_arrangement(people: Sequence[RDM]) -> tuple[RDM, dict[str, Any]]:
    """The mean over people of their dissimilarities, each divided by its root mean square, and how well people foretell people."""
    from isomorph.geometry import RDM
    from isomorph.inference import noise_ceiling

    rows = np.stack([each.values for each in people]).astype(np.float64)
    mean = RDM((rows / np.sqrt((rows**2).mean(axis=1, keepdims=True))).mean(axis=0), people[0].ids, "multi-arrangement")
    if len(rows) < 2:  # one person cannot foretell another
        return mean, {}
    bounds = noise_ceiling(rows, comparison="spearman")
    note = f"{len(rows)} people: each with the mean of the others (ceiling_lower) and of all (ceiling_upper)"
    return mean, {"ceiling_lower": bounds.lower, "ceiling_upper": bounds.upper, "note": note}


def _rated(run: StudyRun, pictures: Stimuli, name: str, path: Path, scale: Any) -> PeopleQuestion:
    from isomorph.judgments import read_ratings

    ratings = read_ratings(path, scale=scale)
    kept = _renamed(ratings, _found(run, pictures, name, ratings.objects))
    return PeopleQuestion(pictures=_of(pictures, kept.objects), objects=ratings.objects, ask=asked(f"{name}, RSA", ratings=kept))


def _found(run: StudyRun, pictures: Stimuli, name: str, stimuli: Sequence[str]) -> dict[str, str]:
    """Stimulus → picture, for those that have one.

    Raises:
        InputError: They are fewer than four.
    """
    id_of = called(stimuli, pictures.ids)
    if len(id_of) < _FEWEST:
        raise InputError(
            f"{len(id_of)} of {len(stimuli)} stimuli of {name!r} are pictures that can be asked about, and it takes {_FEWEST}; pictures "
            "and stimuli meet by id or file name. Add their folder to evaluation.pictures."
        )
    if len(id_of) < len(stimuli):
        run.notes.append(
            f"{name}: {len(id_of):,} of {len(stimuli):,} stimuli are pictures that can be asked about; the others are left out."
        )
    return id_of


def _renamed(ratings: Ratings, id_of: Mapping[str, str]) -> Ratings:
    old = [row for row, each in enumerate(ratings.objects) if each in id_of]
    place = np.full(len(ratings.objects), -1)
    place[old] = np.arange(len(old))
    pairs = place[ratings.pairs]
    both = (pairs >= 0).all(axis=1)
    return replace(
        ratings,
        pairs=pairs[both],
        values=ratings.values[both],
        participants=None,
        objects=tuple(id_of[ratings.objects[row]] for row in old),
    )


def _levels(run: StudyRun, pictures: Stimuli, path: Path) -> Iterator[PeopleQuestion]:
    from isomorph.alignet._levels import levels_trials, tier_rows

    tiers, notes = levels_trials(path, pictures.ids, time_key=run.study.evaluation.levels_time)
    run.notes.extend(notes)
    for tier, trials in tiers.items():

        def ask(
            before: Features, after: Mapping[str, Features], draws: Draws, tier: str = tier, trials: Triplets = trials
        ) -> list[dict[str, Any]]:
            rows = tier_rows(tier, trials, before, after, "cosine", None, draws)
            return [{**row, "question": f"people ({row['question']})"} for row in rows]

        yield PeopleQuestion(pictures=_of(pictures, trials.objects), objects=trials.objects, ask=ask, imagenet=True)


def _of(pictures: Stimuli, ids: Iterable[str]) -> Stimuli:
    wanted = set(ids)
    return pictures.take([each for each in pictures.ids if each in wanted])
