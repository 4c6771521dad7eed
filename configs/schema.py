"""What a run's configuration may hold, and the one-line errors for what it may not.

A run is one complete YAML file. Unknown keys are refused at every level, down to the agents' own dataclasses.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.dqn import DQNConfig
from quadrivium.agents.errors import UserError, as_user_error, did_you_mean, one_line, program
from quadrivium.agents.league import LeagueConfig
from quadrivium.agents.ppo import PPOConfig
from quadrivium.agents.pqn import PQNConfig
from quadrivium.agents.pretrain import PretrainConfig
from quadrivium.agents.sac import SACConfig
from quadrivium.configs.yaml_format import dump_yaml, parse_texts, parse_yaml, read_yaml, with_published
from quadrivium.envs import bare_id, options_of
from quadrivium.envs.core.options import hint_of, is_text

AgentConfig = Annotated[
    PPOConfig | DQNConfig | PQNConfig | SACConfig | AlphaZeroConfig | PretrainConfig,
    Field(discriminator="algorithm"),
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class EnvConfig(_Section):
    """The environment that the agent trains in."""

    id: Annotated[str, AfterValidator(bare_id)]
    """a registered Gymnasium id, or MODULE:ID where MODULE registers it"""
    num_envs: PositiveInt
    """how many environments step together; with alphazero, how many games are played at once"""
    kwargs: dict[str, Any] = {}
    """arguments of the environment, such as preset"""
    league: LeagueConfig | None = None
    """opponents that grow with the agent, in a game of two; or null: the environment's own"""


class WorldConfig(_Section):
    """A further world that the same network learns."""

    id: Annotated[str, AfterValidator(bare_id)]
    """as env.id; there are env.num_envs environments of each world"""
    kwargs: dict[str, Any] = {}
    """arguments of the environment"""

    @property
    def name(self) -> str:
        """What the world's weights and log entries are called by: a name for a torch module."""
        return world_name(self.id)


class CheckpointConfig(_Section):
    """When the run is saved. The last state is saved in any case."""

    every_steps: PositiveInt
    """environment steps between checkpoints"""
    keep_last: PositiveInt = 3
    """older ones are deleted; the best one stays"""


SELECTION_OFFSET = 1_000_000_000
"""From the first scenario of a run's evaluation to the first of those by which its best checkpoint is chosen;
more than any evaluation plays."""


class EvaluationConfig(_Section):
    """How the agent is measured while it trains and at the end, on scenarios that it does not train on."""

    every_steps: PositiveInt | None
    """environment steps between evaluations, or null for none"""
    episodes: PositiveInt = 100
    """episodes of each evaluation during training"""
    final_episodes: PositiveInt | None = 500
    """episodes of the closing evaluation beside the baselines, or null for none"""
    seed: Annotated[int, Field(ge=0)] = 1_000_000
    """the closing evaluation's first scenario's seed; episode k plays seed + k, in training others far off"""
    kwargs: dict[str, Any] = {}
    """arguments of the environment that differ in evaluation, such as split: test"""
    baselines: list[str] | None = None
    """scripted players to compare with, or null for all that the environment has"""

    @property
    def selection_seed(self) -> int:
        """The first scenario's seed of the evaluations during training, by which the best checkpoint is
        chosen: scenarios that the closing evaluation and evaluate.py do not play.
        """
        return self.seed + SELECTION_OFFSET


class LoggingConfig(_Section):
    """What TensorBoard and the terminal show."""

    interval: PositiveInt = 1
    """log every so many iterations (PPO, PQN, AlphaZero, pretrain) or episodes (DQN, SAC)"""
    video_every_steps: PositiveInt | None = None
    """environment steps between videos in TensorBoard, or null for none"""
    progress: bool = True
    """show progress on the terminal"""


