"""Processes that play random games for board_speed.py: ours, OpenSpiel's and Pgx's, a process each.

    python board_players.py KIND JSON

KIND is one of `PLAYERS`, JSON its arguments. Says {"ready": versions}, or {"missing": why}, then for every
line with a number of seconds plays for so long and answers {"moves": ..., "seconds": ...}. Nothing but the
standard library is imported before a player asks for it: an interpreter that has the peers alone can run
this file.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import count
from random import Random
from typing import Any

Player = Callable[[float], int]
"""Plays for some seconds; returns how many moves were played."""


def repeat(move_batch: Callable[[], int]) -> Player:
    def play(seconds: float) -> int:
        moves, end = 0, time.perf_counter() + seconds
        while True:
            moves += move_batch()
            if time.perf_counter() >= end:
                return moves

    return play


def ours(game_class: str, options: dict[str, object], batch: int) -> tuple[Player, list[str]]:
    import numpy as np

    from quadrivium.envs.board import GAMES

    game = GAMES[game_class](**options)
    pool, rows = game.pool(batch), np.arange(batch)
    game.play_random(pool, rows, 2 * game.height * game.width, restart=True)  # games at all moments

    def move_batch() -> int:
        game.play_random(pool, rows, 16, restart=True)
        return 16 * batch

    return repeat(move_batch), ["numba", "numpy"]


def ours_observed(game_class: str, options: dict[str, object], batch: int) -> tuple[Player, list[str]]:
    """Plays as a search with a network would: a call for each function, planes and mask after every move."""
    import numpy as np

    from quadrivium.envs.board import GAMES

    game = GAMES[game_class](**options)
    pool, rows = game.pool(batch), np.arange(batch)
    game.play_random(pool, rows, 2 * game.height * game.width, restart=True)
    mask, planes = game.legal(pool, rows), game.observe(pool, rows)
    state = {"seed": batch}

    def move_batch() -> int:
        ended = np.flatnonzero(pool["over"])
        if len(ended):
            game.start(pool, ended, np.arange(state["seed"], state["seed"] + len(ended)))
            state["seed"] += len(ended)
        game.step(pool, rows, game.random_actions(pool, rows), check=False)
        game.legal(pool, rows, mask)
        game.observe(pool, rows, out=planes)
        return batch

    return repeat(move_batch), []


def _world(world: str, options: dict[str, object]) -> Any:
    import gymnasium

    import quadrivium  # noqa: F401 (registers the ids)
    from quadrivium.envs.core.world_game import WorldGame

    return WorldGame(gymnasium.make(f"quadrivium/{world}-v0", **options).unwrapped.setup)


def our_world(world: str, options: dict[str, object], batch: int) -> tuple[Player, list[str]]:
    """Plays whole episodes of a world of one player, whose steps its records count in `moves`."""
    import numpy as np

    game, rows, seeds = _world(world, options), np.arange(batch), count(0, batch)

    def move_batch() -> int:
        pool = game.pool(batch, next(seeds))
        game.random_returns(pool, rows)
        return int(pool["moves"].sum())

    return repeat(move_batch), ["numba", "numpy"]


def our_world_observed(world: str, options: dict[str, object], batch: int) -> tuple[Player, list[str]]:
    import numpy as np

    game, rows, seeds = _world(world, options), np.arange(batch), count(batch)
    pool = game.pool(batch)
    mask, planes = game.legal(pool, rows), game.observe(pool, rows)

    def move_batch() -> int:
        ended = np.flatnonzero(game.result(pool, rows).over)
        if len(ended):
            game.start(pool, ended, np.array([next(seeds) for _ in ended]))
        game.step(pool, rows, game.random_actions(pool, rows), check=False)
        game.legal(pool, rows, mask)
        game.observe(pool, rows, out=planes)
        return batch

    return repeat(move_batch), []


def open_spiel(name: str, seed: int, moves_at_once: int = 1) -> tuple[Player, list[str]]:
    import pyspiel

    game, random = pyspiel.load_game(name), Random(seed)
    draw = random.random

    def move_batch() -> int:
        state, moves = game.new_initial_state(), 0
        while not state.is_terminal():
            if state.is_chance_node():
                outcomes, chances = zip(*state.chance_outcomes(), strict=True)
                state.apply_action(random.choices(outcomes, chances)[0])
                continue
            actions = state.legal_actions()
            state.apply_action(actions[int(draw() * len(actions))])
            moves += moves_at_once
        return moves

    return repeat(move_batch), ["open_spiel"]


def pgx(name: str, batch: int, unrolled: int, seed: int) -> tuple[Player, list[str]]:
    import jax
    import jax.numpy as jnp
    import pgx
    from pgx.experimental import auto_reset

    env = pgx.make(name)  # pyright: ignore
    init, step = jax.vmap(env.init), jax.vmap(auto_reset(env.step, env.init))

    def move(carry, _):
        state, key = carry
        key, draw, restart = jax.random.split(key, 3)
        # The n-th legal action by a running sum: cheaper than the usual categorical(log(mask)), which hashes
        # a random number for every action.
        counts = jnp.cumsum(state.legal_action_mask, axis=1)
        nth = jax.random.uniform(draw, (batch, 1)) * counts[:, -1:]
        action = jnp.argmax(counts > nth, axis=1)
        return (step(state, action, jax.random.split(restart, batch)), key), None

    play = jax.jit(lambda carry: jax.lax.scan(move, carry, None, length=unrolled)[0], donate_argnums=0)
    carry = (jax.jit(init)(jax.random.split(jax.random.PRNGKey(seed), batch)), jax.random.PRNGKey(seed + 99))

    def move_batch() -> int:
        nonlocal carry
        carry = jax.block_until_ready(play(carry))
        return unrolled * batch

    return repeat(move_batch), ["pgx", "jax"]


def envpool(name: str, batch: int, seed: int) -> tuple[Player, list[str]]:
    """Plays by EnvPool's masks, on as many threads as it likes."""
    import envpool
    import numpy as np

    env = envpool.make_gymnasium(name, num_envs=batch, seed=seed)
    random, state = np.random.default_rng(seed), {"obs": env.reset()[0]}

    def move_batch() -> int:
        legal = state["obs"]["action_mask"].reshape(batch, -1)
        counts = legal.cumsum(axis=1)
        actions = (counts > random.random((batch, 1)) * counts[:, -1:]).argmax(axis=1)
        state["obs"] = env.step(actions.astype(np.int32))[0]
        return batch

    return repeat(move_batch), ["envpool"]


PLAYERS = {
    "envpool": envpool,
    "ours": ours,
    "ours_observed": ours_observed,
    "our_world": our_world,
    "our_world_observed": our_world_observed,
    "open_spiel": open_spiel,
    "pgx": pgx,
}


def say(**message: object) -> None:
    print(json.dumps(message), flush=True)


def main(players: dict[str, Callable[..., tuple[Player, list[str]]]]) -> None:
    kind, arguments = sys.argv[1], json.loads(sys.argv[2])
    try:
        play, packages = players[kind](**arguments)
    except ImportError as error:
        say(missing=f"{error} ({sys.executable})")
        return
    play(0.0)  # compiles
    say(ready={package: version(package) for package in packages})
    for line in sys.stdin:
        start = time.perf_counter()
        moves = play(float(line))
        say(moves=moves, seconds=time.perf_counter() - start)


if __name__ == "__main__":
    main(PLAYERS)
