"""`make corpus`: puts every recorded exchange of a folder through every check, prints a table per dialect, and fails if one fails."""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from random import Random

from tests.corpus import imagined_asked, imagined_told
from tests.corpus.census import count, news
from tests.corpus.checks import CHECKS, problems
from tests.corpus.exchange import DIALECTS, Exchange, exchanges

Findings = dict[str, dict[str, dict[str, list[str]]]]
"""dialect -> case -> check -> what is wrong"""


def main(root: Path) -> int:
    """Run, print, and say by the exit status whether all is well."""
    if not root.is_dir():
        print(f"corpus: `{root}` is no folder; name one with CORPUS=…", file=sys.stderr)
        return 2
    every = list(exchanges(root))
    findings: Findings = {name: {} for name in DIALECTS}
    for exchange in every:
        found = {name: bad for name, check in CHECKS.items() if (bad := problems(check, exchange))}
        if found:
            findings[exchange.dialect][exchange.name] = found
    print(report(every, findings))
    fallen = list(fallen_of_imagined(int(os.environ.get("IMAGINED", "100"))))
    print("\n".join(fallen) or "imagined: exchanges that nobody recorded pass every check")
    undecided = news(count(every))
    print("\n".join(f"census: {line}" for line in undecided) or "census: no field that is not in docs/reference/census.md")
    return 1 if any(findings.values()) or undecided or fallen else 0


def fallen_of_imagined(seeds: int) -> Iterable[str]:
    """What is wrong with exchanges that nobody recorded: so many requests, replies and streams of each dialect."""
    for name, make in ((name, make) for name in DIALECTS for make in (imagined_asked.request, imagined_told.whole, imagined_told.stream)):
        for seed in range(seeds):
            exchange = make(name, Random(seed))
            found = [sentence for check in CHECKS.values() for sentence in problems(check, exchange)]
            yield from (f"imagined {name}, {exchange.name} {seed}: {sentence}" for sentence in found)


def report(every: Iterable[Exchange], findings: Findings) -> str:
    """The table, and below it each failure by name."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for exchange in every:
        counts[exchange.dialect]["other API" if exchange.other_api else "exchanges"] += 1
    lines = [f"{'dialect':<10}{'exchanges':>10}{'passed':>8}{'failed':>8}" + "".join(f"{name:>12}" for name in CHECKS)]
    for name in DIALECTS:
        failed, total = findings[name], counts[name]["exchanges"]
        cells = [sum(check in found for found in failed.values()) for check in CHECKS]
        lines.append(f"{name:<10}{total:>10}{total - len(failed):>8}{len(failed):>8}" + "".join(f"{cell or '-':>12}" for cell in cells))
    lines += [f"{name}: {count['other API']} recording(s) of another API left out" for name, count in counts.items() if count["other API"]]
    for name, failed in findings.items():
        for case, found in failed.items():
            lines.append(f"\n{name}/{case}")
            lines += [f"  {check}: {sentence}" for check, bad in found.items() for sentence in bad]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
