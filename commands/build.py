"""From a configuration to environments and agents."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import gymnasium
import torch
from gymnasium.vector import VectorEnv

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.fleet.learner import FleetAlphaZero
from quadrivium.agents.alphazero.play.played import PlayedGame
from quadrivium.agents.alphazero.players import SearchPlayer
from quadrivium.agents.arena.players import QueryOption, positive, split_query
from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.compute.cores import auto_threads
from quadrivium.agents.dqn import DQN
from quadrivium.agents.errors import UserError, as_user_error, did_you_mean
from quadrivium.agents.evaluation.episodes import AgentPlayer, Player
from quadrivium.agents.evaluation.evaluator import MAX_LANES
from quadrivium.agents.export.onnx_file import OnnxPolicy, sample
from quadrivium.agents.league import League
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.ppo.fleet.learner import FleetPPO
from quadrivium.agents.ppo.worlds import WorldsPPO
from quadrivium.agents.pqn import PQN
from quadrivium.agents.pretrain import Pretrain, PretrainConfig
from quadrivium.agents.runs.checkpoint import load_checkpoint
from quadrivium.agents.runs.checkpoint_files import sha256
from quadrivium.agents.runs.model import is_model, read_model
from quadrivium.agents.runs.state import under
from quadrivium.agents.sac import SACConfig
from quadrivium.agents.training.vector_agent import VectorAgent
from quadrivium.configs.schema import RunConfig, read_resolved, world_name
from quadrivium.envs import bare_id, options_of
from quadrivium.envs.board import GAMES
from quadrivium.envs.board.board_game import BoardGame
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.threads import set_threads
from quadrivium.envs.core.world_game import WorldGame

Actor = PPO | DQN | PQN | AlphaZero | VectorAgent
"""An agent of one world."""
Agent = Actor | WorldsPPO
Which = Literal["last", "best"] | int
"""Which checkpoint of a run: the newest, the one with the best evaluation, or that of a step."""
AGENTS: dict[str, Any] = {"ppo": PPO, "dqn": DQN, "pqn": PQN, "pretrain": Pretrain}
MODELS = Path(__file__).resolve().parents[1] / "models"
"""Where the models are that come with the package: in a checkout and in a wheel beside the commands."""


def use_threads(threads: int | Literal["auto"] | None) -> None:
    """Limits the CPU threads of networks, environments and search; "auto", or None: `auto_threads`."""
    if threads is None or threads == "auto":
        threads = auto_threads()
    torch.set_num_threads(threads)
    set_threads(threads)


def make_env(config: RunConfig, league: League | None = None) -> EnvBatch:
    """Returns the environments that the run trains in; league: the opponents there, else the world's own."""
    own: dict[str, Any] = {} if league is None else {"opponent": league}
    with as_user_error(config.env.id, ValueError):
        return EnvBatch(make_vector_env(config.env.id, config.env.num_envs, config.env.kwargs | own))


def make_evaluation_env(config: RunConfig) -> Callable[[int], VectorEnv]:
    """Returns what makes a batch in which so many episodes of the run's evaluation are played at once."""
    return lambda episodes: make_worlds(config.env.id, episodes, config.evaluation_kwargs())


def make_worlds(env_id: str, episodes: int, kwargs: dict[str, Any]) -> VectorEnv:
    """Returns a batch in which so many episodes are played at once, at most MAX_LANES: of all the agents that
    share a world, where several act in one.
    """
    return make_vector_env(env_id, min(episodes, MAX_LANES) * agents_in(env_id, kwargs), kwargs)


def agents_in(env_id: str, kwargs: Mapping[str, Any]) -> int:
    """Returns how many agents act at once in a world with these arguments."""
    options = options_of(bare_id(env_id))
    return 1 if options is None else options.agents_in(kwargs)


