"""Sums of runs and sessions add up, and their number is bounded."""

from __future__ import annotations

from decimal import Decimal

from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.observe.tally import Counted, Tally


def record(**told: object) -> Record:
    """An exchange of one attempt, unless it is told otherwise."""
    made = Record("ex_1", **{"began_at": 100.0, "run": "r1", "status": 200, **told})  # type: ignore[arg-type]
    if made.provider is not None and not made.attempts:
        made.attempts = [Attempt(made.provider, made.model or "", 0.0, ended_s=0.0, usage=made.usage)]
    return made


def test_a_run_adds_up() -> None:
    tally = Tally()
    first, second = Usage(1000, 50, cache_read_tokens=600, reasoning_tokens=20), Usage(200, 10)
    tally.record(
        record(
            turn="t1",
            provider="a",
            model="m",
            usage=first,
            attempts=[Attempt("b", "m", began_s=0.0, ended_s=0.5, error="cut"), Attempt("a", "m", began_s=0.5, ended_s=2.5, usage=first)],
            warnings=[("tools", "left out")],
        )
    )
    tries = [Attempt("a", "m", 0.0, usage=second)]
    tally.record(record(began_at=105.0, turn="t1", provider="a", model="m", usage=second, attempts=tries, total_s=1.0))
    tally.record(record(began_at=103.0, turn="t2", status=499, error="client_gone", provider="a", model="m"))
    tally.record(record(began_at=104.0, status=502, error="cut", message="it broke off"))

    assert tally.run("r1") == {
        "name": "r1",
        "began_at": 100.0,
        "last_at": 105.0,
        "requests": 4,
        "turns": 3,
        "failed": 1,
        "left": 1,
        "warnings": 1,
        "input_tokens": 1200,
        "cached_tokens": 600,
        "output_tokens": 60,
        "reasoning_tokens": 20,
        "models": {"a/m": 2},
        "waited_s": {"b": 0.5, "a": 3.0},
        "last_error": "it broke off",
        "cached_share": 0.5,
        "spent": [
            {
                "provider": "a",
                "model": "m",
                "began_at": 100.5,
                "terms": {},
                "requests": 2,
                "input_tokens": 1200,
                "cached_tokens": 600,
                "cache_written_tokens": 0,
                "output_tokens": 60,
                "reasoning_tokens": 20,
                "beside": {},
                "told_usd": None,
            }
        ],
        # The client that left: the provider may have begun.
        "uncounted": 1,
    }


def test_requests_are_added_up_apart_where_they_are_priced_apart() -> None:
    tally = Tally(count=lambda usage, tier, at: Counted(usage.input_tokens > 1000))
    for tokens in (900, 1100, 1000):
        tally.record(record(provider="a", model="m", usage=Usage(tokens, 1, cache_write_tokens=5)))
    tally.record(record(provider="b", model="m", usage=Usage(10, 1)))

    spent = tally.run("r1")["spent"]  # type: ignore[index]

    told = [(s["provider"], s["requests"], s["input_tokens"], s["cache_written_tokens"]) for s in spent]  # type: ignore[attr-defined]
    assert told == [("a", 2, 1900, 10), ("a", 1, 1100, 5), ("b", 1, 10, 0)]


def test_what_is_billed_beside_tokens_adds_up_too() -> None:
    counted = Counted("flex", {"web_search": 2}, {"service_tier": "flex"}, Decimal("0.1"))
    tally = Tally(count=lambda usage, tier, at: counted if tier == "flex" else Counted())
    for tier in ("flex", None, "flex"):
        tally.record(record(provider="a", model="m", usage=Usage(10, 1), tier=tier))

    spent = tally.run("r1")["spent"]  # type: ignore[index]

    told = [(s["requests"], s["terms"], s["beside"], s["told_usd"]) for s in spent]  # type: ignore[attr-defined]
    assert told == [(2, {"service_tier": "flex"}, {"web_search": 4}, Decimal("0.2")), (1, {}, {}, None)]


def test_every_attempt_that_told_tokens_is_billed_at_who_gave_it() -> None:
    tally = Tally(count=lambda usage, tier, at: Counted(tier))
    broken = Attempt("a", "m", 0.0, status=200, error="cut", usage=Usage(100, 5))
    tries = [broken, Attempt("c", "m", 1.0, error="rate_limited"), Attempt("b", "m", 2.0, usage=Usage(110, 20))]
    tally.record(record(provider="b", model="m", usage=Usage(210, 25), attempts=tries, tier="flex", total_s=3.0))

    run = tally.run("r1")

    assert run is not None
    told = [(s["provider"], s["began_at"], s["input_tokens"], s["output_tokens"]) for s in run["spent"]]  # type: ignore[attr-defined]
    assert (told, run["uncounted"]) == ([("a", 100.0, 100, 5), ("b", 102.0, 110, 20)], 0)


def test_tokens_that_contradict_themselves_and_those_past_a_bound_are_counted_as_unknown() -> None:
    tally = Tally(count=lambda usage, tier, at: Counted(usage.input_tokens) if usage.input_tokens else None)
    for tokens in (0, *range(1, 221), 1):
        tally.record(record(provider="a", model="m", usage=Usage(tokens, 1)))

    run = tally.run("r1")

    assert run is not None
    assert (run["uncounted"], len(run["spent"])) == (21, 200)  # type: ignore[arg-type]


def test_what_may_cost_without_telling_tokens_is_counted_and_what_was_refused_is_not() -> None:
    tally = Tally()
    tally.record(record(provider="a", model="m"))
    tally.record(record(provider="a", model="m", status=502, error="cut", first_token_s=0.5))
    tally.record(record(provider="a", model="m", status=429, error="rate_limited"))
    tally.record(record(status=404, error="model_not_found"))

    assert tally.run("r1")["uncounted"] == 2  # type: ignore[index]


def test_what_names_no_run_and_no_session_is_not_kept() -> None:
    tally = Tally()
    tally.record(record(run=None))

    assert (tally.run(""), tally.session(""), tally.run("r1")) == (None, None, None)


def test_runs_and_sessions_are_counted_apart() -> None:
    tally = Tally()
    tally.record(record(session="s1"))
    tally.record(record(session="s2"))

    counts = [sums["requests"] for sums in (tally.run("r1"), tally.session("s1"), tally.session("s2")) if sums]
    assert counts == [2, 1, 1]


def test_the_run_that_was_idle_longest_is_forgotten_first() -> None:
    tally = Tally(kept=2)
    for run in ("a", "b", "a", "c"):
        tally.record(record(run=run))

    assert [tally.run(run) is not None for run in ("a", "b", "c")] == [True, False, True]


def test_model_names_past_a_bound_are_counted_together() -> None:
    tally = Tally()
    for number in range(150):
        tally.record(record(provider="a", model=f"m{number}"))

    models = tally.run("r1")["models"]  # type: ignore[index]
    assert len(models) == 101  # type: ignore[arg-type]
    assert models["(others)"] == 50  # type: ignore[index]
