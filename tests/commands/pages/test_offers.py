import re
from types import SimpleNamespace

import pytest

from quadrivium.agents.errors import UserError
from quadrivium.commands.arena import make_table_player
from quadrivium.commands.pages import offers
from quadrivium.commands.pages.ladder import LEVELS
from quadrivium.commands.pages.session import Session
from quadrivium.envs import BOARD_GAMES
from tests.agents.arena.engine_tools import require_program
from tests.commands.running import run_train
from tests.commands.test_tournament_players import ALPHAZERO


def silent(line):
    raise AssertionError(line)


def test_every_game_is_offered_once_with_the_search_and_the_chosen_one_first():
    found = offers.boards("hex", {"size": 5}, [], silent)
    assert (found[0].key, found[0].title) == ("hex-size-5", "Hex, 5 × 5")
    assert {board.game for board in found} == set(BOARD_GAMES)
    assert len({board.key for board in found}) == len(found)
    for board in found:
        assert re.fullmatch(r"[a-z0-9_.-]+", board.key)
        if board.game != "Backgammon":
            assert tuple(board.opponents[0].strengths.values()) == LEVELS


def test_a_search_of_backgammon_goes_by_its_rule_of_thumb_as_random_games_tell_little_there():
    search = offers.boards("backgammon", {}, [], silent)[0].opponents[0]
    weakest, *_, strongest = search.strengths.values()
    assert (weakest, strongest) == ("mcts:8?temperature=1&leaf=estimate", "mcts:800?leaf=estimate")
    assert search.adviser == "mcts:400?leaf=estimate"


@pytest.mark.parametrize(
    "text", ["connect_four", "ConnectFour", "connect-four", "quadrivium/ConnectFour-v0", "CONNECT_FOUR"]
)
def test_a_game_may_be_named_in_several_ways(text):
    assert offers.game_name(text) == "ConnectFour"


def test_a_players_text_of_the_command_line_is_offered_under_its_name():
    found = offers.boards("connect_four", {}, ["baseline:tactical", "mcts:7"], silent)
    names = [opponent.name for opponent in found[0].opponents]
    assert names[:3] == ["Search", "baseline:tactical", "mcts:7"]
    assert all(len(board.opponents) <= 2 for board in found[1:])  # on that board alone


@pytest.mark.parametrize(("game", "program"), [("go", "gnugo"), ("chess", "stockfish")])
def test_programs_that_are_installed_are_offered_and_can_be_made(game, program):
    require_program(program)
    board = offers.boards(game, {}, [], silent)[0]
    engine = board.opponents[-1]
    player = make_table_player(next(iter(engine.strengths.values())), board.table(), silent)
    player.close()
    assert "uci" in player.name or "gtp" in player.name


def test_a_run_is_offered_with_several_strengths_advises_and_tells_its_game(tmp_path, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(ALPHAZERO.replace("name: alphazero", "name: tiny"))
    assert run_train(tmp_path, "tiny.yaml") == 0
    monkeypatch.chdir(tmp_path)
    board = offers.boards(None, {}, ["run:runs/tiny"], silent)[0]
    assert board.game == "TicTacToe"
    search, run = board.opponents
    assert run.name == "tiny"
    assert run.strengths["16 simulations"] == "run:runs/tiny?sims=16"
    assert run.adviser == search.adviser == "run:runs/tiny?sims=200"
    table = board.table()
    adviser = make_table_player(run.adviser, table, silent)
    opinion = Session(table.game, ("a", "b"), (None, None), adviser).advise()
    policy = [move.policy for move in opinion.moves]
    assert None not in policy  # a network's
    assert sum(policy) <= 1.001


def test_a_run_of_no_board_game_is_refused(monkeypatch):
    run = SimpleNamespace(env=SimpleNamespace(id="quadrivium/Highway-v0"))
    monkeypatch.setattr(offers, "open_run", lambda path: run)
    with pytest.raises(UserError, match="was not trained on a board game"):
        offers.boards(None, {}, ["run:runs/drive"], silent)
