"""Optimizers: each rule against scalar recurrences written by hand and against PyTorch; groups, state, files.

Where PyTorch is installed, many runs are compared with it as they go; everywhere, 50 steps of a network with what it
answered.
"""

from __future__ import annotations

import copy
import gc
import importlib.util
import inspect
import math
import pickle
import re
import weakref
from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim.optimizer import PYTORCH_ONLY
from tests.oracle import training
from tests.oracle.record import load

KINDS = [optim.SGD, optim.Adagrad, optim.RMSprop, optim.Adam, optim.AdamW, optim.NAdam, optim.RAdam]
GRADIENTS = [0.5, -2.0, 0.25, 3.0, 0.0, -1.0, 1e-3, 4.0]


def leaf(data: Any, dtype: Any = mg.float64) -> mg.Tensor:
    return mg.tensor(data, dtype=dtype, requires_grad=True)


ONE = leaf(1.0)


def path(optimizer: Callable[[Any], optim.Optimizer], start: float = 2.0, shape: tuple[int, ...] = ()) -> list[Any]:
    """Where a weight goes, from `start`, when its gradients are GRADIENTS; as it is for each element of `shape`."""
    w = leaf(np.full(shape, start))
    rule = optimizer([w])
    steps = []
    for g in GRADIENTS:
        w.grad = mg.tensor(np.full(shape, g))
        rule.step()
        assert np.ptp(w.detach().numpy()) == 0 if shape else True
        steps.append(w.detach().numpy().flat[0])
    return steps


# -- the rules, written once more on numbers --------------------------------------------------------------------------


def sgd(lr: float, momentum: float, dampening: float, decay: float, nesterov: bool) -> list[float]:
    w, v, steps = 2.0, None, []
    for g in GRADIENTS:
        g = g + decay * w
        if momentum:
            v = g if v is None else momentum * v + (1 - dampening) * g
            direction = g + momentum * v if nesterov else v
        else:
            direction = g
        w = w - lr * direction
        steps.append(w)
    return steps


def adam(
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    decay: float,
    amsgrad: bool = False,
    decoupled: float = 0.0,
) -> list[float]:
    w, ms, vs, steps, largest = 2.0, [], [], [], 0.0
    for g in GRADIENTS:
        w = w - lr * decoupled * w
        g = g + decay * w
        ms, vs = [beta1 * m for m in ms] + [(1 - beta1) * g], [beta2 * v for v in vs] + [(1 - beta2) * g * g]
        t = len(ms)
        m_hat = math.fsum(ms) / (1 - math.pow(beta1, t))
        largest = max(largest, math.fsum(vs))
        v_hat = (largest if amsgrad else math.fsum(vs)) / (1 - math.pow(beta2, t))
        w = w - lr * m_hat / (math.sqrt(v_hat) + eps)
        steps.append(w)
    return steps


def adagrad(lr: float, lr_decay: float, decay: float, start: float, eps: float) -> list[float]:
    w, squares, steps = 2.0, [start], []
    for t, g in enumerate(GRADIENTS):
        g = g + decay * w
        squares.append(g**2)
        w = w - lr / (1 + t * lr_decay) * g / (math.sqrt(math.fsum(squares)) + eps)
        steps.append(w)
    return steps


def rmsprop(lr: float, alpha: float, eps: float, decay: float, momentum: float, centered: bool) -> list[float]:
    """The averages are written out as sums over all gradients so far."""
    w, gs, ds, steps = 2.0, [], [], []
    for g in GRADIENTS:
        gs.append(g + decay * w)
        weights = [(1 - alpha) * alpha**age for age in reversed(range(len(gs)))]
        square = math.fsum(c * g * g for c, g in zip(weights, gs, strict=True))
        mean = math.fsum(c * g for c, g in zip(weights, gs, strict=True))
        ds.append(gs[-1] / (math.sqrt(square - mean**2 if centered else square) + eps))
        w = w - lr * math.fsum(momentum**age * d for age, d in enumerate(reversed(ds)))
        steps.append(w)
    return steps


def nadam(lr: float, beta1: float, beta2: float, decay: float, psi: float, decoupled: bool) -> list[float]:
    mus = [beta1 * (1 - 0.96 ** (t * psi) / 2) for t in range(1, len(GRADIENTS) + 2)]
    products = list(accumulate(mus, lambda a, b: a * b))
    w, m, v, steps = 2.0, 0.0, 0.0, []
    for i, g in enumerate(GRADIENTS):
        if decoupled:
            w = w * (1 - lr * decay)
        else:
            g = g + decay * w
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        m_hat = mus[i + 1] * m / (1 - products[i + 1]) + (1 - mus[i]) * g / (1 - products[i])
        w = w - lr * m_hat / (math.sqrt(v / (1 - beta2 ** (i + 1))) + 1e-8)
        steps.append(w)
    return steps


def radam(lr: float, beta1: float, beta2: float, decay: float, decoupled: bool) -> list[float]:
    w, m, v, steps, limit = 2.0, 0.0, 0.0, [], 2 / (1 - beta2) - 1
    for t, g in enumerate(GRADIENTS, 1):
        if decoupled:
            w = w * (1 - lr * decay)
        else:
            g = g + decay * w
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        m_hat, rho = m / (1 - beta1**t), limit - 2 * t * beta2**t / (1 - beta2**t)
        if rho > 5:
            r = math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
            m_hat = m_hat * r * math.sqrt(1 - beta2**t) / (math.sqrt(v) + 1e-8)
        w = w - lr * m_hat
        steps.append(w)
    return steps


@pytest.mark.parametrize("shape", [(), (1,), (3, 2)])
@pytest.mark.parametrize(
    ("momentum", "dampening", "decay", "nesterov"),
    [
        (0.0, 0.0, 0.0, False),
        (0.0, 0.0, 0.1, False),
        (0.9, 0.0, 0.0, False),
        (0.9, 0.0, 0.1, False),
        (0.9, 0.9, 0.0, False),
        (0.5, 0.3, 0.2, False),
        (0.9, 0.0, 0.0, True),
        (0.7, 0.0, 0.2, True),
    ],
)
def test_sgd_is_its_recurrence(
    momentum: float, dampening: float, decay: float, nesterov: bool, shape: tuple[int, ...]
) -> None:
    ours = path(lambda ps: optim.SGD(ps, 0.1, momentum, dampening, decay, nesterov), shape=shape)
    np.testing.assert_allclose(ours, sgd(0.1, momentum, dampening, decay, nesterov), rtol=1e-14)


@pytest.mark.parametrize("shape", [(), (1,), (3, 2)])
@pytest.mark.parametrize(
    ("betas", "eps", "decay"),
    [((0.9, 0.999), 1e-8, 0.0), ((0.5, 0.7), 0.1, 0.0), ((0.9, 0.999), 1e-8, 0.3), ((0.0, 0.0), 1e-3, 0.0)],
)
def test_adam_is_its_recurrence(betas: tuple[float, float], eps: float, decay: float, shape: tuple[int, ...]) -> None:
    ours = path(lambda ps: optim.Adam(ps, 0.1, betas, eps, decay), shape=shape)
    np.testing.assert_allclose(ours, adam(0.1, *betas, eps, decay), rtol=1e-13)


@pytest.mark.parametrize("shape", [(), (3, 2)])
@pytest.mark.parametrize(("amsgrad", "decay", "decoupled"), [(True, 0.0, 0.0), (True, 0.2, 0.0), (False, 0.0, 0.3)])
def test_amsgrad_and_adamw_are_their_recurrences(
    amsgrad: bool, decay: float, decoupled: float, shape: tuple[int, ...]
) -> None:
    kind, rate = (optim.AdamW, decoupled) if decoupled else (optim.Adam, decay)
    ours = path(lambda ps: kind(ps, 0.1, (0.5, 0.7), 1e-3, rate, amsgrad), shape=shape)
    np.testing.assert_allclose(ours, adam(0.1, 0.5, 0.7, 1e-3, decay, amsgrad, decoupled), rtol=1e-13)


@pytest.mark.parametrize("shape", [(), (3, 2)])
@pytest.mark.parametrize("settings", [(0.1, 0.0, 0.0, 0.0, 1e-10), (0.5, 0.3, 0.1, 0.7, 1e-2)])
def test_adagrad_is_its_recurrence(settings: Any, shape: tuple[int, ...]) -> None:
    ours = path(lambda ps: optim.Adagrad(ps, *settings), shape=shape)
    np.testing.assert_allclose(ours, adagrad(*settings), rtol=1e-13)


