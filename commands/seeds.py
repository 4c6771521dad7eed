"""One config trained with several seeds, `train.py CONFIG --seeds 0-4`: each is a run of its own.

Runs follow one another, or `--processes` of them go on side by side, each in a process. Started again, what
is complete is left alone, and what was interrupted goes on.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from quadrivium.agents.cluster.head import Address
from quadrivium.agents.compute.cores import auto_threads
from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.checkpoint import list_checkpoints
from quadrivium.agents.training.signals import on_stop_signals
from quadrivium.commands.build import open_run
from quadrivium.commands.team import Team
from quadrivium.commands.trainings_on_cluster import train_on_cluster
from quadrivium.configs.schema import RunConfig, differences, flatten, load_config, option, to_data

Say = Callable[[str], None]
_MOST = 1000


def read_seeds(text: str) -> list[int]:
    """Returns the seeds that `--seeds` names: `0-4`, `0,3,7`, or both mixed; raises UserError."""
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,10})(?:-(\d{1,10}))?\s*", part)
        if found is None:
            raise UserError(f"--seeds {text}: {part!r} is no seed and no range; give such as 0-4 or 0,3,7")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise UserError(f"--seeds {text}: {part} ends before it begins; give {last}-{first}")
        if last - first >= _MOST:
            raise UserError(
                f"--seeds {text}: {part} has {last - first + 1:,} seeds; at most {_MOST} are trained"
            )
        seeds += range(first, last + 1)
    for seed in seeds:
        if seeds.count(seed) > 1:
            raise UserError(f"--seeds {text} names {seed} twice; give each seed once")
    return seeds


def read_processes(text: str) -> int:
    """Returns how many runs go on side by side; raises UserError."""
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"--processes {text}: expected a whole number from 1, of runs that go on at once")
    return int(text)


def train_seeds(
    source: Path,
    overrides: Mapping[str, str],
    seeds: Sequence[int],
    processes: int,
    say: Say,
    where: tuple[Address | None, int | None] = (None, None),
) -> list[Path]:
    """Trains a run for each seed; returns their directories, all complete, or none if it was stopped.

    overrides: of the config, as typed. where: the cluster on which they are trained, and by how many
    workers at most; None: here, `processes` at once.

    Raises:
        UserError: a seed is given besides, a run of that name has another config, or a training failed.
    """
    if "seed" in overrides:
        raise UserError(f"--seed {overrides['seed']} is given beside --seeds; leave it out")
    configs = {seed: _config(source, overrides, seed, processes) for seed in seeds}
    commands: dict[int, list[str]] = {}
    for seed, (config, arguments) in configs.items():
        run_dir = Path("runs") / config.name
        if not run_dir.exists():
            commands[seed] = arguments
        elif _is_complete(run_dir, config):
            say(f"{run_dir} is complete")
        else:
            commands[seed] = ["--resume", str(run_dir)]
    cluster, most = where
    if cluster is None:
        team = Team(say, "seed", alone=processes == 1)
        with on_stop_signals(team.pass_on), ThreadPoolExecutor(processes) as pool:
            codes = dict(zip(commands, pool.map(team.train, commands.items()), strict=True))
        stopped = team.stopped
    else:
        cpus = max(cpus_of(config) for config, _ in configs.values())
        codes, stopped = train_on_cluster(cluster, lambda _: commands, say, cpus, most, "seed", _again)
    if stopped:
        say("stopped; the same command goes on with what is left")
        return []
    for seed, code in codes.items():
        if code != 0:
            raise UserError(f"the training of seed {seed} failed (exit code {code}); its own line says why")
    return [Path("runs") / config.name for config, _ in configs.values()]


def cpus_of(config: RunConfig) -> int:
    """Returns how many processors a run takes; one where the config leaves that to the machine."""
    return config.threads if isinstance(config.threads, int) else 1


def _again(arguments: Sequence[str]) -> Sequence[str]:
    """Returns how a training goes on that was begun by `arguments`: from its newest checkpoint."""
    if arguments[0] == "--resume":
        return arguments
    run_dir = Path("runs") / arguments[arguments.index("--name") + 1]
    return ["--resume", str(run_dir)] if run_dir.exists() else arguments


def _config(
    source: Path, overrides: Mapping[str, str], seed: int, processes: int
) -> tuple[RunConfig, list[str]]:
    """Returns a seed's configuration, and the arguments of its training."""
    name = load_config(source, overrides).name
    own = {**overrides, "name": f"{name}_seed{seed}", "seed": str(seed)}
    config = load_config(source, own)
    if config.threads == "auto" and processes > 1:
        own["threads"] = str(max(auto_threads() // processes, 1))
    words = [word for key, value in own.items() for word in (option(key), value)]
    return config, [str(source), *words]


def _is_complete(run_dir: Path, config: RunConfig) -> bool:
    """Returns whether a run of this config is over; raises UserError where the run has another one."""
    known, wanted = (flatten(to_data(one)) for one in (open_run(run_dir), config))
    for key in differences(known, wanted):
        if key != "threads":
            raise UserError(
                f"{run_dir} exists with {key} {known.get(key)}, not {wanted.get(key)}; a run is never "
                "overwritten: give another --name"
            )
    checkpoints = list_checkpoints(run_dir)
    if not checkpoints:
        return False
    last = checkpoints[-1]
    timed_out = config.max_minutes is not None and last.seconds >= 60 * config.max_minutes
    return last.step >= config.total_timesteps or timed_out
