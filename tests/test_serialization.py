"""Files: what `save` and `load` promise. NumPy, safetensors and PyTorch read along, and damage is done on purpose."""

from __future__ import annotations

import errno
import gc
import gzip
import io
import json
import os
import pickle
import random
import stat
import subprocess
import sys
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import minigrad as mg
from minigrad import nn, serialization
from minigrad.serialization import load, save

NO_TORCH = "PyTorch is not installed: the extra `oracle`"
FORMATS = [".npz", ".safetensors"]
DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
on_posix = pytest.mark.skipif(os.name != "posix", reason="modes and devices of POSIX")


def same(found: Any, saved: Any) -> bool:
    """Whether what was loaded is what was saved: kinds, key kinds, dtypes, shapes and every bit."""
    if isinstance(saved, mg.Tensor | np.ndarray):
        array = saved.data if isinstance(saved, mg.Tensor) else saved
        native = array.astype(array.dtype.newbyteorder("="))
        is_plain = type(found) is mg.Tensor and not found.requires_grad
        return is_plain and found.dtype == native.dtype and found.shape == native.shape and bits(found) == bits(native)
    if type(found) is not type(saved):
        return False
    if isinstance(saved, dict):
        keys = [(type(key), key) for key in saved]
        return [(type(key), key) for key in found] == keys and all(same(found[key], saved[key]) for key in saved)
    if isinstance(saved, list | tuple):
        return len(found) == len(saved) and all(map(same, found, saved))
    return repr(found) == repr(saved)  # tells -0.0 from 0.0, and nan is nan


def bits(array: Any) -> bytes:
    return (array.data if isinstance(array, mg.Tensor) else array).tobytes()


def there_and_back(obj: Any, ending: str, folder: Path) -> Any:
    path = folder / f"file{ending}"
    save(obj, path)
    return load(path)


def numbers(dtype: Any = np.float32, shape: tuple[int, ...] = (2, 3)) -> Any:
    return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)


CHECKPOINT = {
    "model": {"0.weight": numbers(), "0.bias": numbers(np.float64, (3,))},
    "optimizer": {0: {"momentum": None}, 1: {"momentum": numbers(np.float16)}},
    "seen": ("a", 1.5, [True, 2]),
}


# -- round trips ------------------------------------------------------------------------------------------------------


def variants(array: Any) -> Any:
    """The same numbers, laid out otherwise in memory."""
    layouts = [lambda a: a, np.asfortranarray, lambda a: a.astype(a.dtype.newbyteorder(">"))]
    layouts += [lambda a: np.flip(np.flip(a).copy()), lambda a: a.T.copy().T, lambda a: np.stack([a, a], -1)[..., 0]]
    return st.sampled_from(layouts).map(lambda layout: np.asarray(layout(array)))


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**200), 2**200)
    | st.floats()
    | st.text(st.characters())  # half surrogate pairs too
    | arrays.arrays(
        st.sampled_from(DTYPES), arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    ).flatmap(variants)
)
keys = st.text(st.sampled_from("ab/._\\\0\"'é\ud800"), max_size=3) | st.integers() | st.sampled_from(["a.npy", "0", 0])
structures = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(keys, inner, max_size=4)
    ),
)


@pytest.mark.parametrize("ending", FORMATS)
def test_every_structure_comes_back(ending: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("structures")

    @settings(max_examples=100, deadline=None)
    @given(structures)
    def holds(obj: Any) -> None:
        assert same(there_and_back(obj, ending, folder), obj)

    holds()


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_memory_layout_comes_back(ending: str, dtype: str, tmp_path: Path) -> None:
    array = numbers(dtype, (2, 3, 4))
    obj = {
        "contiguous": array,
        "Fortran": np.asfortranarray(array),
        "transposed": array.T,
        "sliced": array[:, ::2, 1:3],
        "backwards": array[::-1, :, ::-1],
        "broadcast": np.broadcast_to(array[0, 0, 1], (2, 3)),
        "big-endian": array.astype(np.dtype(dtype).newbyteorder(">")),
        "little-endian": array.astype(np.dtype(dtype).newbyteorder("<")),
        "0-d": array[0, 0, 1, ...],
        "empty": array[:, :0],
    }
    assert same(there_and_back(obj, ending, tmp_path), obj)


@pytest.mark.parametrize("ending", FORMATS)
def test_special_floats_come_back_bit_by_bit(ending: str, tmp_path: Path) -> None:
    special = np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 5e-324, np.nextafter(1, 2)])
    obj = {"array": special, "numbers": special.tolist()}
    found = there_and_back(obj, ending, tmp_path)
    assert same(found, obj)
    assert np.signbit(found["numbers"][4])


