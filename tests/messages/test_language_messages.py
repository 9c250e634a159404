"""The sentences about anchors, queries, zero-shot classes, contrasts and untrained twins, word for word."""

import re

import numpy as np
import pandas as pd
import pytest

from isomorph.brains import RDMRecording, Recording
from isomorph.encoding import QuerySheet, query_sheet
from isomorph.errors import FileError, IdError, InputError, NonFiniteError, ShapeError, UnknownNameError
from isomorph.features import Features, relative
from isomorph.models import untrained_twin
from isomorph.probes import ZeroShot, query_classifier
from isomorph.results import contrast

X = Features(np.arange(1.0, 13).reshape(4, 3), ("a", "b", "c", "d"), subject="clip")


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def test_anchors():
    zero = Features(np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 0]]), ("x", "y", "z"))
    with said(InputError, "2 of 3 anchors are zero in every feature and have no direction: 'y', 'z'. Leave them out."):
        relative(X, zero)
    with said(InputError, "2 of 3 stimuli are zero in every feature and have no direction: 'y', 'z'. Leave them out."):
        relative(zero, X)
    spaces = "they live in different spaces. Read both from one layer, or from the two towers of one model."
    with said(ShapeError, f"the features have 3 columns and the anchors 2: {spaces}"):
        relative(X, Features(np.ones((1, 2)), ("red",)))
    with said(ShapeError, "the anchor 'tall' has 2 values; the features have 3 columns."):
        relative(X, {"red": [1, 2, 3], "tall": [1, 2]})
    with said(InputError, "anchors must be Features, vectors by name, or a list of ids; got 'red'."):
        relative(X, "red")
    with said(InputError, "anchors must be Features, vectors by name, or a list of ids; got {}."):
        relative(X, {})
    with said(IdError, "'clip' was not shown 1 of 2 stimuli; the first is 'e'."):
        relative(X, ["a", "e"])
    nan = "the matrix of anchors has 1 values that are NaN or infinite, in 1 of 2 anchors; the first is 'tall'."
    with said(NonFiniteError, nan):
        relative(X, {"red": [1, 2, 3], "tall": [1, 2, np.nan]})
    with said(ShapeError, "features have 3 columns but 2 names of features."):
        Features(np.ones((1, 3)), ("a",), feature_names=("red", "tall"))


def test_untrained_twins():
    with said(InputError, "'bundled/mobilenet_v2.random-0' is untrained already; other seeds give other weights."):
        untrained_twin("bundled/mobilenet_v2.random-0")
    with said(InputError, "'bundled/pixels' has no untrained twin: it has nothing to train."):
        untrained_twin("bundled/pixels")
    finished = "it is a finished network in a file, whose weights can't be drawn anew."
    with said(InputError, f"'alignet/ViT-B.base_model' has no untrained twin: {finished}"):
        untrained_twin("alignet/ViT-B.base_model")
    alone = "its source has this architecture with its trained weights alone. Build it yourself and pass it to wrap_model."
    with said(InputError, f"'bundled/minilm_l6_v2' has no untrained twin: {alone}"):
        untrained_twin("bundled/minilm_l6_v2")
    with said(InputError, "a seed of random weights must be a whole number from 0 to 999999999; got -1."):
        untrained_twin("bundled/mobilenet_v2.imagenet1k", seed=-1)


TABLE = pd.DataFrame({"model": list("ABCD"), "region": "OTC", "metric": "eReg", "score": [0.1, 0.2, 0.3, 0.5]})
ABOUT = pd.DataFrame({"task": ["clip", "class", "clip", "class"], "size": ["s", "s", "m", "l"]}, index=list("ABCD"))


