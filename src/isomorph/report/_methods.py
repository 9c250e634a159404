"""How the numbers were made, in words: what a paper's methods section needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isomorph.report._names import measure_words

if TYPE_CHECKING:
    from isomorph.results import BenchmarkRecord, Results

_DISTANCES = {
    "correlation": "1 minus the Pearson correlation between their feature vectors",
    "cosine": "1 minus the cosine between their feature vectors",
    "euclidean": "the Euclidean distance between their feature vectors",
    "sqeuclidean": "the squared Euclidean distance between their feature vectors",
}
CITATIONS = (
    "Kriegeskorte, Mur & Bandettini (2008). Representational similarity analysis. Frontiers in Systems Neuroscience 2:4.",
    "Nili, Wingfield, Walther, Su, Marslen-Wilson & Kriegeskorte (2014). A toolbox for representational similarity analysis. "
    "PLoS Computational Biology 10(4): e1003553. (Noise ceiling.)",
    "Benjamini & Hochberg (1995). Controlling the false discovery rate. Journal of the Royal Statistical Society B 57, 289-300.",
    "Borg & Groenen (2005). Modern Multidimensional Scaling. Springer. (The map.)",
    "Satyanarayan, Moritz, Wongsuphasawat & Heer (2017). Vega-Lite. IEEE Transactions on Visualization and Computer Graphics 23, 341-350.",
)


def procedure(results: Results) -> list[str]:
    """Paragraphs that hold for every benchmark of geometries in the report."""
    if not results.benchmarks:
        return []
    options, table = results.methods.get("options", {}), results.table
    permutations = options.get("permutations")
    table = table[table["layer"] != ""]
    seeds = ", ".join(str(each) for each in sorted(set(table["seed"].astype(int))))
    drawn = {"subjects": "subjects", "both": "stimuli and subjects"}.get(str(options.get("resample")), "stimuli")
    counts = sorted(set(table["replicates"].astype(int)))
    said = [
        "Every model saw every stimulus once. The features of each layer were reduced to a representational dissimilarity matrix (RDM): "
        "one number for each pair of stimuli. A model's score for a target is the mean, over the target's subjects, of the similarity "
        "between the layer's RDM and the subject's RDM (averaged over repeated measurements).",
        f"Intervals are 95% bootstrap percentile intervals over {drawn} ({' or '.join(f'{each:,}' for each in counts)} replicates, "
        f"seed {seeds}); they say how far the score may move with another sample of {drawn} of the same sort."
        if max(counts)
        else "No bootstrap was run, so the scores have no intervals.",
        "The noise ceiling is the range in which the best possible model would score, given how much the subjects differ. Its lower end "
        "is the mean similarity of each subject's RDM to the pool of the others; its upper end is the mean similarity to the pool of all. "
        "A target with one subject has none.",
    ]
    if permutations:
        said.append(
            f"p-values come from {int(permutations):,} permutations of the stimuli (one-sided: more similar than chance), and are "
            "corrected by the method of Benjamini and Hochberg over all layers and models of one target."
        )
    with_the_target = {f"{target.name}: {target.note}" for record in results.benchmarks for target in record.targets}
    return [*said, *(str(each) for each in results.methods.get("notes", ()) if each not in with_the_target)]


def benchmark_facts(record: BenchmarkRecord) -> list[str]:
    """Paragraphs about one benchmark: stimuli, distance, comparison, targets, what was left out."""
    stimuli = record.stimuli
    words = " and ".join(measure_words(f"rsa-{each}") for each in record.comparisons)
    noun = "texts" if stimuli.modality == "text" else "images"
    said = [
        f"{len(stimuli.ids)} {noun}: {record.summary}. The dissimilarity of two stimuli is "
        f"{_DISTANCES.get(record.distance, record.distance)}; two RDMs are compared by {words}."
    ]
    for target in record.targets:
        people = f"{target.subjects} subject{'s' * (target.subjects != 1)}"
        repeats = f", {target.repeats} repeated measurements each" if target.repeats > 1 else ""
        note = f" {target.note[0].upper()}{target.note[1:]}" if target.note else ""
        said.append(f"Target “{target.name}” ({target.kind}): {people}{repeats}.{note} {target.citation}".strip())
    if record.citation or record.licence:
        said.append(
            " ".join(each for each in (record.citation, f"Licence of the data: {record.licence}." if record.licence else "") if each)
        )
    return said


def model_rows(results: Results) -> list[dict[str, str]]:
    """One row a model for the table of model cards; what is not known is an en dash."""
    digests = results.table.drop_duplicates("model").set_index("model")["model_fingerprint"].to_dict() if len(results.table) else {}
    return [_card(name, card, str(digests.get(name, ""))) for name, card in results.methods.get("models", {}).items()]


def _card(name: str, card: Mapping[str, Any], fingerprint: str) -> dict[str, str]:
    parameters = card.get("parameters")
    fields = {
        "objective": card.get("objective"),
        "training_data": card.get("training_data"),
        "parameters": None if parameters is None else f"{int(parameters):,}",
        "licence": card.get("licence"),
        "weights": str(card.get("weights_sha256") or card.get("revision") or "")[:10],
        "fingerprint": fingerprint[:10],
        "citation": card.get("citation"),
    }
    return {"name": name, **{key: str(value) if value not in (None, "") else "–" for key, value in fields.items()}}
