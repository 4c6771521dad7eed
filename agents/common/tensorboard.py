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
        self._charts_are_laid_out = False

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Writes what the logger dumps: numbers; anything else has no place in a chart."""
        if not self._charts_are_laid_out and HEADLINE in key_values:
            self._writer.add_custom_scalars(_layout(key_values))
            self._charts_are_laid_out = True
        for name, value in key_values.items():
            excluded = key_excluded.get(name) or ()
            if "tensorboard" not in excluded and isinstance(value, int | float | np.number):
                self._writer.add_scalar(name, value, step)

    def write_header(self, config: Mapping[str, Any], config_text: str) -> None:
        """Writes, once a run, the config as text and as hyper-parameters.

        config: flat, dotted key to value.
        """
        self._writer.add_text("config", "```yaml\n" + config_text + "```")
        chosen = {key: value for key, value in config.items() if key.startswith(_HYPER_PARAMETERS)}
        values = {key: v if isinstance(v, bool | int | float | str) else str(v) for key, v in chosen.items()}
        for summary in hparams(values, {HEADLINE: 0.0}):  # the same directory: one run, not one more
            self._writer.file_writer.add_summary(summary)

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

    `evaluation/M` is the mean of measure M, `uncertainty/M_low` and `_high` the ends of its interval, and
    `versus/B/M` the mean of baseline B: the same number each time, so that its line runs beside. (TensorBoard
    sorts groups by name; the last two are there for the charts of CUSTOM SCALARS.)
    """
    scalars: dict[str, float] = {}
    for name, value in _measures(summary).items():
        scalars[f"evaluation/{name}"] = value.estimate
        scalars[f"uncertainty/{name}_low"] = value.low
        scalars[f"uncertainty/{name}_high"] = value.high
    for baseline, its_summary in baselines.items():
        scalars |= {f"versus/{baseline}/{name}": v.estimate for name, v in _measures(its_summary).items()}
    return scalars


def _measures(summary: Mapping[str, Interval]) -> dict[str, Interval]:
    return {name: value for name, value in summary.items() if not name.startswith("reward/")}


_HYPER_PARAMETERS = ("agent.", "env.", "seed", "total_timesteps")


def _layout(scalars: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """Returns the charts of CUSTOM SCALARS, given the scalars of an evaluation."""
    measures = [name.removeprefix("evaluation/") for name in scalars if name.startswith("evaluation/")]
    # Tags of "Margin" are names: value, lower end, upper end. Those of "Multiline" are regular expressions.
    return {
        "Evaluation: mean and 95 % interval": {
            m: ["Margin", [f"evaluation/{m}", f"uncertainty/{m}_low", f"uncertainty/{m}_high"]]
            for m in reversed(measures)  # TensorBoard 2.21 shows margin charts in reverse
        },
        "Evaluation: beside the baselines": {
            m: ["Multiline", [f"^evaluation/{m}$", f"^versus/[^/]+/{m}$"]] for m in measures
        },
        "Training": {
            "return, exploring": ["Multiline", ["^rollout/ep_rew_mean$"]],
            "reward terms": ["Multiline", ["^reward/"]],
            "losses": ["Multiline", ["^train/(loss|policy_gradient_loss|value_loss)$"]],
            "size of the updates": ["Multiline", ["^train/(approx_kl|clip_fraction|td_error)$"]],
            "share of the time": ["Multiline", ["^time/fraction_"]],
            "steps a second": ["Multiline", ["^time/steps_per_second$"]],
        },
    }
