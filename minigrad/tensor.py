"""Chapter 5: Tensor, an array that remembers how it was computed.

A tensor is three things: `data`, the array; `node`, its place in a graph if it has one; `grad`, for a leaf, the
gradient that a backward pass left. All arithmetic and most methods are operators, bound here under the names that
PyTorch and NumPy give them; NumPy's own functions, called on a tensor, come to the same operators.

Next: `backend.py`, tensors made from nothing and random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from inspect import signature
from typing import Any

import numpy as np

from minigrad import engine, graph
from minigrad.graph import Node, is_grad_enabled, note_write
from minigrad.op import Op, get_default_dtype, numpy_ops
from minigrad.ops import activation, elementwise, linalg, nn, reduce
from minigrad.ops import shape as shaping  # `shape` is what a tensor has


def reflected(operator: Op) -> Callable[..., Any]:
    """`a + b` where only b is a tensor: Python asks b."""
    return lambda self, other: operator(other, self)


def in_place(operator: Op) -> Callable[..., Any]:
    """`a += b`: into the memory of a outside graphs, a new tensor inside."""

    def method(self: Tensor, other: Any) -> Tensor:
        if is_grad_enabled():
            if self.requires_grad and self.is_leaf:
                where = "a leaf that requires grad: its gradient would be lost. Update it under `with mg.no_grad():`"
                raise RuntimeError(f"in-place {operator.name} on {where}")
            if self.requires_grad or getattr(other, "requires_grad", False):
                return operator(self, other)  # inside a graph, `+=` means `t = t + other`
        result = operator(self.data, other.data if isinstance(other, Tensor) else other)
        if np.shape(result) != self.shape:
            raise ValueError(f"in-place {operator.name}: the result has shape {np.shape(result)}, not {self.shape}")
        np.copyto(self.data, result, casting="same_kind")
        note_write(self.data)
        return self

    return method


class Tensor:
    """An n-dimensional array of numbers that can take part in a computation graph.

    Args:
        data: a number, a (nested) list, an array or a tensor; it is copied.
        dtype: of the elements. None: an array keeps its own, Python floats become the default dtype (float32).
        requires_grad: whether gradients with respect to this tensor are wanted. Floating dtypes only.

    Raises:
        TypeError: `data` is not numeric, or `requires_grad` with a dtype that is not floating.
        ValueError: a nested list whose rows differ in length.

    Attributes:
        data: the array itself. Writing into it goes unnoticed by the graph; `t[...] = value` does not.
        grad: a tensor like this one, or None.

    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> w.grad
    tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "data", "grad", "node")

    data: Any
    node: Node | None
    grad: Tensor | None

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = False) -> None:
        self.data = as_array(data, dtype).copy()
        self.node = None
        self.grad = None
        if requires_grad:
            self.requires_grad_()

    # -- what it is -----------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.data.dtype

    @property
    def ndim(self) -> int:
        return self.data.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self.data.size

    def size(self, axis: int | None = None) -> Any:
        """The shape, or the size of one axis, as in PyTorch. For the number of elements see `numel`."""
        return self.shape if axis is None else self.shape[axis]

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a tensor without axes has no len()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        text = np.array2string(self.data, separator=", ", precision=4, prefix="tensor(")
        if not self.numel() and self.ndim != 1:
            text += f", size={self.shape}"
        if self.dtype not in (get_default_dtype(), np.int64, np.bool_):
            text += f", dtype={self.dtype}"
        if self.node is not None:
            text += f", grad_fn=<{self.node.op.name}>" if self.node.op else ", requires_grad=True"
        return f"tensor({text})"

    # -- its place in a graph -------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor: it has a node."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, requires_grad: bool) -> None:
        self.requires_grad_(requires_grad)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Make this tensor a leaf that collects gradients, or stop it doing so."""
        if not self.is_leaf:
            if not requires_grad:
                raise RuntimeError("only a leaf's requires_grad can be switched off; write t.detach()")
        elif not requires_grad:
            self.node = None
        elif self.dtype.kind != "f":
            raise TypeError(f"only floating tensors can require grad, not {self.dtype}; make it with dtype=mg.float32")
        elif self.node is None:
            self.node = Node.leaf(self)
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no operator computed this tensor, as far as the graph knows."""
        return self.node is None or self.node.op is None

    def detach(self) -> Tensor:
        """The same memory without the graph."""
        return wrap(self.data, None)

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Compute the gradient of this tensor with respect to every leaf it depends on, and add it to their `.grad`.

        Args:
            gradient: upstream gradient of this tensor's shape; may be left out if it has one element (then it is 1).
            retain_graph: keep the graph for another backward pass; None means the same as `create_graph`.
            create_graph: make the gradients part of a graph, so that they can be differentiated.

        Raises:
            RuntimeError: not a single number and no gradient given, no graph, a graph that was used already, or a saved
                value that was overwritten.
            ValueError: the gradient has another shape, or the `.grad` that a leaf has already.
            Nothing has changed then.
        """
        engine.backward(self, gradient, retain_graph, create_graph)

    # -- out of the graph: numbers and arrays ---------------------------------------------------------------------

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self.numel() != 1:
            raise ValueError(f"item() is for tensors of one element; this one has shape {self.shape}, see tolist()")
        return self.data.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self.data.tolist()

    def numpy(self) -> Any:
        """The array itself, not a copy."""
        if self.requires_grad:
            raise RuntimeError("this tensor requires grad and NumPy would lose its graph: write t.detach().numpy()")
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return super().__format__(spec) if self.shape else format(self.item(), spec)

    def __index__(self) -> int:
        return self.data.__index__()

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise ValueError(f"the truth of a tensor of shape {self.shape} is ambiguous; use (t != 0).sum()")
        return bool(self.data)

    # -- arithmetic -----------------------------------------------------------------------------------------------

    __add__ = elementwise.add
    __sub__ = elementwise.subtract
    __mul__ = elementwise.multiply
    __truediv__ = elementwise.divide
    __floordiv__ = elementwise.floor_divide
    __mod__ = elementwise.remainder
    __pow__ = elementwise.power
    __matmul__ = linalg.matmul
    __neg__ = elementwise.negative
    __pos__ = elementwise.clone
    __abs__ = elementwise.abs
    __and__ = elementwise.bitwise_and
    __or__ = elementwise.bitwise_or
    __invert__ = elementwise.invert
    __radd__ = reflected(elementwise.add)
    __rsub__ = reflected(elementwise.subtract)
    __rmul__ = reflected(elementwise.multiply)
    __rtruediv__ = reflected(elementwise.divide)
    __rfloordiv__ = reflected(elementwise.floor_divide)
    __rmod__ = reflected(elementwise.remainder)
    __rpow__ = reflected(elementwise.power)
    __rmatmul__ = reflected(linalg.matmul)
    __rand__ = reflected(elementwise.bitwise_and)
    __ror__ = reflected(elementwise.bitwise_or)
    __eq__ = elementwise.equal
    __ne__ = elementwise.not_equal
    __lt__ = elementwise.less
    __le__ = elementwise.less_equal
    __gt__ = elementwise.greater
    __ge__ = elementwise.greater_equal
    __hash__ = object.__hash__

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    # -- copies and pickles -----------------------------------------------------------------------------------------

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise RuntimeError("only leaves can be copied with deepcopy or pickled: write t.detach()")
        return _restored, (type(self), self.data, self.requires_grad, self.grad)

    # -- in place: allowed only where no graph would be wrong afterwards -----------------------------------------

    __iadd__ = in_place(elementwise.add)
    __isub__ = in_place(elementwise.subtract)
    __imul__ = in_place(elementwise.multiply)
    __itruediv__ = in_place(elementwise.divide)
    __ifloordiv__ = in_place(elementwise.floor_divide)
    __imod__ = in_place(elementwise.remainder)
    __ipow__ = in_place(elementwise.power)

    def __setitem__(self, index: Any, value: Any) -> None:
        if is_grad_enabled() and (self.requires_grad or getattr(value, "requires_grad", False)):
            raise RuntimeError("a tensor in a graph cannot be written into: use mg.where, or `with mg.no_grad():`")
        self.data[without_tensors(index)] = value.data if isinstance(value, Tensor) else value
        note_write(self.data)

    # -- methods; operators and compositions whose first argument is `x` become methods too, below -----------------

    def __getitem__(self, index: Any) -> Tensor:
        return shaping.getitem(self, without_tensors(index))

    def reshape(self, *sizes: Any) -> Tensor:
        """The same elements in another shape: `t.reshape(2, -1)` or `t.reshape((2, -1))`."""
        return shaping.reshape(self, unpacked(sizes))

    def permute(self, *axes: Any) -> Tensor:
        """The axes in another order: `t.permute(1, 0, 2)`."""
        return shaping.permute(self, unpacked(axes))

    def transpose(self, axis0: int, axis1: int) -> Tensor:
        """Two axes exchanged, as in PyTorch. For NumPy's meaning see `permute`, or `np.transpose(t, axes)`."""
        return shaping.swapaxes(self, axis0, axis1)

    def broadcast_to(self, *sizes: Any) -> Tensor:
        """Repeated, without a copy, to a larger shape."""
        return shaping.broadcast_to(self, unpacked(sizes))

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return shaping.permute(self)

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        return shaping.swapaxes(self, -1, -2)

    def float(self) -> Tensor:
        """As float32."""
        return self.astype(np.dtype(np.float32))

    def double(self) -> Tensor:
        """As float64."""
        return self.astype(np.dtype(np.float64))

    def long(self) -> Tensor:
        """As int64."""
        return self.detach().astype(np.dtype(np.int64))

    # -- NumPy's protocols: np.exp(t), array * t, np.sum(t) -------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            what = f"np.{ufunc.__name__}" + (f".{method}" if method != "__call__" else f"({', '.join(kwargs)}=...)")
            raise TypeError(f"{what} does not work on tensors: use an operator of minigrad, or t.detach().numpy()")
        return stand_in(ufunc)(*args)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return stand_in(function)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # Python and NumPy ask for many
            raise AttributeError(name)
        near = get_close_matches(name, dir(Tensor), n=1)
        raise AttributeError(f"Tensor has no {name!r}" + (f"; the nearest name is {near[0]!r}" if near else ""))


