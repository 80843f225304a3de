/* SPDX-License-Identifier: MIT */
/*
 * flowlog/cpp/plan.hpp - plans, runs, partials and results (plan.h) for C++.
 */
#ifndef FLOWLOG_CPP_PLAN_HPP
#define FLOWLOG_CPP_PLAN_HPP

#include "flowlog/cpp/core.hpp"
#include "flowlog/cpp/read.hpp"
#include "flowlog/cpp/value.hpp"

namespace flowlog {
inline namespace FLOWLOG_HPP_WAY {

class result : public detail::owner<flowlog_result, flowlog_result_free> {
  public:
    explicit result(flowlog_result *owned) noexcept : owner(owned) {}

    std::uint64_t rows() const noexcept { return flowlog_result_rows(get()); }
    std::uint32_t columns() const noexcept { return flowlog_result_columns(get()); }
    std::uint32_t keys() const noexcept { return flowlog_result_keys(get()); }
    const char *name(std::uint32_t column) const noexcept { return flowlog_result_name(get(), column); }
    std::uint32_t type(std::uint32_t column) const noexcept { return flowlog_result_type(get(), column); }
    bool approximate(std::uint32_t column) const noexcept { return flowlog_result_approximate(get(), column) != 0; }
    std::uint64_t error_of(std::uint64_t row) const noexcept { return flowlog_result_error(get(), row); }
    std::uint64_t groups() const noexcept { return flowlog_result_groups(get()); }
    std::uint64_t null_keys() const noexcept { return flowlog_result_null_keys(get()); }
    std::uint64_t counted() const noexcept { return flowlog_result_counted(get()); }
    /** The column of that name, or -1. */
    std::int32_t find(std::string_view wanted) const noexcept
    {
        for (std::uint32_t i = 0; i < columns(); i++)
            if (wanted == name(i)) return static_cast<std::int32_t>(i);
        return -1;
    }
    expected<value> try_at(std::uint64_t row, std::uint32_t column) const noexcept
    {
        flowlog_value v = {};
        const flowlog_status status = flowlog_result_value(get(), row, column, &v);
        return {status, {}, value(v)};
    }
    expected<std::uint64_t> try_total(std::uint32_t column) const noexcept
    {
        std::uint64_t total = 0;
        const flowlog_status status = flowlog_result_total(get(), column, &total);
        return {status, {}, std::move(total)};
    }
    /** `write` takes std::string_view, as a callback does: to_file{stdout}, or a lambda. */
    template <class F> outcome try_write(flowlog_form form, F &&write, const flowlog_alloc *alloc = nullptr) const
    {
        callback<F &> sink(write);
        const outcome done = detail::attempt([&](auto e) {
            return flowlog_write_result(get(), form, callback<F &>::write, &sink, alloc, e);
        });
        sink.rethrow();
        return done;
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    value at(std::uint64_t row, std::uint32_t column) const { return try_at(row, column).value(); }
    std::uint64_t total(std::uint32_t column) const { return try_total(column).value(); }
    template <class F> void write(flowlog_form form, F &&write, const flowlog_alloc *alloc = nullptr) const
    {
        try_write(form, write, alloc).value();
    }
#endif
};

/* --- plans and runs (plan.h) -------------------------------------------------------------------------------- */

/** As flowlog_run_options; `counters` is written at the end. */
struct run_options {
    std::uint32_t threads = 0;
    std::uint32_t flags = 0;
    std::uint32_t line_max = 0;
    const flowlog_format *format = nullptr;
    const flowlog_alloc *alloc = nullptr;
    flowlog_counters *counters = nullptr;

    flowlog_run_options c() const noexcept
    {
        flowlog_run_options o = {};
        o.struct_size = sizeof o;
        o.threads = threads;
        o.flags = flags;
        o.line_max = line_max;
        o.format = format;
        o.alloc = alloc;
        o.counters = counters;
        return o;
    }
};

enum class order : int { rising = 0, descending = 1 };

namespace detail {

/* What a run tells meanwhile, and how it is answered. */
template <class Damage, class Progress> class watch : public pending {
  public:
    watch(Damage &damage, Progress &progress) noexcept : damage_(damage), progress_(progress) {}

    void install(flowlog_run_options &o) noexcept
    {
        if constexpr (!std::is_same_v<std::remove_cv_t<Damage>, none>) o.damage = damaged;
        if constexpr (!std::is_same_v<std::remove_cv_t<Progress>, none>) o.progress = progressed;
        o.ctx = this;
    }

  private:
    static int damaged(void *ctx, const char *name, const flowlog_error *e) noexcept
    {
        watch *const self = static_cast<watch *>(ctx);
        return self->hold([&] { return proceed(self->damage_, cstring(name), *e) ? 0 : -1; });
    }
    static int progressed(void *ctx, std::uint64_t bytes, std::uint64_t total) noexcept
    {
        watch *const self = static_cast<watch *>(ctx);
        return self->hold([&] { return proceed(self->progress_, bytes, total) ? 0 : -1; });
    }
    Damage &damage_;
    Progress &progress_;
};

/* A call that reads a source to its end: call(const flowlog_run_options *). */
template <class Call, class Damage, class Progress>
auto read_all(Call call, lent from, const run_options &options, Damage &damage, Progress &progress)
{
    flowlog_run_options o = options.c();
    watch<Damage, Progress> watching(damage, progress);
    watching.install(o);
    auto answer = call(&o);
    watching.rethrow();
    from.rethrow();
    return answer;
}

} // namespace detail

class plan;

/** An answer in the making; it borrows its plan, which must outlive it. */
class run : public detail::owner<flowlog_run, flowlog_run_free> {
  public:
    explicit run(flowlog_run *owned) noexcept : owner(owned) {}

    static expected<run> try_begin(const plan &of, const flowlog_alloc *alloc = nullptr) noexcept;
    outcome try_add(const batch &rows) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_run_add(get(), rows.c(), e); });
    }
    outcome try_merge(const run &other) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_run_merge(get(), other.get(), e); });
    }
    /** `write` takes the bytes of the partial as std::string_view, piece by piece. */
    template <class F> outcome try_save(F &&write)
    {
        callback<F &> sink(write);
        const outcome done =
            detail::attempt([&](auto e) { return flowlog_run_save(get(), callback<F &>::write, &sink, e); });
        sink.rethrow();
        return done;
    }
    expected<result> try_finish() noexcept
    {
        return detail::make<result>([&](auto c, auto e) { return flowlog_run_finish(get(), c, e); });
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    explicit run(const plan &of, const flowlog_alloc *alloc = nullptr);
    explicit run(plan &&, const flowlog_alloc * = nullptr) = delete;
    void add(const batch &rows) { try_add(rows).value(); }
    void merge(const run &other) { try_merge(other).value(); }
    template <class F> void save(F &&write) { try_save(write).value(); }
    result finish() { return try_finish().value(); }
#endif
};

