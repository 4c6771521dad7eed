"""Backgammon: positions by hand, games beside OpenSpiel, dice as chance, and what search makes of them."""

import math
from itertools import pairwise

import gymnasium
import numpy as np
import pytest
from scipy.stats import chisquare

from quadrivium.agents.search import EstimateEvaluator, Expectimax, MatchSearch, NullEvaluator, PuctConfig
from quadrivium.agents.search.protocols import Evaluation
from quadrivium.envs.board import Backgammon, backgammon_v0
from quadrivium.envs.board.backgammon.game import RULES
from quadrivium.envs.board.backgammon.greedy import greedy
from quadrivium.envs.board.backgammon.kernel import BAR, CHECKERS, OFF, PASS, is_consistent
from quadrivium.envs.core.chance import CHANCE
from tests.envs.board.games import drawn_actions
from tests.envs.board.oracles.backgammon import play_games
from tests.kernel_subset import called_lane_functions, python_function, violations

ONE = np.arange(1)
WAYS = {(large, small): 1 if large == small else 2 for large in range(1, 7) for small in range(1, large + 1)}


@pytest.fixture(scope="module")
def game():
    return Backgammon()


def placed(game, white, black, dice, to_move="w"):
    """Returns a pool (1,); white, black: checkers by point as each counts, 25 the bar, the rest is off."""
    letters = ["-"] * 26
    for point, count in white.items():
        letters[point] = chr(ord("A") + count - 1)
    for point, count in black.items():
        assert letters[25 - point] == "-"
        letters[25 - point] = chr(ord("a") + count - 1)
    return game.parse_position(f"{''.join(letters)} {to_move} {dice}")


def names(game, pool):
    return {game.move_name(pool[0], int(action)) for action in np.flatnonzero(game.legal(pool, ONE)[0])}


def play(game, pool, *moves):
    for move in moves:
        game.step(pool, ONE, np.array([game.parse_move(pool[0], move)]))


# ---- beside OpenSpiel


@pytest.mark.parametrize("seed", range(4))
def test_all_that_a_turn_may_lead_to_is_openspiels_in_every_turn_of_random_games(seed):
    pytest.importorskip("pyspiel")
    assert play_games(5, seed) > 300


def test_without_gammons_a_game_pays_what_openspiel_pays_but_for_its_size():
    pytest.importorskip("pyspiel")
    assert play_games(2, 9, gammons=False) > 100


# ---- the start


def test_the_first_seat_begins_with_a_roll_that_is_no_double_each_as_likely(game):
    pool = game.pool(6000)
    assert (pool["to_move"] == 0).all()
    assert (pool["dice"][:, 0] > pool["dice"][:, 1]).all()
    assert pool["dice"][:, 1].min() == 1
    _, counts = np.unique(pool["dice"], axis=0, return_counts=True)
    assert len(counts) == 15
    assert chisquare(counts).pvalue > 1e-4


def test_an_opening_roll_by_hand(game):
    start = {24: 2, 13: 5, 8: 3, 6: 5}
    pool = placed(game, start, start, "31")
    # 13/12 would land on the point that black calls 13.
    assert names(game, pool) == {"24/21", "13/10", "8/5", "6/3", "24/23", "8/7", "6/5"}
    play(game, pool, "8/5")
    assert names(game, pool) == {"24/23", "8/7", "6/5", "5/4"}
    assert pool["to_move"][0] == 0
    play(game, pool, "6/5")
    assert pool["to_move"][0] == 1
    assert pool["points"][0, 0, [5, 6, 8]].tolist() == [2, 4, 2]
    assert pool["ply"][0] == 2


