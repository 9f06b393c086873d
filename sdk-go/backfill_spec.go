package orchestrator

import (
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// BackfillSpec is what a backfill does.
type BackfillSpec struct {
	// Source and Scope name the series; the scope is empty if the source has none.
	Source, Scope string
	// Start is the event time from which on it covers; rounded down to the start of a window.
	Start time.Time
	// End is the event time up to which it covers; rounded up to the end of a window.
	End time.Time
	// Job is the job of each window. Its source is the backfill's; IdempotencyKey, NotBefore and
	// Window must be zero. With a low Priority live work goes first.
	Job JobRequest
	// MaxParallel is the most of its jobs that may be unfinished at once; 10 if 0.
	MaxParallel int
	// RepeatCovered: windows that are covered are covered again.
	RepeatCovered bool
}

// BackfillPreview is what a backfill would do.
type BackfillPreview struct {
	// Windows is how many windows the range has.
	Windows int64
	// Covered is how many of them are covered.
	Covered int64
	// InProgress is how many unfinished jobs are to cover already.
	InProgress int64
	// NotDue is how many are not due yet; they are left out.
	NotDue int64
	// Jobs is how many jobs it would make.
	Jobs int64
	// Start and End are the range after rounding.
	Start, End time.Time
	// MeanJob is how long one job takes by the newest attempts of the series; 0 if there are none.
	MeanJob time.Duration
	// Estimated is how long all of it takes at that pace, if nothing limits it; 0 if unknown.
	Estimated time.Duration
	// LimitedBy are what has limits that apply to its jobs.
	LimitedBy []FlowScope
	// Sample are the first 10 windows that it would cover.
	Sample []EventWindow
}

// Backfill is a backfill as the ledger has it.
type Backfill struct {
	// ID is a UUID.
	ID string
	// Tenant is the owner.
	Tenant string
	// Spec is what it does, its range rounded.
	Spec BackfillSpec
	// State is where it stands.
	State BackfillState
	// Actor is who started it, Reason why, Ticket what asked for it.
	Actor, Reason, Ticket string
	// Windows is how many windows the range has.
	Windows int64
	// Covered is how many its jobs covered.
	Covered int64
	// Shared is how many were covered already, or by jobs that are not its own.
	Shared int64
	// InProgress is how many of its jobs are unfinished.
	InProgress int64
	// Failed is how many failed: their job is dead or was cancelled.
	Failed int64
	// CreateTime is when it was started.
	CreateTime time.Time
	// FinishTime is when it ended; zero while it works.
	FinishTime time.Time
}

func (s *BackfillSpec) toMessage() (*pb.BackfillSpec, error) {
	job, err := s.Job.toTemplateSpec()
	if err != nil {
		return nil, err
	}
	return &pb.BackfillSpec{
		Source: s.Source, Scope: s.Scope, StartTime: toTimestamp(s.Start),
		EndTime: toTimestamp(s.End), Job: job, MaxParallel: int32(s.MaxParallel),
		RepeatCovered: s.RepeatCovered,
	}, nil
}

func toBackfillSpec(s *pb.BackfillSpec) BackfillSpec {
	return BackfillSpec{
		Source: s.GetSource(), Scope: s.GetScope(), Start: toTime(s.GetStartTime()),
		End: toTime(s.GetEndTime()), Job: toJobRequest(s.GetJob()),
		MaxParallel: int(s.GetMaxParallel()), RepeatCovered: s.GetRepeatCovered(),
	}
}

func toPreview(p *pb.PreviewBackfillResponse) *BackfillPreview {
	preview := &BackfillPreview{
		Windows: p.GetWindows(), Covered: p.GetCovered(), InProgress: p.GetInProgress(),
		NotDue: p.GetNotDue(), Jobs: p.GetJobs(), Start: toTime(p.GetStartTime()),
		End: toTime(p.GetEndTime()), MeanJob: p.GetMeanJobDuration().AsDuration(),
		Estimated: p.GetEstimatedDuration().AsDuration(),
		LimitedBy: convert(p.GetLimits(), func(s *pb.FlowSettings) FlowScope {
			return toScope(s.GetScope())
		}),
	}
	for _, window := range p.GetSample() {
		if w := toWindow(window); w != nil {
			preview.Sample = append(preview.Sample, *w)
		}
	}
	return preview
}

func toBackfill(b *pb.Backfill) *Backfill {
	return &Backfill{
		ID: b.GetBackfillId(), Tenant: b.GetTenant(), Spec: toBackfillSpec(b.GetSpec()),
		State: BackfillState(b.GetState()), Actor: b.GetActor(), Reason: b.GetReason(),
		Ticket: b.GetTicket(), Windows: b.GetWindows(), Covered: b.GetCovered(),
		Shared: b.GetShared(), InProgress: b.GetInProgress(), Failed: b.GetFailed(),
		CreateTime: toTime(b.GetCreateTime()), FinishTime: toTime(b.GetFinishTime()),
	}
}
