"""The gradient in pieces is autograd's of the whole, for every network and action space."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from quadrivium.agents.compute.crew import Crew
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo.gradients import DividedGradient, Outputs
from quadrivium.agents.ppo.loss import LossSettings, ppo_loss, ppo_slopes
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.agents.ppo.rollout import Batch

SETTINGS = LossSettings(clip_range=0.2, clip_range_vf=0.5, ent_coef=0.01, vf_coef=0.5)
ROWS = 24
VECTOR, TOKENS = spaces.Box(-1, 1, (5,), np.float32), spaces.Box(-1, 1, (4, 3), np.float32)
MASKED = spaces.Dict({"observation": VECTOR, "action_mask": spaces.MultiBinary(3)})
NETS = {
    "tanh": NetConfig(width=8),
    "relu": NetConfig(width=8, activation="relu"),
    "normalised": NetConfig(width=8, normalize_layers=True),
    "deep": NetConfig(width=8, depth=3),
    "transformer": NetConfig("transformer", width=8, depth=1),
}


def make_policy(net, space, actions, separate):
    torch.manual_seed(0)
    policy = ActorCritic(space, actions, net, separate_critic=separate)
    policy.gradient_rows = 10  # 24 rows in blocks of 8
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return policy


def make_batch(policy):
    obs = policy.observation_space
    x = torch.randn(ROWS, *(obs["observation"] if isinstance(obs, spaces.Dict) else obs).shape)
    if isinstance(obs, spaces.Dict):
        mask = torch.rand(ROWS, 3) < 0.6
        mask[:, 0] = True
        x = {"observation": x, "action_mask": mask}
    with torch.no_grad():
        actions, values, log_probs = policy(x)
    log_probs, values = log_probs + 0.3 * torch.randn(ROWS), values.flatten() + torch.randn(ROWS)
    return Batch(x, actions, log_probs, values, *torch.randn(2, ROWS).unbind())


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("separate", [True, False])
@pytest.mark.parametrize(
    ("space", "actions"),
    [
        (TOKENS, spaces.Discrete(3)),
        (TOKENS, spaces.Box(-1, 1, (2,), np.float32)),
        (VECTOR, spaces.MultiDiscrete([3, 2])),
        (MASKED, spaces.Discrete(3)),
    ],
    ids=["discrete", "box", "multi", "masked"],
)
def test_it_is_autograds_of_the_loss(net, separate, space, actions):
    if net == "transformer" and space is not TOKENS:
        pytest.skip("a transformer reads tokens")
    policy = make_policy(NETS[net], space, actions, separate)
    batch = make_batch(policy)
    values, log_probs, entropy = policy.evaluate_actions(batch.obs, batch.actions)
    outputs = Outputs(values.flatten(), log_probs, entropy)
    loss = ppo_loss(outputs, batch, SETTINGS).loss
    expected = torch.autograd.grad(loss, list(policy.parameters()), materialize_grads=True)
    divided = DividedGradient(policy, torch.enable_grad)
    found, gradients = divided(Crew(1), batch, ppo_slopes(SETTINGS, ROWS))
    for ours, theirs in zip([*found, *gradients], [*outputs, *expected], strict=True):
        torch.testing.assert_close(ours, theirs.detach(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("net", ["tanh", "transformer"])
def test_threads_do_not_change_a_bit(net):
    policy = make_policy(NETS[net], TOKENS, spaces.Discrete(3), separate=True)
    batch, divided = make_batch(policy), DividedGradient(policy, torch.enable_grad)
    with Crew(1) as alone:
        expected = divided(alone, batch, ppo_slopes(SETTINGS, ROWS))[1]
    with Crew(3) as crew:
        for _ in range(20):
            for ours, theirs in zip(
                divided(crew, batch, ppo_slopes(SETTINGS, ROWS))[1], expected, strict=True
            ):
                assert torch.equal(ours, theirs)


@pytest.mark.parametrize("space", [TOKENS, MASKED], ids=["tokens", "masked"])
def test_standardising_an_epoch_at_once_does_not_change_a_bit(space):
    policy = make_policy(NetConfig(width=8, token_mask_feature=0), space, spaces.Discrete(3), separate=True)
    batch, divided = make_batch(policy), DividedGradient(policy, torch.enable_grad)
    policy.update_statistics(batch.obs)
    assert divided.stem is not None
    at_once = batch._replace(parts=divided.stem(batch.obs))
    found = [divided(Crew(1), one, ppo_slopes(SETTINGS, ROWS)) for one in (batch, at_once)]
    for (outputs, gradients), (others, other_gradients) in [found]:
        for ours, theirs in zip([*outputs, *gradients], [*others, *other_gradients], strict=True):
            assert torch.equal(ours, theirs)


def test_a_shared_trunk_and_pictures_in_bytes_are_standardised_piece_by_piece():
    shared = make_policy(NETS["tanh"], TOKENS, spaces.Discrete(3), separate=False)
    assert DividedGradient(shared, torch.enable_grad).stem is None
    picture = spaces.Box(0, 255, (4, 4, 3), np.uint8)
    policy = ActorCritic(
        picture, spaces.Discrete(3), NetConfig("cnn", width=8, depth=1), separate_critic=True
    )
    assert DividedGradient(policy, torch.enable_grad).stem is None
