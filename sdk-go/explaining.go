package orchestrator

import (
	"context"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Explanation says why a job does not run.
type Explanation struct {
	// State is where the job stands.
	State JobState
	// BlockedBy is one of [*BlockedByDependency], [*BlockedBySchedule], [*BlockedByWorkers],
	// [*BlockedByPause], [*BlockedByBlackout], [*BlockedByQuota], [*BlockedByConcurrency],
	// [*BlockedByLimiter] and [*BlockedByBreaker]; nil when the job runs, has finished, or is
	// about to be claimed.
	BlockedBy BlockedBy
}

// BlockedBy is the one thing that a job waits for.
type BlockedBy interface{ isBlockedBy() }

// BlockedByDependency says that jobs that it depends on have not succeeded yet.
type BlockedByDependency struct {
	// JobIDs are up to 100 of them, Count is how many in all.
	JobIDs []string
	Count  int
	// Held: one of them can no longer succeed by itself, and the edge says hold.
	Held bool
}

// BlockedBySchedule says that it waits for a moment.
type BlockedBySchedule struct {
	// ReadyTime is the moment.
	ReadyTime time.Time
}

// BlockedByWorkers says that no connected worker takes its type from its queue, or that all which
// do are full.
type BlockedByWorkers struct {
	// CapableWorkers take the job's type, counted on the replica that answered.
	CapableWorkers int
}

// FlowScope is what a limit is set on.
type FlowScope struct {
	// Kind is what kind of thing.
	Kind FlowScopeKind
	// Name is empty for the tenant.
	Name string
}

// BlockedByPause says that somebody paused it.
type BlockedByPause struct {
	// Scope is what is paused.
	Scope FlowScope
	// Reason is why.
	Reason string
	// ExpireTime is when it ends by itself; zero if it does not.
	ExpireTime time.Time
}

// BlockedByBlackout says that it waits for the end of a window.
type BlockedByBlackout struct {
	// Scope is whose window it is, Name is the window's.
	Scope FlowScope
	Name  string
	// EndTime is when it ends.
	EndTime time.Time
}

// BlockedByQuota says that it waits for a quota of its tenant.
type BlockedByQuota struct {
	// Quota is which one, such as "jobs_per_hour".
	Quota string
	// Limit is what it allows, Used is what is used.
	Limit, Used int64
	// ResetTime is when it starts again; zero for active jobs.
	ResetTime time.Time
}

// BlockedByConcurrency says that it waits for others to finish.
type BlockedByConcurrency struct {
	// Scope is what is limited.
	Scope FlowScope
	// Limit is how many may be out at once, Active is how many are.
	Limit, Active int
	// Dynamic: the server lowered the limit by itself.
	Dynamic bool
}

// BlockedByLimiter says that it waits for its turn under a rate.
type BlockedByLimiter struct {
	// Scope is what is limited.
	Scope FlowScope
	// RatePerSecond is how many go per second now.
	RatePerSecond float64
	// RetryTime is when the next one can go, at the earliest.
	RetryTime time.Time
}

// BlockedByBreaker says that it waits for a circuit breaker.
type BlockedByBreaker struct {
	// Scope is what broke.
	Scope FlowScope
	// Phase is where the breaker stands.
	Phase BreakerPhase
	// OpenUntil is when it lets a probe out.
	OpenUntil time.Time
}

func (*BlockedByDependency) isBlockedBy()  {}
func (*BlockedBySchedule) isBlockedBy()    {}
func (*BlockedByWorkers) isBlockedBy()     {}
func (*BlockedByPause) isBlockedBy()       {}
func (*BlockedByBlackout) isBlockedBy()    {}
func (*BlockedByQuota) isBlockedBy()       {}
func (*BlockedByConcurrency) isBlockedBy() {}
func (*BlockedByLimiter) isBlockedBy()     {}
func (*BlockedByBreaker) isBlockedBy()     {}

// ExplainJob says why a job does not run. Errors: JOB_NOT_FOUND.
func (c *Client) ExplainJob(ctx context.Context, jobID string) (*Explanation, error) {
	response, err := call(ctx, c, func(ctx context.Context) (*pb.ExplainJobResponse, error) {
		return c.conn.jobs().ExplainJob(ctx, &pb.ExplainJobRequest{JobId: jobID})
	})
	if err != nil {
		return nil, err
	}
	return &Explanation{
		State: JobState(response.GetState()), BlockedBy: toBlockedBy(response.GetBlockedBy()),
	}, nil
}

// toBlockedBy answers nil for no cause, and for one that is newer than this SDK.
func toBlockedBy(blockedBy *pb.BlockedBy) BlockedBy {
	switch cause := blockedBy.GetCause().(type) {
	case *pb.BlockedBy_Dependency:
		d := cause.Dependency
		return &BlockedByDependency{d.GetJobIds(), int(d.GetCount()), d.GetHeld()}
	case *pb.BlockedBy_Schedule:
		return &BlockedBySchedule{toTime(cause.Schedule.GetReadyTime())}
	case *pb.BlockedBy_Workers:
		return &BlockedByWorkers{int(cause.Workers.GetCapableWorkers())}
	case *pb.BlockedBy_Pause:
		p := cause.Pause
		return &BlockedByPause{toScope(p.GetScope()), p.GetReason(), toTime(p.GetExpireTime())}
	case *pb.BlockedBy_Blackout:
		b := cause.Blackout
		return &BlockedByBlackout{toScope(b.GetScope()), b.GetName(), toTime(b.GetEndTime())}
	case *pb.BlockedBy_Quota:
		q := cause.Quota
		return &BlockedByQuota{q.GetQuota(), q.GetLimit(), q.GetUsed(), toTime(q.GetResetTime())}
	case *pb.BlockedBy_Concurrency:
		c := cause.Concurrency
		return &BlockedByConcurrency{
			toScope(c.GetScope()), int(c.GetLimit()), int(c.GetActive()), c.GetDynamic(),
		}
	case *pb.BlockedBy_Limiter:
		l := cause.Limiter
		return &BlockedByLimiter{
			toScope(l.GetScope()), l.GetRatePerSecond(), toTime(l.GetRetryTime()),
		}
	case *pb.BlockedBy_Breaker:
		b := cause.Breaker
		return &BlockedByBreaker{
			toScope(b.GetScope()), BreakerPhase(b.GetPhase()), toTime(b.GetOpenUntil()),
		}
	}
	return nil
}

// causeName is the name of a cause, such as "limiter"; empty for one newer than this SDK.
func causeName(blockedBy *pb.BlockedBy) string {
	message := blockedBy.ProtoReflect()
	field := message.WhichOneof(message.Descriptor().Oneofs().ByName("cause"))
	if field == nil {
		return ""
	}
	return string(field.Name())
}

func toScope(scope *pb.FlowScope) FlowScope {
	return FlowScope{FlowScopeKind(scope.GetKind()), scope.GetName()}
}
