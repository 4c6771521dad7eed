"""A run that begins with what another one has learned: `init_from: runs/NAME` or `model:NAME`.

Only its first weights come from there. What was taken is written into the run's directory beside the hash of
the weights, and a run that goes on from a checkpoint does not ask for the other one again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.errors import UserError, as_user_error
from quadrivium.agents.nets.transfer import Kind, Transfer, require_form, transfer
from quadrivium.agents.runs.checkpoint import load_checkpoint
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.agents.runs.model import is_model, read_model
from quadrivium.agents.runs.state import under
from quadrivium.commands.build import Agent, RunText, agents_in, open_run, read_model_text, read_run_text
from quadrivium.configs.schema import RunConfig
from quadrivium.envs import bare_id, board_game_name

FILE = "init_from.json"


@dataclass(frozen=True)
class Begun:
    """Where a run's first weights come from, as RUN/init_from.json says it.

    Attributes:
        init_from: the text of the config.
        step: of the checkpoint.
        weights_sha256: of the file of weights.
        worlds: in which they were learned.
        taken: numbers that were taken over, by what they are.
        left: numbers that began by chance all the same.
    """

    init_from: str
    step: int
    weights_sha256: str
    worlds: str
    taken: dict[str, int]
    left: dict[str, int]

    def __str__(self) -> str:
        source = f"{self.init_from}, step {self.step:,} in {self.worlds}, sha256 {self.weights_sha256[:12]}"
        left = f"; left as they began: {', '.join(self.left)}" if self.left else ""
        return f"init_from {source}: took {', '.join(self.taken)}{left}"


def begin_from(agent: Agent, config: RunConfig, notify: Callable[[str], object]) -> Begun | None:
    """Gives a fresh agent what its config's `init_from` has learned; returns what that is, None without one.

    Always the blocks; the embeddings where both worlds show the same numbers; input statistics and heads in
    the same world. A policy that is sure of itself in another world explores too little in a new one.

    Raises:
        UserError: there is no such run, or its trunk does not fit.
    """
    if config.init_from is None:
        return None
    text = _read(config.init_from)
    source = open_run(text.run_dir)
    with as_user_error("init_from", ValueError):
        require_form(source.agent.net, config.agent.net, config.init_from)
    kept = is_model(text.run_dir)
    snapshot = read_model(text.run_dir) if kept else load_checkpoint(text.run_dir, text.which, notify=notify)
    origins, targets = source.of_worlds(), config.of_worlds()
    done = Transfer()
    for name, target in targets.items():
        fits = {origin: _kinds(one, target) for origin, one in origins.items()}
        origin = max(fits, key=lambda world: len(fits[world]))  # where most means the same
        known = under(f"{origin}.", snapshot.weights) if source.worlds else snapshot.weights
        network = agent.policy[name] if config.worlds else agent.policy
        with as_user_error(f"init_from {config.init_from}", ValueError):
            own = transfer(known, network, fits[origin])
        prefix = f"{name}: " if config.worlds else ""
        for all_done, said in ((done.taken, own.taken), (done.left, own.left)):
            all_done |= {prefix + key: count for key, count in said.items()}
    worlds = ", ".join(bare_id(one.env.id) for one in origins.values())
    return Begun(config.init_from, snapshot.step, snapshot.weights_sha256, worlds, done.taken, done.left)


def keep_begun(run_dir: Path, begun: Begun | None) -> None:
    """Writes RUN/init_from.json, if the run begins with another's weights."""
    if begun is not None:
        write_atomically(run_dir / FILE, (json.dumps(asdict(begun), indent=2) + "\n").encode())


def require_as_begun(run_dir: Path, begun: Begun | None) -> None:
    """Raises UserError where the weights are others than those that the run, which has no checkpoint, had
    begun with.
    """
    if begun is None or not (run_dir / FILE).is_file():
        return
    before = json.loads((run_dir / FILE).read_text(encoding="utf-8"))["weights_sha256"]
    if before != begun.weights_sha256:
        raise UserError(
            f"{run_dir} began with weights of {begun.init_from} whose sha256 is {before[:12]}, now it is "
            f"{begun.weights_sha256[:12]}; name that checkpoint in a new run: "
            f"--init-from {begun.init_from.partition('?')[0]}?checkpoint=STEP"
        )


def _read(text: str) -> RunText:
    kind, _, argument = text.partition(":")
    return read_model_text(argument) if kind == "model" else read_run_text(text.removeprefix("run:"))


def _kinds(source: RunConfig, target: RunConfig) -> frozenset[Kind]:
    """Returns what means the same in both runs."""
    kinds: set[Kind] = {"blocks"}
    one, other = source.agent.net, target.agent.net
    if all(getattr(one, key) == getattr(other, key) for key in ("memory", "memory_width", "memory_depth")):
        kinds.add("memory")
    if one.normalize_inputs == other.normalize_inputs and _columns(source) == _columns(target):
        kinds.add("embeddings")
        if bare_id(source.env.id) == bare_id(target.env.id):
            kinds.add("statistics")
            if source.agent.algorithm == target.agent.algorithm:
                kinds.add("heads")
    return frozenset(kinds)


def _columns(config: RunConfig) -> Mapping[str, tuple[str, ...]] | str:
    """Returns what the numbers of an observation are, by part; of a world that does not tell, its id."""
    env = config.env
    board = isinstance(config.agent, AlphaZeroConfig) and board_game_name(bare_id(env.id)) is not None
    kwargs = {} if board else env.kwargs  # a game has arguments of its own
    batch = make_vector_env(env.id, agents_in(env.id, kwargs), kwargs)
    batch.close()
    setup: Any = getattr(batch.unwrapped, "setup", None)
    return getattr(setup, "columns", None) or bare_id(env.id)
