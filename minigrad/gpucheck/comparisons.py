"""Part 1: operators and layers on the GPU beside the CPU, and gradients beside finite differences.

Both devices get the same numbers. Compared are the results, the gradients of a weighted sum of them, and the gradients
of a weighted sum of those; for layers also by their parameters, and the buffers. The difference of two arrays is

    max |GPU − CPU| / max(1, max |CPU|)

since sums in another order differ by the rounding of their largest term (Higham, "Accuracy and Stability of Numerical
Algorithms", 2002, section 4.2).

Next: `trainings`, where many operators meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

F = nn.functional
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}

random = np.random.default_rng(0)
A, B, ROW, COLUMN = (random.normal(size=shape) for shape in [(4, 5), (4, 5), (5,), (4, 1)])
POSITIVE = np.abs(A) + 0.5
CUBE, IMAGES, SEQUENCES = (random.normal(size=shape) for shape in [(2, 3, 4), (2, 4, 6, 7), (3, 5, 8)])
SQUARE = random.normal(size=(2, 4, 4)) + 3 * np.eye(4)
REPEATED = np.array([3, 0, 3, 3, 1])
PLACES = random.integers(0, 4, (4, 5))
LABELS = np.array([2, 0, 2, 4])
MASK = A > 0
WIDE, TALL = random.normal(size=(513, 1025)), random.normal(size=(1025, 257))
CROWD = random.integers(0, 7, 20_000)

# Functions and what they are given: floating arrays in each dtype in turn, and differentiated; others as they are.
OPERATORS: dict[str, tuple[Any, ...]] = {
    # elementwise, and broadcasting
    "add": (mg.add, A, ROW),
    "multiply": (mg.mul, COLUMN, ROW),
    "divide": (mg.div, A, POSITIVE),
    "power": (mg.pow, POSITIVE, ROW),
    "exp": (mg.exp, A),
    "log": (mg.log, POSITIVE),
    "sqrt": (mg.sqrt, POSITIVE),
    "sin": (mg.sin, A),
    "tanh": (mg.tanh, A),
    "sigmoid": (mg.sigmoid, A),
    "erf": (mg.erf, A),
    "abs": (mg.abs, A),
    "arctan2": (mg.atan2, A, B),
    "logaddexp": (mg.logaddexp, A, COLUMN),
    "maximum": (mg.maximum, A, B),
    "where": (mg.where, MASK, A, B),
    "clamp": (lambda x: mg.clamp(x, -0.5, 0.7), A),
    "relu": (mg.relu, A),
    "gelu": (F.gelu, A),
    "softplus": (F.softplus, A),
    # reductions
    "sum": (lambda x: x.sum(1), CUBE),
    "mean": (lambda x: x.mean((0, 2), keepdims=True), CUBE),
    "max": (lambda x: x.amax(0), A),
    "prod": (lambda x: x.prod(1), A),
    "var": (lambda x: x.var(), A),
    "norm": (lambda x: mg.norm(x, axis=0), A),
    "cumsum": (lambda x: mg.cumsum(x, 1), A),
    "logsumexp": (lambda x: mg.logsumexp(x, 1), A),
    "softmax": (lambda x: mg.softmax(x, 0), A),
    "log_softmax": (lambda x: mg.log_softmax(x, 1), A),
    # products
    "matmul": (mg.matmul, A, B.T.copy()),
    "matmul of stacks": (mg.matmul, CUBE, CUBE[0].T.copy()),
    "matrix times vector": (mg.matmul, A, ROW),
    "einsum": (lambda x, y, z: mg.einsum("bij,kj,j->bik", x, y, z), CUBE, CUBE[0], CUBE[0, 0]),
    "tensordot": (lambda x, y: mg.tensordot(x, y, 1), CUBE, A),
    # shapes and indices
    "transposed": (lambda x: x.permute(2, 0, 1).reshape(4, 6) * 2, CUBE),
    "cat": (lambda x, y: mg.cat([x, y.flip(0)], 1), A, B),
    "roll, tril": (lambda x: mg.tril(mg.roll(x, 1, 0)), A),
    "slice": (lambda x: x[1:, ::-2], A),
    "repeated index": (lambda x, i: x[i], A, REPEATED),
    "pairs of indices": (lambda x, i: x[i, i], A, REPEATED),
    "mask": (lambda x, m: x.masked_fill(m, 2.0) * x, A, MASK),
    "gather": (lambda x, i: mg.gather(x, 0, i), A, PLACES),
    "scatter_add": (lambda x, i, y: mg.scatter_add(x, 0, i, y), A, PLACES, B),
    "index_add": (lambda x, i, y: mg.index_add(x, 0, i, y), A, REPEATED[:4], B),
    "sort": (lambda x: mg.sort(x, 1)[0], A),
    # linear algebra
    "inverse": (mg.inverse, SQUARE),
    "solve": (mg.linalg.solve, SQUARE, CUBE.swapaxes(1, 2)),
    "det": (mg.det, SQUARE),
    "logdet": (lambda x: mg.logdet(x @ x.mT), SQUARE),
    "cholesky": (lambda x: mg.linalg.cholesky(x @ x.mT), SQUARE),
    # networks
    "cross_entropy": (F.cross_entropy, A, LABELS),
    "binary cross-entropy": (lambda x, y: F.binary_cross_entropy_with_logits(x, y.sigmoid()), A, B),
    "mse_loss": (F.mse_loss, A, B),
    "conv2d": (lambda x, w: F.conv2d(x, w, stride=2, padding=1), IMAGES, random.normal(size=(3, 4, 3, 3))),
    "conv_transpose2d": (lambda x, w: F.conv_transpose2d(x, w, stride=2), IMAGES, random.normal(size=(4, 3, 2, 2))),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1), IMAGES),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2), IMAGES),
    "attention": (F.scaled_dot_product_attention, SEQUENCES, SEQUENCES[:, ::-1].copy(), SEQUENCES + 1),
}
OPERATORS |= {  # of more than one block of threads, and with thousands that add to the same element
    "large sum": (lambda x: (x * x).sum(), WIDE),
    "large sum of rows": (lambda x: (x * x).sum(0), WIDE),
    "large matmul": (mg.matmul, WIDE, TALL),
    "large sort": (lambda x: mg.sort(x, 1)[0], WIDE),
    "crowded index_add": (
        lambda x, i, y: mg.index_add(x, 0, i, y),
        A[:, :3].repeat(2, 0)[:7],
        CROWD,
        TALL[:, :3].repeat(20, 0)[:20_000],
    ),
}
LAYERS: dict[str, tuple[Any, ...]] = {
    "Linear": (lambda: nn.Linear(5, 3), A),
    "Embedding": (lambda: nn.Embedding(4, 3), PLACES),
    "Conv2d": (lambda: nn.Conv2d(4, 6, 3, padding=1, dilation=2, groups=2), IMAGES),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(5), A),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4), IMAGES),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), IMAGES),
    "LayerNorm": (lambda: nn.LayerNorm(8), SEQUENCES),
    "RNN": (lambda: nn.RNN(8, 4), SEQUENCES),
    "GRU": (lambda: nn.GRU(8, 4, bidirectional=True), SEQUENCES),
    "LSTM": (lambda: nn.LSTM(8, 4, num_layers=2, batch_first=True), SEQUENCES),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(8, 2, batch_first=True), *[SEQUENCES] * 3),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), SEQUENCES),
}
# Small ones of different kinds: each element of each input costs two evaluations.
DIFFERENCES = ["tanh", "matmul", "softmax", "logsumexp", "pairs of indices", "cross_entropy", "cumsum", "det"]


def tensors(out: Any) -> list[Any]:
    """All tensors in a result, which may be a tuple of tuples; None, which some layers return beside, is left out."""
    if isinstance(out, tuple | list):
        return [tensor for part in out for tensor in tensors(part)]
    return [] if out is None else [out]


def weighted(outs: list[Any], seed: int) -> Any:
    """The sum of all elements, each with a weight of its own: no two errors cancel."""
    drawn = np.random.default_rng(seed)
    return sum((mg.tensor(drawn.uniform(0.5, 1.5, y.shape), dtype=y.dtype, device=y.device) * y).sum() for y in outs)


def computed(name: str, device: str, dtype: str) -> dict[str, Any]:
    """The results, gradients and second gradients of an operator or a layer on a device, as NumPy's arrays."""
    function, *arrays = (OPERATORS | LAYERS)[name]
    mg.manual_seed(0)
    layer = function().to(np.dtype(dtype), device) if name in LAYERS else None
    inputs = [mg.tensor(a.astype(dtype) if a.dtype.kind == "f" else a, device=device) for a in arrays]
    wanted = [x.requires_grad_() for x in inputs if x.dtype.kind == "f"] + ([*layer.parameters()] if layer else [])
    outs = tensors((layer or function)(*inputs))
    firsts = mg.grad(weighted(outs, 1), wanted, create_graph=True, allow_unused=True)
    of_graph = [g for g in firsts if g is not None and g.requires_grad]
    seconds = mg.grad(weighted(of_graph, 2), wanted, allow_unused=True) if of_graph else []
    found = {"result": outs, "gradient": firsts, "second gradient": seconds}
    found["buffer"] = [*layer.buffers()] if layer else []
    return {
        f"{kind} {i}": tensor.detach().cpu().numpy()
        for kind, group in found.items()
        for i, tensor in enumerate(group)
        if tensor is not None
    }


