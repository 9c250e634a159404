"""The sentences about thingsvision's folders, captions, poolings and votes on materials, word for word."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from isomorph.cli import main
from isomorph.errors import FileError, IdError, InputError, UnknownNameError
from isomorph.features import Features, load_features, save_thingsvision
from isomorph.judgments import read_material_appearance
from isomorph.stimuli import Stimuli

X = np.ones((3, 2))


def said(error: type[Exception], text: str):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "vit").mkdir()
    np.save(tmp_path / "vit" / "features.npy", X)
    return tmp_path / "vit"


def names(folder: Path, *lines: str) -> None:
    (folder / "file_names.txt").write_text("".join(f"{each}\n" for each in lines))


def test_more_rows_than_names(folder: Path) -> None:
    names(folder, "a.jpg", "b.jpg")
    with said(
        IdError,
        f"{folder} has 3 rows of features (features.npy), but {folder}/file_names.txt names 2 files. "
        "They are not of one extraction, or rows were lost; extract them again.",
    ):
        load_features(folder)
    with pytest.raises(IdError, match=r"but ids=… names 1 files\."):
        load_features(folder, ids=["a"])


def test_a_name_that_stands_twice(folder: Path) -> None:
    names(folder, "a.jpg", "b.jpg", "a.jpg")
    with said(IdError, f"{folder}: features has 1 ids that stand more than once; the first is 'a.jpg'. Ids must be unique."):
        load_features(folder)


def test_an_empty_line(folder: Path) -> None:
    names(folder, "a.jpg", "", "c.jpg")
    with said(FileError, f"{folder}/file_names.txt has an empty line, line 2 of 3; it has one file name a line."):
        load_features(folder)


def test_a_folder_without_features(tmp_path: Path) -> None:
    text = f"the folder {tmp_path} holds no features: no file features.npy, .hdf5, .mat, .txt, .pt or .pth, nor parts of one."
    with said(FileError, text):
        load_features(tmp_path)


def test_a_folder_of_layers(folder: Path) -> None:
    with said(InputError, f"{folder.parent} holds the features of 1 layers, vit. Name one: {folder}."):
        load_features(folder.parent)


def test_several_kinds_of_files(folder: Path) -> None:
    np.save(folder / "features_0-3.npy", X)
    with said(InputError, f"{folder} holds features of 2 kinds: features.npy, features_A-B.npy. Name one with key=…."):
        load_features(folder)
    with said(InputError, f"{folder} holds no features of the kind 'x'; it holds features.npy, features_A-B.npy."):
        load_features(folder, key="x")


def test_a_part_that_is_missing(folder: Path) -> None:
    (folder / "features.npy").rename(folder / "features_01.npy")
    np.save(folder / "features_03.npy", X)
    text = f"{folder}/features_03.npy follows features_01.npy: the parts between are missing, or two parts have one number."
    with said(FileError, text):
        load_features(folder)


def test_rows_that_thingsvision_lost(folder: Path) -> None:
    (folder / "features.npy").rename(folder / "features_8-8.npy")
    with said(
        FileError,
        f"{folder}/features_8-8.npy holds 3 rows, but by the files' names it should hold rows 0 to 8. Where thingsvision wrote several "
        "modules in steps, all but the first may lack rows; extract them again.",
    ):
        load_features(folder)


def test_parts_that_do_not_fit(folder: Path) -> None:
    (folder / "features.npy").rename(folder / "features_01.npy")
    np.save(folder / "features_02.npy", np.ones((3, 4)))
    with said(FileError, f"the parts in {folder} hold rows of different shapes: (2,), (4,)."):
        load_features(folder)


def test_rows_by_name_in_a_mat_file(tmp_path: Path) -> None:
    from scipy.io import savemat

    savemat(tmp_path / "features.mat", {"a": X[0], "b": X[1]})
    with said(
        FileError, f"{tmp_path}/features.mat holds a variable for each file; without file_names.txt their order and suffixes are unknown."
    ):
        load_features(tmp_path)
    names(tmp_path, "a.jpg", "c.jpg")
    with said(FileError, f"{tmp_path}/features.mat holds rows of 2 files, but file_names.txt names 2: the first that is missing is 'c'."):
        load_features(tmp_path)
    names(tmp_path, "a.jpg", "b.jpg", "a.png")
    with said(
        FileError,
        f"{tmp_path}/features.mat holds rows of 2 files, but file_names.txt names 3: two names differ only in their suffix, and one row "
        "was lost.",
    ):
        load_features(tmp_path)


def test_one_axis_in_a_mat_file(tmp_path: Path) -> None:
    from scipy.io import savemat

    savemat(tmp_path / "features.mat", {"features": X[0]})
    text = f"{tmp_path}/features.mat holds one row or one column, and MATLAB's files do not say which. Put file_names.txt beside it."
    with said(FileError, text):
        load_features(tmp_path)


def test_a_table_that_is_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "features.txt").write_text("1 2\n3 x\n")
    with pytest.raises(FileError, match=re.escape(f"{tmp_path}/features.txt cannot be read as rows of numbers: ")):
        load_features(tmp_path)


def test_a_damaged_note(folder: Path) -> None:
    (folder / "isomorph.json").write_text("[]")
    with said(
        FileError,
        f"{folder}/isomorph.json is not what Isomorph writes: an object with subject, layer and provenance. Remove it to read the rest.",
    ):
        load_features(folder)


def test_ids_named_as_in_a_file(folder: Path) -> None:
    with said(InputError, f"ids='names' names an array in a file, but {folder} is a folder. Give the ids themselves, or file_names.txt."):
        load_features(folder, ids="names")


def test_writing_folders(folder: Path) -> None:
    with said(FileError, f"{folder} exists already, and nothing is overwritten. Name a new folder, or empty this one."):
        save_thingsvision(Features(X, ("a", "b", "c")), folder)
    with said(IdError, "1 of 3 ids cannot stand on a line of file_names.txt; the first is 'b\\n'. Rename them."):
        save_thingsvision(Features(X, ("a", "b\n", "c")), folder / "new")
    with said(UnknownNameError, "no format of features is called 'hdf'. Did you mean 'hdf5'?"):
        save_thingsvision(Features(X, ("a", "b", "c")), folder / "new", format="hdf")  # type: ignore[arg-type]


CAPTIONS = pd.DataFrame({"image": ["dog", "cat", "dog"], "caption": ["a dog", "a cat", "dogs"]})


def captions(**changes: object) -> Stimuli:
    return Stimuli.from_texts(CAPTIONS.assign(**changes), column="caption", group="image")


def test_captions() -> None:
    with said(
        InputError,
        "2 of 3 rows have no 'image'; the first is row 1, counted from 0 ('a cat'). Say what each text is about, or leave such rows out.",
    ):
        captions(image=["dog", None, " "])
    with said(
        InputError,
        "1 of 3 rows have an empty 'caption'; the first is row 2, counted from 0, of 'dog'. Leave such rows out: groups may have "
        "different numbers of texts.",
    ):
        captions(caption=["a dog", "a cat", ""])
    with said(IdError, "the groups 'dog' and 'dog ' differ only in the spaces around them. Write them alike."):
        captions(image=["dog", "cat", "dog "])
    with said(InputError, "the column 'caption' cannot hold both the texts and what they are about."):
        Stimuli.from_texts(CAPTIONS, column="caption", group="caption")
    with said(InputError, "the table has no column 'picture'; it has image, caption."):
        Stimuli.from_texts(CAPTIONS, column="caption", group="picture")
    with said(InputError, "column=…, group=… and ids='NAME' name columns of a table, but the texts are not in one."):
        Stimuli.from_texts(["a", "b"], group="image")
    with said(InputError, "the text 'dog#2' is 3, a int, not a string."):
        captions(caption=["a dog", "a cat", 3])


def test_rows_without_a_group() -> None:
    x = Features(X, ("a", "b", "c"))
    with said(IdError, "2 of 3 rows belong to no group; the first is 'b'. Name a group for each."):
        x.grouped({"a": "x"})
    with said(InputError, "these stimuli have no groups. Stimuli.from_texts(…, group=COLUMN) reads them from a table."):
        x.grouped(Stimuli.from_texts(["a", "b", "c"]).groups)


def failing(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 1
    return capsys.readouterr().err.strip()


def test_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["extract", "bundled/pixels", "--stimuli", str(folder)]
    text = f"isomorph extract: --group names a column of a table of texts (.csv, .tsv, .parquet), but {folder} is none."
    assert failing([*words, "--group", "image"], capsys) == text
    text = "isomorph extract: thingsvision's folders hold features, and reduce=gram keeps none. Reduce to features or sketch."
    assert failing([*words, "--reduce", "gram", "--thingsvision", "new"], capsys) == text
    text = f"isomorph extract: {folder} exists already, and nothing is overwritten. Name a new folder, or empty this one."
    assert failing([*words, "--thingsvision", str(folder)], capsys) == text


def test_an_unknown_pooling_says_what_is_close() -> None:
    from isomorph.models._plan_request import Request

    options = {"reduce": "features", "sketch_width": None, "batch_size": None, "precision": "float32", "seed": 0, "keep_duplicates": False}
    with said(UnknownNameError, "no pooling is called 'cls+token'. Did you mean 'cls+tokens' or 'tokens'?"):
        Request.checked(layers="all", memory_limit="2GB", pool="cls+token", **options)


def votes(folder: Path, **changes: object) -> Path:
    path = folder / "answers.json"
    path.write_text(json.dumps({"answers": [[0, 1, 2], [3, 4, 5]], "agreement": [[2, 1], [3, 0]]} | changes))
    return path


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"answers": [[1, 2], [1]]}, FileError, "'answers' must be rows of 3 whole numbers; it holds [[1, 2], [1]]."),
        ({"agreement": [[1, 0.5], [1, 0]]}, FileError, "'agreement' must be rows of 2 whole numbers; it holds [[1, 0.5], [1, 0]]."),
        ({"agreement": [[1, 0], [0, 0]]}, FileError, "agreement holds the votes for both alternatives; row 1 has [0, 0]."),
        (
            {"answers": [[0, 1, 2], [3, 4, 100]]},
            IdError,
            "trial 1 shows object 100, but there are 100 objects, 0 to 99. Check the list of objects, and whether the ids count from 1.",
        ),
    ],
)
def test_votes_on_materials(tmp_path: Path, changes: dict[str, object], error: type[Exception], text: str) -> None:
    path = votes(tmp_path, **changes)
    with said(error, f"{path}: {text}"):
        read_material_appearance(path)


def test_files_that_are_no_votes_on_materials(tmp_path: Path) -> None:
    path = votes(tmp_path, agreement=[[1, 0]])
    with said(FileError, f"{path} has 2 answers but 1 rows of agreement; each triplet has its votes."):
        read_material_appearance(path)
    path = votes(tmp_path, agreement=[[1, 1], [2, 2]])
    with said(FileError, f"{path} holds 2 triplets, all of them draws, which draws=False leaves out."):
        read_material_appearance(path, draws=False)
    with said(InputError, "votes are read as 'shares' or 'rows'; got 'all'."):
        read_material_appearance(path, votes="all")  # type: ignore[arg-type]
    path.write_text("[1]")
    with said(FileError, f"{path} lacks the lists 'answers' and 'agreement', which the material-appearance study's files have."):
        read_material_appearance(path)
