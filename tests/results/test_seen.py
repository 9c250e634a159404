"""Scores on stimuli whose judgments a model was fitted to are marked, from the table to the page."""

import dataclasses

import numpy as np
import pytest
import torch

import isomorph as iso
from isomorph.alignment import Global
from isomorph.benchmarks import GeometryMatch, Target
from isomorph.models import wrap_model
from isomorph.report._headline import caveats
from isomorph.report._question import questions

QUICK = {"replicates": 10, "permutations": 0}


class Net(torch.nn.Module):
    """Pictures to three numbers."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.head = torch.nn.Linear(48, 3)

    def forward(self, x):
        return self.head(x)


def pictures(prefix):
    images = np.random.default_rng(0).integers(0, 255, (12, 4, 4, 3), dtype=np.uint8)
    return iso.Stimuli.from_arrays(images, ids=[f"{prefix}{each}" for each in range(12)])


@pytest.fixture(scope="module")
def net():
    return wrap_model(Net(), name="net", preprocess=lambda image: torch.tensor(image / 255).float().flatten())


@pytest.fixture(scope="module")
def benchmarks():
    people = np.random.default_rng(1).random((3, 1, 66))
    target = Target(name="people", kind="behaviour", rdms=people, subjects=("a", "b", "c"))
    return [GeometryMatch(name=name, stimuli=pictures(prefix), targets=(target,)) for name, prefix in (("judged", "j"), ("others", "o"))]


@pytest.fixture(scope="module")
def aligned(net, benchmarks):
    x = iso.extract(net, benchmarks[0].stimuli, layers=["head"])["head"]
    rng = np.random.default_rng(0)
    fitted = Global(epochs=2).fit(x, np.array([rng.permutation(3) for _ in range(40)]))  # people judged three of the twelve
    assert fitted.seen == ("j0", "j1", "j2")
    return net.then(fitted)


@pytest.fixture(scope="module")
def results(net, aligned, benchmarks, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    first = iso.evaluate(aligned, benchmarks, store=store, **QUICK, layers=["aligned"])
    plain = iso.evaluate(net, benchmarks, store=store, **QUICK, layers=["head"])
    return iso.Results.merge(first, plain)


def test_a_row_is_seen_where_any_stimulus_was_judged(results, aligned, net):
    seen = {(row["model"], row["benchmark"]): row["seen"] for row in results.table.to_dict("records")}
    assert seen == {
        (aligned.name, "judged"): True,
        (aligned.name, "others"): False,
        (net.name, "judged"): False,
        (net.name, "others"): False,
    }


def test_the_notes_and_the_page_say_so(results, aligned, tmp_path):
    (note,) = [each for each in results.methods["notes"] if "held-out" in each]
    assert note == (
        f"{aligned.name} was fitted to people's judgments of 3 of the 12 stimuli of judged (column seen): its scores there are not "
        "held-out scores."
    )
    (judged,), (others,) = (questions(results, results.benchmark(each)) for each in ("judged", "others"))
    assert [each.seen for each in judged.answers if each.model == aligned.name] == [True]
    assert any("(seen) was fitted to people’s judgments of stimuli shown here" in each for each in caveats(judged))
    assert not any("(seen)" in each for each in caveats(others))
    page = iso.report(results).save(tmp_path, figures=False).read_text()
    assert page.count(">seen</i>") == 1


def test_a_model_that_forgets_what_it_saw_is_another_unit_of_work(aligned, benchmarks, tmp_path):
    forgetful = dataclasses.replace(aligned, seen=())
    assert forgetful.fingerprint == aligned.fingerprint
    rows = [iso.evaluate(each, benchmarks[0], store=tmp_path, **QUICK, layers=["aligned"]).table for each in (aligned, forgetful)]
    assert [bool(each["seen"].all()) for each in rows] == [True, False]
