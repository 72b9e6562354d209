"""From a model name to the deployments that may answer it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.config.load import parse
from dragoman.config.schema import Config, Provider
from dragoman.ir.errors import GatewayError, Kind
from dragoman.routing.resolve import Resolver, Target

CONFIG = """
providers:
  openai-main: {kind: openai, keys: [$K]}
  claude: {kind: anthropic, keys: [$K]}
  local: {kind: openai-compatible, base_url: http://127.0.0.1:1/v1, models: [qwen3-coder, Claude-Mini-1.5]}
"""
MODELS = """
models:
  gpt-4: openai-main/gpt-4
  claude-sonnet-4.5: claude/claude-sonnet-4.5
  openai-main/gpt-4o: local/small
  base:
    targets:
      - {model: local/a, weight: 3, params: {temperature: 0.7, top_p: 1}}
      - {model: local/b, weight: 1}
  coder:
    targets:
      - {model: openai-main/gpt-5.5, weight: 80}
      - {model: base, weight: 20, params: {temperature: 0.2}}
  twice: {targets: [local/a, local/a, base]}
"""


def resolver(models: str = "", providers: str = CONFIG) -> Resolver:
    return Resolver.compile(parse((providers + models).encode(), {"K": "k"}).config)


def kinds(*names: str) -> Resolver:
    """A resolver of discovered providers."""
    return Resolver.compile(Config(providers={name: Provider(kind=name) for name in names}))


def where(found: Resolver, name: str) -> list[str]:
    return [target.name for target in found.resolve(name).targets]


# ---- names of config -----------------------------------------------------------------------------------------------------


def test_an_alias_is_one_target() -> None:
    found = resolver(MODELS).resolve("gpt-4")

    assert (found.name, found.reason) == ("gpt-4", "alias")
    assert found.targets == (Target("openai-main", "gpt-4", 1, {}, "openai-main/gpt-4"),)


def test_a_virtual_model_of_virtual_models_is_multiplied_out() -> None:
    found = resolver(MODELS).resolve("coder")

    assert [(target.name, target.weight, target.params) for target in found.targets] == [
        ("openai-main/gpt-5.5", 16, {}),
        ("local/a", 3, {"temperature": 0.2, "top_p": 1}),
        ("local/b", 1, {"temperature": 0.2}),
    ]


def test_weights_are_told_as_they_were_given_where_nothing_is_multiplied_out() -> None:
    found = resolver("models: {coder: {targets: [{model: local/a, weight: 80}, {model: local/b, weight: 20}]}}").resolve("coder")

    assert [(target.name, target.weight) for target in found.targets] == [("local/a", 80), ("local/b", 20)]


def test_the_same_deployment_twice_is_one_target_and_with_other_params_another() -> None:
    found = resolver(MODELS).resolve("twice")

    assert [(target.name, target.weight, target.params) for target in found.targets] == [
        ("local/a", 8, {}),
        ("local/a", 3, {"temperature": 0.7, "top_p": 1}),
        ("local/b", 1, {}),
    ]
    assert len({target.id for target in found.targets}) == 3


@pytest.mark.parametrize("name", ["claude-sonnet-4.5", "claude-sonnet-4-5"])
def test_both_spellings_of_claude_are_one_name_and_go_out_in_the_providers(name: str) -> None:
    assert where(resolver(MODELS), name) == ["claude/claude-sonnet-4-5"]


def test_a_name_of_config_wins_over_a_direct_name() -> None:
    assert where(resolver(MODELS), "openai-main/gpt-4o") == ["local/small"]


# ---- direct names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ("openai-main/gpt-5.5", "openai-main/gpt-5.5"),
        ("local/Qwen/Qwen3-Coder", "local/Qwen/Qwen3-Coder"),
        ("claude/claude-opus-4.5", "claude/claude-opus-4-5"),
        ("local/claude-opus-4.5", "local/claude-opus-4.5"),
    ],
)
def test_a_direct_name_goes_there_whatever_the_globs_say(asked: str, target: str) -> None:
    found = resolver('models: {"*": claude/x, "openai-main/*": claude/y}').resolve(asked)

    assert ([one.name for one in found.targets], found.reason) == ([target], "direct")


def test_openrouters_names_have_slashes_and_dots() -> None:
    assert where(kinds("openrouter"), "openrouter/anthropic/claude-sonnet-4-5") == ["openrouter/anthropic/claude-sonnet-4.5"]


# ---- globs ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("glob", "target", "asked", "goes"),
    [
        ("*", "local/*", "anything/at:all", "local/anything/at:all"),
        ("gpt-*", "local/*", "gpt-5.5", "local/gpt-5.5"),
        ("gpt-*", "local/oai/*", "gpt-5.5", "local/oai/gpt-5.5"),
        ("gpt-*", "local/gpt-*", "gpt-5.5", "local/gpt-5.5"),
        ("gpt-*", "local/x-*-y", "gpt-5.5", "local/x-5.5-y"),
        ("fast/*", "local/*", "fast/llama", "local/llama"),
        ("fast/*", "local/v/*", "fast/a/b", "local/v/a/b"),
        ("o?", "local/*", "o3", "local/o3"),
        ("gpt-*", "local/fixed", "gpt-1", "local/fixed"),
        ("claude-sonnet-4.*", "claude/*", "claude-sonnet-4-6", "claude/claude-sonnet-4-6"),
        ("claude-sonnet-4-*", "claude/*", "claude-sonnet-4.6", "claude/claude-sonnet-4-6"),
        ("*.*", "local/*", "v1.2", "local/v1.2"),
        ("g*", "gpt-4", "gemma", "openai-main/gpt-4"),
    ],
)
def test_a_glob_fills_its_target(glob: str, target: str, asked: str, goes: str) -> None:
    found = resolver(f'models: {{gpt-4: openai-main/gpt-4, "{glob}": "{target}"}}').resolve(asked)

    assert ([one.name for one in found.targets], found.reason) == ([goes], f"glob `{glob}`")


def test_the_glob_with_most_plain_letters_wins_wherever_it_stands() -> None:
    found = resolver('models: {"*": local/all, "gpt-*": local/gpt, "gpt-5*": local/five, "*-mini": local/mini, "?????": local/any}')

    assert [where(found, name)[0] for name in ("gpt-5.5", "gpt-4", "gpt-5-mini", "o4-mini", "xyzzy", "x")] == [
        "local/five",
        "local/gpt",
        "local/five",
        "local/mini",
        "local/any",
        "local/all",
    ]


def test_letters_of_regular_expressions_are_plain_in_globs() -> None:
    found = resolver('models: {"a.b+*": local/x, "*": local/y}')

    assert [where(found, name)[0] for name in ("a.b+c", "aXb+c", "a.bb")] == ["local/x", "local/y", "local/y"]


def test_weighted_targets_of_a_glob_are_all_filled() -> None:
    found = resolver('models: {"gpt-*": {targets: [{model: openai-main/*, weight: 2}, {model: "local/*", weight: 1}]}}')

    assert [(one.name, one.weight) for one in found.resolve("gpt-9").targets] == [("openai-main/gpt-9", 2), ("local/gpt-9", 1)]


# ---- names that config does not have -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "target", "reason"),
    [
        ("gpt-5.5", "openai-main/gpt-5.5", "family"),
        ("o3-mini", "openai-main/o3-mini", "family"),
        ("claude-sonnet-4.5", "claude/claude-sonnet-4-5", "family"),
        ("qwen3-coder", "local/qwen3-coder", "listed"),
        ("anthropic/claude-opus-5", "claude/claude-opus-5", "kind `anthropic`"),
        ("openai/gpt-5.5", "openai-main/gpt-5.5", "kind `openai`"),
    ],
)
def test_a_bare_name_goes_to_whom_it_belongs(asked: str, target: str, reason: str) -> None:
    found = resolver().resolve(asked)

    assert ([one.name for one in found.targets], found.reason) == ([target], reason)


@pytest.mark.parametrize(
    ("providers", "asked", "target"),
    [
        (("openai", "openrouter"), "gpt-5.5", "openai/gpt-5.5"),
        (("openrouter", "openai"), "gpt-5.5", "openai/gpt-5.5"),
        (("openai", "openrouter"), "claude-sonnet-4-5", "openrouter/anthropic/claude-sonnet-4.5"),
        (("openai", "openrouter"), "anthropic/claude-sonnet-4.5", "openrouter/anthropic/claude-sonnet-4.5"),
        (("openai", "openrouter"), "gpt-oss-120b", "openrouter/openai/gpt-oss-120b"),
        (("mistral", "openrouter"), "mistralai/mistral-large-4", "openrouter/mistralai/mistral-large-4"),
        (("openrouter",), "gpt-4", "openrouter/openai/gpt-4"),
        (("openrouter",), "mystery", "openrouter/mystery"),
        (("anthropic",), "gpt-4", "anthropic/gpt-4"),
        (("ollama",), "Ollamas/qwen3", "ollama/Ollamas/qwen3"),
        (("demo",), "whatever/you:like", "demo/whatever/you:like"),
    ],
)
def test_a_name_of_nobodys_goes_to_a_host_or_to_the_only_provider(providers: tuple[str, ...], asked: str, target: str) -> None:
    assert where(kinds(*providers), asked) == [target]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            "gtp-5.5",
            "no model is known as `gtp-5.5`; did you mean `gpt-5.5`, `gpt-5.6` or `gpt-5.4`? Else ask for it as `provider/model` "
            "(providers: `openai-main`, `claude`, `local`), or add it under `models:`",
        ),
        (
            "opnai-main/gpt-5.5",
            "no model is known as `opnai-main/gpt-5.5`; did you mean `openai-main/gpt-5.5`? Else ask for it as `provider/model` "
            "(providers: `openai-main`, `claude`, `local`), or add it under `models:`",
        ),
        (
            "zzzz",
            "no model is known as `zzzz`; ask for it as `provider/model` (providers: `openai-main`, `claude`, `local`), "
            "or add it under `models:`",
        ),
        (
            "claude/",
            "no model is known as `claude/`; ask for it as `provider/model` (providers: `openai-main`, `claude`, `local`), "
            "or add it under `models:`",
        ),
        ("", "the request names no model; set its field `model`"),
    ],
)
def test_a_name_that_nothing_matches_gets_one_line_with_the_nearest(asked: str, message: str) -> None:
    with pytest.raises(GatewayError) as caught:
        resolver().resolve(asked)

    error = caught.value
    assert (error.kind, error.message, error.code, error.source) == (Kind.MODEL_NOT_FOUND, message, "model_not_found", "gateway")


def test_of_many_providers_a_few_are_named() -> None:
    many = {f"p{number:02}": Provider(kind="openai-compatible", base_url="http://127.0.0.1:1/v1") for number in range(100)}

    with pytest.raises(GatewayError) as caught:
        Resolver.compile(Config(providers=many)).resolve("zzzz")

    assert caught.value.message == (
        "no model is known as `zzzz`; ask for it as `provider/model` (providers: `p00`, `p01`, `p02`, `p03`, `p04`, `p05`, `p06`, `p07` "
        "and 92 more), or add it under `models:`"
    )


def test_names_of_config_are_suggested_first() -> None:
    with pytest.raises(GatewayError, match=r"did you mean `coder`\?"):
        resolver(MODELS).resolve("codr")


def test_a_slip_in_the_only_providers_name_is_told_where_its_models_have_no_slash() -> None:
    with pytest.raises(GatewayError, match=r"did you mean `openai/gpt-5`\?"):
        kinds("openai").resolve("opnai/gpt-5")


def test_a_very_long_name_is_not_told_whole() -> None:
    with pytest.raises(GatewayError) as caught:
        resolver().resolve("z" * 100_000)

    told = "z" * 97
    assert caught.value.message == f"the model `{told}...` has a name of 100000 letters; it may have 512"


def test_the_longest_name_that_a_model_may_have_is_found() -> None:
    asked = "m" * 512

    assert kinds("demo").resolve(asked).targets[0].model == asked


# ---- the resolver itself -------------------------------------------------------------------------------------------------


def test_what_clients_ask_for_is_remembered_within_bounds() -> None:
    found = kinds("demo")
    first = found.resolve("a")

    assert found.resolve("a") is first
    for number in range(5000):
        found.resolve(f"m{number}")
    assert len(found._cache) == 2048  # pyright: ignore[reportPrivateUsage]
    assert found.resolve("a") == first


def test_offered_names_are_those_of_config_and_of_lists_without_globs() -> None:
    found = resolver('models: {b: local/x, "c-*": local/*, a: local/y}')

    assert found.names() == ("b", "a", "local/Claude-Mini-1.5", "local/qwen3-coder")


@given(st.text(max_size=30))
def test_any_name_is_resolved_or_refused_with_a_sentence(name: str) -> None:
    try:
        found = RESOLVER.resolve(name)
    except GatewayError as error:
        assert error.kind is Kind.MODEL_NOT_FOUND
    else:
        assert found.targets


RESOLVER = resolver(MODELS)


# ---- windows -------------------------------------------------------------------------------------------------------------


def windows(models: str, name: str) -> dict[str, int | None]:
    found = resolver(models).resolve(name)
    within = [entry.model.branch if entry.model is not None else None for entry in (*found.branch.entries, *found.fallbacks)]
    own = [seat for entry in (*found.branch.entries, *found.fallbacks) for seat in entry.seats]
    deeper = [seat for branch in within if branch is not None for entry in branch.entries for seat in entry.seats]
    return {seat.deployment: seat.window for seat in (*own, *deeper)}


def test_a_window_of_config_holds_for_the_targets_of_its_model_and_not_for_its_fallbacks() -> None:
    models = """
models:
  small: {targets: [local/a, inner], context_window: 8000, fallbacks: [big, local/d]}
  inner: {targets: [local/b], strategy: priority, context_window: 4000}
  big: {targets: [local/c], context_window: 90000}
"""
    assert windows(models, "small") == {"local/a": 8000, "local/b": 4000, "local/c": 90000, "local/d": None}


def test_a_window_that_a_provider_tells_of_counts() -> None:
    config = parse((CONFIG + "models: {x: {targets: [local/a]}}\n").encode(), {"K": "k"}).config
    told = {("local", "a"): 32768}

    found = Resolver.compile(config, window=lambda provider, model: told.get((provider, model))).resolve("x")

    assert [seat.window for entry in found.branch.entries for seat in entry.seats] == [32768]
