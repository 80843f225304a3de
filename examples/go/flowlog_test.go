// SPDX-License-Identifier: MIT

package flowlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	. "example.com/flowlog"
)

var data = filepath.Join("..", "data")
var logs = filepath.Join(data, "vpc")

// command runs the flowlog command, which FLOWLOG_COMMAND names.
func command(t *testing.T, args ...string) []byte {
	t.Helper()
	path := os.Getenv("FLOWLOG_COMMAND")
	if path == "" {
		t.Skip("FLOWLOG_COMMAND names no flowlog command")
	}
	out, err := exec.Command(path, args...).Output()
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		t.Fatalf("flowlog %q: %v", args, err)
	}
	return out
}

func written(t *testing.T, r *Result, form Form) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Write(&out, form); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}

func answer(t *testing.T, q Query, paths ...string) *Result {
	t.Helper()
	result, err := Group(Files(paths...), q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { result.Close() })
	return result
}

var questions = []struct {
	args  []string
	query Query
	data  string
}{
	{[]string{"group", "--by", "srcaddr,dstaddr,dstport", "--sort", "bytes", "-n", "25", "--agg", "sum(bytes) as bytes, " +
		"sum(packets) as packets, count as flows, share(sum(bytes)) as share"}, Top("srcaddr,dstaddr,dstport", 25), "vpc"},
	{[]string{"group", "--where", "reject", "--by", "srcaddr", "--agg", "count as rejects, distinct(dstport)",
		"--having", "rejects > 50", "--sort", "rejects"},
		Query{Where: "reject", By: "srcaddr", Select: "count as rejects, distinct(dstport)", Having: "rejects > 50",
			Sort: []Order{Desc("rejects")}}, "vpc"},
	{[]string{"group", "--by", "bin(start,5m),action", "--agg", "sum(bytes), avg(bytes), p95(bytes), stddev(packets)"},
		Query{By: "bin(start,5m),action", Select: "sum(bytes), avg(bytes), p95(bytes), stddev(packets)"}, "vpc"},
	{[]string{"group", "--by", "bin(start,1h),dstaddr", "--agg", "sum(bytes) as bytes", "--sort", "bin(start,1h):asc,bytes",
		"-n", "5", "--per", "bin(start,1h)"},
		Query{By: "bin(start,1h),dstaddr", Select: "sum(bytes) as bytes",
			Sort: []Order{Asc("bin(start,1h)"), Desc("bytes")}, PerKeys: "bin(start,1h)", PerLimit: 5}, "vpc"},
	{[]string{"group", "--nulls", "--by", "pkt-src-aws-service,srcaddr/24,service", "--agg", "count, sum(bytes)"},
		Query{NullKeys: true, By: "pkt-src-aws-service,srcaddr/24,service", Select: "count, sum(bytes)"}, "v5"},
}

func TestAnswersAreThoseOfTheCommand(t *testing.T) {
	for _, q := range questions {
		t.Run(strings.Join(q.args, " "), func(t *testing.T) {
			path := filepath.Join(data, q.data)
			args := append(append([]string{}, q.args...), "--json", path)
			want := string(command(t, args...))
			if strings.Count(want, "\n") < 2 {
				t.Fatal("the command has no answer")
			}
			same(t, "as text", written(t, answer(t, q.query, path), JSON), want)
		})
	}
}