@pytest.mark.parametrize("shape", [(), (3, 2)])
@pytest.mark.parametrize(
    "settings",
    [
        (0.1, 0.99, 1e-8, 0.0, 0.0, False),
        (0.1, 0.9, 1e-2, 0.2, 0.0, False),
        (0.1, 0.9, 1e-8, 0.0, 0.5, False),
        (0.1, 0.9, 1e-8, 0.0, 0.0, True),
        (0.1, 0.7, 1e-2, 0.1, 0.8, True),
    ],
)
def test_rmsprop_is_its_recurrence(settings: Any, shape: tuple[int, ...]) -> None:
    ours = path(lambda ps: optim.RMSprop(ps, *settings), shape=shape)
    np.testing.assert_allclose(ours, rmsprop(*settings), rtol=1e-12)


def test_centered_rmsprop_stays_a_number_when_the_variance_is_rounded_below_0() -> None:
    """PyTorch 2.13 takes the root of it."""
    w = leaf([1.0], mg.float32)
    optimizer = optim.RMSprop([w], lr=1e-6, alpha=0.3, centered=True)
    for _ in range(300):
        w.grad = mg.tensor([0.1])
        optimizer.step()
    state = optimizer.state[w]
    assert (state["square_avg"] - state["grad_avg"] * state["grad_avg"]).item() < 0, "or this test shows nothing"
    assert math.isfinite(w.item())


@pytest.mark.parametrize("shape", [(), (3, 2)])
@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("settings", [(0.1, 0.9, 0.999, 0.0), (0.2, 0.5, 0.8, 0.3)])
def test_nadam_and_radam_are_their_recurrences(settings: Any, decoupled: bool, shape: tuple[int, ...]) -> None:
    lr, beta1, beta2, decay = settings
    ours = path(lambda ps: optim.NAdam(ps, lr, (beta1, beta2), 1e-8, decay, 0.1, decoupled), shape=shape)
    np.testing.assert_allclose(ours, nadam(*settings, 0.1, decoupled), rtol=1e-12)
    ours = path(lambda ps: optim.RAdam(ps, lr, (beta1, beta2), 1e-8, decay, decoupled), shape=shape)
    np.testing.assert_allclose(ours, radam(*settings, decoupled), rtol=1e-12)


def test_radam_divides_by_the_size_of_the_gradient_only_once_it_is_known() -> None:
    """With β₂ = 0.999 from the sixth step on: until then a step grows with the gradient."""
    small, large = leaf([0.0]), leaf([0.0])
    optimizer = optim.RAdam([small, large], lr=0.1)
    lengths = []
    for _ in range(6):
        before = small.item(), large.item()
        small.grad, large.grad = mg.tensor([1.0]), mg.tensor([100.0])
        optimizer.step()
        lengths.append((before[0] - small.item(), before[1] - large.item()))
    for first, second in lengths[:5]:
        assert second == pytest.approx(100 * first)
    assert lengths[5][0] == pytest.approx(lengths[5][1])


def test_gradient_descent_on_a_parabola_has_a_closed_form() -> None:
    """On (w − 5)² the distance to 5 shrinks by 1 − 2·lr at each step."""
    w = leaf(0.0)
    optimizer = optim.SGD([w], lr=0.1)
    for step in range(1, 30):
        optimizer.zero_grad()
        (w**2 - 10 * w + 25).backward()
        optimizer.step()
        assert w.item() == pytest.approx(5 - 5 * 0.8**step, abs=1e-12)


def test_momentum_with_a_constant_gradient_gathers_a_geometric_series() -> None:
    w = leaf(0.0)
    optimizer = optim.SGD([w], lr=1.0, momentum=0.5)
    w.grad = mg.tensor(1.0, dtype=mg.float64)
    before = 0.0
    for step in range(20):
        optimizer.step()
        assert before - w.item() == pytest.approx(2 - 0.5**step)
        before = w.item()


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_size_of_the_gradient() -> None:
    """Without the bias correction it would be lr · 0.1 / √0.001, three times as long."""
    w = leaf([0.0, 0.0, 0.0])
    w.grad = mg.tensor([1e-3, -1.0, 1e6], dtype=mg.float64)
    optim.Adam([w], lr=0.25).step()
    np.testing.assert_allclose(w.detach().numpy(), [-0.25, 0.25, -0.25], rtol=1e-4)


def test_the_defaults_are_those_of_pytorch() -> None:
    w = [leaf(0.0)]
    momentum = optim.SGD(w).param_groups[0]
    names = "lr", "momentum", "dampening", "weight_decay"
    assert [momentum[name] for name in names] == [1e-3, 0, 0, 0]
    assert not momentum["nesterov"]
    adam = optim.Adam(w).param_groups[0]
    assert (adam["lr"], adam["betas"], adam["eps"], adam["weight_decay"]) == (1e-3, (0.9, 0.999), 1e-8, 0)
    adagrad = optim.Adagrad(w).param_groups[0]
    assert [adagrad[name] for name in ("lr", "lr_decay", "initial_accumulator_value", "eps")] == [1e-2, 0, 0, 1e-10]
    rmsprop = optim.RMSprop(w).param_groups[0]
    assert [rmsprop[name] for name in ("lr", "alpha", "eps", "momentum", "centered")] == [1e-2, 0.99, 1e-8, 0, False]
    assert optim.AdamW(w).param_groups[0]["weight_decay"] == 1e-2
    assert optim.NAdam(w).defaults["lr"] == 2e-3
    assert optim.NAdam(w).param_groups[0]["momentum_decay"] == 4e-3
    assert optim.RAdam(w).defaults["lr"] == 1e-3
    assert not any(kind(w).param_groups[0]["maximize"] for kind in KINDS)


# -- against PyTorch --------------------------------------------------------------------------------------------------


@cache
def pytorch() -> dict[str, Any]:
    """On one thread: the arrays are tiny, and threads that wait for a busy core take a minute."""
    if importlib.util.find_spec("torch"):
        importlib.import_module("torch").set_num_threads(1)
    return load("training")


@pytest.mark.parametrize("rule", training.OPTIMIZERS)
def test_fifty_steps_of_a_network_agree_with_pytorch(rule: str) -> None:
    with training.float64(mg):
        ours = training.train(mg, rule)
    prefix = f"train/{rule}/"
    assert [prefix + what for what in ours] == [key for key in pytorch() if key.startswith(prefix)]
    for what, value in ours.items():
        theirs = pytorch()[prefix + what]
        assert value.shape == theirs.shape
        assert value.dtype == theirs.dtype
        np.testing.assert_allclose(value, theirs, rtol=1e-10, atol=1e-10, err_msg=what)
    assert ours["losses"][-1] < ours["losses"][0]


SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.7, "nesterov": True, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    ("RMSprop", {}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"momentum": 0.9, "maximize": True}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.8, "momentum": 0.5, "centered": True, "weight_decay": 0.1, "eps": 1e-3}),
    ("Adam", {}),
    ("Adam", {"lr": 0.02, "betas": (0.5, 0.7), "eps": 1e-2, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {"amsgrad": True, "betas": (0.8, 0.9)}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.3, "amsgrad": True, "betas": (0.8, 0.9)}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1, "momentum_decay": 0.1, "maximize": True}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1, "maximize": True}),
    ("RAdam", {"lr": 0.1, "betas": (0.9, 0.6), "weight_decay": 0.1, "decoupled_weight_decay": True}),
]
every_setting = pytest.mark.parametrize(
    ("kind", "options"), SETTINGS, ids=[f"{k}{i}" for i, (k, _) in enumerate(SETTINGS)]
)
SHAPES = [(3, 4), (), (5,), (0,), (2, 3, 2), (1,), (20, 19), (5, 6), (7, 3), (18, 19)]


@pytest.fixture
def torch() -> Iterator[Any]:
    """PyTorch, in float64; a test that asks for it is skipped where it is not installed."""
    module = pytest.importorskip("torch", reason="compares with PyTorch as it runs")
    with training.float64(module):
        yield module


