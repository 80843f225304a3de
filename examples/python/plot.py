#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A notebook as a script (cells begin with # %%): traffic over time, and who was refused.

    plot.py PICTURE.png [PATH...]          default: the bundled logs
"""
# %% What is asked for
import os
import sys

import matplotlib
matplotlib.use("Agg")  # a file, no window
import matplotlib.pyplot as plt

import flowlog

picture = sys.argv[1] if len(sys.argv) > 1 else "flows.png"
paths = sys.argv[2:] or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "vpc")

# %% Bytes of each five minutes, accepted and refused
series = flowlog.group(paths, by="bin(start,5m), action", agg="sum(bytes) as bytes, count as flows", datetimes=True)
times = sorted({row["bin(start,5m)"] for row in series})
flows = {(row["bin(start,5m)"], row["action"]): row for row in series}

# %% The sources that were refused most
refused = flowlog.group(paths, by="srcaddr", where="reject", sort="count", limit=8)

# %% Both in one picture
figure, (above, below) = plt.subplots(2, 1, figsize=(9, 7))
for action, colour in (("ACCEPT", "tab:blue"), ("REJECT", "tab:red")):
    above.step(times, [flows.get((t, action), {}).get("flows", 0) for t in times], where="post", label=action, color=colour)
above.set_title("Records of each five minutes (UTC)")
above.set_yscale("symlog")
above.legend()
below.barh([row["srcaddr"] for row in refused][::-1], [row["count"] for row in refused][::-1], color="tab:red")
below.set_title("Sources with most refused records")
figure.tight_layout()
figure.savefig(picture, dpi=120)
print(f"{picture}: {len(times)} intervals, {sum(row['bytes'] for row in series)} bytes, "
      f"{series.counters.records} records")
