"""Trains an agent: a config, environments, an agent, the loop, a run directory.

python train.py                                    # the quickstart: PPO learns Highway
python train.py configs/driving/highway_ppo.yaml --agent.learning-rate 3e-4 --seed 1
python train.py CONFIG --seeds 0-4 --processes 2   # a run a seed, and a table of them all
python train.py CONFIG --cluster 10.0.0.1:6379     # alphazero's games or ppo's environments all over it
python train.py --resume runs/NAME                 # as if it had never stopped
python train.py sweep SWEEP.yaml --processes 2     # tries out hyper-parameters, and tells the best
python train.py CONFIG --help                      # every option with its value
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

import quadrivium  # noqa: F401 (registers the environment ids)
from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.charts import charts_of
from quadrivium.agents.alphazero.players import SearchPlayer
from quadrivium.agents.batches.environments import make_film_env
from quadrivium.agents.batches.finite import NotFiniteError
from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.errors import UserError, program, run_command
from quadrivium.agents.evaluation.episodes import AgentPlayer, film_episode
from quadrivium.agents.evaluation.evaluator import MAX_LANES, Evaluator, baseline_players
from quadrivium.agents.evaluation.report import describe
from quadrivium.agents.logs.metrics_writer import MetricsWriter
from quadrivium.agents.logs.progress import TerminalProgress
from quadrivium.agents.logs.tensorboard import TRAINING, TensorBoardWriter
from quadrivium.agents.ppo.worlds import WorldsPPO
from quadrivium.agents.runs.checkpoint import Snapshot, save_checkpoint
from quadrivium.agents.runs.directory import MetricsLog, RunLock, write_atomically
from quadrivium.agents.runs.start import (
    METRICS,
    create_run_directory,
    missing_environments,
    require_new,
    rewind,
)
from quadrivium.agents.training.logger import Logger
from quadrivium.agents.training.loop import Evaluation, Every, Judge, Stop, StopRequest, TrainingLoop
from quadrivium.commands.build import (
    Agent,
    make_agent,
    make_evaluation_env,
    make_player,
    open_run,
    use_threads,
)
from quadrivium.commands.command_line import QUICKSTART, Arguments, help_text, parse_arguments
from quadrivium.commands.fleet import at_play, connected, require_fit
from quadrivium.commands.init_from import begin_from, keep_begun, require_as_begun
from quadrivium.commands.kept_files import keep_files, tell_changed_files
from quadrivium.commands.league import make_league
from quadrivium.commands.measure import evaluate_players
from quadrivium.commands.records import read_records
from quadrivium.commands.remedies import typed_remedies
from quadrivium.commands.report import report
from quadrivium.commands.seeds import read_processes, read_seeds, train_seeds
from quadrivium.commands.showcase import make_showcase
from quadrivium.commands.trading.kept_market import (
    keep_market,
    kept_kwargs,
    require_apart,
    told_kwargs,
    with_kept_market,
)
from quadrivium.configs.schema import (
    ON_A_CLUSTER,
    RunConfig,
    flatten,
    load_config,
    option,
    to_data,
    to_text,
    validate,
)

# Anything else makes it another run, which could not be continued exactly.
CHANGES_AT_RESUME = ("total_timesteps", "max_minutes", *ON_A_CLUSTER)


def train(argv: Sequence[str], console: Console) -> None:
    """Runs the command line `argv`; raises UserError for what the user can mend."""
    if argv[:1] == ["sweep"]:
        from quadrivium.commands.sweep.command import run_sweep  # which trains by this file

        run_sweep(argv[1:], console)
        return
    arguments = parse_arguments(argv)
    resuming = arguments.resume is not None
    if arguments.resume is not None:
        run_dir = arguments.resume
        config = resumed_config(run_dir, arguments.overrides)
    else:
        source = arguments.config or QUICKSTART
        config = load_config(source, arguments.overrides)
        run_dir = Path("runs") / config.name
    if arguments.help:
        console.print(help_text(config), highlight=False, markup=False, soft_wrap=True)
        return
    if arguments.seeds is not None:
        train_several(arguments, config, console)
        return
    train_in(run_dir, config, console, resuming=resuming)


def train_in(
    run_dir: Path, config: RunConfig, console: Console, *, resuming: bool = False, judge: Judge | None = None
) -> Stop | None:
    """Trains a run in its directory; returns why it ended early, or None.

    judge: told of each evaluation.

    Raises UserError for what the user can mend; what is wrong in the config leaves no directory behind.
    """
    if not resuming:
        require_new(run_dir)
    use_threads(config.threads)

    def note(line: str) -> None:
        say(console, f"note: {line}")

    # All that a config can be wrong in is made before the directory.
    require_fit(config, run_dir)
    written = to_text(config)
    if resuming:
        kept = kept_kwargs(run_dir, config, config.env.kwargs, note)
        env = config.env.model_copy(update={"kwargs": config.env.kwargs | kept})
        config = config.model_copy(update={"env": env})
    with typed_remedies(config.env.id):
        config = with_kept_market(config, note)
        played = read_records(config, partial(say, console))
        agent = make_agent(config, played.games, make_league(config, note))
        begun = None if resuming else begin_from(agent, config, note)
        evaluation_env, *others = (make_evaluation_env(world)(1) for world in config.of_worlds().values())
        for env in (evaluation_env, *others):
            baseline_players(env, config.evaluation.baselines)
        require_apart(config, evaluation_env, notify=note)
    with connected(config) as cluster:
        if resuming:
            tell_changed_files(run_dir, evaluation_env, note, played.files)
        else:
            create_run_directory(run_dir, written)
            keep_begun(run_dir, begun)
            keep_market(run_dir, config)
            keep_files(run_dir, config, played.files)
        with RunLock(run_dir):
            if resuming:
                snapshot = rewind(run_dir, notify=note)
                write_atomically(run_dir / "config.yaml", written.encode())
                if snapshot is not None:
                    restore(agent, snapshot, console)
                else:
                    begun = begin_from(agent, config, note)
                    require_as_begun(run_dir, begun)
            if begun is not None:
                say(console, str(begun))
            return run(agent, config, run_dir, console, cluster, judge)


def train_several(arguments: Arguments, config: RunConfig, console: Console) -> None:
    """Trains a run for each seed of the command line, and prints a table of them all."""
    seeds, processes = read_seeds(arguments.seeds or ""), read_processes(arguments.processes)
    source = arguments.config or QUICKSTART
    # The cluster trains whole runs, each on one machine: to the run itself it is nothing.
    own = dict(arguments.overrides)
    if config.cluster is not None:
        own |= dict.fromkeys(ON_A_CLUSTER, "null")
        if processes > 1:
            raise UserError(f"--processes {processes} are of one machine; with --cluster give --workers")
    where = config.cluster, config.workers
    runs = train_seeds(source, own, seeds, processes, partial(say, console), where)
    if not runs:
        return
    if config.evaluation.final_episodes is not None:
        report(runs, [], "return", None, console)
    names = " ".join(map(str, runs))
    say(console, f"sum them up: {program('evaluate')} report {names} --output DIR")


def restore(agent: Agent, snapshot: Snapshot, console: Console) -> None:
    """Puts the agent where `snapshot` was taken; says so where that cannot be exact."""
    note = None if isinstance(agent, AlphaZero) else missing_environments(snapshot)
    if note is not None:
        say(console, f"note: {note}")
    agent.restore(snapshot)


def resumed_config(run_dir: Path, overrides: dict[str, str]) -> RunConfig:
    """Returns the configuration of the run, with another end where one is asked for."""
    config = open_run(run_dir)
    for key in overrides:
        if key not in CHANGES_AT_RESUME:
            raise UserError(
                f"{option(key)} cannot change when a run is resumed, only "
                f"{' and '.join(map(option, CHANGES_AT_RESUME))} can; begin a new run for it"
            )
    config = validate(to_data(config), str(run_dir / "config.yaml"), overrides)
    if config.cluster is None and "workers" not in overrides:  # they were of the cluster that is left
        config = config.model_copy(update={"workers": None})
    return config


def run(
    agent: Agent,
    config: RunConfig,
    run_dir: Path,
    console: Console,
    cluster: Cluster | None = None,
    judge: Judge | None = None,
) -> Stop | None:
    """Trains until the end, the time budget, a signal or the judge; what there is then is saved.

    cluster: whose workers play or step, where there is one. judge: told of each evaluation.

    Returns why the run ended early, or None.
    """
    start = agent.num_timesteps
    worlds = ", ".join([config.env.id, *(world.id for world in config.worlds)])
    say(
        console,
        f"{run_dir}: {config.agent.algorithm.upper()} on {worlds} × {config.env.num_envs}, "
        f"{agent.device}, step {start:,} of {config.total_timesteps:,}",
    )
    agent.budget.minutes = config.max_minutes
    if start >= config.total_timesteps or agent.budget.share >= 1:
        more = "--total-timesteps N" if start >= config.total_timesteps else "--max-minutes M"
        say(console, f"this run is complete; to go on: {program('train')} --resume {run_dir} {more}")
        return None
    charts = charts_of(agent) if isinstance(agent, AlphaZero) else TRAINING
    tensorboard = TensorBoardWriter(run_dir, purge_step=start + 1 if start else 0, charts=charts)
    if start == 0:
        tensorboard.write_header(flatten(to_data(config)), to_text(config))
    progress = TerminalProgress(config.total_timesteps, start, console, visible=config.logging.progress)
    logger = Logger([tensorboard, MetricsWriter(MetricsLog(run_dir / METRICS)), progress])
    agent.set_logger(logger)
    stop = StopRequest(agent.budget, progress.message)
    loop = make_loop(agent, config, run_dir, tensorboard, stop, judge)
    try:
        with stop.listening(), at_play(agent, config, run_dir, cluster, progress.message):
            agent.learn(
                config.total_timesteps - start,
                loop,
                log_interval=config.logging.interval,
                reset_num_timesteps=start == 0,
            )
    except NotFiniteError as error:
        raise UserError(
            f"{error}; then go on from what was saved before: {program('train')} --resume {run_dir}"
        ) from error
    finally:
        logger.close()
    if loop.stopped is not None:
        say(console, f"stopped at step {agent.num_timesteps:,}: {loop.stopped.reason}")
        more = "" if loop.stopped.hurried else " --max-minutes M"
        say(console, f"to go on: {program('train')} --resume {run_dir}{more}")
    if loop.stopped is None or not loop.stopped.hurried:
        close_run(agent, config, run_dir, console)
    return loop.stopped


def make_loop(
    agent: Agent,
    config: RunConfig,
    run_dir: Path,
    tensorboard: TensorBoardWriter,
    stop: StopRequest,
    judge: Judge | None = None,
) -> TrainingLoop:
    """Returns what happens between the iterations of this run."""
    plan = config.evaluation
    evaluate = None
    if plan.every_steps is not None:
        evaluate = make_evaluation(agent, config, make_showcase(agent, config, tensorboard))
    film_env = None
    if config.logging.video_every_steps is not None:
        film_env = make_film_env(config.env.id, config.evaluation_kwargs())

    def film(step: int) -> None:
        if film_env is not None:
            frames, fps = film_episode(agent.actor(), film_env, seed=plan.selection_seed, fps=5)
            tensorboard.write_film("evaluation/film", frames, fps, step)

    def save(score: float | None) -> None:
        save_checkpoint(run_dir, agent.snapshot(), keep_last=config.checkpoint.keep_last, score=score)

    return TrainingLoop(
        total_steps=config.total_timesteps,
        evaluate=evaluate,
        evaluate_every=Every(plan.every_steps),
        film=film,
        film_every=Every(config.logging.video_every_steps),
        save=save,
        save_every=Every(config.checkpoint.every_steps),
        stop=stop,
        judge=judge,
    )


def make_evaluation(
    agent: Agent, config: RunConfig, show: Callable[[], None] | None
) -> Callable[[], Evaluation]:
    """Returns what measures the agent during its training; the score is the mean over its worlds.

    show: called after it.
    """
    plan = config.evaluation
    evaluators = {
        name: Evaluator(
            make_evaluation_env(world),
            episodes=plan.episodes,
            seed=plan.selection_seed,
            baselines=plan.baselines,
        )
        for name, world in config.of_worlds().items()
    }
    players = players_of(agent, config)

    def evaluate() -> Evaluation:
        scalars: dict[str, float] = {}
        scores: list[float] = []
        for name, _, player in players:
            own, score = evaluators[name](player)
            scalars |= {f"{name}/{key}": value for key, value in own.items()} if config.worlds else own
            scores.append(score)
        if isinstance(agent, AlphaZero):
            scalars |= agent.climb() | agent.take_exam() | agent.recall()
        if show is not None:
            show()
        return scalars, sum(scores) / len(scores)

    return evaluate


def players_of(agent: Agent, config: RunConfig) -> list[tuple[str, RunConfig, AgentPlayer | SearchPlayer]]:
    """Returns of each world that the agent learns its name, its configuration, and the agent as a player."""
    of_worlds = config.of_worlds()
    agents = agent.worlds if isinstance(agent, WorldsPPO) else dict.fromkeys(of_worlds, agent)
    return [(name, world, make_player(config.name, agents[name])) for name, world in of_worlds.items()]


def close_run(agent: Agent, config: RunConfig, run_dir: Path, console: Console) -> None:
    """Prints how the trained agent does beside the baselines, and what can be done next."""
    for name, world, player in players_of(agent, config):
        where = run_dir / "evaluation"
        _close_world(agent, world, player, run_dir, where / name if config.worlds else where, console)
    say(console, f"evaluate it:  {program('evaluate')} run {run_dir} --video")
    say(console, f"look into it: tensorboard --logdir {run_dir.parent}")


def _close_world(
    agent: Agent,
    config: RunConfig,
    player: AgentPlayer | SearchPlayer,
    run_dir: Path,
    directory: Path,
    console: Console,
) -> None:
    plan = config.evaluation
    if plan.final_episodes is not None:
        env = make_evaluation_env(config)(min(plan.final_episodes, MAX_LANES))
        players = [player, *baseline_players(env, plan.baselines)]
        title = f"{plan.final_episodes} episodes of {describe(config.env.id, told_kwargs(config))}"
        facts = {"run": str(run_dir), "step": agent.num_timesteps, "checkpoint": "last"}
        facts |= {"environment": config.env.id, "kwargs": told_kwargs(config), "seed": plan.seed}
        kept = {name: value for name, value in config.evaluation_kwargs().items() if name == "trained_on"}
        evaluate_players(
            console, directory, players, env, facts, episodes=plan.final_episodes, title=title, kept=kept
        )
        env.close()


def say(console: Console, text: str) -> None:
    """Prints a line as it is."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(lambda: train(sys.argv[1:] if argv is None else argv, Console()))
