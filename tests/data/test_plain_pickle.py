"""Pickles of plain data: what they hold comes back, and nothing they do takes long or runs."""

import pickle

import numpy as np
import pytest

from isomorph.data._plain_pickle import read_plain_pickle
from isomorph.errors import FileError

PLAIN = {"a": [1, 2.5, None, True], ("b", 3): {"c", "d"}, "array": np.arange(6.0).reshape(2, 3), "number": np.float32(0.5)}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_come_back(tmp_path, protocol):
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps({key: value for key, value in PLAIN.items() if protocol >= 4 or not isinstance(value, set)}, protocol))
    found = read_plain_pickle(path)
    np.testing.assert_array_equal(found.pop("array"), PLAIN["array"])
    assert all(found[key] == PLAIN[key] for key in found)
    assert len(found) == 3 if protocol >= 4 else 2


def test_lists_that_double_sixty_times_are_read_once_each(tmp_path):
    value = [0]
    for _ in range(60):
        value = [value, value]
    path = tmp_path / "bomb.pkl"
    path.write_bytes(pickle.dumps(value))
    found = read_plain_pickle(path)
    assert found[0] is found[1]


def test_a_name_to_be_called_is_refused(tmp_path):
    path = tmp_path / "bad.pkl"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(FileError, match=r"the pickle names 'os\.system'"):
        read_plain_pickle(path)
