// SPDX-License-Identifier: MIT

package flowlog

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"io"
	"runtime"
	"runtime/cgo"
	"time"
	"unsafe"
)

// Order is one column to sort by.
type Order struct {
	Column     string
	Descending bool
}

// Desc sorts by a column, largest first; Asc smallest first.
func Desc(column string) Order { return Order{column, true} }
func Asc(column string) Order  { return Order{column, false} }

// Query is a question in the words of plan.h, where each of them is described.
type Query struct {
	Where       string    // only rows that match (filter.h); "": all
	By          string    // keys: "srcaddr, dstaddr/24, bin(start,5m)"; "": all rows are one group
	Select      string    // columns: "count, sum(bytes) as bytes, p95(bytes)"
	Having      string    // only groups that match
	Sort        []Order   // ties, and everything when nothing is named, go by the keys
	Limit       uint64    // at most that many rows; 0: all
	PerKeys     string    // at most PerLimit rows for each value of these keys
	PerLimit    uint64    //
	NullKeys    bool      // keep groups with a null key
	MaxGroups   uint64    // in memory; 0: 2^24
	Approximate bool      // past MaxGroups keep the largest instead of failing with ErrLimit
	Now         time.Time // what "last 2h" counts from; zero: time.Now
	Format      string    // makes its fields known to Where
}

// Plan is a query that was checked.  It is never changed: any number of goroutines may run it at once.
type Plan struct {
	p *C.flowlog_plan
}

// Plan checks the query.  Close the plan in the end.
func (q Query) Plan() (*Plan, error) {
	p := &Plan{}
	if status := C.flowlog_plan_new(alloc(), &p.p); status < 0 {
		return nil, failed(status, nil)
	}
	if err := p.build(q); err != nil {
		p.Close()
		return nil, err
	}
	runtime.SetFinalizer(p, (*Plan).Close)
	return p, nil
}

func (p *Plan) build(q Query) error {
	format, err := parseFormat(q.Format)
	if err != nil {
		return err
	}
	defer C.flowlog_format_free(format)
	options := filterOptions(format, q.Now)
	if err := failed(C.flowlog_plan_where_options(p.p, &options), nil); err != nil {
		return err
	}
	var detail C.flowlog_error
	var status C.flowlog_status
	set := func(what, value string, call func(s *C.char)) { // a part that is "" is left out
		if err != nil || value == "" {
			return
		}
		var s *C.char
		if s, err = text(what, value); err != nil {
			return
		}
		defer release(s)
		call(s)
		err = failed(status, &detail)
	}
	set("Where", q.Where, func(s *C.char) { status = C.flowlog_plan_where(p.p, s, &detail) })
	set("By", q.By, func(s *C.char) { status = C.flowlog_plan_key(p.p, s, &detail) })
	set("Select", q.Select, func(s *C.char) { status = C.flowlog_plan_select(p.p, s, &detail) })
	set("Having", q.Having, func(s *C.char) { status = C.flowlog_plan_having(p.p, s, &detail) })
	for _, order := range q.Sort {
		down := boolean(order.Descending)
		set("Sort", order.Column, func(s *C.char) { status = C.flowlog_plan_sort(p.p, s, down, &detail) })
	}
	set("PerKeys", q.PerKeys, func(s *C.char) {
		status = C.flowlog_plan_limit_per(p.p, s, C.uint64_t(q.PerLimit), &detail)
	})
	if err != nil {
		return err
	}
	for _, status := range []C.flowlog_status{
		C.flowlog_plan_limit(p.p, C.uint64_t(q.Limit)),
		C.flowlog_plan_max_groups(p.p, C.uint64_t(q.MaxGroups)),
		C.flowlog_plan_keep_null_keys(p.p, boolean(q.NullKeys)),
		C.flowlog_plan_approximate(p.p, boolean(q.Approximate)),
	} {
		if status < 0 {
			return failed(status, nil)
		}
	}
	return nil
}

// String is the plan in its canonical form: equal texts are equal questions.
func (p *Plan) String() string {
	if p.p == nil {
		return ""
	}
	defer runtime.KeepAlive(p)
	return grown(func(buf *C.char, room C.size_t) C.size_t { return C.flowlog_plan_explain(p.p, buf, room) })
}

