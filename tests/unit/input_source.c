/* SPDX-License-Identifier: MIT */
/* Sources over real files: trees, links, pipes, permissions, mapping, callbacks, memory. */
#define _DEFAULT_SOURCE
#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "input/source.h"
#include "support/alloc_count.h"

static char root[64];

static void make_root(void)
{
    snprintf(root, sizeof root, "/tmp/flowlog_input_XXXXXX");
    cr_assert(mkdtemp(root) != NULL);
    cr_assert_eq(chdir(root), 0);
}

static void remove_root(void)
{
    cr_assert_eq(chdir("/"), 0);
    char command[256];
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", root, root);
    cr_assert_eq(system(command), 0);
}

TestSuite(source, .init = make_root, .fini = remove_root, .timeout = 20);

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f, "%s", path);
    cr_assert_eq(fwrite(text, 1, strlen(text), f), strlen(text));
    cr_assert_eq(fclose(f), 0);
}

static flowlog_source *open_paths(const char *const *paths, size_t count, uint32_t flags)
{
    flowlog_source *s = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_source_paths(paths, count, flags, NULL, &s, &err), FLOWLOG_OK, "%s", err.message);
    return s;
}

/* The rest of the current input as text, read `step` bytes at a time. */
static const char *drain(flowlog_source *s, size_t step)
{
    static char text[4096];
    size_t len = 0, got;
    flowlog_status st;
    while ((st = flowlog__source_fill(s, (uint8_t *)text + len, step, &got, NULL)) == FLOWLOG_OK) {
        cr_assert(got > 0 && got <= step);
        len += got;
        cr_assert(len + step < sizeof text);
    }
    cr_assert_eq(st, FLOWLOG_END);
    cr_assert_eq(got, 0);
    text[len] = '\0';
    return text;
}

/* All inputs: "name=content;" one after the other, a failing one "name!". */
static const char *read_all(flowlog_source *s)
{
    static char all[8192];
    uint32_t index = UINT32_MAX;
    size_t len = 0;
    flowlog_status st;
    all[0] = '\0';
    for (uint32_t expect = 0; (st = flowlog__source_next(s, &index, NULL)) != FLOWLOG_END; expect++) {
        cr_assert_eq(index, expect);
        const char *name = flowlog_source_name(s, index);
        len += (size_t)(st < 0 ? sprintf(all + len, "%s!", name)
                               : sprintf(all + len, "%s=%s;", name, drain(s, 3)));
    }
    return all;
}

static void expect_tree(const char *const *paths, size_t count, const char *expected)
{
    flowlog_source *s = open_paths(paths, count, 0);
    cr_expect_str_eq(read_all(s), expected);
    flowlog_source_close(s);
}
#define EXPECT(expected, ...)                                                          \
    do {                                                                               \
        const char *const given_[] = {__VA_ARGS__};                                    \
        expect_tree(given_, sizeof given_ / sizeof given_[0], (expected));             \
    } while (0)

static void expect_failure(const char *path, flowlog_status status, const char *part)
{
    flowlog_source *s = (flowlog_source *)(void *)root;
    flowlog_error err = {0};
    cr_expect_eq(flowlog_source_paths(&path, 1, 0, NULL, &s, &err), status, "%s", path);
    cr_expect(strstr(err.message, part), "'%s' has no '%s'", err.message, part);
    cr_expect_eq((void *)s, (void *)root, "written only on success");
}

Test(source, gives_files_in_the_order_they_were_named_in)
{
    put("b", "bb");
    put("a", "aaaaaaa");
    EXPECT("b=bb;a=aaaaaaa;b=bb;", "b", "a", "b");
    const char *const paths[] = {"b", "a"};
    flowlog_source *s = open_paths(paths, 2, 0);
    cr_expect_eq(flowlog_source_count(s), 2);
    cr_expect_eq(flowlog_source_bytes(s), 9);
    cr_expect_str_eq(flowlog_source_name(s, 0), "b");
    cr_expect_null(flowlog_source_name(s, 2));
    flowlog_source_close(s);
}

Test(source, walks_a_tree_in_byte_order_of_whole_paths)
{
    cr_assert_eq(mkdir("t", 0755) | mkdir("t/a", 0755) | mkdir("t/a/x", 0755) | mkdir("t/empty", 0755), 0);
    put("t/a/x/1", "1");
    put("t/a/2", "2");
    put("t/a.log", "3"); /* '.' sorts before '/' */
    put("t/B", "4");
    put("t/\xC3\xA9", "5"); /* bytes above 127 come last, also where char is signed */
    put("t/z", "6");
    EXPECT("t/B=4;t/a.log=3;t/a/2=2;t/a/x/1=1;t/z=6;t/\xC3\xA9=5;", "t");
}

