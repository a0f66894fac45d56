"""What every operator and every composition is tested with: one `Spec` each, by name. `test_ops.py` generates the tests
from these tables, and fails if one of them is missing.

A case is the arguments of one call. Its float arrays are differentiated where the operator declares a gradient. All are
float64; the tests derive the float32, non-contiguous and partly tracked variants themselves.
"""

from __future__ import annotations

from typing import Any

from minigrad.op import Op, compositions, registry
from tests.cases import activation, elementwise, functional, functions, linalg, nn, rearrange, reduce, shape
from tests.cases.common import Case, Spec

OPERATORS = {name: op for name, op in registry.items() if op.forward.__module__.startswith("minigrad.")}
OPERATOR_SPECS = (
    elementwise.SPECS | activation.SPECS | reduce.SPECS | shape.SPECS | linalg.SPECS | nn.SPECS
)  # of `minigrad.ops` and, for convolution, `minigrad.nn.functional.windows`
# Of `minigrad.functions`, `minigrad.rearrange`, `minigrad.linalg` and `minigrad.nn.functional`.
COMPOSITION_SPECS = functions.SPECS | rearrange.SPECS | linalg.COMPOSITIONS | functional.SPECS
SPECS: dict[str, Spec] = OPERATOR_SPECS | COMPOSITION_SPECS


class Composition:
    """A function composed of operators, in the form in which the tests call it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._call = SPECS[name].call or compositions[name]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)


SUBJECTS: dict[str, Op | Composition] = {
    name: registry[name] if name in OPERATOR_SPECS else Composition(name) for name in SPECS
}


def differentiated(name: str, case: Case) -> list[int]:
    """Positions of the arguments that get a gradient: float arrays, of an operator those it declares one for."""
    floats = [i for i, value in enumerate(case.args) if getattr(value, "dtype", None) == "float64"]
    op = SUBJECTS[name]
    if isinstance(op, Op):
        return [i for i in floats if (op.variadic or op.parameters[i]) in op.gradients]
    return [i for i in floats if i not in SPECS[name].constant]


# Every case has a name of its own, under which PyTorch's answers are recorded.
CASES: dict[str, tuple[str, Case]] = {
    f"{op}[{i}-{case}]": (op, case) for op, spec in SPECS.items() for i, case in enumerate(spec.cases)
}
