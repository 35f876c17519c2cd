"""The command line: ``filmstrip``, one module a command."""

from __future__ import annotations

from filmstrip.cli.app import app, main

__all__ = ["app", "main"]
