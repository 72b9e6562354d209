"""The page `/logs` in a real browser, on a real gateway."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import browser
import pytest
from machine import provider_of, ruled
from parts import gateway, simulator
from patience import PATIENCE_S, until

pytestmark = pytest.mark.journey

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>"
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
SCRIPT = ruled(
    {"match": {"user": "weather"}, "reply": [{"call": {"name": "weather", "arguments": {"city": HOSTILE}}}]},
    {"reply": [{"text": f"A quiet answer. {HOSTILE}"}]},
)
KEY = "the-client-key-of-ada"
WATCH_NEWS = """() => {
  window.news = new Set();
  const look = () => { for (const row of document.querySelectorAll("tr.new")) window.news.add(row.dataset.id); };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""
"""Keeps which rows were shown as new: each is so only until the list is read again, which may be soon."""


def ask(address: str, words: str, **more: Any) -> str:
    body = {"model": "sim/some-model", "stream": True, "messages": [{"role": "user", "content": words}], **more}
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    with urlopen(Request(f"{address}/v1/chat/completions", json.dumps(body).encode(), headers)) as answer:
        return answer.read().decode()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser.chromium() as running:
        yield running


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway without client keys that has answered a few requests."""
    with simulator(SCRIPT) as upstream:
        config = {"providers": {"sim": provider_of(upstream, "chat")}}
        with gateway(tmp_path_factory.mktemp("logs"), config) as address:
            for number in range(3):
                ask(address, f"question number {number} {HOSTILE}")
            ask(address, "the weather, please", tools=[WEATHER])
            written(address, 4)
            yield address


def written(address: str, least: int) -> None:
    """Wait until so many exchanges are in the journal, and their words in its index."""

    def is_written() -> bool:
        with urlopen(f"{address}/logs") as all_, urlopen(f"{address}/logs?text=weather") as found:
            return all_.read().count(b"data-id") >= least and b"data-id" in found.read()

    until(is_written, "what was asked, in the journal,")


class Held(ThreadingHTTPServer):
    """A provider that answers when it is let."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Held)
        self.go_on = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Held(BaseHTTPRequestHandler):
    server: Held

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.go_on.wait(PATIENCE_S)
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "some-model"}
        said = {"index": 0, "delta": {"role": "assistant", "content": "At last."}, "finish_reason": "stop"}
        body = f"data: {json.dumps({**chunk, 'choices': [said]})}\n\ndata: [DONE]\n\n".encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def held() -> Iterator[Held]:
    with Held() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.go_on.set()
            server.shutdown()
            thread.join()


def rows(page: Any) -> Any:
    return page.locator("#results tbody tr")


def open_list(page: Any, address: str, path: str = "/logs", least: int = 1) -> None:
    """Open the list; what was asked just now is written a moment later."""
    page.goto(address + path)
    rows(page).nth(least - 1).wait_for()


def test_what_is_asked_appears_while_the_list_is_looked_at(chromium: Any, address: str) -> None:
    with browser.tab(chromium) as tab:
        open_list(tab.page, address, least=4)
        tab.page.locator("#live[data-state=on]").wait_for()

        before = rows(tab.page).count()
        tab.page.evaluate(WATCH_NEWS)
        ask(address, "something new")
        tab.page.wait_for_function("() => document.querySelector('#results tbody tr.ok')?.dataset.id === [...window.news][0]")

        assert tab.page.evaluate("window.news.size") == 1
        assert rows(tab.page).count() == before + 1
        assert tab.wrong == []


def test_what_is_under_way_is_seen_until_it_is_answered(chromium: Any, tmp_path: Path) -> None:
    with (
        held() as upstream,
        gateway(tmp_path, {"providers": {"sim": provider_of(upstream.address, "chat")}}) as address,
        browser.tab(chromium) as tab,
        browser.tab(chromium) as other,
        ThreadPoolExecutor() as threads,
    ):
        tab.page.goto(f"{address}/logs")
        tab.page.locator("#live[data-state=on]").wait_for()
        asked = threads.submit(ask, address, "a long question")
        row = tab.page.locator("tr.running")
        row.wait_for()
        name = row.get_attribute("data-id")
        other.page.goto(f"{address}/logs/{name}")
        other.page.locator("b[data-running-s]").wait_for()
        shown = row.locator(".total").inner_text()
        tab.page.wait_for_function("before => document.querySelector('tr.running .total').innerText !== before", arg=shown)
        upstream.go_on.set()
        asked.result()
        tab.page.locator(f"tr.ok[data-id={name}]").wait_for()
        other.page.locator("#conversation").wait_for()

        assert rows(tab.page).count() == 1
        assert "a long question" in other.page.locator(".talk").inner_text()
        assert (tab.wrong, other.wrong) == ([], [])


