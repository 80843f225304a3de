/* SPDX-License-Identifier: MIT */
/*
 * pipe.c - see pipe.h.
 *
 * The reading thread owns an fl_stream.  Each time its window has text it trades the buffer for an empty one of the
 * ring; the parsing thread copies out of the full ones.  What both write is under one lock, taken twice for a buffer
 * of a few hundred KiB, and lies apart from what one of them writes all the time.
 */
#define _POSIX_C_SOURCE 200809L
#include "plan/pipe.h"

#include <pthread.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "input/source.h"
#include "read/stream.h"

enum { SLOTS = 4 };
#define TEXT_BYTES ((size_t)256 << 10) /* of a buffer; two of them and the tables of inflating fit L2 */
#define APART 256                      /* bytes; processors fetch cache lines in pairs and beyond */

struct slot {
    uint8_t *buffer;
    const uint8_t *p; /* the text in it that is left */
    size_t n;
    uint64_t progress; /* of the source, once this text is used up */
};

struct fl_pipe {
    flowlog_alloc alloc;
    pthread_t thread;
    fl_stream stream; /* of the reading thread */
    uint8_t apart[APART];

    /* Of both, under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t filled, freed;
    struct slot slot[SLOTS];
    uint64_t head, tail; /* slots filled and used up so far */
    int stop;
    struct told {
        int known;
        flowlog_status status;
        flowlog_error error;
    } opened, ended;
    uint64_t progress;
};

static void tell(struct fl_pipe *p, struct told *told, flowlog_status status, const flowlog_error *error)
{
    pthread_mutex_lock(&p->lock);
    *told = (struct told){1, status, *error};
    pthread_cond_signal(&p->filled);
    pthread_mutex_unlock(&p->lock);
}

/* An empty slot; NULL: the pipe is being closed. */
static struct slot *wait_for_slot(struct fl_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    while (p->head - p->tail == SLOTS && !p->stop) pthread_cond_wait(&p->freed, &p->lock);
    struct slot *slot = p->stop ? NULL : &p->slot[p->head % SLOTS];
    pthread_mutex_unlock(&p->lock);
    return slot;
}

/* Move the window, or as much as a buffer holds of one that is not ours, into a slot. */
static void fill_slot(fl_stream *s, struct slot *slot)
{
    slot->n = s->n;
    slot->p = s->p;
    if (s->owned) {
        slot->buffer = flowlog__stream_trade(s, slot->buffer);
    } else {
        if (slot->n > s->capacity) slot->n = s->capacity;
        memcpy(slot->buffer, s->p, slot->n);
        slot->p = slot->buffer;
        fl_stream_consume(s, slot->n);
    }
    slot->progress = s->compressed - s->raw_n - (s->owned ? 0 : s->n);
}

static void *produce(void *arg)
{
    struct fl_pipe *p = arg;
    fl_stream *s = &p->stream;
    uint32_t index;
    flowlog_error error;
    memset(&error, 0, sizeof error);
    const flowlog_status status = flowlog__stream_next(s, &index, &error);
    tell(p, &p->opened, status, &error);
    if (status != FLOWLOG_OK) return NULL;
    for (;;) {
        while (!s->n && !s->ended) (void)flowlog__stream_fill(s);
        if (!s->n) break;
        struct slot *slot = wait_for_slot(p);
        if (!slot) return NULL;
        fill_slot(s, slot);
        pthread_mutex_lock(&p->lock);
        p->head++;
        pthread_cond_signal(&p->filled);
        pthread_mutex_unlock(&p->lock);
    }
    const flowlog_status end = (flowlog_status)s->damage.status;
    tell(p, &p->ended, end < 0 ? end : FLOWLOG_END, &s->damage);
    return NULL;
}

/* --- the parsing thread ------------------------------------------------------------------------------------ */

static flowlog_status open_text(void *ctx, flowlog_error *err)
{
    struct fl_pipe *p = ctx;
    pthread_mutex_lock(&p->lock);
    while (!p->opened.known) pthread_cond_wait(&p->filled, &p->lock);
    pthread_mutex_unlock(&p->lock);
    if (p->opened.status < 0 && err) *err = p->opened.error;
    return p->opened.status;
}

