"""AlphaZero: a network learns from games that it plays against itself, or alone, with the help of search.

Sources: Silver et al. 2018, "A general reinforcement learning algorithm that masters chess, shogi, and Go
through self-play"; Danihelka et al. 2022, "Policy improvement by planning with Gumbel"; Wu 2019,
"Accelerating self-play learning in Go" (window, auxiliary heads, playout-cap randomisation).
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.learn.judge import NetworkEvaluator
from quadrivium.agents.alphazero.learn.learner import Learner
from quadrivium.agents.alphazero.learn.network import Networks, PolicyValueNet
from quadrivium.agents.alphazero.play.counts import Statistics
from quadrivium.agents.alphazero.play.packed import Packed
from quadrivium.agents.alphazero.play.played import PlayedGame, parted
from quadrivium.agents.alphazero.play.practice import Practice, auxiliary_of
from quadrivium.agents.alphazero.watch.exam import exam_of, policy_actions, searched_actions
from quadrivium.agents.alphazero.watch.ladder import elo_difference, mover, play_match, random_mover
from quadrivium.agents.batches.observations import ObsArray, to_tensors
from quadrivium.agents.compute.devices import choose_device
from quadrivium.agents.nets.heads import mask_logits
from quadrivium.agents.nets.stem import ACTION_MASK
from quadrivium.agents.runs.checkpoint import CheckpointError, Snapshot
from quadrivium.agents.runs.state import (
    capture_rng,
    optimizer_from_tensors,
    optimizer_to_tensors,
    restore_rng,
    under,
)
from quadrivium.agents.search import EvaluationCache, MatchSearch, PuctConfig, monte_carlo_search
from quadrivium.agents.search.gumbel import log_softmax
from quadrivium.agents.search.protocols import Evaluator, Game
from quadrivium.agents.training.agent import Agent
from quadrivium.agents.training.hooks import Hooks

# The same in every evaluation of every run, so that ratings compare; two streams, else the random anchor's
# first move would repeat the opening's.
_OPENINGS_SEED, _ANCHOR_SEED = 2_000_000, 2_000_001
_MOST_RECALLED = 100  # games


class AlphaZero(Agent):
    """Plays, learns, saves and resumes, as PPO and DQN do.

    An iteration is: every game makes `n_steps` moves with the averaged network; then as many gradient steps
    as the positions of the games that ended pay for. `num_timesteps` counts moves of all games.

    Args:
        config: hyper-parameters.
        game: what is played; its methods `ownership`, `score` and `disc_difference`, and its `symmetries`,
            are used where the config asks for them.
        others: the same game on boards of other sizes, which it plays and learns as well.
        played: games of others to learn from, as `config.records` says; without them it does without.
        games: how many games are played at once, on boards of all sizes together.
        seed: of weights, noise, samples and games: their scenarios and random moves.
        device: "cpu", "cuda", or "auto": CUDA where there is one.
        parts: of the games, searched by turns: while the network judges one part's positions, the others'
            trees grow. None: two on CUDA, one on the CPU, where nothing would go on beside.

    Raises:
        ValueError: the config does not fit the game.

    Attributes:
        policy: the networks: `net`, which learns, and `average`, which plays.
    """

    def __init__(
        self,
        config: AlphaZeroConfig,
        game: Game,
        *,
        others: Sequence[Game] = (),
        played: Sequence[PlayedGame] = (),
        games: int = 128,
        seed: int = 0,
        device: str = "auto",
        parts: int | None = None,
    ) -> None:
        super().__init__()
        self.config, self.game = config, game
        self.auxiliary = auxiliary_of(config, game)
        if games <= len(others):
            raise ValueError(f"{games} games are too few for boards of {1 + len(others)} sizes")
        self.device = torch.device(choose_device(device, config.net))
        torch.manual_seed(seed)
        self._learn_rng, self._turn_rng, *self._play_rngs = (
            np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(3 + len(others))
        )
        if config.curriculum and not others:
            raise ValueError(
                f"curriculum={config.curriculum} has no other_sizes to begin with; give some, or 0"
            )
        each, parts = games // (1 + len(others)), parts or (2 if self.device.type == "cuda" else 1)
        shares = [games - each * len(others), *(each for _ in others)]
        if config.curriculum:
            shares = [games for _ in shares]  # each size has them all in its time
        learned, held_out = parted(played, config.records.held_out if config.records else 0.0)
        self._practices = [
            Practice(one, config, share, rng, parts, learned if one is game else ())
            for one, share, rng in zip((game, *others), shares, self._play_rngs, strict=True)
        ]
        self._at_play: Sequence[Practice] = self._practices  # in the newest iteration
        lessons = self._practices[0].lessons
        self._study_steps = 0  # moves of others that are learned from before self-play begins
        if lessons is not None and config.records is not None:
            self._study_steps = math.ceil(lessons.size * config.records.passes)
        self._held_out = self._practices[0].packed(held_out[:_MOST_RECALLED]) if held_out else None
        self._outcomes = self._practices[0].outcomes
        self.policy = Networks(*(self._network(game) for _ in range(3))).to(self.device)
        for other in others:
            self._require_same_weights(other)
        self._learner = Learner(self.policy, config)
        self._rating = 0.0
        self._match: MatchSearch | None = None  # its arrays are used again from move to move
        self._setup: Any = None  # of the environments in which it is searched
        self.games = games
        self._entries: dict[str, float] = {}  # for the log, of the newest iteration
        self._spent: dict[str, float] = {}  # seconds of it, by phase
        self.action_space = spaces.Discrete(game.num_actions)
        self.observation_space = _observation_space(game)

    def _network(self, game: Game) -> PolicyValueNet:
        return PolicyValueNet(
            _observation_space(game),
            game.num_actions,
            self.config.net,
            value_head=self._outcomes.value_head,
            policy_head=self.config.policy_head,
            head_width=self.config.head_width,
            auxiliary=self.auxiliary,
        )

    def _require_same_weights(self, other: Game) -> None:
        """Raises ValueError where a network for boards of another size would have other weights."""
        with torch.random.fork_rng(devices=[]):
            theirs = self._network(other).state_dict()
        for name, ours in self.policy.net.state_dict().items():
            if theirs[name].shape != ours.shape:
                raise ValueError(
                    f"other_sizes: the network depends on the size of the board ({name} would be "
                    f"{tuple(theirs[name].shape)} instead of {tuple(ours.shape)}); it needs a trunk cnn or "
                    "transformer without pooling: flatten, and policy_head conv, in a game whose actions are "
                    "cells"
                )

    # ---- playing

    def evaluator(self) -> NetworkEvaluator:
        """Returns the averaged network as search's evaluator; it turns no boards, so it draws nothing."""
        return NetworkEvaluator(self.policy.average, bf16=self.config.bf16)

    def act(self, obs: ObsArray, deterministic: bool = True) -> np.ndarray:
        """Returns the policy's actions (N,) without search: its best, or drawn with torch's global generator.

        obs: as the environments show them, N of them; where there is an `action_mask` (N, A), legal ones.
        """
        with torch.inference_mode():
            seen = to_tensors(obs, self.device)
            logits, *_ = self.policy.average.judge(seen)
            if isinstance(seen, dict) and ACTION_MASK in seen:
                logits = mask_logits(logits, seen[ACTION_MASK])
            if deterministic:
                return logits.argmax(1).cpu().numpy()
            return torch.multinomial(logits.softmax(1), 1)[:, 0].cpu().numpy()

    def best_actions(self, roots: np.ndarray, simulations: int, setup: Any = None) -> np.ndarray:
        """Returns the actions (n,) that a match's search finds in running games `roots` (n,); draws none.

        With a single player `roots` may be the records of environments, and `setup` theirs: the search goes
        by the rules there, in towns, say, that the training has not seen.
        """
        if self._match is None or self._match.config.simulations != simulations or self._setup is not setup:
            within = None if setup is None else getattr(self.game, "within", None)
            game = self.game if within is None else within(setup)
            self._setup, self._match = setup, self._match_search(self.evaluator(), simulations, game)
        return self._match.search(self._outcomes.to_search(roots)).actions

    def _match_search(self, evaluator: Evaluator, simulations: int, game: Game | None = None) -> MatchSearch:
        config = PuctConfig(simulations, reuse=False, discount=self._outcomes.discount)
        return MatchSearch(game or self.game, evaluator, config, slots=0)

    def _cached(self, network: NetworkEvaluator) -> EvaluationCache:
        return EvaluationCache(network, max(self.config.cache, 1), self.config.cache_mib << 20)

    def climb(self) -> dict[str, float]:
        """Plays matches against the anchors; returns differences in Elo by logger name.

        The anchors are random moves, a search with random playouts, and this agent as it was at the last
        call. `ladder/rating` sums up the differences to the last, once the fixed ones no longer win.
        """
        config, game = self.config, self.game
        if not config.ladder_games or game.num_players == 1:
            return {}
        # From move to move most positions come again: the caches outlive the trees.
        me, earlier = (
            mover(
                self._match_search(
                    self._cached(NetworkEvaluator(net, bf16=config.bf16)), config.ladder_simulations
                )
            )
            for net in (self.policy.average, self.policy.earlier)
        )
        playouts = monte_carlo_search(game, config.ladder_rollouts, slots=0, reuse=False)
        anchors = {
            "random": random_mover(game, _ANCHOR_SEED),
            f"mcts_{config.ladder_rollouts}": mover(playouts),
            "earlier": earlier,
        }
        entries: dict[str, float] = {}
        for name, anchor in anchors.items():
            scores = play_match(game, me, anchor, games=config.ladder_games, seed=_OPENINGS_SEED)
            entries[f"ladder/score_{name}"] = float(scores.mean())
            entries[f"ladder/elo_over_{name}"] = elo_difference(scores)
        self._rating += entries["ladder/elo_over_earlier"]
        self.policy.earlier.load_state_dict(self.policy.average.state_dict())
        return entries | {"ladder/rating": self._rating}

    def take_exam(self) -> dict[str, float]:
        """Returns the share of moves that keep a position's value, by logger name; nothing without an exam.

        Of the policy's best moves and of what a search with `exam_simulations` plays.
        """
        exam, network = exam_of(self.game), self.evaluator()
        if exam is None:
            return {}
        actions = {"policy": policy_actions(self.game, network, exam.roots)}
        if self.config.exam_simulations:
            actions["search"] = searched_actions(self.game, network, exam.roots, self.config.exam_simulations)
        return {f"solver/{name}_accuracy": exam.accuracy(chosen) for name, chosen in actions.items()}

    def recall(self) -> dict[str, float]:
        """Returns how well the network foretells the games of others that were held out, by logger name."""
        if self._held_out is None:
            return {}
        samples = self._outcomes.records.unpack(self._held_out)
        network = self.evaluator()
        found = network(samples.obs, samples.legal.astype(np.int8))
        log_policy, played = log_softmax(found.logits, samples.legal), samples.policy.argmax(1)
        return {
            "records/policy_accuracy": float((log_policy.argmax(1) == played).mean()),
            "records/policy_loss": float(-log_policy[np.arange(len(played)), played].mean()),
            "records/value_error": float(((found.values - samples.outcome) ** 2).mean()),
        }

    # ---- the loop

    def play(self, simulations: int) -> Generator[tuple[int, Packed, Statistics]]:
        """Lets every game make `n_steps` moves, with so many simulations where the search is full.

        Yields for the board of each size its number, the positions of the games that ended, and their
        statistics; afterwards the log knows how fast that was.
        """
        began = time.perf_counter()
        network = NetworkEvaluator(self.policy.average, bf16=self.config.bf16)
        lookups, hits, games = 0, 0, 0
        for practice in self._at_play:
            network.turn(practice.symmetries, self._turn_rng)
            # The weights are others than in the last iteration: so is the cache. Resuming is exact, too.
            cache = self._cached(network) if self.config.cache else None
            new, statistics = practice.play(cache or network, simulations)
            games += len(statistics.lengths)
            lookups, hits = (lookups + cache.lookups, hits + cache.hits) if cache else (0, 0)
            yield self._practices.index(practice), new, statistics
        playing = time.perf_counter() - began
        self._entries = {
            "self_play/mean_batch_size": network.positions / max(network.batches, 1),
            "time/network_share_of_self_play": network.seconds / playing,
            "time/games_per_second": games / playing,
            "time/evaluations_per_second": network.positions / playing,
            "time/simulations_per_second": self.moves * simulations / playing,
        }
        if self.config.cache:
            self._entries["self_play/cache_hit_rate"] = hits / max(lookups, 1)
        self._spent = {"network": network.seconds, "search": playing - network.seconds}

    @property
    def moves(self) -> int:
        """Moves that all games together make in an iteration."""
        return self.config.n_steps * self.games

    def take(self, k: int, new: Packed, simulations: int) -> None:
        """Takes positions from the board of size number `k` into its window, to learn from."""
        practice = self._practices[k]
        practice.take(new, simulations)
        self._learner.adapt(practice, new)

    def collect(self, hooks: Hooks, end: int) -> bool:
        """Lets every game make `n_steps` moves, and keeps the positions of those that ended.

        While the games of others are studied nothing is played: as many of their moves are learned from.
        """
        hooks.on_rollout_start()
        if not self._study():
            progress = self.progress(end)
            self._at_play = self._by_curriculum(progress)
            simulations = self.config.simulations_at(progress)
            counted: list[Statistics] = []
            for k, new, statistics in self.play(simulations):
                self.take(k, new, simulations)
                counted.append(statistics)
            self.num_timesteps += self.moves
            self._entries |= counted[0].summary() | self._window_entries(simulations)
        hooks.on_rollout_end()
        return True

    def _study(self) -> bool:
        """Lets an iteration's moves of others be learned from, while that is not done; returns whether."""
        first = self._practices[0]
        first.studying = self.num_timesteps < self._study_steps
        if first.studying:
            first.owed += self.moves
            self.num_timesteps += self.moves
            self._at_play = self._practices[:1]
            self._entries, self._spent = {}, {}
        return first.studying

    def _window_entries(self, simulations: int) -> dict[str, float]:
        return {
            "self_play/simulations": simulations,
            "self_play/window": sum(practice.replay.size for practice in self._practices),
            "self_play/positions": sum(practice.replay.total for practice in self._practices),
        }

    def _by_curriculum(self, progress: float) -> Sequence[Practice]:
        """Returns what is played when `progress` (0 to 1) of the training is done."""
        share, others = self.config.curriculum, self._practices[1:]
        if not share:
            return self._practices
        if progress >= share:
            return self._practices[:1]
        return [others[int(progress / share * len(others))]]

    def update(self, end: int) -> None:
        """Makes as many gradient steps as the new positions pay for."""
        began = time.perf_counter()
        self._entries |= self._learner.learn(self._at_play, self.progress(end), self._learn_rng)
        spent = self._spent | {"update": time.perf_counter() - began}
        total = sum(spent.values())
        self._entries |= {f"time/fraction_{phase}": seconds / total for phase, seconds in spent.items()}
        self._entries["time/steps_per_second"] = self.moves / total

    def summary(self) -> dict[str, float]:
        """Returns what the log says of the newest iteration."""
        return dict(self._entries)

    # ---- exact resume

    def snapshot(self) -> Snapshot:
        """Returns everything that decides how the training goes on; call it between iterations."""
        state = {
            "signature": np.array([self.signature]),
            "updates": np.array(self._learner.updates),
            "rating": np.array(self._rating),
        }
        for k, practice in enumerate(self._practices):
            state |= {f"practice{k}/{key}": array for key, array in practice.state().items()}
        return Snapshot(
            step=self.num_timesteps,
            weights=self.policy.state_dict(),
            optimizer=optimizer_to_tensors(self._learner.optimizer),
            state=state,
            rng=capture_rng(**self._generators()),
            seconds=self.budget.seconds,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Puts the agent, its games and its replay window where `snapshot` was taken.

        Raises:
            CheckpointError: it is of another game, board size or network.
        """
        state = snapshot.state
        self.require_same_game(snapshot)
        try:
            for k, practice in enumerate(self._practices):
                practice.load_state(under(f"practice{k}/", state))
            self.policy.load_state_dict(snapshot.weights)
        except (ValueError, RuntimeError, KeyError) as error:
            raise CheckpointError(
                f"the checkpoint does not fit this agent: {' '.join(str(error).split())}"
            ) from error
        optimizer_from_tensors(self._learner.optimizer, snapshot.optimizer)
        restore_rng(snapshot.rng, **self._generators())
        self.num_timesteps = snapshot.step
        self.budget.resume(snapshot.seconds)
        self.iterations = snapshot.step // self.moves
        self._learner.updates, self._rating = int(state["updates"]), float(state["rating"])

    def _generators(self) -> dict[str, np.random.Generator]:
        play = {f"play{k}": rng for k, rng in enumerate(self._play_rngs)}
        return play | {"learn": self._learn_rng, "turn": self._turn_rng}

    @property
    def signature(self) -> str:
        """What a checkpoint must have been trained on, for people: the game, its planes and its actions."""
        title = getattr(self.game, "title", type(self.game).__name__)
        parts = self.policy.net.backbone.stem.blank()
        sizes = [" x ".join(map(str, part.shape[1:])) for part in parts.values()]
        if len(parts) > 1:
            sizes = [f"{name} {size}" for name, size in zip(parts, sizes, strict=True)]
        seen = "planes" if len(self.game.observation_shape) == 3 else "observations"
        return f"{title} with {seen} {', '.join(sizes)} and {self.game.num_actions} actions"

    def require_same_game(self, snapshot: Snapshot) -> None:
        """Raises CheckpointError where `snapshot` was trained on another game or board size."""
        stored = snapshot.state.get("signature")
        trained = "another algorithm's world" if stored is None else str(stored[0])
        if trained != self.signature:
            raise CheckpointError(
                f"the checkpoint was trained on {trained}, but this is {self.signature}; give a run of the "
                "same game and board size"
            )


def _observation_space(game: Game) -> spaces.Space:
    """Returns what the environments of the game show."""
    space: spaces.Space | None = getattr(game, "single_observation_space", None)
    if space is not None:
        return space
    low, high = getattr(game, "observation_range", (-np.inf, np.inf))
    return spaces.Dict(
        {
            "observation": spaces.Box(low, high, game.observation_shape, np.float32),
            "action_mask": spaces.Box(0, 1, (game.num_actions,), np.int8),
        }
    )
