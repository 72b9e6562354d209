"""`dragoman codex` with the real Codex: it starts a gateway of its own, and nothing on a hostile machine leads past it."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import signal
import socket
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from machine import BYPASS, DRAGOMAN, TALK, Machine, provider_of, requests, scripted, stats
from parts import gateway, simulator
from ports import free_port
from screen import Screen

pytestmark = pytest.mark.journey

EXEC = ("exec", "--skip-git-repo-check", BYPASS)
ENDLESS = scripted('rules: [{reply: [{text: "and on ", repeat: 5000}], pace: {first_s: 0, delta_s: 0.05}}]')
HELLO = "Hello from the far side."


@contextlib.contextmanager
def trap() -> Generator[tuple[str, list[bytes]]]:
    """An address that nobody should come to, and the first lines of those who did."""
    caught: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                # Some come and go without a word.
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(5)
                    caught.append(connection.recv(200))
                    connection.sendall(b"HTTP/1.1 500 Trapped\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", caught
        finally:
            is_over.set()
            thread.join()


def models_asked(caught: list[bytes]) -> list[bytes]:
    """Those who came for a model, not for Codex's own news or updates (`CONNECT`)."""
    return [line for line in caught if not line.startswith(b"CONNECT")]


def chatgpt_login() -> str:
    """An auth.json as `codex login` leaves it, with tokens that nobody takes."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {
        "email": "ada@example.com",
        "exp": 4102444800,
        "https://api.openai.com/auth": {"chatgpt_plan_type": "pro", "chatgpt_account_id": "a"},
    }
    token = f"{part({'alg': 'none'})}.{part(claims)}.c2ln"
    tokens = {"id_token": token, "access_token": token, "refresh_token": "r", "account_id": "a"}
    return json.dumps({"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": tokens, "last_refresh": "2030-01-01T00:00:00Z"})


def test_without_anything_it_starts_a_gateway_and_codex_works(machine: Machine) -> None:
    (machine.work / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    # Nobody else's gateway on the usual port may answer for ours.
    (machine.work / "dragoman.yaml").write_text(f"server: {{port: {free_port()}}}\n")

    ran = machine.dragoman("codex", *EXEC, "-m", "gpt-4", "In calc.py replace `a - b` with `a + b`.")

    assert ran.code == 0, ran.err
    assert (machine.work / "calc.py").read_text() == "def add(a, b):\n    return a + b\n"
    log = re.search(r"started one at http://127\.0\.0\.1:\d+ until Codex ends \(log: (.+)\)", ran.err)
    assert log and Path(log[1]).read_text().strip()
    assert ran.err.strip().splitlines()[-1].startswith("dragoman: 1 turn (4 requests) · "), ran.err
    assert sorted(path.name for path in machine.codex_home.iterdir() if path.name in ("config.toml", "auth.json")) == []


def test_exit_code_is_codexs(machine: Machine, tmp_path: Path) -> None:
    with simulator(TALK) as upstream, gateway(tmp_path, {"providers": {"sim": provider_of(upstream, "chat")}}) as address:
        ran = machine.dragoman("codex", "--gateway", address, "exec", "--no-such-flag")

    assert (ran.code, "unexpected argument '--no-such-flag'" in ran.err) == (2, True)


@pytest.mark.parametrize("login", [True, False], ids=["chatgpt login", "no login"])
def test_hostile_machine_leads_to_the_gateway_all_the_same(machine: Machine, tmp_path: Path, login: bool) -> None:
    if login:
        (machine.codex_home / "auth.json").write_text(chatgpt_login())
    with (
        trap() as (elsewhere, caught),
        simulator(TALK) as upstream,
        gateway(tmp_path, {"providers": {"sim": provider_of(upstream, "responses")}}) as address,
    ):
        few = "request_max_retries = 0\nstream_max_retries = 0\n"
        block = f'[model_providers.other]\nname = "Other"\nbase_url = "{elsewhere}/v1"\n{few}'
        ours = f'[model_providers.dragoman]\nname = "Trap"\nbase_url = "{elsewhere}/v1"\nexperimental_bearer_token = "t"\n'
        machine.configure(
            f'model_provider = "other"\nopenai_base_url = "{elsewhere}/v1"\nchatgpt_base_url = "{elsewhere}/c"\n{block}{ours}'
        )
        machine.configure(f'model = "gpt-4"\nmodel_provider = "other"\n{block}{ours}', "work.config.toml")
        env = {"OPENAI_BASE_URL": f"{elsewhere}/openai", "OPENAI_API_KEY": "sk-user", "CODEX_API_KEY": "sk-codex"}
        proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), elsewhere)

        lost = machine.codex(*EXEC, "--profile", "work", "Say hello.", **env, **proxies)
        assert lost.code != 0 and any(b"responses" in line for line in models_asked(caught)), "the trap does not catch what it should"
        caught.clear()

        ran = machine.dragoman("codex", *EXEC, "--profile", "work", "Say hello.", DRAGOMAN_URL=address, **env, **proxies)

        assert (ran.code, ran.out.strip()) == (0, HELLO), ran.err
        assert [request["model"] for request in stats(upstream)["last"]] == ["gpt-4"]
        assert [line for line in models_asked(caught) if b"responses" in line] == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["exec", "--oss", "hi"], "--oss"),
        (["--oss"], "--oss"),
        (["exec", "hi", "-c", "model_provider=openai"], "model_provider"),
        (["exec", "hi", "-cmodel_providers.dragoman.base_url=http://x"], "model_providers.dragoman.base_url"),
        (["--remote", "ws://127.0.0.1:1"], "--remote"),
        (["cloud", "list"], "codex cloud"),
    ],
)
def test_what_would_lead_past_is_refused_with_a_sentence(machine: Machine, arguments: list[str], named: str) -> None:
    ran = machine.dragoman("codex", *arguments)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("dragoman: `") and named in ran.err and len(ran.err.splitlines()) == 1


def test_missing_codex_is_told_with_the_way_to_get_it(machine: Machine) -> None:
    ran = machine.dragoman("codex", "hi", PATH="/usr/bin:/bin")

    assert (ran.code, ran.err) == (1, "dragoman: there is no `codex` on PATH; install it with `npm install -g @openai/codex`\n")


def test_commands_without_a_model_start_no_gateway(machine: Machine) -> None:
    ran = machine.dragoman("codex", "--version", DRAGOMAN_URL="http://127.0.0.1:9")

    assert (ran.code, ran.out) == (0, "codex-cli 0.169.0\n")


def test_named_gateway_that_does_not_answer_is_an_error(machine: Machine) -> None:
    ran = machine.dragoman("codex", "--gateway", f"http://127.0.0.1:{free_port()}", "exec", "hi")

    assert (ran.code, ran.err.startswith("dragoman: no gateway answers at http://127.0.0.1:")) == (1, True)


def test_gateway_with_keys_takes_dragoman_key_and_says_so_without(machine: Machine, tmp_path: Path) -> None:
    with simulator(TALK) as upstream:
        config = {"providers": {"sim": provider_of(upstream, "chat")}, "access": {"keys": [{"name": "ada", "key": "a-client-key-of-ada"}]}}
        with gateway(tmp_path, config) as address:
            without = machine.dragoman("codex", *EXEC, "hi", DRAGOMAN_URL=address)
            wrong = machine.dragoman("codex", *EXEC, "hi", DRAGOMAN_URL=address, DRAGOMAN_KEY="nonsense")
            right = machine.dragoman("codex", *EXEC, "-m", "gpt-4", "hi", DRAGOMAN_URL=address, DRAGOMAN_KEY="a-client-key-of-ada")

        own = {"XDG_STATE_HOME": str(tmp_path / "state"), "DRAGOMAN_CONFIG": str(tmp_path / "dragoman.yaml")}
        started = machine.dragoman("codex", *EXEC, "hi", **own)

        assert (started.code, "asks for a key" in started.err) == (1, True)
        assert (without.code, without.err) == (
            1,
            f"dragoman: the gateway at {address} asks for a key: set DRAGOMAN_KEY to one of its `access.keys`\n",
        )
        assert (wrong.code, "does not know the key in DRAGOMAN_KEY" in wrong.err) == (1, True)
        assert (right.code, right.out.strip()) == (0, HELLO), right.err
        assert [request["headers"]["authorization"] for request in requests(upstream)] == ["Bearer a-provider-key"]


def test_own_gateway_ends_with_codex_even_if_the_launcher_is_killed(machine: Machine) -> None:
    (machine.work / "dragoman.yaml").write_text(f"server: {{port: {free_port()}}}\n")
    screen = Screen(machine, [*DRAGOMAN, "codex", "-m", "gpt-4"])
    try:
        screen.wait_for("Ask Codex to do anything")
        (log,) = (machine.home / ".local" / "state" / "dragoman").glob("gateway-*.log")

        screen.signal(signal.SIGKILL)

        screen.wait_until_quiet(lambda: "stopped" in log.read_text(), "the gateway to stop")
    finally:
        screen.close()


def test_termination_of_the_launcher_reaches_codex_and_the_provider(machine: Machine, tmp_path: Path) -> None:
    with simulator(ENDLESS) as upstream, gateway(tmp_path, {"providers": {"sim": provider_of(upstream, "chat")}}) as address:
        screen = Screen(machine, [*DRAGOMAN, "codex", "--gateway", address, *EXEC, "-m", "gpt-4", "hi"])
        try:
            screen.wait_until(lambda: stats(upstream)["open"] == 1, "the request")

            screen.signal(signal.SIGTERM)
            code = screen.wait_for_end()

            assert code == 128 + signal.SIGTERM
            screen.wait_until_quiet(lambda: (stats(upstream)["open"], stats(upstream)["aborted"]) == (0, 1), "the provider to be cancelled")
        finally:
            screen.close()
