# SPDX-License-Identifier: MIT
"""flowlog: AWS VPC and Transit Gateway flow logs for Python, by libflowlog.

One file, nothing but the standard library; copy it beside your program.  The shared library is the one that the
environment variable FLOWLOG_LIBRARY names, else the installed one.

    import flowlog

    flowlog.top("logs/", by="dstaddr", where="reject")         # [{'dstaddr': ..., 'bytes': ..., ...}, ...]
    flowlog.group("logs/", by="bin(start,5m),action", agg="count, sum(bytes) as bytes")
    flowlog.diagnose("logs/", rules="rules.json")              # what is refused, by which layer, what to change

    with flowlog.read("logs/", fields="srcaddr,bytes", where="dst port 443") as reader:
        for batch in reader:                                   # some thousand rows, as columns
            total += sum(batch["bytes"].values)                # a memoryview of the library's memory, not a copy

Paths are files, directories (walked), "-" for standard input, or a list of these; instead of paths there may be
bytes with the log itself, or an open binary file, such as the Body of an S3 object.  gzip is found by content.

Conditions, keys and aggregates are the texts that the command takes; filter.h and plan.h describe them.  A text
that is wrong is a FlowlogError with the place in it.

Threads: the interpreter is free (no GIL) while the library works.  Any number of threads may use the module;
one Reader is for one thread at a time, and says so when it is not.
"""
from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import weakref
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

__all__ = ["read", "records", "top", "group", "partial", "merge", "combine", "explain", "diagnose", "Reader", "Batch",
           "Column", "Answer", "Counters", "BadLine", "FlowlogError", "fields", "version", "simd"]

Paths = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, Any, Sequence[Union[str, "os.PathLike[str]"]]]
Texts = Union[str, Sequence[str], None]

# --- the library ----------------------------------------------------------------------------------------------

_VERSION = (0, 1)  # major, minor: before 1.0 another minor version is another ABI


class _Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int32), ("column", c_uint32), ("offset", c_uint64), ("line", c_uint64),
                ("message", ctypes.c_char * 232)]


class _Span(ctypes.Structure):
    _fields_ = [("offset", c_uint32), ("len", c_uint32)]


class _Addr(ctypes.Structure):
    _fields_ = [("bytes", c_uint8 * 16), ("family", c_uint32)]


class _FieldInfo(ctypes.Structure):
    _fields_ = [("field", c_uint16), ("version", c_uint8), ("type", c_uint8), ("vpc", c_uint8), ("tgw", c_uint8),
                ("reserved", c_uint8 * 2), ("name", c_char_p), ("underscore", c_char_p), ("insights", c_char_p),
                ("parquet", c_char_p), ("arrow", c_char_p), ("meaning", c_char_p)]


class _Column(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("field", c_uint16), ("type", c_uint8), ("present", c_uint8),
                ("null_count", c_uint32), ("validity", c_void_p), ("values", c_void_p), ("family", c_void_p),
                ("wide", c_void_p), ("spans", c_void_p)]


class _Batch(ctypes.Structure):
    _fields_ = [("rows", c_uint32), ("columns", c_uint32), ("column", POINTER(_Column)), ("text", c_void_p),
                ("text_len", c_uint64), ("log_status", c_void_p), ("lines", c_void_p), ("line_numbers", c_void_p),
                ("format", c_void_p), ("file", c_uint32), ("reserved", c_uint32), ("filter", c_void_p)]


class _FilterOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("format", c_void_p), ("alloc", c_void_p),
                ("now", c_int64)]


class _ReaderOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("fields", c_char_p), ("format", c_void_p),
                ("alloc", c_void_p), ("batch_rows", c_uint32), ("line_max", c_uint32), ("filter", c_void_p)]


class _BadLine(ctypes.Structure):
    _fields_ = [("file", c_uint32), ("reason", c_uint16), ("column", c_uint16), ("line", c_uint64),
                ("offset", c_uint64), ("text_len", c_uint32), ("text", ctypes.c_char * 116)]


class _Counters(ctypes.Structure):
    _fields_: Any = [(name, c_uint64) for name in ("files", "bytes", "lines", "records", "nodata", "skipdata", "headers",
                                              "malformed", "skipped", "irregular", "ms_times", "odd_times")]
    _fields_ += [("reasons", c_uint64 * 8), ("bad_lines", c_uint32), ("reserved", c_uint32),
                 ("bad_line", _BadLine * 8)]


_progress_fn = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint64)
_damage_fn = ctypes.CFUNCTYPE(c_int, c_void_p, c_char_p, POINTER(_Error))
_read_fn = ctypes.CFUNCTYPE(c_int64, c_void_p, c_void_p, c_size_t)
_write_fn = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)
_finding_fn = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
_warning_fn = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)


class _RunOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("threads", c_uint32), ("flags", c_uint32), ("line_max", c_uint32),
                ("format", c_void_p), ("alloc", c_void_p), ("progress", _progress_fn), ("damage", _damage_fn),
                ("ctx", c_void_p), ("counters", POINTER(_Counters))]


class _DiagnosisOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("alloc", c_void_p), ("max_conversations", c_uint32),
                ("evidence", c_uint32), ("late", c_uint32), ("reserved", c_uint32), ("report", c_void_p),
                ("ctx", c_void_p)]


class _ArrowOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("array_rows", c_uint32), ("reserved", c_uint32),
                ("alloc", c_void_p), ("damage", _damage_fn), ("ctx", c_void_p), ("counters", POINTER(_Counters))]


class _ArrowSchema(ctypes.Structure):
    _fields_ = [("format", c_char_p), ("name", c_char_p), ("metadata", c_char_p), ("flags", c_int64),
                ("n_children", c_int64), ("children", c_void_p), ("dictionary", c_void_p), ("release", c_void_p),
                ("private_data", c_void_p)]


class _ArrowArray(ctypes.Structure):
    _fields_ = [("length", c_int64), ("null_count", c_int64), ("offset", c_int64), ("n_buffers", c_int64),
                ("n_children", c_int64), ("buffers", c_void_p), ("children", c_void_p), ("dictionary", c_void_p),
                ("release", c_void_p), ("private_data", c_void_p)]


class _ArrowStream(ctypes.Structure):
    _fields_ = [("get_schema", c_void_p), ("get_next", c_void_p), ("get_last_error", c_void_p), ("release", c_void_p),
                ("private_data", c_void_p)]


_STRUCTS = {"error": _Error, "span": _Span, "addr": _Addr, "field_info": _FieldInfo, "column": _Column,
            "batch": _Batch, "filter_options": _FilterOptions, "reader_options": _ReaderOptions,
            "bad_line": _BadLine, "counters": _Counters, "run_options": _RunOptions,
            "diagnosis_options": _DiagnosisOptions, "arrow_options": _ArrowOptions}

