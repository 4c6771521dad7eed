"""`evaluate.py export`: an agent as an ONNX file, checked against the agent on observations of its world."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.batches.observations import concatenate, rows_of
from quadrivium.agents.errors import UserError
from quadrivium.agents.export.acting import Acting
from quadrivium.agents.export.onnx_file import (
    OnnxPolicy,
    batches_of,
    largest_difference,
    write_int8,
    write_onnx,
)
from quadrivium.agents.runs.directory import human_bytes
from quadrivium.commands.build import (
    Agent,
    load_agent,
    make_worlds,
    open_run,
    read_model_text,
    read_run_text,
)
from quadrivium.configs.schema import RunConfig

TOLERANCE = 1e-4
"""By which scores and values of the file may differ from the agent's."""
_LANES = 64
_SECONDS = 0.5  # that a speed is measured for


def export(
    player: str,
    output: Path,
    int8: bool,
    observations: int,
    console: Console,
    notify: Callable[[str], object],
) -> None:
    """Writes the agent of a run or model to `output`, with `int8` a second file of 8-bit numbers beside it.

    observations: so many, seen while it acts in the scenarios of its evaluation, are what both are compared
        on, and what the ranges of 8-bit numbers are taken from.

    Raises:
        UserError: it is no run or model, a package is missing, or the file does not say what the agent says.
    """
    kind, _, argument = player.partition(":")
    if kind not in ("run", "model") or not argument:
        raise UserError(f"player {player!r} has no network to export; write run:runs/NAME or model:NAME")
    text = (read_run_text if kind == "run" else read_model_text)(argument)
    config = open_run(text.run_dir)
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
    seen = _observe(agent, config, observations)
    write_onnx(acting, agent.observation_space, output, facts)
    files = [output]
    difference = largest_difference(acting, OnnxPolicy(output), agent.observation_space, seen)
    if not difference <= TOLERANCE:
        raise UserError(
            f"{output} differs from the agent by {difference:.1e} on {observations} observations, expected "
            f"at most {TOLERANCE:g}; do not use it, and report it with the run's config"
        )
    if int8:
        files.append(output.with_suffix(f".int8{output.suffix}"))
        write_int8(output, files[1], batches_of(agent.observation_space, seen))
    console.print(_table(agent, acting, files, seen, observations))
    if isinstance(agent, AlphaZero):
        notify("the file plays the policy's best move: the search is not in it")
    console.print(
        f"largest difference to the agent on {observations} observations: {difference:.1e}", highlight=False
    )
    for path in files:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)


def _observe(agent: Agent, config: RunConfig, count: int) -> Any:
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


def _table(agent: Agent, acting: Acting, files: list[Path], seen: Any, count: int) -> Table:
    """Returns what each file costs, and how often it acts as the agent does."""
    table = Table()
    for heading in ("", "size", "one observation", f"{_LANES} at once, each", "same actions"):
        table.add_column(heading, justify="left" if not heading else "right")
    chosen = agent.act(seen, deterministic=True)
    weights = sum(tensor.numel() * tensor.element_size() for tensor in acting.parameters())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = [("the agent, by torch", weights, lambda obs: agent.act(obs, deterministic=True))]
    rows += [(path.name, path.stat().st_size, OnnxPolicy(path).act) for path in files]
    for name, size, act in rows:
        actions = act(seen)
        same = float(np.isclose(actions, chosen, atol=TOLERANCE).reshape(count, -1).all(1).mean())
        times = [
            _microseconds(act, rows_of(seen, np.arange(lanes))) / lanes for lanes in (1, min(_LANES, count))
        ]
        table.add_row(name, human_bytes(size), *(f"{one:.1f} µs" for one in times), f"{100 * same:.2f} %")
    torch.set_num_threads(threads)
    return table


def _microseconds(act: Callable[[Any], Any], obs: Any) -> float:
    """Returns the median time of a call."""
    times, end = [], time.perf_counter() + _SECONDS
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        act(obs)
        times.append(time.perf_counter() - start)
    return 1e6 * float(np.median(times))
