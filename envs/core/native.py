# All of it speaks to Numba's and LLVM's inside, which have no types.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Machine code of lane functions: typed and lowered once, optimised and emitted together, called by address.

This is the only file that knows Numba's inside. Numba makes of every `@njit` function a module of its own,
takes in all that it calls, optimises it and emits it, although nobody calls most of them but other lane
functions; and a launcher that inlines a world is compiled anew for each world and each role. Here a lane
function is only typed and lowered. `compile_code` links those that a world is made of, optimises and emits
them once, and gives back the addresses of C functions around them; what calls these by address knows no
world.

- A lane function takes records, Params (a pointer to the parameters' words), rows (1-D, C) and numbers.
- A C function takes a word for each of these, two for a row (address and length), and gives a word.
- A job is a lane function over a batch's record, first and last: it works on rows `first` to `last` - 1.
"""

import contextlib
import ctypes
import gc
from typing import Any

import llvmlite
import numba
import numpy as np
from llvmlite import ir
from numba import _dynfunc
from numba.core import cgutils, codegen, compiler, lowering, typed_passes, types, typing
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.datamodel import models
from numba.core.imputils import lower_getattr_generic
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic as numba_intrinsic
from numba.extending import register_model
from numba.np.arrayobj import make_array, populate_array

FLOAT_ROW = types.Array(types.float32, 1, "C")
BYTE_ROW = types.Array(types.int8, 1, "C")
WORD_ROW = types.Array(types.int64, 1, "C")

intrinsic: Any = numba_intrinsic  # whose callers give all arguments but the first
_WORD = ir.IntType(64)
_BYTES = ir.IntType(8).as_pointer()

VERSIONS = (numba.__version__, llvmlite.__version__, np.__version__)

# -- lane functions: typed and lowered, no more
# ------------------------------------------------------------------

# What lane functions have no use for: closures, comprehensions, `with`, raises, literals, array expressions.
UNNEEDED_PASSES = {
    "WithLifting",
    "InlineClosureLikes",
    "DeadBranchPrune",
    "RewriteDynamicRaises",
    "MakeFunctionToJitFunction",
    "InlineInlinables",
    "FindLiterallyCalls",
    "LiteralUnroll",
    "LiteralPropagationSubPipelinePass",
    "InlineOverloads",
    "NopythonRewrites",
    "NoPythonSupportedFeatureValidation",
    "AnnotateTypes",
    "DumpParforDiagnostics",
    "RewriteSemanticConstants",
}


class LaneLibrary(codegen.JITCodeLibrary):
    """The code of one lane function as it was lowered. It is optimised in what links it."""

    def finalize(self):
        """Ends the adding of code; nothing is linked, optimised or emitted."""
        self._raise_if_finalized()
        self._finalized = True

    def reach(self, found):
        """Adds to the keys of `found` all libraries that this one calls, and that they call."""
        for library in self._linking_libraries:
            if library not in found:
                found[library] = None
                if isinstance(library, LaneLibrary):
                    library.reach(found)

    def _get_module_for_linking(self):  # for Numba's own libraries, such as those of `@njit` functions
        module = self._final_module.clone()
        _hide(module, _link_all(self, module))
        for function in module.functions:
            if not function.is_declaration and function.linkage == codegen.ll.Linkage.external:
                function.linkage = "linkonce_odr"
        return module


class WorldLibrary(codegen.JITCodeLibrary):
    """The code of a world: all that its C functions reach, each function once, hidden but for the C
    functions.
    """

    def finalize(self):
        """Links, optimises and emits."""
        self._raise_if_finalized()
        _hide(self._final_module, _link_all(self, self._final_module))
        self._optimize_final_module()
        self._final_module.verify()
        self._finalize_final_module()


def _link_all(library, module):
    """Links all that `library` reaches into `module`; returns the names of the lane functions among it."""
    found = {}
    LaneLibrary.reach(library, found)
    found.pop(library, None)
    # Lane functions first, and visible: the linker drops a "linkonce" function that nothing has called so
    # far.
    names = set()
    for lane_library in [other for other in found if isinstance(other, LaneLibrary)]:
        names |= {function.name for function in lane_library.get_defined_functions()}
        module.link_in(lane_library._final_module, preserve=True)
    for other in found:
        library._reload_init.update(other._reload_init)
        if not isinstance(other, LaneLibrary):
            module.link_in(other._get_module_for_linking(), preserve=True)
    return names


def _hide(module, names):
    for function in module.functions:
        if function.name in names and not function.is_declaration:
            # Not "internal": such a name stays in the JIT's table, and a weak function of the same name in a
            # later module would be bound to it, though its arguments may have been changed here.
            function.linkage = "private"


@ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
def _no_code(closure, arguments, keywords):
    raise TypeError("a lane function has no code of its own")


_NO_CODE = ctypes.cast(_no_code, ctypes.c_void_p).value


@register_pass(mutates_CFG=True, analysis_only=False)
class LaneLowering(typed_passes.BaseNativeLowering):
    """Numba's lowering into a `LaneLibrary`, without wrappers for Python or C."""

    _name = "lane_lowering"

    @property
    def lowering_class(self):
        """The lowering of plain functions."""
        return lowering.Lower

    def run_pass(self, state):
        """Lowers, and gives callers a stand-in for the function that was not emitted."""
        state.library = LaneLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        state.flags.no_cpython_wrapper = True
        state.flags.no_cfunc_wrapper = True
        super().run_pass(state)
        made = state["cr"]
        names = made.fndesc.lookup_module(), made.fndesc.qualname, "lane function"
        stand_in = _dynfunc.make_function(*names, _NO_CODE, made.env, (state.library,))
        state.targetctx.insert_user_function(stand_in, made.fndesc, [state.library])
        state.reload_init.extend(state.library._reload_init)
        state["cr"] = compiler._LowerResult(made.fndesc, made.call_helper, cfunc=stand_in, env=made.env)
        return True


class _Builtin(types.Function):
    """An operator or builtin that remembers its signatures.

    Numba tries every template of an operator anew at each place where it stands, and most of them are of
    strings, lists and dates: a quarter of all compile time.
    """

    def __init__(self, numbas):
        super().__init__(numbas.templates)
        self._signatures = {}

    def get_call_type(self, context, args, kws):
        """Returns the signature for types of arguments."""
        given = tuple(args), tuple(kws.items())
        if given not in self._signatures:
            self._signatures[given] = super().get_call_type(context, args, kws)
        return self._signatures[given]


register_model(_Builtin)(models.OpaqueModel)  # as of Numba's own


class LaneTyping(typing.Context):
    """Numba's typing, in which builtins remember."""

    def __init__(self, numbas):
        self.__dict__ = numbas.__dict__  # one registry and one call stack, also for what comes later

    def _lookup_global(self, gv):
        found = super()._lookup_global(gv)
        if type(found) is not types.Function:
            return found
        if found not in _builtins:
            _builtins[found] = _Builtin(found)
        return _builtins[found]


_builtins: dict[types.Function, _Builtin] = {}


class LaneCompiler(compiler.Compiler):
    """Compiles a lane function as far as its callers need it."""

    def __init__(self, typingctx, *others):
        super().__init__(typingctx, *others)
        self.state.typingctx = LaneTyping(typingctx)
        self.state.targetctx = self.state.targetctx.subtarget(typing_context=self.state.typingctx)

    def define_pipelines(self):
        """Numba's own passes, without those that lane functions do not need."""
        (numbas,) = super().define_pipelines()
        passes = PassManager("lane")
        for kind, text in numbas.passes:
            chosen = LaneLowering if kind is typed_passes.NativeLowering else kind
            if kind.__name__ not in UNNEEDED_PASSES:
                passes.passes.append((chosen, text))
        passes.finalize()
        return [passes]


class LaneDispatcher(CPUDispatcher):
    """A lane function. Called from Python it is compiled once more, with code of its own."""

    def add_overload(self, cres):
        """Keeps what was compiled for callers."""
        self.overloads[tuple(cres.signature.args)] = cres

    def __reduce__(self):
        if self.__module__ != "__main__" and "<locals>" not in self.__qualname__:
            return self.__qualname__  # by name, as a function is pickled
        return super().__reduce__()

    @classmethod
    def _rebuild(cls, uuid, py_func, locals, targetoptions, can_compile, sigs):
        return lane_dispatcher(py_func)

    def _compile_for_args(self, *args, **kwargs):
        if not hasattr(self, "_alone"):
            self._alone = CPUDispatcher(self.py_func, targetoptions=self.targetoptions)
        return self._alone


def lane_dispatcher(function):
    """Returns `function` as a lane function.

    Without fast maths, so that a lane computes the same bits alone and in a batch; with NumPy's division,
    which raises nothing and so lets loops vectorise; without reference counts, since nothing is allocated.
    """
    options = {"nopython": True, "boundscheck": None, "error_model": "numpy", "_nrt": False}
    return LaneDispatcher(function, targetoptions=options, pipeline_class=LaneCompiler)


# -- parameters: a pointer to words
# ------------------------------------------------------------------------------


class Params(types.Type):
    """The parameters of a world as lane functions get them: a pointer to words that never change.

    As the NamedTuple that they are, every call would hand on every one of them. A number is a word; an array
    its address, size, shape and strides.
    """

    def __init__(self, named: types.NamedTuple) -> None:
        self.members = dict(zip(named.fields, named.types, strict=True))
        self.offsets, words = {}, 0
        for name, member in self.members.items():
            if not isinstance(member, types.Integer | types.Float | types.Boolean | types.Array):
                raise TypeError(
                    f"parameter {name} of {named.instance_class.__name__} is {member}; use a number or array"
                )
            self.offsets[name] = words
            words += 2 + 2 * member.ndim if isinstance(member, types.Array) else 1
        fields = ", ".join(f"{name}: {member}" for name, member in self.members.items())
        super().__init__(name=f"Params({fields})")


@register_model(Params)
class _ParamsModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _WORD.as_pointer())


