/* SPDX-License-Identifier: MIT */
/* path.c - see path.h. */
#include "analyze/path.h"

#include <string.h>

enum { SKEW = 60 /* seconds that start and end may be off, by AWS's word */ };
enum { LOW = FLOWLOG_CONFIDENCE_LOW, MEDIUM = FLOWLOG_CONFIDENCE_MEDIUM, HIGH = FLOWLOG_CONFIDENCE_HIGH };

static void set(struct fl_path *p, uint32_t at, uint32_t other, unsigned verdict, unsigned layer, unsigned way,
                unsigned phase, unsigned confidence)
{
    memset(&p->v, 0, sizeof p->v);
    p->at = at;
    p->other = other;
    p->v.verdict = (uint8_t)verdict;
    p->v.layer = (uint8_t)layer;
    p->v.way = (uint8_t)way;
    p->v.phase = (uint8_t)phase;
    p->v.confidence = (uint8_t)confidence;
}

/* An end's own verdict stands for the whole way. */
static int take(struct fl_path *p, uint32_t at, uint32_t other, const struct fl_verdict *v, unsigned confidence)
{
    p->at = at;
    p->other = other;
    p->v = *v;
    p->v.confidence = (uint8_t)confidence;
    return 1;
}

static int is_end(const struct fl_view *view, uint32_t eni)
{
    const struct fl_interface *i = &view->d->iface[eni];
    const unsigned type = fl_interface_type(i);
    return (i->facts & FL_IFACE_SEEN) && !(i->facts & FL_IFACE_REGIONAL) &&
           type != FLOWLOG_INTERFACE_TYPE_NAT_GATEWAY && type != FLOWLOG_INTERFACE_TYPE_REGIONAL_NAT_GATEWAY &&
           type != FLOWLOG_INTERFACE_TYPE_TRANSIT_GATEWAY;
}

/* Nothing of it at the server's interface. */
static int never_seen(const struct fl_view *view, const struct fl_case *c, uint32_t from, uint32_t at,
                      struct fl_path *p)
{
    const struct fl_interface *s = &view->d->iface[at];
    const uint32_t first = c->ra.first > view->window ? c->ra.first - view->window : 0;
    const uint32_t last = c->ra.last > UINT32_MAX - view->window ? UINT32_MAX : c->ra.last + view->window;
    const int skipped = flowlog__spans_overlap(&s->skipped, first, last);
    const int silent = flowlog__spans_cover(&s->silent, c->ra.first, c->ra.last);
    /* Both interfaces' times may be off: the packet may have met S in an interval before or after. */
    const int around = flowlog__spans_cover(&s->silent, c->ra.first > 2 * SKEW ? c->ra.first - 2 * SKEW : 0,
                                            c->ra.last > UINT32_MAX - 2 * SKEW ? UINT32_MAX : c->ra.last + 2 * SKEW);
    const int active = flowlog__times_overlap(&s->active, first, last);
    if (c->rr.records || c->pa.records || c->pr.records) return 0; /* something came back: records are missing */
    if (c->traffic != FL_TRAFFIC_ALL || skipped || c->truncated || (!silent && !active)) {
        set(p, at, from, FLOWLOG_VERDICT_INSUFFICIENT_DATA, FLOWLOG_LAYER_UNKNOWN, FLOWLOG_WAY_NONE,
            FLOWLOG_PHASE_NONE, LOW);
        p->v.missing = c->traffic == FL_TRAFFIC_ACCEPT   ? FLOWLOG_MISSING_ACCEPT_ONLY
                       : c->traffic == FL_TRAFFIC_REJECT ? FLOWLOG_MISSING_REJECT_ONLY
                       : skipped                         ? FLOWLOG_MISSING_SKIPDATA
                       : c->truncated                    ? FLOWLOG_MISSING_TRUNCATED
                                                         : FLOWLOG_MISSING_SILENT;
        return 1;
    }
    /* NODATA proves it; but where records are near, a time that is off may have put them into the wrong interval. */
    set(p, at, from, FLOWLOG_VERDICT_NOT_DELIVERED, FLOWLOG_LAYER_PATH, FLOWLOG_WAY_IN, FLOWLOG_PHASE_REQUEST,
        around && !active ? HIGH : c->near_end && !silent ? LOW : MEDIUM);
    return 1;
}

