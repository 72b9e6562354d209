"""Rows as every database takes them: the last resort for what clients and providers say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec

from dragoman.store.batch import Batch

_LARGEST = 2**63 - 1


def cleaned(batch: Batch) -> Batch:
    """The batch without letters that are none (NUL, half a surrogate pair) and with numbers that 64 bits hold."""
    fields = [name for name in Batch.__struct_fields__ if isinstance(getattr(batch, name), list)]
    rows = {field: [_all(row) for row in getattr(batch, field)] for field in fields}
    return msgspec.structs.replace(batch, columns={name: _all(column) for name, column in batch.columns.items()}, **rows)


def _all(values: Sequence[Any]) -> list[Any]:
    return [_scalar(value) for value in values]


def cleaned_value(value: Any) -> Any:
    """The same of a value that is made of lists and tables."""
    if isinstance(value, dict):
        table = cast("dict[Any, Any]", value)
        return {cleaned_value(key): cleaned_value(each) for key, each in table.items()}
    if isinstance(value, (list, tuple)):
        return [cleaned_value(each) for each in cast("Iterable[Any]", value)]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, int) and abs(value) > _LARGEST:
        return _LARGEST if value > 0 else -_LARGEST
    return value
