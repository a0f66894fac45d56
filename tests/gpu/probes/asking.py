"""Asks all questions of one CuPy, and tells two sets of answers apart."""

import collections
import json
import math
import pathlib
import warnings

import numpy as np

from tests.gpu.probes.questions import QUESTIONS, world

RECORDED = pathlib.Path(__file__).with_name("answers.json")  # those of the genuine CuPy
UNABLE = ("NotSupported", "NOT_SUPPORTED", "SOLVER", "801", "Compile", "rocblas", "HIP", "hip")


def rounded(number):
    """A number that two machines agree on, to be written as JSON."""
    if isinstance(number, complex):
        return [rounded(number.real), rounded(number.imag)]
    if isinstance(number, float) and not math.isfinite(number):
        return str(number)
    return float(f"{number:.4g}") if isinstance(number, float) else number


def describe(cp, answer):
    """An answer in short: what it is and where, its dtype, its shape and its first numbers."""
    if isinstance(answer, cp.ndarray):
        numbers = answer.get().ravel()[:6].tolist()
        return ["device", str(answer.dtype), list(answer.shape), [rounded(number) for number in numbers]]
    if isinstance(answer, np.ndarray | np.generic):
        return ["host", str(answer.dtype), list(answer.shape)]
    if isinstance(answer, tuple | list):
        return [type(answer).__name__.replace("Result", ""), *[describe(cp, part) for part in answer]]
    if isinstance(answer, bool | int | float | str):
        return [type(answer).__name__, rounded(answer)]
    if callable(answer):
        return ["function"]
    if isinstance(answer, bytes):
        return ["bytes", len(answer)]
    return [type(answer).__name__.strip("_")]


def ask(cp, question, counting):
    """The answer to one question, what was raised, and whether the host had to wait."""
    try:
        scope = world(cp)
    except Exception:  # a device reports the last question's error late, and once
        scope = world(cp)
    *statements, last = question.split("; ")
    try:
        with counting() as counted:
            for statement in statements:
                exec(statement, scope)
            try:
                answer = eval(last, scope)
            except SyntaxError:
                exec(last, scope)
                answer = None
        described = describe(cp, answer)
        if hasattr(cp, "cuda"):
            cp.cuda.Device(0).synchronize()  # now or never
    except Exception as error:
        return ["raises", type(error).__name__, " ".join(str(error).split())[:80]]
    return [*described, "waits"] if counted.waits else described


def answers(cp, counting, only=QUESTIONS):
    """The answers to all questions. `counting()` is a context whose value tells the `waits` when it has ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {question: ask(cp, question, counting) for question in only}


def close(x, y):
    """Whether two lists of numbers agree, but for the last bits of float16."""
    if isinstance(x, list) and isinstance(y, list):
        return len(x) == len(y) and all(map(close, x, y))
    if isinstance(x, str) or isinstance(y, str) or isinstance(x, bool) or isinstance(y, bool):
        return x == y
    return math.isclose(x, y, rel_tol=5e-3, abs_tol=1e-5)


def same(strict, real):
    """Whether two answers agree."""
    if len(strict) != len(real):
        return False
    for x, y in zip(strict, real, strict=True):
        if isinstance(x, list) and isinstance(y, list) and x and y and isinstance(x[0], str):
            if not (same(x, y) or close(x, y)):
                return False
        elif (isinstance(x, list) and isinstance(y, list)) or isinstance(x, float) or isinstance(y, float):
            if not close(x, y):
                return False
        elif x != y:
            return False
    return True


def verdict(strict, real):
    """How the stand-in's answer stands to the genuine one."""
    refuses, raises = strict[0] == "raises", real[0] == "raises"
    if raises and any(word in " ".join(map(str, real)) for word in UNABLE):
        return "no evidence"
    if refuses and raises:
        return "both refuse" if strict[1] == real[1] else "both refuse, with other errors"
    if refuses:
        return "stricter"
    if raises:
        return "LEAK"
    if "waits" in (strict[-1], real[-1]) and strict[-1] != real[-1]:
        return "OTHER WAITS"
    return "same" if same(strict, real) else "DIFFERENT"


def tally(strict, real):
    """Verdict -> the questions to which it applies."""
    found = collections.defaultdict(list)
    for question in real:
        if question in strict:
            found[verdict(strict[question], real[question])].append(question)
    return dict(sorted(found.items()))


def write(path, cp, given):
    """Answers as JSON, one to a line."""
    rows = [f"{json.dumps(question)}: {json.dumps(answer)}" for question, answer in given.items()]
    head = f'{{"cupy": "{cp.__version__}", "numpy": "{np.__version__}", "answers": {{\n'
    pathlib.Path(path).write_text(head + ",\n".join(rows) + "\n}}\n")


def read(path):
    return json.loads(pathlib.Path(path).read_text())
