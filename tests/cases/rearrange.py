"""The cases of `minigrad/rearrange.py`: by "rearrange." and the name."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from tests.cases.common import *


def pieces(torchs: Any, numpys: Any, ours: Any) -> tuple[Any, Any, Any]:
    """For a function that gives a tuple of pieces: the sizes, and weighted so that none can be mistaken for another."""

    def joined(parts: Any) -> list[Any]:
        return [part.reshape(-1) * (i + 1) for i, part in enumerate(parts)]

    return (
        lambda torch, *args: torch.cat(joined(torchs(torch, *args))),
        numpys and (lambda *args: np.concatenate(joined(numpys(*args)))),
        lambda *args: mg.cat(joined(ours(*args))),
    )


def found(result: Any) -> Any:
    """Values and indices as one tensor: the indices added to the values, which are multiplied by 1000."""
    if not isinstance(result, tuple):
        return result
    indices = result.indices
    return 1000 * result.values + (indices.astype(result.values.dtype) if hasattr(indices, "astype") else indices)


SPECS: dict[str, Spec] = {
    "rearrange.cat": Spec(
        [Case((normal(2, 3), positive(1, 3))), Case((normal(2, 3), positive(2, 1)), {"axis": -1})],
        lambda torch, *xs, axis=0: torch.cat(xs, axis),
        lambda *xs, axis=0: np.concatenate(xs, axis),
        call=lambda *xs, axis=0: mg.cat(xs, axis),
    ),
    "rearrange.stack": Spec(
        [Case((normal(2, 3), positive(2, 3)), {"axis": axis}) for axis in (0, 1, 2, -1)],
        lambda torch, *xs, axis=0: torch.stack(xs, axis),
        lambda *xs, axis=0: np.stack(xs, axis),
        call=lambda *xs, axis=0: mg.stack(xs, axis),
    ),
    "rearrange.hstack": Spec(
        [
            Case((normal(*x), positive(*y)))
            for x, y in [((2, 1), (2, 3)), ((3,), (2,)), ((), (2,)), ((1, 2, 2), (1, 0, 2))]
        ],
        lambda torch, *xs: torch.hstack(xs),
        lambda *xs: np.hstack(xs),
        call=lambda *xs: mg.hstack(xs),
    ),
    "rearrange.vstack": Spec(
        [Case((normal(*x), positive(*y))) for x, y in [((1, 3), (2, 3)), ((3,), (3,)), ((3,), (2, 3)), ((), (1,))]],
        lambda torch, *xs: torch.vstack(xs),
        lambda *xs: np.vstack(xs),
        call=lambda *xs: mg.vstack(xs),
    ),
    "rearrange.split": Spec(
        [
            *[Case((normal(*shape), n)) for shape, n in [((6,), 2), ((5,), 2), ((5, 2), 9), ((0, 2), 3), ((3, 2), 1)]],
            *[Case((normal(2, 5), sizes, axis)) for sizes in ([2, 3], [1, 0, 4], 2) for axis in (1, -1)],
        ],
        *pieces(
            lambda torch, x, *how: torch.split(x, *how),
            lambda x, how, axis=0: np.split(
                x, range(how, x.shape[axis], how) if isinstance(how, int) else np.cumsum(how)[:-1], axis
            ),
            mg.split,
        ),
    ),
    "rearrange.chunk": Spec(
        [Case((normal(*shape), n)) for shape, n in [((6, 2), 2), ((5,), 3), ((5,), 4), ((2,), 5), ((0,), 1)]]
        + [Case((normal(2, 5), 2, axis)) for axis in (1, -1)],
        *pieces(lambda torch, x, *how: torch.chunk(x, *how), None, mg.chunk),
    ),
    "rearrange.unbind": Spec(
        [Case((normal(2, 3, 4), axis)) for axis in (0, 1, 2, -1)],
        *pieces(
            lambda torch, x, axis: torch.unbind(x, axis),
            lambda x, axis: [np.take(x, i, axis) for i in range(x.shape[axis])],
            mg.unbind,
        ),
    ),
    "rearrange.flatten": Spec(
        [Case((normal(*shape),)) for shape in [(), (0,), (5,), (2, 3), (2, 0, 3)]]
        + [Case((normal(2, 3, 4), *ends)) for ends in [(1,), (0, 1), (1, -1), (-2, 2), (1, 1)]],
        lambda torch, x, *ends: torch.flatten(x, *ends),
    ),
    "rearrange.ravel": Spec(
        [Case((normal(*shape),)) for shape in SHAPES], lambda torch, x: torch.ravel(x), lambda x: x.flatten()
    ),
    "rearrange.t": Spec(
        [Case((normal(*shape),)) for shape in [(), (3,), (2, 3)]], lambda torch, x: x.t(), np.transpose
    ),
    "rearrange.contiguous": Spec([Case((normal(2, 3),))], lambda torch, x: x.contiguous(), np.ascontiguousarray),
    "rearrange.expand_as": Spec(
        [Case((normal(3, 1), positive(2, 3, 4)))],
        lambda torch, x, other: x.expand_as(other),
        lambda x, other: np.broadcast_to(x, other.shape),
        constant=(1,),
    ),
    "rearrange.view_as": Spec(
        [Case((normal(2, 3), positive(6)))],
        lambda torch, x, other: x.view_as(other),
        lambda x, other: x.reshape(other.shape),
        constant=(1,),
    ),
    "rearrange.unflatten": Spec(
        [
            Case((normal(*shape), axis, sizes))
            for shape, axis, sizes in [
                ((6,), 0, (2, 3)),
                ((2, 6), -1, (3, -1)),
                ((4, 3), 0, (2, 1, 2)),
                ((0, 2), 0, (0, 3)),
            ]
        ],
        lambda torch, x, axis, sizes: torch.unflatten(x, axis, sizes),
    ),
    "rearrange.expand": Spec(
        [
            Case((normal(*shape), sizes))
            for shape, sizes in [((3,), (2, 3)), ((2, 1), (-1, 3)), ((), (2,)), ((1, 3), (4, 2, -1)), ((1,), (0,))]
        ],
        lambda torch, x, sizes: x.expand(sizes),
    ),
    "rearrange.tile": Spec(
        [
            Case((normal(*shape), repeats))
            for shape, repeats in [
                ((3,), 2),
                ((), 3),
                ((2, 3), (2,)),
                ((2, 3), (1, 2)),
                ((2, 3), (2, 1, 2)),
                ((2,), (0,)),
                ((2, 0), (2, 3)),
            ]
        ],
        lambda torch, x, repeats: torch.tile(x, (repeats,) if isinstance(repeats, int) else repeats),
        lambda x, repeats: np.tile(x, repeats),
    ),
    "rearrange.meshgrid": Spec(
        [
            Case(tuple(normal(n) for n in sizes), {"indexing": indexing})
            for sizes in [(3,), (2, 3), (2, 1, 3), (2, 0)]
            for indexing in ("ij", "xy")
        ],
        lambda torch, *xs, indexing: torch.stack(torch.meshgrid(*xs, indexing=indexing)),
        lambda *xs, indexing: np.stack(np.meshgrid(*xs, indexing=indexing)),
        call=lambda *xs, indexing: mg.stack(mg.meshgrid(*xs, indexing=indexing)),
    ),
    "rearrange.pad": Spec(
        [
            *[Case((normal(2, 3), widths)) for widths in [(1, 2), (0, 1, 2, 0), (-1, 1), (0, 0, -1, -1), ()]],
            Case((normal(0, 2), (1, 1, 1, 0), "constant", -1.5)),
            Case((normal(2, 2, 2), (1, 0, 0, 1), "constant", 2.5)),
            *[
                Case((normal(1, 4, 5), widths, mode))
                for mode in ("reflect", "replicate", "circular")
                for widths in [(1, 2), (3, 0, 0, 2)][: 1 if mode == "circular" else 2]
            ],
        ],
        lambda torch, x, *how: torch.nn.functional.pad(x, *how),
    ),
    "rearrange.diagonal": Spec(
        [
            *[Case((normal(*shape), k)) for shape in [(3, 3), (2, 4), (4, 2), (2, 0)] for k in (-3, -1, 0, 1, 3)],
            *[Case((normal(2, 3, 4), *how)) for how in [(0, 0, 2), (1, 2, 0), (-1, -2, -1), (0, 1, 2)]],
        ],
        lambda torch, x, *how: torch.diagonal(x, *how) if not how or abs(how[0]) < 3 else x.diagonal(*how),
        lambda x, *how: np.diagonal(x, *how),
    ),
    "rearrange.diag_embed": Spec(
        [Case((normal(*shape), k)) for shape in [(3,), (2, 3), (1,), (2, 1, 2), (0,)] for k in (-2, 0, 1)],
        lambda torch, x, k: torch.diag_embed(x, k),
    ),
    "rearrange.diag": Spec(
        [Case((normal(*shape), k)) for shape in [(3,), (3, 3), (2, 4), (4, 2)] for k in (-1, 0, 2)],
        lambda torch, x, k: torch.diag(x, k),
        lambda x, k: np.diag(x, k),
    ),
    "rearrange.gather": Spec(
        [
            Case((normal(3, 4), 1, np.array([[0, 0], [1, 3], [2, 2]])), name="repeated"),
            Case((normal(3, 4), 0, np.array([[2, 0, 1, 1]])), name="smaller"),
            Case((normal(2, 3, 2), -1, np.array([[[1], [0], [1]]]))),
            Case((normal(4), 0, np.array([3, 3, 0, 3, 1]))),
            Case((normal(3, 4), 0, np.zeros((0, 4), int)), name="nothing"),
        ],
        lambda torch, x, axis, index: torch.gather(x, axis, index),
    ),
    "rearrange.scatter_add": Spec(
        [
            Case((normal(3, 4), 1, np.array([[0, 0], [1, 3], [2, 2]]), normal(3, 2)), name="repeated"),
            Case((normal(3, 4), 0, np.array([[2, 0, 1, 1]]), normal(2, 4)), name="src larger than index"),
            Case((normal(4), -1, np.array([3, 3, 0]), normal(3))),
            Case((normal(3, 4), 0, np.zeros((0, 4), int), normal(2, 4)), name="nothing"),
        ],
        # PyTorch's own gradient fails if src is larger.
        lambda torch, x, axis, index, src: torch.scatter_add(x, axis, index, src[tuple(map(slice, index.shape))]),
    ),
    "rearrange.scatter": Spec(
        [
            Case((normal(3, 4), 1, np.array([[0, 2], [1, 3], [2, 0]]), normal(3, 2))),
            Case((normal(3, 4), 0, np.array([[2, 0, 1, 1]]), normal(2, 4)), name="src larger than index"),
            Case((normal(4), -1, np.array([3, 0]), 2.5), name="number"),
            Case((normal(3, 4), 0, np.zeros((0, 4), int), normal(2, 4)), name="nothing"),
            Case((normal(4), 0, np.array([3, 3, 0]), normal(3)), torch=False, name="repeated: not defined in PyTorch"),
        ],
        lambda torch, x, axis, index, src: torch.scatter(
            x, axis, index, src if isinstance(src, float) else src[tuple(map(slice, index.shape))]
        ),
    ),
    "rearrange.take_along_dim": Spec(
        [
            Case((normal(3, 4), np.array([[0, 0], [1, 3], [2, 2]]), 1), name="repeated"),
            Case((normal(3, 4), np.array([[2, 0]]), -1), name="indices broadcast"),
            Case((normal(1, 4), np.array([[1], [3], [0]]), 1), name="x broadcasts"),
            Case((normal(2, 2), np.array([3, 0, 3])), name="flattened"),
        ],
        lambda torch, x, indices, axis=None: torch.take_along_dim(x, indices, axis),
        lambda x, indices, axis=None: np.take_along_axis(x, indices, axis),
    ),
    "rearrange.index_select": Spec(
        [Case((normal(3, 4), axis, np.array([2, 0, 2]))) for axis in (0, 1, -1)]
        + [Case((normal(3, 4), 0, np.array([], int)), name="nothing")],
        lambda torch, x, axis, index: torch.index_select(x, axis, index),
        lambda x, axis, index: np.take(x, index, axis),
    ),
    "rearrange.index_add": Spec(
        [
            Case((normal(3, 4), 0, np.array([2, 0, 2]), normal(3, 4)), name="repeated"),
            Case((normal(3, 4), -1, np.array([1, 1]), normal(3, 2)), name="repeated"),
        ],
        lambda torch, x, axis, index, source: torch.index_add(x, axis, index, source),
    ),
    "rearrange.repeat_interleave": Spec(
        [
            Case((normal(*shape), *how))
            for shape, how in [
                ((3,), (2,)),
                ((2, 3), (2,)),
                ((2, 3), (3, 1)),
                ((2, 3), (np.array([1, 0, 2]), -1)),
                ((2,), (0,)),
                ((), (2,)),
            ]
        ],
        lambda torch, x, *how: torch.repeat_interleave(x, *how),
        lambda x, *how: np.repeat(x, *how),
    ),
    "rearrange.masked_select": Spec(
        [
            Case((normal(3, 4), normal(3, 4) > 0)),
            Case((normal(3, 4), np.array([True, False, True, False])), name="mask broadcasts"),
            Case((normal(4), np.array([[True], [True], [False]])), name="x broadcasts"),
            Case((normal(4), np.zeros(4, bool)), name="nothing"),
        ],
        lambda torch, x, mask: torch.masked_select(x, mask),
    ),
    "rearrange.one_hot": Spec(
        [Case((np.array(labels), *n)) for labels in ([2, 0, 1], [[1, 1], [0, 3]], 2) for n in [(), (5,)]]
        + [Case((np.array([], int), 3))],
        lambda torch, labels, *n: torch.nn.functional.one_hot(labels, *n),
        lambda labels, n=None: np.eye(n or labels.max() + 1, dtype=int)[labels],
    ),
    "rearrange.nonzero": Spec(
        [Case((normal(*shape).astype(int),)) for shape in [(0,), (5,), (3, 4), (2, 1, 3)]],
        lambda torch, x: torch.nonzero(x),
        lambda x: np.argwhere(x),
    ),
    "rearrange.bincount": Spec(
        [Case((np.array(labels, int), None, n)) for labels in ([2, 0, 2, 5], []) for n in (0, 4, 9)]
        + [Case((np.array([2, 0, 2, 5]), normal(4), n), torch=False, name="no gradient in PyTorch") for n in (0, 9)],
        lambda torch, x, *how: torch.bincount(x, *how),
        lambda x, *how: np.bincount(x, *how),
    ),
    "rearrange.unique": Spec(
        [
            *[Case((np.array(values),)) for values in ([3, -1, 3], [[2, 1], [1, 2]], 2)],
            *[Case((np.array([[1, 2], [0, 1], [1, 2]]),), {"axis": axis}) for axis in (0, 1, -1)],
            *[
                Case((np.array(values),), torch=False, name="no gradient in PyTorch")
                for values in ([3.0, 1.0, 2.0], [])
            ],
        ],
        lambda torch, x, axis=None: torch.unique(x, dim=axis),
        lambda x, axis=None: np.unique(x, axis=axis),
    ),
    "rearrange.sort": Spec(
        [
            Case((normal(*shape), axis, descending))
            for shape, axis in [((5,), -1), ((3, 4), 0), ((3, 4), 1), ((2, 0), 1)]
            for descending in (False, True)
        ]
        + [Case((plain([[2.0, 1.0, 2.0, np.nan, 1.0]]), -1, d), kink=True, name="ties") for d in (False, True)],
        lambda torch, x, axis, descending: found(torch.sort(x, dim=axis, descending=descending, stable=True)),
        call=lambda x, axis, descending: found(mg.sort(x, axis, descending)),
    ),
    "rearrange.topk": Spec(
        [
            Case((normal(3, 5), k, axis, largest))
            for k, axis in [(2, -1), (1, 0), (3, 0), (0, 1), (5, 1)]
            for largest in (True, False)
        ],
        lambda torch, x, *how: found(torch.topk(x, *how)),
        call=lambda x, *how: found(mg.topk(x, *how)),
    ),
    **{
        f"rearrange.{name}": Spec(
            [
                *[Case((normal(*shape),)) for shape in [(), (5,), (3, 4)]],
                *[
                    Case((normal(2, 3, 4),), {"axis": axis, "keepdims": k})
                    for axis in (0, 1, -1)
                    for k in (False, True)
                ],
                *[Case((TIES,), {"axis": axis}, kink=True, name="ties") for axis in (None, 0, 1, -2)],
                *[Case((plain([[1.0, np.nan], [3.0, 0.0]]),), {"axis": a}, kink=True, name="nan") for a in (None, 1)],
                Case((normal(2, 3), 0.3 * np.flip(normal(2, 3))), name="two tensors"),
            ],
            lambda torch, x, axis=None, keepdims=False, name=name: found(
                getattr(torch, name)(x)
                if axis is None
                else getattr(torch, name)(x, axis)
                if isinstance(axis, torch.Tensor)
                else getattr(torch, name)(x, axis, keepdim=keepdims)
            ),
            call=lambda x, axis=None, keepdims=False, name=name: found(getattr(mg, name)(x, axis, keepdims)),
        )
        for name in ("max", "min")
    },
    "rearrange.median": Spec(
        [
            *[Case((normal(*shape),)) for shape in [(), (1,), (4,), (5,), (3, 4)]],
            *[Case((normal(3, 4), axis, k), name="axis") for axis in (0, 1, -1) for k in (False, True)],
            Case((TIES,), kink=True, name="ties"),
            Case((plain([1.0, np.nan, 0.0, np.nan]),), kink=True, name="nan"),
            Case((plain([[1.0, np.nan, 0.0], [3.0, 1.0, 2.0]]), 1), kink=True, name="nan"),
        ],
        lambda torch, x, *how: found(torch.median(x, *how)),
        call=lambda x, *how: found(mg.median(x, *how)),
    ),
    "rearrange.diff": Spec(
        [
            Case((normal(*shape), *how))
            for shape, how in [((5,), ()), ((5,), (3,)), ((3, 4), (1, 0)), ((1,), ()), ((2,), (0,))]
        ],
        lambda torch, x, *how: torch.diff(x, *how),
        lambda x, *how: np.diff(x, *how),
    ),
}
