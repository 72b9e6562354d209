"""Where the program begins, by its script or by `python -m dragoman`. It imports nothing of ours before Ctrl-C is settled: loading takes
long enough to be interrupted.
"""

from __future__ import annotations

import importlib
import signal


def main() -> None:
    """Run the command that was typed. Ctrl-C ends the process without a word while it is loaded and once it is over; in between it
    raises KeyboardInterrupt (`cli.main.Later`). Where it is ignored, as for what a shell puts into the background, it stays so."""
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        importlib.import_module("dragoman.cli.main").main()
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