def parameters(framework: Any, dtypes: tuple[str, ...] = ("float64",), shapes: Any = SHAPES) -> list[Any]:
    """One for each shape, the last two with transposed memory."""
    random = np.random.default_rng(0)
    found = []
    for i, shape in enumerate(shapes):
        data = random.normal(size=shape[::-1] if i >= len(shapes) - 2 else shape)
        tensor = framework.tensor(data, dtype=getattr(framework, dtypes[i % len(dtypes)]))
        found.append((tensor.T if i >= len(shapes) - 2 else tensor).requires_grad_())
    return found


def walk(framework: Any, optimizer: Any, params: list[Any], steps: int, seed: int = 1, missing: bool = True) -> None:
    """Steps with random gradients; some of their elements are 0, and every seventh may be missing."""
    random = np.random.default_rng(seed)
    for step in range(steps):
        for i, p in enumerate(params):
            g = random.normal(0.3, 1, tuple(p.shape)) * (random.random(tuple(p.shape)) < 0.9)
            p.grad = None if missing and (i + step) % 7 == 3 else framework.tensor(g, dtype=p.dtype)
        optimizer.step()


def values(params: list[Any]) -> list[Any]:
    return [p.detach().numpy().copy() for p in params]


def assert_close(ours: list[Any], theirs: list[Any], tolerance: float) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@every_setting
def test_every_rule_goes_where_pytorch_goes_and_keeps_the_same_state(kind: str, options: Any, torch: Any) -> None:
    results = []
    for framework in (mg, torch):
        params = parameters(framework)
        optimizer = getattr(framework.optim, kind)(params, **options)
        walk(framework, optimizer, params, 50)
        results.append((values(params), optimizer.state_dict()))
    (ours, our_state), (theirs, their_state) = results
    assert_close(ours, theirs, 1e-10)
    assert our_state["state"].keys() == their_state["state"].keys()
    for i, entries in our_state["state"].items():
        assert entries.keys() == their_state["state"][i].keys()
        for name, value in entries.items():
            np.testing.assert_allclose(np.array(value), their_state["state"][i][name], rtol=1e-10, atol=1e-10)
    our_group, their_group = our_state["param_groups"][0], their_state["param_groups"][0]
    assert our_group == {name: their_group[name] for name in our_group}


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_parameters_of_real_size_go_where_they_go_in_pytorch(kind: str, torch: Any) -> None:
    """As large as the arrays whose intermediate results NumPy computes in place."""
    results = []
    for framework in (mg, torch):
        params = parameters(framework, shapes=[(3,), (300, 200), (200, 190), (40, 5)])
        optimizer = getattr(framework.optim, kind)(params, **({"momentum": 0.9} if kind == "SGD" else {}))
        walk(framework, optimizer, params, 8)
        results.append(values(params))
    assert_close(*results, 1e-12)


@pytest.mark.parametrize(("dtypes", "tolerance"), [(("float32", "float64"), 2e-5), (("float16",), 3e-2)])
@every_setting
def test_in_other_dtypes_rules_agree_with_pytorch_as_far_as_those_have_digits(
    kind: str, options: Any, dtypes: tuple[str, ...], tolerance: float, torch: Any
) -> None:
    results = []
    for framework in (mg, torch):
        params = parameters(framework, dtypes)
        optimizer = getattr(framework.optim, kind)(params, **{"eps": 1e-3, **options} if kind != "SGD" else options)
        walk(framework, optimizer, params, 5)
        results.append(values(params))
    assert_close(*results, tolerance)


@every_setting
def test_the_constructor_takes_pytorchs_arguments_in_pytorchs_order_and_with_its_defaults(
    kind: str, options: Any, torch: Any
) -> None:
    ours = inspect.signature(getattr(optim, kind)).parameters
    theirs = inspect.signature(getattr(torch.optim, kind)).parameters
    assert [name for name in theirs if name in ours] == list(ours)
    assert {name: p.default for name, p in ours.items()} == {name: theirs[name].default for name in ours}
    assert "maximize" in ours


@every_setting
def test_state_goes_to_pytorch_and_comes_from_it_in_the_middle_of_training(kind: str, options: Any, torch: Any) -> None:
    """As arrays, or as PyTorch's tensors themselves."""
    whole = parameters(torch)
    walk(torch, reference := getattr(torch.optim, kind)(whole, **options), whole, 10)
    their_state = copy.deepcopy(reference.state_dict())
    halfway = values(whole)
    walk(torch, reference, whole, 10, seed=2)
    as_arrays = {
        **their_state,
        "state": {
            i: {name: value.numpy() for name, value in entries.items()} for i, entries in their_state["state"].items()
        },
    }
    for state in (their_state, as_arrays):
        ours = [leaf(value) for value in halfway]
        optimizer = getattr(optim, kind)(ours)
        optimizer.load_state_dict(state)
        walk(mg, optimizer, ours, 10, seed=2)
        assert_close(values(ours), values(whole), 1e-10)

    ours = parameters(mg)
    walk(mg, optimizer := getattr(optim, kind)(ours, **options), ours, 10)
    state = optimizer.state_dict()
    for entries in state["state"].values():
        entries.update({n: torch.tensor(v.numpy()) for n, v in entries.items() if isinstance(v, mg.Tensor)})
        entries.update({n: torch.tensor(float(v)) for n, v in entries.items() if isinstance(v, int | float)})
    theirs = [torch.tensor(value, requires_grad=True) for value in values(ours)]
    optimizer = getattr(torch.optim, kind)(theirs)
    optimizer.load_state_dict(state)
    walk(torch, optimizer, theirs, 10, seed=2)
    assert_close(values(theirs), values(whole), 1e-10)


def test_an_adam_of_pytorch_with_decoupled_decay_is_not_taken_for_ours(torch: Any) -> None:
    w = torch.ones(1, requires_grad=True)
    for kind, other in ((optim.Adam, torch.optim.AdamW), (optim.AdamW, torch.optim.Adam)):
        with pytest.raises(ValueError, match=f"{kind.__name__} has the .* missing .'decoupled_weight_decay'"):
            kind([leaf([1.0])]).load_state_dict(other([w]).state_dict())


def test_a_state_that_pytorch_saved_before_the_first_step_is_the_state_of_a_beginning(torch: Any) -> None:
    """Its Adagrad makes the sum of squares when it is made itself."""
    options = {"lr": 0.1, "initial_accumulator_value": 0.5}
    theirs = parameters(torch)
    reference = torch.optim.Adagrad(theirs, **options)
    ours = parameters(mg)
    optimizer = optim.Adagrad(ours)
    optimizer.load_state_dict(reference.state_dict())
    walk(torch, reference, theirs, 5)
    walk(mg, optimizer, ours, 5)
    assert_close(values(ours), values(theirs), 1e-12)


@pytest.mark.parametrize("dampening", [0.0, 0.4])
def test_momentum_that_is_switched_on_off_and_on_again_does_as_in_pytorch(dampening: float, torch: Any) -> None:
    """The buffer starts with the whole gradient, and waits while it is off."""
    results = []
    for framework in (mg, torch):
        params = parameters(framework)
        optimizer = framework.optim.SGD(params, lr=0.1, dampening=dampening)
        for seed, momentum in enumerate([0.0, 0.9, 0.0, 0.5]):
            optimizer.param_groups[0]["momentum"] = momentum
            walk(framework, optimizer, params, 3, seed)
        results.append(values(params))
    assert_close(*results, 1e-12)


def test_groups_have_hyperparameters_of_their_own_as_in_pytorch(torch: Any) -> None:
    results = []
    for framework in (mg, torch):
        params = parameters(framework)
        groups = [{"params": params[:4], "lr": 0.1, "amsgrad": True}, {"params": params[4]}, {"params": []}]
        optimizer = framework.optim.Adam(groups, lr=0.01, weight_decay=0.1)
        walk(framework, optimizer, params, 4)
        optimizer.add_param_group({"params": iter(params[5:]), "maximize": True})
        optimizer.param_groups[1]["betas"] = (0.5, 0.6)
        walk(framework, optimizer, params, 6)
        state = optimizer.state_dict()
        results.append((values(params), [group["params"] for group in state["param_groups"]], list(state["state"])))
    assert_close(results[0][0], results[1][0], 1e-12)
    assert results[0][1:] == results[1][1:]


