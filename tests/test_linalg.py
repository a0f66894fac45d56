"""Linear algebra: what the table of `cases/linalg.py` cannot say. Meanings, errors, dtypes, and singular matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import linalg
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.nn import functional as F


def leaf(data: Any, dtype: Any = np.float64) -> mg.Tensor:
    return mg.tensor(data, dtype=dtype, requires_grad=True)


def ones(*shape: int) -> mg.Tensor:
    return mg.ones(*shape)


SINGULAR = [[1.0, 2.0], [2.0, 4.0]]

# -- determinants -----------------------------------------------------------------------------------------------------


def test_every_derivative_of_a_determinant_is_right_where_the_matrix_is_zero() -> None:
    """det is a sum of products, so at 0 of size 3 only its third derivatives differ from 0: they are the signs."""
    x = leaf(np.zeros((3, 3)))
    (first,) = mg.grad(linalg.det(x), x, create_graph=True)
    (second,) = mg.grad(first[0, 0], x, create_graph=True)
    (third,) = mg.grad(second[1, 2], x)
    assert not first.data.any()
    assert not second.data.any()
    np.testing.assert_array_equal(third.data, [[0, 0, 0], [0, 0, 0], [0, -1, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_singular_matrix_does_not_disturb_the_others_of_its_stack(dtype: Any) -> None:
    x = leaf([SINGULAR, [[1.0, 2.0], [3.0, 4.0]], np.zeros((2, 2))], dtype)
    linalg.det(x).sum().backward()
    assert x.grad.dtype == dtype
    np.testing.assert_allclose(x.grad.data, [[[4, -2], [-2, 1]], [[4, -3], [-2, 1]], [[0, 0], [0, 0]]], rtol=1e-6)


def test_what_is_not_a_number_makes_determinant_and_gradient_not_a_number() -> None:
    x = leaf([[np.nan, 1.0], [1.0, 2.0]])
    with np.errstate(invalid="ignore"):
        linalg.det(x).backward()
    assert np.isnan(x.grad.data).all()


def test_slogdet_holds_where_the_determinant_overflows_and_its_sign_is_no_part_of_the_graph() -> None:
    x = leaf(np.diag([-1e200, 1e200, 1e200]))
    result = linalg.slogdet(x)
    assert result._fields == ("sign", "logabsdet")
    assert result.sign.item() == -1
    assert not result.sign.requires_grad
    np.testing.assert_allclose(result.logabsdet.item(), 600 * np.log(10))
    result.logabsdet.backward()
    np.testing.assert_allclose(x.grad.data, np.diag([-1e-200, 1e-200, 1e-200]))


def test_slogdet_of_a_singular_matrix_is_minus_infinity_and_has_no_gradient() -> None:
    x = leaf(SINGULAR)
    sign, logabsdet = linalg.slogdet(x)
    assert (sign.item(), logabsdet.item()) == (0, -np.inf)
    with pytest.raises(ValueError, match=r"^inv\(x: float64 \(2, 2\)\): Singular matrix"):
        logabsdet.backward()
    assert x.grad is None


def test_logdet_of_a_singular_matrix_is_minus_infinity_and_of_a_negative_determinant_not_a_number() -> None:
    result = linalg.logdet(mg.tensor([SINGULAR, [[1.0, 2.0], [3.0, 4.0]], [[2.0, 0.0], [0.0, 1.0]]]))
    np.testing.assert_allclose(result.data, [-np.inf, np.nan, np.log(2)], rtol=1e-6)


# -- Cholesky ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_gradients_equal_differences_where_the_matrix_stays_symmetric(upper: bool) -> None:
    x = leaf(np.random.default_rng(0).normal(size=(2, 3, 3)))

    def of_symmetric(x: Any) -> Any:
        return linalg.cholesky((x + x.mT) / 2 + 6 * np.eye(3), upper=upper)

    assert gradcheck(of_symmetric, x)
    assert gradgradcheck(of_symmetric, x)


def test_cholesky_reads_one_half_and_says_so_in_a_symmetric_gradient() -> None:
    x = leaf([[4.0, np.nan], [2.0, 5.0]])
    lower = linalg.cholesky(x)
    np.testing.assert_array_equal(lower.data, [[2, 0], [1, 2]])
    lower[1, 0].backward()
    np.testing.assert_array_equal(x.grad.data, x.grad.data.T)
    np.testing.assert_array_equal(linalg.cholesky(x.mT, upper=True).data, [[2, 1], [0, 2]])


# -- systems ----------------------------------------------------------------------------------------------------------


def test_solve_has_the_meaning_of_whose_name_it_is_called_by() -> None:
    """Where B has the shape of A but for its last axis it holds vectors to PyTorch, and a matrix to NumPy."""
    a = mg.tensor(np.stack([np.eye(2), 2 * np.eye(2)]))
    b = mg.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=np.float64)
    np.testing.assert_array_equal(linalg.solve(a, b).data, [[1, 2], [1.5, 2]])
    np.testing.assert_array_equal(np.linalg.solve(a, b).data, [[[1, 2], [3, 4]], [[0.5, 1], [1.5, 2]]])
    np.testing.assert_array_equal(np.linalg.solve(a, b).data, np.linalg.solve(a.data, b.data))
    np.testing.assert_array_equal(linalg.solve(a, b[0]).data, np.linalg.solve(a.data, b.data[0]))


@pytest.mark.parametrize("upper", [False, True])
def test_a_triangular_system_does_not_look_at_the_other_triangle(upper: bool) -> None:
    a = np.array([[2.0, np.nan], [1.0, 4.0]])
    a = leaf(a.T if upper else a)
    x = linalg.solve_triangular(a, np.array([[2.0], [5.0]]), upper=upper)
    x.sum().backward()
    np.testing.assert_allclose(x.data, [[0.375], [1.25]] if upper else [[1.0], [1.0]])
    assert a.grad[(1, 0) if upper else (0, 1)].item() == 0
    assert np.isfinite(a.grad.data).all()
    units = linalg.solve_triangular(a, np.array([[2.0], [5.0]]), upper=upper, unitriangular=True)
    np.testing.assert_allclose(units.data, [[-3.0], [5.0]] if upper else [[2.0], [3.0]])


def test_the_power_zero_is_the_identity_of_each_matrix() -> None:
    for x in (mg.ones(2, 3, 3), np.ones((2, 3, 3), np.float32)):
        power = linalg.matrix_power(x, 0)
        assert type(power) is type(x)
        assert power.dtype == np.float32
        np.testing.assert_array_equal(np.asarray(power), [np.eye(3), np.eye(3)])


# -- einsum -----------------------------------------------------------------------------------------------------------


def test_einsum_takes_its_operands_one_by_one_or_in_a_list() -> None:
    x, y = leaf([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 100.0])
    for result in (
        linalg.einsum("ij,j->i", x, y),
        linalg.einsum("ij,j->i", [x, y]),
        linalg.einsum("ij,j->i", (x, y)),
        linalg.einsum(" i j , j -> i ", x, [10.0, 100.0]),
        linalg.einsum("ij,j,->i", x, y, mg.tensor(1)),
        np.einsum("ij,j", x, y),
    ):
        assert result.requires_grad
        np.testing.assert_allclose(result.data, [210, 430])
        assert mg.grad(result.sum(), x)[0].tolist() == [[10.0, 100.0], [10.0, 100.0]]
    assert linalg.einsum("ij,j->i", mg.ones(2, 2), 1.0 * mg.ones(2)).dtype == np.float32


def test_the_same_tensor_in_two_places_of_an_einsum_gets_both_gradients() -> None:
    x = leaf(np.random.default_rng(0).normal(size=(3, 3)))
    assert gradcheck(lambda x: linalg.einsum("ij,jk,ki->", x, x, x), x)
    assert gradgradcheck(lambda x: linalg.einsum("ij,jk,ki->", x, x, x), x)


def test_einsum_knows_as_many_labels_as_there_are_letters() -> None:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    xs = [leaf([1.0, 2.0]) for _ in letters]
    result = linalg.einsum(f"{','.join(letters[:20])}->b", xs[:20])
    assert result.tolist() == [3.0**19, 2 * 3.0**19]
    (g,) = mg.grad(result.sum(), xs[0])
    assert g.tolist() == [3.0**19, 3.0**19]
    y = leaf(np.ones((1,) * 26))
    (g,) = mg.grad(linalg.einsum(f"{letters[:26]},{letters[26:]}->", y, np.ones((1,) * 26)), y)
    assert g.shape == y.shape


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["bmm", "det", "dot", "inner", "inverse", "kron", "logdet", "matrix_power", "mm", "mv"]
)
def test_what_pytorch_has_as_a_method_is_a_method(name: str) -> None:
    assert getattr(mg.Tensor, name) is getattr(linalg, name)


def test_a_name_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match=r"minigrad.linalg has no 'nrom'; the nearest name is 'norm'"):
        linalg.nrom  # noqa: B018


# -- dtypes -----------------------------------------------------------------------------------------------------------

ON_SQUARES: dict[str, Any] = {
    "inv": linalg.inv,
    "det": linalg.det,
    "slogdet": lambda x: linalg.slogdet(x).logabsdet,
    "sign": lambda x: linalg.slogdet(x).sign,
    "cholesky": linalg.cholesky,
    "solve": lambda x: linalg.solve(x, x),
    "solve_triangular": lambda x: linalg.solve_triangular(x, x, upper=False),
    "matrix_power": lambda x: linalg.matrix_power(x, -2),
}


@pytest.mark.parametrize("name", ON_SQUARES)
def test_integers_become_the_default_dtype_and_float16_is_refused(name: str) -> None:
    for dtype in (np.int8, np.uint8, np.int64):
        result = ON_SQUARES[name](mg.tensor(np.array([[2, 1], [1, 3]], dtype)))
        assert result.dtype == np.float32
        np.testing.assert_allclose(result.data, ON_SQUARES[name](np.array([[2.0, 1.0], [1.0, 3.0]])), rtol=1e-6)
    with pytest.raises(TypeError, match=r"no float16: write x\.float\(\)"):
        ON_SQUARES[name](mg.eye(2).half())


def test_float16_can_be_multiplied() -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0]], np.float16)
    for product in (x @ x, linalg.mm(x, x), linalg.einsum("ij,jk", x, x), linalg.tensordot(x, x, 1)):
        assert product.dtype == np.float16
        assert product.tolist() == [[7, 10], [15, 22]]
        assert mg.grad(product.sum(), x)[0].dtype == np.float16


# -- errors -----------------------------------------------------------------------------------------------------------

MISTAKES: dict[str, tuple[Any, str]] = {
    "transposed y": (lambda: ones(2, 3) @ ones(4, 3), r"last axis of x \(3\).*last but one of y \(4\); x @ y.mT would"),
    "transposed x": (lambda: ones(3, 2) @ ones(3), r"last axis of x \(2\).*only one of y \(3\)\. It computes"),
    "neither": (lambda: ones(2, 3) @ ones(5, 4), r"last axis of x \(3\) must equal the last but one of y \(5\)\. It"),
    "vectors": (lambda: ones(2) @ ones(3), r"last axis of x \(2\) must equal the only one of y \(3\)\. It computes"),
    "stacks": (lambda: ones(2, 3, 4) @ ones(3, 4, 5), r"leading axes \(2,\) and \(3,\) must agree"),
    "a number": (lambda: ones(2) @ 3, r"matmul.*a number multiplies by x \* y"),
    "linear": (lambda: F.linear(ones(2, 3), ones(3, 4)), r"last axis of x \(2, 3\) must equal that of weight \(3, 4\)"),
    "mm of a vector": (lambda: linalg.mm(ones(2, 2), ones(2)), r"^mm\(.*a matrix x and a matrix y.*write x @ y"),
    "mm": (lambda: linalg.mm(ones(2, 3), ones(2, 3)), r"^mm\(.*x @ y.mT would fit"),
    "mv": (lambda: linalg.mv(ones(2, 2), ones(2, 2)), r"^mv\(.*a matrix x and a vector y"),
    "bmm of matrices": (lambda: linalg.bmm(ones(2, 2), ones(2, 2)), r"a stack of matrices x.*write x @ y"),
    "bmm": (lambda: linalg.bmm(ones(1, 2, 2), ones(3, 2, 2)), r"as many matrices.*got 1 and 3; write x @ y"),
    "dot": (lambda: linalg.dot(ones(2, 2), ones(2)), r"a vector x and a vector y, not 2 and 1 axes; write x @ y"),
    "outer": (lambda: linalg.outer(ones(2, 2), ones(2)), r"a vector x and a vector y"),
    "trace": (lambda: linalg.trace(ones(2, 2, 2)), r"expected a matrix.*einsum\('\.\.\.ii->\.\.\.', x\)"),
    "tensordot": (lambda: linalg.tensordot(ones(2, 3), ones(2, 3), 1), r"same sizes.*\[3\] and \[2\]"),
    "tensordot, lengths": (lambda: linalg.tensordot(ones(2), ones(2), ([0], [])), r"same sizes.*\[2\] and \[\]"),
    "tensordot, too many": (lambda: linalg.tensordot(ones(2), ones(2)), r"x has 1 axes and y 1: 2 of each cannot"),
    "einsum, operands": (lambda: linalg.einsum("ij,jk", ones(2, 2)), r"'ij,jk' has subscripts for 2 operands, but 1"),
    "einsum, axes": (lambda: linalg.einsum("ij", ones(2)), r"'ij' does not fit an operand with 1 axes"),
    "einsum, too few": (lambda: linalg.einsum("i->i", ones(2, 2)), r"'i' does not fit an operand with 2 axes"),
    "einsum, sizes": (lambda: linalg.einsum("i,i", ones(2), ones(3)), r"einsum.*'i'.*\(2\) does not match.*\(3\)"),
    "einsum, unknown": (lambda: linalg.einsum("i->k", ones(2)), r"einsum.*k did not appear in the input"),
    "einsum, twice": (lambda: linalg.einsum("i->ii", ones(2)), r"einsum.*i appeared more than once in the output"),
    "einsum, digits": (lambda: linalg.einsum("1->", ones(2)), r"expected a letter for each axis.*not '1->'"),
    "einsum, arrows": (lambda: linalg.einsum("i->i->i", ones(2)), r"expected a letter for each axis"),
    "not square": (lambda: linalg.inv(ones(2, 3)), r"^inv\(x: float32 \(2, 3\)\): expected square matrices"),
    "a vector": (lambda: linalg.det(ones(2)), r"^det\(.*expected square matrices \(\.\.\., n, n\), got \(2,\)"),
    "no array": (lambda: linalg.inv(3.0), r"expected square matrices \(\.\.\., n, n\), got 3\.0"),
    "singular": (lambda: linalg.inv(ones(2, 2)), r"^inv\(x: float32 \(2, 2\)\): Singular matrix.*of invertible"),
    "one singular": (lambda: linalg.inv(mg.tensor([SINGULAR, np.eye(2)])), r"^inv\(x: .* \(2, 2, 2\)\): Singular"),
    "solve, singular": (lambda: linalg.solve(ones(2, 2), ones(2)), r"^solve\(A: float32 \(2, 2\).*: Singular matrix"),
    "solve, sizes": (lambda: linalg.solve(mg.eye(2), ones(3, 1)), r"A \(2, 2\) takes B \(\.\.\., 2, m\), not \(3, 1\)"),
    "solve, left": (lambda: linalg.solve(mg.eye(2), ones(2), left=False), r"write B\[\.\.\., None, :\] for vectors"),
    "solve_triangular": (
        lambda: linalg.solve_triangular(mg.eye(2), ones(2), upper=True),
        r"write B\[:, None\] for one",
    ),
    "cholesky": (lambda: linalg.cholesky(-mg.eye(2)), r"cholesky\(x: .* not positive definite"),
    "matrix_power": (lambda: linalg.matrix_power(ones(2, 3), 2), r"^matrix_power\(.*expected square matrices"),
    "norm, 3 axes": (lambda: linalg.norm(ones(2, 2, 2), 1), r"of vectors or of matrices: expected 1 or 2 axes, not 3"),
    "norm, spectral": (lambda: linalg.norm(ones(2, 2), 2), r"2, −2 and 'nuc' need singular values"),
    "norm, nuclear": (lambda: linalg.matrix_norm(ones(2, 2), "nuc"), r"ord must be 'fro', 1, −1, inf or −inf"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained_with_what_was_expected(name: str) -> None:
    call, message = MISTAKES[name]
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: linalg.einsum(mg.ones(2), "i"),
        lambda: linalg.einsum("i,->i", mg.ones(2), 2.0),
        lambda: linalg.einsum("i,->i", leaf([1.0]), np.float64(2)),
        lambda: linalg.matrix_power(mg.eye(2), 0.5),
        lambda: linalg.solve_triangular(mg.eye(2), mg.eye(2)),
        lambda: np.einsum("i->", mg.ones(2), optimize=True),
        lambda: np.trace(mg.eye(2), dtype=np.float64),
        lambda: np.linalg.cholesky(mg.eye(2), uplo="L"),
        lambda: np.linalg.inv(mg.eye(2), out=None),
        lambda: np.dot(mg.ones(2), mg.ones(2), out=np.zeros(())),
    ],
)
def test_arguments_of_the_wrong_kind_raise_type_error(call: Any) -> None:
    with pytest.raises(TypeError):
        call()
