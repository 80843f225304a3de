/* SPDX-License-Identifier: MIT */
/*
 * criterion_guard.c - linked into every Criterion binary, so that a hanging test cannot outlive its run.
 *
 * Criterion's --timeout does not stop a test that never returns, and its worker keeps a processor busy
 * when the runner is killed.  Each process of a test binary, runner and workers, therefore dies with its
 * parent and has a limit on processor time.
 */
#if defined(__linux__)
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { SECONDS = 250 }; /* of processor time; below the TIMEOUT that tests/CMakeLists.txt gives ctest */

__attribute__((constructor)) static void guard(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const struct rlimit limit = {SECONDS, SECONDS + 5};
    setrlimit(RLIMIT_CPU, &limit);
}
#endif

typedef int a_translation_unit_is_never_empty;