@infer_getattr
class _ParamsAttributes(AttributeTemplate):
    key = Params

    def generic_resolve(self, params, name):
        return params.members.get(name)


@lower_getattr_generic(Params)
def _params_attribute(context, builder, params, pointer, name):
    member, offset = params.members[name], params.offsets[name]

    def load(index, llvm_type=_WORD):
        place = builder.bitcast(cgutils.gep_inbounds(builder, pointer, index), llvm_type.as_pointer())
        value = builder.load(place)
        value.set_metadata("invariant.load", builder.module.add_metadata([]))
        return value

    if isinstance(member, types.Array):
        n = member.ndim
        data = builder.inttoptr(load(offset), context.get_data_type(member.dtype).as_pointer())
        _, *rest = (load(offset + 1 + k) for k in range(1 + 2 * n))
        return _array(context, builder, member, data, rest[:n], rest[n:])
    if isinstance(member, types.Boolean):
        return builder.trunc(load(offset), ir.IntType(1))
    return load(offset, context.get_value_type(member))


def pack(params) -> np.ndarray:
    """Returns the words (W,) int64 of `params`, as `Params` reads them. The arrays in it must outlive
    them.
    """
    words: list[int] = []
    for value, member in zip(params, numba.typeof(params).types, strict=True):
        if isinstance(member, types.Array):
            strides = [stride & 0xFFFF_FFFF_FFFF_FFFF for stride in value.strides]  # they may be negative
            words += [address(value), value.size, *value.shape, *strides]
        elif isinstance(member, types.Float):
            bits = (
                np.float64(value).view(np.uint64)
                if member.bitwidth == 64
                else np.float32(value).view(np.uint32)
            )
            words.append(int(bits))
        else:
            words.append(int(value) & 0xFFFF_FFFF_FFFF_FFFF)
    return np.array(words, np.uint64).view(np.int64)