def test_later_rolls_are_doubles_as_often_as_they_should(game):
    pool = game.pool(4000)
    rows = np.arange(4000)
    while (waiting := rows[(pool["to_move"] == 0)]).size:
        game.step(pool, waiting, drawn_actions(game, pool[waiting], np.random.default_rng(0)))
    doubles = pool["left"] == 4
    assert abs(doubles.mean() - 1 / 6) < 4.5 * math.sqrt(1 / 6 * 5 / 6 / 4000)
    faces = np.bincount(pool["dice"][doubles, 0], minlength=7)[1:]
    assert chisquare(faces).pvalue > 1e-4


# ---- all dice must be played that can be


def test_a_move_after_which_the_other_die_cannot_be_played_is_illegal_where_both_can(game):
    # 12/7 with the five would leave the six nothing: 7/1 and 20/14 are closed.
    pool = placed(game, {12: 1, 20: 1}, {25 - 14: 2, 25 - 1: 2}, "65")
    assert names(game, pool) == {"12/6", "20/15"}
    play(game, pool, "12/6")
    assert names(game, pool) == {"20/15"}


@pytest.mark.parametrize(
    ("closed", "legal"), [({9}, {"20/14"}), ({9, 14}, {"20/15"}), ({9, 14, 15}, {"pass"})]
)
def test_where_one_die_alone_can_be_played_it_is_the_larger_that_can(game, closed, legal):
    pool = placed(game, {20: 1}, {25 - point: 2 for point in closed}, "65")
    assert names(game, pool) == legal
    play(game, pool, *legal)
    assert pool["to_move"][0] == 1, "the turn ends with what can be played"


def all_lengths(game, pool, played=0):
    """How many moves the turn of `pool` may take, by every way to play it."""
    seat, found = int(pool["to_move"][0]), set()
    actions = np.flatnonzero(game.legal(pool, ONE)[0])
    if actions.tolist() == [PASS]:
        return {played}
    after = np.repeat(pool, len(actions) + 1)
    result = game.branch(after, np.zeros(len(actions), np.int64), np.arange(1, len(after)), actions)
    for k in range(len(actions)):
        goes_on = not result.over[k] and result.to_move[k] == seat
        found |= all_lengths(game, after[k + 1 : k + 2], played + 1) if goes_on else {played + 1}
    return found


def test_any_way_to_play_a_double_plays_as_many_moves():
    """Without looking ahead: no move of a double takes another away."""
    game, rng, several = Backgammon(), np.random.default_rng(0), 0
    for _ in range(150):
        pool = game.pool(1, int(rng.integers(2**40)))
        game.play_random(pool, ONE, int(rng.integers(60, 260)))
        if pool["over"][0]:
            continue
        board = game.position_text(pool[0]).split()[0]
        lengths = all_lengths(game, game.parse_position(f"{board} w {4 * str(rng.integers(1, 7))}"))
        assert len(lengths) == 1
        several += 0 < min(lengths) < 4
    assert several > 0, "turns that end before the fourth move are among them"


def test_a_double_is_four_moves(game):
    start = {24: 2, 13: 5, 8: 3, 6: 5}
    pool = placed(game, start, start, "2222")
    play(game, pool, "13/11", "13/11", "6/4")
    assert pool["to_move"][0] == 0
    assert game.roll(pool[0]) == "2"
    play(game, pool, "6/4")
    assert pool["to_move"][0] == 1


# ---- hits and the bar


def test_a_blot_that_is_hit_waits_on_the_bar_and_enters_before_all_else(game):
    pool = placed(game, {13: 2, 6: 2}, {25 - 10: 1, 6: 2}, "32")
    play(game, pool, "13/10*")
    assert pool["points"][0, 1, BAR] == 1
    play(game, pool, "13/11")
    board = game.position_text(pool[0]).split()[0]
    pool = game.parse_position(f"{board} b 43")
    assert names(game, pool) == {"bar/21", "bar/22"}
    play(game, pool, "bar/21")
    assert names(game, pool) == {"21/18", "6/3"}


def test_two_on_the_bar_both_enter_or_the_turn_ends(game):
    pool = placed(game, {BAR: 2, 6: 2}, {25 - 22: 2}, "31")
    assert names(game, pool) == {"bar/24"}
    play(game, pool, "bar/24")
    assert pool["to_move"][0] == 1, "22 is closed to the other one"


