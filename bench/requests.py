"""What a request costs in the translators alone, from the client's bytes to the provider's.

`python -m bench.requests [--against CHECKOUT]`: a conversation of Codex's shape in each dialect, for each dialect, at four sizes. With
another checkout both are measured by turns, each in a process of its own; what counts is the best of all rounds, as the machine may do
other work.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.conversations import Codex
from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir.request import Item, Proof, Reasoning, Request
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower

DIALECTS = ("responses", "chat", "messages", "generate")
SIZES = (62_000, 203_000, 432_000, 800_000)
"""Bytes of the client's body, at least."""

_ROUNDS, _LEAST_S = 7, 0.05
_PROOFS = {"responses": "encrypted_content", "messages": "signature", "generate": "thought_signature"}
_TARGETS = {
    "responses": Capabilities("responses", freeform_tools=True, namespaces=True, developer_role=True, proofs=frozenset({"responses"})),
    "chat": Capabilities("chat"),
    "messages": Capabilities("messages", images_in_results=True, proofs=frozenset({"messages"})),
    "generate": Capabilities("generate", proofs=frozenset({"generate"})),
}

Costs = dict[str, dict[str, dict[str, float]]]
"""Client's dialect -> provider's dialect -> name of the body -> milliseconds."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.requests", description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout, measured by turns with this one")
    parser.add_argument("--turns", type=int, default=4, help="how often each is measured; more where the machine does other work")
    parser.add_argument("--once", type=Path, help="measure one round of the bodies in this folder and print it as JSON")
    given = parser.parse_args()
    if given.once is not None:
        print(msgspec.json.encode(measure(given.once)).decode())
        return
    here = Path(__file__).parent.parent
    with tempfile.TemporaryDirectory() as folder:
        write_bodies(Path(folder))
        checkouts = [path for path in (given.against, here) if path is not None]
        rounds = [[_round(path, Path(folder)) for path in checkouts] for _ in range(given.turns)]
    print(table([_best([turn[place] for turn in rounds]) for place in range(len(checkouts))]))


def write_bodies(folder: Path) -> None:
    """The conversations, a file for each client's dialect and size."""
    for name in DIALECTS:
        talk = Codex(random.Random(3))
        for size in SIZES:
            call = _spoken(talk, name)
            while len(call.body) < size:
                talk.go_on()
                call = _spoken(talk, name)
            (folder / f"{name}-{size}").write_bytes(msgspec.json.encode(call))


def measure(folder: Path) -> Costs:
    """The best of a few rounds of each."""
    costs: Costs = {}
    for name in DIALECTS:
        for size in SIZES:
            call = msgspec.json.decode((folder / f"{name}-{size}").read_bytes(), type=Call)
            for target, caps in _TARGETS.items():
                costs.setdefault(name, {}).setdefault(target, {})[str(size)] = _cost(lambda c=call, n=name, k=caps: _carry(c, n, k))
    return costs


def table(measured: list[Costs]) -> str:
    """Milliseconds in Markdown; of two checkouts, those of the first stand first."""
    head = ["from", "to", *(f"{size // 1000} KB" for size in SIZES)]
    lines = [head, ["---"] * len(head)]
    for name in DIALECTS:
        for target in DIALECTS:
            cells = [" → ".join(f"{costs[name][target][str(size)]:.2f}" for costs in measured) for size in SIZES]
            lines.append([name, target, *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spoken(talk: Codex, name: str) -> Call:
    """The request as a client of this dialect would send it."""
    call = Call("/responses", talk.ask())
    if name == "responses":
        return call
    request = dialect("responses").read_request(call)
    request = msgspec.structs.replace(request, items=tuple(_proven(item, name) for item in request.items), extra=None)
    return dialect(name).write_request(lower(request, _TARGETS[name], None).request, Quirks())[0]


def _proven(item: Item, name: str) -> Item:
    """With a thought's proof as one of this dialect."""
    if not isinstance(item, Reasoning) or item.proof is None or name not in _PROOFS:
        return item
    return Reasoning(("Thinking about it.",), proof=Proof(name, item.proof.data, _PROOFS[name]))


def _carry(call: Call, name: str, caps: Capabilities) -> object:
    request: Request = dialect(name).read_request(call)
    lowered = lower(request, caps, None)
    return dialect(caps.dialect).write_request(msgspec.structs.replace(lowered.request, model="other"), Quirks())


def _cost(work: Callable[[], object]) -> float:
    took: list[float] = []
    while len(took) < _ROUNDS or sum(took) < _LEAST_S:
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took) * 1000


def _round(checkout: Path, folder: Path) -> Costs:
    paths = os.pathsep.join((str(checkout / "src"), str(Path(__file__).parent.parent)))
    command = [sys.executable, "-m", "bench.requests", "--once", str(folder)]
    told = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PYTHONPATH": paths})
    return msgspec.json.decode(told.stdout, type=Costs)


def _best(rounds: list[Costs]) -> Costs:
    first = rounds[0]
    return {
        name: {target: {size: min(each[name][target][size] for each in rounds) for size in sizes} for target, sizes in targets.items()}
        for name, targets in first.items()
    }


if __name__ == "__main__":
    main()
