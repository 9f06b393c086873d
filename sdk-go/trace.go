package orchestrator

import (
	"context"
	"regexp"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// TraceContext is the W3C trace context of whoever causes a job.
type TraceContext struct {
	// Traceparent is the header of that name, such as "00-…-…-01".
	Traceparent string
	// Tracestate is the header that goes with it; may be empty.
	Tracestate string
}

func toTrace(spec *pb.JobSpec) TraceContext {
	return TraceContext{Traceparent: spec.GetTraceparent(), Tracestate: spec.GetTracestate()}
}

// lineage is what a job enqueued inside a handler inherits from the handler's job.
type lineage struct {
	trace         TraceContext
	correlationID string
}

type lineageKey struct{}

func withLineage(ctx context.Context, l lineage) context.Context {
	return context.WithValue(ctx, lineageKey{}, l)
}

func lineageOf(ctx context.Context) lineage {
	l, _ := ctx.Value(lineageKey{}).(lineage)
	return l
}

var traceparentPattern = regexp.MustCompile(
	`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// traceOf returns the trace context of a job that is about to be enqueued: what its producer
// says, else what the hook says, else what the surrounding handler's job has. A malformed
// traceparent from a hook is dropped: tracing must not stop work.
func traceOf(
	ctx context.Context, explicit TraceContext, hook func(context.Context) TraceContext,
) TraceContext {
	if explicit.Traceparent != "" {
		return explicit
	}
	if hook != nil {
		if t := hook(ctx); traceparentPattern.MatchString(t.Traceparent) {
			return t
		}
	}
	if t := lineageOf(ctx).trace; traceparentPattern.MatchString(t.Traceparent) {
		return t
	}
	return TraceContext{}
}