def test_who_cannot_enter_passes(game):
    pool = placed(game, {BAR: 1, 6: 2}, {25 - 22: 2, 25 - 24: 2}, "31")
    assert names(game, pool) == {"pass"}
    play(game, pool, "pass")
    assert pool["to_move"][0] == 1
    assert pool["ply"][0] == 1
    assert game.last_cells(pool[0]) == []


# ---- bearing off


@pytest.mark.parametrize(
    ("white", "dice", "legal"),
    [
        ({4: 1, 2: 1}, "63", {"4/off(6)", "4/1"}),  # not 2/off(3): the 4-point is behind it
        ({6: 1, 3: 1}, "63", {"6/off", "3/off", "6/3"}),
        ({7: 1, 3: 1}, "43", {"7/3", "7/4"}),  # one abroad: none is borne off before it is home
        ({5: 2}, "6", {"5/off(6)"}),
        ({5: 2, 1: 1}, "1", {"1/off", "5/4"}),
    ],
)
def test_checkers_are_borne_off_once_all_are_home(game, white, dice, legal):
    assert names(game, placed(game, white, {6: 2}, dice)) == legal


@pytest.mark.parametrize(
    ("black", "stake"),
    [({6: 14}, 1), ({6: 15}, 2), ({6: 14, 20: 1}, 3), ({6: 14, BAR: 1}, 3), ({6: 14, 18: 1}, 2)],
)
@pytest.mark.parametrize("gammons", [False, True])
def test_a_gammon_counts_two_and_a_backgammon_three_where_that_is_asked_for(black, stake, gammons):
    game = Backgammon(gammons=gammons)
    pool = placed(game, {1: 1}, black, "1")
    play(game, pool, "1/off")
    paid = stake if gammons else 1
    assert game.result(pool, ONE).returns[0].tolist() == [paid, -paid]
    assert pool["winner"][0] == 0
    both = np.concatenate([placed(game, {1: 1}, black, "1"), game.pool(1)])
    assert game.branch(both, ONE, 1 + ONE, np.array([0])).returns[0].tolist() == [paid, -paid]


def test_the_environment_pays_gammons_too():
    env = gymnasium.make_vec("quadrivium/Backgammon-v0", num_envs=64, gammons=True, seat="random")
    env.reset(seed=0)
    paid = np.zeros(0)
    while len(paid) < 100:
        _, rewards, terminated, _, _ = env.step(greedy(env.unwrapped.states))
        paid = np.concatenate([paid, rewards[terminated]])
    assert set(paid) <= {-3, -2, -1, 1, 2, 3}
    assert {2, 3} & set(paid)
    assert (paid > 0).mean() > 0.9


# ---- dice are chance's


def test_decide_and_settle_are_a_step_and_the_rolls_have_their_probabilities(game):
    pool = game.pool(200, seed=4)
    game.play_random(pool, np.arange(200), 60)
    pool = pool[pool["over"] == 0]
    n = len(pool)
    both = np.concatenate([pool, pool, pool])
    actions = drawn_actions(game, pool, np.random.default_rng(0))
    first, second, third = np.arange(n), np.arange(n, 2 * n), np.arange(2 * n, 3 * n)
    result = game.branch(both, first, second, actions)
    drawn = (result.to_move >= CHANCE) & ~result.over
    assert 0 < drawn.sum() < n
    game.step(both, first, actions)
    chances = game.chances(both, second[drawn])
    expected = [WAYS[large, small] / 36 for large in range(1, 7) for small in range(1, large + 1)]
    np.testing.assert_allclose(chances, np.tile(expected, (drawn.sum(), 1)), rtol=1e-6)
    rolls = list(WAYS)
    for k in np.flatnonzero(drawn):
        large, small = both["dice"][k].tolist()
        outcome = rolls.index((large, small or large))
        after = game.branch(both, second[k : k + 1], third[k : k + 1], np.array([outcome]))
        assert after.to_move[0] == both["to_move"][k] == 1 - pool["to_move"][k]
    for field in ("points", "dice", "left", "occupied", "blocked", "moves", "to_move", "ply"):
        np.testing.assert_array_equal(both[field][third[drawn]], both[field][first[drawn]])


