package orchestrator

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"
)

// ClientOption configures a [Client].
type ClientOption interface{ applyToClient(*clientConfig) }

// WorkerOption configures a [Worker].
type WorkerOption interface{ applyToWorker(*workerConfig) }

// ConnectionOption says where to connect and as whom; it configures both a [Client] and a
// [Worker].
type ConnectionOption func(*connectionConfig)

func (o ConnectionOption) applyToClient(c *clientConfig) { o(&c.connectionConfig) }
func (o ConnectionOption) applyToWorker(c *workerConfig) { o(&c.connectionConfig) }

type clientOption func(*clientConfig)

func (o clientOption) applyToClient(c *clientConfig) { o(c) }

type workerOption func(*workerConfig)

func (o workerOption) applyToWorker(c *workerConfig) { o(c) }

type connectionConfig struct {
	endpoint
	traceHook func(context.Context) TraceContext
}

type clientConfig struct {
	connectionConfig
	timeout        time.Duration
	maxQueuedJobs  int
	maxQueuedBytes int
}

type workerConfig struct {
	connectionConfig
	workerID      string
	host          string
	concurrency   int
	queues        []string
	pools         []Pool
	labels        map[string]string
	drainGrace    time.Duration
	logger        *slog.Logger
	handleSignals bool
	leaseAtOnce   bool
}

// WithURL is the server's address, http or https; the environment's ORCH_URL unless told, else
// http://127.0.0.1:7400.
func WithURL(url string) ConnectionOption {
	return func(c *connectionConfig) { c.url = url }
}

// WithTenant says who owns the work; "default" unless told.
func WithTenant(tenant string) ConnectionOption {
	return func(c *connectionConfig) { c.tenant = tenant }
}

// WithHeader adds a header that goes with every call, for proxies and authentication.
func WithHeader(name, value string) ConnectionOption {
	return func(c *connectionConfig) {
		if c.headers == nil {
			c.headers = make(map[string]string)
		}
		c.headers[name] = value
	}
}

// WithTLSConfig is used for https addresses; the system's roots unless told.
func WithTLSConfig(config *tls.Config) ConnectionOption {
	return func(c *connectionConfig) { c.tls = config }
}

// WithTraceHook is asked for the trace context at every enqueue that does not name one, with the
// context of the call. Without it, or where it returns nothing, jobs enqueued inside a handler
// inherit the trace of the handler's job.
func WithTraceHook(hook func(context.Context) TraceContext) ConnectionOption {
	return func(c *connectionConfig) { c.traceHook = hook }
}

// WithTimeout is how long a call may take with all its repetitions when its context has no
// deadline, and how long an artifact transfer may stall; 60 s unless told.
func WithTimeout(d time.Duration) ClientOption {
	return clientOption(func(c *clientConfig) { c.timeout = d })
}

// WithQueueLimits is how many jobs and bytes may wait to be enqueued before [Client.Enqueue]
// answers QUEUE_FULL; 100,000 jobs and 256 MiB unless told.
func WithQueueLimits(maxJobs, maxBytes int) ClientOption {
	return clientOption(func(c *clientConfig) {
		c.maxQueuedJobs, c.maxQueuedBytes = maxJobs, maxBytes
	})
}

// WithWorkerID says which worker this is, the same after a restart, for people; the host's name
// and the process id unless told. A newer worker of the same id ends this one.
func WithWorkerID(id string) WorkerOption {
	return workerOption(func(c *workerConfig) { c.workerID = id })
}

// WithHost names the machine that the worker runs on, which an operator can take out as a whole;
// the host's name unless told, none if empty.
func WithHost(host string) WorkerOption {
	return workerOption(func(c *workerConfig) { c.host = host })
}

// WithConcurrency is how many jobs run at once; 8 unless told. Not used with [WithPool].
func WithConcurrency(n int) WorkerOption {
	return workerOption(func(c *workerConfig) { c.concurrency = n })
}

// WithQueues are the queues to take from; "default" unless told. Not used with [WithPool].
func WithQueues(queues ...string) WorkerOption {
	return workerOption(func(c *workerConfig) { c.queues = append(c.queues, queues...) })
}

// WithPool adds separate slots for separate job types. Without any, one pool called "main" takes
// all that has a handler.
func WithPool(pool Pool) WorkerOption {
	return workerOption(func(c *workerConfig) { c.pools = append(c.pools, pool) })
}

// WithWorkerLabel adds a label that people see; up to 32.
func WithWorkerLabel(key, value string) WorkerOption {
	return workerOption(func(c *workerConfig) {
		if c.labels == nil {
			c.labels = make(map[string]string)
		}
		c.labels[key] = value
	})
}

// WithDrainGrace is how long a drain lets jobs run on; the lease policy's (25 s) unless told.
func WithDrainGrace(d time.Duration) WorkerOption {
	return workerOption(func(c *workerConfig) { c.drainGrace = max(d, 1) })
}

// WithLeaseAtOnce makes jobs come with an active lease instead of an offer: handlers begin one
// commit and one round trip earlier, and a job that is lost on its way here counts as interrupted.
// For many short jobs; off unless told.
func WithLeaseAtOnce() WorkerOption {
	return workerOption(func(c *workerConfig) { c.leaseAtOnce = true })
}

// WithLogger is where log lines go; [slog.Default] unless told. Payloads are never logged.
func WithLogger(logger *slog.Logger) WorkerOption {
	return workerOption(func(c *workerConfig) { c.logger = logger })
}

// WithoutSignals leaves SIGTERM and SIGINT alone: only the context of [Worker.Run] drains.
func WithoutSignals() WorkerOption {
	return workerOption(func(c *workerConfig) { c.handleSignals = false })
}