def address(array: np.ndarray) -> int:
    """Returns where the data of an array begin, in a tenth of the time of `array.ctypes.data`."""
    return (
        _pointer_at(id(array) + object.__basicsize__).value or 0
    )  # the first field of NumPy's PyArrayObject


_pointer_at = ctypes.c_void_p.from_address


def bytes_address(record: bytes) -> int:
    """Returns where the characters of a bytes object begin."""
    return id(record) + _BYTES_HEAD


_BYTES_HEAD = bytes.__basicsize__ - 1


# -- what lies at an address, for jobs
# ---------------------------------------------------------------------------


def _array(context, builder, member, data, shape, strides):
    array = make_array(member)(context, builder)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(member.dtype)))
    populate_array(array, data, shape, strides, itemsize, None)
    return array._getvalue()


def _row(context, builder, member, where, length):
    size = context.get_abi_sizeof(context.get_data_type(member.dtype))
    data = builder.inttoptr(where, context.get_data_type(member.dtype).as_pointer())
    return _array(context, builder, member, data, [length], [ir.Constant(_WORD, size)])


@intrinsic
def record_at(typingctx, address, kind):
    """Returns the record, or the Params, of type `kind` at an address."""
    member = kind.instance_type

    def codegen(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(member))

    return member(types.int64, kind), codegen


