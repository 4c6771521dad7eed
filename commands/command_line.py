"""The command line of `train.py`: a config file, and options that override any key in it.

Options are the dotted keys of the config (`--agent.learning-rate 3e-4`, underscores and dashes alike), so
there is no second list to keep in step, and an error is the schema's own line.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quadrivium import configs
from quadrivium.agents.errors import UserError, program
from quadrivium.configs.schema import RunConfig, flatten, option, to_data
from quadrivium.envs import options_of
from quadrivium.envs.core.options import meanings

QUICKSTART = Path(configs.__file__).parent / "quickstart.yaml"


@dataclass(frozen=True)
class Arguments:
    """What the command line said.

    Attributes:
        config: the YAML file, or None.
        resume: the run directory to continue, or None.
        seeds: of `--seeds`, as typed, or None.
        processes: of `--processes`, as typed: how many seeds are trained at once.
        overrides: dotted key to value as typed.
        help: whether help was asked for.
    """

    config: Path | None = None
    resume: Path | None = None
    seeds: str | None = None
    processes: str = "1"
    overrides: dict[str, str] = field(default_factory=dict)
    help: bool = False


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Returns what `argv` says; raises UserError for what cannot be read."""
    files: list[str] = []
    overrides: dict[str, str] = {}
    tokens = list(argv)
    while tokens:
        token = tokens.pop(0)
        if token in ("-h", "--help"):
            overrides["help"] = "true"
        elif token.startswith("--"):
            name, equals, value = token[2:].partition("=")
            if not equals:
                # An option followed by another one is a switch: `--logging.progress` is true.
                value = tokens.pop(0) if tokens and not tokens[0].startswith("--") else "true"
            key = name.replace("-", "_")
            if key in overrides:
                raise UserError(f"--{name} is given twice; give it once")
            overrides[key] = value
        elif token.startswith("-"):
            raise UserError(
                f"{token} is unknown; options begin with two dashes: `{program('train')} --help` lists all"
            )
        else:
            files.append(token)
    if len(files) > 1:
        raise UserError(
            f"{len(files)} configs are given ({', '.join(files)}); a run has one: give the others as options"
        )
    asked = overrides.pop("help", None) is not None
    resume = overrides.pop("resume", None)
    if resume is not None and files:
        raise UserError(
            f"{files[0]} is given beside --resume {resume}; a resumed run has its own config: leave it out"
        )
    if resume == "true":
        raise UserError("--resume needs a run directory: --resume runs/NAME")
    seeds, processes = overrides.pop("seeds", None), overrides.pop("processes", None)
    if seeds is not None and resume is not None:
        raise UserError(
            "--seeds is given beside --resume; the command that began the seeds goes on with them"
        )
    if processes is not None and seeds is None:
        raise UserError(f"--processes {processes} is of --seeds, which is not given; a run is one process")
    return Arguments(
        Path(files[0]) if files else None,
        Path(resume) if resume is not None else None,
        seeds,
        processes or "1",
        overrides,
        asked,
    )


def help_text(config: RunConfig) -> str:
    """Returns the usage and every option with its value in `config`, by section."""
    data = to_data(config)
    notes = _descriptions(data["agent"]["algorithm"])
    lines = [
        f"usage: {program('train')} [CONFIG] [--KEY VALUE ...]",
        f"       {program('train')} [CONFIG] --seeds 0-4 [--processes P] [--KEY VALUE ...]",
        f"       {program('train')} [CONFIG] --cluster [HOST:PORT] [--workers N] [--KEY VALUE ...]",
        f"       {program('train')} sweep SWEEP [--processes N] [--threads N]",
        f"       {program('train')} --resume runs/NAME [--total-timesteps N] [--max-minutes M] [--cluster]",
        "",
        f"CONFIG is a YAML file, by default configs/{QUICKSTART.name}; the values below are its own.",
        "The algorithm (ppo, dqn, pqn, sac, alphazero, pretrain) decides which --agent options there are;",
        "--env.kwargs.NAME gives an argument of the environment, and --evaluation.kwargs.NAME one that",
        "differs in evaluation. --env.league '{...}': opponents that grow with the agent, docs/leagues.md",
    ]
    section = None
    flat = flatten(data)
    width = min(44, max(len(f"{option(key)} {_yaml(value)}") for key, value in flat.items()))
    for key, value in flat.items():
        head = key.partition(".")[0] if "." in key else ""
        if head != section:
            lines.append("")
            section = head
        shown = f"{option(key)} {_yaml(value)}"
        note = notes.get(key, "")
        lines.append(f"  {shown:<{width}}  {note}".rstrip())
    return "\n".join([*lines, *_environment(config)])


def _environment(config: RunConfig) -> list[str]:
    """Returns a line for each argument of an environment of ours, with its value."""
    kind = options_of(config.env.id)
    if kind is None:
        return []
    chosen, told = kind.of(config.env.kwargs), meanings(kind)
    rows = {f"{option(f'env.kwargs.{name}')} {getattr(chosen, name)}": name for name in kind.names()}
    width = min(44, max(map(len, rows)))
    lines = [f"  {shown:<{width}}  {told.get(name, '')}".rstrip() for shown, name in rows.items()]
    return ["", f"arguments of {config.env.id}:", *lines]


def _yaml(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return "{}" if value == {} else str(value)


def _descriptions(algorithm: str) -> dict[str, str]:
    """Returns, by dotted key, what the schema says of it."""
    schema = RunConfig.model_json_schema()
    notes: dict[str, str] = {}

    def walk(node: dict[str, Any], prefix: str) -> None:
        mapping = node.get("discriminator", {}).get("mapping", {})
        node = {"$ref": mapping[algorithm]} if mapping else node
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        for kind in node.get("anyOf", []):  # a section that may be null
            walk(kind, prefix)
        attributes = _attributes(node.get("description", ""))
        for name, child in node.get("properties", {}).items():
            if note := child.get("description") or attributes.get(name):
                notes[prefix + name] = note
            walk(child, f"{prefix}{name}.")

    walk(schema, "")
    return notes


def _attributes(docstring: str) -> dict[str, str]:
    """Returns name to text of a Google-style "Attributes:" section, each on one line."""
    section = docstring.partition("Attributes:")[2]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}
