// SPDX-License-Identifier: MIT

package flowlog

/*
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// Type says how a column holds its values, and what Value returns for them.
type Type uint8

// The types of columns; the last three are of results only.
const (
	TypeText    Type = C.FLOWLOG_TYPE_TEXT    // string
	TypeU32     Type = C.FLOWLOG_TYPE_U32     // uint64
	TypeU64     Type = C.FLOWLOG_TYPE_U64     // uint64
	TypeTime    Type = C.FLOWLOG_TYPE_TIME    // time.Time, whole seconds, UTC
	TypeAddr    Type = C.FLOWLOG_TYPE_ADDR    // netip.Addr
	TypeEnum    Type = C.FLOWLOG_TYPE_ENUM    // string
	TypeDecimal Type = C.FLOWLOG_TYPE_DECIMAL // Decimal
	TypeNet     Type = C.FLOWLOG_TYPE_NET     // netip.Prefix
	TypeService Type = C.FLOWLOG_TYPE_SERVICE // string
)

// Decimal is an average, a share, a rate or a quotient, exact to 10^-9.
type Decimal struct {
	Negative   bool
	Whole      uint64
	Billionths uint32 // 0 to 999999999
}

// String writes all digits that are not zero at the end, such as 0.649410782, 89.36 or 12.
func (d Decimal) String() string {
	s := fmt.Sprintf("%d.%09d", d.Whole, d.Billionths)
	s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	if d.Negative {
		return "-" + s
	}
	return s
}

// Float64 is the nearest number that a float64 can hold, to within a rounding.
func (d Decimal) Float64() float64 {
	f := float64(d.Whole) + float64(d.Billionths)/1e9
	if d.Negative {
		return -f
	}
	return f
}

// MarshalJSON writes a number with all its digits.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

func goAddr(a *C.flowlog_addr) netip.Addr {
	bytes := *(*[16]byte)(unsafe.Pointer(&a.bytes))
	switch a.family {
	case 4:
		return netip.AddrFrom4([4]byte{bytes[0], bytes[1], bytes[2], bytes[3]})
	case 6:
		return netip.AddrFrom16(bytes)
	}
	return netip.Addr{}
}

func cAddr(a netip.Addr) (c C.flowlog_addr) {
	bytes := (*[16]byte)(unsafe.Pointer(&c.bytes))
	switch {
	case a.Is4():
		four := a.As4()
		copy(bytes[:], four[:])
		c.family = 4
	case a.Is6():
		*bytes = a.As16()
		c.family = 6
	}
	return c
}

func goStr(s C.flowlog_str) string {
	if s.ptr == nil {
		return ""
	}
	return C.GoStringN(s.ptr, C.int(s.len))
}

func goTime(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// goValue copies a value; nil is null.
func goValue(v *C.flowlog_value) any {
	if v.is_null != 0 {
		return nil
	}
	switch Type(v._type) {
	case TypeU32, TypeU64:
		return uint64(v.number)
	case TypeTime:
		return goTime(int64(v.number))
	case TypeAddr:
		return goAddr(&v.addr)
	case TypeText, TypeEnum:
		return goStr(v.text)
	case TypeDecimal:
		return Decimal{v.code != 0, uint64(v.number), uint32(v.billionths)}
	case TypeNet:
		return netip.PrefixFrom(goAddr(&v.addr), int(v.code))
	}
	var buf [64]byte // a service is at most "tcp/65535" or a name of IANA's
	n := C.flowlog_value_format(v, (*C.char)(unsafe.Pointer(&buf[0])), C.size_t(len(buf)))
	if int(n) >= len(buf) {
		n = C.size_t(len(buf) - 1)
	}
	return string(buf[:n])
}

// tokens are the texts of the codes of all fields that have some, by field and code.
var tokens struct {
	once sync.Once
	text [][][]byte
}

func token(field uint16, code uint8) []byte {
	tokens.once.Do(func() {
		tokens.text = make([][][]byte, C.flowlog_field_count()+1)
		for f := range tokens.text {
			tokens.text[f] = [][]byte{nil}
			for code := C.uint32_t(1); ; code++ {
				name := C.flowlog_enum_name(C.uint32_t(f), code)
				if name == nil {
					break
				}
				tokens.text[f] = append(tokens.text[f], []byte(C.GoString(name)))
			}
		}
	})
	return tokens.text[field][code]
}
