"""Functions composed of operators: variance, standard deviation, joining. Dropout is tested with its layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck

AXES = [None, 0, -1, (0, 2), (1, -1)]


def array(*shape: int) -> Any:
    return np.random.default_rng(0).normal(1.0, 2.0, shape)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("correction", [0, 1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_var_and_std_are_numpys(axis: Any, correction: int, keepdims: bool) -> None:
    x = array(3, 4, 2)
    options = {"correction": correction, "keepdims": keepdims}
    for ours, numpys in ((mg.var, np.var), (mg.std, np.std)):
        expected = numpys(x, axis, ddof=correction, keepdims=keepdims)
        for y in (ours(mg.tensor(x), axis, **options), numpys(mg.tensor(x), axis, ddof=correction, keepdims=keepdims)):
            assert isinstance(y, mg.Tensor)
            np.testing.assert_allclose(y, expected, rtol=1e-14)
        np.testing.assert_allclose(ours(x, axis, **options), expected, rtol=1e-14)


def test_var_and_std_take_pytorchs_names_and_are_methods() -> None:
    x = mg.tensor(array(3, 4))
    assert x.var(dim=1, keepdim=True).tolist() == mg.var(x, 1, keepdims=True).tolist()
    assert x.std(dim=0).tolist() == mg.std(x, 0).tolist()
    assert x.var(correction=0).item() == pytest.approx(np.var(array(3, 4)))
    with pytest.raises(TypeError, match="unbiased"):
        x.var(unbiased=False)


@pytest.mark.parametrize("function", [mg.var, mg.std])
@pytest.mark.parametrize("axis", AXES)
def test_var_and_std_have_the_right_gradients(function: Any, axis: Any) -> None:
    x = mg.tensor(array(3, 2, 2), requires_grad=True)
    assert gradcheck(lambda x: function(x, axis), x)
    assert gradgradcheck(lambda x: function(x, axis), x)


def test_the_gradient_of_var_has_a_closed_form() -> None:
    x = mg.tensor(array(5), requires_grad=True)
    mg.var(x).backward()
    np.testing.assert_allclose(x.grad, 2 * (array(5) - array(5).mean()) / 4, rtol=1e-14)


def test_std_of_a_constant_has_gradient_zero() -> None:
    x = mg.tensor([[2.0, 2.0, 2.0], [1.0, 2.0, 3.0]], requires_grad=True)
    y = mg.std(x, 1)
    assert y.tolist() == [0, 1]
    y.sum().backward()
    assert x.grad.tolist() == [[0, 0, 0], [-0.5, 0, 0.5]]


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
def test_composed_functions_keep_the_dtype(dtype: Any) -> None:
    x = mg.tensor(array(3, 4), dtype=dtype, requires_grad=True)
    for y in (mg.var(x), mg.std(x, 0), mg.cat([x, x]), mg.stack([x, x]), mg.nn.functional.dropout(x)):
        assert y.dtype == dtype
        y.sum().backward()
        assert x.grad.dtype == dtype


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_stack_is_numpys(axis: int) -> None:
    x, y = array(3, 4), array(3, 4) + 1
    for z in (
        mg.stack([mg.tensor(x), y], axis),
        mg.stack([mg.tensor(x), y], dim=axis),
        np.stack([mg.tensor(x), y], axis),
    ):
        assert isinstance(z, mg.Tensor)
        assert np.array_equal(z.numpy(), np.stack([x, y], axis))
    leaves = [mg.tensor(a, requires_grad=True) for a in (x, y)]
    g = array(*z.shape)
    mg.stack(leaves, axis).backward(mg.tensor(g))
    for i, t in enumerate(leaves):
        assert np.array_equal(t.grad.numpy(), np.take(g, i, axis))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_cat_is_numpys(axis: int) -> None:
    shapes = {0: [(1, 3), (2, 3)], 1: [(2, 1), (2, 4)], -1: [(2, 0), (2, 5)]}[axis]
    parts = [array(*shape) for shape in shapes]
    leaves = [mg.tensor(part, requires_grad=True) for part in parts]
    y = mg.cat(leaves, dim=axis)
    assert np.array_equal(y.detach().numpy(), np.concatenate(parts, axis))
    g = array(*y.shape)
    y.backward(mg.tensor(g))
    at = shapes[0][axis]
    for t, expected in zip(leaves, np.split(g, [at], axis), strict=True):
        assert np.array_equal(t.grad.numpy(), expected)


def test_shapes_that_cannot_be_joined_are_named() -> None:
    with pytest.raises(ValueError, match=r"concatenate\(.*\(2, 3\).*\(2, 4\)"):
        mg.cat([mg.ones(2, 3), mg.ones(2, 4)])
    with pytest.raises(ValueError, match="need at least one array"):
        mg.cat([])
