// SPDX-License-Identifier: MIT

package flowlog

/*
#include "shim.h"
*/
import "C"

import (
	"io"
	"runtime"
	"strings"
	"time"
)

// Options of a reader; the zero value reads all fields of all rows.
type Options struct {
	Fields      []string  // those to decode, in this order; nil: all of each format
	Where       string    // only rows that match (filter.h); "": all
	Format      string    // of lines that follow no header; "": found by content
	Now         time.Time // what "last 2h" counts from; zero: time.Now
	RecordsOnly bool      // leave out NODATA and SKIPDATA; they are still counted
	StopOnBad   bool      // a malformed line ends the reading
	Lines       bool      // have Batch.Line and Batch.LineNumbers
	BatchRows   int       // most rows of a batch; 0: 1024
	LineMax     int       // longest line in bytes; 0: 65536
}

// Reader gives batches.
type Reader struct {
	p      *C.flowlog_reader
	filter *C.flowlog_filter // borrowed by p
	source *source
	batch  Batch
	detail C.flowlog_error // of Next: here, so that a batch costs no garbage
	turn   time.Time       // of yield
}

// Open opens a reader.  Close it, best in a defer.
func Open(src Source, options Options) (*Reader, error) {
	r := &Reader{}
	r.batch.r = r
	if err := r.open(src, options); err != nil {
		r.Close()
		return nil, err
	}
	runtime.SetFinalizer(r, (*Reader).Close)
	return r, nil
}

func (r *Reader) open(src Source, options Options) error {
	format, err := parseFormat(options.Format)
	if err != nil {
		return err
	}
	defer C.flowlog_format_free(format)
	if r.filter, err = parseFilter(options.Where, format, options.Now); err != nil {
		return err
	}
	if options.BatchRows < 0 || options.LineMax < 0 || uint64(options.BatchRows|options.LineMax) > 1<<31 {
		return misuse(ErrArgument, "BatchRows or LineMax out of range")
	}
	c := C.flowlog_reader_options{
		struct_size: C.sizeof_flowlog_reader_options,
		format:      format,
		alloc:       alloc(),
		batch_rows:  C.uint32_t(options.BatchRows),
		line_max:    C.uint32_t(options.LineMax),
		filter:      r.filter,
	}
	for flag, on := range map[C.uint32_t]bool{C.FLOWLOG_READ_LINES: options.Lines,
		C.FLOWLOG_READ_STOP_ON_BAD: options.StopOnBad, C.FLOWLOG_READ_RECORDS_ONLY: options.RecordsOnly} {
		if on {
			c.flags |= flag
		}
	}
	if options.Fields != nil {
		if c.fields, err = text("field", strings.Join(options.Fields, ",")); err != nil {
			return err
		}
		defer release(c.fields)
	}
	if r.source, err = src.open(); err != nil {
		return err
	}
	var detail C.flowlog_error
	status := C.flowlog_reader_open(r.source.p, &c, &r.p, &detail)
	if status >= 0 {
		r.source.p = nil // the reader's now
	}
	return failed(status, &detail)
}

// parseFilter compiles a condition; "" gives nil, every row.
func parseFilter(condition string, format *C.flowlog_format, now time.Time) (*C.flowlog_filter, error) {
	if condition == "" {
		return nil, nil
	}
	s := C.CString(condition)
	defer release(s)
	options := filterOptions(format, now)
	var filter *C.flowlog_filter
	var detail C.flowlog_error
	status := C.flowlog_filter_parse(s, C.size_t(len(condition)), &options, &filter, &detail)
	return filter, failed(status, &detail)
}

func filterOptions(format *C.flowlog_format, now time.Time) C.flowlog_filter_options {
	if now.IsZero() {
		now = time.Now()
	}
	return C.flowlog_filter_options{
		struct_size: C.sizeof_flowlog_filter_options,
		format:      format,
		alloc:       alloc(),
		now:         C.int64_t(now.Unix()),
	}
}

