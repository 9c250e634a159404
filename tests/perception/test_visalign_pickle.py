"""VisAlign's pickles, and pickles that want more than to be read."""

import collections
import os
import pickle

import numpy as np
import pytest
import torch

from isomorph.errors import FileError
from isomorph.perception import VISALIGN_OUTCOMES, read_visalign_pickle, visalign_answers


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_what_upstream_writes_is_read(tmp_path, protocol):
    rows = {
        "list.jpg": [0.1] * 10 + [0.0],
        "numpy.jpg": np.linspace(0, 1, 11),
        "fortran.jpg": np.asfortranarray(np.arange(11, dtype=">f4")),
        "tensor.jpg": torch.linspace(0, 1, 11),
        "view.jpg": torch.arange(22, dtype=torch.float64).reshape(11, 2)[:, 1],
        "half.jpg": torch.ones(11, dtype=torch.float16),
    }
    path = tmp_path / "labels.pk"
    path.write_bytes(pickle.dumps(collections.OrderedDict(rows), protocol=protocol))
    found = read_visalign_pickle(path)
    assert list(found) == list(rows)
    for name, row in rows.items():
        assert np.array_equal(found[name], np.asarray(row, dtype=np.float64)), name
    answers = visalign_answers(found, subject="labels")
    assert answers.outcomes == VISALIGN_OUTCOMES
    assert answers.abstain == "abstain"


def test_predictions_have_no_outcome_that_abstains_and_scores_are_numbers(tmp_path):
    path = tmp_path / "vit-45-id_prediction.pk"
    path.write_bytes(pickle.dumps({"a.jpg": torch.full((10,), 0.1), "b.jpg": torch.eye(10)[3]}))
    answers = visalign_answers(read_visalign_pickle(path))
    assert answers.abstain is None
    assert answers.outcomes[answers.decisions()[1]] == "giraffe"
    path.write_bytes(pickle.dumps({"a.jpg": 0.25, "b.jpg": np.float32(0.5), "c.jpg": torch.tensor(2.0)}))
    assert {name: float(each) for name, each in read_visalign_pickle(path).items()} == {"a.jpg": 0.25, "b.jpg": 0.5, "c.jpg": 2.0}


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "value",
    [
        Hostile(os.system, "touch {marker}"),
        Hostile(eval, "open('{marker}', 'w')"),
        Hostile(open, "{marker}", "w"),
        Hostile(getattr, np, "load"),
        Hostile(__import__, "os"),
        Hostile(torch.load, "{marker}"),
    ],
    ids=lambda value: value.call[0].__name__,
)
def test_hostile_pickles_are_refused_unrun(tmp_path, value):
    marker = tmp_path / "marker"
    path = tmp_path / "labels.pk"
    value = Hostile(value.call[0], *(each.format(marker=marker) if isinstance(each, str) else each for each in value.call[1][:1]),
                    *value.call[1][1:]) if value.call[0] is not getattr else Hostile(getattr, "text", "upper")  # fmt: skip
    path.write_bytes(pickle.dumps({"a.jpg": value}))
    with pytest.raises(FileError, match="Nothing of it was run"):
        read_visalign_pickle(path)
    assert not marker.exists()


def test_state_cannot_be_set_on_what_is_allowed(tmp_path):
    path = tmp_path / "labels.pk"
    program = b"\x80\x02cnumpy.core.multiarray\nscalar\n}U\x08__code__I1\nsb."
    path.write_bytes(program)
    with pytest.raises(FileError):
        read_visalign_pickle(path)


def test_hostile_bytes_inside_a_tensor_are_read_by_the_same_rules(tmp_path):
    inner = pickle.dumps(Hostile(os.system, "true"))
    program = b"\x80\x04ctorch.storage\n_load_from_bytes\nB" + len(inner).to_bytes(4, "little") + inner + b"\x85R."
    path = tmp_path / "labels.pk"
    path.write_bytes(program)
    with pytest.raises(FileError, match="system"):
        read_visalign_pickle(path)


def test_a_tensor_cannot_reach_past_its_numbers(tmp_path):
    whole = pickle.dumps({"a.jpg": torch.ones(11)}, protocol=2)
    before, _, after = whole.rpartition(b"K\x0b")  # its size
    path = tmp_path / "labels.pk"
    path.write_bytes(before + b"K\xff" + after)
    with pytest.raises(FileError, match="a tensor of 255 numbers that ends at number 254 of 11"):
        read_visalign_pickle(path)


@pytest.mark.parametrize("value", [{"a": np.array(["x"])}, {"a": np.array([None])}, {1: 0.5}, [1, 2], {}, {"a": {"b": 1}}])
def test_other_things_are_refused(tmp_path, value):
    path = tmp_path / "labels.pk"
    path.write_bytes(pickle.dumps(value))
    with pytest.raises(FileError):
        read_visalign_pickle(path)


@pytest.mark.parametrize("size", [0, 1, 40, 100])
def test_damaged_pickles_are_refused(tmp_path, size):
    path = tmp_path / "labels.pk"
    path.write_bytes(pickle.dumps({"a.jpg": torch.ones(11)})[:size])
    with pytest.raises(FileError):
        read_visalign_pickle(path)
