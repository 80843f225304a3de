#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Python costs over C: the same log read, the same two columns added up, by turns.

    FLOWLOG_LIBRARY=build/release/lib/libflowlog.so bench/python_read.py [--rows N] [--runs N] [--bin DIR] [--dir DIR]

    --rows N   records, 10 million unless said otherwise (about 1.1 GB of mixed default format, kept in DIR)
    --runs N   of each side, by turns (default 7); medians count
    --bin DIR  where gen_logs and read_sum are (default build/release/bin)
    --dir DIR  where the log is made, and found again (default ${TMPDIR:-/tmp}/flowlog-bench)

First the sums are compared, then both are timed: reading alone, by the clock and of the processor.  On a shared
machine only the processor's mean something.  Needs numpy for the sums; sum(memoryview) is Python's own loop.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "examples", "python"))
import flowlog  # noqa: E402
import numpy  # noqa: E402

BYTES_A_ROW = 112  # of v2mixed


def python(path, mapped):
    rows = packets = total = 0
    began, used = time.perf_counter(), time.process_time()
    with flowlog.read(path, "packets,bytes", map=mapped) as reader:
        for batch in reader:
            rows += batch.rows
            packets += int(numpy.sum(batch["packets"].values))
            total += int(numpy.sum(batch["bytes"].values))
    return (rows, packets, total), time.perf_counter() - began, time.process_time() - used


def c(program, path, mapped):
    done = subprocess.run([program, path] + ["map"] * mapped, capture_output=True, text=True, check=True)
    *sums, seconds, cpu = done.stdout.split()
    return tuple(map(int, sums)), float(seconds), float(cpu)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "release", "bin"))
    parser.add_argument("--dir", default=os.path.join(os.environ.get("TMPDIR", "/tmp"), "flowlog-bench"))
    args = parser.parse_args()
    mb = args.rows * BYTES_A_ROW // 1000000 + 1
    path = os.path.join(args.dir, f"v2mixed-{mb}.log")
    if not os.path.exists(path):
        os.makedirs(args.dir, exist_ok=True)
        with open(path + ".tmp", "wb") as file:
            subprocess.run([os.path.join(args.bin, "gen_logs"), "--kind", "v2mixed", "--mb", str(mb), "--seed", "1"],
                           stdout=file, check=True)
        os.rename(path + ".tmp", path)
    program = os.path.join(args.bin, "read_sum")
    print("| | rows | C, s | Python, s | ratio | C, cpu s | Python, cpu s | ratio |\n|---|---|---|---|---|---|---|---|")
    worst = 0.0
    for mapped in (False, True):
        expected, got = c(program, path, mapped), python(path, mapped)  # the first run also warms the page cache
        if expected[0] != got[0]:
            sys.exit(f"DIFFERENT ANSWER: C {expected[0]}, Python {got[0]}")
        runs = [(c(program, path, mapped), python(path, mapped)) for _ in range(args.runs)]
        wall = [statistics.median(run[side][1] for run in runs) for side in (0, 1)]
        cpu = [statistics.median(run[side][2] for run in runs) for side in (0, 1)]
        print("| %s | %d | %.3f | %.3f | %.2f | %.3f | %.3f | %.2f |" % (
            "mapped" if mapped else "read", got[0][0], *wall, wall[1] / wall[0], *cpu, cpu[1] / cpu[0]))
        worst = max(worst, cpu[1] / cpu[0])
    print(f"\nworst ratio of processor time: {worst:.2f}")


if __name__ == "__main__":
    main()
