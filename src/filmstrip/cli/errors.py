"""Errors of the command line alone: what cannot happen to a script that calls the library."""

from __future__ import annotations

from filmstrip.errors import FilmstripError, one_line

__all__ = ["AmbiguousRunError", "ConfirmationError", "ImageIndexError"]

_MAX_CANDIDATES = 8


class AmbiguousRunError(FilmstripError, LookupError):
    """What stands for RUN fits several runs."""

    exit_code = 2

    def __init__(self, text: str, *, candidates: list[str]) -> None:
        self.text, self.candidates = text, candidates
        shown = ", ".join(map(repr, candidates[:_MAX_CANDIDATES]))
        more = len(candidates) - _MAX_CANDIDATES
        super().__init__(
            one_line(
                f"expected the id of one run, got {text!r}, which fits {len(candidates)}; "
                f"write more of one of {shown}" + (f" and {more} more" if more > 0 else "")
            )
        )


class ImageIndexError(FilmstripError, IndexError):
    """A key has fewer images at a step than ``--index`` asks for."""

    exit_code = 2

    def __init__(self, index: int, *, key: str, step: int, num_images: int) -> None:
        self.index, self.key, self.step, self.num_images = index, key, step, num_images
        span = "0" if num_images == 1 else f"from 0 to {num_images - 1}"
        super().__init__(
            one_line(
                f"expected --index {span}, got {index}; "
                f"{key!r} has {num_images} image{'s' * (num_images != 1)} at step {step}"
            )
        )


class ConfirmationError(FilmstripError):
    """Something would be deleted, and nobody can be asked."""

    exit_code = 2

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            one_line(
                f"expected a terminal to ask before deleting {what}, got none; "
                "pass --yes to delete without asking"
            )
        )