def lion(framework: Any) -> Any:
    """An optimizer as PyTorch's users write one."""

    class Lion(framework.optim.Optimizer):
        def __init__(self, params: Any, lr: float = 1e-4, betas: Any = (0.9, 0.99)) -> None:
            super().__init__(params, {"lr": lr, "betas": betas})

        @framework.no_grad()
        def step(self, closure: Any = None) -> Any:
            loss = None
            if closure is not None:
                with framework.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    state = self.state[p]
                    if len(state) == 0:
                        state["exp_avg"] = framework.zeros_like(p)
                    direction = (state["exp_avg"] * beta1 + p.grad * (1 - beta1)).sign()
                    p.add_(direction, alpha=-group["lr"])
                    state["exp_avg"].mul_(beta2).add_(p.grad, alpha=1 - beta2)
            return loss

    return Lion


def test_an_optimizer_in_pytorchs_form_goes_where_it_goes_there_also_after_its_state_was_loaded(torch: Any) -> None:
    results = []
    for framework in (mg, torch):
        kind, params = lion(framework), parameters(framework)
        optimizer = kind([{"params": params[:3], "lr": 0.1}, {"params": params[3:]}], lr=0.01)
        scheduler = framework.optim.lr_scheduler.StepLR(optimizer, 2)
        for _ in range(3):
            walk(framework, optimizer, params, 2)
            scheduler.step()
        again = kind([{"params": params[:3]}, {"params": params[3:]}])
        again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        walk(framework, again, params, 3)
        results.append((values(params), [group["lr"] for group in again.param_groups]))
    assert_close(results[0][0], results[1][0], 1e-12)
    assert results[0][1] == pytest.approx(results[1][1])


def test_an_optimizer_in_pytorchs_form_checks_its_parameters_and_hyperparameters() -> None:
    kind, w = lion(mg), mg.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="Lion: lr must be in"):
        kind([w], lr=-1)
    with pytest.raises(ValueError, match="a parameter is in the list twice"):
        kind([w, w])
    with pytest.raises(ValueError, match="unknown or missing"):
        kind([{"params": [w], "momentum": 1}])

    class Wrong(optim.Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, lr=lr)  # not in a dict

        def step(self, closure: Any = None) -> Any: ...

    with pytest.raises(TypeError, match=r"Wrong: .*it takes \(params, defaults\)"):
        Wrong([w], 0.1)
    optimizer = kind([w])
    (w * w).sum().backward()
    optimizer.step()
    with pytest.raises(TypeError, match="load_state_dict of Lion takes"):
        optimizer.load_state_dict({"state": {}})
    assert optimizer.state[w]["exp_avg"].tolist() == pytest.approx([0.02, 0.02])


def test_the_repr_shows_the_groups_as_pytorchs_does(torch: Any) -> None:
    shown = []
    for framework in (mg, torch):
        groups = [
            {"params": [framework.zeros(2, requires_grad=True)], **own} for own in ({"name": "first"}, {"lr": 1.0})
        ]
        lines = repr(framework.optim.SGD(groups, lr=0.1, momentum=0.5)).splitlines()
        said = [line for line in lines if line and line.split(":")[0].strip() not in PYTORCH_ONLY]
        shown.append([line.replace(": 0.0", ": 0") for line in said])
    assert shown[0] == shown[1]


def test_parameters_that_share_memory_move_one_after_the_other_as_in_pytorch(torch: Any) -> None:
    """Each by its own gradient, from where the one before it has left the memory."""
    results = []
    for framework in (mg, torch):
        base = framework.tensor(np.arange(6.0))
        views = [base, base.detach(), base[:3], base[2:5], base.reshape(2, 3).T]
        params = [view.detach().requires_grad_() for view in views]
        optimizer = framework.optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.5)
        for _ in range(3):
            for i, p in enumerate(params):
                p.grad = framework.tensor(np.full(tuple(p.shape), i + 1.0))
            optimizer.step()
        results.append([base.detach().numpy()])
    assert_close(*results, 1e-13)


# -- what a step touches ----------------------------------------------------------------------------------------------

RULES: dict[str, Callable[..., optim.Optimizer]] = {
    "SGD": lambda params: optim.SGD(params, lr=0.1),
    "momentum": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.1),
    "nesterov": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    "Adagrad": lambda params: optim.Adagrad(params, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.1),
    "RMSprop": lambda params: optim.RMSprop(params, lr=0.1, weight_decay=0.1),
    "RMSprop centered": lambda params: optim.RMSprop(params, lr=0.1, momentum=0.5, centered=True, eps=0.1),
    "Adam": lambda params: optim.Adam(params, lr=0.1, weight_decay=0.1),
    "amsgrad": lambda params: optim.Adam(params, lr=0.1, amsgrad=True, maximize=True),
    "AdamW": lambda params: optim.AdamW(params, lr=0.1),
    "NAdam": lambda params: optim.NAdam(params, lr=0.1, weight_decay=0.1),
    "RAdam": lambda params: optim.RAdam(params, lr=0.1, betas=(0.9, 0.6)),
}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def arrays(state: Any) -> list[Any]:
    return [value for entries in state.values() for value in entries.values() if hasattr(value, "dtype")]


@every_rule
def test_a_step_is_in_place_and_leaves_the_gradient_as_it_is(rule: Any) -> None:
    w = leaf([1.0, 2.0])
    data = w.data
    w.grad = g = mg.tensor([1.0, -1.0], dtype=mg.float64)
    optimizer = rule([w])
    for _ in range(3):
        optimizer.step()
    assert w.data is data
    assert w.grad is g
    assert g.tolist() == [1, -1]
    assert w.is_leaf
    assert w.requires_grad


@every_rule
def test_a_parameter_without_gradient_stays_where_it_is(rule: Any) -> None:
    w, unused = leaf([1.0]), leaf([1.0])
    optimizer = rule([w, unused])
    w.grad = mg.tensor([1.0], dtype=mg.float64)
    optimizer.step()
    assert w.tolist() != [1]
    assert unused.tolist() == [1]
    assert optimizer.state[unused] == {}


@every_rule
def test_steps_are_counted_for_each_parameter_by_itself(rule: Any) -> None:
    early, late = leaf([1.0]), leaf([1.0])
    optimizer = rule([early, late])
    for turn in range(5):
        early.grad = mg.tensor([1.0], dtype=mg.float64)
        late.grad = mg.tensor([1.0], dtype=mg.float64) if turn >= 3 else None
        optimizer.step()
        if turn == 1:
            after_two = early.item()
    assert late.item() == after_two


@every_rule
@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
def test_parameters_and_state_keep_their_dtype(rule: Any, dtype: Any) -> None:
    matrix, number = leaf([[1.0, 2.0]], dtype), leaf(3.0, dtype)
    optimizer = rule([matrix, number])
    for _ in range(3):
        optimizer.zero_grad()
        ((matrix * matrix).sum() * number).backward()
        optimizer.step()
    assert {p.dtype for p in (matrix, number)} == {dtype}
    assert {a.dtype for a in arrays(optimizer.state)} <= {dtype}
    assert np.isfinite(matrix.detach().numpy()).all()


def test_numpy_hyperparameters_do_not_widen_float32() -> None:
    """A random search draws its rates with NumPy."""
    start, g = np.random.default_rng(0).normal(size=(2, 1000))
    numpy, python = leaf(start, mg.float32), leaf(start, mg.float32)
    seventh = np.float64(1 / 7)
    draws = {"lr": seventh, "momentum": seventh, "dampening": seventh, "weight_decay": seventh}
    optimizers = [optim.SGD([numpy], **draws), optim.SGD([python], **{name: float(v) for name, v in draws.items()})]
    for _ in range(3):
        for w, optimizer in zip((numpy, python), optimizers, strict=True):
            w.grad = mg.tensor(g, dtype=mg.float32)
            optimizer.step()
            assert {a.dtype for a in arrays(optimizer.state)} == {mg.float32}
    assert numpy.tolist() == python.tolist()


@every_rule
def test_zero_grad_sets_gradients_to_none(rule: Any) -> None:
    w = leaf([1.0])
    w.grad = mg.tensor([1.0], dtype=mg.float64)
    optimizer = rule([w])
    optimizer.zero_grad()
    assert w.grad is None
    optimizer.step()
    assert w.tolist() == [1]


@every_rule
def test_the_learning_rate_can_be_changed_between_steps(rule: Any) -> None:
    w = leaf([1.0])
    optimizer = rule([w])
    w.grad = mg.tensor([1.0], dtype=mg.float64)
    optimizer.step()
    before = w.item()
    optimizer.param_groups[0]["lr"] = 0
    optimizer.step()
    assert w.item() == before
    optimizer.param_groups[0]["lr"] = 1.0
    optimizer.step()
    assert (w.item() > before) if optimizer.param_groups[0]["maximize"] else (w.item() < before)


