package orchestrator

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// ActiveJob is a job as its handler sees it. Its methods are safe for concurrent use.
type ActiveJob struct {
	// ID is the job's id, Type its type.
	ID, Type string
	// Attempt is 1 for the first.
	Attempt int
	// RunID and Name are empty outside of runs.
	RunID, Name string
	// Project and Source are the job's; empty if it has none.
	Project, Source string
	// Window is the event time of its source that the job covers when it succeeds; nil if none.
	Window *EventWindow
	// ConcurrencyKey is what it shares a concurrency limit by; empty if it has none.
	ConcurrencyKey string
	// CorrelationID ties together what belongs to one business event.
	CorrelationID string
	// Trace is the W3C trace context of the producer.
	Trace TraceContext
	// Labels are the job's.
	Labels map[string]string
	// Payload is the inline input; empty when it is an artifact: see [ActiveJob.LoadPayload].
	Payload []byte
	// PayloadMediaType is the payload's, such as "application/json".
	PayloadMediaType string
	// PayloadArtifact is the digest of the artifact that is the input; empty when it is inline.
	PayloadArtifact string
	// Checkpoint is what the attempt before left; empty if it left nothing.
	Checkpoint []byte
	// CreateTime is when the job entered the ledger.
	CreateTime time.Time
	// Lease is the fence: hand it to stores that must refuse a stale writer.
	Lease Lease
	// Client is a client of the same server and tenant.
	Client *Client
	// Log has the job's fields bound. Payloads do not belong into logs.
	Log *slog.Logger

	agent *agent
	lease *heldLease
	ctx   context.Context

	mu        sync.Mutex
	artifacts []*pb.ArtifactBinding
}

func newActiveJob(ctx context.Context, a *agent, lease *heldLease) *ActiveJob {
	offer, spec := lease.offer, lease.offer.GetSpec()
	return &ActiveJob{
		ID: lease.ref.GetJobId(), Type: spec.GetJobType(), Attempt: int(lease.ref.GetAttempt()),
		RunID: offer.GetRunId(), Name: offer.GetName(), Project: spec.GetProject(),
		Source: spec.GetSource(), Window: toWindow(spec.GetWindow()),
		ConcurrencyKey: spec.GetConcurrencyKey(), CorrelationID: correlationOf(offer),
		Trace: toTrace(spec), Labels: spec.GetLabels(),
		Payload: spec.GetPayload(), PayloadMediaType: spec.GetPayloadMediaType(),
		PayloadArtifact: spec.GetPayloadArtifact(), Checkpoint: offer.GetCheckpoint(),
		CreateTime: toTime(offer.GetCreateTime()), Lease: toLease(lease.ref), Client: a.client,
		Log: a.loggerOf(lease), agent: a, lease: lease, ctx: ctx,
	}
}

// correlationOf: the job's own id stands in for an empty correlation id, as the contract says.
func correlationOf(offer *pb.Offer) string {
	if id := offer.GetSpec().GetCorrelationId(); id != "" {
		return id
	}
	return offer.GetLease().GetJobId()
}

// Decode decodes the inline payload as JSON into v. Its error is a [*TerminalError] with
// ClassParseError: no further attempt could read it.
func (j *ActiveJob) Decode(v any) error {
	if err := json.Unmarshal(j.Payload, v); err != nil {
		return &TerminalError{
			Err:   fmt.Errorf("the payload is not the JSON wanted: %w", err),
			Class: ClassParseError,
		}
	}
	return nil
}

// LoadPayload returns the input wherever it is: inline, or downloaded and verified when it is an
// artifact. Errors: as [Artifacts.Download].
func (j *ActiveJob) LoadPayload(ctx context.Context) ([]byte, error) {
	if j.PayloadArtifact == "" {
		return j.Payload, nil
	}
	return j.Client.Artifacts().DownloadBytes(ctx, j.PayloadArtifact)
}

// ProgressOption goes with [ActiveJob.Progress].
type ProgressOption func(*pb.Progress)

// WithMessage says what is going on, for people; cut to 1,024 bytes.
func WithMessage(message string) ProgressOption {
	return func(p *pb.Progress) { p.Message = truncate(message, limits.progressMessageBytes) }
}

// WithCheckpoint is handed to the next attempt; at most MaxPayloadBytes of the lease policy. It
// must not be changed afterwards. Left out, the last one stays.
func WithCheckpoint(checkpoint []byte) ProgressOption {
	return func(p *pb.Progress) { p.Checkpoint = checkpoint }
}

