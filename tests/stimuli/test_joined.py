"""Sets of stimuli put after one another."""

import numpy as np
import pytest

from isomorph.errors import InputError
from isomorph.stimuli import Stimuli, joined


def shown(ids, value, labels=None):
    pictures = np.full((len(ids), 4, 5, 3), value, dtype=np.uint8)
    return Stimuli.from_arrays(pictures, ids=ids, metadata={"label": labels} if labels else None)


def test_items_ids_and_digests():
    one, two = shown(["a", "b"], 1, ["x", "y"]), shown(["c"], 2, ["z"])
    both = joined({"one": one, "two": two})
    assert both.ids == ("a", "b", "c")
    assert both.labels == ("x", "y", "z")
    assert both.metadata["set"].tolist() == ["one", "one", "two"]
    assert int(both[2].max()) == 2
    assert both.item_digests == (*one.item_digests, *two.item_digests)
    part = both.take(["c", "a"])
    assert (part.ids, part.labels, int(part[0].max())) == (("c", "a"), ("z", "x"), 2)


def test_ids_that_stand_in_two_sets():
    both = joined({"one": shown(["a", "b"], 1), "two": shown(["a"], 2)})
    assert both.ids == ("one/a", "one/b", "two/a")
    assert both.labels is None


def test_one_set_is_itself_and_kinds_do_not_mix():
    one = shown(["a"], 1)
    assert joined({"one": one}) is one
    with pytest.raises(InputError, match="stimuli of one kind are joined; got image and text"):
        joined({"one": one, "two": Stimuli.from_texts(["word"])})
    with pytest.raises(InputError, match="got nothing"):
        joined({})
