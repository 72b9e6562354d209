"""The words of an attempt that goes on with an answer, as they join on to what their client has: without those that are said again,
and with what they cite at its place in the client's text."""

from __future__ import annotations

import msgspec

from dragoman.ir.request import Citation
from dragoman.lower.seam import Seam

replace = msgspec.structs.replace


class Joint:
    """Feed it the words of one text that comes after `before`, in the client's part `part`, of which the client has `begin` characters.
    `owed`: see Seam."""

    def __init__(self, part: int, before: str, owed: str, *, begin: int) -> None:
        self.part = part
        self._seam = Seam(before, owed)
        self._begin = begin
        self._came = self._told = 0
        self._cited: list[Citation] = []

    def feed(self, text: str) -> str:
        """The words of these that are new, as far as that is known yet."""
        self._came += len(text)
        return self._new(self._seam.feed(text))

    def close(self) -> str:
        """The words are over: those that were held back, where they are new."""
        return self._new(self._seam.close())

    def cut(self) -> str:
        """The stream broke off again: the words that were held back, without those that may still have been a repetition."""
        return self._new(self._seam.cut())

    def cite(self, citation: Citation) -> None:
        """Keep a citation until the words are over, since only then its place is known."""
        self._cited.append(citation)

    def citations(self) -> list[Citation]:
        """What the words cite. A page that its API gave a place among its own words is told by its place here, not in that API's form."""
        return [self._moved(citation) for citation in self._cited]

    def _new(self, text: str) -> str:
        self._told += len(text)
        return text

    def _moved(self, citation: Citation) -> Citation:
        page = citation.page
        if page is None:
            return citation
        # What was taken out stood at the beginning.
        shift = self._begin + self._told - self._came
        start, end = (max(self._begin, place + shift) for place in page.span(self._came))
        moved = replace(page, start=start, end=end)
        return replace(citation, page=moved) if page.start is None else Citation("", {}, moved)
