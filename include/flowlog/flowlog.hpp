/* SPDX-License-Identifier: MIT */
/*
 * flowlog/flowlog.hpp - libflowlog for C++17 and later: the same objects, which free themselves.
 *
 *     for (const flowlog::batch &b : flowlog::reader(flowlog::source::file("vpc.log")))
 *          for (std::uint64_t bytes : b["bytes"].values<std::uint64_t>()) sum += bytes;
 *
 * Owned things (source, reader, filter, plan ...) can be moved and not copied, and free themselves; what has been
 * moved from may be assigned to or destroyed, no more.  Borrowed things (batch, column, value, finding) are one or
 * two pointers, and live as long as the C headers say.  What a function does is told where its namesake is declared:
 * flowlog_plan_sort in plan.h for plan::sort.  Functions without an object are used as they are.
 *
 * Options  Structures with a default for each member; in C++20: reader(std::move(source), {.fields = "bytes"}).
 * Errors   Each fallible function comes twice.  name() throws flowlog::error; try_name() gives an expected<T>: a value
 *          or the detail of the failure, and throws nothing.  With FLOWLOG_NO_EXCEPTIONS, or where the compiler has no
 *          exceptions, only the second kind is there.  An exception out of a function of yours that the library calls
 *          passes through both, in place of the error that it leads to.
 * Cost     The library allocates what it always does; nothing here does, but for functions that return a std::string.
 * Text     cstring parameters are const char * or std::string, since the library needs the NUL at the end;
 *          std::string_view is taken wherever it does not.
 */
#ifndef FLOWLOG_HPP
#define FLOWLOG_HPP

#include "flowlog/cpp/core.hpp"
#include "flowlog/cpp/value.hpp"
#include "flowlog/cpp/read.hpp"
#include "flowlog/cpp/plan.hpp"
#include "flowlog/cpp/diagnose.hpp"
#include "flowlog/cpp/arrow.hpp"
#include "flowlog/cpp/write.hpp"

#endif
