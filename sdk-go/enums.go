package orchestrator

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// JobState is where a job stands.
type JobState int32

// The states of a job.
const (
	// JobBlocked waits for jobs that it depends on.
	JobBlocked = JobState(pb.JobState_JOB_STATE_BLOCKED)
	// JobScheduled waits for a moment: its NotBefore, or the backoff after a failure.
	JobScheduled = JobState(pb.JobState_JOB_STATE_SCHEDULED)
	// JobReady can be claimed.
	JobReady = JobState(pb.JobState_JOB_STATE_READY)
	// JobOffered was offered to a worker that has not accepted yet.
	JobOffered = JobState(pb.JobState_JOB_STATE_OFFERED)
	// JobRunning is being worked on under a lease.
	JobRunning = JobState(pb.JobState_JOB_STATE_RUNNING)
	// JobSucceeded is done. Terminal.
	JobSucceeded = JobState(pb.JobState_JOB_STATE_SUCCEEDED)
	// JobFailed is seen in the history only: an attempt failed, what follows is being decided.
	JobFailed = JobState(pb.JobState_JOB_STATE_FAILED)
	// JobDead is a dead letter. Terminal but for a retry.
	JobDead = JobState(pb.JobState_JOB_STATE_DEAD)
	// JobCancelled was cancelled. Terminal.
	JobCancelled = JobState(pb.JobState_JOB_STATE_CANCELLED)
)

// String returns the state's name in lower case, such as "succeeded".
func (s JobState) String() string { return nameOf(pb.JobState(s)) }

// IsTerminal reports whether a job in this state has finished, unless an operator retries it.
func (s JobState) IsTerminal() bool {
	return s == JobSucceeded || s == JobDead || s == JobCancelled
}

// RunState sums up the jobs of a run.
type RunState int32

// The states of a run.
const (
	// RunActive: at least one job is unfinished, or the run is open.
	RunActive = RunState(pb.RunState_RUN_STATE_ACTIVE)
	// RunSucceeded: every job succeeded or was skipped.
	RunSucceeded = RunState(pb.RunState_RUN_STATE_SUCCEEDED)
	// RunFailed: every job is finished and at least one is dead.
	RunFailed = RunState(pb.RunState_RUN_STATE_FAILED)
	// RunCancelled: every job is finished, none is dead and at least one is cancelled, not counting
	// skipped ones.
	RunCancelled = RunState(pb.RunState_RUN_STATE_CANCELLED)
)

// String returns the state's name in lower case, such as "active".
func (s RunState) String() string { return nameOf(pb.RunState(s)) }

// FlowScopeKind is what a limit can be set on.
type FlowScopeKind int32

// What limits can be set on.
const (
	// ScopeTenant is the whole tenant.
	ScopeTenant = FlowScopeKind(pb.FlowScopeKind_FLOW_SCOPE_KIND_TENANT)
	// ScopeQueue is a queue.
	ScopeQueue = FlowScopeKind(pb.FlowScopeKind_FLOW_SCOPE_KIND_QUEUE)
	// ScopeJobType is a job type.
	ScopeJobType = FlowScopeKind(pb.FlowScopeKind_FLOW_SCOPE_KIND_JOB_TYPE)
	// ScopeSource is a source.
	ScopeSource = FlowScopeKind(pb.FlowScopeKind_FLOW_SCOPE_KIND_SOURCE)
	// ScopeHost is a host: all sources that name it.
	ScopeHost = FlowScopeKind(pb.FlowScopeKind_FLOW_SCOPE_KIND_HOST)
	// ScopeConcurrencyKey is a concurrency key: all jobs that name it.
	ScopeConcurrencyKey = FlowScopeKind(pb.FlowScopeKind_FLOW_SCOPE_KIND_CONCURRENCY_KEY)
)

// String returns the kind's name in lower case, such as "job_type".
func (k FlowScopeKind) String() string { return nameOf(pb.FlowScopeKind(k)) }