Test(source, names_have_no_double_slash_when_the_path_ends_in_one)
{
    cr_assert_eq(mkdir("t", 0755), 0);
    put("t/f", "1");
    EXPECT("t/f=1;", "t/");
    EXPECT("t/f=1;", "t///");
    EXPECT("./t/f=1;", "./t/");
}

Test(source, leaves_dot_names_out_unless_they_are_given)
{
    cr_assert_eq(mkdir("t", 0755) | mkdir("t/.git", 0755), 0);
    put("t/.hidden", "1");
    put("t/.git/f", "2");
    put("t/f", "3");
    EXPECT("t/f=3;", "t");
    EXPECT("t/.hidden=1;t/.git/f=2;", "t/.hidden", "t/.git");
}

Test(source, follows_links_to_files_and_not_to_directories)
{
    cr_assert_eq(mkdir("t", 0755) | mkdir("other", 0755) | mkdir("t/sub", 0755), 0);
    put("other/f", "1");
    cr_assert_eq(symlink("../other/f", "t/to_file"), 0);
    cr_assert_eq(symlink("../other", "t/to_dir"), 0);
    cr_assert_eq(symlink("..", "t/sub/loop"), 0);
    cr_assert_eq(symlink("self", "t/self"), 0);
    cr_assert_eq(symlink("nowhere", "t/dangling"), 0);
    EXPECT("t/to_file=1;", "t");
    EXPECT("t/to_dir/f=1;", "t/to_dir"); /* named itself, it is what it points to */
}

Test(source, a_directory_without_files_is_no_input_and_no_error)
{
    cr_assert_eq(mkdir("t", 0755), 0);
    const char *path = "t";
    flowlog_source *s = open_paths(&path, 1, 0);
    uint32_t index;
    cr_expect_eq(flowlog_source_count(s), 0);
    cr_expect_null(flowlog_source_name(s, 0));
    cr_expect_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_END);
    flowlog_source_close(s);
    s = open_paths(NULL, 0, 0);
    cr_expect_eq(flowlog_source_count(s), 0);
    flowlog_source_close(s);
}

Test(source, a_very_deep_tree_costs_no_stack)
{
    char path[3600] = "d";
    cr_assert_eq(mkdir(path, 0755), 0);
    for (size_t len = 1; len + 4 < sizeof path - 200; len += 2) {
        memcpy(path + len, "/d", 3);
        cr_assert_eq(mkdir(path, 0755), 0);
    }
    strcat(path, "/f");
    put(path, "deep");
    const char *top = "d";
    flowlog_source *s = open_paths(&top, 1, 0);
    cr_assert_eq(flowlog_source_count(s), 1);
    cr_expect_str_eq(flowlog_source_name(s, 0), path);
    flowlog_source_close(s);
}

Test(source, skips_pipes_and_sockets_below_a_directory)
{
    cr_assert_eq(mkdir("t", 0755) | mkfifo("t/pipe", 0644), 0);
    put("t/f", "1");
    EXPECT("t/f=1;", "t");
}

Test(source, a_path_that_does_not_exist_is_an_error_that_names_it)
{
    expect_failure("missing.log", FLOWLOG_E_IO, "missing.log: no such file or directory");
    put("plain", "1");
    expect_failure("plain/x", FLOWLOG_E_IO, "plain/x: a part of the path is not a directory");
}

Test(source, a_long_path_is_cut_at_its_beginning_so_that_the_reason_stays)
{
    char path[400];
    memset(path, 'p', sizeof path);
    for (int i = 100; i < 400; i += 100) path[i] = '/';
    memcpy(path + 390, "/last.log", 10);
    expect_failure(path, FLOWLOG_E_IO, "/last.log: no such file");
}

Test(source, a_directory_that_cannot_be_read_is_an_error_that_names_it)
{
    if (geteuid() == 0) { /* root reads everything: become somebody else for this test */
        if (chmod(root, 0777) || setegid(65534) || seteuid(65534)) cr_skip("root, and cannot drop it");
    }
    cr_assert_eq(mkdir("t", 0755) | mkdir("t/locked", 0755), 0);
    put("t/f", "1");
    put("t/secret", "2");
    cr_assert_eq(chmod("t/locked", 0), 0);
    expect_failure("t", FLOWLOG_E_IO, "t/locked: permission denied");
    cr_assert_eq(chmod("t/locked", 0755) | chmod("t/secret", 0), 0);
    EXPECT("t/f=1;t/secret!", "t");
    if (getuid() == 0) cr_assert_eq(seteuid(0) | setegid(0), 0);
}

