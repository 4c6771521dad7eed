"""Plays whole episodes of a player on a vector environment and keeps what came out.

A player is anything that maps observations to actions; what is known of the environment is Gymnasium's
`VectorEnv` in SAME_STEP mode, and our `info["metrics"]` and `info["reward_terms"]` where it has them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv

from quadrivium.agents.batches.finite import FiniteGuard, name_of
from quadrivium.agents.batches.infos import columns, final_observations
from quadrivium.agents.errors import UserError
from quadrivium.intervals import Interval
from quadrivium.measures import Measure, count, measure_interval

MAX_STEPS = 100_000


class Player(Protocol):
    """Chooses actions for a batch of environments."""

    @property
    def name(self) -> str:
        """What tables and charts call it."""
        ...

    def act(self, obs: Any, env: VectorEnv) -> np.ndarray:
        """Returns actions (N, ...) for observations (N, ...) of `env`. Must not change `env`."""
        ...


class Policy(Protocol):
    """What a trained agent offers: `act(obs (N, ...), deterministic=True) -> actions (N, ...)`."""

    def act(self, obs: Any, deterministic: bool = True) -> np.ndarray:
        """Returns actions (N, ...) for observations (N, ...)."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A player or policy that remembers an episode's earlier observations."""

    def forget(self, lanes: np.ndarray | None = None) -> None:
        """Hears that other episodes begin in `lanes` (K,) int64; None: in all."""
        ...


def forget(player: Any, lanes: np.ndarray | None = None) -> None:
    """Tells a player or policy, if it remembers anything, that episodes begin in `lanes`; None: in all."""
    if isinstance(player, Remembers):
        player.forget(lanes)


@dataclass(frozen=True)
class AgentPlayer:
    """A trained agent as a player; deterministic, so that it draws no random numbers.

    identity: which checkpoint and weights it has, where it was loaded.
    """

    name: str
    policy: Policy
    identity: str = ""

    def act(self, obs: Any, env: VectorEnv) -> np.ndarray:
        """Returns the agent's most preferred actions."""
        return self.policy.act(obs, deterministic=True)

    def forget(self, lanes: np.ndarray | None = None) -> None:
        """Hears that other episodes begin in `lanes` (K,) int64; None: in all."""
        forget(self.policy, lanes)


@dataclass(frozen=True)
class RandomPlayer:
    """Uniformly random actions, from the environment's own action space (seeded by `play_episodes`)."""

    name: str = "random"

    def act(self, obs: Any, env: VectorEnv) -> np.ndarray:
        """Returns a sample of the action space."""
        return np.asarray(env.action_space.sample())


@dataclass(frozen=True)
class BaselinePlayer:
    """A scripted player that an environment brings along; it may look at the whole state."""

    name: str
    script: Callable[[Any], np.ndarray]

    def act(self, obs: Any, env: VectorEnv) -> np.ndarray:
        """Returns the script's actions."""
        return self.script(env.unwrapped)


@dataclass(frozen=True)
class Episodes:
    """What E episodes came to; entry k is the episode of scenario k.

    Where agents share a scenario's world, entries k * agents … are theirs; NaN where another player had the
    seat.

    Attributes:
        returns: (E,) float64, undiscounted sums of rewards.
        lengths: (E,) int64, steps.
        metrics: the environment's own measures at the episode's end, name to (E,) float64.
        reward_terms: the parts of the return, name to (E,) float64.
        agents: that share the world of a scenario.
    """

    returns: np.ndarray
    lengths: np.ndarray
    metrics: Mapping[str, np.ndarray] = field(default_factory=dict)
    reward_terms: Mapping[str, np.ndarray] = field(default_factory=dict)
    agents: int = 1

    @property
    def scenarios(self) -> int:
        """How many were played."""
        return self.returns.size // self.agents

    def columns(self) -> dict[str, np.ndarray]:
        """Returns every measure by name: return, length, then the metrics, then `reward/<term>`."""
        terms = {f"reward/{name}": values for name, values in self.reward_terms.items()}
        return {Measure("return"): self.returns, count("length"): self.lengths, **self.metrics, **terms}

    def summary(self) -> dict[str, Interval]:
        """Returns the mean of every measure with its 95 % interval (Wilson for a rate)."""
        return {name: measure_interval(name, values, self.agents) for name, values in self.columns().items()}

    def of(self, seats: np.ndarray) -> "Episodes":
        """Returns what those in `seats` (E,) bool came to; NaN in others."""

        def own(values: np.ndarray) -> np.ndarray:
            return np.where(seats, values, np.nan)

        metrics, terms = (
            {name: own(values) for name, values in columns.items()}
            for columns in (self.metrics, self.reward_terms)
        )
        return Episodes(own(self.returns), own(self.lengths), metrics, terms, self.agents)


