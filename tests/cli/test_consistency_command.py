"""isomorph consistency: its JSON keys are promises."""

import json

import numpy as np
import pandas as pd
import pytest

from isomorph.cli import main
from isomorph.consistency import ConsistencyResult, Similarities

QUICK = ["--replicates", "30", "--permutations", "19"]


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(12, 12))
    paths = []
    for name in ("pets", "pcam", "dtd"):
        values = shared + 0.5 * rng.normal(size=(12, 12))
        values = (values + values.T) / 2
        paths.append(str(tmp_path / f"{name}.npy"))
        np.save(paths[-1], values)
    return paths


@pytest.fixture
def metadata(tmp_path):
    table = pd.DataFrame({"objective": ["SSL"] * 6 + ["Sup"] * 6, "width": np.arange(12) * 64 + 64}, index=[f"m{at}" for at in range(12)])
    table.T.to_json(tmp_path / "models.json")
    return str(tmp_path / "models.json")


def test_json_of_stored_matrices(files, capsys):
    assert main(["consistency", *files, *QUICK, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["names"] == files
    assert answer["pairs"] == 66
    matrix, intervals = np.array(answer["matrix"]), np.array(answer["intervals"])
    first, second = np.triu_indices(12, 1)
    x, y = np.load(files[0])[first, second], np.load(files[2])[first, second]
    assert matrix[0, 2] == matrix[2, 0] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert intervals.shape == (3, 3, 2)
    assert (intervals[..., 0] <= matrix + 1e-9).all()
    assert (intervals[..., 1] >= matrix - 1e-9).all()
    assert answer["replicates"] == 30
    assert len(answer["summary"]) == 1


def test_categories_widths_and_a_folder(files, metadata, tmp_path, capsys):
    words = [
        "consistency",
        *files,
        "--metadata",
        metadata,
        "--by",
        "objective",
        "--widths",
        "width",
        "--out",
        str(tmp_path / "kept"),
        *QUICK,
    ]
    assert main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {(row["set_a"], row["set_b"]): row["model_pairs"] for row in answer["summary"]} == {
        ("SSL", "SSL"): 15,
        ("SSL", "Sup"): 36,
        ("Sup", "Sup"): 15,
        ("all models", "all models"): 66,
    }
    assert all(row["width_partial_median"] is not None for row in answer["summary"])
    kept = ConsistencyResult.load(tmp_path / "kept")
    assert len(kept.pairs) == 12
    assert kept.matrix(set_a="all models").to_numpy() == pytest.approx(np.array(answer["matrix"]))
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "dataset_a" in shown.out
    assert "pcam" in shown.out
    assert "No standard errors" in shown.err


@pytest.mark.parametrize("options", [["--method", "spearman"], ["--resample", "datasets"], ["--resample", "both"], ["--seed", "3"]])
def test_options_reach_the_analysis(options, files, capsys):
    assert main(["consistency", *files, *QUICK, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert main(["consistency", *files, *QUICK, *options, "--json"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert (plain["median"], plain["low"], plain["high"]) != (other["median"], other["low"], other["high"])
    assert str(other[options[0].strip("-")]) == options[1]


def test_saved_similarities_and_a_study_folder(files, tmp_path, capsys):
    matrices = {name: {"cka": np.load(path), "rsa": np.load(path) / 2} for name, path in zip("abc", files, strict=True)}
    Similarities.from_matrices(matrices).save(tmp_path / "saved")
    assert main(["consistency", str(tmp_path / "saved"), *QUICK, "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["measure"] for each in answers] == ["cka", "rsa"]
    assert answers[0]["names"] == ["a", "b", "c"]
    assert main(["consistency", str(tmp_path / "saved"), *QUICK, "--measures", "r*", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measure"] == "rsa"
    assert main(["consistency", str(tmp_path / "saved"), "--measures", "cca"]) == 1
    assert "no measure is called 'cca'" in capsys.readouterr().err
    target = tmp_path / "study" / "model_similarities"
    for name, path in zip("ab", files, strict=False):
        (target / name / "cka").mkdir(parents=True)
        np.save(target / name / "cka" / "similarity_matrix.npy", np.load(path))
        (target / name / "cka" / "model_ids.txt").write_text("\n".join(f"m{at}" for at in range(12)))
    assert main(["consistency", str(tmp_path / "study"), *QUICK, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["names"] == ["a", "b"]
    for name in ("similarity_matrix.npy", ""):
        assert main(["consistency", *(str(target / each / "cka" / name) for each in "ab"), *QUICK]) == 0
        assert "a          b" in capsys.readouterr().out


def test_similarity_against_performance(files, tmp_path, capsys):
    rows = [{"dataset": name, "model": str(at), "accuracy": at / 12} for name in ("pets", "pcam") for at in range(12)]
    pd.DataFrame(rows).to_csv(tmp_path / "accuracy.csv", index=False)
    assert main(["consistency", *files, *QUICK, "--performance", str(tmp_path / "accuracy.csv"), "--json"]) == 0
    gap = {row["dataset"]: row for row in json.loads(capsys.readouterr().out)["gap"]}
    first, second = np.triu_indices(12, 1)
    assert gap["pets"]["r"] == pytest.approx(np.corrcoef(np.load(files[0])[first, second], second - first)[0, 1])
    assert gap["dtd"]["r"] is None
    (tmp_path / "accuracy.csv").write_text("dataset,model,accuracy\nother,x,1\n")
    assert main(["consistency", *files, *QUICK, "--performance", str(tmp_path / "accuracy.csv")]) == 1
    assert "has no row for any of these data sets and models" in capsys.readouterr().err


def test_mistakes_have_a_status_and_a_sentence(files, tmp_path, capsys):
    assert main(["consistency"]) == 2
    assert main(["consistency", files[0]]) == 1
    assert "between data sets" in capsys.readouterr().err
    assert main(["consistency", *files, "--by", "objective"]) == 1
    assert "no metadata column is called 'objective'" in capsys.readouterr().err
    asymmetric = np.load(files[0])
    asymmetric[0, 1] += 1
    np.save(tmp_path / "bad.npy", asymmetric)
    assert main(["consistency", files[1], str(tmp_path / "bad.npy")]) == 1
    assert "is not symmetric" in capsys.readouterr().err
    assert main(["consistency", files[0], str(tmp_path / "none.npy")]) == 1
    assert "there is no file" in capsys.readouterr().err
    assert main(["consistency", str(tmp_path / "none")]) == 1
    assert "there is no file" in capsys.readouterr().err
    assert main(["consistency", str(tmp_path), files[0]]) == 1
    assert "holds none of similarity_matrix.npy, similarity_matrix.pt" in capsys.readouterr().err


def test_a_model_missing_on_one_data_set(files, capsys):
    values = np.load(files[1])
    values[4] = values[:, 4] = np.nan
    np.save(files[1], values)
    assert main(["consistency", *files, *QUICK]) == 1
    assert "'4' is missing on 'pcam'" in (said := capsys.readouterr().err)
    assert "--missing drop" in said
    assert main(["consistency", *files, *QUICK, "--missing", "drop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == 55


def test_pages_and_anchors_from_matrices_alone(files, metadata, tmp_path, capsys):
    words = ["consistency", *files, "--metadata", metadata, *QUICK]
    assert main([*words, "--by", "objective", "--report", str(tmp_path / "pages"), "--no-figures"]) == 0
    said = capsys.readouterr().err
    assert "Which of 12 models are alike carries over" in said
    assert f"report: {tmp_path / 'pages' / 'index.html'}" in said
    assert "pets" in (tmp_path / "pages" / "index.html").read_text()
    assert (tmp_path / "pages" / "data" / "objective" / "summary.csv").is_file()
    few = ["--anchors", "m0", "m7", "--minimum-pairs", "5"]
    assert main([*words, "--by", "objective", *few, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(row["set_a"], row["set_b"], row["model_pairs"]) for row in answer["summary"]] == [
        ("m0", "SSL", 5),
        ("m0", "Sup", 6),
        ("m7", "SSL", 6),
        ("m7", "Sup", 5),
    ]
    assert main([*words, *few]) == 2
    assert "--anchors needs --by" in capsys.readouterr().err


def test_messages_about_a_study_do_not_name_options_of_the_other_form(tmp_path, capsys):
    from PIL import Image

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number in range(6):
            Image.new("RGB", (8, 8), (40 * number, 0, 0)).save(tmp_path / name / f"{number}.png")
    models = '["bundled/pixels", "timm/test_vit.random-0", "timm/test_resnet.random-0"]'
    (tmp_path / "s.toml").write_text(f'models = {models}\ndatasets = ["one", "two"]\nminimum_pairs = 1\n')
    assert main(["consistency", str(tmp_path / "s.toml")]) == 1
    said = capsys.readouterr().err
    assert "minimum_pairs" in said
    assert "--minimum-pairs" not in said