def test_a_search_row_that_waits_for_dice_is_no_position_to_go_on_from(game):
    pool = placed(game, {20: 1}, {6: 2}, "6")
    two = np.repeat(pool, 2)
    game.branch(two, ONE, 1 + ONE, np.array([game.parse_move(pool[0], "20/14")]))
    with pytest.raises(ValueError, match="to_move"):
        game.check_rows(two[1:])


def far(pool, rows):
    """Knows nothing."""
    return Evaluation(np.zeros((len(rows), PASS + 1), np.float32), np.zeros(len(rows), np.float32))


def test_expectimax_and_a_tree_search_weigh_the_27_rolls_of_36_that_bear_a_checker_off_the_6_point(game):
    """White moves 24/23 and is far from home; then black, one checker on the 6-point, wins with 27 rolls."""
    pool = placed(game, {24: 1}, {6: 1}, "1")
    found = Expectimax(game, far, 4).search(pool)
    assert found.values[0] == pytest.approx(-27 / 36, abs=1e-6)
    search = MatchSearch(game, NullEvaluator(), PuctConfig(1500, lcb=None, reuse=False))
    assert search.search(pool).values[0] == pytest.approx(-27 / 36, abs=0.05)


# ---- the rule of thumb, and the script


def test_a_race_is_worth_what_kleinman_says(game):
    # 20 pips to 30, and 3 lie on the table: 10 + 3 - 4 ahead; 50 of both.
    pool = placed(game, {5: 4}, {6: 5}, "21")
    assert game.estimate(pool, ONE)[0] == pytest.approx(math.erf(9 / math.sqrt(46)), abs=1e-6)


def test_estimates_are_probabilities_and_a_blot_in_danger_is_worth_less_than_a_point(game):
    pool = game.pool(256, seed=1)
    game.play_random(pool, np.arange(256), 50)
    worth = game.estimate(pool, np.arange(256))
    assert np.abs(worth).max() <= 1
    black = {24: 2, 6: 5}
    safe, bare = ({6: 5, 5: 2, 4: 2}, {6: 5, 5: 3, 3: 1})  # as many pips
    assert sum(p * n for p, n in safe.items()) == sum(p * n for p, n in bare.items())
    estimates = [game.estimate(placed(game, white, black, "4", "b"), ONE)[0] for white in (safe, bare)]
    assert estimates[0] < estimates[1], "for black, who is to move"


def test_the_script_hits_makes_points_and_passes_where_it_must(game):
    def choice(*position):
        pool = placed(game, *position)
        return game.move_name(pool[0], int(greedy(pool)[0]))

    assert choice({13: 2, 6: 3}, {25 - 10: 1, 6: 2}, "32") == "13/10*"
    assert choice({8: 3, 6: 3, 5: 1}, {24: 2}, "31") in ("8/5", "6/5")
    assert choice({BAR: 1, 6: 2}, {25 - 22: 2, 25 - 24: 2}, "31") == "pass"


def test_expectimax_of_depth_1_beats_the_script(game):
    """72 % in 1,000 games; 200 games have a standard error of 3.2 %."""
    search, side = Expectimax(game, EstimateEvaluator(game), 1), np.repeat([0, 1], 100)
    pool = np.tile(game.pool(100, seed=77), 2)
    while len(rows := np.flatnonzero(pool["over"] == 0)):
        ours = pool["to_move"][rows] == side[rows]
        for some, act in ((rows[ours], lambda s: search.search(s).actions), (rows[~ours], greedy)):
            game.step(pool, some, act(pool[some]))
    assert (pool["winner"] == side).mean() > 0.6


