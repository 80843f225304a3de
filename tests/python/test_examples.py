# SPDX-License-Identifier: MIT
"""The programs and the README in examples/python; numpy, pandas, matplotlib and Dask where they are installed."""
import contextlib
import io
import itertools
import os
import re
import subprocess
import sys
import tempfile
import unittest

from support import DATA, PYTHON, command, data, flowlog, have


def run(program, *arguments, **options):
    return subprocess.run([sys.executable, os.path.join(PYTHON, program), *arguments], capture_output=True, text=True,
                          timeout=100, env=dict(os.environ, MPLCONFIGDIR=tempfile.gettempdir()), **options)


class Readme(unittest.TestCase):
    def test_snippets_run(self):
        with open(os.path.join(PYTHON, "README.md")) as file:
            snippets = re.findall(r"^```python\n(.*?)^```", file.read(), re.M | re.S)
        self.assertEqual(len(snippets), 5)
        before, names, printed = os.getcwd(), {}, io.StringIO()
        os.chdir(DATA)
        try:
            with contextlib.redirect_stdout(printed):
                for snippet in snippets:
                    exec(snippet, names)
        finally:
            os.chdir(before)
        self.assertIn("10.0.4.52 10.0.0.20 5753172980 0.3247", printed.getvalue())
        self.assertIn("BLOCKED_REPLY_OUTBOUND NACL", printed.getvalue())

    def test_verbs_of_flowlogs_reader_mean_what_they_mean_there(self):
        rows = list(flowlog.records(data("vpc")))
        self.assertEqual(list(itertools.islice(flowlog.records(data("vpc")), 10)), rows[:10])
        ips = {r[k] for k in ("srcaddr", "dstaddr") for r in flowlog.group(data("vpc"), k)}
        self.assertEqual(ips, {r[k] for r in rows for k in ("srcaddr", "dstaddr")} - {None})
        two = ("198.51.100.77", "10.0.0.30")
        self.assertEqual(list(flowlog.records(data("vpc"), where=f"host in [{' '.join(two)}]")),
                         [r for r in rows if r["srcaddr"] in two or r["dstaddr"] in two])
        self.assertEqual(command("cat", "--where", f"host in [{' '.join(two)}]", data("vpc")),
                         [r for r in rows if r["srcaddr"] in two or r["dstaddr"] in two])
        keys, flows = ("srcaddr", "dstaddr", "srcport", "dstport", "protocol"), {}
        for r in rows:
            key = tuple(r[k] for k in keys)
            if None not in key:
                old = flows.get(key, (r["start"], r["end"], 0, 0))
                flows[key] = (min(old[0], r["start"]), max(old[1], r["end"]), old[2] + r["packets"], old[3] + r["bytes"])
        answer = flowlog.group(data("vpc"), keys, "min(start) as start, max(end) as end, sum(packets) as packets, "
                               "sum(bytes) as bytes")
        self.assertEqual({tuple(r[k] for k in keys): tuple(r.values())[5:] for r in answer}, flows)
        line = "2 123456789010 eni-102010ab 198.51.100.1 192.0.2.1 443 49152 6 10 840 1439387263 1439387264 ACCEPT OK"
        record = next(flowlog.records(line.encode(), format="default"))
        self.assertEqual((record["srcaddr"], record["bytes"], record["account_id"]), ("198.51.100.1", 840, "123456789010"))


@unittest.skipUnless(have("numpy"), "SKIPPED: numpy is not installed")
class Numpy(unittest.TestCase):
    def test_shares_the_memory_of_the_library(self):
        import numpy
        with flowlog.read(data("vpc"), "bytes,start,srcaddr") as reader:
            batch = next(reader)
            for name, kind in (("bytes", "uint64"), ("start", "int64"), ("srcaddr", "uint32")):
                values = numpy.asarray(batch[name].values)
                index = batch.names.index(name)
                self.assertEqual(values.__array_interface__["data"], (batch._c.column[index].values, True))
                self.assertEqual((values.dtype, values.flags.owndata), (kind, False))
            self.assertEqual(numpy.asarray(batch["srcaddr"].wide).shape, (len(batch), 16))
            with self.assertRaises(BufferError):  # `values` is in use
                next(reader)
            kept = numpy.asarray(batch["bytes"])  # of the column, not of its values: a copy
            total, mine = int(kept.sum()), values.copy()
            del values
            next(reader)
            self.assertEqual((int(kept.sum()), len(mine)), (total, len(kept)))
            self.assertEqual(numpy.asarray(next(flowlog.read(data("vpc"), "interface-id"))[0]).dtype, object)

    def test_arrays_outlive_the_reader(self):
        import numpy
        with flowlog.read(data("vpc"), "bytes") as reader:
            values = numpy.asarray(next(reader)["bytes"].values)
            expected = values.tolist()
        del reader
        self.assertEqual(values.tolist(), expected)


@unittest.skipUnless(have("pandas", "numpy"), "SKIPPED: pandas is not installed")
class Pandas(unittest.TestCase):
    def test_top_talkers_are_those_of_the_library(self):
        done = run("pandas_top.py")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("10.0.4.52    11506367586    182", done.stdout)

    def test_frames_take_the_columns_without_copying(self):
        import pandas_top
        batch = next(flowlog.read(data("vpc"), "bytes", "accept", records_only=True))
        frame = pandas_top.frame(batch)
        self.assertEqual(frame["bytes"].to_numpy().__array_interface__["data"][0], batch._c.column[0].values)
        self.assertEqual(int(frame["bytes"].sum()), sum(batch["bytes"].values))

    def test_answers_are_frames(self):
        import pandas
        frame = pandas.DataFrame(flowlog.group(data("vpc"), "bin(start,1h),action", datetimes=True))
        self.assertEqual(str(frame["bin(start,1h)"].dtype), "datetime64[ns, UTC]")
        self.assertEqual(int(frame["count"].sum()), 9117)


@unittest.skipUnless(have("matplotlib"), "SKIPPED: matplotlib is not installed")
class Plot(unittest.TestCase):
    def test_is_a_picture(self):
        with tempfile.TemporaryDirectory() as directory:
            picture = os.path.join(directory, "flows.png")
            done = run("plot.py", picture)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("13 intervals, 17718165298 bytes, 9117 records", done.stdout)
            with open(picture, "rb") as file:
                self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")


@unittest.skipUnless(have("distributed"), "SKIPPED: distributed (Dask) is not installed")
class Dask(unittest.TestCase):
    def test_workers_and_one_process_give_the_same(self):
        with tempfile.TemporaryDirectory() as directory:  # where workers keep what they are sent
            done = run("dask_top.py", "--workers", "2", cwd=directory)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("24 files; the same as one process", done.stderr)
        self.assertEqual(done.stdout.splitlines()[0], "10.0.4.52\t10.0.0.20\t5753172980\t16\t2")


if __name__ == "__main__":
    unittest.main()
