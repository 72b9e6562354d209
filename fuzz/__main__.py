"""Runs the targets named (all of them by default) for FUZZ_SECONDS (60) each, every one in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fuzz.seeds import seeds
from fuzz.targets import TARGETS

_RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """1 if a target fell; the input that felled it stays in fuzz/results."""
    fallen = [name for name in sys.argv[1:] or list(TARGETS) if not _run(name, os.environ.get("FUZZ_SECONDS", "60"))]
    print("fuzz:", f"fell: {', '.join(fallen)} (inputs in fuzz/results)" if fallen else "nothing fell")
    return 1 if fallen else 0


def _run(name: str, seconds: str) -> bool:
    corpus = _RESULTS / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=2048", "-verbosity=0", "-print_final_stats=1"]
    command = [sys.executable, "-m", "fuzz.one", name, *limits, f"-artifact_prefix={_RESULTS}/{name}-", str(corpus)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line.split()[-1] for line in ended.stderr.splitlines() if line.startswith("stat::number_of_executed_units")]
    print(f"{name:18} {'sound' if ended.returncode == 0 else 'FELL'} after {told[0] if told else '?'} inputs", flush=True)
    if ended.returncode:
        print((ended.stdout + ended.stderr)[-3000:])
    return ended.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
