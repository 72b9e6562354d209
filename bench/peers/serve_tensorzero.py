"""TensorZero's gateway over HTTP, out of its wheel. Run by the Python of .peers/tensorzero, never by ours.

    python serve_tensorzero.py tensorzero.toml

The wheel holds the whole gateway and serves it on a free port of the loopback for OpenAI's client, whose `base_url` it sets. That address
is printed. `patch_openai_client` is the public way to it, and marked as going; without it, this peer needs its container.
"""
# The wheel stands in an environment that the checker does not see.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

import signal
import sys
import types

from tensorzero import patch_openai_client

if __name__ == "__main__":
    client = patch_openai_client(types.SimpleNamespace(), config_file=sys.argv[1], async_setup=False)
    print(client.base_url, flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        signal.pause()
