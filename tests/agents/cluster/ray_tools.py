"""Ray in tests: whether there is one, and a small local cluster."""

import contextlib
import os
from importlib.util import find_spec

import pytest

from quadrivium.agents.cluster.connection import Cluster

os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (Ray's own spelling): else other tests' processes, on the same cores, go first


def require_ray():
    """Skips the module where Ray is missing; fails it where CI is set, which installs the extra."""
    if find_spec("ray") is None:
        if os.environ.get("CI"):
            pytest.fail("ray is missing: CI is set, and the extra [test] installs it")
        pytest.skip("ray is not installed", allow_module_level=True)


@contextlib.contextmanager
def small_cluster(cpus=2):
    """A Ray of this machine's loopback."""
    with Cluster(True, cpus=cpus) as cluster:
        yield cluster
