"""Datasets and batches: PyTorch's for the same seed, in the same order, also where a thread prepares them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import traceback
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.utils import data
from minigrad.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)

Point = namedtuple("Point", "x y")


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")


@pytest.fixture
def threads_end() -> Iterator[None]:
    """Whatever a test does: soon afterwards no thread is there that was not there before."""
    before = threading.active_count()
    yield
    eventually(lambda: threading.active_count() == before)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def numbers(n: int) -> TensorDataset:
    return TensorDataset(np.arange(n))


def order(loader: Any) -> list[list[int]]:
    return [x.tolist() for (x,) in loader]


class NoSampleError(Exception):
    pass


class Squares(Dataset[Any]):
    """Not a TensorDataset, so that its samples are taken one by one. One of them may be an error."""

    def __init__(self, n: int = 10, bad: int | None = None) -> None:
        self.n = n
        self.bad = bad
        self.taken: list[int] = []

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: Any) -> Any:
        self.taken.append(index)
        if index == self.bad:
            raise NoSampleError(f"no sample {index}")
        return index, index**2


# -- the same batches as PyTorch's ------------------------------------------------------------------------------------

LOADERS: dict[str, Callable[[Any, Any, Any], Any]] = {  # (library, its utils.data, a dataset) -> a loader
    "in order": lambda lib, data, ds: data.DataLoader(ds, batch_size=7),
    "one by one": lambda lib, data, ds: data.DataLoader(ds),
    "shuffled": lambda lib, data, ds: data.DataLoader(ds, batch_size=7, shuffle=True),
    "shuffled, full batches": lambda lib, data, ds: data.DataLoader(ds, batch_size=7, shuffle=True, drop_last=True),
    "without remainder": lambda lib, data, ds: data.DataLoader(ds, batch_size=len(ds) // 2, shuffle=True),
    "all at once": lambda lib, data, ds: data.DataLoader(ds, batch_size=1000, shuffle=True),
    "own stream": lambda lib, data, ds: data.DataLoader(
        ds, batch_size=7, shuffle=True, generator=lib.Generator().manual_seed(11)
    ),
    "own stream, full batches": lambda lib, data, ds: data.DataLoader(
        ds, batch_size=7, shuffle=True, drop_last=True, generator=lib.Generator().manual_seed(11)
    ),
    "own stream, not shuffled": lambda lib, data, ds: data.DataLoader(
        ds, batch_size=7, generator=lib.Generator().manual_seed(11)
    ),
    "batch sampler": lambda lib, data, ds: data.DataLoader(
        ds, batch_sampler=data.BatchSampler(data.RandomSampler(ds), 5, drop_last=True)
    ),
    "a list of batches": lambda lib, data, ds: data.DataLoader(ds, batch_sampler=[[3, 1], [4], [-1, 5, 9]]),
    "drawn when the iterator is made": lambda lib, data, ds: data.DataLoader(
        ds, batch_sampler=Eager(lambda: [lib.randperm(len(ds))[:6].tolist()])
    ),
    "a sampler that draws as it goes": lambda lib, data, ds: data.DataLoader(
        ds, 3, sampler=Eager(lambda: (lib.randint(0, len(ds), (1,)).item() for _ in range(10)))
    ),
    "part of a part": lambda lib, data, ds: data.DataLoader(
        data.Subset(data.random_split(ds, [0.7, 0.3])[0], range(1, 14)), batch_size=4, shuffle=True
    ),
}


class Eager:
    """What `draw` gives, each time it is iterated."""

    def __init__(self, draw: Callable[[], Any]) -> None:
        self.draw = draw

    def __iter__(self) -> Iterator[Any]:
        return iter(self.draw())


def training(lib: Any, data: Any, make: Any, leave: bool = False) -> list[Any]:
    """All that a script with three epochs sees, and what it draws between batches."""
    lib.manual_seed(3)
    seen: list[Any] = [lib.nn.Linear(3, 2).bias.tolist()]
    loader = make(lib, data, data.TensorDataset(lib.tensor(np.arange(28))))
    for _ in range(3):
        for i, (x,) in enumerate(loader):
            kept = lib.nn.functional.dropout(lib.ones(5), 0.5)
            seen.append((x.tolist(), kept.tolist()))
            if leave and i == 1:
                break
        seen.append(lib.rand(2).tolist())
    return seen


@pytest.mark.parametrize("leave", [False, True], ids=["whole epochs", "left in the middle"])
@pytest.mark.parametrize("name", LOADERS)
def test_a_script_sees_the_batches_that_pytorch_gives_it_and_stays_in_step(torch: Any, name: str, leave: bool) -> None:
    make = LOADERS[name]
    assert training(mg, data, make, leave) == training(torch, torch.utils.data, make, leave)


@pytest.mark.parametrize("shared", [False, True], ids=["own streams", "one stream given to both"])
def test_two_loaders_in_turn_stay_in_step_with_pytorch(torch: Any, shared: bool) -> None:
    def seen(lib: Any, data: Any) -> list[Any]:
        lib.manual_seed(3)
        stream = lib.Generator().manual_seed(7) if shared else None
        given = {"generator": stream} if shared else {}
        train, test = data.random_split(data.TensorDataset(lib.tensor(np.arange(50))), [0.7, 0.3], **given)
        first = data.DataLoader(train, batch_size=4, shuffle=True, generator=stream)
        second = data.DataLoader(test, 3, sampler=data.RandomSampler(test, generator=stream))
        rows = []
        for _ in range(3):
            for (a,), (b,) in zip(first, second, strict=False):
                rows.append((a.tolist(), b.tolist(), lib.rand(1).tolist()))
            for (a,) in first:  # one inside the other
                rows.extend((a.tolist(), b.tolist()) for (b,) in second)
        return rows

    assert seen(mg, data) == seen(torch, torch.utils.data)


@pytest.mark.parametrize("workers", [0, 1])
def test_the_batches_are_those_that_pytorch_gave_when_they_were_recorded(workers: int) -> None:
    """For machines without PyTorch: printed by PyTorch 2.13."""
    mg.manual_seed(0)
    loader = DataLoader(numbers(10), batch_size=4, shuffle=True, num_workers=workers)
    drawn = []
    for expected in [
        [[6, 7, 1, 4], [2, 0, 9, 8], [3, 5]],
        [[1, 3, 4, 7], [6, 8, 2, 5], [0, 9]],
        [[8, 0, 4, 3], [1, 9, 6, 2], [5, 7]],
    ]:
        assert order(loader) == expected
        drawn.append(round(mg.rand(1).item(), 6))
    assert drawn == [0.307423, 0.632306, 0.293888]
    stream = mg.Generator().manual_seed(42)
    loader = DataLoader(numbers(10), 4, shuffle=True, drop_last=True, generator=stream, num_workers=workers)
    assert order(loader) == [[6, 5, 4, 0], [8, 9, 2, 1]]
    assert order(loader) == [[3, 6, 5, 8], [9, 4, 2, 0]]
    assert order(loader) == [[7, 4, 5, 0], [9, 1, 3, 2]]


def test_samplers_give_what_pytorch_gave_when_it_was_recorded() -> None:
    """Printed by PyTorch 2.13."""
    mg.manual_seed(0)
    assert [s.indices for s in random_split(range(10), [0.5, 0.3, 0.2])] == [[4, 1, 7, 5, 3], [9, 0, 8], [6, 2]]


@pytest.mark.parametrize(
    "lengths", [[7, 3], [0.7, 0.3], [0.5, 0.3, 0.2], [1 / 3, 1 / 3, 1 / 3], [0.55, 0.45], [0.1] * 10, [10, 0]]
)
def test_random_split_is_pytorchs(torch: Any, lengths: list[float]) -> None:
    def parts(lib: Any, data: Any, **options: Any) -> list[list[int]]:
        lib.manual_seed(2)
        return [list(part) for part in data.random_split(range(10), lengths, **options)] + [lib.rand(1).tolist()]

    assert parts(mg, data) == parts(torch, torch.utils.data)
    ours, theirs = (lib.Generator().manual_seed(9) for lib in (mg, torch))
    assert parts(mg, data, generator=ours) == parts(torch, torch.utils.data, generator=theirs)


# -- datasets ---------------------------------------------------------------------------------------------------------


def test_a_sample_of_a_tensor_dataset_is_a_tuple_of_tensors_that_share_memory() -> None:
    x, y = np.arange(6.0).reshape(3, 2), mg.tensor([7, 8, 9])
    dataset = TensorDataset(x, y)
    image, label = dataset[1]
    assert (image.tolist(), label.item(), len(dataset)) == ([2, 3], 8, 3)
    assert image.dtype == mg.float64
    x[1] = 5
    assert image.tolist() == [5, 5]
    assert [t.tolist() for t in dataset[1:]] == [[[5, 5], [4, 5]], [8, 9]]
    assert dataset.tensors[1] is y


@pytest.mark.parametrize(
    ("arrays", "shapes"),
    [
        ([np.zeros((3, 2)), np.zeros(4)], r"\(3, 2\), \(4,\)"),
        ([], "none"),
        ([np.zeros(3), np.array(1)], r"\(3,\), \(\)"),
        ([np.array(1)], r"\(\)"),
    ],
)
def test_a_tensor_dataset_takes_tensors_of_one_length(arrays: list[Any], shapes: str) -> None:
    with pytest.raises(ValueError, match=f"equally long along axis 0, not these shapes: {shapes}"):
        TensorDataset(*arrays)


def test_a_subset_takes_one_index_a_list_or_negative_ones() -> None:
    part = Subset(numbers(10), [4, 2, 9])
    assert [part[0][0].item(), part[-1][0].item(), len(part)] == [4, 9, 3]
    assert part[[2, 0]][0].tolist() == [9, 4]


def test_what_a_subclass_must_define_is_named() -> None:
    class Empty(Dataset[int]):
        pass

    class Never(Sampler[int]):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty defines no __getitem__\(self, index\)"):
        Empty()[0]
    with pytest.raises(NotImplementedError, match=r"Never defines no __iter__"):
        iter(Never())


@pytest.mark.parametrize("lengths", [[3, 3], [0.5, 0.4], [12, -2], [1.5, -0.5], [-0.05, 1.05]])
def test_random_split_wants_all_samples_and_draws_nothing_before_it_knows(lengths: list[float]) -> None:
    before = mg.get_rng_state().tolist()
    with pytest.raises(ValueError, match="the lengths must sum to 10"):
        random_split(range(10), lengths)
    assert mg.get_rng_state().tolist() == before


def test_random_split_warns_of_a_part_without_samples() -> None:
    with pytest.warns(UserWarning, match=r"of 2 samples, \[0\.9, 0\.1\] leaves a part without any"):
        assert [len(part) for part in random_split(range(2), [0.9, 0.1])] == [2, 0]
    assert [len(part) for part in random_split(range(2), [2, 0])] == [2, 0]


# -- samplers ---------------------------------------------------------------------------------------------------------


def test_samplers_and_loaders_know_their_length() -> None:
    assert len(SequentialSampler("abc")) == len(list(SequentialSampler("abc"))) == 3
    assert len(RandomSampler("abc")) == len(list(RandomSampler("abc"))) == 3
    for n in range(1, 10):
        for drop_last in (False, True):
            batches = BatchSampler(range(n), 3, drop_last)
            assert len(batches) == len(list(batches)) == len(DataLoader(range(n), 3, drop_last=drop_last))


def test_samplers_refuse_what_makes_no_order() -> None:
    with pytest.raises(ValueError, match="the number of samples is an integer of at least 1, not 0"):
        RandomSampler([])
    with pytest.raises(TypeError, match="positional"):  # PyTorch's `replacement`
        RandomSampler("abc", True)  # type: ignore[misc]
    with pytest.raises(ValueError, match="batch_size is an integer of at least 1, not 0"):
        BatchSampler(range(3), 0, False)
    with pytest.raises(
        TypeError, match=r"generator is a stream, as mg.Generator\(\).manual_seed\(0\) gives it, not 42"
    ):
        list(RandomSampler("abc", generator=42))


# -- batches ----------------------------------------------------------------------------------------------------------

COLLATED: dict[str, Callable[[Any], list[Any]]] = {  # made with the tensors of a library
    "floats": lambda t: [1.5, 2.5],
    "a float, then an int": lambda t: [1.5, 2],
    "ints": lambda t: [1, 2],
    "large ints": lambda t: [2**40, 1],
    "an int, then a float": lambda t: [1, 2.5],
    "bools": lambda t: [True, False],
    "a bool, then an int": lambda t: [True, 2],
    "one sample": lambda t: [3],
    "strings": lambda t: ["a", "b"],
    "bytes": lambda t: [b"a", b"b"],
    **{
        f"NumPy {dtype} numbers": lambda t, dtype=dtype: [np.dtype(dtype).type(1), np.dtype(dtype).type(2)]  # type: ignore[misc]
        for dtype in ("bool", "uint8", "int16", "int32", "int64", "float16", "float32", "float64")
    },
    **{
        f"{dtype} arrays": lambda t, dtype=dtype: [np.ones((2, 3), dtype), np.zeros((2, 3), dtype)]  # type: ignore[misc]
        for dtype in ("bool", "uint8", "int16", "int32", "int64", "float16", "float32", "float64")
    },
    "a float32 number, then a float": lambda t: [np.float32(1), 2.5],
    "an int32 number, then a float": lambda t: [np.int32(1), 2.5],
    "0-d arrays": lambda t: [np.array(1.0), np.array(2.0)],
    "empty arrays": lambda t: [np.zeros((0, 2)), np.zeros((0, 2))],
    "tensors": lambda t: [t([1.0, 2.0]), t([3.0, 4.0])],
    "0-d tensors": lambda t: [t(1), t(2)],
    "an int tensor, then a float one": lambda t: [t([1]), t([2.5])],
    "an array, then a tensor": lambda t: [np.zeros(2, np.float32), t([1.0, 2.0])],
    "tuples": lambda t: [(1, 2.5, "a"), (2, 3.5, "b")],
    "lists": lambda t: [[1, 2.5], [2, 3.5]],
    "ranges": lambda t: [range(2), range(3, 5)],
    "empty tuples": lambda t: [(), ()],
    "namedtuples": lambda t: [Point(1, 2.5), Point(3, 4.5)],
    "dicts": lambda t: [{"a": 1, "b": "x"}, {"b": "y", "a": 2}],
    "empty dicts": lambda t: [{}, {}],
    "dicts with more keys later": lambda t: [{"a": 1}, {"a": 2, "b": 3}],
    "ordered dicts": lambda t: [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
    "nested": lambda t: [{"x": (np.ones(2), [1, (2.5, "a")])}, {"x": (np.ones(2), [2, (3.5, "b")])}],
}


def outline(batch: Any) -> Any:
    """A batch, whichever library made it, with tensors as dtype and values."""
    if isinstance(batch, dict):
        return {key: outline(value) for key, value in batch.items()}
    if isinstance(batch, list | tuple):
        return [type(batch).__name__, *map(outline, batch)]
    if hasattr(batch, "dtype"):
        return str(batch.dtype).removeprefix("torch."), tuple(batch.shape), batch.tolist()
    return batch


@pytest.mark.parametrize("name", COLLATED)
def test_default_collate_makes_of_samples_what_pytorch_makes_of_them(torch: Any, name: str) -> None:
    theirs = torch.utils.data.default_collate(COLLATED[name](torch.tensor))
    assert outline(default_collate(COLLATED[name](mg.tensor))) == outline(theirs)


def test_default_collate_keeps_dtypes_and_makes_floats_float64() -> None:
    """What PyTorch does, for machines without it."""
    floats, ints, bools, names = default_collate([(1.5, 1, True, "a"), (2.5, 2, False, "b")])
    assert [floats.dtype, ints.dtype, bools.dtype] == [mg.float64, mg.int64, mg.bool]
    assert [floats.tolist(), ints.tolist(), bools.tolist(), names] == [[1.5, 2.5], [1, 2], [True, False], ("a", "b")]
    assert default_collate([np.float32(1), np.float32(2)]).dtype == mg.float32
    assert default_collate([np.zeros((2, 3), np.uint8)] * 4).shape == (4, 2, 3)
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate([Point(1, 2), Point(3, 4)]).y.tolist() == [2, 4]
    assert default_collate([MappingProxyType({"a": 1})])["a"].tolist() == [1]


def test_gradients_flow_through_a_batch_to_its_samples() -> None:
    samples = [mg.tensor([1.0, 2.0], requires_grad=True) for _ in range(3)]
    (default_collate(samples) * mg.tensor([[1.0], [2.0], [3.0]])).sum().backward()
    assert [x.grad.tolist() for x in samples] == [[1, 1], [2, 2], [3, 3]]
    whole = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (batch,) = next(iter(DataLoader(TensorDataset(whole), sampler=[2, 2], batch_size=2)))
    batch.sum().backward()
    assert whole.grad.tolist() == [0, 0, 2]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (
            [np.zeros(2), np.zeros(2), np.zeros(3)],
            r"sample 2 has shape \(3,\), sample 0 has \(2,\).* a collate_fn that pads",
        ),
        ([mg.zeros(1, 2), mg.zeros(2)], r"sample 1 has shape \(2,\), sample 0 has \(1, 2\)"),
        ([np.zeros(2), 1.0], r"sample 1 has shape \(\), sample 0 has \(2,\)"),
        ([(1, np.zeros(2)), (1, np.zeros(3))], r"sample 1\[1\] has shape \(3,\), sample 0\[1\] has \(2,\)"),
        ([{"a": [np.zeros(1)]}, {"a": [np.zeros(3)]}], r"sample 1\['a'\]\[0\] has shape"),
        ([(1, 2), (1, 2), (1,)], "sample 2 has length 1, sample 0 has 2"),
        ([{"a": 1, "b": 1}, {"a": 2}], r"sample 1 has keys \['a'\], sample 0 has \['a', 'b'\]"),
        ([], "at least one sample"),
    ],
)
def test_samples_that_make_no_batch_are_named(batch: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"default_collate: .*{message}"):
        default_collate(batch)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([None, None], r"sample 0 is a NoneType; it takes tensors.* Give the loader a collate_fn"),
        ([(1, {1, 2})], r"sample 0\[1\] is a set"),
        ([1 + 2j], "sample 0 is a complex"),
        ([np.array(["a"])], "a tensor holds floats, integers or bools"),
        ([1, "a"], "a tensor holds floats, integers or bools"),
        ([1.5, None], "a tensor holds floats, integers or bools"),
    ],
)
def test_samples_of_which_no_tensor_can_be_made_are_refused(batch: list[Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        default_collate(batch)


def test_whole_batches_of_a_tensor_dataset_are_those_made_sample_by_sample() -> None:
    x, y = np.arange(60.0).reshape(20, 3), np.arange(20)
    part = Subset(Subset(TensorDataset(x, y), range(1, 19)), mg.arange(2, 17))
    batches: Any = [[0, 5, 5], mg.tensor([3, 1]), np.array([14]), (2, np.int32(3)), [-1, -15], range(4)]
    fast = DataLoader(part, batch_sampler=batches)
    slow = DataLoader(part, batch_sampler=batches, collate_fn=lambda batch: default_collate(batch))
    assert [outline(batch) for batch in fast] == [outline(batch) for batch in slow]
    assert next(iter(fast))[1].tolist() == [3, 8, 8]


@pytest.mark.parametrize("dataset", [numbers(3), "abc"])
def test_a_batch_without_samples_is_refused(dataset: Any) -> None:
    with pytest.raises(ValueError, match="a batch needs at least one sample"):
        list(DataLoader(dataset, batch_sampler=[[]]))


def test_a_mask_is_no_sampler() -> None:
    with pytest.raises(TypeError, match="integer"):
        order(DataLoader(numbers(3), sampler=np.array([True, False, True])))


def test_a_batch_is_a_copy() -> None:
    x = np.zeros((4, 2))
    (batch,) = next(iter(DataLoader(TensorDataset(x), batch_size=4)))
    batch += 1
    assert not x.any()


def test_a_class_derived_from_tensor_dataset_or_subset_is_asked_for_each_sample() -> None:
    class Doubled(TensorDataset):
        def __getitem__(self, index: Any) -> Any:
            return tuple(2 * t for t in super().__getitem__(index))

    class Negative(Subset[Any]):
        def __getitem__(self, index: Any) -> Any:
            return tuple(-t for t in super().__getitem__(index))

    assert order(DataLoader(Doubled(np.arange(3)), 3)) == [[0, 2, 4]]
    assert order(DataLoader(Negative(numbers(3), [2, 1]), 2)) == [[-2, -1]]


def test_a_dataset_that_gives_several_samples_at_once_is_asked_to() -> None:
    class Several(Squares):
        def __getitems__(self, indices: list[int]) -> list[Any]:
            return [(i, -i) for i in indices]

    assert outline(list(DataLoader(Subset(Several(), [3, 5, 7]), 2))) == outline(
        [[mg.tensor([3, 5]), mg.tensor([-3, -5])], [mg.tensor([7]), mg.tensor([-7])]]
    )


# -- the loader -------------------------------------------------------------------------------------------------------


def test_a_loader_tells_what_it_was_made_of_and_stays_so() -> None:
    dataset = numbers(10)
    loader = DataLoader(dataset, batch_size=4, shuffle=True, drop_last=True)
    assert (loader.dataset, loader.batch_size, loader.drop_last, loader.num_workers) == (dataset, 4, True, 0)
    assert isinstance(loader.sampler, RandomSampler)
    assert isinstance(loader.batch_sampler, BatchSampler)
    assert isinstance(DataLoader(dataset).sampler, SequentialSampler)
    assert loader.collate_fn is default_collate
    assert (loader.generator, loader.prefetch_factor) == (None, None)
    assert DataLoader(dataset, num_workers=3).prefetch_factor == 2
    assert DataLoader(dataset, batch_sampler=[[1]]).batch_size is None
    with pytest.raises(ValueError, match="batch_size is given when a DataLoader is made, and stays"):
        loader.batch_size = 5
    loader.collate_fn = len
    assert list(loader) == [4, 4]


def test_a_collate_function_gets_the_list_of_samples() -> None:
    assert list(DataLoader("abcde", 2, collate_fn="".join)) == ["ab", "cd", "e"]
    assert list(DataLoader("abcde", 2, sampler="", collate_fn="".join)) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shuffle": True, "sampler": [0]}, "shuffle is an order, and so is a sampler"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "a batch_sampler leaves no choice"),
        ({"batch_sampler": [[0]], "shuffle": True}, "a batch_sampler leaves no choice"),
        ({"batch_sampler": [[0]], "sampler": [0]}, "a batch_sampler leaves no choice"),
        ({"batch_sampler": [[0]], "drop_last": True}, "a batch_sampler leaves no choice"),
        ({"batch_size": 0}, "batch_size is an integer of at least 1, not 0"),
        ({"batch_size": None}, "batch_size is an integer of at least 1, not None"),
        ({"batch_size": 2.0}, "batch_size is an integer of at least 1, not 2.0"),
        ({"num_workers": -1}, "num_workers is an integer of at least 0, not -1"),
        ({"num_workers": True}, "num_workers is an integer of at least 0, not True"),
        ({"prefetch_factor": 2}, "prefetch_factor is for the thread that num_workers=1 starts"),
        ({"prefetch_factor": 0, "num_workers": 1}, "prefetch_factor is an integer of at least 1, not 0"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataLoader(numbers(3), **options)


def test_what_is_for_processes_may_only_be_off() -> None:
    off = {"pin_memory": False, "timeout": 0, "worker_init_fn": None, "persistent_workers": False}
    assert order(DataLoader(numbers(2), **off)) == [[0], [1]]
    for name, on in {"pin_memory": True, "timeout": 5, "worker_init_fn": print, "persistent_workers": True}.items():
        with pytest.raises(TypeError, match=f"DataLoader takes no {name}="):
            DataLoader(numbers(2), **{name: on})
    with pytest.raises(TypeError, match="DataLoader takes no batchsize=0"):
        DataLoader(numbers(2), batchsize=0)


def test_an_empty_dataset_gives_no_batches_unless_it_is_to_be_shuffled() -> None:
    assert order(DataLoader(numbers(0), 3)) == []
    with pytest.raises(ValueError, match="the number of samples is an integer of at least 1, not 0"):
        DataLoader(numbers(0), 3, shuffle=True)


# -- the thread -------------------------------------------------------------------------------------------------------


class Threaded:
    """`utils.data` with a loader that has the thread switched on."""

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead

    def __getattr__(self, name: str) -> Any:
        return getattr(data, name)

    def DataLoader(self, *args: Any, **options: Any) -> Any:
        return DataLoader(*args, **options, num_workers=1, prefetch_factor=self.ahead)


# Not among them: a sampler that draws from the caller's stream with every index, which it does earlier for the thread;
# and one that was given a stream, where an epoch is left after it has drawn from it up to the end.
IN_STEP = [
    pytest.param(name, ahead, leave, id=f"{name}-{ahead} ahead-{'left in the middle' if leave else 'whole epochs'}")
    for name in LOADERS
    for ahead in (1, 2, 50)
    for leave in (False, True)
    if name != "a sampler that draws as it goes" and not ("own stream" in name and ahead == 50 and leave)
]


@pytest.mark.usefixtures("threads_end")
@pytest.mark.parametrize(("name", "ahead", "leave"), IN_STEP)
def test_with_a_thread_a_script_sees_the_same_as_without(name: str, ahead: int, leave: bool) -> None:
    make = LOADERS[name]
    threaded = training(mg, data, lambda lib, _, dataset: make(lib, Threaded(ahead), dataset), leave)
    assert threaded == training(mg, data, make, leave)


@pytest.mark.usefixtures("threads_end")
def test_samplers_run_in_the_callers_thread_as_many_batches_ahead_as_the_thread_is() -> None:
    drawn = []

    def indices() -> Iterator[int]:
        for i in range(9):
            drawn.append(threading.current_thread())
            yield i

    batches = iter(DataLoader(numbers(9), sampler=indices(), num_workers=1, prefetch_factor=3))
    assert len(drawn) == 0
    next(batches)
    assert drawn == [threading.current_thread()] * (1 + 3)


@pytest.mark.usefixtures("threads_end")
def test_batches_come_in_order_however_long_each_takes() -> None:
    class Slow(Squares):
        def __getitem__(self, index: Any) -> Any:
            time.sleep(0.003 * (index % 3))
            return super().__getitem__(index)

    def batches(workers: int) -> list[Any]:
        mg.manual_seed(1)
        rows = []
        for i, batch in enumerate(DataLoader(Slow(20), 3, shuffle=True, num_workers=workers)):
            time.sleep(0.004 * (i % 2))
            rows.append(outline(batch))
        return rows

    assert batches(1) == batches(0)


@pytest.mark.usefixtures("threads_end")
def test_random_numbers_of_the_dataset_come_from_a_stream_of_the_threads_own_that_of_pytorchs_worker() -> None:
    class Noise(Dataset[Any]):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: Any) -> Any:
            return mg.randint(100, (2,))

    mg.manual_seed(0)
    loader = DataLoader(Noise(), batch_size=2, num_workers=1)
    epochs = [[x.tolist() for x in loader] for _ in range(2)]
    # Printed by PyTorch 2.13 for the same script.
    assert epochs == [[[[6, 10], [4, 13]], [[69, 35], [37, 98]]], [[[26, 83], [17, 10]], [[37, 41], [27, 29]]]]
    after = mg.rand(1).item()
    mg.manual_seed(0)
    for _ in range(2):
        list(DataLoader(numbers(4), batch_size=2))
    assert mg.rand(1).item() == after, "the caller's stream has moved on by what the loader itself draws"


def test_the_seed_of_the_threads_stream_is_drawn_as_pytorch_draws_it(torch: Any) -> None:
    """A worker of PyTorch calls `manual_seed(base seed + its number)`, its own being 0."""

    class Noise(Dataset[Any]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: Any) -> Any:
            return mg.rand(2)

    mg.manual_seed(6)
    torch.manual_seed(6)
    ours = next(iter(DataLoader(Noise(), batch_size=3, num_workers=1))).tolist()
    torch.manual_seed(torch.empty((), dtype=torch.int64).random_().item())
    assert ours == [torch.rand(2).tolist() for _ in range(3)]


@pytest.mark.usefixtures("threads_end")
@pytest.mark.parametrize("ahead", [1, 3])
def test_the_thread_prepares_as_many_batches_ahead_as_it_is_told(ahead: int) -> None:
    dataset = Squares(20)
    batches = iter(DataLoader(dataset, num_workers=1, prefetch_factor=ahead))
    time.sleep(0.02)
    assert dataset.taken == [], "nothing starts before the first batch is asked for"
    for asked in range(1, 4):
        next(batches)
        eventually(lambda asked=asked: len(dataset.taken) == asked + ahead)  # type: ignore[misc]
        time.sleep(0.02)
        assert dataset.taken == list(range(asked + ahead))


@pytest.mark.usefixtures("threads_end")
@pytest.mark.parametrize("recording", [False, True])
def test_the_thread_records_gradients_where_the_caller_does(recording: bool) -> None:
    class Recorded(Squares):
        def __getitem__(self, index: Any) -> Any:
            return mg.is_grad_enabled(), threading.current_thread() is threading.main_thread()

    with mg.set_grad_enabled(recording):
        ((recorded, in_main_thread),) = DataLoader(Recorded(1), num_workers=1)
    assert recorded.tolist() == [recording]
    assert in_main_thread.tolist() == [False]


@pytest.mark.usefixtures("threads_end")
@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_the_dataset_comes_out_of_the_loop_with_its_own_traceback(workers: int) -> None:
    batches = iter(DataLoader(Squares(bad=5), batch_size=2, num_workers=workers))
    assert [outline(next(batches)), outline(next(batches))] == [
        outline([mg.tensor([0, 1]), mg.tensor([0, 1])]),
        outline([mg.tensor([2, 3]), mg.tensor([4, 9])]),
    ]
    with pytest.raises(NoSampleError, match="no sample 5") as caught:
        next(batches)
    innermost = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert innermost.line == 'raise NoSampleError(f"no sample {index}")'
    assert caught.value.__context__ is None


@pytest.mark.usefixtures("threads_end")
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("error", [StopIteration, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_no_error_of_the_dataset_ends_the_loop_silently(workers: int, error: type[BaseException]) -> None:
    def collate(samples: Any) -> Any:
        raise error

    with pytest.raises(RuntimeError if error is StopIteration else error):
        list(DataLoader(numbers(3), num_workers=workers, collate_fn=collate))


@pytest.mark.usefixtures("threads_end")
@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_a_sampler_comes_out_of_the_loop(workers: int) -> None:
    def indices() -> Iterator[int]:
        yield 0
        raise KeyError("no index")

    with pytest.raises(KeyError, match="no index"):
        list(DataLoader(numbers(3), sampler=indices(), num_workers=workers))


@pytest.mark.usefixtures("threads_end")
def test_the_thread_ends_when_the_loop_is_left() -> None:
    for _ in DataLoader(numbers(100), num_workers=1):
        assert threading.active_count() > 1
        break


@pytest.mark.usefixtures("threads_end")
def test_the_thread_ends_when_the_loop_raises() -> None:
    def consume() -> None:
        for _ in DataLoader(numbers(100), num_workers=1):
            raise ValueError("the caller's own")

    with pytest.raises(ValueError, match="the caller's own"):
        consume()


@pytest.mark.usefixtures("threads_end")
def test_the_thread_ends_when_the_iterator_is_dropped_or_closed_or_never_used() -> None:
    loader = DataLoader(numbers(100), num_workers=1)
    next(iter(loader))
    batches = iter(loader)
    next(batches)
    del batches
    batches = iter(loader)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    iter(loader)


@pytest.mark.usefixtures("threads_end")
def test_what_was_asked_for_but_not_begun_is_not_prepared_when_the_loop_is_left() -> None:
    at_work, go_on = threading.Event(), threading.Event()

    class Waiting(Squares):
        def __getitem__(self, index: Any) -> Any:
            if index == 1:
                at_work.set()
                assert go_on.wait(10)
            return super().__getitem__(index)

    dataset = Waiting(10)
    for _ in DataLoader(dataset, num_workers=1, prefetch_factor=5):
        assert at_work.wait(10)
        break
    go_on.set()
    eventually(lambda: len(dataset.taken) == 2)
    time.sleep(0.02)
    assert dataset.taken == [0, 1]


@pytest.mark.usefixtures("threads_end")
def test_nothing_keeps_a_batch_or_an_error_alive() -> None:
    import gc
    import weakref

    gc.disable()
    try:
        alive = []
        for (x,) in DataLoader(numbers(6), 2, num_workers=1):
            alive.append(weakref.ref(x))
            del x
            assert alive[-1]() is None
        with pytest.raises(NoSampleError) as caught:
            list(DataLoader(Squares(bad=0), num_workers=1))
        error = weakref.ref(caught.value)
        del caught
        eventually(lambda: error() is None)
    finally:
        gc.enable()


@pytest.mark.usefixtures("threads_end")
def test_waiting_takes_no_processor_time() -> None:
    class Slow(Squares):
        def __getitem__(self, index: Any) -> Any:
            time.sleep(0.3)
            return index

    batches = iter(DataLoader(Slow(2), num_workers=1))
    start = time.process_time()
    list(batches)  # the caller waits for the thread
    batches = iter(DataLoader(numbers(9), num_workers=1))
    next(batches)
    time.sleep(0.3)  # the thread waits for the caller
    assert time.process_time() - start < 0.3


SCRIPT = """
import time
from minigrad.utils.data import DataLoader

class Slow:
    def __len__(self):
        return 9
    def __getitem__(self, index):
        time.sleep(300 * (index > 0))
        return index

loader = DataLoader(Slow(), num_workers=1)
"""


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("for _ in loader: break", 0),
        ("batches = iter(loader); next(batches)", 0),
        ("batches = iter(loader); next(batches); time.sleep(0.1)", 0),
        ("for _ in loader: raise SystemExit(3)", 3),
    ],
)
def test_a_script_ends_at_once_though_its_thread_is_still_at_work(rest: str, code: int) -> None:
    folder = Path(mg.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + rest], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


# -- names ------------------------------------------------------------------------------------------------------------


def test_a_name_that_is_missing_is_told_with_the_nearest_one() -> None:
    with pytest.raises(
        AttributeError, match=r"minigrad.utils.data has no 'Dataloader'; the nearest name is 'DataLoader'"
    ):
        data.Dataloader  # noqa: B018
    import minigrad.utils as utils

    with pytest.raises(AttributeError, match=r"minigrad.utils has no 'tensorboard'"):
        utils.tensorboard  # noqa: B018


def test_all_names_are_pytorchs(torch: Any) -> None:
    assert [name for name in data.__all__ if not hasattr(torch.utils.data, name)] == []
