/* SPDX-License-Identifier: MIT */
/*
 * flowlog/cpp/arrow.hpp - batches, readers and results as Arrow arrays (arrow.h) for C++.
 */
#ifndef FLOWLOG_CPP_ARROW_HPP
#define FLOWLOG_CPP_ARROW_HPP

#include <cerrno>

#include "flowlog/cpp/core.hpp"
#include "flowlog/cpp/plan.hpp"
#include "flowlog/cpp/read.hpp"

namespace flowlog {
inline namespace FLOWLOG_HPP_WAY {

/** One of Arrow's structures, which is released when this goes; false once it was released, or moved away. */
template <class T> class arrow {
  public:
    arrow() noexcept = default;
    /** Takes over what `from` has, as Arrow moves: `from` is released then. */
    explicit arrow(T &from) noexcept : c_(from) { from.release = nullptr; }
    arrow(arrow &&other) noexcept : arrow(other.c_) {}
    arrow &operator=(arrow &&other) noexcept
    {
        T taken = std::exchange(c_, std::exchange(other.c_, T{}));
        if (taken.release) taken.release(&taken);
        return *this;
    }
    arrow(const arrow &) = delete;
    arrow &operator=(const arrow &) = delete;
    ~arrow()
    {
        if (c_.release) c_.release(&c_);
    }
    explicit operator bool() const noexcept { return c_.release != nullptr; }
    /** For a consumer, who may release it, or move it away and so empty it. */
    T *get() noexcept { return &c_; }
    const T *operator->() const noexcept { return &c_; }
    /** Moves it to `to`, whose release is from now on the caller's to call. */
    void move_to(T *to) noexcept { *to = std::exchange(c_, T{}); }

  private:
    T c_ = {};
};

using arrow_schema = arrow<ArrowSchema>;
using arrow_array = arrow<ArrowArray>;

/** What flowlog_batch_to_arrow gives. */
struct arrow_batch {
    arrow_schema schema;
    arrow_array array;
};

/** As flowlog_arrow_options, but for whom damage is told to. */
struct arrow_options {
    std::uint32_t flags = 0;
    std::uint32_t array_rows = 0;
    const flowlog_alloc *alloc = nullptr;
    flowlog_counters *counters = nullptr;

    flowlog_arrow_options c() const noexcept
    {
        flowlog_arrow_options o = {};
        o.struct_size = sizeof o;
        o.flags = flags;
        o.array_rows = array_rows;
        o.alloc = alloc;
        o.counters = counters;
        return o;
    }
};

/** Arrays of one schema, one after the other: for a consumer of Arrow's (get, move_to), or to be read here. */
class arrow_stream : public arrow<ArrowArrayStream> {
  public:
    explicit arrow_stream(ArrowArrayStream &from, detail::waiting source = {}, detail::waiting damage = {}) noexcept
        : arrow(from), source_(source), damage_(damage)
    {
    }
    /** Errors  E_ARGUMENT: nothing to read from; else those of arrow.h: E_MEMORY, E_IO, E_FORMAT for the rest. */
    expected<arrow_schema> try_schema()
    {
        ArrowSchema c = {};
        const outcome done = read([&](ArrowArrayStream *s) { return s->get_schema(s, &c); });
        return {done.status(), done.detail(), arrow_schema(c)};
    }
    /** No value, and no failure, with FLOWLOG_END. */
    expected<arrow_array> try_next()
    {
        ArrowArray c = {};
        const outcome done = read([&](ArrowArrayStream *s) { return s->get_next(s, &c); });
        return {done && !c.release ? FLOWLOG_END : done.status(), done.detail(), arrow_array(c)};
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    arrow_schema schema() { return try_schema().value(); }
    /** false at the end. */
    arrow_array next() { return try_next().value(); }
#endif

  private:
    template <class Call> outcome read(Call call)
    {
        flowlog_error e = {};
        if (!*this) return {FLOWLOG_E_ARGUMENT, e, {}};
        const int code = call(get());
        if (code == 0) return {FLOWLOG_OK, e, {}}; /* what was read before an exception is given first */
        source_.rethrow();
        damage_.rethrow();
        if (const char *const why = get()->get_last_error(get())) std::strncpy(e.message, why, sizeof e.message - 1);
        return {code == ENOMEM ? FLOWLOG_E_MEMORY : code == EIO ? FLOWLOG_E_IO : FLOWLOG_E_FORMAT, e, {}};
    }
    detail::waiting source_, damage_;
};

inline expected<arrow_batch> try_to_arrow(const batch &rows, const arrow_options &options = {}) noexcept
{
    const flowlog_arrow_options o = options.c();
    ArrowSchema schema = {};
    ArrowArray array = {};
    const outcome done =
        detail::attempt([&](auto e) { return flowlog_batch_to_arrow(rows.c(), &o, &schema, &array, e); });
    return {done.status(), done.detail(), arrow_batch{arrow_schema(schema), arrow_array(array)}};
}

namespace detail {

/* The stream that takes `from` when it can be made. */
template <class From, class Call>
expected<arrow_stream> stream(From &from, Call call, const flowlog_arrow_options &o, waiting source, waiting damage)
{
    ArrowArrayStream c = {};
    const outcome done = attempt([&](auto e) { return call(from.get(), &o, &c, e); });
    if (done) from.release();
    return {done.status(), done.detail(), arrow_stream(c, source, damage)};
}

} // namespace detail

/** Takes the reader when it succeeds, and leaves it alone when it fails.  The first damaged input ends the stream. */
inline expected<arrow_stream> try_to_arrow(reader &&from, const arrow_options &options = {}) noexcept
{
    return detail::stream(from, flowlog_reader_to_arrow, options.c(), from.thrown(), {});
}
/** `damage`, borrowed, takes (cstring name, const flowlog_error &) and says true to go on with the other inputs. */
template <class F>
expected<arrow_stream> try_to_arrow(reader &&from, const arrow_options &options, callback<F> &damage) noexcept
{
    flowlog_arrow_options o = options.c();
    o.damage = callback<F>::damage;
    o.ctx = &damage;
    return detail::stream(from, flowlog_reader_to_arrow, o, from.thrown(), detail::waiting(damage));
}
/** Takes the result when it succeeds, and leaves it alone when it fails. */
inline expected<arrow_stream> try_to_arrow(result &&from, const arrow_options &options = {}) noexcept
{
    return detail::stream(from, flowlog_result_to_arrow, options.c(), {}, {});
}

#ifndef FLOWLOG_NO_EXCEPTIONS
inline arrow_batch to_arrow(const batch &rows, const arrow_options &options = {})
{
    return try_to_arrow(rows, options).value();
}
inline arrow_stream to_arrow(reader &&from, const arrow_options &options = {})
{
    return try_to_arrow(std::move(from), options).value();
}
template <class F> arrow_stream to_arrow(reader &&from, const arrow_options &options, callback<F> &damage)
{
    return try_to_arrow(std::move(from), options, damage).value();
}
inline arrow_stream to_arrow(result &&from, const arrow_options &options = {})
{
    return try_to_arrow(std::move(from), options).value();
}
#endif

} // namespace FLOWLOG_HPP_WAY
} // namespace flowlog

#endif
