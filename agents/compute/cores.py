"""How many processors this process may use: what `threads: auto` means."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def auto_threads() -> int:
    """Returns OMP_NUM_THREADS where it is set, as users and schedulers of clusters do, else all cores."""
    wanted, _, _ = os.environ.get("OMP_NUM_THREADS", "").partition(",")
    return int(wanted) if wanted.isdecimal() and int(wanted) else available_cores()


def available_cores(root: Path = Path("/")) -> int:
    """Returns the processors that this process may use: of its affinity, and of its control groups' quotas.

    A container with `--cpus 2` sees all processors of its host, but is stopped for the rest of each period
    (100 ms) once its threads have together run for two. A quota is rounded to whole processors, at least 1.
    root: where `proc` and `sys` are, for tests.
    """
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min([cores, *(int(quota + 0.5) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Yields the processors that each control group around this process grants, where it limits them.

    A group's limit holds for all below it. Inside a container, whose own group is mounted as the root,
    `/proc/self/cgroup` may still name the path outside; what is not there is passed over.
    """
    memberships = _read(root / "proc/self/cgroup").splitlines()
    for line in memberships:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":  # version 2: one tree
            mount, read = root / "sys/fs/cgroup", _quota_v2
        elif "cpu" in controllers.split(","):
            mount, read = root / "sys/fs/cgroup/cpu", _quota_v1
        else:
            continue
        group = Path(path.strip("/"))
        for folder in (group, *group.parents):  # the last one is the mount itself
            with contextlib.suppress(ValueError):  # "max", -1 or no file: no limit
                yield read(mount / folder)


def _quota_v2(folder: Path) -> float:
    quota, period = _read(folder / "cpu.max").split()
    return int(quota) / int(period)


def _quota_v1(folder: Path) -> float:
    quota, period = (int(_read(folder / f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
    if quota <= 0:
        raise ValueError("no limit")
    return quota / period


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
