"""What the gateway offers, as client programs want to know it: each name with what is known of the models behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from dragoman.agents.contract import Offer
from dragoman.config.schema import Config
from dragoman.config.schema import VirtualModel as Configured
from dragoman.core.runtime import Candidate
from dragoman.ir.errors import GatewayError
from dragoman.lower.capabilities import Capabilities
from dragoman.profiles.families import bare
from dragoman.profiles.wellknown import wellknown
from dragoman.routing.expand import Window, by_family
from dragoman.routing.resolve import Resolver, Target


class Offerer:
    """Says what stands behind the names of a config. Clients choose further names, so nothing is remembered. window: what a model of a
    provider is known to hold."""

    def __init__(
        self, config: Config, resolver: Resolver, deploy: Callable[[Target, str | None], Candidate], window: Window = by_family
    ) -> None:
        self._window = window
        self._config = config
        self._resolver = resolver
        self._deploy = deploy

    def offers(self, names: Sequence[str]) -> tuple[Offer, ...]:
        """Everything that is listed, what providers that list nothing are known for, and those of these names that can be resolved;
        each once."""
        known = [name for provider in self._config.providers.values() if not provider.models for name in wellknown(provider.kind)]
        found = (self._offer(name) for name in dict.fromkeys([*self._resolver.names(), *known, *names]))
        return tuple(offer for offer in found if offer is not None)

    def _offer(self, name: str) -> Offer | None:
        try:
            targets = self._resolver.resolve(name).targets
        except GatewayError:
            return None
        if not targets:
            return None
        facts = [known for known in map(self._facts, targets) if known is not None]
        models = {bare(target.model) for target in targets}
        entry = self._config.models.get(name)
        given = entry if isinstance(entry, Configured) else Configured(())
        return Offer(
            name,
            model=models.pop() if len(models) == 1 else None,
            description=given.description,
            window=given.context_window or _least(self._window(target.provider, target.model) for target in targets),
            window_chosen=given.context_window is not None,
            efforts=_common(known.efforts for known in facts),
            images=all(known.images for known in facts),
            verbosity=bool(facts) and all(known.verbosity for known in facts),
        )

    def _facts(self, target: Target) -> Capabilities | None:
        """What the target takes; None if it cannot be asked at all, for want of a key or an address."""
        try:
            return self._deploy(target, None).deployment.capabilities
        except GatewayError:
            return None


def _least(windows: Iterable[int | None]) -> int | None:
    """The smallest window; unknown if one of them is."""
    known = list(windows)
    return None if None in known else min((one for one in known if one is not None), default=None)


def _common(efforts: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """The efforts that all take, as far as that is known."""
    known = [one for one in efforts if one is not None]
    return tuple(effort for effort in known[0] if all(effort in others for others in known)) if known else None