// grown is the text that a C function of snprintf's habits writes.
func grown(write func(buf *C.char, room C.size_t) C.size_t) string {
	buf := make([]byte, 1024)
	for {
		n := int(write((*C.char)(unsafe.Pointer(&buf[0])), C.size_t(len(buf))))
		if n < len(buf) {
			return string(buf[:n])
		}
		buf = make([]byte, n+1)
	}
}

// Close releases the plan; results do not need it.  Calling it again does nothing.
func (p *Plan) Close() error {
	runtime.SetFinalizer(p, nil)
	C.flowlog_plan_free(p.p)
	p.p = nil
	return nil
}

// RunOptions of a plan's run; the zero value runs on one thread and stops at the first damage.
type RunOptions struct {
	Threads   int    // of the library; 0 or 1: none but the caller's.  The answer is the same for any number
	Format    string // of lines that follow no header; "": found by content
	StopOnBad bool   // a malformed line ends the run
	LineMax   int    // longest line in bytes; 0: 65536

	// Progress is called several times a second with the bytes consumed of those there are (0: not known).
	Progress func(done, total uint64)

	// Damage is told that an input could not be read, or not to its end; nil: go on with the others.  An error ends
	// the run and is what it fails with.  Without Damage the first one ends the run.
	Damage func(path string, err error) error

	Counters *Counters // written at the end, also when the run failed
}

// Run reads the source to its end and answers the plan.  When ctx is done, it ends with ErrCancelled and the context's
// error within a fraction of a second.
func (p *Plan) Run(ctx context.Context, src Source, options RunOptions) (*Result, error) {
	result := &Result{}
	err := p.run(ctx, src, options, func(s *C.flowlog_source, o *C.flowlog_run_options) error {
		var detail C.flowlog_error
		return failed(C.flowlog_plan_run(p.p, s, o, &result.p, &detail), &detail)
	})
	if err != nil {
		return nil, err
	}
	return result.opened(), nil
}

// Partial reads the source to its end and gives an answer that is not finished: bytes that Merge and Finish take, in
// this process, on another machine or on another day.
func (p *Plan) Partial(ctx context.Context, src Source, options RunOptions) ([]byte, error) {
	var partial []byte
	err := p.run(ctx, src, options, func(s *C.flowlog_source, o *C.flowlog_run_options) error {
		var run *C.flowlog_run
		var detail C.flowlog_error
		if status := C.flowlog_plan_collect(p.p, s, o, &run, &detail); status < 0 {
			return failed(status, &detail)
		}
		defer C.flowlog_run_free(run)
		var err error
		partial, err = save(run)
		return err
	})
	return partial, err
}

func (p *Plan) run(ctx context.Context, src Source, options RunOptions,
	read func(*C.flowlog_source, *C.flowlog_run_options) error) error {
	if p.p == nil {
		return misuse(ErrState, "the plan is closed")
	}
	defer runtime.KeepAlive(p)
	return options.with(ctx, src, read)
}

// with opens the source and calls read with it and the options of C.
func (options RunOptions) with(ctx context.Context, src Source,
	read func(*C.flowlog_source, *C.flowlog_run_options) error) error {
	if options.Threads < 0 || options.LineMax < 0 || uint64(options.Threads|options.LineMax) > 1<<31 {
		return misuse(ErrArgument, "Threads or LineMax out of range")
	}
	if err := ctx.Err(); err != nil {
		return &Error{Status: ErrCancelled, Cause: err}
	}
	format, err := parseFormat(options.Format)
	if err != nil {
		return err
	}
	defer C.flowlog_format_free(format)
	source, err := src.open()
	if err != nil {
		return err
	}
	defer source.close()

	c := &call{ctx: ctx, progress: options.Progress, damage: options.Damage}
	handle := cgo.NewHandle(c)
	defer handle.Delete()
	o := C.flowlog_run_options{
		struct_size: C.sizeof_flowlog_run_options,
		threads:     C.uint32_t(options.Threads),
		line_max:    C.uint32_t(options.LineMax),
		format:      format,
		alloc:       alloc(),
	}
	if options.StopOnBad {
		o.flags = C.FLOWLOG_READ_STOP_ON_BAD
	}
	if options.Counters != nil { // C's memory, since a pointer to Go's must not be in what C is given a pointer to
		o.counters = (*C.flowlog_counters)(C.calloc(1, C.sizeof_flowlog_counters))
		defer C.free(unsafe.Pointer(o.counters))
	}
	C.shim_run_callbacks(&o, C.uintptr_t(handle), boolean(c.progress != nil || ctx.Done() != nil), boolean(c.damage != nil))
	err = read(source.p, &o)
	if options.Counters != nil {
		*options.Counters = goCounters(o.counters, func(file C.uint32_t) string {
			return C.GoString(C.flowlog_source_name(source.p, file))
		})
	}
	return c.settle(source.settle(err))
}

