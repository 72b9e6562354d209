"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Container, Sequence

from dragoman.observe.cells import beginning, ending, padded, width

_WIDEST = 60
_ENDING = 20


def aligned(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> list[str]:
    """The rows as lines with their cells below each other; those of the places `right` end together, the others begin together."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            " " * (room - width(cell)) + cell if place in right else padded(cell, room)
            for place, (cell, room) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def shortened(name: str) -> str:
    """A name for a cell: clients may choose names as long as they like. What is left out of one is left out of its middle, since the end
    tells names apart."""
    return name if width(name) <= _WIDEST else f"{beginning(name, _WIDEST - _ENDING - 1)}…{ending(name, _ENDING)}"
