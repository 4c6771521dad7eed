"""`evaluate.py report`: runs over seeds summed up, held against others, and what is refused."""

import json

import pytest

from quadrivium.configs.schema import load_config, to_text
from tests.commands.running import run_evaluate, write_config

WORLD = {"environment": "quadrivium/Highway-v0", "kwargs": {"split": "test"}, "seed": 7}


def write_run(directory, name, seed, returns, *overrides, arrival=0.5, world=WORLD, evaluated=True):
    """Writes a run of this seed whose evaluation found these numbers, beside random and idm."""
    keys = dict(zip(overrides[::2], overrides[1::2], strict=True))
    config = load_config(write_config(directory), {"name": name, "seed": str(seed), **keys})
    run = directory / "runs" / name
    (run / "evaluation").mkdir(parents=True)
    (run / "config.yaml").write_text(to_text(config))
    means = {name: returns, "random": -1.0, "idm": 1.0}
    players = {
        player: {
            "episodes": 10,
            "measures": {"return": {"mean": mean}, "arrival": {"mean": arrival}, "reward/speed": {"mean": 1}},
        }
        for player, mean in means.items()
    }
    told = {"step": 1024, "players": players, "kinds": {"arrival": "rate"}, **world}
    if evaluated:
        (run / "evaluation" / "results.json").write_text(json.dumps(told))
    return f"runs/{name}"


def refused(capsys, code):
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_runs_are_summed_up_by_their_interquartile_mean(tmp_path, capsys):
    runs = [write_run(tmp_path, f"small_seed{k}", k, value) for k, value in enumerate([0.1, 0.3, 0.8])]
    assert run_evaluate(tmp_path, "report", *runs) == 0
    said = capsys.readouterr().out
    assert "10 episodes of quadrivium/Highway-v0 (split=test) from seed 7" in said
    assert "small, 3 seeds" in said
    assert "0.400 [0.100, 0.800]" in said
    assert "50.0 % [50.0, 50.0]" in said
    assert "reward/speed" not in said
    assert "fewer than 5 seeds" in said


def test_groups_are_held_against_one_another_and_written(tmp_path, capsys):
    ours = [write_run(tmp_path, f"ours_{k}", k, value) for k, value in enumerate([1, 2, 3, 4, 5])]
    theirs = [
        write_run(tmp_path, f"theirs_{k}", k, value, "agent.gamma", "0.9")
        for k, value in enumerate([0, 1, 2, 2.5, 2.75])
    ]
    assert run_evaluate(tmp_path, "report", *ours, "--against", *theirs, "--output", "out") == 0
    said = capsys.readouterr().out
    assert "a run of ours has more return than one of theirs with probability 76.0 %" in said
    assert "fewer than 5 seeds" not in said
    told = json.loads((tmp_path / "out/report.json").read_text())
    assert [group["name"] for group in told["groups"]] == ["ours", "theirs"]
    assert told["groups"][0]["interquartile_means"]["return"]["estimate"] == 3.0
    assert told["groups"][0]["runs"][4] == {
        "run": "runs/ours_4",
        "seed": 4,
        "step": 1024,
        "return": 5,
        "arrival": 0.5,
    }
    assert told["improvement"][0]["estimate"] == (1.5 + 2.5 + 5 + 5 + 5) / 25  # pairs, a tie half
    shares = [one["estimate"] for one in told["groups"][0]["profile"]]
    assert (shares[0], shares[-1]) == (1.0, 0.0)
    assert (tmp_path / "out/report.png").read_bytes()[:4] == b"\x89PNG"


def test_runs_of_several_worlds_are_brought_to_one_scale(tmp_path, capsys):
    other = WORLD | {"environment": "quadrivium/Merge-v0"}
    runs = [write_run(tmp_path, f"a{k}", k, value) for k, value in enumerate([0.0, 1.0])]
    changed = ("env.id", "quadrivium/Merge-v0", "env.kwargs", "{}")
    for k, value in enumerate([-1.0, 3.0]):
        runs.append(write_run(tmp_path, f"b{k}", k, value, *changed, world=other))
    assert run_evaluate(tmp_path, "report", *runs, "--output", "out") == 0
    assert "2 worlds (0: random, 1: the best scripted player)" in capsys.readouterr().out
    (group,) = json.loads((tmp_path / "out/report.json").read_text())["groups"]
    assert group["interquartile_means"]["return"]["estimate"] == 0.75  # of 0.5, 1, 0, 2


def test_what_cannot_be_summed_up_is_refused_in_a_line(tmp_path, capsys):
    one = write_run(tmp_path, "one", 0, 0.1)
    again = write_run(tmp_path, "again", 0, 0.1)
    other = write_run(tmp_path, "other", 1, 0.1, "agent.gamma", "0.9")
    later = write_run(tmp_path, "later", 2, 0.1, world=WORLD | {"seed": 8})
    bare = write_run(tmp_path, "bare", 3, 0.1, evaluated=False)
    broken = write_run(tmp_path, "broken", 4, 0.1)
    (tmp_path / broken / "evaluation/results.json").write_text('{"players": []}')

    def line(*arguments):
        return refused(capsys, run_evaluate(tmp_path, "report", *arguments))

    assert "runs/one and runs/again are both of seed 0; give each once" in line(one, again)
    assert (
        "runs/other has agent.gamma 0.9, but runs/one 0.99; a report sums up runs of one config: hold others "
        "against them with --against"
    ) in line(one, other)
    assert "runs/later was evaluated in 10 episodes" in line(one, later)
    assert "later played 10 episodes of" in line(one, "--against", later)
    assert "runs/bare has no evaluation yet; make it: python evaluate.py run runs/bare" in line(one, bare)
    assert "runs/broken/evaluation/results.json is no evaluation of ours" in line(broken)
    assert "runs/none is no run directory" in line("runs/none")
    unknown = line(one, "--measure", "arival")
    assert "--measure arival is none of these runs; did you mean 'arrival'?" in unknown


@pytest.mark.parametrize("name", ["out", "report.json"])
def test_nothing_is_written_unless_asked_for(tmp_path, name):
    run = write_run(tmp_path, "one", 0, 0.1)
    assert run_evaluate(tmp_path, "report", run) == 0
    assert not (tmp_path / name).exists()