static flowlog_status fill_text(void *ctx, uint8_t *buf, size_t cap, size_t *got, flowlog_error *err)
{
    struct fl_pipe *p = ctx;
    flowlog_status status = FLOWLOG_OK;
    pthread_mutex_lock(&p->lock);
    while (p->head == p->tail && !p->ended.known) pthread_cond_wait(&p->filled, &p->lock);
    if (p->head == p->tail) {
        status = p->ended.status;
        if (status < 0 && err) *err = p->ended.error;
    }
    pthread_mutex_unlock(&p->lock);
    if (status != FLOWLOG_OK) return status;

    struct slot *slot = &p->slot[p->tail % SLOTS]; /* ours until `tail` goes on */
    const size_t n = slot->n < cap ? slot->n : cap;
    memcpy(buf, slot->p, n);
    slot->p += n;
    slot->n -= n;
    *got = n;
    if (slot->n) return FLOWLOG_OK;
    pthread_mutex_lock(&p->lock);
    p->progress = slot->progress;
    p->tail++;
    pthread_cond_signal(&p->freed);
    pthread_mutex_unlock(&p->lock);
    return FLOWLOG_OK;
}

uint64_t flowlog__pipe_progress(struct fl_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    const uint64_t progress = p->progress;
    pthread_mutex_unlock(&p->lock);
    return progress;
}

/* --- opening and closing ------------------------------------------------------------------------------------- */

static void destroy(struct fl_pipe *p)
{
    const flowlog_alloc a = p->alloc;
    /* Buffers were traded, but all are of one length. */
    for (int i = 0; i < SLOTS; i++) flowlog__release(&a, p->slot[i].buffer, flowlog__stream_buffer(&p->stream));
    flowlog__stream_clear(&p->stream);
    flowlog__release(&a, p, sizeof *p);
}

static flowlog_status set_up(struct fl_pipe *p, flowlog_source *source, flowlog_error *err)
{
    FL_TRY(flowlog__stream_init(&p->stream, &p->alloc, source, TEXT_BYTES, err));
    for (int i = 0; i < SLOTS; i++) {
        p->slot[i].buffer = flowlog__alloc(&p->alloc, flowlog__stream_buffer(&p->stream));
        if (!p->slot[i].buffer) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a pipe");
    }
    return FLOWLOG_OK;
}

static flowlog_status start(struct fl_pipe *p)
{
    if (pthread_mutex_init(&p->lock, NULL)) return FLOWLOG_E_MEMORY;
    if (!pthread_cond_init(&p->filled, NULL)) {
        if (!pthread_cond_init(&p->freed, NULL)) {
            if (!pthread_create(&p->thread, NULL, produce, p)) return FLOWLOG_OK;
            pthread_cond_destroy(&p->freed);
        }
        pthread_cond_destroy(&p->filled);
    }
    pthread_mutex_destroy(&p->lock);
    return FLOWLOG_E_MEMORY;
}

flowlog_status flowlog__pipe_open(flowlog_source *source, const flowlog_alloc *alloc, struct fl_pipe **pipe,
                                  flowlog_source **text, flowlog_error *err)
{
    static const struct fl_pipe_ops ops = {open_text, fill_text};
    flowlog_source *s = NULL;
    struct fl_pipe *p = flowlog__alloc_zero(alloc, sizeof *p);
    if (!p) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for a pipe");
    p->alloc = *alloc;
    flowlog_status status = set_up(p, source, err);
    if (status >= 0) status = flowlog__source_pipe(source, &ops, p, alloc, &s, err);
    if (status >= 0 && start(p) < 0) status = FL_FAIL(err, FLOWLOG_E_MEMORY, "no thread for a pipe");
    if (status < 0) {
        flowlog_source_close(s);
        destroy(p);
        return status;
    }
    *pipe = p;
    *text = s;
    return FLOWLOG_OK;
}

void flowlog__pipe_close(struct fl_pipe *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stop = 1;
    pthread_cond_signal(&p->freed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->freed);
    pthread_cond_destroy(&p->filled);
    pthread_mutex_destroy(&p->lock);
    destroy(p);
}
