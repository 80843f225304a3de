/* SPDX-License-Identifier: MIT */
/*
 * wrappers.cpp - flowlog.hpp with exceptions: every wrapper, its errors, moves, things abandoned half-way.
 */
#include <vector>

#include "support.hpp"

namespace {

using namespace std::string_view_literals;

struct thrown_by_test {
    int code;
};

template <class Call> flowlog_status status_of(Call call)
{
    try {
        call();
    } catch (const flowlog::error &e) {
        return e.status();
    }
    return FLOWLOG_OK;
}

void addresses_and_values()
{
    const flowlog::address a("10.0.0.1"), b("2001:db8::1");
    CHECK(a.to_string() == "10.0.0.1" && a.family() == 4 && a.bytes().size() == 4 && a.bytes()[0] == 10);
    CHECK(b.to_string() == "2001:db8::1" && b.bytes().size() == 16);
    CHECK(a < b && a != b && a == flowlog::address("10.0.0.1"));
    CHECK(flowlog::address().family() == 0 && flowlog::address().bytes().empty());
    CHECK(status_of([] { flowlog::address("10.0.0.256"); }) == FLOWLOG_E_SYNTAX);
    CHECK(flowlog::value().is_null() && flowlog::value().to_string() == "-");
    CHECK(flowlog::view(flowlog_str{nullptr, 0}).empty());
}

void errors_say_where()
{
    try {
        const flowlog::filter f("reject and dst prt 22");
        CHECK(false);
    } catch (const flowlog::error &e) {
        CHECK(e.status() == FLOWLOG_E_FIELD || e.status() == FLOWLOG_E_SYNTAX);
        CHECK(e.offset() > 0 && e.column() == e.offset() + 1 && e.line() <= 1);
        CHECK(std::strlen(e.what()) > 0 && !std::strcmp(e.what(), e.detail().message));
    }
    const auto tried = flowlog::filter::try_parse("(");
    CHECK(!tried && tried.failed() && tried.status() == FLOWLOG_E_SYNTAX && *tried.message());
    /* A function without detail has the message of its status. */
    const auto address = flowlog::address::try_parse("x");
    CHECK(address.failed() && !std::strcmp(address.message(), flowlog_status_message(FLOWLOG_E_SYNTAX)));
}

void formats()
{
    flowlog::format f("${srcaddr} ${bytes} ${my-own}");
    CHECK(f.columns() == 3 && f.find("bytes") == 1 && f.find("nothing") == -1 && f.version() == 2);
    CHECK(f.to_string() == "${srcaddr} ${bytes} ${my-own}");
    CHECK(f.column(2)->field == FLOWLOG_FIELD_UNKNOWN && !f.column(3));
    flowlog::format g = flowlog::format::from_header("srcaddr bytes");
    g = std::move(f);
    CHECK(g.columns() == 3 && !f);
    CHECK(status_of([] { flowlog::format("${bytes} ${bytes}"); }) == FLOWLOG_E_DUPLICATE);
    CHECK(status_of([] { flowlog::format::from_header("1 2 3"); }) == FLOWLOG_E_FORMAT);
}

/* Typed spans and single cells agree; gives what is in the row. */
std::string row_text(const flowlog::batch &b, std::uint32_t row)
{
    const flowlog::column bytes = b["bytes"], src = b["srcaddr"], start = b["start"], port = b["dst_port"];
    const flowlog::column action = b["action"], eni = b["interface-id"];
    CHECK(bytes.values<std::uint64_t>()[row] == bytes.at(row).number());
    CHECK(start.values<std::int64_t>()[row] == start.at(row).time());
    CHECK(port.values<std::uint32_t>()[row] == port.at(row).number());
    CHECK(action.values<std::uint8_t>()[row] == action.at(row).code() && action.text(row) == action.at(row).text());
    CHECK(src.families()[row] == src.address(row).family() && bytes.is_null(row) == bytes.at(row).is_null());
    if (src.families()[row] == 4) CHECK(src.values<std::uint32_t>()[row] >> 24 == src.address(row).bytes()[0]);
    return src.address(row).to_string() + ' ' + bytes.at(row).to_string() + ' ' + port.at(row).to_string() + ' ' +
           std::string(action.text(row)) + ' ' + std::string(eni.text(row)) + ' ' +
           std::to_string(b.log_status()[row]) + ' ' + std::to_string(b.line_number(row)) + ' ' +
           std::string(b.line(row).substr(0, 21)) + '\n';
}

void batches_are_ranges_and_columns_spans()
{
    std::uint64_t sum = 0;
    std::uint32_t nulls = 0;
    std::string rows;
    flowlog::reader_options options;
    options.flags = FLOWLOG_READ_LINES;
    flowlog::reader r(flowlog::source::memory(test::small_log, "small"), options);
    for (const flowlog::batch &b : r) {
        for (const std::uint64_t n : b["bytes"].values<std::uint64_t>()) sum += n;
        nulls += b["bytes"].null_count();
        for (std::uint32_t row = 0; row < b.rows(); row++) rows += row_text(b, row);
        const flowlog::column bytes = b["bytes"];
        CHECK(bytes && bytes.present() && bytes.type() == FLOWLOG_TYPE_U64 && bytes.name() == "bytes");
        CHECK(bytes.rows() == b.rows() && bytes.is_null(b.rows()) && bytes.at(b.rows()).is_null());
        CHECK(b.line(b.rows()).empty() && b.line_number(b.rows()) == 0 && b.file() == 0);
        CHECK(b.columns() == 14 && b.column(0).name() == "version" && b.find("bytes") == 9);
        CHECK(flowlog::format::to_string(b.c()->format, FLOWLOG_FORMAT_HEADER).substr(0, 7) == "version");
        /* What is not there is false, and so is what is asked of it. */
        const flowlog::column none = b["nothing"];
        CHECK(!none && !b.column(99) && b.find("nothing") == -1 && none.rows() == 0 && none.is_null(0));
        CHECK(none.text(0).empty() && none.name().empty() && none.type() == 0 && !none.present());
        CHECK(none.try_values<std::uint32_t>().status() == FLOWLOG_E_FIELD && none.families().empty());
        CHECK(bytes.try_values<std::uint32_t>().status() == FLOWLOG_E_ARGUMENT && bytes.families().empty());
        CHECK(status_of([&] { bytes.values<std::int64_t>(); }) == FLOWLOG_E_ARGUMENT);
    }
    CHECK(sum == 3060 && nulls == 1);
    CHECK(rows == "10.0.0.1 1000 443 ACCEPT eni-1 1 2 2 123456789010 eni-1 \n"
                  "10.0.0.3 60 22 REJECT eni-1 1 3 2 123456789010 eni-1 \n"
                  "2001:db8::1 2000 443 ACCEPT eni-1 1 4 2 123456789010 eni-1 \n"
                  "- - -  eni-2 2 5 2 123456789010 eni-2 \n");
    CHECK(r.counters().lines == 6 && r.counters().malformed == 1 && r.counters().nodata == 1);
    CHECK(!std::strcmp(r.path(0), "small") && r.file() == 0 && r.formats() == 1 && r.format(0) && r.progress() > 0);
    CHECK(r.begin() == r.end()); /* an ended reader stays ended */
    const flowlog::batch none;
    CHECK(none.rows() == 0 && none.find("bytes") == -1 && none.log_status().empty());
}

template <class S, class = void> constexpr bool takes = false;
template <class S> constexpr bool takes<S, decltype(flowlog::source::memory(std::declval<S>()), void())> = true;

void sources()
{
    const std::string vpc = test::data("vpc"), v5 = test::data("v5");
    const char *const both[] = {vpc.c_str(), v5.c_str()};
    flowlog::source s = flowlog::source::paths(both);
    CHECK(s.count() > 2 && s.bytes() > 0 && std::string_view(s.name(0)).substr(0, vpc.size()) == vpc);
    flowlog::source t = flowlog::source::file(vpc);
    t = std::move(s);
    CHECK(!s && t.count() > 2);
    CHECK(status_of([] { flowlog::source::file("there/is/none"); }) == FLOWLOG_E_IO);

    /* A failed opening leaves the source alone, a successful one takes it. */
    flowlog::reader_options wrong;
    wrong.fields = "no-such-field-at-all";
    CHECK(flowlog::reader::try_open(std::move(t), wrong).status() == FLOWLOG_E_FIELD && t);
    flowlog::reader r(std::move(t));
    CHECK(!t && r.next().rows() > 0);
    CHECK(flowlog::reader::try_open(std::move(t)).status() == FLOWLOG_E_ARGUMENT);

    /* Literals and strings with a name are read where they are; one that is gone before is not taken. */
    const std::string named(test::small_log);
    CHECK(flowlog::reader(flowlog::source::memory(named)).next().rows() > 0);
    CHECK(flowlog::reader(flowlog::source::memory("srcaddr bytes\n10.0.0.1 7\n")).next()["bytes"].at(0).number() == 7);
    static_assert(takes<std::string &> && takes<const char (&)[4]> && !takes<std::string> && !takes<const std::string>);

    flowlog_source *const raw = flowlog::source::memory(test::small_log).release();
    CHECK(flowlog::source(raw).get() == raw);
}

void callbacks_read()
{
    std::size_t at = 0;
    flowlog::callback feed([&](flowlog::span<char> room) {
        const std::size_t n = test::small_log.copy(room.data(), room.size() < 7 ? room.size() : 7, at);
        at += n;
        return static_cast<std::int64_t>(n);
    });
    flowlog::reader r(flowlog::source::from(feed, "pieces"));
    while (r.next()) {
    }
    CHECK(r.counters().records == 3);

    flowlog::callback bad([](flowlog::span<char>) -> std::int64_t { throw thrown_by_test{7}; });
    flowlog::reader broken(flowlog::source::from(bad));
    try {
        broken.next();
        CHECK(false);
    } catch (const thrown_by_test &e) {
        CHECK(e.code == 7);
    }
    bool first = true;
    flowlog::callback late([&](flowlog::span<char> room) -> std::int64_t {
        if (!std::exchange(first, false)) throw thrown_by_test{8};
        return static_cast<std::int64_t>(test::small_log.copy(room.data(), room.size()));
    });
    flowlog::reader delivers(flowlog::source::from(late));
    std::uint32_t rows = 0;
    bool caught = false;
    try {
        for (const flowlog::batch &b : delivers) rows += b.rows();
    } catch (const thrown_by_test &e) {
        caught = e.code == 8;
    }
    CHECK(caught && rows == 4); /* what came before is given first */

    flowlog::callback failing([](flowlog::span<char>) { return -1; });
    flowlog::reader io(flowlog::source::from(failing));
    CHECK(status_of([&] { io.next(); }) == FLOWLOG_E_IO);
}

void readers_can_be_fed()
{
    flowlog::reader r = flowlog::reader::fed();
    std::uint32_t rows = 0;
    for (std::size_t i = 0; i < test::small_log.size(); i += 100) {
        r.feed(test::small_log.substr(i, 100));
        while (const flowlog::batch b = r.next()) rows += b.rows();
        CHECK(r.try_next().status() == FLOWLOG_MORE && !r.try_next().failed());
    }
    r.finish();
    for (const flowlog::batch &b : r) rows += b.rows();
    CHECK(rows == 4 && r.try_next().status() == FLOWLOG_END);
    CHECK(status_of([&] { r.feed("x"); }) == FLOWLOG_E_STATE && status_of([&] { r.finish(); }) == FLOWLOG_OK);
}

void damage_is_thrown_and_the_next_loop_goes_on()
{
    flowlog::reader r(flowlog::source::file(test::data("damaged")));
    int damages = 0;
    for (bool again = true; again;) {
        try {
            for (const flowlog::batch &b : r) CHECK(b.rows() > 0);
            again = false;
        } catch (const flowlog::error &e) {
            CHECK(e.status() < 0 && r.path(r.file()));
            damages++;
        }
    }
    CHECK(damages > 0 && r.counters().files > 1 && r.counters().records > 0);
}

void filters()
{
    const flowlog::filter reject("reject"), ssh("dst port 22"), both = flowlog::filter::both(reject, ssh);
    CHECK(both.to_string() == "(and (eq action \"REJECT\") (eq dstport 22))" || both.to_string().size() > 20);
    CHECK(std::string_view(both.fields()).find("dstport") != std::string_view::npos);

    flowlog::reader_options records;
    records.flags = FLOWLOG_READ_RECORDS_ONLY;
    flowlog::reader r(flowlog::source::memory(test::small_log), records);
    const flowlog::batch b = r.next();
    std::vector<std::uint64_t> bits((b.rows() + 63) / 64);
    CHECK(both.select(b, bits) == 1 && bits[0] == 2);
    CHECK(both.try_select(b, {}).status() == FLOWLOG_E_ARGUMENT);

    flowlog::reader_options options;
    options.where = &both;
    options.fields = "srcaddr";
    flowlog::reader filtered(flowlog::source::memory(test::small_log), options);
    CHECK(filtered.next()["srcaddr"].address(0).to_string() == "10.0.0.3" && !filtered.next());

    flowlog::filter_options now;
    CHECK(status_of([&] { flowlog::filter("last 2h", now); }) == FLOWLOG_E_SYNTAX);
    now.now = 1772366200;
    CHECK(flowlog::filter("last 2h", now).to_string().find("start") != std::string::npos);
}

void plans_run_in_one_chain()
{
    const flowlog::result top = flowlog::plan()
                                    .where("accept")
                                    .where(flowlog::filter("tcp"))
                                    .key("srcaddr")
                                    .select("sum(bytes) as bytes")
                                    .aggregate(FLOWLOG_AGG_COUNT, nullptr, "flows")
                                    .having("bytes > 10")
                                    .sort("bytes", flowlog::order::descending)
                                    .limit(5)
                                    .max_groups(1000)
                                    .run(flowlog::source::memory(test::small_log));
    CHECK(top.rows() == 2 && top.columns() == 3 && top.keys() == 1 && !std::strcmp(top.name(1), "bytes"));
    CHECK(top.find("flows") == 2 && top.find("nothing") == -1 && top.type(0) == FLOWLOG_TYPE_ADDR);
    CHECK(top.at(0, 0).address().to_string() == "2001:db8::1" && top.at(0, 1).number() == 2000);
    CHECK(top.total(1) == 3000 && top.groups() == 2 && top.counted() == 2 && top.null_keys() == 0);
    CHECK(!top.approximate(1) && top.error_of(0) == 0);
    CHECK(status_of([&] { top.at(2, 0); }) == FLOWLOG_E_ARGUMENT && status_of([&] { top.total(0); }) < 0);

    std::string text;
    top.write(FLOWLOG_FORM_CSV, [&](std::string_view piece) { text += piece; });
    CHECK(text == "srcaddr,bytes,flows\n2001:db8::1,2000,1\n10.0.0.1,1000,1\n");
    CHECK(status_of([&] { top.write(FLOWLOG_FORM_CSV, [](std::string_view) { return false; }); }) == FLOWLOG_E_IO);
    bool caught = false;
    try {
        top.write(FLOWLOG_FORM_JSON, [](std::string_view) { throw thrown_by_test{3}; });
    } catch (const thrown_by_test &e) {
        caught = e.code == 3;
    }
    CHECK(caught);

    flowlog::plan p;
    p.key("pair(srcaddr,dstaddr)").select("count").sort("count").limit_per("least(srcaddr,dstaddr)", 1);
    p.keep_null_keys().approximate(false).where_options({});
    CHECK(p.explain().substr(0, 5) == "(plan" && std::string_view(p.fields()) == "srcaddr,dstaddr" && !p.filter());
    CHECK(p.remarks().size() == flowlog_plan_remarks(p.get(), nullptr, 0));
    try {
        p.select("sum(byts)");
        CHECK(false);
    } catch (const flowlog::error &e) {
        CHECK(e.status() == FLOWLOG_E_FIELD && e.offset() == 4 && e.column() == 5);
    }
    CHECK(status_of([&] { p.sort("nothing"); }) == FLOWLOG_E_FIELD);
    CHECK(status_of([&] { p.key("srcaddr"); }) == FLOWLOG_OK); /* an error leaves the plan as it was */
}

void runs_tell_their_damage_and_progress()
{
    flowlog::plan p;
    p.key("action").select("count");
    const std::string damaged = test::data("damaged");
    CHECK(status_of([&] { p.run(flowlog::source::file(damaged)); }) < 0); /* the first damage ends it */

    int damages = 0;
    std::uint64_t most = 0;
    flowlog_counters counters = {};
    flowlog::run_options options;
    options.threads = 2;
    options.counters = &counters;
    flowlog::source s = flowlog::source::file(damaged);
    const flowlog::result all = p.run(
        s, options,
        [&](flowlog::cstring name, const flowlog_error &e) {
            damages += name.c_str() && e.status < 0;
            return true;
        },
        [&](std::uint64_t bytes, std::uint64_t) { most = bytes; });
    CHECK(damages > 0 && all.rows() > 0 && counters.files == s.count() && counters.records > 0);
    bool caught = false;
    try {
        p.run(flowlog::source::file(damaged), {},
              [](flowlog::cstring, const flowlog_error &) { throw thrown_by_test{1}; });
    } catch (const thrown_by_test &) {
        caught = true;
    }
    CHECK(caught);
    const auto cancelled = p.try_run(flowlog::source::file(test::data("vpc")), {},
                                     [](flowlog::cstring, const flowlog_error &) { return false; },
                                     [](std::uint64_t, std::uint64_t) { return false; });
    CHECK(cancelled.status() == FLOWLOG_E_CANCELLED || cancelled); /* too fast to be asked */
}

void partials_are_saved_loaded_and_merged()
{
    flowlog::plan p;
    p.key("srcaddr").select("sum(bytes) as bytes").sort("bytes", flowlog::order::descending);
    flowlog::run by_hand(p);
    flowlog::reader_options options;
    options.fields = p.fields();
    flowlog::reader r(flowlog::source::memory(test::small_log), options);
    for (const flowlog::batch &b : r) by_hand.add(b);
    flowlog::reader all_fields(flowlog::source::memory(test::small_log));
    CHECK(status_of([&] { by_hand.add(all_fields.next()); }) == FLOWLOG_E_ARGUMENT);

    std::string bytes;
    by_hand.save([&](std::string_view piece) { bytes += piece; });
    CHECK(status_of([&] { by_hand.save([](std::string_view) { return false; }); }) == FLOWLOG_E_IO);

    flowlog::partial loaded(bytes);
    CHECK(loaded.plan().explain() == p.explain());
    flowlog::run collected = p.collect(flowlog::source::memory(test::small_log));
    loaded.run().merge(collected);
    CHECK(loaded.run().finish().at(0, 1).number() == 4000);
    flowlog::partial other(bytes);
    loaded = std::move(other); /* the old run goes before its plan */
    CHECK(loaded.run().finish().at(0, 1).number() == 2000);
    collected = std::move(by_hand);
    CHECK(!by_hand && collected.finish().rows() == 3);

    CHECK(status_of([&] { flowlog::partial(std::string_view(bytes).substr(1)); }) == FLOWLOG_E_CORRUPT);
    const flowlog::plan another;
    flowlog::run of_another(another);
    CHECK(status_of([&] { of_another.merge(collected); }) == FLOWLOG_E_ARGUMENT);
}

void writers()
{
    std::string out;
    flowlog::callback sink([&](std::string_view piece) { out += piece; });
    const char *const names[] = {"srcaddr", "bytes"};
    flowlog::reader_options options;
    options.fields = "srcaddr,bytes";
    options.flags = FLOWLOG_READ_RECORDS_ONLY;
    flowlog::reader r(flowlog::source::memory(test::small_log), options);
    const flowlog::batch b = r.next();
    flowlog::writer w(FLOWLOG_FORM_CSV, names, sink);
    w.batch(b);
    w.batch(b, 1, 1);
    const flowlog_value row[] = {b["srcaddr"].at(0).c(), b["bytes"].at(0).c()};
    w.row(row);
    CHECK(status_of([&] { w.row(flowlog::span<const flowlog_value>(row, 1)); }) == FLOWLOG_E_ARGUMENT);
    flowlog::writer moved = std::move(w);
    moved.finish();
    CHECK(out == "srcaddr,bytes\n10.0.0.1,1000\n10.0.0.3,60\n2001:db8::1,2000\n10.0.0.3,60\n10.0.0.1,1000\n");
    CHECK(status_of([&] { moved.row(row); }) == FLOWLOG_E_STATE);

    flowlog::callback thrower([](std::string_view) { throw thrown_by_test{9}; });
    flowlog::writer bad(FLOWLOG_FORM_CSV, names, thrower);
    bool caught = false;
    try {
        bad.batch(b);
        bad.finish();
    } catch (const thrown_by_test &e) {
        caught = e.code == 9;
    }
    CHECK(caught);
    CHECK(status_of([&] { flowlog::writer(FLOWLOG_FORM_CSV, {}, sink); }) == FLOWLOG_E_ARGUMENT);

    std::FILE *const null = std::fopen("/dev/null", "w");
    CHECK(null && flowlog::to_file{null}("text"));
    if (null) std::fclose(null);
}

std::string file_text(const std::string &path)
{
    std::string text;
    if (std::FILE *const f = std::fopen(path.c_str(), "rb")) {
        char piece[4096];
        while (const std::size_t n = std::fread(piece, 1, sizeof piece, f)) text.append(piece, n);
        std::fclose(f);
    }
    return text;
}

flowlog::reader why_reader(const flowlog::diagnosis &d, std::uint32_t flags = 0)
{
    flowlog::reader_options options;
    options.fields = d.fields();
    options.flags = flags;
    return flowlog::reader(flowlog::source::file(test::data("why/flows.log")), options);
}

void diagnoses()
{
    const std::string rules = file_text(test::data("why/rules.json"));
    flowlog::diagnosis_options options;
    options.evidence = 2;
    flowlog::diagnosis d(options);
    d.rules(rules).query(flowlog::address("10.0.1.5"), flowlog::address("10.0.2.6"), 5432);
    flowlog::reader r = why_reader(d, FLOWLOG_READ_LINES);
    for (const flowlog::batch &b : r) CHECK(d.add(b));
    std::size_t warnings = 0;
    d.warnings([&](std::string_view sentence) { warnings += !sentence.empty(); });
    int queries = 0;
    CHECK(d.finish([&](const flowlog::finding &f) {
        CHECK(f.json(&r).front() == '{' && f.json().back() == '}' && *f.kind() && *f.layer() && *f.confidence());
        if (f->kind != FLOWLOG_FINDING_QUERY) return;
        queries++;
        CHECK(std::string_view(f.verdict()) == "BLOCKED_REPLY_OUTBOUND" && !f.advice().empty());
        CHECK(flowlog::view(f->change_command).size() > 0 && f.c().verdict == f->verdict);
    }));
    CHECK(queries == 1 && d.records() > 0 && d.truncated() == 0 && d.left_out() <= d.records());
    CHECK(status_of([&] { d.finish([](const flowlog::finding &) {}); }) == FLOWLOG_E_STATE);

    flowlog::diagnosis other;
    CHECK(status_of([&] { other.rules("{"); }) == FLOWLOG_E_SYNTAX && status_of([&] { other.context("[]"); }) < 0);
    other.context("{\"traffic_type\": \"ALL\"}");
    flowlog::diagnosis half;
    flowlog::reader again = why_reader(half);
    half.add(again.next());
    other.merge(half);
    int stopped = 0;
    CHECK(!other.finish([&](const flowlog::finding &) { return ++stopped < 1; }) && stopped == 1);
    bool caught = false;
    try {
        half.finish([](const flowlog::finding &) { throw thrown_by_test{4}; });
    } catch (const thrown_by_test &e) {
        caught = e.code == 4;
    }
    CHECK(caught);
}

void diagnoses_read_a_source_in_one_call()
{
    flowlog::diagnosis d, by_hand;
    flowlog::source s = flowlog::source::file(test::data("why/flows.log"));
    flowlog::run_options options;
    options.threads = 2;
    CHECK(d.collect(s, options));
    flowlog::reader r = why_reader(by_hand);
    for (const flowlog::batch &b : r) by_hand.add(b);
    std::string one_call, steps;
    d.finish([&](const flowlog::finding &f) { one_call += f.json(s); });
    by_hand.finish([&](const flowlog::finding &f) { steps += f.json(&r); });
    CHECK(!steps.empty() && one_call == steps);

    const std::string damaged = test::data("damaged");
    flowlog::diagnosis ends, goes_on;
    CHECK(status_of([&] { ends.collect(flowlog::source::file(damaged)); }) < 0);
    int damages = 0;
    goes_on.collect(flowlog::source::file(damaged), {}, [&](flowlog::cstring, const flowlog_error &) { damages++; });
    CHECK(damages > 0 && goes_on.records() > 0);
}

void diagnoses_report_while_they_are_fed()
{
    int findings = 0;
    flowlog::callback report([&](const flowlog::finding &) { findings++; });
    flowlog::diagnosis_options options;
    options.flags = FLOWLOG_DIAGNOSE_STREAM | FLOWLOG_DIAGNOSE_ALL;
    options.late = 1;
    options.max_conversations = 1;
    flowlog::diagnosis d(options, report);
    flowlog::diagnosis moved = std::move(d);
    flowlog::reader r = why_reader(moved);
    for (const flowlog::batch &b : r) moved.add(b);
    CHECK(findings > 0);

    flowlog::callback thrower([](const flowlog::finding &) { throw thrown_by_test{5}; });
    flowlog::diagnosis bad(options, thrower);
    flowlog::reader again = why_reader(bad);
    bool caught = false;
    try {
        for (const flowlog::batch &b : again) bad.add(b);
    } catch (const thrown_by_test &e) {
        caught = e.code == 5;
    }
    CHECK(caught);
}

std::int64_t rows_of(flowlog::arrow_stream &stream)
{
    std::int64_t rows = 0;
    while (const flowlog::arrow_array array = stream.next()) rows += array->length;
    return rows;
}

void arrow_streams_and_arrays()
{
    flowlog::reader_options options;
    options.fields = "srcaddr,bytes";
    flowlog::reader one(flowlog::source::memory(test::small_log), options);
    flowlog::arrow_batch both = flowlog::to_arrow(one.next());
    one = flowlog::reader(flowlog::source::memory(test::small_log), options); /* the array outlives its reader */
    CHECK(both.schema && both.schema->n_children == 2 && std::string_view(both.schema->children[1]->name) == "bytes");
    CHECK(both.array->length >= 1);
    CHECK(static_cast<const std::uint64_t *>(both.array->children[1]->buffers[1])[0] == 1000);
    ArrowArray taken = {};
    both.array.move_to(&taken);
    CHECK(!both.array && taken.release);
    flowlog::arrow_array back(taken);
    CHECK(back && !taken.release && back->length >= 1);
    CHECK(status_of([] { flowlog::to_arrow(flowlog::batch()); }) == FLOWLOG_E_ARGUMENT);

    flowlog::arrow_stream stream = flowlog::to_arrow(std::move(one));
    CHECK(!one && stream.schema()->n_children == 2);
    flowlog::arrow_stream moved = std::move(stream);
    CHECK(!stream && stream.try_next().status() == FLOWLOG_E_ARGUMENT && rows_of(moved) == 4);
    CHECK(moved.try_next().status() == FLOWLOG_END);
    moved = flowlog::to_arrow(
        flowlog::plan().key("srcaddr").select("count").run(flowlog::source::memory(test::small_log)));
    CHECK(rows_of(moved) == 3);
    moved.get()->release(moved.get()); /* by a consumer: then it is not released again */
    CHECK(!moved);

    options.fields = "bytes";
    const std::string damaged = test::data("damaged");
    flowlog::arrow_stream ends = flowlog::to_arrow(flowlog::reader(flowlog::source::file(damaged), options));
    const flowlog_status status = status_of([&] { rows_of(ends); });
    CHECK(status < 0 && status_of([&] { ends.next(); }) == status);
    int damages = 0;
    flowlog::callback damage([&](flowlog::cstring, const flowlog_error &) { damages++; });
    flowlog_counters counters = {};
    flowlog::arrow_options told;
    told.counters = &counters;
    flowlog::reader with_damage(flowlog::source::file(damaged), options);
    flowlog::arrow_stream all = flowlog::to_arrow(std::move(with_damage), told, damage);
    CHECK(rows_of(all) > 0 && damages > 0 && counters.records > 0);
    flowlog::callback thrower([](flowlog::cstring, const flowlog_error &) { throw thrown_by_test{6}; });
    flowlog::reader again(flowlog::source::file(damaged), options);
    flowlog::arrow_stream bad = flowlog::to_arrow(std::move(again), {}, thrower);
    bool caught = false;
    try {
        rows_of(bad);
    } catch (const thrown_by_test &e) {
        caught = e.code == 6;
    }
    CHECK(caught);
}

void what_moved_is_empty_and_assignment_frees()
{
    test::counter memory;
    const flowlog_alloc alloc = memory.c();
    {
        flowlog::plan a(alloc), b(alloc);
        a.key("srcaddr");
        b.key("dstaddr");
        b = std::move(a);
        CHECK(!a && std::string_view(b.fields()) == "srcaddr");
        flowlog::plan &same = b;
        b = std::move(same); /* onto itself: still there */
        CHECK(b && std::string_view(b.fields()) == "srcaddr");
        a = flowlog::plan(alloc);
        CHECK(a);
        static_assert(!std::is_copy_constructible_v<flowlog::plan> && !std::is_copy_assignable_v<flowlog::reader>);
        static_assert(std::is_nothrow_move_constructible_v<flowlog::reader> &&
                      std::is_nothrow_move_assignable_v<flowlog::partial> &&
                      std::is_nothrow_move_constructible_v<flowlog::expected<flowlog::writer>>);
    }
    CHECK(memory.clean());
}

/* Everything there is, once, on one allocator; what fails in the middle is abandoned. */
void use_everything(const flowlog_alloc &alloc)
{
    flowlog::source s = flowlog::source::memory(test::small_log, "small", &alloc);
    const flowlog::format f("default", &alloc);
    flowlog::filter_options words;
    words.alloc = &alloc;
    words.format = f.get();
    const flowlog::filter accept("accept", words);
    flowlog::reader_options options;
    options.alloc = &alloc;
    options.where = &accept;
    flowlog::plan p(alloc);
    p.where_options(words).where("tcp").key("srcaddr").select("sum(bytes) as bytes, p50(bytes)").sort("bytes");
    options.fields = p.fields();
    flowlog::reader r(std::move(s), options);
    flowlog::run a(p, &alloc);
    for (const flowlog::batch &b : r) a.add(b);
    std::string bytes;
    a.save([&](std::string_view piece) { bytes += piece; });
    flowlog::partial loaded(bytes, &alloc);
    loaded.run().merge(a);
    flowlog::run_options run_options;
    run_options.alloc = &alloc;
    const flowlog::result all = p.run(flowlog::source::memory(test::small_log, "small", &alloc), run_options);
    std::string text;
    loaded.run().finish().write(FLOWLOG_FORM_TABLE, [&](std::string_view piece) { text += piece; }, &alloc);
    flowlog::callback sink([&](std::string_view piece) { text += piece; });
    const char *const names[] = {"srcaddr"};
    flowlog::writer w(FLOWLOG_FORM_TABLE, names, sink, &alloc);
    w.row({&all.at(0, 0).c(), 1});
    flowlog::diagnosis_options about;
    about.alloc = &alloc;
    flowlog::diagnosis d(about);
    flowlog::reader_options of_d;
    of_d.alloc = &alloc;
    of_d.fields = d.fields();
    flowlog::reader again(flowlog::source::memory(test::small_log, "small", &alloc), of_d);
    for (const flowlog::batch &b : again) d.add(b);
    d.finish([](const flowlog::finding &) {});
    w.finish();
    flowlog::arrow_options arrow;
    arrow.alloc = &alloc;
    of_d.fields = "srcaddr,interface-id";
    flowlog::arrow_stream stream =
        flowlog::to_arrow(flowlog::reader(flowlog::source::memory(test::small_log, "small", &alloc), of_d), arrow);
    CHECK(stream.schema() && rows_of(stream) == 4);
}

void every_allocation_may_fail_and_nothing_leaks()
{
    std::size_t n = 0;
    for (bool failed = true; failed; n++) {
        test::counter memory(n + 1);
        const flowlog_alloc alloc = memory.c();
        const flowlog_status status = status_of([&] { use_everything(alloc); });
        failed = memory.failed();
        CHECK(status == (failed ? FLOWLOG_E_MEMORY : FLOWLOG_OK));
        CHECK(memory.clean());
        if (test::failures()) break;
    }
    CHECK(n > 20);
}

void readers_abandoned_half_way_leave_nothing()
{
    test::counter memory;
    const flowlog_alloc alloc = memory.c();
    const std::string vpc = test::data("vpc");
    const char *const paths[] = {vpc.c_str()};
    flowlog::reader_options options;
    options.alloc = &alloc;
    options.batch_rows = 16;
    for (int i = 0; i < 100; i++) {
        flowlog::reader r(flowlog::source::paths(paths, 0, &alloc), options);
        for (const flowlog::batch &b : r)
            if (b.rows()) break;
    }
    CHECK(memory.clean());
}

} // namespace

int main()
{
    try {
        addresses_and_values();
        errors_say_where();
        formats();
        batches_are_ranges_and_columns_spans();
        sources();
        callbacks_read();
        readers_can_be_fed();
        damage_is_thrown_and_the_next_loop_goes_on();
        filters();
        plans_run_in_one_chain();
        runs_tell_their_damage_and_progress();
        partials_are_saved_loaded_and_merged();
        writers();
        diagnoses();
        diagnoses_read_a_source_in_one_call();
        diagnoses_report_while_they_are_fed();
        arrow_streams_and_arrays();
        what_moved_is_empty_and_assignment_frees();
        every_allocation_may_fail_and_nothing_leaks();
        readers_abandoned_half_way_leave_nothing();
    } catch (const std::exception &e) {
        std::fprintf(stderr, "an exception that nobody expected: %s\n", e.what());
        return 1;
    }
    return test::report("wrappers");
}
