/* SPDX-License-Identifier: MIT */
/*
 * flowlog/cpp/read.hpp - sources, batches, filters and readers (source.h, batch.h, filter.h, reader.h) for C++.
 */
#ifndef FLOWLOG_CPP_READ_HPP
#define FLOWLOG_CPP_READ_HPP

#include <iterator>

#include "flowlog/cpp/core.hpp"
#include "flowlog/cpp/value.hpp"

namespace flowlog {
inline namespace FLOWLOG_HPP_WAY {

/* --- sources (source.h) ------------------------------------------------------------------------------------- */

namespace detail {

/* A std::string that is gone when the expression ends. */
template <class S> using temporary_string = std::enable_if_t<std::is_same_v<std::remove_cv_t<S>, std::string>>;

} // namespace detail

class source : public detail::owner<flowlog_source, flowlog_source_close> {
  public:
    explicit source(flowlog_source *owned) noexcept : owner(owned) {}

    static expected<source> try_file(cstring path) noexcept
    {
        return detail::make<source>([&](auto c, auto e) { return flowlog_source_file(path.c_str(), c, e); });
    }
    /** `flags` are FLOWLOG_SOURCE_*. */
    static expected<source> try_paths(span<const char *const> paths, std::uint32_t flags = 0,
                                      const flowlog_alloc *alloc = nullptr) noexcept
    {
        return detail::make<source>([&](auto c, auto e) {
            return flowlog_source_paths(paths.data(), paths.size(), flags, alloc, c, e);
        });
    }
    /** `bytes` is borrowed until the source, or the reader that took it, is gone: no string that is gone before. */
    static expected<source> try_memory(std::string_view bytes, cstring name = nullptr,
                                       const flowlog_alloc *alloc = nullptr) noexcept
    {
        return detail::make<source>([&](auto c, auto e) {
            return flowlog_source_memory(bytes.data(), bytes.size(), name.c_str(), alloc, c, e);
        });
    }
    template <class S, class = detail::temporary_string<S>>
    static expected<source> try_memory(S &&, cstring = nullptr, const flowlog_alloc * = nullptr) = delete;
    /** `from` is borrowed like the bytes above. */
    template <class F>
    static expected<source> try_callback(callback<F> &from, cstring name = nullptr,
                                         const flowlog_alloc *alloc = nullptr) noexcept
    {
        expected<source> made = detail::make<source>([&](auto c, auto e) {
            return flowlog_source_callback(callback<F>::read, &from, name.c_str(), alloc, c, e);
        });
        made->thrown_ = detail::waiting(from);
        return made;
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    static source file(cstring path) { return try_file(path).value(); }
    static source paths(span<const char *const> paths, std::uint32_t flags = 0, const flowlog_alloc *alloc = nullptr)
    {
        return try_paths(paths, flags, alloc).value();
    }
    static source memory(std::string_view bytes, cstring name = nullptr, const flowlog_alloc *alloc = nullptr)
    {
        return try_memory(bytes, name, alloc).value();
    }
    template <class S, class = detail::temporary_string<S>>
    static source memory(S &&, cstring = nullptr, const flowlog_alloc * = nullptr) = delete;
    template <class F>
    static source from(callback<F> &function, cstring name = nullptr, const flowlog_alloc *alloc = nullptr)
    {
        return try_callback(function, name, alloc).value();
    }
#endif
    std::uint32_t count() const noexcept { return flowlog_source_count(get()); }
    std::uint64_t bytes() const noexcept { return flowlog_source_bytes(get()); }
    const char *name(std::uint32_t index) const noexcept { return flowlog_source_name(get(), index); }
    detail::waiting thrown() const noexcept { return thrown_; }

  private:
    detail::waiting thrown_ = {};
};

namespace detail {

/* A source that a call uses up: one that has a name, or a temporary. */
class lent {
  public:
    lent(source &s) noexcept : source_(s) {}
    lent(source &&s) noexcept : source_(s) {}
    flowlog_source *get() const noexcept { return source_.get(); }
    void rethrow() const { source_.thrown().rethrow(); }

  private:
    source &source_;
};

} // namespace detail

/* --- batches (batch.h) -------------------------------------------------------------------------------------- */

/** One column of a batch, borrowed; false where the batch has no such column. */
class column {
  public:
    column() noexcept = default;
    column(const flowlog_batch *batch, const flowlog_column *c) noexcept : batch_(batch), c_(c) {}

    explicit operator bool() const noexcept { return c_ != nullptr; }
    const flowlog_column *c() const noexcept { return c_; }
    std::string_view name() const noexcept { return c_ ? c_->name : ""; }
    std::uint8_t type() const noexcept { return c_ ? c_->type : std::uint8_t{0}; } /* flowlog_type */
    bool present() const noexcept { return c_ && c_->present; }
    std::uint32_t rows() const noexcept { return c_ ? batch_->rows : 0; }
    std::uint32_t null_count() const noexcept { return c_ ? c_->null_count : 0; }
    bool is_null(std::uint32_t row) const noexcept
    {
        return row >= rows() || !(c_->validity[row / 64] >> (row % 64) & 1);
    }

    /**
     * The values of all rows.  T is std::uint32_t for U32 and for the IPv4 addresses of ADDR, std::uint64_t for U64,
     * std::int64_t for TIME, std::uint8_t for the codes of ENUM.
     *
     * Errors  E_FIELD: there is no such column; E_ARGUMENT: its values are others.
     */
    template <class T> expected<span<const T>> try_values() const noexcept
    {
        flowlog_error e = {};
        const flowlog_status status = !c_ ? FLOWLOG_E_FIELD : !holds<T>() ? FLOWLOG_E_ARGUMENT : FLOWLOG_OK;
        if (!c_) std::strcpy(e.message, "the batch has no such column");
        if (status == FLOWLOG_E_ARGUMENT)
            std::snprintf(e.message, sizeof e.message, "the values of column %s are of another type", c_->name);
        if (status != FLOWLOG_OK) return {status, e, {}};
        return {status, e, span<const T>(static_cast<const T *>(c_->values), rows())};
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    template <class T> span<const T> values() const { return try_values<T>().value(); }
#endif
    /** ADDR: 4, 6 or 0 for each row.  Empty for other types. */
    span<const std::uint8_t> families() const noexcept
    {
        if (type() != FLOWLOG_TYPE_ADDR) return {};
        return {c_->family, rows()};
    }
    /** TEXT, ENUM: the token of a row; empty for null and for other types. */
    std::string_view text(std::uint32_t row) const noexcept { return at(row).text(); }
    /** ADDR: the address of a row; family() 0 for null and for other types. */
    flowlog::address address(std::uint32_t row) const noexcept { return at(row).address(); }
    /** Any type; null beyond the last row. */
    value at(std::uint32_t row) const noexcept
    {
        flowlog_value v = {};
        if (row >= rows()) return value();
        flowlog_batch_value(batch_, row, static_cast<std::uint32_t>(c_ - batch_->column), &v);
        return value(v);
    }

  private:
    template <class T> bool holds() const noexcept
    {
        static_assert(std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::uint32_t> ||
                          std::is_same_v<T, std::uint64_t> || std::is_same_v<T, std::int64_t>,
                      "columns hold uint8_t, uint32_t, uint64_t, int64_t");
        switch (c_->type) {
        case FLOWLOG_TYPE_U32:
        case FLOWLOG_TYPE_ADDR: return std::is_same_v<T, std::uint32_t>;
        case FLOWLOG_TYPE_U64: return std::is_same_v<T, std::uint64_t>;
        case FLOWLOG_TYPE_TIME: return std::is_same_v<T, std::int64_t>;
        case FLOWLOG_TYPE_ENUM: return std::is_same_v<T, std::uint8_t>;
        default: return false;
        }
    }
    const flowlog_batch *batch_ = nullptr;
    const flowlog_column *c_ = nullptr;
};

/** Some rows, borrowed until the next call on the reader that gave them; false at the end. */
class batch {
  public:
    batch() noexcept = default;
    explicit batch(const flowlog_batch *c) noexcept : c_(c) {}

    explicit operator bool() const noexcept { return c_ != nullptr; }
    const flowlog_batch *c() const noexcept { return c_; }
    std::uint32_t rows() const noexcept { return c_ ? c_->rows : 0; }
    std::uint32_t columns() const noexcept { return c_ ? c_->columns : 0; }
    std::uint32_t file() const noexcept { return c_ ? c_->file : 0; }
    std::int32_t find(std::string_view name) const noexcept
    {
        return c_ ? flowlog_batch_find(c_, name.data(), name.size()) : -1;
    }
    /** A column that is not there is false, and so is the answer to what is asked of it. */
    flowlog::column column(std::uint32_t index) const noexcept
    {
        return index < columns() ? flowlog::column(c_, c_->column + index) : flowlog::column();
    }
    flowlog::column operator[](std::string_view name) const noexcept
    {
        return column(static_cast<std::uint32_t>(find(name)));
    }
    span<const std::uint8_t> log_status() const noexcept
    {
        if (!c_) return {};
        return {c_->log_status, c_->rows};
    }
    /** The whole line of a row, and its number; "" and 0 unless FLOWLOG_READ_LINES. */
    std::string_view line(std::uint32_t row) const noexcept
    {
        if (row >= rows() || !c_->lines) return {};
        return {c_->text + c_->lines[row].offset, c_->lines[row].len};
    }
    std::uint64_t line_number(std::uint32_t row) const noexcept
    {
        return row < rows() && c_->line_numbers ? c_->line_numbers[row] : 0;
    }

  private:
    const flowlog_batch *c_ = nullptr;
};

/* --- filters (filter.h) ------------------------------------------------------------------------------------- */

/** As flowlog_filter_options. */
struct filter_options {
    const flowlog_format *format = nullptr;
    const flowlog_alloc *alloc = nullptr;
    std::int64_t now = 0;

    flowlog_filter_options c() const noexcept
    {
        flowlog_filter_options o = {};
        o.struct_size = sizeof o;
        o.format = format;
        o.alloc = alloc;
        o.now = now;
        return o;
    }
};

class filter : public detail::owner<flowlog_filter, flowlog_filter_free> {
  public:
    explicit filter(flowlog_filter *owned) noexcept : owner(owned) {}

    static expected<filter> try_parse(std::string_view text, const filter_options &options = {}) noexcept
    {
        const flowlog_filter_options o = options.c();
        return detail::make<filter>(
            [&](auto c, auto e) { return flowlog_filter_parse(text.data(), text.size(), &o, c, e); });
    }
    static expected<filter> try_both(const filter &a, const filter &b, const flowlog_alloc *alloc = nullptr) noexcept
    {
        return detail::make<filter>(
            [&](auto c, auto e) { return flowlog_filter_and(a.get(), b.get(), alloc, c, e); });
    }
    /** Bits of the rows that match, (rows + 63) / 64 words; gives how many these are. */
    expected<std::uint32_t> try_select(const batch &rows, span<std::uint64_t> selection) const noexcept
    {
        std::uint32_t matched = 0;
        flowlog_error e = {};
        if (selection.size() < (std::size_t{rows.rows()} + 63) / 64) return {FLOWLOG_E_ARGUMENT, e, 0};
        const flowlog_status status = flowlog_filter_select(get(), rows.c(), selection.data(), &matched, &e);
        return {status, e, std::move(matched)};
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    explicit filter(std::string_view text, const filter_options &options = {})
        : filter(try_parse(text, options).value())
    {
    }
    static filter both(const filter &a, const filter &b, const flowlog_alloc *alloc = nullptr)
    {
        return try_both(a, b, alloc).value();
    }
    std::uint32_t select(const batch &rows, span<std::uint64_t> selection) const
    {
        return try_select(rows, selection).value();
    }
#endif
    const char *fields() const noexcept { return flowlog_filter_fields(get()); }
    std::string to_string() const
    {
        return detail::print([&](char *to, std::size_t cap) { return flowlog_filter_print(get(), to, cap); });
    }
};

/* --- readers (reader.h) ------------------------------------------------------------------------------------- */

/** As flowlog_reader_options; `where` is borrowed until the reader is gone. */
struct reader_options {
    const char *fields = nullptr;
    const filter *where = nullptr;
    const flowlog_format *format = nullptr;
    const flowlog_alloc *alloc = nullptr;
    std::uint32_t flags = 0;
    std::uint32_t batch_rows = 0;
    std::uint32_t line_max = 0;

    flowlog_reader_options c() const noexcept
    {
        flowlog_reader_options o = {};
        o.struct_size = sizeof o;
        o.flags = flags;
        o.fields = fields;
        o.format = format;
        o.alloc = alloc;
        o.batch_rows = batch_rows;
        o.line_max = line_max;
        o.filter = where ? where->get() : nullptr;
        return o;
    }
};

class reader : public detail::owner<flowlog_reader, flowlog_reader_close> {
  public:
    explicit reader(flowlog_reader *owned) noexcept : owner(owned) {}

    /** Takes the source when it succeeds, and leaves it alone when it fails. */
    static expected<reader> try_open(source &&from, const reader_options &options = {}) noexcept
    {
        const flowlog_reader_options o = options.c();
        if (!from) return {FLOWLOG_E_ARGUMENT, {}, reader(nullptr)}; /* moved from; without one it would be fed */
        expected<reader> made =
            detail::make<reader>([&](auto c, auto e) { return flowlog_reader_open(from.get(), &o, c, e); });
        if (made) from.release();
        made->thrown_ = from.thrown();
        return made;
    }
    /** A reader that is fed. */
    static expected<reader> try_fed(const reader_options &options = {}) noexcept
    {
        const flowlog_reader_options o = options.c();
        return detail::make<reader>([&](auto c, auto e) { return flowlog_reader_open(nullptr, &o, c, e); });
    }
    /** No value, and no failure, with FLOWLOG_END and FLOWLOG_MORE. */
    expected<batch> try_next()
    {
        const flowlog_batch *c = nullptr;
        flowlog_error e = {};
        const flowlog_status status = flowlog_reader_next(get(), &c, &e);
        if (status < 0) thrown_.rethrow(); /* what was read before is given first */
        return {status, e, batch(status == FLOWLOG_OK ? c : nullptr)};
    }
    outcome try_feed(std::string_view bytes) noexcept
    {
        return detail::attempt([&](auto) { return flowlog_reader_feed(get(), bytes.data(), bytes.size()); });
    }
    outcome try_finish() noexcept
    {
        return detail::attempt([&](auto) { return flowlog_reader_finish(get()); });
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    explicit reader(source &&from, const reader_options &options = {})
        : reader(try_open(std::move(from), options).value())
    {
    }
    static reader fed(const reader_options &options = {}) { return try_fed(options).value(); }
    void feed(std::string_view bytes) { try_feed(bytes).value(); }
    void finish() { try_finish().value(); }

    /** The next batch; false at the end, and when the bytes that were fed are used up. */
    batch next() { return try_next().value(); }

    /**
     * for (const flowlog::batch &b : reader).  Each batch is gone when the next one comes.  After an exception
     * that a damaged input caused, another loop goes on with the inputs after it.
     */
    class iterator {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = batch;
        using difference_type = std::ptrdiff_t;
        using pointer = const batch *;
        using reference = const batch &;

        iterator() noexcept = default;
        explicit iterator(reader &r) : reader_(&r) { ++*this; }
        const batch &operator*() const noexcept { return batch_; }
        const batch *operator->() const noexcept { return &batch_; }
        iterator &operator++()
        {
            batch_ = reader_->next();
            return *this;
        }
        iterator operator++(int)
        {
            const iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.batch_.c() == b.batch_.c(); }
        friend bool operator!=(const iterator &a, const iterator &b) noexcept { return !(a == b); }

      private:
        reader *reader_ = nullptr;
        batch batch_ = {};
    };
    iterator begin() { return iterator(*this); }
    iterator end() noexcept { return {}; }
#endif
    const flowlog_counters &counters() const noexcept { return *flowlog_reader_counters(get()); }
    const char *path(std::uint32_t index) const noexcept { return flowlog_reader_path(get(), index); }
    std::uint32_t file() const noexcept { return flowlog_reader_file(get()); }
    std::uint64_t progress() const noexcept { return flowlog_reader_progress(get()); }
    std::uint32_t formats() const noexcept { return flowlog_reader_formats(get()); }
    const flowlog_format *format(std::uint32_t index) const noexcept { return flowlog_reader_format_at(get(), index); }
    /** Whose exception may be waiting; for what takes this over. */
    detail::waiting thrown() const noexcept { return thrown_; }

  private:
    detail::waiting thrown_ = {};
};

} // namespace FLOWLOG_HPP_WAY
} // namespace flowlog

#endif
