"""What msgspec raises for bytes that are no JSON, not UTF-8, or nested without an end."""

from __future__ import annotations

import msgspec

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
