from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import isomorph
from isomorph.errors import FileError, InputError, MissingDependencyError
from isomorph.results import Results


@pytest.fixture(scope="module")
def results():
    path = Path(__file__).parents[1] / "report" / "example_results.py"
    spec = importlib.util.spec_from_file_location("example_results", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.made_up(count=6, models=1)


def test_nothing_to_report(results):
    with pytest.raises(InputError) as caught:
        isomorph.report(replace(results, table=results.table.iloc[:0]))
    assert str(caught.value) == ("the results hold no scores, so there is nothing to report; evaluate at least one model on one benchmark.")
    assert isinstance(results, Results)


def test_matplotlib_is_missing(results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError) as caught:
        isomorph.report(results).save(tmp_path / "report")
    assert str(caught.value) == "drawing figures needs the package 'matplotlib', which is not installed. Run: pip install 'isomorph[plots]'"
    assert not (tmp_path / "report").exists()
    assert isomorph.report(results).save(tmp_path / "report", figures=False).is_file()


def test_the_folder_is_a_file(results, tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(FileError) as caught:
        isomorph.report(results).save(tmp_path / "taken", figures=False)
    assert str(caught.value) == f"the report cannot be written into {tmp_path / 'taken'}: File exists. Choose another folder."
