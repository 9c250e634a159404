"""`isomorph extract --part`: shares of one extraction, which the whole command gathers."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isomorph.cli import main


@pytest.fixture
def shards(tmp_path: Path) -> str:
    for number in range(2):
        with tarfile.open(tmp_path / f"{number}.tar", "w") as archive:
            for each in range(3):
                file = io.BytesIO()
                Image.fromarray(np.random.default_rng(each).integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(file, "png")
                info = tarfile.TarInfo(f"{each}.png")
                info.size = file.tell()
                archive.addfile(info, io.BytesIO(file.getvalue()))
    return str(tmp_path / "{0..1}.tar")


def told(capsys) -> dict[str, object]:
    return json.loads(capsys.readouterr().out)


def test_parts_leave_what_the_whole_command_gathers(shards, tmp_path, capsys):
    words = ["extract", "timm/test_resnet.random-0", "--stimuli", shards, "--layers", "-1", "--batch-size", "2", "--json"]
    for part in ("2/2", "1/2", "1/2"):
        assert main([*words, "--store", str(tmp_path / "shared"), "--part", part]) == 0
    first, *_, again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (first["part"], first["batches"], first["batch_size"], first["stimuli"], first["finished_before"]) == ("2/2", 2, 2, 6, False)
    assert again["finished_before"]
    objects = []
    for store in ("shared", "alone"):
        assert main([*words, "--store", str(tmp_path / store)]) == 0
        name = str(told(capsys)["fingerprint"])
        assert name == first["fingerprint"]
        folder = tmp_path / store / "objects" / name[:2] / name
        objects.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert objects[0] == objects[1]


def test_a_part_without_batches_says_so(shards, capsys):
    words = ["extract", "bundled/pixels", "--stimuli", shards, "--batch-size", "4"]
    assert main([*words, "--part", "1/3"]) == 0
    assert "part 1/3 is empty: the 6 stimuli are batches of 4, fewer than there are parts." in capsys.readouterr().err
    assert main([*words, "--reduce", "gram", "--batch-size", "6", "--part", "1/2"]) == 0
    assert "part 1/2 is empty: the 6 stimuli are one batch. A smaller --batch-size makes more batches." in capsys.readouterr().err
