/* SPDX-License-Identifier: MIT */
/* merge.c - all that one engine has seen, added to another: numbers are translated, segments added one by one. */
#include <string.h>

#include "analyze/engine.h"
#include "core/error.h"

struct merge {
    flowlog_diagnosis *to;
    const flowlog_diagnosis *from;
    uint32_t *eni; /* [1 + interfaces of from] their numbers in to */
};

static flowlog_status merge_spans(const struct merge *m, struct fl_spans *to, const struct fl_spans *from, int widen)
{
    for (uint32_t i = 0; i < from->count; i++)
        FL_TRY(flowlog__spans_add(to, &m->to->alloc, from->span[i].first, from->span[i].last, 1, widen));
    return FLOWLOG_OK;
}

static flowlog_status merge_interface(const struct merge *m, uint32_t i)
{
    const struct fl_interface *from = &m->from->iface[i];
    FL_TRY(flowlog__diagnosis_interface(m->to, fl_interface_name(m->from, i), &m->eni[i]));
    if (from->subnet && !from->told_subnet)
        FL_TRY(flowlog__diagnosis_subnet(m->to, m->eni[i], fl_intern_text(&m->from->texts, from->subnet), 0));
    struct fl_interface *to = &m->to->iface[m->eni[i]];
    to->facts |= from->facts;
    if (from->type > to->type) to->type = from->type;
    FL_TRY(flowlog__times_merge(&to->active, &m->to->alloc, &from->active));
    FL_TRY(merge_spans(m, &to->skipped, &from->skipped, 1));
    return merge_spans(m, &to->silent, &from->silent, 0);
}

static flowlog_status translate(const struct merge *m, uint32_t number, uint32_t v6, uint32_t *out)
{
    *out = number;
    if (!v6) return FLOWLOG_OK;
    return flowlog__intern(&m->to->wide, &m->to->alloc, fl_intern_text(&m->from->wide, number).ptr, 16,
                           UINT32_MAX, out);
}

/* The key in the other engine's numbers; *turned when its ends change places. */
static flowlog_status translate_key(const struct merge *m, const struct fl_conversation_key *key,
                                    struct fl_conversation_key *out, int *turned)
{
    const uint32_t a6 = (uint32_t)fl_key_a6(key), b6 = (uint32_t)fl_key_b6(key);
    struct fl_outer o = fl_outer_of(m->from, key);
    uint32_t a, b;
    FL_TRY(translate(m, key->a, a6, &a));
    FL_TRY(translate(m, key->b, b6, &b));
    const uint32_t pa = key->ports >> 16, pb = key->ports & 0xFFFF;
    *turned = fl_end_compare(a, a6, pa, b, b6, pb) > 0;
    out->where = m->eni[fl_key_interface(key)] << 10 | fl_key_proto(key) |
                 (*turned ? a6 << 9 | b6 << 8 : b6 << 9 | a6 << 8);
    out->a = *turned ? b : a;
    out->b = *turned ? a : b;
    out->ports = *turned ? pb << 16 | pa : key->ports;
    out->outer = 0;
    if (!key->outer) return FLOWLOG_OK;
    FL_TRY(translate(m, o.a, o.families & 1, &o.a));
    FL_TRY(translate(m, o.b, o.families >> 1, &o.b));
    if (*turned) o = (struct fl_outer){o.b, o.a, o.families >> 1 | (o.families & 1) << 1};
    return flowlog__diagnosis_outer(m->to, &o, &out->outer);
}

static flowlog_status translate_reason(const struct merge *m, struct fl_segment *s)
{
    const uint32_t reason = FL_SEG_REASON(s->meta);
    if (!reason || reason == FL_REASON_SEVERAL) return FLOWLOG_OK;
    uint32_t number;
    FL_TRY(flowlog__diagnosis_reason(m->to, fl_intern_text(&m->from->reasons, reason), &number));
    s->meta = (s->meta & ~UINT32_C(0xFF0000)) | number << 16;
    return FLOWLOG_OK;
}

static flowlog_status merge_lines(const struct merge *m, uint32_t from, uint32_t to)
{
    const flowlog_diagnosis *f = m->from;
    if (!m->to->evidence || !f->evidence || from >= f->line_cap) return FLOWLOG_OK;
    const struct fl_line *line = f->line + (size_t)from * f->evidence;
    for (uint32_t i = 0; i < f->evidence && line[i].len; i++) {
        const flowlog_str text = {f->line_text + line[i].at, line[i].len};
        FL_TRY(flowlog__diagnosis_keep_line(m->to, to, &line[i], text));
    }
    return FLOWLOG_OK;
}

