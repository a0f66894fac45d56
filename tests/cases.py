"""What every operator is tested with: one `Spec` each, by name. `test_ops.py` generates the tests from this table, and
fails if an operator of the registry is not in it.

A case is the arguments of one call. Its float arrays are differentiated where the operator declares a gradient. All are
float64; the tests derive the float32, non-contiguous and partly tracked variants themselves.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.special

from minigrad.op import Op


@dataclass
class Case:
    """The arguments of one call.

    Attributes:
        args, kwargs: given to the operator.
        kink: at a point where no derivative exists, so that differences say nothing: PyTorch's value decides.
        torch: False where PyTorch does not have this form of the call; the reason is in the name.
        name: what is special about it.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    kink: bool = False
    torch: bool = True
    name: str = ""

    def __str__(self) -> str:
        shapes = ",".join(str(a.shape).replace(" ", "") if hasattr(a, "shape") else repr(a) for a in self.args)
        return f"{self.name or 'plain'}-{shapes}" + "".join(f"-{k}={v}" for k, v in self.kwargs.items())


@dataclass
class Spec:
    """How one operator is tested.

    Attributes:
        cases: its calls.
        torch: the same in PyTorch, as `f(torch, *args, **kwargs)`.
        numpy: the same in NumPy; None takes the NumPy function that the operator declares it stands for.
    """

    cases: list[Case]
    torch: Callable[..., Any]
    numpy: Callable[..., Any] | None = None

    def reference(self, op: Op) -> Callable[..., Any]:
        return self.numpy or op.numpy_functions[0]


def normal(*shape: int, low: float = -2.0, high: float = 2.0) -> Any:
    """Numbers between low and high in random order, all different and none close to 0: no kink, no tie in sight."""
    n = int(np.prod(shape))
    random = np.random.default_rng(zlib.crc32(repr((shape, low, high)).encode()))
    return random.permutation(low + (np.arange(n) + 0.4) * (high - low) / max(n, 1)).reshape(shape)


def positive(*shape: int) -> Any:
    return normal(*shape, low=0.5, high=3.0)


SHAPES = [(), (0,), (1,), (5,), (3, 4), (2, 1, 3), (2, 0, 3)]
BROADCASTS = [
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((4,), (3, 4)),
    ((3, 1), (1, 4)),
    ((2, 1, 3), (4, 1)),
    ((), (3,)),
    ((2, 3), ()),
    ((), ()),
    ((1, 3), (0, 3)),
]


def unary(make: Callable[..., Any] = normal, kinks: list[float] | None = None) -> list[Case]:
    cases = [Case((make(*shape),)) for shape in SHAPES]
    if kinks is not None:
        cases.append(Case((np.array(kinks),), kink=True, name="kinks"))
    return cases


def binary(
    make_x: Callable[..., Any] = normal, make_y: Any = None, kinks: Any = None, scalar: float = 1.7
) -> list[Case]:
    make_y = make_y or (lambda *shape: np.asarray(0.9 * np.flip(make_x(*shape))))
    cases = [Case((make_x(*x), make_y(*y))) for x, y in BROADCASTS]
    cases += [Case((make_x(2, 3), scalar), name="number"), Case((scalar, make_y(2, 3)), name="number")]
    if kinks is not None:
        cases.append(Case(tuple(np.array(kink) for kink in kinks), kink=True, name="kinks"))
    return cases


def reductions(make: Callable[..., Any] = normal, empty: bool = True) -> list[Case]:
    cases = [Case((make(*shape),)) for shape in [(), (1,), (5,), (3, 4)] + ([(0,), (2, 0)] if empty else [])]
    for axis in (0, 1, -1, (0, 2), (-1, 0), (0, 1, 2)):
        cases += [Case((make(2, 3, 4),), {"axis": axis, "keepdims": keepdims}) for keepdims in (False, True)]
    return [*cases, Case((make(2, 1, 3),), {"axis": 1}), Case((make(2, 3),), {"keepdims": True})]


