"""AligNet: from a teacher's features to millions of labelled triplets, and from those to aligned students."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "AlignetStudy": "isomorph.alignet._study",
    "Clusters": "isomorph.alignet._clusters",
    "FineTuned": "isomorph.alignet._fine_tuned",
    "FineTuning": "isomorph.alignet._fine_tuning",
    "KMeans": "isomorph.alignet._kmeans",
    "LabelReport": "isomorph.alignet._label_report",
    "LoRA": "isomorph.alignet._fine_tuning",
    "SAMPLINGS": "isomorph.alignet._sample_kinds",
    "SampleStatistics": "isomorph.alignet._sample_statistics",
    "Student": "isomorph.alignet._student",
    "TripletLoss": "isomorph.alignet._triplet_loss",
    "TripletSampler": "isomorph.alignet._sample",
    "TripletTable": "isomorph.alignet._triplet_table",
    "alignet_path": "isomorph.alignet._convert",
    "demo_study": "isomorph.alignet._demo_study",
    "label_triplets": "isomorph.alignet._label",
    "load_groups": "isomorph.alignet._sample_groups",
    "sample_to_table": "isomorph.alignet._sample",
    "table_from_alignet": "isomorph.alignet._convert",
    "table_from_triplets": "isomorph.alignet._convert",
    "triplet_accuracy": "isomorph.alignet._triplet_loss",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
