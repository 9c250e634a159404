"""AligNet: from a teacher's features to millions of labelled triplets, and from those to aligned students."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "AlignetStudy": "isomorph.alignet._study",
    "Clusters": "isomorph.alignet._clusters",
    "Export": "isomorph.alignet._export",
    "FineTuned": "isomorph.alignet._fine_tuned",
    "FineTuning": "isomorph.alignet._fine_tuning",
    "KMeans": "isomorph.alignet._kmeans",
    "LabelRange": "isomorph.alignet._label_ranges",
    "LabelReport": "isomorph.alignet._label_report",
    "LabelsJoin": "isomorph.alignet._label_ranges",
    "LoRA": "isomorph.alignet._fine_tuning",
    "MappedFeatures": "isomorph.alignet._mapped_features",
    "Readout": "isomorph.alignet._readout",
    "SAMPLINGS": "isomorph.alignet._sample_kinds",
    "SampleStatistics": "isomorph.alignet._sample_statistics",
    "Student": "isomorph.alignet._student",
    "TripletLoss": "isomorph.alignet._triplet_loss",
    "TripletSampler": "isomorph.alignet._sample",
    "TripletTable": "isomorph.alignet._triplet_table",
    "alignet_path": "isomorph.alignet._convert",
    "demo_study": "isomorph.alignet._demo_study",
    "export_student": "isomorph.alignet._export",
    "fit_readout": "isomorph.alignet._readout_fit",
    "import_saved_model": "isomorph.alignet._import_saved_model",
    "label_ranges": "isomorph.alignet._label_ranges",
    "label_triplets": "isomorph.alignet._label",
    "levels_questions": "isomorph.alignet._levels",
    "load_groups": "isomorph.alignet._sample_groups",
    "load_student": "isomorph.alignet._import_student",
    "readout_from_classifier": "isomorph.alignet._readout",
    "sample_to_table": "isomorph.alignet._sample",
    "siglip_from_flax": "isomorph.alignet._import_siglip",
    "table_from_alignet": "isomorph.alignet._convert",
    "table_from_triplets": "isomorph.alignet._convert",
    "triplet_accuracy": "isomorph.alignet._triplet_loss",
    "with_readout": "isomorph.alignet._readout",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
