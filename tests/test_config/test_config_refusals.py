"""What a config is refused for: one bad file a case, and the whole text that is told."""

# ruff: noqa: E501 (each message stands whole beside what it is told of)
from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.config.decode import Decoder, read_struct
from dragoman.config.document import Entry, Mapping, Node, Scalar, Sequence
from dragoman.config.load import parse
from dragoman.config.problems import ConfigError, Findings
from dragoman.config.schema import Target
from dragoman.config.secrets import SecretReader

ENV = {"KEY": "sk-0123456789abcdef", "OTHER": "sk-fedcba9876543210", "EMPTY": " "}
MAIN = "providers: {main: {kind: openai, keys: [$KEY]}, loc: {kind: openai-compatible, base_url: http://127.0.0.1:1/v1}}\n"


def told(text: str) -> list[str]:
    """What is wrong with a file, without its name."""
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), ENV, file="d")
    return [str(problem).removeprefix("d:") for problem in caught.value.problems]


# ---- not a config at all -------------------------------------------------------------------------------------------------

BROKEN = {
    "": "d: is empty; write at least `providers:`, or remove the file to use the keys in the environment",
    "# nothing\n": "d: is empty; write at least `providers:`, or remove the file to use the keys in the environment",
    "a: [1": "d:1: is not YAML here; check indentation (spaces only), colons, brackets and quotes of this line and the one before",
    "models:\n\tx: y": "d:2: has a tab; YAML indents with spaces only",
    "models:\n  *: main/*": 'd:2: is not YAML here; a name that begins with `*` needs quotes, as `"*"`',
    "x: [${KEY}]": "d:1: is not YAML here; inside `[...]` and `{...}` write `$NAME`, or put `${NAME}` in quotes",
    "log: {}\n---\nlog: {}": "d:2: has more than one document; take out the second `---`",
    "log: {}\nlog: {}": "d:2: `log` stands twice (first in line 1); keep one of them",
    "log: !!python/name:os.system x": "d:1: has a tag or a value that YAML cannot read; write plain text, a number, or put it in quotes",
    "log: &a {level: *a}": "d:1: contains itself through an alias; write it out",
    "[1, 2]: 3": "d:1: has a list or a mapping as a key; write a name, in quotes if it has brackets",
    "just words": "d:1: is text; it must be a mapping",
    "log: {<<: 3}": "d:1: `<<` merges something that is no mapping; give it an alias of a mapping, as `<<: *base`",
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_config_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), ENV, file="d")

    assert str(caught.value) == BROKEN[text]


def test_of_many_names_a_few_are_told() -> None:
    many = ", ".join(f"p{number:02}: {{kind: vllm}}" for number in range(100))

    assert told(f"providers: {{{many}}}\nmodels: {{a: zzz/m}}") == [
        "2: models.a: no provider is named `zzz`; write `provider/model`; the providers are `p00`, `p01`, `p02`, `p03`, `p04`, `p05`, "
        "`p06`, `p07`, `p08`, `p09`, `p10`, `p11` or 88 more"
    ]


def test_bytes_that_are_no_utf8_are_refused_with_their_line() -> None:
    with pytest.raises(ConfigError, match=r"^d:2: is not UTF-8; save the file as UTF-8$"):
        parse(b"log: {}\nmodels: {\xff: x}", ENV, file="d")


def test_a_long_config_without_aliases_is_none_too_long() -> None:
    def entry(name: str, value: Node) -> Entry:
        return Entry(Scalar(1, name, name), value)

    many = Sequence(1, tuple(Scalar(1, "0", 0) for _ in range(20_100)))
    document = Mapping(1, (entry("model", Scalar(1, "a/x", "a/x")), entry("params", Mapping(1, (entry("stop", many),)))))
    findings = Findings("d")

    target = read_struct(Decoder(findings, SecretReader({}, Path())), document, Target)

    assert (len(target.params["stop"]), findings.problems) == (20_100, [])


