"""What users see of devices: where tensors are made, how they move, and what is said where they do not fit together."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend, nn, optim, random
from minigrad.nn import functional as F
from minigrad.op import _fit_for_a_tensor

MADE: dict[str, Callable[..., Any]] = {
    "tensor": lambda **where: mg.tensor([[1.0, 2.0], [3.0, 4.0]], **where),
    "as_tensor": lambda **where: mg.as_tensor([1.0, 2.0], **where),
    "zeros": lambda **where: mg.zeros(2, 3, **where),
    "ones": lambda **where: mg.ones(2, 3, **where),
    "full": lambda **where: mg.full((2, 3), 7.0, **where),
    "empty": lambda **where: mg.empty(2, 3, **where).fill_(0),
    "eye": lambda **where: mg.eye(3, 4, **where),
    "arange": lambda **where: mg.arange(2, 9, 3, **where),
    "linspace": lambda **where: mg.linspace(0, 1, 5, **where),
    "rand": lambda **where: mg.rand(3, 4, **where),
    "randn": lambda **where: mg.randn(3, 7, **where),
    "normal": lambda **where: mg.normal(0.5, 2.0, (3, 7), **where),
    "written": lambda **where: mg.zeros(2, 20, **where).normal_(0.5, 2.0) + mg.zeros(2, 20, **where).uniform_(-1.0),
    "randint": lambda **where: mg.randint(0, 9, (4,), **where),
    "randperm": lambda **where: mg.randperm(7, **where),
    "Tensor": lambda **where: mg.Tensor([1.0], **where),
}


@pytest.fixture
def on_cpu(gpu: Any) -> Any:
    """The GPU is there, but tensors are made on the CPU."""
    mg.set_default_device("cpu")
    return gpu


# -- made -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MADE)
def test_what_makes_tensors_makes_them_on_a_device_with_the_same_numbers(name: str, on_cpu: Any) -> None:
    mg.manual_seed(1)
    here = MADE[name]()
    mg.manual_seed(1)
    there = MADE[name](device="cuda")
    assert (here.device, there.device) == (mg.device("cpu"), mg.device("cuda"))
    assert [there.is_cuda, here.is_cuda] == [True, False]
    assert there.dtype == here.dtype
    assert there.tolist() == here.tolist()


@pytest.mark.parametrize("name", MADE)
def test_the_default_device_is_where_tensors_are_made(name: str, gpu: Any) -> None:
    assert mg.get_default_device() == mg.device("cuda:0")
    assert MADE[name]().is_cuda
    assert not MADE[name](device="cpu").is_cuda


def test_what_is_made_like_another_is_where_that_is(on_cpu: Any) -> None:
    x = mg.ones(2, 3, device="cuda")
    made = [mg.zeros_like(x), mg.ones_like(x), mg.full_like(x, 2.0), mg.rand_like(x), mg.randn_like(x)]
    made += [mg.normal(x, 1.0), mg.normal(1.0, x), mg.normal(x, x[0]), x.bernoulli(), x.multinomial(2)]
    made += [x.new_zeros(4), x.new_ones(()), np.zeros_like(x), np.arange(3, like=x)]
    assert [t.is_cuda for t in made] == [True] * len(made)
    assert x.new_ones(()).shape == ()
    assert not mg.zeros_like(x, device="cpu").is_cuda
    assert not mg.normal(x, 1.0, device="cpu").is_cuda


def test_an_array_of_cupy_stays_on_the_gpu_and_one_of_numpy_goes_to_the_default(gpu: Any) -> None:
    assert mg.tensor(gpu.cupy.ones(2)).is_cuda
    assert mg.tensor(np.ones(2)).is_cuda
    assert not mg.from_numpy(np.ones(2)).is_cuda
    mg.set_default_device("cpu")
    assert mg.tensor(gpu.cupy.ones(2)).is_cuda
    assert not mg.tensor(np.ones(2)).is_cuda
    assert not mg.tensor(gpu.cupy.ones(2), device="cpu").is_cuda


@pytest.mark.parametrize("name", ["mps", "cuda:1", "cuda:00", "gpu", ""])
def test_a_device_that_there_is_not_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f'on the devices "cpu" and "cuda", not on {name!r}'):
        mg.device(name)
    with pytest.raises(TypeError, match='a device is "cpu" or "cuda", not 0'):
        mg.device(0)


def test_a_device_is_equal_to_its_like_and_can_be_a_key() -> None:
    assert mg.device("cuda") == mg.device("cuda:0") == mg.device("cuda", 0) == mg.device(mg.device("cuda"))
    assert mg.device("cpu") != mg.device("cuda")
    assert mg.device("cpu") != "cpu"
    assert {mg.device("cuda"): 1}[mg.device("cuda:0")] == 1
    assert [repr(mg.device(name)) for name in ("cpu", "cuda")] == [
        "device(type='cpu')",
        "device(type='cuda', index=0)",
    ]


# -- moved ------------------------------------------------------------------------------------------------------------


def test_a_gradient_comes_back_to_where_its_leaf_is(on_cpu: Any) -> None:
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    y = (w.cuda() ** 3).sum()
    assert y.is_cuda
    (g,) = mg.grad(y, w, create_graph=True)
    assert not g.is_cuda
    assert g.tolist() == [3, 12]
    (g2,) = mg.grad(g.sum(), w)
    assert (g2.tolist(), g2.is_cuda) == ([6, 12], False)
    (w.to("cuda").cpu() * 2).sum().backward()
    assert (w.grad.tolist(), w.grad.is_cuda) == ([2, 2], False)


def test_to_takes_a_dtype_a_device_both_or_another_tensor(on_cpu: Any) -> None:
    x = mg.tensor([1.0, 2.0])
    assert x.to("cpu") is x
    assert x.cpu() is x
    there = x.to("cuda")
    assert there.to("cuda") is there
    assert there.cuda() is there
    for moved in (x.to("cuda", mg.float64), x.to(mg.float64, "cuda"), x.to(dtype=mg.float64, device="cuda")):
        assert (moved.is_cuda, moved.dtype) == (True, mg.float64)
    assert x.to(moved).is_cuda
    assert x.to("cuda", non_blocking=True).get_device() == x.cuda(0).get_device() == 0
    assert x.get_device() == -1
    with pytest.raises(ValueError, match="not on 'gpu'"):
        x.to("gpu")
    assert x.to(moved).dtype == mg.float64
    assert (mg.device("cuda"), x.to(mg.device("cuda")).device) == (there.device, there.device)


def test_a_module_moves_with_its_buffers_and_gradients_and_stays_the_same_object(on_cpu: Any) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(mg.randn(5, 3)).sum().backward()
    weight = model[0].weight
    assert model.to("cuda") is model
    assert model[0].weight is weight
    tensors = [*model.parameters(), *model.buffers(), weight.grad]
    assert all(t.is_cuda for t in tensors)
    optimizer.step()
    out = model(mg.randn(5, 3, device="cuda"))
    out.sum().backward()
    optimizer.step()
    assert out.is_cuda
    assert not any(t.is_cuda for t in model.cpu().state_dict().values())
    assert model.cuda()[0].weight.is_cuda
    assert model.to(mg.float64)[1].running_mean.dtype == mg.float64
    assert model[1].num_batches_tracked.dtype == mg.int64


def test_a_state_is_loaded_to_where_the_module_is(on_cpu: Any) -> None:
    here, there = nn.Linear(3, 2), nn.Linear(3, 2).cuda()
    there.load_state_dict(here.state_dict())
    assert there.weight.is_cuda
    assert there.weight.tolist() == here.weight.tolist()
    here.load_state_dict(nn.Linear(3, 2).cuda().state_dict())
    assert not here.weight.is_cuda


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_checkpoint_written_on_the_gpu_is_read_on_the_cpu_and_goes_on_alike(
    suffix: str, on_cpu: Any, tmp_path: Path
) -> None:
    def steps(model: Any, optimizer: Any, device: str, n: int) -> None:
        data = np.random.default_rng(0)
        for _ in range(n):
            x, y = (mg.tensor(data.normal(size=shape), mg.float32, device) for shape in [(6, 3), (6, 2)])
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            optimizer.step()

    mg.manual_seed(0)
    model = nn.Linear(3, 2).cuda()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    steps(model, optimizer, "cuda", 3)
    path = tmp_path / f"state.{suffix}"
    mg.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    state = mg.load(path)
    assert not state["model"]["weight"].is_cuda
    for where in ("cuda", mg.device("cuda")):
        assert mg.load(path, map_location=where)["model"]["weight"].is_cuda
    with pytest.raises(ValueError, match="map_location is a device"):
        mg.load(path, map_location=lambda storage, place: storage)
    steps(model, optimizer, "cuda", 3)
    for device in ("cpu", "cuda"):
        again = nn.Linear(3, 2).to(device)
        other = optim.Adam(again.parameters(), lr=0.01)
        again.load_state_dict(state["model"])
        other.load_state_dict(state["optimizer"])
        steps(again, other, device, 3)
        np.testing.assert_allclose(again.weight.tolist(), model.weight.tolist(), rtol=1e-5)


def test_copies_and_pickles_stay_on_the_gpu(on_cpu: Any) -> None:
    model = nn.Linear(2, 2).cuda()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.weight.is_cuda
        assert twin.weight.tolist() == model.weight.tolist()


# -- mixed ------------------------------------------------------------------------------------------------------------

MIXED: dict[str, Callable[[Any, Any], Any]] = {
    "a + b": lambda here, there: here + there,
    "b + a": lambda here, there: there + here,
    "a @ b": lambda here, there: here @ there,
    "np.add": lambda here, there: np.add(there, here),
    "array * tensor": lambda here, there: here.numpy() * there,
    "tensor * array": lambda here, there: there * here.numpy(),
    "cat": lambda here, there: mg.cat([here, there]),
    "where": lambda here, there: mg.where(there > 0, there, here),
    "an index": lambda here, there: there[mg.tensor([0, 1])],
    "an index of the GPU": lambda here, there: here[mg.tensor([0, 1], device="cuda")],
    "an index in a tuple": lambda here, there: there[:, np.array([0, 1])],
    "linear": lambda here, there: F.linear(there, here),
    "cross_entropy": lambda here, there: F.cross_entropy(there, mg.tensor([0, 1])),
    "in place": lambda here, there: there.add_(here),
    "mse_loss": lambda here, there: F.mse_loss(there, here),
    "leaky_relu": lambda here, there: F.leaky_relu(there, here),
    "scatter": lambda here, there: mg.scatter(there, 1, mg.tensor([[1], [0]]), 1.0),
    "gather": lambda here, there: mg.gather(there, 1, mg.tensor([[1], [0]])),
    "repeat_interleave": lambda here, there: mg.repeat_interleave(here, mg.tensor([1, 2], device="cuda"), 0),
    "batch_norm": lambda here, there: F.batch_norm(there, mg.zeros(2), mg.ones(2), training=True),
    "a gradient given": lambda here, there: there.requires_grad_().clone().backward(here),
    "writing at an index": lambda here, there: here.__setitem__(mg.tensor([1], device="cuda"), 1.0),
}


@pytest.mark.parametrize("name", MIXED)
def test_two_devices_never_mix_silently(name: str, on_cpu: Any) -> None:
    here, there = mg.ones(2, 2), mg.ones(2, 2, device="cuda")
    before = there.tolist()
    with pytest.raises(RuntimeError, match=r"cpu.*cuda:0|cuda:0.*cpu"):
        MIXED[name](here, there)
    assert there.tolist() == here.tolist() == before


def test_a_dtype_or_a_number_of_numpy_beside_a_tensor_is_no_array(gpu: Any) -> None:
    x = mg.tensor([2, 0])
    assert x.astype(np.float64).dtype == mg.float64
    assert F.one_hot(x, 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    with pytest.raises(ValueError, match="p is a probability"):
        F.dropout(mg.ones(2), np.float64(2.0))


def test_an_index_that_cupy_would_carry_to_the_gpu_is_refused(on_cpu: Any) -> None:
    """The strict stand-in refuses sooner: this is what is asked of a result of CuPy's."""
    with pytest.raises(ValueError, match="must be on one device"):
        _fit_for_a_tensor(on_cpu.cupy.ones(2), [on_cpu.cupy.ones(3), (np.array([0, 1]),)], False)


