"""Self-play's records are the positions of whole games with their true outcomes, whatever the search."""

from typing import NamedTuple

import numpy as np
import pytest

from quadrivium.agents.alphazero.play.outcomes import WinDrawLoss
from quadrivium.agents.alphazero.play.records import RecordFormat
from quadrivium.agents.alphazero.play.self_play import SelfPlay, SelfPlayConfig
from quadrivium.agents.search import GumbelConfig, NullEvaluator, gumbel_search
from quadrivium.agents.search.protocols import Evaluation
from quadrivium.envs.board.registry import GAMES
from tests.agents.search.test_gumbel import negamax


class Surprised(NamedTuple):
    actions: np.ndarray
    policy: np.ndarray
    values: np.ndarray
    draws: np.ndarray
    surprise: np.ndarray


class Found(NamedTuple):
    actions: np.ndarray
    policy: np.ndarray
    values: np.ndarray
    draws: np.ndarray


def random_search(game, calls=None):
    """A stand-in: plays a random legal move; the policy is certain of it, the value is ply / 100."""

    def search(roots, evaluator, simulations, rng):
        pool, rows = roots.copy(), np.arange(len(roots))
        legal = game.legal(pool, rows)
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in legal])
        if calls is not None:
            calls.append((pool, actions, simulations))
        policy = np.eye(game.num_actions, dtype=np.float32)[actions]
        return Found(actions, policy, pool["ply"] / np.float32(100), np.full(len(roots), 0.25, np.float32))

    return search


def nothing(obs, legal):
    return Evaluation(np.zeros(legal.shape, np.float32), np.zeros(len(legal), np.float32))


def self_play(game, games=5, auxiliary=(), calls=None, seed=0, **config):
    search = random_search(game, calls)
    rng = np.random.default_rng(seed)
    settings = SelfPlayConfig(**config)
    return SelfPlay(game, WinDrawLoss(game, auxiliary), search, settings, games, rng)


def replayed(game, record_format, packed):
    """Plays the moves of the records, game after game; yields each game's part of them and its end."""
    samples, records = record_format.unpack(packed), packed.records
    pool, rows = game.pool(1), np.arange(1)
    first = 0
    for k, policy in enumerate(samples.policy):
        assert (samples.obs[k] == game.observe(pool, rows)[0]).all()
        assert (samples.legal[k] == game.legal(pool, rows)[0]).all()
        assert records["to_move"][k] == pool["to_move"][0]
        assert samples.root_value[k] == np.float32(pool["ply"][0]) / np.float32(100)
        game.step(pool, rows, np.array([policy.argmax()]))
        if pool["over"][0]:
            yield slice(first, k + 1), pool
            pool, first = game.pool(1), k + 1
    assert first == len(records)  # only whole games


@pytest.mark.parametrize("name", ["TicTacToe", "ConnectFour", "Breakthrough"])
def test_records_replay_as_whole_games_with_their_outcomes(name):
    game = GAMES[name]()
    play = self_play(game)
    packed = play.play(120, nothing, 8)
    records, games = packed.records, 0
    for part, end in replayed(game, RecordFormat(game), packed):
        games += 1
        winner = int(end["winner"][0])
        mover = records["to_move"][part]
        expected = np.zeros(len(mover)) if winner < 0 else np.where(mover == winner, 1, -1)
        assert (records["outcome"][part] == expected).all()
    assert games == len(play.statistics.lengths) > 5
    assert play.statistics.positions == len(records) == sum(play.statistics.lengths)


def test_auxiliary_targets_are_the_games_own_at_the_end():
    game = GAMES["Othello"](size=4)
    play = self_play(game, auxiliary=("disc_difference",))
    packed = play.play(60, nothing, 8)
    records = packed.records
    for part, end in replayed(game, RecordFormat(game, ("disc_difference",)), packed):
        black = int(game.disc_difference(end, np.arange(1))[0])
        expected = np.where(records["to_move"][part] == 0, black, -black)
        assert (records["disc_difference"][part] == expected).all()


