"""`python -m bench.instructions [CASE...]`: how many instructions a request takes on each hot path of `bench.hot`, by valgrind.

Unlike CPU time, the count hardly depends on what else the machine does: steps of a few per cent can be told apart in one run each.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

from bench.hot import CASES, CHUNKS

_FEW, _MANY = 100, 400
_COUNT = re.compile(r"I\s+refs:\s+([\d,]+)")


def main(names: list[str]) -> None:
    """Count and print."""
    counted = {name: _count(name) for name in names or CASES}
    for name, count in counted.items():
        print(f"{name:16} {count:>10,.0f} a request")
    for side in ("server", "pool"):
        whole, stream = counted.get(f"{side}-whole"), counted.get(f"{side}-stream")
        if whole is not None and stream is not None:
            print(f"{side + '-chunk':16} {(stream - whole) / CHUNKS:>10,.0f} a piece of a stream")


def _count(name: str) -> float:
    """What start and warm-up take falls out of the difference of two runs."""
    return (_run(name, _MANY) - _run(name, _FEW)) / (_MANY - _FEW)


def _run(name: str, times: int) -> int:
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command += [sys.executable, "-m", "bench.hot", name, str(times)]
    told = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": "0"})
    found = _COUNT.search(told.stderr)
    if told.returncode or found is None:
        raise SystemExit(f"`{name}` could not be counted:\n{told.stderr[-2000:]}")
    return int(found[1].replace(",", ""))


if __name__ == "__main__":
    main(sys.argv[1:])
