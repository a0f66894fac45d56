"""Chapter 2: what an operator is.

An operator is a forward function plus one local gradient for each input that has one:

    @op(np.multiply, x=lambda y: y, y=lambda x: x)
    def multiply(x, y): return np.multiply(x, y)

A local gradient takes one of three forms:

    a number                ∂out/∂x is constant                                        add: x=1
    a function without `g`  ∂out/∂x, elementwise; the engine multiplies it by upstream  tanh: x=lambda out: 1 - out**2
    a function with `g`     the whole vector-Jacobian product, given upstream as `g`   matmul: x=lambda g, y: g @ mT(y)

It asks by parameter name for what it needs: an input, a parameter such as `axis`, the result `out`, an input's shape
`x_shape`, an extra that the forward function returns beside its result and the operator declares in `saves`, or, where
the forward function takes `*arrays`, the position `i` of the input in question. What no gradient asks for is not kept.

The same text serves arrays and tensors. On arrays, an operator is its forward function and returns an array. With a
Tensor among its inputs it returns a Tensor and, while recording, leaves a node in the graph. So gradients run on raw
arrays in a first backward pass and on tensors when their own derivative is wanted.

Next: `ops/`, the operators.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import wraps
from itertools import repeat
from operator import itemgetter
from types import MethodType
from typing import Any

import numpy as np

from minigrad import graph
from minigrad.backend import APART, apart, check_beside, fuse, fusible, on_host
from minigrad.errors import MISTAKES, described, explained, numpy_names
from minigrad.graph import Node, is_grad_enabled

registry: dict[str, Op] = {}  # every operator by name; one declared outside minigrad as "module.name"
compositions: dict[str, Callable[..., Any]] = {}  # every function composed of operators, as "functions.var"
numpy_ops: dict[Any, Callable[..., Any]] = {}  # NumPy function -> the operator that stands for it on tensors


class LocalGradient:
    """How the result of an operator depends on one of its inputs.

    Attributes:
        may_be_none: whether None is an answer, and means no influence; a rule that returns None has forgotten `return`.
        constant: the derivative, if it is a number; otherwise None.
        rule: the function that computes it, if it is not a number.
        asks: the names of what `rule` wants to be given, in order.
        is_vjp: whether `rule` takes `g` and applies the chain rule itself.
        kernel: `rule` times the upstream gradient as one kernel for a GPU, if the operator is fused; otherwise None.
    """

    may_be_none = False

    def __init__(self, rule: float | Callable[..., Any], fused: bool = False) -> None:
        self.rule: Any = rule
        self.constant = None if callable(rule) else rule
        self.asks = tuple(inspect.signature(rule).parameters) if callable(rule) else ()
        self.is_vjp = "g" in self.asks
        self._asks_only_saved = {"g", "i"}.isdisjoint(self.asks)
        self.kernel = fuse(lambda g, *asked: g * fusible(rule)(*asked)) if fused and not self.is_vjp else None

    def choose_from(self, saved_names: tuple[str, ...]) -> None:
        """Learn where in a node's `saved` lies what the rule asks for."""
        names = [*saved_names, "g", "i"]
        self._chosen = chooser([names.index(name) for name in self.asks])

    def __call__(self, saved: tuple[Any, ...], g: Any, i: int) -> Any:
        """What the rule says about argument `i`, given what its operator saved and the upstream gradient `g`."""
        local = self.rule(*self._chosen(saved if self._asks_only_saved else (*saved, g, i)))
        on_cpu = local.__class__ is np.ndarray and g.__class__ is np.ndarray  # as almost always: there it costs least
        if self.is_vjp and not on_cpu and "device" not in self.asks:  # a rule that asks for a device moves g there
            check_beside(g, local, "a local gradient")
        return local

    def times_upstream(self, saved: tuple[Any, ...], g: Any, i: int) -> Any:
        """What a rule without `g` says, multiplied by it."""
        if self.kernel and not on_host(g):
            return self.kernel(g, *self._chosen(saved))
        return g * self(saved, g, i)


