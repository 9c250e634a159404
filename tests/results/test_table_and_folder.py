"""The table's columns, the correction of p, the marked layer; saving, loading, merging."""

import numpy as np
import pytest

from isomorph.errors import FileError, InputError, UnknownNameError
from isomorph.results import BenchmarkRecord, LayerGeometry, Results, StimuliRecord, TargetRecord
from isomorph.results._assembly import tidy
from isomorph.results._results import COLUMNS

PAIRS = 6


def row(model, layer, value, *, p=0.5, target="people", benchmark="small"):
    return {
        "model": model,
        "layer": layer,
        "layer_index": int(layer[1:]),
        "depth": 0.5,
        "benchmark": benchmark,
        "target": target,
        "measure": "rsa-pearson",
        "value": value,
        "low": None if value is None else value - 0.1,
        "high": None if value is None else value + 0.1,
        "p": p,
        "ceiling_lower": None,
        "ceiling_upper": None,
        "n": 4,
        "subjects": 3,
        "seed": 0,
        "replicates": 10,
        "width": 7,
        "reduction": "exact",
        "seen": False,
        "model_fingerprint": f"f-{model}",
        "stimuli_fingerprint": "s",
        "extraction_fingerprint": "e",
        "isomorph_version": "0",
        "torch_version": "0",
    }


def rdm(seed):
    return np.random.default_rng(seed).random(PAIRS)


def record(fingerprint="q"):
    targets = tuple(
        TargetRecord(name=name, kind=kind, citation="", note="", subjects=3, repeats=1, mean=rdm(seed))
        for seed, (name, kind) in enumerate([("people", "behaviour"), ("cortex", "brain")])
    )
    stimuli = StimuliRecord(ids=tuple("abcd"), modality="text", labels=("",) * 4, texts=tuple("ABCD"), skipped=(("e", "cut short"),))
    return BenchmarkRecord(
        name="small",
        summary="",
        citation="",
        licence="",
        distance="correlation",
        comparisons=("pearson",),
        fingerprint=fingerprint,
        stimuli=stimuli,
        targets=targets,
    )


def results(model, values, *, p=0.5, fingerprint="q", card=None):
    rows = [row(model, f"L{i}", value, p=p, target=target) for target in ("people", "cortex") for i, value in enumerate(values)]
    best = int(np.nanargmax(np.array(values, float)))
    geometry = tuple(
        LayerGeometry(benchmark="small", model=model, target=target, layer=f"L{best}", depth=0.5, rdm=rdm(hash(model) % 1000))
        for target in ("people", "cortex")
    )
    methods = {"isomorph": "0", "versions": {"torch": "0"}, "models": {model: card or {"name": model}}, "notes": ["a note"]}
    return Results(table=tidy(rows), benchmarks=(record(fingerprint),), geometry=geometry, methods=methods)


def test_the_columns_are_the_promised_ones():
    assert tuple(results("m", [0.1, 0.3]).table.columns) == COLUMNS


def test_the_best_layer_is_marked_once_a_model_and_target():
    table = results("m", [0.1, 0.3, None]).table
    assert table.loc[table["best_on_same_data"], ["target", "layer"]].to_numpy().tolist() == [["people", "L1"], ["cortex", "L1"]]


def test_p_is_corrected_over_all_layers_and_models_of_one_target():
    alone = results("m", [0.1, 0.2], p=0.01)
    together = Results.merge(alone, results("other", [0.3, 0.4], p=0.8))
    assert alone.table["p_corrected"].to_numpy() == pytest.approx([0.01] * 4)
    corrected = together.table[together.table["model"] == "m"]["p_corrected"]
    assert corrected.to_numpy() == pytest.approx([0.02] * 4)


def test_rows_without_p_stay_without():
    assert results("m", [0.1, 0.2], p=None).table["p_corrected"].isna().all()


def test_best_ranks_the_models_of_a_target():
    both = Results.merge(results("m", [0.1, 0.3]), results("other", [0.5, 0.2]))
    assert both.best("small").loc[:, ["model", "layer"]].to_numpy().tolist() == [["other", "L0"], ["m", "L1"]]
    with pytest.raises(UnknownNameError, match="no target of small is called 'monkeys'"):
        both.best("small", "monkeys")
    with pytest.raises(UnknownNameError, match="'large'"):
        both.best("large")


