"""Export: a run's pictures in formats that other programs read, one module a format."""

from __future__ import annotations

from filmstrip.export.run import FORMATS, Format, export_run
from filmstrip.export.steps import StepSelection, parse_steps
from filmstrip.export.summary import ExportSummary, SkippedImage

__all__ = [
    "FORMATS",
    "ExportSummary",
    "Format",
    "SkippedImage",
    "StepSelection",
    "export_run",
    "parse_steps",
]
