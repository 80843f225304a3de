/* SPDX-License-Identifier: MIT */
/*
 * flowlog/cpp/write.hpp - writers of rows (write.h) for C++.
 */
#ifndef FLOWLOG_CPP_WRITE_HPP
#define FLOWLOG_CPP_WRITE_HPP

#include "flowlog/cpp/core.hpp"
#include "flowlog/cpp/read.hpp"

namespace flowlog {
inline namespace FLOWLOG_HPP_WAY {

/** Rows as text; `to` is borrowed.  finish() must be called, else what is held back is lost. */
class writer : public detail::owner<flowlog_writer, flowlog_writer_close> {
  public:
    explicit writer(flowlog_writer *owned) noexcept : owner(owned) {}

    template <class F>
    static expected<writer> try_open(flowlog_form form, span<const char *const> names, callback<F> &to,
                                     const flowlog_alloc *alloc = nullptr) noexcept
    {
        if (names.size() > UINT32_MAX) return {FLOWLOG_E_ARGUMENT, {}, writer(nullptr)};
        expected<writer> made = detail::make<writer>([&](auto c, auto e) {
            return flowlog_writer_open(form, names.data(), static_cast<std::uint32_t>(names.size()),
                                       callback<F>::write, &to, alloc, c, e);
        });
        made->thrown_ = detail::waiting(to);
        made->columns_ = static_cast<std::uint32_t>(names.size());
        return made;
    }
    /** As many values as there are names, else FLOWLOG_E_ARGUMENT. */
    outcome try_row(span<const flowlog_value> values)
    {
        return told([&](auto e) {
            return values.size() == columns_ ? flowlog_writer_row(get(), values.data(), e) : FLOWLOG_E_ARGUMENT;
        });
    }
    outcome try_batch(const batch &rows) { return try_batch(rows, 0, rows.rows()); }
    outcome try_batch(const batch &from, std::uint32_t first, std::uint32_t rows)
    {
        return told([&](auto e) { return flowlog_writer_batch(get(), from.c(), first, rows, e); });
    }
    outcome try_finish()
    {
        return told([&](auto e) { return flowlog_writer_finish(get(), e); });
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    template <class F>
    writer(flowlog_form form, span<const char *const> names, callback<F> &to, const flowlog_alloc *alloc = nullptr)
        : writer(try_open(form, names, to, alloc).value())
    {
    }
    void row(span<const flowlog_value> values) { try_row(values).value(); }
    void batch(const flowlog::batch &rows) { try_batch(rows).value(); }
    void batch(const flowlog::batch &from, std::uint32_t first, std::uint32_t rows)
    {
        try_batch(from, first, rows).value();
    }
    void finish() { try_finish().value(); }
#endif

  private:
    template <class Call> outcome told(Call call)
    {
        const outcome done = detail::attempt(call);
        thrown_.rethrow();
        return done;
    }
    detail::waiting thrown_ = {};
    std::uint32_t columns_ = 0;
};

} // namespace FLOWLOG_HPP_WAY
} // namespace flowlog

#endif
