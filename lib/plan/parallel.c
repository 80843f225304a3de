/* SPDX-License-Identifier: MIT */
/*
 * parallel.c - see parallel.h.
 *
 * Each worker has a source, a reader and a state.  The caller's thread is the first worker; then it waits for the
 * others.  Anything but the end of its work makes a worker stop all of them.  Errors are not compared: the caller
 * of this reads once more, with one thread, which meets the first of them where it stands.
 */
#define _POSIX_C_SOURCE 200809L
#include "plan/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "input/source.h"
#include "plan/pipe.h"
#include "read/reader.h"
#include "schema/format.h"

#define THREADS_MAX 256
#define RANGE_MIN (UINT64_C(4) << 20) /* starting a thread and a reader costs what reading some 100 KiB does */
#define WAIT_NS 100000000                  /* and so often while waiting for other threads */
#define APART 256                          /* bytes between what two threads write */

struct damage {
    uint32_t input;
    flowlog_error error;
};

struct team {
    const struct fl_parallel *p;
    flowlog_alloc alloc;
    struct worker *worker;
    uint32_t workers;
    uint64_t told;             /* progress */

    atomic_int stop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t running;
    uint32_t next_input;
    struct damage *damage;
    size_t damages, damage_cap;
};

struct worker {
    struct team *team;
    pthread_t thread;
    int started;
    flowlog_reader *reader;
    void *state;
    const flowlog_format *format; /* range: of its first line; NULL: as the options say */
    uint64_t from, to;
    flowlog_status status; /* END: its work is done */
    flowlog_error error;
    uint8_t apart[APART];
    _Atomic uint64_t consumed;
};

static flowlog_status note_damage(struct team *t, uint32_t input, const flowlog_error *error)
{
    flowlog_status status = FLOWLOG_OK;
    pthread_mutex_lock(&t->lock);
    if (t->damages == t->damage_cap) {
        const size_t cap = t->damage_cap ? t->damage_cap * 2 : 4;
        void *grown = flowlog__resize(&t->alloc, t->damage, t->damage_cap * sizeof *t->damage,
                                      cap * sizeof *t->damage);
        if (grown) {
            t->damage = grown;
            t->damage_cap = cap;
        } else {
            status = FLOWLOG_E_MEMORY;
        }
    }
    if (status == FLOWLOG_OK) t->damage[t->damages++] = (struct damage){input, *error};
    pthread_mutex_unlock(&t->lock);
    return status;
}

static uint64_t consumed_by_all(const struct team *t)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < t->workers; i++)
        bytes += atomic_load_explicit(&t->worker[i].consumed, memory_order_relaxed);
    return bytes;
}

/* One batch, or one error of an input.  OK: go on; END; a status. */
static flowlog_status work_once(struct worker *w)
{
    struct team *t = w->team;
    const struct fl_parallel *p = t->p;
    const flowlog_batch *batch = NULL;
    memset(&w->error, 0, sizeof w->error);
    flowlog_status status = flowlog_reader_next(w->reader, &batch, &w->error);
    if (status == FLOWLOG_OK) status = p->work->add(p->ctx, w->state, batch, &w->error);
    else if (flowlog__is_damage(status) && p->damage)
        status = note_damage(t, flowlog_reader_file(w->reader), &w->error);
    atomic_store_explicit(&w->consumed, flowlog_reader_progress(w->reader), memory_order_relaxed);
    return status;
}

/* `here`: in the caller's thread, which alone tells the progress. */
static void run_worker(struct worker *w, int here)
{
    struct team *t = w->team;
    flowlog_status status = FLOWLOG_OK;
    while (status == FLOWLOG_OK && !atomic_load_explicit(&t->stop, memory_order_relaxed)) {
        status = work_once(w);
        if (status == FLOWLOG_OK && here)
            status = flowlog__tell_progress(t->p, &t->told, consumed_by_all(t), 0, &w->error);
    }
    w->status = status;
    if (status != FLOWLOG_END) atomic_store(&t->stop, 1);
}

