"""What the server answers instead of an error page: a status and one line that says why."""

from __future__ import annotations

from filmstrip.errors import FilmstripError, one_line

__all__ = ["ApiError", "BadRequestError", "GoneError", "MissingError", "UndecodableError"]

_MAX_REASON = 500
"""Characters of a reason that are sent; what came in may be long, the answer stays one line."""


class ApiError(FilmstripError):
    r"""A request that cannot be answered; its text is the reason that is sent.

    Examples
    --------
    >>> error = ApiError(418, "no" + chr(10) + "tea")
    >>> error.status, str(error).count(chr(10))
    (418, 0)
    """

    def __init__(self, status: int, reason: str) -> None:
        line = one_line(reason)
        self.status = status
        super().__init__(line if len(line) <= _MAX_REASON else line[: _MAX_REASON - 1] + "…")


class BadRequestError(ApiError):
    """The request itself makes no sense: 400."""

    def __init__(self, reason: str) -> None:
        super().__init__(400, reason)


class MissingError(ApiError):
    """There is no such thing in the store: 404."""

    def __init__(self, reason: str) -> None:
        super().__init__(404, reason)


class GoneError(ApiError):
    """It was logged, but its bytes are deleted, damaged or out of reach: 410."""

    def __init__(self, reason: str) -> None:
        super().__init__(410, reason)


class UndecodableError(ApiError):
    """The stored bytes make no picture that can be decoded safely: 422."""

    def __init__(self, reason: str) -> None:
        super().__init__(422, reason)