Test(source, a_file_that_vanished_fails_alone)
{
    put("a", "1");
    put("b", "2");
    put("c", "3");
    const char *const paths[] = {"a", "b", "c"};
    flowlog_source *s = open_paths(paths, 3, 0);
    cr_assert_eq(unlink("b"), 0);
    uint32_t index;
    flowlog_error err = {0};
    cr_assert_eq(flowlog__source_next(s, &index, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog__source_next(s, &index, &err), FLOWLOG_E_IO);
    cr_expect_eq(index, 1);
    cr_expect_str_eq(err.message, "cannot open b: no such file or directory");
    size_t got = 99;
    uint8_t buf[4];
    cr_expect_eq(flowlog__source_fill(s, buf, 4, &got, NULL), FLOWLOG_END, "nothing to read from it");
    cr_expect_eq(got, 0);
    cr_assert_eq(flowlog__source_next(s, &index, &err), FLOWLOG_OK);
    cr_expect_eq(index, 2);
    cr_expect_str_eq(drain(s, 10), "3");
    cr_assert_eq(flowlog__source_next(s, &index, &err), FLOWLOG_END);
    cr_assert_eq(flowlog__source_next(s, &index, &err), FLOWLOG_END);
    flowlog_source_close(s);
}

Test(source, a_file_that_became_a_directory_fails_alone)
{
    put("a", "1");
    const char *path = "a";
    flowlog_source *s = open_paths(&path, 1, 0);
    cr_assert_eq(unlink("a") | mkdir("a", 0755), 0);
    uint32_t index;
    flowlog_error err = {0};
    cr_assert_eq(flowlog__source_next(s, &index, &err), FLOWLOG_E_IO);
    cr_expect_str_eq(err.message, "cannot open a: is a directory");
    flowlog_source_close(s);
}

static void *write_slowly(void *fd_of_path)
{
    FILE *f = fopen(fd_of_path, "wb");
    for (int i = 0; i < 20; i++) {
        fputs("ab", f);
        fflush(f);
        usleep(1000);
    }
    fclose(f);
    return NULL;
}

Test(source, reads_a_pipe_by_its_path_in_short_pieces)
{
    cr_assert_eq(mkfifo("pipe", 0644), 0);
    const char *path = "pipe";
    flowlog_source *s = open_paths(&path, 1, FLOWLOG_SOURCE_MAP);
    cr_expect_eq(flowlog_source_bytes(s), 0);
    pthread_t writer;
    cr_assert_eq(pthread_create(&writer, NULL, write_slowly, (void *)(uintptr_t)path), 0);
    uint32_t index;
    const uint8_t *data;
    size_t len;
    cr_assert_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog__source_mapped(s, &data, &len), 0);
    cr_expect_str_eq(drain(s, 100), "abababababababababababababababababababab");
    pthread_join(writer, NULL);
    flowlog_source_close(s);
}

Test(source, standard_input_is_read_under_both_its_names_and_stays_open)
{
    put("in", "0123456789");
    const char *names[] = {"-", "/dev/stdin"};
    for (int i = 0; i < 2; i++) {
        const int fd = open("in", O_RDONLY);
        cr_assert_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
        close(fd);
        flowlog_source *s = open_paths(&names[i], 1, 0);
        uint32_t index;
        cr_expect_eq(flowlog_source_bytes(s), 10);
        cr_expect_str_eq(flowlog_source_name(s, 0), names[i]);
        cr_assert_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_OK);
        cr_expect_str_eq(drain(s, 4), "0123456789");
        flowlog_source_close(s);
        cr_expect_neq(fcntl(STDIN_FILENO, F_GETFD), -1);
    }
}

Test(source, standard_input_is_never_mapped_because_it_may_be_half_read)
{
    FILE *f = fopen("in", "wb");
    for (int i = 0; i < 1 << 18; i++) fputs("abcdefgh", f);
    fclose(f);
    const int fd = open("in", O_RDONLY);
    cr_assert_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    cr_assert_eq(lseek(STDIN_FILENO, (1 << 21) - 5, SEEK_SET), (1 << 21) - 5);
    const char *path = "-";
    flowlog_source *s = open_paths(&path, 1, FLOWLOG_SOURCE_MAP);
    uint32_t index;
    cr_assert_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_OK);
    cr_expect_str_eq(drain(s, 100), "defgh");
    flowlog_source_close(s);
}

