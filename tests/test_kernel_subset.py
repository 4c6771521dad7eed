"""Lane functions keep to the subset of Python that compiles alike for the CPU and for CUDA."""

import ast
import math

import numpy as np
import pytest

from quadrivium.envs.core.lane import lane
from tests.kernel_subset import definition, lane_functions, python_function, violations
from tests.registry import case_name, cases, setup_of
from tests.worlds import cartpole, line, pointer

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=map(case_name, CASES))
def test_every_lane_function_of_every_world_keeps_the_subset(case):
    name, kwargs = case
    functions = lane_functions(setup_of(name, **kwargs).world)
    assert len(functions) >= 4
    assert [fault for function in functions for fault in violations(function)] == []


@pytest.mark.parametrize("world", [pointer.MASKED_WORLD, line.WALLED_WORLD], ids=lambda world: world.name)
def test_the_worlds_of_the_tests_keep_the_subset(world):
    assert [fault for function in lane_functions(world) for fault in violations(function)] == []


def test_functions_called_by_lane_functions_are_found_across_modules():
    names = {function.__qualname__ for function in lane_functions(cartpole.WORLD)}
    assert names == {
        *("reset_one", "step_one", "observe_one", "metrics_one", "accelerations"),
        *("uniform_range", "uniform", "bits", "mix"),
    }


TABLE = np.zeros(3)
NUMBERS = (1, 2.0)
NAMES = ("a", "b")


def plain(x):
    return x


@lane
def allowed(s, p, out):
    """A docstring is no string operation."""
    x, total = s.x, np.float32(0.0)
    for i in range(len(x)):
        total += abs(x[i]) if x[i] > NUMBERS[1] else math.sqrt(np.float32(2.0))
    while total > math.pi:
        total -= 1
    out[0], out[1] = min(total, 1.0), helper(total)


@lane
def helper(x):
    return int(x), bool(x)


def test_the_allowed_subset_is_allowed():
    assert violations(python_function(allowed)) == []


def list_display(s):
    s.x = [1, 2][0]


def comprehension(s):
    s.x = sum(i for i in range(3))


def dictionary(s):
    s.x = {}


def raising(s):
    raise ValueError


def trying(s):
    try:
        s.x = 1
    except ZeroDivisionError:
        s.x = 2


def asserting(s):
    assert s.x


def array_function(s):
    s.x = np.sum(s.y)


def allocation(s):
    s.x = np.zeros(3)[0]


def numpy_random(s):
    s.x = np.random.rand()  # noqa: NPY002 (a planted fault)


def method(s):
    s.x = s.y.sum()


def string(s):
    s.x = 1 if s.y == "left" else 0


def formatted(s):
    s.x = f"{s.y}"


def nested(s):
    def inner():
        return 1

    s.x = inner()


def anonymous(s):
    s.x = (lambda: 1)()


def star(s, *rest):
    s.x = 1


def double_star(s):
    helper(**s)


def global_array(s):
    s.x = TABLE[0]


def global_strings(s):
    s.x = NAMES


def uncompiled(s):
    s.x = plain(1)


def iterating(s):
    for value in s.y:
        s.x = value


def printing(s):
    print(s.x)


def context(s):
    with s:
        pass


def declared_global(s):
    global COUNT
    COUNT = 1


PLANTED = {
    list_display: "builds a list",
    comprehension: "builds a generator",
    dictionary: "builds a dict",
    raising: "raises",
    trying: "catches exceptions",
    asserting: "asserts",
    array_function: "calls np.sum",
    allocation: "calls np.zeros",
    numpy_random: "calls np.random.rand",
    method: "calls s.y.sum",
    string: "uses a string",
    formatted: "formats a string",
    nested: "defines a function",
    anonymous: "makes a lambda",
    star: "takes *args or **kwargs",
    double_star: "passes **kwargs",
    global_array: "reads the global TABLE, a ndarray",
    global_strings: "reads the global NAMES, a tuple",
    uncompiled: "calls plain",
    iterating: "iterates over s.y, not a range",
    printing: "calls print",
    context: "uses with",
    declared_global: "declares a global",
}


@pytest.mark.parametrize(("function", "fault"), PLANTED.items(), ids=[f.__name__ for f in PLANTED])
def test_each_planted_violation_is_found_where_it_stands(function, fault):
    found = [message.partition(":")[2].partition(": ") for message in violations(function)]
    assert fault in [text for _, _, text in found]
    lines = range(
        function.__code__.co_firstlineno, function.__code__.co_firstlineno + span(definition(function))
    )
    assert all(int(line) in lines for line, _, _ in found)


def span(tree: ast.FunctionDef) -> int:
    return (tree.end_lineno or 0) - tree.lineno + 1


@lane
def recursive(x):
    return recursive(x - 1) if x > 0 else 0


def test_recursion_is_found():
    assert any(message.endswith("calls itself") for message in violations(recursive.py_func))