def test_ownership_is_each_points_owner_for_the_player_to_move():
    game = GAMES["Go"](size=3, max_moves=12)
    play = self_play(game, auxiliary=("ownership", "score"))
    packed = play.play(40, nothing, 8)
    records, count = packed.records, 0
    for part, end in replayed_go(game, packed):
        owner = game.ownership(end, np.arange(1)).reshape(-1)
        sign = np.where(records["to_move"][part] == 0, 1, -1)
        assert (records["ownership"][part] == sign[:, None] * owner).all()
        assert (records["score"][part] == sign * game.score(end, np.arange(1))[0]).all()
        count += 1
    assert count > 3


def replayed_go(game, packed):
    """As `replayed`, without comparing planes that half precision rounds."""
    pool, first = game.pool(1), 0
    for k, policy in enumerate(RecordFormat(game, ("ownership", "score")).unpack(packed).policy):
        game.step(pool, np.arange(1), np.array([policy.argmax()]))
        if pool["over"][0]:
            yield slice(first, k + 1), pool
            pool, first = game.pool(1), k + 1


def test_statistics_count_games_by_their_winner():
    game = GAMES["TicTacToe"]()
    play = self_play(game, games=200)
    play.play(60, nothing, 8)
    summary = play.statistics.summary()
    # Random play: 58.5 %, 28.8 %, 12.7 % (hand-computable from the game tree; here within four sigma).
    assert summary["self_play/first_wins"] == pytest.approx(0.585, abs=0.05)
    assert summary["self_play/second_wins"] == pytest.approx(0.288, abs=0.05)
    assert summary["self_play/draws"] == pytest.approx(0.127, abs=0.04)


def test_random_openings_are_played_but_not_learned_from():
    game = GAMES["ConnectFour"]()
    calls = []
    play = self_play(game, games=50, calls=calls, random_plies=6, random_share=0.5)
    first_plies = calls_first_plies(play, calls)
    assert 10 < (first_plies == 0).sum() < 40
    assert first_plies.max() == 6
    samples = RecordFormat(game).unpack(play.play(80, nothing, 8))
    starts = samples.root_value[[0, *(np.flatnonzero(np.diff(samples.root_value) < 0) + 1)]]
    assert (starts > 0).any()  # games whose first record is not the empty board
    assert (starts == 0).any()


def calls_first_plies(play, calls):
    play.play(1, nothing, 8)
    return calls[0][0]["ply"]


def test_only_full_searches_are_learned_from():
    game = GAMES["TicTacToe"]()
    calls = []
    play = self_play(game, games=8, calls=calls, full_search_share=0.3, fast_simulations=2)
    records = play.play(300, nothing, 16).records
    used = np.array([simulations for *_, simulations in calls])
    assert set(used.tolist()) == {2, 16}
    assert (used == 16).mean() == pytest.approx(0.3, abs=0.1)
    played = sum(play.statistics.lengths)
    assert len(records) / played == pytest.approx(0.3, abs=0.1)


def test_restored_games_go_on_exactly():
    game = GAMES["ConnectFour"]()
    one = self_play(game, random_plies=4, random_share=0.5)
    one.play(25, nothing, 8)
    other = self_play(game, random_plies=4, random_share=0.5, seed=99)
    other.load_state({key: array.copy() for key, array in one.state().items()})
    other._rng.bit_generator.state = one._rng.bit_generator.state
    for ours, theirs in zip(one.play(50, nothing, 8), other.play(50, nothing, 8), strict=True):
        assert ours.tobytes() == theirs.tobytes()
    for key, array in one.state().items():
        np.testing.assert_array_equal(array, other.state()[key], key)


def test_another_number_of_games_is_refused():
    game = GAMES["ConnectFour"]()
    state = self_play(game, games=5).state()
    with pytest.raises(ValueError, match="5 games of another kind or number than the 6"):
        self_play(game, games=6).load_state(state)


