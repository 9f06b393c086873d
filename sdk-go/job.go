package orchestrator

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Job is a job as the ledger has it. Empty strings mean "none", zero times "not yet".
type Job struct {
	// ID is a UUIDv7.
	ID string
	// Tenant and Project say who owns the job.
	Tenant, Project string
	// Type is a dotted name, such as "sbom.scan".
	Type string
	// Queue is where it waits.
	Queue string
	// Source is the upstream that it reads from.
	Source string
	// Window is the event time of its source that it covers; nil if there is none.
	Window *EventWindow
	// ConcurrencyKey is what it shares a concurrency limit by.
	ConcurrencyKey string
	// Priority is −10 to 10; higher goes first.
	Priority int
	// Labels are for people and filters.
	Labels map[string]string
	// IdempotencyKey is the producer's key.
	IdempotencyKey string
	// CorrelationID ties together what belongs to one business event.
	CorrelationID string
	// Trace is the W3C trace context of the producer.
	Trace TraceContext
	// Payload is the inline input; empty in lists and watches.
	Payload []byte
	// PayloadMediaType is the payload's, such as "application/json".
	PayloadMediaType string
	// PayloadArtifact is the digest of the artifact that is the input.
	PayloadArtifact string
	// State is where the job stands.
	State JobState
	// Attempt is the number of the newest attempt; 0 before the first.
	Attempt int
	// Failures counts failed attempts since the job was enqueued or retried by an operator.
	Failures int
	// Interruptions counts interrupted attempts in the interruption window.
	Interruptions int
	// CreateTime is when it entered the ledger.
	CreateTime time.Time
	// StartTime is when the newest attempt started.
	StartTime time.Time
	// FinishTime is when it became succeeded, dead or cancelled.
	FinishTime time.Time
	// ScheduledTime is when a scheduled job becomes ready.
	ScheduledTime time.Time
	// LastFailure is why the newest attempt did not succeed; nil if there is none.
	LastFailure *Failure
	// Result is what the successful attempt handed over inline.
	Result []byte
	// Progress is the newest report; nil if there is none.
	Progress *Progress
	// RunID is the run that it belongs to, Name its name there.
	RunID, Name string
	// WorkerID is the worker that holds it.
	WorkerID string
	// Artifacts were bound to it by its successful attempt.
	Artifacts []BoundArtifact
	// IsSkipped: it was cancelled because its run did not need it.
	IsSkipped bool
}

// DecodeResult decodes the result as JSON into v.
func (j *Job) DecodeResult(v any) error { return json.Unmarshal(j.Result, v) }

// JobDetail is a job with its ended attempts.
type JobDetail struct {
	Job
	// Attempts are oldest first, the newest 100.
	Attempts []Attempt
}

// Attempt is one ended try at a job.
type Attempt struct {
	// Attempt is 1 for the first.
	Attempt int
	// LeaseEpoch is the epoch it ran under.
	LeaseEpoch int64
	// WorkerID is the worker that ran it.
	WorkerID string
	// StartTime and FinishTime are when it was accepted and when it ended.
	StartTime, FinishTime time.Time
	// Outcome is how it ended.
	Outcome AttemptOutcome
	// Failure is why it did not succeed; nil if it did.
	Failure *Failure
}

// Failure is why an attempt did not succeed.
type Failure struct {
	// Class is the cause.
	Class FailureClass
	// Message is for people.
	Message string
	// Terminal: no further attempt could succeed.
	Terminal bool
	// RetryAfter is the floor under the next attempt's delay; 0 if there is none.
	RetryAfter time.Duration
}

// Progress is how far an attempt got.
type Progress struct {
	// Fraction is from 0 to 1.
	Fraction float64
	// Message is for people.
	Message string
	// Checkpoint is handed to the next attempt.
	Checkpoint []byte
}

// BoundArtifact is an artifact as the product of a job.
type BoundArtifact struct {
	// Name is the name within the attempt, such as "sbom.cdx.json".
	Name string
	// Digest is "sha256:" and 64 lower-case hexadecimal digits.
	Digest string
	// SizeBytes is the size.
	SizeBytes int64
	// MediaType is what its first uploader said.
	MediaType string
	// Attempt and LeaseEpoch are those it was produced under.
	Attempt    int
	LeaseEpoch int64
}

