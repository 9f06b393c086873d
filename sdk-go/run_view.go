package orchestrator

import (
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// CreatedRun is a run that was made.
type CreatedRun struct {
	// ID is a UUIDv7.
	ID string
	// JobIDs are the jobs' ids by their names.
	JobIDs map[string]string
	// AlreadyExisted: an earlier try of the same call had made it.
	AlreadyExisted bool
}

// Run is a run as the ledger has it. Empty strings mean "none".
type Run struct {
	// ID is a UUIDv7.
	ID string
	// Tenant and Project say who owns it.
	Tenant, Project string
	// DisplayName is for people.
	DisplayName string
	// CorrelationID is what its jobs inherit.
	CorrelationID string
	// CreateTime is when it was made.
	CreateTime time.Time
	// State is the sum of its jobs; 0 where it is not told: only [Client.GetRun] does.
	State RunState
	// Counts says how many jobs stand where; states without jobs are missing. Told by
	// [Client.GetRun] only.
	Counts map[JobState]int
	// Skipped is how many of the cancelled jobs were skipped: the run did not need them. Told by
	// [Client.GetRun] only.
	Skipped int
	// IsOpen: [Runs.Append] can add to it.
	IsOpen bool
	// IsCancelRequested: somebody cancelled it as a whole.
	IsCancelRequested bool
	// IsBuilding: a replay whose jobs are still being written; none of them starts before.
	IsBuilding bool
	// ReplayOf is the run that this one replays.
	ReplayOf string
	// Pipeline and PipelineVersion are what it was made from; 0 without a pipeline.
	Pipeline        string
	PipelineVersion int
	// Schedule is what made it.
	Schedule string
	// Jobs are in the order in which they were asked for, without payloads, results and
	// checkpoints. Of a replay also those of the first run that it reuses; their RunID tells.
	Jobs []*Job
	// Edges are its dependencies.
	Edges []Edge
	// IsTruncated: it has more than 1,000 jobs, and Jobs and Edges are empty; [Client.ListJobs]
	// pages through them.
	IsTruncated bool
}

// Edge is a dependency between two jobs of a run.
type Edge struct {
	// FromJobID is the job that must end first, ToJobID the one that waits.
	FromJobID, ToJobID string
	// OnFailure is what happens when the first does not succeed.
	OnFailure OnFailure
	// When is which end of the first lets the second go.
	When EdgeCondition
	// IncludesFanOut: the second waits for what the first fans out, too.
	IncludesFanOut bool
}

// AppendedJobs is what was appended to a run.
type AppendedJobs struct {
	// JobIDs are the jobs' ids by their names.
	JobIDs map[string]string
	// Existing is how many of them were there already, with the same content.
	Existing int
}

// Replay is a run that replays another one, or what one would be.
type Replay struct {
	// RunID is the new run; empty after a dry run.
	RunID string
	// Jobs are what runs again and what is reused, the first 1,000.
	Jobs []ReplayedJob
	// RunningCount is how many jobs run again, ReusedCount how many are reused.
	RunningCount, ReusedCount int
}

// ReplayedJob is a job of the first run and what a replay does with it.
type ReplayedJob struct {
	// Name is its name.
	Name string
	// JobID is its id in the first run.
	JobID string
	// Cause is why it is part of the replay.
	Cause ReplayCause
	// State is where it stood in the first run.
	State JobState
}

func toRun(r *pb.Run) *Run {
	run := &Run{
		ID: r.GetRunId(), Tenant: r.GetTenant(), Project: r.GetProject(),
		DisplayName: r.GetDisplayName(), CorrelationID: r.GetCorrelationId(),
		CreateTime: toTime(r.GetCreateTime()), State: RunState(r.GetState()),
		Counts:  make(map[JobState]int, len(r.GetCounts())),
		Skipped: int(r.GetSkipped()), IsOpen: r.GetOpen(),
		IsCancelRequested: r.GetCancelRequested(), IsBuilding: r.GetBuilding(),
		ReplayOf: r.GetReplayOf(), Pipeline: r.GetPipeline(),
		PipelineVersion: int(r.GetPipelineVersion()), Schedule: r.GetSchedule(),
	}
	for _, count := range r.GetCounts() {
		run.Counts[JobState(count.GetState())] = int(count.GetCount())
	}
	return run
}

func toEdge(e *pb.Edge) Edge {
	return Edge{
		FromJobID: e.GetFromJobId(), ToJobID: e.GetToJobId(),
		OnFailure: OnFailure(e.GetOnFailure()), When: EdgeCondition(e.GetCondition()),
		IncludesFanOut: e.GetIncludeFanOut(),
	}
}

func toReplay(r *pb.ReplayRunResponse) *Replay {
	return &Replay{
		RunID:        r.GetRun().GetRunId(),
		RunningCount: int(r.GetRunningCount()),
		ReusedCount:  int(r.GetReusedCount()),
		Jobs: convert(r.GetJobs(), func(j *pb.ReplayedJob) ReplayedJob {
			return ReplayedJob{
				Name: j.GetName(), JobID: j.GetJobId(), Cause: ReplayCause(j.GetCause()),
				State: JobState(j.GetState()),
			}
		}),
	}
}