def test_contrasts_of_what_is_not_there():
    with said(UnknownNameError, "no column of the metadata is called 'tasks'. Did you mean 'task'?"):
        contrast(TABLE, ABOUT, "tasks")
    with said(UnknownNameError, "no column of the table is called 'value'. There are: metric, model, region, score."):
        contrast(TABLE, ABOUT, "task", score="value")
    with said(UnknownNameError, "no level of 'task' is called 'clipp'. Did you mean 'clip'?"):
        contrast(TABLE, ABOUT, "task", levels=["clipp", "class"])
    with said(InputError, "a contrast needs two levels of 'task'; all 4 models have 'clip'."):
        contrast(TABLE, ABOUT.assign(task="clip"), "task")
    with said(IdError, "the metadata has no row for 2 of 4 models; the first is 'C'."):
        contrast(TABLE, ABOUT[:2], "task")
    with said(IdError, "the metadata has more than one row for 'A'; models must stand once."):
        contrast(TABLE, pd.concat([ABOUT, ABOUT[:1]]), "task")
    missing = "the metadata does not say 'task' of 1 of 4 models; the first is 'B'. "
    with said(InputError, missing + "Fill it in, or leave these models out of the table."):
        contrast(TABLE, ABOUT.assign(task=["clip", None, "clip", "class"]), "task")
    alone = "there are no models that differ in 'task' alone. Hold fewer columns, or take method='ols', where what is held has additive "
    with said(InputError, f"no 'clip' and 'class' agree in size for region 'OTC', metric 'eReg': {alone}effects."):
        contrast(TABLE[1:], ABOUT.assign(size=list("abcd")), "task", levels=["clip", "class"], hold=["size"])
    one = TABLE.assign(region=["OTC", "OTC", "EVC", "OTC"])
    with said(InputError, "no model of the level 'class' of 'task' has a score for region 'EVC', metric 'eReg'."):
        contrast(one, ABOUT, "task")


def test_contrasts_of_bad_tables():
    nan = "the column 'score' has 1 of 4 values that are NaN or infinite; the first is of 'C'. Leave these rows out: "
    with said(NonFiniteError, nan + "table[table['score'].notna()]."):
        contrast(TABLE.assign(score=[0.1, 0.2, np.nan, 0.5]), ABOUT, "task")
    twice = (
        "'A' has 2 rows for region 'OTC', metric 'eReg'; a contrast takes one. Choose a layer first (BrainScores.chosen(), or the rows of "
    )
    with said(InputError, twice + "Results.table that are best_on_same_data), or name what tells rows apart in by=… or unit=…."):
        contrast(pd.concat([TABLE, TABLE]), ABOUT, "task")
    with said(InputError, "the table of scores is empty."):
        contrast(TABLE[:0], ABOUT, "task")
    with said(InputError, "a unit is a model, or a part of one: unit must hold 'model'; got ('region',)."):
        contrast(TABLE, ABOUT, "task", unit=["region"])


def test_options_of_contrasts():
    with said(InputError, "method must be 'permutation', 'mixed' or 'ols'; got 'lmer'."):
        contrast(TABLE, ABOUT, "task", method="lmer")
    with said(InputError, "'task' is what is compared; it can't be held too."):
        contrast(TABLE, ABOUT, "task", hold=["task"])
    with said(InputError, "family names columns of by (region, metric); got 'subject'."):
        contrast(TABLE, ABOUT, "task", family=["subject"])
    with said(InputError, "permutations must be 0 or more; got -1."):
        contrast(TABLE, ABOUT, "task", permutations=-1)
    with said(InputError, "method='mixed' needs scores of 2 or more subjects, in a column 'subject'; use method='ols' for one."):
        contrast(TABLE, ABOUT, "task", method="mixed")
    with said(ShapeError, "4 units are too few for 4 fixed effects; hold fewer columns."):
        contrast(TABLE, ABOUT, "task", method="ols", hold=["size"])
    with said(InputError, "what is held (kind) already tells the two levels apart; hold fewer columns."):
        contrast(TABLE, ABOUT.assign(kind=["x", "y", "x", "y"]), "task", method="ols", hold=["kind"])


