/* SPDX-License-Identifier: MIT */
/*
 * 10_cpp_top.cpp - 02_top.c in C++: a plan in one chain, and then the rows of the answer one by one.
 *
 *     10_cpp_top examples/data/vpc
 */
#include <flowlog/flowlog.hpp>

#include <cinttypes>
#include <cstdio>

int main(int argc, char **argv)
try {
    const flowlog::result top = flowlog::plan()
                                    .key("srcaddr, dstaddr")
                                    .select("sum(bytes) as bytes")
                                    .sort("bytes", flowlog::order::descending)
                                    .limit(10)
                                    .run(flowlog::source::file(argc > 1 ? argv[1] : "-"));
    top.write(FLOWLOG_FORM_TABLE, flowlog::to_file{stdout});

    std::uint64_t sum = 0;
    for (std::uint64_t row = 0; row < top.rows(); row++) sum += top.at(row, 2).number();
    std::printf("%" PRIu64 " of %" PRIu64 " bytes\n", sum, top.total(2));
    return 0;
} catch (const flowlog::error &e) {
    std::fprintf(stderr, "%s: %s\n", flowlog_status_message(e.status()), e.what());
    return 1;
}
