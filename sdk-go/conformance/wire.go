package main

import (
	"fmt"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/conformancev1"
)

// toRequest translates a job request; what is not said stays zero.
func toRequest(r *pb.JobRequest) orchestrator.JobRequest {
	request := orchestrator.JobRequest{
		Type: r.GetJobType(), PayloadMediaType: r.GetPayloadMediaType(), Queue: r.GetQueue(),
		Project: r.GetProject(), Source: r.GetSource(), Priority: int(r.GetPriority()),
		IdempotencyKey: r.GetIdempotencyKey(), Labels: r.GetLabels(),
		ConcurrencyKey:  r.GetConcurrencyKey(),
		AttemptDeadline: milliseconds(r.GetAttemptDeadlineMs()),
		CorrelationID:   r.GetCorrelationId(),
		Trace: orchestrator.TraceContext{
			Traceparent: r.GetTraceparent(), Tracestate: r.GetTracestate(),
		},
		Retry: orchestrator.RetryPolicy{
			MaxAttempts:    int(r.GetRetry().GetMaxAttempts()),
			InitialBackoff: milliseconds(r.GetRetry().GetInitialBackoffMs()),
			Multiplier:     r.GetRetry().GetMultiplier(),
			MaxBackoff:     milliseconds(r.GetRetry().GetMaxBackoffMs()),
		},
	}
	if w := r.GetWindow(); w != nil {
		request.Window = &orchestrator.EventWindow{
			Scope: w.GetScope(), Start: moment(w.GetStartMs()), End: moment(w.GetEndMs()),
		}
	}
	switch {
	case r.GetPayloadArtifact() != "":
		request.Payload = orchestrator.ArtifactRef{Digest: r.GetPayloadArtifact()}
	case len(r.GetPayload()) > 0:
		request.Payload = r.GetPayload()
	}
	if ms := r.GetDelayMs(); ms > 0 {
		request.NotBefore = time.Now().Add(milliseconds(ms))
	}
	return request
}

// sameAs makes a request of Enqueue like another one.
func sameAs(request orchestrator.JobRequest) orchestrator.JobOption {
	return func(r *orchestrator.JobRequest) { *r = request }
}

// name is a type of names, such as a state.
type name interface {
	~int32
	fmt.Stringer
}

// named returns the value with a name; first is the smallest.
func named[T name](first T, text string) T {
	const highest = 64
	for value := first; value < highest; value++ {
		if value.String() == text {
			return value
		}
	}
	bug(fmt.Errorf("%T has no %q", first, text))
	return first
}

// stateName is empty for a job that is not there.
func stateName(state orchestrator.JobState) string {
	if state == 0 {
		return ""
	}
	return state.String()
}

func enqueued(results ...orchestrator.EnqueueResult) *pb.CallResult_Enqueued {
	wire := &pb.EnqueueResults{}
	for _, result := range results {
		wire.Results = append(wire.Results, toEnqueueResult(result))
	}
	return &pb.CallResult_Enqueued{Enqueued: wire}
}

func toEnqueueResult(result orchestrator.EnqueueResult) *pb.EnqueueResult {
	wire := &pb.EnqueueResult{Outcome: result.Outcome.String(), JobId: result.ID}
	if result.Err != nil {
		wire.Error = toError(result.Err)
	}
	return wire
}

func jobs(list ...*pb.Job) *pb.CallResult_Jobs {
	return &pb.CallResult_Jobs{Jobs: &pb.Jobs{Jobs: list}}
}

func toJob(job *orchestrator.Job) *pb.Job {
	wire := &pb.Job{
		JobId: job.ID, JobType: job.Type, State: job.State.String(), Attempt: int32(job.Attempt),
		Failures: int32(job.Failures), Interruptions: int32(job.Interruptions),
		Result: job.Result, LastFailure: toFailure(job.LastFailure), RunId: job.RunID,
		Name: job.Name, Labels: job.Labels, CorrelationId: job.CorrelationID,
		Traceparent: job.Trace.Traceparent, Priority: int32(job.Priority), Payload: job.Payload,
		Skipped: job.IsSkipped, Window: toWindow(job.Window),
	}
	if job.Progress != nil {
		wire.ProgressFraction = job.Progress.Fraction
		wire.ProgressMessage = job.Progress.Message
	}
	for _, artifact := range job.Artifacts {
		wire.Artifacts = append(wire.Artifacts, &pb.BoundArtifact{
			Name: artifact.Name, Digest: artifact.Digest, SizeBytes: artifact.SizeBytes,
			MediaType: artifact.MediaType,
		})
	}
	return wire
}

