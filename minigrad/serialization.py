"""Files: tensors and numbers, whole or not at all.

`save` takes a nested structure of dicts, lists and tuples apart: the arrays go into the file under their paths, the
structure goes beside them as JSON. `load` verifies every byte, then puts it together again. Nothing is ever pickled:
a pickle can run any program when it is loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np

from minigrad.backend import is_device, to_numpy
from minigrad.tensor import Tensor, as_array

STRUCTURE = "minigrad.json"  # the structure's member of the zip, and its key in safetensors' metadata
CHECKSUM = "minigrad.sha256"  # the checksum's key in safetensors' metadata; in a zip it is the archive's comment
MARK = f'"{CHECKSUM}":"'.encode()  # comes before it; elsewhere in that JSON the quotes would be escaped
BLANK = b"0" * 64  # stands in its place while it is computed
DEPTH = 100  # levels of nesting: what is saved can be loaded, also where Python's stack is half full
PICKLE = "is a pickle, which could run any program: load it in PyTorch, and save it with safetensors.torch.save_file"


class Refused(ValueError):
    """What a file holds that minigrad does not take, though the file may be whole; and what to do."""


def save(obj: Any, f: Any) -> None:
    """Write tensors, numbers and strings, nested in dicts, lists and tuples, to a file.

    A path is written atomically: whatever happens, it holds afterwards what it held before, or all of `obj`. The
    format is NumPy's .npz, with the arrays under their paths ("model/0.weight") and the structure as JSON in one more
    member. At a path that ends in ".safetensors" it is safetensors, which `safetensors.torch.load_file` reads.

    Args:
        obj: dicts (keys: str or int), lists and tuples, of tensors and arrays (floats, integers, bools), which are
            saved without gradients; of Python's and NumPy's numbers, bools, strings and None.
        f: a path, used as it is given, or a binary file open for writing, which gets a .npz.

    Raises:
        TypeError: something in `obj` is of another type; the message says where it sits.
        ValueError: `obj` contains itself, or is nested deeper than 100 levels.
        ImportError: the package safetensors is needed and missing.
        OSError: the file cannot be written. After any error the old one is as it was.

    >>> file = BytesIO()
    >>> save({"model": {"w": Tensor([1.0, 2.0])}, "step": 3}, file)
    >>> np.load(BytesIO(file.getvalue()))["model/w"]
    array([1., 2.], dtype=float32)
    """
    arrays: dict[str, Any] = {}
    structure = json.dumps(taken_apart(obj, (), arrays))
    if hasattr(f, "write"):
        content = BytesIO()  # `f` may be unable to seek, or hold something already
        write_npz(content, arrays, structure)
        f.write(content.getvalue())
    elif os.path.exists(f) and not os.path.isfile(f):
        with open(f, "wb") as device:  # a pipe or /dev/null must not be replaced by a file; a folder raises
            save(obj, device)
    else:
        path = os.fsdecode(f)
        write = write_safetensors if path.endswith(".safetensors") else write_npz
        with replacing(os.path.realpath(path)) as file:  # a symbolic link stays: what it points at is replaced
            write(file, arrays, structure)


def load(f: Any, map_location: Any = None, weights_only: bool = True) -> Any:
    """What `save` has written, or the arrays of any .npz or safetensors file as a dict name -> tensor.

    Dicts, lists and tuples come back as such, arrays as tensors without grad, of the same dtypes and shapes; a tensor
    that was in two places, as two. The format is known by the content, not by the name. Every byte is verified before
    anything is returned; in files that are not from minigrad, as far as their format allows.

    Args:
        f: a path, or a binary file open for reading.
        map_location: the device to which the tensors go: None or "cpu", or "cuda".
        weights_only: True. Nothing is ever unpickled.

    Raises:
        ValueError: the file is empty, truncated or altered, of another format, a pickle, or of a dtype that NumPy
            lacks; or `map_location` is no device, or `weights_only` False.
        RuntimeError: "cuda", where there is no GPU.
        FileNotFoundError: there is no such file.
        ImportError: the package safetensors is needed and missing.

    >>> file = BytesIO()
    >>> save({"w": Tensor([1.0, 2.0]), "step": 3}, file)
    >>> load(BytesIO(file.getvalue()))
    {'w': tensor([1., 2.]), 'step': 3}
    """
    if not weights_only:
        raise ValueError("load: weights_only is True: nothing is ever unpickled")
    if not (map_location is None or is_device(map_location)):
        raise ValueError(f'load: map_location is a device, "cpu" or "cuda", not {map_location!r:.60}')
    if not hasattr(f, "read"):
        with open(f, "rb") as file:
            return load(file, map_location)
    content = f.read()  # once: what is verified is what is returned
    try:
        arrays, structure = (read_npz if content[:2] == b"PK" else read_safetensors)(content)
        tensors = {name: tensor.to(map_location or "cpu") for name, tensor in arrays.items()}
        return tensors if structure is None else json.loads(structure, object_hook=lambda node: rebuilt(node, tensors))
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # zipfile alone raises a dozen kinds
        cure = "if it is truncated or altered, copy it again, or load an older one"
        problem = error if isinstance(error, Refused) else f"is unreadable ({type(error).__name__}: {error}): {cure}"
        raise ValueError(f"load: {getattr(f, 'name', f)!r} {problem}") from error


# -- the structure ----------------------------------------------------------------------------------------------------


def taken_apart(obj: Any, path: tuple[Any, ...], arrays: dict[str, Any]) -> Any:
    """`obj`, to which `path` leads, as JSON. Its arrays go into `arrays`, and {"tensor": name} into their place."""
    if len(path) > DEPTH:
        raise ValueError(f"save: {place(path[:4])}... contains itself, or is nested deeper than {DEPTH} levels")
    if is_numeric(obj):
        if isinstance(obj, np.generic):
            return obj.item()
        array = to_numpy(as_array(obj))
        name = free_name(path, arrays)
        # Contiguous, or safetensors would take what lies beside them in memory for the elements.
        arrays[name] = np.asarray(array, order="C")
        return {"tensor": name}
    if obj is None or isinstance(obj, str | bool | float):
        return obj
    if isinstance(obj, int):
        return obj if abs(obj) < 2**63 else {"int": hex(obj)}  # Python reads no decimals of more than 4,300 digits
    if isinstance(obj, Mapping):
        if odd := [key for key in obj if not isinstance(key, str | int)]:
            raise TypeError(f"save: {place(path)} has the key {odd[0]!r:.60}; a key is a str or an int")
        return {"dict": [[key, taken_apart(value, (*path, key), arrays)] for key, value in obj.items()]}
    if isinstance(obj, list | tuple):
        items = [taken_apart(value, (*path, i), arrays) for i, value in enumerate(obj)]
        return items if isinstance(obj, list) else {"tuple": items}
    cure = "write model.state_dict()" if hasattr(obj, "state_dict") else "save tensors, arrays, numbers, strings, None"
    kind = f"{type(obj)} with dtype {obj.dtype}" if hasattr(obj, "dtype") else type(obj)
    raise TypeError(f"save: {place(path)} is of {kind}; {cure}")


def rebuilt(node: dict[str, Any], tensors: dict[str, Tensor]) -> Any:
    """What `taken_apart` made this JSON object of. Anyone can write JSON, so nothing is taken for granted."""
    match node:
        case {"tensor": str(name)}:
            return tensors[name]
        case {"int": str(digits)}:
            return int(digits, 16)
        case {"dict": list(items)} if all(isinstance(key, str | int) for key, _ in items):
            return dict(items)
        case {"tuple": list(items)}:
            return tuple(items)
    raise ValueError(f"unknown structure {node!r:.60}")


def is_numeric(obj: Any) -> bool:
    """Whether both formats hold such an array; a mask would be lost, and long doubles differ between machines."""
    is_array = isinstance(obj, Tensor | np.ndarray | np.generic) and not isinstance(obj, np.ma.MaskedArray)
    return is_array and obj.dtype.kind in "biuf" and obj.dtype.itemsize <= 8


def place(path: tuple[Any, ...]) -> str:
    """The path, in an error: checkpoint["model"]["0.weight"]."""
    return "checkpoint" + "".join(f"[{json.dumps(key)}]" for key in path)


def free_name(path: tuple[Any, ...], arrays: dict[str, Any]) -> str:
    """The path as a name that no array has yet: "model/0.weight"."""
    # A zip file on Windows holds no backslash, and none holds NUL, half a surrogate pair or a name of 64 kB.
    name = re.sub("[\\\\\0\ud800-\udfff]", "_", "/".join(map(str, path)))[:1000]
    # To np.load, "a.npy" is also the array "a".
    while name in (STRUCTURE, "__metadata__") or arrays.keys() & {name, f"{name}.npy", name.removesuffix(".npy")}:
        name += "_"
    return name


# -- the two formats --------------------------------------------------------------------------------------------------


def write_npz(file: Any, arrays: dict[str, Any], structure: str) -> None:
    """A zip file of .npy files. Its comment is a checksum, since zip's own CRCs cover no headers."""
    with ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
        archive.writestr(ZipInfo(STRUCTURE), structure)  # without the time: same content, same file
        archive.comment = BLANK
    seal(file, file.seek(-len(BLANK), os.SEEK_END))


