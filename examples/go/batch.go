// SPDX-License-Identifier: MIT

package flowlog

/*
#include "shim.h"
*/
import "C"

import (
	"net/netip"
	"unsafe"
)

// Batch is some rows, as columns.  It and every slice it gives are views of the reader's memory: valid until the next
// call of the reader's Next or Close, and to be left unchanged.  What shall live longer must be copied.
//
// Slices do not keep the reader from being collected: have its Close deferred, or call runtime.KeepAlive.
type Batch struct {
	r *Reader
	c *C.flowlog_batch // nil after the last one
}

// Rows is 1 or more, but 0 after the reader's end.
func (b *Batch) Rows() int {
	if b.c == nil {
		return 0
	}
	return int(b.c.rows)
}

// Columns is how many there are: those of Options.Fields in that order, else those of the file's format.
func (b *Batch) Columns() int {
	if b.c == nil {
		return 0
	}
	return int(b.c.columns)
}

// Column i; it panics when there is none, as a slice does.
func (b *Batch) Column(i int) Column {
	return Column{b, &unsafe.Slice(b.c.column, b.Columns())[i]}
}

// Find gives the column of that name, in any spelling that a field has.
func (b *Batch) Find(name string) (Column, bool) {
	if b.c == nil || name == "" {
		return Column{}, false
	}
	s := []byte(name)
	i := C.flowlog_batch_find(b.c, (*C.char)(unsafe.Pointer(&s[0])), C.size_t(len(s)))
	if i < 0 {
		return Column{}, false
	}
	return b.Column(int(i)), true
}

// File is the index of the input that the rows are from, and Path its name.
func (b *Batch) File() int    { return int(b.c.file) }
func (b *Batch) Path() string { return C.GoString(C.flowlog_reader_path(b.r.p, b.c.file)) }

// LogStatus says for each row 1 OK, 2 NODATA, 3 SKIPDATA, 0 another or none.
func (b *Batch) LogStatus() []uint8 {
	return unsafe.Slice((*uint8)(unsafe.Pointer(b.c.log_status)), b.Rows())
}

// Line is a row as it stands in the log, without its newline; nil unless Options.Lines.
func (b *Batch) Line(row int) []byte {
	if b.c.lines == nil {
		return nil
	}
	return b.span(&unsafe.Slice(b.c.lines, b.Rows())[row])
}

// LineNumbers are 1-based within the file; nil unless Options.Lines.
func (b *Batch) LineNumbers() []uint64 {
	if b.c.line_numbers == nil {
		return nil
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(b.c.line_numbers)), b.Rows())
}

func (b *Batch) span(s *C.flowlog_span) []byte {
	if s.len == 0 {
		return nil
	}
	all := unsafe.Slice((*byte)(unsafe.Pointer(b.c.text)), int(b.c.text_len))
	end := int(s.offset) + int(s.len)
	return all[s.offset:end:end]
}

// Column is one column of a batch, valid as long as that.  Which slices it has depends on its type, the others are nil;
// a null row has 0 there, so sums need not look at Valid.
type Column struct {
	b *Batch
	c *C.flowlog_column
}

// Name is the canonical name, such as "interface-id".
func (c Column) Name() string { return C.GoString(c.c.name) }

// Type says which slices there are.
func (c Column) Type() Type { return Type(c.c._type) }

// Present is false when the file's format has no such field, and every row is null.
func (c Column) Present() bool { return c.c.present != 0 }

// Nulls is how many rows have no value.
func (c Column) Nulls() int { return int(c.c.null_count) }

// Validity has bit r%64 of word r/64 set where row r has a value.
func (c Column) Validity() []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(c.c.validity)), (c.b.Rows()+63)/64)
}

// Valid reports whether the row has a value.
func (c Column) Valid(row int) bool { return c.Validity()[row/64]>>(row%64)&1 != 0 }

func values[T any](c Column, t Type) []T {
	if c.Type() != t {
		return nil
	}
	return unsafe.Slice((*T)(c.c.values), c.b.Rows())
}

// U32 has the values of TypeU32.
func (c Column) U32() []uint32 { return values[uint32](c, TypeU32) }

// U64 has the values of TypeU64.
func (c Column) U64() []uint64 { return values[uint64](c, TypeU64) }

// Times has the values of TypeTime, seconds since 1970.
func (c Column) Times() []int64 { return values[int64](c, TypeTime) }

// Codes has those of TypeEnum: 0 is null or a token that the library does not know; Token names the others.
func (c Column) Codes() []uint8 { return values[uint8](c, TypeEnum) }

// IPv4 has the addresses of TypeAddr as numbers, 10.0.0.1 = 0x0A000001, and 0 where Families is not 4.
func (c Column) IPv4() []uint32 { return values[uint32](c, TypeAddr) }

// Families has 4, 6 or 0 for null, of TypeAddr.
func (c Column) Families() []uint8 {
	if c.Type() != TypeAddr {
		return nil
	}
	return unsafe.Slice((*uint8)(unsafe.Pointer(c.c.family)), c.b.Rows())
}

// IPv6 has the addresses of TypeAddr in network order, set only where Families is 6.
func (c Column) IPv6() [][16]byte {
	if c.Type() != TypeAddr {
		return nil
	}
	return unsafe.Slice((*[16]byte)(unsafe.Pointer(c.c.wide)), c.b.Rows())
}

// Addr is the address of a row of TypeAddr; the zero Addr is null.
func (c Column) Addr(row int) netip.Addr {
	switch c.Families()[row] {
	case 4:
		v := c.IPv4()[row]
		return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
	case 6:
		return netip.AddrFrom16(c.IPv6()[row])
	}
	return netip.Addr{}
}

// Text is the token of a row of TypeText or TypeEnum, without copying it; nil is null or empty, see Valid.
func (c Column) Text(row int) []byte {
	switch c.Type() {
	case TypeEnum:
		if code := c.Codes()[row]; code != 0 {
			return token(uint16(c.c.field), code)
		}
	case TypeText:
	default:
		return nil
	}
	if !c.Valid(row) {
		return nil
	}
	return c.b.span(&unsafe.Slice(c.c.spans, c.b.Rows())[row])
}

// Token is the text of a code of this column, as AWS spells it; "" for 0.
func (c Column) Token(code uint8) string { return string(token(uint16(c.c.field), code)) }

// Value is a copy of a row's value, of the Go type that Type names; nil is null.
func (c Column) Value(row int) any {
	if !c.Valid(row) {
		return nil
	}
	switch c.Type() {
	case TypeU32:
		return uint64(c.U32()[row])
	case TypeU64:
		return c.U64()[row]
	case TypeTime:
		return goTime(c.Times()[row])
	case TypeAddr:
		return c.Addr(row)
	}
	return string(c.Text(row))
}
