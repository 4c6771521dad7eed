"""`evaluate.py export`: an agent as an ONNX file, checked against the agent on observations of its world."""

import copy
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.batches.observations import concatenate, rows_of
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.episodes import AgentPlayer, Episodes
from quadrivium.agents.evaluation.evaluator import play_all
from quadrivium.agents.evaluation.report import print_table
from quadrivium.agents.export.acting import Acting
from quadrivium.agents.export.onnx_file import (
    OnnxPolicy,
    batches_of,
    largest_difference,
    write_int8,
    write_onnx,
)
from quadrivium.agents.export.pruning import prune
from quadrivium.agents.runs.directory import human_bytes
from quadrivium.commands.build import (
    Actor,
    load_agent,
    make_worlds,
    open_run,
    read_model_text,
    read_run_text,
    require_networks_of_ours,
)
from quadrivium.configs.schema import RunConfig
from quadrivium.measures import Measure, format_measure, measure_interval

TOLERANCE = 1e-4
"""By which scores and values of the file may differ from the agent's."""
_AGENT = "the agent, by torch"
_LANES = 64
_SECONDS = 0.5  # that a speed is measured for


def export(
    player: str,
    output: Path,
    int8: bool,
    pruned: float | None,
    observations: int,
    episodes: int,
    console: Console,
    notify: Callable[[str], object],
) -> None:
    """Writes the agent of a run or model to `output`, and variants beside it.

    int8: of each file another one, of 8-bit numbers.
    pruned: a file without this share of the inner units; see `quadrivium.agents.export.pruning`.
    observations: so many, seen while it acts in the scenarios of its evaluation, are what all are compared
        on, and what the ranges of 8-bit numbers are taken from.
    episodes: of its evaluation that all play where there are variants, for their returns.

    Raises:
        UserError: it is no run or model, a package is missing, or a file does not say what its network says.
    """
    kind, _, argument = player.partition(":")
    if kind not in ("run", "model") or not argument:
        raise UserError(f"player {player!r} has no network to export; write run:runs/NAME or model:NAME")
    text = (read_run_text if kind == "run" else read_model_text)(argument)
    config = open_run(text.run_dir)
    require_networks_of_ours(config, player, "export")
    agent, checkpoint = load_agent(text.run_dir, text.which, notify)
    if config.agent.net.memory is not None:
        raise UserError(
            f"player {player!r} remembers (net.memory={config.agent.net.memory}), and a file that acts on "
            "single observations cannot; export an agent with net.memory: null"
        )
    acting = Acting(agent.policy.cpu(), agent.observation_space, agent.action_space)
    facts = {
        "environment": config.env.id,
        "kwargs": config.env.kwargs,
        "algorithm": config.agent.algorithm,
        "step": checkpoint.step,
        "weights_sha256": checkpoint.sha256,
        "observations": str(agent.observation_space),
        "actions": str(agent.action_space),
    }
    seen = observe(agent, config, observations)
    difference = _write_checked(acting, output, facts, seen)
    files = [output]
    if pruned is not None:
        smaller = copy.deepcopy(acting)
        left, total = prune(smaller.network, pruned)
        files.append(_beside(output, "pruned"))
        _write_checked(smaller, files[-1], facts | {"pruned_to": [left, total]}, seen)
        notify(f"pruned: {left} of {total} inner units are left; it was not trained again")
    if int8:
        batches = batches_of(agent.observation_space, seen)
        for path in list(files):
            files.append(_beside(path, "int8"))
            write_int8(path, files[-1], batches)
    played = _play(agent, config, files, episodes if len(files) > 1 else 0)
    print_table(console, _table(agent, acting, files, seen, observations, played))
    if isinstance(agent, AlphaZero):
        notify("the file plays the policy's best move: the search is not in it")
    console.print(
        f"largest difference to the agent on {observations} observations: {difference:.1e}", highlight=False
    )
    for path in files:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)


def _beside(output: Path, variant: str) -> Path:
    return output.with_suffix(f".{variant}{output.suffix}")


