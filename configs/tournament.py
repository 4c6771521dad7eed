"""What a tournament's configuration may hold, and the one-line errors for what it may not."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import gymnasium
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from quadrivium.agents.arena.referee.adjudication import Adjudication, DrawRule, ResignRule
from quadrivium.agents.arena.schedule import most_swiss_rounds
from quadrivium.agents.arena.sprt import Sprt
from quadrivium.agents.errors import UserError, did_you_mean
from quadrivium.configs.yaml_format import dump_yaml, read_yaml
from quadrivium.envs import bare_id, board_game_name


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class NamedPlayer(_Section):
    """A player with a name of its own."""

    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\n\t]+$")]
    """what tables call it"""
    player: str
    """what it is"""


class Openings(_Section):
    """What the games begin with: random moves, lines or a file of yours. Two games each, colours swapped."""

    plies: Annotated[int, Field(ge=0, le=200)] | None = None
    """so many random legal moves; with a file, no more of each game in it"""
    file: str | None = None
    """games in PGN or SGF, positions in FEN or EPD, or lines of moves (.txt); used again when they run out"""
    moves: list[str] | None = None
    """openings, each a line of moves in the game's notation; used again from the first when they run out"""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        given = [self.plies is not None and self.file is None, self.moves is not None, self.file is not None]
        if sum(given) != 1 or (self.moves is not None and self.plies is not None):
            raise ValueError("expected one of these: plies: 4, moves: [...], file: openings.pgn")
        if self.moves is not None and not self.moves:
            raise ValueError("expected at least one line of moves")
        return self


class SprtConfig(_Section):
    """The sequential test of two players, which ends their games as soon as they tell."""

    elo0: float = 0.0
    """the difference that is to be rejected"""
    elo1: float = 50.0
    """the greater one that is to be accepted"""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """how often elo1 is accepted although elo0 is true"""
    beta: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """how often elo0 is accepted although elo1 is true"""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.elo0 >= self.elo1:
            raise ValueError(f"expected elo0 below elo1, not {self.elo0:g} and {self.elo1:g}")
        return self

    def test(self) -> Sprt:
        """Returns the test."""
        return Sprt(self.elo0, self.elo1, self.alpha, self.beta)


class ResignConfig(_Section):
    """When a game is lost by its player's own word: an engine's `score`, a search's expected result."""

    score: PositiveFloat = 600.0
    """centipawns that the player is behind"""
    moves: PositiveInt = 3
    """of the player, on end"""
    both: bool = False
    """the other has to say so, too"""


class DrawConfig(_Section):
    """When a game is drawn by both players' words."""

    score: Annotated[float, Field(ge=0)] = 10.0
    """centipawns from even, at most"""
    moves: PositiveInt = 8
    """of each, on end"""
    after: Annotated[int, Field(ge=0)] = 40
    """moves of each before any game is drawn so"""


class TournamentConfig(_Section):
    """Everything that determines a tournament."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
    """the results are in runs/tournaments/NAME"""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """of openings and games; of the first scenario where players do not meet in games"""
    env: Annotated[str, AfterValidator(bare_id)]
    """an environment id: a board game, or a world in which players meet on the same scenarios"""
    kwargs: dict[str, Any] = {}
    """arguments of the game or the environment, such as size"""
    players: Annotated[list[str | NamedPlayer], Field(min_length=2)]
    """each a string, or {name: ..., player: ...}"""
    threads: PositiveInt | Literal["auto"] | None = "auto"
    """CPU threads of networks, searches and environments; auto (or null): all cores it may use"""

    format: Literal["round_robin", "gauntlet", "swiss"] = "round_robin"
    """who meets whom"""
    games: PositiveInt = 100
    """that two players play when they meet; half of them with each moving first"""
    challengers: PositiveInt = 1
    """how many of the players, from the first, run the gauntlet"""
    rounds: PositiveInt | None = None
    """of a Swiss tournament"""
    openings: Openings = Openings(plies=2)
    """what games begin with"""
    move_seconds: PositiveFloat | None = None
    """an engine that thinks longer about a move loses"""
    max_plies: PositiveInt | None = None
    """a longer game is a draw"""
    resign: ResignConfig | None = None
    """which games are lost before their end"""
    draw: DrawConfig | None = None
    """which games are drawn before their end"""
    sprt: SprtConfig | None = None
    """for two players: when to stop"""
    batch: PositiveInt = 64
    """games in one pool, and between two looks at the sequential test; searches need memory for each"""

    episodes: PositiveInt = 500
    """that each player plays, where the world is no board game"""

    @property
    def adjudication(self) -> Adjudication:
        """Which games are decided by what both players think of them."""
        resign, draw = self.resign, self.draw
        return Adjudication(
            None if resign is None else ResignRule(resign.score, resign.moves, resign.both),
            None if draw is None else DrawRule(draw.score, draw.moves, draw.after),
        )

    @property
    def is_board_game(self) -> bool:
        """Whether players meet in games, or on scenarios."""
        return board_game_name(self.env) is not None

    def entrants(self) -> list[tuple[str | None, str]]:
        """Returns each player's own name, if it was given one, and its string."""
        return [
            (entry.name, entry.player) if isinstance(entry, NamedPlayer) else (None, entry)
            for entry in self.players
        ]


