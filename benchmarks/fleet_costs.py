"""What a portion of games costs a worker, the learner and the network: see fleet_simulation.py."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from quadrivium.agents.alphazero.fleet.portion_log import PortionLog
from quadrivium.agents.alphazero.fleet.self_player import SelfPlayer
from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.training.hooks import Hooks
from quadrivium.commands.build import make_agent, use_threads
from quadrivium.commands.fleet import make_self_player
from quadrivium.configs.schema import RunConfig, load_config

GAMES, PORTIONS, CALLS = 128, 4, 20


@dataclass(frozen=True)
class Costs:
    """Of a portion: moves, seconds of processors, bytes that travel."""

    moves: int
    play_s: float
    learn_s: float
    call_s: float
    portion_bytes: float
    weights_bytes: float


class Echo:
    """A worker that takes weights and hands in the same portion again and again."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def play(self, weights: Any, simulations: int) -> bytes:
        return self._data


class Watch(Hooks):
    """Adds up the processor time of iterations, from reading a portion to the last gradient step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = 0.0

    def on_rollout_start(self) -> None:
        self._began = time.process_time()

    def on_iteration_end(self) -> bool:
        self.seconds.append(time.process_time() - self._began)
        return True


def measure(path: Path, simulations: int) -> Costs:
    """Returns what is measured with `GAMES` games, for a portion of the config's own number of games."""
    use_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    overrides = {"cluster": "true", "threads": "1", "device": "cpu", "max_minutes": "null"}
    config = load_config(path, overrides)
    scale = config.env.num_envs / GAMES
    config = config.model_copy(update={"env": config.env.model_copy(update={"num_envs": GAMES})})
    player = SelfPlayer(partial(make_self_player, config, 0))
    agent: Any = make_agent(config)
    weights = agent._weights()
    # Games take some portions to end; later ones hold as many positions as moves.
    warm = [player.play(weights, 16) for _ in range(PORTIONS)]
    began = time.process_time()
    data = player.play(weights, simulations)
    play_s = time.process_time() - began
    with tempfile.TemporaryDirectory() as folder:
        learn_s = _learn(agent, config, [*warm, *[data] * PORTIONS], Path(folder) / "games.log")
        call_s = _call(data, weights)
    weights_bytes = sum(one.nbytes for one in weights.values())
    moves = config.env.num_envs * config.agent.n_steps  # pyright: ignore[reportAttributeAccessIssue]
    return Costs(
        moves=round(moves * scale),
        play_s=round(play_s * scale, 3),
        learn_s=round(learn_s * scale, 3),
        call_s=round(call_s, 5),
        portion_bytes=round(len(data) * scale),
        weights_bytes=weights_bytes,
    )


def _learn(agent: Any, config: RunConfig, portions: list[bytes], path: Path) -> float:
    """Returns the learner's median processor time for one of the last PORTIONS."""
    log = PortionLog(path)
    for k, data in enumerate(portions):
        log.append(data, worker=0, sequence=k, version=k, progress=0.0, games=1)
    agent.attach(log)
    watch = Watch()
    agent.learn(config.total_timesteps, watch)
    return statistics.median(watch.seconds[-PORTIONS:])


def _call(data: bytes, weights: Any) -> float:
    """Returns the learner's median processor time for handing out weights and fetching a portion."""
    seconds: list[float] = []
    with Cluster(True, cpus=1) as cluster:
        worker = cluster.start(Echo, data)
        worker.ready.result()
        for _ in range(CALLS):
            began = time.process_time()
            call = worker.call("play", cluster.share(weights), 16)
            spent = time.process_time() - began
            while not cluster.wait([call], 10.0):
                continue
            began = time.process_time()
            call.result()
            seconds.append(spent + time.process_time() - began)
    return statistics.median(seconds)
