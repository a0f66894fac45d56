"""What cases are made of: `Case`, `Spec`, and the inputs that many operators share."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
    """How one operator, or one composition of operators, is tested.

    Attributes:
        cases: its calls.
        torch: the same in PyTorch, as `f(torch, *args, **kwargs)`. It gives one tensor.
        numpy: the same in NumPy. None takes the NumPy function that the operator declares it stands for; a composition
            without one is compared with PyTorch alone.
        call: for a composition that takes lists of tensors or gives several: the call in a form that takes tensors and
            gives one tensor. None calls the composition itself.
        constant: for a composition: positions of float arguments through which no gradient flows.
    """

    cases: list[Case]
    torch: Callable[..., Any]
    numpy: Callable[..., Any] | None = None
    call: Callable[..., Any] | None = None
    constant: tuple[int, ...] = ()

    def reference(self, op: Any) -> Callable[..., Any] | None:
        return self.numpy or (op.numpy_functions[0] if isinstance(op, Op) else None)


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
    def reduce(torch: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return getattr(torch, name)(x, () if axis is None else axis, keepdim=keepdims)

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
