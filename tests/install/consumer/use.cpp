/* SPDX-License-Identifier: MIT */
/* use.cpp - a C++ program that uses the installed library. */
#include <flowlog/flowlog.hpp>
#include <iostream>
#include <string>

int main()
{
    std::cout << "C++ " << flowlog_version_text() << '\n';
    return flowlog::filter("dst port 22").to_string().empty();
}
