"""What went wrong: each failed episode of an evaluation by its seed, the first of them again as films."""

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv
from PIL import Image

from quadrivium.agents.batches.environments import make_film_env
from quadrivium.agents.evaluation.episodes import Episodes, Player, forget
from quadrivium.agents.evaluation.report import describe
from quadrivium.agents.logs.film import encode_gif
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.commands.trading.evaluation import setup_of

FPS = 10.0  # whatever the world's own time, so that long episodes do not take long to watch
MAX_FRAMES = 60
MAX_BYTES = 300_000
OUTCOMES = ("success", "collision", "timeout")
ALONE = (
    "The films show the episodes as they were counted. Played alone, an episode can end otherwise: "
    "a network's last digits depend on how many episodes are played at once."
)


@dataclass(frozen=True)
class Failure:
    """A failed episode: its scenario, its outcome by `outcome_of`, and its steps."""

    seed: int
    outcome: str
    length: int

    @property
    def film(self) -> str:
        """The name of its film's file."""
        return f"seed_{self.seed}_{self.outcome}.gif"


@dataclass(frozen=True)
class Replay:
    """An episode played again: frames (H, W, 3) uint8 of half the size, its outcome and its steps."""

    frames: list[np.ndarray]
    outcome: str
    length: int


def write_failures(
    directory: Path,
    player: Player,
    episodes: Episodes,
    env: VectorEnv,
    facts: Mapping[str, Any],
    *,
    films: int,
    command: Sequence[str],
) -> str | None:
    """Writes `index.md`, which lists every failed episode, and a film (GIF) of each of the first `films`.

    What an earlier evaluation has left in `directory` is removed.

    Args:
        directory: the gallery's.
        player: who has played `episodes`; deterministic.
        episodes: of scenarios `facts["seed"]` and on.
        env: in which they were played.
        facts: as in `evaluate_players`; `run` and `step` say whose weights these are.
        films: at most so many.
        command: what evaluates the run; options for a single episode are added.

    Returns:
        A line that says how many failed and where the gallery is. None, and nothing is written, where the
        world does not tell success, or several agents share an episode and so its seed.
    """
    setup = setup_of(env)
    if "success" not in episodes.metrics or (setup is not None and len(setup.agents) > 1):
        return None
    failures = find_failures(episodes, int(facts["seed"]))
    _clear(directory)
    directory.mkdir(parents=True, exist_ok=True)
    filmed = _write_films(directory, player, failures[:films], env, facts)
    path = directory / "index.md"
    write_atomically(path, _index(failures, episodes.returns.size, filmed, facts, command).encode())
    return f"{len(failures)} of {episodes.returns.size} episodes failed: {path}"


def find_failures(episodes: Episodes, seed: int) -> list[Failure]:
    """Returns the episodes whose metric `success` is below 0.5; seed: of the first episode."""
    return [
        Failure(
            seed + k,
            outcome_of({name: float(column[k]) for name, column in episodes.metrics.items()}),
            int(episodes.lengths[k]),
        )
        for k in np.flatnonzero(episodes.metrics["success"] < 0.5).tolist()
    ]


def outcome_of(metrics: Mapping[str, float]) -> str:
    """Returns the first of OUTCOMES whose metric is 1, or `failure` where there is none."""
    return next((name for name in OUTCOMES if metrics.get(name, 0.0) >= 0.5), "failure")


def record_actions(
    player: Player, env: VectorEnv, *, seed: int, lanes: Sequence[int], steps: int
) -> np.ndarray:
    """Returns the first actions (steps, L, ...) of L lanes, when `player` plays all of `env`.

    All, because a network rounds differently for another number of rows, and a last digit can decide.

    seed: of the first lane's scenario.
    """
    obs, _ = env.reset(seed=seed)
    taken: list[np.ndarray] = []
    forget(player)
    for _ in range(steps):
        actions = player.act(obs, env)
        taken.append(actions[list(lanes)])
        obs, _, terminated, truncated, _ = env.step(actions)
        forget(player, np.flatnonzero(terminated | truncated))
    return np.array(taken)


