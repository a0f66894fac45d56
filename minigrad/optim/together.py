"""How a step moves many parameters: the same arithmetic as one after the other, in pieces of a better size.

NumPy takes as long to start an operation as to do it on a thousand numbers, and for a result of a million it asks the
system for memory, which takes longer than to compute it. So small parameters are copied together into one array, moved
at once and copied back; their state lies in such arrays for good, the entries of each parameter being views. Large ones
are moved slice by slice, with intermediate results that fit into memory at hand, and into the cache. A rule works on
each element by itself, so none of this changes a bit of the result.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from operator import is_
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.tensor import wrap

if TYPE_CHECKING:
    from minigrad.optim.optimizer import Optimizer

SMALL = 1 << 11  # elements: up to here copying costs less than calls would
SLICE = 1 << 18  # bytes of each array that a rule is given at once


class Plan:
    """Which parameters of a group move together, and in which arrays. It serves until something changes.

    Args:
        rule: the optimizer.
        ws: the arrays of those parameters that have a gradient.
        states: what the optimizer keeps of each.
        names: of the arrays among that which the rule wants.

    Raises:
        ValueError: an array of the state has another shape than its parameter.
    """

    def __init__(self, rule: Optimizer, ws: list[Any], states: list[dict[str, Any]], names: list[str]) -> None:
        self.ws, self.states, self.names = ws, states, names
        together: dict[Any, list[int]] = {}
        seen = set()
        for i, (w, state) in enumerate(zip(ws, states, strict=True)):
            may_overlap = w.base is not None or id(w) in seen  # then one must see where the other has moved
            seen.add(id(w))
            likeness = (w.dtype, w.device, *[name in state for name in names], *rule.next_numbers(state).values())
            together.setdefault(i if w.size > SMALL or may_overlap else likeness, []).append(i)
        self.teams = [Team(rule, self, indices) for indices in together.values()]
        self.entries = [entry for team in self.teams for entry in team.entries]
        self.tensors = [tensor for _, _, tensor in self.entries]
        self.is_new = True

    def holds(self, ws: list[Any], states: list[dict[str, Any]], names: list[str]) -> bool:
        """Whether it serves for these as well: the same objects, and the state as the last step has left it."""
        return (
            names == self.names
            and are_same(ws, self.ws)
            and are_same(states, self.states)
            and are_same([state.get(name) for state, name, _ in self.entries], self.tensors)
            and all(team.is_in_step() for team in self.teams if not team.is_view)
        )

    def move(self, rule: Optimizer, gs: list[Any], options: dict[str, Any]) -> None:
        """Move the parameters, given their gradients and the hyperparameters."""
        if self.is_new:
            for state, name, tensor in self.entries:
                state[name] = tensor
            self.is_new = False
        for team in self.teams:
            team.move(rule, [gs[i] for i in team.indices], options)


class Team:
    """Parameters that move together: `w` holds the elements of all, and so does each array of their state.

    One by itself is not copied, if there are no gaps in its memory: then `w` is a view of it.
    """

    def __init__(self, rule: Optimizer, plan: Plan, indices: list[int]) -> None:
        self.indices = indices
        self.numbers = list(rule.numbers)
        self.ws, self.states = [plan.ws[i] for i in indices], [plan.states[i] for i in indices]
        self.is_view = len(indices) == 1 and self.ws[0].flags.c_contiguous
        self.w, self.w_pieces = self.joined(self.ws)
        if not self.is_view:
            self.g, self.g_pieces = self.joined(self.ws)
        self.entries = []
        arrays = {}
        for name in plan.names:
            kept = [array_of(name, state, w) for state, w in zip(self.states, self.ws, strict=True)]
            arrays[name], pieces = self.joined(kept)
            self.entries += [(state, name, wrap(a, None)) for state, a in zip(self.states, pieces, strict=True)]
        self.is_new = rule.asks_is_new and not all(name in self.states[0] for name in plan.names)
        # Rules that keep several arrays have many intermediate results; for others larger slices mean fewer calls.
        step = max(SLICE // self.w.itemsize * (1 if len(arrays) > 1 else 4), 1)
        self.slices = []
        for start in range(0, max(self.w.size, 1), step):
            part = slice(start, start + step)
            asked = {name: array[part] for name, array in arrays.items()}
            self.slices.append((part, self.w[part], asked | {"is_new": True} if self.is_new else asked))

    def joined(self, arrays: list[Any]) -> tuple[Any, list[Any]]:
        """A flat array of all elements, and the views of it that are in the place of each of `arrays`."""
        whole = arrays[0].reshape(-1) if self.is_view else np.concatenate(arrays, axis=None)
        ends = accumulate([w.size for w in self.ws], initial=0)
        pieces = [whole[start:end].reshape(w.shape) for w, (start, end) in zip(self.ws, pairwise(ends), strict=True)]
        return whole, pieces

    def is_in_step(self) -> bool:
        """Whether the same numbers have been kept of all."""
        columns = [[state.get(name) for state in self.states] for name in self.numbers]
        return all(column.count(column[0]) == len(column) for column in columns)

    def move(self, rule: Optimizer, gs: list[Any], options: dict[str, Any]) -> None:
        """Move the parameters, given their gradients and the hyperparameters."""
        if not self.is_view:
            copy(self.ws, self.w_pieces)
            copy(gs, self.g_pieces)
        g = gs[0].reshape(-1) if self.is_view else self.g
        numbers = rule.next_numbers(self.states[0]) if self.numbers else {}
        given = options | numbers
        for part, w, asked in self.slices:
            changed = rule.update(w=w, g=g[part], **asked, **given)
        if not self.is_view:
            copy(self.w_pieces, self.ws)
        for state in self.states if numbers else ():
            state.update(numbers, **(changed or {}))
        if self.is_new:
            self.is_new = False
            for _, _, asked in self.slices:
                del asked["is_new"]


def copy(sources: list[Any], targets: list[Any]) -> None:
    """Write each array into the other of its position."""
    for source, target in zip(sources, targets, strict=True):
        target[...] = source


def array_of(name: str, state: dict[str, Any], w: Any) -> Any:
    """What the state of a parameter has under this name, in its dtype: zeros if there is nothing yet."""
    if name not in state:
        return np.zeros_like(w)
    if state[name].shape != w.shape:
        raise ValueError(f"step: the {name} of a parameter of shape {w.shape} has shape {state[name].shape}")
    return state[name].data.astype(w.dtype, copy=False)


def are_same(these: list[Any], those: list[Any]) -> bool:
    """Whether two lists hold the same objects."""
    return len(these) == len(those) and all(map(is_, these, those))
