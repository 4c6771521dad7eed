"""A cluster: one that an address names, or Ray started on this machine's loopback while it is used."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from quadrivium.agents.cluster.head import Address, read_address, require_head
from quadrivium.agents.cluster.nodes import facts, require_same
from quadrivium.agents.cluster.workers import Call, Worker
from quadrivium.agents.compute.cores import available_cores
from quadrivium.agents.errors import UserError, one_line

_PROBE_S = 60.0  # in which a node must say what it has: its first process starts
_STORE_BYTES = 512 << 20  # of a local Ray: snapshots of weights and portions of games
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_NO_CLUSTER = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


class Cluster:
    """Machines that work; entered, it is connected, and left, its workers are gone.

    Args:
        address: where it is.
        cpus: of a local Ray; None: as many as this process may use.

    Raises:
        UserError: Ray is not installed, nothing answers, machines differ in versions or sources, or there is
            no processor to work on.
    """

    def __init__(self, address: Address, *, cpus: int | None = None) -> None:
        self._address = read_address(address)
        self._cpus = cpus

    def __enter__(self) -> Self:
        _require_ray()
        # Ray counts uses over the internet unless it is told not to, before it is imported.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        _silence()
        if self._address is None:
            self._start()
        else:
            self._join(self._address)
        try:
            self._check_nodes()
            if self.cpus < 1:
                raise UserError(
                    f"--cluster {self._address or ''}: it has {self.cpus:g} CPUs to work on; expected at "
                    "least 1: start a node with `ray start --address HOST:PORT --num-cpus N`"
                )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *details: object) -> None:
        import ray

        ray.shutdown()

    def _start(self) -> None:
        """Starts Ray for this process alone; nothing of it listens beyond loopback."""
        os.environ.pop("RAY_ADDRESS", None)
        _stay_on_loopback()
        try:
            _init(
                address="local",
                num_cpus=self._cpus or available_cores(),
                include_dashboard=False,
                object_store_memory=_STORE_BYTES,
            )
        except Exception as error:  # of any kind
            raise UserError(f"--cluster: Ray does not start on this machine: {one_line(error)}") from error

    def _join(self, address: str) -> None:
        if address.rpartition(":")[0] in _LOOPBACK:
            _stay_on_loopback()
        require_head(address)
        try:
            _init(address=address)
        except Exception as error:  # Ray raises several kinds, with texts of many lines
            text = one_line(error)
            remedy = "start Ray there with `ray start --head`, and give the address that it prints"
            if "ersion mismatch" in text:
                text = " ".join(re.findall(r"(?:Ray|Python): [\w.]+", text))
                remedy = (
                    f"the cluster's first; install the same versions here (now Python {facts()['python']})"
                )
            elif "IP address" in text or "raylet" in text.lower():
                remedy = f"run this on a machine of the cluster: `ray start --address {address}` makes it one"
            raise UserError(f"--cluster {address}: {text[:200]}; {remedy}") from error

    @staticmethod
    def _check_nodes() -> None:
        """Raises UserError for a machine with other versions or sources than this one."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # A function within a function travels as it is: a node without our package can say that it has none.
        def probe() -> dict[str, str] | str:
            try:
                from quadrivium.agents.cluster.nodes import facts
            except ImportError as error:
                return str(error)
            return facts()

        task = ray.remote(num_cpus=0, max_retries=0)(probe)
        nodes = {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
        asked = {
            task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(one, soft=False)).remote(): one
            for one in nodes
        }
        answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=_PROBE_S)
        for reference in answered:
            name = nodes[asked[reference]]
            try:
                theirs = ray.get(reference)
            except Exception as error:  # of Ray, or of a library that does not load there
                raise UserError(
                    f"node {name} cannot say what it has: {one_line(error)[:200]}; mend it, or leave it out"
                ) from error
            if isinstance(theirs, str):
                raise UserError(
                    f"node {name} does not know this package ({theirs}); install the same commit there, with "
                    "the extra [cluster]"
                )
            require_same(facts(), theirs, name)
        if silent:
            name = nodes[asked[silent[0]]]
            raise UserError(
                f"node {name} does not answer within {_PROBE_S:g} s; expected every node of the cluster to: "
                f"look at `ray status`, and stop Ray on {name}"
            )

    @property
    def cpus(self) -> float:
        """Processors of all machines that are in it now."""
        import ray

        return ray.cluster_resources().get("CPU", 0.0)

    @property
    def gpus(self) -> float:
        """Accelerators of all machines that are in it now."""
        import ray

        return ray.cluster_resources().get("GPU", 0.0)

    @property
    def nodes(self) -> int:
        """Machines that are in it now."""
        import ray

        return sum(node["Alive"] for node in ray.nodes())

    def start(
        self, make: Callable[..., object], *arguments: Any, cpus: float = 1, gpus: int = 0, threads: int = 1
    ) -> Worker:
        """Starts a worker that holds what `make(*arguments)` returns, once `cpus` processors and `gpus`
        accelerators are free.

        threads: of its calls, so many run at once.
        """
        return Worker(make, arguments, cpus=cpus, gpus=gpus, threads=threads)

    def share(self, value: Any) -> Any:
        """Returns what stands for `value` in calls; it travels to each machine once, and does not change."""
        import ray

        return ray.put(value)

    def wait(self, calls: Sequence[Call], seconds: float) -> list[Call]:
        """Returns those of `calls` that are done, or whose workers are lost: one at least, or all that are
        after so many seconds.
        """
        import ray

        if not calls:
            time.sleep(seconds)
            return []
        ray.wait([call.reference for call in calls], num_returns=1, timeout=seconds)
        done, _ = ray.wait([call.reference for call in calls], num_returns=len(calls), timeout=0)
        return [call for call in calls if call.reference in set(done)]


def _require_ray() -> None:
    if find_spec("ray") is None:
        raise UserError(
            "--cluster needs Ray, which is not installed (expected ray >= 2.59); pip install -e '.[cluster]'"
        )


def _stay_on_loopback() -> None:
    """Makes loopback this machine's address, to which all of Ray then binds.

    Given as `_node_ip_address`, Ray would replace it by the address that other machines see.
    """
    from ray._private import ray_constants

    os.environ[_NO_CLUSTER] = "0"  # for the processes that Ray starts
    ray_constants.ENABLE_RAY_CLUSTER = False


def _silence() -> None:
    """Keeps Ray's notices off the terminal; what matters of them, we say ourselves, in a line."""
    import ray
    from ray._private import worker

    assert ray  # its import sets the level of its logger
    logging.getLogger("ray").setLevel(logging.ERROR)
    # What a node reports of dead processes is printed by this function, whatever is logged.
    worker.print_to_stdstream = lambda *arguments, **options: None


def _init(**options: Any) -> None:
    """Connects by `ray.init`; our package is found by workers, and little is printed."""
    import ray

    # In a checkout that nodes share, or on one machine, it is this one that is imported.
    package = find_spec("quadrivium")
    home = str(Path(package.origin).resolve().parents[1]) if package and package.origin else ""
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    terminated = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {"PYTHONPATH": path}},
            **options,
        )
    finally:
        with contextlib.suppress(ValueError):  # not the main thread, where Ray leaves signals alone, too
            signal.signal(signal.SIGTERM, terminated or signal.SIG_DFL)
