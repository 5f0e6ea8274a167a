"""What every result shares: absence with a reason, frames, JSON and HTML; nothing computes here."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self, TypeGuard, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from combined_care import markup

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Absent:
    """A quantity that the data cannot support, and why.

    Formatting it (``f"{value:.2f}"``) writes the reason, so that a sentence stays honest.
    """

    reason: str

    def __str__(self) -> str:
        return f"not available ({self.reason})"

    def __format__(self, spec: str) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return markup.paragraph(str(self))


#: A number, or its absence with the reason.
Number = float | Absent


def is_present(value: float | Absent) -> TypeGuard[float]:
    """Tell whether `value` is a number rather than an absence."""
    return not isinstance(value, Absent)


def rounded(value: Number | str) -> float | str:
    """Round to six digits: enough to compare, few enough to be the same on every machine.

    Examples
    --------
    >>> rounded(0.12345678), rounded(12), rounded(Absent("one trial"))
    (0.123457, 12, 'not available (one trial)')
    """
    if isinstance(value, (str, Absent)):
        return str(value)
    return value if isinstance(value, int) else float(f"{value:.6g}")


_REGISTRY: dict[str, type[Result]] = {}


class Result:
    """Base of all result records.

    A subclass is a frozen dataclass declared with ``eq=False`` (arrays compare by content here).
    It defines ``__str__`` as one honest sentence. Its arrays are made read-only by
    :func:`frozen_array`.
    """

    __slots__ = ()
    #: Caption of the HTML table; a subclass may say it better.
    caption: ClassVar[str] = "Result"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        other = _REGISTRY.setdefault(cls.__name__, cls)
        if other.__module__ != cls.__module__:
            message = (
                f"two results are named {cls.__name__}: in {other.__module__} and {cls.__module__}"
            )
            raise TypeError(message)
        _REGISTRY[cls.__name__] = cls  # a dataclass with slots is made twice

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON types, in their order; absences keep their reason."""
        return {f.name: _plain(getattr(self, f.name)) for f in _fields(self)}

    def to_json(self) -> str:
        """Return the result as JSON text; :meth:`from_json` reads it back."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, document: str) -> Self:
        """Read a result that :meth:`to_json` wrote."""
        return cls(**{key: _rich(value) for key, value in json.loads(document).items()})

    def to_frame(self) -> pd.DataFrame:
        """Return the scalar fields as a frame of one row; absences stay objects with a reason."""
        scalars = (str, int, float, bool, Absent, type(None))
        row = {f.name: getattr(self, f.name) for f in _fields(self)}
        return pd.DataFrame([{k: v for k, v in row.items() if isinstance(v, scalars)}])

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        rows: list[tuple[object, ...]]
        if len(frame) == 1:
            header: tuple[str, ...] = ("quantity", "value")
            rows = [(name, _shown(value)) for name, value in frame.iloc[0].items()]
        else:
            header = tuple(str(name) for name in frame.columns)
            rows = [tuple(_shown(v) for v in row) for row in frame.itertuples(index=False)]
        sentence = markup.paragraph(str(self))
        return sentence + markup.table(header, rows, caption=self.caption)


def frozen_array(values: npt.ArrayLike) -> FloatArray:
    """Copy `values` to a read-only float array."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def _fields(result: Result) -> tuple[Any, ...]:
    return fields(cast("Any", result))


def _shown(value: object) -> str:
    return markup.number(value, 4) if isinstance(value, float) else str(value)


def _number_plain(value: float) -> float | dict[str, str]:
    """JSON has no infinities; a nan never belongs in a result."""
    if np.isnan(value):
        message = "a result holds nan; use Absent with the reason"
        raise ValueError(message)
    return value if np.isfinite(value) else {"$number": "inf" if value > 0 else "-inf"}


def _plain(value: Any) -> Any:
    """Turn one field into JSON types, tagged where JSON has no word for it."""
    match value:
        case Absent():
            return {"$absent": value.reason}
        case Result():
            return {"$result": type(value).__name__, "fields": value.to_dict()}
        case np.ndarray():
            return {"$array": [_plain(item) for item in value.tolist()]}
        case pd.DataFrame():
            columns = {str(name): [_plain(v) for v in value[name].tolist()] for name in value}
            return {"$frame": columns}
        case tuple():
            return {"$tuple": [_plain(item) for item in value]}
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case bool() | np.bool_():
            return bool(value)
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return _number_plain(float(value))
        case None | str():
            return value
    message = f"cannot write {type(value).__name__} as JSON"
    raise TypeError(message)


def _rich(value: Any) -> Any:
    """Undo :func:`_plain`."""
    if isinstance(value, list):
        return [_rich(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$absent": reason}:
            return Absent(reason)
        case {"$number": word}:
            return float(word)
        case {"$array": items}:
            return frozen_array([_rich(item) for item in items])
        case {"$tuple": items}:
            return tuple(_rich(item) for item in items)
        case {"$frame": columns}:
            return pd.DataFrame({k: [_rich(v) for v in col] for k, col in columns.items()})
        case {"$result": name, "fields": inner}:
            return _REGISTRY[name](**{k: _rich(v) for k, v in inner.items()})
    return {key: _rich(item) for key, item in value.items()}
