"""The text in which Prometheus reads metrics, written from families of samples.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]
_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_ESCAPED_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One number. suffix: what stands behind the family's name."""

    labels: Labels
    value: float
    suffix: str = ""


class Family(msgspec.Struct, frozen=True):
    """All samples of one name. help: one sentence, with the unit."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Sequence[Sample]


def histogram(labels: Labels, bounds: Sequence[float], counts: Sequence[int], total: float) -> Iterator[Sample]:
    """The samples of one histogram. counts: of each bucket alone, with one more than bounds, for what is beyond the last of them."""
    seen = 0
    for bound, count in zip((*map(_number, bounds), "+Inf"), counts, strict=True):
        seen += count
        yield Sample((*labels, ("le", bound)), seen, "_bucket")
    yield Sample(labels, total, "_sum")
    yield Sample(labels, seen, "_count")


def expose(families: Iterable[Family]) -> bytes:
    """All of them as one page. A family without samples is left out."""
    return "".join([line for family in families if family.samples for line in _lines(family)]).encode("utf-8", "backslashreplace")


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help.translate(_ESCAPED_HELP)}\n# TYPE {family.name} {family.kind}\n"
    for sample in family.samples:
        yield f"{family.name}{sample.suffix}{_written(sample.labels)} {_number(sample.value)}\n"


def _written(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join([f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels]) + "}"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(value).removesuffix(".0")
