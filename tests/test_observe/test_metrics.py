"""What is counted of exchanges, and that no client can make it grow."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.observe import metrics
from dragoman.observe.metrics import Alone, Metrics, Spent

ASKED = Record(
    id="ex_1",
    began_at=1000.0,
    client="ada",
    agent="codex",
    dialect="responses",
    asked="coder",
    provider="here",
    model="m-1",
    lane="relay",
    stream=True,
    status=200,
    usage=Usage(input_tokens=100, output_tokens=50, cache_read_tokens=60, cache_write_tokens=10, reasoning_tokens=20),
    attempts=[Attempt("here", "m-1", began_s=0.002, ended_s=3.0)],
    bytes_in=1000,
    bytes_out=2000,
    first_token_s=0.4,
    total_s=3.001,
)


def record(**changed: Any) -> Record:
    return msgspec.structs.replace(ASKED, **changed)


def counted(*records: Record, known: tuple[str, ...] = ("m-1", "m-2")) -> Metrics:
    counter = Metrics(lambda provider, model: model in known)
    for one in records:
        counter.record(one)
    return counter


def told(counter: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a counter, by the values of their labels."""
    families = {family.name: family for family in counter.families()}
    return {tuple(value for _, value in sample.labels): sample.value for sample in families[f"dragoman_{name}"].samples}


def histogram(counter: Metrics, name: str) -> dict[str, float]:
    samples = next(family.samples for family in counter.families() if family.name == f"dragoman_{name}")
    return {dict(sample.labels).get("le", sample.suffix): sample.value for sample in samples}


def test_an_exchange_is_counted_under_its_labels() -> None:
    counter = counted(record(), record(), record(status=429, error="rate_limited", usage=None))

    assert told(counter, "requests_total") == {
        ("ada", "codex", "responses", "here", "m-1", "relay", "200"): 2,
        ("ada", "codex", "responses", "here", "m-1", "relay", "429"): 1,
    }
    assert told(counter, "errors_total") == {("ada", "here", "m-1", "rate_limited"): 1}
    assert told(counter, "request_bytes_total") == {("ada", "responses"): 3000}
    assert told(counter, "response_bytes_total") == {("ada", "responses"): 6000}


def test_each_token_is_counted_once() -> None:
    assert told(counted(record()), "tokens_total") == {
        ("ada", "here", "m-1", "input"): 30,
        ("ada", "here", "m-1", "cache_read"): 60,
        ("ada", "here", "m-1", "cache_write"): 10,
        ("ada", "here", "m-1", "output"): 30,
        ("ada", "here", "m-1", "reasoning"): 20,
    }


def test_parts_that_are_more_than_their_total_make_no_counter_fall() -> None:
    counter = counted(record(), record(usage=Usage(10, 5, cache_read_tokens=500, reasoning_tokens=90)))

    assert told(counter, "tokens_total")["ada", "here", "m-1", "input"] == 30
    assert told(counter, "tokens_total")["ada", "here", "m-1", "output"] == 30


def test_times_fall_into_their_buckets() -> None:
    counter = counted(record(), record(first_token_s=None, total_s=4.0, attempts=[]))
    total, first, own = (histogram(counter, name) for name in _TIMES)

    assert (total["2.5"], total["5"], total["+Inf"], round(total["_sum"], 6)) == (0, 2, 2, 7.001)
    assert (first["0.35"], first["0.5"], first["_count"]) == (0, 1, 1)
    assert (own["0.0025"], own["0.005"], own["1"], own["+Inf"]) == (0, 1, 1, 2)


_TIMES = ("request_duration_seconds", "time_to_first_token_seconds", "overhead_seconds")


def test_tries_are_told_apart_by_how_they_ended_and_why_they_were_made() -> None:
    attempts = [
        Attempt("here", "m-1", 0.0, key="a", ended_s=1.0, error="rate_limited"),
        Attempt("here", "m-1", 1.0, key="b", ended_s=2.0, error="timeout"),
        Attempt("there", "m-2", 2.0, ended_s=3.0),
    ]

    counter = counted(record(provider="there", model="m-2", attempts=attempts), record())

    assert told(counter, "attempts_total") == {
        ("here", "m-1", "rate_limited"): 1,
        ("here", "m-1", "timeout"): 1,
        ("there", "m-2", "ok"): 1,
        ("here", "m-1", "ok"): 1,
    }
    assert told(counter, "retries_total") == {("here", "m-1"): 1}
    assert told(counter, "fallbacks_total") == {("there", "m-2"): 1}


def test_a_client_that_leaves_is_no_fault_of_the_provider() -> None:
    counter = counted(record(status=499, error="client_gone", attempts=[Attempt("here", "m-1", 0.0)]))

    assert told(counter, "attempts_total") == {("here", "m-1", "left"): 1}


def test_unknown_names_are_counted_as_one() -> None:
    unknown = [record(model=f"made-up-{number}", attempts=[Attempt("here", f"made-up-{number}", 0.0)]) for number in range(50)]
    refused = [
        record(provider=None, model=None, asked=f"who-{number}", status=404, error="model_not_found", attempts=[]) for number in range(50)
    ]

    counter = counted(*unknown, *refused)

    assert told(counter, "requests_total") == {
        ("ada", "codex", "responses", "here", "other", "relay", "200"): 50,
        ("ada", "codex", "responses", "none", "other", "relay", "404"): 50,
    }
    assert told(counter, "attempts_total") == {("here", "other", "left"): 50}


