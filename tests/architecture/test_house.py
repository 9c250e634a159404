"""The shape of the house: import order, import budget, public names, file sizes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import isomorph

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "isomorph"
UNPICKLERS = {"pickle", "cPickle", "dill", "joblib", "marshal"}
HEAVY = ("torch", "pandas", "scipy", "matplotlib", "timm", "torchvision", "transformers", "pyarrow", "h5py", "sklearn")


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    "statement", ["import isomorph", "import isomorph.cli", "import isomorph.errors, isomorph.registry, isomorph.spec"]
)
def test_import_loads_nothing_heavy(statement: str) -> None:
    loaded = run_python(f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))").split()
    assert not set(HEAVY) & set(loaded)


def test_import_is_quick() -> None:
    code = "import time; start = time.process_time(); import isomorph; print(time.process_time() - start)"
    assert min(float(run_python(code)) for _ in range(3)) < 0.4


def test_help_is_quick() -> None:
    code = (
        "import time, sys; start = time.process_time()\nfrom isomorph.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\nprint(time.process_time() - start)"
    )
    assert min(float(run_python(code).splitlines()[-1]) for _ in range(3)) < 0.6


def test_import_order_holds() -> None:
    done = subprocess.run([Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_public_name_loads() -> None:
    for name in isomorph.__all__:
        assert getattr(isomorph, name) is not None


def test_every_room_has_public_names_that_load() -> None:
    from importlib import import_module

    for package in sorted(path.parent.name for path in SOURCE.glob("*/__init__.py")):
        room = import_module(f"isomorph.{package}")
        assert room.__doc__, f"isomorph.{package} has no docstring"
        for name in getattr(room, "__all__", []):
            assert getattr(room, name) is not None


def test_no_file_is_named_after_nothing() -> None:
    vague = {"utils", "helpers", "common", "misc", "core", "base"}
    assert not [path for path in SOURCE.rglob("*.py") if path.stem.strip("_") in vague]


def test_files_stay_readable() -> None:
    long = {str(path.relative_to(SOURCE)): count for path in SOURCE.rglob("*.py") if (count := len(path.read_text().splitlines())) > 350}
    assert not long


def test_no_pickle_and_no_eval() -> None:
    forbidden = {"eval", "exec"}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not UNPICKLERS & {alias.name.partition(".")[0] for alias in node.names}, path
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in UNPICKLERS:
                assert [alias.name for alias in node.names] == ["UnpicklingError"], path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in forbidden, f"{path}:{node.lineno}"
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                    assert not (keyword.arg == "allow_pickle" and value is not False), f"{path}:{node.lineno}"
                    assert not (keyword.arg == "weights_only" and value is not True), f"{path}:{node.lineno}"


def test_lock_pins_what_pyproject_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in (ROOT / "lock.txt").read_text().splitlines() if "==" in line
    }
    wanted = [
        *project["dependencies"],
        *(each for extra in ("demo", "dev", "docs", "plots") for each in project["optional-dependencies"][extra]),
    ]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~! ;]", each)[0]).lower() for each in wanted} - {"isomorph"}
    assert names <= pinned