static void *thread_main(void *arg)
{
    struct worker *w = arg;
    struct team *t = w->team;
    run_worker(w, 0);
    pthread_mutex_lock(&t->lock);
    t->running--;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* --- all of them -------------------------------------------------------------------------------------------- */

/* Until the other threads are done. */
static flowlog_status wait_for_others(struct team *t, flowlog_error *err)
{
    flowlog_status status = FLOWLOG_OK;
    pthread_mutex_lock(&t->lock);
    while (t->running) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WAIT_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        if (!pthread_cond_timedwait(&t->changed, &t->lock, &until) || status < 0) continue;
        pthread_mutex_unlock(&t->lock);
        status = flowlog__tell_progress(t->p, &t->told, consumed_by_all(t), 1, err);
        if (status < 0) atomic_store(&t->stop, 1);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return status;
}

/* What the workers from `first` on gave: OK, or of several what matters most. */
static flowlog_status verdict(const struct team *t, uint32_t first, flowlog_error *err)
{
    flowlog_status status = FLOWLOG_OK;
    for (uint32_t i = first; i < t->workers; i++) {
        const struct worker *w = &t->worker[i];
        if (w->status == FLOWLOG_END || status == FLOWLOG_E_CANCELLED) continue;
        if (w->status == FLOWLOG_E_CANCELLED || w->status == FLOWLOG_E_MEMORY) {
            if (err) *err = w->error;
            status = w->status;
        } else if (status == FLOWLOG_OK) {
            status = FLOWLOG_END;
        }
    }
    return status;
}

/*
 * Run the workers from `first` on, the first of them in this thread.  OK: all did their work; END: one thread has to;
 * E_CANCELLED; E_MEMORY.  Where a thread cannot be had its worker runs in this one.
 */
static flowlog_status run_all(struct team *t, uint32_t first, flowlog_error *err)
{
    atomic_store(&t->stop, 0);
    for (uint32_t i = first + 1; i < t->workers; i++) {
        struct worker *w = &t->worker[i];
        pthread_mutex_lock(&t->lock);
        t->running++;
        pthread_mutex_unlock(&t->lock);
        w->started = !pthread_create(&w->thread, NULL, thread_main, w);
        if (w->started) continue;
        pthread_mutex_lock(&t->lock);
        t->running--;
        pthread_mutex_unlock(&t->lock);
    }
    for (uint32_t i = first; i < t->workers; i++) {
        if (t->worker[i].started) continue;
        run_worker(&t->worker[i], 1);
    }
    const flowlog_status waited = wait_for_others(t, err);
    for (uint32_t i = first + 1; i < t->workers; i++) {
        if (t->worker[i].started) pthread_join(t->worker[i].thread, NULL);
        t->worker[i].started = 0;
    }
    return waited < 0 ? waited : verdict(t, first, err);
}

static flowlog_status open_worker(struct worker *w, flowlog_source *source, const flowlog_reader_options *options,
                                  flowlog_error *err)
{
    const struct fl_parallel *p = w->team->p;
    const flowlog_status status = flowlog_reader_open(source, options, &w->reader, err);
    if (status < 0) {
        flowlog_source_close(source);
        return status;
    }
    flowlog__reader_begin_at(w->reader, w->from);
    w->status = FLOWLOG_OK;
    atomic_store(&w->consumed, 0);
    return p->work->begin(p->ctx, &w->state, err);
}

static void close_worker(struct worker *w)
{
    const struct fl_parallel *p = w->team->p;
    flowlog_reader_close(w->reader);
    if (w->state) p->work->free(p->ctx, w->state);
    w->reader = NULL;
    w->state = NULL;
}

static flowlog_status start_team(struct team *t, const struct fl_parallel *p, uint32_t workers, flowlog_error *err)
{
    memset(t, 0, sizeof *t);
    t->p = p;
    t->alloc = flowlog__alloc_or_default(p->options->alloc);
    if (pthread_mutex_init(&t->lock, NULL)) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a lock");
    if (pthread_cond_init(&t->changed, NULL)) {
        pthread_mutex_destroy(&t->lock);
        return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a lock");
    }
    atomic_init(&t->stop, 0);
    t->worker = flowlog__alloc_zero(&t->alloc, workers * sizeof *t->worker);
    t->workers = t->worker ? workers : 0;
    for (uint32_t i = 0; i < t->workers; i++) {
        t->worker[i].team = t;
        atomic_init(&t->worker[i].consumed, 0);
    }
    return t->worker ? FLOWLOG_OK : FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for threads");
}

static void end_team(struct team *t)
{
    for (uint32_t i = 0; i < t->workers; i++) close_worker(&t->worker[i]);
    flowlog__release(&t->alloc, t->worker, t->workers * sizeof *t->worker);
    flowlog__release(&t->alloc, t->damage, t->damage_cap * sizeof *t->damage);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
}

/* --- what all of them gave ------------------------------------------------------------------------------------ */

static void add_bad_line(flowlog_counters *c, const flowlog_bad_line *line)
{
    uint32_t at = c->bad_lines;
    while (at && (c->bad_line[at - 1].file > line->file ||
                  (c->bad_line[at - 1].file == line->file && c->bad_line[at - 1].line > line->line)))
        at--;
    if (at == FLOWLOG_BAD_LINES) return;
    const uint32_t kept = c->bad_lines < FLOWLOG_BAD_LINES ? c->bad_lines : FLOWLOG_BAD_LINES - 1;
    memmove(&c->bad_line[at + 1], &c->bad_line[at], (kept - at) * sizeof *c->bad_line);
    c->bad_line[at] = *line;
    c->bad_lines = kept + 1;
}

/* Add what one reader counted, whose lines begin behind `lines` others of their file. */
static void add_counters(flowlog_counters *c, const flowlog_counters *more, uint64_t lines)
{
    c->files += more->files;
    c->bytes += more->bytes;
    c->lines += more->lines;
    c->records += more->records;
    c->nodata += more->nodata;
    c->skipdata += more->skipdata;
    c->headers += more->headers;
    c->malformed += more->malformed;
    c->skipped += more->skipped;
    c->irregular += more->irregular;
    c->ms_times += more->ms_times;
    c->odd_times += more->odd_times;
    for (uint32_t i = 0; i < FLOWLOG_REASONS; i++) c->reasons[i] += more->reasons[i];
    for (uint32_t i = 0; i < more->bad_lines; i++) {
        flowlog_bad_line line = more->bad_line[i];
        line.line += lines;
        add_bad_line(c, &line);
    }
}

/* Merge all states into the first, which is handed out.  OK, END or E_MEMORY. */
static flowlog_status merge_all(struct team *t, void **state, flowlog_error *err)
{
    const struct fl_parallel *p = t->p;
    for (uint32_t i = 1; i < t->workers; i++) {
        struct worker *w = &t->worker[i];
        const flowlog_status status = p->work->merge(p->ctx, t->worker[0].state, w->state, err);
        if (status < 0) return status == FLOWLOG_E_MEMORY ? status : FLOWLOG_END;
        p->work->free(p->ctx, w->state);
        w->state = NULL;
    }
    *state = t->worker[0].state;
    t->worker[0].state = NULL;
    return FLOWLOG_OK;
}

/* --- many files ------------------------------------------------------------------------------------------------- */

static flowlog_status take_input(void *ctx, uint32_t *index)
{
    struct team *t = ctx;
    pthread_mutex_lock(&t->lock);
    const flowlog_status status = t->next_input < flowlog_source_count(t->p->source) ? FLOWLOG_OK : FLOWLOG_END;
    if (status == FLOWLOG_OK) *index = t->next_input++;
    pthread_mutex_unlock(&t->lock);
    return status;
}

/* Tell of damaged inputs in their order; each worker took them in rising order, so a merge of few lists would do. */
static flowlog_status tell_damages(struct team *t, flowlog_error *err)
{
    const struct fl_parallel *p = t->p;
    for (size_t i = 1; i < t->damages; i++) { /* nearly sorted: by insertion */
        const struct damage one = t->damage[i];
        size_t at = i;
        for (; at && t->damage[at - 1].input > one.input; at--) t->damage[at] = t->damage[at - 1];
        t->damage[at] = one;
    }
    for (size_t i = 0; i < t->damages; i++) {
        const struct damage *d = &t->damage[i];
        FL_TRY(flowlog__tell_damage(p, flowlog_source_name(p->source, d->input), &d->error, err));
    }
    return FLOWLOG_OK;
}

static flowlog_status read_files(struct team *t, void **state, flowlog_counters *counters, flowlog_error *err)
{
    const struct fl_parallel *p = t->p;
    for (uint32_t i = 0; i < t->workers; i++) {
        flowlog_source *source;
        FL_TRY(flowlog__source_queue(p->source, take_input, t, &t->alloc, &source, err));
        FL_TRY(open_worker(&t->worker[i], source, p->options, err));
    }
    flowlog_status status = run_all(t, 0, err);
    if (status == FLOWLOG_END) return status;
    memset(counters, 0, sizeof *counters);
    for (uint32_t i = 0; i < t->workers; i++)
        add_counters(counters, flowlog_reader_counters(t->worker[i].reader), 0);
    if (status == FLOWLOG_OK) status = tell_damages(t, err);
    return status < 0 ? status : merge_all(t, state, err);
}

/* --- one large plain file ----------------------------------------------------------------------------------------- */

/* What is to be known of a file before it is cut. */
struct look {
    flowlog_format *format; /* of its first line; owned */
    uint64_t looked;        /* so far was looked for it */
    int gzip;
};

/* OK, or END: one thread will say what is wrong with it. */
static flowlog_status look_at(const struct fl_parallel *p, const flowlog_alloc *alloc, struct look *look)
{
    flowlog_source *source;
    flowlog_reader *reader;
    memset(look, 0, sizeof *look);
    if (flowlog__source_range(p->source, 0, UINT64_MAX, alloc, &source, NULL) < 0) return FLOWLOG_END;
    if (flowlog_reader_open(source, p->options, &reader, NULL) < 0) {
        flowlog_source_close(source);
        return FLOWLOG_END;
    }
    flowlog_status status = flowlog__reader_find_format(reader, NULL);
    look->gzip = flowlog__reader_inflates(reader);
    look->looked = flowlog__reader_looked(reader);
    if (status == FLOWLOG_OK && !look->gzip)
        status = flowlog__format_copy(flowlog__reader_format(reader), alloc, &look->format, NULL);
    flowlog_reader_close(reader);
    return status < 0 ? FLOWLOG_END : status;
}

/* The first place from `from` on where a line begins; `size` if there is none. */
static flowlog_status find_border(const struct fl_parallel *p, const flowlog_alloc *alloc, uint64_t from,
                                  uint64_t size, uint64_t *border)
{
    flowlog_source *source;
    const uint8_t *data;
    uint32_t index;
    size_t len = 0;
    uint8_t piece[4096];
    const uint8_t *newline = NULL;
    if (flowlog__source_range(p->source, from - 1, size, alloc, &source, NULL) < 0) return FLOWLOG_END;
    flowlog_status status = flowlog__source_next(source, &index, NULL);
    *border = from - 1;
    if (status == FLOWLOG_OK && flowlog__source_mapped(source, &data, &len)) {
        newline = len ? memchr(data, '\n', len) : NULL;
        *border += newline ? (uint64_t)(newline - data) + 1 : len;
    } else {
        while (status == FLOWLOG_OK && !newline) {
            status = flowlog__source_fill(source, piece, sizeof piece, &len, NULL);
            newline = status == FLOWLOG_OK ? memchr(piece, '\n', len) : NULL;
            *border += newline ? (uint64_t)(newline - piece) + 1 : len;
        }
        if (status == FLOWLOG_END) status = FLOWLOG_OK;
    }
    flowlog_source_close(source);
    return status == FLOWLOG_OK ? FLOWLOG_OK : FLOWLOG_END;
}

/* Cut the file in so many ranges as there are workers; or fewer, where lines are long. */
static flowlog_status cut(struct team *t, const struct look *look, uint64_t size)
{
    const uint32_t parts = t->workers;
    uint32_t n = 1;
    for (uint32_t i = 1; i < parts; i++) {
        uint64_t at = size / parts * i, border;
        if (at < look->looked) at = look->looked;
        if (at < 4) at = 4; /* behind a byte order mark */
        if (at >= size) break;
        FL_TRY(find_border(t->p, &t->alloc, at, size, &border));
        if (border <= t->worker[n - 1].from || border >= size) continue;
        t->worker[n - 1].to = border;
        t->worker[n].from = border;
        t->worker[n++].format = look->format;
    }
    t->worker[n - 1].to = UINT64_MAX; /* with what was appended meanwhile */
    for (uint32_t i = n; i < parts; i++) t->worker[i].status = FLOWLOG_END;
    t->workers = n;
    return n > 1 ? FLOWLOG_OK : FLOWLOG_END;
}

static flowlog_status open_range(struct worker *w, flowlog_error *err)
{
    const struct fl_parallel *p = w->team->p;
    flowlog_reader_options o = *p->options;
    flowlog_source *source;
    if (w->format) o.format = w->format;
    FL_TRY(flowlog__source_range(p->source, w->from, w->to, &w->team->alloc, &source, err));
    return open_worker(w, source, &o, err);
}

/* Run the ranges, and again those that began with a format that turns out to be another one. */
static flowlog_status run_ranges(struct team *t, flowlog_error *err)
{
    uint32_t first = 0;
    while (first < t->workers) {
        for (uint32_t i = first; i < t->workers; i++) {
            const flowlog_status status = open_range(&t->worker[i], err);
            if (status < 0) return status == FLOWLOG_E_MEMORY ? status : FLOWLOG_END;
        }
        const flowlog_status status = run_all(t, first, err);
        if (status != FLOWLOG_OK) return status;
        const flowlog_format *format;
        do format = flowlog__reader_format(t->worker[first++].reader);
        while (first < t->workers && flowlog_format_equal(format, t->worker[first].format));
        for (uint32_t i = first; i < t->workers; i++) {
            close_worker(&t->worker[i]);
            t->worker[i].format = format;
        }
    }
    return FLOWLOG_OK;
}

static flowlog_status read_ranges(struct team *t, const struct look *look, void **state, flowlog_counters *counters,
                                  flowlog_error *err)
{
    FL_TRY(cut(t, look, flowlog_source_bytes(t->p->source)));
    if (t->workers < 2) return FLOWLOG_END;
    const flowlog_status status = run_ranges(t, err);
    if (status == FLOWLOG_END) return status;
    memset(counters, 0, sizeof *counters);
    for (uint32_t i = 0; i < t->workers && t->worker[i].reader; i++) {
        struct worker *w = &t->worker[i];
        if (status == FLOWLOG_OK && t->p->work->move_lines)
            t->p->work->move_lines(t->p->ctx, w->state, counters->lines);
        add_counters(counters, flowlog_reader_counters(w->reader), counters->lines);
    }
    counters->files = 1;
    return status < 0 ? status : merge_all(t, state, err);
}

/* --- one gzip file --------------------------------------------------------------------------------------------- */

static flowlog_status read_gzip(const struct fl_parallel *p, const flowlog_alloc *alloc, void **state,
                                flowlog_counters *counters, flowlog_error *err)
{
    flowlog_source *whole, *text;
    struct fl_pipe *pipe;
    flowlog_reader *reader = NULL;
    void *s = NULL;
    if (flowlog__source_range(p->source, 0, UINT64_MAX, alloc, &whole, NULL) < 0) return FLOWLOG_END;
    if (flowlog__pipe_open(whole, alloc, &pipe, &text, NULL) < 0) {
        flowlog_source_close(whole);
        return FLOWLOG_END;
    }
    flowlog_status status = flowlog_reader_open(text, p->options, &reader, err);
    if (status < 0) flowlog_source_close(text);
    if (status >= 0) status = p->work->begin(p->ctx, &s, err);
    if (status >= 0) status = flowlog__read_all(p, pipe, reader, s, err);
    memset(counters, 0, sizeof *counters);
    if (reader) *counters = *flowlog_reader_counters(reader);
    flowlog_reader_close(reader);
    flowlog__pipe_close(pipe);
    flowlog_source_close(whole);
    if (status < 0) p->work->free(p->ctx, s);
    else *state = s;
    return status;
}

/* --- which of them ---------------------------------------------------------------------------------------------- */

static flowlog_status read_by_team(const struct fl_parallel *p, uint32_t workers, const struct look *look, void **state,
                                   flowlog_counters *counters, flowlog_error *err)
{
    struct team t;
    flowlog_status status = start_team(&t, p, workers, err);
    if (status < 0) return status;
    const uint32_t started = t.workers;
    status = look ? read_ranges(&t, look, state, counters, err) : read_files(&t, state, counters, err);
    t.workers = started;
    if (status == FLOWLOG_OK && flowlog__tell_progress(p, &t.told, flowlog_source_bytes(p->source), 1, err) < 0) {
        p->work->free(p->ctx, *state);
        status = FLOWLOG_E_CANCELLED;
    }
    end_team(&t);
    return status;
}

flowlog_status flowlog__parallel_read(const struct fl_parallel *p, void **state, flowlog_counters *counters,
                                      flowlog_error *err)
{
    const flowlog_alloc alloc = flowlog__alloc_or_default(p->options->alloc);
    const uint32_t threads = p->threads < THREADS_MAX ? p->threads : THREADS_MAX;
    const uint32_t inputs = flowlog_source_count(p->source);
    const uint64_t least = p->range_min ? p->range_min : RANGE_MIN, bytes = flowlog_source_bytes(p->source);
    if (threads < 2 || !inputs || !flowlog__source_reopens(p->source)) return FLOWLOG_END;
    if ((p->options->flags & FLOWLOG_READ_LINES) && !p->work->move_lines) return FLOWLOG_END;
    if (inputs > 1) return read_by_team(p, inputs < threads ? inputs : threads, NULL, state, counters, err);
    if (bytes / 2 < least) return FLOWLOG_END;
    struct look look;
    flowlog_status status = look_at(p, &alloc, &look);
    if (status != FLOWLOG_OK) return status;
    if (look.gzip) return read_gzip(p, &alloc, state, counters, err);
    const uint64_t ranges = bytes / least;
    status = read_by_team(p, ranges < threads ? (uint32_t)ranges : threads, &look, state, counters, err);
    flowlog_format_free(look.format);
    return status;
}
