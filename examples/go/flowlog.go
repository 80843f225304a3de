// SPDX-License-Identifier: MIT

// Package flowlog reads AWS VPC and Transit Gateway flow logs through libflowlog.
//
// A [Source] says where bytes come from.  [Open] turns it into batches whose columns are slices over the library's
// memory; a [Query] turns it into a [Result]; [Diagnose] says which layer refuses a connection.
//
//	result, err := flowlog.Group(flowlog.Files("logs/"), flowlog.Query{
//		Where:  "reject and dst port in [22 3389]",
//		By:     "srcaddr",
//		Select: "count, sum(bytes) as bytes",
//		Sort:   []flowlog.Order{flowlog.Desc("bytes")},
//		Limit:  10,
//	})
//
// What Open, Plan and Group return holds memory of the library until its Close; a finalizer closes what was forgotten,
// whenever the garbage collector gets to it.  A value is used by one goroutine at a time, but for a [Plan], which any
// number of goroutines may run at once.
//
// C keeps no Go pointer: what it calls back knows only a number, a cgo.Handle.
package flowlog

/*
#cgo pkg-config: libflowlog
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"example.com/flowlog/internal/hook"
)

// The package is compiled against one version's headers and may meet another version's library when it runs: refuse
// that before the first structure crosses the border.
func init() {
	const built = C.FLOWLOG_VERSION_MAJOR*10000 + C.FLOWLOG_VERSION_MINOR*100
	if runs := uint32(C.flowlog_version()); runs/100 != built/100 {
		panic(fmt.Sprintf("flowlog: built for libflowlog %d.%d, but %s is what was loaded",
			C.FLOWLOG_VERSION_MAJOR, C.FLOWLOG_VERSION_MINOR, Version()))
	}
	if name := C.shim_mismatch(); name != nil {
		panic(fmt.Sprintf("flowlog: built for another libflowlog %s: %s has another size; build again, after go clean -cache",
			Version(), C.GoString(name)))
	}
}

// Version is that of the library which runs, such as "0.1.0".
func Version() string { return C.GoString(C.flowlog_version_text()) }

// SIMD is the instruction set in use: "scalar", "sse42", "avx2", "avx512" or "neon"; "unsupported" when the
// environment variable FLOWLOG_SIMD asks for one that this processor does not have.
func SIMD() string { return C.GoString(C.flowlog_simd_name()) }

func alloc() *C.flowlog_alloc { return (*C.flowlog_alloc)(hook.Allocator) }

// Status is the class of a failure.  It is an error itself, so that errors.Is(err, flowlog.ErrSyntax) asks for it.
type Status int32

// What can fail; base.h says more.
const (
	ErrArgument    Status = C.FLOWLOG_E_ARGUMENT
	ErrUnsupported Status = C.FLOWLOG_E_UNSUPPORTED
	ErrState       Status = C.FLOWLOG_E_STATE
	ErrCancelled   Status = C.FLOWLOG_E_CANCELLED
	ErrMemory      Status = C.FLOWLOG_E_MEMORY
	ErrIO          Status = C.FLOWLOG_E_IO
	ErrCorrupt     Status = C.FLOWLOG_E_CORRUPT
	ErrFormat      Status = C.FLOWLOG_E_FORMAT
	ErrMalformed   Status = C.FLOWLOG_E_MALFORMED
	ErrOverflow    Status = C.FLOWLOG_E_OVERFLOW
	ErrSyntax      Status = C.FLOWLOG_E_SYNTAX
	ErrField       Status = C.FLOWLOG_E_FIELD
	ErrDuplicate   Status = C.FLOWLOG_E_DUPLICATE
	ErrLimit       Status = C.FLOWLOG_E_LIMIT
)

// Error is one English phrase for the status.
func (s Status) Error() string { return C.GoString(C.flowlog_status_message(C.flowlog_status(s))) }

// Error is what every function of this package fails with.
type Error struct {
	Status  Status
	Offset  uint64 // byte offset in the input or text; 0 when unknown
	Line    uint64 // 1-based; 0: unknown
	Column  uint32 // 1-based byte column; 0: unknown
	Message string // for people
	Path    string // the input that was being read; "" when there was none
	Cause   error  // what a callback or a context said; nil when there was none
}

func (e *Error) Error() string {
	var s strings.Builder
	if e.Path != "" {
		s.WriteString(e.Path + ": ")
	}
	if e.Line > 0 {
		fmt.Fprintf(&s, "line %d: ", e.Line)
	}
	if e.Column > 0 {
		fmt.Fprintf(&s, "column %d: ", e.Column)
	}
	if e.Message != "" {
		s.WriteString(e.Message)
	} else {
		s.WriteString(e.Status.Error())
	}
	if e.Cause != nil {
		s.WriteString(": " + e.Cause.Error())
	}
	return s.String()
}

// Is reports whether target is the error's status.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap gives the error of the callback or context that ended the call.
func (e *Error) Unwrap() error { return e.Cause }

// failed makes an error of a status, nil of one that is none.  detail may be nil.
func failed(status C.flowlog_status, detail *C.flowlog_error) error {
	if status >= 0 {
		return nil
	}
	e := &Error{Status: Status(status)}
	if detail != nil {
		e.Offset, e.Line, e.Column = uint64(detail.offset), uint64(detail.line), uint32(detail.column)
		e.Message = C.GoString(&detail.message[0])
	}
	return e
}

func misuse(status Status, message string) error { return &Error{Status: status, Message: message} }

// text makes a C string, which must be released with C.free; a NUL within would cut it in silence.
func text(what, s string) (*C.char, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return nil, misuse(ErrArgument, what+" contains a NUL byte")
	}
	return C.CString(s), nil
}

func release(s *C.char) { C.free(unsafe.Pointer(s)) }

func boolean(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// parseFormat reads a record format; "" gives nil, which readers take for "found by content".
func parseFormat(format string) (*C.flowlog_format, error) {
	if format == "" {
		return nil, nil
	}
	s := C.CString(format)
	defer release(s)
	var parsed *C.flowlog_format
	var detail C.flowlog_error
	status := C.flowlog_format_parse(s, C.size_t(len(format)), alloc(), &parsed, &detail)
	return parsed, failed(status, &detail)
}