// Progress says how far the attempt got, from 0 to 1. It does not wait and may be called as often
// as you like: the newest report counts, and one without a checkpoint goes out at most twice a
// second. Its error is a [*TerminalError] with ClassOversize for an oversize checkpoint.
func (j *ActiveJob) Progress(fraction float64, options ...ProgressOption) error {
	return j.report(fraction, options, nil)
}

// SaveCheckpoint is [ActiveJob.Progress] with a checkpoint that waits until the ledger has it.
// Errors: AbortLeaseLost when it never will, and ctx's.
func (j *ActiveJob) SaveCheckpoint(
	ctx context.Context, fraction float64, checkpoint []byte, options ...ProgressOption,
) error {
	done := make(chan bool, 1)
	if err := j.report(fraction, append(options, WithCheckpoint(checkpoint)), done); err != nil {
		return err
	}
	select {
	case isStored := <-done:
		if !isStored {
			return AbortLeaseLost
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (j *ActiveJob) report(fraction float64, options []ProgressOption, done chan<- bool) error {
	report := &pb.Progress{Fraction: clampFraction(fraction)}
	for _, option := range options {
		option(report)
	}
	var oversize error
	j.agent.do(func() {
		limit := j.agent.policy.MaxPayloadBytes
		if size := len(report.GetCheckpoint()); size > limit {
			err := fmt.Errorf("a checkpoint of %d bytes exceeds the limit of %d", size, limit)
			oversize = &TerminalError{Err: err, Class: ClassOversize}
			return
		}
		j.lease.progress.report(report, done)
	})
	return oversize
}

// UploadArtifact uploads an artifact of this attempt. It is bound to the job under name when the
// handler succeeds; a second one of the same name replaces the first. Errors: a [*TerminalError]
// for a name of 0 or more than 255 bytes and for more than 1,000 artifacts, and those of
// [Artifacts.Upload].
func (j *ActiveJob) UploadArtifact(
	ctx context.Context, name string, source ArtifactSource, options ...UploadOption,
) (*Artifact, error) {
	if name == "" || len(name) > limits.artifactNameBytes {
		return nil, Terminalf("an artifact's name has 1 to %d bytes: %q",
			limits.artifactNameBytes, name)
	}
	artifact, err := j.Client.Artifacts().Upload(ctx, source, options...)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, bound := range j.artifacts {
		if bound.GetName() == name {
			bound.Digest = artifact.Digest
			return artifact, nil
		}
	}
	if len(j.artifacts) == limits.boundArtifacts {
		return nil, Terminalf("an attempt binds at most %d artifacts", limits.boundArtifacts)
	}
	binding := &pb.ArtifactBinding{Name: name, Digest: artifact.Digest}
	j.artifacts = append(j.artifacts, binding)
	return artifact, nil
}

// takeArtifacts returns what was uploaded; what comes later is not bound.
func (j *ActiveJob) takeArtifacts() []*pb.ArtifactBinding {
	j.mu.Lock()
	defer j.mu.Unlock()
	taken := j.artifacts
	j.artifacts = nil
	return taken
}

// FanOut appends up to 1,000 jobs to the job's own run, under its lease; the run need not be open.
// What depends on this job with IncludeFanOut waits for them, too. They inherit the job's trace and
// the run's correlation id. Safe to repeat, also in the next attempt: a name that is there with the
// same content is the same job. Errors: those of [Runs.Append]; ReasonJobNotInRun outside of a run.
func (j *ActiveJob) FanOut(ctx context.Context, jobs []RunJob) (*AppendedJobs, error) {
	if j.RunID == "" {
		return nil, newError(CodeFailedPrecondition, ReasonJobNotInRun,
			"a job outside of a run cannot fan out: enqueue instead")
	}
	ctx = withLineage(ctx, lineage{trace: j.Trace, correlationID: j.CorrelationID})
	return j.Client.Runs().Append(ctx, j.RunID, jobs, WithFanOut(j.Lease))
}

// Throttle reports that an upstream asked to slow down, without failing the attempt; the whole
// fleet hears of it. resourceKey is the source's host; remaining is how many calls the upstream
// says are left, nil if it does not say. Return a [*ThrottledError] to fail as well.
func (j *ActiveJob) Throttle(resourceKey string, retryAfter time.Duration, remaining *int64) {
	if resourceKey == "" {
		return
	}
	throttle := &pb.Throttle{
		ResourceKey: truncate(resourceKey, limits.resourceKeyBytes),
		RetryAfter:  toDuration(max(0, retryAfter)),
	}
	if remaining != nil {
		throttle.Remaining = new(max(0, *remaining))
	}
	j.agent.do(func() { j.agent.outbox.throttles[throttle.GetResourceKey()] = throttle })
}
