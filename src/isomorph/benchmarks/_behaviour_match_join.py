"""Models' answers and people's, met by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.benchmarks._behaviour_match_images import Images
from isomorph.errors import IdError, InputError, UnknownNameError
from isomorph.perception import Answers, Trials
from isomorph.perception._plain_names import plain_subject

if TYPE_CHECKING:
    from isomorph.benchmarks._behaviour_match import BehaviourMatch


@dataclass(frozen=True, eq=False)
class Joined:
    """What models and people answered to the same images.

    Attributes:
        trials: Trials of people and models.
        answers: For each data set the distributions of models that gave such, in the order of the people's items; the last outcome is "no
            answer", which a model without abstention never gives.
        votes: For each data set people's answers, as votes over the same outcomes.
        notes: Sentences on what was left out.
    """

    trials: Trials
    answers: Mapping[str, tuple[Answers, ...]]
    votes: Mapping[str, Answers]
    notes: tuple[str, ...] = ()


def join_answers(benchmark: BehaviourMatch, given: Any, *, missing: str) -> Joined:
    """See `BehaviourMatch.join`."""
    if missing not in ("raise", "drop"):
        raise InputError(f"missing is 'raise' or 'drop'; got {missing!r}.")
    tables = [_of_models(benchmark, each) for each in _listed(given) if isinstance(each, Trials)]
    named = [(name, _checked(benchmark, each)) for name, each in _named(benchmark, given)]
    people, notes = _shared_sets(benchmark.people, named, tables, missing)
    shown = {each: Images.of(people, each) for each in sorted(people.dataset.names)}
    own = [(name, *shown[name].renamed(each)) for name, each in named if name in shown]
    tables = [each.take(datasets=[name for name in shown if name in each.dataset.names]) for each in tables]
    common, lines = _shared_images(shown, own, tables)
    if lines and missing == "raise":
        raise IdError(f"{'; '.join(lines)}. Compare what all answered: missing='drop'.")
    if lines:
        people, *tables = (_restricted(each, common) for each in (people, *tables))
    aligned = [(name, _aligned(benchmark, each.take(common[name]), shown[name])) for name, each, _ in own]
    trials = Trials.joined([people, *tables, *(shown[name].trials(each) for name, each in aligned)])
    outcomes = (*benchmark.categories, people.no_answer)
    votes = {name: _over(people.answers(name), outcomes).take(common[name]) for name in shown}
    answers = {name: tuple(each for of, each in aligned if of == name) for name in shown}
    return Joined(trials, answers, votes, (*notes, *(f"Left out: {each}." for each in lines)))


def _listed(given: Any) -> list[Any]:
    if isinstance(given, Mapping):
        return []
    return [given] if isinstance(given, Answers | Trials) else list(given)


def _named(benchmark: BehaviourMatch, given: Any) -> Iterator[tuple[str, Answers]]:
    """Each answers with the data set that they are to."""
    if isinstance(given, Mapping):
        for name, each in given.items():
            if name not in benchmark.datasets:
                raise UnknownNameError("data set", str(name), benchmark.datasets)
            yield from ((name, one) for one in ([each] if isinstance(each, Answers) else each))
    for each in _listed(given):
        if isinstance(each, Answers):
            name = benchmark.datasets[0] if len(benchmark.datasets) == 1 else each.provenance
            if name not in benchmark.datasets:
                raise InputError(
                    f"the answers of {each.subject!r} do not say which of {len(benchmark.datasets)} data sets of {benchmark.name} they "
                    "are to. Give {'edge': answers}, or Answers(..., provenance='edge')."
                )
            yield name, each


def _of_models(benchmark: BehaviourMatch, trials: Trials) -> Trials:
    """The models' trials, once every response is one that was asked for."""
    if not trials.models:
        raise InputError(f"the trials given to {benchmark.name} are of people alone ({trials.people!r}); there is no model to compare.")
    part = trials.take(subjects=trials.models)
    known = {*benchmark.categories, trials.no_answer}
    odd = sorted(set(part.response.names) - known)
    if odd:
        raise InputError(
            f"the trials of {', '.join(part.models)} hold {len(odd)} responses that are none of the {len(benchmark.categories)} categories "
            f"of {benchmark.name}: {', '.join(map(repr, odd[:3]))}{' …' if len(odd) > 3 else ''}. Map them: trials.mapped(members)."
        )
    return part


def _checked(benchmark: BehaviourMatch, answers: Answers) -> Answers:
    """The answers, under a name, over the benchmark's categories."""
    if not answers.subject:
        raise InputError("answers are compared under a name; give Answers(..., subject='my-model').")
    wanted, has = set(benchmark.categories), set(answers.outcomes) - {answers.abstain}
    if wanted != has:
        said = [
            f"{verb} {', '.join(map(repr, names[:3]))}{' …' if len(names) > 3 else ''}"
            for verb, names in (("has", sorted(has - wanted)), ("lacks", sorted(wanted - has)))
            if names
        ]
        raise InputError(
            f"{answers.subject} answers with {len(has)} classes and {benchmark.name} asks for {len(wanted)} categories: it "
            f"{' and '.join(said)}. Map them: answer(…, mapping='imagenet-16'), or answers.mapped(members)."
        )
    return replace(answers, subject=plain_subject(answers.subject).replace("/", "-"))  # names of files, too


