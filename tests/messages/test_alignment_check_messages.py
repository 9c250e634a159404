"""The sentences about what alignment costs, word for word."""

import re

import numpy as np
import pytest

from isomorph.alignment import AlignmentCheck, AnomalyDetection, FewShot, FittedTransform, SubclassShift, check_alignment
from isomorph.errors import FileError, IdError, InputError, NonFiniteError, ShapeError, UnknownNameError
from isomorph.features import Features
from isomorph.judgments import Triplets
from isomorph.report import best_of_both_worlds

X = Features(np.random.default_rng(0).normal(size=(30, 4)), tuple(f"p{row}" for row in range(30)), subject="net")
MAP = FittedTransform(weights=np.eye(4), method="gLocal", seen=())


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def labels(*counts):
    return [f"c{at}" for at, count in enumerate(counts) for _ in range(count)]


def test_classes_with_too_few_members():
    with said(
        InputError,
        "a few-shot test learns from 5 of every class and is tested on others, which takes 6; 1 of 3 classes have fewer, the first is "
        "'c1' with 5. Leave these classes out, or give them more.",
    ):
        check_alignment(X, MAP, labels=labels(19, 5, 6))
    with said(
        InputError,
        "anomaly detection compares every stimulus with others of its class, which takes 2; 1 of 3 classes have fewer, the first is 'c2' "
        "with 1. Leave these classes out, or give them more.",
    ):
        check_alignment(X, MAP, labels=labels(19, 10, 1), few_shot=None)


def test_labels():
    with said(IdError, "29 of the 30 stimuli of the check set have no label; the first is 'p1'."):
        check_alignment(X, MAP, labels={"p0": "c"})
    with said(ShapeError, "the check features have 30 rows, but there are 2 labels."):
        check_alignment(X, MAP, labels=["a", "b"])
    with said(InputError, "a probe needs at least 2 classes; all 30 check labels are 'a'."):
        check_alignment(X, MAP, labels=["a"] * 30)


def test_features():
    bad = X.values.copy()
    bad[3, 1] = np.nan
    with said(NonFiniteError, "'net' has 1 values that are NaN or infinite, in 1 of 30 stimuli; the first is 'p3'."):
        check_alignment(Features(bad, X.ids, subject="net"), MAP)
    with said(NonFiniteError, "'mapped' has 1 values that are NaN or infinite, in 1 of 30 stimuli; the first is 'p3'."):
        check_alignment(X, {"mapped": Features(bad, X.ids)})
    zero = X.values.copy()
    zero[[2, 5]] = 0
    with said(ShapeError, "2 of 30 stimuli are zero and have no direction; the first is 'p2'. Leave them out."):
        check_alignment(Features(zero, X.ids), MAP)
    with said(
        ShapeError,
        "the transform takes 3 features a stimulus, but the features have shape (30, 4). Read them at the layer it was fitted to.",
    ):
        check_alignment(X, FittedTransform(weights=np.eye(3)))
    with said(IdError, "'other' was not shown 28 of 30 stimuli; the first is 'p2'."):
        check_alignment(X, Features(X.values[:2], X.ids[:2], subject="other"))


def test_neighbours():
    with said(InputError, "29 nearest neighbours of 30 stimuli cannot change or do not exist; ask for 1 to 28, or give more stimuli."):
        check_alignment(X, MAP, neighbours=(10, 29))
    with said(InputError, "there is nothing to check: give at least one map, and neighbours, labels, triplets or an rdm."):
        check_alignment(X, MAP, neighbours=())
    with said(InputError, "there is nothing to check: give at least one map, and neighbours, labels, triplets or an rdm."):
        check_alignment(X, {})


