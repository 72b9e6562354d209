"""Keys, strategies, rules, tiers and fallbacks in config: their forms, what they are refused for, and what is warned of."""

# ruff: noqa: E501 (each message stands whole beside what it is told of)
from __future__ import annotations

import pytest

from dragoman.config.check_rules import covers, never_taken
from dragoman.config.effective import effective_affinity, effective_keys, effective_rescue, effective_retry, may_use
from dragoman.config.load import parse
from dragoman.config.problems import ConfigError
from dragoman.config.routing_schema import Affinity, Breaker, Classifier, Probes, ProviderKey, Retry, Routing, Tiers, Time, When
from dragoman.config.schema import Config, Provider, ProviderDeadlines, Rule, Target, VirtualModel
from dragoman.config.secrets import Secret

ENV = {"KEY": "sk-0123456789abcdef", "OTHER": "sk-fedcba9876543210", "ADA": "a-client-key-of-its-own", "BOB": "another-client-key-here"}
MAIN = "providers: {main: {kind: openai, keys: [$KEY, {key: $OTHER, name: east, models: [gpt-4*]}]}, loc: {kind: vllm}}\n"
ACCESS = "access: {keys: [{name: ada, key: $ADA, team: red, user: ada@example.com}, {name: bob, key: $BOB}]}\n"


def told(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), ENV, file="d")
    return [str(problem).removeprefix("d:").partition(": ")[2] for problem in caught.value.problems]


def warned(text: str) -> list[str]:
    return [warning.partition(": ")[2] for warning in parse(text.encode(), ENV, file="d").warnings]


# ---- forms ---------------------------------------------------------------------------------------------------------------

WHOLE = b"""
providers:
  main:
    kind: openai
    base_url: https://{region}.example.com/v1
    keys:
      - {key: $KEY, region: eu}
      - {key: $OTHER, name: us, weight: 3, models: ["gpt-*"], region: us}
models:
  coder:
    strategy: tiered
    tiers: {order: [small, large], thresholds: [0.4], classifier: {model: main/gpt-5-nano, timeout_s: 1, prompt: "which?"}}
    targets:
      - {model: main/gpt-5, tier: large, key: us, headers: {x-team: blue, x-org: null}, deadlines: {idle_s: 9}, first_token_s: 8, fall_back_on: [409, 418]}
      - {model: main/gpt-5-mini, tier: small}
    rules:
      - name: night
        when:
          time: {days: [mon, tue], from: "22:00", to: "06:00", zone: Europe/Vienna}
          not: {any: [{effort: high}, {tools_over: 20}]}
          headers: {x-priority: [low, batch]}
        use: [{model: main/gpt-5-mini, priority: 1}, {model: main/gpt-5, priority: 2}]
        strategy: priority
      - {when: {kind: title}, use: main/gpt-5-nano}
    fallbacks: [main/gpt-4.1]
    retry: {attempts: 2}
    affinity: {lifetime_s: 60}
    rescue: true
routing:
  retry: {attempts: 6, backoff_s: 0.1, backoff_max_s: 1, retry_after_max_s: 5, total_s: 30, budget: 0.5}
  breaker: {failures: 3, window_s: 30, rate: 0.25, open_s: 5, open_max_s: 50, refused_s: 20, half_open: 2}
  affinity: {on: true, lifetime_s: 600, sessions: 5}
  probes: {every_s: 60, timeout_s: 5}
  rescue: false
"""


