"""The text of a local gradient, for pictures and tables: read from its source, so that it is never written twice."""

from __future__ import annotations

import ast
import inspect
import linecache
from functools import cache
from typing import Any

from minigrad.op import Op


@cache
def formulas(op: Op) -> dict[str, str]:
    """Input -> the text of its local gradient: a number, or the expression that is computed.

    A gradient whose source cannot be read, as one typed into a bare interpreter, is written "f(what it asks for)".

    >>> from minigrad.ops.elementwise import multiply
    >>> formulas(multiply)
    {'x': 'y', 'y': 'x'}
    """
    functions = _functions_in_file_of(op)
    declared = {keyword.arg: keyword.value for keyword in _declaration(op, functions)}
    texts = {}
    for slot, gradient in op.gradients.items():
        if gradient.constant is not None:
            texts[slot] = str(gradient.constant)
        elif slot in declared:
            texts[slot] = _text(declared[slot], functions)
        else:
            texts[slot] = f"f({', '.join(gradient.asks)})"
    return texts


def _functions_in_file_of(op: Op) -> list[ast.FunctionDef]:
    """All functions in the file that declares the operator; none if it cannot be read."""
    forward: Any = inspect.unwrap(op.forward)  # of a fused one, what is fused
    file = inspect.getsourcefile(forward) or ""
    try:
        tree = ast.parse("".join(linecache.getlines(file, forward.__globals__)))
    except SyntaxError:  # not a Python file: a document whose code is run
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _declaration(op: Op, functions: list[ast.FunctionDef]) -> list[ast.keyword]:
    """The keyword arguments of the decorator `@op(...)`."""
    for function in functions:
        first_line = min([function.lineno, *[decorator.lineno for decorator in function.decorator_list]])
        if first_line == inspect.unwrap(op.forward).__code__.co_firstlineno:
            calls = [decorator for decorator in function.decorator_list if isinstance(decorator, ast.Call)]
            return [keyword for call in calls for keyword in call.keywords]
    return []


def _text(rule: ast.expr, functions: list[ast.FunctionDef]) -> str:
    """The body of a lambda, or of a named function that is one `return`; otherwise the call of that function."""
    if isinstance(rule, ast.Lambda):
        return ast.unparse(rule.body)
    for function in functions:
        if isinstance(rule, ast.Name) and function.name == rule.id:
            body = function.body[1:] if ast.get_docstring(function) else function.body
            if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value:
                return ast.unparse(body[0].value)
            return f"{function.name}({', '.join(argument.arg for argument in function.args.args)})"
    return ast.unparse(rule)
