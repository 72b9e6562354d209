"""The shape of `journal`: what is kept of exchanges, for how long, and how much may wait to be written."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from dragoman.config.secrets import Secret
from dragoman.config.values import Count

Bodies = Literal["full", "redacted", "none"]
"""Whether what was sent and received is kept: as it was, with secrets taken out, or not at all."""
DatabaseUrl = Annotated[Secret, msgspec.Meta(extra={"header": True})]
"""May hold a password, may as well stand in the file."""
Days = Annotated[float, msgspec.Meta(gt=0, le=36_500)]


class Keep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long."""

    exchanges_days: Days = 90.0
    """Days for which exchanges, attempts, tools and sessions are kept; sums by the hour stay."""
    bodies_days: Days = 14.0
    """Days for which bodies are kept."""
    size_bytes: Annotated[int, msgspec.Meta(ge=16 * 1024 * 1024)] = 4 * 1024 * 1024 * 1024
    """Bytes that the database may take on disk; the oldest bodies go first."""


class Journal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of exchanges. Writing never makes one wait."""

    bodies: Bodies = "redacted"
    """Whether requests and answers are kept: `full` as they were, `redacted` without keys, tokens and passwords, or `none`."""
    body_bytes: Count = 8 * 1024 * 1024
    """Bytes of a body that are kept at most; of a longer one the beginning is."""
    flush_s: Annotated[float, msgspec.Meta(ge=0.01, le=60)] = 0.25
    """Seconds until an exchange is in the database: what a crash can lose at most."""
    queue: Count = 20_000
    """Exchanges that may wait to be written; further ones wait on disk, without their bodies."""
    queue_bytes: Count = 128 * 1024 * 1024
    """Bytes of bodies that may wait to be written; further bodies are left out, which is counted and shown. Answers under way may hold as
    much again; of those that go on beyond that, the rest is left out."""
    spool_bytes: Annotated[int, msgspec.Meta(ge=1024 * 1024)] = 2 * 1024 * 1024 * 1024
    """Bytes that may wait on disk while the database is away; past the half of it bodies are left out."""
    search: bool = True
    """Whether the words of requests and answers go into the full-text index, when there is nothing else to write."""
    paths: bool = False
    """Whether working directory and repository of the agent are kept."""
    keep: Keep = Keep()
    """For how long."""
