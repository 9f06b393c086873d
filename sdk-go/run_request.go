package orchestrator

import (
	"context"

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
	// Jobs are the jobs, up to 1,000; larger runs are kept open and filled with [Runs.Append].
	Jobs []RunJob
	// KeepOpen: more is to come. The run is active until [Runs.Close], whatever its jobs do.
	KeepOpen bool
}

// RunJob is a job of a run that is to be made.
type RunJob struct {
	// Name is unique in the run.
	Name string
	// JobRequest is the job.
	JobRequest
	// DependsOn is what must end before it starts.
	DependsOn []Dependency
}

// Dependency is an edge as the dependent job names it.
type Dependency struct {
	// Name is the job that must end first.
	Name string
	// OnFailure is what happens when it does not succeed; OnFailureCancel if 0. Goes with
	// WhenSuccess only.
	OnFailure OnFailure
	// When is which end of it lets the job go; WhenSuccess if 0.
	When EdgeCondition
	// IncludeFanOut declares a join: the job also waits, in the same way, for every job that the
	// named one fans out (see [ActiveJob.FanOut]), and for what those fan out.
	IncludeFanOut bool
}

// After lists dependencies that cancel the waiting job when they fail.
func After(names ...string) []Dependency {
	dependencies := make([]Dependency, len(names))
	for i, name := range names {
		dependencies[i].Name = name
	}
	return dependencies
}

func (d Dependency) toMessage() *pb.Dependency {
	return &pb.Dependency{
		Name: d.Name, OnFailure: pb.OnFailure(d.OnFailure),
		Condition: pb.EdgeCondition(d.When), IncludeFanOut: d.IncludeFanOut,
	}
}

// toDependency leaves out what the contract would not take back.
func toDependency(d *pb.Dependency) Dependency {
	dependency := Dependency{
		Name: d.GetName(), When: EdgeCondition(d.GetCondition()),
		IncludeFanOut: d.GetIncludeFanOut(),
	}
	if dependency.When == 0 || dependency.When == WhenSuccess {
		dependency.OnFailure = OnFailure(d.GetOnFailure())
	}
	return dependency
}

// toRunJobs encodes the jobs of a run. None of them takes the correlation id of the handler that
// makes it: it inherits the run's, which has it already.
func (c *Client) toRunJobs(ctx context.Context, jobs []RunJob) ([]*pb.RunJob, error) {
	messages := make([]*pb.RunJob, len(jobs))
	for i := range jobs {
		job := &jobs[i]
		spec, err := job.toSpec(ctx, c.config.traceHook)
		if err != nil {
			return nil, err
		}
		spec.CorrelationId = job.CorrelationID
		messages[i] = &pb.RunJob{
			Name: job.Name, Spec: spec, DependsOn: convert(job.DependsOn, Dependency.toMessage),
		}
	}
	return messages, nil
}

// toAppendedJobs encodes jobs for a live run. They have no ids of the SDK's choosing: a run knows
// a job by its name, so that a handler's second attempt finds what the first one fanned out.
func (c *Client) toAppendedJobs(ctx context.Context, jobs []RunJob) ([]*pb.RunJob, error) {
	messages, err := c.toRunJobs(ctx, jobs)
	for _, message := range messages {
		message.Spec.JobId = ""
	}
	return messages, err
}

func (c *Client) toCreateRun(
	ctx context.Context, request RunRequest,
) (*pb.CreateRunRequest, error) {
	jobs, err := c.toRunJobs(ctx, request.Jobs)
	if err != nil {
		return nil, err
	}
	return &pb.CreateRunRequest{
		RunId:         newID(),
		DisplayName:   request.DisplayName,
		Project:       request.Project,
		CorrelationId: correlationFor(ctx, request.CorrelationID),
		Jobs:          jobs,
		KeepOpen:      request.KeepOpen,
	}, nil
}

// correlationFor is what the caller said, else that of the surrounding handler's job.
func correlationFor(ctx context.Context, explicit string) string {
	if explicit != "" {
		return explicit
	}
	return lineageOf(ctx).correlationID
}

// idsByName pairs names with the ids that an answer lists in the same order.
func idsByName(names []string, ids []string) map[string]string {
	byName := make(map[string]string, len(ids))
	for i, id := range ids {
		if i < len(names) {
			byName[names[i]] = id
		}
	}
	return byName
}

func namesOf(jobs []RunJob) []string {
	return convert(jobs, func(job RunJob) string { return job.Name })
}
