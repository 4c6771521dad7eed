"""What is typed is what is meant: texts stay texts, remedies are told as they are typed, published "
"files are found."""

import contextlib

import pytest

from quadrivium.agents.errors import UserError
from quadrivium.commands.command_line import QUICKSTART
from quadrivium.commands.remedies import remedies_of, typed_remedies
from quadrivium.configs.schema import load_config, read_arguments

PORTFOLIO = "quadrivium/Portfolio-v0"
CONFIG = QUICKSTART.parent / "trading" / "portfolio_ppo.yaml"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("load.time-format", "%d.%m.%Y", "%d.%m.%Y"),
        ("load.time-format", "'%H: %M'", "%H: %M"),
        ("load.decimal", ",", ","),
        ("load.adjust", "none", "none"),
        ("load.adjust", "null", None),
        ("load.volume", "1e6", 1_000_000),
        ("load.sort", "true", True),
        ("load.columns.time", "0", "0"),
        ("load.columns", "{time: 1, close: 4}", {"time": "1", "close": "4"}),
        ("load.names", "[time, open, 5]", ["time", "open", "5"]),
        ("load.start", "2024", "2024"),
        ("symbols", "[600519, 000001, NO, ON, 1e5]", ["600519", "000001", "NO", "ON", "1e5"]),
        ("features", "[log_return, 10]", ["log_return", "10"]),
        ("market", "2024.csv", "2024.csv"),
        ("market", "[a.csv, 7]", ["a.csv", "7"]),
        ("window", "4", 4),
        ("participation", "null", None),
    ],
)
def test_arguments_are_texts_where_the_world_expects_texts(name, text, value):
    config = load_config_with(
        {f"env.kwargs.{name.replace('-', '_')}": text, "env.kwargs.market": "x.csv"}
        | ({"env.kwargs.market": text} if name == "market" else {})
    )
    found = config.env.kwargs
    for part in name.replace("-", "_").split("."):
        found = found[part]
    assert found == value
    assert type(found) is type(value)
    typed = read_arguments(PORTFOLIO, {name: text}, "--env-kwargs")
    for part in name.replace("-", "_").split("."):
        typed = typed[part]
    assert typed == value


def load_config_with(overrides):
    try:
        return load_config(CONFIG, overrides)
    except UserError as error:  # a window of a symbol that is no file is asked later
        raise AssertionError(error) from error


def test_a_published_file_is_found_from_any_folder(tmp_path):
    with contextlib.chdir(tmp_path):
        config = load_config(CONFIG, {"env.kwargs.market": "configs/trading/example.csv"})
        assert config.env.kwargs["market"] == str(QUICKSTART.parent / "trading" / "example.csv")
        (tmp_path / "configs" / "trading").mkdir(parents=True)
        (tmp_path / "configs" / "trading" / "example.csv").write_text("mine")
        config = load_config(CONFIG, {"env.kwargs.market": "configs/trading/example.csv"})
        assert config.env.kwargs["market"] == "configs/trading/example.csv"


@pytest.mark.parametrize(
    ("message", "options"),
    [
        (
            "x.csv:1: there is a column 'Adj Close'; say adjust='adj_close' to adjust prices by it, "
            "or adjust='none'",
            ["--env.kwargs.load.adjust adj_close", "--env.kwargs.load.adjust none"],
        ),
        ("x.csv:3: what? ; say time_format='%d/%m/%Y' or", ["--env.kwargs.load.time-format %d/%m/%Y"]),
        ("x.csv: adjust='split' fails; sort it, or load it with sort=True", ["--env.kwargs.load.sort true"]),
        ("x: is it? ; say columns={'symbol': 'tic'}", ["--env.kwargs.load.columns.symbol tic"]),
        ("x: no column; name it with columns={'time': ...}", ["--env.kwargs.load.columns.time NAME"]),
        ("volume; give volume=1e6, the units", ["--env.kwargs.load.volume 1e6"]),
        ("volume; give participation=None, or", ["--env.kwargs.participation null"]),
        ("unit; say price_unit=1e-09 (or", ["--env.kwargs.load.price-unit 1e-09"]),
        ("comma; say decimal=',' where", ['--env.kwargs.load.decimal ","']),
        ("nothing=5; of=3 is proposed", []),
    ],
)
def test_remedies_are_told_as_they_are_typed(message, options):
    assert remedies_of(PORTFOLIO, message) == options
    assert remedies_of("CartPole-v1", message) == []


def test_an_error_without_remedies_stays_as_it_is():
    with pytest.raises(UserError, match=r"^x; use less$"), typed_remedies(PORTFOLIO):
        raise UserError("x; use less")
    told = pytest.raises(UserError, match=r"\(on the command line: --env-kwargs window=3\)$")
    with told, typed_remedies(PORTFOLIO, "--env-kwargs {}={}"):
        raise UserError("x; use window=3")
