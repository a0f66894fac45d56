"""The numbers of nn: second order, long sequences, unusual inputs, masks; against closed forms and PyTorch."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.oracle import layers
from tests.oracle.training import float64

UNSEEN = "evaluation before any training batch"
WITHOUT_TORCH = "PyTorch is not installed: make test EXTRAS=test,oracle"


def close(ours: Any, expected: Any, tolerance: float = 1e-12) -> None:
    ours, expected = (t.detach().numpy() if isinstance(t, mg.Tensor) else t for t in (ours, expected))
    assert np.shape(ours) == np.shape(expected)
    np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance)


def drawn(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def leaf(data: Any) -> mg.Tensor:
    return mg.tensor(data, requires_grad=True)


# -- second order -----------------------------------------------------------------------------------------------------

Case = tuple[Callable[[Any], Any], list[tuple[int, ...]], dict[str, Any]]
SECOND: dict[str, Case] = {
    "Linear": (lambda nn: nn.Linear(3, 2), [(4, 3)], {}),
    "Bilinear": (lambda nn: nn.Bilinear(2, 3, 2), [(4, 2), (4, 3)], {}),
    "Conv2d": (lambda nn: nn.Conv2d(2, 2, 2, 2, 1, groups=2), [(2, 2, 3, 3)], {}),
    "ConvTranspose1d": (lambda nn: nn.ConvTranspose1d(2, 2, 2, 2), [(2, 2, 3)], {}),
    "BatchNorm1d": (lambda nn: nn.BatchNorm1d(3), [(4, 3)], {}),
    "BatchNorm2d": (lambda nn: nn.BatchNorm2d(2), [(2, 2, 2, 2)], {}),
    "GroupNorm": (lambda nn: nn.GroupNorm(2, 4), [(2, 4, 3)], {}),
    "LayerNorm": (lambda nn: nn.LayerNorm((2, 3)), [(2, 2, 3)], {}),
    "RMSNorm": (lambda nn: nn.RMSNorm(4), [(3, 4)], {}),
    "RNN": (lambda nn: nn.RNN(2, 2, 2, bidirectional=True), [(2, 2, 2)], {}),
    "GRU": (lambda nn: nn.GRU(2, 2), [(3, 2, 2), (1, 2, 2)], {}),
    "LSTM": (lambda nn: nn.LSTM(2, 2, batch_first=True), [(2, 3, 2)], {}),
    "LSTMCell": (lambda nn: nn.LSTMCell(2, 3), [(2, 2)], {}),
    "MultiheadAttention": (lambda nn: nn.MultiheadAttention(4, 2), [(2, 2, 4)] * 3, {}),
    "MultiheadAttention, no weights": (lambda nn: nn.MultiheadAttention(4, 2), [(2, 4)] * 3, {"need_weights": False}),
    "TransformerEncoderLayer": (lambda nn: nn.TransformerEncoderLayer(2, 1, 2, 0.0, "gelu"), [(2, 2, 2)], {}),
}


@pytest.mark.no_cover  # the same lines for each element
@pytest.mark.parametrize("name", SECOND)
def test_second_order_agrees_with_differences_of_first_order(name: str) -> None:
    make, shapes, options = SECOND[name]
    with float64(mg):
        layer = make(nn)
        parameters = dict(layer.named_parameters())

        def function(*tensors: Any) -> Any:
            for path, tensor in zip(parameters, tensors[len(shapes) :], strict=True):
                owner, _, attribute = path.rpartition(".")
                vars(layer.get_submodule(owner))[attribute] = tensor  # a plain tensor, past the check of assignments
            return [out for out in layers.flat(layer(*tensors[: len(shapes)], **options)) if out is not None]

        inputs = [leaf(drawn(*shape, seed=i)) for i, shape in enumerate(shapes)]
        assert mg.autograd.gradgradcheck(function, [*inputs, *[leaf(p.detach()) for p in parameters.values()]])


@pytest.mark.parametrize("name", SECOND)
def test_second_order_agrees_with_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason=WITHOUT_TORCH)
    make, shapes, options = SECOND[name]

    def gradients(fw: Any) -> list[Any]:
        fw.manual_seed(2)
        layer = make(fw.nn)
        inputs = [fw.tensor(drawn(*shape, seed=i), requires_grad=True) for i, shape in enumerate(shapes)]
        outputs = [out for out in layers.flat(layer(*inputs, **options)) if out is not None]
        loss = sum((out * out + out * fw.tensor(drawn(*out.shape))).sum() for out in outputs)
        wanted = [*inputs, *layer.parameters()]
        first = fw.autograd.grad(loss, wanted, create_graph=True)
        second = fw.autograd.grad(sum((g * g).sum() for g in first), wanted)
        return [*outputs, *first, *second]

    attention = torch.nn.attention
    with float64(mg):
        ours = gradients(mg)
    with float64(torch), attention.sdpa_kernel(attention.SDPBackend.MATH):  # the only one with a second order
        theirs = gradients(torch)
    for a, b in zip(ours, theirs, strict=True):
        close(a, b.detach().numpy(), 1e-11)


# -- recurrent layers -------------------------------------------------------------------------------------------------


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def written_out(kind: str, x: Any, h: Any, c: Any, w: dict[str, Any]) -> Any:
    """A recurrent layer as its docstring says it, in NumPy: all outputs."""
    outputs = []
    for x_t in x:
        read = x_t @ w["weight_ih_l0"].T + w["bias_ih_l0"]
        state = h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
        if kind == "RNN":
            h = np.tanh(read + state)
        elif kind == "LSTM":
            i, f, g, o = np.split(read + state, 4, -1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            (r_read, z_read, n_read), (r_state, z_state, n_state) = np.split(read, 3, -1), np.split(state, 3, -1)
            r, z = sigmoid(r_read + r_state), sigmoid(z_read + z_state)
            n = np.tanh(n_read + r * n_state)
            h = (1 - z) * n + z * h
        outputs.append(h)
    return np.stack(outputs)


KINDS = pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])


@KINDS
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
def test_two_hundred_steps_are_what_the_formulas_give(kind: str, dtype: str, tolerance: float) -> None:
    layer = getattr(nn, kind)(3, 4).to(getattr(mg, dtype))
    x, h, c = drawn(200, 2, 3), drawn(1, 2, 4, seed=1), drawn(1, 2, 4, seed=2)
    weights = {name: p.detach().numpy().astype(np.float64) for name, p in layer.named_parameters()}
    tensors = [mg.tensor(a.astype(dtype)) for a in (x, h, c)]
    output, _ = layer(tensors[0], (tensors[1], tensors[2]) if kind == "LSTM" else tensors[1])
    assert output.dtype == dtype
    close(output, written_out(kind, x, h[0], c[0], weights), tolerance)


@KINDS
def test_a_layer_is_its_cell_step_by_step_values_and_gradients(kind: str) -> None:
    with float64(mg):
        layer, cell = getattr(nn, kind)(3, 4), getattr(nn, f"{kind}Cell")(3, 4)
    cell.load_state_dict({name.removesuffix("_l0"): p for name, p in layer.state_dict().items()})
    x = drawn(200, 2, 3)
    whole, steps = leaf(x), leaf(x)
    output, end = layer(whole)
    state, outputs = None, []
    for x_t in steps:
        state = cell(x_t, state)
        outputs.append(state[0] if kind == "LSTM" else state)
    close(output, mg.stack(outputs))
    for a, b in zip(layers.flat(end), layers.flat(state), strict=True):
        close(a[0], b)
    for out in (output, mg.stack(outputs)):
        (out * mg.tensor(drawn(200, 2, 4, seed=3))).sum().backward()
    close(whole.grad, steps.grad)
    for ours, theirs in zip(layer.parameters(), cell.parameters(), strict=True):
        close(ours.grad, theirs.grad, 1e-10)


@KINDS
def test_a_state_passes_from_call_to_call_and_detached_it_cuts_the_gradient(kind: str) -> None:
    with float64(mg):
        layer = getattr(nn, kind)(3, 4, num_layers=2)
    x = leaf(drawn(10, 2, 3))
    whole, _ = layer(x)
    first, state = layer(x[:6])
    second, _ = layer(x[6:], state)
    close(mg.cat([first, second]), whole)
    (through,) = mg.grad(second.sum(), x)
    assert (through[:6].numpy() != 0).any()
    detached = tuple(part.detach() for part in state) if kind == "LSTM" else state.detach()
    second, _ = layer(x[6:], detached)
    close(second, whole[6:])
    (cut,) = mg.grad(second.sum(), x)
    assert not cut[:6].numpy().any()
    close(cut[9], through[9])


@KINDS
def test_one_sequence_is_a_batch_of_one(kind: str) -> None:
    layer, x = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True).eval(), mg.randn(5, 3)
    for ours, batch in zip(layers.flat(layer(x)), layers.flat(layer(x[:, None])), strict=True):
        close(ours, batch[:, 0].detach(), 1e-6)


def test_a_single_layer_warns_of_dropout_that_does_nothing() -> None:
    with pytest.warns(UserWarning, match="LSTM: dropout acts between layers, and there is only one") as caught:
        nn.LSTM(2, 2, dropout=0.5)
    assert caught[0].filename == __file__


# -- unusual inputs ---------------------------------------------------------------------------------------------------


def tensors_for(name: str) -> tuple[Any, list[Any], dict[str, Any]]:
    """A layer of the table of `oracle/layers.py`, the arrays it is called with, and the options of the call."""
    make, shapes, options = layers.LAYERS[name]
    random = np.random.default_rng(0)

    def array(shape: Any) -> Any:
        if isinstance(shape, list):
            return tuple(array(part) for part in shape)
        return random.normal(size=shape) if isinstance(shape, tuple) else shape

    mg.manual_seed(1)
    layer = make(nn, mg.tensor)
    options = {key: mg.tensor(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    return layer, [array(shape) for shape in shapes], options


def scattered(array: Any) -> Any:
    """The same numbers as a view: every other place of a larger array, backwards, its axes in another order."""
    larger = np.zeros([2 * n for n in array.shape[::-1]], array.dtype)
    view = larger[tuple([slice(None, None, -2)] * array.ndim)].T
    view[...] = array
    return view


@pytest.mark.parametrize("name", layers.LAYERS)
def test_it_does_not_matter_how_inputs_lie_in_memory(name: str) -> None:
    with float64(mg):
        found = []
        for laid_out in (np.array, scattered):
            layer, arrays, options = tensors_for(name)

            def tensor(array: Any, laid_out: Any = laid_out) -> Any:
                if isinstance(array, tuple):
                    return tuple(tensor(part) for part in array)
                return mg.from_numpy(laid_out(array)).requires_grad_(array.dtype == np.float64)

            inputs = [tensor(array) for array in arrays]
            outputs = [out for out in layers.flat(layer(*inputs, **options)) if out is not None]
            sum((out * out).sum() for out in outputs).backward()
            gradients = [t.grad for t in (*layers.flat(inputs), *layer.parameters()) if t.grad is not None]
            found.append([t.detach().numpy() for t in (*outputs, *gradients)])
    for plain, other in zip(*found, strict=True):
        close(other, plain)


EMPTY: dict[str, Case] = {
    "Linear": (lambda nn: nn.Linear(3, 4), [(0, 3)], {}),
    "Bilinear": (lambda nn: nn.Bilinear(3, 2, 4), [(0, 3), (0, 2)], {}),
    "PReLU": (lambda nn: nn.PReLU(), [(0, 3)], {}),
    "Dropout": (lambda nn: nn.Dropout(), [(0, 3)], {}),
    "Conv1d": (lambda nn: nn.Conv1d(2, 3, 3), [(0, 2, 5)], {}),
    "Conv2d": (lambda nn: nn.Conv2d(2, 3, 3, padding="same"), [(0, 2, 5, 5)], {}),
    "ConvTranspose2d": (lambda nn: nn.ConvTranspose2d(2, 3, 3), [(0, 2, 5, 5)], {}),
    "BatchNorm1d": (lambda nn: nn.BatchNorm1d(3, track_running_stats=True), [(0, 3)], {}),
    "GroupNorm": (lambda nn: nn.GroupNorm(1, 3), [(0, 3)], {}),
    "LayerNorm": (lambda nn: nn.LayerNorm(3), [(0, 3)], {}),
    "RMSNorm": (lambda nn: nn.RMSNorm(3), [(0, 3)], {}),
    "LSTM": (lambda nn: nn.LSTM(3, 4), [(5, 0, 3)], {}),
    "GRU": (lambda nn: nn.GRU(3, 4, 2, bidirectional=True), [(5, 0, 3)], {}),
    "LSTMCell": (lambda nn: nn.LSTMCell(3, 4), [(0, 3)], {}),
    "MultiheadAttention": (lambda nn: nn.MultiheadAttention(4, 2), [(5, 0, 4)] * 3, {}),
    "MultiheadAttention, no queries": (lambda nn: nn.MultiheadAttention(4, 2), [(0, 2, 4), (3, 2, 4), (3, 2, 4)], {}),
    "TransformerEncoderLayer": (lambda nn: nn.TransformerEncoderLayer(4, 2, 8), [(5, 0, 4)], {}),
    "MaxPool2d": (lambda nn: nn.MaxPool2d(2), [(0, 3, 4, 4)], {}),
    "Flatten": (lambda nn: nn.Flatten(), [(0, 3, 4)], {}),
    "Upsample": (lambda nn: nn.Upsample(2), [(0, 3, 4, 4)], {}),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_batch_gives_an_empty_result_and_gradients_of_zero(name: str) -> None:
    make, shapes, _ = EMPTY[name]
    layer = make(nn)
    if name == "BatchNorm1d":
        layer(mg.randn(4, 3))
        layer.eval()
    inputs = [mg.randn(*shape, requires_grad=True) for shape in shapes]
    outputs = [out for out in layers.flat(layer(*inputs)) if out is not None]
    assert all(out.numel() == 0 for out in outputs)
    sum(out.sum() for out in outputs).backward()
    for tensor in (*inputs, *layer.parameters()):
        assert tensor.grad is None or (tensor.grad.shape == tensor.shape and not tensor.grad.numpy().any())


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_batch_has_the_shapes_of_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch", reason=WITHOUT_TORCH)
    make, shapes, _ = EMPTY[name]

    def found(fw: Any) -> list[Any]:
        outputs = layers.flat(make(fw.nn).eval()(*[fw.zeros(*shape) for shape in shapes]))
        return [tuple(out.shape) for out in outputs if out is not None]

    expected = found(torch)
    with pytest.warns(UserWarning, match=UNSEEN) if name == "BatchNorm1d" else contextlib.nullcontext():
        assert found(mg) == expected


WARNING = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")


@pytest.mark.parametrize("name", [name for name in layers.LAYERS if "Loss" not in name and "untracked" not in name])
def test_float16_in_float16_out_close_to_float32(name: str) -> None:
    found = []
    for dtype in (mg.float16, mg.float32):
        layer, arrays, options = tensors_for(name)
        layer.to(dtype).eval()
        options = {k: v.to(dtype) if getattr(v, "dtype", None) == np.float64 else v for k, v in options.items()}

        def tensor(array: Any, dtype: Any = dtype) -> Any:
            if isinstance(array, tuple):
                return tuple(tensor(part) for part in array)
            return mg.tensor(array.astype(dtype) if array.dtype == np.float64 else array)

        with pytest.warns(UserWarning, match=UNSEEN) if name.startswith(WARNING) else contextlib.nullcontext():
            outputs = layers.flat(layer(*[tensor(array) for array in arrays], **options))
        found.append([out for out in outputs if out is not None])
        assert {out.dtype for out in found[-1]} == {dtype}
    for half, single in zip(*found, strict=True):
        np.testing.assert_allclose(half.detach().numpy(), single.detach().numpy(), rtol=2e-2, atol=2e-2)


DROPPING = {
    "Dropout": lambda: nn.Dropout(0.5),
    "LSTM": lambda: nn.LSTM(4, 4, 2, dropout=0.5),
    "TransformerEncoderLayer": lambda: nn.TransformerEncoderLayer(4, 2, 8, 0.5),
}


@pytest.mark.parametrize("name", DROPPING)
def test_in_evaluation_nothing_is_dropped_and_nothing_drawn(name: str) -> None:
    layer, x = DROPPING[name](), mg.randn(3, 2, 4)
    trained = [layers.flat(layer(x))[0].tolist() for _ in range(2)]
    assert trained[0] != trained[1]
    layer.eval()
    before = mg.get_rng_state().tolist()
    first, second = (layers.flat(layer(x))[0].tolist() for _ in range(2))
    assert first == second
    assert mg.get_rng_state().tolist() == before


# -- in place ---------------------------------------------------------------------------------------------------------

IN_PLACE = ["ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU", "SiLU", "Mish", "Hardtanh", "Hardswish", "Hardsigmoid"]


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_writes_over_the_input_with_the_same_gradient(name: str) -> None:
    x, other = leaf([-0.7, 0.3, 2.0]), leaf([-0.7, 0.3, 2.0])
    plain = getattr(nn, name)()(other * 1)
    plain.sum().backward()
    y = x * 1
    alias = y
    assert getattr(nn, name)(inplace=True)(y) is y
    assert alias.tolist() == plain.tolist()
    y.sum().backward()
    assert x.grad.tolist() == other.grad.tolist()


def test_in_place_outside_a_graph_writes_into_the_memory_of_the_input() -> None:
    array = np.array([-1.0, 2.0])
    x = mg.from_numpy(array)
    assert nn.ReLU(True)(x) is x
    assert nn.Threshold(0.5, -1.0, True)(x[1:]).tolist() == [2]
    assert array.tolist() == [0, 2]
    with mg.no_grad():
        p = nn.Parameter([-1.0, 2.0])
        assert nn.ReLU(True)(p).tolist() == p.tolist() == [0, 2]


def test_in_place_on_a_leaf_that_is_learned_is_refused_and_changes_nothing() -> None:
    p = nn.Parameter([-1.0, 2.0])
    with pytest.raises(RuntimeError, match="in-place relu: the tensor is a leaf that requires grad"):
        nn.ReLU(inplace=True)(p)
    assert p.tolist() == [-1, 2]


def test_in_place_leaves_what_the_graph_had_saved() -> None:
    """exp saves its result, which relu then replaces: PyTorch raises here, our graph still has the right one."""
    x = leaf([-1.0, 2.0])
    y = x.exp()
    nn.ReLU(inplace=True)(y)
    y.sum().backward()
    close(x.grad, np.exp(np.array([-1, 2], np.float32)), 1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_in_place_writes_over_its_input_in_training_alone(training: bool) -> None:
    x = mg.ones(100)
    assert nn.Dropout(0.5, inplace=True).train(training)(x) is x
    assert set(x.tolist()) == ({0.0, 2.0} if training else {1.0})


# -- attention --------------------------------------------------------------------------------------------------------


@pytest.fixture
def attention() -> Any:
    with float64(mg):
        yield nn.MultiheadAttention(4, 2, batch_first=True)


def test_attention_is_what_the_formula_gives(attention: Any) -> None:
    x = drawn(3, 5, 4)
    w = attention.in_proj_weight.detach().numpy().reshape(3, 4, 4)
    q, k, v = [(x @ m.T).reshape(3, 5, 2, 2).swapaxes(1, 2) for m in w]
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(2)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    mixed = (weights @ v).swapaxes(1, 2).reshape(3, 5, 4)
    expected = mixed @ attention.out_proj.weight.detach().numpy().T
    for need_weights in (True, False):
        out, found = attention(*[mg.tensor(x)] * 3, need_weights=need_weights)
        close(out, expected)
    assert found is None
    close(attention(*[mg.tensor(x)] * 3)[1], weights.mean(1))
    close(attention(*[mg.tensor(x)] * 3, average_attn_weights=False)[1], weights)


def test_a_padded_key_is_as_one_that_is_not_there(attention: Any) -> None:
    x, keys = mg.tensor(drawn(2, 3, 4)), mg.tensor(drawn(2, 5, 4, seed=1))
    padding = np.zeros((2, 5), bool)
    padding[:, 3:] = True
    expected, weights = attention(x, keys[:, :3], keys[:, :3])
    for mask in (
        padding,
        mg.tensor(padding),
        np.where(padding, -np.inf, 0.0),
        mg.tensor(np.where(padding, -np.inf, 0.0)),
    ):
        out, found = attention(x, keys, keys, key_padding_mask=mask)
        close(out, expected)
        close(found[..., :3], weights)
        assert not found[..., 3:].detach().numpy().any()
    single, _ = attention(x[0], keys[0], keys[0], key_padding_mask=padding[0])
    close(single, expected[0].detach())


def test_behind_a_causal_mask_no_position_knows_what_comes_later(attention: Any) -> None:
    later = np.triu(np.ones((5, 5), bool), 1)
    x = drawn(2, 5, 4)
    changed = x.copy()
    changed[:, 3:] += 1
    masks = {"plain": later, "for each": np.broadcast_to(later, (4, 5, 5)), "numbers": np.where(later, -np.inf, 0.0)}
    for mask in masks.values():
        before, _ = attention(*[mg.tensor(x)] * 3, attn_mask=mask, is_causal=True)
        behind, _ = attention(*[mg.tensor(changed)] * 3, attn_mask=mask)
        close(before[:, :3], behind[:, :3].detach())
        assert (before[:, 3:] != behind[:, 3:]).all()


def test_a_mask_for_each_batch_and_head_goes_to_its_batch_and_head(attention: Any) -> None:
    mask = np.zeros((2 * 2, 3, 3), bool)
    mask[1 * 2 + 0, 2, 0] = True  # batch 1, head 0: query 2 may not look at key 0
    x = mg.tensor(drawn(2, 3, 4))
    _, weights = attention(x, x, x, attn_mask=mask, average_attn_weights=False)
    assert np.argwhere(weights.detach().numpy() == 0).tolist() == [[1, 0, 2, 0]]


def test_both_masks_together_hide_what_either_hides(attention: Any) -> None:
    padding, later = np.array([[False, False, True]]), np.triu(np.ones((3, 3), bool), 1)
    x = mg.tensor(drawn(1, 3, 4))
    _, weights = attention(x, x, x, key_padding_mask=padding, attn_mask=later)
    assert ((weights.detach().numpy() == 0) == (padding[:, None] | later)).all()


def test_gradients_reach_a_mask_of_numbers() -> None:
    with float64(mg):
        layer = nn.MultiheadAttention(4, 2)
        x = mg.tensor(drawn(3, 1, 4))
        assert mg.autograd.gradcheck(lambda mask: layer(x, x, x, attn_mask=mask)[0], leaf(drawn(3, 3)))


def test_a_query_that_may_look_at_nothing(attention: Any) -> None:
    x, nothing = mg.tensor(drawn(1, 3, 4)), np.ones((1, 3), bool)
    with np.errstate(invalid="ignore"):
        out, _ = attention(x, x, x, key_padding_mask=nothing)
    assert np.isnan(out.detach().numpy()).all()
    out, _ = attention(x, x, x, key_padding_mask=nothing, need_weights=False)
    assert not out.detach().numpy().any()


def test_an_encoder_is_its_layers_one_after_the_other() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.0)
    encoder, x = nn.TransformerEncoder(layer, 3), mg.randn(5, 2, 4)
    with mg.no_grad():
        encoder.layers[1].linear1.weight += 1
    assert encoder.layers[0].linear1.weight.tolist() == layer.linear1.weight.tolist()
    expected = x
    for each in encoder.layers:
        expected = each(expected)
    assert encoder(x).tolist() == expected.tolist()
    assert nn.TransformerEncoder(layer, 0)(x) is x


# -- normalisation ----------------------------------------------------------------------------------------------------


# -- from outside -----------------------------------------------------------------------------------------------------

NORMS = pytest.mark.parametrize("p", [1.0, 2.0, 3.0, math.inf])


def with_gradients() -> list[nn.Parameter]:
    """Three parameters: the second has no gradient."""
    parameters = [nn.Parameter(np.zeros(shape)) for shape in ((2, 3), (4,), (5,))]
    parameters[0].grad, parameters[2].grad = mg.tensor(drawn(2, 3)), mg.tensor(drawn(5, seed=1))
    return parameters


@NORMS
@pytest.mark.parametrize("max_norm", [0.5, 100.0, 0.0, math.inf])
def test_clipping_scales_all_gradients_by_one_factor(p: float, max_norm: float) -> None:
    parameters = with_gradients()
    before = [drawn(2, 3), drawn(5, seed=1)]
    total = np.linalg.norm(np.concatenate([g.ravel() for g in before]), p)
    found = nn.utils.clip_grad_norm_(parameters, max_norm, norm_type=p)
    close(found, total)
    factor = min(1.0, max_norm / (total + 1e-6))
    for parameter, gradient in zip((parameters[0], parameters[2]), before, strict=True):
        close(parameter.grad, gradient * factor)
    assert parameters[1].grad is None


@NORMS
def test_clipping_gives_pytorchs_numbers(p: float) -> None:
    torch = pytest.importorskip("torch", reason=WITHOUT_TORCH)
    ours, theirs = with_gradients(), [torch.nn.Parameter(torch.zeros(shape).double()) for shape in ((2, 3), (4,), (5,))]
    theirs[0].grad, theirs[2].grad = torch.tensor(drawn(2, 3)), torch.tensor(drawn(5, seed=1))
    for max_norm in (2.0, 1.0):
        totals = [fw.nn.utils.clip_grad_norm_(ps, max_norm, p) for fw, ps in ((mg, ours), (torch, theirs))]
        close(totals[0], totals[1].numpy())
        for a, b in zip(ours, theirs, strict=True):
            assert (a.grad is None) == (b.grad is None)
            if a.grad is not None:
                close(a.grad, b.grad.numpy())


def test_clipping_keeps_zeros_and_the_dtype_of_each_gradient_and_takes_one_tensor() -> None:
    zero = nn.Parameter([1.0, 2.0])
    zero.grad = mg.zeros(2)
    assert nn.utils.clip_grad_norm_(zero, 1.0).item() == 0
    assert zero.grad.tolist() == [0, 0]
    single, double = nn.Parameter([1.0]), nn.Parameter(np.ones(1))
    single.grad, double.grad = mg.tensor([3.0]), mg.tensor(np.array([4.0]))
    nn.utils.clip_grad_norm_([single, double], 1.0)
    assert (single.grad.dtype, double.grad.dtype) == (mg.float32, mg.float64)
    close(double.grad, [0.8], 1e-6)
    assert nn.utils.clip_grad_norm_([nn.Parameter([1.0])], 1.0).item() == 0
    assert nn.utils.clip_grad_norm_([], 1.0).shape == ()


def test_a_norm_that_is_no_number_can_raise_and_then_leaves_the_gradients() -> None:
    parameters = with_gradients()
    parameters[2].grad[0] = math.nan
    before = parameters[0].grad.tolist()
    with pytest.raises(RuntimeError, match="clip_grad_norm_: the norm of all gradients is nan; nothing was changed"):
        nn.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    assert parameters[0].grad.tolist() == before
    assert math.isnan(nn.utils.clip_grad_norm_(parameters, 1.0).item())
    assert np.isnan(parameters[0].grad.numpy()).all(), "as in PyTorch"


def test_values_are_clipped_one_by_one() -> None:
    p = nn.Parameter([0.0, 0.0, 0.0])
    p.grad = mg.tensor([-5.0, 0.5, math.nan])
    grad = p.grad
    nn.utils.clip_grad_value_([p, nn.Parameter([1.0])], 1.0)
    assert p.grad is grad
    assert grad.tolist()[:2] == [-1, 0.5]
    assert math.isnan(grad.tolist()[2])


def test_parameters_become_a_vector_and_come_back() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    vector = nn.utils.parameters_to_vector(model.parameters())
    assert vector.tolist() == [x for p in model.parameters() for x in p.reshape(-1).tolist()]
    (vector * vector).sum().backward()
    close(model[0].weight.grad, 2 * model[0].weight.detach().numpy(), 1e-6)
    before = list(model.parameters())
    nn.utils.vector_to_parameters(2 * vector, model.parameters())
    assert all(p is q for p, q in zip(before, model.parameters(), strict=True))
    assert all(p.is_leaf and p.requires_grad for p in before)
    close(nn.utils.parameters_to_vector(model.parameters()), 2 * vector.detach().numpy())


def test_truncated_normal_numbers_are_normal_within_their_bounds() -> None:
    values = nn.init.trunc_normal_(mg.zeros(40_000), 1.0, 2.0, 0.0, 3.0).numpy()
    assert values.min() >= 0
    assert values.max() <= 3
    density = {a: math.exp(-((a - 1) ** 2) / 8) / math.sqrt(2 * math.pi) for a in (0, 3)}
    share = (math.erf(1 / math.sqrt(2)) + math.erf(0.5 / math.sqrt(2))) / 2
    assert abs(values.mean() - (1 + 2 * (density[0] - density[3]) / share)) < 0.02
    with mg.no_grad():
        weight = nn.init.trunc_normal_(nn.Parameter(np.zeros((3, 3))), std=0.02)
    assert np.abs(weight.detach().numpy()).max() < 0.1


def test_truncated_normal_numbers_are_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason=WITHOUT_TORCH)
    mg.manual_seed(3)
    torch.manual_seed(3)
    ours = nn.init.trunc_normal_(mg.zeros(50, 4), 0.5, 2.0, -1.0, 2.5)
    close(ours, torch.nn.init.trunc_normal_(torch.zeros(50, 4), 0.5, 2.0, -1.0, 2.5).numpy(), 1e-6)
    assert mg.rand(1).item() == torch.rand(1).item(), "both have drawn as much"


# -- summary ----------------------------------------------------------------------------------------------------------


def test_a_summary_lists_what_was_called_and_leaves_the_model_as_it_was() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.read = nn.LSTM(3, 4)
            self.norm = nn.BatchNorm1d(4)
            self.unused = nn.Linear(9, 9)
            self.head = nn.Linear(4, 2, bias=False).requires_grad_(False)

        def forward(self, x: Any, scale: Any) -> Any:
            output, _ = self.read(x)
            return self.head(self.norm(output[-1])) * scale

    model = Net()
    model.norm.eval()
    state = {name: t.tolist() for name, t in model.state_dict().items()}
    found = nn.summary(model, (mg.randn(5, 2, 3), mg.ones(1)))
    assert found.rows == [
        ("", "Net", "(2, 2)", 0),
        ("read", "LSTM", "(5, 2, 4), (1, 2, 4), (1, 2, 4)", 144),
        ("norm", "BatchNorm1d", "(2, 4)", 8),
        ("head", "Linear", "(2, 2)", 8),
    ]
    assert (found.total, found.trainable) == (144 + 8 + 90 + 8, 144 + 8 + 90)
    assert repr(found).splitlines()[-1] == "250 parameters, 242 of them trainable"
    assert [module.training for module in model.modules()] == [True, True, False, True, True]
    assert {name: t.tolist() for name, t in model.state_dict().items()} == state


@pytest.mark.parametrize("x", [(1, 64), [1, 64], (np.int64(1), 64), mg.zeros(1, 64)])
def test_a_summary_takes_a_tensor_or_a_shape(x: Any) -> None:
    assert nn.summary(nn.Linear(64, 2), x).rows == [("", "Linear", "(1, 2)", 130)]


def test_a_summary_that_fails_leaves_no_hooks_and_no_mode_behind() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout())
    with pytest.raises(ValueError, match="linear"):
        nn.summary(model, (1, 9))
    assert all(module.training for module in model.modules())
    assert not any(module._hooks and module._hooks.after for module in model.modules())


def test_a_summary_shows_nothing_where_a_module_returns_no_tensor() -> None:
    class Words(nn.Module):
        def forward(self, x: Any) -> str:
            return "words"

    assert nn.summary(Words(), (1,)).rows == [("", "Words", "", 0)]