// decoded are the values of JSON lines, numbers as they are written.
func decoded(t *testing.T, lines []byte) (rows []map[string]any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(lines))
	d.UseNumber()
	for {
		var row map[string]any
		if err := d.Decode(&row); err == io.EOF {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// encoded is a row of Go values as the command writes them: times are seconds.
func encoded(t *testing.T, row map[string]any) []byte {
	t.Helper()
	for name, value := range row {
		if at, ok := value.(time.Time); ok {
			row[name] = at.Unix()
		}
	}
	out, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

func TestRowsOfResultsHaveTheValuesThatAreWritten(t *testing.T) {
	for _, q := range questions {
		result := answer(t, q.query, filepath.Join(data, q.data))
		var out []byte
		for _, row := range result.Maps() {
			out = append(out, encoded(t, row)...)
		}
		same(t, strings.Join(q.args, " "), decoded(t, out), decoded(t, []byte(written(t, result, JSON))))
	}
}

// each calls f with every batch and returns the counters.
func each(t *testing.T, src Source, options Options, f func(*Batch)) Counters {
	t.Helper()
	r, err := Open(src, options)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		batch, err := r.Next()
		if err == io.EOF {
			return r.Counters()
		}
		if err != nil {
			t.Fatal(err)
		}
		f(batch)
	}
}

func TestColumnsHaveTheValuesThatTheCommandPrints(t *testing.T) {
	for _, name := range []string{"vpc/AWSLogs/210987654321", "v5", "tgw", "damaged/lines.log"} {
		path := filepath.Join(data, name)
		want := decoded(t, command(t, "cat", "--json", path))
		var out []byte
		each(t, Files(path), Options{}, func(b *Batch) {
			for row := 0; row < b.Rows(); row++ {
				values := map[string]any{}
				for i := 0; i < b.Columns(); i++ {
					column := b.Column(i)
					values[strings.ReplaceAll(column.Name(), "-", "_")] = column.Value(row)
				}
				out = append(out, encoded(t, values)...)
			}
		})
		got := decoded(t, out)
		same(t, name+": rows", len(got), len(want))
		for i := range got {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("%s, row %d:\ngot  %v\nwant %v", name, i, got[i], want[i])
			}
		}
	}
}

const log = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n" +
	"2 1 eni-1 10.0.0.1 2001:db8::1 1000 443 6 10 4000000000000 1772366400 1772366459 ACCEPT OK\n" +
	"2 1 eni-1 - 10.0.0.1 0 0 1 1 84 1772366400 1772366459 LATER OK\n" +
	"2 1 eni-1 - - - - - - - 1772366400 1772366459 - NODATA\n"

func TestSlicesAreTheColumns(t *testing.T) {
	batches := 0
	counters := each(t, Stream("log", strings.NewReader(log)), Options{Lines: true}, func(b *Batch) {
		batches++
		find := func(name string) Column {
			column, ok := b.Find(name)
			if !ok {
				t.Fatalf("no column %s", name)
			}
			return column
		}
		same(t, "rows, columns", []int{b.Rows(), b.Columns()}, []int{3, 14})
		same(t, "bytes", find("bytes").U64(), []uint64{4000000000000, 84, 0})
		same(t, "dstport", find("dstPort").U32(), []uint32{443, 0, 0})
		same(t, "start", find("start").Times(), []int64{1772366400, 1772366400, 1772366400})
		src, dst, action := find("srcaddr"), find("dstaddr"), find("action")
		same(t, "IPv4", src.IPv4(), []uint32{0x0A000001, 0, 0})
		same(t, "families", dst.Families(), []uint8{6, 4, 0})
		same(t, "IPv6", dst.IPv6()[0], netip.MustParseAddr("2001:db8::1").As16())
		same(t, "addresses", []netip.Addr{src.Addr(0), src.Addr(1), dst.Addr(0)},
			[]netip.Addr{netip.MustParseAddr("10.0.0.1"), {}, netip.MustParseAddr("2001:db8::1")})
		same(t, "codes", action.Codes(), []uint8{1, 0, 0})
		same(t, "token", action.Token(1), "ACCEPT")
		same(t, "texts", []string{string(action.Text(0)), string(action.Text(1)), string(action.Text(2)),
			string(find("interface-id").Text(2))}, []string{"ACCEPT", "LATER", "", "eni-1"})
		same(t, "nulls", []int{src.Nulls(), dst.Nulls(), action.Nulls()}, []int{2, 1, 1})
		same(t, "validity", []any{src.Validity(), src.Valid(0), src.Valid(1)}, []any{[]uint64{1}, true, false})
		same(t, "log-status", b.LogStatus(), []uint8{1, 1, 2})
		same(t, "lines", []any{string(b.Line(1)), b.LineNumbers()},
			[]any{strings.Split(log, "\n")[2], []uint64{2, 3, 4}})
		same(t, "path", b.Path(), "log")
		if find("bytes").U32() != nil || find("bytes").Text(0) != nil || src.U32() != nil || action.Families() != nil {
			t.Error("a column has the slices of another type")
		}
		if _, ok := b.Find("vpc-id"); ok {
			t.Error("a column that is not there was found")
		}
	})
	same(t, "batches", batches, 1)
	same(t, "counters", []uint64{counters.Lines, counters.Records, counters.NoData, counters.Headers}, []uint64{4, 2, 1, 1})
}

func TestReadersTakeFieldsAndConditions(t *testing.T) {
	rows, sum := 0, uint64(0)
	each(t, Files(logs).Mapped(), Options{Fields: []string{"bytes", "vpc-id"}, Where: "reject"},
		func(b *Batch) {
			same(t, "columns", b.Columns(), 2)
			same(t, "present", []bool{b.Column(0).Present(), b.Column(1).Present()}, []bool{true, false})
			rows += b.Rows()
			for _, n := range b.Column(0).U64() {
				sum += n
			}
		})
	result := answer(t, Query{Where: "reject", Select: "count, sum(bytes)"}, logs)
	same(t, "count and sum", []any{uint64(rows), sum}, result.Row(0))
	none := 0
	each(t, Files(filepath.Join(data, "v5")), Options{Fields: []string{}}, func(b *Batch) { none += b.Columns() })
	same(t, "no fields", none, 0)
}

func TestErrorsHaveStatusAndPlace(t *testing.T) {
	for _, c := range []struct {
		what string
		f    func() error
		want Error // Message: a part of it
	}{
		{"syntax", func() error { _, err := Query{Where: "reject and dst port in ["}.Plan(); return err },
			Error{Status: ErrSyntax, Offset: 23, Column: 24}},
		{"field", func() error { _, err := Query{Select: "count, sum(bites)"}.Plan(); return err },
			Error{Status: ErrField, Offset: 11, Column: 12, Message: "bites"}},
		{"filter", func() error { _, err := Open(Files(logs), Options{Where: "nonsense = 1"}); return err },
			Error{Status: ErrField, Column: 1, Message: "nonsense"}},
		{"fields", func() error { _, err := Open(Files(logs), Options{Fields: []string{"bytes", "bites"}}); return err },
			Error{Status: ErrField, Offset: 6, Column: 7, Message: "bites"}},
		{"format", func() error { _, err := Open(Files(logs), Options{Format: "${bytes} ${bytes}"}); return err },
			Error{Status: ErrDuplicate, Offset: 11, Column: 12}},
		{"path", func() error { _, err := Open(Files("/does/not/exist"), Options{}); return err },
			Error{Status: ErrIO, Message: "/does/not/exist"}},
		{"NUL", func() error { _, err := Open(Files("a\x00b"), Options{}); return err }, Error{Status: ErrArgument}},
		{"no path", func() error { _, err := Open(Files(), Options{}); return err }, Error{Status: ErrArgument}},
		{"partial", func() error { _, err := Finish([]byte("no partial at all")); return err }, Error{Status: ErrCorrupt}},
		{"empty partial", func() error { _, err := Finish(nil); return err }, Error{Status: ErrCorrupt}},
		{"rules", func() error {
			_, err := Diagnose(context.Background(), Files(logs), DiagnoseOptions{Rules: [][]byte{[]byte("{\n  nonsense")}}, RunOptions{})
			return err
		}, Error{Status: ErrSyntax, Offset: 4, Line: 2, Column: 3}},
	} {
		t.Run(c.what, func(t *testing.T) {
			err := c.f()
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, c.want.Status) || errors.Is(err, ErrLimit) {
				t.Fatalf("got %v, want %v", err, c.want.Status)
			}
			same(t, "place", []any{e.Offset, e.Line, e.Column}, []any{c.want.Offset, c.want.Line, c.want.Column})
			if e.Error() == "" || !strings.Contains(e.Message, c.want.Message) {
				t.Errorf("%q does not say %q", e.Message, c.want.Message)
			}
		})
	}
}