def test_everything_is_read_as_it_is_written() -> None:
    loaded = parse(WHOLE, ENV)

    headers = {"x-team": Secret("blue"), "x-org": None}
    assert loaded.warnings == ()
    assert loaded.config == Config(
        providers={
            "main": Provider(
                kind="openai",
                base_url="https://{region}.example.com/v1",
                keys=(
                    ProviderKey(Secret(ENV["KEY"]), region="eu"),
                    ProviderKey(Secret(ENV["OTHER"]), name="us", weight=3, models=("gpt-*",), region="us"),
                ),
            )
        },
        models={
            "coder": VirtualModel(
                strategy="tiered",
                tiers=Tiers(("small", "large"), (0.4,), Classifier("main/gpt-5-nano", 1.0, "which?")),
                targets=(
                    Target(
                        "main/gpt-5",
                        tier="large",
                        key="us",
                        headers=headers,
                        deadlines=ProviderDeadlines(idle_s=9.0),
                        first_token_s=8.0,
                        fall_back_on=(409, 418),
                    ),
                    Target("main/gpt-5-mini", tier="small"),
                ),
                rules=(
                    Rule(
                        When(
                            time=Time(("mon", "tue"), "22:00", "06:00", "Europe/Vienna"),
                            not_=When(any=(When(effort="high"), When(tools_over=20))),
                            headers={"x-priority": ("low", "batch")},
                        ),
                        (Target("main/gpt-5-mini", priority=1), Target("main/gpt-5", priority=2)),
                        "priority",
                        "night",
                    ),
                    Rule(When(kind="title"), "main/gpt-5-nano"),
                ),
                fallbacks=("main/gpt-4.1",),
                retry={"attempts": 2},
                affinity={"lifetime_s": 60.0},
                rescue=True,
            )
        },
        routing=Routing(Retry(6, 0.1, 1, 5, 30, 0.5), Breaker(3, 30, 0.25, 5, 50, 20, 2), Affinity(True, 600, 5), Probes(60, 5)),
    )


def test_what_a_model_says_stands_over_what_holds_for_all() -> None:
    config = parse(WHOLE, ENV).config
    entry = config.models["coder"]
    assert isinstance(entry, VirtualModel)

    assert effective_retry(config, entry) == Retry(2, 0.1, 1, 5, 30, 0.5)
    assert effective_retry(config, None) == Retry(6, 0.1, 1, 5, 30, 0.5)
    assert effective_affinity(config, entry) == Affinity(True, 60, 5)
    assert (effective_rescue(config, entry), effective_rescue(config, None)) == (True, False)


def test_keys_without_a_name_are_named_for_their_place() -> None:
    first, second = effective_keys(parse(MAIN.encode(), ENV).config.providers["main"])

    assert (first.name, second.name) == ("key-1", "east")
    assert [may_use(second, model) for model in ("gpt-4o", "gpt-5")] == [True, False]
    assert may_use(first, "anything")


# ---- refused -------------------------------------------------------------------------------------------------------------

