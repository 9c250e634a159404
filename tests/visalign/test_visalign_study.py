"""From one TOML to submissions, on photographs; abstention rises with severity, and as upstream released it, it falls."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from isomorph.cli import main
from isomorph.errors import FetchError, IsomorphError
from isomorph.perception import over_seeds
from isomorph.visalign import VisalignStudy

STUDY = """
seeds = [45, 46]
replicates = 50
out = "out"

[set]
validation = 5
test = 6
uncertain = 72
corruptions = ["gaussian_noise", "defocus_blur", "contrast", "jpeg_compression"]
severities = [1, 5, 10]
classes.human = { source = "kriegeskorte-92", labels = ["human*"] }
classes.animal = { source = "kriegeskorte-92", labels = ["nonhuman*"] }
classes.object = { source = "kriegeskorte-92", labels = ["artificial*"] }
abstain.4 = { source = "kriegeskorte-92", labels = ["natural*"], most = 12 }

[network]
backbone = "bundled/efficientnet_lite0.imagenet1k"
recipe = { height_pixels = 96, width_pixels = 96, resize_pixels = 110 }
training = { epochs = 10, learning_rate = 3e-3, batch_size = 8 }

[abstention]
unit_length = true
severities = [3, 8]
corruptions = ["gaussian_noise", "defocus_blur", "contrast", "jpeg_compression"]
options.odin = { temperature = 10.0, kind = "one-minus-max" }
options.mds = { shrinkage = 0.1 }
options.knn = { k = 5 }
options.tapudd = { components = [1, 2], regularisation = 0.1 }
"""
METHODS = ["deepensemble", "knn", "mcdropout", "mds", "msp", "odin", "tapudd"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "small.toml"
    path.write_text(STUDY.replace("train = 1125", "").replace("[set]", "[set]\ntrain = 10"))
    return path


@pytest.fixture(scope="module")
def outcome(study):
    if find_spec("timm") is None:
        pytest.skip("timm is needed for the bundled network")
    try:
        return VisalignStudy.load(study).run()
    except FetchError as error:
        pytest.skip(f"photographs are needed: {error}")
    except IsomorphError as error:
        if "not installed" not in str(error):
            raise
        pytest.skip(f"a bundled network is needed: {error}")


def mass(summary, method, group):
    row = summary[(summary["model"] == f"efficientnet_lite0/{method}") & (summary["metric"] == "abstention") & (summary["group"] == group)]
    return float(row["mean"].iloc[0])


def test_all_seven_methods_answer_every_picture(outcome):
    assert sorted({each.split("/")[1] for each in outcome.answers}) == METHODS
    assert len(outcome.answers) == 13  # an ensemble is one run, the others are one a seed
    for each in outcome.answers.values():
        assert each.ids == outcome.data.test.ids
        assert each.outcomes == ("human", "animal", "object", "abstain")
    assert min(each.accuracy for each in outcome.networks.values()) > 0.6


@pytest.mark.parametrize("method", METHODS)
def test_abstention_rises_with_severity(outcome, method):
    masses = [mass(outcome.summary, method, f"severity {each}") for each in (1, 5, 10)]
    assert masses[2] > masses[0] + 0.1, masses


def test_over_all_methods_it_rises_step_by_step(outcome):
    masses = [np.mean([mass(outcome.summary, method, f"severity {each}") for method in METHODS]) for each in (1, 5, 10)]
    assert (np.diff(masses) > 0.05).all(), masses


def test_as_upstream_released_it_it_falls(outcome, study, tmp_path):
    path = tmp_path / "compat.toml"
    options = '[abstention]\nupstream_compat = true\nmethods = ["msp", "mcdropout", "deepensemble"]'
    path.write_text(study.read_text().replace("[abstention]", options))
    shutil.copytree(study.with_name("out"), tmp_path / "out")
    run = VisalignStudy.load(path).start()
    summary = over_seeds(run.scores)
    for method in ("msp", "mcdropout", "deepensemble"):
        masses = [mass(summary, f"{method}-as-released", f"severity {each}") for each in (1, 5, 10)]
        assert masses[2] < masses[0], masses
    assert any("VisAlign's released program" in each for each in run.notes)


def test_scores_are_those_of_their_parts(outcome):
    from isomorph.perception import Payoff, hellinger, reliability

    name, run = next(iter(outcome.answers.items()))
    people = outcome.data.gold
    table = outcome.scores[outcome.scores["model"] == name].set_index(["metric", "group"])["value"]
    chosen = np.array(people.groups) == "4"
    assert table["hellinger", "4"] == pytest.approx(hellinger(people.probabilities, run.probabilities)[chosen].mean())
    for c in (0, 450, 900):
        assert table[f"rs_{c}", "all"] == pytest.approx(table["right", "all"] - c * table["wrong", "all"])
        assert table[f"rs_{c}", "all"] == reliability(run, payoff=Payoff(c=c), human=people, replicates=0).score
    assert 0 <= table["aurc", "all"] <= 1
    summary = outcome.summary.set_index(["model", "metric", "group"])
    several = outcome.scores[outcome.scores["model"].str.contains("/msp/") & (outcome.scores["metric"] == "aurc")]["value"]
    assert summary.loc[("efficientnet_lite0/msp", "aurc", "all"), ["mean", "sd", "seeds"]].tolist() == pytest.approx(
        [several.mean(), several.std(), 2]
    )


def test_submissions_hold_every_picture(outcome):
    assert len(outcome.submissions) == 13
    for path, run in zip(outcome.submissions, outcome.answers.values(), strict=True):
        rows = json.loads(path.read_text())
        assert list(rows) == list(run.ids)
        assert (np.array(list(rows.values())) == run.probabilities).all()


def test_a_second_run_only_reads(outcome, study, capsys):
    before = {each: each.stat().st_mtime_ns for each in study.with_name("out").rglob("*.npz")}
    before |= {each: each.stat().st_mtime_ns for each in study.with_name("out").rglob("*.safetensors")}
    before |= {each: each.stat().st_mtime_ns for each in study.with_name("out").glob("set/**/*.jp*g")}
    before |= {each: each.stat().st_mtime_ns for each in study.with_name("out").glob("*/*.json")}
    assert len(before) > 100
    assert main(["visalign", "train", str(study), "--json"]) == 0
    trained = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["seed"] for each in trained] == [45, 46]
    assert main(["run", str(study), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"name", "out", "networks", "runs", "summary", "submissions", "report", "notes"}
    assert "Probability of abstaining" in Path(found["report"]).read_text()
    assert len(found["runs"]) == 13
    assert {each: each.stat().st_mtime_ns for each in before} == before


def test_the_steps_in_the_terminal(outcome, study, capsys):
    assert main(["visalign", "build", str(study), "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert built["categories"] == {"1": 18, "4": 12, "8": 36}
    assert set(built["missing"]) == {"2", "3", "5", "6", "7"}
    assert main(["visalign", "predict", str(study), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 13
    assert all(0 < each["abstention"] < 1 for each in rows)
    assert main(["visalign", "submit", str(study)]) == 0
    files = capsys.readouterr().out.split()
    assert main(["visalign", "score", built["folder"], *files[:2], "--replicates", "0", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {row["group"]: row["value"] for row in rows if row["metric"] == "hellinger" and row["model"].endswith("msp-45")}
    kept = outcome.scores[(outcome.scores["model"] == "efficientnet_lite0/msp/45") & (outcome.scores["metric"] == "hellinger")]
    assert told == pytest.approx(dict(zip(kept["group"], kept["value"], strict=True)))
    assert main(["visalign", "score", str(study)]) == 0
    assert "aurc" in capsys.readouterr().out
