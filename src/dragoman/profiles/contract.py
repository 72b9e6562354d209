"""What a profile is: a page of facts about one kind of provider. Config can override every field of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from dragoman.dialects.contract import Quirks

Auth = Literal["bearer", "x-api-key", "x-goog-api-key", "api-key", "none"]

EVERYTHING = frozenset({"*"})
"""`relay` of a provider that takes, or ignores, fields that this code does not model. What it refuses is in its capabilities."""


class Profile(msgspec.Struct, frozen=True):
    """One kind of provider.

    kind: the word in config (`openai`, `anthropic`, `openai-compatible`, …).
    base_url: where its API is, without a trailing slash, or None if config must say.
    auth: how its key is sent. env: the variables that hold its key, first found wins.
    dialects: the APIs it speaks, best first, each with its path below base_url (None: the dialect's own).
    when_chosen: further dialects, spoken only where config chooses one: not every server of the kind has it, or has it whole.
    families: prefixes of model names that this provider makes itself; a bare name with one of them goes to it.
    relay: request fields and features that it takes although this code does not model them ("*": everything, relay freely).
    capabilities: dialect -> field name -> value, overriding Capabilities' defaults for each dialect.
    metadata: whether client metadata with the user's paths may be sent to it by choice (only OpenAI's own API).
    headers: extra headers on each request.
    key_optional: whether it may be used without a key.
    builtin: answered inside this process; it has no address and no key.
    base_url_env: variables that other programs read as its address; they are not followed (one may point at this gateway),
    only warned about.
    vendors: (beginning of a bare model name, vendor) pairs of a provider that hosts many makers' models as `vendor/model`.
    prices: the name of its list of token prices (policy/price.py), None: there is none.
    models_path: where below base_url it lists its models (profiles/listing.py), None: it has no such list.
    convention: its name in OpenTelemetry's GenAI conventions (`gen_ai.provider.name`); empty: its kind.
    version_mark: how it writes the version in Claude's names: `-` (claude-sonnet-4-5), `.` (claude-sonnet-4.5), None: as asked.
    """

    kind: str
    base_url: str | None = None
    auth: Auth = "bearer"
    env: tuple[str, ...] = ()
    dialects: dict[str, str | None] = {}
    when_chosen: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    relay: frozenset[str] = frozenset()
    quirks: Quirks = Quirks()
    capabilities: dict[str, dict[str, object]] = {}
    metadata: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    key_optional: bool = False
    builtin: bool = False
    base_url_env: tuple[str, ...] = ()
    vendors: tuple[tuple[str, str], ...] = ()
    version_mark: Literal["-", "."] | None = None
    convention: str = ""
    prices: str | None = None
    models_path: str | None = "/models"
