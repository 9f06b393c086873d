// A chaos worker in Go, for all tenants: its settings are the JSON in its argument. It says in a
// journal what it does, and works until its standard input ends. See ../../worker.ts, which is
// the same in TypeScript.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	orchestrator "stellaops.org/orchestrator/sdk-go"
)

type settings struct {
	URL         string   `json:"url"`
	WorkerID    string   `json:"workerId"`
	Incarnation int      `json:"incarnation"`
	Tenants     []string `json:"tenants"`
	Marks       []string `json:"marks"`
	Concurrency int      `json:"concurrency"`
	Journal     string   `json:"journal"`
}

type payload struct {
	Nonce    string `json:"nonce"`
	WorkMs   int    `json:"workMs"`
	Failures int    `json:"failures"`
}

type doing func(ctx context.Context, job *orchestrator.ActiveJob, p payload) (any, error)

var doings = map[string]doing{
	"chaos.quick":    work,
	"chaos.work":     work,
	"chaos.deaf":     deaf,
	"chaos.flaky":    flaky,
	"chaos.hopeless": hopeless,
	"chaos.poison":   poison,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var set settings
	if err := json.Unmarshal([]byte(os.Args[len(os.Args)-1]), &set); err != nil {
		return err
	}
	notes, err := openJournal(set.Journal, fmt.Sprintf("%s#%d", set.WorkerID, set.Incarnation))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var workers sync.WaitGroup
	failures := make([]error, len(set.Tenants))
	for i, tenant := range set.Tenants {
		worker, err := workerFor(set, tenant, notes)
		if err != nil {
			return err
		}
		workers.Go(func() { failures[i] = worker.Run(ctx) })
	}
	workers.Wait()
	return errors.Join(failures...)
}

func workerFor(set settings, tenant string, notes *journal) (*orchestrator.Worker, error) {
	worker, err := orchestrator.NewWorker(
		orchestrator.WithURL(set.URL),
		orchestrator.WithTenant(tenant),
		orchestrator.WithWorkerID(set.WorkerID),
		orchestrator.WithConcurrency(set.Concurrency),
		orchestrator.WithLogger(slog.New(&hearing{journal: notes, tenant: tenant})),
		orchestrator.WithoutSignals(),
	)
	if err != nil {
		return nil, err
	}
	for jobType, do := range doings {
		worker.Handle(jobType, telling{tenant: tenant, marks: set.Marks, notes: notes, do: do})
	}
	return worker, nil
}

// telling notes what happens to a handler.
type telling struct {
	tenant string
	marks  []string
	notes  *journal
	do     doing
}

// Handle does what the job's type says.
func (t telling) Handle(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
	var p payload
	if err := job.Decode(&p); err != nil {
		return nil, err
	}
	facts := map[string]any{
		"jobId": job.ID, "attempt": job.Attempt, "leaseEpoch": job.Lease.Epoch,
	}
	begun := map[string]any{
		"leaseToken": job.Lease.Token, "nonce": p.Nonce, "marks": t.marksIn(job),
	}
	for name, value := range facts {
		begun[name] = value
	}
	t.notes.note(t.tenant, "started", begun)
	result, err := t.do(ctx, job, p)
	if err != nil {
		t.notes.note(t.tenant, "thrown", facts)
		return nil, err
	}
	t.notes.note(t.tenant, "finished", facts)
	return result, nil
}

func (t telling) marksIn(job *orchestrator.ActiveJob) []string {
	text := fmt.Sprintf("%s %v %s", job.Payload, job.Labels, job.Source)
	found := []string{}
	for _, mark := range t.marks {
		if strings.Contains(text, mark) {
			found = append(found, mark)
		}
	}
	return found
}

func work(ctx context.Context, _ *orchestrator.ActiveJob, p payload) (any, error) {
	select {
	case <-time.After(time.Duration(p.WorkMs) * time.Millisecond):
		return map[string]int{"worked": p.WorkMs}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// deaf does not hear that it is to stop, as a handler in a system call.
func deaf(_ context.Context, _ *orchestrator.ActiveJob, p payload) (any, error) {
	time.Sleep(time.Duration(p.WorkMs) * time.Millisecond)
	return map[string]int{"worked": p.WorkMs}, nil
}

func flaky(_ context.Context, job *orchestrator.ActiveJob, p payload) (any, error) {
	if job.Attempt <= p.Failures {
		return nil, fmt.Errorf("attempt %d of %d that fail", job.Attempt, p.Failures)
	}
	return map[string]int{"attempt": job.Attempt}, nil
}

func hopeless(context.Context, *orchestrator.ActiveJob, payload) (any, error) {
	return nil, orchestrator.Terminalf("no attempt could succeed")
}

// poison takes its process down.
func poison(context.Context, *orchestrator.ActiveJob, payload) (any, error) {
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	select {}
}
