"""`dragoman serve` as a process: what it says, when it refuses to start, how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from machine import DRAGOMAN, Machine, provider_of, requests, scripted
from parts import gateway, simulator
from patience import PATIENCE_S, until

pytestmark = pytest.mark.journey

ASK = b'{"model":"gpt-4","stream":true,"messages":[{"role":"user","content":"count"}]}'
SLOW = scripted('rules: [{reply: [{text: "one two three four five six"}], pace: {first_s: 0, delta_s: 0.1}}]')


def serve(machine: Machine, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """A gateway in the background, and the address that it tells."""
    process = subprocess.Popen(
        [*DRAGOMAN, "serve", "--port", "0", *arguments],
        env=machine.env,
        cwd=machine.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    address = next(line.split()[1] for line in process.stderr if line.strip().startswith("address"))
    return process, address.removesuffix("/openai/v1")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_it_tidily(machine: Machine, number: int) -> None:
    process, _ = serve(machine)

    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE_S)

    assert (process.returncode, said.strip().splitlines()[-1]) == (0, "dragoman: stopped")
    assert "Traceback" not in said


def test_running_stream_is_finished_before_it_ends(machine: Machine) -> None:
    with simulator(SLOW) as upstream:
        (machine.work / "dragoman.yaml").write_text(str({"providers": {"sim": provider_of(upstream, "responses")}}))
        process, address = serve(machine)
        with urlopen(Request(f"{address}/v1/chat/completions", ASK, {"content-type": "application/json"})) as answer:
            first = answer.readline()
            process.send_signal(signal.SIGTERM)
            rest = answer.read()

        process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, first[:6], rest.rstrip().endswith(b"data: [DONE]")) == (0, b"data: ", True)


def test_taken_port_is_told_in_one_sentence(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ran = machine.dragoman("serve", "--port", str(port))

    assert ran.code == 1
    assert ran.err.startswith(f"dragoman: port {port} on `127.0.0.1` is taken") and f"--port {port + 1}" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_network_without_keys_is_refused_unless_wanted(machine: Machine) -> None:
    ran = machine.dragoman("serve", "--host", "0.0.0.0", "--port", "0")
    process, address = serve(machine, "--host", "0.0.0.0", "--open")
    process.terminate()
    process.communicate(timeout=PATIENCE_S)

    assert (ran.code, ran.err.startswith("dragoman: refusing to listen on `0.0.0.0` without client keys")) == (1, True)
    assert "--open" in ran.err
    assert address.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("providers: [", "is not YAML"),
        ("provders: {}", "providers"),
        ("providers: {a: {kind: openai, keys: [$NOT_SET_ANYWHERE]}}", "NOT_SET_ANYWHERE"),
        (
            "providers: {a: {kind: demo}}\nmodels: {m: {targets: [{model: a/x}, {model: nobody/x}]}}",
            "models.m.targets[1].model",
        ),
        ("providers: {a: {kind: demo}}\nmodels: {m: {targets: [{model: a/x, weight: 0}]}}", "models.m.targets[0].weight"),
        ("providers: {a: {kind: demo}}\nmodels: {one: two, two: one}", "models."),
    ],
)
def test_config_that_cannot_be_used_is_refused_with_its_place(machine: Machine, config: str, told: str) -> None:
    (machine.work / "dragoman.yaml").write_text(config)

    served, checked = machine.dragoman("serve"), machine.dragoman("check")

    assert (served.code, checked.code) == (1, 1)
    assert served.err == checked.err
    assert served.err.startswith("dragoman: the configuration has a problem:\n  ✗ dragoman.yaml") and told in served.err


def test_models_and_schema_can_be_printed(machine: Machine) -> None:
    (machine.work / "dragoman.yaml").write_text("providers: {a: {kind: demo, models: [x]}}\nmodels: {m: a/x}")

    told = json.loads(machine.dragoman("models", "--json").out)

    assert [(virtual["name"], virtual["targets"]) for virtual in told["virtual"]] == [("m", ["a/x"])]
    nothing = dict.fromkeys(("input", "cache_read", "cache_write", "output"), 0.0)
    assert [(model["name"], model["window"], model["price"]) for model in told["models"]] == [("a/x", None, nothing)]
    assert '"$schema"' in machine.dragoman("schema").out


def test_models_that_a_provider_lists_can_be_asked_for_by_their_bare_names(tmp_path: Path) -> None:
    with (
        simulator(scripted("{rules: [], models: [homemade]}")) as upstream,
        simulator(SLOW) as other,
        gateway(
            tmp_path, {"providers": {"lab": {**provider_of(upstream, "chat"), "list": True}, "other": provider_of(other, "chat")}}
        ) as address,
    ):
        until(lambda: b"lab/homemade" in urlopen(f"{address}/v1/models").read(), "the list of the provider")

        assert json.load(urlopen(f"{address}/api/resolve/homemade"))["targets"] == ["lab/homemade"]


def test_client_key_stays_here_and_provider_key_goes_there(machine: Machine, tmp_path: Path) -> None:
    with simulator(SLOW) as upstream:
        config = {"providers": {"sim": provider_of(upstream, "chat")}, "access": {"keys": [{"name": "ada", "key": "a-client-key-of-ada"}]}}
        with gateway(tmp_path, config) as address:
            headers = {"content-type": "application/json"}
            with pytest.raises(HTTPError) as refused:
                urlopen(Request(f"{address}/v1/chat/completions", ASK, headers))
            with urlopen(Request(f"{address}/v1/chat/completions", ASK, {**headers, "x-api-key": "a-client-key-of-ada"})) as answer:
                told = answer.read() + str(answer.headers).encode()

        assert refused.value.code == 401
        (request,) = requests(upstream)
        assert request["headers"]["authorization"] == "Bearer a-provider-key"
        assert "a-client-key-of-ada" not in str(request)
        assert b"a-provider-key" not in told
        assert "a-provider-key" not in (tmp_path / "dragoman" / "gateway-journey.log").read_text()
