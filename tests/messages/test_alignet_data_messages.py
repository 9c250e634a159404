"""The sentences about clusters, samples, labels and tables of triplets, word for word."""

import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from isomorph.alignet import (
    AlignetStudy,
    Clusters,
    KMeans,
    TripletSampler,
    TripletTable,
    alignet_path,
    label_ranges,
    label_triplets,
    load_groups,
    sample_to_table,
    table_from_alignet,
    table_from_triplets,
)
from isomorph.alignet._study import StudentPart, TeacherPart, TripletPart
from isomorph.alignet._triplet_table_writer import TableWriter
from isomorph.alignment import FittedTransform
from isomorph.errors import DeviceError, FileError, IdError, InputError, NonFiniteError, ShapeError, UnknownNameError
from isomorph.features import Features
from isomorph.judgments import Triplets, write_alignet

X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
TRIALS = Triplets(items=np.array([[0, 1, 2], [3, 4, 5]]), objects=tuple(map(str, range(40))))


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def test_clusters_that_cannot_be():
    with said(ShapeError, "there are 40 images, too few for 500 clusters. Ask for fewer clusters."):
        KMeans().fit(X)
    bad = X.copy()
    bad[7, 2] = np.nan
    with said(NonFiniteError, "the features has 1 values that are NaN or infinite, in 1 of 40 images; the first is '7'."):
        KMeans(clusters=3).fit(bad)
    with said(NonFiniteError, "the features has 1 values that are NaN or infinite, in 1 of 40 images; the first is 'p7'."):
        KMeans(clusters=3).fit(Features(bad, tuple(f"p{row}" for row in range(40))))
    with said(ShapeError, "centres to begin with need the shape (3, 6); got (2, 6)."):
        KMeans(clusters=3).fit(X, centres=X[:2])
    with said(
        ShapeError,
        "the features of image '3' have length 0, which cannot be scaled to 1 (1 such rows in this block). Leave them out, or use "
        "normalise='none'.",
    ):
        KMeans(clusters=2, normalise="l2").fit(np.where(np.arange(40)[:, None] == 3, 0, X))
    with said(DeviceError, "this machine has no device 'cuda:99'; it has 'cpu'."):
        KMeans(clusters=2).fit(X, device="cuda:99")


def test_options_of_k_means():
    with said(InputError, "init of k-means is 'k-means++' or 'random'; got 'best'."):
        KMeans(init="best")
    with said(InputError, "method of k-means is 'lloyd' or 'mini-batch'; got 'elkan'."):
        KMeans(method="elkan")
    with said(InputError, "clusters of k-means must be at least 1; got 0."):
        KMeans(clusters=0)
    with said(InputError, "tolerance of k-means must be 0 or more; got -1."):
        KMeans(tolerance=-1)
    with said(InputError, "the seed of k-means must be 0 or more; got -1."):
        KMeans(seed=-1)


def test_files_of_clusters(tmp_path):
    found = KMeans(clusters=2).fit(X)
    with said(InputError, "clusters are written as .safetensors; got 'c.npz'."):
        found.save(tmp_path / "c.npz")
    with said(FileError, f"there is no file {tmp_path / 'none.safetensors'}."):
        Clusters.load(tmp_path / "none.safetensors")
    (tmp_path / "c.safetensors").write_bytes(b"no")
    with pytest.raises(FileError, match=r"c\.safetensors cannot be read as clusters: .*It is damaged, or something else\.$"):
        Clusters.load(tmp_path / "c.safetensors")
    with said(ShapeError, "the clusters have centres of 6 features, but the images have 4."):
        found.assign(X[:, :4])