static void check_mapping(size_t len, uint32_t flags, int expected)
{
    FILE *f = fopen("big", "wb");
    for (size_t i = 0; i < len; i++) fputc((int)('a' + i % 23), f);
    fclose(f);
    const char *path = "big";
    flowlog_source *s = open_paths(&path, 1, flags);
    uint32_t index;
    const uint8_t *data = NULL;
    size_t mapped_len = 0, got, total = 0;
    cr_assert_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog__source_mapped(s, &data, &mapped_len), expected, "len %zu", len);
    if (expected) {
        cr_expect_eq(mapped_len, len);
        for (size_t i = 0; i < len; i++) cr_assert_eq(data[i], 'a' + i % 23);
    }
    uint8_t buf[7777];
    while (flowlog__source_fill(s, buf, sizeof buf, &got, NULL) == FLOWLOG_OK)
        for (size_t i = 0; i < got; i++, total++) cr_assert_eq(buf[i], 'a' + total % 23);
    cr_expect_eq(total, len);
    cr_expect_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_END);
    if (expected) cr_expect_eq(msync((void *)(uintptr_t)data, 1, MS_ASYNC), -1, "nothing is mapped any more");
    cr_expect_eq(flowlog__source_mapped(s, &data, &mapped_len), 0);
    flowlog_source_close(s);
}

Test(source, maps_regular_files_of_a_mebibyte_and_only_when_asked_to)
{
    check_mapping((1 << 20), FLOWLOG_SOURCE_MAP, 1);
    check_mapping((1 << 20) + 1, FLOWLOG_SOURCE_MAP, 1);
    check_mapping((1 << 20) - 1, FLOWLOG_SOURCE_MAP, 0);
    check_mapping((1 << 20), 0, 0);
    check_mapping(0, FLOWLOG_SOURCE_MAP, 0);
}

struct script {
    const char *text;
    size_t pos, step;
    int64_t last; /* what it gives at the end */
    int calls;
};

static int64_t play(void *ctx, void *buf, size_t cap)
{
    struct script *p = ctx;
    p->calls++;
    size_t n = strlen(p->text) - p->pos;
    if (!n) return p->last;
    if (n > p->step) n = p->step;
    if (n > cap) n = cap;
    memcpy(buf, p->text + p->pos, n);
    p->pos += n;
    return (int64_t)n;
}

Test(source, a_callback_is_drained_and_not_called_again_after_its_end)
{
    struct script p = {"hello world", 0, 4, 0, 0};
    flowlog_source *s;
    cr_assert_eq(flowlog_source_callback(play, &p, "script", NULL, &s, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_source_count(s), 1);
    cr_expect_eq(flowlog_source_bytes(s), 0);
    cr_expect_str_eq(flowlog_source_name(s, 0), "script");
    cr_expect_null(flowlog_source_name(s, 1));
    uint32_t index = 7;
    cr_assert_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_OK);
    cr_expect_eq(index, 0);
    cr_expect_str_eq(drain(s, 100), "hello world");
    const int calls = p.calls;
    cr_expect_str_eq(drain(s, 100), "");
    cr_expect_eq(p.calls, calls);
    cr_expect_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_END);
    flowlog_source_close(s);
}

Test(source, a_callback_that_fails_or_lies_is_an_io_error_that_stays)
{
    const int64_t bad[] = {-1, INT64_MIN, 17, INT64_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct script p = {"hello", 0, 9, bad[i], 0};
        flowlog_source *s;
        flowlog_error err = {0};
        uint8_t buf[16];
        size_t got;
        uint32_t index;
        cr_assert_eq(flowlog_source_callback(play, &p, NULL, NULL, &s, NULL), FLOWLOG_OK);
        cr_expect_null(flowlog_source_name(s, 0));
        cr_assert_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_OK);
        cr_assert_eq(flowlog__source_fill(s, buf, 16, &got, &err), FLOWLOG_OK);
        cr_expect_eq(got, 5);
        for (int again = 0; again < 2; again++) {
            cr_expect_eq(flowlog__source_fill(s, buf, 16, &got, &err), FLOWLOG_E_IO, "row %zu", i);
            cr_expect_eq(got, 0);
            cr_expect_eq(err.status, FLOWLOG_E_IO);
        }
        cr_expect_eq(p.calls, 2);
        flowlog_source_close(s);
    }
}

