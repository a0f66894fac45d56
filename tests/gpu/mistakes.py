"""Mistakes that pass on NumPy's arrays and not on CuPy's, each at a real place in minigrad's text: data, no code.

`test_mistakes.py` makes them one by one, and the check that each names must notice it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Mistake:
    """One kind.

    Attributes:
        kind: what is wrong.
        module: of minigrad, in which it is made.
        changes: what is written there -> what is written instead.
        check: which check of the suite must notice it: "operator amax", "layer Dropout", "training optimizer Adam",
            "waits MLP, Adam"; or the name of a test without "test_", after "devices" or, of `test_mistakes.py`, "here".
        says: a pattern in the error that gives it away, so that none is noticed for another reason.
        passes: on which device it is not noticed, and why: "strict", "hipcpu" or "cuda".
        on_cpu: whether the same calls on the CPU notice it too; None if that is a matter of luck.
    """

    kind: str
    module: str
    changes: dict[str, str] = field(repr=False)
    check: str
    says: str
    passes: dict[str, str] = field(default_factory=dict)
    on_cpu: bool | None = False


# How CuPy refuses an array on the CPU, or minigrad says it first.
HOST = "Unsupported type|Implicit conversion|incorrect type|all tensors must be on one device"
WAITS = "MadeToWait|HostWaited"

MISTAKES = [
    # -- arrays that are made on the CPU ------------------------------------------------------------------------------
    Mistake(
        "arange without like=",
        "ops.nn",
        {"np.arange(like.shape[1], like=labels)": "np.arange(like.shape[1])"},
        "operator cross_entropy",
        HOST,
    ),
    Mistake(
        "tri without like=",
        "ops.linalg",
        {"np.tri(n, dtype=out.dtype, like=out)": "np.tri(n, dtype=out.dtype)"},
        "operator cholesky",
        HOST,
    ),
    Mistake(
        "identity without like=, in einsum",
        "ops.linalg",
        {"np.identity(size, g.dtype, like=arrays[i])": "np.identity(size, g.dtype)"},
        "operator einsum",
        HOST,
    ),
    Mistake(
        "zeros on the CPU to write into",
        "ops.shape",
        {"library_of(values).zeros(shape, wide)": "np.zeros(shape, wide)"},
        "operator getitem",
        HOST,
    ),
    Mistake(
        "a result that stays on the CPU",
        "tensor",
        {"library_of(self.data).zeros(unpacked(sizes), self.dtype)": "np.zeros(unpacked(sizes), self.dtype)"},
        "devices what_is_made_like_another_is_where_that_is",
        "False",
    ),
    Mistake(
        "a matrix product with an array on the CPU",
        "ops.reduce",
        {"if not on_host(x) or axes != ": "if axes != "},
        "operator sum",
        HOST,
    ),
    Mistake(
        "an array on the CPU in a concatenation",
        "ops.reduce",
        {"np.concatenate([x[:1] ** 0, ": "np.concatenate([np.ones((min(len(x), 1), *x.shape[1:]), x.dtype), "},
        "operator prod",
        HOST,
    ),
    Mistake(
        "an index on the CPU",
        "rearrange",
        {
            "x[at(beside(np.pad(np.arange(x.shape[axis]), width, numpys[mode]), x), axis": (
                "x[at(np.pad(np.arange(x.shape[axis]), width, numpys[mode]), axis"
            )
        },
        "operator rearrange.pad",
        HOST,
    ),
    Mistake(
        "a list as index",
        "nn.functional.loss",
        {"log_y_hat[np.arange(len(labels), like=labels), labels]": "log_y_hat[list(range(len(labels))), labels]"},
        "here a_step_in_float32_copies_nothing_to_the_gpu_and_computes_nothing_in_float64",
        "copies to the GPU",
    ),
    Mistake(
        "an array of arrays",
        "nn.functional.windows",
        {"return reduce(np.maximum, others, first.copy())": "return np.max(np.array([first, *others]), 0)"},
        "operator max_windows",
        HOST,
    ),
    Mistake(
        "np.asarray of an array on the GPU",
        "rearrange",
        {"to_numpy(repeats)": "np.asarray(as_array(repeats))"},
        "operator rearrange.repeat_interleave",
        HOST,
    ),
    Mistake(
        "random numbers drawn on the CPU beside an array on the GPU",
        "random",
        {"    if on_host(like):\n        return current().bern": "    if True:\n        return current().bern"},
        "waits BatchNorm and dropout, Adam",
        "one device",
    ),
    Mistake(
        "an optimizer's state made on the CPU",
        "optim.optimizer",
        {"wrap(np.zeros_like(w), None)": "wrap(np.zeros(w.shape, w.dtype), None)"},
        "training optimizer Adam",
        HOST,
    ),
    Mistake(
        "running statistics made on the CPU",
        "nn.normalization",
        {'"running_mean", zeros(num_features)': '"running_mean", zeros(num_features, device="cpu")'},
        "layer BatchNorm1d",
        HOST,
    ),
    # -- what CuPy does not have --------------------------------------------------------------------------------------
    Mistake(
        "a loop of Python's over the elements",
        "ops.elementwise",
        {"    if not on_host(x):\n        return special(function)(x)\n": ""},
        "operator erf",
        "AssertionError: result|one device|the output is on cpu",
    ),
    Mistake(
        "a function that CuPy lacks",
        "ops.linalg",
        {
            "np.einsum(subscripts, *arrays, optimize=True)": (
                "np.einsum(subscripts, *arrays, optimize=np.einsum_path(subscripts, *arrays)[0])"
            )
        },
        "operator einsum",
        "einsum_path",
    ),
    Mistake(
        "a method of a ufunc that CuPy lacks",
        "ops.reduce",
        {"return np.max(x, ": "return np.maximum.reduce(x, "},
        "operator amax",
        "not supported yet|NotImplemented",
    ),
    Mistake(
        "another ufunc.at than that of add",
        "ops.shape",
        {
            "np.add.at(out.reshape(-1), numbers, np.broadcast_to(values, numbers.shape))": (
                "np.subtract.at(out.reshape(-1), numbers, -np.broadcast_to(values, numbers.shape))"
            )
        },
        "operator getitem",
        "subtract",
    ),
    Mistake(
        "a tuple in ufunc.at",
        "ops.shape",
        {
            "    elif on_host(out) or not isinstance(index, tuple | list):\n": "    else:\n",
            "    else:\n        numbers": "    if 0:\n        numbers",
        },
        "operator getitem",
        "TypeError",
    ),
    Mistake(
        "the keyword where=",
        "ops.reduce",
        {"np.all(x, along(axis, x), ": "np.all(x, along(axis, x), where=True, "},
        "operator all",
        "unexpected keyword argument 'where'",
    ),
    Mistake(
        "the keyword initial=",
        "ops.reduce",
        {"np.prod(signed(x), along(axis, x), ": "np.prod(signed(x), along(axis, x), initial=1, "},
        "operator prod",
        "unexpected keyword argument 'initial'",
    ),
    Mistake(
        "a keyword of a newer NumPy",
        "ops.reduce",
        {'return np.argsort(x, axis, kind="stable")': "return np.argsort(x, axis, stable=True)"},
        "operator argsort",
        "unexpected keyword argument 'stable'",
    ),
    Mistake(
        "a stack that CuPy does not broadcast",
        "ops.linalg",
        {
            "np.linalg.solve(np.broadcast_to(A, stack + A.shape[-2:]), np.broadcast_to(B, stack + B.shape[-2:]))": (
                "np.linalg.solve(A, B)"
            )
        },
        "operator solve",
        "must have",
    ),
    Mistake(
        "an attribute that CuPy's arrays lack",
        "backend",
        {"    if on_host(array):\n        return array.flags.writeable\n": "    return array.flags.writeable\n"},
        "training optimizer Adam",
        "writeable|AttributeError",
    ),
    Mistake(
        "np.where with a bool of Python's",
        "nn.functional.windows",
        {"wins = (x[..., *there] == out) & free": "wins = np.where(free, x[..., *there] == out, False)"},
        "operator max_windows",
        "AttributeError|TypeError",
    ),
    Mistake(
        "range() of an array",
        "rearrange",
        {
            "np.repeat(np.arange(length(x, axis)), to_numpy(repeats))": (
                "[i for i, n in enumerate(np.broadcast_to(repeats, length(x, axis))) for _ in range(n)]"
            ),
            "x[at(beside(rows, x), axis, x.ndim)]": "x[at(beside(np.array(rows, int), x), axis, x.ndim)]",
        },
        "operator rearrange.repeat_interleave",
        "cannot be interpreted as an integer",
    ),
    Mistake(
        "a branch in a fused formula",
        "optim.rules",
        {"    w -= rate * g\n": "    if rate:\n        w -= rate * g\n"},
        "training optimizer SGD",
        "bool|branch|truth|Python scalar",
    ),
    Mistake(
        "arithmetic of numbers in a fused formula, which is done in float16",
        "optim.rules",
        {"    mean += rest * x\n": "    mean += (1 - beta) * x\n"},
        "training optimizer Adam",
        "float16|Not equal",
    ),
    # -- what is silently wrong on a GPU -------------------------------------------------------------------------------
    Mistake(
        "isinstance of np.ndarray, which takes the other branch",
        "ops.shape",
        {
            '    if getattr(index, "dtype", None) == np.bool_:\n': (
                "    if not isinstance(index, np.ndarray | tuple | list):\n        return True\n"
                '    if getattr(index, "dtype", None) == np.bool_:\n'
            )
        },
        "operator getitem",
        "names an element twice|broadcast view|Not equal",
    ),
    Mistake(
        "+= through an index that names an element twice",
        "ops.shape",
        {
            "np.add.at(out.reshape(-1), numbers, np.broadcast_to(values, numbers.shape))": (
                "out.reshape(-1)[numbers] += np.broadcast_to(values, numbers.shape)"
            )
        },
        "operator getitem",
        "names an element twice|broadcast view|Not equal",
    ),
    Mistake(
        "a write through a broadcast view",
        "optim.optimizer",
        {"wrap(np.zeros_like(w), None)": "wrap(np.broadcast_to(np.zeros((), w.dtype, like=w), w.shape), None)"},
        "training optimizer Adam",
        "names an element twice|broadcast view|Not equal",
        on_cpu=True,
    ),
    Mistake(
        "in-place addition into an upstream gradient that others share",
        "engine",
        {"elif parent in own_buffer and not create_graph and not watchers:": "elif not create_graph and not watchers:"},
        "layer MultiheadAttention",
        "names an element twice|broadcast view|Not equal",
        on_cpu=True,
    ),
    Mistake(
        "a gradient that writes into what it was given",
        "ops.nn",
        {
            "    return (g - by_mean - by_var) * (weight / np.sqrt(var))": (
                "    g -= by_mean\n    g -= by_var\n    return g * (weight / np.sqrt(var))"
            )
        },
        "layer BatchNorm2d",
        "names an element twice|broadcast view|Not equal",
        on_cpu=True,
    ),
    Mistake(
        "empty for zeros",
        "nn.functional.windows",
        {"out = library_of(values).zeros(shape, values.dtype)": "out = library_of(values).empty(shape, values.dtype)"},
        "operator add_windows",
        "Not equal",
        passes=dict.fromkeys(("hipcpu", "cuda"), "What the memory holds is a matter of luck."),
        on_cpu=None,
    ),
    Mistake(
        "an index out of range, which wraps around",
        "nn.functional.loss",
        {
            "        labels = np.where(wrong, 0, labels)\n": "",
            "losses = np.where(wrong, math.nan, losses)": "losses = +losses",
        },
        "devices a_wrong_label_gives_nan_and_one_to_ignore_does_not_count",
        "out of bounds|isnan",
    ),
    Mistake(
        "ones_like with shape=()",
        "tensor",
        {"library_of(self.data).ones(unpacked(sizes), self.dtype)": "np.ones_like(self.data, shape=unpacked(sizes))"},
        "devices what_is_made_like_another_is_where_that_is",
        r"shape=\(\)|== \(\)",
    ),
    Mistake(
        "integers to a negative power",
        "ops.linalg",
        {
            "(1 - 2 * ((from_corner[:, None] + from_corner) % 2)).astype(x.dtype)": (
                "((-1) ** (from_corner[:, None] - from_corner)).astype(x.dtype)"
            )
        },
        "operator det",
        "negative integer powers",
        passes=dict.fromkeys(("hipcpu", "cuda"), "CuPy gives (-1) ** -1 = -1, as meant here."),
        on_cpu=True,
    ),
    Mistake(
        "reliance on np.errstate",
        "ops.elementwise",
        {
            "    return np.log(np.where((x == 0) & (y >= 0), np.ones_like(y), x))": (
                "    try:\n"
                '        with np.errstate(divide="raise"):\n'
                "            return np.log(x)\n"
                "    except FloatingPointError:\n"
                "        return np.log(np.where((x == 0) & (y >= 0), np.ones_like(y), x))"
            )
        },
        "operator power",
        "Not equal",
    ),
    Mistake(
        "a @= b, which binds the name anew",
        "ops.linalg",
        {
            "    return np.linalg.inv(x)": (
                "    out = buffer = np.zeros_like(x) + np.identity(x.shape[-1], x.dtype, like=x)\n"
                "    buffer @= np.linalg.inv(x)\n"
                "    return out"
            )
        },
        "operator inv",
        "Not equal",
    ),
    # -- waits -------------------------------------------------------------------------------------------------------
    Mistake(
        "labels looked at",
        "ops.nn",
        {"if on_host(target) and target.size and": "if target.size and"},
        "waits MLP, Adam",
        WAITS,
    ),
    Mistake(
        "a truth value in a forward function",
        "ops.nn",
        {
            "    check_floating(x)\n    return x - np.max": (
                "    check_floating(x)\n    assert not np.isnan(x).any()\n    return x - np.max"
            )
        },
        "waits transformer, Adam",
        WAITS,
    ),
    Mistake(
        "a truth value in a gradient",
        "ops.nn",
        {
            "    by_mean = reduce.mean(g,": (
                '    if var.min() == 0:\n        raise ZeroDivisionError("var")\n    by_mean = reduce.mean(g,'
            )
        },
        "waits BatchNorm and dropout, Adam",
        WAITS,
    ),
    Mistake(
        "float() in an optimizer's step",
        "optim.optimizer",
        {
            "    if g.dtype is w.dtype:\n": (
                "    if float(np.abs(g).max()) == 0:\n        return g\n    if g.dtype is w.dtype:\n"
            )
        },
        "waits MLP, SGD",
        WAITS,
    ),
    Mistake(
        "item() where a tensor would do",
        "nn.utils",
        {"factor = (max_norm / (total + 1e-6)).clamp(max=1.0)": "factor = min(1.0, max_norm / (total.item() + 1e-6))"},
        "waits MLP, Adam",
        WAITS,
    ),
    Mistake(
        "a mask as index",
        "ops.activation",
        {"    return np.maximum(x, 0)": "    out = x.copy()\n    out[x < 0] = 0\n    return out"},
        "waits MLP, Adam",
        WAITS,
    ),
    Mistake(
        "nonzero",
        "ops.activation",
        {"    return np.maximum(x, 0)": "    out = x.copy()\n    out[np.nonzero(x < 0)] = 0\n    return out"},
        "waits CNN, Adam",
        WAITS,
    ),
    # -- dtypes ------------------------------------------------------------------------------------------------------
    Mistake(
        "a number of NumPy's that widens float32",
        "ops.elementwise",
        {"-2 / math.sqrt(math.pi) * np.exp(-x * x)": "-2 / np.sqrt(np.pi) * np.exp(-x * x)"},
        "here a_step_in_float32_copies_nothing_to_the_gpu_and_computes_nothing_in_float64",
        "makes float64 of float32",
    ),
    Mistake(
        "zeros of the default dtype, float64",
        "optim.optimizer",
        {"wrap(np.zeros_like(w), None)": "wrap(np.zeros(w.shape, like=w), None)"},
        "here a_step_in_float32_copies_nothing_to_the_gpu_and_computes_nothing_in_float64",
        "is float64",
    ),
    # -- networks that are moved ---------------------------------------------------------------------------------------
    Mistake(
        "a module that moves without its buffers",
        "nn.module",
        {"for _, tensor in each_once(self._state()):": "for tensor in self.parameters():"},
        "devices a_module_moves_with_its_buffers_and_gradients_and_stays_the_same_object",
        r"all\(",
    ),
    Mistake(
        "a module that moves without its gradients",
        "nn.module",
        {
            "grad = tensor.grad if tensor.grad is None else tensor.grad.detach().to(dtype=wanted, device=device)": (
                "grad = tensor.grad"
            )
        },
        "devices a_module_moves_with_its_buffers_and_gradients_and_stays_the_same_object",
        r"all\(",
    ),
    Mistake(
        "loaded state that stays on the CPU",
        "nn.module",
        {
            "Tensor(state_dict[name], own[name].dtype, device=own[name].device)": (
                "Tensor(state_dict[name], own[name].dtype)"
            ),
            "own[name][...] = value": "own[name].data = value.data",
        },
        "devices a_state_is_loaded_to_where_the_module_is",
        "is_cuda",
    ),
    Mistake(
        "a gradient left on the other device",
        "tensor",
        {"x=lambda g, device, back: move(g, back, device)": "x=lambda g, device, back: g"},
        "devices a_gradient_comes_back_to_where_its_leaf_is",
        "is_cuda",
    ),
    Mistake(
        "an upstream gradient on the default device",
        "engine",
        {"graph.Tensor(gradient, output.dtype, device=output.device)": "graph.Tensor(gradient)"},
        "here a_gradient_given_as_an_array_goes_to_where_the_output_is",
        "the output is on cuda:0, the gradient given on cpu",
    ),
]
