"""Optimizers: each rule against scalar recurrences written by hand, and 50 steps of a network against PyTorch."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.oracle import training
from tests.oracle.record import load

GRADIENTS = [0.5, -2.0, 0.25, 3.0, 0.0, -1.0, 1e-3, 4.0]


def leaf(data: Any, dtype: Any = mg.float64) -> mg.Tensor:
    return mg.tensor(data, dtype=dtype, requires_grad=True)


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


def adam(lr: float, beta1: float, beta2: float, eps: float, decay: float) -> list[float]:
    w, ms, vs, steps = 2.0, [], [], []
    for g in GRADIENTS:
        g = g + decay * w
        ms, vs = [beta1 * m for m in ms] + [(1 - beta1) * g], [beta2 * v for v in vs] + [(1 - beta2) * g * g]
        t = len(ms)
        m_hat = math.fsum(ms) / (1 - math.pow(beta1, t))
        v_hat = math.fsum(vs) / (1 - math.pow(beta2, t))
        w = w - lr * m_hat / (math.sqrt(v_hat) + eps)
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
    momentum = optim.SGD(w)
    assert (momentum.lr, momentum.momentum, momentum.dampening, momentum.weight_decay) == (1e-3, 0, 0, 0)
    assert not momentum.nesterov
    adam = optim.Adam(w)
    assert (adam.lr, adam.betas, adam.eps, adam.weight_decay) == (1e-3, (0.9, 0.999), 1e-8, 0)


# -- against PyTorch --------------------------------------------------------------------------------------------------


@cache
def pytorch() -> dict[str, Any]:
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


# -- what a step touches ----------------------------------------------------------------------------------------------

RULES = {
    "SGD": lambda params: optim.SGD(params, lr=0.1),
    "momentum": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.1),
    "nesterov": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda params: optim.Adam(params, lr=0.1, weight_decay=0.1),
}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def arrays(state: Any) -> list[Any]:
    return [value for entries in state for value in entries.values() if hasattr(value, "dtype")]


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
    assert optimizer.state[1] == {}


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
    optimizer.lr = 0
    optimizer.step()
    assert w.item() == before
    optimizer.lr = 1.0
    optimizer.step()
    assert w.item() < before


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
        def update(self, w: Any, g: Any, state: dict[str, Any]) -> None:
            w -= self.lr * np.sign(g)

    w = leaf([1.0, 1.0])
    optimizer = SignDescent([w], lr=0.5)
    w.grad = mg.tensor([0.1, -9.0], dtype=mg.float64)
    optimizer.step()
    assert w.tolist() == [0.5, 1.5]
    bare = optim.Optimizer([w], lr=0.5)
    with pytest.raises(NotImplementedError, match="Optimizer defines no update rule"):
        bare.step()


# -- bad input --------------------------------------------------------------------------------------------------------

every_class = pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])


@every_class
@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (lambda: [], ValueError, "needs at least one parameter; the list is empty"),
        (lambda: leaf([1.0]), TypeError, r"takes a list of tensors, model.parameters\(\) or \[w\], not a Tensor"),
        (lambda: nn.Linear(1, 1), TypeError, r"takes a list of tensors, model.parameters\(\) or \[w\], not a Linear"),
        (lambda: nn.Linear(1, 1).parameters, TypeError, "takes a list of tensors, .*, not a method"),
        (lambda: [leaf([1.0]), np.ones(1)], TypeError, "takes tensors; parameter 1 is a ndarray"),
        (lambda: nn.Linear(1, 1).named_parameters(), TypeError, "takes tensors; parameter 0 is a tuple"),
        (
            lambda: [leaf([1.0]) * 2],
            ValueError,
            r"parameter 0 \(shape \(1,\)\) was computed; only a leaf can be optimized",
        ),
        (
            lambda: [mg.ones(2, 3)],
            ValueError,
            r"parameter 0 \(shape \(2, 3\)\) does not require grad: it would never move",
        ),
        (lambda: [leaf([1.0])] * 2, ValueError, "a parameter is in the list twice; it would move twice in each step"),
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
        (optim.Adam, {"betas": (1.0, 0.999)}, "beta1 must be in [0, 1), not 1.0"),
        (optim.Adam, {"betas": (0.9, -0.1)}, "beta2 must be in [0, 1), not -0.1"),
        (optim.Adam, {"eps": -1e-8}, "eps must be in [0, inf), not -1e-08"),
        (optim.Adam, {"weight_decay": -0.1}, "weight_decay must be in [0, inf), not -0.1"),
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
