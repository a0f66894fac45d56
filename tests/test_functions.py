"""Functions composed of operators, beyond the cases of `tests/cases/functions.py`: the names and meanings of PyTorch
and NumPy, dtypes, errors. Dropout is tested with its layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck

AXES = [None, 0, -1, (0, 2), (1, -1)]


def leaf(data: Any) -> mg.Tensor:
    return mg.tensor(data, dtype=np.float64, requires_grad=True)


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
    assert x.var(unbiased=False).item() == x.var(correction=0).item()
    with pytest.raises(TypeError, match="biased"):
        x.var(biased=True)


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
    with pytest.raises(ValueError, match=r"cat\(.*\(2, 3\).*\(2, 4\)"):
        mg.cat([mg.ones(2, 3), mg.ones(2, 4)])
    with pytest.raises(ValueError, match="need at least one array"):
        mg.cat([])


# -- several results, under PyTorch's names ---------------------------------------------------------------------------


def test_sort_topk_and_median_give_values_and_indices() -> None:
    x = mg.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    values, indices = x.sort(dim=1)
    assert values.tolist() == [[1, 2, 3], [0, 4, 5]]
    assert indices.tolist() == [[1, 2, 0], [0, 2, 1]]
    assert x.sort(0, descending=True).indices.tolist() == [[0, 1, 1], [1, 0, 0]]
    assert x.topk(2).values.tolist() == [[3, 2], [5, 4]]
    assert x.topk(1, 1, largest=False).indices.tolist() == [[1], [0]]
    assert x.median(1).values.tolist() == [2, 4]
    assert x.median(dim=1, keepdim=True).indices.tolist() == [[2], [2]]
    assert x.median().item() == 2  # the lower of 2 and 3
    for result in (x.sort(), x.topk(1), x.median(0)):
        assert result.indices.dtype == np.int64
        assert result[0] is result.values


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.bool_])
def test_integers_and_bools_are_sorted_both_ways(dtype: Any) -> None:
    data = np.array([3, 0, 255, 1, 0]).astype(dtype)
    x = mg.tensor(data)
    for descending in (False, True):
        values, indices = mg.sort(x, descending=descending)
        assert values.dtype == dtype
        np.testing.assert_array_equal(values, np.sort(data)[::-1] if descending else np.sort(data))
        np.testing.assert_array_equal(values, data[indices.data])


def test_split_chunk_and_unbind_give_views_and_each_piece_its_gradient() -> None:
    x = mg.tensor(np.arange(10.0).reshape(5, 2), requires_grad=True)
    assert [piece.shape for piece in x.split(2)] == [(2, 2), (2, 2), (1, 2)]
    assert [piece.shape for piece in x.split([4, 1])] == [(4, 2), (1, 2)]
    assert [piece.shape for piece in x.chunk(3, dim=-1)] == [(5, 1), (5, 1)]
    assert [row.tolist() for row in x.unbind()] == x.tolist()
    pieces = x.split(2)
    assert all(np.shares_memory(piece.data, x.data) for piece in pieces)
    (pieces[1] * 3).sum().backward()
    assert x.grad.tolist() == [[0, 0], [0, 0], [3, 3], [3, 3], [0, 0]]


# -- the same name in PyTorch and NumPy -------------------------------------------------------------------------------


def test_a_name_has_the_meaning_of_whose_function_it_is() -> None:
    x = mg.tensor([4.0, 1.0, 3.0, 2.0])
    assert x.median().item() == 2
    assert np.median(x).item() == 2.5
    assert np.median(mg.tensor([1.0, np.nan]), 0).tolist() == pytest.approx(np.nan, nan_ok=True)
    assert np.median(x[:, None], axis=0, keepdims=True).shape == (1, 1)
    assert np.sort(x).tolist() == [1, 2, 3, 4]  # the values alone
    assert [part.tolist() for part in x.split(3)] == [[4, 1, 3], [2]]  # pieces of 3
    assert [part.tolist() for part in np.split(x, 2)] == [[4, 1], [3, 2]]  # 2 pieces
    assert [part.tolist() for part in np.split(x, [1, 3])] == [[4], [1, 3], [2]]
    assert np.repeat(x[:2], 2).tolist() == [4, 4, 1, 1]
    assert np.tile(x[:2], 2).tolist() == [4, 1, 4, 1]
    assert mg.meshgrid(x, x[:2])[0].shape == (4, 2)
    assert np.meshgrid(x, x[:2])[0].shape == (2, 4)
    assert np.pad(x[:1], (1, 2), constant_values=7).tolist() == [7, 4, 7, 7]
    with pytest.raises(ValueError, match="equal pieces"):
        np.split(x, 3)
    with pytest.raises(TypeError, match="constant"):
        np.pad(x, 1, mode="reflect")


def test_several_axes_may_be_a_list_where_they_are_summed() -> None:
    x = mg.tensor(array(2, 3, 4), requires_grad=True)
    for function in (mg.sum, mg.mean, mg.var, mg.norm):
        expected, found = (mg.grad(function(x, axis=axis).sum(), x)[0] for axis in ((0, 2), [0, 2]))
        np.testing.assert_array_equal(found, expected)


def test_functions_of_arrays_give_arrays() -> None:
    x = array(3, 4)
    for result in (mg.norm(x), mg.nn.functional.pad(x, (1, 1)), mg.sort(x).values, mg.median(x)):
        assert not isinstance(result, mg.Tensor)


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: mg.norm(x, 3),
        lambda x: mg.norm(x, 0),
        lambda x: mg.nanmean(x, 0),
        lambda x: mg.scatter(x, 0, [[0, 1, 2, 0]], 1.5),
        lambda x: mg.scatter_add(x, 0, [[0, 1, 2, 0]], x),
        lambda x: mg.nn.functional.pad(x, (1, 1), value=2.5),
        lambda x: np.median(x),
        lambda x: np.prod(x),
        lambda x: np.cumprod(x, 0),
        lambda x: mg.diag_embed(x),
        lambda x: mg.diff(x),
    ],
)
def test_functions_keep_the_dtype(dtype: Any, function: Any) -> None:
    x = mg.tensor(array(3, 4), dtype=dtype, requires_grad=True)
    y = function(x)
    assert y.dtype == dtype
    y.sum().backward()
    assert x.grad.dtype == dtype


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_integers_and_bools_are_moved_about_as_they_are(dtype: Any) -> None:
    data = np.array([[1, 0, 1], [0, 1, 1]]).astype(dtype)
    x = mg.tensor(data)
    for ours, expected in (
        (mg.nn.functional.pad(x, (1, 0), value=1), np.pad(data, ((0, 0), (1, 0)), constant_values=1)),
        (mg.tile(x, (2, 1)), np.tile(data, (2, 1))),
        (mg.gather(x, 1, [[2], [1]]), np.array([[1], [1]], dtype)),
        (mg.diag_embed(x)[0], np.diag(data[0])),
        (mg.masked_select(x, x != 0), data[data != 0]),
        (mg.scatter(x, 0, [[1, 1, 1]], 1)[1], np.ones(3, dtype)),
    ):
        assert ours.dtype == dtype
        np.testing.assert_array_equal(ours, expected)


# -- zeros, kinks, far values -----------------------------------------------------------------------------------------


def test_products_with_zeros_have_exact_gradients_also_of_third_order() -> None:
    x = mg.tensor(np.array([2.0, 0.0, 3.0, 0.0, 5.0]), requires_grad=True)
    (first,) = mg.grad(x.prod(), x, create_graph=True)
    assert first.tolist() == [0, 0, 0, 0, 0]
    (second,) = mg.grad(first[1], x, create_graph=True)
    assert second.tolist() == [0, 0, 0, 30, 0]
    (third,) = mg.grad(second[3], x)
    assert third.tolist() == [15, 0, 10, 0, 6]


def test_a_product_does_not_overflow_on_the_way_to_zero() -> None:
    x = mg.tensor([0.0] + [1e30] * 3)  # in float32 the last three have no product
    assert x.prod().item() == 0
    assert x.cumprod(0).tolist() == [0, 0, 0, 0]


def test_a_long_product_takes_linear_time() -> None:
    x = mg.ones(200_000, requires_grad=True)  # the square of that would not fit in memory
    x.prod().backward()
    assert x.grad.numpy().min() == x.grad.numpy().max() == 1
    x.grad = None
    x.cumprod(0).sum().backward()
    assert x.grad[0].item() == 200_000


def test_ties_of_the_largest_size_and_of_the_median_share() -> None:
    x = mg.tensor([[3.0, -3.0, 1.0]], requires_grad=True)
    for axis in (None, 1):
        (g,) = mg.grad(mg.norm(x, np.inf, axis), x, mg.tensor(1.0) if axis is None else mg.tensor([1.0]))
        assert g.tolist() == [[0.5, -0.5, 0]]
    x = mg.tensor([1.0, 1.0, 0.0, 2.0], requires_grad=True)
    (g,) = mg.grad(mg.median(x), x)
    assert g.tolist() == [0.5, 0.5, 0, 0]


# -- indices ----------------------------------------------------------------------------------------------------------


def test_gather_and_scatter_add_are_each_others_transpose() -> None:
    index = np.array([[0, 2, 2], [1, 1, 0]])
    x, y = array(2, 3), array(2, 3) + 1
    read = mg.gather(x, 1, index)
    written = mg.scatter_add(np.zeros((2, 3)), 1, index, y)
    assert (read * y).sum() == pytest.approx((x * written).sum())  # <A x, y> = <x, Aᵀ y>


def test_of_several_numbers_for_one_place_scatter_keeps_the_last_and_sends_the_gradient_there() -> None:
    x = mg.tensor(np.zeros(3), requires_grad=True)
    src = mg.tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    y = mg.scatter(x, 0, mg.tensor([1, 1, 0]), src)
    assert y.tolist() == [3, 2, 0]
    (y * mg.tensor([10.0, 20.0, 30.0])).sum().backward()
    assert src.grad.tolist() == [0, 20, 10]
    assert x.grad.tolist() == [0, 0, 30]


def test_an_index_may_be_a_tensor_an_array_or_a_list() -> None:
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    for make in (mg.tensor, np.array, list):
        assert x.gather(1, make([[1], [0]])).tolist() == [[2], [3]]
        assert x.index_select(0, make([1, 1])).tolist() == [[3, 4], [3, 4]]
        assert x.take_along_dim(make([[-1], [0]]), 1).tolist() == [[2], [3]]
        assert x.repeat_interleave(make([0, 2]), dim=0).tolist() == [[3, 4], [3, 4]]
        assert x.index_add(0, make([0, 0]), mg.ones(2, 2)).tolist() == [[3, 4], [3, 4]]
        assert x.scatter_add(0, make([[0, 0]]), mg.ones(1, 2)).tolist() == [[2, 3], [3, 4]]


@pytest.mark.parametrize("make", [mg.tensor, np.array], ids=["tensor", "array"])
def test_unique_also_says_where_and_how_often(make: Any) -> None:
    x = make([[3, 1, 3], [7, 1, 3]])
    values, inverse, counts = mg.unique(x, return_inverse=True, return_counts=True)
    assert [a.tolist() for a in (values, inverse, counts)] == [[1, 3, 7], [[1, 0, 1], [2, 0, 1]], [2, 3, 1]]
    assert {type(a) for a in (values, inverse, counts)} == {type(x)}
    columns, places = mg.unique(x, return_inverse=True, dim=1)
    assert (columns.tolist(), places.tolist()) == ([[1, 3, 3], [1, 3, 7]], [2, 0, 1])
    assert mg.unique(make([[0, 1], [0, 1]]), return_counts=True, dim=0)[1].tolist() == [2]
    assert len(mg.unique(make([np.nan, 1.0, np.nan]))) == 3  # nan equals nothing, not even itself


def test_the_first_of_equal_elements_stands_for_them_in_unique() -> None:
    x = leaf([2.0, 1.0, 2.0])
    (np.unique(x) * np.array([10.0, 1.0])).sum().backward()
    assert x.grad.tolist() == [1, 10, 0]


def test_bincount_counts_and_the_gradient_of_a_weight_is_that_of_its_bin() -> None:
    labels, weights = mg.tensor([2, 0, 2]), leaf([1.0, 10.0, 100.0])
    assert mg.bincount(labels).tolist() == labels.bincount(minlength=2).tolist() == [1, 0, 2]
    assert mg.bincount(mg.tensor([], dtype=mg.int64), minlength=2).tolist() == [0, 0]
    assert mg.bincount(labels).dtype == mg.int64
    sums = np.bincount(labels, weights, minlength=4)
    assert sums.tolist() == [10, 0, 101, 0]
    (sums * np.arange(4.0)).sum().backward()
    assert weights.grad.tolist() == [2, 0, 2]


def test_distances_between_all_rows_and_their_gradient_where_there_is_none() -> None:
    x, y = leaf([[0.0, 0.0], [3.0, 4.0]]), leaf([[0.0, 0.0]])
    distances = mg.cdist(x, y)
    distances.sum().backward()
    assert distances.tolist() == [[0], [5]]
    np.testing.assert_allclose(x.grad.numpy(), [[0, 0], [0.6, 0.8]], rtol=1e-15)
    np.testing.assert_allclose(y.grad.numpy(), [[-0.6, -0.8]], rtol=1e-15)


def test_the_limits_of_dtypes_do_not_widen_what_they_are_put_into() -> None:
    scores = mg.zeros(2, 3).masked_fill(mg.tensor([True, False, True]), mg.finfo(mg.float32).min)
    assert scores.dtype == mg.float32
    assert mg.softmax(scores, dim=-1).tolist() == [[0, 1, 0]] * 2
    assert (mg.iinfo(mg.int64).max, mg.numel(scores), mg.is_floating_point(scores)) == (2**63 - 1, 6, True)


X = mg.zeros(2, 3)
MISTAKES: list[Any] = [
    (lambda: mg.gather(X, 1, [[3], [0]]), IndexError, "gather", r"index 3 .* axis of size 3 takes 0 \.\.\. 2"),
    (lambda: mg.gather(X, 1, [[-1], [0]]), IndexError, "gather", "index -1 is out of range"),
    (lambda: mg.gather(X, 0, [0, 1]), ValueError, "gather", "as many axes as x, 2, not 1"),
    (lambda: mg.gather(X, 0, [[0.5]]), TypeError, "gather", "index must hold integers, not float32"),
    (lambda: mg.scatter_add(X, 0, [[2]], X), IndexError, "scatter_add", "index 2 is out of range"),
    (lambda: mg.index_select(X, 0, [2]), IndexError, "index_select", "index 2 is out of range"),
    (lambda: mg.index_add(X, 0, [2], X), IndexError, "index_add", "index 2 is out of range"),
    (lambda: mg.take_along_dim(X, [[3], [0]], 1), IndexError, "take_along_dim", "out of bounds"),
    (lambda: mg.nn.functional.one_hot(mg.tensor([0, 3]), 3), IndexError, "one_hot", "index 3 .* takes 0 ... 2"),
    (lambda: mg.nn.functional.one_hot(mg.tensor([-1, 3])), IndexError, "one_hot", "index -1"),
    (lambda: mg.nn.functional.one_hot(mg.tensor([0.0])), TypeError, "one_hot", "integers, not float32"),
    (lambda: mg.bincount(mg.tensor([0, -1])), ValueError, "bincount", "integers from 0 on, in a vector"),
    (lambda: mg.bincount(mg.tensor([0.0])), ValueError, "bincount", "integers from 0 on, in a vector"),
    (lambda: mg.bincount(mg.tensor([[0]])), ValueError, "bincount", "integers from 0 on, in a vector"),
    (
        lambda: mg.bincount(mg.tensor([0, 1]), mg.ones(3)),
        ValueError,
        "bincount",
        r"the shape of x, \(2,\)",
    ),
    (lambda: mg.cdist(X, mg.zeros(2, 4)), ValueError, "cdist", "x1 .*3.* and x2 .*4"),
    (lambda: X.split(0), ValueError, "split", "must be positive, not 0"),
    (lambda: X.split([1, 2]), ValueError, "split", "add up to 2, the size of the axis"),
    (lambda: X.split([3, -1]), ValueError, "split", "none be negative"),
    (lambda: X.split(1, 2), IndexError, "split", "axis 2 is out of bounds"),
    (lambda: mg.hstack([]), ValueError, "hstack", "need at least one array"),
    (lambda: X.chunk(0), ValueError, "chunk", "must be positive"),
    (lambda: X.unflatten(1, (2, 2)), ValueError, "unflatten", "cannot reshape"),
    (lambda: X.flatten(1, 0), ValueError, "flatten", "must not come after"),
    (lambda: X.expand(4, 3), ValueError, "expand", "4"),
    (lambda: X.diag_embed().diag(), ValueError, "diag", "diag_embed and diagonal"),
    (lambda: X.topk(4), ValueError, "topk", "from 0 to 3"),
    (lambda: X.norm("nuc"), ValueError, "norm", "not 'nuc'"),
    (lambda: X.long().norm(), TypeError, "norm", r"x\.float\(\)"),
    (lambda: mg.nn.functional.pad(X, (1, 1), "same"), ValueError, "pad", "reflect"),
    (lambda: mg.nn.functional.pad(X, (1, 1, 1)), ValueError, "pad", "before and after"),
    (lambda: mg.meshgrid(X, indexing="ik"), ValueError, "meshgrid", '"ij" or "xy"'),
]


@pytest.mark.parametrize(("call", "kind", "name", "message"), MISTAKES)
def test_a_mistake_is_explained_under_the_name_of_the_function(call: Any, kind: Any, name: str, message: str) -> None:
    with pytest.raises(kind, match=rf"^{name}\(.*{message}"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.cumsum(x, 0, np.float32),
        lambda x: np.prod(x, dtype=np.float32),
        lambda x: np.prod(x, initial=2.0),
        lambda x: np.nansum(x, 0, np.float32),
        lambda x: np.sort(x, kind="heapsort"),
        lambda x: np.argsort(x, 0, "stable"),
        lambda x: np.median(x, None, np.zeros(())),
        lambda x: np.var(x, 0, np.float32),
        lambda x: np.ravel(x, order="F"),
        lambda x: np.diff(x, prepend=0),
        lambda x: np.meshgrid(x, sparse=True),
        lambda x: np.pad(x, 1, constant_values=(1, 2)),
        lambda x: np.hstack([x, x], dtype=np.float32),
    ],
)
def test_an_argument_of_numpys_that_is_not_supported_raises(call: Any) -> None:
    with pytest.raises(TypeError):
        call(X)


def test_equal_and_allclose_give_python_bools() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert mg.equal(x, mg.tensor([1.0, 2.0])) is True
    assert mg.equal(x, x + 1e-6) is mg.equal(x, mg.ones(3)) is np.array_equal(x, mg.zeros(2)) is False
    assert mg.allclose(x, x + 1e-6) is np.allclose(x, x) is True
    assert mg.allclose(x, x + 1e-6, rtol=0, atol=1e-8) is False
    assert mg.eq(x, mg.tensor([1.0, 0.0])).tolist() == [True, False]


def test_max_and_min_are_pytorchs_of_all_along_an_axis_and_of_two() -> None:
    x = mg.tensor([[3.0, 3.0, 1.0], [0.0, 2.0, 2.0]], requires_grad=True)
    values, indices = x.max(1)
    assert (values.tolist(), indices.tolist()) == ([3, 2], [0, 1])
    assert mg.grad(values.sum(), x)[0].tolist() == [[1, 0, 0], [0, 1, 0]]
    assert mg.min(x, dim=0, keepdim=True).indices.tolist() == [[1, 1, 0]]
    assert mg.max(x).item() == x.max().item() == 3
    assert mg.max(x, mg.tensor(2.5)).tolist() == [[3, 3, 2.5], [2.5, 2.5, 2.5]]
    assert mg.max(mg.tensor(3.0), 0).indices.item() == 0
    assert np.max(x, 1).tolist() == mg.amax(x, 1).tolist() == [3, 2]
    assert mg.grad(mg.amax(x, 1).sum(), x)[0].tolist() == [[0.5, 0.5, 0], [0, 0.5, 0.5]]
    with pytest.raises(TypeError, match="write amax or amin"):
        mg.max(x, (0, 1))


@pytest.mark.parametrize("axis", [True, mg.tensor(0), np.array(0)])
def test_an_axis_is_a_number_and_nothing_else(axis: Any) -> None:
    x = mg.ones(2, 2)
    for function in (mg.sum, mg.mean, mg.amax, mg.var, mg.argmax, mg.softmax, mg.cumsum, mg.unsqueeze, mg.squeeze):
        with pytest.raises(TypeError, match="axis is None, a number or several"):
            function(x, axis)
    with pytest.raises(TypeError, match="axis is None, a number or several"):
        mg.sum(x, axis, True)


def test_pytorchs_names_of_arguments_work_where_ours_differ() -> None:
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert mg.flip(x, dims=(0,)).tolist() == x.flip(dims=[0]).tolist() == [[3, 4], [1, 2]]
    assert x.permute(dims=(1, 0)).tolist() == mg.permute(x, dims=(1, 0)).tolist() == x.t().tolist()
    assert mg.tensordot(x, x, dims=2).item() == 30
    assert mg.sum(input=x, dim=0).tolist() == [4, 6]
    assert mg.add(input=x, other=x).tolist() == (2 * x).tolist()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.flip(0),
        lambda x: mg.diag(x),
        lambda x: x.tile(1, 1),
        lambda x: x.repeat(1, 1),
        lambda x: mg.nn.functional.pad(x, (0, 0)),
        lambda x: mg.nn.functional.pad(x, (0, 0), mode="replicate"),
        lambda x: mg.nn.functional.max_pool1d(x, 1),
    ],
)
def test_what_pytorch_copies_is_a_copy_whatever_the_arguments(function: Any) -> None:
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    function(x).zero_()
    assert x.tolist() == [[1, 2], [3, 4]]


def test_division_by_the_number_zero_has_an_infinite_gradient_and_no_error() -> None:
    x = mg.tensor([1.0, -2.0], requires_grad=True)
    with np.errstate(all="ignore"):
        assert mg.grad((x / 0).sum(), x)[0].tolist() == [np.inf, np.inf]
        assert np.isnan(mg.grad(mg.var(x[:1]), x)[0].data[0])


def test_padding_refuses_what_pytorch_and_numpy_do_differently() -> None:
    with pytest.raises(ValueError, match='only in the mode "constant"'):
        mg.nn.functional.pad(mg.ones(1, 2), (-1, 1), "reflect")


def test_unsigned_integers_add_up_to_signed_ones_as_in_pytorch() -> None:
    x = mg.tensor([[200, 100], [3, 2]], dtype=mg.uint8)
    for function, expected in [
        (mg.sum, 305),
        (mg.prod, 120_000),
        (lambda x: x.cumsum(0), [[200, 100], [203, 102]]),
        (lambda x: x.cumprod(1), [[200, 20_000], [3, 6]]),
        (lambda x: x.sum(0) - x.sum(0).flip(0), [101, -101]),
    ]:
        assert function(x).dtype == mg.int64
        assert function(x).tolist() == expected


def test_arguments_and_forms_of_pytorchs() -> None:
    x = mg.tensor([[1.0, 2.0, 4.0]])
    for function in (mg.var, mg.std):
        assert function(x, unbiased=False).item() == function(x, correction=0).item() != function(x).item()
    assert [a.tolist() for a in mg.nonzero(x > 1, as_tuple=True)] == [[0, 0], [1, 2]]
    assert x[(x > 1).nonzero(as_tuple=True)].tolist() == [2, 4]
    assert (x.squeeze(1).shape, x.squeeze(0).shape, x.squeeze((0, 1)).shape) == ((1, 3), (3,), (3,))
    assert np.squeeze(x, 0).shape == (3,)
    with pytest.raises(ValueError, match="size not equal to one"):
        np.squeeze(x, 1)
    assert mg.nn.functional.cross_entropy(input=x, target=mg.tensor([2])).item() == pytest.approx(0.1698, abs=1e-4)
    w = leaf([3.0])
    assert mg.autograd.grad(w * w, w, None, None, False, True)[0].tolist() == [6]


def test_spellings_of_pytorch_and_slips_in_them() -> None:
    x = mg.tensor([[3.0, 4.0]])
    assert mg.norm(x, None).item() == 5
    assert x.transpose(dim0=0, dim1=1).shape == (2, 1)
    assert mg.tile(x, dims=(2, 1)).shape == (2, 2)
    assert mg.diagonal(x, dim1=0, dim2=1).tolist() == [3]
    with pytest.raises(TypeError, match=r"write cat\(\[a, b\]\)"):
        mg.cat(x, x)
    with pytest.raises(ValueError, match="at most two axes"):
        mg.ones(1, 2, 3).t()
