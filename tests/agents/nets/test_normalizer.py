import numpy as np
import torch

from quadrivium.agents.nets import RunningNormalizer


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
