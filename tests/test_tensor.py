"""`Tensor`: making one, arithmetic with everything beside it, indexing, NumPy's functions, copies and writes."""

from __future__ import annotations

import copy
import datetime
import operator
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import overrides

import minigrad as mg
from minigrad import nn
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.op import numpy_ops


def leaf(data: Any, dtype: Any = np.float64) -> mg.Tensor:
    return mg.tensor(data, dtype=dtype, requires_grad=True)


# -- making one -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1.5, np.float32, ()),
        (3, np.int64, ()),
        (True, np.bool_, ()),
        ([1.5, 2], np.float32, (2,)),
        ([[1, 2, 3], [4, 5, 6]], np.int64, (2, 3)),
        ([True, False], np.bool_, (2,)),
        ([], np.float32, (0,)),
        ([[], []], np.float32, (2, 0)),
        (range(3), np.int64, (3,)),
        (np.float64(1.5), np.float64, ()),
        (np.float32(1.5), np.float32, ()),
        (np.array([1.5, 2.5]), np.float64, (2,)),
        (np.array([1, 2], np.int8), np.int8, (2,)),
        (np.array([[1.5]], np.float16), np.float16, (1, 1)),
        (mg.tensor([1.5], dtype=np.float64), np.float64, (1,)),
        ([mg.tensor(1.5), mg.tensor(2.5)], np.float32, (2,)),
        ([np.array([1.5, 2.5]), [3.5, 4.5]], np.float32, (2, 2)),
    ],
)
def test_python_floats_become_the_default_dtype_and_arrays_keep_their_own(data: Any, dtype: Any, shape: Any) -> None:
    t = mg.tensor(data)
    assert (t.dtype, t.shape) == (dtype, shape)
    assert mg.tensor(data, dtype=np.float16).dtype == np.float16
    assert not t.requires_grad


def test_the_default_dtype_can_be_set() -> None:
    mg.set_default_dtype(np.float64)
    try:
        assert mg.tensor([1.0]).dtype == mg.zeros(2).dtype == mg.randn(2).dtype == np.float64
        assert mg.tensor(np.float32(1)).dtype == np.float32
    finally:
        mg.set_default_dtype(np.float32)


@pytest.mark.parametrize("make", [mg.tensor, mg.Tensor, lambda a: mg.tensor(mg.from_numpy(a))])
def test_a_new_tensor_copies_what_it_is_given(make: Any) -> None:
    array = np.array([1.0, 2.0])
    t = make(array)
    array[0] = 9
    assert t.tolist() == [1.0, 2.0]


def test_from_numpy_shares_memory() -> None:
    array = np.array([1.0, 2.0])
    t = mg.from_numpy(array)
    array[0] = 9
    assert t.tolist() == [9.0, 2.0]


@pytest.mark.parametrize("dtype", [None, np.float32])
@pytest.mark.parametrize(
    "data",
    ["1.5", ["1", "2"], None, [None, 1.0], 1j, [1.0, 2j], np.array([1j]), {1.0}, object(), 2**70, np.array(["a"]),
     datetime.date(2000, 1, 1), np.array("2000-01-01", "M8[D]"), b"1", (x for x in [1.0])],
    ids=lambda data: type(data).__name__,
)  # fmt: skip
def test_what_is_not_a_real_number_is_refused_and_not_converted(data: Any, dtype: Any) -> None:
    with pytest.raises(TypeError, match="a tensor holds floats, integers or bools, not "):
        mg.tensor(data, dtype=dtype)


@pytest.mark.parametrize("dtype", [complex, str])
def test_a_dtype_that_is_not_real_is_refused_by_all_that_makes_tensors(dtype: Any) -> None:
    for make in (
        lambda: mg.tensor([1], dtype=dtype),
        lambda: mg.zeros(2, dtype=dtype),
        lambda: mg.full((2,), dtype(1)),
        lambda: mg.from_numpy(np.array([1], dtype)),
        lambda: mg.ones_like(mg.ones(2), dtype=dtype),
    ):
        with pytest.raises(TypeError, match="a tensor holds floats, integers or bools"):
            make()


@pytest.mark.parametrize("dtype", [None, np.float32])
def test_rows_of_different_lengths_are_refused(dtype: Any) -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        mg.tensor([[1.0, 2.0], [3.0]], dtype=dtype)


def test_a_number_that_the_dtype_cannot_hold_is_refused() -> None:
    with pytest.raises(OverflowError):
        mg.tensor([300], dtype=np.uint8)


@pytest.mark.parametrize("data", [1, [True, False], np.array([1], np.uint8)])
def test_integers_and_bools_cannot_require_grad(data: Any) -> None:
    dtype = str(mg.tensor(data).dtype)
    with pytest.raises(TypeError, match=f"not {dtype}.*dtype=mg.float32"):
        mg.tensor(data, requires_grad=True)
    t = mg.tensor(data)
    with pytest.raises(TypeError, match=dtype):
        t.requires_grad = True
    assert not t.requires_grad


def test_a_list_of_tensors_in_a_graph_is_refused_and_not_cut_off_from_it() -> None:
    with pytest.raises(RuntimeError, match="detach"):
        mg.tensor([leaf(1.0), leaf(2.0)])


FACTORIES: dict[str, tuple[Any, Any]] = {
    "zeros": (lambda **k: mg.zeros(2, 3, **k), np.zeros((2, 3))),
    "ones": (lambda **k: mg.ones((2, 3), **k), np.ones((2, 3))),
    "full": (lambda **k: mg.full((2,), 1.5, **k), np.array([1.5, 1.5])),
    "empty": (lambda **k: mg.empty(2, 0, **k), np.zeros((2, 0))),
    "eye": (lambda **k: mg.eye(2, 3, **k), np.array([[1, 0, 0], [0, 1, 0]])),
    "arange": (lambda **k: mg.arange(0.5, 3.0, **k), np.array([0.5, 1.5, 2.5])),
    "linspace": (lambda **k: mg.linspace(0, 1, 5, **k), np.array([0, 0.25, 0.5, 0.75, 1])),
    "zeros_like": (lambda **k: mg.zeros_like(mg.ones(2), **k), np.zeros(2)),
    "ones_like": (lambda **k: mg.ones_like(mg.zeros(2), **k), np.ones(2)),
    "full_like": (lambda **k: mg.full_like(mg.zeros(2), 7.0, **k), np.array([7.0, 7.0])),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_factories_give_the_values_in_the_dtype_asked_for(name: str) -> None:
    make, expected = FACTORIES[name]
    for dtype in (np.float16, np.float32, np.float64):
        t = make(dtype=dtype, requires_grad=True)
        assert t.requires_grad
        assert t.dtype == dtype
        np.testing.assert_array_equal(t.data, expected)
    assert make().dtype == np.float32
    assert not make().requires_grad


def test_factories_of_integers_give_integers() -> None:
    assert mg.arange(3).tolist() == [0, 1, 2]
    assert mg.arange(5, 0, -2).tolist() == [5, 3, 1]
    for t in (mg.arange(3), mg.full((2,), 3), mg.randperm(4), mg.randint(0, 5, (2,)), mg.zeros_like(mg.arange(2))):
        assert t.dtype == np.int64
    with pytest.raises(TypeError, match="int64"):
        mg.arange(3, requires_grad=True)


def test_random_tensors_lie_where_they_should_and_follow_the_seed() -> None:
    draws = {
        "rand": lambda: mg.rand(1000),
        "randn": lambda: mg.randn(1000),
        "randint": lambda: mg.randint(3, (1000,)),
        "randint by keyword": lambda: mg.randint(3, size=(1000,)),
        "randint from 1": lambda: mg.randint(1, 3, (1000,)),
        "randperm": lambda: mg.randperm(1000),
    }
    for draw in draws.values():
        mg.manual_seed(7)
        first = draw()
        assert not np.array_equal(first.data, draw().data)
        mg.manual_seed(7)
        np.testing.assert_array_equal(first.data, draw().data)
    uniform, normal = draws["rand"](), draws["randn"]()
    assert uniform.dtype == normal.dtype == np.float32
    assert 0 <= uniform.min() < 0.01
    assert 0.99 < uniform.max() < 1
    assert abs(normal.mean()) < 0.15  # more than four standard errors
    assert abs(normal.std() - 1) < 0.1
    assert {*draws["randint"]().tolist()} == {*draws["randint by keyword"]().tolist()} == {0, 1, 2}
    assert {*draws["randint from 1"]().tolist()} == {1, 2}
    assert sorted(draws["randperm"]().tolist()) == list(range(1000))


def test_a_missing_name_is_told_with_the_nearest_that_exists() -> None:
    with pytest.raises(AttributeError, match="minigrad has no 'sigmoidd'; the nearest name is 'sigmoid'"):
        mg.sigmoidd  # noqa: B018
    with pytest.raises(AttributeError, match=r"minigrad has no 'xyzzy'$"):
        mg.xyzzy  # noqa: B018


# -- what it is -------------------------------------------------------------------------------------------------------


def test_a_tensor_tells_its_shape_size_and_dtype() -> None:
    t = mg.zeros(2, 3)
    assert (t.shape, t.ndim, t.numel(), t.dtype) == ((2, 3), 2, 6, np.float32)
    assert (t.size(), t.size(1), t.size(-1)) == ((2, 3), 3, 3)
    assert len(t) == 2


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (lambda: mg.tensor([2.0, 4.0]), "tensor([2., 4.])"),
        (lambda: mg.tensor(3), "tensor(3)"),
        (lambda: mg.tensor([True]), "tensor([ True])"),
        (lambda: mg.tensor(0.123456), "tensor(0.1235)"),
        (lambda: mg.tensor([1.0], dtype=np.float64), "tensor([1.], dtype=float64)"),
        (lambda: mg.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: mg.tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<multiply>)"),
        (lambda: mg.zeros(0, 2), "tensor([], size=(0, 2))"),
        (lambda: mg.tensor([[1, 2], [3, 4]]), "tensor([[1, 2],\n        [3, 4]])"),
    ],
)
def test_repr_shows_values_dtype_and_place_in_the_graph(tensor: Any, text: str) -> None:
    assert repr(tensor()) == text


