"""Modules and layers: what their docstrings promise, against closed forms in NumPy and against PyTorch."""

from __future__ import annotations

import copy
import math
import pickle
import re
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.oracle import training
from tests.oracle.record import load

random = np.random.default_rng


def array(*shape: int, seed: int = 0) -> Any:
    return random(seed).normal(1.0, 2.0, shape)


def leaf(data: Any) -> mg.Tensor:
    return mg.tensor(data, requires_grad=True)


def close(ours: Any, expected: Any, tolerance: float = 1e-10) -> None:
    ours = ours.detach().numpy() if isinstance(ours, mg.Tensor) else ours
    assert np.shape(ours) == np.shape(expected)
    np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance)


def same(a: Any, b: Any) -> bool:
    """Whether the numbers are equal to the last bit."""
    return np.array_equal(*[t.detach().numpy() if isinstance(t, mg.Tensor) else t for t in (a, b)])


@pytest.fixture
def float64() -> Any:
    with training.float64(mg):
        yield


# -- Parameter --------------------------------------------------------------------------------------------------------


def test_a_parameter_is_a_leaf_that_requires_grad() -> None:
    p = nn.Parameter([1.0, 2.0])
    assert p.requires_grad
    assert p.is_leaf
    assert p.dtype == mg.float32
    assert repr(p) == "Parameter(tensor([1., 2.], requires_grad=True))"


def test_a_parameter_copies_its_data() -> None:
    data = array(3)
    p = nn.Parameter(data)
    data[0] = 100
    assert p[0].item() != 100
    assert p.dtype == mg.float64


def test_a_parameter_can_be_frozen_and_typed() -> None:
    assert not nn.Parameter([1.0], False).requires_grad
    assert nn.Parameter([1.0], dtype=mg.float64).dtype == mg.float64


def test_an_integer_parameter_is_refused() -> None:
    with pytest.raises(TypeError, match="only floating tensors can require grad, not int64"):
        nn.Parameter([1, 2])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_a_copy_of_a_parameter_is_a_parameter_of_its_own(copied: Any) -> None:
    p = nn.Parameter([1.0, 2.0])
    q = copied(p)
    assert isinstance(q, nn.Parameter)
    assert q.requires_grad
    with mg.no_grad():
        q += 1
    assert p.tolist() == [1, 2]
    assert q.tolist() == [2, 3]


# -- Module: what is in it --------------------------------------------------------------------------------------------


class Everywhere(nn.Module):
    """Parameters in every place where one can be."""

    def __init__(self) -> None:
        self.own = nn.Parameter([1.0])
        self.child = nn.Linear(2, 3)
        self.listed = [nn.Parameter([2.0]), nn.Linear(3, 1, bias=False)]
        self.nested = ({"a": [nn.Parameter([3.0])], "b": (nn.ReLU(), nn.Linear(1, 1))},)
        self.register_buffer("seen", mg.tensor(0))
        self.not_a_parameter = mg.tensor([1.0], requires_grad=True)
        self.settings = {"lr": 0.1, "names": ["x", "y"], "empty": []}


NAMES = [
    "own",
    "listed.0",
    "nested.0.a.0",
    "seen",
    "child.weight",
    "child.bias",
    "listed.1.weight",
    "nested.0.b.1.weight",
    "nested.0.b.1.bias",
]


def test_parameters_are_found_in_attributes_lists_tuples_and_dicts() -> None:
    model = Everywhere()
    names = [name for name in NAMES if name != "seen"]
    assert [name for name, _ in model.named_parameters()] == names
    assert dict(model.named_parameters())["nested.0.a.0"] is model.nested[0]["a"][0]
    assert [id(p) for p in model.parameters()] == [id(p) for _, p in model.named_parameters()]
    assert dict(model.named_buffers()) == {"seen": model.seen}
    assert list(model.state_dict()) == NAMES


def test_modules_are_found_in_attributes_lists_tuples_and_dicts() -> None:
    model = Everywhere()
    children = ["child", "listed.1", "nested.0.b.0", "nested.0.b.1"]
    assert [name for name, _ in model.named_children()] == children
    assert [name for name, _ in model.named_modules()] == ["", *children]
    assert [name for name, _ in nn.Sequential(nn.Sequential(nn.ReLU())).named_modules()] == ["", "0", "0.0"]
    assert all(isinstance(module, nn.Module) for module in model.modules())


