# SPDX-License-Identifier: MIT
"""examples/python/flowlog.py: answers against the command's, lifetimes, errors, threads.  Standard library only."""
import array
import ctypes
import gc
import gzip
import io
import ipaddress
import json
import os
import pickle
import random
import subprocess
import sys
import threading
import time
import unittest
from datetime import datetime, timezone
from decimal import Decimal

from support import CountingAllocator, command, data, flowlog

HEADER = b"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"


def line(n, **other):
    row = dict(src=f"10.0.{n // 250 % 250}.{n % 250}", port=1000 + n % 5000, bytes=n * 40, action="ACCEPT", status="OK")
    row.update(other)
    return (f"2 123456789010 eni-{n % 7:08x} {row['src']} 192.0.2.1 {row['port']} 443 6 {n} {row['bytes']} "
            f"{1772366400 + n} {1772366460 + n} {row['action']} {row['status']}\n").encode()


def log(count):
    return HEADER + b"".join(line(n) for n in range(count))


class TheLibrary(unittest.TestCase):
    def test_is_the_version_this_file_is_for(self):
        self.assertRegex(flowlog.version(), r"^0\.1\.\d+$")
        self.assertIn(flowlog.simd(), ("scalar", "sse42", "avx2", "avx512", "neon"))

    def test_has_the_catalogue_of_fields(self):
        fields = flowlog.fields()
        self.assertEqual([f["number"] for f in fields], list(range(1, 73)))
        self.assertEqual((fields[3]["name"], fields[2]["underscore"]), ("srcaddr", "interface_id"))

    def test_is_refused_when_a_structure_has_another_size(self):
        flowlog._STRUCTS["batch"] = flowlog._Addr
        try:
            with self.assertRaisesRegex(ImportError, "flowlog_batch has 80 bytes, this file knows 20"):
                flowlog._load()
        finally:
            flowlog._STRUCTS["batch"] = flowlog._Batch

    def test_is_refused_when_the_version_is_another(self):
        version, flowlog._VERSION = flowlog._VERSION, (0, 2)
        try:
            with self.assertRaisesRegex(ImportError, "is libflowlog 0.1.* for 0.2"):
                flowlog._load()
        finally:
            flowlog._VERSION = version

    def test_is_the_one_that_the_environment_names_or_none(self):
        for name, message in (("/nonexistent/libflowlog.so", "was not found"), ("libc.so.6", "another version")):
            done = subprocess.run([sys.executable, "-c", "import flowlog"], capture_output=True, text=True,
                                  env=dict(os.environ, FLOWLOG_LIBRARY=name,
                                           PYTHONPATH=os.path.dirname(flowlog.__file__)))
            self.assertEqual(done.returncode, 1)
            self.assertIn("ImportError", done.stderr)
            self.assertIn(message, done.stderr)


