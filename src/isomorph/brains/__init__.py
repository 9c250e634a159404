"""What brains did: responses with units, ROIs and repeats, as features; how well they can be foretold at all."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "RDMRecording": "isomorph.brains._rdm_recording",
    "Recording": "isomorph.brains._recording",
    "leave_one_subject_out": "isomorph.brains._ceiling",
    "load_recording": "isomorph.brains._load_recording",
    "ncsnr": "isomorph.brains._ceiling",
    "ncsnr_ceiling": "isomorph.brains._ceiling",
    "read_brainio": "isomorph.brains._read_brainio",
    "read_mne": "isomorph.brains._read_mne",
    "read_nifti": "isomorph.brains._read_nifti",
    "read_nsd": "isomorph.brains._read_nsd",
    "read_rsatoolbox": "isomorph.brains._read_rsatoolbox",
    "simulated_nsd": "isomorph.brains._simulated_recording",
    "simulated_recording": "isomorph.brains._simulated_recording",
    "spearman_brown": "isomorph.brains._ceiling",
    "split_half_reliability": "isomorph.brains._ceiling",
    "unit_ceilings": "isomorph.brains._unit_ceilings",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
