# SPDX-License-Identifier: MIT
# full.awk - every column of the default format read: sums of numbers, lengths of text.
NR == 1 { next }
{
    for (i = 1; i <= 14; i++)
        if ($i != "-")
            sum[i] += (i == 2 || i == 3 || i > 12) ? length($i) : $i
}
END {
    n = split("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status", name)
    for (i = 1; i <= n; i++)
        if (i != 4 && i != 5)
            printf "full\t%s\t%.0f\n", name[i], sum[i]
}
