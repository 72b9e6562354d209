"""What the benchmark of the peers says of runs, without running anything."""

from __future__ import annotations

import gc
import os
import socket
import xml.etree.ElementTree as ElementTree

import pytest

from bench.contenders import NotStarted
from bench.load import Load, Run
from bench.peers import plot, report
from bench.peers.figures import Figures, figures
from bench.peers.given import given
from bench.peers.launch import listening
from bench.peers.peer import About, Peer
from bench.peers.scenarios import LABELS, PEER_SCENARIOS

SMALL = next(scenario for scenario in PEER_SCENARIOS if scenario.name == "relay-chat-json-small")
STREAM = next(scenario for scenario in PEER_SCENARIOS if scenario.name == "relay-chat-stream-small")
ABOUTS = {"nginx": About("nginx", "1.22", "plain"), "slow & co": About("Slow & co", "7", "as found")}


def ran(contender: str, cpu_ms: float | None, *, number: int = 0, bad: int = 0, done: int = 1000, said: str = "") -> Run:
    load = Load(bad, 0, 0, 500.0, 2.0, 4.0, 1.0, 2.0, 0.0, 0.0, 0.0, done, said)
    return Run(SMALL.name, contender, number, load, cpu_ms, 0.5, 30.0)


def peer() -> Peer:
    return Peer(
        "slow & co",
        {"burst": 1, "paced": 2},
        None,
        ("authorization: Bearer k",),
        about=ABOUTS["slow & co"],
        carries={("chat", "chat"): "house::{pace}-chat"},
        base="/openai/v1",
        paced={"paced": ("x-to: 2",)},
    )


def test_figures_are_medians_over_the_rounds() -> None:
    runs = [ran("nginx", cpu_ms, number=number) for number, cpu_ms in enumerate((0.5, 3.0, 1.0))]

    assert figures(runs, SMALL.name, "nginx") == Figures(1.0, 0.5, 500.0, 2.0, 4.0, 0.0, 0.0, 30.0)


def test_requests_under_way_at_the_end_of_a_run_count_by_the_time_they_took() -> None:
    found = figures([ran("nginx", 0.1)], SMALL.name, "nginx")

    assert found is not None
    assert found.requests_s == 5000


def test_one_failed_request_in_fifty_leaves_no_figure_and_its_words() -> None:
    found = figures([ran("slow & co", 1.0, bad=20, done=980, said="no streams today")], SMALL.name, "slow & co")

    assert found == Figures(errors=20, failed="no streams today")


def test_a_contender_that_did_not_run_has_no_figures() -> None:
    assert figures([ran("nginx", 1.0)], SMALL.name, "slow & co") is None


def test_the_tables_tell_the_times_of_nginx_and_what_failed() -> None:
    runs = [ran("nginx", 0.02), ran("slow & co", 3.0, bad=500, said="a `quoted` fault")]

    text = report.markdown(runs, ABOUTS, [SMALL], ["Head."])

    assert "| nginx | 0.020 (1.0 ×) |" in text
    assert "| Slow & co | failed |" in text
    assert f"- Slow & co, {LABELS[SMALL.name]}: 500 requests did not end as they should (`a 'quoted' fault`)" in text


def test_the_plot_is_xml_and_says_where_a_figure_is_missing() -> None:
    runs = [ran("nginx", 0.02), ran("slow & co", 3.0, bad=500)]

    words = [element.text for element in ElementTree.fromstring(plot.svg(runs, ABOUTS, "machine")).iter() if element.text]

    assert words.count("no figure") == 1
    assert {"Slow & co", "0.02", LABELS[SMALL.name]} <= set(words)


def test_a_plot_without_any_figure_is_empty() -> None:
    assert plot.svg([], ABOUTS, "machine") == ""


def test_a_peer_has_its_own_address_model_and_headers() -> None:
    asked = [(peer().url(scenario), peer().model(scenario), peer().sent(scenario)) for scenario in (SMALL, STREAM)]

    assert asked == [
        ("http://127.0.0.1:1/openai/v1/chat/completions", "house::burst-chat", ("authorization: Bearer k",)),
        ("http://127.0.0.1:2/openai/v1/chat/completions", "house::paced-chat", ("authorization: Bearer k", "x-to: 2")),
    ]


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1")])
def test_the_kernel_tells_where_a_process_listens(family: socket.AddressFamily, address: str) -> None:
    # What other tests left to be collected may listen still, and would end in between.
    gc.collect()
    before = sorted(listening(os.getpid()))
    with socket.socket(family) as server:
        try:
            server.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        server.listen()

        after = sorted(listening(os.getpid()))

    assert after == sorted([*before, address])


def test_a_gateway_given_by_a_foreign_address_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEER_URL", "http://example.org:80/v1")

    with pytest.raises(NotStarted, match=r"must be http://127\.0\.0\.1:PORT/PATH"), given(peer()):
        pass
