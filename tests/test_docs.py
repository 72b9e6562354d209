"""The documentation as a test: links lead somewhere, every command is written about, and nothing is named that must not be."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dragoman.cli.main import commands

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^\s*(```+|~~~+)(.*)$")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
# Written in pieces, so that this file does not hold what it looks for.
REGISTRIES = re.compile(
    r"https?://[^ \"]*("
    + "|".join(("py" + "pi", "python" + "hosted", "npm" + "js", "deb" + "ian"))
    + r")|(py"
    + r"pi|npm"
    + r"js)\.(org|com)"
)
MACHINE_PATHS = re.compile("|".join((r"/wo" + r"rk/(main|shared|steering|\.)", r"/fa" + r"rm/", r"/ro" + r"ot/")))
NOT_OURS = re.compile(r"(^|/)(node_modules|vendor|third_party)/|\.min\.(js|css)$|(^|/)uv\.lock$")


def tracked() -> list[Path]:
    """Every file of the repository: committed, or about to be."""
    # The checkout may belong to another user than the one who tests it.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in sorted(set(listing.splitlines())) if (ROOT / name).is_file()]


def pages() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(text: str) -> Iterator[tuple[int, str]]:
    """(line number, line) of what stands outside fenced blocks, without inline code."""
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and (not inside or fence[1].startswith(inside)):
            inside = "" if inside else fence[1]
        elif not inside:
            yield number, re.sub(r"`[^`]*`", "", line)


def openings(text: str) -> Iterator[tuple[int, str]]:
    """(line number, language) of every fenced block."""
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and inside and fence[1].startswith(inside):
            inside = ""
        elif fence and not inside:
            inside = fence[1]
            yield number, fence[2].strip()


def anchors(path: Path) -> set[str]:
    """The anchors that a forge makes of the headings of a page."""
    lines = path.read_text().splitlines()
    titles = [heading[1] for line in lines if (heading := HEADING.match(line))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path) -> Iterator[str]:
    for number, line in prose(page.read_text()):
        for target in LINK.findall(line):
            if "://" in target or target.startswith("mailto:"):
                continue
            file, _, anchor = target.partition("#")
            place = (page.parent / file).resolve() if file else page
            if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
                yield f"{name(page)}:{number} {target}"


def matches(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{name(path)}:{number}"
        for path in paths
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_links_between_pages_lead_somewhere() -> None:
    assert [link for page in pages() for link in broken_links(page)] == []


def test_code_blocks_say_their_language() -> None:
    assert [f"{name(page)}:{number}" for page in pages() for number, language in openings(page.read_text()) if not language] == []


@pytest.mark.parametrize("command", sorted(commands.commands))
def test_command_is_written_about(command: str) -> None:
    text = "\n".join(page.read_text() for page in pages())

    assert re.search(rf"dragoman {re.escape(command)}\b", text)


def test_every_page_of_the_docs_is_led_to() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in pages()
        for _, line in prose(page.read_text())
        for target in LINK.findall(line)
    }

    lost = [name(page) for page in pages() if ROOT / "docs" in page.parents and page not in linked and page.parent not in linked]

    assert lost == []


def test_no_package_registry_is_named() -> None:
    assert matches(REGISTRIES, tracked()) == []


def test_no_path_of_one_machine_is_named() -> None:
    assert matches(MACHINE_PATHS, tracked()) == []


def test_nothing_third_party_is_kept_here() -> None:
    assert [name(path) for path in tracked() if NOT_OURS.search(name(path))] == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (REGISTRIES, "https://files.python" + "hosted.org/x"),
        (REGISTRIES, "see npm" + "js.com"),
        (MACHINE_PATHS, "cd /wo" + "rk/main"),
        (NOT_OURS, "a/node_modules/b"),
    ],
)
def test_pattern_sees_what_it_is_for(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)
