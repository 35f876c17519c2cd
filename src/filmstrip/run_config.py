"""``run.config``: a dict that is kept in the run's description and read as attributes too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

__all__ = ["Config"]


class Config(MutableMapping[str, Any]):
    """The hyperparameters of a run; each change is stored at once.

    Examples
    --------
    >>> config = Config({"lr": 0.1}, on_change=print)
    >>> config.lr
    0.1
    >>> config.epochs = 3
    {'lr': 0.1, 'epochs': 3}
    """

    __slots__ = ("_on_change", "_values")

    def __init__(
        self, values: Mapping[str, Any], *, on_change: Callable[[dict[str, Any]], None]
    ) -> None:
        object.__setattr__(self, "_values", dict(values))
        object.__setattr__(self, "_on_change", on_change)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        if name not in self._values:
            raise KeyError(name)
        self._replace({key: value for key, value in self._values.items() if key != name})

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name in Config.__slots__:  # not set yet: copy and pickle look before they fill
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (self._values,)  # a copy is a plain dict: it is not the run's any more

    def update(self, values: Any = (), /, **kwargs: Any) -> None:
        """Change or add several values at once.

        Parameters
        ----------
        values
            A dict, pairs, or an object with attributes such as ``argparse.Namespace``.
        **kwargs
            Further values; ``allow_val_change`` is W&B's and has no effect.

        Raises
        ------
        LogValueError
            A value that JSON cannot hold; nothing is changed.
        """
        kwargs.pop("allow_val_change", None)
        has_attributes = not isinstance(values, Iterable) and hasattr(values, "__dict__")
        changes = vars(values) if has_attributes else values
        self._replace({**self._values, **dict(changes, **kwargs)})

    def _replace(self, values: dict[str, Any]) -> None:
        self._on_change(values)  # raises when JSON cannot hold them: then nothing changes
        object.__setattr__(self, "_values", values)

    def __repr__(self) -> str:
        return f"Config({self._values})"
