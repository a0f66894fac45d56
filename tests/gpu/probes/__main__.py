"""The command of the probes; see `tests/gpu/probes/__init__.py`."""

import argparse
import contextlib
import sys
import types

from tests.gpu.probes import asking
from tests.gpu.probes.questions import QUESTIONS


def genuine():
    """CuPy on a GPU, or else on the CPU by `tests.gpu.hipcpu`; and what counts the waits, where that can."""
    from tests.gpu import hipcpu

    if hipcpu.missing() is None:
        return hipcpu.load(), hipcpu.counting
    import cupy

    cupy.zeros(1)  # raises where there is no GPU
    return cupy, lambda: contextlib.nullcontext(types.SimpleNamespace(waits=0))


parser = argparse.ArgumentParser(prog="python -m tests.gpu.probes")
commands = parser.add_subparsers(dest="command", required=True)
for which in ("strict", "real"):
    command = commands.add_parser(which)
    command.add_argument("out")
    command.add_argument("--only", nargs="*", default=QUESTIONS, help="these questions alone")
command = commands.add_parser("compare")
command.add_argument("strict")
command.add_argument("real", nargs="?", default=asking.RECORDED)
command.add_argument("-v", action="store_true", help="show all answers that are not the same")
options = parser.parse_args()

if options.command == "strict":
    from tests.gpu import strict

    with strict.installed() as cupy:
        given = asking.answers(cupy, strict.counting, options.only)
    asking.write(options.out, cupy, given)
elif options.command == "real":
    cupy, counting = genuine()
    asking.write(options.out, cupy, asking.answers(cupy, counting, options.only))
else:
    strict, real = asking.read(options.strict)["answers"], asking.read(options.real)["answers"]
    found = asking.tally(strict, real)
    for kind, questions in found.items():
        print(f"{len(questions):5d} {kind}")
        for question in questions if kind.isupper() or (options.v and kind not in ("same", "both refuse")) else ():
            print(f"      {question}\n          strict {strict[question]}\n          CuPy   {real[question]}")
    sys.exit(any(kind.isupper() for kind in found))