def make_game(env_id: str, kwargs: dict[str, Any]) -> BoardGame | WorldGame:
    """Returns what AlphaZero plays behind an environment id: a board game, or a world with one player.

    kwargs: of the game, such as size, or of the world's environments. Raises UserError for an environment
    that is not ours, actions that are not discrete, or arguments that the game or world has not.
    """
    name = env_id.removeprefix("quadrivium/").removesuffix("-v0")
    if name not in GAMES:
        return _make_world_game(env_id, kwargs)
    own = list(inspect.signature(GAMES[name]).parameters)
    for key in kwargs:
        if key not in own:
            has = f"has {', '.join(own)}" if own else "has no arguments"
            raise UserError(
                f"env.kwargs.{key}: {name} {has}{did_you_mean(key, own)}; self-play knows no opponent: what "
                "belongs to evaluation goes into evaluation.kwargs"
            )
    with as_user_error(env_id, ValueError, TypeError):
        return GAMES[name](**kwargs)


def _make_world_game(env_id: str, kwargs: dict[str, Any]) -> WorldGame:
    """Returns the world behind an id, whose lanes search copies and steps."""
    setup = None
    if ":" in env_id or env_id in gymnasium.registry:
        env = make_vector_env(env_id, 1, kwargs)
        setup = getattr(env.unwrapped, "setup", None)
        env.close()
    if not isinstance(setup, Setup):
        ids = [key for key in gymnasium.registry if key.startswith("quadrivium/")]
        raise UserError(
            f"environment {env_id!r} is no board game and no world of ours{did_you_mean(env_id, ids)}; "
            f"alphazero plays {', '.join(ids)}"
        )
    with as_user_error(env_id, ValueError):
        return WorldGame(setup)


def make_agent(config: RunConfig, played: Sequence[PlayedGame] = (), league: League | None = None) -> Agent:
    """Returns a fresh agent with its environments, or its game.

    played: games that it is to learn from, as its config says. league: the opponents in its environments.

    Raises UserError where its hyper-parameters do not fit together, or do not fit the world.
    """
    agent, kinds = config.agent, (ValueError, TypeError, AssertionError)
    if isinstance(agent, AlphaZeroConfig):
        game = make_game(config.env.id, config.env.kwargs)
        others = [make_game(config.env.id, config.env.kwargs | {"size": size}) for size in agent.other_sizes]
        with as_user_error("agent (alphazero)", *kinds):
            return (AlphaZero if config.cluster is None else FleetAlphaZero)(
                agent,
                game,
                others=others,
                played=played,
                games=config.env.num_envs,
                seed=config.seed,
                device=_device(config.device),
            )
    if config.worlds:
        envs = {name: make_env(world) for name, world in config.of_worlds().items()}
        with as_user_error("agent (ppo in several worlds)", *kinds):
            assert isinstance(agent, PPOConfig)
            return WorldsPPO(agent, envs, seed=config.seed, device=_device(config.device))
    shared_out = agent.algorithm == "ppo" and config.cluster is not None
    kind: Any = FleetPPO if shared_out else _agent_class(agent.algorithm)
    env = make_env(config, league)
    with as_user_error(f"agent ({agent.algorithm})", *kinds):
        made = kind(agent, env, seed=config.seed, device=_device(config.device))
    if league is not None:
        made.join(league)
    return made


def _agent_class(algorithm: str) -> Any:
    if algorithm == "sac":
        # Stable-Baselines3's own, which is imported where it is asked for: it takes a second.
        from quadrivium.agents.stable.sac import SAC

        return SAC
    return AGENTS[algorithm]


def make_player(name: str, agent: Agent, identity: str = "") -> AgentPlayer | SearchPlayer:
    """Returns the agent as a player in environments; AlphaZero searches if its config says so."""
    if isinstance(agent, AlphaZero):
        return SearchPlayer(name, agent, identity)
    return AgentPlayer(name, agent.actor(), identity)


@dataclass(frozen=True)
class Checkpoint:
    """Which weights an agent has: of which step, and the sha256 of their file."""

    step: int
    sha256: str

    def __str__(self) -> str:
        return f"checkpoint {self.step}, weights sha256 {self.sha256}"


@dataclass(frozen=True)
class RunText:
    """What follows `run:` where a player is named, taken apart.

    Attributes:
        run_dir: the run's directory.
        which: checkpoint of it.
        name: what tables call the player: the directory's name, and the options as they were written.
        options: the others that were given.
    """

    run_dir: Path
    which: Which
    name: str
    options: Mapping[str, Any]


def read_which(text: str) -> Which:
    """Returns the checkpoint that a text names; raises ValueError for none of last, best and a step."""
    if text == "last" or text == "best":
        return text
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


