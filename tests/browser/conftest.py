from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def examples() -> ModuleType:
    """The makers of results in `tests/report/example_results.py`."""
    spec = importlib.util.spec_from_file_location("example_results", Path(__file__).parents[1] / "report" / "example_results.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