class RunConfig(_Section):
    """Everything that determines a run."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
    """the run directory is runs/NAME"""
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """of the weights, the actions and the training scenarios"""
    total_timesteps: PositiveInt
    """environment steps, summed over all environments; with alphazero, moves of all games"""
    max_minutes: PositiveFloat | None = None
    """end (resumably) after so much wall-clock time, and the schedules with it; or null"""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    """auto, cpu, mps, cuda or cuda:N"""
    threads: PositiveInt | Literal["auto"] | None = "auto"
    """CPU threads of networks and environments; auto (or null): all cores that this process may use"""
    init_from: str | None = None
    """runs/NAME or model:NAME, whose trunk the network begins with (agent.net.frozen: and keeps), or null"""
    cluster: bool | str | None = None
    """HOST:PORT of a Ray cluster for alphazero's games or ppo's environments, or true: this machine alone"""
    workers: PositiveInt | None = None
    """of the cluster, at most (ppo: just so many); or null: as many as it has room for"""
    env: EnvConfig
    worlds: list[WorldConfig] = []
    """further worlds that the same blocks learn at the same time, each with its own heads (ppo)"""
    agent: AgentConfig
    checkpoint: CheckpointConfig
    evaluation: EvaluationConfig
    logging: LoggingConfig = LoggingConfig()

    @field_validator("cluster")
    @classmethod
    def _none_is_false(cls, value: bool | str | None) -> bool | str | None:
        return value if value is True or isinstance(value, str) else None

    @model_validator(mode="after")
    def _worlds_differ(self) -> Self:
        if self.worlds and self.agent.algorithm != "ppo":
            raise ValueError(f"worlds are for algorithm ppo, not {self.agent.algorithm}; leave them out")
        names = [world_name(self.env.id), *(world.name for world in self.worlds)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"world {name} is named twice in env and worlds; name each once")
        return self

    def of_worlds(self) -> dict[str, Self]:
        """Returns the configuration of a run in each world alone, by the world's name; env's is the first."""
        worlds = {world_name(self.env.id): self.env}
        for world in self.worlds:
            given = {"id": world.id, "kwargs": world.kwargs}
            worlds[world.name] = self.env.model_copy(update=given)
        return {name: self.model_copy(update={"env": env, "worlds": []}) for name, env in worlds.items()}

    def evaluation_kwargs(self) -> dict[str, Any]:
        """Returns the environment's arguments in evaluation."""
        return {**self.env.kwargs, **self.evaluation.kwargs}


ON_A_CLUSTER = ("cluster", "workers")
"""Keys that say where a run is trained, and by how many."""
_SAID_IF_GIVEN = (*ON_A_CLUSTER, "init_from", "worlds")


def world_name(env_id: str) -> str:
    """Returns a short name for an environment's id that can name a torch module: Merge, CartPole_v1."""
    return re.sub(r"\W", "_", env_id.removeprefix("quadrivium/").removesuffix("-v0"))


def option(key: str) -> str:
    """Returns the command-line option of a dotted key: `agent.learning_rate` is `--agent.learning-rate`."""
    return "--" + key.replace("_", "-")


def load_config(path: Path, overrides: Mapping[str, str] | None = None) -> RunConfig:
    """Returns the configuration in the file `path`, with `overrides` (dotted key to YAML text) applied."""
    return validate(read_yaml(path), str(path), overrides)


def validate(
    data: dict[str, Any],
    source: str,
    overrides: Mapping[str, str] | None = None,
    told: Callable[[str], str] = option,
) -> RunConfig:
    """Returns the configuration in plain `data`; raises UserError that names the first fault and its remedy.

    Strict: "3" is no integer, true is no number; an integer serves as a float. `source` names where `data`
    came from, `told` how one calls a key of `overrides`. `data` is not changed.
    """
    overrides = overrides or {}
    data = json.loads(json.dumps(data))
    for key in sorted(overrides, key=lambda one: one != "env.id"):  # which says what the others may be
        _assign(data, key, _typed(data, key, overrides[key], told(key)))
    worlds = data.get("worlds")
    for section in (data.get("env"), data.get("evaluation"), *(worlds if isinstance(worlds, list) else [])):
        if isinstance(section, dict) and "kwargs" in section:
            section["kwargs"] = with_published(section["kwargs"])
    try:
        _strict(data)
    except ValidationError as error:
        words = [_dotted(detail) for detail in error.errors() if detail["type"] == "string_type"]
        # `--name 1` means the text "1": where text is expected the option is taken as it was typed.
        typed = [key for key in words if key in overrides]
        for key in typed:
            _assign(data, key, overrides[key])
    try:
        config = _strict(data)
    except ValidationError as error:
        raise UserError(_explain(error, data, source, overrides, told)) from None
    _require_arguments(config, source, overrides, told)
    return config


