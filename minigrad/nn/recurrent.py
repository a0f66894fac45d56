"""Recurrent layers: the same step for each position of a sequence, with a state that goes from one to the next.

A step is a function of what it reads, of the state, and of the weights. A cell takes one step, a layer all of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from minigrad.creation import empty
from minigrad.errors import described
from minigrad.nn import functional as F
from minigrad.nn.functional.dropout import check_probability
from minigrad.nn.layers import draw_uniform
from minigrad.nn.module import Module, Parameter, set_sizes
from minigrad.rearrange import cat, stack, unbind

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]

# -- steps: from what was read of x and a state, (h,) or (h, c), to the next state ------------------------------------


class Recurrent(Module):
    """What cells and layers share: the step, and the weights that it needs."""

    step: Callable[..., tuple[Any, ...]]
    gates = 1  # how many numbers a step computes for each of the state
    states = 1  # of how many tensors a state consists
    biases_go_together = True  # whether a step needs only their sum

    def _add_weights(self, suffix: str, input_size: int) -> None:
        """Make the parameters of one step, with this suffix."""
        rows, size = self.gates * self.hidden_size, self.hidden_size
        shapes = {"weight_ih": (rows, input_size), "weight_hh": (rows, size), "bias_ih": (rows,), "bias_hh": (rows,)}
        for name, shape in shapes.items():
            wanted = self.bias or name.startswith("weight")
            setattr(self, name + suffix, Parameter(empty(shape)) if wanted else None)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, as at first: uniform on ±1 / √hidden_size."""
        draw_uniform(self.hidden_size, *self.parameters(recurse=False))

    def _read(self, x: Any, suffix: str) -> tuple[Any, tuple[Any, ...]]:
        """What a step is given of each position of x, in one product for all; and the weights that it is given."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        weight_ih, weight_hh, bias_ih, bias_hh = [getattr(self, name + suffix) for name in names]
        if self.biases_go_together:
            return F.linear(x, weight_ih, None if bias_ih is None else bias_ih + bias_hh), (weight_hh,)
        return F.linear(x, weight_ih, bias_ih), (weight_hh, bias_hh)

    def _checked(self, state: Any, shape: tuple[int, ...], weight: Any) -> tuple[Any, ...]:
        """The state given, as a tuple of tensors of this shape; zeros like the weight if none is given."""
        if state is None:
            return tuple([weight.new_zeros(shape) for _ in range(self.states)])
        given = tuple(state) if self.states > 1 and isinstance(state, tuple | list) else (state,)
        if len(given) != self.states or any(getattr(part, "shape", None) != shape for part in given):
            what = "h, of shape" if self.states == 1 else "a pair (h, c), both of shape"
            raise ValueError(f"{type(self).__name__}: the state is {what} {shape}, not {described(state)}")
        return given

    def _as_given(self, state: tuple[Any, ...]) -> Any:
        """A state as users see it: h, or (h, c)."""
        return state if self.states > 1 else state[0]


class PlainStep(Recurrent):
    """h ← tanh(read + W_hh h), or relu, where read is W_ih x + b_ih + b_hh."""

    def _choose(self, nonlinearity: str) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f'nonlinearity is "tanh" or "relu", not {nonlinearity!r}')
        self.nonlinearity = nonlinearity

    def step(self, read: Any, state: tuple[Any, ...], weight_hh: Any) -> tuple[Any, ...]:
        return (getattr(F, self.nonlinearity)(F.linear(state[0], weight_hh, read)),)


class GatedStep(Recurrent):
    """The gate r says how much of h enters the new n, the gate z how much of h stays: h ← (1 − z) · n + z · h.

    Here read is W_ih x + b_ih: r stands between b_ih and b_hh.
    """

    gates = 3
    biases_go_together = False

    def step(self, read: Any, state: tuple[Any, ...], weight_hh: Any, bias_hh: Any) -> tuple[Any, ...]:
        (h,) = state
        r_read, z_read, n_read = parts(read, 3)
        r_state, z_state, n_state = parts(F.linear(h, weight_hh, bias_hh), 3)
        z = F.sigmoid(z_read + z_state)
        n = F.tanh(n_read + F.sigmoid(r_read + r_state) * n_state)
        return (n + z * (h - n),)


class LSTMStep(Recurrent):
    """The gates let in (i), keep (f) and let out (o); g is what may be let in: c ← f · c + i · g, h ← o · tanh(c)."""

    gates = 4
    states = 2

    def step(self, read: Any, state: tuple[Any, ...], weight_hh: Any) -> tuple[Any, ...]:
        h, c = state
        i, f, g, o = parts(F.linear(h, weight_hh, read), 4)
        c = F.sigmoid(f) * c + F.sigmoid(i) * F.tanh(g)
        return F.sigmoid(o) * F.tanh(c), c


def parts(x: Any, n: int) -> list[Any]:
    """n parts of equal size along the last axis: `chunk` without its checks, which every step would pay for."""
    size = x.shape[-1] // n
    return [x[..., k * size : (k + 1) * size] for k in range(n)]


# -- cells ------------------------------------------------------------------------------------------------------------


class Cell(Recurrent):
    """What the cells share."""

    _shown = "input_size hidden_size [bias=]"

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        set_sizes(self, 1, input_size=input_size, hidden_size=hidden_size)
        self.bias = bias
        self._add_weights("", input_size)
        self.reset_parameters()

    def forward(self, x: Any, state: Any = None) -> Any:
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            n = self.input_size
            raise ValueError(f"{type(self).__name__} takes x of shape (N, {n}) or ({n},), got {x.shape}")
        state = self._checked(state, (*x.shape[:-1], self.hidden_size), self.weight_ih)
        read, weights = self._read(x, "")
        return self._as_given(self.step(read, state, *weights))


class RNNCell(PlainStep, Cell):
    """One step: h ← tanh(W_ih x + b_ih + W_hh h + b_hh).

    Shapes: x (N, input_size), h (N, hidden_size), zeros unless given; or both without N.

    Parameters: weight_ih (hidden_size, input_size), weight_hh (hidden_size, hidden_size), bias_ih and bias_hh
    (hidden_size), all uniform on ±1 / √hidden_size at first.

    Args:
        input_size, hidden_size: the sizes of x and h.
        bias: False leaves both biases out.
        nonlinearity: "tanh" or "relu".

    Raises:
        TypeError, ValueError: a size is no integer, or not positive, or another nonlinearity; at the call, shapes that
            do not go together.
    """

    _shown = "input_size hidden_size [bias=] [nonlinearity=]"

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh") -> None:
        self._choose(nonlinearity)
        super().__init__(input_size, hidden_size, bias)


class GRUCell(GatedStep, Cell):
    """One step of a gated recurrent unit.

        r = σ(W_ir x + b_ir + W_hr h + b_hr)
        z = σ(W_iz x + b_iz + W_hz h + b_hz)
        n = tanh(W_in x + b_in + r · (W_hn h + b_hn))
        h ← (1 − z) · n + z · h

    Shapes: x (N, input_size), h (N, hidden_size), zeros unless given; or both without N.

    Parameters: as those of `RNNCell`, with rows for r, z and n below each other: weight_ih
    (3 · hidden_size, input_size).

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014.
    """


class LSTMCell(LSTMStep, Cell):
    """One step of long short-term memory.

        i = σ(W_ii x + b_ii + W_hi h + b_hi)        f = σ(W_if x + b_if + W_hf h + b_hf)
        g = tanh(W_ig x + b_ig + W_hg h + b_hg)     o = σ(W_io x + b_io + W_ho h + b_ho)
        c ← f · c + i · g                           h ← o · tanh(c)

    Shapes: x (N, input_size); the state is (h, c), both (N, hidden_size), zeros unless given; or all without N.

    Parameters: as those of `RNNCell`, with rows for i, f, g and o below each other: weight_ih
    (4 · hidden_size, input_size).

    Source: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997), with the gate f of Gers,
    Schmidhuber and Cummins (2000).
    """


# -- layers -----------------------------------------------------------------------------------------------------------


class RecurrentLayers(Recurrent):
    """What RNN, GRU and LSTM share: layers upon each other, each of which reads its sequence step by step."""

    _shown = "input_size hidden_size [num_layers=] [bias=] [batch_first=] [dropout=] [bidirectional=]"

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False,
    ) -> None:  # fmt: skip
        set_sizes(self, 1, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        check_probability(dropout)
        if dropout and num_layers == 1:
            warnings.warn(f"{type(self).__name__}: dropout acts between layers, and there is only one", stacklevel=2)
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self._directions = ["", "_reverse"] if bidirectional else [""]
        for layer in range(num_layers):
            for direction in self._directions:
                size = hidden_size * len(self._directions) if layer else input_size
                self._add_weights(f"_l{layer}{direction}", size)
        self.reset_parameters()

    def flatten_parameters(self) -> None:
        """Nothing: for PyTorch's scripts, where it arranges memory."""

    def forward(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            n, order = self.input_size, "N, L" if self.batch_first else "L, N"
            raise ValueError(f"{type(self).__name__} takes x of shape ({order}, {n}) or (L, {n}), got {x.shape}")
        batch_first = self.batch_first and x.ndim == 3
        x = x.swapaxes(0, 1) if batch_first else x
        if len(x) == 0:
            raise ValueError(f"{type(self).__name__}: the sequence is empty, x has shape {x.shape}")
        shape = (self.num_layers * len(self._directions), *x.shape[1:-1], self.hidden_size)
        starts = list(zip(*map(unbind, self._checked(state, shape, self.weight_ih_l0)), strict=True))
        ends: list[tuple[Any, ...]] = []
        for layer in range(self.num_layers):
            if layer and self.training:
                x = F.dropout(x, self.dropout)
            outputs = []
            for direction in self._directions:
                output, end = self._run(x, starts[len(ends)], f"_l{layer}{direction}")
                outputs.append(output)
                ends.append(end)
            x = cat(outputs, -1) if self.bidirectional else outputs[0]
        end = self._as_given(tuple([stack(part) for part in zip(*ends, strict=True)]))
        return x.swapaxes(0, 1) if batch_first else x, end

    def _run(self, x: Any, state: tuple[Any, ...], suffix: str) -> tuple[Any, tuple[Any, ...]]:
        """One layer in one direction: what it says at each position, and the last state."""
        read, weights = self._read(x, suffix)
        order = slice(None, None, -1 if suffix.endswith("_reverse") else 1)
        outputs = []
        for position in unbind(read)[order]:
            state = self.step(position, state, *weights)
            outputs.append(state[0])
        return stack(outputs[order]), state


class RNN(PlainStep, RecurrentLayers):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh) for each position t of a sequence.

    Shapes: x (L, N, input_size), or (N, L, input_size) with batch_first, or (L, input_size) for one sequence. The
    result is (output, h): output has hidden_size in place of input_size, twice that if bidirectional; h (num_layers, N,
    hidden_size), of two directions two for each layer, is the state at the start, zeros unless given, and at the end.

    Parameters: for each layer k weight_ih_lk (hidden_size, input_size), of later layers (hidden_size, size of what they
    read), weight_hh_lk (hidden_size, hidden_size), bias_ih_lk and bias_hh_lk (hidden_size), all uniform on
    ±1 / √hidden_size at first; with the suffix _reverse for the other direction.

    Args:
        input_size, hidden_size: the sizes of x_t and h_t.
        num_layers: how many layers, each of which reads what the one before says.
        nonlinearity: "tanh" or "relu".
        bias: False leaves the biases out.
        batch_first: whether N comes before L.
        dropout: in training, the probability with which each number between two layers is dropped.
        bidirectional: read the sequence backwards, too.

    Raises:
        TypeError, ValueError: a size is no integer, or not positive, or another nonlinearity; at the call, shapes that
            do not go together, or an empty sequence.

    Warns:
        UserWarning: dropout with a single layer, after which there is none.

    Source: Elman, "Finding structure in time", Cognitive Science 14 (1990).
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
    ) -> None:  # fmt: skip
        self._choose(nonlinearity)
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)


class GRU(GatedStep, RecurrentLayers):
    """A gated recurrent unit, see `GRUCell`, for each position of a sequence.

    Shapes and arguments: as for `RNN`. Parameters: as those of `RNN`, with 3 · hidden_size rows.
    """


class LSTM(LSTMStep, RecurrentLayers):
    """Long short-term memory, see `LSTMCell`, for each position of a sequence.

    Shapes and arguments: as for `RNN`, but the state is a pair (h, c). Parameters: as those of `RNN`, with
    4 · hidden_size rows.
    """
