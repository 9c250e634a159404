"""Data sets of the `datasets` library: through its protocol, and through itself where it is installed."""

import io
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from isomorph.errors import FileError, IdError, InputError
from isomorph.stimuli import Stimuli


def picture(value):
    file = io.BytesIO()
    Image.new("RGB", (5, 4), (value, 0, 0)).save(file, "png")
    return file.getvalue()


@dataclass(frozen=True)
class Pictures:
    decode: bool = True


@dataclass(frozen=True)
class Classes:
    names: tuple[str, ...]


class Table:
    """The part of a `datasets.Dataset` that is used: rows, columns, features, the choice of columns and their cast."""

    def __init__(self, columns, features):
        self.columns, self.features = columns, features

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, at):
        if isinstance(at, str):
            return self.columns[at]
        assert not any(getattr(each, "decode", False) for each in self.features.values()), "a picture would be decoded there"
        return {name: values[at] for name, values in self.columns.items()}

    def select_columns(self, names):
        return Table({name: self.columns[name] for name in names}, {name: self.features[name] for name in names})

    def cast_column(self, name, feature):
        return Table(self.columns, {**self.features, name: feature})


def table(count=6, labels=None):
    columns = {"image": [{"bytes": picture(each), "path": None} for each in range(count)], "label": labels or [0, 1, 2] * (count // 3)}
    return Table(
        {**columns, "name": list("abcdef"[:count])}, {"image": Pictures(), "label": Classes(("cat", "dog", "saw")), "name": "string"}
    )


def real():
    datasets = pytest.importorskip("datasets", reason="the optional library `datasets` is not installed")
    made = table()
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog", "saw"]), "name": datasets.Value("string")}
    return datasets.Dataset.from_dict(made.columns, features=datasets.Features(kinds))


@pytest.mark.parametrize("make", [table, real])
def test_pictures_names_and_classes(make):
    stimuli = Stimuli.from_hugging_face(make(), label="label", ids="name")
    assert stimuli.ids == tuple("abcdef")
    assert stimuli.labels == ("cat", "dog", "saw") * 2
    assert stimuli.metadata["class_index"].tolist() == [0, 1, 2] * 2
    assert [int(each[0, 0, 0]) for each in stimuli] == list(range(6))
    assert stimuli[2:4].ids == ("c", "d")
    assert int(stimuli.take(["f", "b"])[0][0, 0, 0]) == 5
    assert Stimuli.from_hugging_face(make()).ids == tuple("012345")
    assert Stimuli.from_hugging_face(make(), ids=list("uvwxyz")).ids == tuple("uvwxyz")


def test_the_same_bytes_are_the_same_stimuli_as_files(tmp_path):
    for value in range(6):
        (tmp_path / f"{value}.png").write_bytes(picture(value))
    files = Stimuli.from_files([tmp_path / f"{value}.png" for value in range(6)], ids=list("abcdef"))
    assert Stimuli.from_hugging_face(table(), ids="name").digest == files.digest


def test_pictures_beside_the_table(tmp_path):
    made = table()
    (tmp_path / "a.png").write_bytes(picture(77))
    made.columns["image"][0] = {"bytes": None, "path": str(tmp_path / "a.png")}
    made.columns["image"][1] = {"bytes": None, "path": str(tmp_path / "b.png")}
    made.columns["image"][2] = {"bytes": None, "path": None}
    made.columns["image"][3] = {"bytes": b"text", "path": None}
    stimuli = Stimuli.from_hugging_face(made)
    assert stimuli[0][0, 0, 0] == 77
    for row, why in (
        (1, r"row 1 of the data set, .*b\.png\) cannot be read: No such file"),
        (2, "neither bytes nor a path"),
        (3, "decoded"),
    ):
        with pytest.raises(FileError, match=why):
            stimuli[row]
    kept = Stimuli.from_hugging_face(made, on_error="skip")
    assert [each.id for each in kept.skipped] == ["1", "2", "3"]


def test_what_is_refused():
    with pytest.raises(InputError, match="no column 'picture'; it has 'image', 'label', 'name'"):
        Stimuli.from_hugging_face(table(), image="picture")
    with pytest.raises(InputError, match="the column 'label' holds Classes, not pictures"):
        Stimuli.from_hugging_face(table(), image="label")
    with pytest.raises(InputError, match=r"got dict\. Choose one split, such as dataset\['train'\]"):
        Stimuli.from_hugging_face({"train": table()})
    with pytest.raises(InputError, match=r"got list_iterator\. A streaming data set has no random access"):
        Stimuli.from_hugging_face(iter([]))
    with pytest.raises(InputError, match="whole numbers below 3"):
        Stimuli.from_hugging_face(table(labels=[0, 1, -1, 0, 1, 2]), label="label")
    with pytest.raises(IdError, match="6 rows, but there are 2 ids"):
        Stimuli.from_hugging_face(table(), ids=["a", "b"])
    with pytest.raises(IdError, match="stand more than once"):
        Stimuli.from_hugging_face(table(), ids=list("aabcde"))
    with pytest.raises(InputError, match="empty"):
        Stimuli.from_hugging_face(table(0, labels=[]))
    plain = Table({**table().columns, "label": list("xyzxyz")}, {**table().features, "label": "string"})
    assert Stimuli.from_hugging_face(plain, label="label").labels == tuple("xyzxyz")
    assert np.array_equal(Stimuli.from_hugging_face(plain)[1], Stimuli.from_hugging_face(table())[1])
