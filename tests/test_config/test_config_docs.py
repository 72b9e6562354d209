"""The configuration page: its examples load without a warning, and what it shows is what is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dragoman.config.load import parse
from dragoman.config.problems import ConfigError
from dragoman.routing.resolve import Resolver

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ROWS = re.findall(r"^\| `\"(.*?)\"` \| `(.*?)` \| `(.*?)` \| `(.*?)` \|$", PAGE, re.MULTILINE)
VARIABLES = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LAB_KEY", "LAB_HOST", "ODD_KEY", "ODD_ORG", "ADA_KEY")


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_load_without_a_warning(text: str, tmp_path: Path) -> None:
    for number, name in enumerate(("/run/secrets/anthropic", "~/.config/dragoman/ci-key")):
        key = tmp_path / f"key{number}"
        key.write_text(f"a-key-of-its-own-{number}")
        key.chmod(0o600)
        text = text.replace(f"file:{name}", f"file:{key}")
    env = {name: f"value-of-{name.lower().replace('_', '-')}" for name in VARIABLES}

    loaded = parse(text.encode(), env)

    assert loaded.warnings == ()
    Resolver.compile(loaded.config)


@pytest.mark.parametrize(("glob", "target", "asked", "goes"), ROWS)
def test_rows_of_the_table_of_globs_hold(glob: str, target: str, asked: str, goes: str) -> None:
    provider = target.partition("/")[0]
    config = parse(
        f'providers: {{{provider}: {{kind: vllm}}, other: {{kind: ollama}}}}\nmodels: {{"{glob}": {target}}}'.encode(), {}
    ).config

    assert [one.name for one in Resolver.compile(config).resolve(asked).targets] == [goes]


def test_there_are_examples_and_rows() -> None:
    assert (len(EXAMPLES), len(ROWS)) == (5, 4)


def test_the_problems_that_are_shown_are_told_so() -> None:
    text = """# a file with two slips
providers:
  main: {kind: vllm}
  local: {kind: vllm, base_url: "http://localhost:9000/v1/chat/completions"}
models:
  coder:
    targets:
      - main/x
      - {model: locla/qwen3-coder}
"""
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), {})

    (shown,) = re.findall(r"```text\n(dragoman\.yaml.*?)\n```", PAGE, re.DOTALL)
    assert str(caught.value) == shown