_P = c_void_p  # an opaque object, or the place where a pointer to one is written
_FUNCTIONS: Dict[str, Tuple[Any, ...]] = {  # result, arguments
    "version": (c_uint32,), "version_text": (c_char_p,), "simd_name": (c_char_p,), "struct_size": (c_size_t, c_char_p),
    "status_name": (c_char_p, c_int), "status_message": (c_char_p, c_int),
    "addr_format": (c_size_t, _P, c_char_p), "addr_parse": (c_int, c_char_p, c_size_t, _P),
    "field_count": (c_uint32,), "field_get": (POINTER(_FieldInfo), c_uint32),
    "field_find": (c_uint32, c_char_p, c_size_t), "enum_name": (c_char_p, c_uint32, c_uint32),
    "format_parse": (c_int, c_char_p, c_size_t, _P, _P, _P), "format_free": (None, _P),
    "source_paths": (c_int, _P, c_size_t, c_uint32, _P, _P, _P),
    "source_memory": (c_int, _P, c_size_t, c_char_p, _P, _P, _P),
    "source_callback": (c_int, _read_fn, _P, c_char_p, _P, _P, _P),
    "source_close": (None, _P), "source_name": (c_char_p, _P, c_uint32),
    "filter_parse": (c_int, c_char_p, c_size_t, _P, _P, _P), "filter_free": (None, _P),
    "reader_open": (c_int, _P, _P, _P, _P), "reader_next": (c_int, _P, _P, _P),
    "reader_counters": (POINTER(_Counters), _P), "reader_path": (c_char_p, _P, c_uint32),
    "reader_file": (c_uint32, _P), "reader_close": (None, _P), "reason_name": (c_char_p, c_uint32),
    "plan_new": (c_int, _P, _P), "plan_free": (None, _P), "plan_where": (c_int, _P, c_char_p, _P),
    "plan_where_options": (c_int, _P, _P), "plan_key": (c_int, _P, c_char_p, _P),
    "plan_keep_null_keys": (c_int, _P, c_int), "plan_select": (c_int, _P, c_char_p, _P),
    "plan_having": (c_int, _P, c_char_p, _P), "plan_sort": (c_int, _P, c_char_p, c_int, _P),
    "plan_limit": (c_int, _P, c_uint64), "plan_limit_per": (c_int, _P, c_char_p, c_uint64, _P),
    "plan_max_groups": (c_int, _P, c_uint64), "plan_approximate": (c_int, _P, c_int),
    "plan_fields": (c_char_p, _P), "plan_explain": (c_size_t, _P, c_char_p, c_size_t), "plan_collect": (c_int, _P, _P, _P, _P, _P),
    "run_merge": (c_int, _P, _P, _P), "run_save": (c_int, _P, _write_fn, _P, _P),
    "run_load": (c_int, c_char_p, c_size_t, _P, _P, _P, _P), "run_finish": (c_int, _P, _P, _P), "run_free": (None, _P),
    "result_columns": (c_uint32, _P), "result_keys": (c_uint32, _P), "result_name": (c_char_p, _P, c_uint32),
    "result_type": (c_uint32, _P, c_uint32), "result_total": (c_int, _P, c_uint32, _P),
    "result_approximate": (c_int, _P, c_uint32), "result_error": (c_uint64, _P, c_uint64),
    "result_groups": (c_uint64, _P), "result_null_keys": (c_uint64, _P), "result_counted": (c_uint64, _P),
    "result_free": (None, _P), "write_result": (c_int, _P, c_int, _write_fn, _P, _P, _P),
    "diagnosis_new": (c_int, _P, _P, _P), "diagnosis_free": (None, _P),
    "diagnosis_context": (c_int, _P, c_char_p, c_size_t, _P), "diagnosis_rules": (c_int, _P, c_char_p, c_size_t, _P),
    "diagnosis_warnings": (c_int, _P, _warning_fn, _P), "diagnosis_query": (c_int, _P, _P, _P, c_uint16, _P),
    "diagnosis_collect": (c_int, _P, _P, _P, _P),
    "diagnosis_finish": (c_int, _P, _finding_fn, _P, _P), "diagnosis_left_out": (c_uint64, _P),
    "diagnosis_truncated": (c_uint64, _P), "finding_json_source": (c_size_t, _P, _P, c_char_p, c_size_t),
    "batch_to_arrow": (c_int, _P, _P, _P, _P, _P), "reader_to_arrow": (c_int, _P, _P, _P, _P),
    "result_to_arrow": (c_int, _P, _P, _P, _P),
}


def _candidates() -> Iterator[str]:
    """Names to load, most trusted first."""
    named = os.environ.get("FLOWLOG_LIBRARY")
    if named:  # this one or none
        yield named
        return
    major, minor = _VERSION
    names = ([f"libflowlog.{major}.{minor}.dylib", "libflowlog.dylib"] if sys.platform == "darwin"
             else [f"libflowlog.so.{major}.{minor}", "libflowlog.so"])
    yield from names
    try:
        directory = subprocess.run(["pkg-config", "--variable=libdir", "libflowlog"], capture_output=True, text=True,
                                   check=True).stdout.strip()
        yield from (os.path.join(directory, name) for name in names)
    except (OSError, subprocess.CalledProcessError):
        pass
    found = ctypes.util.find_library("flowlog")
    if found:
        yield found


