"""The cases of `ops/linalg.py`, and those of `minigrad/linalg.py`, by "linalg." and the name."""

from __future__ import annotations

from itertools import permutations

import numpy as np

import minigrad as mg
import minigrad.linalg
from tests.cases.common import *


def invertible(*shape: int) -> Any:
    """Matrices far from singular."""
    return normal(*shape) + 4 * np.eye(shape[-1])


def positive_definite(*shape: int) -> Any:
    x = normal(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])


def leibniz(x: Any) -> Any:
    """The determinant by its definition: signed products, one for each permutation of the columns."""
    n = x.shape[-1]
    total = np.zeros(x.shape[:-2])
    for columns in permutations(range(n)):
        inversions = sum(columns[i] > columns[j] for j in range(n) for i in range(j))
        total = total + (-1) ** inversions * np.prod([x[..., i, j] for i, j in enumerate(columns)], axis=0)
    return total


def each(x: Any) -> list[Any]:
    """The matrices of a stack."""
    return [x[i] for i in np.ndindex(x.shape[:-2])]


def gauss(x: Any) -> Any:
    """Cholesky's L from Gauss's elimination: x = L D Lᵀ."""
    lower, rest = np.eye(len(x)), x.copy()
    for k in range(len(x)):
        lower[k + 1 :, k] = rest[k + 1 :, k] / rest[k, k]
        rest[k + 1 :] -= lower[k + 1 :, k : k + 1] * rest[k]
    return lower * np.sqrt(np.diag(rest))


_matmul_shapes = [
    ((3, 4), (4, 2)),
    ((4,), (4,)),
    ((4,), (4, 2)),
    ((3, 4), (4,)),
    ((2, 3, 4), (4, 2)),
    ((2, 3, 4), (2, 4, 2)),
    ((2, 1, 3, 4), (3, 4, 2)),
    ((3, 4), (2, 4, 2)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 3)),
    ((1, 1), (1, 1)),
    ((3, 0), (0, 2)),
    ((0, 3), (3, 2)),
    ((1, 3, 4), (2, 4, 2)),
]
_einsums = [
    ("ij,jk->ik", (2, 3), (3, 2)),
    ("ij,jk->ki", (2, 1), (3, 2)),  # sizes of 1 broadcast: here j, there i
    ("ij,ij->ij", (1, 3), (2, 3)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 1)),
    ("i,j->ji", (2,), (3,)),
    ("i,i->", (3,), (3,)),
    ("ij->ji", (2, 3)),
    ("ij->j", (2, 3)),
    ("ij->", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii->", (3, 3)),
    ("iji->j", (2, 3, 2)),
    ("iii->i", (2, 2, 2)),
    ("ij,k->k", (2, 3), (2,)),
    ("ii,ij->j", (2, 2), (2, 3)),
    ("i,ij,j->", (2,), (2, 3), (3,)),
    ("aB,Bc,ca->B", (2, 2), (2, 3), (3, 2)),
    (",i->i", (), (3,)),
    ("->", ()),
    ("ij,jk->ik", (2, 0), (0, 3)),
    ("ij->i", (0, 3)),
]
_stacks = [(3, 3), (1, 1), (2, 2, 2), (1, 2, 2, 2), (0, 0), (2, 0, 0), (0, 2, 2)]
_singular = [
    Case((plain(matrix),), torch=False, name="singular, where PyTorch's second gradient is wrong")
    for matrix in (
        [[0.0]],
        [[1.0, 2.0], [2.0, 4.0]],
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
        [[1.0, 1.0, 1.0]] * 3,
        [[[1.0, 2.0], [2.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]]],
    )
] + [Case((plain([[1.0, 2.0], [2.0, 4.0 + 1e-9]]),), torch=False, name="nearly singular, PyTorch loses its digits")]
_solves = [
    ((3, 3), (3, 2)),
    ((2, 2), (2, 2)),
    ((2, 2, 2), (2, 1)),
    ((2, 2), (3, 2, 1)),
    ((2, 1, 2, 2), (3, 2, 2)),
    ((1, 1), (1, 1)),
    ((0, 0), (0, 2)),
    ((2, 2), (2, 0)),
]
SPECS: dict[str, Spec] = {
    "matmul": Spec([Case((normal(*x), positive(*y))) for x, y in _matmul_shapes], same("matmul")),
    "einsum": Spec(
        [
            Case(tuple(normal(*s, low=i - 1.5) for i, s in enumerate(shapes)), {"subscripts": subscripts})
            for subscripts, *shapes in _einsums
        ],
        lambda torch, *xs, subscripts: torch.einsum(subscripts, *xs),
        lambda *xs, subscripts: np.einsum(subscripts, *xs),
    ),
    "inv": Spec(
        [Case((invertible(*shape),)) for shape in _stacks],
        lambda torch, x: torch.linalg.inv(x),
        lambda x: np.linalg.solve(x, np.broadcast_to(np.eye(x.shape[-1]), x.shape)),
    ),
    "solve": Spec(
        [Case((invertible(*a), normal(*b))) for a, b in _solves],
        lambda torch, A, B: torch.linalg.solve(A, B),
        lambda A, B: np.linalg.inv(A) @ B,
    ),
    "nearly_singular": Spec(
        [
            *[Case((invertible(*shape),)) for shape in _stacks if all(shape)],
            *[Case((1e-200 * np.eye(2),)), Case((np.diag([1.0, 1e-7]),)), Case((np.diag([1.0, 1e-9]),))],
            *[Case(case.args, name=case.name) for case in _singular],
        ],
        lambda torch, A: torch.linalg.cond(A, 1) > np.finfo(float).eps ** -0.5,
        lambda A: np.reshape([np.linalg.matrix_rank(x, rtol=1.5e-8) < len(x) for x in each(A)], A.shape[:-2]),
    ),
    "det": Spec(
        [*[Case((normal(*shape),)) for shape in _stacks], Case((normal(4, 4),)), *_singular],
        lambda torch, x: torch.linalg.det(x),
        leibniz,
    ),
    "logabsdet": Spec(
        [*[Case((invertible(*shape),)) for shape in _stacks], Case((plain([[0.0, 2.0], [3.0, 1.0]]),))],
        lambda torch, A: torch.linalg.slogdet(A).logabsdet,
        lambda A: np.log(np.abs(leibniz(A))),
    ),
    # Differences would move an element without the one that mirrors it: see test_linalg.py for the symmetric kind.
    "cholesky": Spec(
        [Case((positive_definite(*shape),), kink=True) for shape in _stacks],
        lambda torch, A: torch.linalg.cholesky(A),
        lambda A: np.reshape([gauss(x) for x in each(A)], A.shape),
    ),
}


