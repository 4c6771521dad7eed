"""A two-player game as a PettingZoo environment: the AEC form, in which players act one after the other."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete
from pettingzoo import AECEnv

from quadrivium.envs.core.game import Game, GameAlone
from quadrivium.envs.core.lane import LANE_HEADER
from quadrivium.envs.core.lanes import checked_seeds, require_rows_of
from quadrivium.envs.core.ranges import require_valid
from quadrivium.envs.core.screen import Screen
from quadrivium.envs.core.setup import Renderer

Observation = dict[str, np.ndarray]
AGENTS = ("player_0", "player_1")
RENDER_FPS = 2


class GameAECEnv(AECEnv[str, Any, Any]):
    """A game for two agents, "player_0" who begins and "player_1".

    An observation holds `observation`, (C, H, W) or (K,) float32, the game as that agent sees it, own first,
    and `action_mask` (A,) int8: the legal actions of the agent to move, zeros for the other and after the
    end. The winner's last reward is 1, the loser's -1, or the chips in games for chips; a draw gives 0, as
    does every move before the end.

    Most boards hold no chance; a seed is only kept in the state, for `Game.random_actions`. Of cards and dice
    a seed says what comes, and a reset without one deals anew. An agent may be selected several times in a
    row, where a turn has several moves.

    Args:
        game: the rules, with their options chosen.
        name: what PettingZoo calls the environment, such as "connect_four_v0".
        observation_range: the lowest and the highest value of the planes.
        parse_position: reads the text of `reset(options={"position": text})` into a pool (1,).
        ansi: writes a state as text, for the render mode "ansi".
        renderer: makes what draws a state, for the render modes "rgb_array" and "human".
        render_mode: one of those three, or None.
    """

    def __init__(
        self,
        game: Game,
        name: str,
        *,
        observation_range: tuple[float, float] = (0.0, 1.0),
        parse_position: Callable[[str], np.ndarray] | None = None,
        ansi: Callable[[np.void], str] | None = None,
        renderer: Callable[[], Renderer] | None = None,
        render_mode: str | None = None,
    ) -> None:
        super().__init__()
        self._screen = Screen(render_mode, renderer, ansi, remedy='env(render_mode="rgb_array")')
        self.metadata = {
            "name": name,
            "render_modes": self._screen.modes,
            "is_parallelizable": False,
            "render_fps": RENDER_FPS,
        }
        self.render_mode = render_mode
        self.game = game
        self.possible_agents = list(AGENTS)
        self.agents = []
        shape, actions = game.observation_shape, game.num_actions
        self.observation_spaces = {
            agent: Dict(
                {
                    "observation": Box(*observation_range, shape, np.float32),
                    "action_mask": Box(0, 1, (actions,), np.int8),
                }
            )
            for agent in AGENTS
        }
        self.action_spaces = {agent: Discrete(actions) for agent in AGENTS}
        self._parse_position = parse_position
        self._deals = np.random.default_rng()  # seeds of games that are given none
        self._table: GameAlone | None = None  # its machine code is made when it is first needed

    def observation_space(self, agent: str) -> gymnasium.Space[Any]:
        """Returns the agent's space, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space[Any]:
        """Returns the agent's space, always the same object."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> None:
        """Begins a game, or goes on from the text `options["position"]`; raises ValueError for a bad one."""
        first = self._next_deal() if seed is None else int(checked_seeds([seed])[0])
        if seed is not None:
            self._deals = np.random.default_rng(first)
        self._begin(self._first_position(first, options or {}))
        if self.render_mode == "human":
            self.render()

    def _next_deal(self) -> int:
        """Returns the seed of a game that is given none."""
        drawn = self.game.hidden_information or self.game.num_outcomes > 0
        return int(self._deals.integers(2**63)) if drawn else 0

    def _begin(self, pool: np.ndarray) -> None:
        """Goes on from the game in `pool` (1,), with nothing earned yet."""
        if self._table is None:
            self._table = GameAlone(self.game, pool)
        else:
            self._table.set(pool)
        over = self._table.over
        self.agents = list(AGENTS)
        self.rewards = dict.fromkeys(AGENTS, 0.0)
        self._cumulative_rewards = dict.fromkeys(AGENTS, 0.0)
        self.terminations = dict.fromkeys(AGENTS, over)
        self.truncations = dict.fromkeys(AGENTS, False)
        self.infos = {agent: {} for agent in AGENTS}
        self.agent_selection = AGENTS[self._table.to_move]
        self._skip_agent_selection = None  # PettingZoo's note of whom to go on with after a dead agent

    def step(self, action: int | None) -> None:
        """Plays the selected agent's move; after the end, None takes that agent out.

        Raises ValueError for an illegal move, which leaves everything as it was.
        """
        mover = self.agent_selection
        if self.terminations[mover]:
            self._was_dead_step(action)
            return
        table = self._table_set
        table.play(action)
        self._cumulative_rewards[mover] = 0.0
        if table.over:
            returns = self.game.result(table.pool, np.zeros(1, np.int64)).returns[0]
            self.rewards = dict(zip(AGENTS, returns.tolist(), strict=True))
            self.terminations = dict.fromkeys(AGENTS, True)
            self._accumulate_rewards()
        self.agent_selection = AGENTS[table.to_move]
        if self.render_mode == "human":
            self.render()

    def observe(self, agent: str) -> Observation:
        """Returns the board as `agent` sees it, and its legal actions if it is to move."""
        table = self._table_set
        mask = (
            table.mask.copy() if agent == self.agent_selection else np.zeros_like(table.mask)
        )  # all 0 after the end
        return {"observation": table.observe(AGENTS.index(agent)), "action_mask": mask}

    @property
    def _table_set(self) -> GameAlone:
        if self._table is None:
            self._table = GameAlone(self.game, self.game.pool(1))
        return self._table

    def render(self) -> np.ndarray | str | None:
        """Returns the text in mode "ansi", the frame (H, W, 3) uint8 in "rgb_array"; "human" shows it."""
        return self._screen.render(self._table_set.pool[0])

    def close(self) -> None:
        """Closes the window, if there is one."""
        self._screen.close()

    def get_state(self) -> np.ndarray:
        """Returns a copy of the game: a pool (1,), what `Game`'s functions work on."""
        words = self._table_set.pool.view(
            np.uint64
        )  # NumPy's copy of a record may leave out bytes between fields
        return words.copy().view(self.game.state_dtype)

    def set_state(self, rows: np.ndarray) -> None:
        """Continues from `rows` (1,), made by `get_state` of an environment of the same game."""
        require_rows_of(rows, self.game.state_dtype, (1,))
        require_valid(rows, self.game.params, self.game.rules)
        self._begin(rows)

    def _first_position(self, seed: int, options: Mapping[str, Any]) -> np.ndarray:
        # Unknown options are let through, as PettingZoo's api_test wants; a slip of the pen is not.
        for name in options:
            if name != "position" and difflib.get_close_matches(str(name), ["position"], cutoff=0.8):
                raise ValueError(f"reset() knows no option {name!r}; did you mean 'position'?")
        first, text = self.game.pool(1, seed), options.get("position")
        if text is None:
            return first
        if self._parse_position is None:
            raise ValueError(f"{self.metadata['name']} reads no positions; leave out options['position']")
        pool = self._parse_position(text)
        if pool["over"][0]:
            raise ValueError("the game has ended in that position; begin from one that still runs")
        for name, _ in LANE_HEADER:
            pool[name] = first[name]
        return pool