def play_again(env: gymnasium.Env, actions: Iterable[Any], *, seed: int, stride: int) -> Replay:
    """Plays the first episode of scenario `seed` by `actions`, on an environment that renders `rgb_array`.

    stride: steps from one frame to the next; the start and the end are shown in any case.
    """
    env.reset(seed=seed)
    frames, length = [_half_frame(env)], 0
    info: dict[str, Any] = {}
    for length, action in enumerate(actions, 1):
        _, _, terminated, truncated, info = env.step(action)
        done = terminated or truncated
        if done or length % stride == 0:
            frames.append(_half_frame(env))
        if done:
            break
    return Replay(frames, outcome_of(info.get("metrics", {})), length)


def small_gif(frames: Sequence[np.ndarray]) -> bytes:
    """Returns a GIF of at most MAX_BYTES, if need be of every 2nd, 4th … frame; the last one stays."""
    fps = FPS
    while len(film := encode_gif(frames, fps)) > MAX_BYTES and len(frames) > 1:
        frames, fps = frames[::-2][::-1], fps / 2
    return film


def _clear(directory: Path) -> None:
    for path in [*directory.glob("seed_*.gif"), directory / "index.md"]:
        path.unlink(missing_ok=True)


def _write_films(
    directory: Path, player: Player, failures: Sequence[Failure], env: VectorEnv, facts: Mapping[str, Any]
) -> list[Failure]:
    """Returns those that were filmed."""
    single = make_film_env(facts["environment"], dict(facts["kwargs"])) if failures else None
    if single is None:
        return []
    filmed: list[Failure] = []
    first = int(facts["seed"])
    for block, group in groupby(failures, lambda failure: (failure.seed - first) // env.num_envs):
        some, start = list(group), first + block * env.num_envs
        lanes, steps = [failure.seed - start for failure in some], max(failure.length for failure in some)
        actions = record_actions(player, env, seed=start, lanes=lanes, steps=steps)
        for k, failure in enumerate(some):
            stride = math.ceil(failure.length / MAX_FRAMES)
            replay = play_again(single, actions[: failure.length, k], seed=failure.seed, stride=stride)
            # A foreign world may draw its scenarios anew; a film of another episode would mislead.
            if (replay.outcome, replay.length) == (failure.outcome, failure.length):
                (directory / failure.film).write_bytes(small_gif(replay.frames))
                filmed.append(failure)
    single.close()
    return filmed


def _half_frame(env: gymnasium.Env) -> np.ndarray:
    return np.asarray(Image.fromarray(np.array(env.render(), np.uint8)).reduce(2))


def _index(
    failures: Sequence[Failure],
    played: int,
    filmed: Sequence[Failure],
    facts: Mapping[str, Any],
    command: Sequence[str],
) -> str:
    counts = Counter(failure.outcome for failure in failures)
    kinds = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    world = describe(facts["environment"], facts["kwargs"])
    first = int(facts["seed"])
    lines = [
        f"# Failures of {facts['run']}",
        "",
        f"{len(failures)} of {played} episodes failed{f' ({kinds})' if kinds else ''}: {world}, "
        f"checkpoint {facts['step']:,}, scenarios {first} to {first + played - 1}.",
        "",
    ]
    for failure in filmed:
        lines += [f"## Seed {failure.seed}: {failure.outcome} after {failure.length} steps", ""]
        lines += [f"![{failure.outcome}]({failure.film})", ""]
    if failures:
        lines += ["## All", "", ALONE, "", "| seed | outcome | steps | play it again |", "|---|---|---|---|"]
    for failure in failures:
        again = [*command, "--seed", str(failure.seed), "--episodes", "1", "--failures", "0", "--video"]
        lines.append(f"| {failure.seed} | {failure.outcome} | {failure.length} | `{shlex.join(again)}` |")
    return "\n".join(lines).rstrip("\n") + "\n"
