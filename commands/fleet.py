"""A training whose games or steps are made all over a cluster: `train.py CONFIG --cluster [HOST:PORT]`."""

import contextlib
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

import numpy as np

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.fleet.fleet import Fleet
from quadrivium.agents.alphazero.fleet.learner import FleetAlphaZero
from quadrivium.agents.alphazero.fleet.portion_log import PortionLog
from quadrivium.agents.alphazero.fleet.self_player import SelfPlayer
from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.workforce import Workforce
from quadrivium.agents.dqn import DQNConfig
from quadrivium.agents.errors import UserError, program
from quadrivium.agents.ppo import PPOConfig
from quadrivium.agents.ppo.fleet.learner import FleetPPO
from quadrivium.agents.pqn import PQNConfig
from quadrivium.agents.pretrain import PretrainConfig
from quadrivium.agents.sac import SACConfig
from quadrivium.commands.build import Agent, make_agent, use_threads
from quadrivium.commands.shared_environments import require_shares, sharing
from quadrivium.configs.schema import RunConfig

LOG = "games.log"


def require_fit(config: RunConfig, run_dir: Path) -> None:
    """Raises UserError where the config asks for a cluster that it cannot use, or a run needs one."""
    alone = DQNConfig | PQNConfig | SACConfig | PretrainConfig
    if config.cluster is not None and isinstance(config.agent, alone):
        raise UserError(
            f"--cluster: {config.agent.algorithm} trains on one machine, alphazero and ppo alone have "
            "fleets; leave it out, or spread several seeds: --seeds 0-4 --cluster"
        )
    if config.cluster is not None and isinstance(config.agent, PPOConfig):
        require_shares(config)
        if config.init_from is not None:
            raise UserError(
                f"--cluster: ppo's workers begin by the seed, not by init_from {config.init_from}; leave "
                "one of them out"
            )
        if config.worlds:
            raise UserError(
                f"--cluster: ppo's workers have environments of one world, not of {len(config.worlds)} more; "
                "leave the cluster or worlds out"
            )
    if config.cluster is not None and isinstance(config.agent, AlphaZeroConfig) and config.agent.curriculum:
        raise UserError(
            f"--cluster: agent.curriculum {config.agent.curriculum:g} is for one machine, a fleet plays all "
            "sizes all the time; give 0, or leave the cluster out"
        )
    if config.cluster is None and (run_dir / LOG).exists():
        raise UserError(
            f"{run_dir} learns from games that a cluster plays; go on with one, which may be this machine: "
            f"{program('train')} --resume {run_dir} --cluster"
        )
    if config.workers is not None and config.cluster is None:
        raise UserError(f"--workers {config.workers} are of --cluster, which is not given; give both or none")


@contextlib.contextmanager
def connected(config: RunConfig) -> Generator[Cluster | None]:
    """Connects with the config's cluster; None where it names none."""
    if config.cluster is None:
        yield None
        return
    with Cluster(config.cluster) as cluster:
        yield cluster


@contextlib.contextmanager
def at_play(
    agent: Agent, config: RunConfig, run_dir: Path, cluster: Cluster | None, say: Callable[[str], object]
) -> Generator[None]:
    """Lets the cluster work for the agent, where there is one; games are kept in the run directory."""
    if cluster is not None and isinstance(agent, FleetPPO):
        with sharing(agent, config, cluster, say):
            yield
        return
    if cluster is None or not isinstance(agent, FleetAlphaZero):
        yield
        return
    log = PortionLog(run_dir / LOG)
    workforce = Workforce(
        cluster,
        lambda number: (SelfPlayer, (partial(make_self_player, config, number),)),
        most=config.workers,
        first=log.next_worker,
        notify=say,
    )
    fleet = Fleet(cluster, workforce)
    agent.attach(log, fleet)
    say(f"cluster: {cluster.nodes} nodes, room for {workforce.room} workers")
    if (known := len(log) - agent.portions) > 0:
        say(f"{known} portions of games came in after the checkpoint: they are learned from first")
    try:
        yield
    finally:
        fleet.stop()


def make_self_player(config: RunConfig, number: int) -> AlphaZero:
    """Returns the agent that plays on worker `number`, in its own process."""
    use_threads("auto")
    agent = make_agent(config.model_copy(update={"seed": worker_seed(config.seed, number), "device": "cpu"}))
    assert isinstance(agent, AlphaZero)
    return agent


def worker_seed(seed: int, number: int) -> int:
    """Returns the seed of a worker's games: others for each worker and each run, and never the learner's."""
    return int(np.random.SeedSequence([seed, 1 + number]).generate_state(1)[0])
