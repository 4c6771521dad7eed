"""The conformance suite: what every environment here keeps, and what any environment elsewhere may be asked.

    report = check_env(partial(gymnasium.make, "quadrivium/Highway-v0"))
    report = check_vector_env(partial(gymnasium.make_vec, "quadrivium/Highway-v0"), make_single=...)

A factory takes Gymnasium's keyword arguments (`num_envs=`, `render_mode=`, and the environment's). A check
that fails raises `ConformanceError` with one line. A check of something which the environment does not offer
(named reward terms, its state as rows, pictures) is left out, and the report says so.
"""

from collections.abc import Callable

from quadrivium.envs.core.checks.batch import VECTOR_CHECKS
from quadrivium.envs.core.checks.single import SINGLE_CHECKS
from quadrivium.envs.core.checks.subject import Batch, ConformanceError, Env, LeftOutError, Report, Subject

__all__ = ["ConformanceError", "Report", "check_env", "check_vector_env"]


def check_env(make: Callable[..., Env], *, steps: int = 200, seed: int = 0) -> Report:
    """Checks a single environment; returns what was checked, raises ConformanceError at the first fault."""
    return _run(SINGLE_CHECKS, Subject(make, None, 0, steps, seed))


def check_vector_env(
    make: Callable[..., Batch],
    *,
    make_single: Callable[..., Env] | None = None,
    num_envs: int = 5,
    steps: int = 200,
    seed: int = 0,
    agents: int = 1,
) -> Report:
    """Checks a vector environment; returns what was checked, raises ConformanceError at the first fault.

    make_single: makes the same environment unbatched, which lane i must then equal bit for bit.
    agents: how many environments, one after another, are the agents of one lane; `num_envs` is a multiple.
    """
    return _run(VECTOR_CHECKS, Subject(make, make_single, num_envs, steps, seed, agents))


def _run(checks: list[Callable[[Subject], None]], subject: Subject) -> Report:
    report = Report()
    for check in checks:
        name = check.__name__
        try:
            check(subject)
        except LeftOutError as reason:
            report.left_out[name] = str(reason)
        except ConformanceError as fault:
            raise ConformanceError(f"{name}: {' '.join(str(fault).split())}") from None  # on one line
        else:
            report.passed.append(name)
    return report
