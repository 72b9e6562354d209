"""Checks of the section `models`: names, globs, targets that exist, weights, params, and no circles."""

from __future__ import annotations

import re

from dragoman.config.check_providers import check_alike
from dragoman.config.check_routes import check_routes
from dragoman.config.names import is_glob, split_direct
from dragoman.config.problems import Findings, Path, any_of, nearest
from dragoman.config.references import fallbacks_at, followed_at, named_at, names_virtual
from dragoman.config.schema import Config, Target, VirtualModel
from dragoman.config.secrets import shown
from dragoman.profiles.families import canonical

_ROUTING = ("model", "stream", "messages", "input")
_FOREIGN_WILD = re.compile(r"[\[\]{}^$|\\]")


def check_models(config: Config, findings: Findings) -> None:
    """Note what is wrong with any virtual model."""
    _check_twins(config, findings)
    check_alike(config.models, ("models",), findings)
    for name in config.models:
        _check_name(name, findings)
        _check_weights(name, config, findings)
        for path, target in named_at(config, name):
            _check_target(name, target, path, config, findings)
            _check_params(target, path, findings)
    _check_circles(config, findings)
    check_routes(config, findings)


def _check_twins(config: Config, findings: Findings) -> None:
    seen: dict[str, str] = {}
    for name in config.models:
        twin = seen.setdefault(canonical(name), name)
        if twin != name:
            findings.refuse(
                ("models", name), f"is the same name as `{twin}`: Claude's versions may be written with `.` or `-`", "keep one of them"
            )


def _check_name(name: str, findings: Findings) -> None:
    path = ("models", name)
    if _FOREIGN_WILD.search(name):
        findings.refuse(path, "is no glob that is known here", "`*` stands for any letters and `?` for one; nothing else is special")
    elif any(letter.isspace() or not letter.isprintable() for letter in name):
        findings.refuse(path, "has a space or an unprintable letter in it", "no client can ask for it; write it without")


def _check_weights(name: str, config: Config, findings: Findings) -> None:
    entry = config.models[name]
    path: Path = ("models", name, "targets")
    if not isinstance(entry, VirtualModel):
        return
    if not entry.targets:
        findings.refuse(path, "is empty", "name at least one target, as `[provider/model]`")
    said = [(*path, index, "weight") in findings.lines for index in range(len(entry.targets))]
    if any(said) and not all(said):
        findings.warn((*path, said.index(False)), "has no weight while others have one, so it counts as 1", "give it a weight")


def _check_target(name: str, target: Target, path: Path, config: Config, findings: Findings) -> None:
    text = target.model
    if not text or findings.blames(path):
        return
    if "?" in text or ("*" in text and not is_glob(name)):
        findings.refuse(path, f"{shown(text)} has a wildcard, and `{name}` is no glob", "name one model")
        return
    partly = any("*" in step and step != "*" for step in text.split("/"))
    if partly and name.count("*") != 1:
        findings.refuse(
            path, f"{shown(text)} has a `*` beside letters, which needs a name with exactly one `*`", "let `*` stand alone between slashes"
        )
        return
    if split_direct(text, config.providers) is None and ("*" in text or names_virtual(text, config) is None):
        _refuse_target(text, path, config, findings)


def _refuse_target(text: str, path: Path, config: Config, findings: Findings) -> None:
    """Say which part of a target does not exist, and what is near."""
    head, slash, model = text.partition("/")
    virtual = [name for name in config.models if not is_glob(name) and ("models", name) != path[:2]]
    if slash and model:
        near = [f"{name}/{model}" for name in nearest(head, config.providers)] or nearest(text, virtual)
        reason = f"no provider is named {shown(head)}"
    else:
        near = nearest(text, [*virtual, *config.providers])
        near = [f"{name}/..." if name in config.providers else name for name in near]
        reason = f"{shown(text)} names neither `provider/model` nor a model of this file"
    providers = f"the providers are {any_of(config.providers)}" if config.providers else "there are no providers"
    findings.refuse(path, reason, f"did you mean {any_of(near)}?" if near else f"write `provider/model`; {providers}")


def _check_params(target: Target, path: Path, findings: Findings) -> None:
    for name in target.params:
        if name in _ROUTING:
            findings.refuse((*path[:-1], "params", name), "is set by the gateway itself", "leave it out")


def _check_circles(config: Config, findings: Findings) -> None:
    """Refuse each circle once, at the target that closes it. Fallbacks may name each other: those of a fallback are not followed."""
    done: set[str] = set()
    for name in config.models:
        _walk(name, [], config, findings, done)


def _walk(name: str, trail: list[str], config: Config, findings: Findings, done: set[str]) -> None:
    if name in done:
        return
    trail = [*trail, name]
    own = [(path, target) for path, target in fallbacks_at(config, name) if names_virtual(target.model, config) == name]
    for path, target in (*followed_at(config, name), *own):
        following = names_virtual(target.model, config)
        if following is None or (following in trail and split_direct(target.model, config.providers) is not None):
            continue
        if following in trail:
            circle = " -> ".join(f"`{step}`" for step in [*trail[trail.index(following) :], following])
            findings.refuse(path, f"runs in a circle: {circle}", "let one of them name a `provider/model`")
            continue
        _walk(following, trail, config, findings, done)
    done.add(name)
