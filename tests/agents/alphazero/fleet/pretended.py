"""A cluster without Ray: workers in this process, which are slow, die and come by a seed's chance."""

import random

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.fleet.fleet import Fleet
from quadrivium.agents.alphazero.fleet.learner import FleetAlphaZero
from quadrivium.agents.alphazero.fleet.self_player import SelfPlayer
from quadrivium.agents.cluster.workers import WorkerLost
from quadrivium.agents.cluster.workforce import Workforce
from quadrivium.agents.nets import NetConfig
from quadrivium.envs.board.registry import GAMES

GAMES_AT_ONCE = 8


class PretendedCall:
    def __init__(self, worker, method, arguments):
        self.worker, self.method, self.arguments = worker, method, arguments
        self.is_done, self.value = False, None

    def result(self):
        assert self.is_done
        if self.value is None:
            raise WorkerLost("the worker died")
        return self.value


class PretendedWorker:
    def __init__(self, thing, speed):
        self.thing, self.speed, self.is_dead = thing, speed, False
        self.calls = []

    def call(self, method, *arguments):
        call = PretendedCall(self, method, arguments)
        self.calls.append(call)
        return call

    def stop(self):
        self.is_dead = True


class PretendedCluster:
    """cpus: room for so many workers; death: chance that a worker dies instead of finishing a call."""

    def __init__(self, seed, cpus=3, death=0.0):
        self.draw, self.cpus, self.death = random.Random(seed), cpus, death
        self.workers, self.nodes = [], 1

    def start(self, make, *arguments, cpus=1, threads=1):
        worker = PretendedWorker(make(*arguments), self.draw.choice([0.02, 0.3, 1.0]))
        self.workers.append(worker)
        return worker

    def share(self, value):
        return value

    def wait(self, calls, seconds):
        if seconds > 0:
            self._work()
        return [call for call in calls if call.is_done]

    def _work(self):
        for worker in self.workers:
            if worker.is_dead or not worker.calls or self.draw.random() > worker.speed:
                continue
            if self.draw.random() < self.death:
                worker.is_dead = True
                for call in worker.calls:
                    call.is_done = True
                continue
            call = worker.calls.pop(0)
            call.value = getattr(worker.thing, call.method)(*call.arguments)
            call.is_done = True


def config(**settings):
    given = {"n_steps": 5, "simulations": 4, "first_simulations": 2, "batch_size": 16, "learning_starts": 16}
    given |= {"window_min": 100, "random_plies": 2, "ladder_games": 0}
    given |= {"net": NetConfig("cnn", width=8, depth=1, normalize_inputs=False)}
    return AlphaZeroConfig(**{**given, **settings})


def make_player(seed, **settings):
    return AlphaZero(
        config(**settings), GAMES["TicTacToe"](), games=GAMES_AT_ONCE, seed=100 + seed, device="cpu"
    )


def make_learner(**settings):
    return FleetAlphaZero(config(**settings), GAMES["TicTacToe"](), games=GAMES_AT_ONCE, seed=1, device="cpu")


def make_fleet(cluster, log, **settings):
    workforce = Workforce(
        cluster,
        lambda number: (SelfPlayer, (lambda: make_player(number, **settings),)),
        first=log.next_worker,
    )
    return Fleet(cluster, workforce)
