"""The tests are tested: each declared gradient of each operator is replaced in turn by wrong ones, and the checks of
`checks.py` must fail for every one of them.

Wrong means: another sign; 1 % off; a term of a sum or a factor of a product left out, in the gradient's own text or
in a helper function that it calls; a comparison that takes the other side at a tie; and an engine that does not sum
over what broadcasting had stretched.
"""

from __future__ import annotations

import ast
import copy
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from minigrad import engine
from minigrad.op import LocalGradient, Op, registry
from tests import checks
from tests.cases import CASES, differentiated
from tests.conftest import WRONG_GRADIENTS

pytestmark = pytest.mark.no_cover  # wrong lines

WITH_GRADIENTS = {
    name: op for name, op in registry.items() if op.gradients and op.forward.__module__.startswith("minigrad.")
}


def cases_of(op: Op) -> list[Any]:
    """The cases in which the operator has gradients, those at kinks last."""
    return sorted(
        [
            (name, case)
            for name, (op_name, case) in CASES.items()
            if op_name == op.name and differentiated(op_name, case)
        ],
        key=lambda item: item[1].kink,
    )


@contextmanager
def gradient_replaced(op: Op, slot: str, rule: Any) -> Iterator[None]:
    """Let `op` differentiate by `rule` inside."""
    gradients, by_slot = op.gradients, op.by_slot
    wrong = LocalGradient(rule)
    wrong.choose_from(op.asked)
    op.gradients = {**gradients, slot: wrong}
    op.by_slot = itertools.repeat(wrong) if op.variadic else tuple(map(op.gradients.get, op.parameters))
    try:
        yield
    finally:
        op.gradients, op.by_slot = gradients, by_slot


def is_caught(op: Op) -> bool:
    """Whether the checks of this operator fail now."""
    for name, case in cases_of(op):
        try:
            checks.check_all(op, [(name, case)])
        except Exception:
            return True
    return False


# -- wrong texts -----------------------------------------------------------------------------------------------------


class Mutate(ast.NodeTransformer):
    """Apply the n-th possible mutation to a tree."""

    def __init__(self, n: int) -> None:
        self.left = n
        self.description = ""

    def choose(self, node: ast.AST, alternatives: list[tuple[ast.AST, str]]) -> ast.AST:
        for alternative, description in alternatives:
            if self.left == 0:
                self.description = f"{ast.unparse(node)} → {description}"
                self.left -= 1
                return alternative
            self.left -= 1
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if self.left < 0:
            return node
        alternatives: list[tuple[ast.AST, str]] = []
        if isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.MatMult):
            alternatives.append((node.left, ast.unparse(node.left)))
        if isinstance(node.op, ast.Add | ast.Mult | ast.MatMult):
            alternatives.append((node.right, ast.unparse(node.right)))
        return self.choose(node, alternatives)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if self.left >= 0 and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
            return self.choose(node, [(node.operand, ast.unparse(node.operand))])
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        other = {ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt}.get(type(node.ops[0]))
        if self.left < 0 or other is None:
            return node
        changed = ast.Compare(node.left, [other()], node.comparators)
        return self.choose(node, [(changed, ast.unparse(changed))])


