"""What units need: by the cards of their models, and after `plan --needs` by dry runs that the store remembers."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isomorph.cli import main
from isomorph.engine import Needs
from isomorph.models import load_model, model_card
from isomorph.models._model_needs import LIBRARIES_BYTES, ModelNeeds
from isomorph.models._named_model import named_models
from isomorph.results import Study
from isomorph.stimuli import Stimuli
from isomorph.store import Store

NAME = "bundled/squeezenet1_1.imagenet1k"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for shade in range(6):
        Image.new("RGB", (8, 8), (40 * shade, 3, 0)).save(tmp_path / "photos" / f"{shade}.png")
    path = tmp_path / "first.toml"
    path.write_text(f'models = ["bundled/pixels", "{NAME}"]\nstimuli = "photos"\nlayers = [-1]\nstore = "store"\n')
    return path


def test_a_plan_tells_what_units_need_and_the_store_remembers_it(study, tmp_path, capsys):
    weights, store = 4 * model_card(NAME).parameters, Store(tmp_path / "store")
    (_, by_card) = Study.load(study).needs(store, stage="targets")
    assert by_card == Needs(memory=LIBRARIES_BYTES + 2 * weights + 2_000_000_000, least=300_000_000 + weights)

    assert main(["plan", str(study), "--needs", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["stage"], row["gpu"], row["gpu_memory"]) for row in rows] == [
        (stage, False, None) for stage in ("targets", "scores") for _ in "ab"
    ]
    seen = Study.load(study).needs(store, stage="targets")[1]
    assert rows[1]["memory"] == seen.memory < by_card.memory - 1_000_000_000, "the dry run shows that much less than memory_limit is enough"
    assert seen.memory > LIBRARIES_BYTES + 2 * weights
    assert by_card.least < seen.least < seen.memory
    assert rows[3]["memory"] == max(row["memory"] for row in rows)

    assert main(["plan", str(study), "--sbatch", "2"]) == 0
    assert f"$(memory {-(-rows[1]['memory'] >> 20)})" in capsys.readouterr().out, "scripts ask for what was seen"


def test_on_a_gpu_the_weights_and_a_batch_lie_there(study, tmp_path):
    named = {each: named_models([NAME], device=each, store=Store(tmp_path / "store"))[0] for each in ("cpu", "cuda:1")}
    needs = ModelNeeds(model=named["cuda:1"], stimuli=None, options={"memory_limit": "1GB"}, near="shard 3")()
    weights = 4 * model_card(NAME).parameters
    assert (needs.gpu, needs.gpu_memory, needs.gpu_least, needs.near) == (True, 1_700_000_000 + weights, weights, "shard 3")
    assert not ModelNeeds(model=named["cpu"], stimuli=None)().gpu
    assert named["cuda:1"].fingerprint == named["cpu"].fingerprint, "a machine without a GPU plans for one that has some"


def test_where_no_card_tells_nothing_is_said(tmp_path):
    (unknown,) = named_models(["bundled/nothing"], device="cuda", store=Store(tmp_path / "store"))
    assert ModelNeeds(model=unknown, stimuli=None)() == Needs(gpu=True)
    shown = Stimuli.from_arrays(np.zeros((2, 8, 8, 3), dtype=np.uint8))
    assert ModelNeeds(model=load_model("bundled/pixels"), stimuli=shown).look().memory == LIBRARIES_BYTES + 2_000_000_000
