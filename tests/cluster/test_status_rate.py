"""What `isomorph status` makes of the times of finished units while processes are at work."""

import pytest

from isomorph.cli._status import _stage


def unit(state: str, fingerprint: str, processes: int = 0) -> dict[str, object]:
    return {"state": state, "done": state == "done", "fingerprint": fingerprint, "on": ["node (1)"] * processes}


def test_the_rest_takes_as_long_as_what_is_done():
    units = [unit("done", "a"), unit("done", "b"), unit("running", "c", 1), unit("running", "d", 1), *[unit("waiting", "e")] * 8]
    told = _stage("scores", units, {"a": 3.0, "b": 5.0})
    assert told["seconds"] == 4.0
    assert told["units_per_second"] == pytest.approx(0.5)
    assert told["seconds_left"] == pytest.approx(20.0)
    assert (told["done"], told["running"], told["waiting"]) == (2, 2, 8)


def test_nothing_is_foretold_while_nobody_works_or_nothing_is_done():
    assert _stage("scores", [unit("done", "a"), unit("waiting", "b")], {"a": 3.0})["seconds_left"] is None
    assert _stage("scores", [unit("running", "a", 1)], {})["seconds_left"] is None
    assert _stage("scores", [unit("done", "a")], {"a": 3.0})["seconds_left"] == 0.0
