"""What self-play stores of a position comes back as it was."""

import numpy as np
import pytest

from quadrivium.agents.alphazero.play.packed import join
from quadrivium.agents.alphazero.play.records import RecordFormat
from quadrivium.agents.alphazero.play.returns import look_ahead
from quadrivium.agents.nets.value_heads import outcome_chances
from quadrivium.envs.board.registry import GAMES


def positions(game, n, moves):
    pool = game.pool(n, 5)
    for k in range(n):
        game.play_random(pool, np.array([k]), moves * k // n, restart=True)
    return pool, np.arange(n)


@pytest.mark.parametrize("name", GAMES)
def test_a_position_comes_back_exactly_or_within_half_precision(name):
    game = GAMES[name]()
    record_format = RecordFormat(game)
    pool, rows = positions(game, 40, 60)
    obs, legal = game.observe(pool, rows), game.legal(pool, rows)
    policy = np.random.default_rng(0).dirichlet(np.ones(game.num_actions), 40).astype(np.float32) * legal
    values = np.linspace(-1, 1, 40, dtype=np.float32)
    draws = 1 - np.abs(values)
    packed = record_format.pack(obs, legal, policy, values, draws, pool["to_move"])
    samples = record_format.unpack(packed)
    whole = (obs == 0) | (obs == 1)
    assert (samples.obs[whole] == obs[whole]).all()
    np.testing.assert_allclose(samples.obs, obs, atol=5e-4)  # float16 near 1
    assert (samples.legal == (legal == 1)).all()
    np.testing.assert_allclose(samples.policy, policy, atol=5e-4)
    assert (samples.root_value == values).all()
    np.testing.assert_allclose(samples.root_draw, draws, atol=5e-4)
    parts = [
        record_format.pack(
            *(array[k : k + 1] for array in (obs, legal, policy, values, draws, pool["to_move"]))
        )
        for k in range(40)
    ]
    for one, other in zip(join(parts), packed, strict=True):
        assert one.tobytes() == other.tobytes()  # alone or with others


def test_planes_of_zeros_and_ones_are_stored_in_bits():
    # 2 planes x 42 cells = 84 bits = 11 bytes; legal moves 1; value 4, draw 2, their share 2; mover; outcome.
    empty = RecordFormat(GAMES["ConnectFour"]()).empty
    assert empty.records.itemsize == 11 + 1 + 4 + 2 + 2 + 2
    assert empty.policies.itemsize == 1 + 2


def test_only_legal_actions_take_memory():
    """Chess begins with 20 moves of 4,672: an action in two bytes, its weight in two."""
    game = GAMES["Chess"]()
    record_format, pool, rows = RecordFormat(game), game.pool(3), np.arange(3)
    legal = game.legal(pool, rows)
    policy = (legal / np.float32(20)).astype(np.float32)
    nothing = np.zeros(3, np.float32)
    packed = record_format.pack(game.observe(pool, rows), legal, policy, nothing, nothing, nothing)
    assert packed.records["legal"].tolist() == [20, 20, 20]
    assert packed.policies.nbytes == 3 * 20 * 4
    samples = record_format.unpack(packed)
    assert (samples.legal == (legal == 1)).all()
    np.testing.assert_allclose(samples.policy, policy, atol=5e-5)


def test_the_outcome_is_from_the_view_of_the_player_to_move():
    game = GAMES["TicTacToe"]()
    record_format = RecordFormat(game)
    records = np.zeros(3, record_format.empty.records.dtype)
    records["to_move"] = [0, 1, 0]
    record_format.finish(records, np.array([-1.0, 1.0], np.float32), {})
    assert records["outcome"].tolist() == [-1, 1, -1]


def test_values_look_ahead_as_by_hand():
    """Values 0.1, 0.2, 0.4 and the outcome z. With λ = 0.5: G_2 = z, G_1 = 0.5 * 0.4 + 0.5 z,
    G_0 = 0.5 * 0.2 + 0.5 G_1 = 0.2 + 0.25 z. Half of a target is the position's own value."""
    values, shares = look_ahead(np.array([0.1, 0.2, 0.4]), 0.5, 0.5)
    assert shares == pytest.approx([1 - 0.125, 1 - 0.25, 0.5])
    assert values * shares == pytest.approx([0.05 + 0.1, 0.1 + 0.1, 0.2])


def test_with_lambda_one_and_no_share_the_target_is_the_outcome_alone():
    values, shares = look_ahead(np.array([0.1, 0.2]), 1.0, 0.0)
    assert shares.tolist() == [0, 0]
    assert values.tolist() == [0.1, 0.2]


def test_what_lies_ahead_is_seen_by_the_player_to_move():
    """First player's 0.5, second player's -0.3 (0.3 for the first); λ = 0."""
    record_format = RecordFormat(GAMES["TicTacToe"](), td_lambda=0.0)
    records = np.zeros(2, record_format.empty.records.dtype)
    records["to_move"], records["root_value"], records["root_draw"] = [0, 1], [0.5, -0.3], [0.25, 0.5]
    record_format.finish(records, np.array([1.0, -1.0], np.float32), {})
    assert records["root_share"].tolist() == [1, 0]
    assert records["root_value"] == pytest.approx([0.3, -0.3])
    assert records["root_draw"].tolist() == [0.5, 0.5]  # a draw is one for both


def test_a_game_drawn_in_every_search_is_learned_as_drawn_though_someone_blundered_at_the_end():
    """Values 0, draws 1; the last move lost. With λ = 0.5 the outcome's weight is 1/4, 1/2, 1."""
    record_format = RecordFormat(GAMES["TicTacToe"](), td_lambda=0.5)
    records = np.zeros(3, record_format.empty.records.dtype)
    records["to_move"], records["root_draw"] = [0, 1, 0], 1.0
    record_format.finish(records, np.array([-1.0, 1.0], np.float32), {})
    share = records["root_share"].astype(np.float32)
    found = outcome_chances(records["outcome"], records["root_value"], records["root_draw"], share)
    expected = [[0, 3 / 4, 1 / 4], [1 / 2, 1 / 2, 0], [0, 0, 1]]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_ownership_and_score_turn_with_the_player_to_move():
    """On 2 x 2, X owns the left column: 2 points to 2, less 0.5 komi."""
    game = GAMES["Go"](size=2, komi=0.5)
    record_format = RecordFormat(game, ("ownership", "score"))
    records = np.zeros(2, record_format.empty.records.dtype)
    records["to_move"] = [0, 1]
    ends = {"ownership": np.array([[1, -1], [1, -1]], np.int8), "score": np.float32(-0.5)}
    record_format.finish(records, np.array([-1.0, 1.0], np.float32), ends)
    assert records["ownership"].tolist() == [[1, -1, 1, -1], [-1, 1, -1, 1]]
    assert records["score"].tolist() == [-0.5, 0.5]


def test_a_plane_that_is_not_binary_after_all_is_an_error():
    game = GAMES["TicTacToe"]()
    obs = np.full((1, 2, 3, 3), 0.5, np.float32)
    zeros = np.zeros((1, 9), np.float32)
    with pytest.raises(ValueError, match="another number"):
        RecordFormat(game).pack(obs, zeros, zeros, np.zeros(1), np.zeros(1), np.zeros(1))