// --- partials ---------------------------------------------------------------------------------------------------

type appender struct{ bytes []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.bytes = append(a.bytes, p...)
	return len(p), nil
}

func save(run *C.flowlog_run) ([]byte, error) {
	var out appender
	c := &call{write: &out}
	handle := cgo.NewHandle(c)
	defer handle.Delete()
	var detail C.flowlog_error
	err := failed(C.shim_save(run, C.uintptr_t(handle), &detail), &detail)
	return out.bytes, c.settle(err)
}

// loaded is a partial in memory.
type loaded struct {
	plan *C.flowlog_plan
	run  *C.flowlog_run
}

func load(partial []byte) (l loaded, err error) {
	if len(partial) == 0 {
		return l, misuse(ErrCorrupt, "a partial without any byte")
	}
	var detail C.flowlog_error
	status := C.flowlog_run_load(unsafe.Pointer(&partial[0]), C.size_t(len(partial)), alloc(), &l.plan, &l.run, &detail)
	return l, failed(status, &detail)
}

func (l loaded) free() {
	C.flowlog_run_free(l.run)
	C.flowlog_plan_free(l.plan)
}

func loadAll(partials [][]byte) (loaded, error) {
	if len(partials) == 0 {
		return loaded{}, misuse(ErrArgument, "no partial to merge")
	}
	sum, err := load(partials[0])
	if err != nil {
		return sum, err
	}
	for _, partial := range partials[1:] {
		if err := sum.add(partial); err != nil {
			sum.free()
			return loaded{}, err
		}
	}
	return sum, nil
}

func (l loaded) add(partial []byte) error {
	other, err := load(partial)
	if err != nil {
		return err
	}
	defer other.free()
	var detail C.flowlog_error
	return failed(C.flowlog_run_merge(l.run, other.run, &detail), &detail)
}

// Merge makes one partial of several of the same plan.  In whatever order and grouping, the answer is the same.
func Merge(partials ...[]byte) ([]byte, error) {
	sum, err := loadAll(partials)
	if err != nil {
		return nil, err
	}
	defer sum.free()
	return save(sum.run)
}

// Finish is the answer that one or several partials of the same plan give.
func Finish(partials ...[]byte) (*Result, error) {
	sum, err := loadAll(partials)
	if err != nil {
		return nil, err
	}
	defer sum.free()
	result := &Result{}
	var detail C.flowlog_error
	if status := C.flowlog_run_finish(sum.run, &result.p, &detail); status < 0 {
		return nil, failed(status, &detail)
	}
	return result.opened(), nil
}

// --- results ----------------------------------------------------------------------------------------------------

// Result is the rows of an answer.
type Result struct {
	p       *C.flowlog_result
	columns []string
	row     []C.flowlog_value // of Row
}

func (r *Result) opened() *Result {
	r.row = make([]C.flowlog_value, C.flowlog_result_columns(r.p))
	for i := range r.row {
		r.columns = append(r.columns, C.GoString(C.flowlog_result_name(r.p, C.uint32_t(i))))
	}
	runtime.SetFinalizer(r, (*Result).Close)
	return r
}

// Len is the number of rows; 0 after Close.
func (r *Result) Len() int {
	if r.p == nil {
		return 0
	}
	defer runtime.KeepAlive(r)
	return int(C.flowlog_result_rows(r.p))
}

// Columns are the names: those of the keys, then those of the selected columns.
func (r *Result) Columns() []string { return r.columns }

