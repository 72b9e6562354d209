"""What is kept and shown of a config file holds no secret, and can be made whole again."""

from __future__ import annotations

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dragoman.config.written import Written, differences, read_written, refill

KEY = "sk-live-0123456789abcdef0123"
FILE = f"""\
# ours; the old key was {KEY}9 until May
providers:
  a: {{kind: openai, keys: [{KEY}, $OTHER, {{key: "{KEY}", name: spare}}]}}   # paid by ada
  b:
    kind: openai-compatible
    base_url: https://ada:hunter2@example.com/v1
    keys:
      - &shared plain-password
      - |
        a-key-in-a-block
    headers: {{x-title: our tool, x-auth-token: short, x-from: $WHO}}
access:
  keys: [{{name: ada, key: *shared}}]
models:
  "gpt-4": a/gpt-4   # not {KEY}
"""
KEPT = """\
# ours; the old key was *** until May
providers:
  a: {kind: openai, keys: [***, $OTHER, {key: ***, name: spare}]}   # paid by ada
  b:
    kind: openai-compatible
    base_url: ***
    keys:
      - &shared ***
      - ***
    headers: {x-title: our tool, x-auth-token: ***, x-from: $WHO}
access:
  keys: [{name: ada, key: *shared}]
models:
  "gpt-4": a/gpt-4   # not ***
"""


def test_secrets_are_left_out_and_the_rest_stays_to_the_letter() -> None:
    found = read_written(FILE.encode())

    assert found == Written(
        KEPT.replace("***", '"***"').replace('was "***"', "was ***").replace('not "***"', "not ***"),
        {
            "providers": {
                "a": {"kind": "openai", "keys": ["***", "$OTHER", {"key": "***", "name": "spare"}]},
                "b": {
                    "kind": "openai-compatible",
                    "base_url": "***",
                    "keys": ["***", "***"],
                    "headers": {"x-title": "our tool", "x-auth-token": "***", "x-from": "$WHO"},
                },
            },
            "access": {"keys": [{"name": "ada", "key": "***"}]},
            "models": {"gpt-4": "a/gpt-4"},
        },
        (
            ("providers", "a", "keys", 0),
            ("providers", "a", "keys", 2, "key"),
            ("providers", "b", "base_url"),
            ("providers", "b", "keys", 0),
            ("providers", "b", "keys", 1),
            ("providers", "b", "headers", "x-auth-token"),
            ("access", "keys", 0, "key"),
        ),
    )


def test_a_kept_file_is_made_whole_with_the_secrets_of_today() -> None:
    today = FILE.replace("plain-password", "a-new-password").replace("# paid by ada", "")

    text, lacking = refill(read_written(FILE.encode()).text, today.encode())

    assert lacking == ()
    assert read_written(text.encode()) == read_written(FILE.encode())
    assert "&shared a-new-password" in text and f"keys: [{KEY}, $OTHER" in text


def test_what_the_file_of_today_does_not_hold_is_told() -> None:
    text, lacking = refill(read_written(FILE.encode()).text, f"providers: {{a: {{kind: openai, keys: [{KEY}]}}}}".encode())

    assert lacking == (
        "providers.a.keys[2].key",
        "providers.b.base_url",
        "providers.b.keys[0]",
        "providers.b.keys[1]",
        "providers.b.headers.x-auth-token",
        "access.keys[0].key",
    )
    assert KEY in text


@pytest.mark.parametrize("way", ['"{}"', "'{}'", "{}", '"\\x73{}"'])
def test_a_key_is_found_however_it_is_quoted(way: str) -> None:
    quoted = way.format(KEY[1:] if way.startswith('"\\') else KEY)

    kept = read_written(f"providers: {{a: {{kind: openai, keys: [{quoted}]}}}}".encode())

    assert kept.text == 'providers: {a: {kind: openai, keys: ["***"]}}'


def test_a_key_that_begins_like_a_variable_is_a_key() -> None:
    assert read_written(b"providers: {a: {keys: ['$2b$10', $NAME, 'file:/run/key']}}").hidden == (("providers", "a", "keys", 0),)


@pytest.mark.parametrize(
    "url", ["https://example.com/v1/0123456789abcdef0123456789abcdef/x", "https://host/${TOKEN}/v1", "https://ada:$PASSWORD@host/v1"]
)
def test_an_address_with_an_account_in_it_is_no_secret(url: str) -> None:
    assert read_written(f"providers: {{a: {{base_url: '{url}'}}}}".encode()).hidden == ()


def test_differences_are_told_by_settings() -> None:
    old = {"models": {"a": "x/1", "b": {"targets": ["x/1", "x/2"]}}, "server": {"port": 8080}}
    new = {"models": {"b": {"targets": ["x/3"]}, "gpt-4.1": "x/4"}, "server": {"port": 8080}, "log": {"level": "debug"}}

    assert list(differences(old, new)) == [
        ("models.a", "x/1", msgspec.UNSET),
        ("models.b.targets[0]", "x/1", "x/3"),
        ("models.b.targets[1]", "x/2", msgspec.UNSET),
        ('models["gpt-4.1"]', msgspec.UNSET, "x/4"),
        ("log", msgspec.UNSET, {"level": "debug"}),
    ]


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=40), st.integers(0, 5))
def test_no_literal_key_survives_and_every_one_comes_back(key: str, spaces: int) -> None:
    raw = f"providers:\n  a:\n{' ' * (4 + spaces)}kind: openai\n{' ' * (4 + spaces)}keys: ['x{key}']\n".encode()

    kept = read_written(raw)

    assert f"x{key}" not in kept.text
    assert refill(kept.text, raw) == (raw.decode(), ())


TEXTS = st.one_of(
    st.text(min_size=1, max_size=12), st.just(KEY), st.just("$NAME"), st.just("https://ada:pass@host/v1"), st.just("# no comment")
)
KEYS = st.sampled_from(["keys", "key", "headers", "base_url", "x-auth", "providers", "access", "a", "name", "a b", "#", KEY])
TREES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
PROVIDERS = st.fixed_dictionaries(
    {"providers": st.dictionaries(st.sampled_from(["a", "b c"]), st.dictionaries(KEYS, TREES, max_size=4), min_size=1)},
    optional={"access": TREES},
)


@given(PROVIDERS, st.booleans(), st.integers(20, 200))
def test_whatever_is_written_keeps_its_form_without_secrets_and_gets_them_back(tree: dict[str, object], flow: bool, width: int) -> None:
    raw = (yaml.safe_dump(tree, default_flow_style=flow, width=width, allow_unicode=True) + f"# was {KEY} once\n").encode()
    kept = read_written(raw)

    again = read_written(kept.text.encode())
    text, lacking = refill(kept.text, raw)

    assert (again.text, again.settings) == (kept.text, kept.settings)
    assert KEY not in "".join(line for line in kept.text.splitlines() if f"{KEY}:" not in line and f"? {KEY}" not in line)
    assert lacking == ()
    assert yaml.safe_load(text) == yaml.safe_load(raw)