# ---- text


def test_moves_and_positions_are_written_as_players_write_them(game):
    pool = placed(game, {BAR: 1, 13: 2, 3: 1}, {25 - 22: 1, 6: 2}, "32")
    assert names(game, pool) == {"bar/22*", "bar/23"}
    start = game.pool(1, seed=0)
    assert game.position_text(start[0]).startswith("-b----E-C---eE---c-e----B- w ")
    assert game.position_text(start[0], "ascii").splitlines()[-1].startswith("white to move with ")


def test_a_game_that_goes_on_from_its_text_has_the_same_dice(game):
    pool = game.pool(1, seed=8)
    again = game.parse_position(game.position_text(pool[0]))
    rng = np.random.default_rng(2)
    for _ in range(40):
        action = drawn_actions(game, pool, rng)
        for one in (pool, again):
            game.step(one, ONE, action)
        assert game.roll(pool[0]) == game.roll(again[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-b----E-C---eE---c-e----B w 31", "is no position: write 26 letters"),
        ("-b----E-C---eE---c-e----B- w 321", "the dice 3 2 1: give the faces yet to be played"),
        ("-b----E-C---eE---c-e----B- w 3331", "the dice 3 3 3 1: give the faces yet to be played"),
        ("-b----E-C---eE---c-e----B- w -", "the dice are missing"),
        ("-b----O-C---eE---c-e----B- w 31", "white has 25 checkers; each player has 15"),
        ("Ab----E-C---eE---c-e----A- w 31", "has checkers on the other's bar"),
        ("-b----------e----c-e------ w 31", "white has borne off all and cannot be to move"),
        ("-b----------e----c-e------ b 31", "the game is over: leave out the dice"),
    ],
)
def test_positions_that_cannot_be_are_refused_with_what_is_wrong(game, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        game.parse_position(text)
    assert "\n" not in str(caught.value)


# ---- records and PettingZoo


def test_rows_from_elsewhere_are_held_to_the_rules(game):
    pool = game.pool(64, seed=2)
    game.play_random(pool, np.arange(64), 70)
    assert is_consistent(pool, game.params).all()
    row = pool[pool["over"] == 0][:1]
    damages = {
        "points": ((0, 0, OFF), 9),
        "dice": ((0, 0), 0),
        "left": ((0,), 0),
        "occupied": ((0, 0), 0),
        "blocked": ((0, 1), 1),
        "moves": ((0, 0), 1 << CHECKERS | 1),
    }
    for field, (place, value) in damages.items():
        damaged = row.copy()
        damaged[field][place] = value
        with pytest.raises(ValueError):
            game.check_rows(damaged)


def test_in_pettingzoo_an_agent_may_move_several_times_in_a_row_and_games_without_a_seed_differ():
    env = backgammon_v0.env()
    rolls = set()
    for _ in range(12):
        env.reset()
        state = env.unwrapped.get_state()
        rolls.add(tuple(state["dice"][0].tolist()))
    assert len(rolls) > 2
    env.reset(seed=3)
    movers, rng = [], np.random.default_rng(0)
    for agent in env.agent_iter(60):
        obs, _, over, _, _ = env.last()
        movers.append(agent)
        env.step(None if over else int(rng.choice(np.flatnonzero(obs["action_mask"]))))
    assert any(a == b for a, b in pairwise(movers))
    assert set(movers) == {"player_0", "player_1"}


def test_the_lane_functions_of_search_keep_to_what_kernels_may_do():
    waiting, seen = [python_function(f) for f in RULES.lane_functions.values()], set()
    while waiting:
        function = waiting.pop()
        if function not in seen:
            seen.add(function)
            waiting += [python_function(callee) for callee in called_lane_functions(function)]
    assert len(seen) > 20
    assert [fault for function in seen for fault in violations(function)] == []