@every_rule
def test_a_step_makes_older_graphs_stale(rule: Any) -> None:
    w = leaf([2.0])
    old = (w * w).sum()
    w.grad = mg.tensor([1.0], dtype=mg.float64)
    rule([w]).step()
    with pytest.raises(RuntimeError, match=r"multiply: its x .* was overwritten in place at .*test_optim\.py"):
        old.backward()


def test_a_frozen_parameter_may_be_among_the_others() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    model[0].weight.requires_grad_(False)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    before = model.state_dict()
    model(mg.randn(4, 2)).sum().backward()
    optimizer.step()
    after = model.state_dict()
    moved = {name for name in after if after[name].tolist() != before[name].tolist()}
    assert "0.weight" not in moved
    assert "2.bias" in moved


def test_a_shared_parameter_moves_once() -> None:
    first, second = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    second.weight = first.weight
    optimizer = optim.SGD(nn.Sequential(first, second).parameters(), lr=1.0)
    before = first.weight.detach().clone()
    first.weight.grad = mg.ones(2, 2)
    optimizer.step()
    assert (before - first.weight.detach()).tolist() == pytest.approx(np.ones((2, 2)))


def test_a_rule_of_ones_own_is_one_method() -> None:
    class SignDescent(optim.Optimizer):
        def update(self, w: Any, g: Any, /, lr: float) -> None:
            w -= lr * np.sign(g)

    w = leaf([1.0, 1.0])
    optimizer = SignDescent([w], lr=0.5)
    w.grad = mg.tensor([0.1, -9.0], dtype=mg.float64)
    optimizer.step()
    assert w.tolist() == [0.5, 1.5]
    with pytest.raises(NotImplementedError, match="Optimizer defines no update rule"):
        optim.Optimizer([w], lr=0.5)
    with pytest.raises(NotImplementedError, match="Ruleless defines no update rule, such as update"):
        type("Ruleless", (optim.Optimizer,), {})([w])
    with pytest.raises(TypeError, match=r"SignDescent: missing a required argument: 'lr'; it takes \(params, lr: "):
        SignDescent([w])
    with pytest.raises(TypeError, match="SignDescent: got an unexpected keyword argument 'momentum'; it takes"):
        SignDescent([w], lr=0.1, momentum=0.9)


def test_a_rule_of_ones_own_may_keep_arrays_and_numbers_and_is_saved_with_them() -> None:
    class Restless(optim.Optimizer):
        """Momentum whose rate falls by itself."""

        kept_if = {"average": "beta"}  # noqa: RUF012

        def update(
            self, w: Any, g: Any, average: Any = None, step: int = 0, rate: float = 1.0, /, beta: float = 0.5
        ) -> dict[str, float]:
            average *= beta
            average += g
            w -= rate * average
            return {"rate": rate / (1 + step)}

    w = leaf([0.0])
    optimizer = Restless([w], 0.5)
    w.grad = mg.tensor([1.0], dtype=mg.float64)
    optimizer.step()
    assert (w.item(), optimizer.state[w]["rate"]) == (-1, 0.5)
    optimizer.step()
    assert (w.item(), optimizer.state[w]["rate"]) == (-1 - 0.5 * 1.5, 0.5 / 3)
    again = Restless([w])
    again.load_state_dict(optimizer.state_dict())
    again.step()
    assert w.item() == -1 - 0.5 * 1.5 - 0.5 / 3 * 1.75


def test_hyperparameters_belong_to_the_groups_and_an_attribute_that_would_do_nothing_is_refused() -> None:
    optimizer = optim.SGD([{"params": [leaf(1.0)]}, {"params": leaf(2.0), "lr": 0.5}], lr=0.1, momentum=0.9)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5]
    assert [group["momentum"] for group in optimizer.param_groups] == [0.9, 0.9]
    for name in ("lr", "momentum"):
        with pytest.raises(AttributeError, match=rf"SGD: each parameter group has its {name}; write for group in"):
            setattr(optimizer, name, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5]
    assert optimizer.param_groups[0]["momentum"] == 0.9


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("lr", -0.1, ValueError, r"Adam: lr must be in \[0, inf\), not -0.1"),
        ("lr", math.nan, ValueError, "Adam: lr must be in"),
        ("lr", "0.1", TypeError, r"Adam: lr must be in \[0, inf\), not '0.1'"),
        ("betas", (0.9, 1), ValueError, r"Adam: betas must be two numbers in \[0, 1\), not \(0.9, 1\)"),
        (
            "learning_rate",
            0.1,
            ValueError,
            r"Adam has the hyperparameters \['lr', 'betas', .*: unknown or missing \['learning_rate'\]",
        ),
    ],
)
def test_a_hyperparameter_that_was_set_out_of_range_raises_before_anything_moves(
    name: str, value: Any, error: Any, message: str
) -> None:
    first, second = leaf([1.0]), leaf([1.0])
    optimizer = optim.Adam([{"params": first}, {"params": second}])
    first.grad = second.grad = mg.tensor([1.0], dtype=mg.float64)
    optimizer.param_groups[1][name] = value
    with pytest.raises(error, match=message):
        optimizer.step()
    assert (first.item(), second.item(), optimizer.state_dict()["state"]) == (1, 1, {})
    del optimizer.param_groups[1]["lr"]
    optimizer.param_groups[1].pop("learning_rate", None)
    with pytest.raises(ValueError, match=r"Adam has the hyperparameters .*: unknown or missing \['lr'\]"):
        optimizer.step()


def test_a_hyperparameter_may_be_set_as_a_number_of_numpy_or_a_tensor_and_a_group_may_have_a_name() -> None:
    w = leaf([1.0], mg.float32)
    optimizer = optim.Adam([{"params": [w], "name": "head"}])
    for lr, betas in ((np.float64(0.1), [np.float32(0.5), 0.5]), (mg.tensor(0.1), (mg.tensor(0.5), 0.5)), (1, (0, 0))):
        optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"] = lr, betas
        w.grad = mg.tensor([1.0])
        optimizer.step()
        assert {a.dtype for a in (w, *arrays(optimizer.state))} == {mg.float32}
    assert w.item() == pytest.approx(-0.2)


def test_a_list_of_betas_that_is_changed_in_place_is_noticed() -> None:
    optimizer = optim.Adam([leaf([1.0])])
    optimizer.param_groups[0]["betas"] = betas = [0.9, 0.999]
    optimizer.step()
    betas[0] = 2.0
    with pytest.raises(ValueError, match="betas must be two numbers in"):
        optimizer.step()


def test_adding_a_bad_group_adds_nothing() -> None:
    w = leaf([1.0])
    optimizer = optim.SGD([w])
    for group in (
        {"params": [w]},
        {"params": [leaf(1.0), 2]},
        {"params": leaf(1.0), "lr": -1},
        {"lr": 0.1},
        [leaf(1.0)],
    ):
        with pytest.raises((TypeError, ValueError)):
            optimizer.add_param_group(group)
        assert len(optimizer.param_groups) == 1
    given = {"params": (leaf(1.0) for _ in range(2)), "lr": 0.3}
    optimizer.add_param_group(given)
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 2]
    assert given.keys() == {"params", "lr"}


def test_momentum_may_be_switched_on_between_two_steps() -> None:
    """The first gradient that enters the buffer enters in full, although there is dampening."""
    w = leaf(0.0)
    optimizer = optim.SGD([w], lr=1.0, dampening=0.5)
    w.grad = mg.tensor(1.0, dtype=mg.float64)
    for momentum, expected in [(0.0, -1), (0.0, -2), (0.5, -3), (0.5, -4), (0.0, -5), (0.5, -6)]:
        optimizer.param_groups[0]["momentum"] = momentum
        optimizer.step()
        assert w.item() == expected


@every_rule
def test_maximize_climbs_as_far_as_the_rule_would_have_descended(rule: Any) -> None:
    """Without weight decay, which pulls the other way."""
    ends = []
    for maximize in (False, True):
        w = leaf([0.5, -1.0])
        optimizer = rule([w])
        optimizer.param_groups[0].update(maximize=maximize, weight_decay=0.0)
        before = w.detach().clone()
        for g in GRADIENTS:
            w.grad = mg.tensor([g, -2 * g], dtype=mg.float64)
            optimizer.step()
            assert w.grad.tolist() == [g, -2 * g]
        ends.append((w - before).tolist())
    assert ends[0] == pytest.approx([-x for x in ends[1]], rel=1e-12)


