package orchestrator

import (
	"context"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// enqueued is the server's answer for a spec, or why there is none.
type enqueued struct {
	result *pb.EnqueueResult
	err    *Error
}

// sendBatch makes one EnqueueJobs call, with retries.
type sendBatch func(context.Context, []*pb.JobSpec) ([]*pb.EnqueueResult, error)

// firstBatch returns how many of the specs, taken in order, fit the contract's limits for one
// message; at least one.
func firstBatch[T any](items []T, size func(T) int) int {
	total := 0
	for i, item := range items {
		total += size(item)
		if i > 0 && (i == limits.enqueueItems || total > maxEnqueueBytes) {
			return i
		}
	}
	return len(items)
}

var violatedJob = regexp.MustCompile(`^jobs\[(\d+)\]`)

// violatedJobs returns the indexes of the jobs that a request's violations name.
func violatedJobs(err *Error) map[int]bool {
	named := make(map[int]bool)
	for _, violation := range err.Violations {
		if match := violatedJob.FindStringSubmatch(violation.Field); match != nil {
			index, _ := strconv.Atoi(match[1])
			named[index] = true
		}
	}
	return named
}

// sendIsolated sends a batch so that one bad item never fails its neighbours: when the server
// refuses the request as a whole, the items that its violations name go alone and the rest
// together again; when it names none, every item goes alone.
func sendIsolated(ctx context.Context, send sendBatch, specs []*pb.JobSpec) []enqueued {
	answers := make([]enqueued, len(specs))
	results, err := send(ctx, specs)
	if err == nil {
		for i := range specs {
			answers[i] = answerAt(results, i)
		}
		return answers
	}
	failure := toError(err)
	if len(specs) == 1 || failure.Code != CodeInvalidArgument {
		for i := range specs {
			answers[i].err = failure
		}
		return answers
	}
	named := violatedJobs(failure)
	var rest []*pb.JobSpec
	var restIndexes []int
	for i, spec := range specs {
		if len(named) > 0 && !named[i] {
			rest, restIndexes = append(rest, spec), append(restIndexes, i)
			continue
		}
		answers[i] = sendIsolated(ctx, send, []*pb.JobSpec{spec})[0]
	}
	if len(rest) > 0 {
		for i, answer := range sendIsolated(ctx, send, rest) {
			answers[restIndexes[i]] = answer
		}
	}
	return answers
}

func answerAt(results []*pb.EnqueueResult, i int) enqueued {
	if i >= len(results) {
		return enqueued{err: newError(CodeInternal, "", "the server left a job without an answer")}
	}
	return enqueued{result: results[i]}
}

// waiting is a job that waits for its batch, or for the answer to it.
type waiting struct {
	spec   *pb.JobSpec
	size   int
	answer chan enqueued
	batch  *batch // Set once it is on its way.
}

// batch is what is on its way. Its call is given up once nobody waits for it any more.
type batch struct {
	waiters atomic.Int64
	cancel  context.CancelFunc
}

func (b *batch) leave() {
	if b.waiters.Add(-1) == 0 {
		b.cancel()
	}
}

// enqueuer coalesces concurrent calls into EnqueueJobs batches without a timer: a call that finds
// it idle goes at once, calls that come meanwhile share the next batch. So one caller sees no
// delay and many callers share the cost of an RPC.
type enqueuer struct {
	send     sendBatch
	maxJobs  int
	maxBytes int

	mu      sync.Mutex
	queue   []*waiting
	bytes   int
	pumping bool
	closed  bool
	pumps   sync.WaitGroup
}

// add adds a job and waits for its answer. A ctx that ends withdraws a job that waits; one that
// is on its way may be in the ledger.
func (q *enqueuer) add(ctx context.Context, spec *pb.JobSpec) enqueued {
	if ctx.Err() != nil {
		return enqueued{err: callEnded(ctx, nil)}
	}
	w := &waiting{spec: spec, size: specSize(spec), answer: make(chan enqueued, 1)}
	if err := q.push(w); err != nil {
		return enqueued{err: err}
	}
	select {
	case answer := <-w.answer:
		return answer
	case <-ctx.Done():
		q.withdraw(w)
		return enqueued{err: callEnded(ctx, nil)}
	}
}

func (q *enqueuer) push(w *waiting) *Error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return newError(CodeFailedPrecondition, ReasonClientClosed, "the client is closed")
	}
	if n := len(q.queue); n >= q.maxJobs || n > 0 && q.bytes+w.size > q.maxBytes {
		err := newError(CodeResourceExhausted, ReasonQueueFull, "%d jobs wait to be enqueued", n)
		err.isRetryable = true
		return err.with("waiting", strconv.Itoa(n))
	}
	q.queue = append(q.queue, w)
	q.bytes += w.size
	if !q.pumping {
		q.pumping = true
		q.pumps.Go(q.pump)
	}
	return nil
}

func (q *enqueuer) withdraw(w *waiting) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.batch != nil {
		w.batch.leave()
		return
	}
	for i, other := range q.queue {
		if other == w {
			q.queue = append(q.queue[:i], q.queue[i+1:]...)
			q.bytes -= w.size
			return
		}
	}
}

// pump sends batches until nothing waits.
func (q *enqueuer) pump() {
	// Calls that are about to be made by other goroutines share the first batch.
	runtime.Gosched()
	for {
		ctx, cancel := context.WithCancel(context.Background())
		taken := q.take(&batch{cancel: cancel})
		if taken == nil {
			cancel()
			return
		}
		specs := make([]*pb.JobSpec, len(taken))
		for i, w := range taken {
			specs[i] = w.spec
		}
		for i, answer := range sendIsolated(ctx, q.send, specs) {
			taken[i].answer <- answer
		}
		cancel()
	}
}

// take takes the next batch off the queue; nil ends the pump.
func (q *enqueuer) take(b *batch) []*waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := firstBatch(q.queue, func(w *waiting) int { return w.size })
	if n == 0 {
		q.pumping = false
		return nil
	}
	taken := q.queue[:n:n]
	q.queue = q.queue[n:]
	b.waiters.Store(int64(n))
	for _, w := range taken {
		w.batch = b
		q.bytes -= w.size
	}
	return taken
}

// close waits until nothing waits and nothing is on its way; no job is taken any more.
func (q *enqueuer) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.pumps.Wait()
}
