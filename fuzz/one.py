"""One target under the fuzzer: `python -m fuzz.one NAME [libFuzzer's options] [corpus]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["dragoman"]):
    from fuzz.targets import TARGETS


def main() -> None:
    """Never returns: the fuzzer ends the process."""
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
