"""Every layer of `nn`, and whole trainings, on the GPU: what PyTorch said of them on a CPU still holds."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend, random
from tests.oracle import layers, parity
from tests.oracle.record import recorded
from tests.oracle.training import float64


@pytest.fixture
def pytorchs_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU dropout has masks of its own; here they are drawn on the CPU, as PyTorch draws them, and sent there."""
    draw = lambda shape, p, like: backend.put(random.current().bernoulli(shape, p), backend.device_of(like))
    monkeypatch.setattr(random, "mask", draw)


@cache
def on_the_cpu(name: str) -> dict[str, Any]:
    with float64(mg):
        return layers.run(mg, name)


@pytest.mark.usefixtures("pytorchs_masks")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", layers.LAYERS)
def test_a_layer_starts_computes_and_learns_as_on_the_cpu(name: str, gpu: Any) -> None:
    mg.set_default_device("cpu")
    expected = on_the_cpu(name)
    mg.set_default_device("cuda")
    with float64(mg):
        ours = layers.run(mg, name)
    assert ours.keys() == expected.keys()
    for what, value in expected.items():
        np.testing.assert_allclose(ours[what], value, rtol=1e-9, atol=1e-9, err_msg=what)
        assert ours[what].shape == value.shape


@pytest.mark.no_cover  # the same lines 50 times
@pytest.mark.usefixtures("pytorchs_masks")
@pytest.mark.parametrize("name", [name for name in parity.CONFIGURATIONS if not name.startswith("schedule")])
def test_a_training_ends_where_it_does_on_the_cpu(name: str, gpu: Any) -> None:
    with float64(mg):
        ours = parity.train(mg, name)
    theirs = {
        key.removeprefix(f"{name}/"): value for key, value in recorded("parity").items() if key.startswith(f"{name}/")
    }
    assert theirs
    for what, value in theirs.items():
        np.testing.assert_allclose(ours[what], value, rtol=1e-8, atol=1e-8, err_msg=what)


@pytest.mark.parametrize("name", layers.LAYERS)
def test_no_layer_waits_for_the_gpu(name: str, gpu: Any) -> None:
    make, shapes, options = layers.LAYERS[name]
    numbers = np.random.default_rng(1)

    def drawn(shape: Any) -> Any:
        if isinstance(shape, list):
            return tuple(map(drawn, shape))
        array = numbers.normal(size=shape) if isinstance(shape, tuple) else shape
        learns = array.dtype == np.float64 and (isinstance(shape, tuple) or shape is shapes[0])
        return mg.tensor(array, requires_grad=learns)

    with float64(mg):
        layer, inputs = make(mg.nn, mg.tensor), [drawn(shape) for shape in shapes]
        call = {key: mg.tensor(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
        with gpu.no_waits() if gpu.no_waits else nullcontext():
            outputs = [out for out in layers.flat(layer(*inputs, **call)) if out is not None]
            sum((out * out).sum() for out in outputs).backward()
            layer.eval()
            layer(*inputs, **call)
