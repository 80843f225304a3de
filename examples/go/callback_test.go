// SPDX-License-Identifier: MIT

package flowlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	. "example.com/flowlog"
	"example.com/flowlog/internal/counting"
	"example.com/flowlog/internal/hook"
)

func TestStreamsMayGiveAnyPieces(t *testing.T) {
	q := Query{By: "action", Select: "count, sum(bytes)"}
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"one byte": iotest.OneByteReader, "half": iotest.HalfReader, "data with its error": iotest.DataErrReader,
	} {
		result := must(Group(Stream("log", wrap(strings.NewReader(log))), q))
		same(t, name, written(t, result, CSV), "action,count,sum(bytes)\nACCEPT,1,4000000000000\nLATER,1,84\n")
		result.Close()
	}
}

type reads func(p []byte) (int, error)

func (r reads) Read(p []byte) (int, error) { return r(p) }

func TestWhatReadSaysIsTheCause(t *testing.T) {
	broken := errors.New("the wire was cut")
	for name, c := range map[string]struct {
		r     io.Reader
		cause error
	}{
		"at once":             {iotest.ErrReader(broken), broken},
		"after some":          {io.MultiReader(strings.NewReader(log), iotest.ErrReader(broken)), broken},
		"together with bytes": {reads(func(p []byte) (int, error) { return copy(p, log), broken }), broken},
		"never anything":      {reads(func(p []byte) (int, error) { return 0, nil }), io.ErrNoProgress},
		"impossible count":    {reads(func(p []byte) (int, error) { return len(p) + 1, nil }), ErrState},
	} {
		r := must(Open(Stream("wire", c.r), Options{}))
		var err error
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, ErrIO) || !errors.Is(err, c.cause) || err.(*Error).Path != "wire" {
			t.Errorf("%s: %v", name, err)
		}
		r.Close()
		if _, err := Group(Stream("wire", c.r), Top("srcaddr", 1)); name != "after some" && !errors.Is(err, c.cause) {
			t.Errorf("%s, in one call: %v", name, err)
		}
	}
}

type writes func(p []byte) (int, error)

func (w writes) Write(p []byte) (int, error) { return w(p) }

func TestWhatWriteSaysIsTheCause(t *testing.T) {
	result := answer(t, Top("srcaddr", 10), logs)
	full := errors.New("no space left")
	if err := result.Write(writes(func(p []byte) (int, error) { return 0, full }), JSON); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if err := result.Write(writes(func(p []byte) (int, error) { return 0, nil }), JSON); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

func TestPanicsOfCallbacksComeOutOfTheCall(t *testing.T) {
	counted(t, func() {
		plan := must(Top("srcaddr", 1).Plan())
		defer plan.Close()
		damaged := Files(filepath.Join(data, "damaged", "truncated.log.gz"))
		result := must(plan.Run(context.Background(), Files(logs), RunOptions{Damage: func(string, error) error { return nil }}))
		defer result.Close()
		for name, f := range map[string]func(){
			"Read": func() {
				r := must(Open(Stream("", reads(func([]byte) (int, error) { panic("Read") })), Options{}))
				defer r.Close()
				r.Next()
			},
			"Write": func() { result.Write(writes(func([]byte) (int, error) { panic("Write") }), JSON) },
			"Progress": func() {
				plan.Run(context.Background(), Files(logs), RunOptions{Progress: func(_, _ uint64) { panic("Progress") }})
			},
			"Damage": func() {
				plan.Run(context.Background(), damaged, RunOptions{Damage: func(string, error) error { panic("Damage") }})
			},
		} {
			func() {
				defer func() { same(t, name, recover(), name) }()
				f()
			}()
		}
	})
}

func TestAContextEndsARun(t *testing.T) {
	plan := must(Top("srcaddr", 1).Plan())
	defer plan.Close()
	ctx, cancel := context.WithCancel(context.Background())
	endless := reads(func(p []byte) (int, error) {
		cancel() // it has begun
		return copy(p, log[:len(log)-1]), nil
	})
	done := make(chan error, 1)
	go func() {
		_, err := plan.Run(ctx, Stream("endless", endless), RunOptions{})
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrCancelled) {
			t.Errorf("got %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the run goes on")
	}
	if _, err := plan.Run(ctx, Files(logs), RunOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is done: %v", err)
	}
	if _, err := Diagnose(ctx, Files(logs), DiagnoseOptions{}, RunOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("diagnosis: %v", err)
	}
}

func TestEightGoroutinesAtOnce(t *testing.T) {
	path := logs
	q := Top("srcaddr,dstaddr", 20)
	plan := must(q.Plan())
	defer plan.Close()
	want := written(t, answer(t, q, path), JSON)
	sum := answer(t, Query{Select: "count, sum(bytes)"}, path).Row(0)
	compressed, err := filepath.Glob(filepath.Join(data, "v5", "*.gz"))
	if err != nil || len(compressed) == 0 {
		t.Fatal(compressed, err)
	}
	one := must(os.ReadFile(compressed[0]))
	wantOne := written(t, answer(t, q, compressed[0]), JSON)
	var all sync.WaitGroup
	for g := 0; g < 8; g++ {
		all.Add(1)
		go func(threads int) {
			defer all.Done()
			for round := 0; round < 5; round++ {
				result, err := plan.Run(context.Background(), Files(path), RunOptions{Threads: threads})
				if err != nil {
					t.Error(err)
					return
				}
				same(t, "a plan for all", written(t, result, JSON), want)
				result.Close()
				rows, bytes := uint64(0), uint64(0)
				each(t, Files(path), Options{Fields: []string{"bytes"}, RecordsOnly: true}, func(b *Batch) {
					rows += uint64(b.Rows())
					for _, n := range b.Column(0).U64() {
						bytes += n
					}
				})
				same(t, "a reader for each", []any{rows, bytes}, sum)
				result = must(plan.Run(context.Background(), Stream("one", newReader(one)), RunOptions{}))
				same(t, "a stream for each", written(t, result, JSON), wantOne)
				if round%2 == 0 {
					result.Close() // else the finalizer
				}
			}
		}(1 + g%3)
	}
	all.Wait()
}

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }

