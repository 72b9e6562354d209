"""`dragoman models`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_unknown_provider_is_told_with_the_nearest(runner: CliRunner) -> None:
    told = runner.invoke(models, ["--provider", "cluade"])

    assert told.exit_code == 2
    assert "no provider is named `cluade`; did you mean `claude`?" in " ".join(told.output.split())
