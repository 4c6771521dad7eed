"""`evaluate.py explain`: what an agent looked at, in episodes that it plays, as pictures and JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.batches.environments import make_film_env
from quadrivium.agents.batches.observations import concatenate, rows_of, to_tensors
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.report import describe, print_table
from quadrivium.agents.explain.attention import Attention, attention_of
from quadrivium.agents.explain.integrated import POINTS, Attributions, integrate, require_captum
from quadrivium.agents.explain.picture import Moment, PartView, draw_moment, draw_overall
from quadrivium.agents.export.acting import Acting
from quadrivium.agents.logs.film import encode_png
from quadrivium.agents.logs.tensorboard import TensorBoardWriter
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.commands.build import (
    Agent,
    load_agent,
    open_run,
    read_model_text,
    read_run_text,
    require_networks_of_ours,
)
from quadrivium.commands.explain_names import Names
from quadrivium.commands.trading.kept_market import kept_kwargs

_MOST_CELLS = 400
"""Of a grid whose cells are in the JSON; larger ones are in the pictures alone."""
_MOST_STEPS = 1000  # of an episode that are played
_CHUNK = 64  # observations that are explained at once


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
    require_captum()
    kind, _, argument = player.partition(":")
    if kind not in ("run", "model") or not argument:
        raise UserError(f"player {player!r} has no network to explain; write run:runs/NAME or model:NAME")
    text = (read_run_text if kind == "run" else read_model_text)(argument)
    if kind == "model" and output is None:
        raise UserError(f"{player} has no run directory to write to; give --output DIR")
    config = open_run(text.run_dir)
    require_networks_of_ours(config, player, "explain")
    if config.agent.net.memory is not None:
        raise UserError(
            f"player {player!r} remembers (net.memory={config.agent.net.memory}), and single observations "
            "are explained; explain an agent with net.memory: null"
        )
    played = config.evaluation_kwargs() | dict(kwargs)
    first = config.evaluation.seed if seed is None else seed
    kept = kept_kwargs(text.run_dir, config, played, notify)
    agent, checkpoint = load_agent(text.run_dir, text.which, notify, played | kept)
    acting = Acting(agent.policy.cpu(), agent.observation_space, agent.action_space).eval()
    if isinstance(agent, AlphaZero):
        notify("explained is the network, which also plays: the search is not in it")
    env = _make_env(config.env.id, played | kept, agent)
    seen = [one for k in range(episodes) for one in _play(agent, env, k, first + k)]
    names = Names(env, acting.network.backbone.stem, agent.observation_space)
    env.close()
    obs = concatenate([one.obs for one in seen])
    found, attention = _explain_all(acting, obs, len(seen))
    directory = output or text.run_dir / "explanation"
    directory.mkdir(parents=True, exist_ok=True)
    _clear(directory)
    tensorboard = TensorBoardWriter(text.run_dir if output is None else output)

    def write(name: str, picture: np.ndarray) -> None:
        write_atomically(directory / f"{name}.png", encode_png(picture))
        tensorboard.write_picture(f"explanation/{name}", picture, checkpoint.step)

    world = describe(config.env.id, played)
    overall = _overall(names, found)
    write(
        "overall", draw_overall(f"{world}: mean |attribution| of {len(seen)} steps", found.targets, overall)
    )
    moments: list[dict[str, Any]] = []
    for k in _chosen(seen, steps):
        one, name = seen[k], f"episode_{seen[k].episode}_step_{seen[k].step:03d}"
        title = f"{world}, scenario {first + one.episode}, step {one.step}: action {_plain(one.action)}"
        views = names.views(rows_of(obs, np.array([k])), {p: w[:, k] for p, w in _arrays(found).items()})
        placed = [_with_places(view, one.places) for view in views]
        looked = names.attention(views, attention[k])
        write(name, draw_moment(Moment(title, found.targets, placed, one.frame, **looked)))
        facts = {"picture": f"{name}.png", "scenario": first + one.episode, "step": one.step}
        moments.append(
            facts | {"action": _plain(one.action)} | _moment_json(found, views, looked.get("reached", {}), k)
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
        "method": {"name": "integrated gradients", "points": POINTS, "baseline": names.baselines},
        "completeness": _completeness(found),
        "mean_absolute": {
            target: {view.name: _named(view.columns, view.weights[t]) for view in overall}
            for t, target in enumerate(found.targets)
        },
        "moments": moments,
    }
    write_atomically(directory / "explanation.json", (json.dumps(told, indent=1) + "\n").encode())
    _tell(console, overall, found, directory)


# ---- playing


def _make_env(env_id: str, kwargs: dict[str, Any], agent: Agent) -> gymnasium.Env:
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


def _play(agent: Agent, env: gymnasium.Env, episode: int, seed: int) -> list[Seen]:
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


# ---- explaining


def _explain_all(acting: Acting, obs: Any, count: int) -> tuple[Attributions, list[Attention | None]]:
    """Returns what all observations (count, …) say, and the attention of each, with a batch axis of one."""
    found: list[Attributions] = []
    attention: list[Attention | None] = []
    backbone = acting.network.backbone
    for start in range(0, count, _CHUNK):
        tensors = to_tensors(rows_of(obs, np.arange(start, min(start + _CHUNK, count))), torch.device("cpu"))
        named = tensors if isinstance(tensors, dict) else {"observation": tensors}
        inputs = tuple(named[name] for name in acting.inputs)
        found.append(integrate(acting, inputs))
        for k in range(len(inputs[0])):
            row = {name: tensor[k : k + 1] for name, tensor in named.items()}
            attention.append(attention_of(backbone, row if backbone.stem.composed else row["observation"]))
    parts = {name: torch.cat([one.parts[name] for one in found], 1) for name in found[0].parts}
    joined = (
        torch.cat([getattr(one, name) for one in found], 1) for name in ("outputs", "baselines", "errors")
    )
    return Attributions(found[0].targets, parts, *joined), attention


def _arrays(found: Attributions) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in found.parts.items()}


def _overall(names: Names, found: Attributions) -> list[PartView]:
    """Returns of each part the mean absolute weights (T, F): of tokens and planes summed over all of them."""
    views: list[PartView] = []
    for name, weights in _arrays(found).items():  # (T, B, …)
        means = np.abs(weights).mean(1)
        if means.ndim == 3:
            means = means.sum(1)
        elif means.ndim == 4:
            means = means.sum((2, 3))
        views.append(PartView(name, names.columns[name], means))
    return views


def _completeness(found: Attributions) -> dict[str, dict[str, float]]:
    """Returns by target how far the sums of the attributions are from what they explain."""
    told: dict[str, dict[str, float]] = {}
    for t, name in enumerate(found.targets):
        errors = found.errors[t].abs()
        explained = (found.outputs[t] - found.baselines[t]).abs()
        told[name] = {
            "largest_error": _short(errors.max()),
            "mean_error": _short(errors.mean()),
            "mean_explained": _short(explained.mean()),
        }
    return told


# ---- telling


def _moment_json(
    found: Attributions, views: Sequence[PartView], reached: Mapping[str, Any], k: int
) -> dict[str, Any]:
    targets: dict[str, Any] = {}
    for t, target in enumerate(found.targets):
        targets[target] = {
            "output": _short(found.outputs[t, k]),
            "baseline_output": _short(found.baselines[t, k]),
            "completeness_error": _short(found.errors[t, k]),
            "attributions": {view.name: _part_json(view, view.weights[t]) for view in views},
        }
    told: dict[str, Any] = {"targets": targets}
    if reached:
        told["attention"] = {
            name: _named(names, weights) if names else [[_short(x) for x in row] for row in weights]
            for name, (names, weights) in reached.items()
        }
    return told


def _part_json(view: PartView, weights: np.ndarray) -> dict[str, Any]:
    if weights.ndim == 1:
        return _named(view.columns, weights)
    if weights.ndim == 2:
        return {
            name: {"sum": _short(row.sum())} | _named(view.columns, row)
            for name, row in zip(view.tokens, weights, strict=True)
            if name
        }
    told: dict[str, Any] = {"planes": _named(view.columns, weights.sum((1, 2)))}
    if weights[0].size <= _MOST_CELLS:
        told["cells"] = [[_short(x) for x in row] for row in weights.sum(0)]
    return told


def _named(names: Sequence[str], weights: np.ndarray) -> dict[str, float]:
    return {name: _short(weight) for name, weight in zip(names, weights, strict=True)}


def _short(number: Any) -> float:
    return float(f"{float(number):.4g}")


def _plain(action: Any) -> Any:
    array = np.asarray(action)
    if array.ndim == 0:
        return array.item()
    return [_short(x) if array.dtype.kind == "f" else int(x) for x in array.ravel()]


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
    for t, (target, exact) in enumerate(_completeness(found).items()):
        ranked = sorted(
            (-float(weight), f"{view.name}: {name}")
            for view in overall
            for name, weight in zip(view.columns, view.weights[t], strict=True)
        )
        most = "\n".join(f"{name}  {-weight:.3g}" for weight, name in ranked[:5])
        table.add_row(target, most, f"{exact['mean_error']:.2g}", f"{exact['mean_explained']:.3g}")
    print_table(console, table)
    console.print(f"written: {directory / 'explanation.json'} and pictures", highlight=False, soft_wrap=True)