class Reading(unittest.TestCase):
    def test_gives_the_rows_that_the_command_gives(self):
        for name in ("vpc", "v5", "tgw", "why/flows.log", "damaged/lines.log", "damaged/crlf.log"):
            with self.subTest(name):
                self.assertEqual(list(flowlog.records(data(name))), command("cat", data(name)))

    def test_gives_the_fields_asked_for_in_their_order(self):
        where = "reject and dst port 22"
        expected = command("cat", "--fields", "dstport,srcaddr,action", "--where", where, data("vpc"))
        self.assertTrue(expected)
        for fields in ("dstport, srcaddr, action", ["dstport", "srcaddr", "action"]):
            self.assertEqual(list(flowlog.records(data("vpc"), fields, where)), expected)

    def test_has_no_rows_where_nothing_matches_and_none_in_an_empty_log(self):
        self.assertEqual(list(flowlog.read(data("vpc"), "bytes", "bytes > 1000G")), [])
        self.assertEqual(list(flowlog.read(b"")), [])
        self.assertEqual(list(flowlog.read([])), [])

    def test_counts_every_line_once(self):
        with flowlog.read(data("damaged", "lines.log")) as reader:
            rows = sum(len(batch) for batch in reader)
        c = reader.counters  # also after close
        self.assertEqual(c.lines, c.records + c.nodata + c.skipdata + c.headers + c.malformed + c.skipped)
        self.assertEqual((rows, c.lines, c.records, c.malformed), (15, 35, 13, 14))
        self.assertEqual(c.reasons, dict(too_few=1, too_many=2, number=5, address=3, control=2, header=1))
        self.assertEqual(len(c.bad_lines), 8)
        self.assertTrue(all(bad.line and bad.offset and bad.text for bad in c.bad_lines))

    def test_takes_bytes_files_and_buffers_gzip_or_not(self):
        text = log(3000)
        expected = list(flowlog.records(text))
        self.assertEqual(len(expected), 3000)
        packed = gzip.compress(text, 1)
        writable = bytearray(text)
        for source in (packed, writable, memoryview(text), memoryview(writable), array.array("B", text).tobytes(),
                       io.BytesIO(text), io.BytesIO(packed), gzip.GzipFile(fileobj=io.BytesIO(packed))):
            self.assertEqual(list(flowlog.records(source)), expected, type(source))

    def test_takes_path_objects_and_lists_of_them(self):
        import pathlib
        one = pathlib.Path(data("v5"))
        self.assertEqual(flowlog.group(one)[0]["count"], 2419)
        self.assertEqual(flowlog.group([one, data("why", "flows.log")])[0]["count"], 2419 + 11)

    def test_raises_what_a_file_object_raises(self):
        class Broken(io.RawIOBase):
            def read(self, size=-1):
                raise ZeroDivisionError("the disk is round")
        for call in (lambda: list(flowlog.read(Broken())), lambda: flowlog.group(Broken()),
                     lambda: flowlog.group(Broken(), threads=4), lambda: flowlog.diagnose(Broken())):
            with self.assertRaisesRegex(ZeroDivisionError, "round"):
                call()
        with self.assertRaises(TypeError):
            list(flowlog.read(io.StringIO("text")))

        class Greedy:
            def read(self, size):
                return b"x" * (size + 1)
        with self.assertRaises(ValueError):
            list(flowlog.read(Greedy()))

    def test_stops_on_a_bad_line_where_asked_to(self):
        with self.assertRaises(flowlog.FlowlogError) as caught:
            list(flowlog.read(log(3) + b"nonsense\n", stop_on_bad=True))
        e = caught.exception
        self.assertEqual((e.name, e.line), ("E_MALFORMED", 5))
        self.assertEqual(e.offset, len(log(3)))

    def test_of_a_format_that_is_given(self):
        text = b"10.0.0.1 7 x1\n10.0.0.2 - x2\n"
        rows = list(flowlog.records(text, format="${srcaddr} ${bytes} ${new-field}"))
        self.assertEqual(rows, [dict(srcaddr="10.0.0.1", bytes=7, new_field="x1"),
                                dict(srcaddr="10.0.0.2", bytes=None, new_field="x2")])
        self.assertEqual(flowlog.group(text, "new-field", "sum(bytes) as b", "new-field $= 2 or bytes = 7",
                                       format="srcaddr bytes new-field"),
                         [{"new-field": "x1", "b": 7}, {"new-field": "x2", "b": 0}])