def test_a_tensor_of_one_element_is_a_python_number_where_one_is_needed() -> None:
    t, n = mg.tensor([[2.5]], requires_grad=True), mg.tensor(2)
    assert (t.item(), float(t), int(t), bool(t), t.tolist()) == (2.5, 2.5, 2, True, [[2.5]])
    assert [type(v) for v in (t.item(), n.item(), mg.tensor(True).item())] == [float, int, bool]
    assert not mg.tensor([0.0])
    assert ["a", "b", "c"][n] == "c"
    assert list(range(n)) == [0, 1]
    assert f"{mg.tensor(3.14159):.2f} {n:03d} {n}" == "3.14 002 2"


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda t: t.item(), ValueError, r"\(2,\).*tolist"),
        (float, ValueError, r"\(2,\)"),
        (int, ValueError, r"\(2,\)"),
        (bool, ValueError, r"\(2,\) is ambiguous"),
        (lambda t: [1, 2, 3][t], TypeError, "integer"),
        (lambda t: [1, 2, 3][t[0]], TypeError, "integer"),
        (lambda t: len(t[0]), TypeError, "no len"),
        (lambda t: list(t[0]), TypeError, "without axes"),
        (lambda t: f"{t:.2f}", TypeError, "format"),
        (lambda t: t.numpy(), RuntimeError, "detach"),
        (lambda t: (t * 1).requires_grad_(False), RuntimeError, "detach"),
    ],
)
def test_a_tensor_is_not_taken_for_what_it_is_not(use: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        use(leaf([1.5, 2.5]))


def test_iteration_gives_the_rows_each_in_the_graph() -> None:
    t = leaf([[1.0, 2.0], [3.0, 4.0]])
    first, second = t
    (first * 10 + second).sum().backward()
    np.testing.assert_array_equal(t.grad.data, [[10, 10], [1, 1]])
    assert [row.tolist() for row in t] == t.tolist()
    assert sum(leaf([1.0, 2.0])).item() == 3.0


def test_hash_and_identity_are_those_of_the_object_not_of_its_values() -> None:
    a, b = mg.tensor([1.0]), mg.tensor([1.0])
    assert len({a, b}) == 2
    assert {a: 1, b: 2}[a] == 1


def test_comparison_with_none_or_text_is_false_everywhere() -> None:
    t = mg.tensor([1.0, 2.0])
    for other in (None, "a", object()):
        assert (t == other).tolist() == [False, False]
        assert (t != other).tolist() == [True, True]


def test_requires_grad_can_be_switched_on_and_off_on_a_leaf() -> None:
    t = mg.ones(2)
    assert t.is_leaf
    assert t.requires_grad_() is t
    assert t.requires_grad
    y = t * 2
    assert not y.is_leaf
    t.requires_grad = False
    assert not t.requires_grad
    assert y.detach().is_leaf


def test_detach_shares_memory_and_leaves_the_graph() -> None:
    t = leaf([1.0, 2.0])
    d = (t * 2).detach()
    assert not d.requires_grad
    assert t.detach().data is t.data
    (t * d).sum().backward()
    np.testing.assert_array_equal(t.grad.data, [2.0, 4.0])


# -- arithmetic, with everything that may stand beside a tensor -------------------------------------------------------

X = np.array([[1.5, 2.5], [0.5, 3.0]])
BESIDE: dict[str, Any] = {
    "float": 2.0,
    "int": 3,
    "bool": True,
    "np.float64": np.float64(1.5),
    "np.float32": np.float32(1.5),
    "np.int64": np.int64(2),
    "0-d array": np.array(1.5),
    "array": np.array([[2.0, 0.25], [3.0, 1.5]]),
    "row": np.array([2.0, 0.25]),
    "int array": np.array([[1, 2], [3, 4]]),
    "list": [[2.0, 0.25], [3.0, 1.5]],
    "tensor": mg.tensor([[2.0, 0.25], [3.0, 1.5]]),
}
# operator: its slope in the left argument, and in the right one, at (x, y)
ARITHMETIC: dict[str, tuple[Any, Any]] = {
    "add": (lambda x, y: 1, lambda x, y: 1),
    "sub": (lambda x, y: 1, lambda x, y: -1),
    "mul": (lambda x, y: y, lambda x, y: x),
    "truediv": (lambda x, y: 1 / y, lambda x, y: -x / y**2),
    "pow": (lambda x, y: y * x ** (y - 1), lambda x, y: x**y * np.log(x)),
    "mod": (lambda x, y: 1, lambda x, y: -np.floor(x / y)),
    "floordiv": (lambda x, y: 0, lambda x, y: 0),
}


@pytest.mark.parametrize("other", BESIDE)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_works_with_everything_on_either_side(name: str, other: str) -> None:
    function, y = getattr(operator, name), BESIDE[other]
    plain = np.asarray(y.data if isinstance(y, mg.Tensor) else y, np.float64)
    for slope, ours, numpys in (
        (ARITHMETIC[name][0], lambda x: function(x, y), lambda x: function(x, plain)),
        (lambda x, y: ARITHMETIC[name][1](y, x), lambda x: function(y, x), lambda x: function(plain, x)),
    ):
        x = leaf(X)
        result = ours(x)
        assert type(result) is mg.Tensor
        assert result.dtype == np.float64
        np.testing.assert_allclose(result.data, numpys(X), rtol=1e-6)
        result.sum().backward()
        np.testing.assert_allclose(x.grad.data, np.broadcast_to(slope(X, plain), X.shape), rtol=1e-6)


def test_matmul_works_with_arrays_and_lists_on_either_side() -> None:
    for y in ([[2.0, 0.25], [3.0, 1.5]], np.array([[2.0, 0.25], [3.0, 1.5]])):
        x = leaf(X)
        np.testing.assert_allclose((x @ y).data, X @ np.asarray(y))
        np.testing.assert_allclose((y @ x).data, np.asarray(y) @ X)
        ((x @ y) + (y @ x)).sum().backward()
        expected = np.ones((2, 2)) @ np.transpose(y) + np.transpose(y) @ np.ones((2, 2))
        np.testing.assert_allclose(x.grad.data, expected)


@pytest.mark.parametrize("other", BESIDE)
@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne"])
def test_comparisons_work_with_everything_on_either_side(name: str, other: str) -> None:
    function, y = getattr(operator, name), BESIDE[other]
    plain = np.asarray(y.data if isinstance(y, mg.Tensor) else y)
    for x in (X, plain + 0 * X):
        t = leaf(x)
        for ours, numpys in ((function(t, y), function(x, plain)), (function(y, t), function(plain, x))):
            assert type(ours) is mg.Tensor
            assert ours.dtype == np.bool_
            assert not ours.requires_grad
            np.testing.assert_array_equal(ours.data, numpys)


@pytest.mark.parametrize("name", ["and_", "or_"])
def test_masks_combine_with_tensors_arrays_and_bools_on_either_side(name: str) -> None:
    function, a, b = getattr(operator, name), np.array([True, True, False]), np.array([True, False, False])
    for other in (mg.tensor(b), b, True):
        plain = b if other is not True else True
        np.testing.assert_array_equal(function(mg.tensor(a), other).data, function(a, plain))
        np.testing.assert_array_equal(function(other, mg.tensor(a)).data, function(plain, a))
    np.testing.assert_array_equal((~mg.tensor(a)).data, ~a)


def test_unary_operators_and_divmod() -> None:
    x = leaf([-1.5, 2.0])
    assert [(-x).tolist(), (+x).tolist(), abs(x).tolist()] == [[1.5, -2.0], [-1.5, 2.0], [1.5, 2.0]]
    (-x * 10 + +x + abs(x) * 100).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [-109, 91])
    quotient, rest = divmod(mg.tensor([-7.0, 7.0]), 2)
    assert (quotient.tolist(), rest.tolist()) == ([-4.0, 3.0], [1.0, 1.0])