def test_samples_that_cannot_be_drawn():
    alone = np.arange(40)
    with said(
        InputError,
        "'cluster_border_500' triplets need a group of 2 images and another group; there are 40 images in 40 groups, the largest of 1.",
    ):
        TripletSampler(sampling="cluster_border_500", images=40, groups=alone)
    with said(
        InputError,
        "'class_border' triplets need a group of 2 images and another group; there are 40 images in 1 group, the largest of 40.",
    ):
        TripletSampler(sampling="class_border", images=40, groups=alone * 0)
    with said(InputError, "'within_class' triplets need a group of 3 images; there are 40 images in 20 groups, the largest of 2."):
        TripletSampler(sampling="within_class", images=40, groups=alone // 2)
    with said(InputError, "'between_class' triplets need 3 groups; there are 40 images in 2 groups, the largest of 20."):
        TripletSampler(sampling="between_class", images=40, groups=alone // 20)
    with said(InputError, "'random' triplets need 3 images; there are 2."):
        TripletSampler(sampling="random", images=2)
    with said(InputError, "'class_border' triplets are drawn by groups; pass groups=…, one for each image."):
        TripletSampler(sampling="class_border", images=40)
    with said(InputError, "'cluster_border_8' speaks of 8 clusters, but the images are in 10."):
        TripletSampler(sampling="cluster_border_8", images=40, groups=alone // 4)
    with said(ShapeError, "there are 40 images but 39 groups; each image needs its own."):
        TripletSampler(sampling="class_border", images=40, groups=alone[:39])
    with said(ShapeError, "groups say for each image in which group it is, in one axis; got shape (40, 1)."):
        TripletSampler(sampling="class_border", images=40, groups=alone[:, None])
    with said(NonFiniteError, "groups hold NaN for 1 images; each image needs a group."):
        TripletSampler(sampling="class_border", images=40, groups=np.where(alone == 3, np.nan, 1.0))
    with said(InputError, "a sample is balanced over 'images' or 'groups'; got 'size'."):
        TripletSampler(sampling="random", images=40, balance="size")
    with pytest.raises(UnknownNameError, match=r"^no sampling of triplets is called 'class_boarder'\. Did you mean 'class_border'"):
        TripletSampler(sampling="class_boarder", images=40)
    with said(InputError, "the seed of a sample must be 0 or more; got -1."):
        TripletSampler(sampling="random", images=40, seed=-1)
    with said(InputError, "at least 1 triplet must be drawn; got 0."):
        list(TripletSampler(sampling="random", images=40).blocks(0))


def test_groups_from_files(tmp_path):
    with said(FileError, f"{tmp_path / 'g.pkl'} has the suffix '.pkl'; groups are read from .safetensors, .npy, .npz, .csv, .txt."):
        load_groups(tmp_path / "g.pkl")
    (tmp_path / "g.csv").write_text("id,kind\na,b\n")
    with said(FileError, f"{tmp_path / 'g.csv'} needs a column 'label', 'class' or 'cluster'; it has 'id', 'kind'."):
        load_groups(tmp_path / "g.csv")
    (tmp_path / "g.csv").write_text("id,class\na,cat\nb\nc,\n")
    with said(FileError, f"{tmp_path / 'g.csv'} names no group for 2 of 3 images; the first is row 1."):
        load_groups(tmp_path / "g.csv")
    (tmp_path / "g.txt").write_text("cat\n\ndog\n")
    with said(FileError, f"{tmp_path / 'g.txt'} names no group for 1 of 3 images; the first is row 1."):
        load_groups(tmp_path / "g.txt")
    np.savez(tmp_path / "g.npz", a=np.arange(3), b=np.arange(3))
    with said(InputError, f"{tmp_path / 'g.npz'} holds 2 lists that could be groups; name one with key=…. It holds 'a', 'b'."):
        load_groups(tmp_path / "g.npz")
    with said(InputError, f"{tmp_path / 'g.npz'} holds no array called 'c'; it holds 'a', 'b'."):
        load_groups(tmp_path / "g.npz", key="c")
    np.save(tmp_path / "g.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="pickled Python objects"):
        load_groups(tmp_path / "g.npy")


def test_labels_that_cannot_be(tmp_path):
    bad = X.copy()
    bad[4] = np.inf
    with said(NonFiniteError, "a similarity of the images '3', '4', '5' is NaN or infinite: the teacher's features of one of them are."):
        label_triplets(bad, TRIALS, tmp_path / "t")
    with said(NonFiniteError, "the teacher's features has 6 values that are NaN or infinite, in 1 of 40 stimuli; the first is '4'."):
        label_triplets(bad.astype(np.float16), TRIALS, tmp_path / "t", transform=FittedTransform(weights=np.eye(6)))
    with said(InputError, "similarities reach 6e+10, beyond what float16 holds (65,504). Write them with precision='float32'."):
        label_triplets(X * 0 + 1e5, TRIALS, tmp_path / "t", precision="float16")
    with said(
        InputError,
        "the transform takes the features to 6e+05, beyond what float16 holds (65,504). Pass the features as float32.",
    ):
        label_triplets(np.ones((40, 6), np.float16), TRIALS, tmp_path / "t", transform=FittedTransform(weights=np.full((6, 2), 1e5)))
    with said(
        IdError,
        "the teacher's features: 1 of the 6 objects that the trials show are missing; the first is '5'. It has 5 rows, "
        "and the trials go up to object 5.",
    ):
        label_triplets(X[:5], TRIALS, tmp_path / "t")
    with said(InputError, "similarities reach 6e+40, beyond what float32 holds (3.4e+38). Divide the features by a number first."):
        label_triplets(np.full((40, 6), 1e20), TRIALS, tmp_path / "t")
    with said(InputError, "similarities reach 1e+39, beyond what float32 holds (3.4e+38). Divide the features by a number first."):
        table_from_triplets(replace(TRIALS, similarities=np.full((2, 3), 1e39)), tmp_path / "t")
    with said(ShapeError, "there are no triplets to label."):
        label_triplets(X, TRIALS.take([]), tmp_path / "t")
    table, _ = sample_to_table(TripletSampler(sampling="random", images=40), 10, tmp_path / "drawn")
    with said(InputError, f"{tmp_path / 'drawn'} holds the triplets that are to be labelled; write the labelled ones elsewhere."):
        label_triplets(X, table, tmp_path / "drawn")
    with said(InputError, f"{tmp_path / 'drawn'} holds triplets that no teacher has labelled; label_triplets does."):
        table.soft_targets()
    with said(InputError, "AligNet's files hold similarities, and these triplets have none. Label them first."):
        write_alignet(tmp_path / "x.npz", table)


def test_ranges_of_labels(tmp_path):
    with said(InputError, "ranges must be a whole number of at least 1; got 0."):
        label_ranges(X, TRIALS, tmp_path / "t", ranges=0)
    with said(InputError, "ranges must be a whole number of at least 1; got True."):
        label_ranges(X, TRIALS, tmp_path / "t", ranges=True)
    teacher, student = TeacherPart(model="a", transform=tmp_path), StudentPart(model="b")
    for ranges, told in ((0, "0"), (200_000, "200000")):
        with said(InputError, f"the study 's': triplets.ranges must be between 1 and 100,000; got {told}."):
            AlignetStudy(name="s", pictures=("p",), teacher=teacher, student=student, triplets=TripletPart(ranges=ranges))


def test_tables(tmp_path):
    with said(FileError, f"{tmp_path / 'none'} is no table of triplets: it has no header.json."):
        TripletTable.open(tmp_path / "none")
    of = TripletSampler(sampling="random", images=40)
    table, _ = sample_to_table(of, 10, tmp_path / "t")
    items = np.load(tmp_path / "t" / "items.npy")
    np.save(tmp_path / "t" / "items.npy", items[:5])
    with said(
        FileError,
        f"{table.path} cannot be read as a table of triplets: its items are int32 of shape (5, 3), where the header promises "
        "int32 (10, 3).",
    ):
        TripletTable.open(tmp_path / "t")
    items[2] = 40, 1, 2
    np.save(tmp_path / "t" / "items.npy", items)
    with pytest.raises(FileError, match=r"it shows objects 0 to 40, but there are 40, 0 to 39\.$|it shows objects 1 to 40"):
        TripletTable.open(tmp_path / "t")
    items[2] = 4, 4, 2
    np.save(tmp_path / "t" / "items.npy", items)
    with said(FileError, f"{table.path} cannot be read as a table of triplets: triplet 2 shows one object twice."):
        TripletTable.open(tmp_path / "t")
    (tmp_path / "folder").mkdir()
    with said(InputError, f"{tmp_path / 'folder'} is there already, and is no table of triplets. Choose another name."):
        sample_to_table(of, 10, tmp_path / "folder")
    with said(ShapeError, "there are 40 images but 2 names; each image needs its own."):
        sample_to_table(of, 10, tmp_path / "new", objects=("a", "b"))
    with (
        TableWriter(tmp_path / "busy", 10, "x", precision=None),
        said(FileError, f"another process is writing {tmp_path / 'busy'}; wait for it, or choose another name."),
    ):
        TableWriter(tmp_path / "busy", 10, "x", precision=None)


def test_hostile_files_of_alignet(tmp_path):
    path, good = tmp_path / "x.npz", {"indices": np.array([[0, 1, 2]]), "similarities": np.array([[3.0, 2.0, 1.0]])}

    def read(**parts):
        np.savez(path, **(good | parts))
        return table_from_alignet(path, tmp_path / "t")

    with said(FileError, f"{path}: similarities need the shape (n, 3), one row a triplet; got (2, 3)."):
        read(similarities=np.zeros((2, 3)))
    with said(FileError, f"{path}: indices are whole numbers; got float64."):
        read(indices=np.zeros((1, 3)))
    with said(FileError, f"{path}: indices count images, 0 to 19,999,999; there are -1 to 2."):
        read(indices=np.array([[0, -1, 2]]))
    with said(FileError, f"{path}: indices count images, 0 to 19,999,999; there are 0 to 4000000000."):
        read(indices=np.array([[0, 4_000_000_000, 2]]))
    with said(FileError, f"{path}: similarities are real numbers; got int64."):
        read(similarities=np.array([[1, 2, 3]]))
    with said(NonFiniteError, f"{path}: 1 similarities are NaN or infinite."):
        read(similarities=np.array([[1, np.nan, 3]]))
    with said(InputError, "similarities reach 1e+39, beyond what float32 holds (3.4e+38). Divide the features by a number first."):
        read(similarities=np.array([[1e39, 1, 0]]))
    np.savez(path, **(good | {"similarities": np.array([[7e4, 1, 0]])}))
    with said(InputError, "similarities reach 7e+04, beyond what float16 holds (65,504). Write them with precision='float32'."):
        table_from_alignet(path, tmp_path / "t", precision="float16")
    with said(FileError, f"{path}: one index has two file names, 'b' and 'a'."):
        read(
            indices=np.array([[0, 1, 2], [0, 1, 3]]), similarities=np.zeros((2, 3)), filenames=np.array([["a", "x", "y"], ["b", "x", "z"]])
        )
    with pytest.raises(FileError, match=r"x\.npz: triplet 0 shows one object twice"):
        read(indices=np.array([[1, 1, 2]]))
    with pytest.raises(FileError, match="pickled Python objects"):
        read(filenames=np.array([[{}, 1, 2]], dtype=object))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FileError, match=r"cannot be read as an \.npz file: .* It is damaged, or something else\.$"):
        table_from_alignet(path, tmp_path / "t")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("indices.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', 'fortran_order': False, 'shape': (999999999, 3), }\n")
        archive.writestr("similarities.npy", b"")
    with pytest.raises(FileError, match=r"cannot be read as an \.npz file"):
        table_from_alignet(path, tmp_path / "t")
    assert {each.name for each in tmp_path.iterdir()} <= {"x.npz", "t"}


def test_places_of_files():
    with said(InputError, "AligNet's transforms are 'uncertainty_distillation' and 'untransformed'; got 'raw'."):
        alignet_path("r", transform="raw", split="val", sampling="random")
    with said(InputError, "AligNet's splits are 'train' and 'val'; got 'test'."):
        alignet_path("r", transform="untransformed", split="test", sampling="random")


def test_writing_alignets_file(tmp_path):
    trials = Triplets(items=np.array([[0, 1, 2]]), objects=("a", "b", "c"), similarities=np.array([[3.0, 2.0, 1.0]]))
    with said(ShapeError, "there are 3 objects but 2 file names; each object needs its own."):
        write_alignet(tmp_path / "x.npz", trials, filenames=("a", "b"))
    with said(FileError, f"{tmp_path / 'none' / 'x.npz'} cannot be written: No such file or directory."):
        write_alignet(tmp_path / "none" / "x.npz", trials)
