"""Bad uses of nn: each raises what one expects, says what was given and what is right, and leaves all as it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def r(*shape: int) -> mg.Tensor:
    return mg.ones(*shape)


def i(*shape: int) -> mg.Tensor:
    return mg.ones(*shape, dtype=mg.int64)


def b(*shape: int) -> mg.Tensor:
    return mg.zeros(*shape, dtype=mg.bool)


# -- making: nothing is drawn -----------------------------------------------------------------------------------------

A_SIZE = " is an integer of at least "
MAKING: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    # -- sizes: negative, floats, bools, no numbers
    "Linear(-1, 3)": (lambda: nn.Linear(-1, 3), ValueError, f"Linear: in_features{A_SIZE}0, not -1"),
    "Linear(3, 2.0)": (lambda: nn.Linear(3, 2.0), TypeError, f"Linear: out_features{A_SIZE}0, not 2.0"),
    "Linear(True, 3)": (lambda: nn.Linear(True, 3), TypeError, f"Linear: in_features{A_SIZE}0, not True"),
    "Linear((3,), 2)": (lambda: nn.Linear((3,), 2), TypeError, rf"Linear: in_features{A_SIZE}0, not \(3,\)"),
    "Linear(x, 2)": (lambda: nn.Linear(r(2, 3), 2), TypeError, f"Linear: in_features{A_SIZE}0, not tensor"),
    "Linear(3)": (lambda: nn.Linear(3), TypeError, "missing 1 required positional argument: 'out_features'"),
    "Bilinear(2, -1, 2)": (lambda: nn.Bilinear(2, -1, 2), ValueError, f"Bilinear: in2_features{A_SIZE}0, not -1"),
    "Embedding(3.0, 2)": (lambda: nn.Embedding(3.0, 2), TypeError, f"Embedding: num_embeddings{A_SIZE}0, not 3.0"),
    "Embedding, padding above": (lambda: nn.Embedding(3, 2, 3), ValueError, "padding_idx=3 is none of the 3 rows"),
    "Embedding, padding below": (lambda: nn.Embedding(3, 2, -4), ValueError, f"padding_idx{A_SIZE}-3, not -4"),
    "Embedding, padding float": (lambda: nn.Embedding(3, 2, 1.0), TypeError, f"padding_idx{A_SIZE}-3, not 1.0"),
    "PReLU(-1)": (lambda: nn.PReLU(-1), ValueError, f"PReLU: num_parameters{A_SIZE}0, not -1"),
    "Dropout(1.5)": (lambda: nn.Dropout(1.5), ValueError, "a probability, between 0 and 1, not 1.5"),
    "Conv2d(0.5, 1, 3)": (lambda: nn.Conv2d(0.5, 1, 3), TypeError, f"Conv2d: in_channels{A_SIZE}0, not 0.5"),
    "Conv2d(1, 1, 0)": (lambda: nn.Conv2d(1, 1, 0), ValueError, "Conv2d: kernel_size is an integer ≥ 1, or 2 of them"),
    "Conv1d, 2 sizes": (lambda: nn.Conv1d(1, 1, (3, 3)), ValueError, r"Conv1d: kernel_size .* not \(3, 3\)"),
    "Conv2d, stride": (lambda: nn.Conv2d(1, 1, 3, stride=0), ValueError, "Conv2d: stride is an integer ≥ 1"),
    "Conv2d, padding": (lambda: nn.Conv2d(1, 1, 3, padding=-1), ValueError, "Conv2d: padding is an integer ≥ 0"),
    "Conv2d, padding name": (lambda: nn.Conv2d(1, 1, 3, padding="full"), ValueError, "Conv2d: padding .* not 'full'"),
    "Conv2d, dilation": (lambda: nn.Conv2d(1, 1, 3, dilation=0.5), ValueError, "Conv2d: dilation .* not 0.5"),
    "Conv2d, groups": (
        lambda: nn.Conv2d(4, 6, 3, groups=4),
        ValueError,
        "Conv2d: groups=4 must divide in_channels=4 and",
    ),
    "Conv2d, no groups": (lambda: nn.Conv2d(4, 6, 3, groups=0), ValueError, f"Conv2d: groups{A_SIZE}1, not 0"),
    "ConvTranspose2d, same": (lambda: nn.ConvTranspose2d(1, 1, 3, padding="same"), ValueError, "padding .* not 'same'"),
    "ConvTranspose1d, output": (
        lambda: nn.ConvTranspose1d(1, 1, 3, output_padding=-1),
        ValueError,
        "ConvTranspose1d: output_padding is an integer ≥ 0",
    ),
    "BatchNorm1d(-1)": (lambda: nn.BatchNorm1d(-1), ValueError, f"BatchNorm1d: num_features{A_SIZE}0, not -1"),
    "GroupNorm(2, 3)": (lambda: nn.GroupNorm(2, 3), ValueError, "GroupNorm: num_groups=2 must divide num_channels=3"),
    "GroupNorm(0, 3)": (lambda: nn.GroupNorm(0, 3), ValueError, f"GroupNorm: num_groups{A_SIZE}1, not 0"),
    "LayerNorm(-1)": (lambda: nn.LayerNorm(-1), ValueError, f"LayerNorm: normalized_shape{A_SIZE}0, not -1"),
    "LayerNorm((2, 1.5))": (lambda: nn.LayerNorm((2, 1.5)), TypeError, f"normalized_shape{A_SIZE}0, not 1.5"),
    "RMSNorm('a')": (lambda: nn.RMSNorm("a"), TypeError, f"RMSNorm: normalized_shape{A_SIZE}0, not 'a'"),
    "RNN(0, 3)": (lambda: nn.RNN(0, 3), ValueError, f"RNN: input_size{A_SIZE}1, not 0"),
    "GRU, layers": (lambda: nn.GRU(3, 3, 0), ValueError, f"GRU: num_layers{A_SIZE}1, not 0"),
    "LSTM, dropout": (lambda: nn.LSTM(3, 3, 2, dropout=2.0), ValueError, "probability, between 0 and 1, not 2.0"),
    "RNN, nonlinearity": (lambda: nn.RNN(3, 3, nonlinearity="sin"), ValueError, 'is "tanh" or "relu", not \'sin\''),
    "RNNCell, nonlinearity": (lambda: nn.RNNCell(3, 3, nonlinearity="sin"), ValueError, 'is "tanh" or "relu"'),
    "GRUCell(3, 0)": (lambda: nn.GRUCell(3, 0), ValueError, f"GRUCell: hidden_size{A_SIZE}1, not 0"),
    "MultiheadAttention, heads": (
        lambda: nn.MultiheadAttention(8, 3),
        ValueError,
        "num_heads=3 must divide embed_dim=8",
    ),
    "MultiheadAttention, no heads": (lambda: nn.MultiheadAttention(8, 0), ValueError, f"num_heads{A_SIZE}1, not 0"),
    "MultiheadAttention, floats": (lambda: nn.MultiheadAttention(8, 2.0), TypeError, f"num_heads{A_SIZE}1, not 2.0"),
    "TransformerEncoderLayer, activation": (
        lambda: nn.TransformerEncoderLayer(8, 2, activation="sin"),
        ValueError,
        '"relu", "gelu" or a function, not \'sin\'',
    ),
    "TransformerEncoder, layers": (
        lambda: nn.TransformerEncoder(nn.Identity(), -1),
        ValueError,
        f"TransformerEncoder: num_layers{A_SIZE}0, not -1",
    ),
    "TransformerEncoder, a class": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer, 2),
        TypeError,
        r"TransformerEncoder takes a layer .* write TransformerEncoderLayer\(\.\.\.\)",
    ),
    # -- a module is made first and then called
    "ReLU(x)": (lambda: nn.ReLU(r(3)), TypeError, "inplace cannot be a tensor; the module is made first, and then"),
    "Softmax(x)": (lambda: nn.Softmax(r(3)), TypeError, "dim cannot be a tensor; .* then called with 1 tensor$"),
    "Softmax(array)": (lambda: nn.Softmax(np.ones(3)), TypeError, "dim cannot be a tensor"),
    "MSELoss(x, y)": (lambda: nn.MSELoss(r(3), r(3)), TypeError, "too many positional .* called with 2 tensors$"),
    "CrossEntropyLoss(x, y)": (
        lambda: nn.CrossEntropyLoss(r(2, 2), i(2)),
        TypeError,
        "ignore_index cannot be a tensor",
    ),
    "BCELoss(x, y)": (lambda: nn.BCELoss(r(2), r(2)), TypeError, "reduction cannot be a tensor"),
    "LeakyReLU(slope=1)": (
        lambda: nn.LeakyReLU(slope=1),
        TypeError,
        r"LeakyReLU\(negative_slope=0.01, inplace=False\)",
    ),
    "GELU(inplace=True)": (lambda: nn.GELU(inplace=True), TypeError, r"GELU\(approximate='none'\): got an unexpected"),
    "MaxPool2d()": (lambda: nn.MaxPool2d(), TypeError, r"MaxPool2d\(kernel_size, .*missing a required .*'kernel_size'"),
    # -- containers
    "Sequential([...])": (lambda: nn.Sequential([nn.ReLU()]), TypeError, r"Sequential\(\*layers\), not list"),
    "Sequential(ReLU)": (lambda: nn.Sequential(nn.ReLU), TypeError, r"not the class ReLU itself: write ReLU\(\.\.\.\)"),
    "Sequential(relu)": (lambda: nn.Sequential(nn.functional.relu), TypeError, "Sequential takes modules, .* not Op"),
    "Sequential({'a.b': ...})": (lambda: nn.Sequential({"a.b": nn.ReLU()}), KeyError, "has no dot: 'a.b'"),
    "ModuleList(ReLU())": (lambda: nn.ModuleList(nn.ReLU()), TypeError, r"as in ModuleList\(\[a, b\]\), not ReLU"),
    "ModuleList(x)": (lambda: nn.ModuleList(r(3)), TypeError, "ModuleList takes modules, .* not Tensor"),
    "ModuleDict([ReLU()])": (lambda: nn.ModuleDict([nn.ReLU()]), TypeError, "ModuleDict takes modules, .* not list"),
    "ModuleDict(keys=...)": (
        lambda: nn.ModuleDict({"keys": nn.ReLU()}),
        KeyError,
        "every ModuleDict has an attribute 'keys'",
    ),
    "ParameterList([1.0])": (
        lambda: nn.ParameterList([1.0]),
        TypeError,
        "ParameterList takes parameters, .* not float",
    ),
    "ParameterList(p)": (lambda: nn.ParameterList(nn.Parameter(r(3))), TypeError, "takes parameters, .* not Parameter"),
    "Parameter of integers": (
        lambda: nn.Parameter([1, 2]),
        TypeError,
        "only floating tensors can require grad, not int64",
    ),
    "summary(ReLU)": (
        lambda: nn.summary(nn.ReLU, (1,)),
        TypeError,
        "summary takes a module, not the class ReLU itself",
    ),
}


@pytest.mark.parametrize("use", MAKING)
def test_what_cannot_be_made_says_why_and_draws_nothing(use: str) -> None:
    call, error, message = MAKING[use]
    before = mg.get_rng_state().tolist()
    with pytest.raises(error, match=message):
        call()
    assert mg.get_rng_state().tolist() == before


# -- calling: neither the state, nor the mode, nor the random numbers change -----------------------------------------


def norm() -> nn.Module:
    """A BatchNorm1d that has seen something."""
    layer = nn.BatchNorm1d(3)
    layer(mg.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 9.0]]))
    return layer


def attention(**options: Any) -> Callable[[], nn.Module]:
    return lambda: nn.MultiheadAttention(4, 2, dropout=0.1, **options)


SAME = (r(3, 2, 4), r(3, 2, 4), r(3, 2, 4))
Use = tuple[Callable[[], nn.Module], Callable[[Any], Any], type[Exception], str]
CALLING: dict[str, Use] = {
    # -- shapes
    "Linear": (
        lambda: nn.Linear(3, 2),
        lambda m: m(r(4, 2)),
        ValueError,
        r"linear.* x \(4, 2\) must equal .* \(2, 3\)",
    ),
    "Linear, none": (lambda: nn.Linear(3, 2), lambda m: m(), TypeError, "missing 1 required positional argument"),
    "Linear, two": (lambda: nn.Linear(3, 2), lambda m: m(r(3), r(3)), TypeError, "takes 2 positional arguments but 3"),
    "Linear, text": (lambda: nn.Linear(3, 2), lambda m: m("abc"), TypeError, "linear"),
    "Bilinear": (
        lambda: nn.Bilinear(2, 3, 1),
        lambda m: m(r(4, 2), r(5, 3)),
        ValueError,
        r"Bilinear takes x1 and x2 of shapes \(\.\.\., 2\) and \(\.\.\., 3\), got \(4, 2\) and \(5, 3\)",
    ),
    "Bilinear, swapped": (lambda: nn.Bilinear(2, 3, 1), lambda m: m(r(4, 3), r(4, 2)), ValueError, r"got \(4, 3\)"),
    "Embedding, above": (
        lambda: nn.Embedding(3, 2),
        lambda m: m(mg.tensor([3])),
        IndexError,
        "index 3 is out of range",
    ),
    "Embedding, below": (lambda: nn.Embedding(3, 2), lambda m: m(mg.tensor([-1])), IndexError, "index -1 is out of"),
    "Embedding, floats": (lambda: nn.Embedding(3, 2), lambda m: m(r(2)), TypeError, "integer indices .* not float32"),
    "PReLU": (lambda: nn.PReLU(3), lambda m: m(r(2, 4)), ValueError, "prelu.*one for each of the 4 channels"),
    "Dropout, integers": (lambda: nn.Dropout(), lambda m: m(i(3)), TypeError, r"dropout.*must be floating, .*x\.float"),
    "Sigmoid, integers": (lambda: nn.Sigmoid(), lambda m: m(i(3)), TypeError, r"sigmoid.*must be floating.*x\.float"),
    "Softmax, integers": (lambda: nn.Softmax(dim=0), lambda m: m(i(3)), TypeError, r"softmax.*floating.*x\.float"),
    "Softmax, axis": (lambda: nn.Softmax(dim=2), lambda m: m(r(2, 2)), IndexError, "softmax.*axis 2 is out of bounds"),
    "Conv2d, channels": (
        lambda: nn.Conv2d(1, 2, 3),
        lambda m: m(r(2, 2, 5, 5)),
        ValueError,
        "takes 1 channels .* has 2",
    ),
    "Conv2d, axes": (
        lambda: nn.Conv2d(1, 2, 3),
        lambda m: m(r(5, 5)),
        ValueError,
        r"conv2d.*\(N, C, H, W\), or without",
    ),
    "Conv2d, kernel": (
        lambda: nn.Conv2d(1, 2, 3),
        lambda m: m(r(1, 1, 2, 5)),
        ValueError,
        r"\(3, 3\) does not fit into",
    ),
    "Conv2d, same": (
        lambda: nn.Conv2d(1, 2, 3, padding="same", stride=2),
        lambda m: m(r(1, 1, 5, 5)),
        ValueError,
        "padding='same' needs stride 1",
    ),
    "ConvTranspose2d": (
        lambda: nn.ConvTranspose2d(2, 1, 3),
        lambda m: m(r(1, 1, 5, 5)),
        ValueError,
        "takes 2 channels",
    ),
    "MaxPool2d": (
        lambda: nn.MaxPool2d(3),
        lambda m: m(r(1, 1, 2, 2)),
        ValueError,
        r"max_pool2d.*\(3, 3\) does not fit",
    ),
    "Upsample": (lambda: nn.Upsample(), lambda m: m(r(1, 1, 2, 2)), ValueError, "give either size or scale_factor"),
    "GLU": (lambda: nn.GLU(), lambda m: m(r(3)), ValueError, "glu.*even size"),
    "BatchNorm1d, channels": (
        norm,
        lambda m: m(r(4, 2)),
        ValueError,
        r"BatchNorm1d takes x of .* \(N, 3, L\), got \(4, 2\)",
    ),
    "BatchNorm1d, one value": (
        norm,
        lambda m: m(r(1, 3)),
        ValueError,
        "BatchNorm1d: in training, .* more than one value",
    ),
    "BatchNorm1d, momentum": (
        norm,
        lambda m: after(m, momentum="a")(mg.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 9.0]])),
        TypeError,
        "unsupported operand",
    ),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(3), lambda m: m(r(2, 3, 4, 4)), ValueError, r"\(N, 3, D, H, W\), got"),
    "GroupNorm": (
        lambda: nn.GroupNorm(2, 4),
        lambda m: m(r(2, 6)),
        ValueError,
        r"group_norm.*weight needs shape \(6,\)",
    ),
    "LayerNorm": (
        lambda: nn.LayerNorm(3),
        lambda m: m(r(2, 4)),
        ValueError,
        r"layer_norm.*need shape \(3,\), got \[\(2, 4\)",
    ),
    "RMSNorm": (lambda: nn.RMSNorm((2, 3)), lambda m: m(r(3)), ValueError, r"rms_norm.*need shape \(2, 3\)"),
    # -- recurrent
    "RNN, input": (
        lambda: nn.RNN(3, 4),
        lambda m: m(r(5, 2, 4)),
        ValueError,
        r"RNN takes x of shape \(L, N, 3\) or \(L, 3\)",
    ),
    "LSTM, batch first": (
        lambda: nn.LSTM(3, 4, batch_first=True),
        lambda m: m(r(3)),
        ValueError,
        r"LSTM takes x of shape \(N, L, 3\) or \(L, 3\), got \(3,\)",
    ),
    "GRU, empty": (lambda: nn.GRU(3, 4), lambda m: m(r(0, 2, 3)), ValueError, r"GRU: the sequence is empty"),
    "RNN, state": (
        lambda: nn.RNN(3, 4),
        lambda m: m(r(5, 2, 3), r(2, 4)),
        ValueError,
        r"RNN: the state is h, of shape \(1, 2, 4\), not float32 \(2, 4\)",
    ),
    "GRU, pair": (
        lambda: nn.GRU(3, 4),
        lambda m: m(r(5, 2, 3), (r(1, 2, 4),) * 2),
        ValueError,
        "GRU: the state is h, of",
    ),
    "LSTM, no pair": (
        lambda: nn.LSTM(3, 4),
        lambda m: m(r(5, 2, 3), r(2, 1, 2, 4)),
        ValueError,
        r"LSTM: the state is a pair \(h, c\), both of shape \(1, 2, 4\), not float32 \(2, 1, 2, 4\)",
    ),
    "LSTM, numbers": (
        lambda: nn.LSTM(3, 4),
        lambda m: m(r(5, 2, 3), (1, 2)),
        ValueError,
        r"pair \(h, c\).*not \(1, 2\)",
    ),
    "GRUCell, input": (
        lambda: nn.GRUCell(3, 4),
        lambda m: m(r(2, 2, 3)),
        ValueError,
        r"GRUCell takes x of shape \(N, 3\) or",
    ),
    "LSTMCell, state": (
        lambda: nn.LSTMCell(3, 4),
        lambda m: m(r(2, 3), r(2, 4)),
        ValueError,
        r"LSTMCell: .* a pair \(h, c\)",
    ),
    # -- attention
    "attention, sizes": (
        attention(),
        lambda m: m(r(3, 2, 4), r(5, 2, 5), r(5, 2, 4)),
        ValueError,
        r"MultiheadAttention: query, key, value need .*\(L, N, 4\), \(S, N, 4\), \(S, N, 4\) .* \(3, 2, 4\), ",
    ),
    "attention, keys and values": (
        attention(),
        lambda m: m(r(3, 2, 4), r(5, 2, 4), r(3, 2, 4)),
        ValueError,
        "query, key",
    ),
    "attention, batches": (
        attention(),
        lambda m: m(r(3, 2, 4), r(3, 1, 4), r(3, 1, 4)),
        ValueError,
        "query, key, value",
    ),
    "attention, axes": (attention(batch_first=True), lambda m: m(r(3, 4), *SAME[1:]), ValueError, r"\(N, L, 4\), "),
    "attention, one axis": (attention(), lambda m: m(r(4), r(4), r(4)), ValueError, "or these without N"),
    "attention, mask": (
        attention(),
        lambda m: m(*SAME, attn_mask=b(2, 2)),
        ValueError,
        r"MultiheadAttention: attn_mask needs shape \(3, 3\) or \(4, 3, 3\), not \(2, 2\)",
    ),
    "attention, mask of one batch": (
        attention(),
        lambda m: m(*SAME, attn_mask=b(2, 3, 3)),
        ValueError,
        r"or \(4, 3, 3\)",
    ),
    "attention, mask of integers": (
        attention(),
        lambda m: m(*SAME, attn_mask=i(3, 3)),
        TypeError,
        r"MultiheadAttention: attn_mask holds bools or floating numbers, not int64 \(3, 3\)",
    ),
    "attention, padding transposed": (
        attention(),
        lambda m: m(*SAME, key_padding_mask=b(3, 2)),
        ValueError,
        r"key_padding_mask needs shape \(2, 3\), not \(3, 2\)",
    ),
    "attention, padding in a list": (
        attention(),
        lambda m: m(*SAME, [[False] * 3] * 2),
        TypeError,
        "holds bools or .*not \\[\\[",
    ),
    "attention, causal": (
        attention(),
        lambda m: m(*SAME, is_causal=True),
        ValueError,
        "is_causal needs the attn_mask too",
    ),
    "encoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2),
        lambda m: m(r(3, 2, 4), b(2, 2)),
        ValueError,
        "attn_mask needs shape",
    ),
    # -- losses
    "label above": (
        nn.CrossEntropyLoss,
        lambda m: m(r(2, 3), mg.tensor([0, 3])),
        IndexError,
        "label 3 is out of range",
    ),
    "label below": (nn.NLLLoss, lambda m: m(r(2, 3), mg.tensor([0, -1])), IndexError, "label -1 is out of range"),
    "labels floating": (
        nn.CrossEntropyLoss,
        lambda m: m(r(2, 3), r(2)),
        TypeError,
        r"integer class labels, .*\.long\(\)",
    ),
    "labels too many": (
        nn.CrossEntropyLoss,
        lambda m: m(r(2, 3), i(3)),
        ValueError,
        r"target \(N,\), .* \(2, 3\) and \(3,\)",
    ),
    "no target": (
        nn.CrossEntropyLoss,
        lambda m: m(r(2, 3)),
        TypeError,
        "CrossEntropyLoss is called with 2 tensors, not with 1 tensor$",
    ),
    "weights": (
        lambda: nn.CrossEntropyLoss(weight=r(2)),
        lambda m: m(r(2, 3), i(2)),
        ValueError,
        r"weight needs shape \(3,\)",
    ),
    "target's shape": (
        nn.MSELoss,
        lambda m: m(r(2, 1), r(2)),
        ValueError,
        r"target in the shape of x, \(2, 1\), not \(2,\)",
    ),
    "reduction": (
        lambda: nn.L1Loss(reduction="avg"),
        lambda m: m(r(2), r(2)),
        ValueError,
        "'mean', 'sum' or 'none', not 'avg'",
    ),
    "no probabilities": (nn.BCELoss, lambda m: m(r(2) * 2, r(2)), ValueError, "probabilities, from 0 to 1; for logits"),
    # -- modules
    "no forward": (nn.Module, lambda m: m(r(2)), NotImplementedError, r"Module defines no forward\(self, \.\.\.\)"),
    "ModuleList": (lambda: nn.ModuleList([nn.ReLU()]), lambda m: m(r(2)), NotImplementedError, "ModuleList defines no"),
    "Sequential": (
        lambda: nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 3)),
        lambda m: m(r(1, 2)),
        ValueError,
        r"linear.*the last axis of x \(1, 3\) must equal that of weight \(3, 2\)",
    ),
    "a mode": (lambda: nn.Linear(1, 1), lambda m: m.train("yes"), TypeError, "train takes True or False, not 'yes'"),
    "a dtype": (
        lambda: nn.Linear(1, 1),
        lambda m: m.to(mg.int64),
        TypeError,
        "to takes a floating dtype, .* not int64",
    ),
    "a device": (lambda: nn.Linear(1, 1), lambda m: m.to("mps"), ValueError, 'on the devices "cpu" and "cuda", not on'),
    "None": (lambda: nn.Linear(1, 1), lambda m: m.to(None), TypeError, "to takes a floating dtype, .* not None"),
    "a tensor for a parameter": (
        lambda: nn.Linear(1, 1),
        lambda m: setattr(m, "weight", r(1, 1)),
        TypeError,
        r"Linear\.weight is a Parameter: assign another one, or None, not Tensor; its values change by weight\[",
    ),
    "a class for a module": (
        lambda: nn.Sequential(nn.ReLU()),
        lambda m: m.register_module("0", nn.ReLU),
        TypeError,
        r"'0' is to be a Module or None, not the class ReLU itself: write ReLU\(\.\.\.\)",
    ),
    "a list for a buffer": (norm, lambda m: setattr(m, "running_mean", [1]), TypeError, "is a Tensor: .* not list"),
    "a name with a dot": (nn.Module, lambda m: m.register_buffer("a.b", r(1)), KeyError, "no dot: 'a.b'"),
    "the name of a method": (
        nn.Module,
        lambda m: m.register_buffer("forward", r(1)),
        KeyError,
        "has an attribute 'forward'",
    ),
    "the name of a module": (
        lambda: nn.Sequential(nn.ReLU()),
        lambda m: m.register_buffer("0", r(1)),
        TypeError,
        r"Sequential\.0 is a Module",
    ),
    "no such module": (
        lambda: nn.Sequential(nn.ReLU()),
        lambda m: m.get_submodule("1"),
        AttributeError,
        "no module '1' inside",
    ),
    # -- states
    "load, shape": (
        lambda: nn.Linear(3, 2),
        lambda m: m.load_state_dict({"weight": r(3, 2), "bias": r(2)}),
        RuntimeError,
        r"load_state_dict of Linear: weight: expected shape \(2, 3\), got \(3, 2\)",
    ),
    "load, a module": (lambda: nn.Linear(3, 2), lambda m: m.load_state_dict(m), TypeError, "a dict of name -> tensor"),
    "load, nothing": (
        lambda: nn.Linear(1, 2),
        lambda m: m.load_state_dict({"weight": None, "bias": r(2)}),
        RuntimeError,
        "load_state_dict of Linear: weight: a tensor holds",
    ),
    "load, missing and unknown": (
        lambda: nn.Linear(1, 2),
        lambda m: m.load_state_dict({"module.weight": r(2, 1), "bias": r(2)}),
        RuntimeError,
        "missing: weight; unexpected: module.weight",
    ),
    # -- what is done from outside
    "clip": (
        lambda: nn.Linear(1, 1),
        lambda m: nn.utils.clip_grad_norm_(m.parameters(), -1),
        ValueError,
        "max_norm is at least 0",
    ),
    "clip a module": (
        lambda: nn.Linear(1, 1),
        lambda m: nn.utils.clip_grad_norm_(m, 1),
        TypeError,
        r"as in model\.parameters\(\), not Linear",
    ),
    "clip numbers": (nn.Module, lambda m: nn.utils.clip_grad_value_([1.0], 1), TypeError, "not float"),
    "clip value": (
        lambda: nn.Linear(1, 1),
        lambda m: nn.utils.clip_grad_value_(m.parameters(), float("nan")),
        ValueError,
        "not nan",
    ),
    "vector": (
        lambda: nn.Linear(3, 2),
        lambda m: nn.utils.vector_to_parameters(r(9), m.parameters()),
        ValueError,
        r"vector_to_parameters: the parameters need a vector of 8, not float32 \(9,\)",
    ),
    "vector in a list": (
        lambda: nn.Linear(1, 1),
        lambda m: nn.utils.vector_to_parameters([1.0, 2.0], m.parameters()),
        ValueError,
        "vector of 2",
    ),
    "init a module": (
        lambda: nn.Linear(2, 2),
        lambda m: nn.init.xavier_uniform_(m),
        TypeError,
        "floating tensors, not Linear",
    ),
    "init integers": (norm, lambda m: nn.init.normal_(m.num_batches_tracked), TypeError, "floating tensors, not int64"),
    "init, orthogonal integers": (nn.Module, lambda m: nn.init.orthogonal_(i(2, 2)), TypeError, "not int64"),
    "init, truncated": (
        lambda: nn.Linear(2, 2),
        lambda m: nn.init.trunc_normal_(m.weight, a=3.0, b=4.0),
        ValueError,
        "a and b with more than 30 % of all numbers between, not 3.0 and 4.0",
    ),
}


def after(module: Any, **attributes: Any) -> Any:
    for name, value in attributes.items():
        setattr(module, name, value)
    return module


@pytest.mark.parametrize("use", CALLING)
def test_what_cannot_be_done_says_why_and_changes_nothing(use: str) -> None:
    make, call, error, message = CALLING[use]
    module = make()
    state, modes = module.state_dict(), [inner.training for inner in module.modules()]
    children, drawn = list(module.named_modules()), mg.get_rng_state().tolist()
    with pytest.raises(error, match=message):
        call(module)
    assert [(name, t.dtype, t.tolist()) for name, t in module.state_dict().items()] == [
        (name, t.dtype, t.tolist()) for name, t in state.items()
    ]
    assert [inner.training for inner in module.modules()] == modes
    assert list(module.named_modules()) == children
    assert mg.get_rng_state().tolist() == drawn


def test_there_are_errors_for_every_kind_of_layer() -> None:
    """Each class, or one that shares its code, is named in the tables above."""
    told = " ".join([*MAKING, *CALLING])
    kinds: dict[Any, set[str]] = {}
    for name in nn.__all__:
        kind = getattr(nn, name)
        if isinstance(kind, type) and issubclass(kind, nn.Module) and name not in {"Module", "Identity"}:
            kinds.setdefault(kind if kind.__mro__[1] is nn.Module else kind.__mro__[1], set()).add(name)
    told = told.replace("attention", "MultiheadAttention")
    missing = [names for names in kinds.values() if not any(re.search(rf"\b{name}\b", told) for name in names)]
    assert not missing
