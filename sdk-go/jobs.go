package orchestrator

import (
	"context"
	"iter"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// GetJob returns a job with its attempts and artifacts. Errors: JOB_NOT_FOUND.
func (c *Client) GetJob(ctx context.Context, jobID string) (*JobDetail, error) {
	response, err := call(ctx, c, func(ctx context.Context) (*pb.GetJobResponse, error) {
		return c.conn.jobs().GetJob(ctx, &pb.GetJobRequest{JobId: jobID})
	})
	if err != nil {
		return nil, err
	}
	detail := &JobDetail{Job: *toJob(response.GetJob())}
	for _, attempt := range response.GetAttempts() {
		detail.Attempts = append(detail.Attempts, toAttempt(attempt))
	}
	return detail, nil
}

// JobFilter narrows a list of jobs; what is set must all match.
type JobFilter struct {
	// States: any of these.
	States []JobState
	// Types: any of these job types.
	Types []string
	// Queue, Project, Source and RunID: exactly this.
	Queue, Project, Source, RunID string
	// Labels: all of these.
	Labels map[string]string
	// CreatedFrom: enqueued at or after this. CreatedBefore: enqueued before this.
	CreatedFrom, CreatedBefore time.Time
}

// ListJobs yields jobs, newest first, without payloads, fetching pages as they are wanted. The
// sequence ends after an error. Pages are not a snapshot: a job that changes meanwhile can appear
// under its new state or not at all, never twice.
func (c *Client) ListJobs(ctx context.Context, filter JobFilter) iter.Seq2[*Job, error] {
	message := &pb.JobFilter{
		JobTypes: filter.Types, Queue: filter.Queue, Project: filter.Project,
		Source: filter.Source, RunId: filter.RunID, Labels: filter.Labels,
		CreatedFrom:   toTimestamp(filter.CreatedFrom),
		CreatedBefore: toTimestamp(filter.CreatedBefore),
	}
	for _, state := range filter.States {
		message.States = append(message.States, pb.JobState(state))
	}
	return pages(func(token string) ([]*Job, string, error) {
		page, err := call(ctx, c, func(ctx context.Context) (*pb.ListJobsResponse, error) {
			return c.conn.jobs().ListJobs(ctx,
				&pb.ListJobsRequest{Filter: message, PageToken: token})
		})
		return convert(page.GetJobs(), toJob), page.GetNextPageToken(), err
	})
}

// JobEvents yields a job's append-only history, oldest first, fetching pages as they are wanted.
// The sequence ends after an error. Errors: JOB_NOT_FOUND.
func (c *Client) JobEvents(ctx context.Context, jobID string) iter.Seq2[*JobEvent, error] {
	return pages(func(token string) ([]*JobEvent, string, error) {
		page, err := call(ctx, c, func(ctx context.Context) (*pb.ListJobEventsResponse, error) {
			return c.conn.jobs().ListJobEvents(ctx,
				&pb.ListJobEventsRequest{JobId: jobID, PageToken: token})
		})
		return convert(page.GetEvents(), toJobEvent), page.GetNextPageToken(), err
	})
}

// pages walks the pages of a list; it asks for the next one only when it is wanted.
func pages[T any](fetch func(token string) ([]*T, string, error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for token := ""; ; {
			items, next, err := fetch(token)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}

func convert[From, To any](from []From, toOne func(From) To) []To {
	to := make([]To, len(from))
	for i, item := range from {
		to[i] = toOne(item)
	}
	return to
}

// CancelledJob is what became of a request to cancel one job.
type CancelledJob struct {
	// JobID is the job.
	JobID string
	// Outcome is what became of the request.
	Outcome CancelOutcome
	// State is where the job stands now.
	State JobState
}

// RetriedJob is what became of a request to retry one job.
type RetriedJob struct {
	// JobID is the job.
	JobID string
	// Outcome is what became of the request.
	Outcome RetryOutcome
	// State is where the job stands now.
	State JobState
}

// CancelJobs cancels up to 1,000 jobs; a result per job, in order. A running one is asked to stop;
// should it complete first, it has succeeded. Safe to repeat.
func (c *Client) CancelJobs(
	ctx context.Context, jobIDs []string, options ...OperationOption,
) ([]CancelledJob, error) {
	o := operationOf(options)
	request := &pb.CancelJobsRequest{
		JobIds: jobIDs, Reason: o.reason, Ticket: o.ticket, Grace: optional(o.grace),
	}
	response, err := call(ctx, c, func(ctx context.Context) (*pb.CancelJobsResponse, error) {
		return c.conn.jobs().CancelJobs(ctx, request)
	})
	return convert(response.GetResults(), func(r *pb.CancelResult) CancelledJob {
		return CancelledJob{r.GetJobId(), CancelOutcome(r.GetOutcome()), JobState(r.GetState())}
	}), err
}

// RetryJobs makes up to 1,000 dead jobs ready again with fresh budgets, and scheduled ones ready
// now; a result per job, in order. Safe to repeat.
func (c *Client) RetryJobs(
	ctx context.Context, jobIDs []string, options ...OperationOption,
) ([]RetriedJob, error) {
	o := operationOf(options)
	request := &pb.RetryJobsRequest{JobIds: jobIDs, Reason: o.reason, Ticket: o.ticket}
	response, err := call(ctx, c, func(ctx context.Context) (*pb.RetryJobsResponse, error) {
		return c.conn.jobs().RetryJobs(ctx, request)
	})
	return convert(response.GetResults(), func(r *pb.RetryResult) RetriedJob {
		return RetriedJob{r.GetJobId(), RetryOutcome(r.GetOutcome()), JobState(r.GetState())}
	}), err
}
