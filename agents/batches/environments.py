"""Environments by id, vector environments always in SAME_STEP autoreset mode, with one-line errors."""

import importlib
import os
from typing import Any

import gymnasium
from gymnasium.vector import AutoresetMode, VectorEnv

from quadrivium.agents.batches.plain_spaces import plain
from quadrivium.agents.errors import UserError, did_you_mean, one_line


def make_vector_env(env_id: str, num_envs: int, kwargs: dict[str, Any]) -> VectorEnv:
    """Returns `num_envs` environments of `env_id` that step together.

    The native batch is taken where the id has one in SAME_STEP mode; else single environments in a loop,
    whose spaces are made `plain`. Raises UserError for an unknown id, and for arguments that the environment
    refuses.
    """
    name = registered(env_id)
    try:
        if gymnasium.spec(name).vector_entry_point is not None:
            env = gymnasium.make_vec(name, num_envs=num_envs, **kwargs)
            if env.metadata.get("autoreset_mode") == AutoresetMode.SAME_STEP:
                return env
            env.close()
        mode = {"autoreset_mode": AutoresetMode.SAME_STEP}
        wrappers: Any = [plain]  # typed as wrappers, but it may leave them alone
        return gymnasium.make_vec(
            name, num_envs, vectorization_mode="sync", vector_kwargs=mode, wrappers=wrappers, **kwargs
        )
    except UserError as error:  # of `plain`
        raise UserError(f"{env_id}: {error}") from None
    except (ValueError, TypeError, gymnasium.error.Error, ImportError) as error:
        raise UserError(_refusal(env_id, error)) from error


def make_film_env(env_id: str, kwargs: dict[str, Any]) -> gymnasium.Env | None:
    """Returns a single environment that renders `rgb_array`, or None where it cannot."""
    name = registered(env_id)
    _need_no_screen()
    try:
        env = gymnasium.make(name, render_mode="rgb_array", **kwargs)
    except (ValueError, TypeError, gymnasium.error.Error, ImportError):
        return None
    if "rgb_array" not in env.metadata.get("render_modes", []):
        env.close()
        return None
    return plain(env)


def make_drawn_env(env_id: str, num_envs: int, kwargs: dict[str, Any]) -> VectorEnv:
    """Returns environments that render `rgb_array` and, where an episode has ended, wait to be reset.

    num_envs: 1, or the agents that share one world. Raises UserError as `make_vector_env`, and where nothing
    can be drawn.
    """
    name = registered(env_id)
    _need_no_screen()
    mode = AutoresetMode.DISABLED
    try:
        if gymnasium.spec(name).namespace == "quadrivium":
            return gymnasium.make_vec(name, num_envs, render_mode="rgb_array", autoreset_mode=mode, **kwargs)
        wrappers: Any = [plain]
        env = gymnasium.make_vec(
            name,
            num_envs,
            vectorization_mode="sync",
            vector_kwargs={"autoreset_mode": mode},
            wrappers=wrappers,
            render_mode="rgb_array",
            **kwargs,
        )
    except UserError as error:  # of `plain`
        raise UserError(f"{env_id}: {error}") from None
    except (ValueError, TypeError, gymnasium.error.Error, ImportError) as error:
        raise UserError(_refusal(env_id, error)) from error
    if "rgb_array" not in env.metadata.get("render_modes", []):
        env.close()
        raise UserError(f"{env_id} cannot be drawn: it has no render mode rgb_array; name a world that has")
    return env


def registered(env_id: str) -> str:
    """Returns the id that `env_id` names, which is one of Gymnasium's registry.

    `MODULE:ID` imports the module that registers the id first, as in `gymnasium.make`. Raises UserError,
    with the nearest id, for one that is unknown.
    """
    module, colon, name = env_id.rpartition(":")
    if colon:
        try:
            importlib.import_module(module)
        except Exception as error:  # a foreign module may raise anything
            missing = isinstance(error, ModuleNotFoundError)
            remedy = "; install its package, or name its folder in PYTHONPATH" if missing else ""
            why = f"module {module!r} does not import: {one_line(error)}{remedy}"
            raise UserError(f"{env_id}: {why}") from error
    if name not in gymnasium.registry:
        what = f"an id that {module} registers" if colon else "an id registered with Gymnasium"
        raise UserError(
            f"environment {name!r} is unknown{did_you_mean(name, gymnasium.registry)}; expected {what}, such "
            "as quadrivium/Highway-v0 or CartPole-v1, or MODULE:ID where MODULE registers it"
        )
    return name


def _need_no_screen() -> None:
    """Lets pygame draw without a window: without a screen SDL would complain on stderr."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")


def _refusal(env_id: str, error: Exception) -> str:
    message = one_line(error)
    ours = f"{env_id}: {message}"
    if "unexpected keyword argument" not in message or "; did you mean" in message or ": use" in message:
        return ours
    name = message.rsplit("unexpected keyword argument", 1)[1].split("'")[1]
    return f"{env_id} has no argument {name!r}; its page lists them: remove it from the environment's kwargs"