CHECKPOINT = {
    "checkpoint": QueryOption(read_which, "checkpoint: expected last, best or a step", "best"),
    "step": QueryOption(positive, "positive number", "1000"),
}
"""Which checkpoint plays; `step=N` is short for `checkpoint=N`."""


def read_run_text(argument: str, known: Mapping[str, QueryOption] = CHECKPOINT) -> RunText:
    """Returns what `DIRECTORY?OPTION=VALUE&…` says; raises UserError for what is none of it.

    known: options besides the checkpoint's are returned as they were read.
    """
    text = f"run:{argument}"
    path, options = split_query(argument, known, text)
    if not path:
        raise UserError(f"player {text!r} needs a run directory; write: run:runs/NAME")
    given = [options.pop(key) for key in CHECKPOINT if key in options]
    if len(given) > 1:
        raise UserError(f"player {text!r} names two checkpoints; leave out ?step")
    query = argument.partition("?")[2]
    name = Path(path).name + (f"?{query}" if query else "")
    return RunText(Path(path), given[0] if given else "last", name, options)


def read_model_text(argument: str, known: Mapping[str, QueryOption] | None = None) -> RunText:
    """Returns what `NAME?OPTION=VALUE&…` says behind `model:`; raises UserError for no model of that name."""
    name, options = split_query(argument, known or {}, f"model:{argument}")
    return RunText(model_directory(name), "last", argument, options)


def model_directory(name: str) -> Path:
    """Returns where a model that comes with the package is; raises UserError where there is none."""
    names = model_names()
    if name not in names:
        there = f"there are {', '.join(names)}" if names else "none came with this installation"
        raise UserError(f"there is no model {name!r}{did_you_mean(name, names)}; {there}")
    return MODELS / name


def model_names() -> list[str]:
    """Returns the names of the models that come with the package."""
    return sorted(path.name for path in MODELS.iterdir() if is_model(path)) if MODELS.is_dir() else []


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
    run_dir: Path,
    which: Which,
    notify: Callable[[str], object],
    kwargs: Mapping[str, Any] | None = None,
    env_id: str | None = None,
) -> tuple[Actor, Checkpoint]:
    """Returns a run's agent with the weights of a checkpoint, and which that is; or a model's agent.

    Of a run in several worlds it is the `PPO` of one of them: of `env_id`, or the first.

    kwargs: arguments of the environments in which it is to play, in place of the run's own: files may have
    moved, and spaces alone are asked of them.

    Nothing in the run directory is executed: its config is data, its weights
    are safetensors.

    Raises:
        UserError: there is no such run or checkpoint.
    """
    config = open_run(run_dir)
    several = config.of_worlds() if config.worlds else {}
    world = world_name(config.env.id if env_id is None else env_id)
    if several and world not in several:
        raise UserError(f"{run_dir} has learned {', '.join(several)}, not {env_id}; name one of these worlds")
    config = several.get(world, config)
    if kwargs is not None and not isinstance(config.agent, AlphaZeroConfig):
        agents = agents_in(config.env.id, kwargs)
        others = {"kwargs": dict(kwargs), "num_envs": math.ceil(config.env.num_envs / agents) * agents}
        config = config.model_copy(update={"env": config.env.model_copy(update=others)})
    config = config.model_copy(update={"device": _playing_device(config.device)})
    agent, is_kept = make_agent(config), is_model(run_dir)
    assert not isinstance(agent, WorldsPPO)  # the config is of one world
    if is_kept and which != "last":
        raise UserError(f"{run_dir} is a model, which has no checkpoint {which}; leave it out")
    snapshot = read_model(run_dir) if is_kept else load_checkpoint(run_dir, which, notify=notify)
    if isinstance(agent, AlphaZero):
        agent.require_same_game(snapshot)
    with as_user_error(f"{run_dir}: the weights do not fit the network of config.yaml", RuntimeError):
        for network in _acting(agent) if is_kept else [agent.policy]:
            network.load_state_dict(under(f"{world}.", snapshot.weights) if several else snapshot.weights)
    if not isinstance(agent, AlphaZero):
        agent.env.close()
    return agent, Checkpoint(snapshot.step, snapshot.weights_sha256)


