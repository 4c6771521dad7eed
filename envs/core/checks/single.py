"""What a single environment must keep."""

from collections.abc import Callable
from typing import Any

import numpy as np

from quadrivium.envs.core.checks.bounds import kernels_write_inside_their_rows
from quadrivium.envs.core.checks.copies import a_copy_goes_on_like_the_original
from quadrivium.envs.core.checks.rollout import difference, first_difference, leaves, play_single
from quadrivium.envs.core.checks.subject import (
    Env,
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


def observations_rewards_and_flags_are_well_formed(subject: Subject) -> None:
    """Observations lie in the space, rewards are finite numbers, flags are bools."""
    env = subject.make()
    env.action_space.seed(subject.seed)
    obs, info = env.reset(seed=subject.seed)
    require(isinstance(info, dict), f"reset returned info of type {type(info).__name__}, not dict")
    for step in range(subject.steps):
        require(
            env.observation_space.contains(obs),
            f"observation {step} is outside {env.observation_space}: {obs!r}",
        )
        require(finite(leaves(obs)), f"observation {step} is not finite: {obs!r}")
        obs, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        require(bool(np.isfinite(float(reward))), f"reward {step} is {reward!r}")
        for name, flag in (("terminated", terminated), ("truncated", truncated)):
            require(isinstance(flag, bool | np.bool_), f"{name} is {flag!r}, not a bool")
        if terminated or truncated:
            obs, _ = env.reset()


def same_seed_same_trajectory(subject: Subject) -> None:
    """Two environments, and one that was used before, repeat the same rollout to the last bit."""
    env = subject.make()
    first = play_single(env, subject.seed, subject.steps)
    again = play_single(env, subject.seed, subject.steps, first.actions)
    require_same(first_difference(first.records, again.records), "the same environment, reset again")
    other = play_single(subject.make(), subject.seed, subject.steps, first.actions)
    require_same(first_difference(first.records, other.records), "another environment of the same seed")


def returned_observations_are_the_callers(subject: Subject) -> None:
    """No later step writes into an observation that was returned."""
    env = subject.make()
    env.action_space.seed(subject.seed)
    obs, _ = env.reset(seed=subject.seed)
    for step in range(min(20, subject.steps)):
        before = leaves(obs)
        following, _, terminated, truncated, _ = env.step(env.action_space.sample())
        require_same(difference(before, leaves(obs)), f"observation {step} changed after it was returned")
        obs = env.reset()[0] if terminated or truncated else following


def reward_is_the_sum_of_its_terms(subject: Subject) -> None:
    """`info["reward_terms"]` are the parts of the reward, by name."""
    rollout = play_single(subject.make(), subject.seed, subject.steps)
    check_reward_terms(rollout)


def state_resumes_bit_for_bit(subject: Subject) -> None:
    """A new environment that is given the state goes on exactly as the old one."""
    env, other = subject.make(), subject.make()
    core, other_core = needs_state(env), needs_state(other)
    play_single(env, subject.seed, subject.steps // 2)
    env.reset()  # a running episode: the rollout's last may have just ended
    rows = core.get_state()
    actions: list[Any] = []
    after = _play_on(env, subject.steps // 2, lambda _: _sampled(env, actions))
    other.reset(seed=subject.seed + 1000)
    other_core.set_state(rows)
    again = _play_on(other, subject.steps // 2, lambda step: actions[step])
    require_same(first_difference(after, again), "resumed from get_state")


def _sampled(env: Env, actions: list[Any]) -> Any:
    """Returns a legal action, and adds it to those played."""
    actions.append(env.action_space.sample())
    return actions[-1]


def _play_on(env: Env, steps: int, action_at: Callable[[int], Any]) -> list[dict[str, np.ndarray]]:
    """Plays `action_at(step)` without a reset first, and returns the records."""
    records = []
    for step in range(steps):
        obs, reward, terminated, truncated, _ = env.step(action_at(step))
        records.append({**leaves(obs, "obs"), "reward": np.array(reward), "terminated": np.array(terminated)})
        if terminated or truncated:
            records.append(leaves(env.reset()[0], "obs"))
    return records


def actions_outside_the_space_are_refused(subject: Subject) -> None:
    """A wrong or illegal action raises ValueError with one line, and changes nothing."""
    env = subject.make()
    core = needs_state(env)
    obs, _ = env.reset(seed=subject.seed)
    for _ in range(subject.steps):
        if masked_actions(obs):
            break
        obs, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            obs, _ = env.reset()
    rows = core.get_state()
    for action in [*wrong_actions(env.action_space), *masked_actions(obs)]:
        require_refused(env, action)
    require_same(difference(leaves(rows), leaves(core.get_state())), "the state after refused actions")


def held_out_scenarios_are_not_training_scenarios(subject: Subject) -> None:
    """With the same seeds, no episode of `split="test"` begins like one of `split="train"`."""
    needs_split(subject.make)
    begun: dict[str, set[bytes]] = {}
    for split in ("train", "test"):
        env = subject.make(split=split)
        core = needs_state(env)
        begun[split] = set()
        for seed in range(subject.seed, subject.seed + 20):
            env.reset(seed=seed)
            for _ in range(5):
                begun[split].add(core.get_state()["rng"].tobytes())
                env.reset()
    require(len(begun["train"]) == len(begun["test"]) == 100, "two episodes began with the same random state")
    require(not begun["train"] & begun["test"], "a test scenario is a training scenario")


def frames_are_pictures(subject: Subject) -> None:
    """`render` in rgb_array mode returns (H, W, 3) uint8 frames that show something."""
    modes = subject.make().metadata.get("render_modes") or []
    if "rgb_array" not in modes:
        raise LeftOutError("it has no render mode rgb_array")
    env = subject.make(render_mode="rgb_array")
    env.reset(seed=subject.seed)
    check_frame(env.render())
    env.close()


SINGLE_CHECKS: list[Callable[[Subject], None]] = [
    kernels_write_inside_their_rows,  # first: what does not would spoil the memory of the others
    observations_rewards_and_flags_are_well_formed,
    same_seed_same_trajectory,
    returned_observations_are_the_callers,
    reward_is_the_sum_of_its_terms,
    state_resumes_bit_for_bit,
    a_copy_goes_on_like_the_original,
    actions_outside_the_space_are_refused,
    held_out_scenarios_are_not_training_scenarios,
    frames_are_pictures,
]
