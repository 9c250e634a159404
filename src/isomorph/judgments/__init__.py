"""What people said about stimuli: odd-one-out triplets, ratings, arrangements; and how well features foretell them."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "CENTRINGS": "isomorph.judgments._similarity",
    "Calibration": "isomorph.judgments._calibration",
    "PAIRS": "isomorph.judgments._triplets",
    "Ratings": "isomorph.judgments._ratings",
    "SIMILARITIES": "isomorph.judgments._similarity",
    "TIES": "isomorph.judgments._ties",
    "TripletCeilings": "isomorph.judgments._ceilings",
    "TripletCheck": "isomorph.judgments._check",
    "TripletScore": "isomorph.judgments._triplet_score",
    "Triplets": "isomorph.judgments._triplets",
    "canonicalise": "isomorph.judgments._check",
    "check_triplets": "isomorph.judgments._check",
    "load_triplets": "isomorph.judgments._load",
    "order_hash": "isomorph.judgments._triplets",
    "pair_similarities": "isomorph.judgments._similarity",
    "read_alignet": "isomorph.judgments._alignet",
    "read_cblearn": "isomorph.judgments._numbered",
    "read_levels": "isomorph.judgments._levels",
    "read_material_appearance": "isomorph.judgments._material_appearance",
    "read_meadows": "isomorph.judgments._meadows",
    "read_nights": "isomorph.judgments._nights",
    "read_ratings": "isomorph.judgments._ratings",
    "read_things": "isomorph.judgments._numbered",
    "read_things_csv": "isomorph.judgments._things_csv",
    "save_triplets": "isomorph.judgments._save",
    "score_ratings": "isomorph.judgments._ratings",
    "score_triplets": "isomorph.judgments._score_triplets",
    "things_ids": "isomorph.judgments._things",
    "triplet_ceilings": "isomorph.judgments._ceilings",
    "triplets_from_similarities": "isomorph.judgments._from_similarities",
    "write_alignet": "isomorph.judgments._alignet",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
