"""LiteLLM's proxy, with what its page for production asks for: https://docs.litellm.ai/docs/proxy/prod"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Generator

from bench.contenders import PROVIDER_KEY, Contender, NotStarted, free_ports
from bench.peers.launch import launched
from bench.peers.peer import HOMES, PEERS, About, Peer
from bench.scenarios import PACES

_HOME = PEERS / "litellm"
# The proxy takes only keys that begin so.
_CLIENT_KEY = "sk-bench-client-key"
_SETTINGS = (
    "one uvicorn worker, a master key, no database and no Redis, `LITELLM_MODE=PRODUCTION`, `LITELLM_LOG=ERROR`, `set_verbose: false`, "
    "`json_logs: true`, `request_timeout: 600`, `telemetry: false`, price list from the package"
)
_ENV = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
# (client's dialect, provider's dialect) -> the model's name, and how LiteLLM asks: `openai` alone means in the client's dialect.
_ROUTES: dict[tuple[str, str], tuple[str, dict[str, object]]] = {
    ("chat", "chat"): ("{pace}-chat", {"model": "openai/gpt-5.5"}),
    ("responses", "responses"): ("{pace}-responses", {"model": "openai/gpt-5.5"}),
    ("responses", "chat"): ("{pace}-responses-on-chat", {"model": "openai/gpt-5.5", "use_chat_completions_api": True}),
    ("chat", "responses"): ("{pace}-chat-on-responses", {"model": "openai/responses/gpt-5.5"}),
}


@contextlib.contextmanager
def litellm(upstream: Contender) -> Generator[Contender]:
    """The proxy on a free port."""
    port = free_ports(1)[0]
    HOMES.mkdir(parents=True, exist_ok=True)
    config = HOMES / "litellm.yaml"
    # JSON is YAML too.
    config.write_text(json.dumps(_config(upstream.ports), indent=2))
    command = [_HOME / "bin" / "litellm", "--config", config, "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    with launched("litellm", command, _ENV) as running:
        running.answers(f"http://127.0.0.1:{port}/health/liveliness")
        running.stays_home()
        yield Peer(
            "litellm",
            dict.fromkeys(PACES, port),
            running.pid,
            (f"authorization: Bearer {_CLIENT_KEY}",),
            about=About("LiteLLM", _version(), _SETTINGS),
            carries={dialects: model for dialects, (model, _) in _ROUTES.items()},
        )


def _config(ports: dict[str, int]) -> dict[str, object]:
    models = [
        {
            "model_name": name.format(pace=pace),
            "litellm_params": {**asked, "api_base": f"http://127.0.0.1:{port}/v1", "api_key": PROVIDER_KEY},
        }
        for pace, port in ports.items()
        for name, asked in _ROUTES.values()
    ]
    return {
        "model_list": models,
        "litellm_settings": {"request_timeout": 600, "set_verbose": False, "json_logs": True, "telemetry": False},
        "general_settings": {"master_key": _CLIENT_KEY},
    }


def _version() -> str:
    asked = "import importlib.metadata as m, platform; print(m.version('litellm'), '(Python', platform.python_version() + ')')"
    done = subprocess.run([_HOME / "bin" / "python", "-c", asked], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotStarted(f"litellm is left out: its environment is broken ({done.stderr[-200:].strip()})")
    return done.stdout.strip()
