"""Chapter 5: Tensor, an array that remembers how it was computed.

A tensor is three things: `data`, the array; `node`, its place in a graph if it has one; `grad`, for a leaf, the
gradient that a backward pass left. All arithmetic and most methods are operators, bound here under the names that
PyTorch and NumPy give them; NumPy's own functions, called on a tensor, come to the same operators.

Next: `creation.py`, tensors made from nothing and random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import update_wrapper
from inspect import signature
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from minigrad import engine, graph
from minigrad.backend import (
    APART,
    apart,
    checked_index,
    device_of,
    is_array,
    is_device,
    is_writable,
    library,
    library_of,
    of_cupy,
    on_host,
    put,
    to_numpy,
)
from minigrad.backend import device as place
from minigrad.graph import Node, is_grad_enabled, note_write
from minigrad.op import Op, get_default_dtype, numpy_ops, op
from minigrad.ops import activation, elementwise, linalg, nn, reduce
from minigrad.ops import shape as shaping  # `shape` is what a tensor has


@op(x=lambda g, device, back: move(g, back, device))  # type: ignore[has-type]
def move(x, device, back):  # type: ignore[no-untyped-def]
    """x on a device; `back` is where it was, and where its gradient belongs."""
    return put(x, device)


def reflected(operator: Op) -> Callable[..., Any]:
    """`a + b` where only b is a tensor: Python asks b."""
    return lambda self, other: operator(other, self)


def in_place(operator: Callable[..., Any], of_views: bool = True) -> Callable[..., Any]:
    """`a += b`: into the memory of a outside graphs; inside, a becomes the result: its old value stays saved.

    Where a is a view, what it is a view of would not follow: refused, unless a is in the graph and `of_views`.
    """

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        is_parameter = self.requires_grad and self.is_leaf
        tracked = any(getattr(value, "requires_grad", False) for value in (self, *args, *kwargs.values()))
        if not tracked or is_parameter or not is_grad_enabled():
            return overwrite(self, operator, *args, **kwargs)
        name = operator.__name__
        if self.data.base is not None and not (self.requires_grad and of_views):
            cure = "t = t + ..., or begin with t = t.clone()"
            raise RuntimeError(f"in-place {name}: what this view shows would not follow; write {cure}")
        result = operator(self, *args, **kwargs)
        if result.shape != self.shape:
            raise ValueError(f"in-place {name}: the result has shape {result.shape}, not {self.shape}")
        result = result.to(self.dtype) if self.is_floating_point() else result
        old, self.data, self.node = self.node, result.data, result.node
        if old is not None and self.node is not None:  # after retain_grad() it is the new value whose gradient is kept
            old.tensor, self.node.tensor = None, old.tensor
        return self

    return method


def underscored(operator: Callable[..., Any]) -> Callable[..., Any]:
    """`a.add_(b)`: as `a += b`, but in a graph no view: in `y[0].add_(b)` nobody would see what becomes the result."""
    method = in_place(operator, of_views=False)
    return update_wrapper(method, operator, updated=())  # touching an object's __dict__ makes its attributes slower


def overwrite(tensor: Tensor, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Tensor:
    """Write `function(tensor, ...)` into the memory of the tensor; no graph must notice."""
    name = function.__name__
    if is_grad_enabled() and any(getattr(value, "requires_grad", False) for value in (tensor, *args, *kwargs.values())):
        part = "a leaf that requires grad" if tensor.requires_grad and tensor.is_leaf else "part of a graph"
        part = part if tensor.requires_grad else "given a tensor that is part of a graph"
        anew = f"write t = t.{name}(...) for a new tensor, or " if hasattr(tensor, name) else ""
        cure = anew + "update it under `with mg.no_grad():`"
        raise RuntimeError(f"in-place {name}: the tensor is {part}, and a gradient would be lost; {cure}")
    result = as_array(function(tensor.detach(), *args, **kwargs))
    if np.shape(result) != tensor.shape:
        raise ValueError(f"in-place {name}: the result has shape {np.shape(result)}, not {tensor.shape}")
    if not is_writable(tensor.data):
        raise ValueError(f"in-place {name}: {READ_ONLY}")
    np.copyto(tensor.data, result, casting="same_kind")
    note_write(tensor.data)
    return tensor


class Tensor:
    """An n-dimensional array of numbers that can take part in a computation graph.

    Args:
        data: a number, a (nested) list, an array or a tensor; it is copied.
        dtype: of the elements. None: an array keeps its own, Python floats become the default dtype (float32).
        requires_grad: whether gradients with respect to this tensor are wanted. Floating dtypes only.
        device: where it is to be; None: an array or tensor on the GPU stays there, anything else goes to the default.

    Raises:
        TypeError: `data` is not numeric, or `requires_grad` with a dtype that is not floating.
        ValueError: a nested list whose rows differ in length.
        RuntimeError: "cuda", where there is no GPU.

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

    def __init__(self, data: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> None:
        self.data = placed(data, dtype, device).copy()
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

    @property
    def device(self) -> place:
        """Where the elements are: on the CPU or on the GPU."""
        return device_of(self.data)

    @property
    def is_cuda(self) -> bool:
        """Whether they are on the GPU."""
        return not on_host(self.data)

    def numel(self) -> int:
        """The number of elements."""
        return self.data.size

    def dim(self) -> int:
        """The number of axes, as `ndim`."""
        return self.ndim

    def is_floating_point(self) -> bool:
        """Whether the elements are of a floating dtype: those that can require grad."""
        return self.dtype.kind == "f"

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
        text = np.array2string(to_numpy(self.data), separator=", ", precision=4, prefix="tensor(")
        if "..." in text or (not self.numel() and self.ndim != 1):
            text += f", size={self.shape}"
        if self.is_cuda:
            text += f", device='{self.device}'"
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

    @property
    def grad_fn(self) -> Op | None:
        """The operator that computed this tensor, if it is part of a graph and no leaf."""
        return self.node.op if self.node is not None else None

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
            Nothing has changed then. An error that comes out of a local gradient or a hook leaves every `.grad` as it
            was, too, but without `retain_graph` it uses up the graph.
        """
        engine.backward(self, gradient, retain_graph, create_graph)

    def retain_grad(self) -> None:
        """Have backward passes fill `.grad` of this tensor too, though it is no leaf; of a leaf they always do.

        Raises:
            RuntimeError: the tensor does not require grad.

        >>> w = Tensor(2.0, requires_grad=True)
        >>> square = w * w
        >>> square.retain_grad()
        >>> (3 * square).backward()
        >>> square.grad
        tensor(3.)
        """
        if self.node is None:
            raise RuntimeError("retain_grad: this tensor does not require grad, so no gradient will ever reach it")
        self.node.tensor = ref(self)

    @property
    def retains_grad(self) -> bool:
        """Whether this tensor is no leaf but has been told to `retain_grad()`."""
        return self.node is not None and self.node.op is not None and self.node.tensor is not None

    # -- out of the graph: numbers and arrays ---------------------------------------------------------------------

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self.node is not None and graph.inside_a_rule.get():
            raise RuntimeError("a local gradient must stay in the graph to be differentiated: use mg.cos, not math.cos")
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
        if self.is_cuda:
            cure = "write t.cpu().numpy(), or mg.stack(...) for a tensor of several"
            raise TypeError(f"this tensor is on {self.device}, where NumPy cannot read it: {cure}")
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        if any(stride < 0 for stride in self.data.strides):
            raise BufferError("this tensor runs backwards through memory, which others cannot: write t.clone()")
        if self.requires_grad:
            raise RuntimeError("this tensor requires grad and others would lose its graph: give them t.detach()")
        return self.data.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.data.__dlpack_device__()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return super().__format__(spec) if self.shape else format(self.item(), spec)

    def __index__(self) -> int:
        return to_numpy(self.data).__index__()

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise ValueError(f"the truth of a tensor of shape {self.shape} is ambiguous; write .any() or .all()")
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
    __xor__ = elementwise.bitwise_xor
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
    __rxor__ = reflected(elementwise.bitwise_xor)
    __eq__ = elementwise.eq
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

    def add_(self, other: Any, alpha: Any = 1) -> Tensor:
        """Add α · other: `w.add_(w.grad, alpha=-0.1)` under `no_grad` is a step of gradient descent."""
        return in_place(elementwise.add, False)(self, other if alpha == 1 else alpha * other)

    def sub_(self, other: Any, alpha: Any = 1) -> Tensor:
        """Subtract α · other."""
        return in_place(elementwise.subtract, False)(self, other if alpha == 1 else alpha * other)

    def fill_(self, value: Any) -> Tensor:
        """Overwrite all elements with `value`: a number, or what broadcasts to the shape."""
        return overwrite(self, fill, value)

    def zero_(self) -> Tensor:
        """Overwrite all elements with 0."""
        return self.fill_(0)

    copy_ = fill_

    def __setitem__(self, index: Any, value: Any) -> None:
        if is_grad_enabled() and (self.requires_grad or getattr(value, "requires_grad", False)):
            if (self.requires_grad and self.is_leaf) or self.dtype.kind != "f":
                what = "a leaf that requires grad" if self.requires_grad else f"a tensor of {self.dtype}"
                raise RuntimeError(
                    f"t[...] = value: t is {what}: write t.clone(), use mg.where, or `with mg.no_grad():`"
                )
            in_place(shaping.setitem, False)(self, value, without_tensors(index))
            return
        value = as_array(value) if isinstance(value, Tensor) else put(to_write(value), device_of(self.data))
        index = checked_index(without_tensors(index), self.data)
        parts = index if isinstance(index, tuple) else (index,)
        if not all(map(on_host, (self.data, value, *parts))) and apart([self.data, value, *parts]):
            raise RuntimeError(f"t[...] = value: {APART}")
        if not is_writable(self.data):
            raise ValueError(f"t[...] = value: {READ_ONLY}")
        self.data[index] = value  # whole before anything is written
        note_write(self.data)

    # -- methods; operators and compositions whose first argument is `x` become methods too, below -----------------

    def __getitem__(self, index: Any) -> Tensor:
        return shaping.getitem(self, without_tensors(index))

    def where(self, condition: Any, other: Any) -> Tensor:
        """This tensor where `condition` holds, elsewhere `other`; shapes broadcast."""
        return elementwise.where(condition, self, other)

    def flip(self, *dims: Any, **named: Any) -> Tensor:
        """The elements in reverse order along these axes, or along all: `t.flip(0, 1)` or `t.flip((0, 1))`."""
        return shaping.flip(self, **named) if named else shaping.flip(self, unpacked(dims) or None)

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Two axes exchanged, as in PyTorch. For NumPy's meaning see `permute`, or `np.transpose(t, axes)`."""
        return shaping.swapaxes(self, dim0, dim1)

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return shaping.permute(self)

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        return shaping.swapaxes(self, -1, -2)

    def to(self, *dtype_or_device: Any, dtype: Any = None, device: Any = None, non_blocking: Any = False) -> Tensor:
        """In another dtype, on another device, or both: `t.to(mg.float64)`, `t.to("cuda")`. Itself if it is so already.

        `non_blocking` is accepted for PyTorch's scripts: to the GPU it is always so, from there never.

        Raises:
            RuntimeError: "cuda", where there is no GPU.
        """
        for given in dtype_or_device:
            if is_device(given):
                device = given
            elif isinstance(given, Tensor):
                dtype, device = given.dtype, given.device
            else:
                dtype = given
        moved = self if dtype is None or self.dtype == dtype else elementwise.cast(self, np.dtype(dtype))
        if device is None or library(device) is library(moved.device):
            return moved
        return move(moved, device, moved.device)

    def new_ones(self, *sizes: Any) -> Tensor:
        """All 1, of another shape, but of this dtype and on this device."""
        return wrap(library_of(self.data).ones(unpacked(sizes), self.dtype), None)

    def new_zeros(self, *sizes: Any) -> Tensor:
        """All 0, of another shape, but of this dtype and on this device."""
        return wrap(library_of(self.data).zeros(unpacked(sizes), self.dtype), None)

    def cpu(self) -> Tensor:
        """On the CPU: itself, or a copy from the GPU, which waits until the GPU is done."""
        return self.to("cpu")

    def cuda(self, device: Any = "cuda", non_blocking: Any = False) -> Tensor:
        """On the GPU: itself, or a copy; raises as `to` does."""
        return self.to(place("cuda", device) if isinstance(device, int) else device)

    def get_device(self) -> int:
        """The number of the GPU that it is on; −1 on the CPU."""
        return 0 if self.is_cuda else -1

    def half(self) -> Tensor:
        """As float16."""
        return self.to(np.float16)

    def float(self) -> Tensor:
        """As float32."""
        return self.to(np.float32)

    def double(self) -> Tensor:
        """As float64."""
        return self.to(np.float64)

    def int(self) -> Tensor:
        """As int32."""
        return self.detach().to(np.int32)

    def type(self, dtype: Any) -> Tensor:
        """As `dtype`: `to` by another name of PyTorch's."""
        return self.to(dtype)

    def long(self) -> Tensor:
        """As int64."""
        return self.detach().to(np.int64)

    def bool(self) -> Tensor:
        """Which elements are not 0."""
        return elementwise.not_equal(self, 0)

    # -- NumPy's protocols: np.exp(t), array * t, np.sum(t) -------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        into = kwargs["out"][0] if kwargs.keys() == {"out"} and method == "__call__" else None
        tracked = any(getattr(value, "requires_grad", False) for value in args)
        if is_array(into) and into is args[0] and not tracked:  # w.data -= lr * w.grad
            return overwrite(wrap(into, None), stand_in(ufunc), *args[1:]).data
        if method != "__call__" or kwargs:
            what = f"np.{ufunc.__name__}" + (f".{method}" if method != "__call__" else f"({', '.join(kwargs)}=...)")
            raise TypeError(f"{what} does not work on tensors: use an operator of minigrad, or t.detach().numpy()")
        return stand_in(ufunc)(*args)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in MAKERS and not any(isinstance(value, Tensor) for value in args):
            return wrap(function(*args, **kwargs, like=self.data), None)
        return stand_in(function)(*args, **kwargs)

    if TYPE_CHECKING:  # the methods that `add_methods` adds; at run time it would slow every attribute

        def __getattr__(self, name: str) -> Any: ...


def fill(x: Any, value: Any) -> Any:
    """`value` in the shape of x, and where x is."""
    return np.broadcast_to(put(to_write(value), x.device), x.shape)


def add_methods(functions: Mapping[str, Any]) -> None:
    """Make those of `functions` that begin with an argument `x` methods of Tensor, under their names.

    Where the only other argument is a tuple of sizes or axes, `t.reshape(2, -1)` and `t.reshape((2, -1))` both work.
    """
    for name, function in functions.items():
        parameters = tuple(signature(function).parameters)
        if parameters[:1] == ("x",) and name not in vars(Tensor):
            setattr(Tensor, name, unpacking(function) if parameters[1:] in UNPACKED else function)


# NumPy's functions that make an array, like a tensor if that is given as `like=`: without a place in its graph.
MAKERS = {np.arange, np.array, np.asarray, np.empty, np.identity, np.tri, np.zeros}

READ_ONLY = "the tensor is read-only, as what `expand` gives: one element in many places; write into t.clone()"

UNPACKED = [("shape",), ("axes",), ("repeats",)]


def unpacking(function: Any) -> Callable[..., Any]:
    """The function as a method that takes its tuple also as several arguments."""

    def method(self: Tensor, *sizes: Any, **named: Any) -> Tensor:
        return function(self, unpacked(sizes), **named) if sizes or not named else function(self, **named)

    return update_wrapper(method, function, updated=())


def wrap(data: Any, node: Node | None) -> Tensor:
    """A tensor around an array, which is not copied."""
    tensor = _new(Tensor)
    tensor.data = data if data.__class__ is np.ndarray or is_array(data) else np.asarray(data)
    tensor.node = node
    tensor.grad = None
    return tensor


def _restored(kind: type[Tensor], data: Any, requires_grad: bool, grad: Tensor | None) -> Tensor:
    tensor = kind(wrap(data, None), requires_grad=requires_grad)  # a tensor, which stays where it is
    tensor.grad = grad
    return tensor


def like_another(function: Any) -> Callable[..., Tensor]:
    """`np.zeros_like` and its kin, of a tensor."""
    return lambda x, *args, **kwargs: wrap(function(x.data, *args, **kwargs), None)


_new = Tensor.__new__
for function in (np.zeros_like, np.ones_like, np.full_like, np.empty_like):
    numpy_ops[function] = like_another(function)

graph.Tensor = Tensor
graph.wrap = wrap
for module in (elementwise, activation, reduce, shaping, linalg, nn):
    operators = {name: value for name, value in vars(module).items() if isinstance(value, Op)}
    add_methods(operators)
    if module in (elementwise, activation):
        add_methods({f"{name}_": underscored(value) for name, value in operators.items()})


def as_array(data: Any, dtype: Any = None) -> Any:
    """A numeric array of `data`; Python floats get the default dtype."""
    if isinstance(data, Tensor):
        data = data.data
    there = of_cupy(data)
    array: Any = data if there else np.asarray(data)
    has_dtype = there or isinstance(data, np.ndarray | np.generic)
    if dtype is not None and array.dtype.kind in "biuf":  # not sooner: "1", None and 1j would be converted
        array = array.astype(dtype, copy=False) if has_dtype else np.asarray(data, dtype)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"a tensor holds floats, integers or bools, not {array.dtype}: {data!r:.60}")
    if not has_dtype and dtype is None and array.dtype == np.float64:
        array = array.astype(get_default_dtype())
    return array


def to_write(value: Any) -> Any:
    """`as_array` of what is written into a tensor: Python floats stay exact until they get its dtype."""
    return as_array(value if hasattr(value, "dtype") else np.asarray(value))


def placed(data: Any, dtype: Any, device: Any) -> Any:
    """`as_array` for a new tensor: on the device, or if that is None where `data` is, or on the default device."""
    stays = device is None and (isinstance(data, Tensor) or of_cupy(data))
    array = as_array(data, dtype)
    return array if stays else put(array, device)


def beside(array: Any, x: Any) -> Any:
    """An array that was made on the CPU, where x is: as an index for it, say."""
    return np.asarray(array, like=x.data if isinstance(x, Tensor) else x)


def without_tensors(index: Any) -> Any:
    """An index with arrays and numbers in place of tensors."""
    if isinstance(index, Tensor):
        if index.data.dtype.char == "B":
            raise IndexError("uint8 as an index: positions in NumPy, a mask in PyTorch; write i.long() or i.bool()")
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
            f"np.{name} is no operator of minigrad. Declare it, as in "
            f"@mg.op(np.cbrt, x=lambda out: 1 / (3 * out * out)), or leave the graph: t.detach().numpy()"
        ) from None