class plan : public detail::owner<flowlog_plan, flowlog_plan_free> {
  public:
    explicit plan(flowlog_plan *owned) noexcept : owner(owned) {}

    static expected<plan> try_new(const flowlog_alloc *alloc = nullptr) noexcept
    {
        return detail::make<plan>([&](auto c, auto) { return flowlog_plan_new(alloc, c); });
    }
    outcome try_where_options(const filter_options &options) noexcept
    {
        const flowlog_filter_options o = options.c();
        return detail::attempt([&](auto) { return flowlog_plan_where_options(get(), &o); });
    }
    outcome try_where(cstring condition) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_plan_where(get(), condition.c_str(), e); });
    }
    outcome try_where(const filter &condition) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_plan_where_filter(get(), condition.get(), e); });
    }
    outcome try_key(cstring keys) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_plan_key(get(), keys.c_str(), e); });
    }
    outcome try_keep_null_keys(bool keep = true) noexcept
    {
        return detail::attempt([&](auto) { return flowlog_plan_keep_null_keys(get(), keep); });
    }
    outcome try_aggregate(flowlog_agg kind, cstring field = nullptr, cstring alias = nullptr) noexcept
    {
        return detail::attempt(
            [&](auto e) { return flowlog_plan_aggregate(get(), kind, field.c_str(), alias.c_str(), e); });
    }
    outcome try_select(cstring columns) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_plan_select(get(), columns.c_str(), e); });
    }
    outcome try_having(cstring condition) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_plan_having(get(), condition.c_str(), e); });
    }
    outcome try_sort(cstring column, order by = order::rising) noexcept
    {
        return detail::attempt(
            [&](auto e) { return flowlog_plan_sort(get(), column.c_str(), static_cast<int>(by), e); });
    }
    outcome try_limit(std::uint64_t rows) noexcept
    {
        return detail::attempt([&](auto) { return flowlog_plan_limit(get(), rows); });
    }
    outcome try_limit_per(cstring keys, std::uint64_t rows) noexcept
    {
        return detail::attempt([&](auto e) { return flowlog_plan_limit_per(get(), keys.c_str(), rows, e); });
    }
    outcome try_max_groups(std::uint64_t groups) noexcept
    {
        return detail::attempt([&](auto) { return flowlog_plan_max_groups(get(), groups); });
    }
    outcome try_approximate(bool approximate = true) noexcept
    {
        return detail::attempt([&](auto) { return flowlog_plan_approximate(get(), approximate); });
    }

    /**
     * `damage` takes (cstring name, const flowlog_error &) and says true to go on with the other inputs; without it
     * the first damage ends the run.  `progress` takes (std::uint64_t bytes, std::uint64_t total), and says true to
     * go on.  What returns nothing goes on.
     */
    template <class Damage = const detail::none, class Progress = const detail::none>
    expected<result> try_run(detail::lent from, const run_options &options = {}, Damage &&damage = {},
                             Progress &&progress = {}) const
    {
        return ask<result>(flowlog_plan_run, from, options, damage, progress);
    }
    /** Like run, but gives what may be merged, saved or finished; the run borrows the plan. */
    template <class Damage = const detail::none, class Progress = const detail::none>
    expected<flowlog::run> try_collect(detail::lent from, const run_options &options = {}, Damage &&damage = {},
                                       Progress &&progress = {}) const
    {
        return ask<flowlog::run>(flowlog_plan_collect, from, options, damage, progress);
    }

