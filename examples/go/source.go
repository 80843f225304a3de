// SPDX-License-Identifier: MIT

package flowlog

/*
#include "shim.h"
*/
import "C"

import (
	"io"
	"runtime/cgo"
)

// Source says where bytes come from.  It holds nothing open, and one made of paths may be used any number of times.
type Source struct {
	paths  []string
	flags  C.uint32_t
	stream io.Reader
	name   string
}

// Files are files and directory trees, plain or gzip; "-" is standard input.
func Files(paths ...string) Source { return Source{paths: paths} }

// Mapped maps large files into memory instead of reading them.  That is faster, but a file that another process
// shortens meanwhile ends this one with SIGBUS.
func (s Source) Mapped() Source {
	s.flags |= C.FLOWLOG_SOURCE_MAP
	return s
}

// Stream is what r gives, plain or gzip, once; name is for messages.
func Stream(name string, r io.Reader) Source { return Source{stream: r, name: name} }

// source is one that was opened.
type source struct {
	p      *C.flowlog_source
	call   *call      // of the stream, else nil
	handle cgo.Handle // of call, else 0
}

func (s Source) open() (*source, error) {
	if s.stream != nil {
		return s.openStream()
	}
	if len(s.paths) == 0 {
		return nil, misuse(ErrArgument, "a source without any path")
	}
	paths := make([]*C.char, 0, len(s.paths))
	defer func() {
		for _, p := range paths {
			release(p)
		}
	}()
	for _, path := range s.paths {
		p, err := text("path", path)
		if err != nil {
			return nil, err
		}
		paths = append(paths, p)
	}
	opened := &source{}
	var detail C.flowlog_error
	status := C.flowlog_source_paths(&paths[0], C.size_t(len(paths)), s.flags, alloc(), &opened.p, &detail)
	return opened, failed(status, &detail)
}

func (s Source) openStream() (*source, error) {
	name, err := text("name", s.name)
	if err != nil {
		return nil, err
	}
	defer release(name)
	opened := &source{call: &call{read: s.stream}}
	opened.handle = cgo.NewHandle(opened.call)
	var detail C.flowlog_error
	status := C.shim_source(C.uintptr_t(opened.handle), name, alloc(), &opened.p, &detail)
	if status < 0 {
		opened.close()
	}
	return opened, failed(status, &detail)
}

// close comes after the reader that took p; that one has set p to nil.
func (s *source) close() {
	C.flowlog_source_close(s.p)
	s.p = nil
	if s.handle != 0 {
		s.handle.Delete()
		s.handle = 0
	}
}

// settle lets go on a panic of the stream's Read that C was in the way of, and adds what Read said to err.
func (s *source) settle(err error) error {
	if s.call == nil {
		return err
	}
	return s.call.settle(err)
}
