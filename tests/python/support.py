# SPDX-License-Identifier: MIT
"""What the tests of the Python binding share: the module, the bundled logs, the command, a counting allocator."""
import ctypes
import importlib.util
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(ROOT, "examples", "data")
PYTHON = os.path.join(ROOT, "examples", "python")
sys.path.insert(0, PYTHON)
import flowlog  # noqa: E402


def have(*names):
    return all(importlib.util.find_spec(name) for name in names)


def data(*parts):
    return os.path.join(DATA, *parts)


def command(*arguments):
    """What the flowlog command (FLOWLOG_COMMAND) prints as JSON; status 1 is damage or malformed lines."""
    done = subprocess.run([os.environ["FLOWLOG_COMMAND"], *arguments, "--json", "-q"], capture_output=True, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class CountingAllocator:
    """A flowlog_alloc over malloc that counts what is live; one thread at a time.  `with`: all objects use it."""

    def __init__(self):
        libc = ctypes.CDLL(None)
        libc.malloc.restype = libc.realloc.restype = ctypes.c_void_p
        libc.malloc.argtypes = [ctypes.c_size_t]
        libc.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        libc.free.argtypes = [ctypes.c_void_p]
        libc.free.restype = None
        self.live, self.count, self.fail_at = 0, 0, None

        def refuse():
            self.count += 1
            return self.count == self.fail_at

        def alloc(_ctx, length):
            if refuse():
                return None
            self.live += length
            return libc.malloc(length)

        def resize(_ctx, p, old, new):
            if refuse():
                return None
            self.live += new - old
            return libc.realloc(p, new)

        def release(_ctx, p, length):
            self.live -= length
            libc.free(p)

        size, pointer = ctypes.c_size_t, ctypes.c_void_p

        class Alloc(ctypes.Structure):
            _fields_ = [("alloc", ctypes.CFUNCTYPE(pointer, pointer, size)),
                        ("resize", ctypes.CFUNCTYPE(pointer, pointer, pointer, size, size)),
                        ("release", ctypes.CFUNCTYPE(None, pointer, pointer, size)), ("ctx", pointer)]

        kinds = [kind for _, kind in Alloc._fields_]
        self.struct = Alloc(kinds[0](alloc), kinds[1](resize), kinds[2](release), None)

    def __enter__(self):
        flowlog._alloc = ctypes.addressof(self.struct)
        return self

    def __exit__(self, *_):
        flowlog._alloc = None
