"""Processes that search for search_speed.py: ours, and mctx over Pgx. Spoken to as board_players.py is.

Each tries some batch sizes for a moment when it starts, and goes on with the fastest.
"""

import time
from collections.abc import Callable

from board_players import Player, main, repeat

Search = Callable[[], int]
"""Searches a batch of positions once; returns how many simulations that took."""


def fastest(make: Callable[[int], Search], batches: list[int]) -> Player:
    """Returns the player with the batch size that did the most simulations a second in a short trial."""
    speeds: list[tuple[float, Search]] = []
    for batch in batches:
        search = make(batch)
        search()  # compiles
        start, simulations = time.perf_counter(), 0
        while time.perf_counter() < start + 0.5:
            simulations += search()
        speeds.append((simulations / (time.perf_counter() - start), search))
    return repeat(max(speeds, key=lambda pair: pair[0])[1])


def ours(
    game_class: str,
    options: dict[str, object],
    policy: str,
    observed: bool,
    simulations: int,
    plies: int,
    batches: list[int],
    threads: int,
) -> tuple[Player, list[str]]:
    import numba
    import numpy as np

    from quadrivium.agents.search import (
        GumbelConfig,
        MatchSearch,
        NullEvaluator,
        PuctConfig,
        Tree,
        gumbel_search,
    )
    from quadrivium.agents.search.protocols import Evaluation
    from quadrivium.envs.board import GAMES
    from quadrivium.envs.core.threads import set_threads

    numba.set_num_threads(threads)
    set_threads(threads)
    game = GAMES[game_class](**options)

    def nothing(obs: np.ndarray, legal: np.ndarray) -> Evaluation:
        return Evaluation(np.zeros(legal.shape, np.float32), np.zeros(len(legal), np.float32))

    def make(batch: int) -> Search:
        roots, rng = game.pool(batch), np.random.default_rng(0)
        game.play_random(roots, np.arange(batch), plies)
        evaluator = nothing if observed else NullEvaluator()
        if policy == "gumbel":
            tree, config = Tree(game, batch, simulations + 1), GumbelConfig(simulations)

            def search() -> int:
                gumbel_search(game, roots, evaluator, config, rng, tree)
                return batch * simulations
        else:
            match = MatchSearch(
                game, evaluator, PuctConfig(simulations, solver=False, nodes=simulations + 1), batch
            )

            def search() -> int:
                match.reset()
                return int(match.search(roots).visits.sum())

        return search

    return fastest(make, batches), ["numba", "numpy"]


def mctx(
    name: str, policy: str, simulations: int, plies: int, batches: list[int], seed: int
) -> tuple[Player, list[str]]:
    import jax
    import jax.numpy as jnp
    import mctx
    import pgx

    env = pgx.make(name)  # pyright: ignore
    step = jax.vmap(env.step)

    def prior(state):
        return jnp.where(state.legal_action_mask, 0.0, jnp.finfo(jnp.float32).min)

    def recurrent(params, key, action, state):
        batch, mover = jnp.arange(action.shape[0]), state.current_player
        state = step(state, action)
        output = mctx.RecurrentFnOutput(
            reward=state.rewards[batch, mover],
            discount=jnp.where(state.terminated, 0.0, -1.0),
            prior_logits=prior(state),
            value=jnp.zeros(action.shape[0]),
        )
        return output, state

    @jax.jit
    def run(key, state):
        root = mctx.RootFnOutput(
            prior_logits=prior(state), value=jnp.zeros(len(state.terminated)), embedding=state
        )
        arguments = {
            "params": None,
            "rng_key": key,
            "root": root,
            "recurrent_fn": recurrent,
            "num_simulations": simulations,
            "invalid_actions": ~state.legal_action_mask,
        }
        if policy == "gumbel":
            return mctx.gumbel_muzero_policy(**arguments).action
        return mctx.muzero_policy(**arguments, dirichlet_fraction=0.0, temperature=0.0).action

    def make(batch: int) -> Search:
        keys = iter(jax.random.split(jax.random.PRNGKey(seed), 100_000))
        state = jax.jit(jax.vmap(env.init))(jax.random.split(next(keys), batch))
        for _ in range(plies):
            state = jax.jit(step)(state, jax.random.categorical(next(keys), prior(state)))

        def search() -> int:
            jax.block_until_ready(run(next(keys), state))
            return batch * simulations

        return search

    return fastest(make, batches), ["mctx", "pgx", "jax"]


if __name__ == "__main__":
    main({"ours": ours, "mctx": mctx})
