// SPDX-License-Identifier: MIT

// Go_read is read_sum.c in Go: the same options, a plain loop over each column.
//
//	go_read FILE [map]         prints "rows packets bytes seconds cpu", seconds of reading alone, by the clock and of the
//	                           processor
package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"example.com/flowlog"
)

func sum(values []uint64) (total uint64) {
	for _, n := range values {
		total += n
	}
	return total
}

func read(src flowlog.Source) (rows, packets, bytes uint64, err error) {
	r, err := flowlog.Open(src, flowlog.Options{Fields: []string{"packets", "bytes"}})
	if err != nil {
		return 0, 0, 0, err
	}
	defer r.Close()
	for {
		batch, err := r.Next()
		if err == io.EOF {
			return rows, packets, bytes, nil
		}
		if err != nil {
			return 0, 0, 0, err
		}
		rows += uint64(batch.Rows())
		packets += sum(batch.Column(0).U64())
		bytes += sum(batch.Column(1).U64())
	}
}

// processor is what the process has used, its runtime's threads included.
func processor() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: go_read FILE [map]")
		os.Exit(2)
	}
	began, used := time.Now(), processor()
	src := flowlog.Files(os.Args[1])
	if len(os.Args) > 2 {
		src = src.Mapped()
	}
	rows, packets, bytes, err := read(src)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d %d %d %.6f %.6f\n", rows, packets, bytes, time.Since(began).Seconds(), processor()-used)
}