// --- memory -----------------------------------------------------------------------------------------------------

// stream is a source whose reader must be forgotten by C's side: streams counts those that are not.
func stream() Source {
	r := strings.NewReader(log)
	atomic.AddInt64(&streams, 1)
	runtime.SetFinalizer(r, func(*strings.Reader) { atomic.AddInt64(&streams, -1) })
	return Stream("log", r)
}

var streams int64

// counted runs f with the counting allocator, after which nothing may be left, once the finalizers ran.
func counted(t *testing.T, f func()) {
	t.Helper()
	collect() // what tests before this one forgot is not ours
	hook.Allocator = counting.Allocator()
	defer func() { hook.Allocator = nil }()
	f()
	for tries := 0; ; tries++ {
		blocks, bytes := counting.Live()
		held := atomic.LoadInt64(&streams)
		if blocks == 0 && bytes == 0 && held == 0 {
			return
		}
		if tries == 200 {
			t.Fatalf("%d blocks with %d bytes and %d streams are left", blocks, bytes, held)
		}
		collect()
	}
}

func collect() {
	runtime.GC()
	time.Sleep(time.Millisecond) // finalizers run in a goroutine of their own
}

// abandon opens what holds memory, uses a part of it, and forgets it.
func abandon(t *testing.T, explicit bool) {
	plan := must(Top("srcaddr", 3).Plan())
	r := must(Open(Files(filepath.Join(data, "v5")), Options{Where: "accept", Lines: true}))
	must(r.Next())
	s := must(Open(stream(), Options{}))
	must(s.Next())
	result := must(plan.Run(context.Background(), stream(), RunOptions{}))
	same(t, "rows", result.Len(), 1)
	if explicit {
		for _, c := range []io.Closer{plan, r, s, result} {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAThousandAbandonedReadersLeaveNothing(t *testing.T) {
	for _, explicit := range []bool{true, false} {
		t.Run(fmt.Sprintf("closed %v", explicit), func(t *testing.T) {
			counted(t, func() {
				for i := 0; i < 1000; i++ {
					abandon(t, explicit)
					if blocks, _ := counting.Live(); explicit && blocks != 0 {
						t.Fatalf("cycle %d leaves %d blocks", i, blocks)
					}
					if i%50 == 0 {
						collect()
					}
				}
			})
		})
	}
}

func TestEveryAllocationMayFail(t *testing.T) {
	defer counting.FailAfter(-1)
	path := filepath.Join(data, "why", "flows.log")
	query := Top("srcaddr", 3)
	partial := must(must(query.Plan()).Partial(context.Background(), Files(path), RunOptions{}))
	close := func(c io.Closer, err error) error {
		if err == nil {
			c.Close()
		}
		return err
	}
	for name, f := range map[string]func() error{
		"read": func() error {
			r, err := Open(stream(), Options{Where: "accept", Fields: []string{"bytes", "host"},
				Format: "${bytes} ${host}"})
			if err != nil {
				return err
			}
			defer r.Close()
			for err == nil {
				_, err = r.Next()
			}
			if err == io.EOF {
				return nil
			}
			return err
		},
		"group": func() error {
			result, err := Group(Files(path), query)
			return close(result, err)
		},
		"merge": func() error {
			merged, err := Merge(partial, partial)
			if err != nil {
				return err
			}
			result, err := Finish(merged)
			return close(result, err)
		},
		"diagnose": func() error {
			_, err := Diagnose(context.Background(), Files(path), DiagnoseOptions{All: true, Context: []byte(`{"agg": 60}`)},
				RunOptions{})
			return err
		},
	} {
		counted(t, func() {
			for n := 0; ; n++ {
				counting.FailAfter(n)
				err := f()
				counting.FailAfter(-1)
				if err == nil {
					if n < 5 {
						t.Errorf("%s: only %d allocations", name, n)
					}
					break
				}
				if !errors.Is(err, ErrMemory) {
					t.Fatalf("%s, allocation %d: %v", name, n, err)
				}
				if blocks, _ := counting.Live(); blocks != 0 {
					t.Fatalf("%s, allocation %d leaves %d blocks", name, n, blocks)
				}
			}
		})
	}
}