func moment(ms int64) time.Time { return time.UnixMilli(ms) }

func toWindow(window *orchestrator.EventWindow) *pb.Window {
	if window == nil {
		return nil
	}
	return &pb.Window{
		Scope: window.Scope, StartMs: window.Start.UnixMilli(), EndMs: window.End.UnixMilli(),
	}
}

func toJobDetail(job *orchestrator.JobDetail) *pb.Job {
	wire := toJob(&job.Job)
	for _, attempt := range job.Attempts {
		wire.Attempts = append(wire.Attempts, &pb.Attempt{
			Attempt: int32(attempt.Attempt), Outcome: attempt.Outcome.String(),
			Failure: toFailure(attempt.Failure),
		})
	}
	return wire
}

func toFailure(failure *orchestrator.Failure) *pb.Failure {
	if failure == nil {
		return nil
	}
	wire := &pb.Failure{
		FailureClass: failure.Class.String(), Message: failure.Message,
		Terminal: failure.Terminal,
	}
	if failure.RetryAfter > 0 {
		wire.RetryAfterMs = new(failure.RetryAfter.Milliseconds())
	}
	return wire
}

func toArtifact(artifact *orchestrator.Artifact) *pb.Artifact {
	return &pb.Artifact{
		Digest: artifact.Digest, SizeBytes: artifact.SizeBytes,
		AlreadyExisted: artifact.AlreadyExisted,
	}
}

func toLease(lease orchestrator.Lease) *pb.Lease {
	return &pb.Lease{
		JobId: lease.JobID, Attempt: int32(lease.Attempt), LeaseEpoch: lease.Epoch,
		LeaseToken: lease.Token,
	}
}

// mediaType leaves the option out when nothing was said.
func mediaType(mediaType string) []orchestrator.UploadOption {
	if mediaType == "" {
		return nil
	}
	return []orchestrator.UploadOption{orchestrator.WithMediaType(mediaType)}
}

func leaseDefaults() *pb.LeaseDefaults {
	policy := orchestrator.ContractLeasePolicy()
	return &pb.LeaseDefaults{Values: map[string]int64{
		"offer_accept_deadline": policy.OfferAcceptDeadline.Milliseconds(),
		"lease_ttl":             policy.LeaseTTL.Milliseconds(),
		"renew_interval":        policy.RenewInterval.Milliseconds(),
		"expiry_sweep":          policy.ExpirySweep.Milliseconds(),
		"attempt_deadline":      policy.AttemptDeadline.Milliseconds(),
		"drain_grace":           policy.DrainGrace.Milliseconds(),
		"unary_poll_default":    policy.UnaryPollDefault.Milliseconds(),
		"unary_poll_max":        policy.UnaryPollMax.Milliseconds(),
		"stream_max_age":        policy.StreamMaxAge.Milliseconds(),
		"goaway_notice":         policy.GoawayNotice.Milliseconds(),
		"reconnect_min":         policy.ReconnectMin.Milliseconds(),
		"reconnect_max":         policy.ReconnectMax.Milliseconds(),
		"max_interruptions":     int64(policy.MaxInterruptions),
		"interruption_window":   policy.InterruptionWindow.Milliseconds(),
		"artifact_chunk_bytes":  int64(policy.ArtifactChunkBytes),
		"max_message_bytes":     int64(policy.MaxMessageBytes),
		"max_payload_bytes":     int64(policy.MaxPayloadBytes),
		"idempotency_retention": policy.IdempotencyRetention.Milliseconds(),
	}}
}
