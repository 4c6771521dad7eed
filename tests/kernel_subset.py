"""Finds what a lane function must not do: it keeps to the Python that compiles alike for the CPU and CUDA."""

import ast
import builtins
import inspect
import math
import textwrap
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from quadrivium.envs.core.lane import World

ALLOWED_BUILTINS = {abs, bool, float, int, len, max, min, range, round}
FORBIDDEN_NODES: dict[type[ast.AST], str] = {
    ast.List: "builds a list",
    ast.Dict: "builds a dict",
    ast.Set: "builds a set",
    ast.ListComp: "builds a list",
    ast.SetComp: "builds a set",
    ast.DictComp: "builds a dict",
    ast.GeneratorExp: "builds a generator",
    ast.Raise: "raises",
    ast.Try: "catches exceptions",
    ast.TryStar: "catches exceptions",
    ast.Assert: "asserts",
    ast.With: "uses with",
    ast.Yield: "yields",
    ast.YieldFrom: "yields",
    ast.Await: "awaits",
    ast.Lambda: "makes a lambda",
    ast.Global: "declares a global",
    ast.Nonlocal: "declares a nonlocal",
    ast.ClassDef: "defines a class",
    ast.Import: "imports",
    ast.ImportFrom: "imports",
    ast.JoinedStr: "formats a string",
    ast.Starred: "unpacks with *",
    ast.Delete: "deletes",
    ast.Match: "uses match",
}
UNKNOWN = object()


def lane_functions(world: World) -> list[FunctionType]:
    """Returns every Python function that the world's lane functions are made of, themselves included."""
    found: dict[FunctionType, None] = {}
    waiting = [python_function(function) for function in world.lane_functions.values()]
    while waiting:
        function = waiting.pop()
        if function not in found:
            found[function] = None
            waiting.extend(python_function(callee) for callee in called_lane_functions(function))
    return list(found)


def python_function(function: Any) -> FunctionType:
    return function.py_func if isinstance(function, Dispatcher) else function


def called_lane_functions(function: FunctionType) -> Iterator[Dispatcher]:
    for node in ast.walk(definition(function)):
        if isinstance(node, ast.Name | ast.Attribute):
            value = resolve(node, function)
            if isinstance(value, Dispatcher):
                yield value


def definition(function: FunctionType) -> ast.FunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return tree


def resolve(node: ast.expr, function: FunctionType) -> Any:
    """Returns the global object that an expression names, or UNKNOWN for locals and everything computed."""
    if isinstance(node, ast.Name):
        if node.id in function.__code__.co_varnames:
            return UNKNOWN
        scope = inspect.getclosurevars(function)
        for names in (scope.nonlocals, function.__globals__, vars(builtins)):
            if node.id in names:
                return names[node.id]
        return UNKNOWN
    if isinstance(node, ast.Attribute):
        owner = resolve(node.value, function)
        return getattr(owner, node.attr, UNKNOWN) if isinstance(owner, ModuleType) else UNKNOWN
    return UNKNOWN


def violations(function: FunctionType) -> list[str]:
    """Returns "name:line: what it does" for all that a lane function must not do."""
    tree = definition(function)
    first = inspect.getsourcelines(function)[1]
    found: list[str] = []

    def report(node: ast.AST, fault: str) -> None:
        line = first + getattr(node, "lineno", 1) - 1
        found.append(f"{function.__module__}.{function.__qualname__}:{line}: {fault}")

    arguments = tree.args
    if arguments.vararg or arguments.kwarg:
        report(tree, "takes *args or **kwargs")
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    for node in [descendant for statement in body for descendant in ast.walk(statement)]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            report(node, "defines a function")
        elif type(node) in FORBIDDEN_NODES:
            report(node, FORBIDDEN_NODES[type(node)])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            report(node, "uses a string")
        elif isinstance(node, ast.keyword) and node.arg is None:
            report(node.value, "passes **kwargs")
        elif isinstance(node, ast.For) and not is_range(node.iter, function):
            report(node, f"iterates over {ast.unparse(node.iter)}, not a range")
        elif isinstance(node, ast.Call):
            if fault := call_fault(node, function):
                report(node, fault)
        elif isinstance(node, ast.Name) and (fault := global_fault(node, function)):
            report(node, fault)
    return found


def is_range(node: ast.expr, function: FunctionType) -> bool:
    return isinstance(node, ast.Call) and resolve(node.func, function) is range


def call_fault(node: ast.Call, function: FunctionType) -> str | None:
    target, name = resolve(node.func, function), ast.unparse(node.func)
    if isinstance(target, Dispatcher):
        return "calls itself" if target.py_func is function else None
    if is_scalar_type(target):
        return None  # a cast
    if isinstance(node.func, ast.Attribute) and node.func.attr == "view" and len(node.args) == 1:
        return None if is_scalar_type(resolve(node.args[0], function)) else f"calls {name}"  # the same bits
    if any(target is allowed for allowed in ALLOWED_BUILTINS):
        return None
    if getattr(math, getattr(target, "__name__", ""), None) is target:
        return None
    return f"calls {name}"


def is_scalar_type(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, np.generic)


def global_fault(node: ast.Name, function: FunctionType) -> str | None:
    value = resolve(node, function)
    scalar = bool | int | float | np.generic
    if value is UNKNOWN or isinstance(value, scalar | ModuleType | Dispatcher | type):
        return None
    if isinstance(value, tuple) and all(isinstance(part, scalar) for part in value):
        return None
    if any(value is allowed for allowed in ALLOWED_BUILTINS):
        return None
    return None if callable(value) else f"reads the global {node.id}, a {type(value).__name__}"
