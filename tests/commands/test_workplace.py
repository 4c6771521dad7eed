"""What a worker of a cluster refuses before it plays, in a line that names its machine; on what it plays."""

import os
import platform
import sys

import pytest

from quadrivium.agents.arena.engines.player_text import parse_engine_text
from quadrivium.agents.arena.tournament import Plan
from quadrivium.agents.errors import UserError
from quadrivium.commands.tournament_hall import Table
from quadrivium.commands.workplace import enter, require_same_players
from quadrivium.configs.tournament import load_tournament

NODE = platform.node()


@pytest.fixture(autouse=True)
def back_again(tmp_path, monkeypatch):
    """A worker's process is its own: here folder and environment are put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")


def table(folder, player, known):
    path = folder / "config.yaml"
    path.write_text(f"""
name: there
env: quadrivium/Go-v0
kwargs: {{size: 5, superko: simple}}
threads: 1
players: [random, {player!r}]
games: 2
openings: {{plies: 0}}
""")
    config = load_tournament(path)
    return Table(config, [], Plan(), ["random", "other"], known, folder)


def test_an_engine_that_is_not_on_a_node_is_refused_with_the_nodes_name(tmp_path):
    with pytest.raises(UserError, match=rf"^node {NODE}: engine 'no-such-engine-here' is not installed; "):
        table(tmp_path, "gtp:no-such-engine-here", {})


def test_another_version_of_an_engine_is_refused_with_both_versions(tmp_path):
    engine = f"gtp:{sys.executable} {tmp_path / 'engine.py'}?processes=1"
    (tmp_path / "engine.py").write_text("""
commands = "name\\nversion\\nboardsize\\nclear_board\\nkomi\\nplay\\ngenmove\\nquit"
answers = {"protocol_version": "2", "name": "Tiny", "version": "1.0", "list_commands": commands}
import sys
for line in sys.stdin:
    word = line.split()[0]
    print("=", answers.get(word, ""), end="\\n\\n", flush=True)
    if word == "quit":
        break
""")
    with pytest.raises(
        UserError, match=rf"^node {NODE}: player 'other' is .*1\.0.* on this node, Tiny 0\.9 where"
    ):
        table(tmp_path, engine, {"other": "Tiny 0.9"})


def test_a_worker_sees_no_gpu(tmp_path):
    table(tmp_path, "mcts:2", {})
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


def test_a_folder_that_a_node_lacks_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"/nowhere is not on every machine of the cluster .*all of them share$"
    ):
        enter(tmp_path / "nowhere")


def test_other_weights_under_a_players_name_are_refused():
    class Player:
        name, identity = "small", "checkpoint 8, weights sha256 ab"

    require_same_players([Player()], {"small": Player.identity})
    with pytest.raises(
        UserError, match=r"^player 'small' is checkpoint 8, weights sha256 ab on this node, unknown"
    ):
        require_same_players([Player()], {})


def test_engines_play_as_many_games_at_once_as_a_worker_was_given_processors(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # as Ray sets it
    assert parse_engine_text("gtp", sys.executable).processes == 3
    assert parse_engine_text("gtp", f"{sys.executable}?processes=5").processes == 5
