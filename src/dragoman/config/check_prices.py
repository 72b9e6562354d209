"""Whether the section `prices` makes sense: whose prices they are, and what long requests cost."""

from __future__ import annotations

from dragoman.config.names import is_glob, split_direct
from dragoman.config.price_schema import ModelPrice
from dragoman.config.problems import Findings, any_of, nearest
from dragoman.config.schema import Config

_BOTH = ("input", "output")


def check_prices(config: Config, findings: Findings) -> None:
    """Note prices of what does not exist, and such as cannot be meant."""
    for name, price in config.prices.items():
        _check_name(name, config, findings)
        _check_long(name, price, findings)
        if price == ModelPrice():
            findings.warn(("prices", name), "says nothing", "give a price, as `input: 0.5`, or leave it out")


def _check_name(name: str, config: Config, findings: Findings) -> None:
    if split_direct(name, config.providers) is not None or is_glob(name.partition("/")[0]):
        return
    head = name.partition("/")[0]
    near = nearest(head, config.providers)
    providers = f"the providers are {any_of(config.providers)}" if config.providers else "there are no providers"
    findings.refuse(
        ("prices", name),
        "does not begin with a provider and a slash",
        f"did you mean `{near[0]}/{name.partition('/')[2] or '...'}`?" if near else f"write `provider/model`; {providers}",
    )


def _check_long(name: str, price: ModelPrice, findings: Findings) -> None:
    seen: set[int] = set()
    for index, long in enumerate(price.long):
        path = ("prices", name, "long", index)
        if long.over in seen:
            findings.refuse((*path, "over"), f"{long.over} tokens have prices already", "keep one of them")
        seen.add(long.over)
        if all(getattr(long, field) is None for field in _BOTH):
            findings.warn(path, "has neither `input` nor `output`, so those cost the same as in short requests", "give both")
