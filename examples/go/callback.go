// SPDX-License-Identifier: MIT

package flowlog

// cgo allows no definitions beside exports, so shim.h is not for this file.

/*
#include <flowlog.h>
*/
import "C"

import (
	"context"
	"io"
	"runtime/cgo"
	"unsafe"
)

// call is what C calls back; the members that a call does not need are nil.
type call struct {
	read     io.Reader
	write    io.Writer
	ctx      context.Context
	progress func(done, total uint64)
	damage   func(path string, err error) error
	finding  func(*C.flowlog_finding)
	warning  func(string)

	pending  error // of Read, that came together with bytes: for the next time
	err      error // why a callback gave failure to C
	panicked any   // a panic must not unwind C: it is kept until C has returned
}

// settle goes on with a panic, and makes what the callback said the cause of err.
func (c *call) settle(err error) error {
	if p := c.panicked; p != nil {
		c.panicked = nil
		panic(p)
	}
	if e, ok := err.(*Error); ok && c.err != nil {
		e.Cause, c.err = c.err, nil
	}
	return err
}

// catch is deferred by the callbacks; after a panic, fail makes the result what C takes for failure.
func (c *call) catch(fail func()) {
	if p := recover(); p != nil {
		c.panicked = p
		fail()
	}
}

func called(handle C.uintptr_t) *call { return cgo.Handle(handle).Value().(*call) }

//export flowlogGoRead
func flowlogGoRead(handle C.uintptr_t, buf unsafe.Pointer, room C.size_t) (n C.int64_t) {
	c := called(handle)
	defer c.catch(func() { n = -1 })
	piece := unsafe.Slice((*byte)(buf), int(room))
	for empty := 0; c.pending == nil; empty++ {
		var got int
		if empty == 100 {
			c.pending = io.ErrNoProgress
		} else if got, c.pending = c.read.Read(piece); got < 0 || got > len(piece) {
			got, c.pending = 0, misuse(ErrState, "a Read that returned an impossible count")
		}
		if got > 0 {
			return C.int64_t(got)
		}
	}
	if c.pending == io.EOF {
		return 0
	}
	c.err = c.pending
	return -1
}

//export flowlogGoWrite
func flowlogGoWrite(handle C.uintptr_t, data *C.char, length C.size_t) (result C.int) {
	c := called(handle)
	defer c.catch(func() { result = -1 })
	piece := unsafe.Slice((*byte)(unsafe.Pointer(data)), int(length))
	got, err := c.write.Write(piece)
	if err == nil && got < len(piece) {
		err = io.ErrShortWrite
	}
	if c.err = err; err != nil {
		return -1
	}
	return 0
}

//export flowlogGoProgress
func flowlogGoProgress(handle C.uintptr_t, bytes, total C.uint64_t) (result C.int) {
	c := called(handle)
	defer c.catch(func() { result = 1 })
	if c.progress != nil {
		c.progress(uint64(bytes), uint64(total))
	}
	if err := c.ctx.Err(); err != nil {
		c.err = err
		return 1
	}
	return 0
}

//export flowlogGoDamage
func flowlogGoDamage(handle C.uintptr_t, name *C.char, detail *C.flowlog_error) (result C.int) {
	c := called(handle)
	defer c.catch(func() { result = C.int(C.FLOWLOG_E_CANCELLED) })
	path := C.GoString(name)
	err := failed(C.flowlog_status(detail.status), detail)
	err.(*Error).Path = path
	if c.err = c.damage(path, err); c.err != nil {
		return C.int(C.FLOWLOG_E_CANCELLED)
	}
	return 0
}

//export flowlogGoFinding
func flowlogGoFinding(handle C.uintptr_t, finding *C.flowlog_finding) (result C.int) {
	c := called(handle)
	defer c.catch(func() { result = 1 })
	c.finding(finding)
	return 0
}

//export flowlogGoWarning
func flowlogGoWarning(handle C.uintptr_t, text *C.char, length C.size_t) {
	c := called(handle)
	defer c.catch(func() {})
	c.warning(C.GoStringN(text, C.int(length)))
}
