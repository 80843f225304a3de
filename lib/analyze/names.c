/* SPDX-License-Identifier: MIT */
/* names.c - the texts of the codes of diagnose.h. */
#include "flowlog/diagnose.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char *text_of(const char *const *table, size_t count, uint32_t code)
{
    return code < count && table[code] ? table[code] : "";
}

#define NAMED(name, number, text) [number] = text,
#define SPELLED(name, number, text) [number] = #name,

static const char *const kinds[] = {FLOWLOG_FINDING_MAP(NAMED)};
static const char *const verdicts[] = {FLOWLOG_VERDICT_MAP(SPELLED)};
static const char *const verdict_meanings[] = {FLOWLOG_VERDICT_MAP(NAMED)};
static const char *const layers[] = {FLOWLOG_LAYER_MAP(SPELLED)};
static const char *const layer_meanings[] = {FLOWLOG_LAYER_MAP(NAMED)};
static const char *const ways[] = {"none", "in", "out", "unknown"};
static const char *const phases[] = {"none", "request", "reply"};
static const char *const confidences[] = {"", "low", "medium", "high"};
static const char *const transitions[] = {"", "allow_to_deny", "deny_to_allow", "overlap"};
static const char *const proofs[] = {"", "same-subnet", "sibling-eni", "other-client-port", "rules"};
static const char *const missings[] = {"",     "accept-only", "reject-only", "skipdata",
                                       "edge", "truncated",   "silent"};

const char *flowlog_finding_kind_name(uint32_t kind) { return text_of(kinds, COUNT(kinds), kind); }
const char *flowlog_verdict_name(uint32_t verdict) { return text_of(verdicts, COUNT(verdicts), verdict); }
const char *flowlog_verdict_meaning(uint32_t verdict)
{
    return text_of(verdict_meanings, COUNT(verdict_meanings), verdict);
}
const char *flowlog_layer_name(uint32_t layer) { return text_of(layers, COUNT(layers), layer); }
const char *flowlog_layer_meaning(uint32_t layer)
{
    return text_of(layer_meanings, COUNT(layer_meanings), layer);
}
const char *flowlog_way_name(uint32_t way) { return text_of(ways, COUNT(ways), way); }
const char *flowlog_phase_name(uint32_t phase) { return text_of(phases, COUNT(phases), phase); }
const char *flowlog_confidence_name(uint32_t confidence)
{
    return text_of(confidences, COUNT(confidences), confidence);
}
const char *flowlog_transition_name(uint32_t transition)
{
    return text_of(transitions, COUNT(transitions), transition);
}
const char *flowlog_proof_name(uint32_t proof) { return text_of(proofs, COUNT(proofs), proof); }
const char *flowlog_missing_name(uint32_t missing) { return text_of(missings, COUNT(missings), missing); }