def read_npz(content: bytes) -> tuple[dict[str, Tensor], bytes | None]:
    """The tensors by name, and the structure unless the file is one of np.savez."""
    with ZipFile(BytesIO(content)) as archive:
        names = archive.namelist()
        if any(name.endswith(".pkl") for name in names):  # as torch.save writes
            raise Refused(PICKLE)
        end = len(content) - len(archive.comment)
        if STRUCTURE in names:
            verify(content, end)
        elif min(len(names), 0xFFFF) != int.from_bytes(content[end - 12 : end - 10], "little"):
            raise ValueError("members are missing")  # a flipped bit can make a comment of all that follow
        entries = [entry for entry in archive.infolist() if entry.filename != STRUCTURE]
        # By entry: by name, zipfile would read the last of several, and not notice that others have lost their own.
        tensors = {entry.filename.removesuffix(".npy"): read_npy(archive.read(entry)) for entry in entries}
        return tensors, archive.read(STRUCTURE) if STRUCTURE in names else None


def read_npy(content: bytes) -> Tensor:
    """The tensor of a .npy file."""
    file = BytesIO(content)
    np.lib.format.read_magic(file)
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject:
        raise Refused("holds Python objects, pickled, which could run any program: save arrays of numbers")
    array = np.frombuffer(content, dtype, offset=file.tell()).reshape(shape, order="F" if is_fortran else "C")
    return Tensor(array, dtype.newbyteorder("="), device="cpu")


