package orchestrator

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Worker runs handlers for jobs: it claims, renews, reports, reconnects, drains.
//
// It holds one stream and never gives it up for good: whatever happens to the server or the
// network, it reconnects for ever, handlers run on meanwhile, and what they produce is resent
// until it is answered.
type Worker struct {
	config   workerConfig
	handlers map[string]Handler
	hasRun   atomic.Bool

	agent    *agent
	keeper   *keeper
	notifier notifier
	pools    []*pb.Pool
	// instanceID is new for every Worker: it interrupts what an old process held.
	instanceID string

	mu sync.Mutex
	// credit is what the server was told last about each pool's slots.
	credit map[string]int32
	// lingering is how many handlers of lost leases that counted.
	lingering   int
	drainReason string
	isDraining  bool
	drainAcked  bool
}

// NewWorker makes a worker; give it handlers, then [Worker.Run] it. Errors: URL_INVALID.
func NewWorker(options ...WorkerOption) (*Worker, error) {
	host, _ := os.Hostname() // None is a name, too.
	config := workerConfig{
		connectionConfig: connectionConfig{endpoint: defaultEndpoint()},
		workerID:         defaultWorkerID(host),
		host:             host,
		concurrency:      8,
		logger:           slog.Default(),
		handleSignals:    true,
	}
	for _, option := range options {
		option.applyToWorker(&config)
	}
	if _, _, err := config.target(); err != nil {
		return nil, err
	}
	return &Worker{
		config:     config,
		handlers:   make(map[string]Handler),
		instanceID: uuid.NewString(),
		credit:     make(map[string]int32),
	}, nil
}

var notInWorkerID = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// defaultWorkerID is the host's name, made to fit the contract's pattern, and the process id.
func defaultWorkerID(host string) string {
	host = strings.TrimLeft(notInWorkerID.ReplaceAllString(host, "-"), "._-")
	if host == "" {
		host = "worker"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// Handle sets the handler for jobs of a type. Call it before [Worker.Run]. It panics if the type
// has a handler already.
func (w *Worker) Handle(jobType string, handler Handler) {
	if w.handlers[jobType] != nil {
		panic(fmt.Sprintf("orchestrator: %q has a handler already", jobType))
	}
	w.handlers[jobType] = handler
}

// HandleFunc is [Worker.Handle] for a function.
func (w *Worker) HandleFunc(
	jobType string, handler func(ctx context.Context, job *ActiveJob) (result any, err error),
) {
	w.Handle(jobType, HandlerFunc(handler))
}

// ID says which worker this is; see [WithWorkerID].
func (w *Worker) ID() string { return w.config.workerID }

// Run works until ctx ends or, unless [WithoutSignals] says otherwise, SIGTERM or SIGINT comes;
// then it drains: jobs run on for the drain's grace, the rest is given back. It returns nil after
// the drain. A second signal ends the process at once, with 128 plus its number.
//
// It returns an [*Error] when working is pointless: SESSION_SUPERSEDED (a newer worker of the same
// id runs), the server refuses the very first Hello, or the pools do not fit the handlers. Run can
// be called once.
func (w *Worker) Run(ctx context.Context) error {
	if w.hasRun.Swap(true) {
		return newError(CodeFailedPrecondition, "", "a Worker runs once: make a new one")
	}
	client, err := w.prepare(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // What its connection says no longer matters.
	stop := make(chan string, 2)
	if w.config.handleSignals {
		defer onStopSignals(func(s os.Signal) { stop <- s.String() })()
	}
	defer context.AfterFunc(ctx, func() { stop <- "stopped by its process" })()

	keeping, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		err := w.keeper.run(keeping)
		if err != nil {
			w.keeper.replace(nil)
			w.agent.do(w.agent.loseAll)
		}
		ended <- err
	}()
	select {
	case err = <-ended:
		w.abandon()
		return err
	case reason := <-stop:
		w.drain(reason)
	}
	w.abandon()
	if s := w.keeper.current(); s != nil {
		s.close(4 * w.policy().ReconnectMin)
	}
	cancel()
	<-ended // What went wrong with the session meanwhile was part of the drain.
	return nil
}

// prepare puts the parts together.
func (w *Worker) prepare(ctx context.Context) (*Client, error) {
	pools, err := planPools(&w.config, w.handlers)
	if err != nil {
		return nil, err
	}
	w.pools = pools
	client, err := NewClient(ConnectionOption(func(c *connectionConfig) {
		*c = w.config.connectionConfig
	}))
	if err != nil {
		return nil, err
	}
	w.agent = &agent{
		handlers: maps.Clone(w.handlers),
		client:   client,
		logger:   w.config.logger,
		base:     context.WithoutCancel(ctx),
		changed:  w.changed,
		policy:   contractPolicy,
		leases:   newLeaseTable(),
		outbox:   newOutbox(),
	}
	w.keeper = &keeper{ports: keeperPorts{
		open:   w.open,
		onUp:   w.onUp,
		onDown: w.notifier.changed,
		policy: w.policy,
		logger: w.config.logger,
	}}
	return client, nil
}

// abandon stops what a drain left, or what runs when another instance took over.
func (w *Worker) abandon() {
	w.agent.do(w.agent.loseAll)
	w.notifier.until(w.policy().DrainGrace/10, func() bool {
		return look(w.agent, func() bool { return w.agent.leases.count(leaseLingering) == 0 })
	})
	w.agent.do(w.agent.giveUpAll)
}

// policy returns the policy in force: the contract's, then the server's.
func (w *Worker) policy() LeasePolicy {
	return look(w.agent, func() LeasePolicy { return w.agent.policy })
}

func (w *Worker) announceDrain(reason string) {
	reason = truncate(reason, limits.drainReasonBytes)
	w.agent.do(func() { w.agent.isDraining = true })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isDraining, w.drainReason = true, reason
	if s := w.keeper.current(); s != nil {
		s.writer.send(drainFrame(reason))
	}
}

func (w *Worker) isDrainAcknowledged() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.drainAcked
}

func drainFrame(reason string) *pb.WorkerFrame {
	return &pb.WorkerFrame{Frame: &pb.WorkerFrame_Drain{Drain: &pb.Drain{Reason: reason}}}
}

// resendAge is how old an unanswered write must be to be sent again on the same stream: half an
// interval, so that what was sent just before a tick does not wait for two.
func resendAge(policy LeasePolicy) time.Duration { return policy.RenewInterval / 2 }
