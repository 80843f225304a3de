// SPDX-License-Identifier: MIT

package flowlog

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"net/netip"
	"runtime/cgo"
	"time"
)

// DiagnoseOptions say what is known beside the log, and what is asked.
type DiagnoseOptions struct {
	Context []byte   // JSON, as flowlog_diagnosis_context takes it (diagnose.h)
	Rules   [][]byte // JSON, as the AWS CLI prints network ACLs, security groups, interfaces, subnets, prefix lists

	// A question: why can Client not reach Server?  The zero value of each matches any.
	Client, Server netip.Addr
	Port           uint16

	All      bool // also conversations that are fine
	Grouped  bool // equal ones are one finding with a count
	Evidence int  // lines of the log kept with each finding, at most 8
}

// Finding is what is said about a conversation.  Names are those of the JSON of `flowlog diagnose`.
type Finding struct {
	Kind       string // "diagnosis", "path" or "query", the answer to a question
	Verdict    string // "OK", "BLOCKED_INBOUND" and so on: flowlog_verdict in diagnose.h
	Layer      string // "SG", "NACL", "SG_OR_NACL" and so on: what is responsible
	Confidence string // "low", "medium" or "high"
	Direction  string // "in" or "out", as the interface sees the packets that the verdict is about
	Phase      string // "request" or "reply"
	Advice     string // the sentence to act on

	Interface              string
	Client, Server         netip.Addr
	ClientPort, ServerPort uint16
	Protocol               uint8
	First, Last            time.Time
	Records, Conversations uint64
	Clients                uint64
	Change, Command        string // the smallest change that would let it through, and as a command; "": none to give
	JSON                   string // all of it, as one object
}

// Diagnosis is all that was found.
type Diagnosis struct {
	Findings  []Finding
	Warnings  []string // what is wrong with the rules whatever the traffic
	Records   uint64   // that counted
	LeftOut   uint64   // because an address was null
	Truncated uint64   // conversations given up early, because there were too many at a time
}

// Diagnose reads the source to its end and says which conversations do not work, and what refuses them.  How it reads
// is as with Plan.Run, and it is ended by ctx like that.
func Diagnose(ctx context.Context, src Source, options DiagnoseOptions, how RunOptions) (*Diagnosis, error) {
	o := C.flowlog_diagnosis_options{struct_size: C.sizeof_flowlog_diagnosis_options, alloc: alloc()}
	if options.All {
		o.flags |= C.FLOWLOG_DIAGNOSE_ALL
	}
	if options.Grouped {
		o.flags |= C.FLOWLOG_DIAGNOSE_GROUPED
	}
	if options.Evidence < 0 || options.Evidence > 8 {
		return nil, misuse(ErrArgument, "Evidence is at most 8")
	}
	o.evidence = C.uint32_t(options.Evidence)
	var d *C.flowlog_diagnosis
	var detail C.flowlog_error
	if status := C.flowlog_diagnosis_new(&o, &d, &detail); status < 0 {
		return nil, failed(status, &detail)
	}
	defer C.flowlog_diagnosis_free(d)
	if err := tell(d, options); err != nil {
		return nil, err
	}
	found := &Diagnosis{}
	err := how.with(ctx, src, func(s *C.flowlog_source, o *C.flowlog_run_options) error {
		var detail C.flowlog_error
		if status := C.flowlog_diagnosis_collect(d, s, o, &detail); status < 0 {
			return failed(status, &detail)
		}
		return found.finish(d, s)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func tell(d *C.flowlog_diagnosis, options DiagnoseOptions) error {
	var detail C.flowlog_error
	if len(options.Context) > 0 {
		json := C.CBytes(options.Context)
		defer C.free(json)
		status := C.flowlog_diagnosis_context(d, (*C.char)(json), C.size_t(len(options.Context)), &detail)
		if status < 0 {
			return failed(status, &detail)
		}
	}
	for _, rules := range options.Rules {
		json := C.CBytes(rules)
		status := C.flowlog_diagnosis_rules(d, (*C.char)(json), C.size_t(len(rules)), &detail)
		C.free(json)
		if status < 0 {
			return failed(status, &detail)
		}
	}
	if !options.Client.IsValid() && !options.Server.IsValid() && options.Port == 0 {
		return nil
	}
	client, server := cAddr(options.Client), cAddr(options.Server)
	return failed(C.flowlog_diagnosis_query(d, &client, &server, C.uint16_t(options.Port), &detail), &detail)
}

// finish takes everything out of d, which has read s.
func (found *Diagnosis) finish(d *C.flowlog_diagnosis, s *C.flowlog_source) error {
	c := &call{
		finding: func(f *C.flowlog_finding) { found.Findings = append(found.Findings, goFinding(f, s)) },
		warning: func(s string) { found.Warnings = append(found.Warnings, s) },
	}
	handle := cgo.NewHandle(c)
	defer handle.Delete()
	if err := c.settle(failed(C.shim_warnings(d, C.uintptr_t(handle)), nil)); err != nil {
		return err
	}
	var detail C.flowlog_error
	status := C.shim_finish(d, C.uintptr_t(handle), &detail)
	found.Records = uint64(C.flowlog_diagnosis_records(d))
	found.LeftOut = uint64(C.flowlog_diagnosis_left_out(d))
	found.Truncated = uint64(C.flowlog_diagnosis_truncated(d))
	return c.settle(failed(status, &detail))
}

func goFinding(f *C.flowlog_finding, s *C.flowlog_source) Finding {
	return Finding{
		Kind:       C.GoString(C.flowlog_finding_kind_name(C.uint32_t(f.kind))),
		Verdict:    C.GoString(C.flowlog_verdict_name(C.uint32_t(f.verdict))),
		Layer:      C.GoString(C.flowlog_layer_name(C.uint32_t(f.layer))),
		Confidence: C.GoString(C.flowlog_confidence_name(C.uint32_t(f.confidence))),
		Direction:  C.GoString(C.flowlog_way_name(C.uint32_t(f.direction))),
		Phase:      C.GoString(C.flowlog_phase_name(C.uint32_t(f.phase))),
		Advice: grown(func(buf *C.char, room C.size_t) C.size_t {
			return C.flowlog_finding_advice(f, buf, room)
		}),
		Interface:     goStr(f.eni),
		Client:        goAddr(&f.client),
		Server:        goAddr(&f.server),
		ClientPort:    uint16(f.client_port),
		ServerPort:    uint16(f.server_port),
		Protocol:      uint8(f.proto),
		First:         goTime(int64(f.first)),
		Last:          goTime(int64(f.last)),
		Records:       uint64(f.records),
		Conversations: uint64(f.conversations),
		Clients:       uint64(f.clients),
		Change:        goStr(f.change_row),
		Command:       goStr(f.change_command),
		JSON: grown(func(buf *C.char, room C.size_t) C.size_t {
			return C.flowlog_finding_json_source(f, s, buf, room)
		}),
	}
}