def test_a_parameter_that_two_modules_share_is_found_once() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    assert [name for name, _ in nn.Sequential(first, second).named_parameters()] == ["0.weight", "0.bias", "1.bias"]


def test_a_module_that_is_in_two_places_is_found_once() -> None:
    layer = nn.BatchNorm1d(3)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    assert [name for name, _ in model.named_modules()] == ["", "0", "1"]
    assert len(list(model.parameters())) == 2
    assert len(list(model.named_buffers())) == 3
    assert len(model) == 3


def test_what_is_shared_is_in_the_state_under_each_of_its_names() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    model = nn.Sequential(first, second)
    assert list(model.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert list(nn.Sequential(model, model).state_dict()) == [
        f"{i}.{name}" for i in (0, 1) for name in model.state_dict()
    ]
    model.load_state_dict({name: np.full(p.shape, 7.0) for name, p in model.state_dict().items()})
    assert second.weight is first.weight
    assert (first.weight == 7).tolist() == [[True, True], [True, True]]


def test_a_module_needs_no_call_of_its_base_class_and_no_forward_until_it_is_called() -> None:
    class Empty(nn.Module):
        pass

    assert list(Empty().parameters()) == []
    assert Empty().training
    with pytest.raises(NotImplementedError, match=r"Empty defines no forward\(self, \.\.\.\)"):
        Empty()(1)


def test_calling_a_module_passes_all_arguments_to_forward() -> None:
    class Scale(nn.Module):
        def forward(self, x: Any, *, by: float) -> Any:
            return x * by

    assert Scale()(mg.tensor([1.0]), by=3.0).tolist() == [3]


# -- Module: modes ----------------------------------------------------------------------------------------------------


def test_train_and_eval_reach_every_module_inside() -> None:
    model = Everywhere()
    assert model.eval() is model
    assert [module.training for module in model.modules()] == [False] * 5
    assert model.train() is model
    assert [module.training for module in model.modules()] == [True] * 5
    assert model.train(False) is model
    assert not model.nested[0]["b"][1].training
    assert nn.Linear(1, 1).training, "one model's mode is not another's"


def test_a_module_inside_may_refuse_a_mode() -> None:
    class Frozen(nn.BatchNorm1d):
        def train(self, mode: bool = True) -> Any:
            return super().train(False)

    model = nn.Sequential(Frozen(3), nn.Dropout())
    model.train()
    assert [module.training for module in model] == [False, True]


def test_zero_grad_clears_every_gradient() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    model(mg.randn(4, 2)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


# -- Module: state ----------------------------------------------------------------------------------------------------


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def test_the_state_round_trips() -> None:
    trained, fresh = network(), network()
    trained(mg.randn(8, 3))
    fresh.load_state_dict(trained.state_dict())
    assert list(trained.state_dict()) == [
        *("0.weight", "0.bias"),
        *("1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"),
        *("3.weight", "3.bias"),
    ]
    for name, tensor in trained.state_dict().items():
        assert same(fresh.state_dict()[name], tensor)
        assert fresh.state_dict()[name].dtype == tensor.dtype
    x = mg.randn(5, 3)
    assert same(trained.eval()(x), fresh.eval()(x))


def test_the_state_is_a_copy_without_graph() -> None:
    model = network()
    state = model.state_dict()
    before = state["0.weight"].numpy().copy()
    assert not any(tensor.requires_grad for tensor in state.values())
    with mg.no_grad():
        model[0].weight += 1
    assert same(state["0.weight"], before)


def test_loading_keeps_the_parameters_their_dtype_and_the_optimizers_hold_on_them() -> None:
    model = network()
    before = list(model.parameters())
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    model.load_state_dict({name: tensor.double() for name, tensor in model.state_dict().items()})
    assert all(p is q for p, q in zip(before, model.parameters(), strict=True))
    assert all(p is q for p, q in zip(optimizer.param_groups[0]["params"], model.parameters(), strict=True))
    assert all(p.dtype == mg.float32 and p.requires_grad for p in model.parameters())
    assert model[1].num_batches_tracked.dtype == np.int64


def test_loading_takes_arrays_and_lists() -> None:
    model = nn.Linear(2, 1)
    model.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": [3.0]})
    assert model(mg.tensor([10.0, 100.0])).tolist() == [213]


def test_loading_numbers_into_float64_loses_no_digits() -> None:
    with training.float64(mg):
        model = nn.Linear(1, 1)
    model.load_state_dict({"weight": [[0.1]], "bias": [0.2]})
    assert model.weight.item() == 0.1
    assert model.bias.item() == 0.2


def test_loading_takes_a_state_of_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test EXTRAS=test,oracle")
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    theirs(torch.randn(8, 3))
    ours = network()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x = array(5, 3).astype(np.float32)
    close(ours.eval()(x), theirs.eval()(torch.tensor(x)).detach().numpy(), 1e-6)


MISMATCHES = {
    "missing name": ({"0.weight": None}, ["missing: 0.weight"]),
    "unknown name": ({"2.weight": np.zeros(4)}, ["unexpected: 2.weight"]),
    "wrong shape": ({"3.weight": np.zeros((4, 2))}, [r"3.weight: expected shape \(2, 4\), got \(4, 2\)"]),
    "wrong shape of a buffer": ({"1.running_var": np.ones(1)}, [r"1.running_var: expected shape \(4,\), got \(1,\)"]),
    "not a number": ({"3.bias": np.array(["a", "b"])}, ["3.bias: .*'a'"]),
    "ragged": ({"3.weight": [[1.0], [2.0, 3.0]]}, ["3.weight: "]),
    "several": (
        {"0.bias": None, "new": np.zeros(1), "3.bias": np.zeros(3)},
        ["missing: 0.bias", "unexpected: new", r"3.bias: expected shape \(2,\), got \(3,\)"],
    ),
}


@pytest.mark.parametrize(("change", "messages"), MISMATCHES.values(), ids=MISMATCHES)
def test_a_state_that_does_not_fit_changes_nothing(change: dict[str, Any], messages: list[str]) -> None:
    model = network()
    before = model.state_dict()
    state: dict[str, Any] = {name: tensor + 1 for name, tensor in before.items()} | change
    state = {name: value for name, value in state.items() if value is not None}
    with pytest.raises(RuntimeError, match=r"load_state_dict of Sequential: " + "; ".join(messages)):
        model.load_state_dict(state)
    for name, tensor in model.state_dict().items():
        assert same(tensor, before[name]), name


def test_a_state_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(TypeError, match="load_state_dict takes a dict of name -> tensor, not a str"):
        network().load_state_dict("weights.npz")


def test_loading_not_strictly_leaves_other_names_alone() -> None:
    model = network()
    before = model.state_dict()
    model.load_state_dict({"0.bias": np.full(4, 5.0), "unknown": np.zeros(9)}, strict=False)
    assert model[0].bias.tolist() == [5, 5, 5, 5]
    for name, tensor in model.state_dict().items():
        assert name == "0.bias" or same(tensor, before[name])
    with pytest.raises(RuntimeError, match=r"0\.bias: expected shape"):
        model.load_state_dict({"0.bias": np.zeros(3)}, strict=False)


def test_loading_makes_older_graphs_stale() -> None:
    model = nn.Linear(2, 2)
    loss = model(mg.randn(3, 2, requires_grad=True)).sum()
    model.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match=r"linear: its weight .* was overwritten"):
        loss.backward()


def test_a_deep_copy_of_a_model_is_independent_and_shares_what_was_shared() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    model = nn.Sequential(first, second, nn.BatchNorm1d(2))
    twin = copy.deepcopy(model)
    assert twin[0].weight is twin[1].weight
    with mg.no_grad():
        twin[0].weight += 1
    assert not same(twin[0].weight, model[0].weight)
    assert list(twin.state_dict()) == list(model.state_dict())


# -- Module: reading --------------------------------------------------------------------------------------------------


def test_repr_shows_the_tree() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.body = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(0.2))
            self.heads = [nn.Linear(3, 1, bias=False)]

        def extra_repr(self) -> str:
            return "two=2"

    assert repr(Net()) == (
        "Net(\n"
        "  two=2\n"
        "  (body): Sequential(\n"
        "    (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "    (1): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n"
        "    (2): ReLU()\n"
        "    (3): Dropout(p=0.2, inplace=False)\n"
        "  )\n"
        "  (heads.0): Linear(in_features=3, out_features=1, bias=False)\n"
        ")"
    )
    assert repr(nn.CrossEntropyLoss()) == "CrossEntropyLoss()"


