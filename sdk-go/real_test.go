package orchestrator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
)

// tenant returns a tenant of the test's own.
func tenant(t *testing.T) orchestrator.ConnectionOption {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '_' {
			return '-'
		}
		return r
	}, strings.ToLower(t.Name()))
	return orchestrator.WithTenant(name)
}

// startWorker runs a worker until the test ends and fails the test if its run does.
func startWorker(
	t *testing.T, handlers map[string]orchestrator.HandlerFunc,
	options ...orchestrator.WorkerOption,
) {
	t.Helper()
	options = append(options, orchestrator.WithoutSignals())
	worker, err := orchestrator.NewWorker(options...)
	if err != nil {
		t.Fatal(err)
	}
	for jobType, handler := range handlers {
		worker.Handle(jobType, handler)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the worker ended with %v", err)
		}
	})
}

func TestRealHappyPath(t *testing.T) {
	client := realClient(t, tenant(t))
	startWorker(t, map[string]orchestrator.HandlerFunc{
		"test.double": func(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
			var n int
			if err := job.Decode(&n); err != nil {
				return nil, err
			}
			return 2 * n, job.Progress(0.5, orchestrator.WithMessage("half"))
		},
	}, tenant(t))
	job, err := client.Enqueue(t.Context(), "test.double", 21)
	if err != nil {
		t.Fatal(err)
	}
	done, err := client.WaitForJob(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	var result int
	if err := done.DecodeResult(&result); err != nil || result != 42 {
		t.Errorf("the result is %s (%v), not 42", done.Result, err)
	}
	if done.State != orchestrator.JobSucceeded || len(done.Attempts) != 1 {
		t.Errorf("state %v after %d attempts", done.State, len(done.Attempts))
	}
}

func TestRealEnqueueCoalesces(t *testing.T) {
	client := realClient(t, tenant(t))
	var group sync.WaitGroup
	ids := make([]string, 500)
	for i := range ids {
		group.Go(func() {
			job, err := client.Enqueue(t.Context(), "test.idle", i)
			if err != nil {
				t.Error(err)
			}
			ids[i] = job.ID
		})
	}
	group.Wait()
	count := 0
	for job, err := range client.ListJobs(t.Context(), orchestrator.JobFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(ids, job.ID) {
			t.Errorf("%s is not one of ours", job.ID)
		}
		count++
	}
	if count != len(ids) {
		t.Errorf("%d jobs in the ledger, not %d", count, len(ids))
	}
}

func TestRealErrors(t *testing.T) {
	client := realClient(t, tenant(t))
	_, err := client.GetJob(t.Context(), "01890a5d-ac96-774b-bcce-b302099a8057")
	if !errors.Is(err, orchestrator.CodeNotFound) ||
		!orchestrator.HasReason(err, "JOB_NOT_FOUND") || orchestrator.IsRetryable(err) {
		t.Errorf("an unknown job is %v", err)
	}
	results := client.EnqueueMany(t.Context(), []orchestrator.JobRequest{
		{Type: "test.idle", IdempotencyKey: "k", Payload: "a"},
		{Type: "NOT A TYPE"},
		{Type: "test.idle", Payload: make(chan int)},
		{Type: "test.idle", Project: "\xff"},
		{Type: "test.idle", IdempotencyKey: "k", Payload: "b"},
		{Type: "test.idle", IdempotencyKey: "k", Payload: "a"},
	})
	var got []string
	for _, result := range results {
		text := result.Outcome.String()
		if e, ok := errors.AsType[*orchestrator.Error](result.Err); ok {
			text += fmt.Sprintf(" %v %s %d", e.Code, e.Reason, len(e.Violations))
		}
		got = append(got, text)
	}
	want := []string{
		"created",
		"rejected invalid_argument REQUEST_INVALID 1",
		"rejected invalid_argument  0",
		"rejected invalid_argument  1",
		"rejected already_exists IDEMPOTENCY_CONFLICT 0",
		"duplicate",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRealRun(t *testing.T) {
	client := realClient(t, tenant(t))
	var mu sync.Mutex
	var order []string
	startWorker(t, map[string]orchestrator.HandlerFunc{
		"test.step": func(_ context.Context, job *orchestrator.ActiveJob) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, job.Name)
			return nil, nil
		},
	}, tenant(t))
	step := orchestrator.JobRequest{Type: "test.step"}
	run, err := client.CreateRun(t.Context(), orchestrator.RunRequest{Jobs: []orchestrator.RunJob{
		{Name: "merge", JobRequest: step, DependsOn: orchestrator.After("scan")},
		{Name: "scan", JobRequest: step},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range client.WatchRun(t.Context(), run.ID) {
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := client.GetRun(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != orchestrator.RunSucceeded || !slices.Equal(order, []string{"scan", "merge"}) {
		t.Errorf("the run %v in the order %v", got.State, order)
	}
	if len(got.Edges) != 1 || got.Edges[0].FromJobID != run.JobIDs["scan"] {
		t.Errorf("edges %v of %v", got.Edges, run.JobIDs)
	}
}

func TestRealArtifacts(t *testing.T) {
	client := realClient(t, tenant(t))
	content := bytes.Repeat([]byte("orchestrator"), 200_000)
	file := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := client.Artifacts().Upload(t.Context(), orchestrator.FromFile(file))
	if err != nil {
		t.Fatal(err)
	}
	again, err := client.Artifacts().Upload(t.Context(), orchestrator.FromBytes(content))
	if err != nil || first.AlreadyExisted || !again.AlreadyExisted || first.Digest != again.Digest {
		t.Errorf("%+v, then %+v (%v)", first, again, err)
	}
	copied := file + ".copy"
	if err := client.Artifacts().DownloadFile(t.Context(), first.Digest, copied); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(copied)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back (%v)", len(got), err)
	}
	empty, err := client.Artifacts().Upload(t.Context(), orchestrator.FromBytes(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := client.Artifacts().DownloadBytes(t.Context(), empty.Digest); err != nil ||
		len(got) != 0 {
		t.Errorf("the empty artifact is %q (%v)", got, err)
	}
}

func TestRealCancel(t *testing.T) {
	client := realClient(t, tenant(t))
	causes := make(chan error, 1)
	started := make(chan struct{})
	startWorker(t, map[string]orchestrator.HandlerFunc{
		"test.wait": func(ctx context.Context, _ *orchestrator.ActiveJob) (any, error) {
			close(started)
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return nil, ctx.Err()
		},
	}, tenant(t))
	job, err := client.Enqueue(t.Context(), "test.wait", nil)
	if err != nil {
		t.Fatal(err)
	}
	<-started
	cancelled, err := client.CancelJobs(t.Context(), []string{job.ID},
		orchestrator.WithReason("not wanted"), orchestrator.WithGrace(5*time.Second))
	if err != nil || cancelled[0].Outcome != orchestrator.CancelRequested {
		t.Errorf("cancelled: %v (%v)", cancelled, err)
	}
	if cause := <-causes; !errors.Is(cause, orchestrator.AbortCancelled) {
		t.Errorf("the handler was stopped because %v", cause)
	}
	done, err := client.WaitForJob(t.Context(), job.ID)
	if err != nil || done.State != orchestrator.JobCancelled {
		t.Errorf("%+v (%v)", done, err)
	}
}
