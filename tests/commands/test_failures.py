"""The failure gallery of `evaluate.py run`: who failed, how, and what plays it again."""

import contextlib
import csv
import io
import re
import shlex

import numpy as np
import pytest
from PIL import Image

from quadrivium.agents.batches.environments import make_film_env, make_vector_env
from quadrivium.agents.evaluation.episodes import Episodes, RandomPlayer, play_episodes
from quadrivium.commands import evaluate
from quadrivium.commands.build import load_player
from quadrivium.commands.failures import (
    MAX_BYTES,
    MAX_FRAMES,
    find_failures,
    outcome_of,
    play_again,
    record_actions,
    small_gif,
    write_failures,
)
from tests.commands.running import run_evaluate, run_train

SEED = 1_000_000
EPISODES = 6
KWARGS = {"people_count": 2, "time_limit": 15, "split": "test"}
CONFIG = """
name: crowd
seed: 1
total_timesteps: 128
device: cpu
env: {id: quadrivium/CrowdNav-v0, num_envs: 8, kwargs: {people_count: 2, time_limit: 15}}
agent: {algorithm: ppo, n_steps: 16, batch_size: 64, n_epochs: 1, net: {width: 16, depth: 1}}
checkpoint: {every_steps: 128}
evaluation: {every_steps: null, final_episodes: null, baselines: [], kwargs: {split: test}}
logging: {interval: 1}
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with runs/crowd, a robot that has learnt nothing, so that it collides or loses its way."""
    directory = tmp_path_factory.mktemp("failures")
    path = directory / "crowd.yaml"
    path.write_text(CONFIG)
    assert run_train(directory, path) == 0
    return directory


