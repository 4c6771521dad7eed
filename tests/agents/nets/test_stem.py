"""What the stem makes of the spaces of foreign environments."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from quadrivium.agents.nets.config import NetConfig
from quadrivium.agents.nets.stem import Stem

RAW = NetConfig(trunk="cnn", normalize_inputs=False)


def picture(*shape, dtype=np.uint8):
    high = 255 if dtype == np.uint8 else 1
    return spaces.Box(0, high, shape, dtype)


@pytest.mark.parametrize(
    ("space", "shape"),
    [
        (picture(210, 160, 3), (3, 210, 160)),  # ALE
        (picture(7, 9, 3), (3, 7, 9)),  # MiniGrid
        (picture(84, 84, 12), (12, 84, 84)),  # stacked along the last axis
        (picture(96, 96, 1), (1, 96, 96)),
        (picture(64, 48, 3, dtype=np.float32), (3, 64, 48)),  # scaled by a wrapper
        (picture(4, 84, 84), (4, 84, 84)),
        (picture(3, 3, 3), (3, 3, 3)),
        (picture(84, 84), (1, 84, 84)),  # grey
        (picture(17, 3, 3, dtype=np.float32), (17, 3, 3)),  # planes of a small board
        (picture(119, 8, 8, dtype=np.float32), (119, 8, 8)),
        (picture(2, 6, 4, dtype=np.float32), (2, 6, 4)),
    ],
    ids=str,
)
def test_channels_lie_where_they_are_few(space, shape):
    (part,) = Stem(space, RAW).specs
    assert (part.kind, part.shape) == ("grid", shape)


def test_a_picture_is_transposed_and_its_bytes_become_shares():
    image = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3), np.uint8)
    (part,) = Stem(picture(6, 5, 3), RAW)(torch.from_numpy(image))
    assert part.values.shape == (2, 3, 6, 5)
    for channel in range(3):
        np.testing.assert_allclose(part.values[1, channel].numpy(), image[1, :, :, channel] / 255, rtol=1e-6)


def test_statistics_are_of_channels_also_where_these_are_last():
    image = np.zeros((4, 6, 5, 3), np.uint8)
    image[..., 2] = 255
    stem = Stem(picture(6, 5, 3), NetConfig(trunk="cnn"))
    stem.update_statistics(torch.from_numpy(image))
    torch.testing.assert_close(stem.parts["observation"].normalizer.mean, torch.tensor([0.0, 0.0, 1.0]))


def test_choices_become_one_hot_and_bits_numbers():
    space = spaces.Dict(
        {
            "bits": spaces.MultiBinary((2, 2)),
            "many": spaces.MultiDiscrete([2, 3], start=[0, 5]),
            "one": spaces.Discrete(3, start=-1),
        }
    )
    obs = {
        "bits": torch.tensor([[[1, 0], [0, 1]]], dtype=torch.int8),
        "many": torch.tensor([[1, 6]]),
        "one": torch.tensor([1]),
    }
    parts = [part.values.tolist() for part in Stem(space, NetConfig())(obs)]
    assert parts == [[[1, 0, 0, 1]], [[0, 1, 0, 1, 0]], [[0, 0, 1]]]


@pytest.mark.parametrize("normalized", [False, True])
def test_one_flat_tensor_is_its_parts_one_after_another(normalized):
    config = NetConfig(normalize_inputs=normalized, token_mask_feature=0)
    cars, robot = spaces.Box(-1, 1, (3, 2), np.float32), spaces.Box(-1, 1, (2,), np.float32)
    grid, mask = spaces.Box(0, 1, (2, 4, 4), np.float32), spaces.Box(0, 1, (5,), np.int8)
    stem = Stem(
        spaces.Dict([("robot", robot), ("grid", grid), ("action_mask", mask), ("cars", cars)]), config
    )
    rows = torch.randn(7, 2 + 32 + 6, generator=torch.Generator().manual_seed(0))
    named = {
        "cars": rows[:, 34:].reshape(7, 3, 2),
        "grid": rows[:, 2:34].reshape(7, 2, 4, 4),
        "robot": rows[:, :2],
    }
    stem.update_statistics(rows)
    for one, other in zip(stem(rows), stem(named), strict=True):
        assert torch.equal(one.values, other.values)
        assert one.mask is other.mask is None or torch.equal(one.mask, other.mask)
    if normalized:
        seen = stem.parts["robot"].normalizer
        torch.testing.assert_close(seen.mean, rows[:, :2].mean(0))
        torch.testing.assert_close(seen.var, rows[:, :2].var(0, correction=0))
