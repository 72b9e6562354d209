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
