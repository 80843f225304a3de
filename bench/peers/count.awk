# SPDX-License-Identifier: MIT
# count.awk - the records of a file with a header.
END { printf "count\t%d\n", NR - 1 }
