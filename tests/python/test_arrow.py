# SPDX-License-Identifier: MIT
"""__arrow_c_stream__ and __arrow_c_array__, taken by a consumer that is written here: ctypes, no Arrow library."""
import ctypes
import gc
import io
import struct
import threading
import unittest
import weakref
from decimal import Decimal

from support import CountingAllocator, data, flowlog

get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi))
get = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
last_error = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)


def release(thing):
    flowlog._release_fn(thing.release)(ctypes.addressof(thing))
    assert not thing.release


def take(capsule, name, kind):
    """Move the structure out of its capsule, as the interface says: a copy, and release of the other is NULL."""
    there = kind.from_address(get_pointer(capsule, name))
    assert there.release, "taken already"
    mine = kind.from_buffer_copy(there)
    there.release = None
    return mine


def children(thing, kind):
    pointers = ctypes.cast(thing.children, ctypes.POINTER(ctypes.c_void_p))
    return [kind.from_address(pointers[i]) for i in range(thing.n_children)]


def valid(array, row):
    bits = ctypes.cast(array.buffers, ctypes.POINTER(ctypes.c_void_p))[0]
    return not bits or ctypes.c_uint8.from_address(bits + row // 8).value >> row % 8 & 1


def column(schema, array):
    """Python values of an array of a type that the library writes."""
    buffers = ctypes.cast(array.buffers, ctypes.POINTER(ctypes.c_void_p))
    n = array.length
    assert array.offset == 0
    if schema.dictionary:
        words = column(flowlog._ArrowSchema.from_address(schema.dictionary),
                       flowlog._ArrowArray.from_address(array.dictionary))
        codes = struct.unpack(f"={n}i", ctypes.string_at(buffers[1], 4 * n))
        found = [words[code] if valid(array, row) else None for row, code in enumerate(codes)]
    elif schema.format == b"u":
        ends = struct.unpack(f"={n + 1}i", ctypes.string_at(buffers[1], 4 * n + 4))
        text = ctypes.string_at(buffers[2], ends[n]) if ends[n] else b""
        found = [text[a:b].decode() for a, b in zip(ends, ends[1:])]
    elif schema.format == b"d:29,9":
        raw = ctypes.string_at(buffers[1], 16 * n)
        found = [Decimal(int.from_bytes(raw[i:i + 16], __import__("sys").byteorder, signed=True)).scaleb(-9)
                 for i in range(0, 16 * n, 16)]
    else:
        code, size = {b"I": ("I", 4), b"L": ("Q", 8), b"tss:UTC": ("q", 8)}[schema.format]
        found = list(struct.unpack(f"={n}{code}", ctypes.string_at(buffers[1], size * n)))
    found = [value if valid(array, row) else None for row, value in enumerate(found)]
    assert found.count(None) == array.null_count or array.null_count == -1
    return found


class Stream:
    """A consumer: rows() drains it, close() releases it."""

    def __init__(self, thing):
        self.s = take(thing.__arrow_c_stream__(), b"arrow_array_stream", flowlog._ArrowStream)
        self.address = ctypes.addressof(self.s)

    def next(self):
        array = flowlog._ArrowArray()
        code = get(self.s.get_next)(self.address, ctypes.addressof(array))
        if code:
            raise OSError(code, last_error(self.s.get_last_error)(self.address).decode())
        return array if array.release else None

    def rows(self):
        schema, rows = flowlog._ArrowSchema(), []
        if get(self.s.get_schema)(self.address, ctypes.addressof(schema)):
            raise OSError(last_error(self.s.get_last_error)(self.address).decode())
        self.formats = {c.name.decode(): c.format.decode() for c in children(schema, flowlog._ArrowSchema)}
        while True:
            array = self.next()
            if array is None:
                break
            columns = [column(s, a) for s, a in zip(children(schema, flowlog._ArrowSchema),
                                                    children(array, flowlog._ArrowArray))]
            rows += [dict(zip(self.formats, row)) for row in zip(*columns)]
            release(array)
        release(schema)
        return rows

    def close(self):
        release(self.s)


class Readers(unittest.TestCase):
    def test_stream_the_rows_that_they_read(self):
        for name in ("vpc", "v5", "tgw"):
            reader = flowlog.read(data(name))
            stream = Stream(reader)
            rows = stream.rows()
            self.assertEqual(rows, list(flowlog.records(data(name))))
            self.assertEqual(reader.counters.records + reader.counters.nodata + reader.counters.skipdata, len(rows))
            self.assertEqual(stream.formats["start"], "tss:UTC")
            stream.close()

    def test_stream_what_is_left(self):
        reader = flowlog.read(data("vpc"), "srcaddr,bytes", "reject", batch_rows=100)
        rows = next(reader).dicts()
        stream = Stream(reader)
        rows += stream.rows()
        stream.close()
        self.assertEqual(rows, list(flowlog.records(data("vpc"), "srcaddr,bytes", "reject")))

    def test_belong_to_the_stream_then(self):
        reader = flowlog.read(data("vpc"), "bytes")
        capsule = reader.__arrow_c_stream__()
        for call in (lambda: next(reader), reader.__arrow_c_stream__):
            with self.assertRaisesRegex(flowlog.FlowlogError, "closed"):
                call()
        reader.close()
        self.assertEqual(reader.counters.lines, 0)
        del capsule

    def test_are_not_given_away_under_a_view(self):
        reader = flowlog.read(data("vpc"), "bytes")
        part = next(reader)["bytes"].values[:3]
        self.assertRaises(BufferError, reader.__arrow_c_stream__)
        del part
        Stream(reader).close()

    def test_tell_damage_or_end_with_it(self):
        paths = [data("damaged", "truncated.log.gz"), data("damaged", "crlf.log")]
        stream = Stream(flowlog.read(paths, "bytes"))
        with self.assertRaisesRegex(OSError, "truncated.log.gz"):
            stream.rows()
        stream.close()
        told = []
        stream = Stream(flowlog.read(paths, "bytes", on_damage=told.append))
        self.assertGreater(len(stream.rows()), 120)
        self.assertEqual([e.name for e in told], ["E_CORRUPT"])
        stream.close()


class Memory(unittest.TestCase):
    """What a stream borrows lives until it is released, and no longer."""

    class File(io.BytesIO):
        pass

    def test_is_kept_for_a_stream_and_freed_with_it(self):
        with open(data("why", "flows.log"), "rb") as file:
            source = self.File(file.read())
        gone = weakref.ref(source)
        with CountingAllocator() as allocator:
            stream = Stream(flowlog.read(source, "srcaddr,dstport", "tcp"))
            del source
            gc.collect()
            self.assertIsNotNone(gone())
            array = stream.next()
            stream.close()
            gc.collect()
            self.assertIsNone(gone())
            self.assertGreater(allocator.live, 0)
            self.assertEqual(array.length, 11)  # after its stream, its reader and its source
            release(array)
            self.assertEqual(allocator.live, 0)
        self.assertEqual((flowlog._exports, flowlog._capsules), ({}, {}))

    def test_of_streams_that_nobody_takes_is_freed(self):
        with CountingAllocator() as allocator:
            for n in range(300):
                reader = flowlog.read(data("why", "flows.log"), where="tcp", line_max=1000, batch_rows=64)
                capsule = reader.__arrow_c_stream__()
                if n % 2:
                    del reader, capsule
                else:
                    del capsule, reader
            answer = flowlog.group(data("why", "flows.log"), "srcaddr")
            answer.__arrow_c_stream__()
            del answer
            gc.collect()
            self.assertEqual(allocator.live, 0)
        self.assertEqual((flowlog._exports, flowlog._capsules), ({}, {}))

    def test_of_a_stream_is_freed_by_whichever_thread_releases_it(self):
        with CountingAllocator() as allocator:
            stream = Stream(flowlog.read(data("why", "flows.log"), where="tcp"))
            thread = threading.Thread(target=stream.close)
            thread.start()
            thread.join()
            self.assertEqual(allocator.live, 0)


class Answers(unittest.TestCase):
    def test_stream_their_rows(self):
        question = dict(by="srcaddr/24, bin(start,5m), action, service", agg="count, avg(bytes) as mean")
        answer = flowlog.group(data("vpc"), **question)
        stream = Stream(answer)
        rows = stream.rows()
        stream.close()
        self.assertEqual([list(row.values()) for row in rows], [list(row.values()) for row in answer])
        self.assertEqual(stream.formats["mean"], "d:29,9")
        with self.assertRaisesRegex(flowlog.FlowlogError, "given away"):
            answer.__arrow_c_stream__()

    def test_of_partials_stream_too(self):
        answer = flowlog.merge([flowlog.partial(data("v5"), "action")])
        stream = Stream(answer)
        self.assertEqual(stream.rows(), list(answer))
        stream.close()


class Batches(unittest.TestCase):
    def test_are_arrays(self):
        with flowlog.read(data("v5")) as reader:
            batch = next(reader)
            rows = batch.dicts()
            schema, array = batch.__arrow_c_array__()
        schema = take(schema, b"arrow_schema", flowlog._ArrowSchema)
        array = take(array, b"arrow_array", flowlog._ArrowArray)
        self.assertEqual(schema.format, b"+s")
        names = [c.name.decode() for c in children(schema, flowlog._ArrowSchema)]
        columns = [column(s, a) for s, a in zip(children(schema, flowlog._ArrowSchema),
                                                children(array, flowlog._ArrowArray))]
        self.assertEqual([dict(zip(names, row)) for row in zip(*columns)], rows)
        release(schema)
        release(array)


if __name__ == "__main__":
    unittest.main()