def test_a_closure_is_called_once_with_recording_on_and_its_loss_returned() -> None:
    w = leaf(1.0)
    optimizer = optim.SGD([w], lr=0.1)
    calls = []

    def closure() -> mg.Tensor:
        calls.append(mg.is_grad_enabled())
        optimizer.zero_grad()
        loss = (w - 3) ** 2
        loss.backward()
        return loss

    with mg.no_grad():
        loss = optimizer.step(closure)
    assert (loss.item(), w.item(), calls) == (4, pytest.approx(1.4), [True])
    assert optimizer.step() is None


def test_zero_grad_can_set_gradients_to_zeros() -> None:
    w, unused = leaf([1.0]), leaf([1.0])
    w.grad = g = mg.tensor([1.0], dtype=mg.float64)
    optim.SGD([w, unused]).zero_grad(set_to_none=False)
    assert w.grad is g
    assert g.tolist() == [0]
    assert unused.grad is None


# -- from step to step ------------------------------------------------------------------------------------------------


def assert_equal_states(one: Any, other: Any) -> None:
    """Of two optimizers: every bit of the state, all numbers and hyperparameters."""
    one, other = one.state_dict(), other.state_dict()
    assert one["param_groups"] == other["param_groups"]
    assert one["state"].keys() == other["state"].keys()
    for i, entries in one["state"].items():
        assert entries.keys() == other["state"][i].keys()
        for name, value in entries.items():
            assert np.array(value).tobytes() == np.array(other["state"][i][name]).tobytes()


def assert_equal_bits(these: list[Any], those: list[Any]) -> None:
    assert [a.tobytes() for a in values(these)] == [b.tobytes() for b in values(those)]


@every_setting
def test_many_parameters_move_as_each_would_by_itself(kind: str, options: Any) -> None:
    """With gradients that are missing now and then, so that the parameters have made different numbers of steps."""
    dtypes = ("float32", "float64", "float16", "float32")
    options = {"eps": 1e-3, **options} if kind != "SGD" else options
    together, alone = parameters(mg, dtypes), parameters(mg, dtypes)
    walk(mg, getattr(optim, kind)(together, **options), together, 9)
    optimizers = [getattr(optim, kind)([p], **options) for p in alone]
    random = np.random.default_rng(1)
    for step in range(9):
        for i, (p, optimizer) in enumerate(zip(alone, optimizers, strict=True)):
            g = random.normal(0.3, 1, p.shape) * (random.random(p.shape) < 0.9)
            p.grad = None if (i + step) % 7 == 3 else mg.tensor(g, dtype=p.dtype)
            optimizer.step()
    assert_equal_bits(together, alone)


@every_rule
def test_whatever_changes_between_steps_the_next_one_is_right(rule: Any) -> None:
    """The reference has no plan to keep: a new optimizer for each step, loaded with the state of the last."""
    random = np.random.default_rng(0)
    shapes = [(3,), (2, 2), (), (4, 5), (3, 1)]
    ours, theirs = ([leaf(np.random.default_rng(1).normal(size=s)) for s in shapes] for _ in range(2))
    optimizer, state = rule(ours), None

    def replace(params: list[Any], i: int, dtype: Any = mg.float64) -> None:
        params[i].data = params[i].data.astype(dtype).copy()

    events: dict[int, Callable[[Any, list[Any]], Any]] = {
        3: lambda o, ps: replace(ps, 1),
        4: lambda o, ps: o.state[ps[0]].clear(),
        5: lambda o, ps: o.state.pop(ps[2], None),
        6: lambda o, ps: o.state[ps[1]].update({n: v.clone() for n, v in o.state[ps[1]].items() if hasattr(v, "data")}),
        7: lambda o, ps: [v.zero_() for v in o.state[ps[3]].values() if hasattr(v, "data")],
        8: lambda o, ps: o.state[ps[1]].update(step=20) if "step" in o.state[ps[1]] else None,
        9: lambda o, ps: o.load_state_dict(o.state_dict()),
        10: lambda o, ps: o.param_groups[0].update(lr=0.01),
        11: lambda o, ps: replace(ps, 4, mg.float32),
        12: lambda o, ps: o.param_groups[0]["params"].reverse(),
        13: lambda o, ps: o.state.update({p: dict(entries) for p, entries in o.state.items()}),
    }
    for turn in range(18):
        grads = [random.normal(size=s) if turn not in (1, 16) or i % 2 else None for i, s in enumerate(shapes)]
        reference = rule(theirs)
        if state:
            reference.load_state_dict(state)
        for o, params in ((optimizer, ours), (reference, theirs)):
            if turn in events:
                events[turn](o, params)
            for p, g in zip(params, grads, strict=True):
                p.grad = None if g is None else mg.tensor(g, dtype=p.dtype)
            o.step()
        assert_equal_bits(ours, theirs)
        assert_equal_states(optimizer, reference)
        if turn == 12:
            theirs = list(reference.param_groups[0]["params"])
            ours.reverse()
            shapes.reverse()
        state = reference.state_dict()


def test_parameters_whose_steps_are_set_apart_are_corrected_apart() -> None:
    first, second, alone = leaf([1.0]), leaf([1.0]), leaf([1.0])
    optimizers = [optim.Adam([first, second]), optim.Adam([alone])]
    for turn in range(4):
        if turn == 2:
            optimizers[0].state[second]["step"] = optimizers[1].state[alone]["step"] = 20
        first.grad = second.grad = alone.grad = mg.ones(1, dtype=mg.float64)
        for optimizer in optimizers:
            optimizer.step()
    assert (optimizers[0].state[first]["step"], optimizers[0].state[second]["step"]) == (4, 22)
    assert second.item() == alone.item() != first.item()


def test_state_is_written_in_place_as_long_as_nothing_changes() -> None:
    params = [leaf([1.0, 2.0]), leaf([[3.0]]), leaf(4.0), leaf(np.ones((5, 6)).T)]
    optimizer = optim.Adam(params)
    for p in params:
        p.grad = mg.ones_like(p)
    optimizer.step()
    before = [(optimizer.state[p]["exp_avg"], optimizer.state[p]["exp_avg"].data) for p in params]
    optimizer.step()
    for p, (tensor, array) in zip(params, before, strict=True):
        assert optimizer.state[p]["exp_avg"] is tensor
        assert tensor.data is array
        assert tensor.shape == p.shape
        assert array.strides == p.data.strides


def test_writing_into_the_state_in_place_reaches_the_next_step() -> None:
    first, second = leaf([1.0]), leaf([1.0])
    optimizer = optim.SGD([first, second], lr=1.0, momentum=0.5)
    first.grad = second.grad = mg.tensor([1.0], dtype=mg.float64)
    optimizer.step()
    optimizer.state[second]["momentum_buffer"].fill_(10.0)
    optimizer.step()
    assert (first.item(), second.item()) == (0 - 1.5, 0 - 6)


def test_a_gradient_of_another_floating_dtype_is_converted() -> None:
    """Before the rule sees it, whether the parameter is gathered with others or by itself."""
    random = np.random.default_rng(0)
    start, steps = random.normal(size=50), random.normal(size=(5, 50))
    large, small, half = leaf(start, mg.float32), leaf(start[:2], mg.float32), leaf(start[:3], mg.float32)
    reference = leaf(start, mg.float32)
    optimizer, undisturbed = optim.Adam([large, small, half], lr=0.1), optim.Adam([reference], lr=0.1)
    for g in steps:
        large.grad, small.grad, half.grad = mg.tensor(g), mg.tensor(g[:2]), mg.tensor(g[:3], dtype=mg.float16)
        reference.grad = mg.tensor(g, dtype=mg.float32)
        optimizer.step()
        undisturbed.step()
    assert {a.dtype for a in (large, small, half, *arrays(optimizer.state))} == {mg.float32}
    assert_equal_bits([large], [reference])
    assert small.tolist() == large.tolist()[:2]
    assert half.tolist() == pytest.approx(large.tolist()[:3], rel=1e-2)


