"""YAML as a tree: the same by either of the readers, and refused where it is nested too deep for anybody."""

from __future__ import annotations

import pytest

from dragoman.config import document
from dragoman.config.document import Node, read_document
from dragoman.config.load import parse
from dragoman.config.problems import ConfigError

TEXTS = (
    "a: 1\nb: [x, 'y', \"z\\n\", ~, true, 1.5, 0x1f, 2026-11-22]\n",
    "base: &base {kind: vllm, keys: [$KEY]}\nother:\n  <<: *base\n  base_url: http://127.0.0.1:1/v1\n",
    "text: |\n  one\n    two\n\nfolded: >-\n  one\n  two\nend: here\n",
    "plain: of two\n  lines  # and a remark\nquoted: 'it''s'\nempty:\nlist:\n- - 1\n  - 2\n- {a: {b: c}}\n",
    "letters: [é, \U0001f389, '\U0001f389 x']\nafter: 1\r\nlines: 2\r\n",
    "\ufeff\ufefftwo: marks\n",
    "? key\n: value\n!!str 5: !!str 6\n",
    "tab:\tbehind\n",
    "wrong: [1, 2\nnext: {a:}\n",
    "colon: [first, tier:]\n",
    "a: 1\n---\nb: 2\n",
)


@pytest.mark.parametrize("text", [text for text in TEXTS if "\t" not in text])
def test_either_reader_reads_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = _read(text)

    monkeypatch.setattr(document, "_FAST", None)

    assert fast == _read(text)


@pytest.mark.parametrize("depth", [400, 990, 100_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_what_is_nested_too_deep_is_refused_in_a_sentence(opened: str, closed: str, depth: int) -> None:
    text = f"providers:\n  {opened * depth}1{closed * depth}"

    with pytest.raises(ConfigError, match="is nested too deep; this is no config file"):
        parse(text.encode(), {})


def _read(text: str) -> Node | str:
    try:
        return read_document(text.encode(), "f")
    except ConfigError as error:
        return str(error)