class Columns(unittest.TestCase):
    def test_are_views_with_the_types_that_the_header_says(self):
        with flowlog.read(io.BytesIO(log(500))) as reader:
            batch = next(reader)
            self.assertEqual((len(batch), batch.rows, batch.path, batch.file), (500, 500, "stream", 0))
            self.assertEqual(batch.names[:4], ["version", "account-id", "interface-id", "srcaddr"])
            for name, kind, format in (("bytes", "u64", "Q"), ("dstport", "u32", "I"), ("start", "time", "q"),
                                       ("srcaddr", "addr", "I"), ("action", "enum", "B")):
                column = batch[name]
                self.assertEqual((column.type, column.values.format, len(column.values)), (kind, format, 500))
                self.assertTrue(column.values.readonly and column.present)
                self.assertEqual(column.null_count, 0)
                self.assertEqual(len(column.validity), 8)
            self.assertEqual(sum(batch["bytes"].values), sum(range(500)) * 40)
            self.assertEqual(batch["srcaddr"].values[5], 0x0A000005)
            self.assertEqual(batch["action"].categories[batch["action"].values[0]], "ACCEPT")
            text = batch["interface-id"]
            self.assertIsNone(text.values)
            self.assertEqual(text.spans.shape, (500, 2))
            offset, length = text.spans[6, 0], text.spans[6, 1]
            self.assertEqual(bytes(batch.text[offset:offset + length]), b"eni-00000006")
            self.assertEqual(bytes(batch.log_status), b"\1" * 500)
            self.assertIsNone(batch.lines)

    def test_share_the_memory_of_the_library(self):
        with flowlog.read(io.BytesIO(log(100)), "bytes") as reader:
            batch = next(reader)
            view, again = batch["bytes"].values, batch["bytes"].values
            self.assertIs(view, again)
            number = ctypes.c_uint64.from_address(batch._c.column[0].values + 8 * 7)
            self.assertEqual(view[7], 280)
            number.value = 12345
            self.assertEqual(view[7], 12345)

    def test_are_found_in_any_spelling(self):
        with flowlog.read(log(1), "interface-id,srcaddr") as reader:
            batch = next(reader)
            for name in ("interface-id", "interface_id", "interfaceId"):
                self.assertEqual(batch[name].tolist(), ["eni-00000000"])
            self.assertEqual(batch[1].name, "srcaddr")
            self.assertEqual(batch[-1].name, "srcaddr")
            self.assertIn("src_addr", batch)
            self.assertNotIn("bytes", batch)
            for name in ("bytes", "", "\u20ac"):
                self.assertRaises(KeyError, batch.__getitem__, name)
            self.assertRaises(IndexError, batch.__getitem__, 2)

    def test_tell_null_from_zero(self):
        text = HEADER + line(0) + b"2 123456789010 eni-1 - - - - - - - 1772366400 1772366460 - NODATA\n" + \
            line(0, src="2001:db8::A", action="DROP") * 70
        with flowlog.read(io.BytesIO(text)) as reader:
            batch = next(reader)
            self.assertEqual(batch["bytes"].tolist()[:3], [0, None, 0])
            self.assertEqual(batch["bytes"].null_count, 1)
            self.assertEqual([batch["bytes"].validity[0] & 7, len(batch["bytes"].validity)], [5, 2])
            self.assertEqual(batch["srcaddr"].tolist()[:3], ["10.0.0.0", None, "2001:db8::a"])
            self.assertEqual(list(batch["srcaddr"].family[:3]), [4, 0, 6])
            self.assertEqual(bytes(batch["srcaddr"].wide[2:3]), ipaddress.ip_address("2001:db8::a").packed)
            self.assertEqual(batch["action"].tolist()[:3], ["ACCEPT", None, "DROP"])
            self.assertEqual(list(batch["action"])[-1], "DROP")
            for column in batch.columns:  # one by one as all at once
                self.assertEqual([column[row] for row in range(-72, 0)], column.tolist())
                self.assertEqual(column[1:3], column.tolist()[1:3])
                self.assertRaises(IndexError, column.__getitem__, 72)
            self.assertEqual(batch["log-status"].tolist()[:2], ["OK", "NODATA"])
            self.assertEqual(list(batch.log_status[:2]), [1, 2])

    def test_that_a_format_lacks_are_null(self):
        with flowlog.read(io.BytesIO(log(3)), "vpc-id,bytes") as reader:
            batch = next(reader)
            self.assertFalse(batch["vpc-id"].present)
            self.assertEqual(batch["vpc-id"].tolist(), [None] * 3)

    def test_have_text_that_is_no_utf8_as_surrogates(self):
        text = b"10.0.0.1 caf\xc3\xa9\n10.0.0.1 caf\xe9\n"
        rows = list(flowlog.records(text, format="srcaddr new-field"))
        self.assertEqual([row["new_field"] for row in rows], ["caf\u00e9", "caf\udce9"])

    def test_come_with_whole_lines_where_asked_for(self):
        with flowlog.read(io.BytesIO(log(5)), "bytes", lines=True) as reader:
            batch = next(reader)
            self.assertEqual(list(batch.line_numbers), [2, 3, 4, 5, 6])
            offset, length = batch.lines[4, 0], batch.lines[4, 1]
            self.assertEqual(bytes(batch.text[offset:offset + length]) + b"\n", line(4))

    def test_give_times_as_datetimes_where_asked_for(self):
        row = next(flowlog.records(log(1), "start", datetimes=True))
        self.assertEqual(row["start"], datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc))
        self.assertEqual(flowlog._datetime(2**62), 2**62)
        self.assertIsNone(flowlog._datetime(None))


