"""What a vector environment must keep."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from quadrivium.envs.core.checks.bounds import kernels_write_inside_their_rows
from quadrivium.envs.core.checks.copies import a_copy_goes_on_like_the_original
from quadrivium.envs.core.checks.rollout import (
    Rollout,
    continue_batch,
    difference,
    first_difference,
    lane_records,
    lanes_of,
    leaves,
    legal_random_action,
    play_batch,
    play_single,
)
from quadrivium.envs.core.checks.subject import (
    Batch,
    LeftOutError,
    Subject,
    check_frame,
    check_reward_terms,
    finite,
    masked_actions,
    needs_split,
    needs_state,
    require,
    require_refused,
    require_same,
    wrong_actions,
)
from quadrivium.envs.core.threads import get_threads, set_threads


def batches_are_well_formed(subject: Subject) -> None:
    """Observations lie in the batched space; rewards and flags are arrays (N,), numbers and bools, finite."""
    env, n = subject.batch(), subject.num_envs
    env.action_space.seed(subject.seed)
    obs, info = env.reset(seed=subject.seed)
    require(isinstance(info, dict), f"reset returned info of type {type(info).__name__}, not dict")
    require(env.num_envs == n, f"num_envs is {env.num_envs}; {n} were asked for")
    for step in range(subject.steps):
        require(env.observation_space.contains(obs), f"observation {step} is outside {env.observation_space}")
        require(finite(leaves(obs)), f"observation {step} is not finite")
        obs, rewards, terminated, truncated, _ = env.step(env.action_space.sample())
        for name, array, kinds in (
            ("rewards", rewards, "f"),
            ("terminations", terminated, "b"),
            ("truncations", truncated, "b"),
        ):
            found = f"{type(array).__name__} {getattr(array, 'dtype', '')}{getattr(array, 'shape', '')}"
            right = isinstance(array, np.ndarray) and array.shape == (n,) and array.dtype.kind in kinds
            require(right, f"{name} are {found}, not an array ({n},) of kind {kinds!r}")
        require(bool(np.isfinite(rewards).all()), f"rewards {step} are {rewards}")


def same_seed_same_trajectory(subject: Subject) -> None:
    """Two batches, and one that was used before, repeat the same rollout to the last bit."""
    env = subject.batch()
    first = play_batch(env, subject.seed, subject.steps)
    again = play_batch(env, subject.seed, subject.steps, first.actions)
    require_same(first_difference(first.records, again.records), "the same batch, reset again")
    other = play_batch(subject.batch(), subject.seed, subject.steps, first.actions)
    require_same(first_difference(first.records, other.records), "another batch of the same seed")


def lanes_do_not_depend_on_the_batch(subject: Subject) -> None:
    """Lane i of a batch equals a batch of one on seed + i: no batch size, lane index or neighbour matters."""
    batch = play_batch(subject.batch(), subject.seed, subject.steps)
    for lane in range(subject.lanes):
        own = range(lane * subject.agents, (lane + 1) * subject.agents)
        actions = [lanes_of(action, list(own)) for action in batch.actions]
        alone = play_batch(subject.batch(1), subject.seed + lane, subject.steps, actions)
        for agent, env in enumerate(own):
            found = first_difference(lane_records(batch, env), lane_records(alone, agent))
            require_same(found, f"lane {lane} of {subject.lanes}, and alone")


def lanes_equal_the_single_environment(subject: Subject) -> None:
    """Lane i equals the single environment on seed + i, through the ends of episodes."""
    if subject.make_single is None:
        raise LeftOutError("no make_single was given")
    _needs_same_step(subject.batch())
    batch = play_batch(subject.batch(), subject.seed, subject.steps)
    for lane in range(subject.num_envs):
        actions = [lanes_of(action, lane) for action in batch.actions]
        alone = play_single(subject.make_single(), subject.seed + lane, subject.steps, actions)
        records = lane_records(batch, lane)
        for record in [*records, *alone.records]:  # a single environment gives metrics as Python floats
            record.update({k: v.astype(np.float64) for k, v in record.items() if v.dtype.kind == "f"})
        require_same(first_difference(records, alone.records), f"lane {lane}, and the single environment")


def thread_count_does_not_matter(subject: Subject) -> None:
    """One thread and two compute the same bits."""
    needs_state(subject.batch())  # foreign batches do not run on our threads
    before = get_threads()
    set_threads(2)
    if get_threads() < 2:
        raise LeftOutError("there is one core only on this machine")
    rollouts: list[Rollout] = []
    try:
        for threads in (1, 2):
            set_threads(threads)
            actions = rollouts[0].actions if rollouts else None
            rollouts.append(play_batch(subject.batch(), subject.seed, subject.steps, actions))
    finally:
        set_threads(before)
    require_same(first_difference(rollouts[0].records, rollouts[1].records), "on one thread, and on two")


def _needs_same_step(env: Batch) -> None:
    mode = env.metadata.get("autoreset_mode")
    if mode is not AutoresetMode.SAME_STEP:
        raise LeftOutError(f"its autoreset mode is {mode}, not SAME_STEP")


def finished_lanes_begin_anew_in_the_same_step(subject: Subject) -> None:
    """Where an episode ended, `final_obs` is its last observation and `obs` the next episode's first.

    `final_obs` is Gymnasium's array of objects, or the observations' own form.
    """
    env, n = subject.batch(), subject.num_envs
    _needs_same_step(env)
    env.action_space.seed(subject.seed)
    env.reset(seed=subject.seed)
    ended = 0
    for step in range(1, subject.steps + 1):
        obs, _, terminated, truncated, info = env.step(env.action_space.sample())
        done = terminated | truncated
        if done.any():
            require("final_obs" in info, f"an episode ended at step {step} without final_obs")
            final = info["final_obs"]
            require(
                np.array_equal(info["_final_obs"], done), f"_final_obs {info['_final_obs']} is not {done}"
            )
            objects = isinstance(final, np.ndarray) and final.dtype == object
            if not objects:
                require(
                    difference(
                        {k: np.zeros_like(v) for k, v in leaves(final).items()},
                        {k: np.zeros_like(v) for k, v in leaves(obs).items()},
                    )
                    is None,
                    f"final_obs is not of the observations' shapes and types at step {step}",
                )
            going_on = ~np.asarray(info.get("active", np.ones(n, np.bool_)))  # in an agent's lane, without it
            for lane in np.flatnonzero(done):
                last = final[lane] if objects else lanes_of(final, lane)
                require(
                    env.single_observation_space.contains(last), f"final_obs[{lane}] is outside the space"
                )
                first = lanes_of(obs, lane)
                require(
                    bool(going_on[lane]) or difference(leaves(last), leaves(first)) is not None,
                    f"lane {lane} did not begin a new episode at step {step}",
                )
        if "_metrics" in info:
            require(
                np.array_equal(info["_metrics"], done),
                f"_metrics {info['_metrics']} at step {step} is not {done}",
            )
        ended += int(done.sum())
    if not ended:
        raise LeftOutError(f"no episode of {n} lanes ended in {subject.steps} steps")


def who_has_left_is_idle(subject: Subject) -> None:
    """Where `info["active"]` is false nothing is earned, nothing ends, and no action makes a difference."""
    one, other, n = subject.batch(), subject.batch(), subject.num_envs
    obs, info = one.reset(seed=subject.seed)
    other.reset(seed=subject.seed)
    if "active" not in info:  # nobody leaves before others
        return
    random = np.random.default_rng(subject.seed)
    one.action_space.seed(subject.seed)
    idle = 0
    for step in range(subject.steps):
        acting = info["active"]
        require(acting.shape == (n,) and acting.dtype == np.bool_, f"active is {acting.dtype}{acting.shape}")
        actions = legal_random_action(one.action_space, obs, random)
        others = np.where(
            acting.reshape(-1, *[1] * (actions.ndim - 1)), actions, np.asarray(one.action_space.sample())
        )
        result, again = one.step(actions), other.step(others.astype(actions.dtype))
        for name, mine, theirs in zip(
            ("obs", "reward", "terminated", "truncated"), result, again, strict=False
        ):
            require_same(
                difference(leaves(mine), leaves(theirs)), f"{name} {step} by other actions of the idle"
            )
        obs, rewards, terminated, truncated, info = result
        require(not rewards[~acting].any(), f"who had left earned {rewards[~acting]} at step {step}")
        require(not (terminated | truncated)[~acting].any(), f"who had left ended anew at step {step}")
        idle += int((~acting).sum())
    if not idle:
        raise LeftOutError(f"nobody left before others in {subject.steps} steps")


def metrics_are_finite_arrays(subject: Subject) -> None:
    """`info["metrics"]` holds a finite number by name for each lane whose episode ended."""
    rollout = play_batch(subject.batch(), subject.seed, subject.steps)
    seen = False
    for step, record in enumerate(rollout.records):
        for key, value in record.items():
            if key.startswith("metrics"):
                seen = True
                require(value.ndim == 1, f"{key} has shape {value.shape}, not one number a lane")
                require(bool(np.isfinite(value).all()), f"{key} at step {step} is {value}")
    if not seen:
        raise LeftOutError("it has no metrics, or no episode ended")


def reward_is_the_sum_of_its_terms(subject: Subject) -> None:
    """`info["reward_terms"]` are the parts of the reward, by name, (N,) each."""
    check_reward_terms(play_batch(subject.batch(), subject.seed, subject.steps))


def returned_arrays_are_the_callers(subject: Subject) -> None:
    """No later step writes into what was returned: observations, rewards, flags, infos, last observations."""
    env = subject.batch()
    env.action_space.seed(subject.seed)
    held: dict[str, Any] = dict(zip(("obs", "info"), env.reset(seed=subject.seed), strict=True))
    before, checked = leaves(held), 0
    for step in range(subject.steps):
        result = env.step(env.action_space.sample())
        require_same(difference(before, leaves(held)), f"what step {step} returned changed afterwards")
        ended = bool((result[2] | result[3]).any())
        checked += ended
        if step >= 20 and checked > 2:
            break
        if step < 20 or ended:  # else the check of long episodes would take long
            held = dict(zip(("obs", "rewards", "terminated", "truncated", "info"), result, strict=True))
            before = leaves(held)


def state_resumes_bit_for_bit(subject: Subject) -> None:
    """A new batch that is given the state goes on exactly as the old one."""
    env, other = subject.batch(), subject.batch()
    core, other_core = needs_state(env), needs_state(other)
    half = subject.steps // 2
    play_batch(env, subject.seed, half)
    rows = core.get_state()
    require(rows.shape == (subject.lanes,), f"get_state has shape {rows.shape}, not a row a lane")
    obs = core.observe()
    random = np.random.default_rng(0)
    after, again = Rollout(subject.seed), Rollout(subject.seed)
    continue_batch(env, obs, after, half, random)
    other.reset(seed=subject.seed + 1000)
    other_core.set_state(rows)
    require_same(difference(leaves(obs), leaves(other_core.observe())), "observe() after set_state")
    continue_batch(other, obs, again, half, random, after.actions)
    require_same(first_difference(after.records, again.records), "resumed from get_state")
    found = difference(leaves(core.get_state()), leaves(other_core.get_state()))
    require_same(found, "the rows after the same future")


def a_row_is_all_that_a_lane_is(subject: Subject) -> None:
    """Rows that change places take their futures with them."""
    env, moved = subject.batch(), subject.batch()
    core, moved_core = needs_state(env), needs_state(moved)
    play_batch(env, subject.seed, subject.steps // 2)
    obs, random = core.observe(), np.random.default_rng(0)
    moved.reset(seed=subject.seed + 1000)
    moved_core.set_state(np.roll(core.get_state(), 1))
    order = np.roll(np.arange(subject.num_envs), subject.agents)
    for step in range(50):
        action = legal_random_action(env.action_space, obs, random)
        stay, go = env.step(action), moved.step(lanes_of(action, order))
        obs = stay[0]
        for name, one, other in zip(("obs", "reward", "terminated", "truncated"), stay, go, strict=False):
            found = difference(leaves(lanes_of(one, order)), leaves(other))
            require_same(found, f"{name} of exchanged rows at step {step}")


def actions_outside_the_space_are_refused(subject: Subject) -> None:
    """A wrong or illegal action in one lane raises ValueError with one line, and no lane moves.

    It is that of the last who takes part: what an idle one does is not looked at.
    """
    env = subject.batch()
    core = needs_state(env)
    obs, _ = env.reset(seed=subject.seed)
    for _ in range(subject.steps):
        if masked_actions(lanes_of(obs, -1)):
            break
        obs = env.step(env.action_space.sample())[0]
    rows = core.get_state()
    good = np.asarray(env.action_space.sample())
    acting = getattr(env.unwrapped, "taking_part", None)
    last = subject.num_envs - 1 if acting is None else int(np.flatnonzero(acting)[-1])
    for action in [*wrong_actions(env.single_action_space), *masked_actions(lanes_of(obs, last))]:
        actions = np.array([np.asarray(action)] * subject.num_envs)
        require_refused(env, actions)
        if actions.shape == good.shape and actions.dtype == good.dtype:
            mixed = good.copy()
            mixed[last] = actions[last]
            require_refused(env, mixed)
    require_refused(env, good[:-1])
    require_same(difference(leaves(rows), leaves(core.get_state())), "the state after refused actions")


def held_out_scenarios_are_not_training_scenarios(subject: Subject) -> None:
    """With the same seeds, no episode of `split="test"` begins like one of `split="train"`."""
    needs_split(subject.batch)
    begun: dict[str, set[bytes]] = {}
    for split in ("train", "test"):
        env = subject.batch(64, split=split)
        core = needs_state(env)
        env.reset(seed=subject.seed)
        begun[split] = set()
        for _ in range(5):
            begun[split] |= {value.tobytes() for value in core.get_state()["rng"]}
            env.reset()
    require(len(begun["train"]) == len(begun["test"]) == 320, "two episodes began with the same random state")
    require(not begun["train"] & begun["test"], "a test scenario is a training scenario")


def baselines_play_legal_actions(subject: Subject) -> None:
    """Each scripted baseline returns actions for all lanes that the space contains."""
    env = subject.batch()
    baselines = getattr(env.unwrapped, "baselines", None)
    if not baselines:
        raise LeftOutError("it has no baselines")
    for name, act in baselines.items():
        env.reset(seed=subject.seed)
        for step in range(min(20, subject.steps)):
            actions = act(env.unwrapped)
            legal = all(env.single_action_space.contains(action) for action in actions)
            require(len(actions) == subject.num_envs and legal, f"{name} played {actions!r} at step {step}")
            env.step(actions)


def frames_are_pictures(subject: Subject) -> None:
    """`render` in rgb_array mode returns a (H, W, 3) uint8 frame a lane."""
    modes = subject.batch().metadata.get("render_modes") or []
    if "rgb_array" not in modes:
        raise LeftOutError("it has no render mode rgb_array")
    env = subject.batch(2, render_mode="rgb_array")
    env.reset(seed=subject.seed)
    frames = env.render()
    require(isinstance(frames, tuple) and len(frames) == 2, "render did not return a tuple of a frame a lane")
    for frame in frames or ():
        check_frame(frame)
    env.close()


VECTOR_CHECKS: list[Callable[[Subject], None]] = [
    kernels_write_inside_their_rows,  # first: what does not would spoil the memory of the others
    batches_are_well_formed,
    same_seed_same_trajectory,
    lanes_do_not_depend_on_the_batch,
    lanes_equal_the_single_environment,
    thread_count_does_not_matter,
    finished_lanes_begin_anew_in_the_same_step,
    who_has_left_is_idle,
    metrics_are_finite_arrays,
    reward_is_the_sum_of_its_terms,
    returned_arrays_are_the_callers,
    state_resumes_bit_for_bit,
    a_row_is_all_that_a_lane_is,
    a_copy_goes_on_like_the_original,
    actions_outside_the_space_are_refused,
    held_out_scenarios_are_not_training_scenarios,
    baselines_play_legal_actions,
    frames_are_pictures,
]
