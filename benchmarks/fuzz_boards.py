"""Do files of board games, however broken, come to more than one line, or to games that were never played?

    python benchmarks/fuzz_boards.py [--count 10000] [--seed 0] [--only sgf fen pgn tournament]

Right files are broken at random: bytes changed, put in, taken out, doubled; parts of two files joined;
numbers and names put in that break programs. Every one must be read, or refused by one line that says
something. What is read must stand: a position is written and read again as the same, and the moves of a game
lead from its first position to its last. Prints how many were read and refused, and what failed.
"""

import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from fuzz import Kind, broken, run

from quadrivium.agents.errors import UserError
from quadrivium.configs.tournament import load_tournament
from quadrivium.envs.board import Chess, Go

ONE = np.arange(1)
CHESS, GO = Chess(), Go(size=5, komi=0.5)
SGF = [
    "(;GM[1]FF[4]CA[UTF-8]SZ[5]KM[0.5]PB[a]PW[b]RE[B+3.5];B[cc];W[bb](;B[dd];W[])(;B[ee]))",
    "(;SZ[5]HA[2]AB[bb][dd]PL[W];W[cc]C[a \\] comment];B[cb])(;SZ[5]KM[];B[aa];W[ab];B[tt];W[tt])",
]
FEN = [
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 3 40",
    "rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3",
    '8/8/8/8/8/R7/8/K6k w - - bm Ra2; id "x"; hmvc 3;',
]
PGN = [
    '[Event "x"]\n[Result "1-0"]\n\n1. e4 e5 2. Nf3 {comment} Nc6 (2... d6 3. d4) 3. Bb5 $1 a6 1-0\n',
    '[SetUp "1"]\n[FEN "4k3/P7/8/8/8/8/8/4K3 b - - 3 40"]\n\n40... Kd7 41. a8=Q ; so\n*\n\n1. d4 d5 *\n',
]
TOURNAMENT = [
    "name: mine\nenv: quadrivium/ConnectFour-v0\nplayers: [random, 'mcts:10']\nopenings: {plies: 4}\n",
    "name: go\nseed: 3\nenv: quadrivium/Go-v0\nkwargs: {size: 5, komi: 7.0}\nplayers:\n  - random\n"
    "  - {name: x, player: 'baseline:tactical'}\n  - mcts:5\nformat: gauntlet\nchallengers: 1\n"
    "openings: {moves: ['E5 C3']}\nmove_seconds: 1.5\n",
    "name: two\nenv: quadrivium/Hex-v0\nplayers: [a, b]\nsprt: {elo0: 0, elo1: 30}\nthreads: 1\n",
]


def check_games(game: Chess | Go, text: str | bytes) -> None:
    """Reads all games of a text and plays them."""
    for record in game.read_records(text):
        pool = record.start.copy()
        for action in record.actions:
            game.step(pool, ONE, np.array([action]))
        assert game.position_text(pool[0]) == game.position_text(record.end[0]), "the moves lead elsewhere"


def check_sgf(text: str) -> None:
    check_games(GO, text if len(text) % 2 else text.encode())


def check_fen(text: str) -> None:
    written = CHESS.position_text(CHESS.parse_position(text)[0])
    assert CHESS.position_text(CHESS.parse_position(written)[0]) == written, "comes back as another"


def check_pgn(text: str) -> None:
    check_games(CHESS, text if len(text) % 2 else text.encode())


def check_tournament(text: str) -> None:
    with tempfile.NamedTemporaryFile("wb", suffix=".yaml") as file:
        file.write(text.encode(errors="replace"))
        file.flush()
        config = load_tournament(Path(file.name))
    assert len(config.players) >= 2


TEXTS: dict[str, Sequence[str]] = {"sgf": SGF, "fen": FEN, "pgn": PGN, "tournament": TOURNAMENT}
CHECKS = {"sgf": check_sgf, "fen": check_fen, "pgn": check_pgn, "tournament": check_tournament}
KINDS = {
    name: Kind(partial(broken, texts), CHECKS[name], (UserError, ValueError)) for name, texts in TEXTS.items()
}

if __name__ == "__main__":
    sys.exit(run(__doc__, KINDS))