def require_networks_of_ours(config: RunConfig, player: str, purpose: str) -> None:
    """Raises UserError where an agent acts by networks that export and explanation do not know."""
    if isinstance(config.agent, PretrainConfig):
        raise UserError(
            f"{player} is of pretrain, which has no policy; {purpose} knows those that act: give a run that "
            "begins with it (init_from)"
        )
    if isinstance(config.agent, SACConfig):
        raise UserError(
            f"{player} is of sac, whose actor is Stable-Baselines3's; {purpose} knows ppo, dqn, pqn and "
            "alphazero: give a run of these"
        )


def _acting(agent: Agent) -> list[torch.nn.Module]:
    """Returns the networks that have the weights of a model, the one that acts first."""
    if isinstance(agent, AlphaZero):
        return [agent.policy.average, agent.policy.net, agent.policy.earlier]
    if isinstance(agent, DQN):
        return [agent.policy.q_net, agent.policy.q_net_target]
    if isinstance(agent.config, SACConfig):
        return [agent.policy.actor]
    return [agent.policy]


def acting_weights(agent: Agent) -> dict[str, torch.Tensor]:
    """Returns what a model keeps of an agent: of AlphaZero's three networks, DQN's two and
    SAC's actor and critics, the one that acts.
    """
    return dict(_acting(agent)[0].state_dict())


def load_run_player(
    text: RunText, env: VectorEnv, notify: Callable[[str], object]
) -> AgentPlayer | SearchPlayer:
    """Returns the player that `run:DIRECTORY?checkpoint=…` names, to play in `env`; see `load_player`."""
    player, _ = load_player(text.run_dir, env, text.which, notify)
    return replace(player, name=text.name)


def trained_players(notify: Callable[[str], object]) -> dict[str, Callable[[str, VectorEnv], Player]]:
    """Returns how players in environments are made that were trained: `run:DIRECTORY`, `model:NAME`,
    `onnx:FILE`.
    """
    return {
        "run": lambda argument, env: load_run_player(read_run_text(argument), env, notify),
        "model": lambda argument, env: load_run_player(read_model_text(argument), env, notify),
        "onnx": lambda argument, env: load_onnx_player(argument, sample(env.single_observation_space, 1)),
    }


def load_onnx_player(argument: str, obs: Any) -> AgentPlayer:
    """Returns the player that `onnx:FILE` names; raises UserError where observations (1, …) do not fit it."""
    path = Path(argument)
    policy = OnnxPolicy(path)
    policy.act(obs)
    return AgentPlayer(path.name, policy, f"sha256 {sha256(path)}")


def trained_directory(player: str) -> Path | None:
    """Returns the directory of the run or model that a player's text names; None for other players."""
    kind, _, argument = player.partition(":")
    path = argument.partition("?")[0]
    if kind == "model":
        return model_directory(path)
    return Path(path) if kind == "run" and path else None


def load_player(
    run_dir: Path,
    env: VectorEnv,
    which: Which,
    notify: Callable[[str], object],
    kwargs: Mapping[str, Any] | None = None,
) -> tuple[AgentPlayer | SearchPlayer, int]:
    """Returns a run's agent, to play in `env`, and its checkpoint's step; otherwise as `load_agent`.

    Raises:
        UserError: moreover, the agent was trained on other spaces than those of `env`.
    """
    spec = getattr(env, "spec", None)
    agent, checkpoint = load_agent(run_dir, which, notify, kwargs, None if spec is None else spec.id)
    for kind in ("observation", "action"):
        trained, given = getattr(agent, f"{kind}_space"), getattr(env, f"single_{kind}_space")
        if trained != given:
            raise UserError(
                f"{run_dir} was trained on {kind}s {trained}, but this environment has {given}; give "
                "--env-kwargs (or an environment) with the same spaces"
            )
    return make_player(run_dir.name, agent, str(checkpoint)), checkpoint.step


def _device(name: str) -> str:
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(
            f"device {name!r}: this machine offers no CUDA device to torch; use --device cpu or auto"
        )
    return name


def _playing_device(name: str) -> str:
    """Returns where a trained agent plays: on its config's device, or, on a machine without, by `auto`."""
    missing = (name.startswith("cuda") and not torch.cuda.is_available()) or (
        name == "mps" and not torch.backends.mps.is_available()
    )
    return "auto" if missing else name