TIERED = "strategy: tiered, tiers: {order: [s, l]}"
REFUSED = {
    "models: {m: {targets: [{model: main/x, key: west}]}}": "models.m.targets[0].key: provider `main` has no key of that name; did you mean `east`?",
    "models: {m: {targets: [{model: loc/x, key: k}]}}": "models.m.targets[0].key: provider `loc` has no key of that name; it has no keys",
    "models: {m: {targets: [{model: n, key: east}]}, n: main/gpt-4}": "models.m.targets[0].key: `n` is a virtual model; say it at the targets of that",
    "models: {m: {targets: [{model: main/x, key: east}]}}": "models.m.targets[0]: the key `east` of provider `main` may not be used for `x`; add the "
    "model to `models` of a key",
    "models: {m: {targets: [loc/x], strategy: fastest}}": "models.m.strategy: `fastest` is not known here; write `cheapest`, `latency`, `least-busy`, "
    "`priority`, `tiered`, `usage` or `weighted`",
    "models: {m: {targets: [loc/x], strategy: tiered}}": "models.m.tiers: is missing, and the strategy is `tiered`; write `tiers: {order: [small, large]}`",
    f"models: {{m: {{targets: [loc/x, {{model: loc/y, tier: l}}], {TIERED}}}}}": "models.m.targets[0].tier: is missing; write one of `s` or `l`",
    f"models: {{m: {{targets: [{{model: loc/x, tier: s}}, {{model: loc/y, tier: ll}}], {TIERED}}}}}": "models.m.targets[1].tier: `ll` is not in "
    "`tiers.order`; did you mean `l`?",
    "models: {m: {targets: [{model: loc/x, tier: s}], strategy: tiered, tiers: {order: [s]}}}": "models.m.tiers.order: has not two different tiers; name "
    "at least two, the cheapest first, as `[small, large]`",
    "models: {m: {targets: [{model: loc/x, tier: s}, {model: loc/y, tier: l}], strategy: tiered, tiers: {order: [s, l], thresholds: [0.2, 0.3]}}}": "models.m."
    "tiers.thresholds: has 2 for 2 tiers; write 1, or leave it out",
    "models: {m: {targets: [{model: loc/x, tier: s}, {model: loc/y, tier: l}], strategy: tiered, tiers: {order: [s, l], thresholds: [1.2]}}}": "models.m."
    "tiers.thresholds[0]: is 1.2; it must be at most 1",
    "models: {m: {targets: [loc/x], fallbacks: [lco/y]}}": "models.m.fallbacks[0]: no provider is named `lco`; did you mean `loc/y`?",
    "models: {m: {targets: [loc/x], rules: [{when: {}}]}}": "models.m.rules[0].use: is missing; write it, as `use: provider/model`",
    "models: {m: {targets: [loc/x], rules: [{use: loc/y}]}}": "models.m.rules[0].when: is missing; write it, as `when: {agent: codex}`",
    "models: {m: {targets: [loc/x], rules: [{when: {tools: true}, use: []}]}}": "models.m.rules[0].use: is empty; name at least one target, as `[provider/model]`",
    "models: {m: {targets: [loc/x], rules: [{when: {tool: true}, use: loc/y}]}}": "models.m.rules[0].when.tool: is no setting; did you mean `tools`?",
    "models: {m: {targets: [loc/x], rules: [{when: {tools: yes, modalities: [video]}, use: loc/y}]}}": "models.m.rules[0].when.modalities[0]: `video` is not "
    "known here; write `audio`, `file`, `image` or `text`",
    "models: {m: {targets: [loc/x], rules: [{name: a, when: {tools: true}, use: loc/y}, {name: a, when: {tools: false}, use: loc/z}]}}": "models.m.rules[1].name: "
    "`a` is the name of another rule here; give each its own",
    "models: {m: {targets: [loc/x], rules: [{when: {time: {from: '9'}}, use: loc/y}]}}": "models.m.rules[0].when.time.from: `9` is no time of day; write hours "
    'and minutes in quotes, as `"09:30"`',
    "models: {m: {targets: [loc/x], rules: [{when: {time: {from: 10:30}}, use: loc/y}]}}": 'models.m.rules[0].when.time.from: is read by YAML as a number, not as text; write it in quotes: `"10:30"`',
    "models: {m: {targets: [loc/x], rules: [{when: {not: {time: {to: '25:00'}}}, use: loc/y}]}}": "models.m.rules[0].when.not.time.to: `25:00` is no time of day; write "
    'hours and minutes in quotes, as `"09:30"`',
    "models: {m: {targets: [loc/x], rules: [{when: {time: {from: '09:00', to: '09:00'}}, use: loc/y}]}}": "models.m.rules[0].when.time.to: is the same as `from`; "
    "leave both out for the whole day",
    "models: {m: {targets: [loc/x], rules: [{when: {time: {days: [mon], zone: Europe/Viena}}, use: loc/y}]}}": "models.m.rules[0].when.time.zone: `Europe/Viena` is no "
    "zone known on this machine; write it as `Europe/Vienna` or `UTC`",
    "models: {m: {targets: [loc/x], rules: [{when: {time: {days: [monday]}}, use: loc/y}]}}": "models.m.rules[0].when.time.days[0]: `monday` is not known here; did you mean "
    "`mon`?",
    "models: {m: {targets: [loc/x], rules: [{when: {bytes_over: 5, bytes_under: 6}, use: loc/y}]}}": "models.m.rules[0].when.bytes_under: leaves nothing above "
    "`bytes_over: 5`; make it larger",
    "models: {m: {targets: [{model: loc/x, headers: {Authorization: x}}]}}": "models.m.targets[0].headers.Authorization: is where the provider key goes; choose a key with "
    "`key`",
    "models: {m: {targets: [{model: loc/x, headers: {host: x}}]}}": "models.m.targets[0].headers.host: is a header that the gateway sets itself; leave it out",
    "models: {m: {targets: [{model: loc/x, headers: {x-a: y, X-A: z}}]}}": "models.m.targets[0].headers.X-A: is the same header as `x-a`; keep one of them",
    "models: {m: {targets: [{model: loc/x, fall_back_on: [200]}]}}": "models.m.targets[0].fall_back_on[0]: is 200; it must be at least 400",
    "models: {m: {targets: [loc/x], retry: {tries: 3}}}": "models.m.retry.tries: is no setting; known here: `attempts`, `backoff_s`, `backoff_max_s`, `retry_after_max_s`, "
    "`total_s`, `budget`",
    "models: {m: {targets: [loc/x], retry: {backoff_s: 9}}}": "models.m.retry.backoff_max_s: is less than `backoff_s` (9); make it at least as long",
    "models: {m: {targets: [loc/x], affinity: {sessions: 3}}}": "models.m.affinity.sessions",
    "routing: {breaker: {open_s: 9, open_max_s: 5}}": "routing.breaker.open_max_s: is less than `open_s`; make it at least as long",
    "routing: {retry: {budget: 2}}": "routing.retry.budget: is 2; it must be at most 1",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_work_is_refused_with_path_and_remedy(text: str) -> None:
    (problem,) = told(MAIN + text)

    assert problem.startswith(REFUSED[text])


CIRCLES = {
    "{m: {targets: [loc/x], rules: [{when: {tools: true}, use: n}]}, n: m}": "models.n: runs in a circle: `m` -> `n` -> `m`; let one of them name a `provider/model`",
    "{m: {targets: [loc/x], rules: [{when: {tools: true}, use: [m]}]}}": "models.m.rules[0].use[0]: runs in a circle: `m` -> `m`; let one of them name a `provider/model`",
    "{m: {targets: [loc/x], fallbacks: [m]}}": "models.m.fallbacks[0]: runs in a circle: `m` -> `m`; let one of them name a `provider/model`",
    "{m: {targets: [loc/x], fallbacks: [n]}, n: {targets: [o], fallbacks: [m]}, o: n}": "models.o: runs in a circle: `n` -> `o` -> `n`; let one of them name a `provider/model`",
    "{m: {targets: [{model: loc/x, tier: s}, {model: loc/y, tier: l}], strategy: tiered, tiers: {order: [s, l], classifier: {model: m}}}}": "models.m.tiers.classifier.model: runs "
    "in a circle: `m` -> `m`; let one of them name a `provider/model`",
}


@pytest.mark.parametrize("models", CIRCLES)
def test_circles_are_refused_however_they_close(models: str) -> None:
    assert told(f"{MAIN}models: {models}") == [CIRCLES[models]]


FALLBACK_CIRCLES = (
    "{m: {targets: [loc/x], fallbacks: [n]}, n: {targets: [loc/y], fallbacks: [m]}}",
    "{m: {targets: [loc/x], fallbacks: [n]}, n: {targets: [loc/y, m]}}",
    "{m: {targets: [loc/x], fallbacks: [a]}, a: n, n: {targets: [loc/y], fallbacks: [a, m]}}",
)


@pytest.mark.parametrize("models", FALLBACK_CIRCLES)
def test_models_may_be_each_others_fallbacks(models: str) -> None:
    assert parse(f"{MAIN}models: {models}".encode(), ENV, file="d").warnings == ()


KEYS = {
    "[$KEY, $KEY]": "p.keys[1]: is the same key as keys[0]; take one of them out",
    "[{key: $KEY, name: a}, {key: $OTHER, name: a}]": "p.keys[1].name: `a` is the name of keys[0] already; give each key its own name",
    "[{key: $KEY, name: key-2}, $OTHER]": "p.keys[1]: `key-2` is the name of keys[0] already; give each key its own name",
    "[{key: $KEY, name: a/b}]": "p.keys[0].name: is no name for a key; use letters, digits, `.`, `_` and `-`",
    "[{name: a}]": "p.keys[0].key: is missing; write it, as `key: $VARIABLE`",
    "[{key: $NOPE}]": "p.keys[0].key: the environment variable `NOPE` is not set",
    "[{key: $KEY, region: eu}]": "p.keys[0].region: is not used: the base URL has no `{region}`; put `{region}` into `base_url`, or leave it out",
    "[{key: $KEY, base_url: 'https://{region}.x.example/v1'}]": "p.keys[0].region: is missing: the base URL has `{region}` in it; write it, as `{key: $KEY, region: eastus}`",
    "[{key: $KEY, base_url: x.example}]": "p.keys[0].base_url: has no `http://` or `https://`; write it as `https://api.example.com/v1`",
    "[{key: $KEY, weight: 0}]": "p.keys[0].weight: is 0; it must be at least 1",
    "[[$KEY]]": "p.keys[0]: is a list; it must be a mapping",
}


@pytest.mark.parametrize("keys", KEYS)
def test_wrong_keys_are_refused(keys: str) -> None:
    (problem,) = told(f"providers: {{p: {{kind: openai, keys: {keys}}}}}")

    assert problem.startswith(f"providers.{KEYS[keys]}")


def test_one_key_in_two_regions_is_no_key_twice() -> None:
    text = (
        "providers: {p: {kind: openai, base_url: 'https://{region}.x.example/v1', keys: [{key: $KEY, region: a}, {key: $KEY, region: b}]}}"
    )

    assert parse(text.encode(), ENV).warnings == ()


# ---- warned --------------------------------------------------------------------------------------------------------------

WARNED = {
    "models: {m: {targets: [loc/x, loc/y], strategy: priority}}": "models.m.targets: have one `priority`, so the weights decide; give them priorities that differ, 1 for the "
    "first",
    "models: {m: {targets: [{model: loc/x, weight: 2}, {model: loc/y, weight: 1}], strategy: latency}}": "models.m.targets: have weights, which the strategy `latency` does not "
    "look at; leave them out",
    "models: {m: {targets: [{model: loc/x, priority: 2}, loc/y]}}": "models.m.targets[0].priority: is not looked at by the strategy `weighted`; leave it out, or set `strategy: "
    "priority`",
    "models: {m: {targets: [{model: loc/x, tier: s}, loc/y]}}": "models.m.targets[0].tier: is not looked at by the strategy `weighted`; leave it out, or set `strategy: tiered`",
    "models: {m: {targets: [loc/x], tiers: {order: [s, l]}}}": "models.m.tiers: is not looked at: nothing here has the strategy `tiered`; set `strategy: tiered`, or leave it out",
    f"models: {{m: {{targets: [{{model: loc/x, tier: s}}, {{model: loc/y, tier: s}}], {TIERED}}}}}": "models.m.targets: have none of the tier `l`; the next stronger one is taken "
    "for it; name a target for it",
    "models: {m: {targets: [loc/x], fallbacks: [loc/y, loc/x]}}": "models.m.fallbacks[1]: `loc/x` stands before already; take it out",
    "models: {m: {targets: [loc/x], rules: [{when: {tools: true}, use: loc/y, strategy: latency}]}}": "models.m.rules[0].strategy: has nothing to choose from: `use` is one name; "
    "leave it out, or list targets",
    "models: {m: {targets: [{model: loc/x, first_token_s: 700}]}}": "models.m.targets[0].first_token_s: is no shorter than `first_byte_s` (600); leave it out, or make it shorter",
    "models: {m: {targets: [loc/x], rules: [{when: {key: bod}, use: loc/y}]}}": "models.m.rules[0].when.key: `bod` is no client key; did you mean `bob`?",
    "models: {m: {targets: [loc/x], rules: [{when: {agent: [codx]}, use: loc/y}]}}": "models.m.rules[0].when.agent[0]: `codx` is no agent; did you mean `codex`?",
    "models: {m: {targets: [loc/x], rules: [{when: {kind: titel}, use: loc/y}]}}": "models.m.rules[0].when.kind: `titel` is no kind known here; did you mean `title`?",
    "models: {m: {targets: [loc/x], rules: [{when: {time: {}}, use: loc/y}]}}": "models.m.rules[0].when.time: holds always; say `days`, `from` or `to`",
    "models: {m: {targets: [loc/x], rules: [{when: {}, use: loc/y}]}}": "models.m.targets: are never asked: the last rule takes every request; give it a condition, or take it out",
    "models: {m: {targets: [main/o3]}}": "providers.main.keys[1].models: leave out every model of this provider that stands in this file; those are `o3`",
    "routing: {probes: {every_s: 5, timeout_s: 6}}": "routing.probes.timeout_s: is longer than `every_s`; give a probe less time than there is until the next",
}


@pytest.mark.parametrize("text", WARNED)
def test_what_may_not_be_meant_is_warned_about(text: str) -> None:
    assert WARNED[text] in warned(MAIN + ACCESS + text)


# ---- rules that are never taken ------------------------------------------------------------------------------------------

NEVER: list[tuple[str, dict[int, str]]] = [
    ("[{when: {team: blue}, use: loc/y}]", {0: "no client key in `access.keys` has such a team"}),
    ("[{when: {team: 'r*'}, use: loc/y}]", {}),
    ("[{when: {agent: 'nobody*'}, use: loc/y}]", {0: "no client program is known by such a name"}),
    ("[{when: {agent: 'c*'}, use: loc/y}]", {}),
    ("[{when: {model: 'gpt-*'}, use: loc/y}]", {0: "only the name `m` leads here"}),
    ("[{when: {tools: false, tools_over: 3}, use: loc/y}]", {0: "`tools: false` and `tools_over` exclude each other"}),
    ("[{when: {tools: true, tools_under: 1}, use: loc/y}]", {0: "`tools: true` and `tools_under` exclude each other"}),
    ("[{when: {stream: true, not: {stream: true}}, use: loc/y}]", {0: "what `not` excludes is all that the rest allows"}),
    ("[{when: {any: [{team: blue}, {team: '?'}]}, use: loc/y}]", {0: "no client key in `access.keys` has such a team"}),
    ("[{when: {any: [{team: blue}, {team: red}]}, use: loc/y}]", {}),
    ("[{when: {all: [{tools: true}, {key: eve}]}, use: loc/y}]", {0: "no client key in `access.keys` has such a name"}),
    (
        "[{name: a, when: {effort: [low, 'h*']}, use: loc/y}, {when: {effort: high, tools: true}, use: loc/z}]",
        {1: "`a` before it takes everything that it would"},
    ),
    ("[{when: {effort: high}, use: loc/y}, {when: {effort: [high, low]}, use: loc/z}]", {}),
    (
        "[{when: {tokens_over: 100}, use: loc/y}, {when: {tokens_over: 200}, use: loc/z}]",
        {1: "`rule-1` before it takes everything that it would"},
    ),
    ("[{when: {tokens_over: 200}, use: loc/y}, {when: {tokens_over: 100}, use: loc/z}]", {}),
    (
        "[{when: {headers: {X-A: '*'}}, use: loc/y}, {when: {headers: {x-a: b}, tools: true}, use: loc/z}]",
        {1: "`rule-1` before it takes everything that it would"},
    ),
    (
        "[{when: {modalities: [image, file]}, use: loc/y}, {when: {modalities: [file]}, use: loc/z}]",
        {1: "`rule-1` before it takes everything that it would"},
    ),
    ("[{when: {modalities: [file]}, use: loc/y}, {when: {modalities: [image, file]}, use: loc/z}]", {}),
]


@pytest.mark.parametrize(("rules", "never"), NEVER)
def test_rules_that_can_never_be_taken_are_found(rules: str, never: dict[int, str]) -> None:
    loaded = parse(f"{MAIN}{ACCESS}models: {{m: {{targets: [loc/x], rules: {rules}}}}}".encode(), ENV, file="d")

    assert never_taken("m", loaded.config) == never
    told_of = [warning for warning in loaded.warnings if "is never taken" in warning]
    assert [warning.partition("is never taken: ")[2].partition(";")[0] for warning in told_of] == list(never.values())


def test_a_model_that_others_lead_to_may_be_asked_by_other_names() -> None:
    loaded = parse(f"{MAIN}models: {{m: {{targets: [loc/x], rules: [{{when: {{model: n}}, use: loc/y}}]}}, n: m}}".encode(), ENV)

    assert never_taken("m", loaded.config) == {}


def test_everything_covers_itself_and_is_covered_by_no_condition() -> None:
    whens = [
        When(key="a"),
        When(effort=("a", "b*")),
        When(not_=When(tools=True)),
        When(time=Time(("mon",))),
        When(any=(When(), When(key="x"))),
    ]

    assert [covers(when, when) for when in whens] == [True] * len(whens)
    assert [covers(When(), when) for when in whens] == [True] * len(whens)
    assert [covers(when, When()) for when in whens] == [False] * len(whens)