def test_a_layer_of_ones_own_is_shown_like_the_one_it_is_derived_from() -> None:
    class Encoder(nn.LSTM):
        def __init__(self, size: int) -> None:
            super().__init__(size, size, bias=False)

    class Doubled(nn.Conv2d):
        def __init__(self, *args: Any, factor: int = 2, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)

    class Both(nn.PReLU, dict):  # type: ignore[type-arg]
        pass

    assert repr(Both()) == "Both(num_parameters=1)"
    assert repr(Encoder(3)) == "Encoder(3, 3, bias=False)"
    assert repr(Doubled(1, 2, 3, padding=1)) == "Doubled(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))"


# -- Linear -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_x_times_weight_transposed_plus_bias(float64: Any, shape: tuple[int, ...], bias: bool) -> None:
    layer = nn.Linear(3, 4, bias=bias)
    x, g = array(*shape), array(*shape[:-1], 4, seed=1)
    w = layer.weight.detach().numpy()
    b = layer.bias.detach().numpy() if bias else 0
    t = leaf(x)
    y = layer(t)
    close(y, np.einsum("...i,oi->...o", x, w) + b)
    y.backward(mg.tensor(g))
    close(t.grad, np.einsum("...o,oi->...i", g, w))
    close(layer.weight.grad, np.einsum("no,ni->oi", g.reshape(-1, 4), x.reshape(-1, 3)))
    if bias:
        close(layer.bias.grad, g.reshape(-1, 4).sum(0))


