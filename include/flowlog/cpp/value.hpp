/* SPDX-License-Identifier: MIT */
/*
 * flowlog/cpp/value.hpp - addresses, single values (value.h) and formats (field.h) for C++.
 */
#ifndef FLOWLOG_CPP_VALUE_HPP
#define FLOWLOG_CPP_VALUE_HPP

#include "flowlog/cpp/core.hpp"

namespace flowlog {
inline namespace FLOWLOG_HPP_WAY {

/** An IPv4 or IPv6 address, by value; family() 0: none. */
class address {
  public:
    address() noexcept = default;
    explicit address(const flowlog_addr &c) noexcept : c_(c) {}

    static expected<address> try_parse(std::string_view text) noexcept
    {
        flowlog_addr c = {};
        const flowlog_status status = flowlog_addr_parse(text.data(), text.size(), &c);
        return {status, {}, address(c)};
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    explicit address(std::string_view text) : c_(try_parse(text).value().c_) {}
#endif
    std::uint32_t family() const noexcept { return c_.family; }
    span<const std::uint8_t> bytes() const noexcept { return {c_.bytes, c_.family == 6 ? 16U : c_.family}; }
    const flowlog_addr &c() const noexcept { return c_; }
    std::string to_string() const
    {
        char text[FLOWLOG_ADDR_TEXT_MAX];
        return std::string(text, flowlog_addr_format(&c_, text));
    }
    int compare(const address &other) const noexcept { return flowlog_addr_compare(&c_, &other.c_); }
    friend bool operator==(const address &a, const address &b) noexcept { return a.compare(b) == 0; }
    friend bool operator!=(const address &a, const address &b) noexcept { return a.compare(b) != 0; }
    friend bool operator<(const address &a, const address &b) noexcept { return a.compare(b) < 0; }

  private:
    flowlog_addr c_ = {};
};

/** One value with its type; its text is borrowed from where it came from. */
class value {
  public:
    value() noexcept { c_.is_null = 1; }
    explicit value(const flowlog_value &c) noexcept : c_(c) {}

    std::uint8_t type() const noexcept { return c_.type; } /* flowlog_type */
    bool is_null() const noexcept { return c_.is_null != 0; }
    std::uint64_t number() const noexcept { return c_.number; }
    std::int64_t time() const noexcept { return static_cast<std::int64_t>(c_.number); }
    std::uint32_t billionths() const noexcept { return c_.billionths; }
    std::uint16_t code() const noexcept { return c_.code; }
    flowlog::address address() const noexcept { return flowlog::address(c_.addr); }
    std::string_view text() const noexcept { return view(c_.text); }
    const flowlog_value &c() const noexcept { return c_; }
    std::string to_string() const
    {
        return detail::print([&](char *to, std::size_t cap) { return flowlog_value_format(&c_, to, cap); });
    }

  private:
    flowlog_value c_ = {};
};

class format : public detail::owner<flowlog_format, flowlog_format_free> {
  public:
    explicit format(flowlog_format *owned) noexcept : owner(owned) {}

    static expected<format> try_parse(std::string_view text, const flowlog_alloc *alloc = nullptr) noexcept
    {
        return detail::make<format>(
            [&](auto c, auto e) { return flowlog_format_parse(text.data(), text.size(), alloc, c, e); });
    }
    static expected<format> try_from_header(std::string_view line, const flowlog_alloc *alloc = nullptr) noexcept
    {
        return detail::make<format>(
            [&](auto c, auto e) { return flowlog_format_from_header(line.data(), line.size(), alloc, c, e); });
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    explicit format(std::string_view text, const flowlog_alloc *alloc = nullptr)
        : format(try_parse(text, alloc).value())
    {
    }
    static format from_header(std::string_view line, const flowlog_alloc *alloc = nullptr)
    {
        return try_from_header(line, alloc).value();
    }
#endif
    std::uint32_t columns() const noexcept { return flowlog_format_columns(get()); }
    const flowlog_format_column *column(std::uint32_t i) const noexcept { return flowlog_format_column_at(get(), i); }
    std::int32_t find(std::string_view name) const noexcept
    {
        return flowlog_format_find(get(), name.data(), name.size());
    }
    std::uint32_t version() const noexcept { return flowlog_format_version(get()); }
    std::string to_string(flowlog_format_style style = FLOWLOG_FORMAT_AWS) const
    {
        return to_string(get(), style);
    }
    /** The same of a borrowed format, such as batch::format gives. */
    static std::string to_string(const flowlog_format *c, flowlog_format_style style = FLOWLOG_FORMAT_AWS)
    {
        return detail::print([&](char *to, std::size_t cap) { return flowlog_format_print(c, style, to, cap); });
    }
};

} // namespace FLOWLOG_HPP_WAY
} // namespace flowlog

#endif