@intrinsic
def row_at(typingctx, address, length, kind):
    """Returns the row of `length` numbers at an address; `kind` is its type, such as FLOAT_ROW."""
    member = kind.instance_type

    def codegen(context, builder, signature, arguments):
        return _row(context, builder, member, arguments[0], arguments[1])

    return member(types.int64, types.int64, kind), codegen


@intrinsic
def copy_bytes(typingctx, target, source, count):
    """Copies `count` bytes from one address to another."""

    def codegen(context, builder, signature, arguments):
        places = [builder.inttoptr(argument, _BYTES) for argument in arguments[:2]]
        cgutils.raw_memcpy(builder, places[0], places[1], arguments[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


@intrinsic
def call(typingctx, address, words):
    """Calls the C function at `address` with a tuple of words; returns its word."""

    def codegen(context, builder, signature, arguments):
        given = [
            context.cast(builder, builder.extract_value(arguments[1], k), member, types.int64)
            for k, member in enumerate(signature.args[1].types)
        ]
        kind = ir.FunctionType(_WORD, [_WORD] * len(given))
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), given)

    return types.int64(types.int64, words), codegen


@intrinsic
def load_atomic(typingctx, address):
    """Returns the word at an address, and sees all that was written before it was."""

    def codegen(context, builder, signature, arguments):
        return builder.load_atomic(builder.inttoptr(arguments[0], _WORD.as_pointer()), "acquire", 8)

    return types.int64(types.int64), codegen


@intrinsic
def add_atomic(typingctx, address, value):
    """Adds to the word at an address; returns what it was before."""

    def codegen(context, builder, signature, arguments):
        return builder.atomic_rmw(
            "add", builder.inttoptr(arguments[0], _WORD.as_pointer()), arguments[1], "acq_rel"
        )

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def swap_atomic(typingctx, address, expected, value):
    """Writes `value` to the word at an address if it is `expected`; returns whether it was."""

    def codegen(context, builder, signature, arguments):
        place = builder.inttoptr(arguments[0], _WORD.as_pointer())
        _, expected, value = arguments
        swapped = builder.cmpxchg(place, expected, value, "acq_rel", failordering="acquire")
        return builder.extract_value(swapped, 1)

    return types.boolean(types.int64, types.int64, types.int64), codegen


# -- C functions, and their code on disk
# -------------------------------------------------------------------------


