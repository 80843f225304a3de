#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A question over many files on a Dask cluster: a partial for each file on the workers, merged where it was asked.

    dask_top.py [--workers N] [--scheduler ADDRESS] [PATH...]          default: two workers here, the bundled logs

What travels is the partials, some kilobytes each; the answer is that of one process, whatever the order.  Workers need
libflowlog (FLOWLOG_LIBRARY, or installed) and get flowlog.py sent; paths must mean the same to all.
"""
import argparse
import os
import sys

from distributed import Client, LocalCluster, as_completed

import flowlog

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "vpc")
QUESTION = dict(by="srcaddr, dstaddr", agg="sum(bytes) as bytes, count as flows, distinct(dstport) as ports",
                where="accept", sort="bytes", limit=10)


def files_of(paths):
    for path in paths:
        if os.path.isdir(path):
            for directory, _, names in sorted(os.walk(path)):
                yield from (os.path.join(directory, name) for name in sorted(names) if not name.startswith("."))
        else:
            yield path


def partial_of(path):  # on a worker
    return flowlog.partial(path, **QUESTION)


def ask(client, files):
    """Partials are merged as they come: memory is that of one answer."""
    merged = None
    for _, part in as_completed(client.map(partial_of, files), with_results=True):
        merged = part if merged is None else flowlog.combine([merged, part])
    return flowlog.merge([merged])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scheduler", help="of a cluster that runs already")
    parser.add_argument("paths", nargs="*", default=[DATA])
    args = parser.parse_args()
    files = [os.path.abspath(path) for path in files_of(args.paths)]
    cluster = args.scheduler or LocalCluster(n_workers=args.workers, threads_per_worker=1, dashboard_address=None)
    with Client(cluster) as client:
        client.upload_file(flowlog.__file__)
        answer = ask(client, files)
    if not args.scheduler:
        cluster.close()
    for row in answer:
        print(*row.values(), sep="\t")
    alone = flowlog.group(files, **QUESTION)
    print(f"{len(files)} files; {'the same as' if answer == alone else 'DIFFERENT from'} one process", file=sys.stderr)
    return answer != alone


if __name__ == "__main__":
    sys.exit(main())
