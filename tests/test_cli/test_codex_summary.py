"""The closing line."""

from __future__ import annotations

from dragoman.cli.codex.summary import Run, tell


def test_line_tells_turns_tokens_models_and_who_was_waited_for() -> None:
    run = Run(
        requests=5,
        turns=2,
        input_tokens=48_120,
        cached_tokens=30_000,
        output_tokens=912,
        models={"local/qwen": 1, "openai/gpt-5.5": 4},
        waited_s={"local": 0.62, "openai": 8.14},
    )

    assert tell(run) == (
        "2 turns (5 requests) · 48.1k tokens in, 62 % cached, 912 out · openai/gpt-5.5, local/qwen · waited 8.1 s on openai, 0.6 s on local"
    )


def test_mishaps_are_told_and_what_is_not_known_is_left_out() -> None:
    assert tell(Run(requests=2, turns=2, failed=1, left=1)) == "2 turns · 1 failed, 1 cancelled"


def test_cost_is_told_where_it_is_known() -> None:
    assert (
        tell(Run(requests=1, turns=1, input_tokens=1000, output_tokens=10, cost_usd=0.07126))
        == "1 turn · 1.0k tokens in, 0 % cached, 10 out · $0.0713"
    )


def test_a_small_cost_is_not_told_as_nothing() -> None:
    assert tell(Run(requests=1, turns=1, output_tokens=10, cost_usd=0.00002)) == "1 turn · 0 tokens in, 10 out · $0.000020"


def test_of_a_cost_that_is_known_in_part_that_part_is_told() -> None:
    assert tell(Run(requests=1, turns=1, output_tokens=10, known_cost_usd=0.07126)) == "1 turn · 0 tokens in, 10 out · over $0.0713"


def test_one_is_not_many() -> None:
    assert tell(Run(requests=1, turns=1, output_tokens=2_500_000)) == "1 turn · 0 tokens in, 2.5M out"
