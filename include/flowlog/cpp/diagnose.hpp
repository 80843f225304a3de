/* SPDX-License-Identifier: MIT */
/*
 * flowlog/cpp/diagnose.hpp - diagnosis (diagnose.h) for C++.
 */
#ifndef FLOWLOG_CPP_DIAGNOSE_HPP
#define FLOWLOG_CPP_DIAGNOSE_HPP

#include "flowlog/cpp/core.hpp"
#include "flowlog/cpp/plan.hpp"
#include "flowlog/cpp/read.hpp"
#include "flowlog/cpp/value.hpp"

namespace flowlog {
inline namespace FLOWLOG_HPP_WAY {

/** A finding, borrowed until the function that takes it returns; -> are the members of flowlog_finding. */
class finding {
  public:
    explicit finding(const flowlog_finding &c) noexcept : c_(c) {}
    const flowlog_finding &c() const noexcept { return c_; }
    const flowlog_finding *operator->() const noexcept { return &c_; }
    const char *kind() const noexcept { return flowlog_finding_kind_name(c_.kind); }
    const char *verdict() const noexcept { return flowlog_verdict_name(c_.verdict); }
    const char *layer() const noexcept { return flowlog_layer_name(c_.layer); }
    const char *confidence() const noexcept { return flowlog_confidence_name(c_.confidence); }
    std::string advice() const
    {
        return detail::print([&](char *to, std::size_t cap) { return flowlog_finding_advice(&c_, to, cap); });
    }
    /** `names` has the names of the files that evidence lines are from. */
    std::string json(const reader *names = nullptr) const
    {
        const flowlog_reader *const r = names ? names->get() : nullptr;
        return detail::print([&](char *to, std::size_t cap) { return flowlog_finding_json(&c_, r, to, cap); });
    }
    std::string json(const source &names) const
    {
        return detail::print([&](char *to, std::size_t cap) {
            return flowlog_finding_json_source(&c_, names.get(), to, cap);
        });
    }

  private:
    const flowlog_finding &c_;
};

template <class F> int callback<F>::report(void *ctx, const flowlog_finding *f) noexcept
{
    callback *const self = static_cast<callback *>(ctx);
    return self->hold([&] { return detail::proceed(self->function_, finding(*f)) ? 0 : -1; });
}

/** As flowlog_diagnosis_options, but for whom findings are reported to meanwhile. */
struct diagnosis_options {
    std::uint32_t flags = 0;
    std::uint32_t max_conversations = 0;
    std::uint32_t evidence = 0;
    std::uint32_t late = 0;
    const flowlog_alloc *alloc = nullptr;

    flowlog_diagnosis_options c() const noexcept
    {
        flowlog_diagnosis_options o = {};
        o.struct_size = sizeof o;
        o.flags = flags;
        o.alloc = alloc;
        o.max_conversations = max_conversations;
        o.evidence = evidence;
        o.late = late;
        return o;
    }
};

class diagnosis : public detail::owner<flowlog_diagnosis, flowlog_diagnosis_free> {
  public:
    explicit diagnosis(flowlog_diagnosis *owned) noexcept : owner(owned) {}

    static expected<diagnosis> try_new(const diagnosis_options &options = {}) noexcept
    {
        const flowlog_diagnosis_options o = options.c();
        return detail::make<diagnosis>([&](auto c, auto e) { return flowlog_diagnosis_new(&o, c, e); });
    }
    /** With somebody, borrowed, who takes findings (const finding &) during add: FLOWLOG_DIAGNOSE_STREAM. */
    template <class F>
    static expected<diagnosis> try_new(const diagnosis_options &options, callback<F> &report) noexcept
    {
        flowlog_diagnosis_options o = options.c();
        o.report = callback<F>::report;
        o.ctx = &report;
        expected<diagnosis> made =
            detail::make<diagnosis>([&](auto c, auto e) { return flowlog_diagnosis_new(&o, c, e); });
        made->thrown_ = detail::waiting(report);
        return made;
    }
    outcome try_context(std::string_view json) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_diagnosis_context(get(), json.data(), json.size(), e); });
    }
    outcome try_rules(std::string_view json) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_diagnosis_rules(get(), json.data(), json.size(), e); });
    }
    /** `report` takes one sentence about the rules as std::string_view. */
    template <class F> outcome try_warnings(F &&report) const
    {
        callback<F &> sink(report);
        const outcome done =
            detail::attempt([&](auto) { return flowlog_diagnosis_warnings(get(), callback<F &>::warn, &sink); });
        sink.rethrow();
        return done;
    }
    outcome try_query(const address &client, const address &server, std::uint16_t port) noexcept
    {
        return detail::attempt(
            [&](auto e) { return flowlog_diagnosis_query(get(), &client.c(), &server.c(), port, e); });
    }
    /** FLOWLOG_END, no value and no failure, when the report said to stop. */
    outcome try_add(const batch &rows)
    {
        const outcome done = detail::attempt([&](auto e) { return flowlog_diagnosis_add(get(), rows.c(), e); });
        thrown_.rethrow();
        return done;
    }
    /** A source in one call; `damage` and `progress` as those of plan::run. */
    template <class Damage = const detail::none, class Progress = const detail::none>
    outcome try_collect(detail::lent from, const run_options &options = {}, Damage &&damage = {},
                        Progress &&progress = {})
    {
        const auto with = [&](const flowlog_run_options *o) {
            return detail::attempt([&](auto e) { return flowlog_diagnosis_collect(get(), from.get(), o, e); });
        };
        const outcome done = detail::read_all(with, from, options, damage, progress);
        thrown_.rethrow();
        return done;
    }
    outcome try_merge(const diagnosis &other) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_diagnosis_merge(get(), other.get(), e); });
    }
    /** `report` takes const finding &; FLOWLOG_END when it returned false. */
    template <class F> outcome try_finish(F &&report)
    {
        callback<F &> sink(report);
        const outcome done =
            detail::attempt([&](auto e) { return flowlog_diagnosis_finish(get(), callback<F &>::report, &sink, e); });
        sink.rethrow();
        return done;
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    diagnosis() : diagnosis(diagnosis_options()) {}
    explicit diagnosis(const diagnosis_options &options) : diagnosis(try_new(options).value()) {}
    template <class F>
    diagnosis(const diagnosis_options &options, callback<F> &report) : diagnosis(try_new(options, report).value())
    {
    }
    diagnosis &context(std::string_view json) { return then(try_context(json)); }
    diagnosis &rules(std::string_view json) { return then(try_rules(json)); }
    diagnosis &query(const address &client, const address &server, std::uint16_t port)
    {
        return then(try_query(client, server, port));
    }
    template <class F> void warnings(F &&report) const { try_warnings(report).value(); }
    void merge(const diagnosis &other) { try_merge(other).value(); }
    /** false when the report said to stop; so add and finish. */
    template <class Damage = const detail::none, class Progress = const detail::none>
    bool collect(detail::lent from, const run_options &options = {}, Damage &&damage = {}, Progress &&progress = {})
    {
        return going_on(try_collect(from, options, damage, progress));
    }
    bool add(const batch &rows) { return going_on(try_add(rows)); }
    template <class F> bool finish(F &&report) { return going_on(try_finish(report)); }
#endif
    const char *fields() const noexcept { return flowlog_diagnosis_fields(get()); }
    std::uint64_t records() const noexcept { return flowlog_diagnosis_records(get()); }
    std::uint64_t left_out() const noexcept { return flowlog_diagnosis_left_out(get()); }
    std::uint64_t truncated() const noexcept { return flowlog_diagnosis_truncated(get()); }

  private:
#ifndef FLOWLOG_NO_EXCEPTIONS
    diagnosis &then(outcome &&done)
    {
        std::move(done).value();
        return *this;
    }
    static bool going_on(outcome &&done)
    {
        const flowlog_status status = done.status();
        std::move(done).value();
        return status == FLOWLOG_OK;
    }
#endif
    detail::waiting thrown_ = {};
};

} // namespace FLOWLOG_HPP_WAY
} // namespace flowlog

#endif
