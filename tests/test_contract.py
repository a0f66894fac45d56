"""What users can rely on: one test for each row of `docs/contract.md`, named after it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.gpu import conftest as device
from tests.oracle.record import printed_by, recorded_lines

ROOT = Path(__file__).parent.parent
ROWS = re.findall(
    r"^(?:- \*\*(.+?)\.?\*\*|\| (?!where |---)(.+?) \| .* \|$)", (ROOT / "docs/contract.md").read_text(), re.MULTILINE
)
TESTS: dict[str, Callable[[], None]] = {}


def row(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def remember(check: Callable[[], None]) -> Callable[[], None]:
        assert name not in TESTS
        TESTS[name] = check
        return check

    return remember


def leaf(data: Any, dtype: Any = mg.float64) -> Any:
    return mg.tensor(data, dtype=dtype, requires_grad=True)


def slope(function: Any, *data: Any) -> Any:
    """The gradients of the sum of `function` at these points, as lists: one of them alone, several as a tuple."""
    leaves = [leaf(values) for values in data]
    found = tuple(g.tolist() for g in mg.grad(function(*leaves).sum(), leaves))
    return found if len(data) > 1 else found[0]


# -- 1. names ---------------------------------------------------------------------------------------------------------


@row("PyTorch's names mean what they mean in PyTorch")
def _() -> None:
    assert printed_by("minigrad") == recorded_lines()  # what PyTorch printed
    if importlib.util.find_spec("torch"):
        assert printed_by("torch") == recorded_lines()


@row("The random numbers are PyTorch's")
def _() -> None:
    """What PyTorch 2.13 printed. All kinds of numbers, and all layers: `test_random.py` and `test_layers.py`."""
    mg.manual_seed(0)
    assert [round(v, 4) for v in mg.rand(3).tolist()] == [0.4963, 0.7682, 0.0885]
    assert mg.randperm(5).tolist() == [0, 4, 2, 1, 3]
    assert [round(v, 4) for v in nn.Linear(1, 2).weight.flatten().tolist()] == [0.7929, -0.0887]


@row("axis and keepdims, or dim and keepdim")
def _() -> None:
    x = mg.randn(2, 3, dtype=mg.float64)
    for name in ("sum", "mean", "amax", "amin", "prod", "argmax", "logsumexp", "var", "std", "any", "all", "norm"):
        function = getattr(mg, name)
        for ours, theirs in (
            (function(x, axis=1, keepdims=True), function(x, dim=1, keepdim=True)),
            (getattr(x, name)(axis=0), getattr(x, name)(dim=0)),
        ):
            np.testing.assert_array_equal(ours, theirs)
    for name in ("softmax", "log_softmax", "unsqueeze", "cumsum", "flip", "sort", "unbind"):
        ours, theirs = getattr(mg, name)(x, axis=0), getattr(mg, name)(x, dim=0)
        np.testing.assert_array_equal(np.asarray(ours[0]), np.asarray(theirs[0]))


@row("The names at the top")
def _() -> None:
    section = (
        (ROOT / "docs/contract.md").read_text().partition("**The names at the top.**")[2].partition("- **A name")[0]
    )
    named = [name for quoted in re.findall(r"`([^`]+)`", section) for name in quoted.split()]
    assert len(named) > 30
    for name in [*named, "float16", "float32", "float64", "int64", "bool"]:
        thing: Any = mg
        for part in name.removeprefix("mg.").split("."):
            homes = [home for home in (thing, mg.autograd, mg.autograd.functional) if hasattr(home, part)]
            thing = getattr(homes[0], part)


@row("A name that is missing")
def _() -> None:
    for thing, name, nearest in [
        (mg, "softmin", "softmax"),
        (nn, "Linar", "Linear"),
        (nn.functional, "cross_entropie", "cross_entropy"),
        (optim, "Adan", "Adam"),
        (mg.autograd, "gradchek", "gradcheck"),
        (mg.linalg, "cholesk", "cholesky"),
    ]:
        with pytest.raises(AttributeError, match=f"has no '{name}'; the nearest name is '{nearest}'"):
            getattr(thing, name)
    program = "import minigrad as mg; mg.tensor(1.0).arctann"  # of a tensor's attributes it is Python that says so
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stderr
    assert "'Tensor' object has no attribute 'arctann'. Did you mean: 'arctan'?" in shown


# -- 2. dtypes --------------------------------------------------------------------------------------------------------


@row("Python numbers and lists become the default dtype")
def _() -> None:
    assert mg.tensor([1.0, 2.0]).dtype == mg.tensor(1.0).dtype == mg.zeros(2).dtype == mg.float32
    assert mg.tensor(np.ones(2)).dtype == mg.float64
    mg.set_default_dtype(mg.float64)
    try:
        assert mg.tensor([1.0]).dtype == mg.ones(2).dtype == nn.Linear(2, 2).weight.dtype == mg.float64
    finally:
        mg.set_default_dtype(mg.float32)


@row("float32 in, float32 out")
def _() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.1), nn.Linear(4, 2))
    for optimizer in (optim.Adam(model.parameters()), optim.SGD(model.parameters(), lr=0.1, momentum=0.9)):
        loss = nn.CrossEntropyLoss()(model(mg.randn(6, 3)) * np.float64(2) / 3.0, mg.randint(0, 2, (6,)))
        loss.backward()
        optimizer.step()
        state = [value for entry in optimizer.state.values() for value in entry.values()]
        floats = [t for t in (*model.state_dict().values(), *state) if getattr(t, "dtype", mg.int64) != mg.int64]
        assert {t.dtype for t in (loss, *floats, *[p.grad for p in model.parameters()])} == {mg.float32}
    # Each operator by itself: `test_float32_stays_float32` in test_ops.py.


@row("Mixed float32 and float64 promote as in NumPy")
def _() -> None:
    single, double, half = leaf([1.0, 2.0], mg.float32), leaf([3.0, 4.0]), leaf([0.5, 2.0], mg.float16)
    y = single * double + half
    assert y.dtype == mg.float64
    assert (single * half).dtype == np.result_type(np.float32, np.float16)
    assert [g.dtype for g in mg.grad(y.sum(), (single, double, half))] == [mg.float32, mg.float64, mg.float16]
    assert (half * half).exp().sum().dtype == mg.float16


@row("Integers and bools carry data")
def _() -> None:
    labels, mask, x = mg.tensor([1, 0]), mg.tensor([True, False]), leaf([[1.0, 2.0], [3.0, 4.0]])
    assert x[labels].tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert x[mask].tolist() == [[1.0, 2.0]]
    assert nn.functional.cross_entropy(x, labels).requires_grad
    for data, dtype in (([1], "int64"), ([True], "bool"), (np.array([1], np.uint8), "uint8")):
        with pytest.raises(TypeError, match=dtype):
            mg.tensor(data, requires_grad=True)


# -- 3. kinks and edges -----------------------------------------------------------------------------------------------


@row("relu, leaky_relu and abs at 0; clip at its bounds")
def _() -> None:
    assert slope(mg.relu, [-1.0, 0.0, 1.0]) == [0, 0, 1]
    assert slope(lambda x: nn.functional.leaky_relu(x, 0.1), [-1.0, 0.0, 1.0]) == [0.1, 0.1, 1]
    assert slope(mg.abs, [-1.0, 0.0, 1.0]) == [-1, 0, 1]
    assert slope(lambda x: mg.clip(x, -1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0]) == [0, 1, 1, 1, 0]


@row("max and min over everything")
def _() -> None:
    assert slope(mg.max, [[3.0, 1.0], [3.0, 2.0]]) == [[0.5, 0], [0.5, 0]]
    assert slope(mg.min, [3.0, 1.0, 1.0, 1.0]) == [0, 1 / 3, 1 / 3, 1 / 3]


@row("max and min over an axis")
def _() -> None:
    assert slope(lambda x: x.max(1).values, [[3.0, 3.0], [1.0, 2.0]]) == [[1, 0], [0, 1]]
    assert slope(lambda x: x.min(axis=0)[0], [[3.0, 2.0], [3.0, 2.0]]) == [[1, 1], [0, 0]]
    assert slope(lambda x: x.amax(1), [[3.0, 3.0], [1.0, 2.0]]) == [[0.5, 0.5], [0, 1]]


@row("maximum and minimum at a tie")
def _() -> None:
    for function in (mg.maximum, mg.minimum):
        assert slope(function, [1.0], [1.0]) == ([0.5], [0.5])


@row(r"x\*\*y at 0")
@pytest.mark.filterwarnings("ignore")
def _() -> None:
    x_slope, y_slope = slope(mg.power, [0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 0.0])
    assert x_slope == [0, 1, 0, 0]
    assert y_slope[:3] == [0, 0, 0]
    assert slope(lambda x: x**0, [0.0, 2.0]) == [0, 0]


@row("sqrt at 0 and norm at 0")
def _() -> None:
    with np.errstate(divide="ignore"):
        assert slope(mg.sqrt, [0.0]) == [np.inf]
    assert slope(mg.norm, [0.0, 0.0]) == [0, 0]
    at_both = slope(lambda x: mg.norm(x, axis=1), [[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_allclose(at_both, [[0, 0], [0.6, 0.8]], rtol=1e-15)


@row("prod with zeros")
def _() -> None:
    assert slope(mg.prod, [2.0, 0.0, 3.0]) == [0, 6, 0]
    assert slope(mg.prod, [0.0, 0.0, 3.0]) == [0, 0, 0]
    assert slope(lambda x: mg.grad(mg.prod(x), x, create_graph=True)[0], [0.0, 0.0, 3.0]) == [3, 3, 0]


@row("repeated indices")
def _() -> None:
    assert slope(lambda x: x[[0, 0, 2]], [1.0, 2.0, 3.0]) == [2, 0, 1]
    assert slope(lambda x: nn.functional.embedding(mg.tensor([[1, 1], [1, 0]]), x), [[1.0], [2.0]]) == [[1], [3]]
    assert slope(lambda x: mg.gather(x, 0, mg.tensor([2, 2])), [1.0, 2.0, 3.0]) == [0, 0, 2]
    with pytest.raises(IndexError, match="uint8 as an index"):
        mg.ones(3)[mg.tensor([0, 1, 1], dtype=mg.uint8)]


@row("softmax, log_softmax, cross_entropy, logsumexp and binary cross-entropy with logits, far out")
def _() -> None:
    far = [[1e4, -1e4, 0.0]]
    assert mg.softmax(mg.tensor(far)).tolist() == [[1, 0, 0]]
    assert mg.log_softmax(mg.tensor(far)).tolist() == [[0, -2e4, -1e4]]
    assert mg.logsumexp(mg.tensor(far), 1).tolist() == [1e4]
    assert slope(lambda x: mg.logsumexp(x, 1), far) == [[1, 0, 0]]
    assert slope(lambda x: nn.functional.cross_entropy(x, mg.tensor([1])), far) == [[1, -1, 0]]
    with_logits = nn.functional.binary_cross_entropy_with_logits
    assert with_logits(mg.tensor([1e4, -1e4]), mg.tensor([0.0, 0.0]), reduction="none").tolist() == [1e4, 0]
    assert slope(lambda x: with_logits(x, mg.tensor([0.0, 1.0]), reduction="sum"), [1e4, -1e4]) == [1, -1]
    one_left = [[-np.inf, 2.0, -np.inf]]
    assert mg.softmax(mg.tensor(one_left)).tolist() == [[0, 1, 0]]
    assert slope(lambda x: mg.softmax(x)[:, 1], one_left) == [[0, 0, 0]]
    assert slope(lambda x: mg.logsumexp(x, 1), one_left) == [[0, 1, 0]]
    assert slope(lambda x: nn.functional.cross_entropy(x, mg.tensor([1])), one_left) == [[0, 0, 0]]


@row("empty arrays, 0-d arrays, size-1 axes, negative axes, tuples of axes, non-contiguous views")
def _() -> None:
    for shape, axis in [((0, 3), 0), ((), None), ((1, 3), 0), ((2, 3), -1), ((2, 3, 4), (0, -1)), ((2, 0, 3), (0, 2))]:
        x = leaf(np.ones(shape))
        y = (x * 2).sum(axis)
        assert y.shape == np.sum(np.ones(shape), axis).shape
        assert mg.grad(y.sum(), x)[0].tolist() == np.full(shape, 2.0).tolist()
    base = np.arange(12.0).reshape(3, 4)
    for view in (base.T, base[::-1, ::2], base[:, 1], np.broadcast_to(base[0], (2, 4))):
        x = mg.from_numpy(view).requires_grad_()
        assert mg.grad((x * x).sum(), x)[0].tolist() == (2 * view).tolist()
    # Each operator over each of these: the cases of test_ops.py.


# -- 4. semantics -----------------------------------------------------------------------------------------------------


@row("grad accumulates until it is cleared")
def _() -> None:
    w = leaf([1.0, 2.0])
    optimizer = optim.SGD([w], lr=0.1)
    (w * w).sum().backward()
    (w * w).sum().backward()
    assert w.grad.tolist() == [4, 8]
    optimizer.zero_grad()
    assert w.grad is None
    inner = w * 3
    plain = w * 3
    inner.retain_grad()
    (inner * inner + plain).sum().backward()
    assert inner.grad.tolist() == [6, 12]
    assert plain.grad is None


@row("backward of more than one number needs a gradient of its shape")
def _() -> None:
    w = leaf([1.0, 2.0])
    y = w * w
    for gradient, error in ((None, RuntimeError), (mg.ones(3), ValueError)):
        with pytest.raises(error, match=r"shape \(2,\)"):
            y.backward(gradient)
    y.backward(mg.tensor([1.0, 10.0]), retain_graph=True)
    y.backward(mg.tensor([1.0, 10.0]))
    assert w.grad.tolist() == [4, 80]
    with pytest.raises(RuntimeError, match="used already"):
        y.backward(mg.tensor([1.0, 10.0]))


@row("Higher orders")
def _() -> None:
    x = leaf(0.5)
    y = mg.sin(x)
    for _order in range(8):
        (y,) = mg.grad(y, x, create_graph=True)
    assert y.item() == pytest.approx(np.sin(0.5), rel=1e-14)
    # Each operator in second order, or the error that says it has none: test_ops.py.


@row("BatchNorm")
def _() -> None:
    x = mg.tensor([[1.0], [3.0], [8.0]], dtype=mg.float64)
    norm = nn.BatchNorm1d(1, eps=0)
    with pytest.warns(UserWarning, match="before any training"):
        norm.eval()(x)
    norm.train()
    biased, unbiased = np.var([1.0, 3.0, 8.0]), np.var([1.0, 3.0, 8.0], ddof=1)
    np.testing.assert_allclose(norm(x).detach(), (x.numpy() - 4) / np.sqrt(biased), rtol=1e-6)
    np.testing.assert_allclose(norm.running_mean, [0.1 * 4], rtol=1e-6)
    np.testing.assert_allclose(norm.running_var, [0.9 + 0.1 * unbiased], rtol=1e-6)
    expected = (x.numpy() - norm.running_mean.numpy()) / np.sqrt(norm.running_var.numpy())
    np.testing.assert_allclose(norm.eval()(x).detach(), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="more than one value per channel"):
        norm.train()(x[:1])


@row("SGD's momentum is PyTorch's")
def _() -> None:
    for dampening in (0.0, 0.9):
        w = leaf([1.0])
        optimizer = optim.SGD([w], lr=0.1, momentum=0.9, dampening=dampening)
        position, velocity = 1.0, None
        for _step in range(4):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
            g = 2 * position
            velocity = g if velocity is None else 0.9 * velocity + (1 - dampening) * g
            position -= 0.1 * velocity
            assert w.item() == pytest.approx(position, rel=1e-12)


@row("Views share memory, never silently")
def _() -> None:
    base = mg.tensor([1.0, 2.0, 3.0])
    view = base[1:]
    view[0] = 20.0
    assert base.tolist() == [1, 20, 3]
    w = leaf([1.0, 2.0], mg.float32)
    y = (w * view).sum()
    base[2] = 5.0
    with pytest.raises(RuntimeError, match="overwritten"):
        y.backward()
    with pytest.raises(RuntimeError, match="no_grad"):
        w.add_(1)
    assert w.tolist() == [1, 2]
    assert w.grad is None
    total = alias = mg.zeros(2)
    total += w
    assert alias is total
    assert alias.requires_grad
    with pytest.raises(RuntimeError, match="view"):
        view += w


@row("Threads")
def _() -> None:
    def train(seed: int, results: dict[int, Any]) -> None:
        w = leaf(np.random.default_rng(seed).normal(size=3))
        for _step in range(50):
            with mg.no_grad():
                assert not (w * 2).requires_grad
            (g,) = mg.grad(((w - 1) ** 2).sum(), w)
            w = (w - 0.1 * g).detach().requires_grad_()
        results[seed] = w.tolist()

    alone: dict[int, Any] = {}
    together: dict[int, Any] = {}
    for seed in range(4):
        train(seed, alone)
    threads = [threading.Thread(target=train, args=(seed, together)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


@row("The same seed gives the same numbers")
def _() -> None:
    def numbers() -> Any:
        mg.manual_seed(3)
        model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
        loss = model(mg.randn(5, 3)).sum()
        loss.backward()
        return [loss.item(), *[p.grad.tolist() for p in model.parameters()]]

    assert numbers() == numbers()


@row("NumPy and DLPack")
def _() -> None:
    t, w = mg.tensor([1.0, 2.0], dtype=mg.float64), leaf([1.0, 2.0])
    assert np.asarray(t) is t.data or np.shares_memory(np.asarray(t), t.data)
    with pytest.raises(RuntimeError, match=r"\.detach\(\)"):
        np.asarray(w)
    assert slope(lambda w: np.array([3.0, 4.0]) * w, [1.0, 2.0]) == [3, 4]
    assert slope(lambda w: np.float64(2) * w, [1.0, 2.0]) == [2, 2]
    assert slope(np.exp, [0.0]) == [1]
    assert slope(np.sum, [0.0, 1.0]) == [1, 1]
    with pytest.raises(TypeError, match="detach"):
        np.heaviside(w, 0.5)
    array = np.from_dlpack(t)
    array[0] = 7.0
    assert t.tolist() == [7, 2]
    assert np.shares_memory(mg.from_dlpack(array).data, t.data)


# -- 5. errors --------------------------------------------------------------------------------------------------------


@row("An error says what, where and what instead")
def _() -> None:
    for call, words in [
        (lambda: mg.ones(2, 3) + mg.ones(4), ["add", "(2, 3)", "(4,)", "float32"]),
        (lambda: mg.ones(2, 3) @ mg.ones(2, 3), ["matmul", "(2, 3)", "last"]),
        (lambda: nn.Linear(3, 2)(mg.ones(5, 4)), ["linear", "(5, 4)", "(2, 3)"]),
        (lambda: mg.tensor([1]).sigmoid(), ["sigmoid", "int64", "x.float()"]),
        (lambda: nn.functional.cross_entropy(mg.ones(2, 3), mg.tensor([0, 3])), ["cross_entropy", "3", "0 ... 2"]),
        (lambda: mg.stack([mg.ones(2), mg.ones(3)]), ["stack", "(2,)", "(3,)"]),
    ]:
        with pytest.raises((TypeError, ValueError, IndexError)) as caught:
            call()
        assert all(word in str(caught.value) for word in words), caught.value


@row("The type is the one a Python user expects")
def _() -> None:
    w = leaf([1.0, 2.0])
    y = (w * w).sum()
    y.backward()
    for error, call in [
        (TypeError, lambda: mg.ones(2) + "a"),
        (TypeError, lambda: mg.tensor("a")),
        (ValueError, lambda: mg.ones(2).reshape(3)),
        (IndexError, lambda: mg.ones(2)[5]),
        (IndexError, lambda: mg.ones(2).sum(3)),
        (AttributeError, lambda: mg.ones(2).nonsense),
        (RuntimeError, y.backward),
        (RuntimeError, lambda: mg.ones(2).sum().backward()),
    ]:
        with pytest.raises(error):
            call()


@row("Anomaly mode shows your own line")
def _() -> None:
    w = leaf([0.0])
    with warnings.catch_warnings(), mg.autograd.detect_anomaly():
        warnings.simplefilter("ignore")
        y = mg.sqrt(w) * 0
        line = sys._getframe().f_lineno - 1
        with pytest.raises(RuntimeError, match=f"(?s)sqrt.*test_contract.py:{line}"):
            y.backward()
    assert w.grad is None


@row("Bad input changes nothing")
def _() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer = optim.Adam(model.parameters())
    model(mg.randn(4, 3)).sum().backward()
    optimizer.step()

    def everything() -> Any:
        parts = [*model.state_dict().values(), *[p.grad for p in model.parameters()]]
        states = [{k: np.array(v).tolist() for k, v in s.items()} for s in optimizer.state.values()]
        return [t.tolist() for t in parts], states

    two_labels, outside = mg.tensor([0, 1]), mg.tensor([0, 1, 2, 0])
    before = everything()
    for training, mistake, error in [
        (True, lambda: model(mg.randn(4, 5)), ValueError),
        (True, lambda: model(mg.randn(1, 3)), ValueError),
        (True, lambda: model.load_state_dict({"0.weight": mg.ones(2, 2)}), RuntimeError),
        (True, lambda: model[0].weight.add_(1), RuntimeError),
        (False, lambda: model(mg.randn(4, 3)).backward(), RuntimeError),
        (False, lambda: nn.functional.cross_entropy(model(mg.randn(4, 3)), two_labels).backward(), ValueError),
        (False, lambda: nn.functional.cross_entropy(model(mg.randn(4, 3)), outside).backward(), IndexError),
    ]:
        model.train(training)
        with pytest.raises(error):
            mistake()
        assert everything() == before


# -- 6. files ---------------------------------------------------------------------------------------------------------


def trained(steps: int, path: Path | None = None, start: Path | None = None) -> list[Any]:
    """The losses and the weights of a training, saved to `path` in the end, or gone on with from `start`."""
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    first = 0
    if start:
        checkpoint = mg.load(start)
        for name, part in parts.items():
            part.load_state_dict(checkpoint[name])
        mg.set_rng_state(checkpoint["random"])
        first = checkpoint["step"]
    losses = []
    for _ in range(first, steps):
        loss = nn.CrossEntropyLoss()(model(mg.randn(8, 3)), mg.randint(0, 2, (8,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    if path:
        state = {name: part.state_dict() for name, part in parts.items()}
        mg.save({**state, "step": steps, "random": mg.get_rng_state()}, path)
    return [losses, *[p.tolist() for p in model.state_dict().values()]]


@row("Files hold names and numbers")
def _() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("state.npz", "state.safetensors"):
            model, path = nn.Linear(2, 3), Path(folder) / name
            mg.save({"model": model.state_dict(), "step": 7, "names": ["a", ("b", 1.5, None)]}, path)
            back = mg.load(path)
            assert (back["step"], back["names"]) == (7, ["a", ("b", 1.5, None)])
            nn.Linear(2, 3).load_state_dict(back["model"])
            assert back["model"]["weight"].tolist() == model.weight.tolist()
        with pytest.raises(TypeError, match=r"model\.state_dict\(\)"):
            mg.save({"model": model}, path)


@row("A resumed training is the uninterrupted one")
def _() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.npz"
        mg.manual_seed(3)
        whole_losses, *whole = trained(12)
        mg.manual_seed(3)
        first_losses, *_ = trained(5, path)
        mg.manual_seed(99)
        last_losses, *resumed = trained(12, start=path)
    assert first_losses + last_losses == whole_losses
    assert resumed == whole


@row("What was altered is noticed")
def _() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.npz"
        mg.save(nn.Linear(2, 3).state_dict(), path)
        content = path.read_bytes()
        for bad in (b"", content[:-1], content[:200], content[:100] + bytes([content[100] ^ 1]) + content[101:]):
            path.write_bytes(bad)
            with pytest.raises(ValueError, match=r"weights\.npz"):
                mg.load(path)
    # Every byte and every length: `test_serialization.py`.


@row("Writing is atomic")
def _() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.npz"
        mg.save({"step": 1}, path)
        with pytest.raises(TypeError):
            mg.save({"step": 2, "wrong": object()}, path)
        assert mg.load(path) == {"step": 1}
        assert [file.name for file in Path(folder).iterdir()] == ["state.npz"]
    # A killed process: `test_serialization.py`.


# -- 7. devices; every operator and layer is in tests/gpu --------------------------------------------------------------


@row("One word moves it to the GPU")
def _() -> None:
    device.loaded()  # a real GPU, or a stand-in
    mg.manual_seed(0)
    here = nn.Linear(3, 2)
    mg.manual_seed(0)
    there = nn.Linear(3, 2).to("cuda")
    assert there.weight.is_cuda
    assert there.weight.tolist() == here.weight.tolist()
    w = leaf([1.0, 2.0])
    (w.to("cuda") ** 2).sum().backward()
    assert (w.grad.tolist(), w.grad.is_cuda) == ([2, 4], False)


@row("Devices never mix silently")
def _() -> None:
    device.loaded()
    with pytest.raises(RuntimeError, match="some on cpu and some on cuda:0"):
        mg.ones(2) + mg.ones(2, device="cuda")
    with pytest.raises(TypeError, match=r"t\.cpu\(\)\.numpy\(\)"):
        np.asarray(mg.ones(2, device="cuda"))


@row("A training step does not wait for the GPU")
def _() -> None:
    device.loaded()
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).cuda()
    optimizer = optim.Adam(model.parameters())
    x, y = mg.ones(5, 3, device="cuda"), mg.zeros(5, dtype=mg.int64, device="cuda")
    with device.no_waits():
        nn.CrossEntropyLoss()(model(x), y).backward()
        optimizer.step()


@row("Where there is no GPU, the error says why and what to do")
def _() -> None:
    program = "import sys; sys.modules['cupy'] = None; import minigrad as mg; print(mg.cuda.why_not_available())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.startswith("device 'cuda' cannot be used: ")
    assert "CuPy" in said
    assert "pip install 'minigrad-edu[cuda12x]'" in said


# -- the rows and the tests are the same ------------------------------------------------------------------------------


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    assert sorted(first or second for first, second in ROWS) == sorted(TESTS)


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_row(name: str) -> None:
    TESTS[name]()