def _write_checked(acting: Acting, path: Path, facts: Mapping[str, Any], seen: Any) -> float:
    """Writes a file; returns by how much it differs from the network. Raises UserError where that is much."""
    space = acting.observation_space
    write_onnx(acting, space, path, facts)
    difference = largest_difference(acting, OnnxPolicy(path), space, seen)
    if not difference <= TOLERANCE:
        raise UserError(
            f"{path} differs from the agent by {difference:.1e} on what it has seen, expected at most "
            f"{TOLERANCE:g}; do not use it, and report it with the run's config"
        )
    return difference


def _play(agent: Actor, config: RunConfig, files: list[Path], episodes: int) -> dict[str, Episodes]:
    """Returns the episodes of the agent and of each file, in the same scenarios, by name; none of 0."""
    if not episodes:
        return {}
    env = make_worlds(config.env.id, episodes, config.evaluation_kwargs())
    players = [AgentPlayer(_AGENT, agent), *(AgentPlayer(path.name, OnnxPolicy(path)) for path in files)]
    return play_all(players, env, episodes=episodes, seed=config.evaluation.seed)


def observe(agent: Actor, config: RunConfig, count: int) -> Any:
    """Returns observations (count, …) that the agent sees in scenarios of its evaluation."""
    env = make_worlds(config.env.id, _LANES, config.evaluation_kwargs())
    obs, _ = env.reset(seed=config.evaluation.seed)
    lanes = np.arange(env.num_envs)
    kept = [rows_of(obs, lanes)]  # copies: an environment may write into its arrays again
    while len(kept) * env.num_envs < count:
        obs = env.step(agent.act(obs, deterministic=True))[0]
        kept.append(rows_of(obs, lanes))
    env.close()
    return rows_of(concatenate(kept), np.arange(count))


def _table(
    agent: Actor,
    acting: Acting,
    files: list[Path],
    seen: Any,
    count: int,
    played: Mapping[str, Episodes],
) -> Table:
    """Returns what each file costs, how often it acts as the agent does, and what it reached."""
    table = Table()
    headings = ["", "size", "one observation", f"{_LANES} at once, each", "same actions"]
    for heading in [*headings, *(["return", "beside the agent's"] if played else [])]:
        table.add_column(heading, justify="left" if not heading else "right")
    chosen = agent.act(seen, deterministic=True)
    weights = sum(tensor.numel() * tensor.element_size() for tensor in acting.network.parameters())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = [(_AGENT, weights, lambda obs: agent.act(obs, deterministic=True))]
    rows += [(path.name, path.stat().st_size, OnnxPolicy(path).act) for path in files]
    for name, size, act in rows:
        actions = act(seen)
        same = float(np.isclose(actions, chosen, atol=TOLERANCE).reshape(count, -1).all(1).mean())
        times = [
            _microseconds(act, rows_of(seen, np.arange(lanes))) / lanes for lanes in (1, min(_LANES, count))
        ]
        cells = [human_bytes(size), *(f"{one:.1f} µs" for one in times), f"{100 * same:.2f} %"]
        table.add_row(name, *cells, *(_returns(played, name) if played else []))
    torch.set_num_threads(threads)
    return table


def _returns(played: Mapping[str, Episodes], name: str) -> list[str]:
    """Returns the mean return, and the mean difference to the agent in the same scenarios, with intervals."""
    found = format_measure(Measure("return"), played[name].summary()["return"])
    if name == _AGENT:
        return [found, ""]
    gained = played[name].returns - played[_AGENT].returns
    difference = measure_interval(Measure("difference"), gained, played[name].agents)
    return [found, format_measure(Measure("difference"), difference)]


def _microseconds(act: Callable[[Any], Any], obs: Any) -> float:
    """Returns the median time of a call."""
    times, end = [], time.perf_counter() + _SECONDS
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        act(obs)
        times.append(time.perf_counter() - start)
    return 1e6 * float(np.median(times))