class Lifetimes(unittest.TestCase):
    """`log(1000)` in batches of 100."""

    def setUp(self):
        self.reader = flowlog.read(log(1000), batch_rows=100)

    def test_a_batch_is_gone_when_its_reader_moves_on(self):
        batch = next(self.reader)
        view = batch["bytes"].values
        next(self.reader)
        self.assertRaises(ValueError, lambda: view[0])  # released
        for use in (lambda: batch["bytes"], lambda: batch.text, lambda: batch.dicts(), lambda: batch.copy()):
            with self.assertRaises(flowlog.FlowlogError) as caught:
                use()
            self.assertEqual(caught.exception.name, "E_STATE")

    def test_a_column_is_gone_with_its_batch(self):
        column = next(self.reader)["bytes"]
        self.reader.close()
        self.assertRaises(flowlog.FlowlogError, column.tolist)

    def test_moving_on_is_refused_while_something_shares_the_memory(self):
        batch = next(self.reader)
        part = batch["bytes"].values[10:20]
        with self.assertRaisesRegex(BufferError, "copy"):
            next(self.reader)
        self.assertEqual(part[0], 400)
        self.assertEqual(batch["bytes"].values[11], 440)  # nor is the batch
        del part
        self.assertEqual(next(self.reader)["bytes"].values[0], 100 * 40)  # nothing was lost

    def test_memory_outlives_a_closed_reader_as_long_as_it_is_shared(self):
        with CountingAllocator() as allocator:
            with flowlog.read(log(100), "bytes") as reader:
                part = next(reader)["bytes"].values[10:20]
            self.assertGreater(allocator.live, 0)
            self.assertEqual(part.tolist(), [n * 40 for n in range(10, 20)])
            del part
            self.assertEqual(allocator.live, 0)

    def test_a_copy_stays(self):
        batch = next(self.reader)
        rows, copy = batch.dicts(), batch.copy()
        for _ in self.reader:
            pass
        self.reader.close()
        self.assertEqual(copy.dicts(), rows)
        self.assertEqual(copy["bytes"].values[7], 280)
        self.assertEqual(copy.copy().dicts(), rows)
        self.assertEqual((copy["bytes"].present, len(copy), copy.path), (True, 100, "memory"))

    def test_batches_are_copies_where_asked_for(self):
        batches = list(flowlog.read(log(1000), batch_rows=100, copy=True, lines=True))
        self.assertGreaterEqual(len(batches), 10)
        self.assertEqual([row for batch in batches for row in batch.dicts()], list(flowlog.records(log(1000))))
        self.assertEqual(batches[0].line_numbers[0], 2)
        for fields in ("bytes", "bytes,srcaddr,action", "interface-id", ""):
            batches = list(flowlog.read(log(1000), fields, copy=True))
            self.assertEqual([row for batch in batches for row in batch.dicts()], list(flowlog.records(log(1000), fields)))
            self.assertEqual(sum(map(len, batches)), 1000)

    def test_copies_are_freed_without_the_collector(self):
        gc.collect()
        gc.disable()
        try:
            import weakref
            batch = next(self.reader).copy()
            gone = weakref.ref(batch)
            batch["bytes"].tolist(), batch.text
            del batch
            self.assertIsNone(gone())
        finally:
            gc.enable()

    def test_a_closed_reader_says_so(self):
        self.reader.close()
        self.reader.close()
        with self.assertRaises(flowlog.FlowlogError) as caught:
            next(self.reader)
        self.assertEqual(caught.exception.name, "E_STATE")
        self.assertIsNone(self.reader.path(0))

    def test_an_ended_reader_stays_ended(self):
        self.assertEqual(sum(map(len, self.reader)), 1000)
        self.assertEqual(list(self.reader), [])

    def test_a_reader_used_while_it_works_says_so(self):
        class Nosy:
            text = io.BytesIO(log(10))

            def read(self, size):
                next(reader)
        reader = flowlog.read(Nosy())
        with self.assertRaisesRegex(flowlog.FlowlogError, "another thread"):
            next(reader)

    def test_nothing_leaks_in_a_thousand_readers_that_are_opened_and_abandoned(self):
        text = log(300)
        gc.collect()
        gc.disable()  # what is lost must be freed at once, not when the collector comes
        try:
            with CountingAllocator() as allocator:
                for n in range(1000):
                    reader = flowlog.read(text if n % 2 else io.BytesIO(text), "srcaddr,bytes", "bytes > 0",
                                          batch_rows=100, line_max=1000, format="default" if n % 3 else None)
                    for _ in range(n % 4):
                        next(reader)["bytes"].values
                    if n % 5 == 0:
                        reader.close()
                    del reader
                    if n % 100 == 0:
                        self.assertEqual(allocator.live, 0, f"after {n} readers")
                self.assertEqual(allocator.live, 0)
                self.assertGreater(allocator.count, 1000)
        finally:
            gc.enable()

    def test_nothing_leaks_in_a_thousand_generators_abandoned_half_way(self):
        text = log(300)
        with CountingAllocator() as allocator:
            for n in range(1000):
                rows = flowlog.records(text, "bytes", batch_rows=100, line_max=1000)
                for _ in range(n % 7):
                    next(rows)
                del rows
            gc.collect()
            self.assertEqual(allocator.live, 0)

    def test_nothing_leaks_in_questions_good_and_bad(self):
        text = log(300)
        with CountingAllocator() as allocator:
            part = flowlog.partial(text, "srcaddr")
            for n in range(50):
                flowlog.group(text, "srcaddr/24", "count, avg(bytes), distinct(srcport)", "tcp")
                flowlog.top(io.BytesIO(text))
                flowlog.merge([part, part])
                flowlog.diagnose(text)
                for wrong in (dict(where="dst prot 22"), dict(by="nonsense"), dict(agg="sum(srcaddr)"),
                              dict(having="count >"), dict(sort="bytes"), dict(format="${"), dict(paths="/nonexistent")):
                    with self.assertRaises(flowlog.FlowlogError):
                        flowlog.group(**dict(dict(paths=text, by="srcaddr"), **wrong))
                with self.assertRaises(flowlog.FlowlogError):
                    flowlog.merge([part, part[:-9]])
            gc.collect()
            self.assertEqual(allocator.live, 0)

    def test_every_allocation_that_fails_is_an_error_and_no_leak(self):
        text, part = log(50), flowlog.partial(log(50), "srcaddr")
        for name, call in (("read", lambda: list(flowlog.read(text, "bytes", "tcp", line_max=1000, batch_rows=64))),
                           ("group", lambda: flowlog.group(text, "srcaddr", where="tcp", line_max=1000)),
                           ("merge", lambda: flowlog.merge([part, part])),
                           ("diagnose", lambda: flowlog.diagnose(text, line_max=1000))):
            for n in range(1, 1000):
                with CountingAllocator() as allocator:
                    allocator.fail_at = n
                    try:
                        call()
                        break
                    except flowlog.FlowlogError as e:
                        self.assertEqual(e.name, "E_MEMORY", (name, n))
                    gc.collect()
                    self.assertEqual(allocator.live, 0, (name, n))
            self.assertTrue(1 < n < 999, (name, n))


