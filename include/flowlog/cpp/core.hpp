/* SPDX-License-Identifier: MIT */
/*
 * flowlog/cpp/core.hpp - what the other headers for C++ rest on: span, text, errors, what owns, what is called back.
 */
#ifndef FLOWLOG_CPP_CORE_HPP
#define FLOWLOG_CPP_CORE_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "flowlog.h"

#if !defined(__cpp_exceptions) && !defined(FLOWLOG_NO_EXCEPTIONS)
#define FLOWLOG_NO_EXCEPTIONS
#endif

/* Files of one program may be compiled in different ways; so that their types differ then, as they must, the way is
   part of their names. */
#if __cplusplus >= 202002L
#include <span>
#ifdef FLOWLOG_NO_EXCEPTIONS
#define FLOWLOG_HPP_WAY cxx20_expected
#else
#define FLOWLOG_HPP_WAY cxx20
#endif
#else
#ifdef FLOWLOG_NO_EXCEPTIONS
#define FLOWLOG_HPP_WAY cxx17_expected
#else
#define FLOWLOG_HPP_WAY cxx17
#endif
#endif

namespace flowlog {
inline namespace FLOWLOG_HPP_WAY {

#if __cplusplus >= 202002L
template <class T> using span = std::span<T>;
#else
/** As much of C++20's std::span as is needed: a pointer and a length, borrowed. */
template <class T> class span {
  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using iterator = T *;

    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    template <class C, class = std::enable_if_t<std::is_convertible_v<
                           std::remove_pointer_t<decltype(std::declval<C &>().data())> (*)[], T (*)[]>>>
    constexpr span(C &&container) noexcept : data_(container.data()), size_(container.size())
    {
    }
    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T &operator[](std::size_t i) const { return data_[i]; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};
#endif

/** Text that ends in NUL, borrowed. */
class cstring {
  public:
    cstring(const char *text) noexcept : text_(text) {}
    cstring(const std::string &text) noexcept : text_(text.c_str()) {}
    const char *c_str() const noexcept { return text_; }

  private:
    const char *text_;
};

inline std::string_view view(flowlog_str text) noexcept { return {text.ptr ? text.ptr : "", text.len}; }

#ifndef FLOWLOG_NO_EXCEPTIONS
/** What is thrown.  what() is the message, detail() all there is (base.h). */
class error : public std::runtime_error {
  public:
    explicit error(const flowlog_error &detail) : std::runtime_error(detail.message), detail_(detail) {}
    flowlog_status status() const noexcept { return static_cast<flowlog_status>(detail_.status); }
    std::uint64_t offset() const noexcept { return detail_.offset; }
    std::uint64_t line() const noexcept { return detail_.line; }
    std::uint32_t column() const noexcept { return detail_.column; }
    const flowlog_error &detail() const noexcept { return detail_; }

  private:
    flowlog_error detail_;
};
#endif

/**
 * A value, or why there is none.  It is true when status() is FLOWLOG_OK, and only then has * a meaning; a positive
 * status (FLOWLOG_END, FLOWLOG_MORE) is no value and no failure.
 */
template <class T> class [[nodiscard]] expected {
  public:
    expected(flowlog_status status, const flowlog_error &detail, T &&value) noexcept
        : value_(std::move(value)), detail_(detail)
    {
        if (status < 0 && !detail_.message[0]) /* a function without detail */
            std::strncpy(detail_.message, flowlog_status_message(status), sizeof detail_.message - 1);
        detail_.status = status;
    }
    explicit operator bool() const noexcept { return detail_.status == FLOWLOG_OK; }
    flowlog_status status() const noexcept { return static_cast<flowlog_status>(detail_.status); }
    bool failed() const noexcept { return detail_.status < 0; }
    const flowlog_error &detail() const noexcept { return detail_; }
    const char *message() const noexcept { return detail_.message; }

    T &operator*() & noexcept { return value_; }
    const T &operator*() const & noexcept { return value_; }
    T operator*() && noexcept { return std::move(value_); } /* no reference: `for (x : *f())` is then right */
    T *operator->() noexcept { return &value_; }
    const T *operator->() const noexcept { return &value_; }

#ifndef FLOWLOG_NO_EXCEPTIONS
    /** The value moved out, whatever a positive status says; throws flowlog::error when there was a failure. */
    T value() &&
    {
        if (failed()) throw error(detail_);
        return std::move(value_);
    }
#endif

  private:
    T value_;
    flowlog_error detail_;
};

struct nothing {};
using outcome = expected<nothing>; /* done, or why not */

namespace detail {

/* What a call that gives nothing says: call(flowlog_error *). */
template <class Call> outcome attempt(Call call) noexcept
{
    flowlog_error e = {};
    const flowlog_status status = call(&e);
    return {status, e, {}};
}

/* The owner of what a call makes: call(T **, flowlog_error *). */
template <class Owner, class Call> expected<Owner> make(Call call) noexcept
{
    typename Owner::c_type *c = nullptr;
    flowlog_error e = {};
    const flowlog_status status = call(&c, &e);
    return {status, e, Owner(c)};
}

/* The text of a function that writes as snprintf does: call(char *, size_t). */
template <class Call> std::string print(Call call)
{
    std::string text(call(static_cast<char *>(nullptr), std::size_t{0}), '\0');
    call(text.data(), text.size() + 1);
    return text;
}

/* What owns an object of the library. */
template <class T, void (*Free)(T *)> class owner {
  public:
    using c_type = T;
    owner(const owner &) = delete;
    owner &operator=(const owner &) = delete;

    /** The object for calls of the C functions; null after a move. */
    T *get() const noexcept { return object_; }
    /** The object, from now on the caller's. */
    T *release() noexcept { return std::exchange(object_, nullptr); }
    explicit operator bool() const noexcept { return object_ != nullptr; }

  protected:
    explicit owner(T *owned) noexcept : object_(owned) {}
    owner(owner &&other) noexcept : object_(other.release()) {}
    owner &operator=(owner &&other) noexcept
    {
        T *const old = std::exchange(object_, other.release());
        if (old != object_) Free(old);
        return *this;
    }
    ~owner() { Free(object_); }

  private:
    T *object_;
};

struct none {
    template <class... A> bool operator()(const A &...) const noexcept { return false; }
};

/* true to go on: a function that returns nothing never says stop. */
template <class F, class... A> bool proceed(F &f, A &&...arguments)
{
    if constexpr (std::is_void_v<std::invoke_result_t<F &, A...>>) {
        f(std::forward<A>(arguments)...);
        return true;
    } else {
        return f(std::forward<A>(arguments)...);
    }
}

/* An exception must not pass through C: it waits here until the library has returned the error it was told of. */
class pending {
  public:
    pending() noexcept = default;
    pending(const pending &) = delete;
    pending &operator=(const pending &) = delete;

#ifndef FLOWLOG_NO_EXCEPTIONS
    template <class Call> auto hold(Call &&call) noexcept -> decltype(call())
    {
        try {
            return call();
        } catch (...) {
            thrown_ = std::current_exception();
            return -1;
        }
    }
    void rethrow()
    {
        if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    }

  private:
    std::exception_ptr thrown_ = nullptr;
#else
    template <class Call> auto hold(Call &&call) noexcept -> decltype(call()) { return call(); }
    void rethrow() noexcept {}
#endif
};

/* Whose exception may be waiting: nobody's, or a callback's that outlives the object. */
class waiting {
  public:
    waiting() noexcept = default;
    explicit waiting(pending &at) noexcept : at_(&at) {}
    void rethrow() const
    {
        if (at_) at_->rethrow();
    }

  private:
    pending *at_ = nullptr;
};

} // namespace detail

class finding;

/**
 * A function of yours that the library calls later: what a writer writes to, what a source reads from, what a
 * diagnosis reports to.  It is borrowed by those and must outlive them; so it neither moves nor is copied.
 *
 *     flowlog::callback sink([&](std::string_view text) { out.append(text); });
 *
 * The function takes std::string_view (writing), span<char> and returns the bytes it filled, 0 at the end, -1 on
 * failure (reading), const flowlog::finding &, or cstring and const flowlog_error & (damage to Arrow streams).  Of
 * those that take, one that returns false, not void, ends it.
 */
template <class F> class callback : public detail::pending {
  public:
    explicit callback(F function) : function_(static_cast<F &&>(function)) {}

    static int write(void *ctx, const char *text, std::size_t len) noexcept
    {
        callback *const self = static_cast<callback *>(ctx);
        return self->hold([&] { return detail::proceed(self->function_, std::string_view(text, len)) ? 0 : -1; });
    }
    static std::int64_t read(void *ctx, void *buf, std::size_t cap) noexcept
    {
        callback *const self = static_cast<callback *>(ctx);
        return self->hold([&] { return std::int64_t{self->function_(span<char>(static_cast<char *>(buf), cap))}; });
    }
    static int report(void *ctx, const flowlog_finding *f) noexcept;
    static int damage(void *ctx, const char *name, const flowlog_error *e) noexcept
    {
        callback *const self = static_cast<callback *>(ctx);
        return self->hold([&] { return detail::proceed(self->function_, cstring(name), *e) ? 0 : -1; });
    }
    static void warn(void *ctx, const char *text, std::size_t len) noexcept { write(ctx, text, len); }

  private:
    F function_;
};
template <class F> callback(F) -> callback<F>;

/** A callback's function that writes to a FILE: flowlog::to_file{stdout}. */
struct to_file {
    std::FILE *file;
    bool operator()(std::string_view text) const noexcept
    {
        return std::fwrite(text.data(), 1, text.size(), file) == text.size();
    }
};

} // namespace FLOWLOG_HPP_WAY
} // namespace flowlog

#endif