def test_an_exchange_is_shown_with_everything_that_belongs_to_it(chromium: Any, address: str) -> None:
    with browser.tab(chromium) as tab:
        open_list(tab.page, address, "/logs?model=some-model", least=4)
        tab.page.fill("#text", "weather")
        rows(tab.page).nth(1).wait_for(state="detached")
        rows(tab.page).first.click()
        tab.page.wait_for_url(re.compile("/logs/ex_"))

        said = tab.page.locator(".said-item")
        assert said.locator(".who .badge").all_inner_texts()[-2:] == ["user", "tool call"]
        assert HOSTILE in said.last.inner_text()
        assert tab.page.locator(".fall").count() == 2
        assert tab.page.locator("#raw details").count() >= 2
        tab.page.locator("#raw summary").first.click()
        assert "the weather, please" in tab.page.locator("#raw pre").first.inner_text()
        assert tab.wrong == []


def test_of_a_long_text_the_beginning_is_shown_until_it_is_opened(chromium: Any, address: str) -> None:
    with browser.tab(chromium) as tab:
        open_list(tab.page, address)
        before = rows(tab.page).first.get_attribute("data-id")
        ask(address, "a line\n" * 500)
        tab.page.locator(f"tr.ok:first-child:not([data-id={before}])").click()
        tab.page.wait_for_url(re.compile("/logs/ex_"))
        long = tab.page.locator("details.long").first
        shut = long.bounding_box()["height"]
        assert "3\u202f500 characters" in long.inner_text()
        long.locator("summary").click()
        long.locator("pre").wait_for()

        assert shut < 120 < long.bounding_box()["height"]
        assert not long.locator(".begin").is_visible()
        assert tab.wrong == []


def test_nothing_that_was_said_runs(chromium: Any, address: str) -> None:
    with browser.tab(chromium) as tab:
        open_list(tab.page, address, "/logs?text=question&model=some-model")
        rows(tab.page).first.click()
        tab.page.wait_for_url(re.compile("/logs/ex_"))

        assert HOSTILE in tab.page.locator(".talk").inner_text()
        assert tab.page.evaluate('document.querySelectorAll(\'img:not([src^="/static/"]), script:not([src^="/static/"])\').length') == 0
        assert tab.wrong == []


def test_filters_stay_in_the_address_and_lead_back(chromium: Any, address: str) -> None:
    with browser.tab(chromium) as tab:
        open_list(tab.page, address, least=4)
        tab.page.select_option("[name=status]", "failed")
        tab.page.locator(".empty").wait_for()
        tab.page.wait_for_url(f"{address}/logs?status=failed")
        tab.page.reload()
        assert tab.page.input_value("[name=status]") == "failed"

        tab.page.select_option("[name=status]", "ok")
        tab.page.wait_for_url(f"{address}/logs?status=ok")
        rows(tab.page).first.click()
        tab.page.wait_for_url(re.compile("/logs/ex_"))
        tab.page.click("#back")
        tab.page.wait_for_url(f"{address}/logs?status=ok")

        assert tab.wrong == []


def test_sums_follow_the_filters_and_all_that_is_found_can_be_saved(chromium: Any, address: str) -> None:
    with browser.tab(chromium) as tab:
        open_list(tab.page, address, least=4)
        tab.page.fill("#text", "weather")
        tab.page.locator("#sums", has_text="1 exchange ").wait_for()
        with tab.page.expect_download() as saved:
            tab.page.click("#sums >> text=CSV")
        found = list(csv.DictReader(Path(saved.value.path()).read_text().splitlines()))

        assert [row["id"] for row in found] == [rows(tab.page).first.get_attribute("data-id")]
        assert tab.wrong == []


def test_it_can_be_used_by_keys_alone(chromium: Any, address: str) -> None:
    with browser.tab(chromium) as tab:
        open_list(tab.page, address, least=4)
        tab.page.keyboard.press("Tab")
        assert tab.page.evaluate("document.activeElement.className") == "skip"
        tab.page.keyboard.press("j")
        tab.page.keyboard.press("j")
        second = rows(tab.page).nth(1).get_attribute("data-id")
        assert tab.page.evaluate("document.activeElement.closest('tr').dataset.id") == second
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_url(f"{address}/logs/{second}")
        tab.page.keyboard.press("Escape")
        tab.page.wait_for_url(re.compile(r"/logs(\?.*)?$"))
        tab.page.keyboard.press("/")

        assert tab.page.evaluate("document.activeElement.id") == "text"


def test_moments_are_typed_by_the_readers_clock_and_stand_in_the_address_in_utc(chromium: Any, address: str) -> None:
    with browser.tab(chromium, timezone_id="Asia/Kolkata") as tab:
        tab.page.goto(f"{address}/logs?after=2026-11-21T10:00")
        tab.page.locator("#live[data-state=on]").wait_for()
        after = tab.page.get_by_label("From", exact=True)
        assert (after.input_value(), tab.page.get_by_label("Until", exact=True).input_value()) == ("2026-11-21T15:30", "")
        after.fill("2026-11-21T16:30")
        tab.page.wait_for_url(f"{address}/logs?after=2026-11-21T11%3A00")
        tab.page.reload()

        assert tab.page.get_by_label("From", exact=True).input_value() == "2026-11-21T16:30"
        assert tab.wrong == []