// Row is a copy of one row's values, of the Go types that Type names; nil is null.  It panics when there is no such row.
func (r *Result) Row(row int) []any {
	if row < 0 || row >= r.Len() {
		panic("flowlog: no such row of the result")
	}
	values := make([]any, len(r.row))
	if len(values) == 0 {
		return values
	}
	if status := C.shim_row(r.p, C.uint64_t(row), &r.row[0]); status < 0 {
		panic("flowlog: " + Status(status).Error())
	}
	for i := range values {
		values[i] = goValue(&r.row[i])
	}
	runtime.KeepAlive(r)
	return values
}

// Maps are all rows by the names of columns.
func (r *Result) Maps() []map[string]any {
	rows := make([]map[string]any, r.Len())
	for i := range rows {
		rows[i] = make(map[string]any, len(r.columns))
		for k, v := range r.Row(i) {
			rows[i][r.columns[k]] = v
		}
	}
	return rows
}

// Summary is what a result says beside its rows.
type Summary struct {
	Keys        int    // how many of the columns are keys
	Groups      uint64 // before having and limit
	Counted     uint64 // rows that took part
	NullKeys    uint64 // rows left out because a key was null
	Approximate []bool // by column: some value is an estimate
}

// Summary gives it.
func (r *Result) Summary() Summary {
	s := Summary{}
	if r.p == nil {
		return s
	}
	defer runtime.KeepAlive(r)
	s.Keys = int(C.flowlog_result_keys(r.p))
	s.Groups = uint64(C.flowlog_result_groups(r.p))
	s.Counted = uint64(C.flowlog_result_counted(r.p))
	s.NullKeys = uint64(C.flowlog_result_null_keys(r.p))
	for i := range r.columns {
		s.Approximate = append(s.Approximate, C.flowlog_result_approximate(r.p, C.uint32_t(i)) != 0)
	}
	return s
}

// Total is the sum of a count or sum over all groups, also those beyond the limit.
func (r *Result) Total(column int) (uint64, error) {
	if r.p == nil || column < 0 || column >= len(r.columns) {
		return 0, misuse(ErrArgument, "no such column of the result")
	}
	defer runtime.KeepAlive(r)
	var total C.uint64_t
	status := C.flowlog_result_total(r.p, C.uint32_t(column), &total)
	return uint64(total), failed(status, nil)
}

// Form is how Write writes rows; write.h describes each.
type Form int

// The forms there are.
const (
	Table Form = C.FLOWLOG_FORM_TABLE
	JSON  Form = C.FLOWLOG_FORM_JSON
	CSV   Form = C.FLOWLOG_FORM_CSV
	TSV   Form = C.FLOWLOG_FORM_TSV
	Text  Form = C.FLOWLOG_FORM_TEXT
)

// Write writes all rows.
func (r *Result) Write(w io.Writer, form Form) error {
	if r.p == nil {
		return misuse(ErrState, "the result is closed")
	}
	c := &call{write: w}
	handle := cgo.NewHandle(c)
	defer handle.Delete()
	var detail C.flowlog_error
	err := failed(C.shim_write(r.p, C.int(form), C.uintptr_t(handle), alloc(), &detail), &detail)
	runtime.KeepAlive(r)
	return c.settle(err)
}

// Close releases the result.  Calling it again does nothing.
func (r *Result) Close() error {
	runtime.SetFinalizer(r, nil)
	C.flowlog_result_free(r.p)
	r.p = nil
	return nil
}

// --- in one call ------------------------------------------------------------------------------------------------

// Group answers a query over a source, on one thread.
func Group(src Source, q Query) (*Result, error) {
	plan, err := q.Plan()
	if err != nil {
		return nil, err
	}
	defer plan.Close()
	return plan.Run(context.Background(), src, RunOptions{})
}

// Top is the query for the n groups with most bytes, with their bytes, packets and flows, and their share of all bytes.
func Top(by string, n uint64) Query {
	return Query{
		By:     by,
		Select: "sum(bytes) as bytes, sum(packets) as packets, count as flows, share(sum(bytes)) as share",
		Sort:   []Order{Desc("bytes")},
		Limit:  n,
	}
}