def test_linear_without_bias_has_one_parameter() -> None:
    layer = nn.Linear(3, 4, bias=False)
    assert layer.bias is None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


@pytest.mark.parametrize("in_features", [1, 7, 100])
def test_linear_starts_uniform_within_one_over_the_root_of_in_features(in_features: int) -> None:
    layer = nn.Linear(in_features, 20_000)
    bound = np.float32(1 / math.sqrt(in_features))
    for p in (layer.weight, layer.bias):
        values = p.detach().numpy()
        assert p.dtype == mg.float32
        assert np.abs(values).max() <= bound
        assert np.abs(values).max() > 0.999 * bound
        # Uniform on ±b: mean 0, variance b²/3, fourth moment b⁴/5; each within five standard errors.
        n = values.size
        assert abs(values.mean()) < 5 * bound * math.sqrt(1 / 3 / n)
        assert abs((values.astype(float) ** 2).mean() - bound**2 / 3) < 5 * bound**2 * math.sqrt((1 / 5 - 1 / 9) / n)


def test_the_same_seed_draws_the_same_weights() -> None:
    mg.manual_seed(3)
    first = nn.Linear(4, 5)
    mg.manual_seed(3)
    second = nn.Linear(4, 5)
    third = nn.Linear(4, 5)
    assert same(first.weight, second.weight)
    assert not same(first.weight, third.weight)


def test_linear_names_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"linear\(x: float32 \(5, 4\), weight: float32 \(2, 3\)"):
        nn.Linear(3, 2)(mg.randn(5, 4))


@pytest.mark.parametrize(("inputs", "outputs"), [(0, 3), (3, 0)])
def test_linear_works_with_nothing(inputs: int, outputs: int) -> None:
    layer = nn.Linear(inputs, outputs)
    x = mg.randn(2, inputs, requires_grad=True)
    y = layer(x)
    assert y.shape == (2, outputs)
    y.sum().backward()
    assert layer.weight.grad.shape == (outputs, inputs)
    assert x.grad.shape == (2, inputs)


# -- ReLU and Sequential ----------------------------------------------------------------------------------------------


def test_relu_is_zero_below_zero_with_slope_zero_at_zero() -> None:
    x = leaf([-2.0, 0.0, 3.0])
    y = nn.ReLU()(x)
    assert y.tolist() == [0, 0, 3]
    y.sum().backward()
    assert x.grad.tolist() == [0, 0, 1]