def _typed(data: dict[str, Any], key: str, text: str, told: str) -> Any:
    """Returns what `text` says of `key`: YAML, but texts as they were typed where a world expects texts.

    told: how errors call the key.
    """
    section, _, name = key.partition(".kwargs.")
    env = data.get("env")
    env_id = env.get("id") if isinstance(env, dict) else None
    if section in ("env", "evaluation") and name and isinstance(env_id, str):
        return read_argument(env_id, name, text, told)
    return parse_yaml(text, told)


def read_argument(env_id: str, name: str, text: str, source: str) -> Any:
    """Returns an argument of an environment that was typed, by its name: "window", "load.time_format"."""
    kind = options_of(bare_id(env_id))
    if kind is not None and is_text(hint_of(kind, name)):
        return parse_texts(text, source)
    return parse_yaml(text, source)


def read_arguments(env_id: str, given: Mapping[str, str], source: str) -> dict[str, Any]:
    """Returns arguments of an environment that were typed, by name; a dot leads into one that holds
    others.
    """
    found: dict[str, Any] = {}
    for name, text in given.items():
        key = name.replace("-", "_")
        _assign(found, key, read_argument(env_id, key, text, f"{source} {name}"))
    return with_published(found)


def to_data(config: RunConfig) -> dict[str, Any]:
    """Returns the configuration as plain nested data, in the order of the schema.

    Where a run is trained does not decide what it is: without a cluster nothing is said of one, nor of a
    league, a run to begin from or further worlds where there are none.
    """
    data = config.model_dump(mode="json")
    if config.env.league is None:
        del data["env"]["league"]
    return {key: value for key, value in data.items() if value or key not in _SAID_IF_GIVEN}


def to_text(config: RunConfig) -> str:
    """Returns `config.yaml`: the whole configuration as YAML, after a line with the hash of what follows."""
    body = dump_yaml(to_data(config))
    return f"# sha256: {hashlib.sha256(body.encode()).hexdigest()}\n{body}"


def read_resolved(path: Path) -> RunConfig:
    """Returns the configuration that `to_text` wrote; raises UserError where its hash does not fit."""
    config = load_config(path)  # a damaged file is named first by what is wrong in it
    head, _, body = path.read_text(encoding="utf-8").partition("\n")
    if head != f"# sha256: {hashlib.sha256(body.encode()).hexdigest()}":
        raise UserError(
            f"{path}: was edited since the run began (its hash differs), so the run cannot be continued "
            f"exactly; restore it, or begin a new run from it: {program('train')} CONFIG --name OTHER"
        )
    return config


