package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
)

// A producer puts a job in and waits for its result; a worker does the work.
func Example() {
	ctx := context.Background()
	client, err := orchestrator.NewClient() // ORCH_URL, or http://127.0.0.1:7400
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	worker, err := orchestrator.NewWorker()
	if err != nil {
		log.Fatal(err)
	}
	worker.HandleFunc("example.square",
		func(_ context.Context, job *orchestrator.ActiveJob) (any, error) {
			var n int
			if err := job.Decode(&n); err != nil {
				return nil, err
			}
			return n * n, nil
		})
	working, stop := context.WithCancel(ctx)
	drained := make(chan error)
	go func() { drained <- worker.Run(working) }()

	queued, err := client.Enqueue(ctx, "example.square", 7)
	if err != nil {
		log.Fatal(err)
	}
	job, err := client.WaitForJob(ctx, queued.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.State, string(job.Result))

	stop()
	fmt.Println(<-drained)
	// Output:
	// succeeded 49
	// <nil>
}

// The same key with other content is refused, and the refusal says so.
func ExampleClient_Enqueue() {
	ctx := context.Background()
	client, err := orchestrator.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	key := orchestrator.WithIdempotencyKey("GHSA-35jh-r3h4-6jhm")
	type advisory struct{ ID string }
	for _, id := range []string{"one", "one", "two"} {
		job, err := client.Enqueue(ctx, "concelier.ingest.osv", advisory{id}, key,
			orchestrator.WithPriority(5), orchestrator.WithSource("osv.dev"))
		var refusal *orchestrator.Error
		switch {
		case errors.As(err, &refusal):
			fmt.Println(refusal.Code, refusal.Reason)
		default:
			fmt.Println(job.Outcome)
		}
	}
	// Output:
	// created
	// duplicate
	// already_exists IDEMPOTENCY_CONFLICT
}

// A job that is rejected does not stop its neighbours.
func ExampleClient_EnqueueMany() {
	client, err := orchestrator.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	results := client.EnqueueMany(context.Background(), []orchestrator.JobRequest{
		{Type: "example.many", Payload: "good"},
		{Type: "Not A Job Type"},
		{Type: "example.many", Payload: "good", NotBefore: time.Now().Add(time.Hour)},
	})
	for _, result := range results {
		fmt.Println(result.Outcome)
	}
	// Output:
	// created
	// rejected
	// created
}

// The merge waits for both scans.
func ExampleClient_CreateRun() {
	ctx := context.Background()
	client, err := orchestrator.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	scan := orchestrator.JobRequest{Type: "example.scan"}
	run, err := client.CreateRun(ctx, orchestrator.RunRequest{
		DisplayName: "nightly",
		Jobs: []orchestrator.RunJob{
			{Name: "scan-go", JobRequest: scan},
			{Name: "scan-rust", JobRequest: scan},
			{
				Name:       "merge",
				JobRequest: orchestrator.JobRequest{Type: "example.merge"},
				DependsOn:  orchestrator.After("scan-go", "scan-rust"),
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	why, err := client.ExplainJob(ctx, run.JobIDs["merge"])
	if err != nil {
		log.Fatal(err)
	}
	if blocked, ok := why.BlockedBy.(*orchestrator.BlockedByDependency); ok {
		fmt.Println(why.State, "by", blocked.Count, "jobs")
	}
	// Output: blocked by 2 jobs
}

// Bytes are named by their SHA-256 and kept once.
func ExampleArtifacts_Upload() {
	ctx := context.Background()
	client, err := orchestrator.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for range 2 {
		artifact, err := client.Artifacts().Upload(ctx,
			orchestrator.FromBytes([]byte("hello\n")), orchestrator.WithMediaType("text/plain"))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(artifact.Digest[:15], artifact.SizeBytes, artifact.AlreadyExisted)
	}
	// Output:
	// sha256:5891b5b5 6 false
	// sha256:5891b5b5 6 true
}

// A handler tells a failure that may pass from one that will not.
func ExampleHandlerFunc() {
	var fetch = func(context.Context, string) (status int, err error) { return 429, nil }
	handler := orchestrator.HandlerFunc(
		func(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
			switch status, err := fetch(ctx, job.Source); {
			case err != nil:
				return nil, &orchestrator.RetryableError{Err: err, Class: orchestrator.ClassNetwork}
			case status == 404:
				return nil, orchestrator.Terminalf("%s has no such feed", job.Source)
			case status == 429:
				err := errors.New("too many requests")
				return nil, orchestrator.Throttled(err, job.Source, time.Minute)
			}
			return "fetched", nil
		})
	worker, err := orchestrator.NewWorker(orchestrator.WithConcurrency(4))
	if err != nil {
		log.Fatal(err)
	}
	worker.Handle("example.fetch", handler)
}