@pytest.mark.parametrize("key", ["records", "policies"])
def test_positions_that_an_older_version_packed_are_refused_in_a_line(key):
    one = self_play(GAMES["TicTacToe"]())
    before, state = one.pool.copy(), one.state()
    state["pool"]["rng"] += np.uint64(1)
    state[key] = np.zeros(3, "f4")
    for given in (state, {name: array for name, array in state.items() if name != key}):
        with pytest.raises(ValueError, match=r"an older version.*begin a new run") as caught:
            one.load_state(given)
        assert "\n" not in str(caught.value)
    assert one.pool.tobytes() == before.tobytes()


@pytest.mark.parametrize(("field", "value"), [("to_move", 7), ("over", 1), ("seat", -3)])
def test_rows_from_which_no_game_goes_on_are_refused_and_change_nothing(field, value):
    one = self_play(GAMES["TicTacToe"]())
    before, state = one.pool.copy(), one.state()
    state["pool"][field][2] = value
    with pytest.raises(ValueError, match=f"{field} of row 2 is {value}"):
        one.load_state(state)
    assert one.pool.tobytes() == before.tobytes()


def solved_search(game, simulations=400):
    """Returns a search that proves the late positions of tic-tac-toe, and calls them so."""
    config = GumbelConfig(simulations)

    def search(roots, evaluator, _, rng):
        return gumbel_search(game, roots, NullEvaluator(), config, rng)

    return search


def test_games_end_where_the_search_has_proven_how_they_will():
    game = GAMES["TicTacToe"]()
    outcomes, lengths = WinDrawLoss(game), {}
    for ends in (False, True):
        settings = SelfPlayConfig(random_plies=3, random_share=1.0, end_proven=ends)
        play = SelfPlay(game, outcomes, solved_search(game), settings, 40, np.random.default_rng(0))
        packed = play.play(9, nothing, 8)
        lengths[ends] = play.statistics.lengths
        records, samples = packed.records, outcomes.records.unpack(packed)
        last = np.cumsum(lengths[ends]) - 1  # position of each game
        assert len(records) == last[-1] + 1
        assert len(last) >= 40
        for record, obs in zip(records[last], samples.obs[last], strict=True):
            board = obs[0].astype(np.int8) - obs[1].astype(np.int8)
            mover = int(record["to_move"])
            pool = game.set_up(board if mover == 0 else -board, mover)
            assert record["outcome"] == negamax(game, pool)
    assert np.mean(lengths[True]) < np.mean(lengths[False]) - 1


def test_of_a_game_that_ends_early_nothing_but_the_outcome_is_learned():
    game = GAMES["Othello"](size=4)
    outcomes = WinDrawLoss(game, ("disc_difference",))
    settings = SelfPlayConfig(end_proven=True)
    play = SelfPlay(game, outcomes, solved_search(game, 60), settings, 8, np.random.default_rng(0))
    told = outcomes.records.unpack(play.play(14, nothing, 8)).auxiliary["disc_difference"]
    assert len(told) > 40
    assert np.isnan(told).any()


def test_surprising_positions_come_more_often_and_all_of_them_once_in_the_mean():
    game = GAMES["ConnectFour"]()

    def search(roots, evaluator, simulations, rng):
        found = random_search(game)(roots, evaluator, simulations, rng)
        return Surprised(*found, roots["ply"].astype(np.float32))  # late positions surprise more

    counts = {}
    for share in (0.0, 0.5):
        settings = SelfPlayConfig(surprise_share=share)
        play = SelfPlay(game, WinDrawLoss(game), search, settings, 50, np.random.default_rng(0))
        packed = play.play(150, nothing, 8)
        plies = np.round(100 * packed.records["root_value"]).astype(int)  # that the stand-in calls the value
        counts[share] = np.bincount(plies, minlength=42)
        moves = sum(play.statistics.lengths)
        assert len(packed.records) == (moves if share == 0 else pytest.approx(moves, rel=0.03))
    late, early = counts[0.5][20:30].sum() / counts[0.0][20:30].sum(), counts[0.5][0] / counts[0.0][0]
    assert early == pytest.approx(0.5, abs=0.1)  # no surprise: the even half of the weight is left
    assert late > 1.2