def flatten(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested mappings as one level of dotted keys; an empty mapping stays a value."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Returns the keys in which two flat configurations differ, in their order."""
    return [key for key in dict.fromkeys([*one, *other]) if one.get(key) != other.get(key)]


def _strict(data: dict[str, Any]) -> RunConfig:
    # In JSON mode, strict validation still builds dataclasses from objects and tuples from arrays.
    return RunConfig.model_validate_json(json.dumps(data), strict=True)


def _require_arguments(
    config: RunConfig, source: str, overrides: Mapping[str, str], told: Callable[[str], str]
) -> None:
    """Raises UserError for arguments that an environment of ours refuses, in training or in evaluation."""
    for world in config.worlds:
        if (takes := options_of(world.id)) is not None:
            with as_user_error(f"{source}: worlds: {world.id}", ValueError):
                takes.of(world.kwargs)
                takes.of({**world.kwargs, **config.evaluation.kwargs})
    options = options_of(config.env.id)
    if options is None:
        return
    names = options.names()
    for section, kwargs in (("env", config.env.kwargs), ("evaluation", config.evaluation.kwargs)):
        for name in kwargs:
            if name not in names:
                where = _where(f"{section}.kwargs.{name}", source, overrides, told)
                raise UserError(
                    f"{where} is no argument of {config.env.id}{did_you_mean(name, names)}; it takes "
                    f"{', '.join(names)}"
                )
    for section, kwargs in (("env", config.env.kwargs), ("evaluation", config.evaluation_kwargs())):
        try:
            options.of(kwargs)
        except ValueError as error:
            name = str(error).partition("=")[0]  # most faults begin with NAME=VALUE
            section = section if name in getattr(config, section).kwargs else "env"
            key = f"{section}.kwargs" + (f".{name}" if name in kwargs else "")
            raise UserError(f"{_where(key, source, overrides, told)}: {one_line(error)}") from None


def _where(key: str, source: str, overrides: Mapping[str, str], told: Callable[[str], str]) -> str:
    """Returns how a user finds a key: as the option that was given, or in the file."""
    return told(key) if key in overrides else f"{source}: {key}"


def _assign(data: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        inner = data.get(parent)
        data[parent] = inner = inner if isinstance(inner, dict) else {}
        data = inner
    data[last] = value


def _dotted(detail: ErrorDetails) -> str:
    """Returns the key that an error is about, without the union's tag, which pydantic puts after `agent`."""
    parts = [str(part) for part in detail["loc"]]
    if parts[:1] == ["agent"] and len(parts) > 1:
        del parts[1]
    return ".".join(parts)


def _explain(
    error: ValidationError,
    data: dict[str, Any],
    source: str,
    overrides: Mapping[str, str],
    told: Callable[[str], str],
) -> str:
    details = error.errors()
    # A misspelt key is often also a missing one: name the misspelling first.
    unknown = [d for d in details if d["type"] in ("extra_forbidden", "unexpected_keyword_argument")]
    detail = (unknown or details)[0]
    key = _dotted(detail)
    where = _where(key, source, overrides, told)
    kind, value = detail["type"], detail["input"]
    if unknown:
        near = did_you_mean(key, _known_keys(data))
        return f"{where} is not a known key{near}; `{program('train')} --help` lists all"
    if kind in ("missing", "union_tag_not_found"):
        key += ".algorithm" if kind == "union_tag_not_found" else ""
        return f"{source}: {key} is missing; add it there or give {option(key)} VALUE"
    if kind == "union_tag_invalid":
        value = value["algorithm"]
        choices = re.findall(r"'(\w+)'", detail.get("ctx", {})["expected_tags"])
        near = did_you_mean(value, choices)
        return f"{where}.algorithm = {value!r}: expected one of {', '.join(choices)}{near}"
    expected = detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected", 1)
    expected = expected.replace("String should", "expected text to", 1)
    hint = did_you_mean(value, re.findall(r"'(\w+)'", expected)) if kind == "literal_error" else ""
    remedy = "give another value" if key in overrides else f"change it there or give {option(key)} VALUE"
    return f"{where} = {_short(value)}: {expected}{hint}; {remedy}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _known_keys(data: dict[str, Any]) -> list[str]:
    """Returns every dotted key that the schema knows for the algorithm that `data` chooses."""
    schema = RunConfig.model_json_schema()
    agent = data.get("agent")
    algorithm = str(agent.get("algorithm")) if isinstance(agent, dict) else ""
    keys: list[str] = []

    def walk(node: dict[str, Any], prefix: str) -> None:
        mapping = node.get("discriminator", {}).get("mapping", {})
        node = {"$ref": mapping[algorithm]} if algorithm in mapping else node
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        for kind in node.get("anyOf", []):  # a section that may be null
            walk(kind, prefix)
        for name, child in node.get("properties", {}).items():
            keys.append(prefix + name)
            walk(child, f"{prefix}{name}.")

    walk(schema, "")
    return keys
