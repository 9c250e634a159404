"""Results as a page that opens from a folder without a network, with figures for papers and the data beside it."""

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from isomorph._lazy import lazy_exports

if TYPE_CHECKING:
    from isomorph.report._report import Report
    from isomorph.results import Results

_EXPORTS = {
    "AlignetReport": "isomorph.report._alignet_report",
    "ConsistencyReport": "isomorph.report._consistency_report",
    "EncodingReport": "isomorph.report._encoding_report",
    "PerceptionReport": "isomorph.report._perception_report",
    "Report": "isomorph.report._report",
    "VisalignReport": "isomorph.report._perception_visalign_report",
    "alignet_report": "isomorph.report._alignet_report",
    "best_of_both_worlds": "isomorph.report._best_of_both",
    "classical_mds": "isomorph.report._mds",
    "consistency_report": "isomorph.report._consistency_report",
    "encoding_report": "isomorph.report._encoding_report",
    "perception_report": "isomorph.report._perception_report",
    "report": "isomorph.report._report",
    "smacof": "isomorph.report._mds",
    "visalign_report": "isomorph.report._perception_visalign_report",
}

__all__ = [
    "AlignetReport", "ConsistencyReport", "EncodingReport", "PerceptionReport", "Report", "VisalignReport", "alignet_report",
    "best_of_both_worlds", "classical_mds", "consistency_report", "encoding_report", "perception_report", "report", "smacof",
    "visalign_report",
]  # fmt: skip
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)


class _Room(ModuleType):
    """The verb and the package share the name `isomorph.report`: once the package is imported, it stands where the verb stood."""

    def __call__(self, results: "Results") -> "Report":
        from isomorph.report._report import report

        return report(results)


sys.modules[__name__].__class__ = _Room