def _add_c_function(context, library, name, made):
    """Adds to `library` the C function `name` around the compiled lane function `made`."""
    fndesc = made.fndesc
    module = context.create_module(name)
    kind = context.call_conv.get_function_type(fndesc.restype, fndesc.argtypes)
    native = ir.Function(module, kind, fndesc.llvm_func_name)
    count = sum(2 if isinstance(member, types.Array) else 1 for member in fndesc.argtypes)
    function = ir.Function(module, ir.FunctionType(_WORD, [_WORD] * count), name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    words, values = iter(function.args), []
    for member in fndesc.argtypes:
        word = next(words)
        if isinstance(member, types.Array):
            if member.ndim != 1 or member.layout != "C":
                raise TypeError(
                    f"{fndesc.qualname} takes {member}; a C function takes rows: one dimension, C"
                )
            values.append(_row(context, builder, member, word, next(words)))
        elif isinstance(member, types.Record | Params):
            values.append(builder.inttoptr(word, context.get_value_type(member)))
        elif isinstance(member, types.Integer):
            values.append(builder.trunc(word, context.get_value_type(member)))
        else:
            raise TypeError(
                f"{fndesc.qualname} takes {member}; a C function takes records, rows and integers"
            )
    _, result = context.call_conv.call_function(builder, native, fndesc.restype, fndesc.argtypes, values)
    builder.ret(_word_of(context, builder, fndesc, result))
    library.add_ir_module(module)


def _word_of(context, builder, fndesc, result):
    """Returns a result as a word: an integer as itself, a tuple of truths as bits, nothing as 0."""
    restype = fndesc.restype
    if isinstance(restype, types.BaseTuple):
        word = ir.Constant(_WORD, 0)
        for k, member in enumerate(restype.types):
            truth = context.cast(builder, builder.extract_value(result, k), member, types.boolean)
            word = builder.or_(word, builder.shl(builder.zext(truth, _WORD), ir.Constant(_WORD, k)))
        return word
    if isinstance(restype, types.Integer | types.Boolean):
        return context.cast(builder, result, restype, types.int64)
    if isinstance(restype, types.NoneType):
        return ir.Constant(_WORD, 0)
    raise TypeError(
        f"{fndesc.qualname} returns {restype}; a C function returns truths, an integer or nothing"
    )


_alive: list[codegen.JITCodeLibrary] = []  # code whose addresses have been given out


@contextlib.contextmanager
def _without_collector():
    """Stops Python's collector of cycles: a compiler keeps nearly all that it makes, and looking through it
    again and again takes a seventh of its time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@global_compiler_lock
@_without_collector()
def compile_code(name: str, functions: dict, key: str) -> tuple[dict[str, int], bytes]:
    """Returns the addresses of C functions around lane functions, and their object code.

    functions: role to (lane function, types of its arguments). key: distinguishes this code from all other
    code. The object code is empty if it holds addresses of this process.
    """
    context = cpu_target.target_context
    library = WorldLibrary(context.codegen(), name)
    library.enable_object_caching()
    for role, (function, arguments) in functions.items():
        function.compile(tuple(arguments))
        made = function.overloads[tuple(arguments)]
        library.add_linking_library(made.library)
        with context.push_code_library(library):
            _add_c_function(context, library, f"{key}_{role}", made)
    library.finalize()
    addresses = _addresses(library, functions, key)
    return addresses, b"" if library.has_dynamic_globals else library._get_compiled_object()


@global_compiler_lock
def load_code(name: str, functions: dict, key: str, object_code: bytes) -> dict[str, int]:
    """Returns the addresses of the C functions in object code that `compile_code` made with the same
    arguments.
    """
    library = WorldLibrary(cpu_target.target_context.codegen(), name)
    library.enable_object_caching()
    library._set_compiled_object(object_code)
    library._finalize_final_module()
    return _addresses(library, functions, key)


def _addresses(library, functions, key) -> dict[str, int]:
    _alive.append(library)
    engine = library.codegen._engine
    return {role: engine.get_function_address(f"{key}_{role}") for role in functions}


def machine() -> str:
    """Returns what machine code depends on beside its sources: processor, features, versions."""
    return repr((cpu_target.target_context.codegen().magic_tuple(), VERSIONS))