def test_sequential_is_the_composition_of_its_modules() -> None:
    a, b = nn.Linear(2, 3), nn.Linear(3, 1)
    x = mg.randn(4, 2)
    assert same(nn.Sequential(a, nn.ReLU(), b)(x), b(a(x).relu()))
    assert nn.Sequential()(x) is x


def test_sequential_is_a_sequence() -> None:
    modules = [nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)]
    model = nn.Sequential(*modules)
    assert len(model) == 3
    assert list(model) == modules
    assert model[1] is modules[1]
    assert model[-1] is modules[2]
    assert isinstance(model[:2], nn.Sequential)
    assert list(model[:2]) == modules[:2]
    with pytest.raises(IndexError):
        model[3]


@pytest.mark.parametrize(("argument", "kind"), [([], "list"), (mg.relu, "Op"), (None, "NoneType")])
def test_sequential_takes_modules_only(argument: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=rf"takes modules, as in .* or Sequential\(\*layers\), not {kind}"):
        nn.Sequential(nn.ReLU(), argument)


# -- BatchNorm1d ------------------------------------------------------------------------------------------------------


def per_channel(vector: Any, x: Any) -> Any:
    return np.reshape(vector, (1, -1) + (1,) * (x.ndim - 2))


def others(x: Any) -> tuple[int, ...]:
    return (0,) if x.ndim == 2 else (0, 2)


SHAPES = pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (1, 3, 5), (2, 3)])


@pytest.fixture
def batch_norm(float64: Any) -> nn.BatchNorm1d:
    layer = nn.BatchNorm1d(3, eps=1e-3)
    layer.load_state_dict({**layer.state_dict(), "weight": [0.5, -1.0, 2.0], "bias": [1.0, 0.0, -3.0]})
    return layer


@SHAPES
def test_batch_norm_standardises_each_channel_in_training(batch_norm: nn.BatchNorm1d, shape: tuple[int, ...]) -> None:
    x = array(*shape)
    mean, var = x.mean(others(x), keepdims=True), x.var(others(x), keepdims=True)
    expected = per_channel([0.5, -1, 2], x) * (x - mean) / np.sqrt(var + 1e-3) + per_channel([1, 0, -3], x)
    close(batch_norm(mg.tensor(x)), expected)


@SHAPES
def test_batch_norm_gradients_in_training(batch_norm: nn.BatchNorm1d, shape: tuple[int, ...]) -> None:
    x, g = leaf(array(*shape)), array(*shape, seed=1)
    batch_norm(x).backward(mg.tensor(g))
    # Ioffe and Szegedy, section 3, term by term.
    data, axes = x.detach().numpy(), others(g)
    m = g.size // 3
    mean, var = data.mean(axes, keepdims=True), data.var(axes, keepdims=True) + 1e-3
    by_x_hat = g * per_channel([0.5, -1, 2], g)
    by_var = (by_x_hat * (data - mean) * -0.5 * var**-1.5).sum(axes, keepdims=True)
    by_mean = -(by_x_hat / np.sqrt(var)).sum(axes, keepdims=True)
    close(x.grad, by_x_hat / np.sqrt(var) + by_var * 2 * (data - mean) / m + by_mean / m)
    close(batch_norm.weight.grad, (g * (data - mean) / np.sqrt(var)).sum(axes))
    close(batch_norm.bias.grad, g.sum(axes))


@SHAPES
def test_batch_norm_follows_mean_and_unbiased_variance(batch_norm: nn.BatchNorm1d, shape: tuple[int, ...]) -> None:
    mean, var = np.zeros(3), np.ones(3)
    for seed in range(3):
        x = array(*shape, seed=seed)
        batch_norm(mg.tensor(x))
        mean = 0.9 * mean + 0.1 * x.mean(others(x))
        var = 0.9 * var + 0.1 * x.var(others(x), ddof=1)
    close(batch_norm.running_mean, mean)
    close(batch_norm.running_var, var)
    assert batch_norm.num_batches_tracked.item() == 3


def test_batch_norm_without_momentum_takes_the_plain_average_of_all_batches(float64: Any) -> None:
    layer = nn.BatchNorm1d(3, momentum=None)
    batches = [array(5, 3, seed=seed) for seed in range(4)]
    for x in batches:
        layer(mg.tensor(x))
    close(layer.running_mean, np.mean([x.mean(0) for x in batches], axis=0))
    close(layer.running_var, np.mean([x.var(0, ddof=1) for x in batches], axis=0))


