"""Go games and positions as SGF, through sgfmill. Source: the Smart Game Format, FF[4] (red-bean.com/sgf)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from sgfmill.sgf import Sgf_game, Tree_node
from sgfmill.sgf_grammar import Coarse_game_tree, parse_sgf_collection

from quadrivium.envs.board.board_game import BoardGame, Record, require_whole

COLOURS = ("b", "w")  # sgfmill's names of the two seats
MOVES = ("B", "W")  # and the properties of their moves
EXPECTED = {
    "SZ": "the size of a square board, a whole number",
    "KM": "a number such as 6.5",
    "HA": "a whole number",
    "PL": "B or W",
    **dict.fromkeys(MOVES, "a point of the board such as cd, or nothing for a pass"),
    **dict.fromkeys(("AB", "AW", "AE"), "points of the board such as cd"),
}
ROW = np.arange(1)


def write(
    game: BoardGame,
    start: np.ndarray,
    actions: Sequence[int],
    names: tuple[str, str] | None,
    result: str | None,
    lead: Callable[[np.ndarray], float],
    comment: str | None = None,
) -> str:
    """Returns a game of Go as SGF: the stones of `start` (1,), the moves, and the result if it has ended.

    lead: by how much the first player has won in a pool (1,) with a game that has ended.
    comment: on the game.
    """
    sgf = Sgf_game(game.height)
    root = sgf.get_root()
    root.set("KM", game.params.komi)
    root.set("RU", "Chinese")  # of the names that programs know, the one that counts area
    for key, name in zip(("PB", "PW"), names or (), strict=False):
        root.set(key, name)
    if comment:
        root.set("GC", comment)
    cells = game.cells(start[0])
    if cells.any() or start["to_move"][0]:
        black, white = ({_point(game, int(c)) for c in np.flatnonzero(cells == value)} for value in (1, -1))
        root.set_setup_stones(black, white)
        root.set("PL", COLOURS[int(start["to_move"][0])])
    end = start.copy()
    for number, action in enumerate(actions, 1):
        node = sgf.extend_main_sequence()
        node.set_move(COLOURS[int(end["to_move"][0])], _point(game, int(action)))
        _play(game, end, int(action), number)
    if result is not None:
        root.set("RE", result)
    elif end["over"][0]:
        points = lead(end)
        root.set("RE", f"{'B' if points > 0 else 'W'}+{abs(points):g}" if points else "0")
    return sgf.serialise().decode()


def read(game: BoardGame, text: str | bytes) -> Record:
    """Returns the main line of an SGF game, played by the rules; raises ValueError that names the fault.

    Bytes are in the character set that the file names (CA).
    """
    records = read_all(game, text)
    if len(records) > 1:
        raise ValueError(f"the SGF has {len(records)} games, and one was expected: use read_records")
    return records[0]


def read_all(game: BoardGame, text: str | bytes) -> list[Record]:
    """Returns the main line of each game in an SGF text; raises ValueError that names the first fault."""
    return require_whole(each(game, text))


def each(game: BoardGame, text: str | bytes) -> Iterator[Record | ValueError]:
    """Yields the main line of each game in an SGF text, or what is wrong with it."""
    try:
        trees = parse_sgf_collection(text.encode() if isinstance(text, str) else text)
    except ValueError as error:
        yield ValueError(f"this is no SGF that can be read: {_one_line(error)}")
        return
    for number, tree in enumerate(trees, 1):
        try:
            yield _read_tree(game, tree, "utf-8" if isinstance(text, str) else None)
        except ValueError as error:
            where = f"game {number}: " if len(trees) > 1 else ""
            yield ValueError(where + _one_line(error))


def _read_tree(game: BoardGame, tree: Coarse_game_tree, encoding: str | None) -> Record:
    size = _size(tree)
    if size != game.height:
        raise ValueError(f"the SGF has SZ[{size}], this board {game.height}: use Go(size={size})")
    try:
        sgf = Sgf_game.from_coarse_game_tree(tree, override_encoding=encoding)
    except ValueError:
        name = tree.sequence[0].get("CA", [b""])[0].decode(errors="replace")
        raise ValueError(f"the SGF has CA[{name}], no character set that is known: write UTF-8") from None
    root = sgf.get_root()
    kind = root.get_raw("GM").decode(errors="replace").strip() if root.has_property("GM") else ""
    if kind not in ("", "1"):
        raise ValueError(f"the SGF has GM[{kind}], which is another game: Go is GM[1]")
    komi, handicap = _value(root, "KM", 0), _value(root, "HA", 0) or 0
    if komi is not None and komi != game.params.komi:
        raise ValueError(f"the SGF has komi {komi:g}, this game {game.params.komi:g}: use Go(komi={komi:g})")
    cells = np.zeros((game.height, game.width), np.int8)
    moves: list[tuple[int, int]] = []
    to_move: int | None = None
    for node in sgf.get_main_sequence():
        setup = [_value(node, name, len(moves)) or () for name in ("AB", "AW", "AE")]
        turn = _value(node, "PL", len(moves))
        if (any(setup) or turn) and moves:
            raise ValueError(
                f"the SGF sets up stones or turns after move {len(moves)}: only the first position may be"
            )
        for stones, value in zip(setup, (1, -1, 0), strict=True):
            for row, column in stones:
                cells[game.height - 1 - row, column] = value
        to_move = COLOURS.index(turn) if turn else to_move
        for seat, name in enumerate(MOVES):
            if node.has_property(name):
                point = _value(node, name, len(moves))
                action = game.num_actions - 1
                if point is not None:
                    action = (game.height - 1 - point[0]) * game.width + point[1]
                moves.append((seat, action))
    if to_move is None:
        to_move = moves[0][0] if moves else int(handicap > 0)
    start = game.set_up(cells, to_move)
    end = start.copy()
    played: list[int] = []
    for number, (seat, action) in enumerate(moves, 1):
        if end["over"][0] and action == game.num_actions - 1:
            continue  # by some rules White passes last, which changes nothing
        if seat != end["to_move"][0] and not end["over"][0]:
            mover, other = game.players[seat], game.players[1 - seat]
            raise ValueError(f"move {number} of the SGF is {mover}'s, but it is {other}'s turn")
        _play(game, end, action, number)
        played.append(action)
    return Record(start, played, end, _result(root))


def _result(root: Tree_node) -> int | None:
    """Returns who has won by RE: B+3.5, W+R, 0 or Draw; None where it says anything else, or nothing."""
    text = root.get_raw("RE").decode(errors="replace").strip().lower() if root.has_property("RE") else ""
    if text in ("0", "draw", "jigo"):
        return 0
    return {"b+": 1, "w+": -1}.get(text[:2])


def _size(tree: Coarse_game_tree) -> int:
    """Returns the size that a tree's root names, 19 where it names none; takes an empty property off."""
    (text, *_) = tree.sequence[0].get("SZ", [b""])
    if not text.strip():
        tree.sequence[0].pop("SZ", None)
        return 19
    if not text.strip().isdigit():
        raise ValueError(_bad("SZ", [text], 0))
    return int(text)


def _value(node: Tree_node, name: str, move: int) -> Any:
    """Returns a property of a node after `move` moves; None if it is missing, or empty as servers write it.

    A pass is None, too.
    """
    if not node.has_property(name):
        return None
    raw: list[bytes] = node.get_raw_list(name)
    if not any(value.strip() for value in raw):
        return None
    try:
        return node.get(name)
    except ValueError:
        raise ValueError(_bad(name, raw, move)) from None


def _bad(name: str, raw: Sequence[bytes], move: int) -> str:
    values = "".join(f"[{value.decode(errors='replace')}]" for value in raw)[:60]
    return f"after move {move}, the SGF has a bad property {name}{values}: expected {EXPECTED[name]}"


def _play(game: BoardGame, pool: np.ndarray, action: int, number: int) -> None:
    try:
        game.step(pool, ROW, np.array([action]))
    except ValueError as error:
        raise ValueError(f"move {number}: {error}") from None


def _point(game: BoardGame, action: int) -> tuple[int, int] | None:
    """Returns sgfmill's (row from the bottom, column) of an action, None for a pass."""
    row, column = divmod(action, game.width)
    return None if row == game.height else (game.height - 1 - row, column)


def _one_line(error: ValueError) -> str:
    return " ".join(str(error).split())
