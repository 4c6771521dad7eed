"""A run in TensorBoard: scalars, charts that belong together, hyper-parameters, the config, and films.

It is one more output of Stable-Baselines3's logger, so whatever an agent records appears under its name.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.logger import KVWriter
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard.summary import hparams
from torch.utils.tensorboard.writer import SummaryWriter

from agents.common.film import encode_gif
from agents.common.statistics import Interval

# The evaluation whose mean is charted with its interval, and that hyper-parameters are compared by.
HEADLINE = "evaluation/return"


class TensorBoardWriter(KVWriter):
    """Writes events into a run directory.

    Args:
        run_dir: where the event files go.
        purge_step: events of this step and later are withdrawn: they are about to be written again, by a run
            that resumes from an earlier checkpoint.
    """

    def __init__(self, run_dir: Path, purge_step: int | None = None) -> None:
        self._writer = SummaryWriter(str(run_dir), purge_step=purge_step, flush_secs=5)

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Writes what the logger dumps: numbers; anything else has no place in a chart."""
        for name, value in key_values.items():
            excluded = key_excluded.get(name) or ()
            if "tensorboard" not in excluded and isinstance(value, int | float | np.number):
                self._writer.add_scalar(name, value, step)

    def write_header(self, config: Mapping[str, Any], config_text: str) -> None:
        """Writes, once a run: the config as text and as hyper-parameters, and the layout of the charts.

        config: flat, dotted key to value.
        """
        self._writer.add_text("config", "```yaml\n" + config_text + "```")
        values = {key: v if isinstance(v, bool | int | float | str) else str(v) for key, v in config.items()}
        for summary in hparams(values, {HEADLINE: 0.0}):  # the same directory: one run, not one more
            self._writer.file_writer.add_summary(summary)
        self._writer.add_custom_scalars(_LAYOUT)

    def write_film(self, name: str, frames: Sequence[np.ndarray], fps: float, step: int) -> None:
        """Writes `frames`, each (H, W, 3) uint8, as an animated picture."""
        height, width, _ = frames[0].shape
        image = Summary.Image(
            height=height, width=width, colorspace=3, encoded_image_string=encode_gif(frames, fps)
        )
        summary = Summary(value=[Summary.Value(tag=name, image=image)])
        self._writer.file_writer.add_summary(summary, step)

    def flush(self) -> None:
        """Puts everything written so far into the file."""
        self._writer.flush()

    def close(self) -> None:
        """Flushes, and closes the file."""
        self._writer.close()


def evaluation_scalars(
    summary: Mapping[str, Interval], baselines: Mapping[str, Mapping[str, Interval]]
) -> dict[str, float]:
    """Returns the scalars of one evaluation by TensorBoard name.

    `evaluation/M` is the mean of measure M, `evaluation_interval/M_low` and `_high` the ends of its interval.
    `baselines/B/M` is the mean of baseline B: the same number each time, so that its line runs beside.
    """
    scalars: dict[str, float] = {}
    for name, value in _measures(summary).items():
        scalars[f"evaluation/{name}"] = value.estimate
        scalars[f"evaluation_interval/{name}_low"] = value.low
        scalars[f"evaluation_interval/{name}_high"] = value.high
    for baseline, its_summary in baselines.items():
        scalars |= {f"baselines/{baseline}/{name}": v.estimate for name, v in _measures(its_summary).items()}
    return scalars


def _measures(summary: Mapping[str, Interval]) -> dict[str, Interval]:
    return {name: value for name, value in summary.items() if not name.startswith("reward/")}


# Tags of "Multiline" are regular expressions, those of "Margin" are names: value, lower end, upper end.
_LAYOUT = {
    "Evaluation": {
        "return, 95 % interval": [
            "Margin",
            [HEADLINE, "evaluation_interval/return_low", "evaluation_interval/return_high"],
        ],
        "return beside baselines": ["Multiline", ["^evaluation/return$", "^baselines/.*/return$"]],
    },
    "Training": {
        "return": ["Multiline", ["^rollout/ep_rew_mean$"]],
        "reward terms": ["Multiline", ["^reward/.*"]],
        "losses": ["Multiline", ["^train/.*loss$"]],
        "share of the time": ["Multiline", ["^time/fraction_.*"]],
    },
}
