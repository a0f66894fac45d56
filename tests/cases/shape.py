"""The cases of `ops/shape.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases.common import *

_x = normal(3, 4)
_indices: list[tuple[str, Any]] = [
    ("number", 1),
    ("negative number", -1),
    ("numbers", (1, -2)),
    ("slice", slice(1, 3)),
    ("strided slice", (slice(None, None, 2), slice(None, None, -1))),
    ("ellipsis", (..., 0)),
    ("new axis", (None, slice(None), None, 1)),
    ("empty slice", slice(2, 2)),
    ("mask", _x > 0),
    ("row mask", np.array([True, False, True])),
    ("array", np.array([0, 2])),
    ("repeated array", np.array([[1, 1], [1, 2]])),
    ("list", [0, 0, -1]),
    ("pairs", (np.array([0, 1, 1]), np.array([3, 2, 2]))),
    ("broadcast pairs", (np.array([[0], [2]]), np.array([1, 1, 3]))),
    ("array and slice", (slice(1, None), np.array([0, 0, 3]))),
    ("array and number", (np.array([2, 2, 0]), 1)),
    ("empty array", np.array([], dtype=int)),
]
_repeat = {"repeated array", "list", "pairs", "broadcast pairs", "array and slice", "array and number"}
_torch_indices = {"strided slice"}  # PyTorch has no negative steps


def torch_index(torch: Any, index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(torch_index(torch, part) for part in index)
    return torch.as_tensor(index) if isinstance(index, np.ndarray) else index


def torch_setitem(torch: Any, x: Any, values: Any, index: Any) -> Any:
    out = x.clone()
    out[torch_index(torch, index)] = values
    return out


def numpy_setitem(x: Any, values: Any, index: Any) -> Any:
    out = np.array(x)
    out[index] = values
    return out


def numpy_add_at(values: Any, shape: tuple[int, ...], index: Any) -> Any:
    out = np.zeros(shape)
    np.add.at(out, index, values)
    return out


def torch_add_at(torch: Any, values: Any, shape: tuple[int, ...], index: Any) -> Any:
    positions = torch.arange(int(np.prod(shape))).reshape(shape)[torch_index(torch, index)]
    return (
        torch.zeros(int(np.prod(shape)), dtype=values.dtype)
        .index_add(0, positions.reshape(-1), values.reshape(-1))
        .reshape(shape)
    )


SPECS: dict[str, Spec] = {
    "reshape": Spec(
        [
            Case((normal(*old), new))
            for old, new in [
                ((3, 4), (4, 3)),
                ((3, 4), (-1,)),
                ((), (1, 1)),
                ((1, 1), ()),
                ((0, 2), (0,)),
                ((2, 3, 4), (6, -1)),
                ((4,), -1),
            ]
        ],
        lambda torch, x, shape: x.reshape(shape),
    ),
    "permute": Spec(
        [Case((normal(*shape),)) for shape in [(), (3,), (3, 4), (2, 3, 4), (0, 2)]]
        + [Case((normal(2, 3, 4), axes)) for axes in [(1, 2, 0), (2, 0, 1), (0, -1, 1), (-1, 0, -2)]],
        lambda torch, x, axes=None: x.permute(tuple(range(x.ndim))[::-1] if axes is None else axes),
    ),
    "move": Spec(  # to where it is already; to a GPU and back: tests/gpu/
        [Case((normal(2, 3), "cpu", "cpu")), Case((normal(), "cpu", "cpu"))],
        lambda torch, x, device, back: x.to(device),
        lambda x, device, back: x,
    ),
    "swapaxes": Spec(
        [Case((normal(2, 3, 4), *axes)) for axes in [(0, 1), (0, -1), (-2, -1), (1, 1)]] + [Case((normal(0, 2), 0, 1))],
        lambda torch, x, axis1, axis2: x.swapaxes(axis1, axis2),
    ),
    "squeeze": Spec(
        [Case((normal(*shape),)) for shape in [(), (1,), (2, 1, 3, 1), (3,), (1, 0)]]
        + [Case((normal(1, 2, 1),), {"axis": axis}) for axis in (0, 2, -1, (0, 2), (-1, 0))],
        lambda torch, x, axis=None: x.squeeze() if axis is None else x.squeeze(axis),
    ),
    "unsqueeze": Spec(
        [Case((normal(*shape), axis)) for shape, axis in [((), 0), ((3,), 0), ((3,), -1), ((2, 3), 1), ((0,), 1)]]
        + [Case((normal(2, 3), (0, -1)), torch=False, name="tuple of axes, NumPy only")],
        lambda torch, x, axis: x.unsqueeze(axis),
    ),
    "broadcast_to": Spec(
        [
            Case((normal(*old), new))
            for old, new in [
                ((3,), (2, 3)),
                ((), (2, 3)),
                ((2, 1), (2, 3)),
                ((1, 2, 1), (4, 3, 2, 5)),
                ((1,), (0,)),
                ((3,), (3,)),
            ]
        ],
        lambda torch, x, shape: torch.broadcast_to(x, shape),
    ),
    "movedim": Spec(
        [
            Case((normal(2, 3, 4), *ends))
            for ends in [(0, 2), (2, 0), (-1, 1), (1, 1), ((0, 1), (2, 0)), ((0, 1, 2), (1, 2, 0)), ((-1,), (0,))]
        ]
        + [Case((normal(0, 2), 0, 1))],
        lambda torch, x, source, destination: torch.movedim(x, source, destination),
    ),
    "flip": Spec(
        [Case((normal(*shape),)) for shape in [(), (0,), (5,), (3, 4)]]
        + [Case((normal(2, 3, 4), axis)) for axis in (0, -1, (0, 2), (1, -3))],
        lambda torch, x, axis=None: torch.flip(
            x, tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        ),
    ),
    "roll": Spec(
        [Case((normal(*shape), 2)) for shape in [(), (0,), (1,), (5,), (3, 4)]]
        + [Case((normal(2, 3, 4), *how)) for how in [(1, 0), (-1, 2), (7, -1), ((1, 2), (0, 2)), ((1, 1), (1, 1))]],
        lambda torch, x, shifts, axis=None: torch.roll(x, shifts, axis),
    ),
    **{
        name: Spec(
            [Case((normal(*shape),)) for shape in [(3, 3), (2, 4), (4, 2), (2, 3, 3), (0, 2)]]
            + [Case((normal(3, 4), k), name="other diagonal") for k in (-3, -1, 1, 2, 4)],
            lambda torch, x, diagonal=0, name=name: getattr(torch, name)(x, diagonal),
            lambda x, diagonal=0, name=name: getattr(np, name)(x, diagonal),
        )
        for name in ("tril", "triu")
    },
    "argwhere": Spec(
        [Case((np.round(normal(*shape)),)) for shape in [(0,), (5,), (3, 4), (2, 1, 3)]],
        lambda torch, x: torch.argwhere(x),
    ),
    "concatenate": Spec(
        [
            Case((normal(2, 3), positive(1, 3))),
            Case((normal(2, 3), positive(2, 1), normal(2, 2)), {"axis": 1}),
            Case((normal(2, 3, 2), positive(2, 1, 2)), {"axis": -2}),
            Case((normal(2, 3), positive(2, 1)), {"axis": -1}),
            Case((normal(2, 2, 1), positive(3, 2, 1)), {"axis": -3}),
            Case((normal(3),)),
            Case((normal(0), normal(2), normal(0))),
        ],
        lambda torch, *xs, axis=0: torch.cat(xs, axis),
        lambda *xs, axis=0: np.concatenate(xs, axis),
    ),
    "getitem": Spec(
        [Case((_x, index), name=name, torch=name not in _torch_indices) for name, index in _indices],
        lambda torch, x, index: x[torch_index(torch, index)],
        lambda x, index: x[index],
    ),
    "setitem": Spec(
        [
            Case(
                (_x, 0.9 * _x[index][::-1] if np.ndim(_x[index]) else 0.7, index),
                name=name,
                torch=name not in _torch_indices | _repeat,
            )
            for name, index in _indices
        ]
        + [
            Case((_x, normal(4), slice(1, 3)), name="values broadcast"),
            Case((_x, 7.0, (0, 1)), name="number"),
        ],
        torch_setitem,
        numpy_setitem,
    ),
    "add_at": Spec(
        [
            Case((normal(*_x[index].shape), (3, 4), index), name=name, torch=name not in _torch_indices)
            for name, index in _indices
        ],
        torch_add_at,
        numpy_add_at,
    ),
}