def difference(ours: Any, theirs: Any) -> float:
    """How far two arrays are apart, as a fraction of the largest element; infinite if they are not alike."""
    if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        return float("inf")
    largest = max(1.0, float(np.abs(theirs).max(initial=0)))
    return float(np.abs(ours - theirs).max(initial=0)) / largest


def attempt(failures: list[str], what: str, tolerance: float, measure: Callable[..., float], *args: Any) -> Any:
    """The difference that `measure` gives. More than the tolerance, nan or an error (then None) is a failure."""
    try:
        found = measure(*args)
    except Exception as error:
        failures.append(f"{what}: {type(error).__name__}: {' '.join(str(error).split()):.300}")
        return None
    if not found <= tolerance:
        failures.append(f"{what}: differs by {found:.2g}, tolerance {tolerance:.2g}")
    return found


def furthest(name: str, dtype: str) -> float:
    """The largest difference between the devices; an AssertionError, which says where, if one side has more arrays."""
    gpu, cpu = (computed(name, device, dtype) for device in ("cuda", "cpu"))
    assert gpu.keys() == cpu.keys(), f"on the GPU {[*gpu]}, on the CPU {[*cpu]}"
    return max([difference(gpu[key], cpu[key]) for key in cpu], key=lambda d: np.nan_to_num(d, nan=np.inf))


