/* SPDX-License-Identifier: MIT */
/*
 * analyze/path.h - one conversation from the client's interface to the server's: the first hop that fails, in the
 * order in which packets pass (diagnosis.md, section 1.8).
 */
#ifndef FL_ANALYZE_PATH_H
#define FL_ANALYZE_PATH_H

#include "analyze/view.h"

struct fl_path {
    struct fl_verdict v;
    uint32_t at, other; /* interfaces: where it fails, and the other end */
};

/*
 * What becomes of an episode seen at its client's interface.  *found 1, or 0 when this is not the client's
 * interface, the server's is not known or not in the log, or there is nothing to say beyond what each end says.
 * E_MEMORY.
 */
flowlog_status flowlog__path(struct fl_view *view, const struct fl_look *client, struct fl_path *path, int *found);

#endif
