"""Programs that play, for tests: the real ones from Debian, and small ones that misbehave on purpose."""

import os
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from quadrivium.agents.arena.engines.process import engine_command
from quadrivium.agents.arena.players import Table, TablePlayer
from quadrivium.agents.errors import UserError
from quadrivium.envs.board import GAMES

GNUGO = "gnugo --mode gtp --level 1 --chinese-rules --positional-superko"
ROW = np.arange(1)


def require_program(name):
    """Skips the test where a Debian package is missing; fails it where CI is set, which installs them."""
    try:
        engine_command(name)
    except UserError as error:
        if os.environ.get("CI"):
            pytest.fail(f"{error}: CI is set, and .ci/run installs Debian's package {name}")
        pytest.skip(f"{error}")


def table(name, move_seconds=None, **options):
    return Table(GAMES[name](**options), name, options, move_seconds)


def begin(player: TablePlayer, seat: int, seed: int = 0, slot: int = 0):
    player.begin(np.array([slot]), np.array([seat], np.int8), np.array([seed], np.uint64))


def play_random_opponent(player: TablePlayer, game, seat: int, seed: int, slot: int = 0):
    """Plays a game against random moves; returns the pool (1,) at its end and the moves' names."""
    pool, slots, moves = game.pool(1, seed), np.array([slot]), []
    begin(player, seat, seed, slot)
    while not game.result(pool, ROW).over[0]:
        own = game.result(pool, ROW).to_move[0] == seat
        actions = player.act(pool, ROW, slots) if own else game.random_actions(pool, ROW)
        player.played(pool, ROW, slots, actions)
        moves.append(game.move_name(pool[0], int(actions[0])))
        game.step(pool, ROW, actions)
    return pool, moves


MOVES = """
import os, sys, time
def next_move():  # from a file, so that a process that is started again goes on
    with open({moves!r}, "r+") as file:
        move, *rest = file.read().split()
        file.seek(0)
        file.truncate()
        file.write(" ".join(rest))
    return move
"""

GTP = """
for line in sys.stdin:
    word, *rest = line.split()
    answer = ""
    if word == "list_commands":
        answer = "boardsize\\nclear_board\\nkomi\\nplay\\ngenmove\\nquit" + {more!r}
    if word == "genmove":
        answer = next_move()
    {extra}
    print("=", answer, end="\\n\\n", flush=True)
    if word == "quit":
        break
"""
"""A GTP engine that plays the moves it was given, and cannot score."""

UCI = """
for line in sys.stdin:
    word, *rest = line.split()
    answer = next_move() if word == "go" else ""
    {extra}
    if word == "uci":
        print("id name Fake", *{options!r}, "uciok", sep="\\n", flush=True)
    if word == "isready":
        print("readyok", flush=True)
    if word == "go":
        print("info depth 1", "bestmove " + answer + " ponder e7e5", sep="\\n", flush=True)
    if word == "quit":
        break
"""
"""A UCI engine that plays the moves it was given."""


def fake_gtp(directory: Path, moves=(), extra="pass", more=""):
    """Writes a GTP engine; returns the command. extra: Python for its loop. more: commands that it lists."""
    return _command_of(directory, moves, GTP.format(extra=extra, more=more))


def fake_uci(directory: Path, moves=(), extra="pass", options=()):
    """Writes a UCI engine; returns the command. extra: Python for its loop. options: lines.

    Before `moves` it has one for the question whether it keeps its limits.
    """
    return _command_of(directory, ["a2a3", *moves], UCI.format(extra=extra, options=list(options)))


def _command_of(directory: Path, moves, source: str) -> str:
    program, moves_file = directory / "fake.py", directory / "moves"
    moves_file.write_text(" ".join(moves))
    program.write_text(MOVES.format(moves=str(moves_file)) + source)
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(program))}"