def test_classes_told_by_texts():
    prompts = Features(np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0]]), ("a cat", "no cat", "a dog"))
    with said(InputError, "the prompts of 'cat' cancel out: their mean has no direction."):
        ZeroShot(prompts=prompts, classes={"a cat": "cat", "no cat": "cat", "a dog": "dog"})
    with said(InputError, "zero-shot classification needs 2 classes or more; the prompts make 1."):
        ZeroShot(prompts=prompts.take(["a cat"]))
    with said(InputError, "1 of 2 prompts are zero in every feature and have no direction: 'nothing'. Leave them out."):
        ZeroShot(prompts=Features(np.eye(2)[[0, 0]] * [[1], [0]], ("a cat", "nothing")))
    with said(InputError, "temperature must be above 0; got 0."):
        ZeroShot(prompts=prompts, temperature=0)
    with said(IdError, "1 of 3 rows belong to no group; the first is 'a dog'. Name a group for each."):
        ZeroShot(prompts=prompts, classes={"a cat": "cat", "no cat": "cat"})
    spaces = "they live in different spaces. Read both from one layer, or from the two towers of one model."
    with said(ShapeError, f"the features have 2 columns and the anchors 3: {spaces}"):
        ZeroShot(prompts=prompts).predict(Features(np.ones((1, 2)), ("a",)))
    with said(InputError, "test must be a share between 0 and 1, such as 0.5; got 2."):
        query_classifier(X, prompts, ["a", "b", "a", "b"], test=2)
    with said(InputError, "a probe needs at least 2 classes; all 4 training labels are 'a'."):
        query_classifier(X, prompts, ["a"] * 4)


def test_query_sheets(tmp_path):
    rng = np.random.default_rng(0)
    x = Features(rng.normal(size=(20, 5)), tuple(f"p{at}" for at in range(20)), subject="clip")
    brain = Recording(ids=x.ids, responses=rng.normal(size=(20, 12)))
    queries = Features(rng.normal(size=(3, 5)), ("red", "tall", "old"))
    pool = (
        "the pool has 3 queries, too few to draw sets of 3 that differ. Give a larger pool, or none: directions are then drawn at random."
    )
    with said(InputError, pool):
        query_sheet(x, queries, brain, pool=queries)
    with said(InputError, "null and seed must be 0 or more; got -1 and 0."):
        query_sheet(x, queries, brain, null=-1)
    with said(InputError, "query_sheet takes Features, for a query needs their space; got ndarray."):
        query_sheet(x.values, queries, brain)
    with said(IdError, "1 of 3 queries belong to no group; the first is 'old'."):
        query_sheet(x, queries, brain, groups={"red": "colour", "tall": "shape"})
    with said(InputError, "all 3 queries are of the group 'looks'; name two groups or more, or none."):
        query_sheet(x, queries, brain, groups=dict.fromkeys(queries.ids, "looks"))
    with said(IdError, "'clip' was not shown 10 of 20 stimuli; the first is 'p10'."):
        query_sheet(x.take(x.ids[:10]), queries, brain)
    rdms = RDMRecording(ids=x.ids, rdms={"IT": rng.uniform(size=(1, 190))}, subjects=("1",), name="it")
    alone = "a recording of RDMs has no units to fit, so that eReg can't be had. Pass metrics=('cRSA',)."
    with said(InputError, alone):
        query_sheet(x, queries, rdms)
    (tmp_path / "sheet").mkdir()
    (tmp_path / "sheet" / "sheet.json").write_text('{"isomorph": "brain scores"}')
    card = tmp_path / "sheet" / "sheet.json"
    with said(FileError, f"{card} does not describe a sheet of queries of format 1."):
        QuerySheet.load(tmp_path / "sheet")
    with said(InputError, f"{tmp_path / 'sheet'} is there already. Choose another folder, or delete it."):
        query_sheet(x, queries, brain, null=0, replicates=0).save(tmp_path / "sheet")