ONLY_GAMES = (
    *("format", "games", "challengers", "rounds", "openings", "move_seconds", "max_plies"),
    *("resign", "draw", "sprt", "batch"),
)


def load_tournament(path: Path) -> TournamentConfig:
    """Returns the configuration in the file `path`; raises UserError that names the first fault."""
    config = load_kept(path)
    _check(config, str(path))
    return config


def load_kept(path: Path) -> TournamentConfig:
    """Returns a configuration with all its defaults, as `to_text` wrote it; raises UserError."""
    data = read_yaml(path)
    try:
        return TournamentConfig.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        raise UserError(_explain(error, str(path))) from None


def to_text(config: TournamentConfig) -> str:
    """Returns the whole configuration as YAML."""
    return dump_yaml(config.model_dump(mode="json"))


def _check(config: TournamentConfig, source: str) -> None:
    """Raises UserError for what no single key is wrong in."""
    given = config.model_fields_set
    if not config.is_board_game:
        if ":" not in config.env and config.env not in gymnasium.registry:
            near = did_you_mean(config.env, gymnasium.registry)
            raise UserError(
                f"{source}: env = {config.env!r} is no registered environment{near}; name one that is"
            )
        for key in ONLY_GAMES:
            if key in given:
                raise UserError(
                    f"{source}: {key} is for board games, and {config.env} is none: players meet there on "
                    "the same scenarios; leave it out, and give episodes: 500, say"
                )
        return
    if "episodes" in given:
        raise UserError(f"{source}: episodes is for other worlds; {config.env} is played in games: 100, say")
    for key in ("games", "batch"):
        count = getattr(config, key)
        if count % 2:
            raise UserError(
                f"{source}: {key} = {count} is odd, but every opening is played twice, colours swapped; "
                f"give {count + 1}"
            )
    _check_format(config, source)


def _check_format(config: TournamentConfig, source: str) -> None:
    players, rounds = len(config.players), config.rounds
    most = most_swiss_rounds(players)
    belongs = {"rounds": "swiss", "challengers": "gauntlet"}
    for key, form in belongs.items():
        if config.format != form and key in config.model_fields_set and getattr(config, key) is not None:
            raise UserError(f"{source}: {key} is for format: {form}; leave it out, or change the format")
    if config.format == "swiss" and rounds is None:
        raise UserError(f"{source}: a Swiss tournament needs rounds; give rounds: {most}, say")
    if rounds is not None and rounds > most:
        raise UserError(
            f"{source}: rounds = {rounds}, but among {players} players nobody is sure to meet a new opponent "
            f"for more than {most}; give fewer, or format: round_robin"
        )
    if config.format == "gauntlet" and config.challengers >= players:
        raise UserError(
            f"{source}: challengers = {config.challengers} of {players} players leave nobody to meet; "
            "give fewer"
        )
    if config.sprt is not None and players != 2:
        raise UserError(
            f"{source}: sprt tests two players, and there are {players}; leave it out, or name two"
        )


def _explain(error: ValidationError, source: str) -> str:
    details = error.errors()
    unknown = [detail for detail in details if detail["type"] == "extra_forbidden"]
    detail = (unknown or details)[0]
    # A union puts its members' names into the path: players.0.NamedPlayer.name.
    parts = [str(part) for part in detail["loc"] if part not in ("NamedPlayer", "str")]
    key = ".".join(parts)
    if unknown:
        near = did_you_mean(parts[-1], _keys_beside(parts))
        return f"{source}: {key} is not a known key{near}; there are: {', '.join(_keys_beside(parts))}"
    if detail["type"] == "missing":
        return f"{source}: {key} is missing; add it"
    if parts[:1] == ["players"] and len(parts) == 2:
        return (
            f"{source}: {key} = {json.dumps(detail['input'])[:60]}: expected a string such as mcts:100, or "
            "{name: ..., player: ...}"
        )
    expected = detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected", 1)
    expected = expected.replace("String should", "expected text to", 1)
    value = json.dumps(detail["input"])[:60]
    hint = ""
    if detail["type"] == "literal_error":
        hint = did_you_mean(str(detail["input"]), re.findall(r"'(\w+)'", expected))
    return f"{source}: {key} = {value}: {expected}{hint}; change it there"


def _keys_beside(parts: Sequence[str]) -> list[str]:
    sections = {
        "openings": Openings,
        "resign": ResignConfig,
        "draw": DrawConfig,
        "sprt": SprtConfig,
        "players": NamedPlayer,
    }
    section = sections.get(parts[0], TournamentConfig) if len(parts) > 1 else TournamentConfig
    return list(section.model_fields)