# -- indexing ---------------------------------------------------------------------------------------------------------

SHAPE = (4, 3, 5)
MASK = np.random.default_rng(0).random(SHAPE) < 0.4
INDICES: dict[str, Any] = {
    "number": 2,
    "negative number": -1,
    "NumPy number": np.int64(1),
    "numbers": (1, -1, 0),
    "slice": slice(1, 3),
    "slice with step": (slice(None), slice(None, None, 2)),
    "backwards": (slice(None, None, -1), 1, slice(4, 0, -2)),
    "empty slice": slice(2, 2),
    "ellipsis": (..., 1),
    "only ellipsis": ...,
    "new axis": (None, 1, None, ..., None),
    "empty tuple": (),
    "True": True,
    "False": False,
    "mask of everything": MASK,
    "mask of rows": np.array([True, False, True, True]),
    "mask and number": (np.array([True, False, True, True]), 1),
    "mask in the middle": (slice(None), np.array([True, False, True])),
    "mask of nothing": np.zeros(SHAPE, bool),
    "mask as a list": [True, False, True, False],
    "integers": np.array([2, 0, 1]),
    "repeated integers": np.array([1, 1, 3, 1]),
    "negative and positive of the same": np.array([-1, 3, -4, 0]),
    "matrix of integers": np.array([[0, 1], [1, 1]]),
    "list": [0, 2, 2],
    "empty list": [],
    "nested list": [[0, 1], [1, 1]],
    "lists": ([0, 1, 1], [2, 2, 2]),
    "array and slice": (np.array([1, 1]), slice(0, 2)),
    "arrays apart": (np.array([0, 0]), slice(None), np.array([1, 1])),
    "arrays that broadcast": (np.array([[0], [3]]), np.array([1, 1, 2])),
    "array and number": (np.array([1, 1]), 2),
    "array and None": (None, np.array([0, 0])),
    "all kinds": (np.array([0, 3, 3]), None, slice(None, None, -1), 2),
    "small integers": np.array([1, 1], np.int8),
    "0-d array": np.array(2),
}


def with_tensors(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(with_tensors(part) for part in index)
    if isinstance(index, slice):
        return slice(*[part if part is None else mg.tensor(part) for part in (index.start, index.stop, index.step)])
    return mg.tensor(index) if isinstance(index, np.ndarray | int) and not isinstance(index, bool) else index


@pytest.mark.parametrize("by_tensors", [False, True], ids=["arrays", "tensors"])
@pytest.mark.parametrize("name", INDICES)
def test_indexing_reads_what_numpy_reads_and_adds_each_gradient_where_it_was_read(name: str, by_tensors: bool) -> None:
    index = INDICES[name]
    ours = with_tensors(index) if by_tensors else index
    random = np.random.default_rng(1)
    data = random.normal(size=SHAPE)
    read = np.arange(data.size).reshape(SHAPE)[index]  # which element each place of the result was read from
    weights = random.normal(size=read.shape)

    def scattered(values: Any) -> Any:
        return np.bincount(read.ravel(), weights=np.ravel(values), minlength=data.size).reshape(SHAPE)

    x = leaf(data)
    out = x[ours]
    assert out.shape == read.shape
    np.testing.assert_array_equal(out.data, data[index])
    (first,) = mg.grad((out**3 * weights).sum(), x, create_graph=True)
    np.testing.assert_allclose(first.data, scattered(3 * data.ravel()[read] ** 2 * weights), rtol=1e-12)
    (second,) = mg.grad(first.sum(), x)
    np.testing.assert_allclose(second.data, scattered(6 * data.ravel()[read] * weights), rtol=1e-12)


@pytest.mark.parametrize(
    "index", [4, (0, 0, 0, 0), "a", 1.5, mg.tensor(1.5), slice(0.5, None), [7], (..., ...)], ids=str
)
def test_an_impossible_index_raises_index_error_or_type_error(index: Any) -> None:
    with pytest.raises((IndexError, TypeError), match=r"^getitem\(x: float64 \(4, 3, 5\), index: "):
        leaf(np.zeros(SHAPE))[index]


@pytest.mark.parametrize("wrapped", [lambda i: i, lambda i: (0, i), lambda i: i[0]], ids=["alone", "in a tuple", "0-d"])
def test_a_tensor_of_uint8_which_pytorch_takes_for_a_mask_is_no_index(wrapped: Any) -> None:
    x = mg.tensor(np.arange(6.0).reshape(2, 3))
    index = wrapped(mg.tensor([0, 1], dtype=mg.uint8))
    with pytest.raises(IndexError, match=r"positions in NumPy, a mask in PyTorch; write i\.long\(\)"):
        x[index]
    with pytest.raises(IndexError, match=r"positions in NumPy, a mask in PyTorch; write i\.long\(\)"):
        x[index] = 7.0
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]


# -- NumPy's functions ------------------------------------------------------------------------------------------------

