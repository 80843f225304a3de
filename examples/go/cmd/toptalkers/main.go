// SPDX-License-Identifier: MIT

// Toptalkers prints who exchanged most bytes.
//
//	toptalkers [-by srcaddr,dstaddr] [-where 'dst port 443'] [-n 10] [-json] PATH...
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"

	"example.com/flowlog"
)

func main() {
	by := flag.String("by", "srcaddr,dstaddr", "keys, as in flowlog group --by")
	where := flag.String("where", "", "only rows that match, such as 'reject and dst port 22'")
	n := flag.Uint64("n", 10, "how many; 0: all")
	json := flag.Bool("json", false, "JSON, one object a line")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: toptalkers [-by KEYS] [-where CONDITION] [-n N] [-json] PATH...")
		os.Exit(2)
	}
	form := flowlog.Table
	if *json {
		form = flowlog.JSON
	}
	if err := run(*by, *where, *n, form, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "toptalkers:", err)
		os.Exit(2)
	}
}

func run(by, where string, n uint64, form flowlog.Form, paths []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	query := flowlog.Top(by, n)
	query.Where = where
	plan, err := query.Plan()
	if err != nil {
		return err
	}
	defer plan.Close()

	result, err := plan.Run(ctx, flowlog.Files(paths...), flowlog.RunOptions{
		Threads: runtime.NumCPU(),
		Damage: func(path string, err error) error {
			fmt.Fprintln(os.Stderr, "toptalkers:", err) // and go on with the other files
			return nil
		},
	})
	if err != nil {
		return err
	}
	defer result.Close()
	return result.Write(os.Stdout, form)
}
