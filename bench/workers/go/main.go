// A worker with handlers that do nothing, for the benchmarks: the Go twin of
// bench/src/programs/worker.ts. It takes commands as lines of JSON and answers likewise, and ends
// with its standard input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	orchestrator "stellaops.org/orchestrator/sdk-go"
)

// countInterval bounds how often handled jobs are told: a line for each would be a load of its own.
const countInterval = 4 * time.Millisecond

type command struct {
	Do       string `json:"do"`
	URL      string `json:"url"`
	Tenant   string `json:"tenant"`
	WorkerID string `json:"workerId"`
	Slots    int    `json:"slots"`
}

type payload struct {
	// T is when the job was meant to be sent, in microseconds of the machine's monotonic clock.
	T int64 `json:"t"`
}

// fleet is a worker that runs.
type fleet struct {
	mu        sync.Mutex
	handled   int
	latencies []int64
	telling   bool
	stop      context.CancelFunc
	ended     chan error
}

func main() {
	var running *fleet
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked command
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			tell(map[string]any{"failed": err.Error()})
			continue
		}
		answer, err := do(asked, &running)
		if err != nil {
			tell(map[string]any{"failed": err.Error()})
			continue
		}
		tell(map[string]any{"answer": answer})
	}
}

func do(asked command, running **fleet) (any, error) {
	switch asked.Do {
	case "start":
		started, err := start(asked)
		*running = started
		return true, err
	case "stop":
		stopped := *running
		stopped.stop()
		if err := <-stopped.ended; err != nil {
			return nil, err
		}
		stopped.mu.Lock()
		defer stopped.mu.Unlock()
		report := map[string]any{"handled": stopped.handled, "latenciesUs": stopped.latencies}
		return report, nil
	default:
		return nil, fmt.Errorf("no command %q", asked.Do)
	}
}

func start(asked command) (*fleet, error) {
	worker, err := orchestrator.NewWorker(
		orchestrator.WithURL(asked.URL),
		orchestrator.WithTenant(asked.Tenant),
		orchestrator.WithWorkerID(asked.WorkerID),
		orchestrator.WithConcurrency(asked.Slots),
		orchestrator.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))),
		orchestrator.WithoutSignals(),
	)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &fleet{stop: cancel, ended: make(chan error, 1), latencies: []int64{}}
	worker.HandleFunc("bench.noop", func(context.Context, *orchestrator.ActiveJob) (any, error) {
		f.count(nil)
		return nil, nil
	})
	worker.HandleFunc("bench.timed", func(_ context.Context, job *orchestrator.ActiveJob) (any, error) {
		now := nowUs()
		var given payload
		if err := job.Decode(&given); err != nil {
			return nil, err
		}
		latency := now - given.T
		f.count(&latency)
		return nil, nil
	})
	go func() { f.ended <- worker.Run(ctx) }()
	return f, nil
}

func (f *fleet) count(latency *int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handled++
	if latency != nil {
		f.latencies = append(f.latencies, *latency)
	}
	if f.telling {
		return
	}
	f.telling = true
	time.AfterFunc(countInterval, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.telling = false
		tell(map[string]any{"done": f.handled})
	})
}

// nowUs reads the clock that Node's process.hrtime reads, too.
func nowUs() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return now.Nano() / 1_000
}

var telling sync.Mutex

func tell(line map[string]any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	telling.Lock()
	defer telling.Unlock()
	fmt.Println(string(text))
}
