"""The part of `dragoman.yaml` that says where requests go: keys of a provider, conditions, tiers, retries, health, affinity."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from dragoman.config.secrets import Secret
from dragoman.config.values import Count, Seconds, Share, Size, Texts, as_written

Strategy = Literal["weighted", "priority", "latency", "cheapest", "least-busy", "usage", "tiered"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Modality = Literal["text", "image", "file", "audio"]


class ProviderKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key of a provider; where nothing but the key is to be said, its text alone will do."""

    key: Annotated[Secret, as_written("key: $VARIABLE")]
    """The key: `$VARIABLE`, `file:/path`, or the key itself (which is warned about)."""
    name: str = ""
    """What it is called in records and pages, which never show it; empty names it for its place, as `key-1`."""
    weight: Count = 1
    """Its share of the traffic, compared with the provider's other keys."""
    models: tuple[str, ...] = ()
    """The models that it may be used for, as names or globs in the provider's spelling; empty stands for all."""
    base_url: str | None = None
    """Where this key is used, if not at the provider's `base_url`."""
    region: str | None = None
    """What `{region}` in the base URL stands for with this key."""


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A span of the day, on some days of the week; all that is given must hold."""

    days: tuple[Day, ...] = ()
    """The days on which it begins; empty stands for every day."""
    from_: str | None = msgspec.field(name="from", default=None)
    """When it begins, as `"09:00"`; null begins with the day."""
    to: str | None = None
    """When it is over, as `"17:30"`; before `from` it runs past midnight, null ends it with the day."""
    zone: str = "UTC"
    """Where the clock hangs, as `Europe/Vienna`."""


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition: everything that is given must hold. Of a list any one will do; in texts `*` and `?` are wildcards."""

    key: Texts = ()
    """Names of client keys, as in `access.keys`."""
    team: Texts = ()
    """Teams of client keys."""
    user: Texts = ()
    """Users of client keys."""
    headers: dict[str, Texts] = {}
    """Headers of the request, each with what its value may be; `"*"` asks only that it is there."""
    metadata: dict[str, Texts] = {}
    """Entries of the request's `metadata` (or of the JSON object in its header `x-dragoman-metadata`), as in `headers`."""
    model: Texts = ()
    """The name that the client asked for, which matters where it was found by a glob."""
    agent: Texts = ()
    """The client program, as `codex` or `generic`."""
    kind: Texts = ()
    """What the agent asks for: `turn`, `title`, `compaction`, `prewarm`, `review`; `subagent` is any request of a sub-agent."""
    effort: Texts = ()
    """The reasoning effort that is asked for, in the client's own word, as `high`."""
    modalities: tuple[Modality, ...] = ()
    """What the request holds: `text`, `image`, `file`, `audio`."""
    tools: bool | None = None
    """Whether the request offers tools."""
    stream: bool | None = None
    """Whether the answer is to be streamed."""
    bytes_over: Size | None = None
    """The request's body has more bytes than this."""
    bytes_under: Size | None = None
    """The request's body has fewer bytes than this."""
    tokens_over: Size | None = None
    """The request has more tokens than this, by an estimate: four bytes a token, pictures and files left out."""
    tokens_under: Size | None = None
    """The request has fewer tokens than this, by the same estimate."""
    tools_over: Size | None = None
    """The request offers more tools than this."""
    tools_under: Size | None = None
    """The request offers fewer tools than this."""
    time: Time | None = None
    """The time of day and the days of the week."""
    any: tuple[When, ...] = ()
    """Conditions of which at least one must hold."""
    all: tuple[When, ...] = ()
    """Conditions which all must hold."""
    not_: When | None = msgspec.field(name="not", default=None)
    """A condition that must not hold."""


class Classifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model that says how hard a request is. Its answer costs time and tokens with each new session."""

    model: Annotated[str, as_written("model: provider/model")]
    """`provider/model` or a virtual model, small and fast."""
    timeout_s: Seconds = 2.0
    """Seconds for its answer; after that the score decides."""
    prompt: str = ""
    """What it is asked before the user's last words are shown to it; empty asks for one word, the name of a tier."""


class Tiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Levels of the strategy `tiered`, and what leads to which."""

    order: Annotated[tuple[str, ...], as_written("order: [small, large]")]
    """Names of the tiers, the cheapest first; each target names its own with `tier`."""
    thresholds: tuple[Share, ...] = ()
    """The scores, between 0 and 1, from which on the next tier is taken: one fewer than tiers; empty shares them out evenly."""
    classifier: Classifier | None = None
    """A model that is asked instead of the score; null lets the score decide."""


class Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often and how long an exchange is tried again before its client is told of an error."""

    attempts: Count = 4
    """Tries of one exchange in all, the first included, wherever they go."""
    backoff_s: Seconds = 0.5
    """Seconds that the first wait may last; each further one twice as long, drawn at random between nothing and this. As long at most is
    what is waited past the moment that a provider named."""
    backoff_max_s: Seconds = 8.0
    """Seconds that any such wait may last."""
    retry_after_max_s: Seconds = 30.0
    """The longest wait that a provider may ask for (`Retry-After`) and get; more than this, and its error is told at once."""
    total_s: Seconds = 120.0
    """Seconds until the first output after which nothing more is tried."""
    budget: Share = 0.2
    """Retries for each request of the last minute, over all exchanges (at least 10), so that an outage is not multiplied."""


class Breaker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a target is taken for broken, and when it is tried again."""

    failures: Count = 5
    """Faults within the window that open it, if they are also the `rate`'s share of its requests."""
    window_s: Seconds = 60.0
    """Seconds that are looked back on."""
    rate: Share = 0.5
    """The share of the window's requests that must have failed."""
    open_s: Seconds = 15.0
    """Seconds until it is tried again; each failure of that try doubles them."""
    open_max_s: Seconds = 300.0
    """The most seconds that it stays open."""
    refused_s: Seconds = 60.0
    """Seconds for which a provider key is left alone once it was refused."""
    half_open: Count = 1
    """Requests that may try it at once while it is being tried again."""


class Affinity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How sessions stay where they are, so that the provider's prompt cache stays warm."""

    on: bool = True
    """Whether a session stays with its target and key while these are well."""
    lifetime_s: Seconds = 3600.0
    """Seconds without a request after which a session is forgotten."""
    sessions: Count = 100_000
    """Sessions that are remembered; past that the one that was silent longest is forgotten."""


class Probes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Questions of the gateway's own, to learn of a target's health before a client does."""

    every_s: Seconds | None = None
    """Seconds between two probes of a provider key; null does not probe."""
    timeout_s: Seconds = 10.0
    """Seconds for an answer."""


RetryGiven = Annotated[dict[str, Any], msgspec.Meta(extra={"some_of": Retry})]
"""Some fields of Retry, those in which a model differs."""
AffinityGiven = Annotated[dict[str, Any], msgspec.Meta(extra={"some_of": Affinity, "but": ("sessions",)})]
"""Some fields of Affinity, those in which a model differs."""


class Routing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How exchanges survive the failures of providers."""

    retry: Retry = Retry()
    """How often and how long is tried again."""
    breaker: Breaker = Breaker()
    """When a target is taken for broken."""
    affinity: Affinity = Affinity()
    """How sessions stay where they are."""
    probes: Probes = Probes()
    """Questions of the gateway's own."""
    rescue: bool = False
    """Whether a stream that breaks in the middle is continued by asking again for what is missing."""
