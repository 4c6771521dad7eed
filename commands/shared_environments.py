"""A training of PPO whose environments are shared out among workers of a cluster, which learn as one."""

import contextlib
import os
from collections.abc import Callable, Generator
from functools import partial
from itertools import count
from pathlib import Path

from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.workforce import Workforce
from quadrivium.agents.compute.peers import Peers
from quadrivium.agents.errors import UserError
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.ppo.fleet.fleet import Fleet
from quadrivium.agents.ppo.fleet.learner import FleetPPO
from quadrivium.agents.ppo.fleet.worker import RolloutWorker
from quadrivium.commands.build import agents_in, use_threads
from quadrivium.configs.schema import RunConfig


def require_shares(config: RunConfig) -> None:
    """Raises UserError where the config's workers cannot each have as many environments as the others."""
    wanted, lanes, device = config.workers, lanes_of(config), config.device
    if ":" in device or device == "mps":
        raise UserError(
            f"--device {device}: on a cluster each worker takes one CUDA device, or none; give --device "
            "cuda, cpu or auto"
        )
    if wanted is None or lanes % wanted == 0:
        return
    what = "environments" if lanes == config.env.num_envs else "worlds, whose agents stay together,"
    if wanted > lanes:
        raise UserError(
            f"--workers {wanted} are more than the {lanes} {what} that they share; give {lanes} or fewer, or "
            "a larger --env.num-envs"
        )
    fewer, more = largest_share_count(lanes, wanted), next(n for n in count(wanted) if lanes % n == 0)
    raise UserError(
        f"--workers {wanted} cannot share {lanes} {what} evenly; give {fewer} or {more}, or in a new run "
        f"--env.num-envs {-(-lanes // wanted) * wanted * (config.env.num_envs // lanes)}"
    )


def largest_share_count(lanes: int, most: int) -> int:
    """Returns the largest number up to `most` that divides the lanes; 0 where `most` is 0."""
    return max((size for size in range(1, min(most, lanes) + 1) if lanes % size == 0), default=0)


def lanes_of(config: RunConfig) -> int:
    """Returns how many worlds step together; the agents of one stay together."""
    return config.env.num_envs // agents_in(config.env.id, config.env.kwargs)


@contextlib.contextmanager
def sharing(
    agent: FleetPPO, config: RunConfig, cluster: Cluster, say: Callable[[str], object]
) -> Generator[None]:
    """Lets workers of the cluster collect and learn for the agent.

    Raises:
        UserError: the cluster is too small for the workers that the config asks for.
    """
    threads = config.threads if isinstance(config.threads, int) else 1
    device = agent.device.type
    make = partial(make_sharer, config, device, threads)
    workforce = Workforce(
        cluster,
        lambda number: (Sharer, (make, device, Path.cwd())),
        cpus=threads,
        gpus=1 if device == "cuda" else 0,
        most=config.workers,
        notify=say,
    )
    if workforce.room < (config.workers or 1):
        gpus = f" and {cluster.gpus:g} GPUs" if device == "cuda" else ""
        each = f"{threads} CPUs" if threads > 1 else "one CPU"
        raise UserError(
            f"--workers {config.workers or 1}: the cluster has room for {workforce.room} ({cluster.cpus:g} "
            f"CPUs{gpus}, of which each takes {each}{' and a GPU' if gpus else ''}); give "
            f"{'--device cpu' if not workforce.room else f'--workers {workforce.room}'} or a larger cluster"
        )
    lanes = lanes_of(config)
    fleet = Fleet(cluster, workforce, partial(largest_share_count, lanes), say)
    agent.attach(fleet)
    size = largest_share_count(lanes, workforce.room)
    share = config.env.num_envs // size
    say(f"cluster: {cluster.nodes} nodes, {size} workers with {share} environments each")
    try:
        yield
    finally:
        fleet.stop()


class Sharer(RolloutWorker):
    """A worker where the command was started, as far as its machine has that folder: files are named from
    there.
    """

    def __init__(self, make: Callable[[Peers], PPO], device: str, folder: Path) -> None:
        with contextlib.suppress(OSError):
            os.chdir(folder)
        super().__init__(make, device)


def make_sharer(config: RunConfig, device: str, threads: int, peers: Peers) -> PPO:
    """Returns the agent in its share of the config's environments, in its own process."""
    use_threads(threads)
    assert isinstance(config.agent, PPOConfig)
    agents = agents_in(config.env.id, config.env.kwargs)
    lanes = lanes_of(config) // peers.size
    env = make_vector_env(config.env.id, lanes * agents, config.env.kwargs)
    batch = EnvBatch(env, first=peers.rank * lanes, agents=agents)
    return PPO(config.agent, batch, seed=config.seed, device=device, peers=peers)