def write_safetensors(file: Any, arrays: dict[str, Any], structure: str) -> None:
    """A safetensors file, with the structure and a checksum among its metadata: the format itself has none."""
    content = safetensors().save(arrays, {STRUCTURE: structure, CHECKSUM: BLANK.decode()})
    file.write(content)
    seal(file, content.index(MARK) + len(MARK))


def read_safetensors(content: bytes) -> tuple[dict[str, Tensor], str | None]:
    """The tensors by name, and the structure unless the file is one of PyTorch's."""
    if content[8:9] != b"{":
        problem = f"no .npz or safetensors file begins with {content[:8]!r}" if content else "it is empty"
        raise Refused(PICKLE) if content[:1] == b"\x80" else ValueError(problem)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata = header.pop("__metadata__", {})
    if metadata.keys() & {STRUCTURE, CHECKSUM}:
        verify(content, content.index(MARK) + len(MARK))
    for name, entry in header.items():
        if (dtype := entry["dtype"]).startswith(("BF", "F8")):
            raise Refused(f"holds {name!r} of dtype {dtype}, which NumPy lacks: in PyTorch, save it as .float()")
    arrays = safetensors().load(content)  # in any order
    return {name: Tensor(arrays[name], device="cpu") for name in header}, metadata.get(STRUCTURE)


def safetensors() -> Any:
    """The library's functions for NumPy."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError('.safetensors needs a package: pip install "minigrad-edu[safetensors]"') from error
    return safetensors.numpy


def seal(file: Any, start: int) -> None:
    """Write the SHA-256 of the file over the blank at `start`."""
    # CRC-32 is twice as fast, but a change that slips through zip's CRC-32 would slip through it a second time.
    file.seek(0)
    checksum = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(start)
    file.write(checksum.encode())


def verify(content: bytes, start: int) -> None:
    """Compare the checksum at `start` with that of the content, as it was when the place was blank."""
    view, end = memoryview(content), start + len(BLANK)
    checksum = hashlib.sha256()
    for part in (view[:start], BLANK, view[end:]):
        checksum.update(part)
    if view[start:end] != checksum.hexdigest().encode():
        raise ValueError("its checksum differs")


# -- the disk ---------------------------------------------------------------------------------------------------------


@contextmanager
def replacing(path: str) -> Iterator[Any]:
    """A new file, which takes the place of the one at `path` when all of it is on the disk, or else vanishes."""
    temporary = f"{path}.{os.urandom(8).hex()}.tmp"
    try:
        with open(temporary, "x+b") as file:
            with suppress(FileNotFoundError), open(path, "r+b"):  # raises if the old one is write-protected
                shutil.copymode(path, temporary)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):  # all went well
            os.unlink(temporary)
    with suppress(OSError):  # Windows opens no folders
        entry = os.open(os.path.dirname(path), os.O_RDONLY)
        with suppress(OSError):
            os.fsync(entry)  # the new name, too, shall survive a power cut
        os.close(entry)