// BreakerPhase is where a circuit breaker stands.
type BreakerPhase int32

// Where circuit breakers stand.
const (
	// BreakerClosed: everything goes.
	BreakerClosed = BreakerPhase(pb.BreakerPhase_BREAKER_PHASE_CLOSED)
	// BreakerOpen: nothing goes.
	BreakerOpen = BreakerPhase(pb.BreakerPhase_BREAKER_PHASE_OPEN)
	// BreakerHalfOpen: one job goes, to see.
	BreakerHalfOpen = BreakerPhase(pb.BreakerPhase_BREAKER_PHASE_HALF_OPEN)
)

// String returns the phase's name in lower case, such as "half_open".
func (p BreakerPhase) String() string { return nameOf(pb.BreakerPhase(p)) }

// FailureClass sorts failures by cause, for retry decisions, limiters and error clustering.
type FailureClass int32

// The causes of failures. A handler names those from ClassUser to ClassTimeout, ClassNetwork and
// ClassOversize; the others are for the SDK and the server.
const (
	// ClassUser is the handler's own error.
	ClassUser = FailureClass(pb.FailureClass_FAILURE_CLASS_USER)
	// ClassHTTP429: the upstream answered HTTP 429.
	ClassHTTP429 = FailureClass(pb.FailureClass_FAILURE_CLASS_HTTP_429)
	// ClassHTTP5xx: the upstream answered HTTP 5xx.
	ClassHTTP5xx = FailureClass(pb.FailureClass_FAILURE_CLASS_HTTP_5XX)
	// ClassSchemaMismatch: the upstream's data did not fit its schema.
	ClassSchemaMismatch = FailureClass(pb.FailureClass_FAILURE_CLASS_SCHEMA_MISMATCH)
	// ClassParseError: the upstream's data could not be parsed.
	ClassParseError = FailureClass(pb.FailureClass_FAILURE_CLASS_PARSE_ERROR)
	// ClassTimeout: the attempt ran past its deadline, or an upstream did.
	ClassTimeout = FailureClass(pb.FailureClass_FAILURE_CLASS_TIMEOUT)
	// ClassLeaseExpired: the worker crashed, was paused or cut off.
	ClassLeaseExpired = FailureClass(pb.FailureClass_FAILURE_CLASS_LEASE_EXPIRED)
	// ClassDrained: the worker gave the job back because it was shutting down.
	ClassDrained = FailureClass(pb.FailureClass_FAILURE_CLASS_DRAINED)
	// ClassCancelled: the handler stopped because the job was cancelled.
	ClassCancelled = FailureClass(pb.FailureClass_FAILURE_CLASS_CANCELLED)
	// ClassIncapable: the worker has no handler for the job's type.
	ClassIncapable = FailureClass(pb.FailureClass_FAILURE_CLASS_INCAPABLE)
	// ClassPanic: the handler panicked.
	ClassPanic = FailureClass(pb.FailureClass_FAILURE_CLASS_PANIC)
	// ClassNetwork: the network failed between the worker and the upstream.
	ClassNetwork = FailureClass(pb.FailureClass_FAILURE_CLASS_NETWORK)
	// ClassOversize: what the attempt produced is larger than the contract allows.
	ClassOversize = FailureClass(pb.FailureClass_FAILURE_CLASS_OVERSIZE)
)

// String returns the name in lower case, such as "http_429".
func (c FailureClass) String() string { return nameOf(pb.FailureClass(c)) }

// AttemptOutcome is how an attempt ended.
type AttemptOutcome int32

// The ends of an attempt.
const (
	// AttemptSucceeded: it succeeded.
	AttemptSucceeded = AttemptOutcome(pb.AttemptOutcome_ATTEMPT_OUTCOME_SUCCEEDED)
	// AttemptFailed: it failed, one from the retry policy's budget.
	AttemptFailed = AttemptOutcome(pb.AttemptOutcome_ATTEMPT_OUTCOME_FAILED)
	// AttemptInterrupted: it was interrupted, one from the interruption budget.
	AttemptInterrupted = AttemptOutcome(pb.AttemptOutcome_ATTEMPT_OUTCOME_INTERRUPTED)
	// AttemptCancelled: it stopped because the job was cancelled.
	AttemptCancelled = AttemptOutcome(pb.AttemptOutcome_ATTEMPT_OUTCOME_CANCELLED)
)

