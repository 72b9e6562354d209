"""The shape of `dragoman.yaml`. The sentence below each field is its documentation: reference and JSON Schema are made from it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from dragoman.config.journal_schema import Bodies, DatabaseUrl, Journal
from dragoman.config.price_schema import ModelPrice
from dragoman.config.routing_schema import AffinityGiven, ProviderKey, RetryGiven, Routing, Strategy, Tiers, When
from dragoman.config.secrets import Secret
from dragoman.config.telemetry_schema import Telemetry
from dragoman.config.values import Count, HeaderText, Port, Seconds, Status, as_written
from dragoman.dialects.contract import Quirks
from dragoman.lower.capabilities import Capabilities
from dragoman.profiles.contract import Auth

QuirksGiven = Annotated[dict[str, Any], msgspec.Meta(extra={"some_of": Quirks})]
"""Some fields of Quirks, those that config sets."""
CapabilitiesGiven = Annotated[dict[str, Any], msgspec.Meta(extra={"some_of": Capabilities, "but": ("dialect",)})]
"""Some fields of Capabilities, those that config sets."""
ProviderKeyGiven = Annotated[ProviderKey, msgspec.Meta(extra={"plain": "key"})]
"""A mapping, or the text of its `key` alone."""


class ProviderDeadlines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Deadlines of one provider, where they differ from the server's."""

    connect_s: Seconds | None = None
    """Seconds to connect, TLS included; null takes the server's."""
    first_byte_s: Seconds | None = None
    """Seconds until the provider begins to answer; null takes the server's."""
    idle_s: Seconds | None = None
    """Seconds of silence within an answer; null takes the server's."""
    total_s: Seconds | None = None
    """Seconds for a whole answer; null takes the server's."""


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place to send to. What is null here is as the profile of its kind has it."""

    kind: Annotated[str, as_written("kind: openai")]
    """The kind of provider, as `openai`, `anthropic`, `openrouter` or `openai-compatible`; all are listed below."""
    keys: tuple[ProviderKeyGiven, ...] = ()
    """Its keys: each `$VARIABLE`, `file:/path`, the key itself (which is warned about), or a mapping; the load is shared among them."""
    base_url: str | None = None
    """Where its API is, as `https://api.example.com/v1`: what stands before `/chat/completions` or `/responses`; may hold `${VARIABLE}`,
    and `{region}` where its keys have one."""
    dialect: str | None = None
    """The one API to speak with it, as `responses`, `chat`, `messages` or `generate`; null takes the client's own, where provider and model
    take it, else the best."""
    dialects: dict[str, str | None] | None = None
    """The APIs that it speaks, best first, each with its path below `base_url` (null: the usual one)."""
    auth: Auth | None = None
    """How its key is sent."""
    key_optional: bool | None = None
    """Whether it may be used without a key."""
    headers: dict[str, HeaderText] = {}
    """Further headers on each request to it; their values may be `$VARIABLE` or `file:/path`."""
    list: bool = True
    """Whether it is asked for the list of its models, in the background, once it is in use; they join `models`."""
    models: tuple[str, ...] = ()
    """Models that it offers: a bare name among them may go there, and `GET /models` lists them."""
    families: tuple[str, ...] | None = None
    """Beginnings of the model names that it makes itself; a bare name that begins so goes to it."""
    relay: tuple[str, ...] | None = None
    """`["*"]`: bytes may be relayed to it untouched, whatever fields they have; `[]`: only what the gateway knows that it takes."""
    quirks: QuirksGiven = {}
    """Variations of its API, one by one."""
    capabilities: CapabilitiesGiven = {}
    """What its models can take, one by one, in each dialect."""
    deadlines: ProviderDeadlines = ProviderDeadlines()
    """Its own deadlines."""
    metadata: bool = False
    """Whether a client's metadata, which names paths and commits of the user, goes there; only OpenAI's own API may get it."""


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the places where a virtual model is answered."""

    model: Annotated[str, as_written("model: provider/model")]
    """`provider/model`, or the name of another virtual model; in a glob `*` stands for what was asked."""
    weight: Count = 1
    """Its share of the traffic (with `weighted`), or its strength (`least-busy`, `usage`), compared with the other targets."""
    priority: Count = 1
    """With the strategy `priority`: lower ones come first; equal ones share by weight."""
    tier: str | None = None
    """With the strategy `tiered`: the tier that it belongs to."""
    key: str | None = None
    """The name of the one provider key that it may use; null may use all."""
    params: dict[str, Any] = {}
    """Top-level fields of the request to the provider that are set, in the words of its API; null takes a field out."""
    headers: dict[str, HeaderText | None] = {}
    """Headers of the request to the provider that are set; null takes out one that the provider's section sets."""
    deadlines: ProviderDeadlines = ProviderDeadlines()
    """Its own deadlines; null takes the provider's."""
    first_token_s: Seconds | None = None
    """Seconds until its first output after which the next target is tried; null waits as long as `first_byte_s` says."""
    fall_back_on: tuple[Status, ...] = ()
    """Further HTTP statuses of the provider after which the next target is tried; those of passing faults always do."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Other targets for some requests. The first rule whose condition holds is taken."""

    when: Annotated[When, as_written("when: {agent: codex}")]
    """The condition."""
    use: Annotated[str | tuple[str | Target, ...], as_written("use: provider/model")]
    """Where these requests go: a virtual model with all its own rules, a `provider/model`, or a list of targets."""
    strategy: Strategy | None = None
    """How one of its targets is chosen; null takes the model's."""
    name: str = ""
    """What it is called in records; empty names it for its place, as `rule-1`."""


class VirtualModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name that clients ask for."""

    targets: Annotated[tuple[str | Target, ...], as_written("targets: [provider/model]")]
    """Where it is answered: `provider/model`, or a mapping."""
    strategy: Strategy = "weighted"
    """How one of the targets is chosen; the others follow where it fails."""
    rules: tuple[Rule, ...] = ()
    """Other targets for some requests, in this order."""
    fallbacks: tuple[str, ...] = ()
    """`provider/model` or virtual models (without their own fallbacks) that are tried, in this order, after all targets."""
    tiers: Tiers | None = None
    """What the strategy `tiered` goes by."""
    retry: RetryGiven = {}
    """Where it differs from `routing.retry`."""
    affinity: AffinityGiven = {}
    """Where it differs from `routing.affinity`."""
    rescue: bool | None = None
    """Whether its broken streams are continued; null takes `routing.rescue`."""
    description: str = ""
    """What it is for; shown by `dragoman models`."""
    context_window: Count | None = None
    """Tokens that a conversation with it may hold: Codex is told it, and fallbacks for what is too long go by it; null takes what is
    known of the models behind it."""


class ClientKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that a client may send."""

    name: Annotated[str, as_written("name: ada")]
    """Whose key it is; stands in the record of each exchange."""
    key: Annotated[Secret, as_written("key: $ADA_KEY")]
    """The key: `$VARIABLE`, `file:/path`, or the key itself (which is warned about)."""
    team: str | None = None
    """The team it belongs to, for conditions of rules."""
    user: str | None = None
    """The person it belongs to, for conditions of rules."""
    bodies: Bodies | None = None
    """Whether its requests and answers are kept; null takes `journal.bodies`."""


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may ask."""

    keys: tuple[ClientKey, ...] = ()
    """The keys of the clients; without any the gateway is open, and listens on this machine only."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client may send, and how slowly."""

    body_bytes: Count = 64 * 1024 * 1024
    """Bytes of a request's body."""
    header_bytes: Count = 64 * 1024
    """Bytes of all headers of a request together."""
    header_count: Count = 128
    """Headers of a request."""
    header_s: Seconds = 10.0
    """Seconds until the headers of a request are complete."""
    body_s: Seconds = 60.0
    """Seconds until the body of a request is complete."""
    connections: Count = 4096
    """Connections open at once."""


class Deadlines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the gateway waits for providers, and when it tells a client that it still does."""

    connect_s: Seconds = 10.0
    """Seconds to connect to a provider, TLS included."""
    first_byte_s: Seconds = 600.0
    """Seconds until a provider begins to answer."""
    idle_s: Seconds = 300.0
    """Seconds of silence within an answer."""
    total_s: Seconds = 3600.0
    """Seconds for a whole answer."""
    hold_s: Seconds = 15.0
    """Seconds for which the status line is held back, so that an early error keeps its own status."""
    ping_s: Seconds = 15.0
    """Seconds of silence after which the client of a stream gets a sign of life."""


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the gateway listens."""

    host: str = "127.0.0.1"
    """The address to listen on; beyond this machine only with `access.keys`, or with `allow_open`."""
    port: Port = 8080
    """The port to listen on; 0 takes a free one."""
    allow_open: bool = False
    """Whether to listen beyond this machine without any `access.keys`: then everyone who reaches the port spends your keys."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names that a request's `Host` may have, without port, besides this machine's own; `*.example.com` allows all below."""
    allowed_origins: tuple[str, ...] = ()
    """Web pages that may call the gateway from a browser, as `https://app.example.com`."""
    limits: Limits = Limits()
    """What a client may send, and how slowly."""
    deadlines: Deadlines = Deadlines()
    """How long the gateway waits for providers."""
    max_running: Count = 2048
    """Exchanges under way at once; one more is told to come back."""
    shutdown_grace_s: Seconds = 30.0
    """Seconds that running streams get to finish when the gateway stops."""


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the terminal shows."""

    format: Literal["text", "json"] = "text"
    """For people, or for machines: `json` writes each exchange and each message as one line with one JSON object."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important message that is shown."""
    exchanges: bool = True
    """Whether each exchange gets its line."""
    warnings: bool = False
    """Whether each thing of a request that its provider could not be told gets a line below its exchange's."""
    color: Literal["auto", "always", "never"] = "auto"
    """Whether lines are coloured; `auto` does so on a terminal."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of the gateway."""

    providers: dict[str, Provider] = {}
    """Places to send to, by a name of your own; without this section those whose keys are in the environment."""
    models: dict[str, str | VirtualModel] = {}
    """Names that clients ask for (or globs of such names), each with its target, or several and how one of them is chosen."""
    routing: Routing = Routing()
    """How exchanges survive the failures of providers."""
    prices: dict[str, ModelPrice] = {}
    """What models cost, by `provider/model` (or globs of such names), where that is not what the public price lists say."""
    access: Access = Access()
    """Who may ask."""
    server: Server = Server()
    """Where the gateway listens, its limits and deadlines."""
    log: Log = Log()
    """What the terminal shows."""
    database: DatabaseUrl | None = None
    """Where exchanges are kept: `sqlite:///path/journal.db`, `postgresql://user@host/name` or `none`; null: a file in your data folder."""
    journal: Journal = Journal()
    """What is kept of exchanges, and for how long."""
    telemetry: Telemetry = Telemetry()
    """What is told to other systems: metrics, traces."""
