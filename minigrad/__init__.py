"""minigrad: frameworks do backprop, and here is how.

    import minigrad as mg

    w = mg.tensor(0.0, requires_grad=True)
    loss = w**2 - 10 * w + 25       # only the forward pass
    loss.backward()                 # the framework does the rest
    w.grad                          # tensor(-10.)

To read the source, follow the chapters: graph, op, ops, engine, tensor, backend, functions; then nn, optim, check, viz.
"""

__version__ = "0.1.0"

import difflib
from typing import Any

import numpy as np

from minigrad import autograd, nn, optim
from minigrad.backend import (
    arange,
    empty,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    manual_seed,
    ones,
    ones_like,
    rand,
    randint,
    randn,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from minigrad.engine import grad
from minigrad.functions import cat, stack, std, var
from minigrad.graph import enable_grad, is_grad_enabled, no_grad
from minigrad.op import get_default_dtype, op, set_default_dtype
from minigrad.ops.activation import relu, sigmoid
from minigrad.ops.elementwise import (
    abs,
    absolute,
    add,
    clamp,
    clip,
    clone,
    div,
    divide,
    eq,
    equal,
    exp,
    floor_divide,
    ge,
    greater,
    greater_equal,
    gt,
    isfinite,
    isnan,
    le,
    less,
    less_equal,
    log,
    lt,
    maximum,
    minimum,
    mul,
    multiply,
    ne,
    neg,
    negative,
    not_equal,
    pow,
    power,
    remainder,
    sign,
    sqrt,
    square,
    sub,
    subtract,
    tanh,
    where,
)
from minigrad.ops.linalg import matmul
from minigrad.ops.nn import log_softmax, softmax
from minigrad.ops.reduce import amax, amin, argmax, argmin, logsumexp, max, mean, min, sum
from minigrad.ops.shape import broadcast_to, permute, reshape, squeeze, swapaxes, unsqueeze
from minigrad.tensor import Tensor

concatenate = cat
transpose = swapaxes

float16, float32, float64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)
int8, int16, int32, int64 = np.dtype(np.int8), np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.int64)
uint8, bool = np.dtype(np.uint8), np.dtype(np.bool_)

__all__ = [
    "Tensor",
    "abs",
    "absolute",
    "add",
    "amax",
    "amin",
    "arange",
    "argmax",
    "argmin",
    "autograd",
    "bool",
    "broadcast_to",
    "cat",
    "clamp",
    "clip",
    "clone",
    "concatenate",
    "div",
    "divide",
    "empty",
    "enable_grad",
    "eq",
    "equal",
    "exp",
    "eye",
    "float16",
    "float32",
    "float64",
    "floor_divide",
    "from_numpy",
    "full",
    "full_like",
    "ge",
    "get_default_dtype",
    "grad",
    "greater",
    "greater_equal",
    "gt",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "isfinite",
    "isnan",
    "le",
    "less",
    "less_equal",
    "linspace",
    "log",
    "log_softmax",
    "logsumexp",
    "lt",
    "manual_seed",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mul",
    "multiply",
    "ne",
    "neg",
    "negative",
    "nn",
    "no_grad",
    "not_equal",
    "ones",
    "ones_like",
    "op",
    "optim",
    "permute",
    "pow",
    "power",
    "rand",
    "randint",
    "randn",
    "randperm",
    "relu",
    "remainder",
    "reshape",
    "set_default_dtype",
    "sigmoid",
    "sign",
    "softmax",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "tanh",
    "tensor",
    "transpose",
    "uint8",
    "unsqueeze",
    "var",
    "where",
    "zeros",
    "zeros_like",
]


def __getattr__(name: str) -> Any:
    if name == "viz":  # needs the extra `viz`, so it is imported only when it is asked for
        import minigrad.viz

        return minigrad.viz
    near = difflib.get_close_matches(name, globals(), n=1)
    hint = f"; the nearest name is {near[0]!r}" if near else ""
    raise AttributeError(f"minigrad has no {name!r}{hint}")
