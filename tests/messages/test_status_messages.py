"""What `isomorph status` and stages that cannot begin say."""

from __future__ import annotations

import re

import pytest

from isomorph.cli import main
from isomorph.cli._metrics_server import MetricsServer
from isomorph.engine import StudyParts
from isomorph.engine._lazy_unit import LazyUnit
from isomorph.engine._receipt_unit import ReceiptUnit
from isomorph.errors import InputError, StageNotReadyError
from isomorph.store import Store


@pytest.mark.parametrize("address", ["", ":9400", "9400000", "::1:9400", "127.0.0.1", "127.0.0.1:70000", "http://127.0.0.1:9400", "a b:1"])
def test_what_is_no_address(address):
    with pytest.raises(InputError) as caught:
        MetricsServer(address, str)
    assert str(caught.value) == (
        f"--listen takes a port, or an address and a port such as 127.0.0.1:9400 or [::1]:9400; got {address!r}. To be reached from other "
        "machines, give the address in full: 0.0.0.0:9400 is all there are."
    )


def test_an_address_that_is_taken():
    with MetricsServer("0", str) as first:
        port = first.server_address[1]
        with pytest.raises(InputError) as caught:
            MetricsServer(str(port), str)
    assert re.fullmatch(rf"nothing can listen at {port}: .+\. Give --listen another port or address\.", str(caught.value))


def test_two_forms_of_one_answer(capsys):
    assert main(["status", "study.toml", "--json", "--prometheus"]) == 2
    assert "--json and metrics for Prometheus are two forms of the same; take one." in capsys.readouterr().err


def test_a_stage_that_cannot_begin(tmp_path):
    first = LazyUnit.of(ReceiptUnit(label="a", inputs={"kind": "demo"}, work=dict))
    makers = {"features": lambda store, progress: [first], "scores": lambda store, progress: []}
    study = StudyParts(name="mine", report=tmp_path, store=None, makers=makers)
    with pytest.raises(StageNotReadyError) as caught:
        study.units(Store(tmp_path), stage="scores")
    assert str(caught.value) == (
        "the stage 'scores' of the study 'mine' needs what the stage 'features' makes, and 1 of its units are not finished. Run all parts "
        "of that stage first."
    )
