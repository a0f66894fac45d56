"""Every layer beside PyTorch's, from the same seed: start, results, gradients, state, `repr`. Forgetting one fails."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.oracle import layers
from tests.oracle.record import load
from tests.oracle.training import float64

CLASSES = {
    name: kind for name in nn.__all__ if inspect.isclass(kind := getattr(nn, name)) and issubclass(kind, nn.Module)
}
ELSEWHERE = {"Module", "ModuleDict", "ModuleList", "ParameterList"}  # they compute nothing

# PyTorch computes these two gradients with constants in float32, so that in float64 they have eight digits.
TOLERANCES = {"CELU": 1e-7, "Hardsigmoid": 1e-7}

# What our `repr` says otherwise.
NAMES = {"NonDynamicallyQuantizableLinear": "Linear", ", threshold=20.0": ""}


@cache
def pytorch() -> dict[str, Any]:
    return load("layers")


@pytest.mark.parametrize("name", layers.LAYERS)
def test_a_layer_starts_computes_learns_and_shows_itself_as_pytorchs(name: str) -> None:
    with float64(mg):
        ours = layers.run(mg, name)
    theirs = {key.removeprefix(f"{name}/"): value for key, value in pytorch().items() if key.startswith(f"{name}/")}
    assert list(ours) == list(theirs)
    shown = bytes(theirs.pop("repr")).decode()
    for there, here in NAMES.items():
        shown = shown.replace(there, here)
    assert bytes(ours["repr"]).decode() == shown
    tolerance = TOLERANCES.get(name, 1e-12)
    for what, value in theirs.items():
        assert ours[what].shape == value.shape, what
        assert ours[what].dtype == value.dtype, what
        np.testing.assert_allclose(ours[what], value, rtol=tolerance, atol=tolerance, err_msg=what)


def test_every_class_of_nn_is_compared() -> None:
    compared = {name.partition(",")[0] for name in layers.LAYERS}
    assert compared | ELSEWHERE == set(CLASSES)


def test_every_activation_and_loss_function_has_its_module() -> None:
    functions = {getattr(kind, "function", None) for kind in CLASSES.values()}
    own = {"prelu": nn.PReLU, "dropout": nn.Dropout, "linear": nn.Linear, "embedding": nn.Embedding}
    from minigrad.nn.functional import activation, loss
    from minigrad.ops import activation as operators

    names = [*vars(activation), *vars(loss), *vars(operators)]
    for name in {*names} & {*F.__all__} - own.keys():
        assert getattr(F, name) in functions, f"{name} has no module in nn"


@pytest.mark.parametrize("name", layers.LAYERS)
def test_float32_in_float32_out(name: str) -> None:
    make, shapes, options = layers.LAYERS[name]
    random = np.random.default_rng(0)

    def drawn(shape: Any) -> Any:
        if isinstance(shape, list):
            return tuple(drawn(part) for part in shape)
        if isinstance(shape, tuple):
            return mg.tensor(random.normal(size=shape), dtype=mg.float32, requires_grad=True)
        return mg.tensor(shape, dtype=mg.float32 if shape.dtype == np.float64 else None)

    layer = make(nn, lambda array: mg.tensor(array, dtype=mg.float32))
    inputs = [drawn(shape) for shape in shapes]
    call = {key: drawn(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    for _ in range(2):
        outputs = [out for out in layers.flat(layer(*inputs, **call)) if out is not None]
        if any(out.requires_grad for out in outputs):
            sum(out.sum() for out in outputs).backward()
        layer.eval()
    tensors = [*outputs, *layer.parameters(), *layer.buffers(), *layers.flat(inputs)]
    gradients = [tensor.grad for tensor in tensors if tensor.grad is not None]
    assert {tensor.dtype for tensor in [*tensors, *gradients] if tensor.is_floating_point()} == {mg.float32}