def mutants(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every tree that differs from `tree` by one mutation."""
    for n in itertools.count():
        mutate = Mutate(n)
        changed = mutate.visit(copy.deepcopy(tree))
        if mutate.left >= 0:
            return
        yield ast.fix_missing_locations(changed), mutate.description


def expression_of(op: Op, slot: str) -> ast.expr | None:
    """The expression that declares the gradient, if it is written as a lambda."""
    function = ast.parse(textwrap.dedent(inspect.getsource(op.forward))).body[0]
    assert isinstance(function, ast.FunctionDef)
    for decorator in function.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else []:
            if keyword.arg == slot and isinstance(keyword.value, ast.Lambda):
                return keyword.value
    return None


def helpers(rule: Callable[..., Any]) -> list[Callable[..., Any]]:
    """The plain functions of the operators' modules that `rule` calls, directly or not; `rule` too if it is named."""
    found: list[Callable[..., Any]] = [] if rule.__name__ == "<lambda>" else [rule]
    to_read = [rule]
    while to_read:
        for name in to_read.pop().__code__.co_names:
            called = rule.__globals__.get(name)
            if inspect.isfunction(called) and called.__module__.startswith("minigrad.") and called not in found:
                found.append(called)
                to_read.append(called)
    return found


def wrong_rules(op: Op, slot: str) -> Iterator[tuple[Any, str]]:
    """Every wrong rule for one gradient, with what was done to it."""
    gradient = op.gradients[slot]
    right = gradient.rule
    if gradient.constant is not None:
        yield -right if right else -1, "sign"
        yield right * 1.01 if right else 0.01, "1 % off"
        return
    parameters = ", ".join(gradient.asks)
    for text, description in (("-(right({}))", "sign"), ("1.01 * (right({}))", "1 % off")):
        yield eval(f"lambda {parameters}: {text.format(parameters)}", {"right": right}), description
    yield from rewritten(op, slot, mutants)


def rewritten(op: Op, slot: str, variants: Callable[[ast.AST], Iterable[tuple[ast.AST, str]]]) -> Iterator[Any]:
    """The rule with each variant of its own text and of the helpers that it calls, and what was changed."""
    right = op.gradients[slot].rule
    expression = expression_of(op, slot)
    for tree, description in variants(expression) if expression else ():
        yield eval(compile(ast.Expression(tree), "<variant>", "eval"), right.__globals__), description
    for helper in helpers(right):
        for tree, description in variants(ast.parse(textwrap.dedent(inspect.getsource(helper)))):
            namespace = dict(right.__globals__)
            exec(compile(tree, "<variant>", "exec"), namespace)
            rule = namespace[helper.__name__] if helper is right else _rebound(right, namespace)
            yield rule, f"{helper.__name__}: {description}"


def _rebound(function: Callable[..., Any], namespace: dict[str, Any]) -> Callable[..., Any]:
    """The same function, and the helpers it calls, looking up names in `namespace`."""
    for name, value in list(namespace.items()):
        if inspect.isfunction(value) and value.__globals__ is function.__globals__:
            namespace[name] = type(value)(value.__code__, namespace, name, value.__defaults__, value.__closure__)
    return type(function)(function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__)


# -- the tests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", WITH_GRADIENTS.values(), ids=WITH_GRADIENTS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_wrong_gradient_is_caught(op: Op) -> None:
    survived = []
    for slot in op.gradients:
        for rule, description in wrong_rules(op, slot):
            with gradient_replaced(op, slot, rule):
                caught = is_caught(op)
            WRONG_GRADIENTS[caught] += 1
            if not caught:
                survived.append(f"{slot}: {description}")
    assert not survived, f"{op.name}: the checks did not notice {survived}"


@pytest.mark.parametrize("op", WITH_GRADIENTS.values(), ids=WITH_GRADIENTS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_right_gradient_passes_also_when_its_text_is_compiled_anew(op: Op) -> None:
    """What is caught above is caught for being wrong, not for the way in which it was made."""
    assert not is_caught(op)
    for slot in op.gradients:
        if op.gradients[slot].constant is None:
            for rule, description in rewritten(op, slot, lambda tree: [(tree, "unchanged")]):
                with gradient_replaced(op, slot, rule):
                    assert not is_caught(op), f"{slot}: {description}"


def forgetful_unbroadcast(node: Any, gradient: Any, shape: tuple[int, ...]) -> Any:
    """An un-broadcast that takes the first of what it should sum."""
    gradient = gradient[(0,) * (gradient.ndim - len(shape))]
    return gradient[tuple(slice(0, 1) if size == 1 else slice(None) for size in shape)].reshape(shape)


BROADCASTING = [
    op
    for op in WITH_GRADIENTS.values()
    if any(len({np.shape(case.args[i]) for i in differentiated(op.name, case)}) > 1 for _, case in cases_of(op))
    and op.name not in ("concatenate", "matmul", "batch_norm", "where", "convolve", "convolve_x", "convolve_weight")
] + [registry["matmul"], registry["where"], registry["broadcast_to"]]


@pytest.mark.parametrize("op", BROADCASTING, ids=[op.name for op in BROADCASTING])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_missing_unbroadcast_is_caught(op: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "unbroadcast", forgetful_unbroadcast)
    caught = is_caught(op)
    WRONG_GRADIENTS[caught] += 1
    assert caught