class Questions(unittest.TestCase):
    def test_top_is_what_the_command_prints(self):
        for measure in ("bytes", "packets", "flows"):
            for by in ("srcaddr", "dstaddr,dstport", "interface-id", "srcaddr/24"):
                rows = flowlog.top(data("vpc"), by, measure=measure, decimal=float)
                expected = command("top", "--by", by, "--measure", measure, data("vpc"))
                self.assertEqual([list(row.values())[:-1] for row in rows], [list(row.values())[:-1] for row in expected])
                for row, other in zip(rows, expected):  # the command rounds shares down
                    self.assertAlmostEqual(row["share"], other["share"], delta=1.01e-9)

    def test_top_of_a_field_that_no_record_has_is_an_error_and_no_zero(self):
        text = b"10.0.0.1 5\n10.0.0.2 6\n"
        with self.assertRaises(flowlog.FlowlogError) as caught:
            flowlog.top(text, format="srcaddr packets")
        self.assertEqual((caught.exception.name, caught.exception.what), ("E_FIELD", "measure"))
        rows = flowlog.top(text, measure="packets", format="srcaddr packets")
        self.assertEqual([(r["bytes"], r["packets"], r["flows"]) for r in rows], [(None, 6, 1), (None, 5, 1)])
        self.assertEqual(rows.columns, ["srcaddr", "bytes", "packets", "flows", "share"])

    def test_group_is_what_the_command_prints(self):
        for options, by, agg in (
                ([], "bin(start,5m),action", "count, sum(bytes), avg(bytes) as mean"),
                (["--where", "reject", "--having", "count > 50", "--sort", "count"], "srcaddr", "count"),
                (["-n", "3", "--sort", "ports"], "srcaddr,dstaddr", "distinct(dstport) as ports, p95(bytes), or(protocol)"),
                ([], "pair(srcaddr,dstaddr)", "min(start), max(end), stddev(bytes)")):
            given = dict(zip(options[::2], options[1::2]))
            rows = flowlog.group(data("vpc"), by, agg, given.get("--where"), having=given.get("--having"),
                                 sort=given.get("--sort"), limit=int(given.get("-n", 0)), decimal=float)
            expected = command("group", "--by", by, "--agg", agg, *options, data("vpc"))
            self.assertEqual([list(row.values()) for row in rows], [list(row.values()) for row in expected])

    def test_group_is_what_adding_up_rows_gives(self):
        totals = {}
        for row in flowlog.records(data("vpc"), "srcaddr,action,bytes", records_only=True):
            if row["srcaddr"] is not None:
                key = row["srcaddr"], row["action"]
                count, total = totals.get(key, (0, 0))
                totals[key] = count + 1, total + row["bytes"]
        rows = flowlog.group(data("vpc"), ["srcaddr", "action"], ["count", "sum(bytes) as total"])
        self.assertEqual({(r["srcaddr"], r["action"]): (r["count"], r["total"]) for r in rows}, totals)

    def test_answers_say_what_they_are(self):
        answer = flowlog.group(data("vpc"), "srcaddr,bin(start,1h)", "count, avg(bytes) as mean", limit=3, datetimes=True)
        self.assertEqual((len(answer), answer.columns, answer.keys), (3, ["srcaddr", "bin(start,1h)", "count", "mean"], 2))
        self.assertGreater(answer.groups, 3)
        self.assertEqual((answer.counted, answer.null_keys, answer.approximate), (9117, 0, []))
        self.assertEqual((answer.counters.records, answer.counters.nodata), (9117, 90))
        self.assertIsInstance(answer[0]["mean"], Decimal)
        self.assertEqual(answer[0]["bin(start,1h)"].tzinfo, timezone.utc)
        json.dumps(flowlog.group(data("vpc"), "srcaddr", "avg(bytes)", limit=1, decimal=float))
        again = pickle.loads(pickle.dumps(answer))
        self.assertEqual((again, again.columns, again.counters), (answer, answer.columns, answer.counters))

    def test_numbers_are_exact_to_64_bits(self):
        text = log(0) + line(1, bytes=2**64 - 2) + line(1, bytes=1)
        self.assertEqual(flowlog.group(text, None, "sum(bytes) as s, avg(bytes) as a"),
                         [{"s": 2**64 - 1, "a": Decimal("9223372036854775807.5")}])
        with self.assertRaises(flowlog.FlowlogError) as caught:
            flowlog.group(text + line(1, bytes=1), None, "sum(bytes)")
        self.assertEqual(caught.exception.name, "E_OVERFLOW")

    def test_sort_takes_directions_and_several_columns(self):
        text = log(0) + line(1, port=5, bytes=1) + line(2, port=5, bytes=1) + line(3, port=6, bytes=1)
        def ports(sort):
            return [r["srcport"] for r in flowlog.group(text, "srcport", "count, max(bytes) as m", sort=sort)]
        self.assertEqual((ports("count"), ports("count:asc"), ports(["m", "srcport:desc"])), ([5, 6], [6, 5], [6, 5]))

    def test_limit_per_key(self):
        rows = flowlog.group(data("vpc"), "action,srcaddr", sort="count", per="action", limit=2)
        self.assertEqual(sorted(r["action"] for r in rows), ["ACCEPT"] * 2 + ["REJECT"] * 2)

    def test_null_keys_are_kept_where_asked_for(self):
        self.assertTrue(any(r["srcaddr"] is None for r in flowlog.group(data("vpc"), "srcaddr", keep_nulls=True)))

    def test_the_number_of_threads_does_not_matter(self):
        one = flowlog.group(data("vpc"), "srcaddr,dstaddr", "count, sum(bytes), p50(bytes)")
        for threads in (2, 5):
            self.assertEqual(flowlog.group(data("vpc"), "srcaddr,dstaddr", "count, sum(bytes), p50(bytes)",
                                           threads=threads), one)

    def test_time_counts_from_now_or_from_what_is_given(self):
        self.assertEqual(flowlog.group(log(10), where="last 5s", now=1772366410)[0]["count"], 5)
        self.assertEqual(flowlog.group(log(10), where="last 5s")[0]["count"], 0)

    def test_explain_is_canonical(self):
        a = flowlog.explain("srcaddr", where="reject and tcp", sort="count")
        self.assertEqual(a, flowlog.explain("src_addr", where="(reject) proto 6", sort="count"))
        self.assertTrue(a.startswith("(plan "))

    def test_progress_is_told_and_ends_the_run_when_it_raises(self):
        told = []
        text = log(20000) * 8  # more than two steps of 4 MiB
        flowlog.group(text, progress=lambda done, total: told.append((done, total)))
        self.assertEqual(told[-1], (len(text), len(text)))
        self.assertGreater(len(told), 2)

        def stop(done, total):
            raise KeyboardInterrupt
        for threads in (1, 3):
            self.assertRaises(KeyboardInterrupt, flowlog.group, text, progress=stop, threads=threads)


