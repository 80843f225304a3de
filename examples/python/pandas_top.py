#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Top talkers with pandas: columns of a log as a DataFrame, then pandas as usual.

    pandas_top.py [PATH...]          default: the bundled logs

Prints the ten addresses that sent most bytes, by pandas and by libflowlog itself; the numbers are the same.  For a
log larger than memory let libflowlog add up first (flowlog.group) and give pandas the answer.
"""
import os
import sys

import numpy as np
import pandas as pd

import flowlog

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "vpc")


def frame(batch):
    """A batch as a DataFrame.  The arrays share the batch's memory: nothing but addresses and names is converted."""
    columns = {}
    for name in batch.names:
        column = batch[name]
        if column.type == "enum" and bytes(column.values).count(0) == column.null_count:  # no tokens but AWS's
            codes = np.asarray(column.values).astype("int16") - 1  # a code of 0 is null, which is -1 in pandas
            columns[name] = pd.Categorical.from_codes(codes, column.categories[1:])
        elif column.type in ("u32", "u64", "time") and not column.null_count:
            values = np.asarray(column.values)
            columns[name] = values.view("datetime64[s]") if column.type == "time" else values
        else:
            columns[name] = column.tolist()
    return pd.DataFrame(columns, copy=False)


def load(paths, fields, where=None):
    """All rows.  copy=True: each batch keeps its memory, so that frames may be collected."""
    with flowlog.read(paths, fields, where, records_only=True, copy=True) as reader:
        return pd.concat([frame(batch) for batch in reader], ignore_index=True)


def main():
    paths = sys.argv[1:] or [DATA]
    flows = load(paths, "srcaddr, bytes, start, action")
    print(flows.dtypes.to_string(), end="\n\n")
    top = flows.groupby("srcaddr")["bytes"].agg(["sum", "count"]).sort_values(["sum"], ascending=False).head(10)
    print(top.rename(columns={"sum": "bytes", "count": "flows"}).to_string(), end="\n\n")
    answer = pd.DataFrame(flowlog.top(paths, decimal=float)).set_index("srcaddr")
    print(answer.to_string())
    return 0 if top["sum"].tolist() == answer["bytes"].tolist() else 1


if __name__ == "__main__":
    sys.exit(main())
