/* SPDX-License-Identifier: MIT */
/* use.cpp - a C++ program that uses the installed library. */
#include <flowlog.h>

#include <iostream>
#include <string>

int main()
{
    std::cout << "C++ " << flowlog_version_text() << '\n';
    return std::string(flowlog_status_name(FLOWLOG_OK)) != "FLOWLOG_OK";
}
