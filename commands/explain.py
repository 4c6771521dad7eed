"""`evaluate.py explain`: what an agent looked at, in episodes that it plays, as pictures and JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console
from rich.table import Table

from quadrivium.agents.batches.environments import make_film_env
from quadrivium.agents.batches.observations import concatenate
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.report import describe, print_table
from quadrivium.agents.explain.integrated import POINTS, Attributions
from quadrivium.agents.explain.marks import PartView
from quadrivium.agents.explain.picture import Moment, draw_moment, draw_overall
from quadrivium.agents.logs.film import encode_png
from quadrivium.agents.logs.tensorboard import TensorBoardWriter
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.commands.build import Actor, load_agent
from quadrivium.commands.explain_facts import by_name, completeness, moment_facts, plain
from quadrivium.commands.explainer import Explainer, Explanation, require_explainable
from quadrivium.commands.trading.kept_market import kept_kwargs

_MOST_STEPS = 1000  # of an episode that are played


@dataclass(frozen=True)
class Seen:
    """A step of an episode: the observation with a batch axis of one, what was done, and how it looked."""

    episode: int
    step: int
    obs: Any
    action: Any
    frame: np.ndarray | None
    places: Mapping[str, np.ndarray]


def explain(
    player: str,
    output: Path | None,
    kwargs: Mapping[str, Any],
    episodes: int,
    steps: int,
    seed: int | None,
    console: Console,
    notify: Callable[[str], object],
) -> None:
    """Plays `episodes` from scenario `seed` on, explains every step, and draws `steps` of each episode.

    output: where to; None: RUN/explanation. kwargs: arguments of the environment beside the run's own.

    Raises:
        UserError: it is no run or model, captum is missing, several agents act at once, or the spaces differ.
    """
    text, config = require_explainable(player)
    if output is None and player.startswith("model:"):
        raise UserError(f"{player} has no run directory to write to; give --output DIR")
    played = config.evaluation_kwargs() | dict(kwargs)
    first = config.evaluation.seed if seed is None else seed
    kept = kept_kwargs(text.run_dir, config, played, notify)
    agent, checkpoint = load_agent(text.run_dir, text.which, notify, played | kept)
    env = _make_env(config.env.id, played | kept, agent)
    explainer = Explainer(agent, env)
    if explainer.note:
        notify(explainer.note)
    seen = [one for k in range(episodes) for one in _play(agent, env, k, first + k)]
    env.close()
    explained = explainer.explain(concatenate([one.obs for one in seen]))
    found = explained.found
    directory = output or text.run_dir / "explanation"
    directory.mkdir(parents=True, exist_ok=True)
    _clear(directory)
    tensorboard = TensorBoardWriter(text.run_dir if output is None else output)

    def write(name: str, picture: np.ndarray) -> None:
        write_atomically(directory / f"{name}.png", encode_png(picture))
        tensorboard.write_picture(f"explanation/{name}", picture, checkpoint.step)

    world = describe(config.env.id, played)
    overall = _overall(explained)
    write(
        "overall", draw_overall(f"{world}: mean |attribution| of {len(seen)} steps", found.targets, overall)
    )
    moments: list[dict[str, Any]] = []
    for k in _chosen(seen, steps):
        one, name = seen[k], f"episode_{seen[k].episode}_step_{seen[k].step:03d}"
        title = f"{world}, scenario {first + one.episode}, step {one.step}: action {plain(one.action)}"
        views, looked = explained.views(k), explained.looked(k)
        placed = [_with_places(view, one.places) for view in views]
        write(name, draw_moment(Moment(title, found.targets, placed, one.frame, **looked)))
        facts = {"picture": f"{name}.png", "scenario": first + one.episode, "step": one.step}
        moments.append(
            facts | {"action": plain(one.action)} | moment_facts(found, views, looked.get("reached", {}), k)
        )
    told = {
        "player": player,
        "step": checkpoint.step,
        "weights_sha256": checkpoint.sha256,
        "environment": config.env.id,
        "kwargs": played,
        "seed": first,
        "episodes": episodes,
        "steps": len(seen),
        "method": {"name": "integrated gradients", "points": POINTS, "baseline": explained.names.baselines},
        "completeness": completeness(found),
        "mean_absolute": {
            target: {view.name: by_name(view.columns, view.weights[t]) for view in overall}
            for t, target in enumerate(found.targets)
        },
        "moments": moments,
    }
    write_atomically(directory / "explanation.json", (json.dumps(told, indent=1) + "\n").encode())
    _tell(console, overall, found, directory)


# ---- playing


def _make_env(env_id: str, kwargs: dict[str, Any], agent: Actor) -> gymnasium.Env:
    """Returns the environment, which renders where it can; raises UserError where the agent does not fit."""
    env = make_film_env(env_id, kwargs)
    if env is None:
        raise UserError(
            f"{env_id} makes no single environment that renders rgb_array, in which one agent acts; where "
            "several act at once, give --env-kwargs with one, such as drivers=1"
        )
    if env.observation_space != agent.observation_space:
        raise UserError(
            f"the agent was trained on observations {agent.observation_space}, but {env_id} gives "
            f"{env.observation_space} with these arguments; give --env-kwargs with the same"
        )
    return env


def _play(agent: Actor, env: gymnasium.Env, episode: int, seed: int) -> list[Seen]:
    """Returns the steps of one episode, in which the agent does what it thinks best."""
    obs, _ = env.reset(seed=seed)
    steps: list[Seen] = []
    done = False
    while not done and len(steps) < _MOST_STEPS:
        frame: Any = env.render()
        told = getattr(env.unwrapped, "observed_places", None)
        places = {} if told is None else told(obs)
        batch = {key: np.asarray(one)[None] for key, one in obs.items()} if isinstance(obs, dict) else None
        batch = np.asarray(obs)[None] if batch is None else batch
        action = agent.act(batch, deterministic=True)[0]
        steps.append(Seen(episode, len(steps), batch, action, np.array(frame, np.uint8), places))
        obs, _, terminated, truncated, _ = env.step(action)
        done = bool(terminated or truncated)
    return steps


def _chosen(seen: Sequence[Seen], count: int) -> list[int]:
    """Returns which steps are drawn: `count` of each episode, evenly from its first to its last."""
    places: list[int] = []
    for episode in range(seen[-1].episode + 1):
        own = [k for k, one in enumerate(seen) if one.episode == episode]
        at = np.unique(np.linspace(0, len(own) - 1, count + 2).round().astype(int)[1:-1])
        places += [own[k] for k in at]
    return places


# ---- telling


def _overall(explained: Explanation) -> list[PartView]:
    """Returns of each part the mean absolute weights (T, F): of tokens and planes summed over all of them."""
    views: list[PartView] = []
    for name, weights in explained.weights.items():  # (T, B, …)
        means = np.abs(weights).mean(1)
        if means.ndim == 3:
            means = means.sum(1)
        elif means.ndim == 4:
            means = means.sum((2, 3))
        views.append(PartView(name, explained.names.columns[name], means))
    return views


def _with_places(view: PartView, places: Mapping[str, np.ndarray]) -> PartView:
    return PartView(view.name, view.columns, view.weights, view.tokens, places.get(view.name))


def _clear(directory: Path) -> None:
    """Removes the pictures of an earlier explanation."""
    for path in directory.glob("episode_*_step_*.png"):
        path.unlink()


def _tell(console: Console, overall: Sequence[PartView], found: Attributions, directory: Path) -> None:
    """Prints what mattered most for each target, and how exact that is."""
    table = Table()
    for heading in ("", "what mattered most: mean |attribution|", "completeness: mean error", "of"):
        table.add_column(heading, overflow="fold")
    for t, (target, exact) in enumerate(completeness(found).items()):
        ranked = sorted(
            (-float(weight), f"{view.name}: {name}")
            for view in overall
            for name, weight in zip(view.columns, view.weights[t], strict=True)
        )
        most = "\n".join(f"{name}  {-weight:.3g}" for weight, name in ranked[:5])
        table.add_row(target, most, f"{exact['mean_error']:.2g}", f"{exact['mean_explained']:.3g}")
    print_table(console, table)
    console.print(f"written: {directory / 'explanation.json'} and pictures", highlight=False, soft_wrap=True)
