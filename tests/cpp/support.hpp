/* SPDX-License-Identifier: MIT */
/*
 * cpp/support.hpp - what the tests of flowlog.hpp share: checks that count, an allocator that counts and that can
 * fail the n-th request, a small log.
 */
#ifndef TEST_CPP_SUPPORT_HPP
#define TEST_CPP_SUPPORT_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "flowlog/flowlog.hpp"

namespace test {

inline int &failures() noexcept
{
    static int count = 0;
    return count;
}

inline void check(bool good, const char *what, int line) noexcept
{
    if (good) return;
    std::fprintf(stderr, "line %d: %s\n", line, what);
    failures()++;
}
#define CHECK(condition) test::check(static_cast<bool>(condition), #condition, __LINE__)

/* Each block begins with its length, so that a wrong length on release is seen. */
class counter {
  public:
    explicit counter(std::size_t fail_at = 0) noexcept : fail_at_(fail_at) {}
    counter(const counter &) = delete;
    counter &operator=(const counter &) = delete;

    flowlog_alloc c() noexcept { return {get, resize, put, this}; }
    bool clean() const noexcept { return live_ == 0 && wrong_ == 0; }
    bool failed() const noexcept { return fail_at_ && requests_ >= fail_at_; }

  private:
    static constexpr std::size_t head = 2 * alignof(std::max_align_t);

    static void *get(void *ctx, std::size_t len) noexcept
    {
        counter *const self = static_cast<counter *>(ctx);
        if (++self->requests_ == self->fail_at_) return nullptr;
        char *const p = static_cast<char *>(std::malloc(head + len));
        if (!p) return nullptr;
        std::memcpy(p, &len, sizeof len);
        std::memset(p + head, 0xA5, len);
        self->live_++;
        return p + head;
    }
    static void put(void *ctx, void *block, std::size_t len) noexcept
    {
        counter *const self = static_cast<counter *>(ctx);
        if (!block) return;
        char *const p = static_cast<char *>(block) - head;
        std::size_t was = 0;
        std::memcpy(&was, p, sizeof was);
        if (was != len) self->wrong_++;
        self->live_--;
        std::free(p);
    }
    static void *resize(void *ctx, void *block, std::size_t old_len, std::size_t new_len) noexcept
    {
        void *const p = get(ctx, new_len);
        if (!p) return nullptr;
        std::memcpy(p, block, old_len < new_len ? old_len : new_len);
        put(ctx, block, old_len);
        return p;
    }
    std::size_t fail_at_, requests_ = 0, live_ = 0, wrong_ = 0;
};

/* Three records, NODATA and a malformed line. */
inline constexpr std::string_view small_log =
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
    "2 123456789010 eni-1 10.0.0.1 10.0.0.2 40000 443 6 10 1000 1772366100 1772366160 ACCEPT OK\n"
    "2 123456789010 eni-1 10.0.0.3 10.0.0.2 40001 22 6 1 60 1772366101 1772366161 REJECT OK\n"
    "2 123456789010 eni-1 2001:db8::1 2001:db8::2 40002 443 6 20 2000 1772366102 1772366162 ACCEPT OK\n"
    "2 123456789010 eni-2 - - - - - - - 1772366100 1772366160 - NODATA\n"
    "2 123456789010 eni-1 10.0.0.1\n";

inline std::string data(const char *name) { return std::string(FLOWLOG_SOURCE_DIR "/examples/data/") + name; }

inline int report(const char *name) noexcept
{
    if (failures()) std::fprintf(stderr, "%s: %d checks failed\n", name, failures());
    return failures() != 0;
}

} // namespace test

#endif
