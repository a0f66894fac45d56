"""Batches: what `torch.utils.data` offers, under the same names, and the same batches for the same seed.

    for x, y in DataLoader(TensorDataset(images, labels), batch_size=64, shuffle=True):
        ...                     # another order in each epoch

Four parts, each of use without the others. A dataset says what sample i is. A sampler says in which order samples are
taken. A collate function makes one batch of several samples. The loader puts the three together.

A script sees the same samples in the same batches as under PyTorch, epoch after epoch. For that it is not enough that
random numbers are PyTorch's: they must be drawn at the same moments, since weights and dropout draw from the same
stream. So an iterator draws one number when it is made, and a `RandomSampler` one more at its first sample, to seed the
stream that it takes its permutation from.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import copy_context
from itertools import accumulate, chain, islice, pairwise, repeat
from operator import index as as_index
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, Generic, TypeVar

import numpy as np

from minigrad import random
from minigrad.creation import as_tensor, tensor
from minigrad.errors import missing
from minigrad.rearrange import stack
from minigrad.tensor import Tensor

__all__ = ["BatchSampler", "DataLoader", "Dataset", "RandomSampler", "Sampler", "SequentialSampler", "Subset"]
__all__ += ["TensorDataset", "default_collate", "random_split"]
__getattr__ = missing(__name__, __all__)

T_co = TypeVar("T_co", covariant=True)


# -- datasets ---------------------------------------------------------------------------------------------------------


class Dataset(Generic[T_co]):
    """Samples by number: a subclass defines `__getitem__(index)` and `__len__()`.

    It may define `__getitems__(indices)`, too, for a list of samples at once: a loader asks for batches so.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 10
    ...
    ...     def __getitem__(self, index):
    ...         return index, index**2
    >>> next(iter(DataLoader(Squares(), batch_size=4)))
    [tensor([0, 1, 2, 3]), tensor([0, 1, 4, 9])]
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} defines no __getitem__(self, index)")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is the tuple of the i-th elements of all tensors, such as images and their labels.

    Args:
        tensors: tensors or arrays, equally long. Memory is shared, not copied.

    Raises:
        ValueError: there are none, one has no axes, or their lengths differ.

    >>> TensorDataset(np.zeros((3, 2)), np.array([7, 8, 9]))[1]
    (tensor([0., 0.], dtype=float64), tensor(8))
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple([as_tensor(t) for t in tensors])
        lengths = {t.shape[:1] for t in self.tensors}
        if len(lengths) != 1 or () in lengths:
            shapes = ", ".join(str(t.shape) for t in self.tensors) or "none"
            raise ValueError(f"TensorDataset takes tensors equally long along axis 0, not these shapes: {shapes}")

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([t[index] for t in self.tensors])

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset[T_co]):
    """The samples of a dataset that have these indices, in their order.

    >>> list(Subset("abcdef", [4, 0]))
    ['e', 'a']
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        return self.dataset[[self.indices[i] for i in index] if isinstance(index, list) else self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[Any], generator: Any = None) -> list[Subset[Any]]:
    """Split a dataset at random into parts that have no sample in common.

    Args:
        dataset: what to split.
        lengths: of the parts; or fractions that sum to 1, which are rounded down, the samples left over being dealt
            out one by one from the first part on.
        generator: the stream to draw from; None: the one that all functions draw from.

    Raises:
        ValueError: the lengths do not sum to that of the dataset, or one is negative.

    >>> train, test = random_split(range(10), [0.75, 0.25])
    >>> len(train), len(test), sorted([*train, *test])
    (8, 2, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    n, sizes, fractions = len(dataset), lengths, math.isclose(sum(lengths), 1)
    if fractions:
        sizes = [math.floor(n * fraction) for fraction in lengths]
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
    if sum(sizes) != n or min(lengths) < 0:
        raise ValueError(f"random_split: the lengths must sum to {n}, or be fractions that sum to 1, not {lengths}")
    if fractions and 0 in sizes:
        warnings.warn(f"random_split: of {n} samples, {lengths} leaves a part without any", stacklevel=2)
    order = _stream(generator).permutation(n).tolist()
    return [Subset(dataset, order[start:end]) for start, end in pairwise(accumulate(sizes, initial=0))]


# -- samplers ---------------------------------------------------------------------------------------------------------


class Sampler(Generic[T_co]):
    """An order of samples: a subclass defines `__iter__()`, which yields indices, and `__len__()`."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} defines no __iter__(self)")


class SequentialSampler(Sampler[int]):
    """0, 1, 2 ... always in the same order."""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(SequentialSampler):
    """Another random order at each iteration.

    Args:
        data_source: what has as many samples.
        generator: the stream to draw from. None: a stream of its own, seeded anew at each iteration by one number of
            the stream that all functions draw from. So what comes later does not depend on how many samples are taken.

    Raises:
        ValueError: there are no samples.
    """

    def __init__(self, data_source: Any, *, generator: Any = None) -> None:
        super().__init__(data_source)
        self.generator = generator
        _at_least(1, "RandomSampler: the number of samples", len(data_source))

    def __iter__(self) -> Iterator[int]:
        given = self.generator is not None
        stream = _stream(self.generator) if given else random.Generator().manual_seed(_seed(None))
        yield from stream.permutation(len(self)).tolist()
        if given:  # a second time, for a stream that others draw from: it must move on as PyTorch's does
            stream.permutation(len(self))


class BatchSampler(Sampler[list[int]]):
    """Lists of up to `batch_size` indices, from a sampler or anything else that yields indices.

    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        self.sampler = sampler
        self.batch_size = _at_least(1, "batch_size", batch_size)
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        sampler: Any = self.sampler
        return len(sampler) // self.batch_size if self.drop_last else math.ceil(len(sampler) / self.batch_size)


def _at_least(least: int, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} is an integer of at least {least}, not {value!r:.60}")
    return int(value)


def _stream(generator: Any) -> random.Generator:
    """The stream to draw from."""
    if not isinstance(generator, random.Generator | None):
        raise TypeError(f"generator is a stream, as mg.Generator().manual_seed(0) gives it, not {generator!r:.60}")
    return generator or random.current()


def _seed(generator: Any) -> int:
    """A seed for another stream."""
    return int(_stream(generator).integers(0, 2**63, ()))


# -- samples into batches ---------------------------------------------------------------------------------------------


def default_collate(batch: Sequence[Any]) -> Any:
    """One batch of several samples: tensors stacked along a new first axis.

    | of each sample | of the batch |
    |---|---|
    | tensor, array, NumPy number | tensor, of that dtype |
    | int, bool | tensor, int64 or bool |
    | float | tensor, float64 as in PyTorch: give arrays of float32 to train with |
    | str, bytes | as they are |
    | dict | dict of batches |
    | tuple, list | list of batches; a namedtuple of batches for namedtuples |

    Raises:
        TypeError: samples that are none of these.
        ValueError: no samples, or samples whose shapes, lengths or keys differ.

    >>> default_collate([(1, "one"), (2, "two")])
    [tensor([1, 2]), ('one', 'two')]
    """
    if not len(batch):
        raise ValueError("default_collate: a batch needs at least one sample")
    return _collated(batch, "")


def _collated(samples: Sequence[Any], part: str) -> Any:
    """The batch of samples that are themselves this part of others, such as `[0]`."""
    first: Any = samples[0]

    def check(what: str, of: Callable[[Any], Any]) -> None:
        expected, *others = map(of, samples)
        for i, found in enumerate(others, 1):
            if found != expected:
                differ = f"sample {i}{part} has {what} {found}, sample 0{part} has {expected}"
                cure = "Give the loader a collate_fn that pads them, cuts them or keeps them in a list"
                raise ValueError(f"default_collate: {differ}; in a batch they must agree. {cure}")

    if isinstance(first, Tensor | np.ndarray | np.generic):
        check("shape", lambda sample: getattr(sample, "shape", ()))
        return stack([as_tensor(sample) for sample in samples])
    if isinstance(first, int | float):
        return tensor(list(samples), np.float64 if isinstance(first, float) else None)
    if isinstance(first, str | bytes):
        return samples
    if isinstance(first, Mapping):
        check("keys", lambda sample: [key for key in first if key in sample])
        return {key: _collated([sample[key] for sample in samples], f"{part}[{key!r}]") for key in first}
    if isinstance(first, Sequence):
        check("length", len)
        parts = [_collated(each, f"{part}[{i}]") for i, each in enumerate(zip(*samples, strict=True))]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    kinds = "tensors, arrays, numbers, strings, and tuples, lists or dicts of them. Give the loader a collate_fn"
    raise TypeError(f"default_collate: sample 0{part} is a {type(first).__name__}; it takes {kinds}")


# -- the loader -------------------------------------------------------------------------------------------------------


class DataLoader(Generic[T_co]):
    """Batches of a dataset, as often as it is iterated: `for x, y in loader`.

    With `num_workers=0` a batch is prepared when it is asked for. With 1 or more, one thread prepares batches while the
    caller computes: the same batches in the same order. It is a thread where PyTorch starts processes, so nothing is
    copied or pickled, but only what waits or runs outside of Python gains: reading files, NumPy on large arrays. Random
    numbers that the dataset draws then come from a stream of the thread's own, the one that PyTorch's first worker has.
    A sampler that draws as it goes, from a stream that it was given, draws by so many batches earlier.

    Args:
        dataset: samples by number, such as a `Dataset` or a list.
        batch_size: how many samples a batch has.
        shuffle: whether to take the samples in another random order each time.
        sampler: indices in the order wanted, instead of `shuffle`.
        batch_sampler: lists of indices, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
        num_workers: 0, or 1 or more for the thread.
        collate_fn: makes a batch of a list of samples; None: `default_collate`.
        drop_last: whether to leave out a last batch that is not full.
        generator: the stream to draw from; None: the one that all functions draw from.
        prefetch_factor: how many batches the thread prepares ahead; None: 2.

    Raises:
        TypeError: PyTorch's arguments for processes (`pin_memory`, `timeout`, `worker_init_fn`, `persistent_workers`),
            unless they are off.
        ValueError: arguments that exclude each other, or out of range.
        Whatever the dataset raises, comes out of the loop with its own traceback, from the thread as well.

    >>> numbers = TensorDataset(np.arange(5))
    >>> for (x,) in DataLoader(numbers, batch_size=2):
    ...     print(x)
    tensor([0, 1])
    tensor([2, 3])
    tensor([4])
    """

    def __init__(
        self, dataset: Any, batch_size: Any = 1, shuffle: bool = False, sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None, num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None, *, drop_last: bool = False, generator: Any = None,
        prefetch_factor: int | None = None, **of_processes: Any,
    ) -> None:  # fmt: skip
        for name, value in of_processes.items():
            if value or name not in ("pin_memory", "timeout", "worker_init_fn", "persistent_workers"):
                raise TypeError(f"DataLoader takes no {name}={value!r:.60}, nor anything for processes: it has none")
        if shuffle and sampler is not None:
            raise ValueError("shuffle is an order, and so is a sampler: give one of them")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError("a batch_sampler leaves no choice of batch_size, shuffle, sampler and drop_last")
        self.num_workers = _at_least(0, "num_workers", num_workers)
        if prefetch_factor is not None and not num_workers:
            raise ValueError("prefetch_factor is for the thread that num_workers=1 starts")
        ahead = 2 if prefetch_factor is None else prefetch_factor
        self.prefetch_factor = _at_least(1, "prefetch_factor", ahead) if num_workers else None
        if sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        batches = BatchSampler(sampler, batch_size, drop_last) if batch_sampler is None else batch_sampler
        self.batch_sampler: Any = batches
        self.batch_size = batch_size if batch_sampler is None else None
        self.sampler = sampler
        self.dataset = dataset
        self.collate_fn = collate_fn or default_collate
        self.drop_last = drop_last
        self.generator = generator

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__ and name in ("dataset", "batch_size", "sampler", "batch_sampler", "drop_last"):
            raise ValueError(f"{name} is given when a DataLoader is made, and stays: make another one")
        super().__setattr__(name, value)

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self.batch_sampler)
        seed = _seed(self.generator)  # drawn without a thread, too: the stream must not depend on that
        return self._ahead(batches, seed) if self.num_workers else (self._fetch(indices) for indices in batches)

    def _fetch(self, indices: Iterable[Any]) -> Any:
        """The batch of these indices."""
        dataset, indices = self.dataset, list(indices)
        while type(dataset) is Subset:  # no class derived from it, which may take samples in a way of its own
            indices = [dataset.indices[i] for i in indices]
            dataset = dataset.dataset
        if type(dataset) is TensorDataset and self.collate_fn is default_collate and indices:
            rows = [as_index(i) for i in indices]  # all at once is several times as fast as one by one
            return [t[rows] for t in dataset.tensors]
        several = getattr(dataset, "__getitems__", None)
        return self.collate_fn(several(indices) if several else [dataset[i] for i in indices])

    def _ahead(self, batches: Iterator[Any], seed: int) -> Iterator[Any]:
        """The batches of these indices, which a thread prepares while the caller is at work on those before.

        Indices are drawn here, so that samplers never run in the thread, nor draw at moments that depend on it.
        """
        asked: SimpleQueue[Any] = SimpleQueue()
        ready: SimpleQueue[Any] = SimpleQueue()
        left = Event()
        context = copy_context()  # whether gradients are recorded is as it is for the caller
        context.run(random.use, random.Generator().manual_seed(seed))
        Thread(target=context.run, args=(_prepare, self._fetch, asked, ready, left), daemon=True).start()
        upcoming = chain(batches, repeat(_END))
        try:
            for indices in islice(upcoming, self.prefetch_factor):
                asked.put(indices)
            while (outcome := ready.get()) is not _END:
                batch, errors = outcome
                if errors:
                    raise errors.pop()  # with a name here it would keep itself alive, through its traceback
                asked.put(next(upcoming))
                yield batch.pop()
        finally:  # also when the caller leaves the loop, which closes this generator
            left.set()
            asked.put(_END)


_END = object()


def _prepare(fetch: Callable[[Any], Any], asked: SimpleQueue[Any], ready: SimpleQueue[Any], left: Event) -> None:
    """What the thread does: for all indices asked for a batch, or the error on the way to it.

    It does not know the iterator, so nothing keeps that alive when the caller drops it, and its end is the thread's.
    """
    while (indices := asked.get()) is not _END:
        if left.is_set():
            return
        try:
            ready.put(([fetch(indices)], []))
        except BaseException as error:
            ready.put(([], [error]))
    ready.put(_END)
