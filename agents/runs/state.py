"""Optimisers and random generators as plain tensors and JSON, and back, exactly.

`capture_rng()` takes the global generators of Python, NumPy and torch, and any others passed by name:

    rng = capture_rng(actions=env.action_space.np_random, noise=torch_generator)
    restore_rng(rng, actions=env.action_space.np_random, noise=torch_generator)

Everything is validated before the first generator is touched: a checkpoint is data from outside.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch

from quadrivium.agents.runs.checkpoint_files import CheckpointError

T = TypeVar("T")
Generator = np.random.Generator | np.random.RandomState | torch.Generator | random.Random

_GROUPS = "param_groups.json"  # key of the JSON tensor; parameter keys are "<index>.<name>"


def under(prefix: str, entries: Mapping[str, T]) -> dict[str, T]:
    """Returns the entries whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): entry for name, entry in entries.items() if name.startswith(prefix)}


# ---- random generators


def capture_rng(**generators: Generator) -> dict[str, Any]:
    """Returns the states of the global generators (CUDA's too, once used) and of `generators`, JSON-able."""
    state: dict[str, Any] = {
        "python": _capture(random._inst),  # type: ignore[attr-defined]  # the module's own instance
        "numpy": _capture(np.random.mtrand._rand),  # type: ignore[attr-defined]
        "torch": _capture(torch.default_generator),
        "torch_cuda": [],
        "named": {name: _capture(generator) for name, generator in generators.items()},
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["torch_cuda"] = [_hex(device) for device in torch.cuda.get_rng_state_all()]
    return state


def restore_rng(state: dict[str, Any], **generators: Generator) -> None:
    """Puts every generator back where `capture_rng` with the same names found it.

    States of CUDA devices that this machine lacks are skipped: such a continuation cannot be exact anyway.

    Raises:
        CheckpointError: the state is malformed or of other generators. None was changed then.
    """
    named = state.get("named")
    if not isinstance(named, dict) or named.keys() != generators.keys():
        have = sorted(named) if isinstance(named, dict) else named
        raise CheckpointError(
            f"rng.json has generators {have}, expected {sorted(generators)}; use a matching checkpoint"
        )
    targets: list[tuple[str, Generator, Any]] = [
        ("python", random._inst, state.get("python")),  # type: ignore[attr-defined]
        ("numpy", np.random.mtrand._rand, state.get("numpy")),  # type: ignore[attr-defined]
        ("torch", torch.default_generator, state.get("torch")),
        *((name, generator, named[name]) for name, generator in generators.items()),
    ]
    apply: list[Callable[[], object]] = []
    try:
        apply = [_prepare(generator, value) for _, generator, value in targets]
        cuda = [_tensor(value) for value in state.get("torch_cuda", [])]
        if torch.cuda.is_available():
            for index, value in enumerate(cuda[: torch.cuda.device_count()]):
                torch.Generator(f"cuda:{index}").set_state(value)  # a trial on a generator that nobody uses
                apply.append(lambda index=index, value=value: torch.cuda.set_rng_state(value, index))
    except (
        TypeError,
        ValueError,
        KeyError,
        IndexError,
        AttributeError,
        RuntimeError,
        OverflowError,
    ) as error:
        reason = " ".join(str(error).split())[:160]
        raise CheckpointError(f"rng.json is malformed ({reason}); use another checkpoint") from error
    for change in apply:
        change()


def _capture(generator: Generator) -> dict[str, Any]:
    if isinstance(generator, torch.Generator):
        return {"kind": "torch", "state": _hex(generator.get_state())}
    if isinstance(generator, random.Random):
        version, words, gauss = generator.getstate()
        return {"kind": "python", "version": version, "words": list(words), "gauss": gauss}
    if isinstance(generator, np.random.RandomState):
        return {"kind": "numpy", "state": _to_json(generator.get_state(legacy=False))}
    return {"kind": "numpy", "state": _to_json(generator.bit_generator.state)}


def _prepare(generator: Generator, value: Any) -> Callable[[], object]:
    """Tries `value` on a fresh generator of the same kind and returns what applies it to the real one."""
    if isinstance(generator, torch.Generator):
        _expect(value, "torch")
        tensor = _tensor(value["state"])
        torch.Generator(generator.device).set_state(tensor)
        return lambda: generator.set_state(tensor)
    if isinstance(generator, random.Random):
        _expect(value, "python")
        gauss = None if value["gauss"] is None else float(value["gauss"])
        state = (value["version"], tuple(value["words"]), gauss)
        random.Random().setstate(state)  # checks the number and range of the words
        return lambda: generator.setstate(state)
    _expect(value, "numpy")
    state = _from_json(value["state"])
    _check_numpy(state)
    if isinstance(generator, np.random.RandomState):
        np.random.RandomState().set_state(state)
        return lambda: generator.set_state(state)
    bits = generator.bit_generator
    type(bits)().state = state  # refuses another algorithm's name and wrong sizes
    return lambda: setattr(bits, "state", state)


def _check_numpy(state: dict[str, Any]) -> None:
    """NumPy takes any position and length, and a wrong one reads beyond the buffer at the next draw."""
    name, inner = state["bit_generator"], state["state"]
    arrays: dict[str, tuple[Any, int, str]] = {}
    positions: dict[str, tuple[Any, int]] = {"has_uint32": (state.get("has_uint32", 0), 1)}
    if name == "MT19937":
        arrays["key"] = inner["key"], 624, "uint32"
        positions["pos"] = inner["pos"], 624
    elif name == "Philox":
        arrays |= {"counter": (inner["counter"], 4, "uint64"), "key": (inner["key"], 2, "uint64")}
        arrays["buffer"] = state["buffer"], 4, "uint64"
        positions["buffer_pos"] = state["buffer_pos"], 4
    elif name == "SFC64":
        arrays["state"] = inner["state"], 4, "uint64"
    elif name not in ("PCG64", "PCG64DXSM"):
        raise ValueError(f"bit generator {name!r}")
    for field, (array, size, dtype) in arrays.items():
        if not isinstance(array, np.ndarray) or array.shape != (size,) or array.dtype != dtype:
            raise ValueError(f"{field} of {name} must be {size} values of {dtype}")
    for field, (position, largest) in positions.items():
        if type(position) is not int or not 0 <= position <= largest:
            raise ValueError(f"{field}={position!r} of {name} must be in 0..{largest}")


def _expect(value: Any, kind: str) -> None:
    if not isinstance(value, dict) or value.get("kind") != kind:
        raise ValueError(f"expected the state of a {kind} generator")


def _to_json(value: Any) -> Any:
    """NumPy's state dictionaries hold Python integers, up to 128 bits, which JSON keeps, and uint arrays."""
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.name, "values": value.tolist()}
    return value.item() if isinstance(value, np.generic) else value