// JobEvent is one change of a job, with its provenance.
type JobEvent struct {
	// ID grows along a job's history; not dense.
	ID int64
	// Time is by the database's clock.
	Time time.Time
	// Kind is what happened: "enqueued", "offered", "started", "succeeded" and so on.
	Kind string
	// FromState is 0 for the first event.
	FromState, ToState JobState
	// Tenant, Project, JobID, JobType, CorrelationID and WorkerID are the provenance.
	Tenant, Project, JobID, JobType, CorrelationID, WorkerID string
	// Attempt and LeaseEpoch are 0 if none was involved.
	Attempt    int
	LeaseEpoch int64
	// Actor is who caused it: "producer", "worker", "operator" or a loop of the server.
	Actor string
	// Reason is why, if there is a reason to tell.
	Reason string
}

func toTime(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func toJob(j *pb.Job) *Job {
	spec := j.GetSpec()
	job := &Job{
		ID: j.GetJobId(), Tenant: j.GetTenant(), Project: spec.GetProject(),
		Type: spec.GetJobType(), Queue: spec.GetQueue(), Source: spec.GetSource(),
		Window: toWindow(spec.GetWindow()), ConcurrencyKey: spec.GetConcurrencyKey(),
		Priority: int(spec.GetPriority()), Labels: spec.GetLabels(),
		IdempotencyKey: spec.GetIdempotencyKey(), CorrelationID: spec.GetCorrelationId(),
		Trace: toTrace(spec), Payload: spec.GetPayload(),
		PayloadMediaType: spec.GetPayloadMediaType(),
		PayloadArtifact:  spec.GetPayloadArtifact(), State: JobState(j.GetState()),
		Attempt: int(j.GetAttempt()), Failures: int(j.GetFailures()),
		Interruptions: int(j.GetInterruptions()), CreateTime: toTime(j.GetCreateTime()),
		StartTime: toTime(j.GetStartTime()), FinishTime: toTime(j.GetFinishTime()),
		ScheduledTime: toTime(j.GetScheduledTime()), LastFailure: toFailure(j.GetLastFailure()),
		Result: j.GetResult(), RunID: j.GetRunId(), Name: j.GetName(), WorkerID: j.GetWorkerId(),
		IsSkipped: j.GetSkipped(),
	}
	if p := j.GetProgress(); p != nil {
		job.Progress = &Progress{p.GetFraction(), p.GetMessage(), p.GetCheckpoint()}
	}
	for _, a := range j.GetArtifacts() {
		job.Artifacts = append(job.Artifacts, BoundArtifact{
			Name: a.GetName(), Digest: a.GetDigest(), SizeBytes: a.GetSizeBytes(),
			MediaType: a.GetMediaType(), Attempt: int(a.GetAttempt()),
			LeaseEpoch: a.GetLeaseEpoch(),
		})
	}
	return job
}

func toFailure(f *pb.Failure) *Failure {
	if f == nil {
		return nil
	}
	return &Failure{
		Class: FailureClass(f.GetFailureClass()), Message: f.GetMessage(),
		Terminal: f.GetTerminal(), RetryAfter: f.GetRetryAfter().AsDuration(),
	}
}

func toAttempt(a *pb.Attempt) Attempt {
	return Attempt{
		Attempt: int(a.GetAttempt()), LeaseEpoch: a.GetLeaseEpoch(), WorkerID: a.GetWorkerId(),
		StartTime: toTime(a.GetStartTime()), FinishTime: toTime(a.GetFinishTime()),
		Outcome: AttemptOutcome(a.GetOutcome()), Failure: toFailure(a.GetFailure()),
	}
}

func toJobEvent(e *pb.JobEvent) *JobEvent {
	return &JobEvent{
		ID: e.GetEventId(), Time: toTime(e.GetTime()), Kind: e.GetKind(),
		FromState: JobState(e.GetFromState()), ToState: JobState(e.GetToState()),
		Tenant: e.GetTenant(), Project: e.GetProject(), JobID: e.GetJobId(),
		JobType: e.GetJobType(), CorrelationID: e.GetCorrelationId(), WorkerID: e.GetWorkerId(),
		Attempt: int(e.GetAttempt()), LeaseEpoch: e.GetLeaseEpoch(), Actor: e.GetActor(),
		Reason: e.GetReason(),
	}
}
