"""conv2d, max_pool2d and their relatives in 200 random configurations each, drawn from one seed, in float64.

`compute` takes the framework to run under, PyTorch for the answers, minigrad in the tests: one text serves both.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

CONFIGURATIONS = 600  # 200 of conv2d, 200 of max_pool2d, 200 of the others
OTHERS = (
    *["conv1d"] * 3,
    "conv3d",
    *["conv_transpose2d"] * 3,
    *["conv_transpose1d"] * 2,
    "max_pool1d",
    *["avg_pool2d"] * 2,
    "avg_pool1d",
    "adaptive_avg_pool2d",
    "fold",
    "unfold",
    "interpolate",
)


def drawn(random: np.random.Generator, axes: int, low: int, high: int) -> Any:
    """A number between low and high, or one for each axis."""
    values = tuple(map(int, random.integers(low, high, axes, endpoint=True)))
    return values[0] if random.random() < 0.4 else values


def each(axes: int, value: Any) -> tuple[int, ...]:
    """`value` for each axis."""
    return value if isinstance(value, tuple) else (value,) * axes


def configuration(i: int) -> tuple[str, list[Any], dict[str, Any]]:
    """The i-th: the function, the arrays that it is given, and the keywords."""
    random = np.random.default_rng((7, i))
    kind = ("conv2d", "max_pool2d", OTHERS[i % len(OTHERS)])[i // 200]
    axes = int(next(c for c in kind if c.isdigit())) if any(map(str.isdigit, kind)) else 2
    n, groups = int(random.integers(1, 4)), int(random.integers(1, 4))
    kernel, stride, dilation = drawn(random, axes, 1, 3), drawn(random, axes, 1, 3), drawn(random, axes, 1, 2)
    reach = [(k - 1) * d + 1 for k, d in zip(each(axes, kernel), each(axes, dilation), strict=True)]
    size = [length + int(random.integers(0, 5)) for length in reach]
    options: dict[str, Any] = {"stride": stride, "dilation": dilation}
    channels = int(random.integers(1, 4))
    batch = [] if random.random() < 0.1 else [n]
    if kind.startswith("conv"):
        channels *= groups
        out = groups * int(random.integers(1, 3))
        options["groups"] = groups
        shape = (out, channels // groups, *each(axes, kernel))
        if kind.startswith("conv_transpose"):
            shape = (channels, out // groups, *each(axes, kernel))
            options["padding"] = tuple(int(random.integers(0, length // 2 + 1)) for length in reach)
            steps = zip(each(axes, stride), each(axes, dilation), strict=True)
            options["output_padding"] = tuple(int(random.integers(0, max(s, d))) for s, d in steps)
        elif random.random() < 0.2:
            options |= {"stride": 1, "padding": str(random.choice(["same", "valid"]))}
        else:
            options["padding"] = drawn(random, axes, 0, 2)
        arrays = [random.normal(size=(*batch, channels, *size)), random.normal(size=shape)]
        if random.random() < 0.7:
            arrays.append(random.normal(size=out))
        return kind, arrays, options
    x = random.normal(size=(*batch, channels, *size))
    if kind == "unfold":
        return kind, [x], {"kernel_size": kernel, "padding": drawn(random, axes, 0, 2), **options}
    if kind == "fold":
        pad = drawn(random, axes, 0, 2)
        rows = zip(size, each(axes, pad), reach, each(axes, stride), strict=True)
        windows = int(np.prod([(m + 2 * p - length) // s + 1 for m, p, length, s in rows]))
        values = random.normal(size=(*batch, channels * int(np.prod(each(axes, kernel))), windows))
        return kind, [values], {"output_size": tuple(size), "kernel_size": kernel, "padding": pad, **options}
    if kind == "adaptive_avg_pool2d":
        return kind, [x], {"output_size": drawn(random, axes, 1, 4)}
    if kind == "interpolate":
        x = random.normal(size=(n, channels, *size))
        options = {"mode": str(random.choice(["nearest", "bilinear"]))}
        if options["mode"] == "bilinear":
            options["align_corners"] = bool(random.random() < 0.5)
        if random.random() < 0.5:
            return kind, [x], {"size": drawn(random, axes, 1, 7), **options}
        return kind, [x], {"scale_factor": [2.0, 1.5, 3.0][i % 3], **options}
    options |= {"kernel_size": kernel, "ceil_mode": bool(random.random() < 0.5)}
    if random.random() < 0.2:
        del options["stride"]
    if kind.startswith("avg"):
        del options["dilation"]
        reach = list(each(axes, kernel))
        options["count_include_pad"] = bool(random.random() < 0.5)
        if axes == 2 and random.random() < 0.3:
            options["divisor_override"] = int(random.integers(1, 9))
    elif random.random() < 0.5:
        x = np.round(x)  # many ties
    options["padding"] = min(length // 2 for length in each(axes, kernel))
    return kind, [x], options


def name(i: int) -> str:
    """What distinguishes the i-th configuration."""
    kind, arrays, options = configuration(i)
    given = [str(a.shape).replace(" ", "") for a in arrays] + [f"{k}={v}".replace(" ", "") for k, v in options.items()]
    return f"{i} {kind} {' '.join(given)}"


def weights(shape: Any, seed: int) -> Any:
    """Numbers to multiply with that differ from element to element."""
    return np.random.default_rng(seed).uniform(0.5, 1.5, tuple(shape))


def compute(framework: Any, i: int) -> dict[str, Any]:
    """The result, "grad/k" of the k-th array, and "grad2/k": the gradient of Σ weights · gradients²."""
    kind, arrays, options = configuration(i)
    inputs = [framework.tensor(a, requires_grad=True) for a in arrays]
    out = getattr(framework.nn.functional, kind)(*inputs, **options)
    grad = framework.autograd.grad
    gradients = grad(out, inputs, framework.tensor(weights(out.shape, i)), create_graph=True)
    found = {"out": out} | {f"grad/{k}": g for k, g in enumerate(gradients)}
    total = sum((framework.tensor(weights(g.shape, k)) * g * g).sum() for k, g in enumerate(gradients))
    if total.requires_grad:
        seconds = grad(total, inputs, allow_unused=True)
        found |= {f"grad2/{k}": g for k, g in enumerate(seconds) if g is not None}
    return {what: value.detach().numpy() for what, value in found.items()}


def expected() -> dict[str, Any]:
    """PyTorch's answers, as "i/what" -> array."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of its padding="same", that it may have to copy
        return {f"{i}/{what}": a for i in range(CONFIGURATIONS) for what, a in compute(torch, i).items()}