@pytest.fixture(scope="module")
def evaluated(directory):
    """The gallery of two films, the rows of episodes.csv that failed, and the terminal's output."""
    stale = directory / "runs" / "crowd" / "evaluation" / "failures" / "seed_7_collision.gif"
    stale.parent.mkdir(parents=True)
    stale.touch()
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = run_evaluate(directory, "run", "runs/crowd", "--episodes", EPISODES, "--failures", 2)
    assert code == 0
    evaluation = directory / "runs" / "crowd" / "evaluation"
    with (evaluation / "episodes.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["player"] == "crowd"]
    return evaluation / "failures", [row for row in rows if float(row["success"]) == 0], output.getvalue()


def outcome_in(row):
    if float(row["collision"]) == 1:
        return "collision"
    return "timeout" if float(row["timeout"]) == 1 else "failure"


def test_the_first_failures_are_filmed_in_small_files_named_by_seed_and_outcome(evaluated):
    gallery, failed, _ = evaluated
    assert len(failed) > 2  # else the claims of this file say little
    films = sorted(path.name for path in gallery.glob("*.gif"))
    assert films == [f"seed_{row['seed']}_{outcome_in(row)}.gif" for row in failed[:2]]
    for name in films:
        assert (gallery / name).stat().st_size <= MAX_BYTES
        with Image.open(gallery / name) as film:
            assert film.size == (320, 336)  # half of 640 × 672
            assert 2 <= film.n_frames <= MAX_FRAMES + 1


def test_the_index_lists_every_failed_seed_with_outcome_and_length(evaluated):
    gallery, failed, _ = evaluated
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (\d+) \|", (gallery / "index.md").read_text(), re.MULTILINE)
    assert rows == [(row["seed"], outcome_in(row), row["length"]) for row in failed]


def test_films_of_an_earlier_evaluation_are_gone(evaluated):
    assert not (evaluated[0] / "seed_7_collision.gif").exists()


def test_the_terminal_says_how_many_failed_and_where_the_gallery_is(evaluated):
    _, failed, output = evaluated
    line = f"{len(failed)} of {EPISODES} episodes failed: runs/crowd/evaluation/failures/index.md"
    assert output.splitlines().count(line) == 1


def test_a_replay_ends_as_the_episode_in_the_batch_did(directory, evaluated):
    _, failed, _ = evaluated
    env = make_vector_env("quadrivium/CrowdNav-v0", EPISODES, KWARGS)
    single = make_film_env("quadrivium/CrowdNav-v0", KWARGS)
    player, _ = load_player(directory / "runs" / "crowd", env, "last", notify=print)
    lanes = [int(row["seed"]) - SEED for row in failed]
    actions = record_actions(player, env, seed=SEED, lanes=lanes, steps=60)  # 15 s in steps of 0.25 s
    for k, row in enumerate(failed):
        replay = play_again(single, actions[:, k], seed=int(row["seed"]), stride=7)
        assert (replay.outcome, replay.length) == (outcome_in(row), int(row["length"]))
        assert len(replay.frames) == 1 + -(-replay.length // 7)  # the start, every 7th step, the end


def test_failures_of_later_blocks_are_filmed_by_their_own_seeds(directory, evaluated, tmp_path):
    _, failed, _ = evaluated
    env = make_vector_env("quadrivium/CrowdNav-v0", 2, KWARGS)  # three blocks of two
    player, _ = load_player(directory / "runs" / "crowd", env, "last", notify=print)
    episodes = play_episodes(player, env, episodes=EPISODES, seed=SEED)
    facts = {"run": "r", "step": 128, "environment": "quadrivium/CrowdNav-v0", "kwargs": KWARGS, "seed": SEED}
    write_failures(tmp_path, player, episodes, env, facts, films=EPISODES, command=["python"])
    filmed = sorted(int(path.name.split("_")[1]) for path in tmp_path.glob("*.gif"))
    assert filmed == [int(row["seed"]) for row in failed]


def test_the_command_in_the_index_plays_that_seed_again_and_leaves_the_gallery(directory, evaluated):
    gallery, failed, _ = evaluated
    index = (gallery / "index.md").read_text()
    command = re.findall(r"`(python evaluate\.py .*)`", index)[-1]
    assert command.startswith(f"python evaluate.py run runs/crowd --seed {failed[-1]['seed']} --episodes 1 ")
    with contextlib.chdir(directory):
        assert evaluate.main(shlex.split(command)[2:]) == 0
    evaluation = directory / "runs" / "crowd" / "evaluation"
    with (evaluation / "episodes.csv").open() as file:
        again = next(csv.DictReader(file))
    assert {key: again[key] for key in ("seed", "length", "collision")} == {
        key: failed[-1][key] for key in ("seed", "length", "collision")
    }
    assert list(evaluation.glob("film.*"))
    assert (gallery / "index.md").read_text() == index


def test_the_command_repeats_the_options_that_choose_weights_and_world(directory):
    options = ("--checkpoint", "128", "--split", "train")
    assert run_evaluate(directory, "run", "runs/crowd", "--episodes", 4, "--failures", 1, *options) == 0
    gallery = directory / "runs" / "crowd" / "evaluation" / "failures"
    assert "run runs/crowd --checkpoint 128 --split train --seed 1000" in (gallery / "index.md").read_text()


def test_a_world_that_does_not_tell_success_has_no_gallery(tmp_path):
    episodes = Episodes(np.zeros(2), np.ones(2, np.int64), {"collision": np.ones(2)})
    env = make_vector_env("CartPole-v1", 2, {})
    facts = {"environment": "CartPole-v1", "kwargs": {}, "seed": SEED}
    assert (
        write_failures(tmp_path / "failures", RandomPlayer(), episodes, env, facts, films=2, command=[])
        is None
    )
    assert not (tmp_path / "failures").exists()


def test_robots_that_share_an_episode_and_its_seed_have_no_gallery(tmp_path):
    episodes = Episodes(np.zeros(2), np.ones(2, np.int64), {"success": np.zeros(2)})
    kwargs = {"people_count": 2, "robots": 2}
    env = make_vector_env("quadrivium/CrowdNav-v0", 2, kwargs)
    facts = {"environment": "quadrivium/CrowdNav-v0", "kwargs": kwargs, "seed": SEED}
    assert (
        write_failures(tmp_path / "failures", RandomPlayer(), episodes, env, facts, films=2, command=[])
        is None
    )
    assert not (tmp_path / "failures").exists()


def test_without_failures_the_index_says_so(tmp_path):
    (tmp_path / "seed_7_collision.gif").touch()
    episodes = Episodes(np.zeros(2), np.ones(2, np.int64), {"success": np.ones(2)})
    env = make_vector_env("CartPole-v1", 2, {})
    facts = {"run": "r", "step": 1, "environment": "CartPole-v1", "kwargs": {}, "seed": SEED}
    line = write_failures(tmp_path, RandomPlayer(), episodes, env, facts, films=2, command=[])
    assert line == f"0 of 2 episodes failed: {tmp_path / 'index.md'}"
    assert [path.name for path in tmp_path.iterdir()] == ["index.md"]
    assert (tmp_path / "index.md").read_text().splitlines()[2:] == [
        "0 of 2 episodes failed: CartPole-v1, checkpoint 1, scenarios 1000000 to 1000001."
    ]


def test_failures_are_the_episodes_without_success_by_their_seeds():
    metrics = {"success": [1, 0, 0, 0], "collision": [0, 1, 0, 0], "timeout": [0, 1, 1, 0]}
    columns = {name: np.array(values, np.float64) for name, values in metrics.items()}
    failures = find_failures(Episodes(np.zeros(4), np.array([5, 6, 7, 8]), columns), SEED)
    assert [(failure.seed - SEED, failure.outcome, failure.length) for failure in failures] == [
        (1, "collision", 6),
        (2, "timeout", 7),
        (3, "failure", 8),
    ]


def test_who_touched_something_and_arrived_has_succeeded():
    assert outcome_of({"collision": 1.0, "success": 1.0}) == "success"


def test_a_film_that_is_too_large_loses_frames_but_not_its_end():
    noise = np.random.default_rng(0).integers(0, 256, (31, 100, 100, 3), np.uint8)
    film = small_gif([*noise, np.zeros((100, 100, 3), np.uint8)])
    assert len(film) <= MAX_BYTES
    with Image.open(io.BytesIO(film)) as opened:
        assert opened.n_frames == 16  # each of 100 × 100 random pixels, more than 8 bits packed
        opened.seek(15)
        assert np.asarray(opened.convert("RGB")).max() == 0
