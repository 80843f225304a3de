// SPDX-License-Identifier: MIT

// Package hook is how tests reach into flowlog.
package hook

import "unsafe"

// Allocator is a flowlog_alloc, where the library's memory comes from; nil is malloc.  Only tests set it, to count.
var Allocator unsafe.Pointer