def test_opening_moves_follow_the_policy_at_the_temperature():
    game = GAMES["ConnectFour"]()

    def favours_the_centre(obs, legal):
        logits = np.zeros(legal.shape, np.float32)
        logits[:, 3] = 3.0
        return Evaluation(logits, np.zeros(len(legal), np.float32))

    shares = {}
    for temperature in (1.0, 3.0):
        settings = SelfPlayConfig(random_plies=1, random_share=1.0, opening_temperature=temperature)
        search = random_search(game)
        play = SelfPlay(game, WinDrawLoss(game), search, settings, 400, np.random.default_rng(1))
        play._begin(np.arange(400), favours_the_centre)
        first = np.array([np.flatnonzero(game.cells(row)[-1]).item() for row in play.pool])
        shares[temperature] = (first == 3).mean()
    for temperature, share in shares.items():
        assert share == pytest.approx(1 / (1 + 6 * np.exp(-3 / temperature)), abs=0.07)


def test_a_share_of_the_games_forks_from_a_position_of_the_game_before_by_one_other_move():
    game = GAMES["ConnectFour"]()
    calls = []
    play = self_play(game, games=40, calls=calls, fork_share=0.6)
    play.play(150, nothing, 8)
    forks, fresh, depths = 0, 0, []
    for b in range(40):
        history = [calls[0][0][b]]
        for pool, *_ in calls[1:]:
            row = pool[b]
            if row["ply"] == history[-1]["ply"] + 1 and has(row, history[-1]):
                history.append(row)
                continue
            if row["ply"] == 0:
                fresh += 1
            else:
                before = [one for one in history if one["ply"] == row["ply"] - 1]
                assert len(before) == 1
                assert has(row, before[0])
                forks += 1
                depths.append(before[0]["ply"] / history[-1]["ply"])
            history = [row] if row["ply"] == 0 else [*history[: history.index(before[0]) + 1], row]
    assert forks / (forks + fresh) == pytest.approx(0.6, abs=0.08)
    assert np.quantile(depths, 0.2) < 0.35 < 0.65 < np.quantile(depths, 0.8)  # anywhere in the game


def has(row, earlier):
    """Whether the stones of `row` are those of `earlier` and one more."""
    more = np.bitwise_count(row["stones"]).sum() - np.bitwise_count(earlier["stones"]).sum()
    return more == 1 and (row["stones"] & earlier["stones"] == earlier["stones"]).all()


def resumed(config, search):
    """What 40 more moves of games give that go on, and of games that take over their state."""
    game = GAMES["ConnectFour"]()

    def begun(seed):
        rng = np.random.default_rng(seed)
        return SelfPlay(game, WinDrawLoss(game), search(game), SelfPlayConfig(**config), 10, rng), rng

    (whole, rng), (again, other) = begun(0), begun(9)
    whole.play(10, nothing, 8)
    again.load_state(whole.state())
    other.bit_generator.state = rng.bit_generator.state
    return whole.play(40, nothing, 8), again.play(40, nothing, 8)


def surprised_search(game):
    def search(roots, evaluator, simulations, rng):
        return Surprised(*random_search(game)(roots, evaluator, simulations, rng), rng.random(len(roots)))

    return search


@pytest.mark.parametrize(
    ("config", "search"),
    [({"fork_share": 0.5}, random_search), ({"surprise_share": 0.5}, surprised_search)],
)
def test_resuming_keeps_where_games_may_fork_and_what_surprised(config, search):
    one, two = resumed(config, search)
    assert len(one.records) > 100
    np.testing.assert_array_equal(one.records, two.records)
    np.testing.assert_array_equal(one.policies, two.policies)