def test_multiplying_aliases_are_refused_at_once() -> None:
    levels = "\n".join(f"  a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(9))
    text = f"{MAIN}models: {{m: {{targets: [{{model: main/x, params: {{a: &a0 [x]}}}}]}}}}\nlog:\n{levels}"

    assert any("is no setting" in problem for problem in told(text))
    bomb = (
        MAIN
        + "models: {m: {targets: [{model: main/x, params: {\n  a0: &a0 [x],\n"
        + ",\n".join(f"  a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(9))
        + "}}]}}"
    )
    assert told(bomb) == ["1: has more than 20000 values by its aliases; aliases of aliases multiply; write less"]


# ---- wrong forms ---------------------------------------------------------------------------------------------------------

FORMS = {
    "server: {port: '8080'}": "server.port: is text; it must be a whole number",
    "server: {port: 70000}": "server.port: is 70000; it must be at most 65535",
    "server: {port: true}": "server.port: is true; it must be a whole number",
    "server: {allow_open: 1}": "server.allow_open: is a number; it must be `true` or `false`",
    "server: {deadlines: {idle_s: 0}}": "server.deadlines.idle_s: is 0; it must be more than 0",
    "server: {deadlines: {idle_s: .nan}}": "server.deadlines.idle_s: is a number; it must be a finite number",
    "server: {host: no}": 'server.host: is read by YAML as false, not as text; write it in quotes: `"no"`',
    "server: {host: }": "server.host: is empty; give it a value or leave it out",
    "server: []": "server: is a list; it must be a mapping",
    "access:": "access: is empty; write a mapping with `keys`, or leave it out",
    "access: {keys: }": "access.keys: is empty; write a list, as `[{...}]`, or leave it out",
    "log: {color: blue}": "log.color: `blue` is not known here; write `always`, `auto` or `never`",
    "log: {level: warn}": "log.level: `warn` is not known here; did you mean `warning`?",
    "database: mysql://u:secret@h/x": "database: is no database that is known here; write `sqlite:///path/journal.db`, `postgresql://user@host/name` or `none`",
    "database: sqlite:///": "database: is no database that is known here; write `sqlite:///path/journal.db`, `postgresql://user@host/name` or `none`",
    "serve: {}": "serve: is no setting; did you mean `server`?",
    "server: {ports: 1}": "server.ports: is no setting; did you mean `port`?",
}


@pytest.mark.parametrize("text", FORMS)
def test_wrong_forms_are_refused_with_path_and_remedy(text: str) -> None:
    assert told(MAIN + text) == [f"2: {FORMS[text]}"]


# ---- providers -----------------------------------------------------------------------------------------------------------

PROVIDERS = {
    "{}": "p.kind: is missing; write it, as `kind: openai`",
    "{kind: opnai, keys: [$KEY]}": "p.kind: `opnai` is no kind of provider; did you mean `openai`?",
    "{kind: openai_compatible}": "p.kind: `openai_compatible` is no kind of provider; did you mean `openai-compatible`?",
    "{kind: openai}": "p.keys: is missing; write `keys: [$OPENAI_API_KEY]`, or `key_optional: true` if it needs none",
    "{kind: openai, keys: $KEY}": "p.keys: is text; it must be a list, as `[$VARIABLE]`",
    "{kind: openai, keys: [$NOPE]}": "p.keys[0]: the environment variable `NOPE` is not set; set it (`export NOPE=...`) before starting, "
    "or take this entry out",
    "{kind: openai, keys: [$EMPTY]}": "p.keys[0]: the environment variable `EMPTY` is empty; give it a value, or take this entry out",
    "{kind: openai, keys: [$KEY, $KEY]}": "p.keys[1]: is the same key as keys[0]; take one of them out",
    "{kind: openai, keys: ['file:/does/not/exist']}": "p.keys[0]: the file `/does/not/exist` does not exist; write `file:` and the path of a "
    "file that holds nothing but the key",
    "{kind: openai-compatible}": "p.base_url: is missing: the kind `openai-compatible` has no address of its own; write it, as "
    "`http://127.0.0.1:8000/v1`",
    "{kind: vllm, base_url: 'localhost:8000/v1'}": "p.base_url: has no `http://` or `https://`; write it as `https://api.example.com/v1`",
    "{kind: vllm, base_url: 'http://'}": "p.base_url: names no host; write it as `https://api.example.com/v1`",
    "{kind: vllm, base_url: 'https://ex$ample.com/v1'}": "p.base_url: names a host that there cannot be; write it as "
    "`https://api.example.com/v1`",
    "{kind: vllm, base_url: 'https://x/ü'}": "p.base_url: has letters in its path that no URL has; percent-encode them",
    "{kind: vllm, base_url: 'http://x:99999'}": "p.base_url: is no URL (host or port cannot be read); write it as `https://api.example.com/v1`",
    "{kind: vllm, base_url: 'https://x/v1/chat/completions/'}": "p.base_url: ends with `/chat/completions`; leave that out: the gateway adds it "
    "for each call",
    "{kind: vllm, base_url: 'https://x/v1?key=1'}": "p.base_url: has a `?` or a `#`; write scheme, host, port and path only",
    "{kind: anthropic, keys: [$KEY], dialect: responses}": "p.dialect: `responses` is not spoken by the kind `anthropic`; it speaks `messages`",
    "{kind: vllm, dialect: chats}": "p.dialect: `chats` is no dialect; did you mean `chat`?",
    "{kind: vllm, dialects: {chat: v1/chat}}": "p.dialects.chat: does not begin with `/`; write the path below `base_url`, as `/chat/completions`",
    "{kind: vllm, headers: {Host: x}}": "p.headers.Host: is a header that the gateway sets itself; leave it out",
    "{kind: openai, keys: [$KEY], headers: {X-Api-Key: x}}": "p.headers.X-Api-Key: would be a second key beside `keys`; keep one; `auth` says in "
    "which header the key goes",
    "{kind: vllm, metadata: true}": "p.metadata: is not for the kind `vllm`; it names the user's paths and commits, which only OpenAI's own API "
    "may get",
    "{kind: openai, keys: [$KEY], metadata: true, base_url: 'https://x/v1'}": "p.metadata: goes only to the kind's own address; leave out "
    "`metadata` or `base_url`",
    "{kind: vllm, quirks: {strem_usage: false}}": "p.quirks.strem_usage: is no setting; did you mean `stream_usage`?",
    "{kind: vllm, quirks: {max_tokens_field: tokens}}": "p.quirks.max_tokens_field: `tokens` is not known here; did you mean `max_tokens`?",
    "{kind: vllm, capabilities: {dialect: chat}}": "p.capabilities.dialect",
    "{kind: vllm, deadlines: {idle_s: -1}}": "p.deadlines.idle_s: is -1; it must be more than 0",
    "{kind: vllm, families: ['qwen*']}": "p.families[0]: has a `*`; families are plain beginnings, models plain names; globs belong in `models:`",
}


@pytest.mark.parametrize("text", PROVIDERS)
def test_wrong_providers_are_refused_with_path_and_remedy(text: str) -> None:
    (problem,) = told(f"providers: {{p: {text}}}")

    assert problem.startswith(f"1: providers.{PROVIDERS[text]}")


@pytest.mark.parametrize("name", ["a/b", '"a b"', '"*"', "-a", '"é"'])
def test_names_of_providers_are_plain_words(name: str) -> None:
    (problem,) = told(f"providers: {{{name}: {{kind: vllm}}}}")

    assert "is no name for a provider" in problem


# ---- models --------------------------------------------------------------------------------------------------------------

MODELS = {
    "{a: mian/x}": "models.a: no provider is named `mian`; did you mean `main/x`?",
    "{a: zzz/x}": "models.a: no provider is named `zzz`; write `provider/model`; the providers are `main` or `loc`",
    "{a: main}": "models.a: `main` names neither `provider/model` nor a model of this file; did you mean `main/...`?",
    "{coder: main/x, b: {targets: [codr]}}": "models.b.targets[0]: `codr` names neither `provider/model` nor a model of this file; "
    "did you mean `coder`?",
    "{a: {targets: []}}": "models.a.targets: is empty; name at least one target, as `[provider/model]`",
    "{a: {}}": "models.a.targets: is missing; write it, as `targets: [provider/model]`",
    "{a: []}": "models.a: is a list; it must be text or a mapping",
    "{a: {targets: [{model: main/x, weight: 0}]}}": "models.a.targets[0].weight: is 0; it must be at least 1",
    "{a: {targets: [{model: main/x, weight: -5}]}}": "models.a.targets[0].weight: is -5; it must be at least 1",
    "{a: {targets: [{model: main/x, weight: 0.5}]}}": "models.a.targets[0].weight: is a number; it must be a whole number",
    "{a: {targets: [{model: main/x, params: {model: y}}]}}": "models.a.targets[0].params.model: is set by the gateway itself; leave it out",
    "{4.1: main/x}": 'models["4.1"]: is read by YAML as a number, not as a name; write it in quotes: `"4.1"`',
    "{on: main/x}": 'models.on: is read by YAML as true, not as a name; write it in quotes: `"on"`',
    "{2024-01-01: main/x}": 'models.2024-01-01: is read by YAML as a date, not as a name; write it in quotes: `"2024-01-01"`',
    "{~: main/x}": 'models["~"]: is read by YAML as nothing, not as a name; write it in quotes: `"~"`',
    "{a: 4.1}": 'models.a: is read by YAML as a number, not as text; write it in quotes: `"4.1"`',
    "{a: a}": "models.a: runs in a circle: `a` -> `a`; let one of them name a `provider/model`",
    "{a: b, b: c, c: a}": "models.c: runs in a circle: `a` -> `b` -> `c` -> `a`; let one of them name a `provider/model`",
    "{claude-opus-4.5: main/x, claude-opus-4-5: main/x}": "models.claude-opus-4-5: is the same name as `claude-opus-4.5`: Claude's versions may "
    "be written with `.` or `-`; keep one of them",
    "{'gpt-[45]': main/x}": 'models["gpt-[45]"]: is no glob that is known here; `*` stands for any letters and `?` for one; nothing else is '
    "special",
    "{a: main/*}": "models.a: `main/*` has a wildcard, and `a` is no glob; name one model",
    "{'*-*': main/x-*}": 'models["*-*"]: `main/x-*` has a `*` beside letters, which needs a name with exactly one `*`; let `*` stand alone '
    "between slashes",
    "{'x*': y*}": 'models["x*"]: `y*` names neither `provider/model` nor a model of this file; write `provider/model`; the providers are `main` '
    "or `loc`",
}


@pytest.mark.parametrize("text", MODELS)
def test_wrong_models_are_refused_with_path_and_remedy(text: str) -> None:
    assert told(f"{MAIN}models: {text}") == [f"2: {MODELS[text]}"]


# ---- access and server ---------------------------------------------------------------------------------------------------

ACCESS = {
    "access: {keys: [{name: a, key: $KEY}, {name: a, key: $OTHER}]}": "access.keys[1].name: `a` has a key already (keys[0]); give each key its "
    "own name",
    "access: {keys: [{name: a, key: $OTHER}, {name: b, key: $OTHER}]}": "access.keys[1].key: is the same key as keys[0]; give each client its own "
    "key",
    "access: {keys: [{name: a}]}": "access.keys[0].key: is missing; write it, as `key: $ADA_KEY`",
    "server: {host: 'http://x'}": "server.host: is no address; write a name or an address without port, as `127.0.0.1` or `0.0.0.0`",
    "server: {allowed_hosts: ['x:80']}": "server.allowed_hosts[0]: is no host name; write it without scheme, port and path, as "
    "`gateway.example.com`",
    "server: {allowed_origins: ['*']}": "server.allowed_origins[0]: is no origin; write scheme, host and port only, as `https://app.example.com`",
}


@pytest.mark.parametrize("text", ACCESS)
def test_wrong_access_and_server_are_refused_with_path_and_remedy(text: str) -> None:
    assert told(MAIN + text) == [f"2: {ACCESS[text]}"]


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file() -> None:
    text = """
providers:
  main: {kind: openai, keys: [$NOPE]}
  odd: {kind: opnai}
models:
  a: mian/x
  b: odd/x
server: {port: many}
"""
    assert [problem.partition(":")[0] for problem in told(text)] == ["3", "4", "6", "8"]


def test_a_value_that_was_refused_is_not_blamed_twice() -> None:
    assert told("providers: {p: {kind: 5}}\nmodels: {a: p/x}") == [
        '1: providers.p.kind: is read by YAML as a number, not as text; write it in quotes: `"5"`'
    ]