def test_options():
    with said(InputError, "shots of a few-shot test must be 1 or more; got 0."):
        FewShot(shots=0)
    with said(InputError, "one example of each class cannot say which of 2 strengths is best; give one alone."):
        FewShot(shots=1, strengths=(0.1, 1.0))
    with said(InputError, "a subclass shift needs labels of two levels, and there are no labels."):
        check_alignment(X, MAP, shift=SubclassShift())
    with said(InputError, "few-shot tests are one with one shot and one with several at most; ask for others in a check of their own."):
        check_alignment(X, MAP, few_shot=(FewShot(shots=2), FewShot(shots=3)))
    with said(InputError, "a subclass shift needs 2 or more folds and a seed of 0 or more; got 1 and 0."):
        SubclassShift(folds=1)
    with said(InputError, "strengths must be one or more numbers above 0; got (0.0, 1.0)."):
        FewShot(strengths=(0.0, 1.0))
    with said(InputError, "anomaly detection needs k of 1 or more, folds of 2 or more and a seed of 0 or more; got k=0, folds=5, seed=0."):
        AnomalyDetection(k=0)
    with said(InputError, "seen must be 'drop' or 'keep'; got 'hide'."):
        check_alignment(X, MAP, seen="hide")
    with said(InputError, "the level of an interval lies between 0 and 1, such as 0.95; got 95."):
        check_alignment(X, MAP, level=95)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (["a/b", "c"], "a subclass shift needs labels of two levels, 'superclass/subclass'; 1 of 2 have none, the first is 'c'."),
        (["a/b", "a/c"], "a subclass shift needs two or more superclasses; all 2 classes are of 'a'."),
        (
            ["a/b", "a/c", "d/e"],
            "a subclass shift learns from some subclasses and asks about others; 1 of 2 superclasses have one alone, the first is 'd'. "
            "Leave these out.",
        ),
    ],
)
def test_labels_without_two_levels(labels, text):
    with said(InputError, text):
        check_alignment(X, MAP, labels=np.resize(labels, 30), shift=SubclassShift(), few_shot=None, anomaly=None, replicates=0)


def test_judgments_on_other_objects():
    trials = Triplets(items=np.array([[0, 1, 2]]), objects=("p0", "p1", "ant"))
    with pytest.raises(IdError, match="'ant'"):
        check_alignment(X, MAP, triplets=trials)


def test_a_check_that_was_made(tmp_path):
    found = check_alignment(X, {"a": MAP, "b": MAP}, replicates=0)
    with said(InputError, "2 maps were checked; name one of 'a', 'b'."):
        found.row("neighbours kept @10")
    with said(UnknownNameError, "no question is called 'neighbours'. Did you mean 'neighbours kept @10'?"):
        found.row("neighbours", "a")
    with said(UnknownNameError, "no map is called 'c'. There are: a, b."):
        found.row("neighbours kept @10", "c")
    with said(InputError, "a check is saved as .json, its table as .csv; got 'check.txt'."):
        found.save(tmp_path / "check.txt")
    with said(FileError, f"{tmp_path / 'gone' / 'check.json'} cannot be written: No such file or directory."):
        found.save(tmp_path / "gone" / "check.json")
    (tmp_path / "other.json").write_text('{"rows": [{"transform": "a"}]}')
    with said(FileError, f"{tmp_path / 'other.json'} holds no check of an alignment; AlignmentCheck.save writes them."):
        AlignmentCheck.load(tmp_path / "other.json")


def test_the_plot(tmp_path):
    with said(InputError, "the check says nothing of human alignment: pass triplets or an rdm to check_alignment."):
        best_of_both_worlds(check_alignment(X, MAP), tmp_path)
    trials = Triplets(items=np.array([[0, 1, 2], [3, 4, 5]]), objects=X.ids)
    with said(InputError, "the check says nothing of a downstream task: pass labels to check_alignment."):
        best_of_both_worlds(check_alignment(X, MAP, triplets=trials), tmp_path)
    all_seen = FittedTransform(weights=np.eye(4), seen=X.ids)
    found = check_alignment(X, all_seen, triplets=trials, labels=labels(15, 15), few_shot=FewShot(repetitions=1, strengths=(1.0,)))
    with said(
        InputError,
        "odd-one-out has no judgment that no map has seen, so that there is no point to draw. Use seen='keep' to mark them.",
    ):
        best_of_both_worlds(found, tmp_path)
    assert not list(tmp_path.iterdir())
