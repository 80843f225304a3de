/* SPDX-License-Identifier: MIT */
/*
 * standalone.c - a main for the fuzz entries where there is no libFuzzer.
 *
 * Feeds LLVMFuzzerTestOneInput the empty input, then every file named on the command line and every file
 * below the directories named there, in sorted order.  A crash names its input, because the name is printed
 * before the run.  Exit 0 when all was read, 2 when something could not be.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#define _FILE_OFFSET_BITS 64 /* a 32-bit readdir cannot tell places in large directories */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t inputs;

static int replay_file(const char *path, size_t len)
{
    FILE *file = fopen(path, "rb");
    /* Exactly len bytes, so that a sanitizer sees a read of one more. */
    uint8_t *data = malloc(len ? len : 1);
    int bad = !file || !data || fread(data, 1, len, file) != len;
    if (bad) {
        fprintf(stderr, "cannot read %s\n", path);
    } else {
        fprintf(stderr, "%s: %zu bytes\n", path, len);
        LLVMFuzzerTestOneInput(data, len);
        inputs++;
    }
    free(data);
    if (file) fclose(file);
    return bad;
}

static int replay(const char *path);

static int replay_directory(const char *path)
{
    struct dirent **names = NULL;
    const int count = scandir(path, &names, NULL, alphasort);
    int bad = count < 0;
    if (bad) fprintf(stderr, "cannot list %s\n", path);
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        if (name[0] != '.') {
            const size_t room = strlen(path) + strlen(name) + 2;
            char *child = malloc(room);
            if (child) {
                snprintf(child, room, "%s/%s", path, name);
                bad |= replay(child);
                free(child);
            } else {
                bad = 1;
            }
        }
        free(names[i]);
    }
    free(names);
    return bad;
}

static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st)) {
        fprintf(stderr, "no such input: %s\n", path);
        return 1;
    }
    return S_ISDIR(st.st_mode) ? replay_directory(path) : replay_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
    static const uint8_t nothing[1];
    LLVMFuzzerTestOneInput(nothing, 0);
    int bad = 0;
    for (int i = 1; i < argc; i++) bad |= replay(argv[i]);
    printf("%zu inputs replayed\n", inputs);
    return bad ? 2 : 0;
}