def chooser(positions: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """A function that takes the elements at `positions` out of a tuple, fast: recording runs it for every node."""
    if len(positions) == 1:  # of one position itemgetter gives the element, of a slice a tuple
        return itemgetter(slice(positions[0], positions[0] + 1))
    return itemgetter(*positions) if positions else lambda _: ()


class Op:
    """An operator: call it on tensors or arrays. Made by the decorator `op`.

    Attributes:
        name: that of its forward function.
        forward: the function of arrays; it returns the result, or a tuple of the result and the extras in `saves`.
        parameters: the names of its arguments; `variadic` is the first of them if it is `*arrays`, otherwise None.
        gradients: input -> local gradient; `by_slot` has them in the order of the arguments, None where there is none.
        asked: the names of all that gradients ask for, in the order in which a node saves it.
        numpy_functions: the NumPy functions that it stands for on tensors.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        numpy_functions: tuple[Any, ...],
        saves: tuple[str, ...],
        gradients: dict[str, float | Callable[..., Any]],
        fused: bool = False,
    ) -> None:
        self.name = forward.__name__.strip("_")
        self.forward = forward
        self.saves = saves
        self.numpy_functions = numpy_functions
        self.gradients = {slot: LocalGradient(rule, fused) for slot, rule in gradients.items()}
        parameters = inspect.signature(forward).parameters
        self.parameters = tuple(parameters)
        self.defaults = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
        self.variadic = next((name for name, p in parameters.items() if p.kind is p.VAR_POSITIONAL), None)
        self.sets_dtype = "dtype" in parameters
        self._axis = self.parameters.index("axis") if "axis" in parameters and not self.variadic else None
        self._check_names([p.kind is p.KEYWORD_ONLY for p in parameters.values()])
        asked = {name for gradient in self.gradients.values() for name in gradient.asks} - {"g"}
        if self.variadic:
            asked.discard("i")
        if asked & set(saves):
            asked |= set(self.parameters)
        self.asked = tuple(sorted(asked))
        self._shaped = [i for i, name in enumerate(self.parameters) if f"{name}_shape" in asked]
        self._chooser: dict[int, Callable[[tuple[Any, ...]], tuple[Any, ...]]] = {}
        for gradient in self.gradients.values():
            gradient.choose_from(self.asked)
        if self.variadic:
            self.by_slot: Iterable[LocalGradient | None] = repeat(self.gradients.get(self.variadic))
        else:
            self.by_slot = [self.gradients.get(name) for name in self.parameters]
        self.__doc__ = forward.__doc__
        self.__name__ = self.name
        self.__module__ = forward.__module__
        self.__wrapped__ = forward  # lets inspect.signature and help() show the forward function's own

    def _check_names(self, keywords: list[bool]) -> None:
        """Raise TypeError if the declaration makes no sense; `keywords` says which parameters are keyword-only."""
        signature = f"{self.name}{inspect.signature(self.forward)}"
        if "**" in signature or keywords != [bool(self.variadic and i) for i in range(len(keywords))]:
            raise TypeError(f"{signature}: operators take arguments by position, or *arrays and after them keywords")
        special = ("g", "out", "i") if self.variadic else ("g", "out")
        named = [*special, *self.parameters, *self.saves]
        for name in {name for name in named if named.count(name) > 1}:
            raise TypeError(f"{self.name}: the name {name!r} means two things; {', '.join(special)} are taken")
        may_ask = {*named, *[f"{name}_shape" for name in self.parameters]}
        for slot, gradient in self.gradients.items():
            if slot not in self.parameters:
                raise TypeError(f"{self.name}: a gradient is declared for {slot!r}, not one of {self.parameters}")
            if not isinstance(gradient.rule, int | float) and not callable(gradient.rule):
                raise TypeError(f"{self.name}: the gradient for {slot!r} is neither a number nor a function")
            for name in set(gradient.asks) - may_ask:
                problem = f"the gradient for {slot!r} asks for {name!r}, but {signature} can give only"
                raise TypeError(f"{self.name}: {problem} {', '.join(sorted(may_ask))}")

    # -- calling --------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._run(args, kwargs, with_extras=False)

    def with_extras(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Call the operator and return its result and, as plain arrays, the extras that it `saves`."""
        return self._run(args, kwargs, with_extras=True)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any], with_extras: bool) -> Any:
        """Run forward on arrays. With a tensor among the arguments, wrap the result; while recording, make a node."""
        if kwargs or len(args) != len(self.parameters) or self.variadic:
            args, kwargs = self._bind(args, kwargs)

        Tensor = graph.Tensor
        if self._axis is not None and isinstance(args[self._axis], (bool, np.ndarray, Tensor)):
            raise TypeError(f"{self.name}: axis is None, a number or several, not {described(args[self._axis])}")
        arrays: list[Any] = []
        inputs: list[Node | None] = []
        tensors = 0
        tracked = 0  # one bit for each argument: whether it is part of a graph
        for value in args:
            tracked *= 2
            if isinstance(value, Tensor):
                tensors += 1
                arrays.append(value.data)
                inputs.append(value.node)
                if value.node is not None:
                    tracked += 1
            else:
                if value.__class__ is list:  # copied: its owner may change it before backward
                    name = self.variadic or self.parameters[len(arrays)]
                    is_array = name in self.gradients or name in ("x", "y")  # not an axis, a shape or an index
                    value = beside_tensors(value, args) if is_array else deepcopy(value)
                    value = tuple(value) if name == "axis" else value
                arrays.append(value)
                inputs.append(None)
        if tensors and tensors < len(args):
            # Beside a tensor, a NumPy scalar must not promote float32 to float64. A Python number does not.
            arrays = [value.item() if isinstance(value, np.generic) else value for value in arrays]

        try:
            out, extras = self._forward(arrays, kwargs)
            if tensors and (out.__class__ is not np.ndarray or out.dtype is not _float32):  # the common one is ready
                out = _fit_for_a_tensor(out, arrays, self.sets_dtype)
                if out.dtype.kind != "f":  # no gradient flows through integers, as from a cast
                    tracked = 0
        except MISTAKES as error:
            given = {self.variadic: arrays, **kwargs} if self.variadic else zip(self.parameters, arrays, strict=True)
            raise explained(error, self, dict(given)) from None

        if tensors:
            node = None
            if tracked and self.gradients and is_grad_enabled():
                saved = self._save(tracked, inputs, arrays, kwargs, out, extras)
                node = Node(self, inputs, saved, out)
            out = graph.wrap(out, node)
        return (out, *extras) if with_extras else out

    def _forward(self, arrays: list[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        """The result of the forward function, and its extras."""
        out = self.forward(*arrays, **kwargs)
        if not self.saves:
            return out, ()
        if not isinstance(out, tuple) or len(out) != 1 + len(self.saves):
            raise TypeError(f"the forward function must return a tuple: the result, {', '.join(self.saves)}")
        return out[0], out[1:]

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """All arguments in the order of the parameters; those after `*arrays` stay keywords."""
        given = numpy_names(kwargs, self.parameters) if kwargs else {}
        bound = {}
        for name in self.parameters[1 if self.variadic else len(args) :]:
            if name in given:
                bound[name] = given.pop(name)
            elif name in self.defaults:
                bound[name] = self.defaults[name]
            else:
                raise TypeError(f"{self.name}() needs {name}; it takes {inspect.signature(self.forward)}")
        if given or (len(args) > len(self.parameters) and not self.variadic):
            name = next(iter(given), "")
            problem = f"{name!r} twice" if name in self.parameters else f"an unexpected argument {name!r}"
            problem = problem if given else f"{len(args)} arguments"
            raise TypeError(f"{self.name}() got {problem}; it takes {inspect.signature(self.forward)}")
        return (args, bound) if self.variadic else ((*args, *bound.values()), {})

    def _save(self, tracked: int, inputs: Any, arrays: Any, kwargs: Any, out: Any, extras: Any) -> tuple[Any, ...]:
        """What the gradients of the tracked inputs ask for, in the order of `asked`; None for what only others do."""
        tracked = tracked if self.variadic is None else 1  # all of *arrays ask for the same
        choose = self._chooser.get(tracked)
        if choose is None:
            choose = self._chooser[tracked] = self._choice(inputs)
        if self.variadic:
            arrays = [tuple(arrays), *[kwargs[name] for name in self.parameters[1:]]]
        shapes = [_shape(arrays[i]) for i in self._shaped] if self._shaped else ()
        return choose((*arrays, out, *extras, *shapes, None))

    def _choice(self, inputs: list[Node | None]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
        """How `_save` chooses, once and for all for these tracked inputs."""
        slots = {self.variadic or self.parameters[i] for i, node in enumerate(inputs) if node is not None}
        for slot in slots - self.gradients.keys():
            raise TypeError(f"{self.name} has no gradient for {slot!r}: pass {slot}.detach()")
        wanted = {name for slot in slots for name in self.gradients[slot].asks}
        if wanted & set(self.saves):  # extras regain their history by running forward again: keep what that needs
            wanted |= set(self.parameters)
        names = [*self.parameters, "out", *self.saves, *[f"{self.parameters[i]}_shape" for i in self._shaped]]
        return chooser([names.index(name) if name in wanted else len(names) for name in self.asked])

    # -- second order ---------------------------------------------------------------------------------------------

    def saved_as_tensors(self, node: Node) -> tuple[Any, ...]:
        """What `node` saved, as tensors that are part of the graph, so that gradients of gradients can flow."""
        saved = dict(zip(self.asked, node.saved or (), strict=True))
        if saved.get("out") is not None:
            saved["out"] = graph.wrap(saved["out"], node)
        for i, name in enumerate(self.parameters):
            if name == self.variadic and saved.get(name) is not None:
                saved[name] = tuple(graph.wrap(a, n) for a, n in zip(saved[name], node.inputs, strict=True))
            elif name in self.gradients and hasattr(saved.get(name), "dtype"):
                saved[name] = graph.wrap(saved[name], node.inputs[i])
        if any(saved.get(name) is not None for name in self.saves):
            args = [saved[name] for name in self.parameters]
            if self.variadic:
                _, *extras = self.forward(*args[0], **dict(zip(self.parameters[1:], args[1:], strict=True)))
            else:
                _, *extras = self.forward(*args)
            saved.update((name, extra) for name, extra in zip(self.saves, extras, strict=True) if name in saved)
        return tuple(saved.values())

    # -- reading --------------------------------------------------------------------------------------------------

    def __get__(self, tensor: Any, owner: Any = None) -> Any:
        """As an attribute of the class Tensor an operator is a method: `Tensor.exp = exp`, then `t.exp()`."""
        return self if tensor is None else MethodType(self, tensor)

    def __reduce__(self) -> str:
        return self.__name__  # pickled as functions are, by name

    def __repr__(self) -> str:
        return f"<op {self.name}{inspect.signature(self.forward)}>"


def op(
    *numpy_functions: Any, saves: tuple[str, ...] = (), fused: bool = False, **gradients: float | Callable[..., Any]
) -> Callable[..., Op]:
    """Declare an operator: its local gradients here, its forward pass in the function below.

    Args:
        numpy_functions: NumPy functions that this operator stands for when they are called on a tensor.
        saves: names of extras that the forward function returns beside its result, for the gradients to use.
        fused: whether the gradients without `g` are formulas that may be fused, with their multiplication by upstream,
            into one kernel on a GPU; see `backend.fuse`.
        gradients: input -> local gradient: a number if ∂out/∂x is constant; a function of what it asks for by name,
            which gives ∂out/∂x elementwise; or such a function that also takes `g`, the upstream gradient, and gives
            the vector-Jacobian product. It must not write into what it is given.

    Raises:
        TypeError: a gradient is declared for, or asks for, a name that the operator does not have; `@op` without
            brackets.
        ValueError: an operator of another module already stands for one of the NumPy functions.

    >>> @op(x=lambda x: 3 * x**2)
    ... def cube(x):
    ...     return x**3
    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    tensor(12.)
    """
    for function in numpy_functions:
        if inspect.isfunction(function):
            raise TypeError(f"op: write brackets, @op(x=...) or @op(), above {function.__name__}")

    def declare(forward: Callable[..., Any]) -> Op:
        operator = Op(forward, numpy_functions, saves, gradients, fused)
        for function in numpy_functions:
            taken = getattr(numpy_ops.get(function), "forward", forward)
            if taken.__module__ != forward.__module__:
                raise ValueError(
                    f"{operator.name}: np.{function.__name__} already is {taken.__module__}.{taken.__name__}"
                )
        ours = (forward.__module__ or "").startswith("minigrad.")
        registry[operator.name if ours else f"{forward.__module__}.{operator.name}"] = operator
        numpy_ops.update(dict.fromkeys(numpy_functions, operator))
        return operator

    return declare


def composed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare a function composed of operators: it takes PyTorch's `dim` for `axis`, and its errors name it."""
    parameters = tuple(inspect.signature(function).parameters)
    function.__name__ = function.__name__.strip("_")

    @wraps(function)
    def composition(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **(numpy_names(kwargs, parameters) if kwargs else kwargs))
        except MISTAKES as error:
            given = dict(zip(parameters, args, strict=False)) | kwargs
            raise explained(error, composition, given) from None

    compositions[f"{function.__module__.split('.')[1]}.{function.__name__}"] = composition
    return composition


def _shape(value: Any) -> Any:
    """The shape of an array or number; of a tuple of arrays, theirs."""
    return tuple([array.shape for array in value]) if isinstance(value, tuple) else np.shape(value)


# -- dtypes ----------------------------------------------------------------------------------------------------------

_float32, _float64 = np.dtype(np.float32), np.dtype(np.float64)
_default_dtype: np.dtype[Any] = np.dtype(np.float32)


def get_default_dtype() -> np.dtype[Any]:
    """The dtype that Python floats and lists become: float32 unless set otherwise."""
    return _default_dtype


def set_default_dtype(dtype: Any) -> None:
    """Make `dtype` (float16, float32 or float64) the one that Python floats and lists become."""
    global _default_dtype
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"set_default_dtype: only a floating dtype can be the default, not {dtype}")
    _default_dtype = dtype


def beside_tensors(values: list[Any], args: Iterable[Any]) -> Any:
    """An array of a list: where the first tensor in `args` is and, if it holds floats, in the dtype of that one's."""
    near = next((value for value in args if isinstance(value, graph.Tensor)), graph.Tensor(0.0))
    array = graph.Tensor(values, device=near.device)
    if array.dtype.kind == near.dtype.kind == "f":
        array = graph.Tensor(values, near.dtype, device=near.device)
    return array.data


def _fit_for_a_tensor(out: Any, arrays: list[Any], sets_dtype: bool) -> Any:
    """The result, if it is numeric, and not float64 unless a float64 array went in: integers must not widen it."""
    kind = getattr(out, "dtype", np.dtype(object)).kind
    if not on_host(out) and apart(arrays):  # CuPy carries indices to the GPU without a word
        raise ValueError(APART)
    if isinstance(out, graph.Tensor) and any(isinstance(array, graph.Tensor) for array in arrays):
        raise TypeError("t.data, an array, was set to a tensor: write t.data = u.data, or t.copy_(u) under no_grad")
    if kind not in "biuf":
        what = getattr(out, "dtype", type(out).__name__)
        raise TypeError(f"the result is a {what}; a tensor holds an array of floats, integers or bools")
    if kind != "f" or sets_dtype:
        return out
    dtypes = {array.dtype for array in arrays if hasattr(array, "dtype")}
    floats = {dtype for dtype in dtypes if dtype.kind == "f"}
    if not floats and out.dtype == np.float16:
        raise TypeError("of integers this small NumPy takes only a float16: write x.float()")
    if out.dtype != _float64 or _float64 in floats:
        return out
    return out.astype(np.result_type(*floats) if floats else _default_dtype)
