"""ONNX files of agents: written, made smaller, checked, and acted by.

The file takes raw observations, a batch of any size, and returns actions as the environment takes them: the
standardisation of inputs, action masks and bounds are inside. Whoever has onnxruntime can act by it.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from quadrivium.agents.errors import UserError, one_line
from quadrivium.agents.export.acting import OUTPUTS, Acting

_FACTS = "quadrivium"  # the key of the file's metadata under which ours are
_CALIBRATION_ROWS = 64  # of a calibration batch

Arrays = Mapping[str, np.ndarray]
"""By input name, arrays (B, …)."""


def require_packages(*names: str) -> None:
    """Raises UserError where one of the extra's packages is missing."""
    for name in names:
        if find_spec(name) is None:
            raise UserError(
                f"ONNX files need {name}, which is not installed; pip install 'quadrivium[export]'"
            )


def write_onnx(acting: Acting, space: spaces.Space, path: Path, facts: Mapping[str, Any]) -> None:
    """Writes the network as an ONNX file; `facts`, plain JSON values, go into its metadata."""
    require_packages("onnx", "onnxscript", "onnxruntime")
    example = tuple(torch.as_tensor(array) for array in _inputs(space, sample(space, 3)).values())
    batch = torch.export.Dim("batch")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of torch's own code
        program = torch.onnx.export(
            acting.eval(),
            example,
            dynamo=True,
            input_names=list(acting.inputs),
            output_names=list(OUTPUTS),
            dynamic_shapes={"inputs": tuple({0: batch} for _ in example)},
            verbose=False,
        )
    assert program is not None
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # where in our sources, and on which disk, it was made
    program.model.metadata_props[_FACTS] = json.dumps(dict(facts))
    path.parent.mkdir(parents=True, exist_ok=True)
    program.save(path)


def write_int8(source: Path, target: Path, observations: Sequence[Arrays]) -> None:
    """Writes a file whose weights and activations are of 8 bits, by the ranges that `observations` show."""
    require_packages("onnx", "onnxruntime")
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._rows: Iterator[Arrays] = iter(observations)

        def get_next(self) -> Any:
            return next(self._rows, None)

    logging.getLogger().setLevel(logging.ERROR)
    quantization.quantize_static(
        source,
        target,
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        op_types_to_quantize=["Conv", "Gemm", "MatMul"],
    )


class OnnxPolicy:
    """A file as a policy: `act(obs) -> actions`.

    Attributes:
        facts: what the file says of the agent that it was made of; empty in a foreign file.

    Raises:
        UserError: onnxruntime is not installed, or the file is none of an agent.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        require_packages("onnxruntime")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        if not path.is_file():
            raise UserError(
                f"{path} is no file; write one with `evaluate export run:runs/NAME --output {path}`"
            )
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of several kinds, none of them public
            raise UserError(
                f"{path} cannot be read as ONNX: {one_line(error)[:200]}; export it again"
            ) from error
        self.inputs = [one.name for one in self._session.get_inputs()]
        outputs = [one.name for one in self._session.get_outputs()]
        if OUTPUTS[0] not in outputs:
            raise UserError(
                f"{path} has the outputs {', '.join(outputs)}; expected {OUTPUTS[0]}, as `evaluate export` "
                "writes it"
            )
        self.facts: dict[str, Any] = _facts(self._session.get_modelmeta().custom_metadata_map)

    def outputs(self, obs: Any) -> dict[str, np.ndarray]:
        """Returns every output by name for observations (N, …), an array or a dict of them."""
        feed = obs if isinstance(obs, Mapping) else {self.inputs[0]: obs}
        try:
            feed = {name: np.asarray(feed[name]) for name in self.inputs}
            found: list[Any] = list(self._session.run(list(OUTPUTS), feed))
        except Exception as error:  # a key that is missing, another shape or type
            seen = {name: (array.shape[1:], str(array.dtype)) for name, array in feed.items()}
            raise UserError(
                f"observations {seen} do not fit the file's inputs: {one_line(error)[:200]}; export an agent "
                "of this environment"
            ) from error
        return dict(zip(OUTPUTS, found, strict=True))

    def act(self, obs: Any, deterministic: bool = True) -> np.ndarray:
        """Returns actions (N, …) for observations (N, …); it knows no chance."""
        return self.outputs(obs)[OUTPUTS[0]]


def _facts(metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        facts = json.loads(metadata.get(_FACTS, "{}"))
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def sample(space: spaces.Space, count: int) -> Any:
    """Returns observations (count, …) drawn from the space: an array, or a dict of them."""
    rows = [space.sample() for _ in range(count)]
    if isinstance(space, spaces.Dict):
        return {key: np.stack([row[key] for row in rows]) for key in space.spaces}
    return np.stack(rows)


def _inputs(space: spaces.Space, obs: Any) -> dict[str, np.ndarray]:
    """Returns observations by input name."""
    return dict(obs) if isinstance(space, spaces.Dict) else {"observation": obs}


def largest_difference(acting: Acting, policy: OnnxPolicy, space: spaces.Space, obs: Any) -> float:
    """Returns by how much scores and values of file and network differ at most, on observations (N, …)."""
    arrays = _inputs(space, obs)
    with torch.no_grad():
        ours = acting(*(torch.as_tensor(arrays[name]) for name in acting.inputs))
    theirs = policy.outputs(arrays)
    return max(
        float(np.abs(tensor.double().numpy() - theirs[name]).max(initial=0.0))
        for name, tensor in zip(OUTPUTS[1:], ours[1:], strict=True)
    )


def batches_of(space: spaces.Space, obs: Any) -> list[dict[str, np.ndarray]]:
    """Returns observations (N, …) in small batches, by input name."""
    arrays = _inputs(space, obs)
    count = len(next(iter(arrays.values())))
    return [
        {name: array[start : start + _CALIBRATION_ROWS] for name, array in arrays.items()}
        for start in range(0, count, _CALIBRATION_ROWS)
    ]