@SHAPES
def test_batch_norm_uses_the_running_estimates_in_evaluation(
    batch_norm: nn.BatchNorm1d, shape: tuple[int, ...]
) -> None:
    mean, var = np.array([1.0, -2.0, 0.5]), np.array([4.0, 0.5, 1.0])
    state = {"running_mean": mean, "running_var": var, "num_batches_tracked": 7}
    batch_norm.load_state_dict({**batch_norm.state_dict(), **state})
    batch_norm.eval()
    x, g = leaf(array(*shape)), array(*shape, seed=1)
    y = batch_norm(x)
    scale = per_channel(np.array([0.5, -1, 2]) / np.sqrt(var + 1e-3), g)
    centred = x.detach().numpy() - per_channel(mean, g)
    close(y, centred * scale + per_channel([1, 0, -3], g))
    y.backward(mg.tensor(g))
    close(x.grad, g * scale)
    close(batch_norm.weight.grad, (g * centred / per_channel(np.sqrt(var + 1e-3), g)).sum(others(g)))
    close(batch_norm.bias.grad, g.sum(others(g)))
    close(batch_norm.running_mean, mean)
    close(batch_norm.running_var, var)
    assert batch_norm.num_batches_tracked.item() == 7


def test_an_example_in_evaluation_does_not_depend_on_the_others_beside_it(batch_norm: nn.BatchNorm1d) -> None:
    x = array(8, 3)
    batch_norm(mg.tensor(x))
    batch_norm.eval()
    assert same(batch_norm(mg.tensor(x))[:1], batch_norm(mg.tensor(x[:1])))


def test_evaluation_before_any_training_batch_warns_at_the_users_line() -> None:
    layer = nn.BatchNorm1d(3).eval()
    with pytest.warns(UserWarning, match="evaluation before any training batch") as caught:
        layer(mg.randn(2, 3))
    assert caught[0].filename == __file__
    layer.train()(mg.randn(2, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer.eval()(mg.randn(2, 3))


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1), (0, 3), (2, 3, 0)])
def test_one_value_per_channel_in_training_raises_and_changes_nothing(shape: tuple[int, ...]) -> None:
    layer = nn.BatchNorm1d(3)
    before = layer.state_dict()
    with pytest.raises(ValueError, match=re.escape(f"more than one value per channel, got {shape}")):
        layer(mg.ones(shape))
    for name, tensor in layer.state_dict().items():
        assert same(tensor, before[name])
    layer(mg.randn(4, 3))
    assert layer.eval()(mg.ones(shape)).shape == shape, "in evaluation there is nothing wrong with it"


@pytest.mark.parametrize("shape", [(3,), (4, 2), (4, 3, 2, 2)])
def test_batch_norm_names_the_shapes_that_it_takes(shape: tuple[int, ...]) -> None:
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match=r"takes x of shape \(N, 3\) or \(N, 3, L\), got "):
        layer(mg.ones(shape))
    assert layer.num_batches_tracked.item() == 0


