"""Vector environments by id, always in SAME_STEP autoreset mode, with one-line errors."""

import os
from typing import Any

import gymnasium
from gymnasium.vector import AutoresetMode, VectorEnv

from quadrivium.agents.errors import UserError, did_you_mean, one_line


def make_vector_env(env_id: str, num_envs: int, kwargs: dict[str, Any]) -> VectorEnv:
    """Returns `num_envs` environments of `env_id` that step together.

    The native batch is taken where the id has one in SAME_STEP mode; else single environments in a loop.
    Raises UserError for an unknown id and for arguments that the environment refuses.
    """
    require_registered(env_id)
    try:
        if gymnasium.spec(env_id).vector_entry_point is not None:
            env = gymnasium.make_vec(env_id, num_envs=num_envs, **kwargs)
            if env.metadata.get("autoreset_mode") == AutoresetMode.SAME_STEP:
                return env
            env.close()
        mode = {"autoreset_mode": AutoresetMode.SAME_STEP}
        return gymnasium.make_vec(env_id, num_envs, vectorization_mode="sync", vector_kwargs=mode, **kwargs)
    except (ValueError, TypeError, gymnasium.error.Error, ImportError) as error:
        raise UserError(_refusal(env_id, error)) from error


def make_film_env(env_id: str, kwargs: dict[str, Any]) -> gymnasium.Env | None:
    """Returns a single environment that renders `rgb_array`, or None where it cannot."""
    require_registered(env_id)
    # Films need no window, and without a screen SDL would complain on stderr.
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        env = gymnasium.make(env_id, render_mode="rgb_array", **kwargs)
    except (ValueError, TypeError, gymnasium.error.Error, ImportError):
        return None
    if "rgb_array" not in env.metadata.get("render_modes", []):
        env.close()
        return None
    return env


def require_registered(env_id: str) -> None:
    """Raises UserError, with the nearest id, unless `env_id` is registered with Gymnasium."""
    if env_id not in gymnasium.registry:
        raise UserError(
            f"environment {env_id!r} is unknown{did_you_mean(env_id, gymnasium.registry)}; expected an id "
            "registered with Gymnasium, such as quadrivium/Highway-v0 or CartPole-v1"
        )


def _refusal(env_id: str, error: Exception) -> str:
    message = one_line(error)
    if "unexpected keyword argument" in message:
        name = message.rsplit("unexpected keyword argument", 1)[1].split("'")[1]
        return (
            f"{env_id} has no argument {name!r}; its page lists them: remove it from the environment's kwargs"
        )
    return f"{env_id}: {message}"
