// SPDX-License-Identifier: MIT

package flowlog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"example.com/flowlog"
)

func ExampleGroup() {
	result, err := flowlog.Group(flowlog.Files("../data/vpc"), flowlog.Query{
		Where:  "reject and dst port in [22 3389]",
		By:     "srcaddr",
		Select: "count, sum(bytes) as bytes",
		Sort:   []flowlog.Order{flowlog.Desc("bytes")},
		Limit:  3,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer result.Close()
	for _, row := range result.Maps() {
		fmt.Println(row["srcaddr"], row["bytes"])
	}
	// Output:
	// 203.0.113.99 2400
	// 198.19.33.252 44
	// 198.19.45.47 44
}

func ExampleReader_Next() {
	r, err := flowlog.Open(flowlog.Files("../data/vpc"), flowlog.Options{Fields: []string{"bytes"}, RecordsOnly: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	var sum uint64
	for {
		batch, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, n := range batch.Column(0).U64() {
			sum += n
		}
	}
	fmt.Println(r.Counters().Records, "records,", sum, "bytes")
	// Output:
	// 9117 records, 17718165298 bytes
}

// One question to two accounts, each read by itself, as by two machines.
func ExampleMerge() {
	plan, err := flowlog.Query{By: "action", Select: "count, distinct(srcaddr) as sources"}.Plan()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer plan.Close()
	var partials [][]byte
	for _, account := range []string{"123456789010", "210987654321"} {
		src := flowlog.Files("../data/vpc/AWSLogs/" + account)
		partial, err := plan.Partial(context.Background(), src, flowlog.RunOptions{})
		if err != nil {
			fmt.Println(err)
			return
		}
		partials = append(partials, partial)
	}
	result, err := flowlog.Finish(partials...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer result.Close()
	if err := result.Write(os.Stdout, flowlog.CSV); err != nil {
		fmt.Println(err)
	}
	// Output:
	// action,count,sources
	// ACCEPT,8260,271
	// REJECT,857,510
}

func ExampleDiagnose() {
	found, err := flowlog.Diagnose(context.Background(), flowlog.Files("../data/why/flows.log"), flowlog.DiagnoseOptions{
		Client: netip.MustParseAddr("10.0.1.5"),
		Server: netip.MustParseAddr("10.0.2.6"),
		Port:   5432,
	}, flowlog.RunOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range found.Findings {
		if f.Kind == "query" {
			fmt.Println(f.Verdict, f.Layer, f.Confidence)
		}
	}
	// Output:
	// BLOCKED_REPLY_OUTBOUND NACL high
}

func ExampleError() {
	_, err := flowlog.Query{Select: "sum(bites)"}.Plan()
	var e *flowlog.Error
	if errors.As(err, &e) {
		fmt.Println(errors.Is(err, flowlog.ErrField), e.Column, e)
	}
	// Output:
	// true 5 column 5: 'bites' is not a field that sum can take
}