def test_a_bias_before_batch_norm_has_zero_gradient(float64: Any) -> None:
    linear = nn.Linear(4, 3)
    model = nn.Sequential(linear, nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
    nn.CrossEntropyLoss()(model(mg.tensor(array(20, 4))), random(1).integers(0, 2, 20)).backward()
    assert np.abs(linear.bias.grad.numpy()).max() < 1e-15
    assert np.abs(linear.weight.grad.numpy()).max() > 1e-3


def test_batch_norm_without_weight_and_bias(float64: Any) -> None:
    layer = nn.BatchNorm1d(3, affine=False)
    assert list(layer.parameters()) == []
    assert list(layer.state_dict()) == ["running_mean", "running_var", "num_batches_tracked"]
    x = array(6, 3)
    close(layer(mg.tensor(x)), (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5))
    layer.eval()
    close(layer(mg.tensor(x)), (x - 0.1 * x.mean(0)) / np.sqrt(0.9 + 0.1 * x.var(0, ddof=1) + 1e-5))


def test_batch_norm_follows_also_where_nothing_is_recorded_but_not_in_evaluation() -> None:
    layer = nn.BatchNorm1d(3)
    with mg.no_grad():
        layer(mg.randn(4, 3))
    assert layer.num_batches_tracked.item() == 1
    before = layer.running_mean.numpy().copy()
    layer.eval()(mg.randn(4, 3))
    assert layer.num_batches_tracked.item() == 1
    assert same(layer.running_mean, before)


def test_the_next_batch_leaves_the_graph_of_the_one_before_intact() -> None:
    layer = nn.BatchNorm1d(3)
    x = leaf(array(4, 3).astype(np.float32))
    layer(x)
    for mode in (True, False):
        layer.train(mode)
        loss = (layer(x) * layer.running_mean).sum()
        layer.train()(mg.randn(4, 3))
        loss.backward()


def test_constant_channels_are_no_trouble() -> None:
    x = leaf(np.ones((4, 3), np.float32))
    y = nn.BatchNorm1d(3)(x)
    assert y.tolist() == [[0, 0, 0]] * 4
    (y * mg.randn(4, 3)).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
def test_a_network_computes_and_keeps_its_state_in_the_default_dtype(dtype: Any) -> None:
    before = mg.get_default_dtype()
    mg.set_default_dtype(dtype)
    try:
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.3), nn.Linear(4, 2))
        x = leaf(array(8, 3).astype(dtype))
        for mode in (True, False):
            y = model.train(mode)(x)
            loss = nn.CrossEntropyLoss()(y, np.zeros(8, int))
            loss.backward()
            assert y.dtype == loss.dtype == x.grad.dtype == dtype
        assert all(p.dtype == p.grad.dtype == dtype for p in model.parameters())
        assert model[1].running_mean.dtype == model[1].running_var.dtype == dtype
    finally:
        mg.set_default_dtype(before)


@pytest.mark.parametrize("affine", [True, False])
def test_running_statistics_stay_float32_whatever_comes(affine: bool) -> None:
    layer = nn.BatchNorm1d(3, affine=affine)
    assert layer(mg.randn(4, 3)).dtype == mg.float32
    assert layer(mg.randn(4, 3, dtype=mg.float64)).dtype == mg.float64
    assert layer.running_mean.dtype == layer.running_var.dtype == mg.float32


def test_batch_norm_without_weight_keeps_float16() -> None:
    assert nn.BatchNorm1d(3, affine=False)(mg.randn(4, 3, dtype=mg.float16)).dtype == mg.float16


# -- Dropout2d ---------------------------------------------------------------------------------------------------------


def test_dropout2d_drops_whole_channels_and_those_that_pytorch_drops() -> None:
    mg.manual_seed(0)
    x = mg.ones(2, 6, 3, 2, requires_grad=True)
    y = nn.Dropout2d(0.4)(x)
    kept = np.array([[0, 0, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]])  # PyTorch 2.13's
    np.testing.assert_allclose(y.detach().numpy(), np.broadcast_to(kept[..., None, None] / 0.6, y.shape), rtol=1e-6)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()
    assert nn.Dropout2d(0.9).eval()(x) is x
    with pytest.raises(ValueError, match=r"dropout2d\(.*x needs shape \(N, C, H, W\), not \(2, 3\)"):
        nn.Dropout2d()(mg.ones(2, 3))


# -- Dropout ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_a_share_p_and_scales_the_others(p: float) -> None:
    n = 100_000
    y = nn.Dropout(p)(mg.ones(n)).numpy()
    dropped = (y == 0).mean()
    assert abs(dropped - p) < 5 * math.sqrt(p * (1 - p) / n)
    assert np.unique(y[y != 0]).tolist() == [np.float32(1 / (1 - p))]
    assert abs(y.mean() - 1) < 5 * math.sqrt(p / (1 - p) / n), "the mean stays what it was"


def test_dropout_passes_gradients_where_it_passed_values() -> None:
    x = leaf(np.full(1000, 3.0, np.float32))
    y = nn.Dropout(0.25)(x)
    y.sum().backward()
    assert same(x.grad.numpy() * 3, y.detach().numpy())
    assert 0 < (x.grad.numpy() == 0).sum() < 1000
    assert x.grad.dtype == y.dtype == mg.float32


