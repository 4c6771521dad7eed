"""A small tournament's config, and what the tests of the command ask of its outcome."""

import json

SMALL = """
name: small
env: quadrivium/ConnectFour-v0
players: [random, "baseline:tactical", {name: searcher, player: "mcts:200"}]
games: 20
openings: {plies: 2}
"""


def write(directory, text=SMALL, **changes):
    for old, new in changes.items():
        text = "\n".join(new if line.startswith(f"{old}:") else line for line in text.splitlines())
    path = directory / "config.yaml"
    path.write_text(text)
    return path


def refused(capsys, code):
    assert code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


def read(directory, name="small"):
    return json.loads((directory / "runs" / "tournaments" / name / "results.json").read_text())