func TestReadingGoesOnAfterADamagedFile(t *testing.T) {
	good, bad := filepath.Join(data, "v5"), filepath.Join(data, "damaged", "truncated.log.gz")
	r, err := Open(Files(bad, good), Options{Fields: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var damage []error
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			damage = append(damage, err)
		}
	}
	if len(damage) != 1 || !errors.Is(damage[0], ErrCorrupt) || damage[0].(*Error).Path != bad {
		t.Fatalf("got %v", damage)
	}
	same(t, "files", r.Counters().Files, uint64(2))
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}

	plan := must(Query{Select: "count"}.Plan())
	defer plan.Close()
	var told []string
	var counters Counters
	result, err := plan.Run(context.Background(), Files(bad, good), RunOptions{Threads: 2, Counters: &counters,
		Damage: func(path string, err error) error { told = append(told, path); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "told", told, []string{bad})
	same(t, "counted", result.Summary().Counted, counters.Records)
	stop := errors.New("stop")
	_, err = plan.Run(context.Background(), Files(bad, good), RunOptions{
		Damage: func(path string, err error) error { return stop }})
	if !errors.Is(err, stop) || !errors.Is(err, ErrCancelled) {
		t.Errorf("got %v", err)
	}
}

func TestMalformedLinesAreCountedOrEndTheReading(t *testing.T) {
	path := filepath.Join(data, "damaged", "lines.log")
	counters := each(t, Files(path), Options{}, func(*Batch) {})
	if counters.Malformed == 0 || len(counters.BadLines) == 0 || counters.BadLines[0].Path != path {
		t.Fatalf("got %+v", counters)
	}
	sum := uint64(0)
	for _, n := range counters.Reasons {
		sum += n
	}
	same(t, "by reason", sum, counters.Malformed)
	same(t, "every line once", counters.Records+counters.NoData+counters.SkipData+counters.Headers+counters.Malformed+
		counters.Skipped, counters.Lines)
	r := must(Open(Files(path), Options{StopOnBad: true}))
	defer r.Close()
	var err error
	for err == nil {
		_, err = r.Next()
	}
	var e *Error
	if !errors.As(err, &e) || e.Status != ErrMalformed {
		t.Fatalf("got %v", err)
	}
	same(t, "place", []any{e.Line, e.Offset}, []any{counters.BadLines[0].Line, counters.BadLines[0].Offset})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestPartialsMergeToTheSameAnswer(t *testing.T) {
	accounts, err := filepath.Glob(filepath.Join(data, "vpc", "AWSLogs", "*"))
	if err != nil || len(accounts) != 2 {
		t.Fatal(accounts, err)
	}
	query := Query{By: "action", Select: "count, sum(bytes), distinct(srcaddr), p95(bytes)"}
	plan := must(query.Plan())
	defer plan.Close()
	var partials [][]byte
	for _, account := range accounts {
		partials = append(partials, must(plan.Partial(context.Background(), Files(account), RunOptions{})))
	}
	want := written(t, answer(t, query, accounts...), JSON)
	same(t, "finish", written(t, must(Finish(partials...)), JSON), want)
	same(t, "merge", written(t, must(Finish(must(Merge(partials[1], partials[0])))), JSON), want)
	other := must(must(Query{Select: "count"}.Plan()).Partial(context.Background(), Files(accounts[0]), RunOptions{}))
	if _, err := Merge(partials[0], other); !errors.Is(err, ErrArgument) {
		t.Errorf("partials of two plans: %v", err)
	}
	for cut := 0; cut < len(partials[0]); cut += 97 {
		if _, err := Merge(partials[1], partials[0][:cut]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", cut, err)
		}
	}
}

func TestFindingsAreThoseOfTheCommand(t *testing.T) {
	path := filepath.Join(data, "why", "flows.log")
	args := []string{"diagnose", "--json", "--all", path}
	rules, _ := filepath.Glob(filepath.Join(data, "why", "*.json"))
	options := DiagnoseOptions{All: true, Evidence: 2, Client: netip.MustParseAddr("10.0.1.5"),
		Server: netip.MustParseAddr("10.0.2.6"), Port: 5432}
	for _, name := range rules {
		if strings.Contains(name, "rules") {
			args = append(args, "--rules", name)
			options.Rules = append(options.Rules, must(os.ReadFile(name)))
		}
	}
	args = append(args, "--client", "10.0.1.5", "--server", "10.0.2.6", "--port", "5432")
	want := decoded(t, command(t, args...))
	found := must(Diagnose(context.Background(), Files(path), options, RunOptions{Threads: 2}))
	var out []byte
	for _, f := range found.Findings {
		out = append(out, f.JSON+"\n"...)
	}
	same(t, "findings", decoded(t, out), want)
	last := found.Findings[len(found.Findings)-1]
	same(t, "answer", []any{last.Kind, last.Verdict, last.Layer, last.Client, last.ServerPort},
		[]any{"query", "BLOCKED_REPLY_OUTBOUND", "NACL", netip.MustParseAddr("10.0.1.5"), uint16(5432)})
	same(t, "advice", last.Advice, want[len(want)-1]["advice"])
}

func TestAClosedValueIsAnErrorOrEmpty(t *testing.T) {
	r := must(Open(Files(logs), Options{}))
	batch := must(r.Next())
	for i := 0; i < 2; i++ {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, ErrState) {
		t.Errorf("Next: %v", err)
	}
	same(t, "batch", []any{batch.Rows(), batch.Columns(), r.Counters().Lines}, []any{0, 0, uint64(0)})
	plan := must(Top("srcaddr", 1).Plan())
	result := must(plan.Run(context.Background(), Files(logs), RunOptions{}))
	plan.Close()
	plan.Close()
	if _, err := plan.Run(context.Background(), Files(logs), RunOptions{}); !errors.Is(err, ErrState) {
		t.Errorf("Run: %v", err)
	}
	same(t, "rows without the plan", result.Len(), 1)
	result.Close()
	result.Close()
	same(t, "rows", result.Len(), 0)
	if err := result.Write(io.Discard, JSON); !errors.Is(err, ErrState) {
		t.Errorf("Write: %v", err)
	}
}

func TestDecimalsAreExact(t *testing.T) {
	for _, c := range []struct {
		d     Decimal
		text  string
		float float64
	}{
		{Decimal{}, "0", 0},
		{Decimal{Whole: 18446744073709551615, Billionths: 999999999}, "18446744073709551615.999999999", 1 << 64},
		{Decimal{Negative: true, Whole: 10, Billionths: 50000000}, "-10.05", -10.05},
		{Decimal{Whole: 100}, "100", 100},
	} {
		same(t, c.text, []any{c.d.String(), c.d.Float64()}, []any{c.text, c.float})
	}
}
