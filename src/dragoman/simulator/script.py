"""Scripts: what the simulator answers to which request, and which faults it has. Read from YAML, strictly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from dragoman.simulator.mischief import Fault, Limit, Mishaps
from dragoman.simulator.reply import Finish, Found, Pace, UsageNumbers
from dragoman.simulator.view import RequestKind

_LINES = ("text", "commentary", "reasoning", "call", "search")


class ScriptError(Exception):
    """A script that cannot be used: one sentence with the path of what is wrong."""


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests a rule is for: all that is given must fit. Without any, the rule is for every request."""

    model: str | None = None
    """Glob on the model asked for."""
    dialect: Literal["responses", "chat", "messages", "generate"] | None = None
    """The dialect of the request."""
    user: str | None = None
    """Text that the user's last message contains."""
    user_matches: str | None = None
    """Regular expression that is found in the user's last message."""
    result: str | None = None
    """Text that a tool result of this turn contains."""
    system: str | None = None
    """Text that the system or developer messages contain."""
    turn: int | None = None
    """Number of the request within its conversation, from 1."""
    round: int | None = None
    """How many rounds of tool results came since the user last spoke, from 0."""
    kind: RequestKind | None = None
    """What the request is for."""
    stream: bool | None = None
    """Whether a stream is asked for."""
    images: int | None = None
    """How many pictures there are in what the user said last and in this turn's results."""
    tool: str | None = None
    """Glob on the name of a tool on offer."""
    headers: dict[str, str] = {}
    """Globs on headers, by their names in lower case."""
    key: str | None = None
    """Glob on the API key."""

    def __post_init__(self) -> None:
        if self.user_matches is not None:
            try:
                re.compile(self.user_matches)
            except re.error as error:
                raise ValueError(f"`user_matches` is no regular expression: {error}") from error


class ThoughtLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Reasoning."""

    summary: str = ""
    """The summary that is shown."""
    text: str = ""
    """Plain thoughts, as open-weight backends show them."""
    encrypted_content: str | None = None
    """The sealed form over `responses`. Default: one that the simulator makes, and verifies when it comes back."""
    redacted: bool = False
    """Over `messages`: a `redacted_thinking` block. Default: false."""


class CallLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool call."""

    name: str
    """Name of the tool, with a namespace where it stands in one."""
    namespace: str | None = None
    """The namespace. Default: that of the tool on offer under this name."""
    arguments: dict[str, Any] | str | None = None
    """The arguments, as an object or as the raw text. Default: an example that satisfies the tool's schema."""
    input: str | None = None
    """The raw text for a freeform tool."""


class SearchLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A search of the web that the provider runs by itself."""

    query: str = "{{user}}"
    """What was searched for."""
    found: tuple[Found, ...] = (Found(),)
    """The pages, and the words that the answer takes from each."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of an answer: exactly one of its fields. Texts may hold `{{user}}`, `{{model}}`, `{{turn}}`, `{{result}}` (the last),
    `{{results.0}}`, `{{images}}` (kind, size and hash of each picture seen) and `{{headers.name}}`."""

    text: str | None = None
    """Words."""
    commentary: str | None = None
    """Words on the way to a tool call."""
    reasoning: ThoughtLine | str | None = None
    """Thoughts; a plain text is the summary."""
    call: CallLine | None = None
    """A tool call; several in a row are parallel calls."""
    search: SearchLine | None = None
    """A search that the provider runs, with the words found."""
    repeat: int = 1
    """How many times a text stands there, for long answers. Default: 1."""

    def __post_init__(self) -> None:
        given = [name for name in _LINES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a line has exactly one of {', '.join(f'`{name}`' for name in _LINES)}; this one has {given or 'none'}")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule. The first one that fits a request and still has `times` left answers it."""

    name: str = ""
    """For stats and logs."""
    match: Match = Match()
    """Which requests."""
    times: int | None = None
    """How often at most. Default: without end."""
    chance: float = 1.0
    """Share of the fitting requests, by the seed."""
    reply: tuple[Line, ...] | None = None
    """The answer. Default: what the built-in coder says."""
    finish: Finish = "stop"
    """How the answer ends; tool calls need nothing here."""
    usage: UsageNumbers | None = UsageNumbers()
    """Token counts; null reports none."""
    model: str | None = None
    """The model name in the answer. Default: the one asked for."""
    pace: Pace | None = None
    """How fast. Default: that of the script."""
    says_again: int = 0
    """How many characters are said once more where an answer that broke off is gone on with. Default: 0, as a model that listens does."""
    fault: Fault | None = None
    """What goes wrong."""