def _from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        if not isinstance(value, (str, int, float)):
            raise TypeError(f"{type(value).__name__} in a generator's state")
        return value
    if value.keys() == {"dtype", "values"}:
        if value["dtype"] not in ("uint32", "uint64"):
            raise ValueError(f"dtype {value['dtype']!r} in a generator's state")
        return np.array(value["values"], dtype=value["dtype"])
    return {str(key): _from_json(item) for key, item in value.items()}


def _hex(tensor: torch.Tensor) -> str:
    return tensor.cpu().numpy().tobytes().hex()


def _tensor(text: Any) -> torch.Tensor:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)


# ---- optimisers


def optimizer_to_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Returns copies of the optimiser's state as flat tensors, and its hyper-parameters as JSON in a tensor.

    Any optimiser whose per-parameter state is tensors and plain numbers (Adam, AdamW, SGD, RMSprop, ...).

    Raises:
        TypeError: its state holds something else (LBFGS keeps lists).
    """
    state = optimizer.state_dict()
    tensors: dict[str, torch.Tensor] = {}
    scalars: dict[str, Any] = {}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{index}.{name}"] = value.detach().clone()
            elif value is None or isinstance(value, (bool, int, float)):
                scalars[f"{index}.{name}"] = value
            else:
                kind = f"{type(optimizer).__name__} keeps {name} as {type(value).__name__}"
                raise TypeError(f"{kind}; expected tensors and numbers: use Adam, AdamW, SGD or RMSprop")
    text = {
        "groups": [{key: _encode(value) for key, value in group.items()} for group in state["param_groups"]],
        "scalars": scalars,
        "shapes": [list(parameter.shape) for parameter in _parameters(optimizer)],
    }
    tensors[_GROUPS] = torch.frombuffer(bytearray(json.dumps(text).encode()), dtype=torch.uint8).clone()
    return tensors


def optimizer_from_tensors(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Puts the state and hyper-parameters back into an optimiser over parameters of the same shapes.

    Raises:
        CheckpointError: the tensors are malformed or belong to other parameters. Nothing was changed then.
    """
    try:
        text = json.loads(tensors[_GROUPS].numpy().tobytes())
        groups = [{key: _decode(value) for key, value in group.items()} for group in text["groups"]]
        shapes, scalars = text["shapes"], text["scalars"]
        entries = {key: value for key, value in tensors.items() if key != _GROUPS} | scalars
        state: dict[int, dict[str, Any]] = {}
        for key, value in entries.items():
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = (
                value.clone() if isinstance(value, torch.Tensor) else value
            )
        indices = [group["params"] for group in groups]
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"optimizer.safetensors is malformed ({type(error).__name__}: {error}); use another checkpoint"
        ) from error
    parameters = _parameters(optimizer)
    expected_shapes = [list(parameter.shape) for parameter in parameters]
    expected_groups = optimizer.state_dict()["param_groups"]
    same_groups = indices == [group["params"] for group in expected_groups]
    if shapes != expected_shapes or not same_groups or not state.keys() <= set(range(len(parameters))):
        raise CheckpointError(
            f"the optimizer of the checkpoint has {len(shapes)} parameters in {len(groups)} groups, expected "
            f"{len(parameters)} in {len(expected_groups)} of equal shapes: resume with the run's own config"
        )
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    for index, entry in state.items():  # load_state_dict casts to the parameter's dtype, which loses bits
        parameter = parameters[index]
        for name, value in entry.items():
            if not isinstance(value, torch.Tensor):
                continue
            if value.shape == parameter.shape:
                # In the parameter's memory layout (channels last, say): fused kernels pair elements by place.
                layout = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False)
                optimizer.state[parameter][name] = layout.copy_(value)
            elif optimizer.state[parameter][name].dtype != value.dtype:
                optimizer.state[parameter][name] = value.to(parameter.device)


def _parameters(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _encode(value: Any) -> Any:
    """JSON has no tuples (Adam's betas) and no tensors (a capturable learning rate)."""
    if isinstance(value, torch.Tensor):
        return {"tensor": value.tolist(), "dtype": str(value.dtype).removeprefix("torch.")}
    if isinstance(value, tuple):
        return {"tuple": [_encode(item) for item in value]}
    if isinstance(value, list):
        return [_encode(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"the optimizer's hyper-parameter is {type(value).__name__}; expected numbers, text or tensors"
    )


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, dict):
        if "tensor" in value:
            dtype = {"float32": torch.float32, "float64": torch.float64}[value["dtype"]]
            return torch.tensor(value["tensor"], dtype=dtype)
        return tuple(_decode(item) for item in value["tuple"])
    return value
