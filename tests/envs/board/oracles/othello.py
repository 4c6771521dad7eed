"""Random games of Othello beside OpenSpiel (8 x 8 alone), and beside plain loops over a list of lists."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from quadrivium.envs.board.othello.game import Othello

LINES = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


class Oracle(Protocol):
    """One game: cells 1 (black), -1 (white), 0; actions numbered as ours."""

    def board(self) -> list[list[int]]: ...
    def to_move(self) -> int: ...
    def legal(self) -> list[int]: ...
    def play(self, action: int) -> None: ...
    def returns(self) -> tuple[float, float] | None: ...


class PlainOthello:
    """The rules as a player would say them. `turn` is 1 (black) or -1 (white)."""

    def __init__(self, size: int) -> None:
        self.size, self.turn = size, 1
        self.cells = [[0] * size for _ in range(size)]
        low, high = size // 2 - 1, size // 2
        self.cells[low][high] = self.cells[high][low] = 1
        self.cells[low][low] = self.cells[high][high] = -1

    def turned(self, row: int, column: int, turn: int) -> Iterator[tuple[int, int]]:
        """Yields the discs that a new one of `turn` would turn."""
        for down, right in LINES:
            run = []
            r, c = row + down, column + right
            while 0 <= r < self.size and 0 <= c < self.size and self.cells[r][c] == -turn:
                run.append((r, c))
                r, c = r + down, c + right
            if 0 <= r < self.size and 0 <= c < self.size and self.cells[r][c] == turn:
                yield from run

    def moves(self, turn: int) -> list[int]:
        return [
            row * self.size + column
            for row in range(self.size)
            for column in range(self.size)
            if self.cells[row][column] == 0 and any(self.turned(row, column, turn))
        ]

    def board(self) -> list[list[int]]:
        return self.cells

    def to_move(self) -> int:
        return 0 if self.turn == 1 else 1

    def legal(self) -> list[int]:
        moves = self.moves(self.turn)
        return moves or ([self.size * self.size] if self.moves(-self.turn) else [])

    def play(self, action: int) -> None:
        if action < self.size * self.size:
            row, column = divmod(action, self.size)
            for r, c in list(self.turned(row, column, self.turn)):
                self.cells[r][c] = self.turn
            self.cells[row][column] = self.turn
        self.turn = -self.turn

    def returns(self) -> tuple[float, float] | None:
        if self.legal():
            return None
        difference = sum(map(sum, self.cells))
        return float(np.sign(difference)), float(-np.sign(difference))


class OpenSpielOthello:
    """OpenSpiel's game; its actions are numbered as ours."""

    def __init__(self) -> None:
        import pyspiel

        self.state = pyspiel.load_game("othello").new_initial_state()

    def board(self) -> list[list[int]]:
        values = {"-": 0, "x": 1, "o": -1}
        return [[values[glyph] for glyph in line.split()[1:9]] for line in str(self.state).splitlines()[2:10]]

    def to_move(self) -> int:
        return self.state.current_player()

    def legal(self) -> list[int]:
        return self.state.legal_actions()

    def play(self, action: int) -> None:
        self.state.apply_action(action)

    def returns(self) -> tuple[float, float] | None:
        return tuple(self.state.returns()) if self.state.is_terminal() else None


def play_games(count: int, seed: int, size: int = 8, *, plain: bool | None = None) -> int:
    """Plays random games move by move beside the oracle; returns how many plies were compared.

    plain: beside the plain loops; by default where OpenSpiel does not know the size. Raises AssertionError at
    the first difference, with the moves that led to it.
    """
    plain = size != 8 if plain is None else plain
    game, rng = Othello(size), np.random.default_rng(seed)
    pool, rows = game.pool(count), np.arange(count)
    oracles: list[Oracle] = [PlainOthello(size) if plain else OpenSpielOthello() for _ in range(count)]
    moves: list[list[str]] = [[] for _ in range(count)]
    plies = 0
    while len(rows):  # all games at once: a call of ours for one game costs more than its move
        masks, result = game.legal(pool, rows), game.result(pool, rows)
        actions = []
        for k, mask, over, to_move, returns in zip(
            rows, masks, result.over, result.to_move, result.returns, strict=True
        ):
            oracle, played = oracles[k], " ".join(moves[k])
            legal, outcome = oracle.legal(), oracle.returns()
            assert bool(over) == (outcome is not None), f"over after {played}"
            assert game.cells(pool[k]).tolist() == oracle.board(), f"board after {played}"
            assert np.flatnonzero(mask).tolist() == legal, f"moves after {played}"
            if outcome is not None:
                assert tuple(returns) == outcome, f"result after {played}"
                continue
            assert to_move == oracle.to_move(), f"to move after {played}"
            actions.append(int(rng.choice(legal)))
            moves[k].append(game.move_name(pool[k], actions[-1]))
            oracle.play(actions[-1])
        rows = rows[~result.over]
        game.step(pool, rows, np.array(actions, np.int64), check=False)
        plies += len(rows)
    return plies
