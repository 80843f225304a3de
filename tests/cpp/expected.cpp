/* SPDX-License-Identifier: MIT */
/*
 * expected.cpp - flowlog.hpp without exceptions: compiled with -fno-exceptions, where only try_ functions are there.
 */
#include "support.hpp"

#ifndef FLOWLOG_NO_EXCEPTIONS
#error "to be compiled with -fno-exceptions"
#endif

namespace {

void a_plan_from_its_parts_to_its_text()
{
    auto p = flowlog::plan::try_new();
    CHECK(p && p->try_where("accept") && p->try_key("srcaddr") && p->try_select("sum(bytes) as bytes"));
    CHECK(p->try_sort("bytes", flowlog::order::descending) && p->try_limit(1) && p->try_max_groups(10));
    const auto wrong = p->try_select("sum(byts)");
    CHECK(wrong.failed() && wrong.status() == FLOWLOG_E_FIELD && wrong.detail().column == 5 && *wrong.message());
    auto s = flowlog::source::try_memory(test::small_log);
    CHECK(s);
    const auto answer = p->try_run(*s);
    CHECK(answer && answer->rows() == 1 && answer->try_at(0, 1)->number() == 2000);
    CHECK(answer->try_at(1, 0).status() == FLOWLOG_E_ARGUMENT && *answer->try_total(1) == 3000);
    std::string text;
    CHECK(answer->try_write(FLOWLOG_FORM_CSV, [&](std::string_view piece) { text += piece; }));
    CHECK(text == "srcaddr,bytes\n2001:db8::1,2000\n");
    CHECK(answer->try_write(FLOWLOG_FORM_CSV, [](std::string_view) { return false; }).status() == FLOWLOG_E_IO);

    auto r = flowlog::run::try_begin(*p);
    CHECK(r && r->try_finish()->rows() == 0);
    std::string bytes;
    CHECK(r->try_save([&](std::string_view piece) { bytes += piece; }));
    auto loaded = flowlog::partial::try_load(bytes);
    CHECK(loaded && loaded->run().try_merge(*r) && loaded->plan().explain() == p->explain());
    CHECK(flowlog::partial::try_load("nothing").status() == FLOWLOG_E_CORRUPT);
}

void a_reader_to_its_end()
{
    auto s = flowlog::source::try_memory(test::small_log);
    auto f = flowlog::filter::try_parse("bytes > 100");
    CHECK(s && f);
    flowlog::reader_options options;
    options.where = &*f;
    auto r = flowlog::reader::try_open(*std::move(s), options);
    CHECK(r && !*s);
    std::uint64_t sum = 0;
    auto b = r->try_next();
    for (; b; b = r->try_next())
        for (const std::uint64_t n : *(*b)["bytes"].try_values<std::uint64_t>()) sum += n;
    CHECK(sum == 3000 && b.status() == FLOWLOG_END && !b.failed());
    CHECK(flowlog::source::try_file("there/is/none").status() == FLOWLOG_E_IO);

    auto fed = flowlog::reader::try_fed();
    CHECK(fed && fed->try_feed(test::small_log) && fed->try_next() && fed->try_next().status() == FLOWLOG_MORE);
    CHECK(fed->try_finish() && fed->try_next().status() == FLOWLOG_END);
}

void a_diagnosis_and_a_writer()
{
    auto d = flowlog::diagnosis::try_new();
    CHECK(d && d->try_rules("{").failed());
    CHECK(d->try_finish([](const flowlog::finding &) {}));
    int pieces = 0;
    flowlog::callback sink([&](std::string_view) { pieces++; });
    const char *const names[] = {"bytes"};
    auto w = flowlog::writer::try_open(FLOWLOG_FORM_JSON, names, sink);
    flowlog_value v = {};
    v.type = FLOWLOG_TYPE_U64;
    CHECK(w && w->try_row({&v, 1}) && w->try_finish() && pieces == 1);
}

void a_stream_of_arrow()
{
    auto r = flowlog::reader::try_open(*flowlog::source::try_memory(test::small_log));
    auto stream = flowlog::try_to_arrow(*std::move(r));
    CHECK(stream && stream->try_schema() && (*stream->try_next())->length == 4);
    CHECK(stream->try_next().status() == FLOWLOG_END);
    CHECK(flowlog::try_to_arrow(flowlog::batch()).status() == FLOWLOG_E_ARGUMENT);
}

} // namespace

int main()
{
    a_plan_from_its_parts_to_its_text();
    a_reader_to_its_end();
    a_diagnosis_and_a_writer();
    a_stream_of_arrow();
    return test::report("expected");
}
