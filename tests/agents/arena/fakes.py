"""Players that misbehave on purpose, and a table to sit at."""

import time

import numpy as np

from quadrivium.agents.arena.builtin import RandomTablePlayer
from quadrivium.agents.arena.players import Ended, EngineError, OutOfTime, Resignation, Table
from quadrivium.envs.board import GAMES


def table(name="ConnectFour", **options):
    return Table(GAMES[name](**options), name, options)


class Named(RandomTablePlayer):
    """Random moves under another name, so that both are told apart."""

    def __init__(self, game, name):
        super().__init__(game)
        self.name = name


class Fake(Named):
    """A player with the failures of an engine: `fails(game number, own move number)` says which.

    It counts what happens to it: `restarts`, and how many calls run at once.
    """

    def __init__(self, game, name="fake", concurrency=1, fails=lambda game, move: None, pause=0.0):
        super().__init__(game, name)
        self.concurrency = concurrency
        self.fails, self.pause = fails, pause
        self.games, self.restarts, self.dead = 0, 0, set()
        self.at_once, self.most_at_once = 0, 0
        self.number, self.move, self.heard = {}, {}, {}

    def begin(self, slots, seats, seeds):
        (slot,) = slots.tolist()
        assert slot < self.concurrency
        if slot in self.dead:
            self.restarts += 1
            self.dead.discard(slot)
        self.number[slot], self.move[slot], self.heard[slot] = self.games, 0, []
        self.games += 1
        if self.fails(self.number[slot], 0) == "start":
            self.dead.add(slot)
            raise EngineError("does not start")
        super().begin(slots, seats, seeds)

    def act(self, pool, rows, slots):
        (slot,) = slots.tolist()
        assert slot not in self.dead
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.pause)
        try:
            self.move[slot] += 1
            failure = self.fails(self.number[slot], self.move[slot])
            if failure == "crash":
                self.dead.add(slot)
                raise Ended("ended with exit code 1\nand more")
            if failure == "hang":
                raise OutOfTime("did not answer 'go' in time")
            if failure == "nonsense":
                raise EngineError("answered 'xyz'")
            if failure == "resign":
                raise Resignation("resigned")
            if failure == "illegal":
                return np.array([int(np.argmin(self._game.legal(pool, rows)[0]))])
            if failure == "outside":
                return np.array([10_000])
            return super().act(pool, rows, slots)
        finally:
            self.at_once -= 1

    def played(self, pool, rows, slots, actions):
        self.heard[int(slots[0])] += actions.tolist()
