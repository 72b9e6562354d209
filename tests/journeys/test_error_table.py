"""The error table: every fault of a provider and of the gateway, as the real Codex and the official SDK tell it, ours beside the raw
provider's. Each is measured once, many at a time; `docs/errors.md` has to say what is found here."""

from __future__ import annotations

import itertools
from collections.abc import Generator

import pytest
from error_bench import CLIENT_KEY, LANES, SECRET, Bench, bench
from error_page import PAGE, codex_line, own_line, sdk_line
from error_rows import OWN, ROWS, SDK, Own, Row, Sdk
from machine import Machine

pytestmark = pytest.mark.journey

CODEX_CASES = [pytest.param(row, name, id=f"{row.name}-{name}") for row in ROWS for name in row.over]
SDK_CASES = [pytest.param(sdk, name, api, id=f"{sdk.name}-{api}-{name}") for sdk in SDK for api in LANES for name in LANES[api]]
SDK_LINES = [pytest.param(sdk, api, id=f"{sdk.name}-{api}") for sdk, api in itertools.product(SDK, LANES)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Generator[Bench]:
    """The measurements, all begun at once where most of them are wanted."""
    with bench(tmp_path_factory.mktemp("table")) as made:
        if len(request.session.items) > len(CODEX_CASES):
            made.begin_all()
        yield made


@pytest.mark.parametrize(("row", "name"), CODEX_CASES)
def test_codex_reads_whose_fault_it_is_and_what_it_means(table: Bench, row: Row, name: str) -> None:
    told = table.codex(row, name)

    assert [words for words in row.says if words.format(provider=name) not in told.read] == [], told.read
    assert SECRET not in told.screen and SECRET[8:30] not in told.screen
    assert (told.code is None, "Traceback" in told.screen) == (False, False)


@pytest.mark.parametrize(("row", "name"), CODEX_CASES)
def test_codex_asks_no_more_often_than_it_would_alone(table: Bench, row: Row, name: str) -> None:
    told = table.codex(row, name)

    if row.fatal:
        assert (told.requests, told.asked) == (1, 1)
    elif not row.more:
        alone = table.codex(row, "raw")
        assert told.requests <= alone.requests or alone.code is None
    assert told.requests <= 6


@pytest.mark.parametrize("own", OWN, ids=lambda own: own.what)
def test_codex_reads_what_is_wrong_with_the_gateway(table: Bench, own: Own) -> None:
    told = table.own(own)

    assert [words for words in own.says if words not in told.read] == [], told.read
    assert (told.code, told.requests) == (1, own.requests)
    assert own.key not in told.screen or own.key == CLIENT_KEY


@pytest.mark.parametrize(("sdk", "name", "api"), SDK_CASES)
def test_a_program_gets_a_sentence_and_asks_no_more_often_than_alone(table: Bench, sdk: Sdk, name: str, api: str) -> None:
    told, alone = table.sdk(sdk, name, api), table.sdk(sdk, "raw", api)
    row = next(row for row in ROWS if row.name == sdk.name)

    assert told.read and not told.read.startswith("nothing")
    assert SECRET not in told.screen
    assert sdk.more or told.requests <= alone.requests
    assert not row.fatal or told.requests == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_page_says_what_codex_reads(table: Bench, row: Row) -> None:
    assert codex_line(row, table) in PAGE.read_text()


@pytest.mark.parametrize("own", OWN, ids=lambda own: own.what)
def test_the_page_says_what_the_gateway_tells(table: Bench, own: Own) -> None:
    assert own_line(own, table) in PAGE.read_text()


@pytest.mark.parametrize(("sdk", "api"), SDK_LINES)
def test_the_page_says_what_a_program_gets(table: Bench, sdk: Sdk, api: str) -> None:
    assert sdk_line(sdk, api, table) in PAGE.read_text()


def test_a_config_without_a_providers_key_is_told_before_anybody_asks(machine: Machine) -> None:
    (machine.work / "dragoman.yaml").write_text("providers:\n  claude: {kind: anthropic}\n")

    ran = machine.dragoman("serve", "--port", "0")

    assert ran.code != 0
    assert "providers.claude.keys" in ran.err and "write `keys: [$ANTHROPIC_API_KEY]`" in ran.err
