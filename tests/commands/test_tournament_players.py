"""Trained runs at the tables of `python evaluate.py tournament`, and players that cannot be."""

import json
import shutil
import sys

import pytest

from tests.commands.running import run_evaluate, run_train, write_config
from tests.commands.tournaments import read, refused, write

PPO = """
name: ppo
seed: 1
total_timesteps: 256
device: cpu
env: {id: quadrivium/ConnectFour-v0, num_envs: 16, kwargs: {}}
agent: {algorithm: ppo, n_steps: 8, batch_size: 64, n_epochs: 1, net: {width: 16, depth: 1}}
checkpoint: {every_steps: 128, keep_last: 2}
evaluation: {every_steps: null, final_episodes: null}
logging: {progress: false}
"""


ALPHAZERO = """
name: alphazero
seed: 1
total_timesteps: 360
device: cpu
env: {id: quadrivium/TicTacToe-v0, num_envs: 8, kwargs: {}}
agent:
  algorithm: alphazero
  n_steps: 9
  simulations: 4
  evaluation_simulations: 4
  ladder_games: 2
  net: {trunk: cnn, width: 8, depth: 1, normalize_inputs: false}
checkpoint: {every_steps: 180, keep_last: 2}
evaluation: {every_steps: null, final_episodes: null}
logging: {progress: false}
"""


def test_alphazero_searches_as_deep_as_its_player_says(tmp_path):
    (tmp_path / "alphazero.yaml").write_text(ALPHAZERO)
    assert run_train(tmp_path, tmp_path / "alphazero.yaml") == 0
    text = """
name: deep
env: quadrivium/TicTacToe-v0
players: ["run:runs/alphazero", "run:runs/alphazero?sims=60", random]
games: 40
"""
    assert run_evaluate(tmp_path, "tournament", write(tmp_path, text)) == 0
    points = {player["name"]: player["points"] for player in read(tmp_path, "deep")["players"]}
    assert points["alphazero?sims=60"] > points["random"]
    games = tmp_path / "runs" / "tournaments" / "deep" / "games.jsonl"
    played = games.read_text()
    games.write_text("".join(played.splitlines(keepends=True)[:50]))  # as if it had been killed
    assert run_evaluate(tmp_path, "tournament", tmp_path / "config.yaml") == 0

    def moves(text):
        return [{**json.loads(line), "seconds": None} for line in text.splitlines()]

    assert sorted(map(str, moves(games.read_text()))) == sorted(map(str, moves(played)))


