"""Convolution, pooling and what else looks through windows: against plain loops, against PyTorch in 200 random
configurations of each, and what their errors say."""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.nn.functional import windows as convolution
from tests.oracle import convolution as oracle
from tests.oracle.record import load


def random(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


# -- against loops over every number that is read ---------------------------------------------------------------------


def looped_conv2d(x: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """The definition, one product after the other; what lies outside x is 0."""
    n, _, height, width = x.shape
    outputs, inputs, kernel_height, kernel_width = weight.shape
    reach = [(k - 1) * d for k, d in zip(weight.shape[2:], dilation, strict=True)]
    sizes = [(m + 2 * p - r - 1) // s + 1 for m, p, r, s in zip(x.shape[2:], padding, reach, stride, strict=True)]
    y = np.zeros((n, outputs, *sizes))
    for b, o, i, j in np.ndindex(y.shape):
        for c, k, l in itertools.product(range(inputs), range(kernel_height), range(kernel_width)):
            row = i * stride[0] - padding[0] + k * dilation[0]
            column = j * stride[1] - padding[1] + l * dilation[1]
            if 0 <= row < height and 0 <= column < width:
                channel = o // (outputs // groups) * inputs + c
                y[b, o, i, j] += x[b, channel, row, column] * weight[o, c, k, l]
    return y


LOOPED = [
    ((1, 1, 3, 3), (1, 1, 2, 2), (1, 1), (0, 0), (1, 1), 1),
    ((2, 3, 5, 4), (2, 3, 3, 2), (2, 1), (1, 2), (1, 1), 1),
    ((1, 4, 4, 6), (6, 2, 2, 2), (1, 2), (0, 1), (2, 3), 2),
    ((2, 2, 3, 3), (2, 1, 1, 1), (2, 2), (0, 0), (1, 1), 2),
]


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding", "dilation", "groups"), LOOPED)
def test_conv2d_is_the_sum_of_products_that_defines_it(
    shape: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> None:
    x, weight = random(*shape), random(*kernel, seed=1)
    expected = looped_conv2d(x, weight, stride, padding, dilation, groups)
    for ours in (
        F.conv2d(x, weight, None, stride, padding, dilation, groups),
        F.conv2d(mg.tensor(x), mg.tensor(weight), None, stride, padding, dilation, groups).numpy(),
    ):
        np.testing.assert_allclose(ours, expected, rtol=1e-13, atol=1e-13)
    bias = random(kernel[0], seed=2)
    ours = F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    np.testing.assert_allclose(ours, expected + bias[:, None, None], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding", "dilation", "groups"), LOOPED)
def test_conv_transpose2d_is_the_transpose_of_conv2d(
    shape: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> None:
    """Σ y · conv(x) = Σ conv_transpose(y) · x for every x and y."""
    x, weight = random(*shape), random(*kernel, seed=1)
    conv = F.conv2d(x, weight, None, stride, padding, dilation, groups)
    y = random(*conv.shape, seed=2)
    sizes = zip(conv.shape[2:], shape[2:], kernel[2:], stride, padding, dilation, strict=True)
    extra = [n - ((m - 1) * s - 2 * p + d * (k - 1) + 1) for m, n, k, s, p, d in sizes]
    back = F.conv_transpose2d(y, weight, None, stride, padding, extra, groups, dilation)
    assert back.shape == x.shape
    assert (y * conv).sum() == pytest.approx((back * x).sum(), rel=1e-12)


def test_conv1d_with_a_kernel_of_differences() -> None:
    x = mg.tensor([[[1.0, 4.0, 9.0, 16.0, 25.0]]])
    assert F.conv1d(x, mg.tensor([[[-1.0, 1.0]]])).tolist() == [[[3, 5, 7, 9]]]
    assert F.conv1d(x, mg.tensor([[[-1.0, 1.0]]]), padding="same").tolist() == [[[3, 5, 7, 9, -25]]]
    assert F.conv1d(x, mg.tensor([[[-1.0, 0.0, 1.0]]]), stride=2).tolist() == [[[8, 16]]]


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 1), ((2, 3), (3, 2))])
def test_pooling_is_the_largest_and_the_mean_of_each_window(kernel: Any, stride: Any) -> None:
    x = random(2, 3, 6, 7)
    (height, width), (down, right) = oracle.each(2, kernel), oracle.each(2, stride)
    rows, columns = range(0, 6 - height + 1, down), range(0, 7 - width + 1, right)
    parts = [[x[:, :, i : i + height, j : j + width] for j in columns] for i in rows]
    largest = np.array([[part.max((2, 3)) for part in row] for row in parts]).transpose(2, 3, 0, 1)
    means = np.array([[part.mean((2, 3)) for part in row] for row in parts]).transpose(2, 3, 0, 1)
    np.testing.assert_array_equal(F.max_pool2d(x, kernel, stride), largest)
    np.testing.assert_allclose(F.avg_pool2d(x, kernel, stride), means, rtol=1e-14)


def test_of_equal_numbers_the_first_of_the_window_takes_the_gradient() -> None:
    x = mg.zeros(1, 4, 4, requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad[0].tolist() == [[1, 0, 1, 0], [0, 0, 0, 0]] * 2


def test_a_number_that_is_largest_in_many_windows_gets_the_gradient_of_each() -> None:
    x = mg.tensor([[[0.0, 1.0, 5.0, 1.0, 0.0]]], requires_grad=True)
    y = F.max_pool1d(x, 3, stride=1)
    assert y.tolist() == [[[5, 5, 5]]]
    y.backward(mg.tensor([[[1.0, 10.0, 100.0]]]))
    assert x.grad.tolist() == [[[0, 0, 111, 0, 0]]]


def test_adaptive_parts_overlap_where_the_size_does_not_divide() -> None:
    x = np.arange(5.0).reshape(1, 1, 5)
    assert F.adaptive_avg_pool1d(x, 3).tolist() == [[[0.5, 2.0, 3.5]]]
    assert F.adaptive_avg_pool1d(x, 1).tolist() == [[[2.0]]]
    assert F.adaptive_avg_pool2d(x, (None, 5)).tolist() == x.tolist()


def test_fold_counts_in_how_many_windows_each_number_is() -> None:
    ones = np.ones((1, 1, 3, 4))
    counted = F.fold(F.unfold(ones, 2), (3, 4), 2)
    assert counted[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]]


def test_nearest_repeats_and_bilinear_keeps_straight_lines() -> None:
    x = np.arange(4.0).reshape(1, 1, 4)
    assert F.interpolate(x, scale_factor=2).tolist() == [[[0, 0, 1, 1, 2, 2, 3, 3]]]
    np.testing.assert_allclose(F.interpolate(x, 7, mode="linear", align_corners=True)[0, 0], np.arange(7) / 2)


@pytest.mark.parametrize("factor", [1.1, 2.1, 2.2])
def test_nearest_by_a_broken_factor_steps_as_in_pytorch_and_sends_each_gradient_to_where_it_read(factor: float) -> None:
    """PyTorch 2.13: along one or three axes a step is 1 / factor, along two a size that stays or doubles is n / size.

    Its gradient follows the second rule, wherever: by 2.1 along one axis it gives 2 to each, though 0 was read thrice.
    """
    read = {1.1: [0, 0, 1, 2], 2.1: [0, 0, 0, 1, 1, 2, 2, 3], 2.2: [0, 0, 0, 1, 1, 2, 2, 3]}[factor]
    of_two = {4: [0, 1, 2, 3], 8: [0, 0, 1, 1, 2, 2, 3, 3]}[len(read)]
    for shape, factors, wanted in [
        ((1, 1, 4), factor, read),
        ((1, 1, 4, 1), (factor, 1.0), of_two),
        ((1, 1, 1, 4), (1.0, factor), of_two),
        ((1, 1, 1, 4, 1), (1.0, factor, 1.0), read),
    ]:
        x = mg.arange(4.0).reshape(shape).requires_grad_()
        out = F.interpolate(x, scale_factor=factors)
        assert out.flatten().tolist() == wanted
        out.sum().backward()
        assert x.grad.flatten().tolist() == np.bincount(wanted, minlength=4).tolist()


# -- against PyTorch --------------------------------------------------------------------------------------------------


@cache
def pytorch() -> dict[str, Any]:
    return load("convolution")


@pytest.mark.parametrize("i", range(oracle.CONFIGURATIONS), ids=oracle.name)
def test_random_configurations_agree_with_pytorch(i: int) -> None:
    """Results and gradients of first and second order, of input, weight and bias."""
    ours = oracle.compute(mg, i)
    theirs = {key.partition("/")[2]: value for key, value in pytorch().items() if key.startswith(f"{i}/")}
    assert theirs.keys() >= {"out", "grad/0"}
    for what in ours.keys() | theirs.keys():
        shape = (ours if what in ours else theirs)[what].shape
        a, b = (found.get(what, np.zeros(shape)) for found in (ours, theirs))  # no gradient is a gradient of 0
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10, err_msg=what)


# -- blocks, dtypes, empty batches ------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [1, 2])
def test_the_size_of_the_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch, groups: int) -> None:
    found = []
    for block in (1, 100, 10**9):
        monkeypatch.setattr(convolution, "BLOCK", block)
        x = mg.tensor(random(5, 4, 6, 6), requires_grad=True)
        weight = mg.tensor(random(4, 4 // groups, 3, 3), requires_grad=True)
        y = F.conv2d(x, weight, padding=1, groups=groups)
        (y * y).sum().backward()
        found.append([y.detach().numpy(), x.grad.numpy(), weight.grad.numpy()])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
def test_everything_keeps_the_dtype(dtype: Any) -> None:
    x = mg.tensor(random(2, 2, 6, 6), dtype=dtype, requires_grad=True)
    weight = mg.tensor(random(2, 2, 3, 3), dtype=dtype, requires_grad=True)
    bias = mg.zeros(2, dtype=dtype, requires_grad=True)
    for y in (
        F.conv2d(x, weight, bias, padding=1),
        F.conv_transpose2d(x, weight, bias, stride=2, output_padding=1),
        F.max_pool2d(x, 2, padding=1),
        F.avg_pool2d(x, 2, padding=1, ceil_mode=True),
        F.avg_pool2d(x, 2, divisor_override=3),
        F.adaptive_avg_pool2d(x, 4),
        F.interpolate(x, 5),
        F.interpolate(x, 5, mode="bilinear"),
        F.unfold(x, 2),
        F.fold(F.unfold(x, 2), 6, 2),
    ):
        assert y.dtype == dtype
        y.sum().backward()
        assert x.grad.dtype == dtype
    assert weight.grad.dtype == bias.grad.dtype == dtype


def test_no_examples_give_no_results_and_gradients_of_0() -> None:
    x = mg.zeros(0, 2, 5, 5, requires_grad=True)
    weight = mg.ones(3, 2, 3, 3, requires_grad=True)
    y = F.conv2d(x, weight)
    assert y.shape == (0, 3, 3, 3)
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert not weight.grad.numpy().any()
    assert F.conv_transpose2d(x, mg.ones(2, 3, 2, 2)).shape == (0, 3, 6, 6)
    assert F.max_pool2d(x, 2).shape == F.avg_pool2d(x, 2).shape == (0, 2, 2, 2)


def test_a_convolution_keeps_its_input_and_not_the_windows() -> None:
    x = mg.randn(2, 3, 8, 8, requires_grad=True)
    weight = mg.randn(4, 3, 3, 3, requires_grad=True)
    y = F.conv2d(x, weight)
    kept = [array for array in y.node.saved if isinstance(array, np.ndarray)]
    assert {id(array) for array in kept} == {id(x.data), id(weight.data)}


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.conv2d(mg.ones(1, 3, 5, 5), mg.ones(4, 2, 3, 3)), "takes 2 channels and .*; x has 3 channels"),
        (lambda: F.conv2d(mg.ones(1, 4, 5, 5), mg.ones(3, 2, 3, 3), groups=2), "groups must divide its 3 outputs"),
        (
            lambda: F.conv2d(mg.ones(1, 1, 3, 3), mg.ones(1, 1, 5, 5), padding=(0, 1)),
            r"\(5, 5\) does not fit .* \(3, 5\)",
        ),
        (lambda: F.conv2d(mg.ones(5), mg.ones(1, 1, 3, 3)), r"x needs shape \(N, C, H, W\), or without N, not \(5,\)"),
        (lambda: F.conv1d(mg.ones(1, 1, 5), mg.ones(1, 3)), r"weight needs 3 axes, the last 1 those of the kernel"),
        (
            lambda: F.conv2d(mg.ones(1, 1, 3, 3), mg.ones(2, 1, 3, 3), mg.ones(3)),
            r"bias needs shape \(2,\), .*, not \(3,\)",
        ),
        (lambda: F.conv1d(mg.ones(1, 1, 3), mg.ones(1, 1, 3), stride=0), "stride is an integer ≥ 1, .*, not 0"),
        (lambda: F.conv2d(mg.ones(1, 1, 3, 3), mg.ones(1, 1, 1, 1), padding=(1, 1, 1)), r"padding is .*, or 2 of them"),
        (lambda: F.conv1d(mg.ones(1, 1, 3), mg.ones(1, 1, 3), padding="some"), "'same' or 'valid', not 'some'"),
        (lambda: F.conv1d(mg.ones(1, 1, 3), mg.ones(1, 1, 3), 2, padding="same"), "bias"),
        (lambda: F.conv1d(mg.ones(1, 1, 3), mg.ones(1, 1, 3), stride=2, padding="same"), "'same' needs stride 1"),
        (lambda: F.conv_transpose1d(mg.ones(1, 2, 3), mg.ones(3, 1, 2)), "takes 3 channels .*; x has 2 channels"),
        (
            lambda: F.conv_transpose1d(mg.ones(1, 1, 3), mg.ones(1, 1, 2), stride=2, output_padding=2),
            "output_padding .* must be smaller than stride",
        ),
        (lambda: F.conv_transpose1d(mg.ones(1, 1, 1), mg.ones(1, 1, 2), padding=1), "padding .* leaves nothing"),
        (lambda: F.max_pool2d(mg.ones(1, 1, 4, 4), 2, padding=2), r"padding \(2, 2\) is more than half of the window"),
        (lambda: F.max_pool2d(mg.ones(1, 1, 2, 4), 3), r"\(3, 3\) does not fit into the padded x of size \(2, 4\)"),
        (lambda: F.avg_pool1d(mg.ones(4), 2), r"x needs shape \(N, C, L\)"),
        (lambda: F.adaptive_avg_pool2d(mg.ones(1, 1, 4, 4), 0), "output_size is an integer ≥ 1"),
        (lambda: F.adaptive_avg_pool2d(mg.ones(4, 4), 2), r"x needs shape \(N, C, H, W\)"),
        (lambda: F.fold(mg.ones(1, 8, 5), (3, 4), 2), r"x is \(N, C · 4, 6\): 4 numbers in each of 2 · 3 windows"),
        (lambda: F.interpolate(mg.ones(1, 1, 4), 2, mode="bilinear"), "'nearest' or 'linear', not 'bilinear'"),
        (lambda: F.interpolate(mg.ones(1, 1, 4)), "either size or scale_factor"),
        (lambda: F.interpolate(mg.ones(1, 1, 4), scale_factor=0.2), r"at least 1, but \(4,\) is to become \(0,\)"),
        (lambda: F.interpolate(mg.ones(1, 1, 0), 3), r"at least 1, but \(0,\) is to become \(3,\)"),
        (lambda: F.interpolate(mg.ones(1, 1, 4), 2, align_corners=True), "align_corners goes with the linear modes"),
    ],
)
def test_errors_say_what_was_expected(call: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        call()
    assert re.match(r"\w+\(x: float32 \(", str(raised.value)), "the function and its arguments come first"
