"""Go in sets and flood fills, as slow and as plain as can be: what the kernel is compared with."""

BLACK, WHITE, EMPTY = "X", "O", "."


class Reference:
    """A game on a board of size x size; cells are numbered row by row, the pass is size * size.

    situational: a position is another one when the other is to move.
    """

    def __init__(self, size: int, komi: float, max_moves: int, *, situational: bool = False) -> None:
        self.size, self.komi, self.max_moves, self.situational = size, komi, max_moves, situational
        self.board = EMPTY * size * size
        self.moves: list[int] = []
        self.seen = {self.situation(self.board, 0)}

    def situation(self, board: str, moves: int) -> tuple[str, int]:
        """Returns what may not come again, of a board after so many moves."""
        return board, moves % 2 if self.situational else 0

    def beside(self, cell: int) -> list[int]:
        y, x = divmod(cell, self.size)
        near = [(y - 1, x), (y, x - 1), (y, x + 1), (y + 1, x)]
        return [v * self.size + u for v, u in near if 0 <= v < self.size and 0 <= u < self.size]

    def region(self, board: str, cell: int) -> tuple[set[int], set[str]]:
        """Returns the cells like `cell` that hang together with it, and what else they touch."""
        cells, touched, waiting = {cell}, set(), [cell]
        while waiting:
            for near in self.beside(waiting.pop()):
                if board[near] != board[cell]:
                    touched.add(board[near])
                elif near not in cells:
                    cells.add(near)
                    waiting.append(near)
        return cells, touched

    def after(self, cell: int) -> str | None:
        """Returns the board after a stone on an empty cell; None for suicide."""
        own, other = (BLACK, WHITE) if len(self.moves) % 2 == 0 else (WHITE, BLACK)
        board = self.board[:cell] + own + self.board[cell + 1 :]
        for near in self.beside(cell):
            if board[near] == other:
                chain, touched = self.region(board, near)
                if EMPTY not in touched:
                    board = "".join(EMPTY if c in chain else stone for c, stone in enumerate(board))
        return board if EMPTY in self.region(board, cell)[1] else None

    @property
    def over(self) -> bool:
        last = self.size * self.size
        return self.moves[-2:] == [last, last] or len(self.moves) == self.max_moves

    def legal(self) -> list[int]:
        if self.over:
            return []
        empty = [c for c, stone in enumerate(self.board) if stone == EMPTY]
        boards = {c: board for c in empty if (board := self.after(c)) is not None}
        new = [c for c, b in boards.items() if self.situation(b, len(self.moves) + 1) not in self.seen]
        return [*new, self.size**2]

    def play(self, action: int) -> None:
        if action < self.size**2:
            self.board = self.after(action) or ""
        self.moves.append(action)
        self.seen.add(self.situation(self.board, len(self.moves)))

    def owners(self) -> list[int]:
        """Returns 1, -1 or 0 for each cell."""
        value = {frozenset(BLACK): 1, frozenset(WHITE): -1}
        regions = [
            self.region(self.board, c)[1] if stone == EMPTY else {stone} for c, stone in enumerate(self.board)
        ]
        return [value.get(frozenset(touched), 0) for touched in regions]

    def winner(self) -> int:
        lead = sum(self.owners()) - self.komi
        return 0 if lead > 0 else 1 if lead < 0 else -1
