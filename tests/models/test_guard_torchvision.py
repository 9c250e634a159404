import subprocess
import sys

import pytest

pytest.importorskip("torch")


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def needs_torchvision() -> None:
    from importlib.util import find_spec

    if find_spec("torchvision") is None or find_spec("timm") is None:
        pytest.skip("torchvision and timm are not installed; run: pip install 'isomorph[timm]'")


def test_torchvision_and_transforms_work_behind_the_guard_and_without_the_compiler() -> None:
    needs_torchvision()
    script = """
from isomorph.models._torchvision_guard import import_beside_torchvision
models = import_beside_torchvision("torchvision.models")
import_beside_torchvision("timm")
import sys, torch, torchvision
from isomorph.models._layer_table_count import CallCounter
from isomorph.models._plan_memory import PeakMeter
with PeakMeter() as meter, CallCounter(torch.nn.ReLU()).counting():
    torch.zeros(3) + 1
assert meter.peak == 24
assert "torch._dynamo" not in sys.modules
from torchvision.transforms import v2
assert import_beside_torchvision("torchvision") is torchvision
print(v2.Resize(8)(torch.zeros(3, 16, 16)).shape, models.squeezenet1_1(weights=None).eval()(torch.zeros(1, 3, 64, 64)).shape)
"""
    done = run(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "torch.Size([3, 8, 8]) torch.Size([1, 1000])"


def test_the_compiler_is_imported_by_those_who_use_it(tmp_path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "import sys\nimport torch\nfrom torch._dynamo.utils import is_compile_supported\n"
        "@torch.compiler.disable\ndef plain(x):\n    return x + torch.compiler.is_compiling()\n"
        "print('sympy' in sys.modules)\n"
    )
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from isomorph.models._torchvision_guard import _compiler_later, import_beside_torchvision
there = import_beside_torchvision("torchvision")
print([each for each in sys.modules if each.startswith("torch._dynamo")], there.plain(2), there.is_compile_supported("cpu"))
import torch._dynamo.utils
assert torch.compile(lambda x: there.plain(x * 1), backend="eager")(torch.ones(1)).item() == 1  # not compiled although its caller is
assert torch._dynamo.utils.is_compile_supported("cpu") == there.is_compile_supported("cpu") and torch._dynamo.utils.__file__
real = [(each, sys.modules.pop(each)) for each in ("torch._dynamo", "torch._dynamo.utils")]
del torch._dynamo
with _compiler_later():
    import torch._dynamo.config  # a part without its whole
    from torch._dynamo.utils import is_compile_supported
    assert "__file__" not in vars(sys.modules["torch._dynamo"])
sys.modules.update(real)
"""
    done = run(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["False", "[] 2 True"]


def test_a_torchvision_that_loads_is_left_alone() -> None:
    needs_torchvision()
    script = """
import sys
from isomorph.models import _torchvision_guard as guard
try:
    import torchvision
    plain = True
except RuntimeError:
    plain = False
    for each in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[each]
guard.import_beside_torchvision("torchvision")
assert bool(guard._declared) != plain
"""
    done = run(script)
    assert done.returncode == 0, done.stderr


def test_another_failure_is_not_swallowed(tmp_path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("raise RuntimeError('broken in another way')")
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from isomorph.models import _torchvision_guard as guard
try:
    guard.import_beside_torchvision("torchvision")
except RuntimeError as error:
    print(error, guard._declared)
"""
    assert run(script).stdout.strip() == "broken in another way []"


def test_the_schemas_are_declared_only_for_the_known_failure_and_outlive_it(tmp_path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "import torch\nfrom torchvision import part\n"
        "if not torch._C._dispatch_has_kernel('torchvision::nms'): raise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    (tmp_path / "torchvision" / "part.py").write_text("print('part')")
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import torch
if not hasattr(torch._C, "_dispatch_has_kernel"):
    raise SystemExit(3)
from isomorph.models import _torchvision_guard as guard
guard.import_beside_torchvision("torchvision")
import gc; gc.collect()
print(torch.ops.torchvision.qnms.default._schema)
"""
    done = run(script)
    if done.returncode == 3:
        pytest.skip("this torch does not say which operators are declared")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["part", "part"]  # the half-imported package was purged and imported again
    assert "Tensor dets, Tensor scores, float iou_threshold" in lines[2]
