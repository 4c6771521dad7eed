"""The machine code of lane functions, made once and kept on disk under a hash of all that it is made of.

Numba's own cache watches the file of the function that is launched, not those of the functions that it calls:
after an edit it silently runs old machine code. Here the name of the file says everything: the sources of all
lane functions that are reached, the constants that they use, the types, the versions, the processor.
"""

import contextlib
import dis
import hashlib
import inspect
import os
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import config, types
from numba.core.dispatcher import Dispatcher

from quadrivium.envs.core import native

Roles = Mapping[str, tuple[Any, tuple[Any, ...]]]
"""By role: a lane function and the Numba types of its arguments."""

SECONDS_IN_SILENCE = 2.0
_RAISING = frozenset(dis.opmap[name] for name in ("RAISE_VARARGS", "RERAISE"))
_CHECKSUM = hashlib.sha256().digest_size
_codes: dict[tuple[Any, ...], dict[str, int]] = {}
history: list[tuple[str, str, Path]] = []
"""What this process has "compiled" or "loaded": name, which of both, the file."""


def cache_root() -> Path:
    """Returns where machine code is kept.

    `$NUMBA_CACHE_DIR`, else `$XDG_CACHE_HOME/quadrivium`, else `~/.cache/quadrivium`.
    """
    return Path(
        os.environ.get("NUMBA_CACHE_DIR")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "quadrivium")
    )


@contextlib.contextmanager
def numba_keeps_code_in(folder: str) -> Generator[None]:
    """Lets functions that Numba caches by itself keep their code there, not beside our sources."""
    settings: Any = config
    previous, settings.CACHE_DIR = settings.CACHE_DIR, str(cache_root() / folder)
    try:
        yield
    finally:
        settings.CACHE_DIR = previous


def kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles by Numba alone what is no lane function, since it allocates; its code is kept on disk."""
    compiled: Any = numba.njit(function)
    # Where nothing can be written it is compiled anew in each process.
    with numba_keeps_code_in("functions"), contextlib.suppress(RuntimeError):
        compiled.enable_caching()
    return compiled


def code_of(name: str, roles: Roles) -> dict[str, int]:
    """Returns by role the addresses of C functions around lane functions (see `quadrivium.envs.core.native`).

    The first call in a process reads them from disk or compiles them; they stay for as long as it runs.
    """
    made_of = (name, *((role, function, kinds) for role, (function, kinds) in roles.items()))
    if made_of not in _codes:
        key = f"{name.replace('-', '_')}_{_digest_of_code(roles)}"
        _codes[made_of] = _read(name, roles, key) or _make(name, roles, key)
    return _codes[made_of]


def code_file(name: str, roles: Roles) -> Path:
    """Returns the file in which the machine code of these roles is kept."""
    return _path(f"{name.replace('-', '_')}_{_digest_of_code(roles)}")


def _path(key: str) -> Path:
    return cache_root() / f"{key}.bin"


def _read(name: str, roles: Roles, key: str) -> dict[str, int] | None:
    try:
        stored = _path(key).read_bytes()
    except OSError:
        return None
    object_code = stored[_CHECKSUM:]
    if hashlib.sha256(object_code).digest() != stored[:_CHECKSUM]:
        return None  # half a file: made anew
    history.append((name, "loaded", _path(key)))
    return native.load_code(name, dict(roles), key, object_code)


def _make(name: str, roles: Roles, key: str) -> dict[str, int]:
    with _told_if_slow(name):
        addresses, object_code = native.compile_code(name, dict(roles), key)
    history.append((name, "compiled", _path(key)))
    if object_code:
        path = _path(key)
        # A folder that cannot be written costs later processes their time only.
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}.tmp")
            try:
                unfinished.write_bytes(hashlib.sha256(object_code).digest() + object_code)
                os.replace(unfinished, path)
            finally:
                unfinished.unlink(missing_ok=True)
    return addresses


@contextlib.contextmanager
def _told_if_slow(name: str) -> Generator[None]:
    """Says on the terminal what one waits for, if it takes longer than two seconds."""

    def tell() -> None:
        if sys.stderr.isatty() or "ipykernel" in sys.modules:
            print(
                f"compiling {name} for this machine, once; kept in {cache_root()} …",
                file=sys.stderr,
                flush=True,
            )

    timer = threading.Timer(SECONDS_IN_SILENCE, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _digest_of_code(roles: Roles) -> str:
    kinds = [(role, [str(member) for member in members]) for role, (_, members) in roles.items()]
    sources = _digest(tuple(function for function, _ in roles.values()))
    return hashlib.sha256(repr((kinds, sources, engine_digest())).encode()).hexdigest()[:16]


@cache
def engine_digest() -> str:
    """Returns a hash of what makes machine code: `native`, the versions, the processor."""
    return hashlib.sha256(Path(native.__file__).read_bytes() + native.machine().encode()).hexdigest()[:16]


@cache
def _digest(functions: tuple[Callable[..., Any], ...]) -> str:
    """Returns a hash of the sources and constants of functions, and of the lane functions that they reach."""
    digest = hashlib.sha256()
    for part in _parts_of([getattr(function, "py_func", function) for function in functions]):
        digest.update(part)
    return digest.hexdigest()


def _parts_of(functions: list[Any]) -> Generator[bytes]:
    """Yields what the machine code of functions is made of, and of all lane functions that they reach."""
    waiting, seen, files = list(functions), set[Any](), set[str]()
    while waiting:
        function = waiting.pop(0)
        if function in seen:  # by identity: two functions of one name may hold other constants
            continue
        seen.add(function)
        _require_no_raise(function)
        name = f"{function.__module__}.{function.__qualname__}"
        path = inspect.getsourcefile(function) or name
        yield repr((name, function.__defaults__, function.__kwdefaults__)).encode()
        if path not in files:
            files.add(path)
            yield _source_of(function, path)
        closure = inspect.getclosurevars(function)
        used = {**closure.globals, **closure.nonlocals}
        for module in [value for value in used.values() if inspect.ismodule(value)]:  # `rng.uniform(s)`
            names = [name for name in function.__code__.co_names if hasattr(module, name)]
            used.update({f"{module.__name__}.{name}": getattr(module, name) for name in names})
        for name, value in sorted(used.items()):
            if isinstance(value, Dispatcher):
                waiting.append(value.py_func)
            yield f"{name} = {_text_of(value)}".encode()


def _text_of(value: Any) -> str:
    """Returns what tells a value that machine code may depend on from all others."""
    if isinstance(value, types.Type):  # first: Numba's types can be called
        return str(value)
    if isinstance(value, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return f"array {value.dtype.str} {value.shape} {content}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_text_of, value))})"
    if isinstance(value, Dispatcher) or inspect.ismodule(value) or callable(value):
        return (
            f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__class__.__name__)}"
        )
    return repr(value)


def _require_no_raise(function: Any) -> None:
    """Raises TypeError for a lane function that raises or asserts: nobody would hear of it."""
    if _RAISING.intersection(function.__code__.co_code[::2]):  # every other byte is an instruction's number
        raise TypeError(
            f"{function.__qualname__} raises or asserts, in {function.__code__.co_filename} from line "
            f"{function.__code__.co_firstlineno} on: a lane function cannot; write what happens instead"
        )


def _source_of(function: Any, path: str) -> bytes:
    """Returns the file of a function, or what there is of it in a notebook or at a prompt."""
    try:
        return Path(path).read_bytes()
    except OSError:
        code = function.__code__
        return repr((code.co_code, code.co_names, code.co_consts)).encode()
