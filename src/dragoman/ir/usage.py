"""Token counts in one arithmetic: every total includes its parts, whatever the provider's own convention was."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one reply.

    `input_tokens` includes `cache_read_tokens` and `cache_write_tokens` (OpenAI's convention; Anthropic's and Bedrock's readers
    add them up). `output_tokens` includes `reasoning_tokens` (Gemini's reader adds the thoughts). None means "not told".
    `extra` keeps a provider's own further counts for the same dialect (audio, predictions, server tools, cost, …).
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None
    extra: dict[str, object] | None = None

    @property
    def total(self) -> int:
        """The provider's total where told, else input plus output."""
        return self.total_tokens if self.total_tokens is not None else self.input_tokens + self.output_tokens

    def plus(self, other: Usage) -> Usage:
        """The tokens of two replies together. What neither told stays untold; `extra` is that of the later one, `other`."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=_sum(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens=_sum(self.cache_write_tokens, other.cache_write_tokens),
            reasoning_tokens=_sum(self.reasoning_tokens, other.reasoning_tokens),
            total_tokens=None if self.total_tokens is None and other.total_tokens is None else self.total + other.total,
            extra=other.extra,
        )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)
