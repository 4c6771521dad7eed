"""Games with dice at tables: what is kept of them plays again, turns are numbered, searches weigh dice."""

import re

import numpy as np
import pytest

from quadrivium.agents.arena.game_log import Fixture
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import first_position, random_openings, read_openings
from quadrivium.agents.arena.search_player import make_expectimax, make_mcts
from quadrivium.agents.arena.transcripts import transcript
from quadrivium.agents.errors import UserError
from quadrivium.agents.search import EstimateEvaluator, Expectimax
from tests.agents.arena.fakes import Named, table

ONE = np.arange(1)


@pytest.fixture(scope="module")
def records():
    game = table("Backgammon").game
    players, found = (Named(game, "one"), Named(game, "other")), []
    fixtures = [Fixture(*pair, k) for k in range(3) for pair in (("one", "other"), ("other", "one"))]
    Match(game, players, random_openings(game, 3, 2, seed=5), seed=1).play(fixtures, found.append)
    return sorted(found, key=lambda record: record.fixture.opening)


def test_a_record_holds_all_that_its_dice_follow_from(records):
    game = table("Backgammon").game
    for record in records:
        pool = first_position(game, record.start)
        for action in record.actions:
            game.step(pool, ONE, np.array([action]))
        result = game.result(pool, ONE)
        assert result.over[0]
        assert result.returns[0, 0] == record.outcome


def test_both_games_of_an_opening_have_its_dice_and_other_openings_have_others(records):
    starts = [record.start for record in records]
    assert starts[::2] == starts[1::2]
    assert len(set(starts)) == 3
    for one, other in zip(records[::2], records[1::2], strict=True):
        assert one.actions[:2] == other.actions[:2]


def test_a_transcript_numbers_the_first_players_turns_and_tells_every_roll(records):
    game = table("Backgammon").game
    text, ending = transcript(game, records[:1], "an event")
    assert ending == "txt"
    moves = text.split("\n", 1)[1].split()
    numbers = [int(word[:-1]) for word in moves if re.fullmatch(r"\d+\.", word)]
    assert numbers == list(range(1, len(numbers) + 1))
    rolls = [word for word in moves if word.endswith(":")]
    assert all(re.fullmatch(r"([1-6]-[1-6]|([1-6])(-\2){3}):", roll) for roll in rolls)
    pool, turns, before = first_position(game, records[0].start), 0, -1
    for action in records[0].actions:
        turns, before = turns + (pool["to_move"][0] != before), int(pool["to_move"][0])
        game.step(pool, ONE, np.array([action]))
    assert len(rolls) == turns
    assert len(numbers) in (turns // 2, turns // 2 + 1)


def test_openings_by_moves_are_refused_since_dice_are_drawn():
    with pytest.raises(UserError, match="moves need to know where they begin, and Backgammon draws that"):
        read_openings(table("Backgammon").game, ["8/5 6/5"])


def test_expectimax_at_a_table_plays_what_the_search_finds():
    at = table("Backgammon")
    pool = at.game.pool(16, seed=2)
    at.game.play_random(pool, np.arange(16), 20)
    player = make_expectimax("1", at)
    found = Expectimax(at.game, EstimateEvaluator(at.game), 1).search(pool).actions
    assert player.act(pool, np.arange(16), np.arange(16)).tolist() == found.tolist()


def test_a_tree_search_by_the_rule_of_thumb_plays_legal_moves():
    at = table("Backgammon")
    player, rows = make_mcts("20?leaf=estimate", at), np.arange(8)
    pool = at.game.pool(8, seed=3)
    player.begin(rows, np.zeros(8, np.int8), np.arange(8, dtype=np.uint64))
    actions = player.act(pool, rows, rows)
    assert at.game.legal(pool, rows)[rows, actions].all()


@pytest.mark.parametrize("make", [make_expectimax, lambda text, at: make_mcts(f"{text}?leaf=estimate", at)])
def test_games_without_a_rule_of_thumb_have_no_players_that_judge_by_it(make):
    with pytest.raises(UserError, match="Othello has no rule of thumb to judge by; write mcts:100, say"):
        make("2", table("Othello"))
