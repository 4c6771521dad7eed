"""`evaluate.py audit` from the outside: findings, exit codes, JSON, refusals."""

import json
import sys

import gymnasium
import pytest

from quadrivium.envs.trading.audit.auditor import CHECKS
from tests.commands.running import run_evaluate

MODULE = """
import gymnasium
import numpy as np

class Walk(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float64)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, sign=1, df=None):
        if sign not in (1, -1):
            raise ValueError(f"sign={sign} must be 1 or -1")
        if df is not None and df["close"].tolist() != [10, 11]:
            raise ValueError("df is not the file's")
        self.sign = sign

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.equity, self.steps = 100.0, 0
        return np.zeros(1), {"equity": self.equity}

    def step(self, action):
        moved = action * float(self.np_random.normal(0.1))
        self.equity += moved
        self.steps += 1
        return np.array([moved]), self.sign * moved, False, self.steps == 20, {"equity": self.equity}

if "audit-test/Walk-v0" not in gymnasium.registry:
    gymnasium.register("audit-test/Walk-v0", entry_point=lambda **kwargs: Walk(**kwargs))
"""
ID = "audit_test_walk:audit-test/Walk-v0"


@pytest.fixture
def directory(tmp_path, monkeypatch):
    (tmp_path / "audit_test_walk.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    gymnasium.registry.pop("audit-test/Walk-v0", None)
    sys.modules.pop("audit_test_walk", None)


def test_a_sound_environment_exits_with_0_and_every_check_is_told(directory, capsys):
    assert run_evaluate(directory, "audit", ID, "--episodes", 3, "--output", "found/audit.json") == 0
    output = capsys.readouterr().out
    assert "0 faults" in output
    told = json.loads((directory / "found" / "audit.json").read_text())
    assert [finding["check"] for finding in told["findings"]] == list(CHECKS)
    assert all(check in output for check in CHECKS)


def test_a_fault_exits_with_1_and_its_evidence(directory, capsys):
    assert run_evaluate(directory, "audit", ID, "--env-kwargs", "sign=-1", "--episodes", 3) == 1
    assert "the reward's sign is not the profit's" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["audit-test/Wolk-v0"], "environment 'audit-test/Wolk-v0' is unknown"),
        (["no_such_module:X-v0"], "module 'no_such_module' does not import"),
        ([ID, "--env-kwargs", "sign=7"], "sign=7 must be 1 or -1"),
        ([ID, "--env-kwargs", "sing=1"], "sing"),
        ([ID, "--env-kwargs", "df=none.csv"], "df=none.csv"),
        ([ID, "--episodes", "0"], "'0' is no positive whole number"),
        ([ID, "--episode", "3"], "did you mean '--episodes'?"),
    ],
)
def test_what_the_user_can_mend_is_one_line(directory, capsys, arguments, told):
    assert run_evaluate(directory, "audit", *arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert told in lines[0]


@pytest.mark.parametrize(("last", "code"), [(11, 0), (12, 2)])
def test_a_data_frame_is_handed_over_from_a_file(directory, last, code):
    (directory / "bars.csv").write_text(f"date,close\n2024-01-01,10\n2024-01-02,{last}\n")
    assert run_evaluate(directory, "audit", ID, "--env-kwargs", "df=bars.csv", "--episodes", 1) == code
