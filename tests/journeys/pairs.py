"""All pairs: few cases in which each value of each axis meets each value of every other one. Always the same for the same axes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Case = dict[str, Any]
Pair = tuple[str, Any, str, Any]
_SoFar = tuple[Mapping[Pair, None], Counter[Pair]]


def pairwise(axes: Mapping[str, Sequence[Any]], may: Callable[[Case], bool]) -> list[Case]:
    """Cases that hold every pair of values that some legal case has. `may` says whether a case is legal; it is also asked about cases of
    a few axes only, and must then not refuse what further axes could make legal."""
    names = list(axes)
    wanted = [pair for pair in _pairs(axes) if may({pair[0]: pair[1], pair[2]: pair[3]})]
    open_pairs = dict.fromkeys(wanted)
    met: Counter[Pair] = Counter()
    cases: list[Case] = []
    for pair in wanted:
        if pair not in open_pairs:
            continue
        case = _complete({pair[0]: pair[1], pair[2]: pair[3]}, names, axes, may, (open_pairs, met))
        if case is None:
            del open_pairs[pair]
            continue
        for one in _pairs_of(case, names):
            open_pairs.pop(one, None)
            met[one] += 1
        cases.append(case)
    return cases


def _complete(
    case: Case, names: Sequence[str], axes: Mapping[str, Sequence[Any]], may: Callable[[Case], bool], so_far: _SoFar
) -> Case | None:
    """The case with the axes that it lacks, each with the value that meets most of what was not met yet, or was met least."""
    open_pairs, met = so_far
    rest = [name for name in names if name not in case]
    if not rest:
        return case
    name = rest[0]
    values = [value for value in axes[name] if may({**case, name: value})]
    pairs = {value: _pairs_of({**case, name: value}, names) for value in values}
    values.sort(key=lambda value: (-sum(one in open_pairs for one in pairs[value]), sum(met[one] for one in pairs[value])))
    for value in values:
        whole = _complete({**case, name: value}, names, axes, may, so_far)
        if whole is not None:
            return whole
    return None


def _pairs(axes: Mapping[str, Sequence[Any]]) -> list[Pair]:
    return [(one, left, other, right) for one, other in itertools.combinations(axes, 2) for left in axes[one] for right in axes[other]]


def _pairs_of(case: Case, names: Sequence[str]) -> list[Pair]:
    given = [name for name in names if name in case]
    return [(one, case[one], other, case[other]) for one, other in itertools.combinations(given, 2)]