def test_state_follows_a_model_to_another_dtype() -> None:
    model = nn.Linear(2, 3)
    optimizer = optim.Adam(model.parameters())
    for convert, dtype in ((model.double, mg.float64), (model.float, mg.float32)):
        for _ in range(2):
            model(mg.ones(1, 2, dtype=model.weight.dtype)).sum().backward()
            optimizer.step()
        convert()
        optimizer.step()
        assert {a.dtype for a in arrays(optimizer.state)} == {dtype}


def test_after_a_read_only_parameter_or_a_state_of_another_shape_nothing_has_moved() -> None:
    first, second = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    optimizer = optim.SGD([{"params": [first]}, {"params": [second]}], lr=0.1, momentum=0.9, dampening=0.5)
    reference = [leaf([1.0, 2.0]), leaf([3.0, 4.0])]
    undisturbed = optim.SGD(reference, lr=0.1, momentum=0.9, dampening=0.5)
    for turn in range(4):
        for p in (first, second, *reference):
            p.grad = mg.ones(2, dtype=mg.float64)
        if turn in (0, 2):
            second.data.setflags(write=False)
            with pytest.raises(ValueError, match=r"step: a parameter of shape \(2,\) is read-only: write p.data = p"):
                optimizer.step()
            second.data.setflags(write=True)
        if turn == 3:
            right = optimizer.state[second]["momentum_buffer"]
            optimizer.state[second]["momentum_buffer"] = mg.ones(3)
            with pytest.raises(ValueError, match=r"step: the momentum_buffer of a parameter of shape \(2,\) has shape"):
                optimizer.step()
            optimizer.state[second]["momentum_buffer"] = right
        assert_equal_bits([first, second], reference)
        optimizer.step()
        undisturbed.step()
        assert_equal_bits([first, second], reference)


# -- saving and loading -----------------------------------------------------------------------------------------------


@every_rule
def test_a_run_that_is_saved_and_resumed_goes_on_bit_for_bit(rule: Any) -> None:
    """Also if rates were changed, and by an optimizer that was made with other hyperparameters."""
    whole = parameters(mg, ("float32", "float64"))
    walk(mg, optimizer := rule(whole), whole, 10)
    optimizer.param_groups[0]["lr"] = 0.03
    saved, halfway = optimizer.state_dict(), values(whole)
    walk(mg, optimizer, whole, 10, seed=2)
    resumed = [mg.tensor(value, requires_grad=True) for value in halfway]
    again = type(optimizer)(resumed)
    again.load_state_dict(saved)
    walk(mg, again, resumed, 10, seed=2)
    assert_equal_bits(whole, resumed)
    assert_equal_states(optimizer, again)


def test_a_state_dict_is_a_copy_in_pytorchs_form_of_tensors_and_numbers() -> None:
    first, second, unused = leaf([1.0]), leaf([[2.0]]), leaf([3.0])
    optimizer = optim.NAdam([{"params": [unused, first]}, {"params": second, "lr": 0.5}])
    first.grad, second.grad = mg.ones(1, dtype=mg.float64), mg.ones(1, 1, dtype=mg.float64)
    optimizer.step()
    saved = optimizer.state_dict()
    assert list(saved) == ["state", "param_groups"]
    assert [group["params"] for group in saved["param_groups"]] == [[0, 1], [2]]
    assert [group["lr"] for group in saved["param_groups"]] == [2e-3, 0.5]
    assert list(saved["state"]) == [1, 2]
    assert {name: type(value) for name, value in saved["state"][2].items()} == {
        "exp_avg": mg.Tensor,
        "exp_avg_sq": mg.Tensor,
        "step": int,
        "mu_product": float,
    }
    before = saved["state"][1]["exp_avg"].item()
    optimizer.step()
    assert saved["state"][1]["exp_avg"].item() == before
    assert saved["state"][1]["step"] == 1
    optimizer.load_state_dict(saved)
    optimizer.step()
    assert saved["state"][1]["exp_avg"].item() == before
    assert optim.SGD([first]).state_dict()["state"] == {}


