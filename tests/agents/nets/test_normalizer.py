import numpy as np
import torch
from gymnasium import spaces

from quadrivium.agents.nets import NetConfig, RunningNormalizer, make_backbone, stem


def random(*shape, scale=1.0, shift=0.0, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, scale, shape).astype(np.float32))


def test_updates_in_pieces_equal_the_statistics_of_everything():
    data = random(1000, 3, scale=5.0, shift=2.0)
    normalizer = RunningNormalizer(3)
    for piece in (data[:1], data[1:50], data[50:51], data[51:]):
        normalizer.update(piece)
    assert normalizer.count == 1000
    np.testing.assert_allclose(normalizer.mean.numpy(), data.numpy().mean(0), rtol=1e-5)
    np.testing.assert_allclose(normalizer.var.numpy(), data.numpy().var(0), rtol=1e-5)


def test_output_has_zero_mean_and_unit_variance_by_feature():
    data = random(500, 7, 2) * torch.tensor([0.01, 300.0]) + torch.tensor([5.0, -40.0])
    normalizer = RunningNormalizer(2)
    normalizer.update(data)
    out = normalizer(data).flatten(0, 1)
    np.testing.assert_allclose(out.mean(0).numpy(), 0.0, atol=1e-3)
    np.testing.assert_allclose(out.std(0).numpy(), 1.0, atol=1e-2)


def test_a_grid_is_standardised_by_channel():
    grid = random(8, 2, 5, 4)
    grid[:, 1] = grid[:, 1] * 10 + 3
    normalizer = RunningNormalizer(2, trailing=2)
    normalizer.update(grid)
    expected = [grid[:, 0].numpy().mean(), grid[:, 1].numpy().mean()]
    np.testing.assert_allclose(normalizer.mean.numpy(), expected, rtol=1e-4, atol=1e-6)
    assert normalizer(grid).shape == grid.shape
    np.testing.assert_allclose(normalizer(grid)[:, 1].std().item(), 1.0, atol=1e-2)


def test_absent_rows_do_not_count():
    tokens = random(6, 4, 3)
    mask = torch.zeros(6, 4, dtype=torch.bool)
    mask[:, :2] = True
    normalizer = RunningNormalizer(3)
    normalizer.update(tokens, mask)
    assert normalizer.count == 12
    np.testing.assert_allclose(
        normalizer.mean.numpy(), tokens[:, :2].reshape(-1, 3).numpy().mean(0), rtol=1e-5
    )


def test_a_batch_without_any_row_changes_nothing():
    normalizer = RunningNormalizer(3)
    normalizer.update(random(5, 3))
    before = {name: value.clone() for name, value in normalizer.state_dict().items()}
    normalizer.update(random(5, 3), torch.zeros(5, dtype=torch.bool))
    assert all(torch.equal(before[name], value) for name, value in normalizer.state_dict().items())


def test_it_is_the_identity_before_the_first_update_and_a_forward_never_changes_it():
    normalizer = RunningNormalizer(3)
    data = random(10, 3)
    torch.testing.assert_close(normalizer(data), data, atol=1e-5, rtol=1e-5)
    assert normalizer.count == 0


def test_a_constant_feature_maps_to_zero_and_its_first_change_is_clipped():
    normalizer = RunningNormalizer(1)
    normalizer.update(torch.full((10, 1), 7.0))
    assert normalizer(torch.tensor([[7.0]])).item() == 0.0
    assert normalizer(torch.tensor([[8.0]])).item() == 10.0


def test_the_kept_feature_passes_unchanged():
    normalizer = RunningNormalizer(2, keep=0)
    normalizer.update(torch.tensor([[1.0, 5.0], [1.0, 7.0]]))
    torch.testing.assert_close(
        normalizer(torch.tensor([[1.0, 6.0]])), torch.tensor([[1.0, 0.0]]), atol=1e-5, rtol=0
    )


def test_large_numbers_with_a_small_spread_lose_no_digits():
    data = np.random.default_rng(0).normal(50_000.0, 1.0, (4096, 1)).astype(np.float32)
    normalizer = RunningNormalizer(1)
    for piece in torch.from_numpy(data).split(256):
        normalizer.update(piece)
    exact = data.astype(np.float64)
    np.testing.assert_allclose(normalizer.mean.numpy(), exact.mean(0), atol=0.01)  # float32 steps by 0.004
    np.testing.assert_allclose(normalizer.var.numpy(), exact.var(0), rtol=1e-3)


def test_a_constant_feature_stays_exactly_its_value():
    normalizer = RunningNormalizer(1)
    constant = torch.full((1000, 1), 3333.3333)
    for piece in constant.split(77):
        normalizer.update(piece)
    assert normalizer.mean.item() == constant[0].item()
    assert normalizer.var.item() == 0.0


def test_rows_are_counted_beyond_what_float32_can_count():
    normalizer = RunningNormalizer(1)
    normalizer.count.fill_(2**24)
    normalizer.update(torch.zeros(1, 1))
    assert normalizer.count.item() == 2**24 + 1


def test_what_absent_rows_hold_changes_no_bit():
    tokens, mask = random(6, 4, 3), torch.tensor([False, True, True, False]).expand(6, 4)
    results = []
    for filler in (0.0, 1e30, float("nan")):
        normalizer = RunningNormalizer(3)
        for piece in (tokens[:2], tokens[2:]):
            normalizer.update(torch.where(mask[: len(piece), :, None], piece, filler), mask[: len(piece)])
        results.append(normalizer.state_dict())
    for other in results[1:]:
        assert all(torch.equal(results[0][name], value) for name, value in other.items())


def test_no_row_at_all_before_any_other_changes_nothing():
    normalizer = RunningNormalizer(2)
    normalizer.update(random(5, 2), torch.zeros(5, dtype=torch.bool))
    assert (normalizer.count.item(), normalizer.mean.tolist(), normalizer.var.tolist()) == (0, [0, 0], [1, 1])


def test_statistics_of_many_observations_are_taken_in_pieces(monkeypatch):
    space = spaces.Box(0, 255, (2, 3, 4), np.uint8)
    obs = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (50, 2, 3, 4), np.uint8))
    pieces = []
    update = RunningNormalizer.update
    monkeypatch.setattr(stem, "_STATISTICS_NUMBERS", 7 * 24)
    monkeypatch.setattr(
        RunningNormalizer, "update", lambda self, x, mask: pieces.append(len(x)) or update(self, x, mask)
    )
    backbone = make_backbone(space, NetConfig(width=8))
    backbone.update_statistics(obs)
    assert pieces == [7] * 7 + [1]
    (part,) = backbone.stem.parts.values()
    exact = obs.double().div(255).movedim(1, -1).flatten(0, -2)
    torch.testing.assert_close(part.normalizer.mean, exact.mean(0).float(), rtol=1e-5, atol=0)
    torch.testing.assert_close(part.normalizer.var, exact.var(0, correction=0).float(), rtol=1e-5, atol=0)


def test_a_count_of_an_older_checkpoint_is_read():
    normalizer = RunningNormalizer(2)
    normalizer.load_state_dict(
        {"count": torch.tensor(7.0, dtype=torch.float64), "mean": torch.ones(2), "var": torch.ones(2)}
    )
    assert normalizer.count.item() == 7
    assert normalizer.count.dtype == torch.int64