A = np.array([[1.5, -2.5, 0.5], [0.25, 3.0, -1.0]])
NUMPY_CALLS: dict[str, Any] = {
    "exp": np.exp,
    "log": lambda x: np.log(x * x + 1),
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log2": lambda x: np.log2(x * x + 1),
    "log10": lambda x: np.log10(x * x + 1),
    "log1p": lambda x: np.log1p(x * x),
    "logaddexp": lambda x: np.logaddexp(A[::-1], x),
    "sqrt": lambda x: np.sqrt(x * x + 1),
    "reciprocal": np.reciprocal,
    "hypot": lambda x: np.hypot(x, A[::-1]),
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": lambda x: np.arcsin(x / 4),
    "arccos": lambda x: np.arccos(x / 4),
    "arctan": np.arctan,
    "arctan2": lambda x: np.arctan2(x, A[::-1]),
    "sinh": np.sinh,
    "cosh": np.cosh,
    "arcsinh": np.arcsinh,
    "arccosh": lambda x: np.arccosh(x * x + 1.5),
    "arctanh": lambda x: np.arctanh(x / 4),
    "sinc": np.sinc,
    "square": np.square,
    "tanh": np.tanh,
    "absolute": np.absolute,
    "abs": np.abs,
    "sign": np.sign,
    "copysign": lambda x: np.copysign(x, A[::-1]),
    "floor": lambda x: np.floor(x + 0.1),
    "ceil": lambda x: np.ceil(x + 0.1),
    "trunc": lambda x: np.trunc(x + 0.1),
    "round": lambda x: np.round(x + 0.01, 1) * x,
    "around": lambda x: np.around(x + 0.1),
    "rint": lambda x: np.rint(x + 0.1),
    "fmod": lambda x: np.fmod(x, 0.7),
    "nan_to_num": lambda x: np.nan_to_num(x, nan=1.0),
    "negative": np.negative,
    "positive": np.positive,
    "copy": np.copy,
    "add": lambda x: np.add(x, A),
    "subtract": lambda x: np.subtract(A, x),
    "multiply": lambda x: np.multiply(A, x),
    "divide": lambda x: np.divide(x, A),
    "true_divide": lambda x: np.true_divide(A, x),
    "power": lambda x: np.power(np.abs(x), 1.5),
    "maximum": lambda x: np.maximum(x, A[::-1]),
    "minimum": lambda x: np.minimum(A[::-1], x),
    "clip": lambda x: np.clip(x, -1.5, 1.25),
    "where": lambda x: np.where(A > 0, x, 3 * x),
    "matmul": lambda x: np.matmul(x, A.T),
    "matmul, array first": lambda x: np.matmul(A.T, x),
    "sum": lambda x: np.sum(x, axis=0, keepdims=True),
    "sum, positional": lambda x: np.sum(x, 1),
    "mean": lambda x: np.mean(x, axis=(0, 1)),
    "max": lambda x: np.max(x, axis=1),
    "min": lambda x: np.min(x),
    "var": lambda x: np.var(x, axis=1),
    "std": lambda x: np.std(x, axis=0, ddof=1),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "transpose": np.transpose,
    "transpose, axes": lambda x: np.transpose(x, (1, 0)),
    "swapaxes": lambda x: np.swapaxes(x, 0, -1),
    "expand_dims": lambda x: np.expand_dims(x, (0, 2)),
    "squeeze": lambda x: np.squeeze(np.expand_dims(x, 1), 1),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 2, 3)),
    "concatenate": lambda x: np.concatenate([x, A, x], axis=1),
    "stack": lambda x: np.stack([x, A], axis=1),
    "hstack": lambda x: np.hstack([x, A]),
    "vstack": lambda x: np.vstack([x, A]),
    "split": lambda x: np.split(x, [1, 2], axis=1)[1],
    "split, equal pieces": lambda x: np.split(x, 3, 1)[2],
    "prod": lambda x: np.prod(x, axis=1),
    "cumsum": lambda x: np.cumsum(x, 0),
    "cumprod": lambda x: np.cumprod(x, axis=1),
    "nansum": lambda x: np.nansum(x, axis=1, keepdims=True),
    "nanmean": lambda x: np.nanmean(x, 0),
    "median": lambda x: np.median(x, axis=0),
    "median, of all": lambda x: np.median(x, keepdims=True),
    "bincount": lambda x: np.bincount(np.arange(A.size) % 3, x.reshape(-1), 5),
    "unique": np.unique,
    "sort": lambda x: np.sort(x, axis=0),
    "sort, flattened": lambda x: np.sort(x, None),
    "diff": lambda x: np.diff(x, 1, 0),
    "ravel": np.ravel,
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "flip": lambda x: np.flip(x, 1),
    "roll": lambda x: np.roll(x, 1, axis=0),
    "tile": lambda x: np.tile(x, (2, 1)),
    "repeat": lambda x: np.repeat(x, 2, axis=0),
    "tril": lambda x: np.tril(x, -1),
    "triu": lambda x: np.triu(x, k=1),
    "diag": lambda x: np.diag(x, k=1),
    "diagonal": lambda x: np.diagonal(x, -1),
    "meshgrid": lambda x: np.meshgrid(x[0], x[1])[0],
    "pad": lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=3),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([[2], [1]]), 1),
    "dot": lambda x: np.dot(x, A.T),
    "dot, a vector": lambda x: np.dot(A[0], x.T),
    "dot, more axes": lambda x: np.dot(x, np.stack([A.T, 2 * A.T])),
    "dot, a number": lambda x: np.dot(2.0, x),
    "inner": lambda x: np.inner(x, A[::-1]),
    "outer": lambda x: np.outer(x, A[0]),
    "outer, a list": lambda x: np.outer([0.1, 0.2], x),
    "outer, a number": lambda x: np.outer(x, 0.1),
    "outer, a number of NumPy": lambda x: np.outer(np.float64(0.1), x),
    "kron": lambda x: np.kron(A, x),
    "tensordot": lambda x: np.tensordot(x, A, axes=([1], [1])),
    "tensordot, all axes": lambda x: np.tensordot(A, x),
    "einsum": lambda x: np.einsum("ij,kj", x, A),
    "trace": lambda x: np.trace(x, 1),
    "trace, of a stack": lambda x: np.trace(x[None] * A[:, None], axis1=1, axis2=-1),
    "inv": lambda x: np.linalg.inv(x @ A.T),
    "det": lambda x: np.linalg.det(x @ A.T),
    "slogdet": lambda x: np.linalg.slogdet(x @ A.T)[1],
    "solve": lambda x: np.linalg.solve(x @ A.T, x[:, 0]),
    "solve, matrices": lambda x: np.linalg.solve(A @ A.T, x),
    "cholesky": lambda x: np.linalg.cholesky(x @ x.T),
    "cholesky, upper": lambda x: np.linalg.cholesky(x @ x.T, upper=True),
    "matrix_power": lambda x: np.linalg.matrix_power(x @ A.T, -2),
    "norm": np.linalg.norm,
    "norm, of rows": lambda x: np.linalg.norm(x, 3, 1, True),
    "norm, of a matrix": lambda x: np.linalg.norm(x, np.inf),
}


@pytest.mark.parametrize("name", NUMPY_CALLS)
def test_a_function_of_numpy_on_a_tensor_gives_a_tensor_with_the_right_gradient(name: str) -> None:
    call, x = NUMPY_CALLS[name], leaf(A)
    result = call(x)
    assert type(result) is mg.Tensor
    assert result.dtype == np.float64
    np.testing.assert_allclose(result.data, call(A), rtol=1e-12)
    assert gradcheck(call, x)
    assert gradgradcheck(call, x)


def test_every_function_that_is_supported_is_tested_here_or_has_no_gradient() -> None:
    tested = {name.partition(",")[0] for name in NUMPY_CALLS}
    plain = {
        name
        for name, function in ((f.__name__, o) for f, o in numpy_ops.items())
        if not getattr(function, "gradients", True)
    }
    here = {f.__name__ for f in numpy_ops}
    apart = {"floor_divide", "remainder", "amax", "amin", "argsort"}
    of_no_gradient = {"shape", "ndim", "size", "allclose", "array_equal"}
    of_no_gradient |= {"zeros_like", "ones_like", "full_like", "empty_like"}
    assert here - plain - apart - of_no_gradient <= tested


def test_functions_that_ask_for_the_form_answer_without_leaving_the_graph() -> None:
    x = leaf([[1.0, 2.0]])
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1)) == ((1, 2), 2, 2, 2)


@pytest.mark.parametrize(
    "function",
    [
        *[np.argmax, np.argmin, np.argsort, np.any, np.all, np.count_nonzero, np.argwhere],
        *[np.isnan, np.isfinite, np.isinf, np.signbit, np.logical_not, np.sign],
    ],
)
def test_functions_without_gradient_give_plain_tensors_of_the_same_values(function: Any) -> None:
    result = function(leaf(A))
    assert type(result) is mg.Tensor
    np.testing.assert_array_equal(result.data, function(A))


def test_no_number_of_numpys_widens_what_outer_gives() -> None:
    for number in (np.float64(0.1), 0.1, [0.1]):
        assert np.outer(mg.ones(2), number).dtype == np.outer(number, mg.ones(2)).dtype == np.float32


