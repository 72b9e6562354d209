"""`dragoman models`, as it is typed."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from dragoman.cli.models import models

CONFIG = """
server: {port: 1}
providers: {claude: {kind: anthropic, keys: [$K]}, lab: {kind: vllm, base_url: "http://127.0.0.1:1/v1", models: [homemade]}}
models: {coder: {targets: [claude/claude-opus-4-8], description: for code}}
"""


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    (tmp_path / "dragoman.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("K", "k" * 20)
    monkeypatch.delenv("DRAGOMAN_CONFIG", raising=False)
    return CliRunner()


def test_names_then_models_with_their_facts(runner: CliRunner) -> None:
    told = runner.invoke(models).output.splitlines()

    assert told[0].split() == ["coder", "→", "claude/claude-opus-4-8", "(for", "code)"]
    rows = {line.split()[0]: line.split()[1:] for line in told if line.startswith(("claude/", "lab/"))}
    assert rows["claude/claude-opus-4-8"] == ["1M", "128k", "tif", "yes", "none..max", "5", "0.5", "25"]
    assert rows["lab/homemade"] == ["·"] * 8


def test_json_is_the_body_of_the_api(runner: CliRunner) -> None:
    body = json.loads(runner.invoke(models, ["--json", "--search", "homemade"]).output)

    assert body["virtual"] == []
    assert [model["name"] for model in body["models"]] == ["lab/homemade"]
    assert body["models"][0]["price"] is None


def test_the_running_gateway_is_asked_whatever_is_searched_for(runner: CliRunner, tmp_path: Path) -> None:
    asked: list[str] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = b'{"virtual": [], "models": [], "lists": {}}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        (tmp_path / "dragoman.yaml").write_text(CONFIG.replace("port: 1}", f"port: {server.server_address[1]}}}"))
        Thread(target=server.serve_forever, daemon=True).start()
        told = runner.invoke(models, ["--json", "--search", "home made & co"])
        server.shutdown()

    assert (asked, json.loads(told.output)["models"]) == (["/api/models?search=home+made+%26+co"], [])


def test_a_search_that_finds_nothing_says_so(runner: CliRunner) -> None:
    assert runner.invoke(models, ["--search", "zzzz"]).output.splitlines()[0] == "no model has `zzzz` in its name"


def test_unknown_provider_is_told_with_the_nearest(runner: CliRunner) -> None:
    told = runner.invoke(models, ["--provider", "cluade"])

    assert told.exit_code == 2
    assert "no provider is named `cluade`; did you mean `claude`?" in " ".join(told.output.split())
