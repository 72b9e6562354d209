"""A toy prompt cache: remembers digests of prompts per model, and says how much of a prompt was there before."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from dragoman.simulator.claude import claude
from dragoman.simulator.gemini import gemini
from dragoman.simulator.prompt import Block, digests, prompt
from dragoman.simulator.view import View

_KEPT = 20_000
_LOOK_BACK = 20
_Memory = OrderedDict[tuple[str, str], int]


class Prefix(msgspec.Struct, frozen=True):
    """What is known of a request's prompt."""

    blocks: tuple[str, ...] = ()
    """For each block a digest of it and of all before it: equal digests mean byte-identical prefixes."""
    places: tuple[str, ...] = ()
    """Where each block stands in the request."""
    kept: int = 0
    """How many of its blocks, from the first on, stood the same in the earlier request of this model that it shares most with."""
    previous: int = 0
    """How many blocks that earlier request had: all of them are kept where the conversation only grew."""
    cached_tokens: int = 0
    written_tokens: int = 0

    @property
    def whole(self) -> str:
        """The digest of the whole prompt."""
        return self.blocks[-1] if self.blocks else ""


class PromptCache:
    """What the provider remembers. An automatic cache holds every prefix; Messages holds those that have a breakpoint."""

    def __init__(self) -> None:
        self._held: _Memory = OrderedDict()
        self._seen: _Memory = OrderedDict()

    def pass_through(self, view: View) -> Prefix:
        """Look a prompt up, then remember it."""
        blocks = prompt(view)
        chain = digests(blocks)
        sizes = _running_tokens(blocks)
        kept, previous = self._compare(view.model, chain)
        counted = self._with_breakpoints if view.dialect == "messages" else self._automatic
        cached, written = counted(view, blocks, chain, sizes)
        return Prefix(chain, tuple(block.place for block in blocks), kept, previous, cached, written)

    def _compare(self, model: str, chain: tuple[str, ...]) -> tuple[int, int]:
        kept = next((at + 1 for at in range(len(chain) - 1, -1, -1) if (model, chain[at]) in self._seen), 0)
        previous = self._seen.get((model, chain[kept - 1]), 0) if kept else 0
        for one in chain:
            _remember(self._seen, (model, one), len(chain))
        return kept, previous

    def _automatic(self, view: View, blocks: tuple[Block, ...], chain: tuple[str, ...], sizes: list[int]) -> tuple[int, int]:
        least, step = (1024, 128) if view.dialect in ("responses", "chat") else (gemini(view.model).cache_minimum, 1)
        found = next((sizes[at] for at in range(len(chain) - 1, -1, -1) if (view.model, chain[at]) in self._held), 0)
        for one in chain:
            _remember(self._held, (view.model, one), 1)
        return (found // step * step if found >= least else 0), 0

    def _with_breakpoints(self, view: View, blocks: tuple[Block, ...], chain: tuple[str, ...], sizes: list[int]) -> tuple[int, int]:
        marked = [at for at, block in enumerate(blocks) if block.mark is not None]
        if view.body.get("cache_control") and blocks:
            marked.append(len(blocks) - 1)
        least = claude(view.model).cache_minimum
        marked = [at for at in marked if sizes[at] >= least]
        reach = [at for mark in marked for at in range(mark, max(-1, mark - _LOOK_BACK), -1)]
        cached = max((sizes[at] for at in reach if (view.model, chain[at]) in self._held), default=0)
        for at in marked:
            _remember(self._held, (view.model, chain[at]), 1)
        return cached, max(0, max((sizes[at] for at in marked), default=0) - cached)


def _running_tokens(blocks: tuple[Block, ...]) -> list[int]:
    total = 0
    made: list[int] = []
    for block in blocks:
        total += len(block.data)
        made.append(total // 4)
    return made


def _remember(held: _Memory, key: tuple[str, str], value: int) -> None:
    held[key] = value
    held.move_to_end(key)
    if len(held) > _KEPT:
        held.popitem(last=False)
