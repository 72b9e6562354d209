"""Secrets: where they come from, and that nothing shows them."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import msgspec
import pytest

from dragoman.config.load import Loaded, load, parse
from dragoman.config.problems import ConfigError
from dragoman.config.secrets import Secret, SecretFault, SecretReader, looks_secret

VALUE = "sk-proj-0123456789abcdefABCDEF"


def read(text: str, env: dict[str, str] | None = None, folder: Path | None = None) -> Secret:
    return SecretReader(env or {}, folder or Path()).secret(text)


def test_nothing_shows_a_secret() -> None:
    secret = Secret(VALUE, "$KEY")

    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>60}", "%s" % secret, repr([secret]), repr({"k": (secret,)})]  # noqa: UP031

    assert not [text for text in shown if VALUE in text or VALUE[:8] in text]


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.to_builtins, pickle.dumps])
def test_no_encoder_takes_a_secret(encode: object) -> None:
    with pytest.raises(TypeError) as caught:
        encode(Secret(VALUE))  # type: ignore[operator]

    assert VALUE not in str(caught.value)


def test_a_secret_has_no_dict_that_could_be_dumped() -> None:
    assert not hasattr(Secret(VALUE), "__dict__")


def test_a_copied_secret_is_the_same() -> None:
    secret = Secret(VALUE)

    assert copy.deepcopy([secret])[0] is secret


def test_secrets_compare_by_value() -> None:
    assert (Secret(VALUE) == Secret(VALUE, "$X"), Secret(VALUE) == Secret("other"), Secret(VALUE) == VALUE) == (True, False, False)
    assert (Secret(VALUE).matches(VALUE), Secret(VALUE).matches(VALUE + "x")) == (True, False)


@pytest.mark.parametrize("text", ["$KEY", "${KEY}"])
def test_a_variable_gives_its_value_without_blanks(text: str) -> None:
    secret = read(text, {"KEY": f" {VALUE}\n"})

    assert (secret.reveal(), secret.origin) == (VALUE, text)


def test_a_variable_may_stand_within_a_text() -> None:
    assert read("Token ${KEY}", {"KEY": VALUE}).reveal() == f"Token {VALUE}"


def test_a_file_gives_its_text_without_blanks(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbf" + VALUE.encode() + b"\n")

    assert read(f"file:{tmp_path}/key").reveal() == VALUE
    assert read(f"file://{tmp_path}/key").reveal() == VALUE
    assert read("file:key", folder=tmp_path).reveal() == VALUE
    assert read("file:~/key", {"HOME": str(tmp_path)}).reveal() == VALUE


def test_a_file_that_all_can_read_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(VALUE)
    warnings: list[list[tuple[str, str]]] = []
    for mode in (0o600, 0o644):
        (tmp_path / "key").chmod(mode)
        reader = SecretReader({}, tmp_path)
        reader.secret("file:key")
        warnings.append(reader.warnings)

    where = f"the file `{tmp_path / 'key'}`"
    assert warnings == [[], [("file:key", f"{where} can be read by every user of this machine; `chmod 600` it")]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"a\nb", "has a line break"),
        ("schlüssel".encode(), "no HTTP header takes"),
        (b"x" * 70_000, "too large"),
    ],
)
def test_a_file_that_holds_no_key_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(content)

    with pytest.raises(SecretFault, match=reason):
        read("file:key", folder=tmp_path)


def test_a_directory_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    for text, reason in ((f"file:{tmp_path}", "is a directory"), ("file:no", "does not exist"), ("file:", "names no file")):
        with pytest.raises(SecretFault, match=reason):
            read(text, folder=tmp_path)


@pytest.mark.parametrize("text", ["$1", "$A-B", "${A B}", "${}"])
def test_what_is_no_name_of_a_variable_is_refused_or_taken_as_it_is(text: str) -> None:
    if text.startswith("${"):
        with pytest.raises(SecretFault, match="is no name of a variable"):
            read(text)
    else:
        assert read(text).reveal() == text


def test_a_literal_key_works_and_is_warned_about_without_being_quoted() -> None:
    loaded = parse(f"providers: {{p: {{kind: openai, keys: [{VALUE}]}}}}".encode(), {}, file="d")

    assert loaded.config.providers["p"].keys[0].key.reveal() == VALUE
    assert loaded.warnings == (
        "d:1: providers.p.keys[0]: the key stands in the file itself; put it into the environment and write `$VARIABLE`, "
        "or into a file of its own and write `file:/path`",
    )


def test_a_number_as_a_key_is_taken_as_written() -> None:
    assert parse(b"providers: {p: {kind: openai, keys: [0012]}}", {}).config.providers["p"].keys[0].key.reveal() == "0012"


LEAKS = [
    f"providers: {{p: {VALUE}}}",
    f"providers: {VALUE}",
    f"{VALUE}",
    f"{VALUE}: 1",
    f"providers: {{{VALUE}: {{kind: openai}}}}",
    f"providers: {{p: {{kind: {VALUE}}}}}",
    f"providers: {{p: {{kind: openai, keys: {VALUE}}}}}",
    f"providers: {{p: {{kind: openai, keys: [[{VALUE}]]}}}}",
    f"providers: {{p: {{kind: openai, keys: [{{{VALUE}: 1}}]}}}}",
    f"providers: {{p: {{kind: openai, {VALUE}: 1, keys: [$NOPE]}}}}",
    f"providers: {{p: {{kind: openai, keys: [${{{VALUE}}}]}}}}",
    f"providers: {{p: {{kind: openai, keys: ['${{{VALUE}}}']}}}}",
    f"providers: {{p: {{kind: openai, keys: [{VALUE}, {VALUE}]}}}}",
    f"providers: {{p: {{kind: openai, keys: [*{VALUE}]}}}}",
    f'providers: {{p: {{kind: openai, keys: ["{VALUE}\\n{VALUE}"]}}}}',
    f"providers: {{p: {{kind: openai, auth: {VALUE}, keys: [$NOPE]}}}}",
    f"providers: {{p: {{kind: vllm, dialect: {VALUE}}}}}",
    f"providers: {{p: {{kind: vllm, dialects: {{{VALUE}: null}}}}}}",
    f"providers: {{p: {{kind: vllm, headers: {{{VALUE}: x, host: {VALUE}}}}}}}",
    f"providers: {{p: {{kind: vllm, base_url: 'https://user:{VALUE}@x/v1'}}}}",
    f"providers: {{p: {{kind: vllm, base_url: {VALUE}}}}}",
    f"models: {{m: {VALUE}}}",
    f"models: {{m: {VALUE}/x}}",
    f"models: {{{VALUE}: nowhere}}",
    f"models: {{m: n, n: {VALUE}-*}}",
    f"access: {{keys: [{{name: a, key: {VALUE}}}, {{name: b, key: {VALUE}}}]}}",
    f"access: {{keys: {VALUE}}}",
    f"server: {{port: {VALUE}, host: 'x {VALUE}'}}",
    f"log: {VALUE}\n\t{VALUE}",
    f"log: {VALUE}\nlog: {VALUE}",
    f"{VALUE}: 1\n{VALUE}: 2",
]


@pytest.mark.parametrize("text", LEAKS)
def test_no_error_quotes_a_key_wherever_it_was_put(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), {}, file="d")

    assert VALUE not in str(caught.value)
    assert VALUE not in repr(caught.value.problems)


def test_no_warning_and_no_repr_of_what_was_loaded_shows_a_key(tmp_path: Path) -> None:
    (tmp_path / "dragoman.yaml").write_text(
        f"providers: {{p: {{kind: openai, keys: [$A, {VALUE}], headers: {{x-team: {VALUE}}}}}}}\n"
        f"access: {{keys: [{{name: a, key: {VALUE}}}]}}"
    )

    loaded = load(None, {"A": VALUE + "A"}, tmp_path)

    assert isinstance(loaded, Loaded)
    assert VALUE not in repr(loaded) + str(loaded) + "".join(loaded.warnings)


@pytest.mark.parametrize(
    "text", ["gpt-4.1", "claude-sonnet-4-5-20250929", "openai-main/gpt-5.5", "accounts/fireworks/models/deepseek-v4-pro", "coder"]
)
def test_names_of_models_are_not_mistaken_for_keys(text: str) -> None:
    assert looks_secret(text) is False
