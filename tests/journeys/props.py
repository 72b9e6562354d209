"""Things that journeys hand to Codex: pictures, and a server of the Model Context Protocol."""

from __future__ import annotations

import json
import struct
import sys
import zlib

from machine import Machine

# A server of the Model Context Protocol on standard input and output, with one tool.
SERVER = """
import json, sys

TOOL = {
    "name": "count-letters",
    "description": "Counts how often a letter stands in a word.",
    "inputSchema": {
        "type": "object",
        "properties": {"word": {"type": "string"}, "letter": {"type": "string"}},
        "required": ["word", "letter"],
    },
}


def answer(method, params):
    if method == "initialize":
        about = {"name": "letters", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        given = params["arguments"]
        count = given["word"].count(given["letter"])
        return {"content": [{"type": "text", "text": f"{given['word']} has {count} of {given['letter']}"}]}
    return {}


for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        told = {"jsonrpc": "2.0", "id": asked["id"], "result": answer(asked["method"], asked.get("params", {}))}
        print(json.dumps(told), flush=True)
"""
COUNT = {"call": {"name": "count_letters", "arguments": {"word": "dragoman", "letter": "a"}}}
COUNTED = "dragoman has 2 of a"


def picture(color: tuple[int, int, int], size: int = 24) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(color) * size) * size
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def letters(machine: Machine, name: str = "letters") -> str:
    """Settings for the server, under some name."""
    (machine.home / "letters.py").write_text(SERVER)
    script = json.dumps(str(machine.home / "letters.py"))
    return f"\n[mcp_servers.{name}]\ncommand = {json.dumps(sys.executable)}\nargs = [{script}]\nstartup_timeout_sec = 60\n"