class Partials(unittest.TestCase):
    def test_merged_in_any_order_are_the_whole(self):
        files = [os.path.join(d, n) for d, _, names in os.walk(data("vpc")) for n in sorted(names)]
        question = dict(by="srcaddr,bin(start,5m)", agg="count, sum(bytes), distinct(dstport), p95(bytes)",
                        where="accept", sort="count", limit=20)
        whole = flowlog.group(data("vpc"), **question)
        parts = [flowlog.partial(f, **question) for f in files]
        self.assertEqual(len(parts), 24)
        random.Random(1).shuffle(parts)
        self.assertEqual(flowlog.merge(parts), whole)
        self.assertEqual(flowlog.merge([flowlog.combine(parts[:7]), flowlog.combine(parts[7:])]), whole)
        self.assertIsNone(flowlog.merge(parts).counters)

    def test_of_different_questions_are_refused(self):
        with self.assertRaises(flowlog.FlowlogError) as caught:
            flowlog.merge([flowlog.partial(log(3), "srcaddr"), flowlog.partial(log(3), "dstaddr")])
        self.assertEqual((caught.exception.name, caught.exception.what), ("E_ARGUMENT", "partial 1"))
        self.assertRaises(ValueError, flowlog.merge, [])

    def test_that_are_damaged_are_refused(self):
        part = bytearray(flowlog.partial(log(30), "srcaddr"))
        for at in range(0, len(part), 17):
            part[at] ^= 0x20
            with self.assertRaises(flowlog.FlowlogError):
                flowlog.merge([part])
            part[at] ^= 0x20
            with self.assertRaises(flowlog.FlowlogError):
                flowlog.merge([part[:at]])
        self.assertEqual(len(flowlog.merge([part])), 30)