def test_numpys_remainder_and_floor_divide_work_on_tensors() -> None:
    np.testing.assert_array_equal(np.remainder(leaf(A), 2).data, A % 2)
    np.testing.assert_array_equal(np.floor_divide(A, mg.tensor(2.0)).data, A // 2)


# These make an array from any object: they ask only their argument `like` whether it wants to stand in.
MAKERS = {
    np.arange, np.array, np.asanyarray, np.asarray, np.ascontiguousarray, np.asfortranarray, np.empty, np.eye,
    np.frombuffer, np.fromfile, np.fromfunction, np.fromiter, np.fromstring, np.full, np.genfromtxt, np.identity,
    np.loadtxt, np.ones, np.require, np.tri, np.zeros,
}  # fmt: skip
OVERRIDABLE = overrides.get_overridable_numpy_ufuncs() | overrides.get_overridable_numpy_array_functions()
UNSUPPORTED = sorted(OVERRIDABLE - MAKERS - set(numpy_ops), key=lambda f: f.__name__)


def test_every_other_function_of_numpy_raises_type_error_and_never_gives_an_array() -> None:
    assert len(UNSUPPORTED) > 250
    for data in (A[:, :2], 1.5):
        for function in UNSUPPORTED:
            for count in (1, 2, 3):
                with pytest.raises(TypeError):
                    function(*[leaf(data) for _ in range(count)])


@pytest.mark.parametrize("function", [np.spacing, np.convolve, np.linalg.svd, np.cross])
def test_the_error_names_the_function_and_says_what_to_write(function: Any) -> None:
    with pytest.raises(TypeError, match=rf"np\.{function.__name__}.*detach\(\)\.numpy\(\)"):
        function(leaf(A), leaf(A)) if function in (np.cross, np.convolve) else function(leaf(A))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: np.add.reduce(t), r"np\.add\.reduce"),
        (lambda t: np.multiply.outer(t, t), r"np\.multiply\.outer"),
        (lambda t: np.add.at(np.zeros(3), [0], t), r"np\.add\.at"),
        (lambda t: np.add(t, t, out=np.zeros((2, 3))), r"np\.add\(out=\.\.\.\)"),
        (lambda t: np.add(t, t, dtype=np.float32), r"np\.add\(dtype=\.\.\.\)"),
        (lambda t: np.exp(t, where=A > 0), r"np\.exp\(where=\.\.\.\)"),
        (lambda t: np.sum(t, dtype=np.float32), "sum.*'dtype'"),
        (lambda t: np.sum(t, 0, np.float32), "sum"),
        (lambda t: np.mean(t, out=np.zeros(())), "mean.*'out'"),
        (lambda t: operator.iadd(np.zeros((2, 3)), t), r"np\.add\(out=\.\.\.\)"),
    ],
)
def test_a_form_of_a_numpy_function_that_is_not_supported_raises_and_writes_nothing(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(leaf(A))


def test_asarray_gives_the_memory_itself_and_refuses_a_tensor_in_a_graph() -> None:
    t = mg.tensor([1.0, 2.0])
    assert np.shares_memory(np.asarray(t), t.data)
    assert not np.shares_memory(np.array(t), t.data)
    assert np.asarray(t, np.float64).dtype == np.float64
    assert type(np.asarray(t)) is np.ndarray
    with pytest.raises(ValueError, match="copy"):
        np.asarray(t, np.float64, copy=False)
    for wrong in (leaf([1.0]), leaf([1.0]) * 2):
        for convert in (np.asarray, np.array, lambda w: np.array([w]), lambda w: np.full(2, w), np.atleast_1d):
            with pytest.raises((RuntimeError, TypeError), match="detach"):
                convert(wrong)
    assert np.asarray(leaf([1.0]).detach()).tolist() == [1.0]


# -- axes -------------------------------------------------------------------------------------------------------------


def test_transpose_has_the_meaning_of_whose_name_it_is_called_by() -> None:
    data = np.arange(24.0).reshape(2, 3, 4)
    t = mg.tensor(data)
    assert t.transpose(0, 2).shape == mg.transpose(t, 0, 2).shape == (4, 3, 2)  # PyTorch: two axes exchanged
    assert np.transpose(t, (0, 2, 1)).shape == (2, 4, 3)  # NumPy: all axes in a new order
    assert np.transpose(t).shape == t.T.shape == (4, 3, 2)
    assert t.mT.shape == (2, 4, 3)
    np.testing.assert_array_equal(t.transpose(0, -1).data, np.swapaxes(data, 0, -1))
    with pytest.raises(TypeError):
        t.transpose((0, 2, 1))


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (-1, 0, 1), (1, -1, 0)])
def test_permute_takes_its_axes_one_by_one_or_as_a_tuple_and_its_gradient_undoes_it(axes: Any) -> None:
    x = leaf(np.random.default_rng(0).normal(size=(3, 3, 3)))  # a cube: a wrong order would go unnoticed by shape
    weights = np.random.default_rng(1).normal(size=(3, 3, 3))
    for out in (x.permute(*axes), x.permute(axes), mg.permute(x, axes), np.transpose(x, axes)):
        np.testing.assert_array_equal(out.data, np.transpose(x.data, axes))
        (found,) = mg.grad((out * weights).sum(), x)
        for i in np.ndindex(3, 3, 3):
            to = tuple(i[axis] for axis in axes)  # the place in the result that element i went to
            assert found.data[i] == weights[to]


def test_an_axis_may_be_any_integer() -> None:
    for axis in (1, -1, np.int64(1)):
        x = leaf([[2.0, 2.0], [1.0, 3.0]])
        (x.max(axis).values * 10 + x.sum(axis) + x.softmax(axis).sum(axis)).sum().backward()
        np.testing.assert_allclose(x.grad.data, [[11.0, 1.0], [1.0, 11.0]], atol=1e-12)


def test_shapes_may_be_given_one_by_one_or_as_a_tuple() -> None:
    t = mg.arange(6)
    assert t.reshape(2, -1).shape == t.reshape((2, 3)).shape == t.reshape([2, 3]).shape == (2, 3)
    assert t.broadcast_to(2, 6).shape == t.broadcast_to((2, 6)).shape == (2, 6)
    assert mg.ones(2, 3).shape == mg.ones((2, 3)).shape == mg.ones([2, 3]).shape == (2, 3)


# -- copies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
@pytest.mark.parametrize(
    "original",
    [
        lambda: mg.tensor([1.0, 2.0], requires_grad=True),
        lambda: mg.tensor([1.0, 2.0], dtype=np.float64),
        lambda: mg.tensor(3),
        lambda: nn.Parameter([1.0, 2.0]),
        lambda: nn.Parameter([1.0, 2.0], requires_grad=False),
    ],
)
def test_a_copy_of_a_leaf_is_a_leaf_like_it_with_memory_of_its_own(original: Any, again: Any) -> None:
    t = original()
    if t.requires_grad:
        t.grad = mg.tensor([5.0, 6.0])
    c = again(t)
    assert type(c) is type(t)
    assert (c.dtype, c.requires_grad, c.is_leaf) == (t.dtype, t.requires_grad, True)
    np.testing.assert_array_equal(c.data, t.data)
    assert not np.shares_memory(c.data, t.data)
    if t.requires_grad:
        np.testing.assert_array_equal(c.grad.data, [5.0, 6.0])
        assert not np.shares_memory(c.grad.data, t.grad.data)
        c.grad = None
        (c * c).sum().backward()
        np.testing.assert_array_equal(c.grad.data, 2 * c.data)
        assert t.grad.tolist() == [5.0, 6.0]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_computed_tensor_cannot_be_copied_without_its_graph(again: Any) -> None:
    with pytest.raises(RuntimeError, match="detach"):
        again(leaf([1.0]) * 2)


# -- writes -----------------------------------------------------------------------------------------------------------

