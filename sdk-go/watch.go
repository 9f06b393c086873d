package orchestrator

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/protobuf/proto"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// WatchJobs yields each job as it is, then again after each change, without payloads, and ends
// when all have finished. It goes on after a broken stream, for as long as ctx lives; what did
// not change meanwhile is not yielded again. Changes in quick succession may arrive as one. Up
// to 1,000 jobs. The sequence ends after an error. Errors: JOB_NOT_FOUND.
func (c *Client) WatchJobs(ctx context.Context, jobIDs ...string) iter.Seq2[*Job, error] {
	return c.watch(ctx, &watched{jobIDs: jobIDs, seen: make(map[string]*pb.Job)})
}

// WatchRun is [Client.WatchJobs] for all jobs of a run. Errors: RUN_NOT_FOUND.
func (c *Client) WatchRun(ctx context.Context, runID string) iter.Seq2[*Job, error] {
	return c.watch(ctx, &watched{runID: runID, seen: make(map[string]*pb.Job)})
}

// WaitForJob waits until a job has finished, however it ends, and returns it. Errors:
// JOB_NOT_FOUND.
func (c *Client) WaitForJob(ctx context.Context, jobID string) (*JobDetail, error) {
	for job, err := range c.WatchJobs(ctx, jobID) {
		if err != nil {
			return nil, err
		}
		if job.State.IsTerminal() {
			break
		}
	}
	return c.GetJob(ctx, jobID)
}

// watched is what is left to watch, and what was said last of each job.
type watched struct {
	jobIDs []string
	runID  string
	seen   map[string]*pb.Job
}

// request returns the request for what is left; nil when every job named has finished.
func (w *watched) request() *pb.WatchJobsRequest {
	if w.runID != "" {
		return &pb.WatchJobsRequest{Target: &pb.WatchJobsRequest_RunId{RunId: w.runID}}
	}
	left := []string{}
	for _, id := range w.jobIDs {
		if !JobState(w.seen[id].GetState()).IsTerminal() {
			left = append(left, id)
		}
	}
	if len(left) == 0 && len(w.jobIDs) > 0 {
		return nil
	}
	return &pb.WatchJobsRequest{
		Target: &pb.WatchJobsRequest_Jobs{Jobs: &pb.JobIds{JobIds: left}},
	}
}

// take reports whether this is news: a new stream repeats what the old one said.
func (w *watched) take(job *pb.Job) bool {
	if last := w.seen[job.GetJobId()]; last != nil && proto.Equal(last, job) {
		return false
	}
	w.seen[job.GetJobId()] = job
	return true
}

var errStopped = errors.New("the consumer wants no more")

func (c *Client) watch(ctx context.Context, w *watched) iter.Seq2[*Job, error] {
	return func(yield func(*Job, error) bool) {
		for tries := 0; ; tries++ {
			request := w.request()
			if request == nil {
				return
			}
			heard, err := c.watchOnce(ctx, request, w, yield)
			if err == nil || errors.Is(err, errStopped) {
				return
			}
			if ctx.Err() != nil {
				yield(nil, callEnded(ctx, nil))
				return
			}
			failure := toError(err)
			if !failure.isRetryable {
				yield(nil, failure)
				return
			}
			if heard {
				tries = 0
			}
			if !pause(ctx, callBackoff(tries, failure.RetryAfter)) {
				yield(nil, callEnded(ctx, failure))
				return
			}
		}
	}
}

// watchOnce follows one stream to its end; heard says whether anything came.
func (c *Client) watchOnce(
	ctx context.Context, request *pb.WatchJobsRequest, w *watched, yield func(*Job, error) bool,
) (heard bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.conn.jobs().WatchJobs(ctx, request)
	if err != nil {
		return false, err
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return heard, nil
		}
		if err != nil {
			return heard, err
		}
		heard = true
		for _, job := range response.GetJobs() {
			if w.take(job) && !yield(toJob(job), nil) {
				return heard, errStopped
			}
		}
	}
}