@pytest.mark.parametrize("ending", FORMATS)
def test_keys_of_every_kind_come_back(ending: str, tmp_path: Path) -> None:
    names = [
        "",
        "/",
        "a/b",
        "a",
        ".",
        "..",
        "../x",
        "/etc/x",
        "C:\\x",
        "\\",
        "\0",
        "a\0b",
        "'",
        '"',
        '\\"',
        "é",
        "名前",
        "😀",
    ]
    names += [
        "\ud800",
        "\n",
        "minigrad.json",
        "minigrad.sha256",
        "__metadata__",
        "a.npy",
        "a.npy.npy",
        "data.pkl",
        "a_",
    ]
    names += ['"minigrad.sha256":"', "0" * 64, "x" * 70_000, "0", "True"]
    obj: Any = {name: numbers(shape=(i,)) for i, name in enumerate(names)}
    obj |= {0: numbers(), -1: 1, 2**70: 2, True: 3, "a": {"b": numbers("i4"), "": 0, 0: {"npy": 1}}}
    assert same(there_and_back(obj, ending, tmp_path), obj)


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("obj", [numbers(), 3, None, [], (), {}, "text", [[], ((),), {"": {}}]])
def test_anything_can_be_outermost(obj: Any, ending: str, tmp_path: Path) -> None:
    assert same(there_and_back(obj, ending, tmp_path), obj)


@pytest.mark.parametrize("ending", FORMATS)
def test_other_kinds_come_back_as_the_plain_ones(ending: str, tmp_path: Path) -> None:
    class Colour(IntEnum):
        RED = 1

    class Pair(NamedTuple):
        x: Any
        y: Any

    given = [
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (MappingProxyType({"a": OrderedDict()}), {"a": {}}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (Pair(1, [2]), (1, [2])),
        (Colour.RED, 1),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float64(0.1), 0.1),
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (nn.Parameter([1.0, 2.0]), np.float32([1, 2])),
        (mg.tensor([1.0, 2.0], requires_grad=True) * 2, np.float32([2, 4])),
    ]
    found = there_and_back([before for before, _ in given], ending, tmp_path)
    assert same(found, [after for _, after in given])


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("kind", ["MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"])
def test_a_random_generator_goes_on_where_it_was(kind: str, ending: str, tmp_path: Path) -> None:
    generator = np.random.Generator(getattr(np.random, kind)(3))
    generator.random(10)
    save({"rng": generator.bit_generator.state}, tmp_path / f"x{ending}")
    expected = generator.random(5)
    generator.random(100)
    state = load(tmp_path / f"x{ending}")["rng"]
    arrays_again = lambda node: {k: arrays_again(v) for k, v in node.items()} if isinstance(node, dict) else plain(node)
    plain = lambda leaf: leaf.numpy() if isinstance(leaf, mg.Tensor) else leaf
    generator.bit_generator.state = arrays_again(state)
    assert np.array_equal(generator.random(5), expected)


@pytest.mark.parametrize("ending", FORMATS)
def test_integers_have_any_size(ending: str, tmp_path: Path) -> None:
    obj = [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**5000, -(10**5000)]
    found = there_and_back(obj, ending, tmp_path)
    assert found == obj
    assert all(type(number) is int for number in found)


@pytest.mark.parametrize("ending", FORMATS)
def test_loaded_tensors_own_their_memory_and_nothing_else(ending: str, tmp_path: Path) -> None:
    shared = mg.tensor([1.0, 2.0])
    a, b = there_and_back([shared, shared], ending, tmp_path)
    a.add_(1)
    assert (a.tolist(), b.tolist(), shared.tolist()) == ([2, 3], [1, 2], [1, 2])
    for tensor in (a, b):
        assert tensor.data.flags.owndata
        assert tensor.data.flags.writeable
        assert tensor.is_leaf
        assert tensor.grad is None


@pytest.mark.parametrize("ending", FORMATS)
def test_a_trained_model_computes_the_same_after_loading(ending: str, tmp_path: Path) -> None:
    def made() -> nn.Sequential:
        return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))

    model, x = made(), mg.randn(5, 3)
    save({"model": model.state_dict(), "epoch": 3}, tmp_path / f"x{ending}")
    checkpoint = load(tmp_path / f"x{ending}", map_location="cpu")
    other = made()
    other.load_state_dict(checkpoint["model"])
    assert bits(other(x)) == bits(model(x))
    assert checkpoint["epoch"] == 3


