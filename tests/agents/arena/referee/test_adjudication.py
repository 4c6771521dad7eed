"""Games decided by scores: rules by hand, at the table, and in every record."""

import io
import math

import chess.pgn
import pytest

from quadrivium.agents.arena.engines.uci.engine import parse_score
from quadrivium.agents.arena.game_log import Fixture, GameRecord
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import Opening
from quadrivium.agents.arena.referee.adjudication import (
    Adjudication,
    Adjudicator,
    DrawRule,
    ResignRule,
)
from quadrivium.agents.arena.referee.centipawns import centipawns
from quadrivium.agents.arena.search_player import make_mcts
from quadrivium.agents.arena.standings import stand
from quadrivium.agents.arena.transcripts import transcript
from tests.agents.arena.fakes import Named, table


def verdicts(rules, scores):
    """Returns what is found after each move; scores: of the two players by turns."""
    referee = Adjudicator(rules)
    return [referee.hear(ply % 2, score, ply + 1) for ply, score in enumerate(scores)]


def test_a_player_has_lost_that_says_so_often_enough_on_end():
    rules = Adjudication(ResignRule(600, 3))
    # White is behind in its moves 1, 2, 4, 5 and 6, but not in 3.
    found = verdicts(rules, [-600, 0, -700, 0, -599, 0, -600, 0, -9000, 0, -100_000])
    assert found[:-1] == [None] * 10
    assert found[-1] == (
        -1,
        "adjudication: the first player saw itself behind by 600 centipawns for 3 moves",
    )


def test_black_loses_likewise_and_the_other_need_not_agree():
    assert verdicts(Adjudication(ResignRule(300, 2)), [0, -400, 0, -400])[-1] == (
        1,
        "adjudication: the second player saw itself behind by 300 centipawns for 2 moves",
    )


def test_with_both_the_other_must_see_itself_ahead_as_long():
    rules = Adjudication(ResignRule(300, 2, both=True))
    assert verdicts(rules, [0, -400, 0, -400, 0, -400]) == [None] * 6
    # The winner's second score of +300 comes with its third move.
    found = verdicts(rules, [0, -400, 300, -400, 300])
    assert found[:-1] == [None] * 4
    assert found[-1] == (1, "adjudication: both saw the second player behind by 300 centipawns for 2 moves")


def test_drawn_is_what_both_see_even_for_so_long_and_not_before_the_move():
    rules = Adjudication(draw=DrawRule(10, 2, after=3))
    assert verdicts(rules, [0] * 5) == [None] * 5
    assert verdicts(rules, [0] * 6)[-1] == (
        0,
        "adjudication: both saw it even within 10 centipawns for 2 moves",
    )
    assert verdicts(rules, [50, 0, 10, 11, 0, 0, 0]) == [None] * 7  # Black has been even for one move only
    assert verdicts(rules, [50, 0, 10, 11, 0, -10, 0, 10])[-1] is not None


def test_who_says_nothing_has_not_lost_nor_agrees():
    both = Adjudication(ResignRule(1, 1), DrawRule(1000, 1))
    assert verdicts(both, [None, 0, None, 0]) == [None] * 4


def test_without_rules_nothing_is_found():
    assert verdicts(Adjudication(), [-100_000] * 4) == [None] * 4


def test_expected_results_become_centipawns_as_leela_chess_zero_maps_them():
    assert centipawns(0) == 0
    assert centipawns(0.5) == pytest.approx(90 * math.tan(0.78187709485))
    assert centipawns(-0.5) == -centipawns(0.5)
    assert 10_000 < centipawns(1) < 20_000


