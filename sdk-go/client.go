package orchestrator

import (
	"context"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Client puts work in, looks at it, stops it, runs it again.
//
// Every method returns an [*Error]. Calls that fail for a passing reason are repeated with full
// jitter until the context's deadline, or [WithTimeout] if it has none, is over; every call is
// safe to repeat. One HTTP/2 connection is opened by the first call. A Client is safe for
// concurrent use.
type Client struct {
	config    clientConfig
	conn      *connection
	enqueuer  *enqueuer
	artifacts *Artifacts
}

// NewClient makes a client; it does not connect yet. Errors: URL_INVALID.
func NewClient(options ...ClientOption) (*Client, error) {
	config := clientConfig{
		connectionConfig: connectionConfig{endpoint: defaultEndpoint()},
		timeout:          time.Minute,
		maxQueuedJobs:    100_000,
		maxQueuedBytes:   256 << 20,
	}
	for _, option := range options {
		option.applyToClient(&config)
	}
	return newClient(config)
}

func newClient(config clientConfig) (*Client, error) {
	conn, err := newConnection(config.endpoint)
	if err != nil {
		return nil, err
	}
	c := &Client{config: config, conn: conn}
	c.artifacts = &Artifacts{service: conn.artifacts(), stallTimeout: config.timeout}
	c.enqueuer = &enqueuer{
		send:     c.sendBatch,
		maxJobs:  config.maxQueuedJobs,
		maxBytes: config.maxQueuedBytes,
	}
	return c, nil
}

// Close waits for what is being enqueued, then closes the connection. Idempotent.
func (c *Client) Close() error {
	c.enqueuer.close()
	return c.conn.close()
}

// Artifacts gives access to the bytes that jobs produce or read.
func (c *Client) Artifacts() *Artifacts { return c.artifacts }

// Runs gives access to live and finished runs; [Client.CreateRun] makes them, [Client.GetRun]
// shows them.
func (c *Client) Runs() *Runs { return &Runs{c} }

// Pipelines gives access to named runs that the ledger keeps.
func (c *Client) Pipelines() *Pipelines { return &Pipelines{c} }

// Watermarks tells up to which event time sources are complete.
func (c *Client) Watermarks() *Watermarks { return &Watermarks{c} }

// Backfills covers event time that was missed, or covers it again.
func (c *Client) Backfills() *Backfills { return &Backfills{c} }

// EnqueuedJob is a job that is in the ledger.
type EnqueuedJob struct {
	// ID is the job's id, a UUIDv7.
	ID string
	// Outcome is EnqueueCreated, or EnqueueDuplicate when the idempotency key was known: then ID
	// is the first job's.
	Outcome EnqueueOutcome
}

// EnqueueResult is what became of one job of [Client.EnqueueMany].
type EnqueueResult struct {
	EnqueuedJob
	// Err is why the job was rejected or could not be sent; nil otherwise.
	Err error
}

// Enqueue puts one job into the ledger; once it returns, the job is durable. Concurrent calls
// share a batch. See [JobRequest] for payload, which must not be changed meanwhile. Errors:
// IDEMPOTENCY_CONFLICT, PAYLOAD_TOO_LARGE, PAYLOAD_ARTIFACT_NOT_FOUND, QUEUE_FULL, and
// CodeInvalidArgument with Violations.
func (c *Client) Enqueue(
	ctx context.Context, jobType string, payload any, options ...JobOption,
) (EnqueuedJob, error) {
	request := JobRequest{Type: jobType, Payload: payload}
	for _, option := range options {
		option(&request)
	}
	spec, err := request.toSpec(ctx, c.config.traceHook)
	if err != nil {
		return EnqueuedJob{}, err
	}
	result := toResult(spec, c.enqueuer.add(ctx, spec))
	return result.EnqueuedJob, result.Err
}

// EnqueueMany puts many jobs into the ledger; a result per job, in order. A job that is rejected
// or cannot be encoded does not stop its neighbours. All jobs are encoded in memory: for
// millions, call this in slices.
func (c *Client) EnqueueMany(ctx context.Context, requests []JobRequest) []EnqueueResult {
	results := make([]EnqueueResult, len(requests))
	var specs []*pb.JobSpec
	var indexes []int
	for i := range requests {
		spec, err := requests[i].toSpec(ctx, c.config.traceHook)
		if err != nil {
			results[i] = rejected(err)
			continue
		}
		specs, indexes = append(specs, spec), append(indexes, i)
	}
	for len(specs) > 0 {
		n := firstBatch(specs, specSize)
		for i, answer := range sendIsolated(ctx, c.sendBatch, specs[:n]) {
			results[indexes[i]] = toResult(specs[i], answer)
		}
		specs, indexes = specs[n:], indexes[n:]
	}
	return results
}

func (c *Client) sendBatch(
	ctx context.Context, specs []*pb.JobSpec,
) ([]*pb.EnqueueResult, error) {
	response, err := call(ctx, c, func(ctx context.Context) (*pb.EnqueueJobsResponse, error) {
		return c.conn.jobs().EnqueueJobs(ctx, &pb.EnqueueJobsRequest{Jobs: specs})
	})
	return response.GetResults(), err
}

// call makes a call of a client's connection, with retries within the client's timeout.
func call[T any](ctx context.Context, c *Client, rpc func(context.Context) (T, error)) (T, error) {
	return withRetries(ctx, c.config.timeout, rpc)
}

func rejected(err error) EnqueueResult {
	return EnqueueResult{EnqueuedJob: EnqueuedJob{Outcome: EnqueueRejected}, Err: err}
}

// toResult turns an answer into a result. A DUPLICATE of our own id is our own earlier try whose
// answer was lost.
func toResult(spec *pb.JobSpec, answer enqueued) EnqueueResult {
	if answer.err != nil {
		return rejected(answer.err)
	}
	id, outcome := answer.result.GetJobId(), EnqueueOutcome(answer.result.GetOutcome())
	switch outcome {
	case EnqueueCreated:
	case EnqueueDuplicate:
		if id == spec.GetJobId() {
			outcome = EnqueueCreated
		}
	default:
		return rejected(fromItem(answer.result.GetError()))
	}
	return EnqueueResult{EnqueuedJob: EnqueuedJob{ID: id, Outcome: outcome}}
}
