"""What an update needs of memory, and that its log still is about all of it."""

from dataclasses import replace

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.ppo.loss import LossSettings, Outputs, UpdateLog, ppo_loss
from quadrivium.agents.ppo.rollout import Batch
from tests.agents.toys import LineWalk

CONFIG = PPOConfig(n_steps=64, batch_size=256, n_epochs=1, net=NetConfig(width=16))


def peak_bytes(agent):
    """Returns the bytes of all tensors that lived at once during an update, beyond those before it."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        agent.update(end=10**9)
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    now = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


@pytest.mark.parametrize("normalize", [False, True])
def test_an_update_of_ten_epochs_needs_no_more_memory_than_one_of_a_single_epoch(normalize):
    peaks = []
    for epochs in (1, 10):
        net = NetConfig(width=16, normalize_inputs=normalize)
        agent = PPO(replace(CONFIG, n_epochs=epochs, net=net), LineWalk(64), seed=0, device="cpu")
        agent.learn(64 * 64)
        peaks.append(peak_bytes(agent))
    assert peaks[0] > agent.rollout_buffer.obs.nbytes  # the epoch's own order of it
    assert peaks[1] <= 1.1 * peaks[0]


def test_the_logged_losses_are_means_over_the_transitions_of_all_epochs():
    """An epoch of 4 and 2 rows and one that stopped after 3: the means over all 9."""
    settings = LossSettings(clip_range=0.2, clip_range_vf=0.3, ent_coef=0.1, vf_coef=0.5)
    draw = torch.Generator().manual_seed(0)

    def minibatch(rows):
        numbers = torch.randn(8, rows, generator=draw)
        return Batch(numbers[0], *numbers[0:5]), Outputs(*numbers[5:8])

    log, seen = UpdateLog(settings), []
    for epoch in ((4, 2), (3,)):
        for rows in epoch:
            seen.append(minibatch(rows))
            log.add(*seen[-1])
        log.end_epoch()
    log.add_norm(torch.tensor(1.0))
    log.add_norm(torch.tensor(4.0))
    batches, outputs = zip(*seen, strict=True)
    columns = zip(*((batch.obs, *batch.numbers) for batch in batches), strict=True)
    joined = Batch(*(torch.cat(column) for column in columns))
    said = Outputs(*(torch.cat(column) for column in zip(*outputs, strict=True)))
    expected = {name: value.item() for name, value in ppo_loss(said, joined, settings)._asdict().items()}
    assert log.means() == pytest.approx({**expected, "gradient_norm": 2.5}, rel=1e-5)
