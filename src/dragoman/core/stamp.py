"""Writes on each proof of an answer whose it is, so that it goes back to its maker and to nobody else."""

from __future__ import annotations

from msgspec.structs import replace

from dragoman.ir import events as ev
from dragoman.ir.request import Call, Compaction, Reasoning

PROVING = frozenset({ev.PartEnded, ev.ItemGiven})
"""The events that may bring a proof."""


def stamp(event: ev.Event, origin: str) -> ev.Event:
    """The event with `origin` (`provider/model`) on a proof that has none yet."""
    if isinstance(event, ev.PartEnded):
        proof = event.proof
        return event if proof is None or proof.origin is not None else replace(event, proof=replace(proof, origin=origin))
    if isinstance(event, ev.ItemGiven) and isinstance(event.item, Reasoning | Call | Compaction):
        proof = event.item.proof
        if proof is not None and proof.origin is None:
            return replace(event, item=replace(event.item, proof=replace(proof, origin=origin)))
    return event