def _vectors(*shapes: Any) -> list[Case]:
    return [Case((normal(*x), positive(*y))) for x, y in shapes]


_matrix_norms = [
    Case((normal(*shape), ord), {"axis": axis, "keepdims": keepdims})
    for ord in ("fro", 1, -1, inf, -inf)
    for shape, axis in [((2, 3), (-2, -1)), ((2, 3, 2), (0, 1)), ((2, 3, 2), (2, 0))]
    for keepdims in (False, True)
] + [Case((plain([[1.0, -2.0], [-2.0, 1.0]]), ord), kink=True, name="ties") for ord in (1, -1, inf, -inf)]
COMPOSITIONS: dict[str, Spec] = {
    "linalg.dot": Spec(_vectors(((3,), (3,)), ((0,), (0,))), same("dot"), np.vdot),
    "linalg.mv": Spec(_vectors(((2, 3), (3,)), ((2, 0), (0,))), same("mv"), lambda x, y: (x * y).sum(1)),
    "linalg.mm": Spec(_vectors(((2, 3), (3, 2)), ((2, 0), (0, 2))), same("mm"), lambda x, y: np.tensordot(x, y, 1)),
    "linalg.bmm": Spec(
        _vectors(((2, 2, 3), (2, 3, 1)), ((0, 2, 3), (0, 3, 2))),
        same("bmm"),
        lambda x, y: np.einsum("bij,bjk->bik", x, y),
    ),
    "linalg.outer": Spec(_vectors(((2,), (3,)), ((0,), (3,))), same("outer"), np.outer),
    "linalg.inner": Spec(
        _vectors(((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 1, 3)), ((), (2, 3)), ((3,), ())), same("inner"), np.inner
    ),
    "linalg.kron": Spec(
        _vectors(((2,), (3,)), ((2, 3), (2, 2)), ((2,), (2, 3)), ((2, 1, 2), (2,)), ((), (2, 2)), ((0, 2), (3, 1))),
        same("kron"),
        np.kron,
    ),
    "linalg.tensordot": Spec(
        [
            Case((normal(2, 3, 2), positive(3, 2, 2))),
            Case((normal(2, 3), positive(3, 2)), {"dims": 1}),
            Case((normal(2), positive(3)), {"dims": 0}),
            Case((normal(2, 3, 1), positive(3, 4, 2)), {"dims": ([0, 1], [-1, 0])}),
            Case((normal(2, 3), positive(2, 2)), {"dims": ([-2], [1])}),
        ],
        lambda torch, x, y, dims=2: torch.tensordot(x, y, dims),
        lambda x, y, dims=2: np.tensordot(x, y, dims),
        call=lambda x, y, dims=2: mg.linalg.tensordot(x, y, dims),
    ),
    "linalg.einsum": Spec(
        [
            Case(tuple(normal(*s, low=i - 1.5) for i, s in enumerate(shapes)), {"subscripts": subscripts})
            for subscripts, *shapes in [
                ("ij, jk", (2, 3), (3, 2)),
                ("ba", (2, 3)),
                ("ii", (3, 3)),
                ("i,i", (3,), (3,)),
                ("bA", (2, 3)),
                ("...ij,...jk", (2, 1, 2, 3), (3, 3, 1)),
                ("...i->i...", (2, 3, 2)),
                ("...,...->...", (3,), (2, 1)),
                ("a...c,c...->a...", (2, 3, 2), (2, 1)),
                ("i...i->...", (2, 3, 2)),
                ("...i->i", (2, 3)),
                ("i...->...i", (2,)),
                ("...", ()),
            ]
        ],
        lambda torch, *xs, subscripts: torch.einsum(subscripts, list(xs)),
        # As PyTorch, and unlike NumPy, ours sums over the axes of an ellipsis that the result does not mention.
        lambda *xs, subscripts: np.einsum({"...i->i": "ji->i"}.get(subscripts, subscripts), *xs),
        call=lambda *xs, subscripts: mg.linalg.einsum(subscripts, *xs),
    ),
    "linalg.cdist": Spec(
        [
            *[Case((normal(3, 2), 0.9 * normal(4, 2), p)) for p in (1.0, 2.0, 3.0, 0.0, np.inf)],
            Case((normal(2, 1, 3, 2), 0.9 * normal(5, 4, 2)), name="stacks"),
            Case((normal(3, 2), 0.9 * normal(0, 2)), name="nothing"),
            Case((np.ones((2, 2)), np.ones((1, 2))), kink=True, name="no distance"),
        ],
        lambda torch, x1, x2, p=2.0: torch.linalg.vector_norm(x1[..., :, None, :] - x2[..., None, :, :], p, -1),
        lambda x1, x2, p=2.0: np.linalg.norm(x1[..., :, None, :] - x2[..., None, :, :], p, -1),
    ),
    "linalg.trace": Spec(
        [Case((normal(*shape),)) for shape in [(3, 3), (2, 3), (3, 2), (1, 1), (0, 0), (0, 2)]], same("trace"), np.trace
    ),
    "linalg.matrix_power": Spec(
        [Case((invertible(2, 2), n)) for n in (1, 2, 3, 6, -1, -2)]
        + [Case((normal(2, 2, 2), 3)), Case((normal(0, 0), 2))],
        lambda torch, x, n: torch.linalg.matrix_power(x, n),
        np.linalg.matrix_power,
    ),
    "linalg.slogdet": Spec(
        [Case((normal(*shape),)) for shape in [(3, 3), (2, 2, 2), (1, 1), (0, 0)]],
        lambda torch, x: sum(a * b for a, b in zip(torch.linalg.slogdet(x), (3, 0.5), strict=True)),
        lambda x: 3 * np.sign(leibniz(x)) + 0.5 * np.log(np.abs(leibniz(x))),
        call=lambda x: sum(a * b for a, b in zip(mg.linalg.slogdet(x), (3, 0.5), strict=True)),
    ),
    "linalg.logdet": Spec(
        [Case((positive_definite(*shape),)) for shape in [(3, 3), (2, 2, 2), (0, 0)]]
        + [Case((plain([[[1.0, 2.0], [3.0, 4.0]], [[4.0, 3.0], [2.0, 2.0]]]),), kink=True, name="negative")],
        same("logdet"),
        lambda x: np.log(leibniz(x)),
    ),
    "linalg.cholesky": Spec(
        [Case((positive_definite(2, 2, 2),), {"upper": upper}, kink=True) for upper in (False, True)],
        lambda torch, x, upper: torch.linalg.cholesky(x, upper=upper),
        lambda x, upper: np.linalg.cholesky(x, upper=upper),
    ),
    "linalg.solve": Spec(
        [
            Case((invertible(*a), normal(*b)), {"left": left})
            for left, a, b in [
                (True, (3, 3), (3,)),
                (True, (2, 2), (2, 3)),
                (True, (2, 2, 2), (2,)),
                (True, (3, 2, 2), (3, 2)),
                (True, (2, 2, 2), (2, 2)),
                (True, (2, 2), (3, 2, 1)),
                (False, (2, 2), (3, 2)),
                (False, (2, 2, 2), (2, 1, 2)),
            ]
        ],
        lambda torch, A, B, left: torch.linalg.solve(A, B, left=left),
        lambda A, B, left: (
            (np.linalg.inv(A) @ B[..., None])[..., 0]
            if B.ndim == 1 or B.shape == A.shape[:-1]
            else (np.linalg.inv(A) @ B if left else B @ np.linalg.inv(A))
        ),
    ),
    "linalg.solve_triangular": Spec(
        [
            Case((invertible(*a), normal(*b)), {"upper": upper, "left": left, "unitriangular": unitriangular})
            for left, a, b in [(True, (3, 3), (3, 2)), (True, (2, 2), (2, 2, 1)), (False, (2, 2, 2), (2, 1, 2))]
            for upper in (False, True)
            for unitriangular in (False, True)
        ],
        lambda torch, A, B, **kwargs: torch.linalg.solve_triangular(A, B, **kwargs),
    ),
    "linalg.norm": Spec(
        [Case((normal(*shape),)) for shape in [(), (3,), (2, 3), (2, 3, 2)]]
        + [
            Case((normal(2, 3, 2),), {"axis": axis, "keepdims": keep})
            for axis in (1, (0, -1))
            for keep in (False, True)
        ]
        + [Case((normal(*shape), ord)) for shape in [(4,), (2, 3)] for ord in (1, -1, inf, -inf)]
        + [Case((normal(4), ord)) for ord in (2, 3, 0.5)]
        + [Case((normal(2, 3, 2), 1), {"axis": axis}) for axis in (1, (-1, 0))]
        + [Case((normal(2, 3), "fro")), Case((plain([[0.0, 0.0], [0.0, 0.0]]),), kink=True, name="zero")],
        lambda torch, x, ord=None, axis=None, keepdims=False: torch.linalg.norm(x, ord, axis, keepdims),
        np.linalg.norm,
    ),
    "linalg.vector_norm": Spec(
        [
            Case((normal(2, 3),)),
            Case((normal(2, 3), 1)),
            Case((normal(2, 3, 2), 3), {"axis": (0, 2), "keepdims": True}),
        ],
        lambda torch, x, ord=2, axis=None, keepdims=False: torch.linalg.vector_norm(x, ord, axis, keepdims),
        lambda x, ord=2, axis=None, keepdims=False: np.linalg.vector_norm(x, axis=axis, ord=ord, keepdims=keepdims),
    ),
    "linalg.matrix_norm": Spec(
        [Case((normal(3, 2),)), *_matrix_norms],
        lambda torch, x, ord="fro", axis=(-2, -1), keepdims=False: torch.linalg.matrix_norm(x, ord, axis, keepdims),
        lambda x, ord="fro", axis=(-2, -1), keepdims=False: np.linalg.norm(x, ord, axis, keepdims),
    ),
}