def test_dropout_drops_others_at_each_call_and_the_same_after_the_same_seed() -> None:
    layer, x = nn.Dropout(0.5), mg.ones(100)
    mg.manual_seed(1)
    first, second = layer(x).numpy(), layer(x).numpy()
    mg.manual_seed(1)
    again = layer(x).numpy()
    assert same(first, again)
    assert not same(first, second)


def test_dropout_drops_elements_and_not_rows() -> None:
    dropped = nn.Dropout(0.5)(mg.ones(50, 50)).numpy() == 0
    assert dropped.any()
    assert (dropped.sum(0) < 50).all()
    assert (dropped.sum(1) < 50).all()


def test_dropout_of_nothing_and_of_everything() -> None:
    x = leaf(array(100))
    assert nn.Dropout(0)(x) is x
    y = nn.Dropout(1)(x)
    assert not y.detach().numpy().any()
    y.sum().backward()
    assert not x.grad.numpy().any()


def test_dropout_does_nothing_in_evaluation() -> None:
    x = mg.randn(10)
    assert nn.Dropout(0.9).eval()(x) is x
    assert nn.functional.dropout(x, 0.9, training=False) is x


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_dropout_takes_a_probability(p: float) -> None:
    with pytest.raises(ValueError, match=f"p is a probability, between 0 and 1, not {p}"):
        nn.Dropout(p)
    with pytest.raises(ValueError, match=f"p is a probability, between 0 and 1, not {p}"):
        nn.functional.dropout(mg.ones(3), p)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_refuses_integers(training: bool) -> None:
    with pytest.raises(TypeError, match=r"dropout.*x must be floating, not int64; write x.float\(\)"):
        nn.functional.dropout(mg.arange(3), training=training)


# -- CrossEntropyLoss -------------------------------------------------------------------------------------------------


def test_cross_entropy_loss_is_the_mean_of_minus_log_softmax(float64: Any) -> None:
    logits, target = array(7, 4), random(1).integers(0, 4, 7)
    y_hat = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    t = leaf(logits)
    loss = nn.CrossEntropyLoss()(t, mg.tensor(target))
    close(loss, -np.log(y_hat[np.arange(7), target]).mean())
    loss.backward()
    close(t.grad, (y_hat - np.eye(4)[target]) / 7)


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        ([0, 4], IndexError, "label 4 is out of range: 4 classes have the labels 0 ... 3"),
        ([-1, 0], IndexError, "label -1 is out of range"),
        ([0.0, 1.0], TypeError, "target must hold integer class labels, not float32"),
        (
            [0, 1, 2],
            ValueError,
            r"expected logits \(N, C\) and target \(N,\), the class of a row, got \(2, 4\) and \(3,\)",
        ),
        (
            [[1, 0, 0, 0], [0, 1, 0, 0]],
            ValueError,
            "the class of a row, got",
        ),
    ],
)
def test_cross_entropy_loss_names_what_is_wrong_with_the_target(target: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        nn.CrossEntropyLoss()(mg.zeros(2, 4), mg.tensor(target))


# -- against PyTorch --------------------------------------------------------------------------------------------------


@cache
def pytorch() -> dict[str, Any]:
    return load("training")


@pytest.mark.parametrize("name", training.BATCH_NORMS)
def test_batch_norm_agrees_with_pytorch(float64: Any, name: str) -> None:
    ours = training.normalise(mg, name)
    prefix = f"batch norm/{name}/"
    assert [prefix + what for what in ours] == [key for key in pytorch() if key.startswith(prefix)]
    for what, value in ours.items():
        close(value, pytorch()[prefix + what])


def test_a_module_that_refers_to_its_parent_is_walked_once() -> None:
    model = nn.Sequential(nn.Linear(2, 3))
    model[0].parent = model
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias"]
    assert list(model.state_dict()) == ["0.weight", "0.bias"]


def test_labels_in_a_list_are_refused_with_what_was_expected() -> None:
    with pytest.raises(
        ValueError,
        match=r"expected logits \(N, C\) and target \(N,\), the class of a row, got \(2, 3\) and \[0, 1\]",
    ):
        nn.CrossEntropyLoss()(mg.zeros(2, 3), [0, 1])