// String returns the name in lower case, such as "interrupted".
func (o AttemptOutcome) String() string { return nameOf(pb.AttemptOutcome(o)) }

// EnqueueOutcome is what became of a job that was to be enqueued.
type EnqueueOutcome int32

// What can become of a job that was to be enqueued.
const (
	// EnqueueCreated: a new job is in the ledger.
	EnqueueCreated = EnqueueOutcome(pb.EnqueueOutcome_ENQUEUE_OUTCOME_CREATED)
	// EnqueueDuplicate: the idempotency key was known; the id is the first job's.
	EnqueueDuplicate = EnqueueOutcome(pb.EnqueueOutcome_ENQUEUE_OUTCOME_DUPLICATE)
	// EnqueueRejected: nothing was written for this one.
	EnqueueRejected = EnqueueOutcome(pb.EnqueueOutcome_ENQUEUE_OUTCOME_REJECTED)
)

// String returns the name in lower case, such as "created".
func (o EnqueueOutcome) String() string { return nameOf(pb.EnqueueOutcome(o)) }

// CancelOutcome is what became of a request to cancel a job.
type CancelOutcome int32

// What can become of a request to cancel a job.
const (
	// CancelDone: the job is cancelled.
	CancelDone = CancelOutcome(pb.CancelOutcome_CANCEL_OUTCOME_CANCELLED)
	// CancelRequested: its worker was asked to stop.
	CancelRequested = CancelOutcome(pb.CancelOutcome_CANCEL_OUTCOME_REQUESTED)
	// CancelAlreadyFinished: it was in a terminal state; nothing changed.
	CancelAlreadyFinished = CancelOutcome(pb.CancelOutcome_CANCEL_OUTCOME_ALREADY_FINISHED)
	// CancelNotFound: the tenant has no such job.
	CancelNotFound = CancelOutcome(pb.CancelOutcome_CANCEL_OUTCOME_NOT_FOUND)
)

// String returns the name in lower case, such as "requested".
func (o CancelOutcome) String() string { return nameOf(pb.CancelOutcome(o)) }

// RetryOutcome is what became of a request to retry a job.
type RetryOutcome int32

// What can become of a request to retry a job.
const (
	// RetryReady: the job is ready.
	RetryReady = RetryOutcome(pb.RetryOutcome_RETRY_OUTCOME_READY)
	// RetryAlreadyActive: it was unfinished already; nothing changed.
	RetryAlreadyActive = RetryOutcome(pb.RetryOutcome_RETRY_OUTCOME_ALREADY_ACTIVE)
	// RetryNotRetryable: it succeeded or was cancelled.
	RetryNotRetryable = RetryOutcome(pb.RetryOutcome_RETRY_OUTCOME_NOT_RETRYABLE)
	// RetryNotFound: the tenant has no such job.
	RetryNotFound = RetryOutcome(pb.RetryOutcome_RETRY_OUTCOME_NOT_FOUND)
)

// String returns the name in lower case, such as "already_active".
func (o RetryOutcome) String() string { return nameOf(pb.RetryOutcome(o)) }

// nameOf returns an enum value's name without the prefix of its enum, in lower case. A value
// newer than this SDK is its number.
func nameOf(value protoreflect.Enum) string {
	values := value.Descriptor().Values()
	found := values.ByNumber(value.Number())
	if found == nil {
		return strconv.Itoa(int(value.Number()))
	}
	prefix := strings.TrimSuffix(string(values.ByNumber(0).Name()), "UNSPECIFIED")
	return strings.ToLower(strings.TrimPrefix(string(found.Name()), prefix))
}