def torch_reduction(name: str) -> Callable[..., Any]:
    def reduce(torch: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axes = tuple(range(x.ndim)) if axis is None else axis
        return getattr(torch, name)(x, axes if x.ndim else 0, keepdim=keepdims)

    return reduce


def torch_extreme(name: str) -> Callable[..., Any]:
    """PyTorch's max over one axis picks one winner; its max over everything, and amax over several axes, share ties."""

    def reduce(torch: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        if axis is None:
            out = getattr(torch, name)(x)
            return out.reshape([1] * x.ndim) if keepdims else out
        if isinstance(axis, tuple):
            return getattr(torch, "a" + name)(x, axis, keepdim=keepdims)
        return getattr(torch, name)(x, axis, keepdim=keepdims).values

    return reduce


def same(name: str) -> Callable[..., Any]:
    """PyTorch's function of that name, for calls in which at least one number may stand beside a tensor."""

    def call(torch: Any, *args: Any) -> Any:
        tensors = [a if isinstance(a, torch.Tensor) else torch.tensor(a, dtype=torch.float64) for a in args]
        return getattr(torch, name)(*tensors)

    return call


def plain(values: Any) -> Any:
    return np.array(values, dtype=float)


inf = np.inf
INFINITE = plain([-inf, -1.0, 0.0, 1.0, inf])
TIES = plain([[1.0, 3.0, 3.0], [3.0, 1.0, 1.0], [1.0, 3.0, 2.0]])  # of largest and smallest, in rows and columns

# -- arithmetic -------------------------------------------------------------------------------------------------------

SPECS: dict[str, Spec] = {
    "add": Spec(binary(), same("add")),
    "subtract": Spec(binary(), same("subtract")),
    "multiply": Spec(binary(), same("multiply")),
    "divide": Spec(binary(make_y=positive), same("divide")),
    "floor_divide": Spec(
        binary(make_y=positive), lambda torch, x, y: torch.floor(torch.as_tensor(x) / torch.as_tensor(y))
    ),
    "remainder": Spec(binary(make_y=positive), same("remainder")),
    "power": Spec(
        [
            *binary(positive, normal),
            *[Case((normal(3, 4), n), name="integer power") for n in (-2, -1, 0, 1, 2, 3, 2.0)],
            Case((plain([0.0, 0.0, 0.0, 0.0, -2.0]), plain([0.0, 1.0, 2.0, 0.5, 2.0])), kink=True, name="kinks"),
            Case(
                (plain([2.0, 0.5]), plain([0.0, 0.0])), torch=False, name="y=0, PyTorch's mixed second derivative is 0"
            ),
            *[Case((plain([0.0, 1.0, -1.0]), n), kink=True, name="kinks") for n in (0, 1, 2, 3)],
            Case((0.0, plain([0.0, 1.0, 2.0])), kink=True, name="kinks"),
            Case((2, normal(3)), name="integer base"),
        ],
        lambda torch, x, y: torch.pow(x, y),
    ),
    "square": Spec(unary(), same("square")),
    "negative": Spec(unary(), same("negative")),
    "clone": Spec(unary(), same("clone")),
    "cast": Spec(
        [Case((normal(*shape), np.dtype(np.float64))) for shape in SHAPES],
        lambda torch, x, dtype: x.to(torch.float64),
        lambda x, dtype: x.astype(dtype),
    ),
    # -- functions --
    "exp": Spec(unary(), same("exp")),
    "log": Spec(unary(positive), same("log")),
    "sqrt": Spec([*unary(positive), Case((plain([0.0, 4.0]),), kink=True, name="kinks")], same("sqrt")),
    "tanh": Spec([*unary(), Case((plain([-1e4, 1e4]),), name="far")], same("tanh")),
    "sigmoid": Spec(
        [*unary(), Case((plain([-1e4, -700, -40, 0, 40, 1e4]),), name="far")], same("sigmoid"), scipy.special.expit
    ),
    "abs": Spec(unary(kinks=[-1.0, 0.0, 2.0]), same("abs")),
    "sign": Spec(unary(kinks=[-1.0, 0.0, 2.0]), same("sign")),
    # -- choices --
    "relu": Spec(unary(kinks=[-1.0, 0.0, 2.0]), same("relu"), lambda x: np.where(x > 0, x, 0)),
    "maximum": Spec(binary(kinks=([1.0, 2.0, 3.0, inf], [2.0, 2.0, 1.0, inf])), same("maximum")),
    "minimum": Spec(binary(kinks=([1.0, 2.0, 3.0, inf], [2.0, 2.0, 1.0, inf])), same("minimum")),
    "clip": Spec(
        [
            *[Case((normal(*shape), -1.0, 0.5)) for shape in SHAPES],
            *[
                Case((plain([-2.0, -1.0, 0.0, 0.5, 3.0]), *bounds), kink=True, name="kinks")
                for bounds in [(-1, 0.5), (-1, None), (None, 0.5)]
            ],
            Case((normal(3, 4), normal(4, low=-3, high=-1), 0.7), name="array bound"),
            Case((normal(3, 4),), {"min": -0.5}),
            Case((normal(3, 4),), {"max": 0.5}),
        ],
        lambda torch, x, min=None, max=None: torch.clamp(
            x, *[b if b is None else torch.as_tensor(b, dtype=torch.float64) for b in (min, max)]
        ),
        lambda x, min=None, max=None: np.minimum(
            np.maximum(x, -inf if min is None else min), inf if max is None else max
        ),
    ),
    "where": Spec(
        [
            *[
                Case((np.asarray(normal(*np.broadcast_shapes(x, y)) > 0), normal(*x), positive(*y)))
                for x, y in BROADCASTS
            ],
            Case((np.array([[True], [False]]), normal(3), positive(2, 1)), name="broadcast condition"),
            Case((np.array([True, False]), normal(2), 1.5), name="number"),
            Case((np.array([True, False]), 1.5, normal(2)), name="number"),
        ],
        lambda torch, c, x, y: torch.where(c, *[torch.as_tensor(v, dtype=torch.float64) for v in (x, y)]),
    ),
}

# -- comparisons and logic: no gradients, so they are here for their values -------------------------------------------

for _name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
    _torch_name = {"equal": "eq", "not_equal": "ne"}.get(_name, _name)
    SPECS[_name] = Spec(
        [*binary(), Case((plain([1.0, 2.0, 3.0]), plain([2.0, 2.0, 2.0])), name="ties")], same(_torch_name)
    )
for _name in ("bitwise_and", "bitwise_or"):
    SPECS[_name] = Spec(
        [Case((np.array([True, True, False, False]), np.array([True, False, True, False])))],
        lambda torch, x, y, _name=_name: getattr(torch, _name)(x, y),
    )
SPECS["invert"] = Spec([Case((np.array([True, False]),))], lambda torch, x: torch.bitwise_not(x))
for _name in ("isnan", "isfinite"):
    SPECS[_name] = Spec([Case((plain([-inf, np.nan, 0.0, 1.0, inf]),))], same(_name))

# -- reductions -------------------------------------------------------------------------------------------------------

_picks = [case for case in reductions(empty=False) if not isinstance(case.kwargs.get("axis"), tuple)]
_ties = [
    *[
        Case((TIES,), {"axis": axis, "keepdims": k}, kink=True, name="ties")
        for axis in (None, 0, 1, -2, (0, 1))
        for k in (False, True)
    ],
    *[Case((plain([[1.0, np.nan], [3.0, 0.0]]),), {"axis": axis}, kink=True, name="nan") for axis in (None, 0, 1)],
]
SPECS |= {
    "sum": Spec(reductions(), torch_reduction("sum")),
    "mean": Spec(reductions(empty=False), torch_reduction("mean")),
    "max": Spec([*reductions(empty=False), *_ties], torch_extreme("max")),
    "min": Spec([*reductions(empty=False), *_ties], torch_extreme("min")),
    "argmax": Spec(_picks, lambda torch, x, axis=None, keepdims=False: torch.argmax(x, axis, keepdim=keepdims)),
    "argmin": Spec(_picks, lambda torch, x, axis=None, keepdims=False: torch.argmin(x, axis, keepdim=keepdims)),
    "logsumexp": Spec(
        [
            *reductions(empty=False),
            Case((plain([[1e4, -1e4, 9999.0], [-inf, 2.0, -inf]]),), {"axis": 1}, kink=True, name="far"),
        ],
        torch_reduction("logsumexp"),
        lambda x, axis=None, keepdims=False: scipy.special.logsumexp(x, axis, keepdims=keepdims),
    ),
}

# -- shape ------------------------------------------------------------------------------------------------------------

_x = normal(3, 4)
_indices: list[tuple[str, Any]] = [
    ("number", 1),
    ("negative number", -1),
    ("numbers", (1, -2)),
    ("slice", slice(1, 3)),
    ("strided slice", (slice(None, None, 2), slice(None, None, -1))),
    ("ellipsis", (..., 0)),
    ("new axis", (None, slice(None), None, 1)),
    ("empty slice", slice(2, 2)),
    ("mask", _x > 0),
    ("row mask", np.array([True, False, True])),
    ("array", np.array([0, 2])),
    ("repeated array", np.array([[1, 1], [1, 2]])),
    ("list", [0, 0, -1]),
    ("pairs", (np.array([0, 1, 1]), np.array([3, 2, 2]))),
    ("broadcast pairs", (np.array([[0], [2]]), np.array([1, 1, 3]))),
    ("array and slice", (slice(1, None), np.array([0, 0, 3]))),
    ("array and number", (np.array([2, 2, 0]), 1)),
    ("empty array", np.array([], dtype=int)),
]
_torch_indices = {"strided slice"}  # PyTorch has no negative steps


def torch_index(torch: Any, index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(torch_index(torch, part) for part in index)
    return torch.as_tensor(index) if isinstance(index, np.ndarray) else index


def numpy_add_at(values: Any, shape: tuple[int, ...], index: Any) -> Any:
    out = np.zeros(shape)
    np.add.at(out, index, values)
    return out


def torch_add_at(torch: Any, values: Any, shape: tuple[int, ...], index: Any) -> Any:
    positions = torch.arange(int(np.prod(shape))).reshape(shape)[torch_index(torch, index)]
    return (
        torch.zeros(int(np.prod(shape)), dtype=values.dtype)
        .index_add(0, positions.reshape(-1), values.reshape(-1))
        .reshape(shape)
    )


SPECS |= {
    "reshape": Spec(
        [
            Case((normal(*old), new))
            for old, new in [
                ((3, 4), (4, 3)),
                ((3, 4), (-1,)),
                ((), (1, 1)),
                ((1, 1), ()),
                ((0, 2), (0,)),
                ((2, 3, 4), (6, -1)),
                ((4,), -1),
            ]
        ],
        lambda torch, x, shape: x.reshape(shape),
    ),
    "permute": Spec(
        [Case((normal(*shape),)) for shape in [(), (3,), (3, 4), (2, 3, 4), (0, 2)]]
        + [Case((normal(2, 3, 4), axes)) for axes in [(1, 2, 0), (2, 0, 1), (0, -1, 1), (-1, 0, -2)]],
        lambda torch, x, axes=None: x.permute(tuple(range(x.ndim))[::-1] if axes is None else axes),
    ),
    "swapaxes": Spec(
        [Case((normal(2, 3, 4), *axes)) for axes in [(0, 1), (0, -1), (-2, -1), (1, 1)]] + [Case((normal(0, 2), 0, 1))],
        lambda torch, x, axis1, axis2: x.swapaxes(axis1, axis2),
    ),
    "squeeze": Spec(
        [Case((normal(*shape),)) for shape in [(), (1,), (2, 1, 3, 1), (3,), (1, 0)]]
        + [Case((normal(1, 2, 1),), {"axis": axis}) for axis in (0, 2, -1, (0, 2), (-1, 0))],
        lambda torch, x, axis=None: x.squeeze() if axis is None else x.squeeze(axis),
    ),
    "unsqueeze": Spec(
        [Case((normal(*shape), axis)) for shape, axis in [((), 0), ((3,), 0), ((3,), -1), ((2, 3), 1), ((0,), 1)]]
        + [Case((normal(2, 3), (0, -1)), torch=False, name="tuple of axes, NumPy only")],
        lambda torch, x, axis: x.unsqueeze(axis),
    ),
    "broadcast_to": Spec(
        [
            Case((normal(*old), new))
            for old, new in [
                ((3,), (2, 3)),
                ((), (2, 3)),
                ((2, 1), (2, 3)),
                ((1, 2, 1), (4, 3, 2, 5)),
                ((1,), (0,)),
                ((3,), (3,)),
            ]
        ],
        lambda torch, x, shape: torch.broadcast_to(x, shape),
    ),
    "concatenate": Spec(
        [
            Case((normal(2, 3), positive(1, 3))),
            Case((normal(2, 3), positive(2, 1), normal(2, 2)), {"axis": 1}),
            Case((normal(2, 3, 2), positive(2, 1, 2)), {"axis": -2}),
            Case((normal(2, 3), positive(2, 1)), {"axis": -1}),
            Case((normal(2, 2, 1), positive(3, 2, 1)), {"axis": -3}),
            Case((normal(3),)),
            Case((normal(0), normal(2), normal(0))),
        ],
        lambda torch, *xs, axis=0: torch.cat(xs, axis),
        lambda *xs, axis=0: np.concatenate(xs, axis),
    ),
    "getitem": Spec(
        [Case((_x, index), name=name, torch=name not in _torch_indices) for name, index in _indices],
        lambda torch, x, index: x[torch_index(torch, index)],
        lambda x, index: x[index],
    ),
    "add_at": Spec(
        [
            Case((normal(*_x[index].shape), (3, 4), index), name=name, torch=name not in _torch_indices)
            for name, index in _indices
        ],
        torch_add_at,
        numpy_add_at,
    ),
}

# -- linear algebra ---------------------------------------------------------------------------------------------------

_matmul_shapes = [
    ((3, 4), (4, 2)),
    ((4,), (4,)),
    ((4,), (4, 2)),
    ((3, 4), (4,)),
    ((2, 3, 4), (4, 2)),
    ((2, 3, 4), (2, 4, 2)),
    ((2, 1, 3, 4), (3, 4, 2)),
    ((3, 4), (2, 4, 2)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 3)),
    ((1, 1), (1, 1)),
    ((3, 0), (0, 2)),
    ((0, 3), (3, 2)),
    ((1, 3, 4), (2, 4, 2)),
]
SPECS["matmul"] = Spec([Case((normal(*x), positive(*y))) for x, y in _matmul_shapes], same("matmul"))

# -- neural networks --------------------------------------------------------------------------------------------------


def numpy_cross_entropy(logits: Any, target: Any) -> Any:
    return -scipy.special.log_softmax(logits, axis=1)[range(len(target)), target].mean()


def numpy_batch_norm(x: Any, weight: Any, bias: Any, eps: float = 1e-5) -> Any:
    axes = (0, *range(2, x.ndim))
    per_channel = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
    x_hat = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    return x_hat * weight.reshape(per_channel) + bias.reshape(per_channel)


_softmax_cases = [
    *[Case((normal(*shape),)) for shape in [(1,), (5,), (3, 4), (2, 3, 4), (0, 3)]],
    *[Case((normal(2, 3, 4),), {"axis": axis}) for axis in (0, 1, -2)],
    Case((plain([[1e4, -1e4, 9999.0], [-inf, 2.0, -inf]]),), kink=True, name="far"),
]
_labels = np.array([2, 0, 2, 1])
SPECS |= {
    "linear": Spec(
        [
            Case((normal(5, 3), normal(2, 3), normal(2))),
            Case((normal(5, 3), normal(2, 3))),
            Case((normal(3), normal(2, 3), normal(2))),
            Case((normal(2, 4, 3), normal(2, 3), normal(2))),
            Case((normal(0, 3), normal(2, 3), normal(2))),
            Case((normal(1, 1), normal(1, 1), normal(1))),
        ],
        lambda torch, x, weight, bias=None: torch.nn.functional.linear(x, weight, bias),
        lambda x, weight, bias=0: np.einsum("...i,oi->...o", x, weight) + bias,
    ),
    "softmax": Spec(
        _softmax_cases,
        lambda torch, x, axis=-1: torch.softmax(x, axis),
        lambda x, axis=-1: scipy.special.softmax(x, axis),
    ),
    "log_softmax": Spec(
        _softmax_cases,
        lambda torch, x, axis=-1: torch.log_softmax(x, axis),
        lambda x, axis=-1: scipy.special.log_softmax(x, axis),
    ),
    "cross_entropy": Spec(
        [
            Case((normal(4, 3), _labels)),
            Case((normal(1, 2), np.array([1]))),
            Case((normal(2, 1), np.array([0, 0]))),
            Case(
                (normal(4, 3).T.copy().T, _labels.astype(np.uint8)), torch=False, name="unsigned labels, not in PyTorch"
            ),
            Case((plain([[1e4, -1e4, 0.0], [-inf, 2.0, -inf]]), np.array([0, 1])), kink=True, name="far"),
            Case((plain([[1e4, -1e4, 0.0]]), np.array([1])), kink=True, name="far and wrong"),
        ],
        lambda torch, logits, target: torch.nn.functional.cross_entropy(logits, target),
        numpy_cross_entropy,
    ),
    "batch_norm": Spec(
        [
            Case((normal(5, 3), positive(3), normal(3))),
            Case((normal(4, 2), positive(2), normal(2), 0.1)),
            Case((normal(3, 2, 4), positive(2), normal(2))),
            Case((normal(2, 3, 2, 2), positive(3), normal(3))),
            Case((normal(2, 1), positive(1), normal(1))),
        ],
        lambda torch, x, weight, bias, eps=1e-5: torch.nn.functional.batch_norm(
            x, None, None, weight, bias, True, eps=eps
        ),
        numpy_batch_norm,
    ),
}


# Every case has a name of its own, under which PyTorch's answers are recorded.
CASES: dict[str, tuple[str, Case]] = {
    f"{op}[{i}-{case}]": (op, case) for op, spec in SPECS.items() for i, case in enumerate(spec.cases)
}
