"""What TensorBoard shows at every evaluation beside numbers: a game of AlphaZero, an episode of trading."""

from collections.abc import Callable

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.watch.showcase import Illustrator, show_game
from quadrivium.agents.logs.tensorboard import TensorBoardWriter
from quadrivium.commands.build import Agent, make_evaluation_env, make_player
from quadrivium.commands.trading.evaluation import is_over_bars, record_player
from quadrivium.configs.schema import RunConfig
from quadrivium.envs.board.board_game import BoardGame


def make_showcase(
    agent: Agent, config: RunConfig, tensorboard: TensorBoardWriter
) -> Callable[[], None] | None:
    """Returns what plays and writes it down; None where there is nothing to show but films."""
    if isinstance(agent, AlphaZero):
        return _show_games(agent, tensorboard)
    env = make_evaluation_env(config)(1)
    over_bars = is_over_bars(env)
    env.close()
    return _show_trading(agent, config, tensorboard) if over_bars else None


def _show_games(agent: AlphaZero, tensorboard: TensorBoardWriter) -> Callable[[], None]:
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
    from quadrivium.envs.board.render import StudyRenderer  # pygame is loaded by those who draw

    return StudyRenderer(agent.game)


def _show_trading(agent: Agent, config: RunConfig, tensorboard: TensorBoardWriter) -> Callable[[], None]:
    player, plan = make_player(config.name, agent), config.evaluation

    def show() -> None:
        from quadrivium.envs.trading.episodes.report import (
            episode_picture,  # matplotlib is loaded by those who draw
        )

        episode = record_player(player, config.env.id, config.evaluation_kwargs(), plan.selection_seed)
        tensorboard.write_picture("evaluation/episode", episode_picture(episode), agent.num_timesteps)

    return show