def add_methods(functions: Mapping[str, Any]) -> None:
    """Make those of `functions` that begin with an argument `x` methods of Tensor, under their names."""
    for name, function in functions.items():
        if next(iter(signature(function).parameters), None) == "x" and name not in vars(Tensor):
            setattr(Tensor, name, function)


def wrap(data: Any, node: Node | None) -> Tensor:
    """A tensor around an array, which is not copied."""
    tensor = _new(Tensor)
    tensor.data = data if data.__class__ is np.ndarray else np.asarray(data)
    tensor.node = node
    tensor.grad = None
    return tensor


def _restored(kind: type[Tensor], data: Any, requires_grad: bool, grad: Tensor | None) -> Tensor:
    tensor = kind(data, requires_grad=requires_grad)
    tensor.grad = grad
    return tensor


_new = Tensor.__new__

graph.Tensor = Tensor
graph.wrap = wrap
for module in (elementwise, activation, reduce, shaping, linalg, nn):
    add_methods({name: value for name, value in vars(module).items() if isinstance(value, Op)})


def as_array(data: Any, dtype: Any = None) -> Any:
    """A numeric array of `data`; Python floats get the default dtype."""
    if isinstance(data, Tensor):
        data = data.data
    is_array = isinstance(data, np.ndarray | np.generic)
    array = np.asarray(data)
    if dtype is not None and array.dtype.kind in "biuf":  # not sooner: "1", None and 1j would be converted
        array = np.asarray(data, dtype)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"a tensor holds floats, integers or bools, not {array.dtype}: {data!r:.60}")
    if not is_array and dtype is None and array.dtype == np.float64:
        array = array.astype(get_default_dtype())
    return array


def without_tensors(index: Any) -> Any:
    """An index with arrays and numbers in place of tensors."""
    if isinstance(index, Tensor):
        return index.data if index.shape else index.item()
    if isinstance(index, tuple):
        return tuple([without_tensors(part) for part in index])
    if isinstance(index, list):
        return [part.tolist() if isinstance(part, Tensor) else without_tensors(part) for part in index]
    if isinstance(index, slice):
        return slice(*map(without_tensors, (index.start, index.stop, index.step)))
    return index


def unpacked(sizes: tuple[Any, ...]) -> Any:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes


def stand_in(function: Any) -> Callable[..., Any]:
    """The operator that a NumPy function becomes on tensors."""
    try:
        return numpy_ops[function]
    except KeyError:
        name = getattr(function, "__name__", function)
        raise TypeError(
            f"np.{name} is no operator of minigrad. Declare it, as in @mg.op(np.sin, x=lambda x: np.cos(x)), "
            f"or leave the graph: t.detach().numpy()"
        ) from None