def test_the_second_order_map_holds_targets_models_and_controls():
    both = Results.merge(results("m", [0.1, 0.3]), results("pixels", [0.5, 0.2], card={"name": "pixels", "training_data": "none"}))
    order = both.second_order("small")
    assert order.names == ("people", "cortex", "m", "pixels")
    assert order.kinds == ("behaviour", "brain", "model", "control")
    assert np.allclose(np.diag(order.matrix), 1)
    assert order.matrix[0, 1] == pytest.approx(np.corrcoef(rdm(0), rdm(1))[0, 1])


def test_saved_results_come_back_whole(tmp_path):
    before = results("m", [0.1, 0.3, None])
    after = Results.load(before.save(tmp_path / "deep" / "folder"))
    assert after.table.equals(before.table)
    assert after.methods == before.methods
    assert after.benchmarks[0].stimuli == before.benchmarks[0].stimuli
    assert after.benchmarks[0].comparisons == ("pearson",)
    for one, two in zip(before.benchmarks[0].targets, after.benchmarks[0].targets, strict=True):
        assert (one.name, one.kind) == (two.name, two.kind)
        assert np.array_equal(one.mean, two.mean)
    assert [each.layer for each in after.geometry] == ["L1", "L1"]
    assert np.array_equal(after.geometry[0].rdm, before.geometry[0].rdm)
    assert np.array_equal(after.second_order("small").matrix, before.second_order("small").matrix)


def test_tables_alone(tmp_path):
    import pandas as pd

    one = results("m", [0.1, 0.3])
    assert pd.read_parquet(one.to_parquet(tmp_path / "t.parquet")).equals(one.table)
    assert list(pd.read_csv(one.to_csv(tmp_path / "t.csv"))["layer"]) == list(one.table["layer"])


def test_damaged_and_foreign_folders_are_named(tmp_path):
    with pytest.raises(FileError, match="is not a folder of saved results"):
        Results.load(tmp_path)
    results("m", [0.1, 0.3]).save(tmp_path)
    whole = (tmp_path / "results.json").read_text()
    (tmp_path / "results.json").write_text(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="damaged"):
        Results.load(tmp_path)
    (tmp_path / "results.json").write_text(whole.replace('"format": 1', '"format": 99'))
    with pytest.raises(FileError, match="format 99"):
        Results.load(tmp_path)


def test_merging_the_same_results_twice_changes_nothing():
    one = results("m", [0.1, 0.3, None])
    assert Results.merge(one, one).table.equals(one.table)
    assert len(Results.merge(one, one).geometry) == len(one.geometry)


def test_merging_refuses_two_answers_and_two_questions():
    one = results("m", [0.1, 0.3])
    with pytest.raises(InputError, match="different scores for 8 rows; the first is 'm', layer 'L0', small × people"):
        Results.merge(one, results("m", [0.2, 0.4]))
    with pytest.raises(InputError, match="different questions under the name 'small'"):
        Results.merge(one, results("other", [0.2], fingerprint="another"))
    with pytest.raises(InputError, match="no results to merge"):
        Results.merge()


def test_merging_refuses_two_models_of_one_name():
    other = results("m", [0.4, 0.5])
    other.table["model_fingerprint"] = "another"
    with pytest.raises(InputError, match=r"2 different models called 'm' \(fingerprints f-m and another\)"):
        Results.merge(results("m", [0.1, 0.3]), other)


def made_with(model, **methods):
    made = results(model, [0.1, 0.3])
    return Results(table=made.table, benchmarks=made.benchmarks, geometry=made.geometry, methods={**made.methods, **methods})


def test_merged_methods_say_what_holds_for_all():
    one = made_with("m", versions={"torch": "1", "numpy": "2"}, options={"layers": "all", "seed": 0, "resample": "both"})
    two = made_with("other", versions={"torch": "3", "numpy": "2"}, options={"layers": [1], "seed": 0, "resample": "both"})
    methods = Results.merge(one, two).methods
    assert methods["versions"] == {"torch": "1 and 3", "numpy": "2"}
    assert methods["options"] == {"seed": 0, "resample": "both"}
    assert Results.merge(Results.merge(one, two), one).methods["versions"] == methods["versions"]


@pytest.mark.parametrize(("option", "here", "there"), [("resample", "stimuli", "both"), ("permutations", 0, 100)])
def test_merging_refuses_options_that_the_rows_do_not_say(option, here, there):
    with pytest.raises(InputError, match=f"made with different {option}"):
        Results.merge(made_with("m", options={option: here}), made_with("other", options={option: there}))
