"""At every evaluation of AlphaZero, a game for TensorBoard: wires the game's renderer to the agent."""

from collections.abc import Callable

from agents.alphazero.agent import AlphaZero
from agents.alphazero.showcase import Illustrator, show_game
from agents.common.tensorboard import TensorBoardWriter
from envs.board.board_game import BoardGame


def make_showcase(agent: AlphaZero, tensorboard: TensorBoardWriter) -> Callable[[], None]:
    """Returns what plays a game with `evaluation_simulations` and writes it down, if there are any."""
    illustrate = _illustrator(agent)

    def show() -> None:
        shown = show_game(agent.game, agent.evaluator(), agent.config.evaluation_simulations, illustrate)
        if shown is None:
            return
        if shown.picture is not None:
            tensorboard.write_picture("game/positions", shown.picture, agent.num_timesteps)
        tensorboard.write_text("game/moves", shown.text, agent.num_timesteps)

    return show


def _illustrator(agent: AlphaZero) -> Illustrator | None:
    if not isinstance(agent.game, BoardGame):
        return None
    from envs.board.render import StudyRenderer  # pygame is loaded by those who draw

    return StudyRenderer(agent.game)