# -- what cannot be saved ---------------------------------------------------------------------------------------------


def function() -> None: ...


REFUSED = {
    "function": function,
    "set": {1, 2},
    "bytes": b"x",
    "complex": 1j,
    "type": nn.Module,
    "generator": (i for i in range(3)),
    "object": np.array([None]),
    "complex64": np.zeros(2, np.complex64),
    "complex128": np.complex128(1j),
    "datetime64": np.datetime64("2020-01-01"),
    "timedelta64": np.zeros(2, "m8[s]"),
    "<U1": np.array(["a"]),
    "dtype.*<f4": np.zeros(2, [("a", "f4")]),
    "MaskedArray": np.ma.masked_array([1.0, 2.0], [True, False]),
}
if np.dtype(np.longdouble).itemsize > 8:
    REFUSED["longdouble|float128|float96"] = np.longdouble(1)


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("name", REFUSED)
def test_an_error_names_the_place_and_the_type_of_what_cannot_be_saved(name: str, ending: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r'checkpoint\["model"\]\[2\]\["f"\] is of .*' + name):
        save({"x": numbers(), "model": [1, (), {"f": REFUSED[name]}]}, tmp_path / f"x{ending}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("module", [nn.Linear(1, 1), nn.Sequential(nn.ReLU())])
def test_a_module_is_told_to_give_its_state_dict(module: nn.Module) -> None:
    with pytest.raises(TypeError, match=r'checkpoint\["net"\] is of .*write model.state_dict\(\)'):
        save({"net": module}, io.BytesIO())


@pytest.mark.parametrize("key", [None, 1.5, (1, 2), b"x", np.float32(1)])
def test_a_key_is_a_string_or_an_integer(key: Any) -> None:
    with pytest.raises(TypeError, match=r'checkpoint\["a"\] has the key .*; a key is a str or an int'):
        save({"a": {key: 1}}, io.BytesIO())


def test_what_contains_itself_is_refused() -> None:
    inside_list: list[Any] = [1]
    inside_list.append(inside_list)
    inside_dict: dict[str, Any] = {}
    inside_dict["x"] = {"me": (inside_dict,)}
    for obj, where in [(inside_list, r"\[1\]\[1\]"), (inside_dict, r'\["x"\]\["me"\]\[0\]')]:
        with pytest.raises(ValueError, match=rf"save: checkpoint{where}.*contains itself"):
            save(obj, io.BytesIO())


def nested(kind: Callable[[Any], Any], levels: int) -> Any:
    obj: Any = 1
    for _ in range(levels):
        obj = kind(obj)
    return obj


@pytest.mark.parametrize("kind", [lambda x: [x], lambda x: (x,), lambda x: {"": x}])
def test_a_hundred_levels_are_saved_and_loaded_and_more_are_refused(kind: Any, tmp_path: Path) -> None:
    deepest = nested(kind, 100)
    assert there_and_back(deepest, ".npz", tmp_path) == deepest
    for levels in (101, 100_000):
        with pytest.raises(ValueError, match="nested deeper than 100 levels"):
            save(nested(kind, levels), io.BytesIO())


# -- .npz -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.npz", "x.pt", "x", "x.npz.npz", "名前 x"])
def test_the_path_is_used_as_it_is_given(name: str, tmp_path: Path) -> None:
    for path in (tmp_path / name, str(tmp_path / name), os.fsencode(tmp_path / name)):
        save({"a": 1}, path)
        assert os.listdir(tmp_path) == [name]
        assert load(path) == {"a": 1}


def test_a_relative_path_is_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(1, "x")
    assert load("x") == 1
    assert os.listdir(tmp_path) == ["x"]


def test_numpy_reads_the_tensors_of_a_state_dict_under_their_names(tmp_path: Path) -> None:
    state = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.BatchNorm1d(2)).state_dict()
    save(state, tmp_path / "x")
    with np.load(tmp_path / "x", allow_pickle=False) as file:
        assert file.files == [*state, "minigrad.json"]
        assert all(same(state[name], file[name]) for name in state)


def test_numpy_reads_nested_tensors_under_their_paths(tmp_path: Path) -> None:
    save(CHECKPOINT, tmp_path / "x")
    with np.load(tmp_path / "x", allow_pickle=False) as file:
        assert file.files[:-1] == ["model/0.weight", "model/0.bias", "optimizer/1/momentum"]
        assert np.array_equal(file["optimizer/1/momentum"], numbers(np.float16))
        assert json.loads(file["minigrad.json"])