def test_names_that_become_known_get_their_own_row_and_lose_no_money() -> None:
    known: set[str] = set()
    counter = Metrics(lambda provider, model: model in known)
    counter.record(record())
    known.add("m-1")
    counter.forget()
    counter.record(record())

    assert sorted(told(counter, "requests_total").items()) == [
        (("ada", "codex", "responses", "here", "m-1", "relay", "200"), 1),
        (("ada", "codex", "responses", "here", "other", "relay", "200"), 1),
    ]
    sums, _ = counter.waiting()
    assert [(row.model, spent.requests) for row, spent in sums] == [("other", 1), ("m-1", 1)]


def test_rows_have_a_bound_and_what_is_beyond_it_is_still_counted(monkeypatch: Any) -> None:
    monkeypatch.setattr(metrics, "_MOST_ROWS", 3)
    monkeypatch.setattr(metrics, "_MOST_SEEN", 10)

    counter = counted(*[record(client=f"client-{number}", status=200 + number % 90) for number in range(500)])

    requests = told(counter, "requests_total")
    assert len(requests) <= 7
    assert sum(requests.values()) == 500
    sums, _ = counter.waiting()
    assert sum(spent.requests for _, spent in sums) == 500


def test_what_is_priced_alike_is_summed_up_until_somebody_prices_it() -> None:
    counter = Metrics(step=lambda tokens: 0 if tokens <= 100 else 100)
    for given_tokens in (100, 101, 40):
        counter.record(record(usage=Usage(given_tokens, 5)))
    sums, alone = counter.waiting()

    assert [spent for _, spent in sums] == [
        Spent("here", "m-1", 1000.0, requests=2, input_tokens=140, output_tokens=10),
        Spent("here", "m-1", 1000.0, requests=1, input_tokens=101, output_tokens=5),
    ]
    assert alone == []
    assert counter.waiting() == ([], [])

    counter.paid(sums[0][0], 2, 0.5)
    counter.paid(sums[1][0], 1, None)

    assert told(counter, "cost_usd_total") == {("ada", "here", "m-1"): 0.5}
    assert told(counter, "priced_requests_total") == {("ada", "here", "m-1"): 2}
    assert told(counter, "unpriced_requests_total") == {("ada", "here", "m-1"): 1}


def test_a_reply_whose_price_hangs_on_more_than_tokens_waits_alone() -> None:
    dear = record(usage=Usage(1, 1, extra={"chat": {"cost": 0.25}}))
    counter = counted(dear)
    sums, alone = counter.waiting()

    assert (sums, [one for _, one in alone]) == ([], [Alone("here", "m-1", dear.usage or Usage(), 1000.0)])


def test_a_reply_of_another_tier_waits_alone_too() -> None:
    sums, alone = counted(record(usage=Usage(1, 1), tier="priority")).waiting()

    assert (sums, [one for _, one in alone]) == ([], [Alone("here", "m-1", Usage(1, 1), 1000.0, "priority")])


def test_each_try_that_told_its_tokens_is_billed_by_who_gave_it() -> None:
    tries = [
        Attempt("there", "m-2", 0.5, ended_s=1.0, error="cut", usage=Usage(5, 1)),
        Attempt("here", "m-1", 1.0, ended_s=1.5, error="rate_limited"),
        Attempt("here", "m-1", 2.0, ended_s=3.0, usage=Usage(6, 2)),
    ]
    sums, alone = counted(record(usage=Usage(11, 3), attempts=tries, tier="flex")).waiting()

    assert (sums, [one for _, one in alone]) == (
        [],
        [Alone("there", "m-2", Usage(5, 1), 1000.5), Alone("here", "m-1", Usage(6, 2), 1002.0, "flex")],
    )


EXCHANGES = st.lists(
    st.builds(
        record,
        client=st.sampled_from(["ada", "bob"]),
        model=st.sampled_from(["m-1", "m-2", "m-9"]),
        status=st.sampled_from([200, 429, 499]),
        usage=st.one_of(st.none(), st.builds(Usage, st.integers(0, 99), st.integers(0, 99), cache_read_tokens=st.integers(0, 9))),
        total_s=st.floats(0, 4000),
    ),
    max_size=40,
)


@given(EXCHANGES)
def test_sums_at_every_level_are_those_of_the_exchanges(exchanges: list[Record]) -> None:
    counter = counted(*exchanges)

    assert sum(told(counter, "requests_total").values()) == len(exchanges)
    assert histogram(counter, "request_duration_seconds").get("_count", 0) <= len(exchanges)
    sums, _ = counter.waiting()
    assert sum(spent.requests for _, spent in sums) == sum(one.usage is not None for one in exchanges)
    assert sum(spent.input_tokens for _, spent in sums) == sum(one.usage.input_tokens for one in exchanges if one.usage is not None)