@pytest.mark.parametrize(
    ("line", "score"),
    [
        ("info depth 5 seldepth 7 score cp 23 nodes 100 pv e2e4", 23),
        ("info score cp -120", -120),
        ("info depth 9 multipv 1 score cp 5 pv e2e4", 5),
        ("info depth 9 multipv 2 score cp 5 pv e2e4", None),
        ("info depth 9 score cp 35 lowerbound nodes 5", None),
        ("info depth 9 score cp 35 upperbound nodes 5", None),
        ("info depth 9 score mate 3 nodes 5", 100_000 - 3),
        ("info depth 9 score mate -2 nodes 5", -100_000 + 2),
        ("info depth 0 score mate 0", -100_000),
        ("info string score cp 50", None),
        ("info depth 3 nodes 5", None),
        ("bestmove e2e4", None),
    ],
)
def test_scores_of_uci_are_read(line, score):
    assert parse_score(line) == score


# ---- at the table


class Gloomy(Named):
    """Random moves, with the score of its choice."""

    def __init__(self, game, name, score):
        super().__init__(game, name)
        self.says = score

    def score(self, slot):
        return self.says


def play(game, players, rules, games=2):
    names = [player.name for player in players]
    todo = [Fixture(*(names if k % 2 == 0 else names[::-1]), 0) for k in range(games)]
    records = []
    Match(game, players, [Opening((3,))], seed=0, adjudication=rules).play(todo, records.append)
    return records


def test_games_end_when_their_player_has_given_them_up():
    game = table().game
    rules = Adjudication(ResignRule(600, 2))
    records = play(game, (Gloomy(game, "a", -650), Gloomy(game, "b", 650)), rules)
    assert [record.score("a") for record in records] == [0, 0]
    # After the opening move b's seat moves first, and where that is a's: plies 2 and 4, else 3 and 5.
    assert sorted(len(record.actions) for record in records) == [4, 5]
    assert all(record.reason.startswith("adjudication: the ") for record in records)
    standings = stand(["a", "b"], records)
    assert (standings.adjudicated, standings.forfeits, standings.on_time) == (2, (0, 0), (0, 0))


def test_a_search_says_how_it_stands():
    game = table("TicTacToe")
    player = make_mcts("64", game)
    rules = Adjudication(ResignRule(100, 1))
    lost = Opening(tuple(game.game.parse_move(game.game.pool(1)[0], move) for move in ("a1", "b1", "b2")))
    records = []
    match = Match(game.game, (player, Named(game.game, "b")), [lost], seed=0, adjudication=rules)
    match.play([Fixture("b", player.name, 0)], records.append)
    # a1 and b2 threaten c3; the search moves there, and then a3 and a2 together win: it knows at once.
    (record,) = records
    assert record.reason == "adjudication: the second player saw itself behind by 100 centipawns for 1 move"
    assert (record.outcome, len(record.actions)) == (1, 4)


# ---- in the records


@pytest.mark.parametrize(("outcome", "result", "sgf"), [(1, "1-0", "RE[B+]"), (0, "1/2-1/2", "RE[0]")])
def test_an_adjudicated_game_is_told_as_one_in_every_record(outcome, result, sgf):
    reason = "adjudication: both saw it so"
    record = GameRecord(Fixture("a", "b", 0), outcome, reason, 0, ())
    text, _ = transcript(table("Chess").game, [record], "x", {"a": "40/60+0.5", "b": "40/60+0.5"})
    read = chess.pgn.read_game(io.StringIO(text))
    assert (read.headers["Termination"], read.headers["Result"]) == ("adjudication", result)
    assert read.headers["TimeControl"] == "40/60+0.5"
    assert "{adjudication: both saw it so}" in text
    assert sgf in transcript(table("Go", size=5).game, [record], "x")[0]
    assert f"{result} ({reason})" in transcript(table("Hex", size=3).game, [record], "x")[0]


def test_clocks_that_differ_have_a_tag_each():
    record = GameRecord(Fixture("a", "b", 0), 0, "rules", 0, ())
    text, _ = transcript(table("Chess").game, [record], "x", {"b": "60+0.6"})
    read = chess.pgn.read_game(io.StringIO(text))
    assert (read.headers["WhiteTimeControl"], read.headers["BlackTimeControl"]) == ("-", "60+0.6")
    assert "TimeControl" not in read.headers
