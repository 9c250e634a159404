"""`isomorph visalign`: when to act, when to abstain and when to be unsure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call_action

if TYPE_CHECKING:
    from isomorph.visalign import VisalignOutcome, VisalignStudy

StudyFile = Annotated[Path, tyro.conf.Positional]


def run(words: list[str]) -> int | None:
    """Dispatch on the action."""
    steps = (build, train, predict, score, submit)
    actions: dict[str, Callable[..., None]] = {each.__name__: each for each in steps} | {"run": run_study, "demo": demo}
    return call_action(actions, words, command="visalign")


def build(study: StudyFile, *, json: bool = False) -> None:
    """Build a study's data set in VisAlign's folder layout; categories without a source are named.

    Args:
        study: A TOML file with [set] (classes, train, validation, test, implausible, abstain, attack, corruptions …).
        json: One JSON object: folder, classes, training, validation, categories, missing, notes.
    """
    from isomorph.engine import Progress
    from isomorph.visalign import VisalignStudy

    with Progress(quiet=json) as progress:
        data = VisalignStudy.load(study).start(progress=progress).data
    categories = data.test.metadata["category"].value_counts().sort_index().to_dict()
    counts = {"training": len(data.training or ()), "validation": len(data.validation or ())}
    if json:
        facts = {"folder": data.folder, "classes": data.classes, **counts, "categories": categories}
        print_json({**facts, "missing": data.missing, "notes": data.notes})
        return
    print_table([{"part": name, "pictures": n} for name, n in counts.items()] + [
        {"part": f"category {name}", "pictures": n} for name, n in categories.items()
    ], ["part", "pictures"])  # fmt: skip
    for each in (*data.notes, *(f"category {name} is missing: {way}" for name, way in data.missing.items())):
        say(each)
    say(f"data set: {data.folder}")


def train(study: StudyFile, *, json: bool = False) -> None:
    """Train a study's networks, one a seed; what is trained is read, and a run that was killed goes on from its last epoch.

    Args:
        study: A TOML file.
        json: One JSON object a seed: seed, epoch, accuracy, loss, epochs, stopped, folder.
    """
    from isomorph.engine import Progress
    from isomorph.visalign import VisalignStudy

    with Progress(quiet=json) as progress:
        networks = VisalignStudy.load(study).start(progress=progress).networks
    rows = [
        {"seed": seed, "epoch": each.epoch, "accuracy": each.accuracy, "loss": each.loss, "epochs": len(each.history),
         "stopped": each.stopped, "folder": each.folder}
        for seed, each in networks.items()
    ]  # fmt: skip
    if json:
        for row in rows:
            print_json(row)
        return
    print_table(rows, ["seed", "epoch", "accuracy", "loss", "epochs", "stopped"])


def predict(study: StudyFile, *, json: bool = False) -> None:
    """Answer a study's test pictures by every method and seed, calibrated on its validation pictures.

    Args:
        study: A TOML file.
        json: One JSON object a run: run, n, abstention (the mean probability of abstaining), file.
    """
    from isomorph.engine import Progress
    from isomorph.visalign import VisalignStudy

    asked = VisalignStudy.load(study)
    with Progress(quiet=json) as progress:
        answers = asked.start(progress=progress).answers
    rows = [
        {"run": name, "n": len(each), "abstention": float(each.probabilities[:, each.abstain_column].mean()),
         "file": asked.out / "answers" / f"{name.replace('/', '-')}.npz"}
        for name, each in answers.items()
    ]  # fmt: skip
    if json:
        for row in rows:
            print_json(row)
        return
    print_table(rows, ["run", "n", "abstention"])


def score(
    study: StudyFile,
    answers: Annotated[tuple[Path, ...], tyro.conf.Positional] = (),
    *,
    labels: Path | None = None,
    replicates: int = 1000,
    json: bool = False,
) -> None:
    """Score a study's answers, or files of answers to any data set of VisAlign's form.

    Args:
        study: A TOML file; or the folder of a data set, with files of answers after it.
        answers: Submissions (.json), or tables of answers (.npz, .csv, .parquet).
        labels: A file of labels, in place of the one in the folder: .json, .pk, .npz, .csv.
        replicates: Bootstrap samples for files of answers; 0: no intervals.
        json: One JSON object a run, metric and group: model, metric, group, value, low, high, ceiling, n.
    """
    import pandas

    from isomorph.engine import Progress
    from isomorph.visalign import VisalignStudy, open_set, read_runs, score_runs

    if study.is_dir():
        data = open_set(study, labels=labels)
        scores = score_runs(read_runs(answers, data), data.gold, replicates=replicates)
    else:
        with Progress(quiet=json) as progress:
            scores = VisalignStudy.load(study).start(progress=progress).scores
    if json:
        for row in scores.to_dict("records"):
            print_json(row)
        return
    _show(scores if isinstance(scores, pandas.DataFrame) else pandas.DataFrame(scores))


def submit(study: StudyFile, *, json: bool = False) -> None:
    """Write every run's answers as the leaderboard takes them: file name → 11 numbers.

    Args:
        study: A TOML file.
        json: One JSON object: submissions.
    """
    from isomorph.engine import Progress
    from isomorph.visalign import VisalignStudy

    with Progress(quiet=json) as progress:
        files = VisalignStudy.load(study).start(progress=progress).submissions
    if json:
        print_json({"submissions": files})
        return
    for each in files:
        print(each)


def run_study(study: StudyFile, *, store: StoreFolder = None, json: bool = False) -> None:
    """Run a study whole: build, train, calibrate, predict, score, submit; what is finished is only read.

    Args:
        study: A TOML file: set or folder, network, abstention, seeds, costs, replicates, out.
        store: The store of receipts; default: the study's, else the folder `store` in its `out`.
        json: One JSON object: name, out, networks, runs, summary, submissions, report, notes.
    """
    from isomorph.visalign import VisalignStudy

    _answer(VisalignStudy.load(study), store=store, json=json)


def demo(*, out: Path = Path("isomorph-demo-visalign"), json: bool = False) -> None:
    """92 photographs, a network that is installed, seven methods and three seeds, in a few minutes.

    Args:
        out: The folder of the study.
        json: One JSON object: name, out, networks, runs, summary, submissions, report, notes.
    """
    from isomorph.visalign import demo_study

    _answer(demo_study(out), json=json)


def _answer(study: VisalignStudy, *, store: str | None = None, json: bool) -> None:
    from isomorph.cli._evaluate import write_report
    from isomorph.engine import Progress
    from isomorph.report import visalign_report
    from isomorph.store import open_store

    with Progress(quiet=json) as progress:
        outcome: VisalignOutcome = study.run(open_store(store) if store else None, progress=progress)
    page = write_report(visalign_report(outcome.results), study.out / "report")
    if json:
        networks = {str(seed): {"epoch": each.epoch, "accuracy": each.accuracy} for seed, each in outcome.networks.items()}
        facts = {"name": study.name, "out": study.out, "networks": networks, "runs": list(outcome.answers)}
        facts |= {"summary": outcome.summary.to_dict("records"), "submissions": outcome.submissions}
        print_json({**facts, "report": page, "notes": outcome.notes})
        return
    say(f"report: {page}")
    _show(outcome.summary.rename(columns={"mean": "value"}))
    for each in outcome.notes:
        say(each)
    say(f"scores: {study.out / 'scores.csv'}, {study.out / 'summary.csv'}; {len(outcome.submissions)} submissions beside them")


def _show(scores: object) -> None:
    """A line a run: the distance of each category, and what concerns all pictures."""
    from isomorph.visalign import wide_scores

    rows = wide_scores(scores)
    print_table(rows, list(rows[0]))
