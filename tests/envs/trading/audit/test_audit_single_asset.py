"""Our worlds over bars under the audit, through their adapter."""

import gymnasium
import numpy as np

import quadrivium  # noqa: F401 (registers the id)
from quadrivium.envs.trading.audit.adapters import BarsAdapter
from quadrivium.envs.trading.audit.auditor import CHECKS, audit


def make_env():
    return gymnasium.make("quadrivium/SingleAsset-v0", scenarios=4, episode_bars=60, observation="vector")


def test_the_world_of_one_asset_passes_every_check():
    report = audit(make_env, episodes=5)
    assert len(report.findings) == len(CHECKS)
    assert {finding.verdict for finding in report.findings} == {"pass"}, str(report)


def test_the_world_of_several_assets_passes_every_check():
    report = audit(
        lambda: gymnasium.make("quadrivium/Portfolio-v0", scenarios=4, episode_bars=60), episodes=5
    )
    assert not report.faults, str(report)
    unseen = {finding.check for finding in report.findings if finding.verdict != "pass"}
    assert unseen <= {"financing", "ruin"}, str(report)  # long without leverage, it neither borrows nor owes


def test_the_adapter_changes_bars_after_the_one_that_is_shown_and_no_other():
    env = make_env().unwrapped
    env.reset(seed=3)
    first = int(env._lanes.states[0]["start"]) + 5 + 1
    changed = BarsAdapter().perturb(env, 5, lambda prices, last: np.full_like(prices, last))
    before, after = env.setup.params, changed.setup.params
    assert (after.bars[:, :first] == before.bars[:, :first]).all()
    assert (after.bars[:, first:, [0, 3]] == before.bars[:, first - 1, 3][:, None, None]).all()
    columns = first * before.columns
    assert (after.features[:, :columns] == before.features[:, :columns]).all()
    assert (after.features[:, columns:] != before.features[:, columns:]).any()