class Etiquette(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rules of the dialects are enforced on requests."""

    enforce: bool = True
    """Answer violations with the provider's own 400; false only counts them. Default: true."""
    private_metadata: Literal["allowed", "refused"] = "allowed"
    """Whether metadata that names paths or commits of the user is a violation. Default: allowed."""
    max_tokens_refused: tuple[str, ...] = ("o1*", "o3*", "o4*", "gpt-5*", "gpt-6*")
    """Chat: models (globs) that know only `max_completion_tokens`."""
    reasoning_refused: tuple[str, ...] = ()
    """Models (globs) that refuse `reasoning`. Default: none."""
    developer_role: bool = True
    """Chat: whether the role `developer` is known. Default: true."""
    proofs: Literal["verified", "taken"] = "verified"
    """Whether proofs of thoughts that come back (signatures, sealed items) are verified, or taken as they are. Default: verified."""
    unknown_fields: Literal["allowed", "refused"] = "refused"
    """Whether top-level fields that the API does not know are a violation. Default: refused, as OpenAI does."""


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole script."""

    rules: tuple[Rule, ...] = (Rule(name="coder"),)
    """Rules, the first that fits wins; where none fits the built-in coder answers."""
    pace: Pace = Pace()
    """How fast answers come where a rule says nothing."""
    models: tuple[str, ...] = (
        "gpt-6.1-sol",
        "gpt-5.5",
        "gpt-5-nano",
        "gpt-4o",
        "gpt-4",
        "claude-opus-5-5",
        "claude-sonnet-5",
        "gemini-3.7-flash",
    )
    """What GET /v1/models lists. Any model is answered, listed or not, unless `only_listed`."""
    only_listed: bool = False
    """Refuse other models as unknown. Default: false."""
    etiquette: Etiquette = Etiquette()
    """Rules of the dialects."""
    mishaps: Mishaps | None = None
    """Faults by chance, on answers whose rule has none. Default: none."""
    accounts: dict[str, str] = {}
    """API key -> whose it is. Keys of different accounts do not read each other's sealed thoughts, and other keys are refused.
    Default: any key will do, and all are of one account."""
    limits: tuple[Limit, ...] = ()
    """What keys may ask; the first that fits a key counts. Every answer tells what is left. Default: without end."""


def read_script(text: str, name: str = "the script") -> Script:
    """Read a script from YAML. Raises ScriptError with the path of what is wrong."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScriptError(f"{name} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict | None):
        raise ScriptError(f"{name} cannot be used: it holds no settings; begin it with `rules:`")
    try:
        return msgspec.convert(document or {}, Script)
    except msgspec.ValidationError as error:
        raise ScriptError(f"{name} cannot be used: {error}") from error


def load_script(path: Path) -> Script:
    """Read a script from a file. Raises ScriptError for what is not there or wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScriptError(f"script `{path}` cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ScriptError(f"script `{path}` cannot be read: it is not UTF-8") from error
    return read_script(text, f"script `{path}`")


DEFAULT_SCRIPT = """\
# What `dragoman simulate` and the `demo` provider do without a script of your own.
# The first rule that fits a request answers it; a rule without `reply` hands it to the built-in coder, which looks at the named
# file with the tools offered, edits it, checks it and reports.
pace: {first_s: 0.05, delta_s: 0.01}
models: [gpt-6.1-sol, gpt-5.5, gpt-5-nano, gpt-4o, gpt-4, claude-opus-5-5, claude-sonnet-5, gemini-3.7-flash]
rules:
  - name: coder

# More, to uncomment:
#  - name: the first request is refused, the second is not
#    match: {user: hello}
#    times: 1
#    fault: {error: rate_limit, headers: {Retry-After: "1"}}
#  - name: two calls at once, then an answer made from the results
#    match: {user: weather, round: 0}
#    reply:
#      - reasoning: I need the weather of two cities.
#      - call: {name: get_weather, arguments: {location: Paris}}
#      - call: {name: get_weather, arguments: {location: Rome}}
#  - match: {user: weather, round: 1}
#    reply: [{text: "Paris: {{results.0}}. Rome: {{results.1}}."}]
#  - name: a stream that is cut in the middle of its sixth event
#    match: {model: "*-broken"}
#    fault: {cut: {at: {events: 5, into: 10}, how: reset}}
"""


def default_script() -> Script:
    """The default script as a Script."""
    return read_script(DEFAULT_SCRIPT, "the default script")