def test_a_run_trained_on_several_sizes_plays_on_each_of_them_and_on_no_other(tmp_path, capsys):
    config = ALPHAZERO.replace("TicTacToe", "Go").replace("net:", "other_sizes: [3]\n  net:")
    config = config.replace("kwargs: {}", "kwargs: {size: 4}")
    (tmp_path / "alphazero.yaml").write_text(config)
    assert run_train(tmp_path, tmp_path / "alphazero.yaml") == 0
    text = """
name: NAME
env: quadrivium/Go-v0
kwargs: {size: SIZE}
players: ["run:runs/alphazero?sims=8", random]
games: 4
"""
    for size, code in ((3, 0), (4, 0), (5, 2)):
        sized = text.replace("SIZE", str(size)).replace("NAME", f"on{size}")
        assert run_evaluate(tmp_path, "tournament", write(tmp_path, sized)) == code
    assert "give both the same size" in capsys.readouterr().err


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A directory with a PPO run of connect four in runs/ppo."""
    directory = tmp_path_factory.mktemp("trained")
    config = directory / "ppo.yaml"
    config.write_text(PPO)
    assert run_train(directory, config) == 0
    return directory


def test_a_trained_run_plays_and_its_earlier_checkpoint_too(trained):
    players = 'players: [random, "run:runs/ppo", "run:runs/ppo?step=128", "run:runs/ppo?checkpoint=best"]'
    assert run_evaluate(trained, "tournament", write(trained, players=players)) == 0
    names = {player["name"] for player in read(trained)["players"]}
    assert names == {"random", "ppo", "ppo?step=128", "ppo?checkpoint=best"}


@pytest.mark.parametrize(
    ("player", "parts"),
    [
        ("run:runs/pp", ["runs/pp is no run directory", "did you mean 'runs/ppo'"]),
        ("run:", ["run:runs/NAME"]),
        ("run:runs/ppo?sims=10", ["does not search"]),
        ("run:runs/ppo?simz=10", ["'simz' is unknown", "did you mean 'sims'"]),
        ("run:runs/ppo?sims=none", ["is no positive number"]),
        ("run:runs/ppo?step=7", ["no checkpoint 7"]),
        ("run:runs/ppo?checkpoint=7", ["no checkpoint 7"]),
        ("run:runs/ppo?checkpoint=newest", ["expected last, best or a step; write checkpoint=best"]),
        ("run:runs/ppo?checkpiont=best", ["'checkpiont' is unknown; did you mean 'checkpoint'"]),
        ("run:runs/ppo?checkpoint=best&step=128", ["names two checkpoints"]),
        ("mcts:many", ["mcts:many", "write mcts:100"]),
        ("mcts", ["write mcts:100"]),
        ("mtcs:10", ["did you mean 'mcts'"]),
        ("baseline:tacticle", ["did you mean 'tactical'"]),
        ("random:1", ["random takes no argument"]),
        ("gtp:gnugo --mode gtp", ["plays Go or Othello, and this is ConnectFour"]),
        ("random", ["two players are called 'random'", "name one"]),
    ],
)
def test_a_player_that_cannot_be_is_one_line_before_any_game(trained, capsys, player, parts):
    config = write(trained, name="name: never", players=f'players: [random, "{player}"]')
    line = refused(capsys, run_evaluate(trained, "tournament", config))
    for part in parts:
        assert part in line
    assert not (trained / "runs" / "tournaments" / "never").exists()


@pytest.mark.parametrize(
    ("env", "kwargs", "parts"),
    [
        (
            "quadrivium/Othello-v0",
            "{}",
            ["was trained on quadrivium/ConnectFour-v0, but Othello is played here"],
        ),
        ("quadrivium/Go-v0", "{siz: 9}", ["env.kwargs.siz", "did you mean 'size'"]),
        ("quadrivium/Go-v0", "{size: 90}", ["size=90 is out of range"]),
    ],
)
def test_a_run_of_another_game_and_wrong_arguments_are_one_line(trained, capsys, env, kwargs, parts):
    text = f'name: never\nenv: {env}\nkwargs: {kwargs}\nplayers: [random, "run:runs/ppo"]\n'
    line = refused(capsys, run_evaluate(trained, "tournament", write(trained, text)))
    for part in parts:
        assert part in line


def test_an_engine_that_is_not_installed_is_one_line(tmp_path, capsys):
    text = 'name: never\nenv: quadrivium/Go-v0\nplayers: [random, "gtp:no-such-engine --gtp"]\n'
    line = refused(capsys, run_evaluate(tmp_path, "tournament", write(tmp_path, text)))
    assert "no-such-engine" in line
    assert "install" in line


# ---- another player under the same name

FAKE = """
import sys
for line in sys.stdin:
    word = line.split()[0]
    if word == "uci":
        print("id name Fake VERSION", "uciok", sep="\\n", flush=True)
    if word == "isready":
        print("readyok", flush=True)
    if word == "go":
        print("bestmove 0000", flush=True)
    if word == "quit":
        break
"""


def digest_of(trained, step):
    manifest = json.loads(
        (trained / "runs" / "ppo" / "checkpoints" / str(step) / "manifest.json").read_text()
    )
    return manifest["files"]["weights.safetensors"]["sha256"]


def moved_on(trained, directory):
    """Returns a copy of the trained run in `directory` whose last checkpoint is an earlier one's weights."""
    shutil.copytree(trained / "runs" / "ppo", directory / "runs" / "ppo")
    shutil.rmtree(directory / "runs" / "ppo" / "checkpoints" / "256")
    return directory


def test_results_say_which_weights_played(trained):
    players = 'players: [random, "run:runs/ppo", "run:runs/ppo?checkpoint=128"]'
    config = write(trained, name="name: weights", players=players)
    assert run_evaluate(trained, "tournament", config) == 0
    assert read(trained, "weights")["identities"] == {
        "ppo": f"checkpoint 256, weights sha256 {digest_of(trained, 256)}",
        "ppo?checkpoint=128": f"checkpoint 128, weights sha256 {digest_of(trained, 128)}",
    }