def test_an_array_of_cupys_that_comes_first_loads_cupy(on_cpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "gpu_array", backend.NoArray)
    monkeypatch.setattr(backend, "_cupy", None)
    assert mg.tensor(on_cpu.cupy.ones(2)).is_cuda


def test_what_is_on_the_cpu_stays_there_while_the_gpu_is_the_default(gpu: Any) -> None:
    x = mg.tensor([0.3, -0.8], dtype=mg.float64, device="cpu", requires_grad=True)
    assert mg.autograd.gradcheck(lambda x: (x**3).tanh(), (x,))
    assert mg.autograd.gradgradcheck(lambda x: (x**3).tanh(), (x,))
    jacobian = mg.autograd.functional.jacobian(lambda x: x * x, x.detach())
    assert (jacobian.is_cuda, jacobian.tolist()) == (False, [[0.6, 0], [0, -1.6]])
    model = nn.Linear(2, 1).cpu()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert not twin.weight.is_cuda


# -- moved in the middle ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "AdamW"])
def test_an_optimizer_goes_on_after_its_parameters_have_moved(name: str, on_cpu: Any) -> None:
    options = {"lr": 0.1, "momentum": 0.9} if name == "SGD" else {"lr": 0.1}

    def trained(move: bool) -> list[Any]:
        mg.manual_seed(0)
        model = nn.Linear(2, 1)
        optimizer = getattr(optim, name)(model.parameters(), **options)
        for step in range(3):
            if move and step == 1:
                model.cuda()  # with its gradients, but not with what the optimizer keeps
            optimizer.zero_grad()
            model(mg.ones(3, 2, device=model.weight.device)).sum().backward()
            optimizer.step()
        return model.weight.tolist()

    np.testing.assert_allclose(trained(True), trained(False), rtol=1e-6)


