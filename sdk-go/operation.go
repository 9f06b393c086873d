package orchestrator

import (
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// OperationOption goes with calls that change what is there; most of them land in the history.
type OperationOption func(*operationConfig)

type operationConfig struct {
	reason, ticket string
	grace          *time.Duration
}

// WithReason says why, for the history.
func WithReason(reason string) OperationOption {
	return func(o *operationConfig) { o.reason = reason }
}

// WithTicket names the ticket that asks for it, for the history.
func WithTicket(ticket string) OperationOption {
	return func(o *operationConfig) { o.ticket = ticket }
}

// WithGrace is how long a running job may take to stop; the lease policy's drain grace unless
// told. Only for [Client.CancelJobs] and [Runs.Cancel].
func WithGrace(grace time.Duration) OperationOption {
	return func(o *operationConfig) { o.grace = &grace }
}

func operationOf(options []OperationOption) operationConfig {
	var o operationConfig
	for _, option := range options {
		option(&o)
	}
	return o
}

// Operation is a change to many jobs that the server does in batches.
type Operation struct {
	// ID is a UUID.
	ID string
	// Tenant is the owner.
	Tenant string
	// Kind is what it does.
	Kind OperationKind
	// State is where it stands.
	State OperationState
	// Actor is who started it, Reason why, Ticket what asked for it.
	Actor, Reason, Ticket string
	// RunID is the run that it is about; empty if it is about none.
	RunID string
	// Matching is how many jobs matched when it began.
	Matching int64
	// Applied is how many were changed, Unchanged how many needed no change, Refused how many were
	// refused.
	Applied, Unchanged, Refused int64
	// CreateTime is when it was started.
	CreateTime time.Time
	// FinishTime is when it ended; zero while it works.
	FinishTime time.Time
}

func toOperation(o *pb.Operation) *Operation {
	return &Operation{
		ID: o.GetOperationId(), Tenant: o.GetTenant(), Kind: OperationKind(o.GetKind()),
		State: OperationState(o.GetState()), Actor: o.GetActor(), Reason: o.GetReason(),
		Ticket: o.GetTicket(), RunID: o.GetRunId(), Matching: o.GetMatching(),
		Applied: o.GetApplied(), Unchanged: o.GetUnchanged(), Refused: o.GetRefused(),
		CreateTime: toTime(o.GetCreateTime()), FinishTime: toTime(o.GetFinishTime()),
	}
}