// Next gives the next batch, or io.EOF after the last.  Another error is about one file, which Error.Path names:
// everything before the damage was delivered, and calling Next again goes on with the next file.  (Not after ErrMemory,
// and not after ErrMalformed, which comes of StopOnBad only: these are given again.)
//
// The batch is valid until the next call of Next or Close.
func (r *Reader) Next() (*Batch, error) {
	r.batch.c = nil
	if r.p == nil {
		return nil, misuse(ErrState, "the reader is closed")
	}
	r.yield()
	status := C.flowlog_reader_next(r.p, &r.batch.c, &r.detail)
	if status == C.FLOWLOG_OK {
		err := r.source.settle(nil)
		runtime.KeepAlive(r)
		return &r.batch, err
	}
	r.batch.c = nil
	err := failed(status, &r.detail)
	if err == nil {
		err = io.EOF
	} else {
		err.(*Error).Path = C.GoString(C.flowlog_reader_path(r.p, C.flowlog_reader_file(r.p)))
	}
	err = r.source.settle(err)
	runtime.KeepAlive(r)
	return nil, err
}

// yield lets other goroutines run, every few milliseconds.  Without it one that hardly leaves C looks to Go's runtime
// like one that has hung there for 10 ms, and the runtime's monitor goes on to wake every 20 us instead of every 10 ms:
// where processors are scarce, that costs a tenth of the reading.
func (r *Reader) yield() {
	if now := time.Now(); now.Sub(r.turn) > 4*time.Millisecond {
		runtime.Gosched()
		r.turn = now
	}
}

// BadLine is a malformed line.
type BadLine struct {
	Path   string
	Reason string // "too_few", "number" and so on; see reader.h
	Column int    // 1-based column of the format that was at fault; 0: the whole line
	Line   uint64 // 1-based within its file
	Offset uint64 // of the line's first byte within its file, after decompression
	Text   string // its beginning
}

// Counters say what was read.  Every line is in exactly one of Records, NoData, SkipData, Headers, Malformed, Skipped.
type Counters struct {
	Files, Bytes, Lines                                    uint64
	Records, NoData, SkipData, Headers, Malformed, Skipped uint64
	Irregular, MillisecondTimes, OddTimes                  uint64
	Reasons                                                map[string]uint64 // malformed, by reason
	BadLines                                               []BadLine         // the first ones
}

func goCounters(c *C.flowlog_counters, path func(file C.uint32_t) string) Counters {
	counters := Counters{
		Files: uint64(c.files), Bytes: uint64(c.bytes), Lines: uint64(c.lines),
		Records: uint64(c.records), NoData: uint64(c.nodata), SkipData: uint64(c.skipdata),
		Headers: uint64(c.headers), Malformed: uint64(c.malformed), Skipped: uint64(c.skipped),
		Irregular: uint64(c.irregular), MillisecondTimes: uint64(c.ms_times), OddTimes: uint64(c.odd_times),
		Reasons: map[string]uint64{},
	}
	for reason, n := range c.reasons {
		if n > 0 {
			counters.Reasons[C.GoString(C.flowlog_reason_name(C.uint32_t(reason)))] = uint64(n)
		}
	}
	for i := range c.bad_line[:c.bad_lines] {
		bad := &c.bad_line[i]
		counters.BadLines = append(counters.BadLines, BadLine{
			Path:   path(bad.file),
			Reason: C.GoString(C.flowlog_reason_name(C.uint32_t(bad.reason))),
			Column: int(bad.column),
			Line:   uint64(bad.line),
			Offset: uint64(bad.offset),
			Text:   C.GoString(&bad.text[0]),
		})
	}
	return counters
}

// Counters are those so far.
func (r *Reader) Counters() Counters {
	if r.p == nil {
		return Counters{}
	}
	defer runtime.KeepAlive(r)
	return goCounters(C.flowlog_reader_counters(r.p), func(file C.uint32_t) string {
		return C.GoString(C.flowlog_reader_path(r.p, file))
	})
}

// Close releases the reader and what its batches were views of.  Calling it again does nothing.
func (r *Reader) Close() error {
	runtime.SetFinalizer(r, nil)
	r.batch.c = nil
	C.flowlog_reader_close(r.p)
	C.flowlog_filter_free(r.filter)
	r.p, r.filter = nil, nil
	if r.source != nil {
		r.source.close()
	}
	return nil
}