/* The request left the client's interface and was seen at the server's. */
static int both_seen(const struct fl_case *c, const struct fl_verdict *cv, uint32_t from, const struct fl_case *s,
                     const struct fl_verdict *sv, uint32_t at, struct fl_path *p)
{
    if (s->rr.records && !s->ra.records && !s->pa.records)
        return sv->verdict == FLOWLOG_VERDICT_BLOCKED_INBOUND && !c->pa.records &&
               take(p, at, from, sv, c->roles <= FL_ROLE_LOW ? LOW : sv->confidence);
    if (!s->ra.records || s->rr.records || (s->pa.records && s->pr.records)) return 0;
    if (s->pr.records)
        return sv->verdict == FLOWLOG_VERDICT_BLOCKED_REPLY_OUTBOUND && take(p, at, from, sv, sv->confidence);
    if (!s->pa.records) {
        if (c->pa.records || c->pr.records) return 0;
        return (sv->verdict == FLOWLOG_VERDICT_NO_REPLY || sv->verdict == FLOWLOG_VERDICT_INSUFFICIENT_DATA) &&
               take(p, at, from, sv, sv->confidence);
    }
    if (c->pr.records && c->pa.records) return 0;
    if (c->pr.records)
        return cv->verdict == FLOWLOG_VERDICT_BLOCKED_REPLY_INBOUND && take(p, from, at, cv, cv->confidence);
    if (!c->pa.records) {
        if (c->traffic != FL_TRAFFIC_ALL) return 0;
        set(p, from, at, FLOWLOG_VERDICT_NOT_DELIVERED, FLOWLOG_LAYER_PATH, FLOWLOG_WAY_IN, FLOWLOG_PHASE_REPLY,
            c->near_end || c->skipped || c->truncated ? LOW : MEDIUM);
        return 1;
    }
    if (sv->verdict == FLOWLOG_VERDICT_REFUSED) return take(p, at, from, sv, sv->confidence);
    set(p, at, from, FLOWLOG_VERDICT_OK, FLOWLOG_LAYER_NONE, FLOWLOG_WAY_NONE, FLOWLOG_PHASE_NONE,
        cv->confidence < sv->confidence ? cv->confidence : sv->confidence); /* never surer than its ends */
    return 1;
}

/* Seconds between two episodes; 0: they overlap. */
static uint32_t apart(const struct fl_episode *a, const struct fl_episode *b)
{
    return a->first > b->last ? a->first - b->last : b->first > a->last ? b->first - a->last : 0;
}

/* The episode at the server's interface that overlaps the client's, or is nearest within a window; 0: none. */
static int find_server(const struct fl_view *view, const struct fl_look *client, uint32_t at,
                       struct fl_episode *episodes, struct fl_look *server)
{
    struct fl_conversation_key key = client->c->key;
    key.where = at << 10 | (key.where & 0x3FF);
    key.outer = 0;
    const uint32_t place = flowlog__conversation_find(&view->d->table, &key);
    if (place == UINT32_MAX) return 0;
    const struct fl_conversation *c = fl_conversation_at(&view->d->table, place);
    const uint32_t n = flowlog__episodes(&view->d->table, c, view->window, episodes);
    const struct fl_episode *best = &episodes[0];
    for (uint32_t i = 1; i < n; i++)
        if (apart(&episodes[i], client->e) < apart(best, client->e)) best = &episodes[i];
    if (!n || apart(best, client->e) > view->window) return 0;
    flowlog__view_look(view, c, best, server);
    return 1;
}

/* The interface of the server, if the client's is one end and the server's another; else 0. */
static uint32_t server_of(const struct fl_view *view, const struct fl_look *client)
{
    const uint32_t from = fl_key_interface(&client->c->key);
    if (client->way != FLOWLOG_WAY_OUT || !client->roles.strength || !is_end(view, from)) return 0;
    const uint32_t at = flowlog__local_owner(&view->locals, fl_look_addr(client, 1), fl_look_v6(client, 1));
    if (!at || at == FL_OWNER_MANY || at == from || !is_end(view, at)) return 0;
    return flowlog__view_is_transit(view, client->c) ? 0 : at;
}

/* The other end's episode with the client's roles, unless its own are surer: then 0. */
static int agree(const struct fl_look *client, struct fl_look *server)
{
    if (server->roles.client_is_b == client->roles.client_is_b) return 1;
    if (server->roles.strength > client->roles.strength) return 0;
    server->roles = client->roles;
    if (server->way != FLOWLOG_WAY_UNKNOWN)
        server->way = server->way == FLOWLOG_WAY_IN ? FLOWLOG_WAY_OUT : FLOWLOG_WAY_IN;
    return 1;
}

flowlog_status flowlog__path(struct fl_view *view, const struct fl_look *client, struct fl_path *path, int *found)
{
    const uint32_t from = fl_key_interface(&client->c->key), at = server_of(view, client);
    struct fl_case c, s;
    struct fl_verdict cv, sv;
    *found = 0;
    if (!at) return FLOWLOG_OK;
    flowlog__view_case(view, client, &c);
    flowlog__verdict(&c, &cv);
    if (c.rr.records) { /* it never left */
        *found = !c.ra.records && cv.verdict == FLOWLOG_VERDICT_BLOCKED_OUTBOUND &&
                 take(path, from, at, &cv, cv.confidence);
        return FLOWLOG_OK;
    }
    if (!c.ra.records) return FLOWLOG_OK;
    struct fl_episode episodes[FL_SEGMENTS_MAX];
    struct fl_look server;
    if (!find_server(view, client, at, episodes, &server)) {
        *found = never_seen(view, &c, from, at, path);
        return FLOWLOG_OK;
    }
    if (!agree(client, &server)) return FLOWLOG_OK;
    flowlog__view_case(view, &server, &s);
    flowlog__verdict(&s, &sv);
    *found = both_seen(&c, &cv, from, &s, &sv, at, path);
    if ((c.weak_way || s.weak_way) && *found && path->v.confidence > MEDIUM) path->v.confidence = MEDIUM;
    return FLOWLOG_OK;
}