def test_a_gradient_on_the_other_device_moves_nothing(on_cpu: Any) -> None:
    p, q = (nn.Parameter(mg.ones(2, device="cuda")) for _ in range(2))
    p.grad, q.grad = mg.ones(2, device="cuda"), mg.ones(2)
    with pytest.raises(RuntimeError, match=r"a parameter is on cuda:0, its gradient on cpu"):
        optim.SGD([p, q], lr=0.1).step()
    assert p.tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"has a \.grad that does not fit"):
        (q * 2).sum().backward()


def test_a_graph_made_before_a_module_moved_fills_its_gradients_where_it_is_now(on_cpu: Any) -> None:
    model = nn.Linear(2, 1)
    out = model(mg.ones(3, 2)).sum()
    model.cuda()
    out.backward()
    assert model.weight.grad.is_cuda
    assert model.weight.grad.tolist() == [[3, 3]]


def test_a_move_for_which_memory_does_not_suffice_moves_nothing(on_cpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, calls = nn.Linear(2, 1), []

    def full(array: Any, upload: Any = on_cpu.cupy.asarray) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError("out of memory")
        return upload(array)

    monkeypatch.setattr(on_cpu.cupy, "asarray", full)
    with pytest.raises(MemoryError):
        model.cuda()
    assert [p.is_cuda for p in model.parameters()] == [False, False]
    with pytest.raises(ValueError, match="not on 'cuda:1'"):
        nn.ReLU().to("cuda:1")


def test_a_gradient_of_the_wrong_device_is_refused_where_it_comes_from(on_cpu: Any) -> None:
    """A hook, a rule that forgets `like=`, a Function that computes on the CPU: none of it is sent over silently."""

    @mg.op(x=lambda g, x: np.ones(x.shape, np.float32))
    def forgets(x):
        return x + 1

    class Elsewhere(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return mg.ones(3)

    class There(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.cuda()

        @staticmethod
        def backward(ctx, g):
            return g.cpu() if ctx is not None else None

    w = mg.ones(3, device="cuda", requires_grad=True)
    for make, message in [
        (lambda: forgets(w), "a local gradient is on cpu, the gradient that it was made from is not.*like=g"),
        (lambda: Elsewhere.apply(w), "number 0 is on cpu, the argument on cuda:0"),
    ]:
        for again in (False, True):
            with pytest.raises(RuntimeError, match=message):
                make().sum().backward(create_graph=again)
    with w.register_hook(lambda g: mg.ones(3)):
        for again in (False, True):
            with pytest.raises(RuntimeError, match=r"what the hook .* returned is on cpu"):
                (w * 2).sum().backward(create_graph=again)
    assert w.grad is None
    here = mg.ones(3, requires_grad=True)
    There.apply(here).sum().backward()
    assert (here.grad.tolist(), here.grad.is_cuda) == ([1, 1, 1], False)


def test_layers_are_reset_where_they_are(on_cpu: Any) -> None:
    x = mg.randn(4, 3, device="cuda")
    for layer in (nn.BatchNorm1d(3), nn.Linear(3, 2), nn.LayerNorm(3), nn.PReLU()):
        mg.manual_seed(0)
        layer.reset_parameters()
        first = {key: value.tolist() for key, value in layer.state_dict().items()}
        layer.cuda()(x).sum().backward()
        mg.manual_seed(0)
        layer.reset_parameters()
        state = layer.state_dict()
        assert all(value.is_cuda for value in state.values())
        assert {key: value.tolist() for key, value in state.items()} == first
        layer(x)


def test_what_is_empty_may_be_written_into(gpu: Any) -> None:
    x = mg.ones(6, 3)
    nothing = x[x[:, 0] > 5]
    nothing /= 2
    nothing.add_(1)
    nothing[...] = 1
    assert nothing.shape == (0, 3)
    layer = nn.Linear(0, 3)
    layer.load_state_dict(layer.state_dict())
    layer(mg.ones(2, 0)).sum().backward()
    optim.SGD(layer.parameters(), lr=1.0).step()
    assert layer.bias.tolist() == [-2, -2, -2]


def test_a_list_stands_beside_a_tensor_wherever_that_is(on_cpu: Any) -> None:
    t = mg.tensor([1.0, 3.0], device="cuda")
    for out, expected in [
        (t * [1.0, 2.0], [1, 6]),
        ([1.0, 2.0] - t, [0, -1]),
        (t @ [1.0, 2.0], 7),
        (mg.where(t > 2, [5.0, 6.0], t), [1, 6]),
        (t == [1.0, 2.0], [True, False]),
        (t.clone().add_([1.0, 1.0]), [2, 4]),
    ]:
        assert (out.tolist(), out.is_cuda) == (expected, True)
    assert mg.equal(t, [1.0, 3.0])


@pytest.mark.parametrize("dtype", [mg.bool, mg.uint8, mg.int8, mg.int16, mg.int32, mg.int64])
def test_small_integers_and_bools_are_scattered_too(dtype: Any, gpu: Any) -> None:
    x, index = mg.zeros(2, 3, dtype=dtype), mg.tensor([[2, 0], [1, 1]])
    ones = mg.ones(2, 2, dtype=dtype)
    assert x.scatter(1, index, 1).long().tolist() == [[1, 0, 1], [0, 1, 0]]
    assert x.scatter_add(1, index, ones).long().tolist() == [[1, 0, 1], [0, 1 if dtype == mg.bool else 2, 0]]
    assert x.clone().scatter_(1, index, ones).dtype == dtype
    assert x.index_add(0, mg.tensor([1, 1]), mg.ones(2, 3, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("index", [1.0, np.float32(1.9), "1", slice(0.5, 2), (0, 1.0)])
def test_an_index_that_is_no_integer_is_refused_as_on_the_cpu(index: Any, gpu: Any) -> None:
    t = mg.zeros(2, 3)
    for call in (lambda: t[index], lambda: t.__setitem__(index, 5)):
        with pytest.raises(IndexError, match="an index is an integer"):
            call()
    with pytest.raises(IndexError, match="an index is an integer"):
        t[mg.tensor(1.7)]
    assert t.tolist() == [[0, 0, 0]] * 2


def test_a_vector_goes_into_parameters_of_its_own_device_or_into_none(on_cpu: Any) -> None:
    here, there = mg.zeros(2, requires_grad=True), mg.zeros(2, device="cuda", requires_grad=True)
    with pytest.raises(RuntimeError, match="vector_to_parameters: all tensors must be on one device"):
        nn.utils.vector_to_parameters(mg.ones(4), [here, there])
    assert here.tolist() == there.tolist() == [0, 0]


def test_bounds_on_two_devices_are_refused(on_cpu: Any) -> None:
    with pytest.raises(RuntimeError, match=r"clip.*all tensors must be on one device"):
        mg.clip(mg.ones(3), mg.zeros(3), mg.ones(3, device="cuda"))


def test_pytorchs_spellings_of_a_move(on_cpu: Any) -> None:
    assert mg.ones(2).cuda(non_blocking=True).is_cuda
    assert nn.Linear(2, 3).to("cuda", non_blocking=True).weight.is_cuda
    assert mg.rand(2, generator=mg.Generator(device="cuda").manual_seed(0), device="cuda").is_cuda
    with pytest.raises(ValueError, match="not on 'mps'"):
        mg.Generator(device="mps")
    with pytest.raises(TypeError, match=r"mg\.stack"):
        mg.tensor([mg.ones((), device="cuda")] * 2)


def test_a_view_whose_elements_share_memory_is_not_written_into(gpu: Any) -> None:
    x = mg.ones(1)
    shared = x.expand((3,))
    for write in (lambda: shared.copy_([1.0, 2.0, 3.0]), lambda: shared.__setitem__(0, 2.0), lambda: shared.add_(1)):
        with pytest.raises(ValueError, match="read-only"):
            write()
    parameter = nn.Parameter(mg.ones(1))
    parameter.data = shared.data
    parameter.grad = mg.ones(3)
    with pytest.raises(ValueError, match="read-only"):
        optim.SGD([parameter], lr=0.1).step()
    assert x.tolist() == [1]


def test_sums_of_float16_do_not_overflow_on_their_way(gpu: Any) -> None:
    mg.manual_seed(0)
    logits, labels = mg.randn(70_000, 3, dtype=mg.float16), mg.randint(0, 3, (70_000,))
    loss = F.cross_entropy(logits, labels)
    assert loss.dtype == mg.float16
    expected = F.cross_entropy(logits.float(), labels).item()
    assert loss.item() == pytest.approx(expected, rel=1e-3)
    assert F.cross_entropy(logits.cpu(), labels.cpu(), mg.ones(3, dtype=mg.float16, device="cpu")).item() == loss.item()
    assert mg.full((5000,), 1.0, dtype=mg.float16).sum().item() == 5000


REDUCTIONS = [
    "sum", "mean", "var", "std", "prod", "amax", "amin", "max", "min", "argmax", "argmin", "any", "all",
    "count_nonzero", "logsumexp", "norm", "nansum", "nanmean",
]  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [0, -1])
def test_the_only_element_of_a_tensor_without_axes_is_reduced_over_its_axis_too(name: str, axis: int, gpu: Any) -> None:
    """As in PyTorch: such a tensor counts as one of one axis."""
    options: dict[str, Any] = {"correction": 0} if name in ("var", "std") else {}
    seen = []
    for device in ("cuda", "cpu"):
        x = mg.tensor(2.0, device=device, requires_grad=True)
        out = getattr(x, name)(dim=axis, **options)
        out = getattr(out, "values", out)
        if out.requires_grad:
            out.backward()
        seen.append((out.shape, out.item(), x.grad.item() if x.grad is not None else None))
        for beyond in (1, -2):
            with pytest.raises(IndexError, match=f"axis {beyond} is out of bounds"):
                getattr(x, name)(dim=beyond)
    assert seen[0] == seen[1]
    assert seen[0][0] == ()


def test_writing_takes_numbers_lists_and_arrays_but_no_tensor_of_another_device(on_cpu: Any) -> None:
    exact = mg.zeros(2, dtype=mg.float64, device="cuda")
    exact[0] = 0.1
    assert (exact.tolist(), exact.fill_(0.3).tolist()) == ([0.1, 0.0], [0.3, 0.3])
    t = mg.zeros(3, device="cuda")
    t[0] = 5
    t[1:] = [6.0, 7.0]
    assert t.tolist() == [5, 6, 7]
    t[:] = np.array([1.0, 2.0, 3.0])
    assert t.tolist() == [1, 2, 3]
    with pytest.raises(RuntimeError, match="on one device"):
        t[:] = mg.zeros(3)
    assert t.tolist() == [1, 2, 3]
    t.copy_(mg.ones(3))  # which says that it copies
    assert t.tolist() == [1, 1, 1]


# -- out of the GPU ---------------------------------------------------------------------------------------------------


def test_numpy_is_not_let_read_a_gpu(on_cpu: Any) -> None:
    t = mg.tensor([[1.5, 2.0]], device="cuda")
    for read in (lambda: t.numpy(), lambda: np.asarray(t), lambda: np.array(t)):
        with pytest.raises(TypeError, match=r"on cuda:0, where NumPy cannot read it: write t\.cpu\(\)\.numpy\(\)"):
            read()
    assert t.cpu().numpy().tolist() == t.tolist() == [[1.5, 2]]
    assert (t[0, 0].item(), float(t[0, 1]), int(t[0, 1]), bool(t[0, 0] > 0), f"{t[0, 0]:.2f}") == (
        1.5,
        2,
        2,
        True,
        "1.50",
    )
    assert ["a", "b", "c"][mg.tensor(1, device="cuda")] == "b"


def test_a_tensor_says_where_it_is(on_cpu: Any) -> None:
    assert repr(mg.tensor([1.0, 2.0], device="cuda")) == "tensor([1., 2.], device='cuda:0')"
    text = repr(mg.tensor([1.0], dtype=mg.float64, device="cuda", requires_grad=True))
    assert text == "tensor([1.], device='cuda:0', dtype=float64, requires_grad=True)"


def test_a_value_overwritten_on_the_gpu_is_noticed(gpu: Any) -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    with mg.no_grad():
        x[0] = 5.0
    with pytest.raises(RuntimeError, match=r"multiply: its . .* was overwritten in place"):
        y.backward()


# -- what a GPU cannot look at without waiting ------------------------------------------------------------------------


def test_a_wrong_label_gives_nan_and_one_to_ignore_does_not_count(gpu: Any) -> None:
    logits = mg.randn(4, 3, requires_grad=True)
    assert math.isnan(F.cross_entropy(logits, mg.tensor([0, 1, 2, 3])).item())
    assert math.isnan(F.cross_entropy(logits, mg.tensor([0, -1, 2, 2])).item())
    some = F.cross_entropy(logits, mg.tensor([0, -100, 2, -100]))
    assert some.item() == pytest.approx(F.cross_entropy(logits[::2], mg.tensor([0, 2])).item(), rel=1e-6)


def test_a_wrong_index_of_an_embedding_gives_nan(gpu: Any) -> None:
    found = F.embedding(mg.tensor([0, 5, -1]), mg.ones(5, 2, requires_grad=True))
    assert np.isnan(found.tolist()).all(1).tolist() == [False, True, True]


def test_positions_out_of_range_raise_on_the_gpu_too(gpu: Any) -> None:
    with pytest.raises(IndexError, match="index 3 is out of range"):
        mg.gather(mg.ones(2, 3), 1, mg.tensor([[3], [0]]))


def test_a_mask_is_the_same_whenever_the_stream_is_and_as_numpy_would_make_it(gpu: Any) -> None:
    like = gpu.cupy.zeros(1)
    mg.manual_seed(5)
    state = mg.get_rng_state()
    first, second = (random.mask((300, 40), 0.7, like).get() for _ in range(2))
    assert first.mean() == pytest.approx(0.7, abs=0.01)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:].ravel(), first[:-1].ravel())[0, 1]) < 0.03
    mg.set_rng_state(state)
    assert (random.mask((300, 40), 0.7, like).get() == first).all()
    seed = mg.Generator().set_state(state).integers(0, 2**32, ())
    places = np.arange(300 * 40, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(seed)
    mixed = (places ^ (places >> 16)) * np.uint32(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> 13)) * np.uint32(0xC2B2AE35)
    assert ((mixed ^ (mixed >> 16)) / 2**32 < 0.7).reshape(300, 40).tolist() == first.tolist()


# -- what else asks where its arguments are ---------------------------------------------------------------------------


def test_what_is_drawn_by_weight_is_where_the_weights_are_and_the_same(on_cpu: Any) -> None:
    draws: list[Any] = [mg.bernoulli, lambda p: mg.multinomial(p, 2), lambda p: mg.multinomial(p, 7, replacement=True)]
    for draw in draws:
        found = []
        for device in ("cpu", "cuda"):
            mg.manual_seed(3)
            found.append(draw(mg.tensor([[0.2, 0.3, 0.5], [0.9, 0.0, 0.1]], device=device)))
        assert [t.is_cuda for t in found] == [False, True]
        assert found[0].tolist() == found[1].tolist()


def test_gradients_are_checked_where_the_tensor_is(on_cpu: Any) -> None:
    @mg.op(x=lambda x: 2.5 * x)
    def wrong_square(x: Any) -> Any:
        return x * x

    x = mg.tensor([0.3, -0.8], dtype=mg.float64, device="cuda", requires_grad=True)
    assert mg.autograd.gradcheck(lambda x: (x**3).tanh(), (x,))
    assert mg.autograd.gradgradcheck(lambda x: (x**3).tanh(), (x,))
    with pytest.raises(AssertionError, match="gradcheck: input 0, element"):
        mg.autograd.gradcheck(wrong_square, (x,))


def test_functions_take_arrays_of_cupy_too(on_cpu: Any) -> None:
    a = on_cpu.cupy.asarray([[1.0, 2.0], [3.0, 4.0]])
    assert mg.stack([a, a]).shape == (2, 2, 2)
    assert mg.max(a, a[::-1]).tolist() == [[3, 4], [3, 4]]
    assert isinstance(mg.linalg.matrix_power(a, 0), on_cpu.cupy.ndarray)
    assert mg.linalg.matrix_power(mg.tensor(a), 0).tolist() == [[1, 0], [0, 1]]
    assert mg.linalg.det(mg.tensor(on_cpu.cupy.ones((0, 0)))).item() == 1
    assert float(F.cross_entropy(a, on_cpu.cupy.asarray([0, 1]))) > 0
    assert math.isnan(float(F.cross_entropy(a, on_cpu.cupy.asarray([0, 2]))))


def test_a_tensor_that_is_there_already_is_left_alone(on_cpu: Any) -> None:
    t = mg.tensor([1.0], device="cuda")
    assert mg.as_tensor(t) is t
    assert mg.as_tensor(t, dtype=mg.float64).is_cuda


# -- the GPU itself ---------------------------------------------------------------------------------------------------


def test_the_gpu_is_asked_under_pytorchs_names(gpu: Any) -> None:
    assert mg.cuda.is_available()
    assert (mg.cuda.device_count(), mg.cuda.current_device(), mg.cuda.why_not_available()) == (1, 0, "")
    assert mg.cuda.get_device_name()
    assert mg.cuda.get_device_name(0) == mg.cuda.get_device_name()
    mg.cuda.synchronize()
    mg.cuda.manual_seed_all(3)
    assert mg.initial_seed() == 3
    free, total = mg.cuda.mem_get_info()
    assert 0 < free <= total
    before = mg.cuda.memory_allocated()
    t = mg.zeros(256, 256)
    assert mg.cuda.memory_allocated() - before >= t.numel() * 4
    assert mg.cuda.memory_reserved() >= mg.cuda.memory_allocated()
    assert "MiB" in mg.cuda.memory_summary()
    del t
    mg.cuda.empty_cache()
    assert mg.cuda.memory_allocated() <= before + 1024
    with pytest.raises(AttributeError, match="the nearest name is 'synchronize'"):
        _ = mg.cuda.syncronize
