"""Types of values that several sections of `dragoman.yaml` share."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dragoman.config.secrets import Secret

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Size = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Status = Annotated[int, msgspec.Meta(ge=400, le=599)]

HeaderText = Annotated[Secret, msgspec.Meta(extra={"header": True})]
"""A header's value: may be secret, may as well stand in the file."""
Texts = str | tuple[str, ...]
"""One text, or a list of which any will do."""


def many(texts: Texts) -> tuple[str, ...]:
    """One text or several, as several."""
    return (texts,) if isinstance(texts, str) else texts


def as_written(example: str) -> msgspec.Meta:
    """Of a field that must be given: how it may be written, for whoever left it out."""
    return msgspec.Meta(extra={"example": example})
