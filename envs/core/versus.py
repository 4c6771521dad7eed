# Kernel code: lane functions over a record without a static type.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""A two-player game as a world with one agent: the learner in one seat, an opponent in the other.

The parameters of every game begin with three fields that belong to this file:
    split: 0 draws the random numbers of training, 1 those of tests.
    seat: FIRST, SECOND, or EITHER: drawn anew for each episode.
    opponent: RANDOM_INSIDE plays uniformly random legal moves within the lane; OUTSIDE leaves them to
        `Setup.others`.
"""

from functools import cache, partial

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.lane import ILLEGAL_ACTION, NO_ACTION, World, lane
from quadrivium.envs.core.pool_jobs import game_jobs
from quadrivium.envs.core.rules import Rules
from quadrivium.measures import count, rate

FIRST, SECOND, EITHER = 0, 1, 2
RANDOM_INSIDE, OUTSIDE = 0, 1

_ONE, _ZERO = np.float32(1.0), np.float32(0.0)


@lane
def _outcome(s):
    """Returns 1, 0 or -1 (float32) as the agent has won, not won, or lost."""
    if s.winner < 0:
        return _ZERO
    return _ONE if s.winner == s.seat else -_ONE


@lane
def _metrics_one(s, p, out):
    outcome = _outcome(s)
    out[0] = outcome > _ZERO
    out[1] = outcome == _ZERO
    out[2] = outcome < _ZERO
    out[3] = s.seat == FIRST
    out[4] = s.ply


@cache
def versus(rules: Rules) -> World:
    """Returns the world of one agent who plays `rules`: its payoff is the reward, at the end.

    An illegal action that is let through loses the game.
    """
    start, play, random_action, observe = rules.start, rules.play, rules.random_action, rules.observe
    payoff = rules.payoff

    @lane
    def answer(s, p):
        if p.opponent == RANDOM_INSIDE:
            while s.over == 0 and s.to_move != s.seat:
                play(s, p, random_action(s, p))

    @lane
    def reset_one(s, p):
        start(s, p)
        s.seat = rng.integer(s, 2) if p.seat == EITHER else p.seat
        answer(s, p)

    @lane
    def step_one(s, action, p, terms):
        if action[0] == ILLEGAL_ACTION:
            s.over = 1
            s.winner = 1 - s.seat
        elif action[0] != NO_ACTION:
            play(s, p, np.int64(action[0]))
            answer(s, p)
        over = s.over != 0
        earned = payoff(s, p) if over else _ZERO
        terms[0] = earned if s.seat == FIRST else _ZERO - earned  # no minus zero
        return over, False

    @lane
    def observe_one(s, p, out):
        observe(s, p, np.int64(s.seat), out)

    return World(
        name=rules.name,
        params=rules.params,
        reset=reset_one,
        step=step_one,
        observe=observe_one,
        metrics=_metrics_one,
        reward_terms=("outcome",),
        metric_names=(rate("win"), rate("draw"), rate("loss"), rate("first"), count("plies")),
        action_dtype=np.int32,
        legal=rules.legal,
        jobs=partial(game_jobs, rules),
        ranges=rules.ranges,
        consistent=rules.consistent,
        hidden=rules.hidden,
    )
