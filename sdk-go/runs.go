package orchestrator

import (
	"context"
	"iter"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// CreateRun makes a run of jobs with edges between them: all of it or nothing. Errors:
// CodeInvalidArgument with GRAPH_CYCLE, GRAPH_UNKNOWN_JOB, GRAPH_DUPLICATE_NAME,
// GRAPH_REPEATED_EDGE or GRAPH_UNREACHABLE and violations that name the edge, GRAPH_TOO_LARGE,
// PAYLOAD_TOO_LARGE, PAYLOAD_ARTIFACT_NOT_FOUND, WINDOW_INVALID, WINDOW_SERIES_NOT_FOUND,
// IDEMPOTENCY_CONFLICT, QUEUE_FULL, QUOTA_EXCEEDED.
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
	return &CreatedRun{
		ID:             message.GetRunId(),
		JobIDs:         idsByName(namesOf(request.Jobs), response.GetJobIds()),
		AlreadyExisted: response.GetAlreadyExisted(),
	}, nil
}

// GetRun returns a run with its jobs and edges. Errors: RUN_NOT_FOUND.
func (c *Client) GetRun(ctx context.Context, runID string) (*Run, error) {
	response, err := call(ctx, c, func(ctx context.Context) (*pb.GetRunResponse, error) {
		return c.conn.runs().GetRun(ctx, &pb.GetRunRequest{RunId: runID})
	})
	if err != nil {
		return nil, err
	}
	run := toRun(response.GetRun())
	run.Jobs = convert(response.GetJobs(), toJob)
	run.Edges = convert(response.GetEdges(), toEdge)
	run.IsTruncated = response.GetTruncated()
	return run, nil
}

// Runs changes live runs and replays finished ones: see [Client.Runs].
type Runs struct{ client *Client }

// RunFilter narrows a list of runs; what is set must all match.
type RunFilter struct {
	// Project is the project within the tenant.
	Project string
	// Pipeline is what they were made from.
	Pipeline string
	// ReplayOf is the run that they replay.
	ReplayOf string
}

// List yields runs, newest first, without state, counts, jobs and edges, fetching pages as they are
// wanted. The sequence ends after an error.
func (r *Runs) List(ctx context.Context, filter RunFilter) iter.Seq2[*Run, error] {
	return pages(func(token string) ([]*Run, string, error) {
		page, err := call(ctx, r.client, func(ctx context.Context) (*pb.ListRunsResponse, error) {
			return r.client.conn.runs().ListRuns(ctx, &pb.ListRunsRequest{
				Project: filter.Project, Pipeline: filter.Pipeline, ReplayOf: filter.ReplayOf,
				PageToken: token,
			})
		})
		return convert(page.GetRuns(), toRun), page.GetNextPageToken(), err
	})
}

// AppendOption goes with [Runs.Append].
type AppendOption func(*pb.AppendJobsRequest)

// WithClose says that this is the last batch: the run is closed in the same transaction.
func WithClose() AppendOption {
	return func(r *pb.AppendJobsRequest) { r.Close = true }
}

// WithFanOut appends under the lease of a job of the run; the run need not be open then.
// [ActiveJob.FanOut] does so for you.
func WithFanOut(lease Lease) AppendOption {
	return func(r *pb.AppendJobsRequest) { r.FanOut = lease.toRef() }
}

// Append adds up to 1,000 jobs to a live run: all of them or none. They can depend on each other
// and on jobs that the run has. A name that the run has already, with the same content, is the
// same job. Errors: those of [Client.CreateRun]; RUN_NOT_FOUND, RUN_CLOSED, RUN_CANCELLED,
// STALE_LEASE, JOB_NOT_IN_RUN, JOB_NAME_CONFLICT.
func (r *Runs) Append(
	ctx context.Context, runID string, jobs []RunJob, options ...AppendOption,
) (*AppendedJobs, error) {
	messages, err := r.client.toAppendedJobs(ctx, jobs)
	if err != nil {
		return nil, err
	}
	request := &pb.AppendJobsRequest{RunId: runID, Jobs: messages}
	for _, option := range options {
		option(request)
	}
	response, err := call(ctx, r.client,
		func(ctx context.Context) (*pb.AppendJobsResponse, error) {
			return r.client.conn.runs().AppendJobs(ctx, request)
		})
	if err != nil {
		return nil, err
	}
	return &AppendedJobs{
		JobIDs:   idsByName(namesOf(jobs), response.GetJobIds()),
		Existing: int(response.GetExisting()),
	}, nil
}

// Close closes an open run: only handlers of its jobs can append from now on. It returns the run
// as it is now, without state, counts, jobs and edges. Safe to repeat. Errors: RUN_NOT_FOUND.
func (r *Runs) Close(ctx context.Context, runID string) (*Run, error) {
	response, err := call(ctx, r.client, func(ctx context.Context) (*pb.CloseRunResponse, error) {
		return r.client.conn.runs().CloseRun(ctx, &pb.CloseRunRequest{RunId: runID})
	})
	if err != nil {
		return nil, err
	}
	return toRun(response.GetRun()), nil
}

// Cancel cancels every unfinished job of a run, in batches. It returns when the ledger has the
// order, not when all have stopped: [Client.WatchRun] tells that. Errors: RUN_NOT_FOUND.
func (r *Runs) Cancel(
	ctx context.Context, runID string, options ...OperationOption,
) (*Operation, error) {
	o := operationOf(options)
	request := &pb.CancelRunRequest{
		RunId: runID, RequestId: newID(), Reason: o.reason, Ticket: o.ticket,
		Grace: optional(o.grace),
	}
	response, err := call(ctx, r.client, func(ctx context.Context) (*pb.CancelRunResponse, error) {
		return r.client.conn.runs().CancelRun(ctx, request)
	})
	if err != nil {
		return nil, err
	}
	return toOperation(response.GetOperation()), nil
}

// ReplayRequest says what of a run runs again.
type ReplayRequest struct {
	// JobNames are the jobs; every one that did not succeed, skipped ones aside, if empty.
	JobNames []string
	// IncludeDownstream: everything that depends on these jobs runs again, too.
	IncludeDownstream bool
	// RerunUpstream: what they depend on runs again, too, instead of being reused.
	RerunUpstream bool
	// DryRun: says what would run, and why, and changes nothing.
	DryRun bool
}

// Replay runs a part of a finished run again, as a new run that is linked to it; the first one's
// history is untouched. Errors: RUN_NOT_FOUND, JOB_NOT_FOUND, RUN_ACTIVE, NOTHING_TO_REPLAY.
func (r *Runs) Replay(
	ctx context.Context, runID string, replay ReplayRequest, options ...OperationOption,
) (*Replay, error) {
	o := operationOf(options)
	request := &pb.ReplayRunRequest{
		RunId: runID, RequestId: newID(), JobNames: replay.JobNames,
		IncludeDownstream: replay.IncludeDownstream, RerunUpstream: replay.RerunUpstream,
		DryRun: replay.DryRun, Reason: o.reason, Ticket: o.ticket,
	}
	response, err := call(ctx, r.client, func(ctx context.Context) (*pb.ReplayRunResponse, error) {
		return r.client.conn.runs().ReplayRun(ctx, request)
	})
	if err != nil {
		return nil, err
	}
	return toReplay(response), nil
}