def test_keys_lead_through_a_session(chromium: Any, address: str) -> None:
    for number in range(2):
        ask(address, f"step {number}", prompt_cache_key="one-session")
    with browser.tab(chromium) as tab:
        open_list(tab.page, address, "/logs?session=one-session", least=2)
        later, earlier = (each.get_attribute("data-id") for each in rows(tab.page).all())
        tab.page.goto(f"{address}/logs/{later}")
        tab.page.keyboard.press("p")
        tab.page.wait_for_url(f"{address}/logs/{earlier}")
        tab.page.keyboard.press("p")
        tab.page.keyboard.press("n")
        tab.page.wait_for_url(f"{address}/logs/{later}")

        assert tab.page.locator("#later").count() == 0
        assert tab.wrong == []


def test_without_scripts_it_shows_the_same(chromium: Any, address: str) -> None:
    with browser.tab(chromium, java_script_enabled=False) as tab:
        open_list(tab.page, address, least=4)
        tab.page.fill("#text", "weather")
        tab.page.click("text=Show")
        tab.page.wait_for_url(re.compile("text=weather"))
        assert rows(tab.page).count() == 1
        rows(tab.page).first.locator("a").first.click()
        tab.page.wait_for_url(re.compile("/logs/ex_"))

        assert tab.page.locator(".said-item").count() >= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_can_be_read_by_everybody(chromium: Any, address: str, scheme: str) -> None:
    with browser.tab(chromium, color_scheme=scheme) as tab:
        open_list(tab.page, address)
        first = rows(tab.page).first.get_attribute("data-id")
        for path in ("/logs", f"/logs/{first}", "/logs/ex_none"):
            tab.page.goto(address + path)
            assert (path, tab.page.evaluate(browser.CONTRASTS)) == (path, [])
            assert (path, tab.page.evaluate(browser.UNNAMED)) == (path, [])


def test_the_theme_can_be_chosen_and_is_remembered(chromium: Any, address: str) -> None:
    with browser.tab(chromium, color_scheme="dark") as tab:
        ground = "getComputedStyle(document.body).backgroundColor"
        open_list(tab.page, address)
        dark = tab.page.evaluate(ground)
        tab.page.click("#theme")
        light = tab.page.evaluate(ground)
        tab.page.reload()

        assert light != dark
        assert tab.page.evaluate(ground) == light


@pytest.mark.parametrize("width", [320, browser.PHONE["width"], 768, 1000])
def test_it_fits_on_a_phone_and_on_a_tablet(chromium: Any, address: str, width: int) -> None:
    with browser.tab(chromium, viewport={**browser.PHONE, "width": width}) as tab:
        open_list(tab.page, address)
        first = rows(tab.page).first.get_attribute("data-id")
        model_px = tab.page.evaluate("document.querySelector('.log .what').clientWidth")
        for path in ("/logs", f"/logs/{first}"):
            tab.page.goto(address + path)
            assert (path, tab.overflow()) == (path, 0)

        assert model_px >= 200


def test_who_has_the_key_logs_in_sees_no_key_and_logs_out(chromium: Any, tmp_path: Path) -> None:
    with simulator(SCRIPT) as upstream:
        keys = {"keys": [{"name": "ada", "key": KEY}]}
        config = {"providers": {"sim": provider_of(upstream, "chat")}, "access": keys, "journal": {"bodies": "full"}}
        with gateway(tmp_path, config) as address, browser.tab(chromium) as tab:
            ask(address, "the weather")
            tab.page.goto(f"{address}/logs?since=24h")
            assert tab.page.url.startswith(f"{address}/login?")
            tab.page.fill("#key", "a wrong one")
            with tab.page.expect_console_message(lambda message: "401" in message.text):
                tab.page.keyboard.press("Enter")
            tab.page.locator("[role=alert]").wait_for()
            tab.wrong.clear()  # the browser has told of the 401
            tab.page.fill("#key", KEY)
            tab.page.keyboard.press("Enter")
            tab.page.wait_for_url(f"{address}/logs?since=24h")
            rows(tab.page).first.wait_for()
            tab.page.locator("#live[data-state=on]").wait_for()
            cookie = tab.page.context.cookies()[0]

            assert (cookie["httpOnly"], cookie["sameSite"], tab.page.evaluate("document.cookie")) == (True, "Strict", "")
            tab.page.locator("tr.failed", has_text="authentication").wait_for()  # the wrong key is on record
            tab.page.locator("tr.ok").click()
            tab.page.wait_for_url(re.compile("/logs/ex_"))
            told = tab.page.content()
            assert "authorization" in told
            assert (KEY in told, "a-provider-key" in told) == (False, False)
            tab.page.set_viewport_size(browser.PHONE)
            cut_px = tab.page.evaluate("(nav => nav.scrollWidth - nav.clientWidth)(document.querySelector('.bar nav'))")
            assert cut_px == 0  # the way out beside it leaves the way back its room
            tab.page.click("text=Log out")
            tab.page.wait_for_url(f"{address}/login")
            tab.page.goto(f"{address}/logs")
            assert tab.page.url.startswith(f"{address}/login")
            assert tab.wrong == []