def test_numpy_finds_every_tensor_under_a_name_of_its_own(tmp_path: Path) -> None:
    """Also where paths coincide, and where np.load, which strips ".npy", would confuse them."""
    names: list[Any] = [
        "a",
        "a.npy",
        "a.npy.npy",
        "minigrad.json",
        "b/c",
        "b",
        "0",
        0,
        "d\\e",
        "d/e",
        "d_e",
        "f\0g",
        "f",
    ]
    obj = {name: np.float32([i]) for i, name in enumerate(names)} | {"b": {"c": np.float32([5])}}
    save(obj, tmp_path / "x")
    with np.load(tmp_path / "x", allow_pickle=False) as file:
        found = [file[name] for name in file.files if name != "minigrad.json"]
        assert [array.tolist() for array in found if isinstance(array, np.ndarray)] == [[i] for i in range(len(names))]
    assert same(load(tmp_path / "x"), obj)


@pytest.mark.parametrize("written", [np.savez, np.savez_compressed])
def test_a_file_of_numpy_loads_as_a_dict(written: Any, tmp_path: Path) -> None:
    obj = {
        "w": numbers(),
        "F": np.asfortranarray(numbers()),
        "big": numbers(">i4"),
        "": numbers("?"),
        "a/b": numbers(shape=()),
    }
    written(tmp_path / "x.npz", **obj)
    assert same(load(tmp_path / "x.npz"), obj)
    np.savez(tmp_path / "none.npz")
    assert load(tmp_path / "none.npz") == {}


def test_a_file_of_numpy_may_have_a_comment(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", w=numbers())
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as archive:
        archive.comment = b"weights of monday"
    assert same(load(tmp_path / "x.npz"), {"w": numbers()})


def test_arrays_may_be_larger_than_zip_once_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)  # instead of 2 GiB
    obj = {"w": numbers(shape=(100, 3)), "b": numbers(shape=(50,))}
    save(obj, tmp_path / "x")
    assert same(load(tmp_path / "x"), obj)


def test_the_same_content_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved(CHECKPOINT)
    monkeypatch.setattr("time.time", lambda: 1e9)
    assert saved(CHECKPOINT) == before


# -- file objects -----------------------------------------------------------------------------------------------------


def saved(obj: Any) -> bytes:
    file = io.BytesIO()
    save(obj, file)
    return file.getvalue()


def saved_safetensors(obj: Any, folder: Path) -> bytes:
    save(obj, folder / "x.safetensors")
    return (folder / "x.safetensors").read_bytes()


def test_an_open_file_is_written_and_read_from_where_it_stands(tmp_path: Path) -> None:
    file = io.BytesIO(b"before")
    file.seek(6)
    save(CHECKPOINT, file)
    assert not file.closed
    file.seek(6)
    assert same(load(file), CHECKPOINT)
    with open(tmp_path / "x", "wb") as f:
        save(CHECKPOINT, f)
    with open(tmp_path / "x", "rb") as f:
        assert same(load(f), CHECKPOINT)
    assert (tmp_path / "x").read_bytes() == saved(CHECKPOINT)


def test_an_open_file_need_not_seek(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "x", "wb") as f:
        save(CHECKPOINT, f)
    with gzip.open(tmp_path / "x", "rb") as f:
        assert same(load(f), CHECKPOINT)


def test_an_open_file_is_not_touched_if_something_cannot_be_saved() -> None:
    file = io.BytesIO()
    with pytest.raises(TypeError):
        save([numbers(), function], file)
    assert file.getvalue() == b""


# -- safetensors and PyTorch ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch_reads_our_weights(dtype: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason=NO_TORCH)
    import safetensors.torch

    array = numbers(dtype, (2, 3, 4))
    obj = {"w": array, "F": np.asfortranarray(array), "T": array.T, "-": array[:, ::-1], "0-d": array[1, 1, 1, ...]}
    obj["big-endian"] = array.astype(array.dtype.newbyteorder(">"))
    save(obj | {"": mg.tensor(array), "empty": array[:0]}, tmp_path / "x.safetensors")
    found = safetensors.torch.load_file(tmp_path / "x.safetensors")
    assert {name: tensor.tolist() for name, tensor in found.items()} == {
        name: value.tolist() for name, value in (obj | {"": array, "empty": array[:0]}).items()
    }
    assert {tensor.numpy().dtype for tensor in found.values()} == {array.dtype}