def agents_of(env: VectorEnv) -> int:
    """Returns how many environments of a batch share a world: the agents that act at once in one of ours."""
    return len(getattr(getattr(env.unwrapped, "setup", None), "agents", ("agent",)))


def play_episodes(player: Player, env: VectorEnv, *, episodes: int, seed: int) -> Episodes:
    """Plays the first episode of scenarios `seed` … `seed + episodes − 1`, in blocks of the batch's size.

    Only each lane's first episode counts, so short episodes are not played more often than long ones. Where
    several agents share a world, `player` is all of them.

    Raises:
        UserError: an episode does not end within MAX_STEPS, or the environment gives a NaN or an infinity.
    """
    blocks = [play_block(player, env, seed + start) for start in block_starts(env, episodes)]
    return join_episodes(blocks, episodes * agents_of(env))


def block_starts(env: VectorEnv, episodes: int) -> range:
    """Returns the first scenarios, from 0, of the blocks in which so many episodes are played in `env`."""
    return range(0, episodes, env.num_envs // agents_of(env))


def join_episodes(blocks: list[Episodes], count: int | None = None) -> Episodes:
    """Returns the episodes of all blocks, the first `count` of them."""
    return Episodes(
        returns=np.concatenate([block.returns for block in blocks])[:count],
        lengths=np.concatenate([block.lengths for block in blocks])[:count],
        metrics=_join([block.metrics for block in blocks], count),
        reward_terms=_join([block.reward_terms for block in blocks], count),
        agents=blocks[0].agents,
    )


def play_block(player: Player, env: VectorEnv, seed: int) -> Episodes:
    """Plays the first episode of as many scenarios, from `seed` on, as there is room for in `env`.

    They are the same whatever was played before. Raises UserError as `play_episodes`.
    """
    n = env.num_envs
    obs, _ = env.reset(seed=seed)
    guard = FiniteGuard(n, name_of(env))
    guard.reset(obs)
    env.action_space.seed(seed)
    returns, lengths = np.zeros(n), np.zeros(n, np.int64)
    metrics: dict[str, np.ndarray] = {}
    terms: dict[str, np.ndarray] = {}
    running = np.ones(n, np.bool_)
    forget(player)
    for _ in range(MAX_STEPS):
        obs, rewards, terminated, truncated, info = env.step(player.act(obs, env))
        done = terminated | truncated
        guard.step(obs, rewards, done, final_observations(obs, info))
        returns += np.where(running, rewards, 0)
        lengths += running
        for name, values in columns(info, "reward_terms", done).items():
            terms[name] = terms.get(name, np.zeros(n)) + np.where(running, values, 0)
        if done.any():
            forget(player, np.flatnonzero(done))
        ended = running & done
        if ended.any():
            for name, values in columns(info, "metrics", done).items():
                column = metrics.setdefault(name, np.full(n, np.nan))
                column[ended] = values[ended]
            running &= ~ended
            if not running.any():
                return Episodes(returns, lengths, metrics, terms, agents_of(env))
    raise UserError(
        f"{name_of(env)}: {int(running.sum())} of {n} episodes of {player.name} did not end within "
        f"{MAX_STEPS} steps; evaluation needs episodes that end: give the environment a time limit"
    )


def _join(blocks: list[Mapping[str, np.ndarray]], count: int | None) -> dict[str, np.ndarray]:
    return {name: np.concatenate([block[name] for block in blocks])[:count] for name in blocks[0]}


def film_episode(
    policy: Policy, env: gymnasium.Env, *, seed: int, fps: float, max_frames: int = 2000
) -> tuple[list[np.ndarray], float]:
    """Plays one episode on a single environment that renders `rgb_array`.

    The last frame shows the end, which a batch has already left behind. Where the environment can draw the
    motion within a step (`render_motion`, as ours can), frames are added, to about `fps` a second.

    Returns:
        The frames, each (H, W, 3) uint8, and how many of them make a second of the environment's time.
    """
    steps_a_second = env.metadata.get("render_fps") or 10
    motion = getattr(env.unwrapped, "render_motion", None)
    frames_a_step = max(1, round(fps / steps_a_second)) if motion is not None else 1
    obs, _ = env.reset(seed=seed)
    frames = [_frame(env)]
    forget(policy)
    done = False
    while not done and len(frames) < max_frames:
        batch = {key: value[None] for key, value in obs.items()} if isinstance(obs, dict) else np.array([obs])
        action = policy.act(batch, deterministic=True)[0]
        obs, _, terminated, truncated, _ = env.step(action)
        frames += motion(frames_a_step) if motion is not None and frames_a_step > 1 else [_frame(env)]
        done = bool(terminated or truncated)
    return frames, steps_a_second * frames_a_step


def _frame(env: gymnasium.Env) -> np.ndarray:
    return np.array(env.render(), np.uint8)