@pytest.mark.parametrize(
    ("change", "error", "messages"),
    [
        ([1, 2], TypeError, ["takes what state_dict() gave"]),
        ({"state": {}}, TypeError, ["takes what state_dict() gave: 'param_groups'"]),
        (lambda s: s["param_groups"][0].pop("params"), TypeError, ["takes what state_dict() gave"]),
        (lambda s: s.update(state=3), TypeError, ["takes what state_dict() gave"]),
        (
            lambda s: s["param_groups"].pop(),
            ValueError,
            ["it has groups of [2] parameters, this optimizer has [2, 1]"],
        ),
        (lambda s: s["param_groups"][1].update(params=[2, 3]), ValueError, ["groups of [2, 2] parameters"]),
        (
            lambda s: s["param_groups"][0].pop("eps"),
            ValueError,
            ["Adam has the hyperparameters ", "unknown or missing ['eps']"],
        ),
        (
            lambda s: s["param_groups"][0].update(momentum=0.9),
            ValueError,
            ["Adam has the hyperparameters ", "unknown or missing ['momentum']"],
        ),
        (lambda s: s["param_groups"][0].update(lr=-1.0), ValueError, ["Adam: lr must be in [0, inf), not -1.0"]),
        (lambda s: s["param_groups"][0].update(lr="fast"), TypeError, ["Adam: lr must be in [0, inf), not 'fast'"]),
        (
            lambda s: s["state"][0].pop("exp_avg"),
            ValueError,
            ["state[0] has [", "and needs ['exp_avg', 'exp_avg_sq', 'max_exp_avg_sq', 'step']"],
        ),
        (
            lambda s: s["state"][2].pop("step"),
            ValueError,
            ["state[2] has ['exp_avg', 'exp_avg_sq'], and needs ['exp_avg', 'exp_avg_sq', 'step']"],
        ),
        (
            lambda s: s["state"][0].pop("max_exp_avg_sq"),
            ValueError,
            ["state[0] has [", "and needs ['exp_avg', 'exp_avg_sq', 'max_exp_avg_sq', 'step']"],
        ),
        (lambda s: s["state"][0].update(momentum_buffer=1), ValueError, ["state[0] has [", "'momentum_buffer'"]),
        (lambda s: s["state"][0].update(step=-1), ValueError, ["step must be a whole number of at least 0, not -1"]),
        (lambda s: s["state"][0].update(step=2.5), ValueError, ["step must be a whole number of at least 0, not 2.5"]),
        (lambda s: s["state"][0].update(step=math.nan), ValueError, ["step must be a whole number"]),
        (lambda s: s["state"][0].update(step=np.ones(2)), TypeError, ["state[0]: step"]),
        (lambda s: s["state"][0].update(exp_avg="x"), TypeError, ["a tensor holds"]),
        (
            lambda s: s["state"].update({7: s["state"].pop(2)}),
            ValueError,
            ["state of [7], which are in no group"],
        ),
        (
            lambda s: s["state"][0].update(exp_avg=mg.ones(3)),
            ValueError,
            ["state[0]: exp_avg has shape (3,), its parameter (2,)"],
        ),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_the_reason_and_changes_nothing(
    change: Any, error: Any, messages: list[str]
) -> None:
    def made() -> tuple[list[Any], optim.Optimizer]:
        params = [leaf([1.0, 2.0]), leaf(3.0), leaf([[4.0]])]
        return params, optim.Adam([{"params": params[:2], "amsgrad": True}, {"params": params[2:]}], lr=0.1)

    params, optimizer = made()
    for p in params:
        p.grad = mg.ones_like(p)
    optimizer.step()
    groups, state = list(optimizer.param_groups), optimizer.state
    before = optimizer.state_dict()
    bad = copy.deepcopy(before)
    if callable(change):
        change(bad)
    with pytest.raises(error) as caught:
        optimizer.load_state_dict(bad if callable(change) else change)
    for message in ["load_state_dict of Adam", *messages]:
        assert message in str(caught.value)
    assert optimizer.state is state
    assert all(one is other for one, other in zip(optimizer.param_groups, groups, strict=True))
    _, unchanged = made()
    unchanged.load_state_dict(before)
    assert_equal_states(optimizer, unchanged)


def test_what_pytorchs_groups_have_besides_is_passed_over_and_notes_of_schedules_are_kept() -> None:
    optimizer = optim.SGD([leaf(1.0)], lr=0.1)
    saved = optimizer.state_dict()
    optimizer.param_groups[0]["max_lr"] = 3.0  # which it had not at that time
    saved["param_groups"][0].update(foreach=None, fused=True, differentiable=False, param_names=["w"], initial_lr=0.5)
    saved["state"] = {0: {"momentum_buffer": None}}
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["initial_lr"] == 0.5
    assert not {"foreach", "fused", "param_names", "max_lr"} & optimizer.param_groups[0].keys()
    assert optimizer.state_dict()["state"] == {}


@every_rule
def test_a_copied_or_pickled_optimizer_goes_on_with_the_copy_of_its_model(rule: Any) -> None:
    params = parameters(mg, ("float32", "float64"))
    optimizer = rule(params)
    walk(mg, optimizer, params, 3, missing=False)
    copies = [copy.deepcopy((params, optimizer)), pickle.loads(pickle.dumps((params, optimizer)))]
    walk(mg, optimizer, params, 3, seed=2, missing=False)
    for their_params, theirs in copies:
        walk(mg, theirs, their_params, 3, seed=2, missing=False)
        assert_equal_bits(params, their_params)
        assert_equal_states(optimizer, theirs)


def test_a_pickled_optimizer_takes_the_room_of_its_parameters_gradients_and_state() -> None:
    params = [leaf(np.ones(1000)) for _ in range(10)]
    optimizer = optim.Adam(params)
    for p in params:
        p.grad = mg.ones_like(p)
    optimizer.step()
    assert len(pickle.dumps(optimizer)) < 1.1 * 4 * 8 * 10_000


def test_an_optimizer_is_freed_without_the_collector() -> None:
    gc.disable()
    try:
        w = leaf([1.0])
        optimizer = optim.Adam([w, leaf(np.ones(5000))])
        w.grad = mg.ones(1, dtype=mg.float64)
        optimizer.step()
        alive = weakref.ref(optimizer)
        del optimizer
        assert alive() is None
    finally:
        gc.enable()


@every_rule
def test_two_runs_are_equal_bit_for_bit(rule: Any) -> None:
    runs = []
    for _ in range(2):
        params = parameters(mg, ("float32", "float64"))
        walk(mg, rule(params), params, 10)
        runs.append(params)
    assert_equal_bits(*runs)


# -- bad input --------------------------------------------------------------------------------------------------------

every_class = pytest.mark.parametrize("kind", KINDS)


@every_class
@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (lambda: [], ValueError, "needs at least one parameter; the list is empty"),
        (lambda: leaf([1.0]), TypeError, r"takes a list of tensors, as model.parameters\(\), not a Tensor"),
        (lambda: nn.Linear(1, 1), TypeError, r"takes a list of tensors, as model.parameters\(\), not a Linear"),
        (lambda: nn.Linear(1, 1).parameters, TypeError, "takes a list of tensors, .*, not a method"),
        (lambda: [leaf([1.0]), np.ones(1)], TypeError, "takes tensors; parameter 1 is a ndarray"),
        (lambda: nn.Linear(1, 1).named_parameters(), TypeError, "takes tensors; parameter 0 is a tuple"),
        (
            lambda: [leaf([1.0]) * 2],
            ValueError,
            r"parameter 0 \(shape \(1,\)\) was computed and is no leaf: it would never move",
        ),
        (
            lambda: [mg.ones(2, 3)],
            ValueError,
            r"parameter 0 \(shape \(2, 3\)\) does not require grad: it would never move",
        ),
        (lambda: [leaf([1.0])] * 2, ValueError, "a parameter is in the list twice; it would move twice in each step"),
        (lambda: {leaf([1.0])}, TypeError, "takes a list of tensors, .*, not a set"),
        (lambda: {"params": [leaf([1.0])]}, TypeError, "takes a list of tensors, .*, not a dict"),
        (lambda: [{"lr": 0.1}], TypeError, "a group is a dict with 'params', tensors, not {'lr': 0.1}"),
        (lambda: [{"params": [leaf([1.0])]}, leaf([1.0])], TypeError, "a group is a dict with 'params'.*, not tensor"),
        (
            lambda: [{"params": [leaf([1.0])], "learning_rate": 1}],
            ValueError,
            "has the hyperparameters .*'lr', .*: unknown or missing .'learning_rate'",
        ),
        (lambda: [{"params": [leaf([1.0])], "lr": -1}], ValueError, r"lr must be in \[0, inf\), not -1"),
        (lambda: [{"params": [ONE]}, {"params": ONE}], ValueError, "a parameter is in the list twice"),
    ],
)
def test_what_cannot_be_optimized_is_refused(kind: Any, params: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=rf"{kind.__name__}:? {message}"):
        kind(params(), lr=0.1)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (optim.SGD, {"lr": -0.1}, "lr must be in [0, inf), not -0.1"),
        (optim.SGD, {"lr": math.nan}, "lr must be in [0, inf), not nan"),
        (optim.SGD, {"momentum": -0.5}, "momentum must be in [0, inf), not -0.5"),
        (optim.SGD, {"weight_decay": -1}, "weight_decay must be in [0, inf), not -1"),
        (optim.SGD, {"nesterov": True}, "SGD: nesterov needs momentum > 0 and dampening = 0"),
        (
            optim.SGD,
            {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
            "SGD: nesterov needs momentum > 0 and dampening",
        ),
        (optim.Adam, {"lr": -1.0}, "lr must be in [0, inf), not -1.0"),
        (optim.Adam, {"betas": (1.0, 0.999)}, "betas must be two numbers in [0, 1), not (1.0, 0.999)"),
        (optim.Adam, {"betas": (0.9, -0.1)}, "betas must be two numbers in [0, 1), not (0.9, -0.1)"),
        (optim.Adam, {"eps": -1e-8}, "eps must be in [0, inf), not -1e-08"),
        (optim.Adam, {"weight_decay": -0.1}, "weight_decay must be in [0, inf), not -0.1"),
        (optim.Adam, {"betas": 0.9}, "Adam: betas must be two numbers in [0, 1), not 0.9"),
        (
            optim.AdamW,
            {"betas": (0.9, 0.99, 0.999)},
            "AdamW: betas must be two numbers in [0, 1), not (0.9, 0.99, 0.999)",
        ),
        (optim.RMSprop, {"alpha": -0.1}, "RMSprop: alpha must be in [0, inf), not -0.1"),
        (optim.RMSprop, {"momentum": math.inf}, "RMSprop: momentum must be in [0, inf), not inf"),
        (optim.Adagrad, {"lr_decay": -0.1}, "Adagrad: lr_decay must be in [0, inf), not -0.1"),
        (optim.Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value must be in [0, inf), not -1"),
        (optim.NAdam, {"momentum_decay": -0.1}, "NAdam: momentum_decay must be in [0, inf), not -0.1"),
        (optim.RAdam, {"eps": math.nan}, "RAdam: eps must be in [0, inf), not nan"),
    ],
)
def test_a_hyperparameter_out_of_range_is_named(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        kind([leaf([1.0])], **options)


@every_rule
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (mg.ones(2), ValueError, r"step: a parameter of shape \(3,\) has a gradient of shape \(2,\)"),
        (mg.ones(1), ValueError, r"step: a parameter of shape \(3,\) has a gradient of shape \(1,\)"),
        (np.ones(3), TypeError, "step: the gradient of a parameter is a ndarray, not a tensor"),
        (1.0, TypeError, "step: the gradient of a parameter is a float, not a tensor"),
        (
            mg.tensor([1, 2, 3]),
            TypeError,
            "step: the dtypes of a parameter and its gradient are float64 and int64, not",
        ),
    ],
)
def test_after_a_bad_gradient_nothing_has_moved(rule: Any, bad: Any, error: Any, message: str) -> None:
    first, second = leaf([1.0, 2.0, 3.0]), leaf([4.0, 5.0, 6.0])
    optimizer, reference = rule([first, second]), leaf([1.0, 2.0, 3.0])
    undisturbed = rule([reference])
    for gradient in (mg.ones(3), bad, mg.ones(3)):
        first.grad = reference.grad = mg.ones(3, dtype=mg.float64)
        second.grad = gradient
        before = first.tolist(), second.tolist()
        if gradient is bad:
            with pytest.raises(error, match=message):
                optimizer.step()
            assert (first.tolist(), second.tolist()) == before
        else:
            optimizer.step()
            undisturbed.step()
    assert first.tolist() == reference.tolist(), "what the optimizer remembers was not disturbed either"