def test_a_model_goes_to_pytorch_and_back(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    import safetensors.torch

    ours = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 2))
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "theirs")
    ours.load_state_dict(load(tmp_path / "theirs"))
    assert all(np.array_equal(tensor.data, theirs.state_dict()[name]) for name, tensor in ours.state_dict().items())
    ours.load_state_dict({name: tensor + 1 for name, tensor in ours.state_dict().items()})
    save(ours.state_dict(), tmp_path / "ours.safetensors")
    theirs.load_state_dict(safetensors.torch.load_file(tmp_path / "ours.safetensors"))
    assert all(np.array_equal(tensor, ours.state_dict()[name].data) for name, tensor in theirs.state_dict().items())


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "uint8", "bool"])
def test_we_read_what_pytorch_has_written(dtype: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    import safetensors.torch

    tensors = {"a": torch.arange(6).reshape(2, 3).to(getattr(torch, dtype)), "b.c": torch.tensor(1)}
    for metadata in (None, {"format": "pt", "note": "é"}):
        safetensors.torch.save_file(tensors, tmp_path / "x", metadata)
        found = load(tmp_path / "x")
        assert found.keys() == tensors.keys()
        assert all(same(found[name], tensor.numpy()) for name, tensor in tensors.items())


def of_dtype(dtype: str, itemsize: int) -> bytes:
    """A safetensors file with one tensor."""
    header = json.dumps({"layer.w": {"dtype": dtype, "shape": [1], "data_offsets": [0, itemsize]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(itemsize)


@pytest.mark.parametrize(("dtype", "itemsize"), [("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1), ("F8_E8M0", 1)])
def test_a_dtype_that_numpy_lacks_is_named_with_the_cure(dtype: str, itemsize: int) -> None:
    with pytest.raises(ValueError, match=rf"holds 'layer.w' of dtype {dtype}, .*\.float\(\)"):
        load(io.BytesIO(of_dtype(dtype, itemsize)))


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_pytorch_writes_the_dtypes_that_numpy_lacks_under_those_names(dtype: str) -> None:
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    import safetensors.torch

    tensor = torch.zeros(2).to(getattr(torch, dtype))
    with pytest.raises(ValueError, match=r"holds 'layer.w' of dtype (BF16|F8_)"):
        load(io.BytesIO(safetensors.torch.save({"fine": torch.zeros(2), "layer.w": tensor})))


def test_without_safetensors_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save({"w": numbers()}, tmp_path / "x.safetensors")
    before = (tmp_path / "x.safetensors").read_bytes()
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for attempt in (lambda: save({}, tmp_path / "x.safetensors"), lambda: load(tmp_path / "x.safetensors")):
        with pytest.raises(ImportError, match=r'pip install "minigrad-edu\[safetensors\]"'):
            attempt()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]
    save({}, tmp_path / "x.npz")
    assert load(tmp_path / "x.npz") == {}


# -- damage -----------------------------------------------------------------------------------------------------------

SMALL = {"w": numbers(shape=(2,)), "step": 3, "b": (True, numbers("u1", (3,)))}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Small files with the same content, by who has written them."""
    folder = tmp_path_factory.mktemp("files")
    plain = {"w": numbers(shape=(2,)), "b": numbers("u1", (3,))}
    np.savez(folder / "numpy.npz", **plain)
    np.savez_compressed(folder / "compressed.npz", **plain)
    return {
        "ours.npz": saved(SMALL),
        "ours.safetensors": saved_safetensors(SMALL, folder),
        "numpy.npz": (folder / "numpy.npz").read_bytes(),
        "compressed.npz": (folder / "compressed.npz").read_bytes(),
        "library.safetensors": safetensors.numpy.save(plain),
    }


OURS = ["ours.npz", "ours.safetensors"]


def altered(content: bytes, position: int, pattern: int) -> bytes:
    return content[:position] + bytes([content[position] ^ pattern]) + content[position + 1 :]


def outcome(content: bytes, expected: Any) -> str:
    try:
        found = load(io.BytesIO(content))
    except ValueError as error:
        return "error" if str(error).startswith("load: ") else f"from below: {error}"
    return "same" if same(found, expected) else "wrong"


@pytest.mark.parametrize("name", OURS)
def test_a_change_of_any_byte_of_our_files_is_an_error(name: str, files: dict[str, bytes]) -> None:
    content = files[name]
    assert outcome(content, SMALL) == "same"
    found = Counter(outcome(altered(content, i, p), SMALL) for i in range(len(content)) for p in (0x01, 0x20, 0xFF))
    assert found == {"error": 3 * len(content)}


def test_a_change_of_any_byte_of_a_numpy_file_is_an_error_or_changes_nothing(files: dict[str, bytes]) -> None:
    for name in ("numpy.npz", "compressed.npz"):
        content = files[name]
        expected = {key: tensor.data for key, tensor in load(io.BytesIO(content)).items()}
        cases = [(i, p) for i in range(len(content)) for p in (0x01, 0x15, 0xFF)]  # 0x15: "w" becomes "b"
        found = Counter(outcome(altered(content, i, p), expected) for i, p in cases)
        assert found.keys() == {"error", "same"}
        assert found["error"] > len(content)


@pytest.mark.parametrize("name", ["ours.npz", "ours.safetensors", "numpy.npz", "compressed.npz", "library.safetensors"])
def test_a_file_cut_anywhere_is_an_error(name: str, files: dict[str, bytes]) -> None:
    content = files[name]
    assert {outcome(content[:length], None) for length in range(len(content))} == {"error"}


@pytest.mark.parametrize("name", OURS)
def test_bytes_added_before_or_after_our_files_are_an_error(name: str, files: dict[str, bytes]) -> None:
    content = files[name]
    for extra in (b"\0", b"\n", content, bytes(100)):
        assert outcome(content + extra, SMALL) == outcome(extra + content, SMALL) == "error"


@pytest.mark.parametrize("name", OURS)
def test_an_error_names_the_file_the_problem_and_the_cure(name: str, files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(altered(files[name], files[name].index(bits(SMALL["w"])), 1))
    with pytest.raises(ValueError, match=r"load: '.*weights' is unreadable \(.*checksum differs\).*copy it again"):
        load(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b"hello", "no .npz or safetensors file begins with b'hello'"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "no .npz or safetensors file begins with"),
        (b"PK\x03\x04" + bytes(99), "not a zip file"),
        (bytes(8) + b"{", "JSONDecodeError"),
        (b"\xff" * 8 + b"{}", "SafetensorError"),
        (b"\2" + bytes(7) + b"{}" + b"extra", "SafetensorError"),
        (b"\4" + bytes(7) + b"{[]}", "JSONDecodeError"),
        (b"\7" + bytes(7) + b'{"a":1}', "TypeError"),
        (b"\x17" + bytes(7) + b'{"__metadata__":[1,2]}    ', "AttributeError"),
    ],
)
def test_what_is_no_such_file_is_an_error_that_says_why(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match=f"load: .*x' is unreadable .*{problem}"):
        load(tmp_path / "x")


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_a_zip_file_of_other_things_is_an_error() -> None:
    assert outcome(zipped({"document.xml": b"<xml/>"}), None) == "error"


def test_arrays_that_no_tensor_holds_are_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", names=np.array(["a", "b"]))
    with pytest.raises(ValueError, match="a tensor holds floats, integers or bools, not <U1"):
        load(tmp_path / "x.npz")
    assert load(io.BytesIO(of_dtype("F32", 4)))["layer.w"].tolist() == [0]
    for dtype, itemsize in [("C64", 8), ("I4096", 512), ("f32", 4)]:
        assert outcome(of_dtype(dtype, itemsize), None) == "error"


def test_a_file_that_is_missing_is_a_filenotfounderror_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.npz"):
        load(tmp_path / "missing.npz")
    with pytest.raises(FileNotFoundError, match=r"x\.npz"):
        save(1, tmp_path / "missing" / "x.npz")


def test_a_lack_of_memory_is_not_called_damage(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*args: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(serialization, "verify", no_memory)
    with pytest.raises(MemoryError):
        load(io.BytesIO(files["ours.npz"]))


@pytest.mark.parametrize("options", [{"map_location": {}}, {"weights_only": False}])
def test_what_pytorch_scripts_may_ask_for_beyond_us_is_refused(options: dict[str, Any], tmp_path: Path) -> None:
    save(1, tmp_path / "x")
    assert load(tmp_path / "x", map_location="cpu", weights_only=True) == load(tmp_path / "x", None) == 1
    with pytest.raises(ValueError, match=r"nothing is ever unpickled|map_location is a device"):
        load(tmp_path / "x", **options)


# -- pickles and forgeries --------------------------------------------------------------------------------------------


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_never_run(protocol: int, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(pickle.dumps(Bomb(tmp_path / "ran"), protocol))
    expected = "is a pickle.*safetensors.torch.save_file" if protocol >= 2 else "no .npz or safetensors file"
    with pytest.raises(ValueError, match=f"x.npz' .*{expected}"):
        load(tmp_path / "x.npz")
    assert not (tmp_path / "ran").exists()


def test_a_zip_file_with_a_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    content = zipped({"archive/data.pkl": pickle.dumps(Bomb(tmp_path / "ran")), "archive/data/0": bytes(8)})
    with pytest.raises(ValueError, match=r"is a pickle.*safetensors\.torch\.save_file"):
        load(io.BytesIO(content))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_file_of_torch_save_is_refused_and_never_run(is_zip: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    obj = {"w": torch.zeros(2), "bomb": Bomb(tmp_path / "ran")}
    torch.save(obj, tmp_path / "x.pt", _use_new_zipfile_serialization=is_zip)
    with pytest.raises(ValueError, match=r"x.pt' is a pickle.*safetensors\.torch\.save_file"):
        load(tmp_path / "x.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("dtype", [object, [("a", object), ("b", "f4")]])
def test_a_numpy_file_of_objects_is_refused_and_never_run(dtype: Any, tmp_path: Path) -> None:
    array = np.zeros(1, dtype)
    array[0] = Bomb(tmp_path / "ran") if dtype is object else (Bomb(tmp_path / "ran"), 1)
    np.savez(tmp_path / "x.npz", fine=numbers(), a=array, allow_pickle=True)
    with pytest.raises(ValueError, match=r"x.npz' holds Python objects, pickled.*save arrays of numbers"):
        load(tmp_path / "x.npz")
    assert not (tmp_path / "ran").exists()


FORGERIES = [
    '{"tensor": "absent"}',
    '{"tensor": ["w"]}',
    '{"tensor": {"tensor": "w"}}',
    '{"tuple": "ab"}',
    '{"tuple": {"tuple": []}}',
    '{"dict": [["a"]]}',
    '{"dict": [["a", 1, 2]]}',
    '{"dict": [[null, 1]]}',
    '{"dict": [[1.5, 1]]}',
    '{"dict": [[["a"], 1]]}',
    '{"dict": [[{"tensor": "w"}, 1]]}',
    '{"dict": {"a": 1}}',
    '{"dict": [1]}',
    '{"int": 1.5}',
    '{"int": "hello"}',
    '{"int": ""}',
    '{"function": "os.system"}',
    "{}",
    "[1, {}]",
    "",
    "[",
    "nothing",
    "9" * 5000,
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '{"tuple": [' * 50_000 + "]}" * 50_000,
]


@pytest.mark.parametrize("write", [serialization.write_npz, serialization.write_safetensors])
@pytest.mark.parametrize("structure", FORGERIES, ids=lambda structure: structure[:30])
def test_a_forged_structure_under_a_right_checksum_is_an_error(structure: str, write: Any) -> None:
    file = io.BytesIO()
    write(file, {"w": numbers()}, structure)
    assert outcome(file.getvalue(), None) == "error"


@pytest.mark.parametrize("shape", ["(10000000000000,)", "(2, 4)", "(2,)", "(0, 9)", "'x'", "(1" + "0" * 30 + ",)"])
def test_a_forged_shape_is_an_error(shape: str) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    content = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(24)
    assert outcome(zipped({"w.npy": content}), None) == "error"


# -- the disk ---------------------------------------------------------------------------------------------------------


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["os.fsync", "os.replace", "shutil.copymode", "hashlib.file_digest"])
@pytest.mark.parametrize("ending", FORMATS)
def test_an_error_at_any_stage_leaves_the_old_file_and_no_other(
    ending: str, where: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"x{ending}"
    save(SMALL, path)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(where, failing(error))
        with pytest.raises(type(error)):
            save(CHECKPOINT, path)
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_bytes() == before
    save(CHECKPOINT, path)
    assert same(load(path), CHECKPOINT)


def test_an_error_amid_the_arrays_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(SMALL, tmp_path / "x")
    calls = iter([np.lib.format.write_array, failing(OSError(errno.EIO, "Input/output error"))])
    monkeypatch.setattr(np.lib.format, "write_array", lambda *args, **kwargs: next(calls)(*args, **kwargs))
    with pytest.raises(OSError, match="Input/output error"):
        save(CHECKPOINT, tmp_path / "x")
    gc.collect()  # a file that was left open would warn, and warnings are errors
    assert os.listdir(tmp_path) == ["x"]
    assert same(load(tmp_path / "x"), SMALL)


def test_the_content_is_on_the_disk_before_the_name_and_the_name_before_save_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def noted(name: str) -> Any:
        function = getattr(os, name)

        def called(*args: Any) -> Any:
            is_folder = name == "fsync" and stat.S_ISDIR(os.fstat(args[0]).st_mode)
            events.append(f"{name} folder" if is_folder else name)
            return function(*args)

        return called

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, noted(name))
    save(CHECKPOINT, tmp_path / "x")
    assert events == ["fsync", "replace"] + ["fsync folder"] * (os.name == "posix")


@pytest.mark.parametrize("name", ["open", "fsync"])
def test_a_system_that_cannot_sync_folders_saves_all_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows does not open them, and some network file systems do not sync them."""
    function = getattr(os, name)
    calls = iter([function] if name == "fsync" else [])
    error = PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(os, name, lambda *args: next(calls, failing(error))(*args))
    save(CHECKPOINT, tmp_path / "x")
    assert same(load(tmp_path / "x"), CHECKPOINT)


@on_posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_a_new_file_has_the_mode_of_any_new_file(umask: int, tmp_path: Path) -> None:
    old = os.umask(umask)
    try:
        save(1, tmp_path / "x")
        (tmp_path / "y").write_bytes(b"")
    finally:
        os.umask(old)
    assert (
        stat.S_IMODE((tmp_path / "x").stat().st_mode) == stat.S_IMODE((tmp_path / "y").stat().st_mode) == 0o666 & ~umask
    )


@on_posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o777])
def test_a_file_that_is_replaced_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    save(1, tmp_path / "x")
    (tmp_path / "x").chmod(mode)
    save(2, tmp_path / "x")
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode
    assert load(tmp_path / "x") == 2


def test_a_write_protected_file_stays(tmp_path: Path) -> None:
    save(1, tmp_path / "x")
    (tmp_path / "x").chmod(0o444)
    if os.access(tmp_path / "x", os.W_OK):
        pytest.skip("this user may write everything")
    with pytest.raises(PermissionError):
        save(2, tmp_path / "x")
    assert os.listdir(tmp_path) == ["x"]
    assert load(tmp_path / "x") == 1


def test_a_symbolic_link_stays_and_what_it_points_at_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for target in ("folder/old", "folder/new"):
        link = tmp_path / f"link-{Path(target).name}"
        try:
            link.symlink_to(target)
        except OSError:
            pytest.skip("this user may not make symbolic links")
    save(1, tmp_path / "folder" / "old")
    for name in ("old", "new"):
        save(2, tmp_path / f"link-{name}")
        assert (tmp_path / f"link-{name}").is_symlink()
        assert load(tmp_path / "folder" / name) == 2
    assert sorted(os.listdir(tmp_path / "folder")) == ["new", "old"]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    for use in (load, lambda path: save(1, path)):
        with pytest.raises((IsADirectoryError, PermissionError)):  # the latter on Windows
            use(tmp_path)
    assert not list(tmp_path.iterdir())


@on_posix
def test_a_pipe_is_written_into_and_not_replaced(tmp_path: Path) -> None:
    """Nor is a device; but to try that on /dev/null would be dear if it failed."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        save(SMALL, tmp_path / "pipe")
        assert os.read(reader, 10_000) == saved(SMALL)
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_threads_that_save_to_one_path_leave_one_of_their_files_whole(tmp_path: Path) -> None:
    obj = lambda i: {"i": i, "w": [np.full(10_000, i)] * 3}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: save(obj(i), tmp_path / "x"), range(40)))
    found = load(tmp_path / "x")
    assert same(found, obj(found["i"]))
    assert os.listdir(tmp_path) == ["x"]


SAVING = """
import sys
from itertools import count

import numpy as np

from minigrad.serialization import save

for step in count(1):
    save({"step": step, "w": [np.full(2**18, step, "f4") for _ in range(16)]}, sys.argv[1])
    if step == 1:
        print("saved", flush=True)
"""


def test_a_process_that_is_killed_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    """20 times `kill -9`, at random moments of a process that saves 16 MB again and again."""
    delays = random.Random(0)

    def killed(i: int, delay: float) -> bool:
        folder = tmp_path / str(i)
        folder.mkdir()
        with subprocess.Popen([sys.executable, "-c", SAVING, str(folder / "x")], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == b"saved"
            with pytest.raises(subprocess.TimeoutExpired):  # it is at work still
                process.wait(delay)
            process.kill()
        found = load(folder / "x")
        assert found["step"] >= 1
        assert len(found["w"]) == 16
        assert all(tensor.shape == (2**18,) and (tensor.data == found["step"]).all() for tensor in found["w"])
        return len(os.listdir(folder)) > 1

    with ThreadPoolExecutor(3) as pool:
        was_amid = list(pool.map(killed, range(20), [delays.uniform(0, 0.15) for _ in range(20)]))
    assert any(was_amid)  # there was a new file, not whole yet
