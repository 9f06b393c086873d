package orchestrator

import pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"

// OnFailure is what happens to a job when one that it depends on becomes dead or cancelled.
type OnFailure int32

// What a failed dependency does.
const (
	// OnFailureCancel cancels the waiting job too. The default.
	OnFailureCancel = OnFailure(pb.OnFailure_ON_FAILURE_CANCEL)
	// OnFailureHold leaves it blocked; a retry of the failed job can still let it run.
	OnFailureHold = OnFailure(pb.OnFailure_ON_FAILURE_HOLD)
	// OnFailureContinue lets it run as if the failed job had succeeded.
	OnFailureContinue = OnFailure(pb.OnFailure_ON_FAILURE_CONTINUE)
)

// String returns the name in lower case, such as "cancel".
func (o OnFailure) String() string { return nameOf(pb.OnFailure(o)) }

// EdgeCondition is which end of a job lets one go that depends on it.
type EdgeCondition int32

// Which ends let dependent jobs go.
const (
	// WhenSuccess: it succeeded; OnFailure says what happens otherwise. The default.
	WhenSuccess = EdgeCondition(pb.EdgeCondition_EDGE_CONDITION_SUCCESS)
	// WhenCompletion: it ended, in whatever way.
	WhenCompletion = EdgeCondition(pb.EdgeCondition_EDGE_CONDITION_COMPLETION)
	// WhenFailure: it became dead or was cancelled. When it succeeds, the waiting job is skipped:
	// cancelled because it is not needed, which does not count against the run.
	WhenFailure = EdgeCondition(pb.EdgeCondition_EDGE_CONDITION_FAILURE)
)

// String returns the name in lower case, such as "completion".
func (c EdgeCondition) String() string { return nameOf(pb.EdgeCondition(c)) }

// ReplayCause is why a job is part of a replay.
type ReplayCause int32

// Why jobs are part of replays.
const (
	// ReplaySelected: it was named.
	ReplaySelected = ReplayCause(pb.ReplayCause_REPLAY_CAUSE_SELECTED)
	// ReplayNotSucceeded: it did not succeed.
	ReplayNotSucceeded = ReplayCause(pb.ReplayCause_REPLAY_CAUSE_NOT_SUCCEEDED)
	// ReplayDownstream: it depends on one that runs again.
	ReplayDownstream = ReplayCause(pb.ReplayCause_REPLAY_CAUSE_DOWNSTREAM)
	// ReplayUpstream: one that runs again depends on it.
	ReplayUpstream = ReplayCause(pb.ReplayCause_REPLAY_CAUSE_UPSTREAM)
	// ReplayReused: it does not run: one that runs again uses what it left.
	ReplayReused = ReplayCause(pb.ReplayCause_REPLAY_CAUSE_REUSED)
)

// String returns the name in lower case, such as "not_succeeded".
func (c ReplayCause) String() string { return nameOf(pb.ReplayCause(c)) }

// OperationKind is what an [Operation] does.
type OperationKind int32

// What operations do.
const (
	// OperationRetry retries jobs.
	OperationRetry = OperationKind(pb.OperationKind_OPERATION_KIND_RETRY)
	// OperationCancel cancels jobs.
	OperationCancel = OperationKind(pb.OperationKind_OPERATION_KIND_CANCEL)
	// OperationDiscard discards dead letters.
	OperationDiscard = OperationKind(pb.OperationKind_OPERATION_KIND_DISCARD)
	// OperationReprioritise changes priorities.
	OperationReprioritise = OperationKind(pb.OperationKind_OPERATION_KIND_REPRIORITISE)
	// OperationMove moves jobs to another queue.
	OperationMove = OperationKind(pb.OperationKind_OPERATION_KIND_MOVE)
	// OperationExtendDeadline gives attempts more time.
	OperationExtendDeadline = OperationKind(pb.OperationKind_OPERATION_KIND_EXTEND_DEADLINE)
	// OperationCancelRun cancels a run.
	OperationCancelRun = OperationKind(pb.OperationKind_OPERATION_KIND_CANCEL_RUN)
	// OperationReplayRun writes the jobs of a replay.
	OperationReplayRun = OperationKind(pb.OperationKind_OPERATION_KIND_REPLAY_RUN)
)

// String returns the kind's name in lower case, such as "cancel_run".
func (k OperationKind) String() string { return nameOf(pb.OperationKind(k)) }

// OperationState is where an [Operation] stands.
type OperationState int32

// Where operations stand.
const (
	// OperationRunning works through its jobs.
	OperationRunning = OperationState(pb.OperationState_OPERATION_STATE_RUNNING)
	// OperationDone has looked at every job.
	OperationDone = OperationState(pb.OperationState_OPERATION_STATE_DONE)
	// OperationStopped was stopped by somebody.
	OperationStopped = OperationState(pb.OperationState_OPERATION_STATE_STOPPED)
)

// String returns the state's name in lower case, such as "running".
func (s OperationState) String() string { return nameOf(pb.OperationState(s)) }

// ParameterKind is what values a pipeline's parameter takes.
type ParameterKind int32

// What values parameters take.
const (
	// ParameterString is text. The default.
	ParameterString = ParameterKind(pb.ParameterKind_PARAMETER_KIND_STRING)
	// ParameterInt is a whole number that a float64 holds exactly.
	ParameterInt = ParameterKind(pb.ParameterKind_PARAMETER_KIND_INT)
	// ParameterBool is true or false.
	ParameterBool = ParameterKind(pb.ParameterKind_PARAMETER_KIND_BOOL)
	// ParameterJSON is any JSON value.
	ParameterJSON = ParameterKind(pb.ParameterKind_PARAMETER_KIND_JSON)
)

// String returns the kind's name in lower case, such as "int".
func (k ParameterKind) String() string { return nameOf(pb.ParameterKind(k)) }

// BackfillState is where a backfill stands.
type BackfillState int32

// Where backfills stand.
const (
	// BackfillRunning makes jobs and waits for them.
	BackfillRunning = BackfillState(pb.BackfillState_BACKFILL_STATE_RUNNING)
	// BackfillPaused makes no jobs.
	BackfillPaused = BackfillState(pb.BackfillState_BACKFILL_STATE_PAUSED)
	// BackfillSucceeded: every window that was due when it was started is covered.
	BackfillSucceeded = BackfillState(pb.BackfillState_BACKFILL_STATE_SUCCEEDED)
	// BackfillFailed: every window that was due was tried, and some are not covered.
	BackfillFailed = BackfillState(pb.BackfillState_BACKFILL_STATE_FAILED)
	// BackfillCancelled was cancelled by somebody.
	BackfillCancelled = BackfillState(pb.BackfillState_BACKFILL_STATE_CANCELLED)
)

// String returns the state's name in lower case, such as "paused".
func (s BackfillState) String() string { return nameOf(pb.BackfillState(s)) }