def test_a_tournament_does_not_go_on_with_other_weights_under_the_same_name(trained, tmp_path, capsys):
    moved_on(trained, tmp_path)
    config = write(tmp_path, players='players: [random, "run:runs/ppo"]')
    assert run_evaluate(tmp_path, "tournament", config) == 0
    games = tmp_path / "runs" / "tournaments" / "small" / "games.jsonl"
    before = games.read_bytes()
    shutil.copytree(trained / "runs/ppo/checkpoints/256", tmp_path / "runs/ppo/checkpoints/256")
    capsys.readouterr()
    line = refused(capsys, run_evaluate(tmp_path, "tournament", config))
    assert (
        f"holds games of another 'ppo' (checkpoint 128, weights sha256 {digest_of(trained, 128)[:12]}…;"
        in line
    )
    assert f"now checkpoint 256, weights sha256 {digest_of(trained, 256)[:12]}…)" in line
    assert "give the tournament another name to play anew, or delete that directory" in line
    assert games.read_bytes() == before
    shutil.rmtree(tmp_path / "runs/ppo/checkpoints/256")
    assert run_evaluate(tmp_path, "tournament", config) == 0  # the weights are the same again


def test_the_same_step_with_other_weights_is_another_player(trained, tmp_path, capsys):
    moved_on(trained, tmp_path)
    config = write(tmp_path, players='players: [random, "run:runs/ppo?checkpoint=128"]')
    assert run_evaluate(tmp_path, "tournament", config) == 0
    shutil.rmtree(tmp_path / "runs" / "ppo")
    (tmp_path / "again.yaml").write_text(PPO.replace("seed: 1", "seed: 2"))
    assert run_train(tmp_path, tmp_path / "again.yaml") == 0
    capsys.readouterr()
    assert "another 'ppo?checkpoint=128'" in refused(capsys, run_evaluate(tmp_path, "tournament", config))


def test_an_engine_of_another_version_is_another_player(tmp_path, capsys):
    engine = tmp_path / "engine.py"
    engine.write_text(FAKE.replace("VERSION", "1"))
    text = f"""
name: versions
env: quadrivium/Chess-v0
players: [random, {{name: fake, player: "uci:{sys.executable} {engine}?timeout=5&processes=1"}}]
games: 2
move_seconds: 0.2
"""
    config = write(tmp_path, text)
    assert run_evaluate(tmp_path, "tournament", config) == 0
    assert read(tmp_path, "versions")["identities"] == {"fake": "Fake 1"}
    engine.write_text(FAKE.replace("VERSION", "2"))
    capsys.readouterr()
    line = refused(capsys, run_evaluate(tmp_path, "tournament", config))
    assert "holds games of another 'fake' (Fake 1; now Fake 2)" in line


def test_a_tournament_from_before_identities_were_kept_goes_on_with_a_note(trained, tmp_path, capsys):
    moved_on(trained, tmp_path)
    config = write(tmp_path, players='players: [random, "run:runs/ppo"]')
    assert run_evaluate(tmp_path, "tournament", config) == 0
    (tmp_path / "runs" / "tournaments" / "small" / "identities.json").unlink()
    capsys.readouterr()
    assert run_evaluate(tmp_path, "tournament", config) == 0
    assert "does not say which weights its players had" in capsys.readouterr().err
    assert (tmp_path / "runs" / "tournaments" / "small" / "identities.json").exists()


def test_on_scenarios_too_other_weights_are_refused(tmp_path, capsys):
    assert run_train(tmp_path, write_config(tmp_path), "--evaluation.final-episodes", "null") == 0
    text = """
name: drivers
env: quadrivium/Highway-v0
kwargs: {vehicles: 6, duration: 10}
players: [random, "run:runs/small", "run:runs/small?checkpoint=512"]
episodes: 8
"""
    config = write(tmp_path, text)
    assert run_evaluate(tmp_path, "tournament", config) == 0
    results = read(tmp_path, "drivers")
    assert set(results["players"]) == {"random", "small", "small?checkpoint=512"}
    assert results["identities"]["small"].startswith("checkpoint 1024, weights sha256 ")
    shutil.rmtree(tmp_path / "runs/small/checkpoints/1024")
    capsys.readouterr()
    assert "another 'small'" in refused(capsys, run_evaluate(tmp_path, "tournament", config))
