"""Boards seen from both sides and turned: planes show the cells, and no rule notices a symmetry."""

import numpy as np
import pytest

from quadrivium.envs.board.board_game import BoardGame
from tests.envs.board.games import CASES, case_name, drawn_actions, game_of, positions, running

NAMES = [case_name(case) for case in CASES]
every_game = pytest.mark.parametrize("name", NAMES)

# How a player may see the board of the first player: as it is, turned, mirrored, transposed.
FRAMES = {
    "as it is": lambda board: board,
    "turned half round": lambda board: board[::-1, ::-1],
    "upside down": lambda board: board[::-1],
    "left to right": lambda board: board[:, ::-1],
    "transposed": lambda board: board.T,
    "transposed, turned half round": lambda board: board.T[::-1, ::-1],
}


def frames_of(game: BoardGame, pool: np.ndarray, player: int) -> set[str]:
    """Returns the frames in which planes show `player`'s pieces, then the other's, in all positions."""
    kinds = max(game.glyphs)
    if game.stacks:
        return frames_of_stacks(game, pool, player)
    first = next(k for k, plane in enumerate(game.planes) if plane.startswith("own "))
    planes = game.observe(pool, np.arange(len(pool)), np.full(len(pool), player, np.int8))
    own = 1 if player == 0 else -1
    fitting = set(FRAMES)
    for row, seen in zip(pool, planes, strict=True):
        cells = game.cells(row)
        pieces = [*range(own, own * (kinds + 1), own), *range(-own, -own * (kinds + 1), -own)]
        for frame in list(fitting):
            shown = [FRAMES[frame](cells == piece) for piece in pieces]
            if shown[0].shape != seen.shape[1:] or (np.array(shown) != seen[first : first + 2 * kinds]).any():
                fitting.discard(frame)
    return fitting


def frames_of_stacks(game: BoardGame, pool: np.ndarray, player: int) -> set[str]:
    """Returns the same where cells count pieces: of each side 1 or more, 2, 3, and half of those beyond."""
    seen = game.observe(pool, np.arange(len(pool)), np.full(len(pool), player, np.int8))
    sides = seen[:, :8].reshape(len(pool), 2, 4, *seen.shape[2:])
    counts = np.tensordot(sides, np.array([1, 1, 1, 2]), axes=([2], [0]))
    signed = np.array([game.cells(row) for row in pool]) * (-1 if player else 1)
    return {
        name
        for name, frame in FRAMES.items()
        if frame(signed[0]).shape == signed[0].shape
        and all(
            (np.array([np.maximum(frame(cells), 0), np.maximum(-frame(cells), 0)]) == both).all()
            for cells, both in zip(signed, counts, strict=True)
        )
    }


@every_game
def test_planes_show_own_then_other_pieces_in_one_frame_for_each_player(name):
    game, pool = game_of(name), positions(name, 48)
    assert "as it is" in frames_of(game, pool, 0)
    assert frames_of(game, pool, 1)


@every_game
def test_symmetries_are_permutations_and_begin_with_the_identity(name):
    game = game_of(name)
    cells, actions = game.symmetries.cells, game.symmetries.actions
    assert cells.shape == (len(game.symmetries), game.height * game.width)
    assert actions.shape == (len(game.symmetries), game.num_actions)
    for table in (cells, actions):
        assert (table[0] == np.arange(table.shape[1])).all()
        assert (np.sort(table, axis=1) == np.arange(table.shape[1])).all()
        assert len(np.unique(table, axis=0)) == len(table)


@every_game
def test_games_of_turned_moves_have_turned_observations_and_turned_legal_moves(name):
    game = game_of(name)
    seen = game.observe(game.pool(1), np.arange(1)).reshape(len(game.planes), -1)
    # Where the first position itself is not symmetric so, the next test takes over.
    turns = [k for k, cells in enumerate(game.symmetries.cells) if (seen[:, cells] == seen).all()]
    straight, everyone, rng = game.pool(4, seed=1), np.arange(4), np.random.default_rng(1)
    turned = {k: game.pool(4, seed=1) for k in turns}
    while True:
        for k in turns:
            assert_turned(game, straight, turned[k], k)
        rows = everyone[straight["over"] == 0]
        if not len(rows):
            break
        actions = drawn_actions(game, straight[rows], rng)
        game.step(straight, rows, actions)
        for k in turns:
            game.step(turned[k], rows, np.argsort(game.symmetries.actions[k])[actions])


@every_game
def test_turned_cells_have_turned_observations_and_turned_legal_moves(name):
    game = game_of(name)
    if len(game.symmetries) == 1:
        pytest.skip("no symmetry but the identity")
    pool = running(name, 24)
    frame = sorted(frames_of(game, positions(name, 48), 1))[0]
    for row in pool:
        in_frame = (
            FRAMES[frame] if row["to_move"] else FRAMES["as it is"]
        )  # all of them are their own inverse
        straight = game.set_up(game.cells(row), int(row["to_move"]))
        for k, cells in enumerate(game.symmetries.cells):
            seen = in_frame(game.cells(row))
            turned = in_frame(seen.ravel()[cells].reshape(seen.shape))
            assert_turned(game, straight, game.set_up(turned, int(row["to_move"])), k)


def assert_turned(game: BoardGame, straight: np.ndarray, turned: np.ndarray, k: int) -> None:
    """Compares what the players to move may do and see in positions and in those turned by symmetry k."""
    rows = np.arange(len(straight))
    np.testing.assert_array_equal(
        game.legal(turned, rows), game.legal(straight, rows)[:, game.symmetries.actions[k]]
    )
    seen, expected = (
        game.observe(pool, rows).reshape(*rows.shape, len(game.planes), -1) for pool in (turned, straight)
    )
    np.testing.assert_array_equal(seen, expected[:, :, game.symmetries.cells[k]])
    for field in ("over", "winner", "to_move", "ply"):
        np.testing.assert_array_equal(turned[field], straight[field])
