"""Objects that live in other processes, whose methods are called without waiting for them."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from quadrivium.agents.cluster.nodes import facts, require_same
from quadrivium.agents.errors import one_line


def node_address() -> str:
    """Returns the address of this worker's machine in its cluster; loopback in one of this machine alone."""
    import ray

    return ray.util.get_node_ip_address()


class WorkerLost(Exception):
    """A worker's process, or its machine, is gone, and with it what was not yet fetched."""


class Host:
    """What a worker's process holds: an object that is made by the first call."""

    def __init__(self) -> None:
        self._is_begun = threading.Event()
        self._error: Exception | None = None

    def begin(self, ours: Mapping[str, str], make: Callable[..., object], arguments: Sequence[Any]) -> int:
        """Makes the object; returns the process id. Raises UserError where this machine has other code."""
        try:
            require_same(ours, facts(), platform.node())
            self._object = make(*arguments)
        except Exception as error:
            self._error = error
            raise
        finally:
            self._is_begun.set()
        return os.getpid()

    def call(self, method: str, *arguments: Any) -> Any:
        """Returns what the object's method does; raises what hindered its making."""
        self._is_begun.wait()  # with several threads calls overtake one another
        if self._error is not None:
            raise self._error
        return getattr(self._object, method)(*arguments)


class Call:
    """A call under way.

    Attributes:
        worker: who was called.
        reference: Ray's, of what it will return.
    """

    def __init__(self, worker: Worker, reference: Any) -> None:
        self.worker, self.reference = worker, reference

    def result(self) -> Any:
        """Returns what the call returned, once it did.

        Raises:
            WorkerLost: it never will.
            Exception: what the call raised.
        """
        import ray
        from ray import exceptions

        try:
            return ray.get(self.reference)
        except exceptions.RayTaskError as error:
            # Ray's own subclass of the cause has a traceback as its text, where we promise a line.
            raise error.cause if isinstance(error.cause, Exception) else error from None
        except (exceptions.RayActorError, exceptions.ObjectLostError, exceptions.WorkerCrashedError) as error:
            raise WorkerLost(one_line(error)) from None


class Worker:
    """An object in a process of its own, somewhere in the cluster.

    Args:
        make: what makes the object of `arguments`, there.
        arguments: of it.
        cpus: processors that it takes.
        gpus: accelerators that it takes, and alone sees.
        threads: calls that run at once; with one, calls run one after the other in the main thread.

    Attributes:
        ready: the call that makes it, which returns its process id.
    """

    def __init__(
        self,
        make: Callable[..., object],
        arguments: Sequence[Any],
        *,
        cpus: float,
        gpus: int = 0,
        threads: int = 1,
    ) -> None:
        import ray

        # A call is never repeated by Ray: what is lost is lost, and whoever called decides.
        options: dict[str, Any] = {"num_cpus": cpus, "num_gpus": gpus}
        options |= {"max_restarts": 0, "max_task_retries": 0}
        # With several threads calls overtake one another: the first one, for which all wait, needs its own.
        options["max_concurrency"] = threads if threads == 1 else threads + 1
        self._actor: Any = ray.remote(**options)(Host).remote()
        self.ready = Call(self, self._actor.begin.remote(facts(), make, list(arguments)))

    def call(self, method: str, *arguments: Any) -> Call:
        """Begins to call a method; arguments that `Cluster.share` returned arrive as what was shared."""
        return Call(self, self._actor.call.remote(method, *arguments))

    def stop(self) -> None:
        """Ends its process at once."""
        import ray

        ray.kill(self._actor)