class Diagnosis(unittest.TestCase):
    def test_is_what_the_command_prints(self):
        for name in ("why/flows.log", "v5", "vpc"):
            rules = ["--rules", data("why/rules.json")] if name.startswith("why") else []
            expected = command("diagnose", *rules, data(name))
            found = flowlog.diagnose(data(name), rules=data("why/rules.json") if rules else None)
            self.assertEqual(found, expected)
            self.assertTrue(found)
        with open(data("why/rules.json")) as file:
            given = json.load(file)
        found = flowlog.diagnose(data("why/flows.log"), rules=[given], evidence=0, grouped=True)
        self.assertEqual(len(found.warnings), 1)
        self.assertEqual(found.counters.records, 11)

    def test_answers_a_question(self):
        found = flowlog.diagnose(data("why/flows.log"), client="10.0.1.5", server="10.0.2.6", port=5432)
        self.assertEqual(found[-1]["kind"], "query")
        self.assertRaises(ValueError, flowlog.diagnose, data("why"), client="nobody")

    def test_names_the_place_in_rules_that_are_wrong(self):
        with self.assertRaises(flowlog.FlowlogError) as caught:
            flowlog.diagnose(data("why"), context={"nonsense": 1})
        self.assertEqual(caught.exception.what, "context")
        with self.assertRaises(flowlog.FlowlogError) as caught:
            flowlog.diagnose(data("why"), rules=data("README.md"))
        self.assertEqual((caught.exception.name, caught.exception.line), ("E_SYNTAX", 1))


