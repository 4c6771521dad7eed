"""From a configuration to environments and agents."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numba
import torch
from gymnasium.vector import VectorEnv

from agents.common.checkpoint import load_checkpoint
from agents.common.environments import make_vector_env
from agents.common.errors import UserError, as_user_error, did_you_mean
from agents.common.evaluation import AgentPlayer
from agents.common.vec_env import BatchedVecEnv
from agents.dqn import DQN
from agents.ppo import PPO
from configs.schema import RunConfig, read_resolved

Agent = PPO | DQN
AGENTS: dict[str, Any] = {"ppo": PPO, "dqn": DQN}


def use_threads(threads: int | None) -> None:
    """Limits the CPU threads of networks and environments; None leaves all cores."""
    if threads is not None:
        torch.set_num_threads(threads)
        available: int = numba.config.NUMBA_NUM_THREADS  # pyright: ignore
        numba.set_num_threads(min(threads, available))


def make_env(config: RunConfig) -> BatchedVecEnv:
    """Returns the environments that the run trains in."""
    with as_user_error(config.env.id, ValueError):
        return BatchedVecEnv(make_vector_env(config.env.id, config.env.num_envs, config.env.kwargs))


def make_evaluation_env(config: RunConfig) -> Callable[[int], VectorEnv]:
    """Returns what makes a batch of so many environments that the run is evaluated in."""
    return lambda num_envs: make_vector_env(config.env.id, num_envs, config.evaluation_kwargs())


def make_agent(config: RunConfig, env: BatchedVecEnv) -> Agent:
    """Returns a fresh agent; raises UserError where its hyper-parameters do not fit together."""
    with as_user_error(f"agent ({config.agent.algorithm})", ValueError, TypeError, AssertionError):
        return AGENTS[config.agent.algorithm].from_config(
            config.agent, env, seed=config.seed, device=_device(config.device)
        )


def open_run(run_dir: Path) -> RunConfig:
    """Returns the configuration of a run directory; raises UserError where there is none."""
    if not (run_dir / "config.yaml").is_file():
        siblings = [str(path.parent) for path in run_dir.parent.glob("*/config.yaml")]
        near = did_you_mean(str(run_dir), siblings)
        raise UserError(
            f"{run_dir} is no run directory (no config.yaml is in it){near}; give one as runs/NAME"
        )
    return read_resolved(run_dir / "config.yaml")


def load_agent(
    run_dir: Path, which: Literal["last", "best"] | int, notify: Callable[[str], object]
) -> tuple[Agent, int]:
    """Returns a run's agent with the weights of a checkpoint, and the checkpoint's step.

    which: "last", "best" or a step. Nothing in the run directory is executed: its config is data, its weights
    are safetensors.

    Raises:
        UserError: there is no such run or checkpoint.
    """
    config = open_run(run_dir)
    training_env = make_env(config)
    agent = make_agent(config, training_env)
    snapshot = load_checkpoint(run_dir, which, notify=notify)
    with as_user_error(f"{run_dir}: the weights do not fit the network of config.yaml", RuntimeError):
        agent.policy.load_state_dict(snapshot.weights)
    training_env.close()
    return agent, snapshot.step


def load_player(
    run_dir: Path, env: VectorEnv, which: Literal["last", "best"] | int, notify: Callable[[str], object]
) -> tuple[AgentPlayer, int]:
    """Returns a run's agent, to play in `env`, and its checkpoint's step; otherwise as `load_agent`.

    Raises:
        UserError: moreover, the agent was trained on other spaces than those of `env`.
    """
    agent, step = load_agent(run_dir, which, notify)
    for kind in ("observation", "action"):
        trained, given = getattr(agent, f"{kind}_space"), getattr(env, f"single_{kind}_space")
        if trained != given:
            raise UserError(
                f"{run_dir} was trained on {kind}s {trained}, but this environment has {given}; give "
                "--env-kwargs (or an environment) with the same spaces"
            )
    return AgentPlayer(run_dir.name, agent), step


def _device(name: str) -> str:
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(
            f"device {name!r}: this machine offers no CUDA device to torch; use --device cpu or auto"
        )
    return name
