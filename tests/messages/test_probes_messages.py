"""The sentences about probes, subsets and shards, word for word."""

import io
import re
import tarfile

import numpy as np
import pytest
from PIL import Image

from isomorph.errors import FileError, IdError, InputError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.probes import Probe
from isomorph.stimuli import Stimuli, balanced_subset

RIDGE = Probe(kind="ridge")


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def shard(folder, *members):
    (folder / "train").mkdir(exist_ok=True)
    (folder / "train" / "nshards.txt").write_text("1")
    with tarfile.open(folder / "train" / "0.tar", "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return folder / "train" / "0.tar"


def png():
    file = io.BytesIO()
    Image.new("RGB", (3, 3)).save(file, "png")
    return file.getvalue()


def test_probe_inputs():
    x, y = np.arange(12.0).reshape(6, 2), [0, 0, 0, 1, 1, 1]
    with said(ShapeError, "the training features have 6 rows, but there are 5 labels."):
        RIDGE.fit(x, y[:-1])
    with said(InputError, "a probe needs at least 2 classes; all 6 training labels are 'a'."):
        RIDGE.fit(x, "aaaaaa")
    with said(
        InputError,
        "1 of 3 classes have fewer than 2 examples, too few to hold some out for the test; the first is '2' with 1. "
        "Leave these classes out, or give them more.",
    ):
        RIDGE.fit(x, [0, 0, 0, 1, 1, 2])
    with said(IdError, "1 of the 6 stimuli of the training set have no label; the first is 'f'."):
        RIDGE.fit(Features(x, tuple("abcdef")), dict(zip("abcde", y, strict=False)))
    with said(InputError, "2 classes of the test labels are not among the 2 classes trained on; the first is '7'."):
        RIDGE.fit(x, y, test=(x, [0, 0, 0, 1, 7, 8]))
    with said(ShapeError, "the training features have 2 columns, the test features 1."):
        RIDGE.fit(x, y, test=(x[:, :1], y))
    x[1, 1] = np.inf
    with said(NonFiniteError, "the training set has 1 values that are NaN or infinite, in 1 of 6 stimuli; the first is row 1."):
        RIDGE.fit(x, y)


def test_probe_options():
    with said(InputError, "strengths is an option of the logistic probe, and this is the ridge probe. Leave it out."):
        Probe(kind="ridge", strengths=(1.0,))
    with said(InputError, "kind must be 'adamw' or 'ridge' or 'logistic'; got 'svm'."):
        Probe(kind="svm")
    with said(InputError, "learning_rates must be one or more different numbers above 0; got (0.1, 0.1)."):
        Probe(learning_rates=(0.1, 0.1))
    with said(InputError, "together must be 'all' or 'path'; got 'seed'."):
        Probe(together="seed")
    with said(InputError, "together is an option of the adamw probe, and this is the ridge probe. Leave it out."):
        Probe(kind="ridge", together="path")
    with said(InputError, "validation must be a share between 0 and 1, such as 0.2; got 2."):
        Probe(validation=2)


def test_subsets():
    with said(InputError, "1 stimuli cannot cover the 2 classes of 'x'; ask for at least 2."):
        balanced_subset("ab", "12", 1, name="x")
    with said(InputError, "a subset needs the data set's name: it decides the draw, so that one set never changes another. Pass name=…."):
        balanced_subset("ab", "12", 2, name="")
    assert balanced_subset("aab", "123", 9, name="x").note == (
        "x: 3 of 3 stimuli, 1 to 2 of each of 2 classes: all there are (9 were asked for)."
    )


def test_a_shard_cut_short(tmp_path):
    path = shard(tmp_path, ("a.png", png()), ("a.cls", b"0"))
    whole = path.read_bytes()
    path.write_bytes(whole[:520])
    with said(
        FileError,
        f"the shard {path} is cut short: 'a.png' at byte 0 has {len(png())} bytes, but the file ends {len(png()) - 8} bytes too early, "
        "at 520. Fetch or write the shard again.",
    ):
        Stimuli.from_shards(tmp_path)
    path.write_bytes(whole[:2048])
    with said(
        FileError,
        f"the shard {path} is cut short: it ends at byte 2,048, after 'a.cls', without the empty blocks that close a tar. "
        "Fetch or write the shard again.",
    ):
        Stimuli.from_shards(tmp_path)


def test_doubled_keys(tmp_path):
    path = shard(tmp_path, ("a.png", png()), ("a.png", png()))
    with said(
        IdError,
        f"the shard {path} holds the key 'a' twice: 'a.png' at byte 512 and 'a.png' at byte 1,536. "
        "Write the shard again with one picture a key.",
    ):
        Stimuli.from_shards(tmp_path)


def test_a_path_that_leads_out(tmp_path):
    path = shard(tmp_path, ("../a.png", png()))
    with said(
        FileError,
        f"the shard {path} holds '../a.png' at byte 0, a path that leads out of the archive or is not portable. "
        "Shards of such names are not read.",
    ):
        Stimuli.from_shards(tmp_path)


def test_no_count_of_shards(tmp_path):
    (shard(tmp_path, ("a.png", png())).parent / "nshards.txt").unlink()
    with said(FileError, f"{tmp_path}/train has no nshards.txt, so a missing shard would go unnoticed. Write into it how many there are."):
        Stimuli.from_shards(tmp_path)
