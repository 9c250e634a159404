"""`isomorph consistency`: do relations between models carry over from one data set to another?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import call, wrong_usage

if TYPE_CHECKING:
    from isomorph.consistency import ConsistencyResult, Similarities

_SHOWN_PAIRS = 30
_STUDY = "isomorph.cli._consistency_study"


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(consistency, words, command="consistency")


def module_for(words: list[str]) -> str:
    """Where the command is: a `.toml` file is a study to run; anything else is stored similarities."""
    return _STUDY if any(word.endswith(".toml") for word in words) else __name__


def consistency(
    sources: Annotated[tuple[str, ...], tyro.conf.Positional],
    *,
    metadata: Path | None = None,
    by: str | None = None,
    widths: str | None = None,
    performance: Path | None = None,
    measures: str = "*",
    method: Literal["pearson", "spearman"] = "pearson",
    resample: Literal["models", "datasets", "both"] = "models",
    replicates: int = 1000,
    permutations: int = 1000,
    minimum_pairs: int = 10,
    missing: Literal["raise", "drop"] = "raise",
    level: float = 0.95,
    seed: int = 0,
    anchors: tuple[str, ...] = (),
    out: Path | None = None,
    report: Path | None = None,
    figures: bool = True,
    json: bool = False,
) -> None:
    """Say how far the similarities among models agree between data sets.

    Args:
        sources: One similarity matrix a data set (.npy .npz .pt .csv .tsv .parquet; a header, model_ids.txt beside it or --metadata
            names the models); or one folder: saved similarities, or a study folder with model_similarities/. A study.toml is run.
        metadata: A table of models: .json (model -> fields), .csv, .tsv or .parquet.
        by: A column of it: consistency within and between its categories.
        widths: A column of it with the number of features: is consistency explained by them?
        performance: A table (.csv .tsv .parquet) with the columns dataset, model and one of numbers, for similarity against performance.
        measures: A shell pattern for the measures of a folder.
        method: pearson or spearman.
        resample: What the bootstrap draws: models, datasets or both.
        replicates: Bootstrap replicates for the intervals.
        permutations: Of model labels, for the p-values.
        minimum_pairs: Fewer pairs of models give no number.
        missing: drop: on each pair of data sets only the models that both have.
        level: Of the intervals.
        seed: Of all draws.
        anchors: Models whose similarities to all others of each category of --by are followed one by one, instead of sets.
        out: A folder for all numbers: pairs.csv, summary.csv, gap.csv, options.json.
        report: A folder for the pages, with the numbers and figures.
        figures: Write figures for papers beside the pages (needs matplotlib).
        json: One JSON object a measure: measure, names, matrix, pairs (of models, the least), intervals, summary, gap, notes.
    """
    from isomorph.consistency import Consistency

    if not sources:
        wrong_usage("consistency", "one folder or two or more similarity matrices are needed.")
    if anchors and by is None:
        wrong_usage("consistency", "--anchors needs --by, the column whose categories each is seen against.")
    similarities = _with_facts(_read(sources, metadata, measures), widths, performance)
    analysis = Consistency(
        method=method,
        resample=resample,
        replicates=replicates,
        permutations=permutations,
        minimum_pairs=minimum_pairs,
        missing=missing,
        level=level,
        seed=seed,
    )
    result = analysis.anchors(similarities, anchors, by=str(by)) if anchors else analysis(similarities, by=by)
    if out is not None:
        result.save(out)
    if not json:
        _print(result)
    if report is not None:
        results = {"anchors": result, "all": analysis(similarities)} if anchors else {by or "all": result}
        _write_report(similarities, results, report, figures=figures)
    for measure in similarities.measures if json else ():
        names = sources if len(sources) > 1 else similarities.datasets
        print_json(_answer(result, measure, list(names)))


def _write_report(similarities: Similarities, results: dict[str, ConsistencyResult], folder: Path, *, figures: bool) -> None:
    from isomorph.report import consistency_report

    written = consistency_report(similarities, results, title=folder.resolve().name)
    page = written.save(folder, figures=figures)
    say(written.headline)
    say(f"report: {page}")


def _read(sources: tuple[str, ...], metadata: Path | None, measures: str) -> Similarities:
    from fnmatch import fnmatchcase

    from isomorph.consistency import Similarities, load_metadata
    from isomorph.errors import UnknownNameError

    if len(sources) > 1 or not Path(sources[0]).is_dir():
        return Similarities.from_matrices(dict(zip(_short(sources), sources, strict=True)), metadata=metadata)
    folder = Path(sources[0])
    if (folder / "model_similarities").is_dir():
        return Similarities.from_original(folder, metadata=metadata, measures=measures)
    loaded = Similarities.load(folder)
    chosen = [name for name in loaded.measures if fnmatchcase(name, measures)]
    if not chosen:
        raise UnknownNameError("measure", measures, loaded.measures)
    loaded = loaded.take(measures=chosen)
    return loaded if metadata is None else replace(loaded, metadata=load_metadata(metadata))


def _with_facts(similarities: Similarities, widths: str | None, performance: Path | None) -> Similarities:
    from isomorph.consistency import load_performance

    if widths is not None:
        similarities = replace(similarities, widths=_widths(similarities, widths))
    if performance is not None:
        known = load_performance(performance, datasets=similarities.datasets, models=similarities.models)
        similarities = replace(similarities, performance=known)
    return similarities


def _short(sources: tuple[str, ...]) -> list[str]:
    """The part of each path that tells it from the others: its stem, else the last folder that differs, else all of it."""
    paths = [Path(each) for each in sources]
    depth = min(len(each.parts) for each in paths)
    candidates = [[each.stem for each in paths], *([each.parts[-at] for each in paths] for at in range(2, depth + 1))]
    return next((names for names in candidates if len(set(names)) == len(names)), list(sources))


def _widths(similarities: Similarities, column: str) -> tuple[int, ...]:
    from isomorph.errors import InputError, UnknownNameError

    if column not in similarities.table.columns:
        raise UnknownNameError("metadata column", column, map(str, similarities.table.columns))
    try:
        return tuple(int(each) for each in similarities.table[column])
    except (TypeError, ValueError) as error:
        raise InputError(f"the column {column!r} does not hold a whole number of features for each model: {error}.") from error


def _answer(result: ConsistencyResult, measure: str, names: list[str]) -> dict[str, Any]:
    rows = result.summary[result.summary["measure"] == measure]
    overall = rows.iloc[-1]  # all models; with anchors the last of them
    sets = {"measure": measure, "set_a": overall["set_a"], "set_b": overall["set_b"]}
    low, high = (result.matrix(**sets, column=column).to_numpy() for column in ("low", "high"))
    gap = None if result.gap is None else result.gap[result.gap["measure"] == measure].to_dict("records")
    return {
        "measure": measure,
        "names": names,
        "matrix": result.matrix(**sets).to_numpy(),
        "pairs": int(overall["model_pairs"]),
        "intervals": [list(zip(*each, strict=True)) for each in zip(low.tolist(), high.tolist(), strict=True)],
        "p": result.matrix(**sets, column="p").to_numpy(),
        "median": overall["median"],
        "low": overall["low"],
        "high": overall["high"],
        "summary": rows.drop(columns="measure").to_dict("records"),
        "gap": gap,
        **{
            name: result.options[name] for name in ("method", "resample", "replicates", "permutations", "seed", "level", "notes", "skipped")
        },
    }


def _print(result: ConsistencyResult) -> None:
    several = result.summary["measure"].nunique() > 1
    kind = ["measure"] if several else []
    sets = ["set_a", "set_b"] if len(result.summary) > result.summary["measure"].nunique() else []
    if len(result.pairs) <= _SHOWN_PAIRS:
        columns = [*kind, *sets, "dataset_a", "dataset_b", "r", "low", "high", "p", "width_partial_r", "model_pairs"]
        print_table(result.pairs.to_dict("records"), _known(result.pairs, columns), title="pairs of data sets")
        print()
    columns = [*kind, *sets, "median", "low", "high", "p", "size_matched_median", "width_partial_median", "sd_median"]
    columns += ["model_pairs", "dataset_pairs", "leave_one_out_low", "leave_one_out_high"]
    print_table(result.summary.to_dict("records"), _known(result.summary, columns), title="consistency over pairs of data sets")
    if result.gap is not None:
        columns = [*kind, "dataset", "r", "low", "high", "p", "model_pairs"]
        print()
        print_table(result.gap.to_dict("records"), columns, title="similarity with difference in performance")
    for note in result.options["notes"]:
        say(note)


def _known(table: Any, columns: list[str]) -> list[str]:
    """Without columns in which nothing is known."""
    return [name for name in columns if table[name].notna().any()]
