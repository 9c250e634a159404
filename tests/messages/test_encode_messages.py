"""The sentences about scoring layers against brains, word for word."""

import re

import numpy as np
import pandas
import pytest

from isomorph.brains import RDMRecording, Recording
from isomorph.encoding import (
    EvenOdd,
    Halves,
    KFold,
    PrincipalRegression,
    Protocol,
    Ridge,
    Shuffled,
    SparseProjection,
    choose_layers,
    encode,
    load_protocol,
    score_units,
)
from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError, UnknownNameError
from isomorph.features import Features
from isomorph.geometry import Gram

RNG = np.random.default_rng(0)
N = 40
IDS = tuple(f"p{row}" for row in range(N))
LAYER = Features(RNG.normal(size=(N, 8)), IDS, layer="fc6", subject="net")
UNITS = pandas.DataFrame({"IT": np.ones(12, dtype=int), "FFA": np.arange(12) < 6})
BRAIN = Recording(ids=IDS, responses=RNG.normal(size=(N, 12)), units=UNITS, name="sub1", small_rois="keep")
RDMS = RDMRecording(ids=IDS, rdms={"IT": RNG.random((1, N * (N - 1) // 2))}, name="rdms")


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def test_stimuli():
    with said(IdError, "'net' was not shown 3 of 40 stimuli; the first is 'p0'."):
        encode(LAYER.take(IDS[3:]), BRAIN)
    with said(IdError, "'net' was not shown 1 of 40 stimuli; the first is 'p39'."):
        encode(Gram.from_features(LAYER.take(IDS[:-1])), BRAIN)
    with said(IdError, "the recording has 1 ids that stand more than once; the first is 'p0'. Ids must be unique."):
        encode(LAYER, Recording(ids=("p0", *IDS[:-1]), responses=BRAIN.responses))
    with said(IdError, "features has 1 ids that stand more than once; the first is 'p0'. Ids must be unique."):
        encode(Features(LAYER.values, ("p0", *IDS[:-1])), BRAIN)


def test_responses():
    holes = BRAIN.responses.copy()
    holes[3, 4] = np.nan
    for metrics in ("cRSA", "eReg"):
        with said(
            NonFiniteError,
            "1 of the 12 units to be foretold are NaN or infinite for some stimulus; the first is unit 4. "
            "Leave them out: Recording(…, bad_units='drop').",
        ):
            encode(LAYER, Recording(ids=IDS, responses=holes, bad_units="keep"), metrics=metrics)
    with said(ShapeError, "responses have 12 rows and 40 columns, but there are 40 stimuli: transpose them."):
        encode(LAYER, Recording(ids=IDS, responses=BRAIN.responses.T))
    flat = BRAIN.responses.copy()
    flat[::2] = 0.5
    with said(
        ShapeError,
        "every unit of all responds alike to all stimuli of one side of the split. Leave the region out: regions=[…].",
    ):
        encode(LAYER, Recording(ids=IDS, responses=flat))
    flat[::2, 2:] = BRAIN.responses[::2, 2:]
    scores = encode(LAYER, Recording(ids=IDS, responses=flat), min_units=2)
    assert scores.notes[0] == "2 of 12 units respond alike to all stimuli of one side of a split and are left out there."
    assert np.isnan(scores.units["net", "fc6", "eReg"]).sum() == 2


def test_regions():
    with said(ShapeError, "no region has 13 units or more; the largest is IT with 12. Pass min_units= to score smaller ones."):
        encode(LAYER, BRAIN, min_units=13)
    with said(UnknownNameError, "no region is called 'it'. There are: FFA, IT."):
        encode(LAYER, BRAIN, regions=["it"])
    with said(InputError, "regions=['IT'] were asked for, but the table of units has no columns of 0 and 1."):
        encode(LAYER, Recording(ids=IDS, responses=BRAIN.responses), regions=["IT"])


def test_names():
    with said(UnknownNameError, "no protocol is called 'conwell'. Did you mean 'conwell2024'?"):
        encode(LAYER, BRAIN, protocol="conwell")
    with said(InputError, "a protocol is a name or a Protocol; got int."):
        load_protocol(3)
    with said(UnknownNameError, "no metric is called 'ereg'. Did you mean 'eReg'?"):
        encode(LAYER, BRAIN, metrics=("ereg",))
    with said(UnknownNameError, "no option of encode is called 'agregator'. Did you mean 'aggregator'?"):
        encode(LAYER, BRAIN, agregator="mean")
    with said(UnknownNameError, "no option of a protocol is called 'replicates'. There are 15; `help(Protocol)` has them."):
        load_protocol("conwell2024", replicates=3)
    with said(UnknownNameError, "no scorer is called 'pearsonr'. Did you mean 'pearson' or 'spearman'?"):
        Protocol(scorer="pearsonr")
    with said(UnknownNameError, "no scorer is called 'rho'. There are: concordance, explained_variance, pearson, r2, spearman."):
        score_units(LAYER.values, LAYER.values, "rho")
    with said(UnknownNameError, "no normaliser is called 'r2'. There are: none, r/ceiling, r2/ceiling2, r2/ceiling4."):
        Protocol(normaliser="r2")
    with said(UnknownNameError, "no aggregator is called 'max'. There are: mean, median."):
        Protocol(aggregator="max")
    with said(UnknownNameError, "no kind of interval is called 'percentile'. There are: bootstrap, delta."):
        encode(LAYER, BRAIN, intervals="percentile")
    with said(UnknownNameError, "no thing to resample is called 'subjects'. There are: both, stimuli, units."):
        encode(LAYER, BRAIN, resample="subjects")
    with said(InputError, "intervals='bootstrap' draws stimuli; for resample='units' use intervals='delta'."):
        encode(LAYER, BRAIN, intervals="bootstrap", resample="units")
    with said(InputError, "level must be above 0 and below 1; got 95."):
        encode(LAYER, BRAIN, level=95)
    with said(InputError, "permutations must be a whole number, 0 or more; got -1."):
        encode(LAYER, BRAIN, permutations=-1)


def test_protocols():
    with said(InputError, "a protocol needs at least one metric of cRSA, eReg, eRSA."):
        Protocol(metrics=())
    with said(InputError, "Protocol.split must be EvenOdd(), KFold(…), Shuffled(…) or Halves(…); got 'even-odd'."):
        Protocol(split="even-odd")
    with said(InputError, "Protocol.min_units must be at least 1; got 0."):
        Protocol(min_units=0)
    with said(InputError, "the normaliser 'r/ceiling' needs a ceiling, but ceiling='none'. Choose ceiling='auto'."):
        Protocol(normaliser="r/ceiling", ceiling="none")
    with said(
        InputError,
        "the normaliser 'r/ceiling' divides correlations, but the scorer 'r2' is a share of variance. Choose normaliser='r2/ceiling2'.",
    ):
        Protocol(normaliser="r/ceiling", scorer="r2")
    with said(InputError, "a protocol's split has a rule of even-odd, k-fold, shuffled, halves; got {'rule': 'odd'}."):
        Protocol.from_plain({**Protocol().plain(), "split": {"rule": "odd"}})
    with said(InputError, "a protocol's regression has a method of Ridge, PLS, PrincipalRegression; got {}."):
        Protocol.from_plain({**Protocol().plain(), "regression": {}})
    with said(InputError, "a protocol has no field 'metric'."):
        Protocol.from_plain({**Protocol().plain(), "metric": 1})


def test_splits():
    with said(
        ShapeError,
        "the split 'even-odd' of 5 stimuli leaves 2 to test on; 3 are the fewest. Show more stimuli, or split them otherwise.",
    ):
        EvenOdd().of(IDS[:5])
    with said(
        ShapeError,
        "the split '10 × 5% drawn, seed 0' of 40 stimuli leaves 2 to test on in fold 1; 3 are the fewest. "
        "Show more stimuli, or split them otherwise.",
    ):
        encode(LAYER, BRAIN, split=Shuffled(test=0.05))
    with said(InputError, "KFold.folds must be at least 2; got 1."):
        KFold(folds=1)
    with said(InputError, "Shuffled.test must be a share above 0 and below 1; got 10."):
        Shuffled(test=10)
    with said(InputError, "Shuffled.splits must be at least 1; got 0."):
        Shuffled(splits=0)
    with said(IdError, "1 stimuli are to be trained on and tested on; the first is 'b'."):
        Halves(train=("a", "b"), test=("b", "c"))
    with said(IdError, "the recording was not shown 1 of 3 stimuli; the first is 'q'."):
        Halves(train=("p1", "p2", "q"), test=("p3", "p4", "p5")).of(IDS)
    with said(UnknownNameError, "no column of stimuli is called 'object'. There is none yet."):
        encode(LAYER, BRAIN, split=KFold(stratify="object"))


def test_ceilings():
    with said(
        InputError,
        "the protocol 'algonauts2023' needs ceilings of units (ceiling='ncsnr', normaliser='r2/ceiling2'), which the recording does not "
        "give: a ceiling from ncsnr needs trials, or a column 'ncsnr' in the table of units; the recording has neither. "
        "Or score without: normaliser='none', ceiling='none'.",
    ):
        encode(LAYER, BRAIN, protocol="algonauts2023")
    with said(
        InputError,
        "the protocol 'brainscore, changed' needs ceilings of units (ceiling='split-half', normaliser='none'), which the recording does "
        "not give: split halves need trials, and the recording holds only means over repeats. "
        "Or score without: normaliser='none', ceiling='none'.",
    ):
        encode(LAYER, BRAIN, protocol="brainscore", normaliser="none")
    with said(
        InputError,
        "the protocol 'net2brain' needs ceilings of RDMs (normaliser='r2/ceiling2'), which come from trials with two or more repeats of "
        "every stimulus, or from two or more subjects; the recording has neither. Or score without: normaliser='none'.",
    ):
        encode(LAYER, RDMS, protocol="net2brain")


def test_inner_products_alone():
    gram = Gram.from_features(LAYER)
    text = (
        "{} needs the features themselves, but 'net' is a Gram matrix. Extract features, or choose projection=None and "
        "Ridge(standardise=False), which inner products are enough for."
    )
    with said(InputError, text.format("a random projection")):
        encode(gram, BRAIN, projection=SparseProjection())
    with said(InputError, text.format("a ridge of standardised features")):
        encode(gram, BRAIN, regression=Ridge())


def test_what_is_no_layer_or_recording():
    with said(InputError, "encode takes Features, a Gram, or a mapping of layers to these (an extraction); got ndarray."):
        encode(LAYER.values, BRAIN)
    with said(InputError, "layer 'fc6' is a ndarray; encode takes Features, a Gram, or a mapping of layers."):
        encode({"fc6": LAYER.values}, BRAIN)
    with said(ShapeError, "there is no layer to encode: the mapping is empty."):
        encode({}, BRAIN)
    with said(
        InputError,
        "encode needs a Recording or an RDMRecording; got Features. brains.load_recording reads one from files, "
        "Recording(ids=…, responses=…) makes one.",
    ):
        encode(LAYER, LAYER)
    with said(InputError, "a recording of RDMs has no units to fit, so that eReg and eRSA can't be had. Pass metrics=('cRSA',)."):
        encode(LAYER, RDMS, metrics=("eReg", "eRSA"))
    with said(ShapeError, "none of the 1 layers tells the 40 stimuli apart: there is nothing to score."):
        encode(Features(np.ones((N, 4)), IDS), BRAIN)
    with said(
        ShapeError,
        "layer 'fc6': PrincipalRegression of 9 components needs as many features; there are 8. "
        "Ask for at most components=8, or use Ridge, which needs none.",
    ):
        encode({"fc6": LAYER}, BRAIN, regression=PrincipalRegression(components=9))
    broken = LAYER.values.copy()
    broken[7, 2] = np.inf
    with said(NonFiniteError, "'net' has 1 values that are NaN or infinite, in 1 of 40 stimuli; the first is 'p7'."):
        encode(Features(broken, IDS, subject="net"), BRAIN)


def test_time():
    late = Recording(ids=IDS, responses=RNG.normal(size=(N, 12, 3)), times=[0.0, 0.1, 0.2])
    with said(InputError, "responses go over 3 times, 0 to 0.2 s; say time=… (one, or a pair from and to), or time='all'."):
        encode(LAYER, late)
    with said(InputError, "time='all': units are scored at one time. Pass a time in seconds, or a window (from, to)."):
        encode(LAYER, late, time="all")
    with said(InputError, "time=0.1 was asked for, but responses have no time axis."):
        encode(LAYER, BRAIN, time=0.1)
    with said(InputError, "time=0.1 was asked for, but a recording of RDMs does not go over time."):
        encode(LAYER, RDMS, time=0.1)


def test_results(tmp_path):
    scores = encode(LAYER, BRAIN, metrics=("cRSA",))
    with said(UnknownNameError, "no model is called 'nat'. Did you mean 'net'?"):
        scores.difference("nat", "net", metric="cRSA", region="IT")
    with said(UnknownNameError, "no layer is called 'fc7'. Did you mean 'fc6'?"):
        scores.difference(("net", "fc7"), "net", metric="cRSA", region="IT")
    with said(UnknownNameError, "no metric is called 'eReg'. There are: cRSA."):
        scores.difference("net", "net", metric="eReg", region="IT")
    with said(InputError, "layer 'fc6' of 'net' is in two of the scores. Give models names: encode(…, model=…)."):
        scores.merge(scores)
    other = Recording(ids=IDS, responses=BRAIN.responses + 1, units=UNITS, name="sub2", small_rois="keep")
    with said(InputError, "scores against 'sub1' and 'sub2' can't be merged: the recordings differ."):
        scores.merge(encode(LAYER, other, metrics=("cRSA",)))
    with said(InputError, "scores by the protocols 'conwell2024, changed' and 'net2brain, changed' can't be merged: they differ."):
        scores.merge(encode(LAYER, BRAIN, protocol="net2brain", metrics=("cRSA",), normaliser="none"))
    with said(UnknownNameError, "no column of scores is called 'roi'. There are: layer, score, split."):
        choose_layers(pandas.DataFrame({"layer": ["a"], "score": [1.0], "split": ["train"]}), by=("roi",))
    with said(InputError, "no layer has a score with split = 'validation'."):
        scores.chosen(criterion={"split": "validation"})
    scores.save(tmp_path / "it")
    with said(InputError, f"{tmp_path / 'it'} is there already. Choose another folder, or delete it."):
        scores.save(tmp_path / "it")


def test_certainty():
    with said(InputError, "seed must be a whole number, 0 or more; got -1."):
        encode(LAYER, BRAIN, seed=-1)
    with said(InputError, "replicates must be a whole number, 0 or more; got 1.5."):
        encode(LAYER, BRAIN, intervals="bootstrap", replicates=1.5)
    with said(InputError, "intervals='bootstrap' needs replicates; got 0."):
        encode(LAYER, BRAIN, intervals="bootstrap", replicates=0)


def test_nothing_to_score_and_no_regression():
    with said(InputError, "regions=[] leaves no region to score; the recording has IT, FFA."):
        encode(LAYER, BRAIN, regions=[])
    with said(InputError, "Protocol.regression must be Ridge(…), PLS(…) or PrincipalRegression(…); got 'ridge'."):
        encode(LAYER, BRAIN, regression="ridge")


def test_notes_on_choices_and_few_stimuli():
    layers = {"a": LAYER, "b": Features(RNG.normal(size=(N, 8)), IDS)}
    note = (
        "train scores are means over 4 folds, which train on stimuli that other folds test on: the test scores of layers that they choose "
        "are too high. To report a chosen layer, split once: EvenOdd() or Halves(…)."
    )
    assert note in encode(layers, BRAIN, metrics="cRSA", split=KFold(folds=4)).notes
    assert note not in encode(layers, BRAIN, metrics="cRSA").notes
    assert note not in encode(LAYER, BRAIN, metrics="cRSA", split=KFold(folds=4)).notes
    few = (
        "scores rest on 6 test stimuli: of fewer than 20 intervals are too narrow (95 % intervals of mean correlations held the truth in "
        "78 of 100 simulations with 3, in 85 with 8)."
    )
    assert few in encode(LAYER, BRAIN.take(IDS[:12]), metrics="eReg").notes
    assert encode(LAYER, BRAIN, metrics="cRSA", regions="IT").notes == ()
