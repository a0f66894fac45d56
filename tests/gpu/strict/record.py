"""Writes record.json: which names CuPy has, what its functions take and which dtypes its ufuncs know.

    python -m tests.gpu.strict.record         # or with -, to see it only

It needs any CuPy wheel, but neither a GPU nor a driver: of the wheel it reads only what `import cupy` shows.
The stand-in is built from the file alone, so it works where no CuPy is installed.
"""

import importlib
import inspect
import json
import pathlib
import re
import sys
import types

import numpy as np

PATH = pathlib.Path(__file__).with_name("record.json")

MODULES = [
    "cupy",
    "cupy.fft",
    "cupy.lib",
    "cupy.lib.stride_tricks",
    "cupy.linalg",
    "cupy.random",
    "cupyx",
    "cupyx.scipy.special",
]


def parameters(signature):
    """A signature in short: `a axis= *xi * out= **kwargs`, where `=` means: may be left out.

    >>> parameters(inspect.signature(lambda a, axis=None, *, out=None: 0))
    'a axis= * out='
    """
    words = []
    for p in signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not any(word.startswith("*") for word in words):
            words.append("*")
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        words.append(star + p.name + ("" if p.default is p.empty else "="))
        if p.kind is p.POSITIONAL_ONLY:
            words.append("/")
    return " ".join(word for i, word in enumerate(words) if word != "/" or "/" not in words[i + 1 :])


def method_parameters(doc):
    """What a compiled method takes, from the first line of its documentation; None if that does not say.

    >>> method_parameters("_ndarray_base.argmax(self, axis=None, dtype=None) -> _ndarray_base")
    'axis= dtype='
    """
    found = re.match(r"\w+\.\w+\(self(?:, )?(.*?)\)(?: -> .*)?$", (doc or "").split("\n")[0])
    if not found:
        return None
    words = []
    for part in filter(None, found[1].split(", ")):
        name, equals, _ = part.split(" ")[-1].partition("=")  # a type may stand before the name
        words.append(name + equals)
    return " ".join(words)


def entry(name, thing, host):
    """What the record says of one name."""
    if isinstance(thing, types.ModuleType):
        return {"kind": "module"}
    if thing is getattr(host, name, None) or not callable(thing):
        return {"kind": "host"}  # NumPy's own object, such as float32, or a constant
    if isinstance(thing, type):
        return {"kind": "class"}
    if type(thing).__name__ == "ufunc":
        return {"kind": "ufunc", "nin": thing.nin, "nout": thing.nout, "types": " ".join(thing.types)}
    try:
        return {"kind": "function", "takes": parameters(inspect.signature(thing))}
    except (TypeError, ValueError):
        return {"kind": "function", "takes": method_parameters(f"x.{thing.__name__}(self, ") or "*args **kwargs"}


def wheel():
    """CuPy as it is installed; the wheel for ROCm has to be given its libraries first."""
    from tests.gpu import hipcpu

    return hipcpu.load() if hipcpu.missing() is None else importlib.import_module("cupy")


def record():
    """All that the stand-in needs to know of the installed CuPy."""
    cupy = wheel()

    modules = {}
    for module in MODULES:
        real = importlib.import_module(module)
        host = np
        for part in module.split(".")[1:]:
            host = getattr(host, part, None)
        names = [name for name in sorted(dir(real)) if not name.startswith("_")]
        modules[module] = {name: entry(name, getattr(real, name), host) for name in names}
    array = {}
    for name in sorted(dir(cupy.ndarray)):
        thing = getattr(cupy.ndarray, name)
        if not name.startswith("_"):
            array[name] = method_parameters(getattr(thing, "__doc__", None)) if callable(thing) else None
    special = sorted(
        name
        for name in dir(cupy.ndarray)
        if re.match("__(?!pyx|class|module|doc|new|init|reduce|subclasshook|slots)", name)
        and getattr(cupy.ndarray, name) is not getattr(object, name, None)
    )
    return {"version": cupy.__version__, "modules": modules, "ndarray": array, "special": special}


def lines(made):
    """The record as JSON with one line for each name: a new version of CuPy then shows as a short difference."""
    text = json.dumps(made, indent=1, sort_keys=True)
    in_one = lambda found: "{" + re.sub(r"\n\s+", " ", found[1]) + "}"
    return re.sub(r'\{\n\s+("kind".*?)\n\s+\}', in_one, text, flags=re.S) + "\n"


if __name__ == "__main__":
    made = record()
    if sys.argv[1:] == ["-"]:
        print(lines(made))
    else:
        PATH.write_text(lines(made))
        print(f"CuPy {made['version']}: {sum(map(len, made['modules'].values()))} names in {PATH}")
