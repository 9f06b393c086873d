package orchestrator

import (
	"context"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// RunRequest is a run that is to be made: all of it or nothing.
type RunRequest struct {
	// DisplayName is for people.
	DisplayName string
	// Project is the project within the tenant; jobs without one inherit it.
	Project string
	// CorrelationID is inherited by jobs without one: inside a handler its own job's, else the
	// run's id, if empty.
	CorrelationID string
	// Jobs are the jobs, up to 1,000.
	Jobs []RunJob
}

// RunJob is a job of a run that is to be made.
type RunJob struct {
	// Name is unique in the run.
	Name string
	// JobRequest is the job.
	JobRequest
	// DependsOn is what must succeed before it starts.
	DependsOn []Dependency
}

// Dependency is an edge as the dependent job names it.
type Dependency struct {
	// Name is the job that must succeed first.
	Name string
	// OnFailure is what happens when it does not; OnFailureCancel if 0.
	OnFailure OnFailure
}

// After lists dependencies that cancel the waiting job when they fail.
func After(names ...string) []Dependency {
	dependencies := make([]Dependency, len(names))
	for i, name := range names {
		dependencies[i].Name = name
	}
	return dependencies
}

// CreatedRun is a run that was made.
type CreatedRun struct {
	// ID is a UUIDv7.
	ID string
	// JobIDs are the jobs' ids by their names.
	JobIDs map[string]string
	// AlreadyExisted: an earlier try of the same call had made it.
	AlreadyExisted bool
}

// Run is a run as the ledger has it.
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
	// State is the sum of its jobs.
	State RunState
	// Counts says how many jobs stand where; states without jobs are missing.
	Counts map[JobState]int
	// Jobs are in the order of the request that made it, without payloads.
	Jobs []*Job
	// Edges are its dependencies.
	Edges []Edge
}

// Edge is a dependency between two jobs of a run.
type Edge struct {
	// FromJobID is the job that must succeed first, ToJobID the one that waits.
	FromJobID, ToJobID string
	// OnFailure is what happens when the first does not succeed.
	OnFailure OnFailure
}

// CreateRun makes a run of jobs with edges between them: all of it or nothing. Errors:
// CodeInvalidArgument with GRAPH_CYCLE, GRAPH_UNKNOWN_JOB, GRAPH_DUPLICATE_NAME or
// GRAPH_REPEATED_EDGE and violations that name the edge, PAYLOAD_TOO_LARGE,
// PAYLOAD_ARTIFACT_NOT_FOUND, IDEMPOTENCY_CONFLICT.
func (c *Client) CreateRun(ctx context.Context, request RunRequest) (*CreatedRun, error) {
	message, err := c.toCreateRun(ctx, request)
	if err != nil {
		return nil, err
	}
	response, err := call(ctx, c, func(ctx context.Context) (*pb.CreateRunResponse, error) {
		return c.conn.runs().CreateRun(ctx, message)
	})
	if err != nil {
		return nil, err
	}
	run := &CreatedRun{
		ID:             message.GetRunId(),
		JobIDs:         make(map[string]string, len(request.Jobs)),
		AlreadyExisted: response.GetAlreadyExisted(),
	}
	for i, id := range response.GetJobIds() {
		if i < len(request.Jobs) {
			run.JobIDs[request.Jobs[i].Name] = id
		}
	}
	return run, nil
}

func (c *Client) toCreateRun(
	ctx context.Context, request RunRequest,
) (*pb.CreateRunRequest, error) {
	message := &pb.CreateRunRequest{
		RunId:         newID(),
		DisplayName:   request.DisplayName,
		Project:       request.Project,
		CorrelationId: request.CorrelationID,
		Jobs:          make([]*pb.RunJob, len(request.Jobs)),
	}
	if message.CorrelationId == "" {
		message.CorrelationId = lineageOf(ctx).correlationID
	}
	for i := range request.Jobs {
		job := &request.Jobs[i]
		spec, err := job.toSpec(ctx, c.config.traceHook)
		if err != nil {
			return nil, err
		}
		// Not the handler's: the job inherits the run's, which has it already.
		spec.CorrelationId = job.CorrelationID
		message.Jobs[i] = &pb.RunJob{Name: job.Name, Spec: spec}
		for _, d := range job.DependsOn {
			message.Jobs[i].DependsOn = append(message.Jobs[i].DependsOn,
				&pb.Dependency{Name: d.Name, OnFailure: pb.OnFailure(d.OnFailure)})
		}
	}
	return message, nil
}

// GetRun returns a run with its jobs and edges. Errors: RUN_NOT_FOUND.
func (c *Client) GetRun(ctx context.Context, runID string) (*Run, error) {
	response, err := call(ctx, c, func(ctx context.Context) (*pb.GetRunResponse, error) {
		return c.conn.runs().GetRun(ctx, &pb.GetRunRequest{RunId: runID})
	})
	if err != nil {
		return nil, err
	}
	r := response.GetRun()
	run := &Run{
		ID: r.GetRunId(), Tenant: r.GetTenant(), Project: r.GetProject(),
		DisplayName: r.GetDisplayName(), CorrelationID: r.GetCorrelationId(),
		CreateTime: toTime(r.GetCreateTime()), State: RunState(r.GetState()),
		Counts: make(map[JobState]int, len(r.GetCounts())),
	}
	for _, count := range r.GetCounts() {
		run.Counts[JobState(count.GetState())] = int(count.GetCount())
	}
	for _, job := range response.GetJobs() {
		run.Jobs = append(run.Jobs, toJob(job))
	}
	for _, edge := range response.GetEdges() {
		run.Edges = append(run.Edges, Edge{
			FromJobID: edge.GetFromJobId(), ToJobID: edge.GetToJobId(),
			OnFailure: OnFailure(edge.GetOnFailure()),
		})
	}
	return run, nil
}