class Errors(unittest.TestCase):
    def failing(self, call):
        with self.assertRaises(flowlog.FlowlogError) as caught:
            call()
        return caught.exception

    def test_have_the_place_in_the_text(self):
        def group(**wrong):
            return lambda: flowlog.group(**dict(dict(paths=log(3), by="srcaddr"), **wrong))
        for call, what, name, offset in (
                (group(where="tcp and dst prot 22"), "where", "E_SYNTAX", 12),
                (group(where="tcp and bites > 3"), "where", "E_FIELD", 8),
                (group(by="srcaddr, dstadr"), "by", "E_FIELD", 9),
                (group(agg="count, sum(bites)"), "agg", "E_FIELD", 11),
                (group(having="count > 1 and sum(x) > 3"), "having", "E_FIELD", None),
                (group(sort="bytes"), "sort", "E_FIELD", 0),
                (group(format="${srcaddr} ${srcaddr}"), "format", "E_DUPLICATE", 13),
                (lambda: flowlog.read(log(3), "srcaddr,nonsense"), "fields", "E_FIELD", 8),
                (lambda: flowlog.read(log(3), where="port 99999"), "where", "E_SYNTAX", None)):
            e = self.failing(call)
            self.assertEqual((e.what, e.name), (what, name), e)
            if offset is not None:
                self.assertEqual((e.offset, e.column), (offset, offset + 1 if offset else e.column), e)
            self.assertTrue(e.message and e.message in str(e))

    def test_name_the_nearest_field(self):
        self.assertIn("srcaddr", self.failing(lambda: flowlog.read(log(1), where="srcadr = 10.0.0.1")).message)

    def test_come_before_the_first_row_is_asked_for(self):
        self.assertEqual(self.failing(lambda: flowlog.records(log(1), where="dst prot 22")).what, "where")

    def test_name_a_path_that_is_not_there(self):
        e = self.failing(lambda: flowlog.read(data("nowhere")))
        self.assertEqual(e.name, "E_IO")
        self.assertIn("nowhere", str(e))

    def test_refuse_text_with_a_null_character(self):
        self.assertRaises(ValueError, flowlog.read, log(1), "srcaddr\0")
        self.assertRaises(ValueError, flowlog.read, "a\0b")

    def test_travel_between_processes(self):
        e = self.failing(lambda: flowlog.group(log(1), where="dst prot 22"))
        again = pickle.loads(pickle.dumps(e))
        self.assertEqual((str(again), again.status, again.offset), (str(e), e.status, e.offset))

    def test_of_a_damaged_file_come_after_what_could_be_read(self):
        paths = [data("damaged", "truncated.log.gz"), data("damaged", "crlf.log")]
        reader, rows = flowlog.read(paths, "bytes"), 0
        with self.assertRaises(flowlog.FlowlogError) as caught:
            for batch in reader:
                rows += len(batch)
        self.assertEqual((caught.exception.name, caught.exception.what), ("E_CORRUPT", paths[0]))
        self.assertGreater(rows, 100)
        self.assertEqual(sum(map(len, reader)), 20)  # the next file

        told = []
        both = sum(map(len, flowlog.read(paths, "bytes", on_damage=told.append)))
        self.assertEqual((both, [e.name for e in told]), (rows + 20, ["E_CORRUPT"]))

    def test_of_a_damaged_file_end_a_question_or_are_told(self):
        paths = [data("damaged", "truncated.log.gz"), data("damaged", "crlf.log")]
        for threads in (1, 2):
            e = self.failing(lambda: flowlog.group(paths, threads=threads))
            self.assertEqual((e.name, e.what), ("E_CORRUPT", paths[0]))
            told = []
            count = flowlog.group(paths, threads=threads, on_damage=told.append)[0]["count"]
            self.assertEqual([e.what for e in told], [paths[0]])
            self.assertGreater(count, 120)


class Threads(unittest.TestCase):
    def test_eight_at_once_get_the_right_answers(self):
        expected = (17718165298, flowlog.top(data("vpc")), flowlog.diagnose(data("v5")))
        wrong, barrier = [], threading.Barrier(8)

        def work():
            barrier.wait()
            for _ in range(5):
                with flowlog.read(data("vpc"), "bytes") as reader:
                    total = sum(sum(batch["bytes"].values) for batch in reader)
                got = total, flowlog.top(data("vpc"), threads=2), flowlog.diagnose(data("v5"))
                if got != expected:
                    wrong.append(got)
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_others_run_while_the_library_works(self):
        text, turns, done = log(20000) * 10, [0], threading.Event()

        def spin():
            while not done.is_set():
                turns[0] += 1
                time.sleep(0)  # gives the interpreter up
        thread, interval = threading.Thread(target=spin), sys.getswitchinterval()
        sys.setswitchinterval(100)  # this thread does so only where it calls the library
        thread.start()
        try:
            best = 0
            for _ in range(20):  # one call each, which never comes back to Python meanwhile
                reader = flowlog.read(text, "bytes", "bytes = 1")
                before = turns[0]
                self.assertRaises(StopIteration, reader.__next__)
                best = max(best, turns[0] - before)
                if best > 100:
                    break
        finally:
            sys.setswitchinterval(interval)
            done.set()
            thread.join()
        self.assertGreater(best, 100)


if __name__ == "__main__":
    unittest.main()
