"""What is kept of the bodies of an exchange, in a word (`Bodies.mode`)."""

from __future__ import annotations

from typing import Final

FULL: Final = "full"
REDACTED: Final = "redacted"
NOTHING: Final = "none"
DROPPED: Final = "dropped"
"""They were to be kept, and there was no room for them."""