def from_differences(name: str) -> float:
    """0 if the gradients on the GPU agree with finite differences there; otherwise an error says where they do not."""
    function, *arrays = OPERATORS[name]
    inputs = [mg.tensor(a, device="cuda", requires_grad=a.dtype.kind == "f") for a in arrays]
    return float(not mg.autograd.gradcheck(function, inputs))


def off_share(p: float = 0.3, n: int = 100_000) -> float:
    """How far the share that dropout keeps is from 1 − p, in standard deviations; infinite if values are wrong.

    A GPU drops other elements than a CPU does, but the same ones again after the same seed.
    """
    x = mg.ones(n, device="cuda", requires_grad=True)
    mg.manual_seed(0)
    first = F.dropout(x, p)
    mg.manual_seed(0)
    again = F.dropout(x, p)
    slope: Any = mg.grad(first.sum(), x)[0]
    out, twice, slope = (t.detach().cpu().numpy() for t in (first, again, slope))
    kept = out != 0
    right = np.array_equal(out, twice) and np.array_equal(out, slope) and np.allclose(out[kept], 1 / (1 - p))
    return abs(float(kept.mean()) - (1 - p)) / float(np.sqrt(p * (1 - p) / n)) if right else float("inf")


def run(quick: bool) -> dict[str, Any]:
    """Compare everything in float32 and, unless it must be quick, in float64."""
    failures: list[str] = []
    found: dict[str, Any] = {"tolerance": TOLERANCE, "difference": {}}
    for dtype in ["float32"] if quick else TOLERANCE:
        found["difference"][dtype] = {
            name: attempt(failures, f"{name}, {dtype}", TOLERANCE[dtype], furthest, name, dtype)
            for name in OPERATORS | LAYERS
        }
    for name in DIFFERENCES:
        attempt(failures, f"{name}, finite differences", 0, from_differences, name)
    found["dropout"] = attempt(failures, "dropout, standard deviations from the share to keep", 4, off_share)
    return {**found, "finite differences": DIFFERENCES, "failures": failures}


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The result in words."""
    for dtype, differences in found["difference"].items():
        yield f"{len(differences)} operators and layers, values and gradients of both orders, {dtype}:"
        yield f"    {most(differences)}, tolerance {found['tolerance'][dtype]:.0e}"
    yield f"beside finite differences, float64: {', '.join(found['finite differences'])}"
    if found["dropout"] is not None:
        yield f"dropout: the share kept is {found['dropout']:.1f} standard deviations off"


def most(differences: dict[str, Any]) -> str:
    """The largest difference, in words."""
    known = {name: d for name, d in differences.items() if d is not None}
    worst = max(known, key=lambda name: np.nan_to_num(known[name], nan=np.inf), default="")
    return f"at most {known[worst]:.1e} apart ({worst})" if known else "none could be compared"