Test(source, memory_is_given_as_it_lies_and_can_be_copied_out)
{
    const char text[] = "some bytes";
    flowlog_source *s;
    cr_assert_eq(flowlog_source_memory(text, 10, "m", NULL, &s, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_source_bytes(s), 10);
    const uint8_t *data = NULL;
    size_t len = 0;
    uint32_t index;
    cr_expect_eq(flowlog__source_mapped(s, &data, &len), 0, "not opened yet");
    cr_assert_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog__source_mapped(s, &data, &len), 1);
    cr_expect_eq((const void *)data, (const void *)text);
    cr_expect_eq(len, 10);
    cr_expect_str_eq(drain(s, 3), "some bytes");
    flowlog_source_close(s);
}

Test(source, no_memory_at_all_is_one_empty_input)
{
    flowlog_source *s;
    const uint8_t *data = NULL;
    size_t len = 1;
    uint32_t index;
    cr_assert_eq(flowlog_source_memory(NULL, 0, NULL, NULL, &s, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_source_count(s), 1);
    cr_expect_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog__source_mapped(s, &data, &len), 1);
    cr_expect_eq(len, 0);
    cr_expect_str_eq(drain(s, 3), "");
    flowlog_source_close(s);
}

Test(source, refuses_what_makes_no_sense)
{
    flowlog_source *s = NULL;
    const char *empty = "", *none = NULL, *file = "f";
    flowlog_error err = {0};
    put("f", "1");
    cr_expect_eq(flowlog_source_paths(&empty, 1, 0, NULL, &s, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_source_paths(&none, 1, 0, NULL, &s, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_source_paths(NULL, 1, 0, NULL, &s, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_source_paths(&file, 1, 2, NULL, &s, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_source_paths(&file, 1, 0, NULL, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_source_file(NULL, &s, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_source_memory(NULL, 1, NULL, NULL, &s, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_source_callback(NULL, NULL, NULL, NULL, &s, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_null(s);
    cr_expect_eq(flowlog_source_count(NULL), 0);
    cr_expect_eq(flowlog_source_bytes(NULL), 0);
    cr_expect_null(flowlog_source_name(NULL, 0));
    flowlog_source_close(NULL);
}

Test(source, every_allocation_that_fails_leaves_a_status_and_no_memory)
{
    cr_assert_eq(mkdir("t", 0755) | mkdir("t/a", 0755) | mkdir("t/b", 0755), 0);
    char name[32];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "t/%c/file%d", i & 1 ? 'a' : 'b', i);
        put(name, "x");
    }
    const char *const paths[] = {"t", "t/a/file1"};
    size_t failures = 0;
    for (size_t fail_at = 1;; fail_at++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail_at);
        flowlog_source *s = NULL;
        flowlog_error err = {0};
        const flowlog_status st = flowlog_source_paths(paths, 2, 0, &a, &s, &err);
        if (st == FLOWLOG_OK) {
            cr_expect_eq(flowlog_source_count(s), 41);
            flowlog_source_close(s);
        } else {
            cr_expect_eq(st, FLOWLOG_E_MEMORY);
            cr_expect_eq(err.status, FLOWLOG_E_MEMORY);
            failures++;
        }
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail_at);
        if (st == FLOWLOG_OK) break;
    }
    cr_expect_gt(failures, 40);
    for (size_t fail_at = 1; fail_at <= 2; fail_at++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail_at);
        flowlog_source *s = NULL;
        cr_expect_eq(flowlog_source_memory("x", 1, "name", &a, &s, NULL), FLOWLOG_E_MEMORY);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0);
    }
}

Test(source, leaves_no_descriptor_open)
{
    put("a", "1");
    put("b", "2");
    const char *const paths[] = {"a", "b", "-"};
    const int before = dup(STDERR_FILENO);
    close(before);
    for (int stop = 0; stop < 4; stop++) {
        flowlog_source *s = open_paths(paths, 3, FLOWLOG_SOURCE_MAP);
        uint32_t index;
        for (int i = 0; i < stop; i++) cr_assert_eq(flowlog__source_next(s, &index, NULL), FLOWLOG_OK);
        flowlog_source_close(s);
    }
    const int after = dup(STDERR_FILENO);
    cr_expect_eq(before, after);
    close(after);
}
