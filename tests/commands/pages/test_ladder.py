import json

import numpy as np
import pytest

from quadrivium.agents.arena.engines.serve import with_simulations
from quadrivium.agents.arena.game_log import GameLog
from quadrivium.agents.arena.players import Table
from quadrivium.agents.arena.search_player import draw_softly, make_mcts
from quadrivium.agents.errors import UserError
from quadrivium.commands.pages import ladder
from quadrivium.commands.pages.ladder import FIRST, LEVELS, Ladder, level_name, measured
from quadrivium.envs import BOARD_GAMES
from quadrivium.envs.board import GAMES

RATED = sorted(json.loads(ladder._MEASURED.read_text()))


def test_the_letters_of_the_file_are_games():
    ladder_games = {"TicTacToe": {"1 2": "wwdl"}}
    path = ladder._MEASURED
    measured.cache_clear()
    try:
        ladder._MEASURED = _Told(json.dumps(ladder_games))
        games = measured("TicTacToe")
    finally:
        ladder._MEASURED = path
        measured.cache_clear()
    a, b = level_name(0), level_name(1)
    assert [(g.fixture.first, g.fixture.opening, g.outcome) for g in games] == [
        (a, 0, 1),
        (b, 0, -1),
        (a, 1, 0),
        (b, 1, 1),
    ]
    assert [g.score(a) for g in games] == [1, 1, 0.5, 0]


class _Told:
    def __init__(self, text):
        self.read_text = lambda encoding: text


@pytest.mark.parametrize("game", RATED)
def test_what_is_measured_rates_every_level_and_the_ends_are_far_apart(game):
    assert game in BOARD_GAMES
    played = {g.fixture.first for g in measured(game)}
    assert played == {level_name(k) for k in range(len(LEVELS))}
    assert len({(g.fixture.first, g.fixture.second, g.fixture.opening) for g in measured(game)}) == len(
        measured(game)
    )


def test_who_wins_climbs_and_who_loses_sinks_and_a_file_remembers(tmp_path):
    path = tmp_path / "play" / "games.jsonl"
    climb = Ladder("ConnectFour", path)
    assert (climb.standing.rating, climb.standing.level, climb.standing.games) == (None, FIRST, 0)
    levels = climb.standing.levels
    assert levels[-1] - levels[0] > 300
    for k in range(4):
        climb.add(3, began=k % 2 == 0, outcome=1 if k % 2 == 0 else -1, reason="rules", actions=(3, 2))
    up = climb.standing
    assert up.games == 4
    assert up.rating.estimate > up.levels[3]
    assert up.level > 3
    assert up.rating.low < up.rating.estimate < up.rating.high
    for k in range(6):
        climb.add(2, began=k % 2 == 0, outcome=-1 if k % 2 == 0 else 1, reason="rules", actions=(3,))
    assert climb.standing.rating.estimate < up.rating.estimate
    assert climb.standing.level < up.level
    again = Ladder("ConnectFour", path)
    assert again.standing == climb.standing
    assert len(GameLog(path).games) == 10


def test_a_soft_player_draws_in_proportion_and_a_hard_one_plays_the_best():
    policy = np.tile(np.array([[0.5, 0.25, 0.25, 0.0]], np.float32), (20000, 1))
    numbers = np.random.default_rng(0).integers(0, 2**64, 20000, np.uint64)
    shares = np.bincount(draw_softly(policy, 1.0, numbers), minlength=4) / 20000
    assert shares == pytest.approx([0.5, 0.25, 0.25, 0], abs=0.015)
    sharp = np.bincount(draw_softly(policy, 0.5, numbers), minlength=4) / 20000
    assert sharp == pytest.approx([4 / 6, 1 / 6, 1 / 6, 0], abs=0.015)
    assert (draw_softly(policy, 0.01, numbers) == 0).all()


def table():
    return Table(GAMES["TicTacToe"](), "TicTacToe")


def test_a_temperature_makes_a_search_vary_with_the_games_seed_alone():
    player = make_mcts("30?temperature=1", table())
    game, row, slot = player._search.game, np.arange(1), np.arange(1)

    def first(seed):
        player.begin(slot, np.zeros(1, np.int8), np.array([seed], np.uint64))
        return int(player.act(game.pool(1), row, slot)[0])

    moves = [first(seed) for seed in range(12)]
    assert len(set(moves)) > 2
    assert moves == [first(seed) for seed in range(12)]
    hard = make_mcts("30", table())
    assert hard.name == "mcts:30"


@pytest.mark.parametrize("text", ["hot", "-1", "nan", "1e9"])
def test_a_temperature_that_is_none_is_refused_in_one_line(text):
    with pytest.raises(UserError, match=f"temperature={text}.*is no number from 0 to 100; write"):
        make_mcts(f"30?temperature={text}", table())


def test_a_number_of_simulations_is_changed_and_the_temperature_stays():
    assert with_simulations("mcts:5?temperature=1", 9) == "mcts:9?temperature=1"
    assert with_simulations("run:runs/a?temperature=1&sims=4", 9) == "run:runs/a?temperature=1&sims=9"