static flowlog_status merge_conversation(const struct merge *m, uint32_t from)
{
    const struct fl_conversation *c = fl_conversation_at(&m->from->table, from);
    struct fl_conversation_key key;
    struct fl_segment segment[FL_SEGMENTS_MAX];
    int turned;
    if ((c->state & FL_CONVERSATION_GONE) || !c->used) return FLOWLOG_OK;
    FL_TRY(translate_key(m, &c->key, &key, &turned));
    FL_TRY(flowlog__conversations_reserve(&m->to->table, &m->to->alloc, 1));
    const uint32_t to = flowlog__conversation_place(&m->to->table, &key, fl_conversation_hash(&key));
    const uint32_t n = flowlog__conversation_segments(&m->from->table, c, segment);
    flowlog__conversation_raise(&m->to->table, to, c->level);
    for (uint32_t i = 0; i < n; i++) {
        FL_TRY(translate_reason(m, &segment[i]));
        if (turned) segment[i].meta ^= FL_SEG_BACK;
        FL_TRY(flowlog__conversation_add(&m->to->table, &m->to->alloc, to, &segment[i]));
    }
    fl_conversation_at(&m->to->table, to)->state |= c->state & (FL_CONVERSATION_GIVEN_UP | FL_CONVERSATION_COUNTED);
    return merge_lines(m, from, to);
}

/* What was kept of conversations that were forgotten. */
static flowlog_status merge_memory(const struct merge *m)
{
    const flowlog_diagnosis *f = m->from;
    uint32_t key[3], *value;
    for (uint32_t i = 1; i <= f->learned.keys.count; i++) { /* interface, address, family */
        memcpy(key, fl_intern_text(&f->learned.keys, i).ptr, sizeof key);
        key[0] = m->eni[key[0]];
        FL_TRY(translate(m, key[1], key[2], &key[1]));
        FL_TRY(flowlog__map_at(&m->to->learned, &m->to->alloc, key, sizeof key, &value));
        *value |= f->learned.value[i - 1];
    }
    for (uint32_t i = 1; i <= f->peers.keys.count; i++) { /* interface, family and protocol; address; port */
        memcpy(key, fl_intern_text(&f->peers.keys, i).ptr, sizeof key);
        FL_TRY(translate(m, key[1], key[0] >> 8 & 1, &key[1]));
        key[0] = m->eni[key[0] >> 10] << 10 | (key[0] & 0x3FF);
        FL_TRY(flowlog__map_at(&m->to->peers, &m->to->alloc, key, sizeof key, &value));
        *value = *value > UINT32_MAX - f->peers.value[i - 1] ? UINT32_MAX : *value + f->peers.value[i - 1];
    }
    return FLOWLOG_OK;
}

static flowlog_status merge_all(const struct merge *m)
{
    const flowlog_diagnosis *f = m->from;
    for (uint32_t i = 1; i <= f->names.count; i++) FL_TRY(merge_interface(m, i));
    for (uint32_t i = 0; i < f->table.pool.count; i++) FL_TRY(merge_conversation(m, i));
    FL_TRY(merge_memory(m));
    m->to->records += f->records;
    m->to->table.duplicates += f->table.duplicates;
    m->to->left_out += f->left_out;
    m->to->truncated += f->truncated;
    if (f->span_max > m->to->span_max) m->to->span_max = f->span_max;
    if (f->first < m->to->first) m->to->first = f->first;
    if (f->last > m->to->last) m->to->last = f->last;
    if (f->given_up > m->to->given_up) m->to->given_up = f->given_up;
    return FLOWLOG_OK;
}

flowlog_status flowlog__diagnosis_merge(flowlog_diagnosis *to, const flowlog_diagnosis *from)
{
    const size_t n = (size_t)from->names.count + 1;
    struct merge m = {to, from, flowlog__alloc_zero(&to->alloc, n * sizeof *m.eni)};
    if (!m.eni) return FLOWLOG_E_MEMORY;
    const flowlog_status status = merge_all(&m);
    flowlog__release(&to->alloc, m.eni, n * sizeof *m.eni);
    return status;
}