IN_PLACE: dict[str, Any] = {
    "iadd": 2.0,
    "isub": np.float64(2),
    "imul": np.array([2.0, 3.0]),
    "itruediv": mg.tensor([2.0, 4.0]),
    "ifloordiv": 2,
    "imod": [2.0, 3.0],
    "ipow": mg.tensor(2.0, dtype=np.float64),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_an_in_place_operator_writes_into_the_same_tensor_and_keeps_its_dtype(name: str) -> None:
    t, other = mg.tensor([[5.0, 7.0], [9.0, 11.0]]), IN_PLACE[name]
    plain = np.asarray(other.data if isinstance(other, mg.Tensor) else other)
    expected = getattr(operator, name.replace("i", "", 1))(t.data.astype(np.float64), plain)
    same, array = t, t.data
    t = getattr(operator, name)(t, other)
    assert t is same
    assert t.data is array
    assert t.dtype == np.float32
    np.testing.assert_allclose(array, expected, rtol=1e-6)


def test_in_place_logic_and_matmul() -> None:
    mask, matrix = mg.tensor([True, False]), mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    mask |= mg.tensor([False, True])
    assert mask.tolist() == [True, True]
    mask &= np.array([False, True])
    assert mask.tolist() == [False, True]
    matrix @= matrix
    assert matrix.tolist() == [[7.0, 10.0], [15.0, 22.0]]


@pytest.mark.parametrize(
    ("write", "error", "message"),
    [
        (lambda t: operator.iadd(t, np.ones((3, 2))), ValueError, r"in-place add.*\(3, 2\), not \(2,\)"),
        (lambda t: operator.imul(t, np.ones(3)), ValueError, r"multiply\(x: int64 \(2,\), y: float64 \(3,\)\)"),
        (lambda t: operator.itruediv(t, 2), TypeError, "int64"),
        (lambda t: operator.iadd(t, 0.5), TypeError, "int64"),
        (lambda t: operator.iadd(t, "a"), TypeError, "add"),
        (lambda t: operator.setitem(t, 5, 1), IndexError, "out of bounds"),
        (lambda t: operator.setitem(t, slice(None), [1, 2, 3]), ValueError, r"\(3,\)"),
        (lambda t: operator.setitem(t, 0, leaf(1.0)), RuntimeError, "no_grad"),
        (lambda t: operator.setitem(t, slice(None), [leaf(1.0), leaf(2.0)]), RuntimeError, "detach"),
    ],
)
def test_a_write_that_does_not_fit_raises_and_writes_nothing(write: Any, error: Any, message: str) -> None:
    t = mg.tensor([1, 2])
    with pytest.raises(error, match=message):
        write(t)
    assert t.tolist() == [1, 2]


@pytest.mark.parametrize("name", [*IN_PLACE, "setitem"])
def test_a_leaf_that_requires_grad_cannot_be_written_into_but_under_no_grad(name: str) -> None:
    def write() -> None:
        if name == "setitem":
            w[0] = 9.0
        else:
            getattr(operator, name)(w, 2.0)

    w = leaf([5.0, 7.0])
    with pytest.raises(RuntimeError, match="no_grad"):
        write()
    assert w.tolist() == [5.0, 7.0]
    with mg.no_grad():
        write()
    assert w.tolist() != [5.0, 7.0]
    assert w.is_leaf
    assert w.requires_grad


def test_in_a_graph_a_write_by_index_turns_the_tensor_into_the_result() -> None:
    w, states = leaf([1.0, 2.0]), mg.zeros(3, 2, dtype=np.float64)
    alias, memory = states, states.data
    for t in range(2):  # as a decoder writes its outputs
        states[t] = w * (t + 1)
    states[:, 1] *= 10
    assert states is alias
    assert (states.tolist(), memory.tolist()) == ([[1, 20], [2, 40], [0, 0]], [[0, 0]] * 3)
    (states * states).sum().backward()
    assert w.grad.tolist() == [10, 2000]

    y = w * 1
    before = (y * y).sum()
    y[y > 1] = 9.0  # the graph of `before` keeps the old value
    assert y.tolist() == [1, 9]
    (before + y.sum()).backward()
    assert w.grad.tolist() == [10 + 2 + 1, 2000 + 4]


def test_of_values_written_to_one_place_the_last_has_the_gradient() -> None:
    w, out = leaf([1.0, 2.0, 3.0]), mg.zeros(4, dtype=np.float64)
    out[np.array([3, 1, 3])] = w
    assert out.tolist() == [0, 2, 0, 3]
    (out * np.arange(4.0)).sum().backward()
    assert w.grad.tolist() == [0, 1, 3]


def test_in_a_graph_a_write_by_index_refuses_what_would_lose_a_gradient() -> None:
    w, whole = leaf([1.0, 2.0]), mg.zeros(2, 2, dtype=np.int64)
    y = mg.stack([w, w])
    with pytest.raises(RuntimeError, match=r"in-place setitem: what this view shows would not follow.*t\.clone\(\)"):
        y[0][1] = w[0]
    with pytest.raises(RuntimeError, match="what this view shows would not follow"):
        mg.zeros(2, 2, dtype=np.float64)[0][1] = w[0]
    with pytest.raises(RuntimeError, match=r"t is a tensor of int64: write t\.clone\(\)"):
        whole[0] = w
    with pytest.raises(ValueError, match=r"setitem\(x: float64 \(2, 2\), values: float64 \(3,\)"):
        y[0] = leaf([1.0, 2.0, 3.0])
    assert (y.tolist(), whole.tolist()) == ([[1, 2], [1, 2]], [[0, 0], [0, 0]])


def test_in_a_graph_an_in_place_operator_turns_the_tensor_into_the_result_under_all_its_names() -> None:
    w = leaf([1.0, 2.0])
    y = alias = w * 3
    y *= y
    y += 1
    assert y is alias
    assert y.tolist() == [10.0, 37.0]
    total = mg.zeros(2)
    memory = total.data
    total += y
    assert (total.dtype, memory.tolist()) == (np.float32, [0, 0])
    total.sum().backward()
    np.testing.assert_array_equal(w.grad.data, 18 * w.data)


def test_in_a_graph_an_in_place_operator_refuses_what_would_not_follow() -> None:
    w, base = leaf([1.0, 2.0]), mg.zeros(2, 2, dtype=np.float64)
    row = base[0]
    with pytest.raises(RuntimeError, match=r"in-place add: what this view shows would not follow; write t = t \+"):
        row += w
    total = mg.zeros(1, dtype=np.float64)
    with pytest.raises(ValueError, match=r"in-place multiply: the result has shape \(2,\), not \(1,\)"):
        total *= w
    assert (base.tolist(), total.tolist(), total.requires_grad) == ([[0, 0], [0, 0]], [0], False)


def test_after_retain_grad_an_in_place_operator_keeps_the_gradient_of_the_new_value() -> None:
    w = leaf([1.0, 2.0])
    y = w * 3
    y.retain_grad()
    y *= 2
    (y * y).sum().backward()
    assert y.grad.tolist() == [12.0, 24.0]
    assert w.grad.tolist() == [72.0, 144.0]


def test_a_list_beside_a_tensor_has_its_precision() -> None:
    t = leaf([1.0, 2.0])
    assert (t + [0.1, 0.2]).tolist() == [1.1, 2.2]  # noqa: RUF005 -- the list is added
    assert (t.detach() == [1.0, 2.0]).tolist() == (mg.tensor([0.1, 0.2], dtype=mg.float64) == [0.1, 0.2]).tolist()
    assert (mg.ones(2) * [0.1, 0.2]).dtype == mg.float32
    assert (mg.ones(2, dtype=mg.int64) * [0.1, 0.2]).dtype == mg.float32
    assert (mg.ones(2) * [1, 2]).dtype == mg.float32


def test_descent_by_the_data_works_and_data_that_is_no_array_is_noticed() -> None:
    w = leaf([1.0, 2.0])
    (w * w).sum().backward()
    memory = w.data
    w.data -= 0.25 * w.grad
    assert (w.tolist(), w.data is memory) == ([0.5, 1], True)
    y = w * w
    w.data -= 0.25 * w.grad
    with pytest.raises(RuntimeError, match="overwritten"):
        y.sum().backward()
    w.data = w.data - 0.25 * w.grad  # an array minus a tensor is a tensor
    with pytest.raises(TypeError, match=r"multiply\(.*t\.data, an array, was set to a tensor: write t\.data = u\.data"):
        w * 2


def test_writing_into_one_element_reaches_the_tensor_that_it_was_read_from() -> None:
    x, matrix = mg.tensor([1.0, 2.0]), mg.zeros(2, 2)
    element = x[0]
    element += 5
    matrix[1, 1].fill_(3)
    assert (x.tolist(), matrix.tolist()) == ([6, 2], [[0, 0], [0, 3]])


WRITES: dict[str, Any] = {
    "t[i] = number": lambda t: t.__setitem__(0, 0.1),
    "t[...] = list": lambda t: t.__setitem__(slice(None), [0.1, 0.1]),
    "t[mask] = number": lambda t: t.__setitem__(mg.tensor([True, False]), 0.1),
    "fill_": lambda t: t.fill_(0.1),
    "copy_": lambda t: t.copy_([0.1, 0.1]),
    "masked_fill_": lambda t: t.masked_fill_(mg.tensor([True, False]), 0.1),
    "add_": lambda t: t.add_(0.1),
    "+=": lambda t: t.__iadd__([0.1, 0.1]),
    "clamp_": lambda t: t.clamp_(0.1),
    "init.constant_": lambda t: mg.nn.init.constant_(t, 0.1),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_number_written_into_float64_is_not_rounded_to_float32_on_the_way(write: Any) -> None:
    t = mg.zeros(2, dtype=mg.float64)
    write(t)
    assert (t[0].item(), t.dtype) == (0.1, np.float64)
    half = mg.zeros(2, dtype=mg.float16)
    write(half)
    assert (half[0].item(), half.dtype) == (float(np.float16(0.1)), np.float16)


def test_a_gradient_given_as_a_list_is_not_rounded_to_float32_on_the_way() -> None:
    w = leaf([1.0, 2.0])
    (3 * w).backward([0.1, 0.2])
    assert w.grad.tolist() == [3 * 0.1, 3 * 0.2]
    assert mg.grad(3 * w, [w], [[0.1, 0.2]])[0].tolist() == [3 * 0.1, 3 * 0.2]


def test_a_write_by_index_that_fails_writes_nothing() -> None:
    x, w = mg.tensor([1.0, 2.0, 3.0]), leaf([1.0, 1.0, 1.0], np.float32)
    y = (w * x).sum()
    for value in ([50.0, "a", 6.0], ["1", "2", "3"], np.array([1j, 2, 3]), [1.0, 2.0]):
        with pytest.raises((TypeError, ValueError)):
            x[:] = value
    y.backward()
    assert x.tolist() == w.grad.tolist() == [1, 2, 3]


def test_what_runs_backwards_through_memory_is_not_given_to_others() -> None:
    with pytest.raises(BufferError, match=r"t\.clone\(\)"):
        np.from_dlpack(mg.tensor([1.0, 2.0])[::-1])


def test_values_and_indices_are_not_taken_for_a_tensor() -> None:
    x = mg.tensor([[1.0, 2.0]])
    with pytest.raises(TypeError, match=r"write \.values"):
        x.max(1) + x


@pytest.mark.parametrize(
    "index",
    [0, slice(1, None), (0, 1), ..., np.array([True, False]), [1, 1], mg.tensor([0, 1]), (mg.tensor(1), slice(None))],
    ids=str,
)
def test_writing_by_index_does_what_numpy_does(index: Any) -> None:
    t, expected = mg.tensor([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    plain = index.data if isinstance(index, mg.Tensor) else index
    plain = tuple(p.data if isinstance(p, mg.Tensor) else p for p in plain) if isinstance(plain, tuple) else plain
    for value in (9.0, mg.tensor(7.0)):
        t[index] = value
        expected[plain] = value.item() if isinstance(value, mg.Tensor) else value
        np.testing.assert_array_equal(t.data, expected)


@pytest.mark.parametrize("axis", [0, 1, (0, 1), None])
def test_sums_of_many_small_numbers_keep_their_digits(axis: Any) -> None:
    """NumPy adds rows one after the other in the dtype of the array: 5,000 ones in float16 would make 2,048."""
    half = mg.ones(5000, 2, 3, dtype=mg.float16, requires_grad=True)
    expected = np.ones((5000, 2, 3)).sum(axis)
    np.testing.assert_array_equal(half.detach().sum(axis).data, expected)
    tenths = mg.full((200_000, 2, 2), 0.1).sum(axis)
    np.testing.assert_allclose(tenths.data, np.full((200_000, 2, 2), 0.1).sum(axis), rtol=1e-6)
    bias = mg.zeros(3, dtype=mg.float16, requires_grad=True)
    (half.detach() + bias).sum().backward()
    np.testing.assert_array_equal(bias.grad.data, [10_000, 10_000, 10_000])
    rows = mg.zeros(2, dtype=mg.float16, requires_grad=True)
    rows[np.zeros(5000, int)].sum().backward()
    np.testing.assert_array_equal(rows.grad.data, [5000, 0])


@pytest.mark.parametrize("axis", [0, -1, None])
def test_a_number_may_be_reduced_over_its_only_would_be_axis(axis: Any) -> None:
    for name, slope in {"sum": 1, "mean": 1, "amax": 1, "amin": 1, "logsumexp": 1}.items():
        x = leaf(3.0)
        y = getattr(x, name)(axis)
        y.backward()
        assert (y.item(), x.grad.item()) == (3.0, slope), name


def test_a_list_given_to_an_operator_may_change_before_backward() -> None:
    x, condition = leaf([1.0, 2.0]), [True, False]
    chosen = mg.where(condition, x, 0.0).sum()
    condition[:] = [False, True]
    chosen.backward()
    assert x.grad.tolist() == [1.0, 0.0]


def test_arange_with_a_step_and_no_start_and_rand_below_one() -> None:
    assert mg.arange(5, step=2).tolist() == [0, 2, 4]
    assert mg.rand(100_000, dtype=mg.float16).max().item() < 1


def test_stack_refuses_what_is_no_tensor() -> None:
    with pytest.raises(TypeError, match=r"stack.*takes tensors of one shape; element 1 is 2.0: write mg.tensor"):
        mg.stack([mg.tensor(1.0), 2.0])


# -- in place, by name ------------------------------------------------------------------------------------------------


def test_a_method_with_an_underscore_writes_into_the_tensor_and_returns_it() -> None:
    t = mg.tensor([1.0, -2.0, 3.0])
    memory = t.data
    for call, values in [
        (lambda: t.add_(1), [2, -1, 4]),
        (lambda: t.mul_(mg.tensor([2.0, 1.0, 0.5])), [4, -1, 2]),
        (lambda: t.abs_(), [4, 1, 2]),
        (lambda: t.clamp_(min=1.5, max=3), [3, 1.5, 2]),
        (lambda: t.neg_().relu_(), [0, 0, 0]),
        (lambda: t.fill_(2).pow_(3), [8, 8, 8]),
        (lambda: t.copy_([1.0, 2.0, 3.0]).sub_(1), [0, 1, 2]),
        (lambda: t.zero_(), [0, 0, 0]),
        (lambda: t.add_(mg.tensor([1.0, 2.0, 3.0]), alpha=-0.5), [-0.5, -1, -1.5]),
        (lambda: t.sub_(mg.tensor([1.0, 2.0, 3.0]), alpha=-0.5), [0, 0, 0]),
        (lambda: t.lerp_(mg.tensor([4.0, 8.0, 12.0]), 0.25), [1, 2, 3]),
        (lambda: t.addcmul_(mg.tensor([1.0, 2.0, 3.0]), mg.tensor(2.0), value=-1), [-1, -2, -3]),
        (lambda: t.addcdiv_(mg.tensor([1.0, 1.0, 1.0]), mg.tensor([1.0, 2.0, 4.0]), value=4), [3, 0, -2]),
        (lambda: t.masked_fill_(t < 0, 7), [3, 0, 7]),
        (lambda: t.scatter_(0, mg.tensor([2, 0]), mg.tensor([1.0, 5.0])), [5, 0, 1]),
        (lambda: t.scatter_(dim=0, index=mg.tensor([1]), src=9), [5, 9, 1]),
        (lambda: t.scatter_add_(0, mg.tensor([1, 1]), mg.tensor([1.0, -8.0])), [5, 2, 1]),
        (lambda: t.index_add_(0, mg.tensor([2, 2, 0]), mg.tensor([1.0, 2.0, 3.0])), [8, 2, 4]),
    ]:
        assert call() is t
        assert t.tolist() == values
    assert t.data is memory


def test_in_a_graph_a_method_with_an_underscore_turns_the_tensor_into_the_result() -> None:
    mu, log_var, noise = leaf([1.0, 2.0]), leaf([0.0, 0.0]), mg.tensor([3.0, 4.0], dtype=mg.float64)
    z = noise.mul(mg.exp(0.5 * log_var)).add_(mu)
    total = mg.zeros(2, dtype=mg.float64)
    assert total.add_(z) is total
    scores = (total * 1).masked_fill_(mg.tensor([False, True]), -5.0)
    (scores * scores).sum().backward()
    assert (z.tolist(), scores.tolist()) == ([4, 6], [4, -5])
    assert (mu.grad.tolist(), log_var.grad.tolist()) == ([8, 0], [8 * 3 / 2, 0])
    assert noise.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w, t: w.add_(1), "in-place add: the tensor is a leaf that requires grad.*no_grad"),
        (lambda w, t: (w * 2)[:1].mul_(2), "in-place multiply: what this view shows would not follow"),
        (lambda w, t: t[:1].add_(w[0]), "in-place add: what this view shows would not follow"),
        (lambda w, t: w.zero_(), "leaf"),
        (lambda w, t: t.copy_(w), "graph"),
        (lambda w, t: t[1:].lerp_(w[0], 0.5), "in-place lerp: what this view shows would not follow"),
        (lambda w, t: w.masked_fill_(w > 1, 0), "in-place masked_fill: the tensor is a leaf"),
    ],
)
def test_a_write_by_name_never_loses_a_gradient(call: Any, message: str) -> None:
    w, t = leaf([1.0, 2.0]), mg.tensor([3.0, 4.0], dtype=mg.float64)
    with pytest.raises(RuntimeError, match=message):
        call(w, t)
    assert (w.tolist(), t.tolist()) == ([1, 2], [3, 4])
    with mg.no_grad():
        call(w, t)


def test_a_write_by_name_that_does_not_fit_writes_nothing() -> None:
    t, whole = mg.ones(2), mg.tensor([1, 2])
    for call, error in [
        (lambda: t.add_(mg.ones(3, 2)), ValueError),
        (lambda: t.copy_(mg.ones(3)), ValueError),
        (lambda: whole.mul_(0.5), TypeError),
    ]:
        with pytest.raises(error):
            call()
    assert (t.tolist(), whole.tolist()) == ([1, 1], [1, 2])


def test_a_write_by_name_into_what_a_graph_needs_raises_at_backward() -> None:
    w, t = leaf([1.0, 2.0]), mg.tensor([3.0, 4.0], dtype=mg.float64)
    loss = (w * t).sum()
    t.zero_()
    with pytest.raises(RuntimeError, match="overwritten"):
        loss.backward()


# -- dtypes, by method ------------------------------------------------------------------------------------------------


def test_type_and_int_are_what_pytorchs_scripts_write() -> None:
    right = mg.tensor([1, 2, 3]) == mg.tensor([1, 0, 3])
    assert right.type(mg.float).sum().item() == 2.0
    assert right.type(mg.float).dtype == mg.float32
    assert (mg.tensor([1.7, -1.7]).int().tolist(), mg.ones(1, requires_grad=True).int().dtype) == ([1, -1], mg.int32)
    w = leaf([1.0])
    w.type(mg.float32).sum().backward()
    assert w.grad.dtype == mg.float64


def test_a_tensor_in_another_dtype() -> None:
    x = leaf([1.5, 0.0])
    assert [t.dtype for t in (x.half(), x.float(), x.double(), x.long(), x.bool(), x.to(mg.float16))] == [
        mg.float16, mg.float32, mg.float64, mg.int64, mg.bool, mg.float16
    ]  # fmt: skip
    assert x.double() is x
    assert x.bool().tolist() == [True, False]
    assert x.is_floating_point()
    assert not x.long().is_floating_point()
    assert x.dim() == 1
    (g,) = mg.grad(x.float().sum(), x)
    assert g.dtype == mg.float64
    assert x.to("float32").dtype == mg.float32
    with pytest.raises(ValueError, match="not on 'nonsense'"):
        x.to("nonsense")


def test_where_as_a_method_keeps_the_tensor_where_the_condition_holds() -> None:
    x = leaf([1.0, -2.0])
    y = x.where(x > 0, 5.0)
    assert y.tolist() == [1, 5]
    assert mg.grad(y.sum(), x)[0].tolist() == [1, 0]


# -- DLPack -----------------------------------------------------------------------------------------------------------


def test_dlpack_shares_memory_both_ways() -> None:
    t = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    array = np.from_dlpack(t)
    assert np.shares_memory(array, t.data)
    again = mg.from_dlpack(array.T)
    again[0, 1] = 30.0
    assert t.tolist() == [[1, 2], [30, 4]]
    assert mg.from_dlpack(t).tolist() == t.tolist()
    with pytest.raises(RuntimeError, match=r"t\.detach\(\)"):
        np.from_dlpack(leaf([1.0]))
    with pytest.raises(TypeError, match="complex"):
        mg.from_dlpack(np.ones(2, complex))


def test_dlpack_shares_memory_with_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test EXTRAS=test,oracle")
    t = mg.tensor([1.0, 2.0])
    theirs = torch.from_dlpack(t)
    theirs += 1
    assert t.tolist() == [2, 3]
    ours = mg.from_dlpack(theirs)
    ours.mul_(2)
    assert theirs.tolist() == [4, 6]


def test_a_long_tensor_shows_its_shape() -> None:
    assert repr(mg.zeros(2000)) == "tensor([0., 0., 0., ..., 0., 0., 0.], size=(2000,))"


def test_flip_as_a_method_takes_its_axes_one_by_one_as_a_tuple_or_none() -> None:
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.flip(0).tolist() == x.flip((0,)).tolist() == x.flip(dims=0).tolist() == [[3, 4], [1, 2]]
    assert x.flip(0, 1).tolist() == x.flip().tolist() == [[4, 3], [2, 1]]


def test_asking_a_computed_tensor_for_its_gradient_changes_nothing_and_joining_along_no_axis_flattens() -> None:
    x = leaf([[1.0], [2.0]])
    y = x * 2
    node = y.node
    assert y.requires_grad_() is y
    assert y.node is node
    assert np.concatenate([x, y], axis=None).tolist() == [1, 2, 2, 4]


def test_as_tensor_takes_what_is_there_and_copies_only_where_it_must() -> None:
    t, array = mg.tensor([1.0]), np.ones(2, np.float32)
    assert mg.as_tensor(t) is t
    assert mg.as_tensor(t, mg.float64).dtype == mg.float64
    assert np.shares_memory(mg.as_tensor(array).data, array)
    assert mg.as_tensor([1.0, 2.0]).dtype == mg.float32


def test_grad_fn_is_the_operator_that_computed_a_tensor() -> None:
    w = leaf([1.0])
    assert (w * w).grad_fn is mg.multiply
    assert w.grad_fn is mg.ones(1).grad_fn is None


def test_names_of_dtypes_and_numbers_are_pytorchs() -> None:
    assert [mg.half, mg.float, mg.double, mg.int, mg.long] == [mg.float16, mg.float32, mg.float64, mg.int32, mg.int64]
    assert (mg.pi, mg.e, mg.inf) == (np.pi, np.e, np.inf)
    assert mg.nan != mg.nan
