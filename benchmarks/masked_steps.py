"""That agents take no illegal action: a million steps and more in every world that masks actions.

    python benchmarks/masked_steps.py [--steps 1000000] [--searched 20000] [--worlds ConnectFour ...]

Networks that have learned nothing choose about evenly, so that all of a world's masks are put to the test. In
training PPO samples, DQN and PQN explore epsilon-greedily (DQN's first half at random alone), and AlphaZero's
search plays against itself, some games from positions that random moves led to; in evaluation the random
player, PPO and AlphaZero's search act. What is counted is seen between agent and world: actions whose mask,
as it was last observed, is 0; of self-play those that the game calls illegal. `steps` are of each world, over
all paths but AlphaZero's, which are slower and make `searched` steps each; worlds that hide cards are not
searched.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import VectorEnv, VectorWrapper
from machine import RESULTS, machine, write_report

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.players import SearchPlayer
from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.evaluation.episodes import AgentPlayer, Player, RandomPlayer, play_episodes
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.pqn import PQN, PQNConfig
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.vector_agent import VectorAgent
from quadrivium.commands.build import make_game

LANES, GAMES = 256, 64
NET = NetConfig("mlp", width=16, depth=1, normalize_inputs=False)
NEVER = 1 << 62
# Of the steps of a world, by path.
SHARES = {"PPO": 0.35, "DQN": 0.2, "PQN": 0.2, "random in evaluation": 0.15, "PPO in evaluation": 0.1}
SEARCHED = ("AlphaZero", "AlphaZero in evaluation")


class Watched(VectorWrapper):
    """Environments of which is counted how many actions were illegal; in their place legal ones are taken."""

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env)
        self.steps = self.illegal = 0
        self._mask = np.zeros((0, 0), np.int8)

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        obs, info = self.env.reset(**options)
        self._mask = obs["action_mask"].copy()
        return obs, info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        wrong = self._mask[np.arange(self.num_envs), actions] == 0
        self.illegal += int(wrong.sum())
        self.steps += self.num_envs
        obs, *rest = self.env.step(np.where(wrong, self._mask.argmax(1), actions))
        self._mask = obs["action_mask"].copy()
        return obs, *rest


class WatchedGame:
    """A game of which is counted how many moves of its players were illegal."""

    def __init__(self, game: Any) -> None:
        self._game, self.steps, self.illegal = game, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._game, name)

    def step(self, pool: np.ndarray, rows: np.ndarray, actions: np.ndarray, *, check: bool = True) -> None:
        legal = self._game.legal(pool, rows)
        self.illegal += int((legal[np.arange(len(rows)), actions] == 0).sum())
        self.steps += len(rows)
        self._game.step(pool, rows, actions, check=True)


def masked_worlds() -> list[str]:
    """Returns the ids of our worlds whose observation has a mask."""
    found: list[str] = []
    for env_id in [name for name in gymnasium.registry if name.startswith("quadrivium/")]:
        env = gymnasium.make_vec(env_id, num_envs=1)
        space = env.single_observation_space
        if isinstance(space, gymnasium.spaces.Dict) and "action_mask" in space.spaces:
            found.append(env_id)
        env.close()
    return found


def _collect(agent: VectorAgent, env: Watched, steps: int) -> None:
    with agent.at_work():
        agent.begin(True)
        while env.steps < steps:
            agent.collect(Hooks(), steps)


def _evaluate(player: Player, env: Watched, steps: int) -> None:
    seed = 0
    while env.steps < steps:
        play_episodes(player, env, episodes=env.num_envs, seed=seed)
        seed += env.num_envs


def _alphazero(game: Any) -> AlphaZero:
    config = AlphaZeroConfig(
        n_steps=8,
        simulations=4,
        first_simulations=4,
        random_plies=20,
        symmetries=False,
        cache=0,
        learning_starts=NEVER,
        evaluation_simulations=4,
        net=NET,
    )
    return AlphaZero(config, game, games=GAMES, device="cpu")


def count(env_id: str, path: str, steps: int) -> Any:
    """Plays `steps` and a few more by a path; returns what counts `steps` and `illegal` ones."""
    if path == "AlphaZero":
        game = WatchedGame(make_game(env_id, {}))
        _alphazero(game).learn(steps)
        return game
    lanes = GAMES if path in SEARCHED else LANES
    env = Watched(gymnasium.make_vec(env_id, num_envs=lanes))
    ppo = PPOConfig(n_steps=32, batch_size=LANES, net=NET)
    pqn = PQNConfig(n_steps=32, batch_size=LANES, exploration_fraction=0.5, net=NET)
    dqn = DQNConfig(
        buffer_size=4 * LANES, learning_starts=steps // 2, exploration_fraction=1.0, batch_size=LANES, net=NET
    )
    make: dict[str, Callable[[], None]] = {
        "PPO": lambda: _collect(PPO(ppo, env, seed=0, device="cpu"), env, steps),
        "DQN": lambda: _collect(DQN(dqn, env, seed=0, device="cpu"), env, steps),
        "PQN": lambda: _collect(PQN(pqn, env, seed=0, device="cpu"), env, steps),
        "random in evaluation": lambda: _evaluate(RandomPlayer(), env, steps),
        "PPO in evaluation": lambda: _evaluate(
            AgentPlayer("ppo", PPO(ppo, env, seed=0, device="cpu")), env, steps
        ),
        "AlphaZero in evaluation": lambda: _evaluate(
            SearchPlayer("alphazero", _alphazero(make_game(env_id, {}))), env, steps
        ),
    }
    make[path]()
    env.close()
    return env


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000, help="of each world")
    parser.add_argument("--searched", type=int, default=20_000, help="of each world and path of AlphaZero's")
    parser.add_argument("--worlds", nargs="+", default=None, help="such as ConnectFour; by default all")
    parser.add_argument("--output", type=Path, default=RESULTS / "masked_steps.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    ids = masked_worlds()
    if options.worlds is not None:
        ids = [f"quadrivium/{name}-v0" for name in options.worlds]
    worlds: dict[str, Any] = {}
    for env_id in ids:
        began, paths = (
            time.perf_counter(),
            {path: int(share * options.steps) for path, share in SHARES.items()},
        )
        if not gymnasium.make(env_id).unwrapped.setup.world.hidden:  # pyright: ignore
            paths |= dict.fromkeys(SEARCHED, options.searched)
        worlds[env_id] = {}
        for path, steps in paths.items():
            found = count(env_id, path, steps)
            worlds[env_id][path] = {"steps": found.steps, "illegal": found.illegal}
        seconds = time.perf_counter() - began
        print(f"{env_id}: {worlds[env_id]} in {seconds:.0f} s", flush=True)
    every = [one for paths in worlds.values() for one in paths.values()]
    total = {name: sum(one[name] for one in every) for name in ("steps", "illegal")}
    print(f"in all {total}")
    write_report(options.output, machine("torch", "numba") | {"worlds": worlds, "total": total})
    return int(total["illegal"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
