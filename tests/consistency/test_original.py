"""The published study's folder, and what its structure counts."""

import json

import numpy as np
import pytest
import torch

from isomorph.consistency import Consistency, Similarities, load_metadata, load_original_features
from isomorph.consistency._tensor_file import read_tensor
from isomorph.errors import FileError, ShapeError

OBJECTIVE_PAIRS = {
    ("Self-Supervised", "Self-Supervised"): 190,
    ("Supervised", "Supervised"): 435,
    ("Image-Text", "Image-Text"): 91,
    ("Self-Supervised", "Supervised"): 600,
    ("Image-Text", "Self-Supervised"): 280,
    ("Image-Text", "Supervised"): 420,
    ("all models", "all models"): 2016,
}
SLUGS = ("cka_kernel_linear_unbiased", "rsa_method_correlation_corr_method_spearman")


class Hostile:
    def __reduce__(self):
        return print, ("code was run",)


def write_study(folder, names, datasets=("wds_pets", "wds_vtab_pcam"), slugs=SLUGS):
    rng = np.random.default_rng(0)
    for dataset in datasets:
        for slug in slugs:
            target = folder / "model_similarities" / dataset / slug
            target.mkdir(parents=True)
            values = rng.random((len(names), len(names)))
            values = (values + values.T) / 2
            np.fill_diagonal(values, 1)
            torch.save(values, target / "similarity_matrix.pt")
            (target / "model_ids.txt").write_text("\n".join(names))
    return folder


def test_a_study_folder_becomes_similarities(tmp_path):
    write_study(tmp_path, ["a", "b", "c", "d"])
    found = Similarities.from_original(tmp_path)
    assert found.datasets == ("wds_pets", "wds_vtab_pcam")
    assert found.measures == SLUGS
    direct = read_tensor(tmp_path / "model_similarities" / "wds_vtab_pcam" / SLUGS[1] / "similarity_matrix.pt")
    assert np.array_equal(found.values[1, 1], direct)
    assert Similarities.from_original(tmp_path, datasets="*pets", measures="cka*").values.shape == (1, 1, 4, 4)


def test_an_npy_matrix_is_preferred_to_a_tensor(tmp_path):
    write_study(tmp_path, ["a", "b"])
    np.save(tmp_path / "model_similarities" / "wds_pets" / SLUGS[0] / "similarity_matrix.npy", np.eye(2))
    assert Similarities.from_original(tmp_path).values[0, 0].tolist() == [[1, 0], [0, 1]]


def test_what_a_study_folder_can_lack(tmp_path):
    with pytest.raises(FileError, match="no folder model_similarities/"):
        Similarities.from_original(tmp_path)
    write_study(tmp_path, ["a", "b", "c"])
    with pytest.raises(FileError, match="data sets 'x\\*'"):
        Similarities.from_original(tmp_path, datasets="x*")
    ids = tmp_path / "model_similarities" / "wds_pets" / SLUGS[0] / "model_ids.txt"
    ids.write_text("a\nb\n")
    with pytest.raises(ShapeError, match="names 2 models"):
        Similarities.from_original(tmp_path)
    ids.unlink()
    with pytest.raises(FileError, match=r"no model_ids\.txt"):
        Similarities.from_original(tmp_path)


@pytest.mark.parametrize(
    "content",
    [np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6).reshape(2, 3), np.float32([[1, 2]]),
     np.array([[1.5, 2]], dtype=">f8"), torch.arange(6.0).reshape(2, 3), torch.ones(2, 2, dtype=torch.bfloat16)],
)  # fmt: skip
def test_numbers_saved_by_torch_are_read(content, tmp_path):
    torch.save(content, tmp_path / "x.pt")
    expected = content.double().numpy() if isinstance(content, torch.Tensor) else np.asarray(content, dtype=float)
    assert np.array_equal(read_tensor(tmp_path / "x.pt"), expected)


@pytest.mark.parametrize("content", [Hostile(), np.array([Hostile()]), np.array(["text"]), {"a": torch.ones(2)}, [1.0]])
def test_anything_else_is_refused_and_never_run(content, tmp_path, capsys):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(FileError, match=r"numpy\.save\('similarity_matrix\.npy'"):
        read_tensor(tmp_path / "x.pt")
    assert "code was run" not in capsys.readouterr().out


def test_a_cut_file_and_an_array_that_lies_about_its_size(tmp_path):
    path = tmp_path / "x.pt"
    torch.save(np.eye(3), path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FileError, match="damaged"):
        read_tensor(path)

    class Lying:
        def __reduce__(self):
            begin, arguments, state = np.eye(3).__reduce__()
            return begin, arguments, (state[0], (10**6, 10**6), *state[2:])

    torch.save(Lying(), path)
    with pytest.raises(FileError, match="does not fit its bytes"):
        read_tensor(path)


def test_features_of_a_study_folder(tmp_path):
    target = tmp_path / "features" / "wds_vtab_pcam" / "vgg16"
    target.mkdir(parents=True)
    torch.save(torch.arange(12.0).reshape(4, 3), target / "features_test.pt")
    found = load_original_features(tmp_path, "wds/vtab/pcam", "vgg16", split="test")
    assert found.values.shape == (4, 3)
    assert found.subject == "vgg16"
    with pytest.raises(FileError, match=r"features_train\.pt"):
        load_original_features(tmp_path, "wds_vtab_pcam", "vgg16")


def test_the_published_models_make_the_published_numbers_of_pairs(data_path, tmp_path):
    """64 models, 23 data sets: 253 pairs of data sets and 2,016 pairs of models, split by objective as the study prints them."""
    path = data_path("similarity-consistency", "models_config_wo_alignment.json")
    names = list(json.loads(path.read_text()))
    datasets = tuple(data_path("similarity-consistency", "webdatasets_w_insub10k.txt").read_text().split())
    folder = write_study(tmp_path, names, tuple(each.replace("/", "_") for each in datasets), SLUGS[:1])
    similarities = Similarities.from_original(folder, metadata=path)
    assert similarities.values.shape == (23, 1, 64, 64)
    result = Consistency(replicates=0, permutations=0)(similarities, by="objective")
    counts = {(row["set_a"], row["set_b"]): row["model_pairs"] for _, row in result.summary.iterrows()}
    assert counts == OBJECTIVE_PAIRS
    assert sum(counts.values()) - 2016 == 2016
    assert (result.summary["dataset_pairs"] == 253).all()
    table = load_metadata(path)
    for column, expected in {
        "architecture_class": {"Transformer": 40, "Convolutional": 24},
        "dataset_class": {"ImageNet1k": 37, "ImageNet21k": 9, "Large": 11, "XLarge": 7},
    }.items():
        assert table[column].value_counts().to_dict() == expected
        within = Consistency(replicates=0, permutations=0).within(similarities, by=column).summary
        assert dict(zip(within["set_a"], within["model_pairs"], strict=True)) == {k: n * (n - 1) // 2 for k, n in expected.items()}
