"""Strict conversion between frozen dataclasses and JSON values.

The types of a dataclass's fields are its schema. Reading refuses what does not
fit: unknown or missing keys, other types, NaN and infinities. Integers are
taken where a float is asked for, never the other way round, and a bool is not
a number. So that a peer or a journal of an older version still reads what asks
for nothing new, a field that is marked with NEWER is left out at its default.
"""

from __future__ import annotations

import dataclasses
import math
from enum import Enum
from functools import lru_cache
from typing import Any, Dict, List, Type, TypeVar, Union, get_type_hints

from .errors import bad_request

T = TypeVar("T")

NEWER: Dict[str, bool] = {"newer": True}  # metadata of a field that came after PROTOCOL was set


def to_wire(value: Any) -> Any:
    """A JSON value (dict, list, str, int, float, bool, None) for a dataclass or what it holds."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_wire(getattr(value, f.name)) for f in _told(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (list, tuple)):
        return [to_wire(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_wire(item) for key, item in value.items()}
    return value


def from_wire(cls: Type[T], data: Any, where: str = "") -> T:
    """An instance of dataclass `cls` from JSON `data`.

    Raises ScumbleError (bad_request) naming the field that does not fit.
    """
    name = where or cls.__name__
    if not isinstance(data, dict):
        raise bad_request("%s must be an object." % name)
    hints = _hints(cls)  # type: ignore[arg-type]
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise bad_request("%s has an unknown field %r." % (name, unknown[0]))
    values: Dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.name in data:
            label = "%s.%s" % (name, field.name)
            values[field.name] = _read(hints[field.name], data[field.name], label)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise bad_request("%s lacks the field %r." % (name, field.name))
    return cls(**values)


def list_from_wire(cls: Type[T], data: Any, where: str = "") -> List[T]:
    """Instances of dataclass `cls` from a JSON list. Raises ScumbleError (bad_request)."""
    name = where or "%s[]" % cls.__name__
    if not isinstance(data, list):
        raise bad_request("%s must be a list." % name)
    return [from_wire(cls, item, name) for item in data]


def _told(value: Any) -> List[Any]:
    return [
        f
        for f in dataclasses.fields(value)
        if not f.metadata.get("newer") or getattr(value, f.name) != f.default
    ]


@lru_cache(maxsize=None)
def _hints(cls: type) -> Dict[str, Any]:
    return get_type_hints(cls)


def _read(kind: Any, data: Any, where: str) -> Any:
    origin = getattr(kind, "__origin__", None)
    if origin is Union:
        options = [option for option in kind.__args__ if option is not type(None)]
        return None if data is None else _read(options[0], data, where)
    if origin in (tuple, list):
        if not isinstance(data, list):
            raise bad_request("%s must be a list." % where)
        return tuple(_read(kind.__args__[0], item, "%s[]" % where) for item in data)
    if origin is dict:
        if not isinstance(data, dict):
            raise bad_request("%s must be an object." % where)
        value_kind = kind.__args__[1]
        return {str(k): _read(value_kind, v, "%s.%s" % (where, k)) for k, v in data.items()}
    if kind is Any:
        return data
    if dataclasses.is_dataclass(kind):
        return from_wire(kind, data, where)  # type: ignore[arg-type]
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(data)
        except ValueError:
            raise bad_request("%s cannot be %r." % (where, data)) from None
    return _read_scalar(kind, data, where)


def _read_scalar(kind: Any, data: Any, where: str) -> Any:
    if kind is float:
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            raise bad_request("%s must be a number." % where)
        try:
            value = float(data)  # a whole number may be too long for one
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise bad_request("%s must be a finite number." % where)
        return value
    if kind is int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise bad_request("%s must be a whole number." % where)
        return data
    if not isinstance(data, kind):
        raise bad_request("%s must be of type %s." % (where, kind.__name__))
    return data