def _load() -> ctypes.CDLL:
    """The library, with every signature; ImportError when it is missing or is not the one this file describes."""
    told = []
    for name in _candidates():
        try:
            lib = ctypes.CDLL(name)
            break
        except OSError as e:
            told.append(str(e))
    else:
        raise ImportError("libflowlog was not found; FLOWLOG_LIBRARY names it (" + "; ".join(told) + ")")
    try:
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = getattr(lib, "flowlog_" + name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as e:
        raise ImportError(f"{lib._name} is another version of libflowlog: {e}") from None
    have = lib.flowlog_version()
    if (have // 10000, have // 100 % 100) != _VERSION:
        raise ImportError("%s is libflowlog %s, this file is for %d.%d" %
                          (lib._name, lib.flowlog_version_text().decode(), *_VERSION))
    for name, kind in _STRUCTS.items():
        size = lib.flowlog_struct_size(b"flowlog_" + name.encode())
        if size != ctypes.sizeof(kind):
            raise ImportError(f"{lib._name}: flowlog_{name} has {size} bytes, this file knows {ctypes.sizeof(kind)}")
    return lib


_lib = _load()
_alloc: Optional[int] = None  # address of a flowlog_alloc for all objects to come; None: malloc.  For tests

_END, _E_STATE, _E_CANCELLED, _E_IO, _E_FIELD = 1, -12, -13, -21, -41
_TEXT, _U32, _U64, _TIME, _ADDR, _ENUM, _DECIMAL = 1, 2, 3, 4, 5, 6, 7
_READ_LINES, _READ_STOP_ON_BAD, _READ_RECORDS_ONLY = 1, 2, 4
_FORM_JSON = 1


def version() -> str:
    """The version of the library that is loaded, "0.1.0"."""
    return _lib.flowlog_version_text().decode()


def simd() -> str:
    """The SIMD level in use: scalar, sse42, avx2, avx512 or neon."""
    return _lib.flowlog_simd_name().decode()


def fields() -> List[Dict[str, Any]]:
    """The catalogue: number, name, underscore, version, vpc, tgw and meaning of every field."""
    rows = (_lib.flowlog_field_get(n).contents for n in range(1, _lib.flowlog_field_count() + 1))
    return [{"number": f.field, "name": f.name.decode(), "underscore": f.underscore.decode(), "version": f.version,
             "vpc": bool(f.vpc), "tgw": bool(f.tgw), "meaning": f.meaning.decode()} for f in rows]


# --- failures -------------------------------------------------------------------------------------------------

class FlowlogError(Exception):
    """What the library refused, and where.

    status   the number, negative       name     "E_SYNTAX", "E_CORRUPT" ...
    message  a sentence                 what     what was at fault: "where", "by", "agg", a path ...; or None
    offset   bytes into the text or input; 0 when unknown
    line, column   from 1; 0 when unknown
    """

    def __init__(self, status: int, message: str, *, what: Optional[str] = None, offset: int = 0, line: int = 0,
                 column: int = 0) -> None:
        super().__init__(status, message)
        self.status, self.message, self.what = status, message, what
        self.offset, self.line, self.column = offset, line, column

    @property
    def name(self) -> str:
        return _lib.flowlog_status_name(self.status).decode().replace("FLOWLOG_", "", 1)

    def __reduce__(self) -> Tuple[Any, ...]:  # errors come back from other processes
        return _rebuild_error, (self.status, self.message, self.what, self.offset, self.line, self.column)

    def __str__(self) -> str:
        where = [f"{n} {v}" for n, v in (("line", self.line), ("column", self.column), ("offset", self.offset)) if v]
        return (f"{self.what}: " if self.what else "") + self.message + (f" ({', '.join(where)})" if where else "")


def _rebuild_error(status: int, message: str, what: Optional[str], offset: int, line: int, column: int) -> FlowlogError:
    return FlowlogError(status, message, what=what, offset=offset, line=line, column=column)


def _failure(err: _Error, status: int, what: Optional[str]) -> FlowlogError:
    message = err.message.decode("utf-8", "replace") or _lib.flowlog_status_message(status).decode()
    return FlowlogError(status, message, what=what, offset=err.offset, line=err.line, column=err.column)


def _call(function: Any, *arguments: Any, what: Optional[str] = None) -> int:
    """Call a function whose last argument is a flowlog_error; its status, or the failure as an exception."""
    err = _Error()
    status = function(*arguments, byref(err))
    if status < 0:
        raise _failure(err, status, what)
    return status


def _check(status: int, what: Optional[str] = None) -> None:
    """The same for functions without one."""
    if status < 0:
        raise FlowlogError(status, _lib.flowlog_status_message(status).decode(), what=what)


class _Trap:
    """Python functions that C calls: what they raise ends the C call, and is raised again when that has returned."""

    def __init__(self) -> None:
        self.raised: Optional[BaseException] = None

    def wrap(self, kind: Any, failed: Any, function: Callable[..., Any]) -> Any:
        def called(*arguments: Any) -> Any:
            if self.raised is not None:
                return failed
            try:
                return function(*arguments)
            except BaseException as e:  # KeyboardInterrupt too: it is raised where the caller waits
                self.raised = e
                return failed
        return kind(called)

    def spring(self) -> None:
        raised, self.raised = self.raised, None
        if raised is not None:
            raise raised


# --- objects of the library -----------------------------------------------------------------------------------

class _Handle:
    """Owns one object of the library, and keeps alive what that borrows.  Freed once, at the latest when it is lost."""

    __slots__ = ("pointer", "_finalizer", "__weakref__")

    def __init__(self, pointer: c_void_p, free: Any, *borrowed: Any) -> None:
        self.pointer = pointer
        self._finalizer = weakref.finalize(self, _free, free, pointer, borrowed)

    def free(self) -> None:
        self._finalizer()

    def disown(self) -> Tuple[Any, ...]:
        """Another object of the library owns it now, which borrows what this gives."""
        detached = self._finalizer.detach()
        return detached[2][2] if detached else ()


def _free(free: Any, pointer: c_void_p, borrowed: Tuple[Any, ...]) -> None:
    free(pointer)  # `borrowed` lives until here


def _joined(names: Texts) -> Optional[bytes]:
    """A text, or a sequence of them joined by commas, as the library takes it."""
    if names is None:
        return None
    return _encoded(names if isinstance(names, str) else ",".join(names))


def _encoded(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if b"\0" in data:
        raise ValueError("embedded null character")
    return data


def _format(text: Optional[str]) -> Optional[_Handle]:
    if text is None:
        return None
    out, data = c_void_p(), _encoded(text)
    _call(_lib.flowlog_format_parse, data, len(data), _alloc, byref(out), what="format")
    return _Handle(out, _lib.flowlog_format_free)


def _filter_options(fmt: Optional[_Handle], now: Optional[float]) -> _FilterOptions:
    return _FilterOptions(ctypes.sizeof(_FilterOptions), 0, fmt.pointer if fmt else None, _alloc,
                          int(time.time() if now is None else now))


def _filter(text: Optional[str], fmt: Optional[_Handle], now: Optional[float]) -> Optional[_Handle]:
    if text is None:
        return None
    out, data, options = c_void_p(), _encoded(text), _filter_options(fmt, now)
    _call(_lib.flowlog_filter_parse, data, len(data), byref(options), byref(out), what="where")
    return _Handle(out, _lib.flowlog_filter_free)


def _source(paths: Any, trap: _Trap, map_files: bool) -> _Handle:
    """A source of what `paths` is; see the top of this file."""
    out = c_void_p()
    if isinstance(paths, (bytes, bytearray, memoryview)):
        if isinstance(paths, bytes):
            owner: Any = paths
            address = ctypes.cast(c_char_p(paths), c_void_p)
        elif not memoryview(paths).readonly and memoryview(paths).contiguous:
            owner = (ctypes.c_char * memoryview(paths).nbytes).from_buffer(paths)
            address = ctypes.cast(owner, c_void_p)
        else:
            return _source(bytes(paths), trap, map_files)
        size = memoryview(paths).nbytes
        _call(_lib.flowlog_source_memory, address, size, b"memory", _alloc, byref(out))
        return _Handle(out, _lib.flowlog_source_close, owner)
    if hasattr(paths, "read"):
        def read_some(_ctx: Any, buf: int, cap: int) -> int:
            data = bytes(memoryview(paths.read(cap)))  # a text file is a TypeError here
            if len(data) > cap:
                raise ValueError("read() gave more bytes than it was asked for")
            ctypes.memmove(buf, data, len(data))
            return len(data)
        callback = trap.wrap(_read_fn, -1, read_some)
        name = getattr(paths, "name", None)
        _call(_lib.flowlog_source_callback, callback, None, _encoded(name) if isinstance(name, str) else b"stream",
              _alloc, byref(out))
        return _Handle(out, _lib.flowlog_source_close, callback)
    listed = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    names = [os.fsencode(path) for path in listed]
    if any(b"\0" in name for name in names):
        raise ValueError("embedded null byte")
    array = (c_char_p * max(len(names), 1))(*names)
    _call(_lib.flowlog_source_paths, array, len(names), 1 if map_files else 0, _alloc, byref(out))
    return _Handle(out, _lib.flowlog_source_close)


# --- Arrow ----------------------------------------------------------------------------------------------------

_release_fn = ctypes.CFUNCTYPE(None, c_void_p)
_capsule_new = ctypes.PYFUNCTYPE(ctypes.py_object, c_void_p, c_char_p, c_void_p)(("PyCapsule_New", ctypes.pythonapi))
_capsule_pointer = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
_capsule_name = ctypes.PYFUNCTYPE(c_char_p, c_void_p)(("PyCapsule_GetName", ctypes.pythonapi))
_capsules: Dict[int, Tuple[Any, bytes]] = {}  # address: the structure there, and the capsule's name
_exports: Dict[int, Tuple[int, Any]] = {}     # private_data of a stream: its own release, and what it borrows


@ctypes.PYFUNCTYPE(None, c_void_p)
def _capsule_lost(capsule: int, pointer: Any = _capsule_pointer, name: Any = _capsule_name, capsules: Any = _capsules,
                  release: Any = _release_fn) -> None:  # what it needs is bound: the module may be half gone
    address = pointer(capsule, name(capsule))
    struct, _ = capsules.pop(address)
    if struct.release:  # else a consumer has moved it
        release(struct.release)(address)


def _capsule(struct: Any, name: bytes) -> Any:
    """A capsule that owns an Arrow structure, as the PyCapsule interface of Arrow wants it."""
    address = ctypes.addressof(struct)
    _capsules[address] = struct, name
    return _capsule_new(address, name, ctypes.cast(_capsule_lost, c_void_p))


@_release_fn
def _stream_released(address: int, exports: Any = _exports, stream: Any = _ArrowStream, release: Any = _release_fn) -> None:
    original, borrowed = exports.pop(stream.from_address(address).private_data)
    release(original)(address)
    del borrowed


def _stream_capsule(export: Any, handle: _Handle, options: _ArrowOptions, *borrowed: Any) -> Any:
    """The object of `handle` as a stream, which owns it from then on, and `borrowed` until it is released."""
    stream = _ArrowStream()
    _call(export, handle.pointer, byref(options), byref(stream))
    _exports[stream.private_data] = stream.release, (handle.disown(), borrowed)
    stream.release = ctypes.cast(_stream_released, c_void_p).value
    return _capsule(stream, b"arrow_array_stream")


def _arrow_options() -> _ArrowOptions:
    return _ArrowOptions(ctypes.sizeof(_ArrowOptions), 0, 0, 0, _alloc)


# --- counters -------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class BadLine:
    """A malformed line; `line` and `column` from 1, column 0: the whole line.  `offset` after decompression."""
    file: int
    line: int
    offset: int
    reason: str
    column: int
    text: str


@dataclass(frozen=True)
class Counters:
    """Every line once: lines = records + nodata + skipdata + headers + malformed + skipped (reader.h)."""
    files: int
    bytes: int
    lines: int
    records: int
    nodata: int
    skipdata: int
    headers: int
    malformed: int
    skipped: int
    irregular: int
    ms_times: int
    odd_times: int
    reasons: Mapping[str, int]
    bad_lines: Sequence[BadLine]


def _counters(c: _Counters) -> Counters:
    def name(reason: int) -> str:
        return (_lib.flowlog_reason_name(reason) or b"").decode()
    bad = tuple(BadLine(b.file, b.line, b.offset, name(b.reason), b.column, b.text.decode("utf-8", "surrogateescape"))
                for b in c.bad_line[:c.bad_lines])
    return Counters(**{field: getattr(c, field) for field, _ in _Counters._fields_[:12]},
                    reasons={name(i): n for i, n in enumerate(c.reasons) if n}, bad_lines=bad)


# --- columns and batches --------------------------------------------------------------------------------------

class _Lease:
    """The right to look at a batch's memory: every view of it holds this, and this holds the reader."""

    __slots__ = ("handle", "__weakref__")

    def __init__(self, handle: _Handle) -> None:
        self.handle = handle


def _text(data: Any) -> str:
    return str(data, "utf-8", "surrogateescape")


# Any memory, cut to its length by a slice: ctypes would make a new type for each length.
_Memory = c_uint8 * 0x7FFFFFFF

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _datetime(seconds: Optional[int]) -> Union[datetime, int, None]:
    """Aware, UTC; what Python's years cannot hold stays a number."""
    if seconds is None:
        return None
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return seconds


_enum_names: Dict[int, List[Optional[str]]] = {}


def _enum(field: int) -> List[Optional[str]]:
    """Names of a field's codes; [0] is None: another token, kept as text."""
    names = _enum_names.get(field)
    if names is None:
        names = [None]
        while True:
            name = _lib.flowlog_enum_name(field, len(names))
            if name is None:
                break
            names.append(name.decode())
        _enum_names[field] = names
    return names


class Column:
    """One column of a batch.

    name        as AWS spells it            type   "u32", "u64", "time", "addr", "enum" or "text"
    null_count  rows without a value        present  False: this file's format has no such field

    Memory, as memoryviews; numpy.asarray(view) shares it.  Which there are depends on `type` (batch.h):

    values      u32: I   u64: Q   time: q, seconds since 1970   addr: I, the IPv4 address as a number
                enum: B, codes of `categories`   text: None.  A null row is 0, so sums need not look at `validity`
    validity    Q, bit r % 64 of [r // 64] is 1 where row r has a value
    family      addr: B, 4, 6 or 0          wide   addr: B[rows, 16], set where family is 6
    spans       text, enum: I[rows, 2], offset and length in batch.text; enum: set where the code is 0

    They are valid until the reader moves on; then using one is a ValueError, and moving on while an array still
    shares one is a BufferError.  numpy.asarray(column) and list(column) are copies that stay.
    """

    __slots__ = ("_batch", "_index", "name", "field", "type", "present", "null_count")
    _ITEMS = {"u32": ("I", 4), "u64": ("Q", 8), "time": ("q", 8), "addr": ("I", 4), "enum": ("B", 1)}

    def __init__(self, batch: "Batch", index: int, present: bool, null_count: int) -> None:
        self._batch, self._index, self.present, self.null_count = batch, index, present, null_count
        self.name, self.field, self.type = batch._schema.columns[index]

    @property
    def values(self) -> Any:
        item = self._ITEMS.get(self.type)
        return self._batch._view(self._index, "values", *item) if item else None

    @property
    def validity(self) -> Any:
        return self._batch._view(self._index, "validity", "Q", 8, count=(self._batch.rows + 63) // 64)

    @property
    def family(self) -> Any:
        return self._batch._view(self._index, "family", "B", 1) if self.type == "addr" else None

    @property
    def wide(self) -> Any:
        return self._batch._view(self._index, "wide", "B", 16, 16) if self.type == "addr" else None

    @property
    def spans(self) -> Any:
        return self._batch._view(self._index, "spans", "I", 8, 2) if self.type in ("text", "enum") else None

    @property
    def categories(self) -> List[Optional[str]]:
        """Names of the codes of an enum; [0] is None."""
        return list(_enum(self.field))

    def __len__(self) -> int:
        return self._batch.rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, row: Any) -> Any:
        """The Python value of one row, or a list of them for a slice."""
        if isinstance(row, slice):
            return self.tolist()[row]
        row = range(self._batch.rows)[row]
        if not self.validity[row // 64] >> row % 64 & 1:
            return None
        if self.type == "addr":
            return self._addr_text(row)
        if self.type == "text":
            return self._token(row)
        value = self.values[row]
        return value if self.type != "enum" else _enum(self.field)[value] if value else self._token(row)

    def __repr__(self) -> str:
        return f"<flowlog.Column {self.name!r} {self.type}>"

    def tolist(self) -> List[Any]:
        """Python values: int, or str of addresses, names and text; None for null.  Times in seconds since 1970.

        A byte of text that is part of no UTF-8 is a surrogate, as in os.fsdecode (in answers, which come as JSON, the
        character of its number).
        """
        values = getattr(self, "_" + self.type)()
        if self.null_count:
            validity = self.validity
            for word, bits in enumerate(validity):
                if bits == 0xFFFFFFFFFFFFFFFF:
                    continue
                first = word * 64
                for row in range(first, min(first + 64, len(values))):
                    if not bits >> (row - first) & 1:
                        values[row] = None
        return values

    def _u32(self) -> List[Any]:
        return self.values.tolist()

    _u64 = _time = _u32

    def _token(self, row: int) -> str:
        spans = self.spans
        offset = spans[row, 0]
        return _text(self._batch.text[offset:offset + spans[row, 1]])

    def _text(self) -> List[Any]:
        text, flat = self._batch.text, self.spans.cast("B").cast("I").tolist()
        return [_text(text[o:o + n]) for o, n in zip(flat[::2], flat[1::2])]

    def _enum(self) -> List[Any]:
        names, codes = _enum(self.field), bytes(self.values)
        out: List[Any] = [names[code] for code in codes]
        if codes.count(0) > self.null_count:
            validity = self.validity
            row = codes.find(0)
            while row >= 0:
                if validity[row // 64] >> row % 64 & 1:
                    out[row] = self._token(row)
                row = codes.find(0, row + 1)
        return out

    def _addr_text(self, row: int) -> str:
        if self.family[row] != 6:
            return socket.inet_ntoa(self.values[row].to_bytes(4, "big"))
        addr, text = _Addr(family=6), ctypes.create_string_buffer(40)
        addr.bytes[:] = self.wide[row:row + 1].tolist()[0]
        _lib.flowlog_addr_format(byref(addr), text)
        return text.value.decode()

    def _addr(self) -> List[Any]:
        ntoa = socket.inet_ntoa
        out: List[Any] = [ntoa(number.to_bytes(4, "big")) for number in self.values]
        family = bytes(self.family)
        row = family.find(6)
        while row >= 0:
            out[row] = self._addr_text(row)
            row = family.find(6, row + 1)
        return out

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> Any:
        import numpy
        made = numpy.array(self.tolist(), object) if self.type == "text" else numpy.array(self.values)
        return made if dtype is None else made.astype(dtype)


class _Schema:
    """What batches of one reader and one format have in common."""

    _TYPES = {_TEXT: "text", _U32: "u32", _U64: "u64", _TIME: "time", _ADDR: "addr", _ENUM: "enum"}

    def __init__(self, c: _Batch) -> None:
        self.columns = [(_text(c.column[i].name), c.column[i].field, self._TYPES[c.column[i].type])
                        for i in range(c.columns)]
        self._found = {name: index for index, (name, _, _) in enumerate(self.columns)}

    def find(self, name: str) -> int:
        """Any spelling of a field: srcaddr, src_addr, srcAddr; -1: there is none."""
        index = self._found.get(name)
        if index is None:
            data = _encoded(name)
            field = _lib.flowlog_field_find(data, len(data))
            plain = re.sub("[-_]", "", name).lower()
            index = next((i for i, (known, number, _) in enumerate(self.columns)
                          if (number == field if field else re.sub("[-_]", "", known).lower() == plain)), -1)
            self._found[name] = index
        return index


class Batch:
    """Some rows, as columns: batch["bytes"], batch[0].  Valid until its reader moves on; copy() stays.

    rows, len(batch)    how many            names       of the columns
    file, path          which input
    text                what spans refer to, bytes
    log_status          B, 1 OK, 2 NODATA, 3 SKIPDATA, 0 another or none, of each row
    lines, line_numbers I[rows, 2] spans in text; Q; only with read(..., lines=True)
    """

    def __init__(self, c: _Batch, schema: "_Schema", lease: Optional[_Lease], path: Optional[str]) -> None:
        self.rows: int = c.rows
        self.file: int = c.file
        self.path = path
        self._c: Optional[_Batch] = c
        self._schema = schema
        self._lease = lease
        self._views: Dict[Tuple[int, str], Optional[memoryview]] = {}
        self._facts: List[Tuple[bool, int]] = []  # of a copy: present and null_count of each column

    def _view(self, index: int, member: str, format: str, width: int, inner: int = 0, count: int = -1) -> Any:
        """A view of `count` (all rows) elements of `width` bytes at a member of column `index`; -1: of the batch."""
        key = (index, member)
        if key in self._views:
            return self._views[key]
        c = self._valid()
        address = getattr(c.column[index] if index >= 0 else c, member)
        if not address:
            view = None
        else:
            size = (self.rows if count < 0 else count) * width
            raw: Any = _Memory.from_address(address)
            raw._owner = self._lease  # the memory lives as long as somebody can see it
            view = memoryview(raw).toreadonly().cast("B")[:size]
            if inner:
                view = view.cast(format, (size // width, inner))
            elif format != "B":
                view = view.cast(format)
        self._views[key] = view
        return view

    def _valid(self) -> _Batch:
        if self._c is None:
            raise FlowlogError(_E_STATE, "this is a copy" if self._facts else
                               "this batch is gone: its reader moved on or was closed; batch.copy() stays")
        return self._c

    @property
    def columns(self) -> List[Column]:
        return [self._column(i) for i in range(len(self._schema.columns))]

    def _column(self, index: int) -> Column:
        if self._facts:
            return Column(self, index, *self._facts[index])
        c = self._valid().column[index]
        return Column(self, index, bool(c.present), c.null_count)

    @property
    def names(self) -> List[str]:
        return [name for name, _, _ in self._schema.columns]

    def keys(self) -> List[str]:
        return self.names

    @property
    def text(self) -> Any:
        key = (-1, "text")
        return self._views[key] if key in self._views else self._view(*key, "B", 1, count=self._valid().text_len)

    @property
    def log_status(self) -> Any:
        return self._view(-1, "log_status", "B", 1)

    @property
    def lines(self) -> Any:
        return self._view(-1, "lines", "I", 8, 2)

    @property
    def line_numbers(self) -> Any:
        return self._view(-1, "line_numbers", "Q", 8)

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._schema.find(name) >= 0

    def __getitem__(self, name: Union[str, int]) -> Column:
        index = self._schema.find(name) if isinstance(name, str) else range(len(self._schema.columns))[name]
        if index < 0:
            raise KeyError(name)
        return self._column(index)

    def dicts(self, *, datetimes: bool = False) -> List[Dict[str, Any]]:
        """The rows, each a dict with the names of the columns as Athena and JSON spell them."""
        names = [name.replace("-", "_") for name in self.names]
        lists = [column.tolist() for column in self.columns]
        if datetimes:
            lists = [[_datetime(v) for v in values] if column.type == "time" else values
                     for column, values in zip(self.columns, lists)]
        return [dict(zip(names, row)) for row in zip(*lists)] if lists else [{} for _ in range(self.rows)]

    def copy(self) -> "Batch":
        """The same batch in memory of its own, which stays valid."""
        self.text, self.log_status, self.lines, self.line_numbers  # each view made
        for column in self.columns:
            column.values, column.validity, column.family, column.wide, column.spans
        other = Batch.__new__(Batch)
        other.rows, other.file, other.path, other._schema = self.rows, self.file, self.path, self._schema
        other._c = other._lease = None
        other._facts = [(column.present, column.null_count) for column in self.columns]
        other._views = {}
        for key, view in self._views.items():
            if view is not None:
                flat = memoryview(view.tobytes())
                shape: Any = view.shape
                view = flat.cast(view.format, shape) if len(view) else flat  # empty: text that nobody refers to
            other._views[key] = view
        return other

    def __arrow_c_array__(self, requested_schema: Any = None) -> Tuple[Any, Any]:
        """A struct array with a child for each column, in memory of its own (arrow.h).  Not of copies."""
        schema, array, options = _ArrowSchema(), _ArrowArray(), _arrow_options()
        _call(_lib.flowlog_batch_to_arrow, byref(self._valid()), byref(options), byref(schema), byref(array))
        return _capsule(schema, b"arrow_schema"), _capsule(array, b"arrow_array")

    def _release(self) -> None:
        """Take back what was handed out, as far as nothing shares it."""
        views, self._views = self._views, {}
        self._lease = None
        for view in views.values():
            if view is not None:
                try:
                    view.release()
                except BufferError:
                    pass  # an array shares it: the lease tells


# --- reading --------------------------------------------------------------------------------------------------

class Reader:
    """Batches of a log, one at a time: `for batch in reader`.  Made by read().

    A context manager; one that is lost is closed too.  Memory that arrays still share is freed with the last of them.
    """

    def __init__(self, paths: Paths, fields: Texts, where: Optional[str], *, format: Optional[str], flags: int,
                 batch_rows: int, line_max: int, map_files: bool, on_damage: Optional[Callable[[FlowlogError], Any]],
                 now: Optional[float], copy: bool) -> None:
        self._trap = _Trap()
        self._lock = threading.Lock()
        self._on_damage, self._copy = on_damage, copy
        self._batch: Optional[Batch] = None
        self._leased: Callable[[], Optional[_Lease]] = lambda: None
        self._last: Optional[Counters] = None
        self._exported: Optional[_Counters] = None
        self._schemas: Dict[Optional[int], _Schema] = {}
        self._file = -1
        self._path: Optional[str] = None
        fmt = _format(format)
        chosen = _filter(where, fmt, now)
        options = _ReaderOptions(ctypes.sizeof(_ReaderOptions), flags, _joined(fields), fmt.pointer if fmt else None,
                                 _alloc, batch_rows, line_max, chosen.pointer if chosen else None)
        source = _source(paths, self._trap, map_files)
        out = c_void_p()
        _call(_lib.flowlog_reader_open, source.pointer, byref(options), byref(out), what="fields")
        self._handle: Optional[_Handle] = _Handle(out, _lib.flowlog_reader_close, chosen, source.disown())

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        self._take()
        try:
            return self._advance()
        finally:
            self._lock.release()

    def _take(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise FlowlogError(_E_STATE, "this reader is being used by another thread")

    def _retire(self, anyway: bool = False) -> None:
        """The last batch is over.  It goes on when something shares its memory: then this is refused, or not."""
        batch, self._batch = self._batch, None
        if batch is not None:
            batch._release()
        lease = self._leased()
        if lease is not None and not anyway:
            if batch is not None:
                self._batch, batch._lease = batch, lease
            raise BufferError("an array or a slice still shares memory of the last batch, which is about to be used "
                              "again: delete it, or copy it (numpy.array), or read(..., copy=True)")
        if batch is not None:
            batch._c = None

    def _advance(self) -> Batch:
        self._retire()
        handle = self._handle
        if handle is None:
            raise FlowlogError(_E_STATE, "this reader is closed")
        pointer = POINTER(_Batch)()
        while True:
            err = _Error()
            status = _lib.flowlog_reader_next(handle.pointer, byref(pointer), byref(err))
            if status == 0:
                break
            self._trap.spring()
            if status == _END:
                raise StopIteration
            failure = _failure(err, status, self.path(_lib.flowlog_reader_file(handle.pointer)))
            if self._on_damage is None or status not in _DAMAGE:
                raise failure
            self._on_damage(failure)
        lease, c = _Lease(handle), pointer.contents
        schema = self._schemas.get(c.format)  # formats live as long as their reader
        if schema is None:
            schema = self._schemas[c.format] = _Schema(c)
        if c.file != self._file:
            self._file, self._path = c.file, self.path(c.file)
        batch = Batch(c, schema, lease, self._path)
        self._leased, self._batch = weakref.ref(lease), batch
        if self._copy:
            kept = batch.copy()
            del lease
            self._retire()
            return kept
        return batch

    def records(self, *, datetimes: bool = False) -> Iterator[Dict[str, Any]]:
        """Row by row, as dicts: the easy way, and the slow one."""
        for batch in self:
            yield from batch.dicts(datetimes=datetimes)

    def path(self, file: int) -> Optional[str]:
        """The name of input `file`; None when there is none, or the reader is closed."""
        name = _lib.flowlog_reader_path(self._handle.pointer, file) if self._handle else None
        return None if name is None else os.fsdecode(name)

    @property
    def counters(self) -> Counters:
        """What was read so far; after close, what had been."""
        if self._handle is not None:
            return _counters(_lib.flowlog_reader_counters(self._handle.pointer).contents)
        if self._exported is not None:
            return _counters(self._exported)
        assert self._last is not None
        return self._last

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows that are left, for pyarrow, Polars, DuckDB ... (arrow.h); the reader is then closed to others."""
        self._take()
        try:
            self._retire()
            if self._handle is None:
                raise FlowlogError(_E_STATE, "this reader is closed")
            counters, options, trap, told = _Counters(), _arrow_options(), self._trap, self._on_damage

            def damaged(_ctx: Any, name: Optional[bytes], err: Any) -> int:
                if told is not None:
                    told(_failure(err.contents, err.contents.status, os.fsdecode(name or b"")))
                return 0 if told is not None else err.contents.status

            options.counters = ctypes.pointer(counters)
            options.damage = trap.wrap(_damage_fn, _E_CANCELLED, damaged)
            ctypes.memmove(byref(counters), _lib.flowlog_reader_counters(self._handle.pointer),
                           ctypes.sizeof(counters))
            capsule = _stream_capsule(_lib.flowlog_reader_to_arrow, self._handle, options, counters, options.damage)
            self._handle, self._exported = None, counters
            return capsule
        finally:
            self._lock.release()

    def close(self) -> None:
        """End it.  May be called again."""
        self._take()
        try:
            if self._handle is not None:
                self._last = self.counters
                self._retire(anyway=True)
                handle, self._handle = self._handle, None
                if self._leased() is None:
                    handle.free()
        finally:
            self._lock.release()


_BATCH_ROWS = 65536  # large, so that Python's share of the work is small
_DAMAGE = (_E_IO, -30, -31)  # E_IO, E_CORRUPT, E_FORMAT: of one input, the next ones can be read


def read(paths: Paths, fields: Texts = None, where: Optional[str] = None, *, format: Optional[str] = None,
         records_only: bool = False, stop_on_bad: bool = False, lines: bool = False, batch_rows: int = 0,
         line_max: int = 0, map: bool = False, on_damage: Optional[Callable[[FlowlogError], Any]] = None,
         now: Optional[float] = None, copy: bool = False) -> Reader:
    """Read logs as batches of columns.

    fields        names, as a text or a list: only these are decoded, in this order.  None: all
    where         only rows that match, "reject and dst port 22"
    format        of lines that follow no header, as AWS prints it: "${version} ${account-id} ..."
    records_only  leave out NODATA and SKIPDATA rows (they are still counted)
    stop_on_bad   a malformed line is an error; else it is counted
    lines         batch.lines and batch.line_numbers
    batch_rows    most rows of a batch; 0: 65536, which is also the most
    line_max      longest line in bytes; 0: 65536, at most 1 MiB; a longer one is malformed
    map           map large files into memory: faster, but a file that shrinks meanwhile ends the process
    on_damage     called with the error of an input that cannot be read to its end; reading then goes on with the
                  next one.  None: the error is raised, and calling next() again goes on
    now           seconds since 1970 that "last 2h" counts from; None: the clock
    copy          batches that stay valid, at the price of copying them
    """
    flags = (_READ_LINES if lines else 0) | (_READ_STOP_ON_BAD if stop_on_bad else 0) | \
        (_READ_RECORDS_ONLY if records_only else 0)
    return Reader(paths, fields, where, format=format, flags=flags, batch_rows=batch_rows or _BATCH_ROWS,
                  line_max=line_max, map_files=map, on_damage=on_damage, now=now, copy=copy)


def records(paths: Paths, fields: Texts = None, where: Optional[str] = None, *, datetimes: bool = False,
            **options: Any) -> Iterator[Dict[str, Any]]:
    """Rows as dicts, one by one; options as for read()."""
    return _closing(read(paths, fields, where, **options), datetimes)


def _closing(reader: Reader, datetimes: bool) -> Iterator[Dict[str, Any]]:
    with reader:
        yield from reader.records(datetimes=datetimes)


# --- questions ------------------------------------------------------------------------------------------------

class Answer(List[Dict[str, Any]]):
    """The rows of an answer, each a dict; a list, and what is to be known beside it.

    columns       names of the columns      keys         how many of them are keys
    groups        before having and limit   null_keys    rows left out because a key was null
    counted       rows that took part       approximate  columns with estimates
    counters      of the lines read; None for merged partials
    """

    columns: List[str]
    keys: int
    groups: int
    null_keys: int
    counted: int
    approximate: List[str]
    counters: Optional[Counters]
    _result: Optional[_Handle]

    def __getstate__(self) -> Dict[str, Any]:  # other processes get the rows
        return dict(self.__dict__, _result=None)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows of the answer, for pyarrow, Polars, DuckDB ... (arrow.h).  Can be given away once."""
        result, self._result = self._result, None
        if result is None:
            raise FlowlogError(_E_STATE, "this answer was given away already")
        return _stream_capsule(_lib.flowlog_result_to_arrow, result, _arrow_options())


def _plan(by: Texts, agg: Texts, where: Optional[str], having: Optional[str], sort: Texts, limit: int, per: Texts,
          keep_nulls: bool, max_groups: int, approximate: bool, fmt: Optional[_Handle], now: Optional[float]) -> _Handle:
    out = c_void_p()
    _check(_lib.flowlog_plan_new(_alloc, byref(out)))
    plan, p = _Handle(out, _lib.flowlog_plan_free), out
    _check(_lib.flowlog_plan_where_options(p, byref(_filter_options(fmt, now))))
    if where is not None:
        _call(_lib.flowlog_plan_where, p, _encoded(where), what="where")
    if by:
        _call(_lib.flowlog_plan_key, p, _joined(by), what="by")
    _call(_lib.flowlog_plan_select, p, _joined(agg), what="agg")
    if having is not None:
        _call(_lib.flowlog_plan_having, p, _encoded(having), what="having")
    for column in [sort] if isinstance(sort, str) else sort or ():
        name, colon, order = column.rpartition(":")
        if not colon or order not in ("asc", "desc"):
            name, order = column, "desc"
        _call(_lib.flowlog_plan_sort, p, _encoded(name), int(order == "desc"), what="sort")
    if per is not None:
        _call(_lib.flowlog_plan_limit_per, p, _joined(per), limit, what="per")
    else:
        _check(_lib.flowlog_plan_limit(p, limit), "limit")
    _check(_lib.flowlog_plan_keep_null_keys(p, int(keep_nulls)))
    _check(_lib.flowlog_plan_max_groups(p, max_groups), "max_groups")
    _check(_lib.flowlog_plan_approximate(p, int(approximate)))
    return plan


def _place(e: FlowlogError, plan: _Handle, **texts: Texts) -> FlowlogError:
    """A field that nothing knows is found out when reading begins: put its error where the name was given."""
    if e.status == _E_FIELD and e.what is None:
        asked = _lib.flowlog_plan_fields(plan.pointer)[e.offset:].split(b",")[0]
        e.what, e.offset, e.column = "fields", 0, 0
        for what, text in texts.items():
            found = re.search(rb"(?<![\w-])" + re.escape(asked) + rb"(?![\w-])", _joined(text) or b"")
            if found:
                e.what, e.offset, e.column = what, found.start(), found.start() + 1
                break
    return e


def _run(function: Any, paths: Paths, threads: int, fmt: Optional[_Handle], line_max: int, stop_on_bad: bool,
         map_files: bool, on_damage: Optional[Callable[[FlowlogError], Any]],
         progress: Optional[Callable[[int, int], Any]]) -> Tuple[_Handle, Counters]:
    """Read `paths` to their end by `function(source, options, err)`; the source, and what was counted."""
    trap = _Trap()
    source = _source(paths, trap, map_files)

    def told(_ctx: Any, done: int, total: int) -> int:  # also the place where Ctrl-C is noticed
        if progress is not None:
            progress(done, total)
        return 0

    def damaged(_ctx: Any, name: Optional[bytes], err: Any) -> int:
        failure = _failure(err.contents, err.contents.status, os.fsdecode(name or b""))
        if on_damage is None:
            raise failure
        on_damage(failure)
        return 0

    counters, err = _Counters(), _Error()
    on_progress, on_damaged = trap.wrap(_progress_fn, 1, told), trap.wrap(_damage_fn, _E_CANCELLED, damaged)
    options = _RunOptions(ctypes.sizeof(_RunOptions), threads, _READ_STOP_ON_BAD if stop_on_bad else 0,
                          line_max, fmt.pointer if fmt else None, _alloc, on_progress, on_damaged, None,
                          ctypes.pointer(counters))
    status = function(source.pointer, byref(options), byref(err))
    trap.spring()
    if status < 0:
        raise _failure(err, status, None)
    return source, _counters(counters)


def _collect(plan: _Handle, *options: Any) -> Tuple[_Handle, Counters]:
    out = c_void_p()
    run = _Handle(out, _lib.flowlog_run_free, plan)  # of NULL, until there is one
    _, counters = _run(lambda source, how, err: _lib.flowlog_plan_collect(plan.pointer, source, how, byref(out), err),
                       *options)
    return run, counters


def _answer(run: _Handle, counters: Optional[Counters], datetimes: bool, decimal: Callable[[str], Any]) -> Answer:
    out = c_void_p()
    _call(_lib.flowlog_run_finish, run.pointer, byref(out))
    result, r = _Handle(out, _lib.flowlog_result_free), out
    pieces: List[bytes] = []
    trap = _Trap()

    def keep(_ctx: Any, data: int, length: int) -> int:
        pieces.append(ctypes.string_at(data, length))
        return 0

    # JSON is exact, and C reads it faster than one call for each value would be.
    _call(_lib.flowlog_write_result, r, _FORM_JSON, trap.wrap(_write_fn, -1, keep), None, _alloc)
    trap.spring()
    text = b"".join(pieces).rstrip(b"\n").replace(b"\n", b",")  # one object a line, no newline within one
    answer = Answer(json.loads(b"[" + text + b"]", parse_float=decimal))
    columns = range(_lib.flowlog_result_columns(r))
    answer.columns = [_text(_lib.flowlog_result_name(r, c)) for c in columns]
    answer.keys = _lib.flowlog_result_keys(r)
    answer.groups, answer.null_keys = _lib.flowlog_result_groups(r), _lib.flowlog_result_null_keys(r)
    answer.counted = _lib.flowlog_result_counted(r)
    answer.approximate = [answer.columns[c] for c in columns if _lib.flowlog_result_approximate(r, c)]
    answer.counters, answer._result = counters, result
    for c in columns:
        name, kind = answer.columns[c], _lib.flowlog_result_type(r, c)
        if kind == _DECIMAL:  # those without a fraction too
            for row in answer:
                if row[name] is not None:
                    row[name] = decimal(str(row[name]))
        elif kind == _TIME and datetimes:
            for row in answer:
                row[name] = _datetime(row[name])
    return answer


def group(paths: Paths, by: Texts = None, agg: Texts = "count", where: Optional[str] = None, *,
          having: Optional[str] = None, sort: Texts = None, limit: int = 0, per: Texts = None, keep_nulls: bool = False,
          max_groups: int = 0, approximate: bool = False, threads: int = 1, format: Optional[str] = None,
          line_max: int = 0, stop_on_bad: bool = False, map: bool = False,
          on_damage: Optional[Callable[[FlowlogError], Any]] = None,
          progress: Optional[Callable[[int, int], Any]] = None, now: Optional[float] = None, datetimes: bool = False,
          decimal: Callable[[str], Any] = Decimal) -> Answer:
    """Any question: keys, aggregates, conditions, order, limit; the rows as a list of dicts.

    by       keys: "srcaddr/24, bin(start,5m)" or a list; None: one row
    agg      columns: "count, sum(bytes) as bytes, p95(bytes)" or a list
    where    which records count            having   which groups are kept: "count > 50"
    sort     a column or a list of them, largest first; "name:asc": smallest first
    limit    at most that many rows, 0: all; with `per`, that many for each value of these keys
    keep_nulls  groups with a null key too  threads  the answer is the same for any number
    datetimes   times as datetime (UTC), else seconds since 1970
    decimal     what averages, shares and quotients become: decimal.Decimal, exact, or float
    progress    called with (bytes read, bytes in all or 0); what it raises ends the run

    The others are as for read() and in plan.h.
    """
    fmt = _format(format)
    plan = _plan(by, agg, where, having, sort, limit, per, keep_nulls, max_groups, approximate, fmt, now)
    try:
        run, counters = _collect(plan, paths, threads, fmt, line_max, stop_on_bad, map, on_damage, progress)
    except FlowlogError as e:
        raise _place(e, plan, by=by, agg=agg, having=having)
    return _answer(run, counters, datetimes, decimal)


def top(paths: Paths, by: Texts = "srcaddr", where: Optional[str] = None, *, measure: str = "bytes", limit: int = 10,
        **options: Any) -> Answer:
    """Who talks most: the largest groups by "bytes", "packets" or "flows", with the share of all.

    Rows have the keys, bytes, packets, flows and share; None where no record has such a field.  Options as for group().
    """
    if measure not in ("bytes", "packets", "flows"):
        raise ValueError("measure is bytes, packets or flows")
    of = "count" if measure == "flows" else f"sum({measure})"
    answer = group(paths, by, f"sum(bytes) as bytes, sum(packets) as packets, count as flows, share({of}) as share, "
                   "count(bytes) as has_bytes, count(packets) as has_packets", where, sort=measure, limit=limit,
                   **options)
    columns, result = list(answer.columns), answer._result
    assert result is not None
    for name in ("bytes", "packets"):
        total = c_uint64()
        column = columns.index("has_" + name)
        _check(_lib.flowlog_result_total(result.pointer, column, byref(total)))
        absent = not total.value
        if absent and answer.counted and name == measure:
            raise FlowlogError(_E_FIELD, f"no record has the field '{name}'; measure='flows' counts records",
                               what="measure")
        for row in answer:
            del row["has_" + name]
            if absent:
                row[name] = None
        answer.columns.remove("has_" + name)
    return answer


def partial(paths: Paths, by: Texts = None, agg: Texts = "count", where: Optional[str] = None, *,
            having: Optional[str] = None, sort: Texts = None, limit: int = 0, per: Texts = None,
            keep_nulls: bool = False, max_groups: int = 0, threads: int = 1, format: Optional[str] = None,
            line_max: int = 0, stop_on_bad: bool = False, map: bool = False,
            on_damage: Optional[Callable[[FlowlogError], Any]] = None,
            progress: Optional[Callable[[int, int], Any]] = None, now: Optional[float] = None) -> bytes:
    """group() over some of the input, not finished: bytes for merge(), in this process or another, on any machine."""
    fmt = _format(format)
    plan = _plan(by, agg, where, having, sort, limit, per, keep_nulls, max_groups, False, fmt, now)
    try:
        run, _ = _collect(plan, paths, threads, fmt, line_max, stop_on_bad, map, on_damage, progress)
    except FlowlogError as e:
        raise _place(e, plan, by=by, agg=agg, having=having)
    return _save(run)


def _save(run: _Handle) -> bytes:
    pieces: List[bytes] = []
    trap = _Trap()

    def keep(_ctx: Any, data: int, length: int) -> int:
        pieces.append(ctypes.string_at(data, length))
        return 0

    _call(_lib.flowlog_run_save, run.pointer, trap.wrap(_write_fn, -1, keep), None)
    trap.spring()
    return b"".join(pieces)


def _merged(partials: Iterable[bytes]) -> _Handle:
    total: Optional[_Handle] = None
    for number, data in enumerate(partials):
        data = bytes(data)
        plan_out, run_out = c_void_p(), c_void_p()
        _call(_lib.flowlog_run_load, data, len(data), _alloc, byref(plan_out), byref(run_out),
              what=f"partial {number}")
        plan = _Handle(plan_out, _lib.flowlog_plan_free)
        run = _Handle(run_out, _lib.flowlog_run_free, plan)
        if total is None:
            total = run
        else:
            _call(_lib.flowlog_run_merge, total.pointer, run.pointer, what=f"partial {number}")
            run.free()
    if total is None:
        raise ValueError("no partials: there is no plan to answer")
    return total


def merge(partials: Iterable[bytes], *, datetimes: bool = False, decimal: Callable[[str], Any] = Decimal) -> Answer:
    """The answer of partials of one question, in whatever order they come."""
    return _answer(_merged(partials), None, datetimes, decimal)


def combine(partials: Iterable[bytes]) -> bytes:
    """Several partials as one."""
    return _save(_merged(partials))


def explain(by: Texts = None, agg: Texts = "count", where: Optional[str] = None, *, having: Optional[str] = None,
            sort: Texts = None, limit: int = 0, per: Texts = None, keep_nulls: bool = False, max_groups: int = 0,
            approximate: bool = False, format: Optional[str] = None, now: Optional[float] = None) -> str:
    """The question in its canonical form: equal texts are equal questions."""
    plan = _plan(by, agg, where, having, sort, limit, per, keep_nulls, max_groups, approximate, _format(format), now)
    size = _lib.flowlog_plan_explain(plan.pointer, None, 0) + 1
    text = ctypes.create_string_buffer(size)
    _lib.flowlog_plan_explain(plan.pointer, text, size)
    return text.value.decode("utf-8", "surrogateescape")


# --- diagnosis ------------------------------------------------------------------------------------------------

Json = Union[str, "os.PathLike[str]", Mapping[str, Any]]


def _json(given: Json, what: str) -> Tuple[bytes, str]:
    """JSON as the library takes it: a mapping is written out, everything else names a file."""
    if isinstance(given, Mapping):
        return json.dumps(given).encode(), what
    with open(given, "rb") as file:
        return file.read(), os.fspath(given)


def _address(text: Optional[str], what: str) -> _Addr:
    addr = _Addr()
    if text is not None:
        data = _encoded(str(text))
        if _lib.flowlog_addr_parse(data, len(data), byref(addr)) < 0:
            raise ValueError(f"{what} is an IPv4 or IPv6 address, not {text!r}")
    return addr


class Findings(List[Dict[str, Any]]):
    """What diagnose() found, each a dict as `flowlog diagnose --json` prints it; a list, and:

    warnings   sentences about the rules themselves     counters   of the lines read
    left_out   records without an address, a time ...   truncated  conversations given up for want of memory
    """

    warnings: List[str]
    left_out: int
    truncated: int
    counters: Counters


def diagnose(paths: Paths, *, rules: Union[Json, Sequence[Json], None] = None, context: Optional[Json] = None,
             client: Optional[str] = None, server: Optional[str] = None, port: int = 0, all: bool = False,
             grouped: bool = False, evidence: int = 2, max_conversations: int = 0, threads: int = 1,
             format: Optional[str] = None, line_max: int = 0, stop_on_bad: bool = False, map: bool = False,
             on_damage: Optional[Callable[[FlowlogError], Any]] = None,
             progress: Optional[Callable[[int, int], Any]] = None) -> Findings:
    """Which conversations are refused, by which layer, how sure that is, and what to change.

    rules     files (or mappings) as `aws ec2 describe-security-groups`, `describe-network-acls` ... print them
    context   what is known beside the log (diagnose.h); client, server, port: a question, answered last
    all       also conversations that are fine      grouped   equal ones once, with their number
    evidence  lines of the log that each finding keeps, at most 8

    The others are as for group().
    """
    out = c_void_p()
    options = _DiagnosisOptions(ctypes.sizeof(_DiagnosisOptions), int(all) | 2 * int(grouped), _alloc,
                                max_conversations, evidence)
    _call(_lib.flowlog_diagnosis_new, byref(options), byref(out), what="diagnose")
    diagnosis, d = _Handle(out, _lib.flowlog_diagnosis_free), out
    if context is not None:
        data, name = _json(context, "context")
        _call(_lib.flowlog_diagnosis_context, d, data, len(data), what=name)
    listed: Any = [rules] if isinstance(rules, (str, os.PathLike, Mapping)) else rules or ()
    for given in listed:
        data, name = _json(given, "rules")
        _call(_lib.flowlog_diagnosis_rules, d, data, len(data), what=name)
    if client is not None or server is not None or port:
        _call(_lib.flowlog_diagnosis_query, d, byref(_address(client, "client")), byref(_address(server, "server")),
              port, what="query")
    source, counters = _run(lambda *a: _lib.flowlog_diagnosis_collect(d, *a), paths, threads, _format(format), line_max,
                            stop_on_bad, map, on_damage, progress)
    found, trap, room = Findings(), _Trap(), ctypes.create_string_buffer(8192)

    def take(_ctx: Any, finding: int) -> int:
        nonlocal room
        need = _lib.flowlog_finding_json_source(finding, source.pointer, room, len(room)) + 1
        if need > len(room):
            room = ctypes.create_string_buffer(need)
            _lib.flowlog_finding_json_source(finding, source.pointer, room, need)
        found.append(json.loads(room.value))
        return 0

    def warn(_ctx: Any, text: int, length: int) -> None:
        found.warnings.append(_text(ctypes.string_at(text, length)))

    found.warnings, found.counters = [], counters
    found.left_out, found.truncated = _lib.flowlog_diagnosis_left_out(d), _lib.flowlog_diagnosis_truncated(d)
    _check(_lib.flowlog_diagnosis_warnings(d, trap.wrap(_warning_fn, None, warn), None))
    _call(_lib.flowlog_diagnosis_finish, d, trap.wrap(_finding_fn, 1, take), None)
    trap.spring()
    return found
