"""The command `python evaluate.py watch`: a server on this machine, and a page on which one looks on."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from quadrivium.agents.evaluation.report import describe
from quadrivium.commands.arena import Notify
from quadrivium.commands.kept_tournament import DIRECTORY
from quadrivium.commands.pages import tournaments
from quadrivium.commands.pages.casting import Cast, make_env, make_stages, read_cast
from quadrivium.commands.pages.serve import serve
from quadrivium.commands.pages.show import Show
from quadrivium.commands.pages.stage import Stage
from quadrivium.commands.pages.wheel import wheel_of

YOU = "You"


def watch(
    words: Sequence[str],
    read_kwargs: Callable[[str], dict[str, Any]],
    seed: int | None,
    *,
    port: int,
    browser: bool,
    notify: Notify,
    say: Notify = print,
) -> None:
    """Serves the page until it is interrupted; arguments as `read_cast` takes them.

    Raises:
        UserError: the extra is not installed; there is no such world or player, or one does not fit the
            other; the port is in use.
    """

    def make_app(server: ModuleType, port: int) -> Any:
        show = make_show(read_cast(words, read_kwargs, seed, notify), notify)
        return server.make_app(None, tournaments.find(DIRECTORY, []), port, "", show)

    serve(make_app, port=port, browser=browser, say=say)


def make_show(cast: Cast, notify: Notify) -> Show:
    """Returns the show of a cast, once each has taken a step and could be drawn: so that nobody waits later
    for what is compiled or loaded with that. Raises UserError.
    """
    stages = make_stages(cast, notify)
    for stage in stages:
        stage.reset(cast.seed)
        stage.step()
        stage.picture()
    setup = getattr(stages[0].episode.env.unwrapped, "setup", None)
    title = describe(cast.env_id.removeprefix("quadrivium/"), cast.kwargs)
    return Show(
        title, stages, cast.seed, lambda: Stage(YOU, make_env(cast), None), wheel_of(cast.env_id, setup)
    )
