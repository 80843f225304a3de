/* SPDX-License-Identifier: MIT */
/*
 * flowlog.h - all of libflowlog, in the order in which data flows:
 *
 *     source -> (inflate) -> tokens -> columns -> selection -> batch -> groups -> result -> table / JSON / CSV / Arrow
 */
#ifndef FLOWLOG_H
#define FLOWLOG_H

#include "flowlog/base.h"
#include "flowlog/value.h"
#include "flowlog/field.h"
#include "flowlog/token.h"
#include "flowlog/source.h"
#include "flowlog/batch.h"
#include "flowlog/filter.h"
#include "flowlog/reader.h"
#include "flowlog/plan.h"
#include "flowlog/diagnose.h"
#include "flowlog/write.h"
#include "flowlog/arrow.h"

#endif
