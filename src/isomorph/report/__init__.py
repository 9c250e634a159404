"""Results as a page that opens from a folder without a network, with figures for papers and the data beside it."""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "Report": "isomorph.report._report",
    "classical_mds": "isomorph.report._mds",
    "report": "isomorph.report._report",
    "smacof": "isomorph.report._mds",
}

__all__ = ["Report", "classical_mds", "report", "smacof"]  # noqa: F822
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