#ifndef FLOWLOG_NO_EXCEPTIONS
    /* Builders can be chained: flowlog::plan().key("srcaddr").select("count").run(source). */
    explicit plan(const flowlog_alloc &alloc) : plan(try_new(&alloc).value()) {}
    plan() : plan(try_new().value()) {}
    plan &where_options(const filter_options &options) { return then(try_where_options(options)); }
    plan &where(cstring condition) { return then(try_where(condition)); }
    plan &where(const filter &condition) { return then(try_where(condition)); }
    plan &key(cstring keys) { return then(try_key(keys)); }
    plan &keep_null_keys(bool keep = true) { return then(try_keep_null_keys(keep)); }
    plan &aggregate(flowlog_agg kind, cstring field = nullptr, cstring alias = nullptr)
    {
        return then(try_aggregate(kind, field, alias));
    }
    plan &select(cstring columns) { return then(try_select(columns)); }
    plan &having(cstring condition) { return then(try_having(condition)); }
    plan &sort(cstring column, order by = order::rising) { return then(try_sort(column, by)); }
    plan &limit(std::uint64_t rows) { return then(try_limit(rows)); }
    plan &limit_per(cstring keys, std::uint64_t rows) { return then(try_limit_per(keys, rows)); }
    plan &max_groups(std::uint64_t groups) { return then(try_max_groups(groups)); }
    plan &approximate(bool approximate = true) { return then(try_approximate(approximate)); }

    template <class Damage = const detail::none, class Progress = const detail::none>
    result run(detail::lent from, const run_options &options = {}, Damage &&damage = {}, Progress &&progress = {}) const
    {
        return try_run(from, options, damage, progress).value();
    }
    template <class Damage = const detail::none, class Progress = const detail::none>
    flowlog::run collect(detail::lent from, const run_options &options = {}, Damage &&damage = {},
                         Progress &&progress = {}) const
    {
        return try_collect(from, options, damage, progress).value();
    }
#endif
    const char *fields() const noexcept { return flowlog_plan_fields(get()); }
    const flowlog_filter *filter() const noexcept { return flowlog_plan_filter(get()); }
    std::string explain() const
    {
        return detail::print([&](char *to, std::size_t cap) { return flowlog_plan_explain(get(), to, cap); });
    }

    std::string remarks() const
    {
        return detail::print([&](char *to, std::size_t cap) { return flowlog_plan_remarks(get(), to, cap); });
    }

  private:
    template <class Answer, class Call, class Damage, class Progress>
    expected<Answer> ask(Call call, detail::lent from, const run_options &options, Damage &damage,
                         Progress &progress) const
    {
        const auto with = [&](const flowlog_run_options *o) {
            return detail::make<Answer>([&](auto c, auto e) { return call(get(), from.get(), o, c, e); });
        };
        return detail::read_all(with, from, options, damage, progress);
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    plan &then(outcome &&done)
    {
        std::move(done).value();
        return *this;
    }
#endif
};

inline expected<run> run::try_begin(const plan &of, const flowlog_alloc *alloc) noexcept
{
    return detail::make<run>([&](auto c, auto) { return flowlog_run_begin(of.get(), alloc, c); });
}
#ifndef FLOWLOG_NO_EXCEPTIONS
inline run::run(const plan &of, const flowlog_alloc *alloc) : run(try_begin(of, alloc).value()) {}
#endif

/** What flowlog_run_load reads: a plan, and a run of it. */
class partial {
  public:
    static expected<partial> try_load(std::string_view bytes, const flowlog_alloc *alloc = nullptr) noexcept
    {
        flowlog_plan *p = nullptr;
        flowlog_run *r = nullptr;
        flowlog_error e = {};
        const flowlog_status status = flowlog_run_load(bytes.data(), bytes.size(), alloc, &p, &r, &e);
        return {status, e, partial(p, r)};
    }
#ifndef FLOWLOG_NO_EXCEPTIONS
    explicit partial(std::string_view bytes, const flowlog_alloc *alloc = nullptr)
        : partial(try_load(bytes, alloc).value())
    {
    }
#endif
    partial(partial &&) noexcept = default;
    partial &operator=(partial &&other) noexcept /* a run goes before its plan */
    {
        run_ = std::move(other.run_);
        plan_ = std::move(other.plan_);
        return *this;
    }
    partial(const partial &) = delete;
    partial &operator=(const partial &) = delete;
    ~partial() = default;

    const flowlog::plan &plan() const noexcept { return plan_; }
    flowlog::run &run() noexcept { return run_; }

  private:
    partial(flowlog_plan *p, flowlog_run *r) noexcept : plan_(p), run_(r) {}
    flowlog::plan plan_;
    flowlog::run run_;
};

} // namespace FLOWLOG_HPP_WAY
} // namespace flowlog

#endif