def _shared_sets(people: Trials, named: Sequence[tuple[str, Answers]], tables: Sequence[Trials], missing: str) -> tuple[Trials, list[str]]:
    """People's trials on the data sets that every model answered."""
    has: dict[str, set[str]] = {}
    for name, each in named:
        has.setdefault(each.subject, set()).add(name)
    for table in tables:
        for model in table.models:
            has.setdefault(model, set()).update(table.take(subjects=[model]).dataset.names)
    clash = next((each for each in has if each in people.subject.names), None)
    if clash is not None:
        raise InputError(f"the benchmark holds published answers of {clash!r} already; call yours otherwise: Answers(..., subject=…).")
    wanted = set(people.dataset.names)
    lacking = {model: sorted(wanted - sets) for model, sets in has.items() if wanted - sets}
    if not lacking:
        return people, []
    said = "; ".join(f"{model} lacks {', '.join(sets)}" for model, sets in lacking.items())
    if missing == "raise":
        raise IdError(
            f"not every model answered every data set: {said}. Ask about some: benchmark.take([…]); or leave out for all what one lacks: "
            "missing='drop'."
        )
    left = sorted(wanted.intersection(*has.values()))
    if not left:
        raise IdError(f"no data set was answered by every model: {said}.")
    return people.take(datasets=left), [f"Data sets left out, as not every model answered them: {said}."]


def _shared_images(
    shown: Mapping[str, Images], own: Sequence[tuple[str, Answers, list[str]]], tables: Sequence[Trials]
) -> tuple[dict[str, list[str]], list[str]]:
    """The images of each data set that all answered, and sentences on the others."""
    seen = [(name, each.subject, set(each.ids), unknown) for name, each, unknown in own]
    for table in tables:
        for name in sorted(set(table.dataset.names) & set(shown)):
            for model in table.take(datasets=[name]).models:
                ids = set(Images.of(table, name, [model]).ids)
                seen.append((name, model, ids & set(shown[name].ids), sorted(ids - set(shown[name].ids))))
    common, lines = {name: list(each.ids) for name, each in shown.items()}, []
    lacking: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, model, ids, unknown in seen:
        absent = [each for each in shown[name].ids if each not in ids]
        lines += [f"{name}: {model} answered {_some(unknown)}, which nobody was asked about"] if unknown else []
        if absent:
            lacking.setdefault((name, tuple(absent)), []).append(model)
        common[name] = [each for each in common[name] if each in ids]
        if not common[name]:
            lines += _lines(lacking, shown)
            raise IdError(
                f"no image of {name!r} was answered by people and every model. {'; '.join(lines)}. Check the names of the pictures."
            )
    return common, lines + _lines(lacking, shown)


def _lines(lacking: Mapping[tuple[str, tuple[str, ...]], Sequence[str]], shown: Mapping[str, Images]) -> list[str]:
    """One sentence for each set of images that some models did not answer."""
    return [
        f"{name}: {', '.join(models)} did not answer {_some(absent)} of the {len(shown[name].ids)} that people saw"
        for (name, absent), models in lacking.items()
    ]


def _some(names: Sequence[str]) -> str:
    return f"{len(names)} images ({', '.join(names[:3])}{' …' if len(names) > 3 else ''})"


def _restricted(trials: Trials, common: Mapping[str, Sequence[str]]) -> Trials:
    """The trials on these images."""
    keep = np.zeros(len(trials), dtype=bool)
    for name in trials.dataset.names:
        rows = np.flatnonzero(trials.dataset.is_in([name]))
        wanted = set(common[name])
        keep[rows] = [each in wanted for each in Images.names(trials.where(rows))]
    return trials.where(keep)


def _aligned(benchmark: BehaviourMatch, answers: Answers, shown: Images) -> Answers:
    """Over the benchmark's outcomes, with what is right and in which condition."""
    outcomes = (*benchmark.categories, benchmark.people.no_answer)
    place = {name: at for at, name in enumerate(answers.outcomes)}
    columns = [place[each] for each in benchmark.categories]
    away = answers.probabilities[:, [place[answers.abstain]]] if answers.abstain else np.zeros((len(answers), 1))
    truth, conditions = zip(*(shown.facts[each] for each in answers.ids), strict=True)
    return Answers(
        ids=answers.ids, outcomes=outcomes, probabilities=np.hstack([answers.probabilities[:, columns], away]), abstain=outcomes[-1],
        truth=truth, conditions=conditions, subject=answers.subject, provenance=shown.dataset,
    )  # fmt: skip


def _over(votes: Answers, outcomes: Sequence[str]) -> Answers:
    """Votes over all of the benchmark's outcomes, also those that nobody gave in this data set."""
    counts = np.zeros((len(votes), len(outcomes)), dtype=np.int64)
    counts[:, [outcomes.index(each) for each in votes.outcomes]] = np.asarray(votes.counts)
    return Answers.from_counts(
        votes.ids, outcomes, counts, abstain=votes.abstain, truth=votes.truth, conditions=votes.conditions, subject="people",
        provenance=votes.provenance,
    )  # fmt: skip
