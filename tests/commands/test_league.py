"""A run in a league: it trains, resumes, is evaluated, and says in one line what does not fit."""

import json
import shutil
from pathlib import Path

import pytest

from quadrivium.agents.runs.checkpoint import load_checkpoint
from quadrivium.agents.runs.state import under
from tests.commands.running import run_evaluate, run_train

CONFIG = """
name: rivals
seed: 1
total_timesteps: 1024
device: cpu
env:
  id: quadrivium/TicTacToe-v0
  num_envs: 16
  kwargs: {seat: random}
  league:
    {snapshot_every: 256, size: 2, share_latest: 0.5, sampling: even, members: [random, "baseline:tactical"]}
agent: {algorithm: ppo, n_steps: 8, batch_size: 64, n_epochs: 1, net: {width: 16, depth: 1}}
checkpoint: {every_steps: 512, keep_last: 2}
evaluation: {every_steps: 512, episodes: 8, final_episodes: null, kwargs: {opponent: tactical, split: test}}
"""


def write(directory: Path, name: str = "rivals") -> Path:
    path = directory / f"{name}.yaml"
    path.write_text(CONFIG.replace("rivals", name))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("league")
    assert run_train(directory, write(directory)) == 0
    return directory


def rows(run_dir: Path) -> list[dict[str, float]]:
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if not k.startswith("time")} for line in lines]


def test_its_ratings_are_logged_and_its_pool_is_in_the_checkpoint(finished: Path):
    last = [row for row in rows(finished / "runs" / "rivals") if "league/rating" in row][-1]
    assert last["league/members"] == 4  # two that are fixed, two copies
    assert 0 <= last["league/score_latest"] <= 1
    assert 0 <= last["league/score_pool"] <= 1
    snapshot = load_checkpoint(finished / "runs" / "rivals")
    league = under("league/", snapshot.state)
    for place in range(2):
        assert under(f"copies/{place}/", league).keys() == snapshot.weights.keys()


def test_half_a_run_and_its_other_half_equal_the_whole_bit_for_bit(finished: Path, tmp_path: Path):
    assert run_train(tmp_path, write(tmp_path, "half")) == 0
    half = tmp_path / "runs" / "half"
    shutil.rmtree(half / "checkpoints" / "1024")  # as if killed after the one at 512
    assert run_train(tmp_path, "--resume", half) == 0
    whole, resumed = load_checkpoint(finished / "runs" / "rivals"), load_checkpoint(half)
    assert whole.state.keys() == resumed.state.keys()
    for name, array in whole.state.items():
        assert array.tobytes() == resumed.state[name].tobytes(), name
    assert rows(half) == rows(finished / "runs" / "rivals")


def test_its_agent_is_evaluated(finished: Path, capsys: pytest.CaptureFixture[str]):
    code = run_evaluate(
        finished,
        "compare",
        "run:runs/rivals",
        "random",
        "--env",
        "quadrivium/TicTacToe-v0",
        "--episodes",
        "20",
    )
    assert code == 0, capsys.readouterr().err


def test_its_run_is_a_member_of_another_league(finished: Path):
    code = run_train(
        finished, write(finished, "next"), "--total-timesteps", "128",
        "--env.league.members", '["run:runs/rivals"]',
        "--agent", "{algorithm: pqn, n_steps: 8, batch_size: 64}",
    )  # fmt: skip
    assert code == 0


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--env.id", "quadrivium/Highway-v0", "--env.kwargs", "{}", "--evaluation.kwargs", "{}"],
         ["quadrivium/Highway-v0 has no opponent", "ConnectFour", "league: null"]),
        (["--env.id", "CartPole-v1", "--env.kwargs", "{}", "--evaluation.kwargs", "{}"],
         ["CartPole-v1 has no opponent", "ConnectFour"]),
        (["--env.league.members", "[]", "--env.league.size", "0"],
         ["size 0", "without an opponent", "size: 20"]),
        (["--env.league.members", '["model:connect_four_ppo"]'],
         ["model:connect_four_ppo", "trained on quadrivium/ConnectFour-v0", "TicTacToe"]),
        (["--env.league.members", "[mtcs:10]"], ["mtcs:10", "mcts"]),
        (["--env.league.members", '["run:runs/nobody"]'], ["runs/nobody is no run directory"]),
        (["--env.kwargs.opponent", "random"],
         ["env.kwargs.opponent = random", "env.league", "evaluation.kwargs"]),
        (["--env.kwargs.flat", "true", "--evaluation.kwargs", "{}"], ["env.kwargs.flat", "league: null"]),
        (["--agent", "{algorithm: alphazero}", "--evaluation.kwargs", "{}"],
         ["alphazero learns in no league", "ppo, dqn, pqn"]),
        (["--agent.net.memory", "gru", "--agent.batch-size", "64"], ["net.memory=gru", "remember nothing"]),
        (["--env.id", "quadrivium/KuhnPoker-v0", "--evaluation.kwargs", "{}"],
         ["random, baseline:tactical play board games, not quadrivium/KuhnPoker-v0", "leave members out"]),
        (["--env.league.sampling", "best"], ["env.league.sampling", "'hard'", "'even'"]),
        (["--env.league.sizes", "3"], ["env.league.sizes", "env.league.size"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line_and_leaves_nothing_behind(
    options: list[str], parts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run_train(tmp_path, write(tmp_path), *options) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("error: ")
    assert "\n" not in message
    for part in parts:
        assert part in message
    assert not (tmp_path / "runs").exists()


def test_a_game_with_hidden_cards_has_a_league_of_copies(tmp_path: Path):
    code = run_train(
        tmp_path, write(tmp_path), "--env.id", "quadrivium/KuhnPoker-v0", "--env.league.members", "[]",
        "--evaluation.kwargs", "{opponent: equilibrium}", "--total-timesteps", "256",
    )  # fmt: skip
    assert code == 0


def test_help_says_what_its_keys_mean(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run_train(tmp_path, write(tmp_path), "--help") == 0
    (line,) = (row for row in capsys.readouterr().out.splitlines() if "--env.league.size 2" in row)
    assert "copies in the pool at most" in line
