// A worker that is told to stop in mid-job: what it holds finishes, nothing is lost.
//
//	go run ./examples/graceful-shutdown
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
)

const jobType = "example.slow"

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	client, err := orchestrator.NewClient()
	if err != nil {
		return err
	}
	defer client.Close()
	ids := make([]string, 4)
	for i := range ids {
		queued, err := client.Enqueue(ctx, jobType, i)
		if err != nil {
			return err
		}
		ids[i] = queued.ID
	}

	worker, err := orchestrator.NewWorker(
		orchestrator.WithConcurrency(2), orchestrator.WithDrainGrace(10*time.Second))
	if err != nil {
		return err
	}
	working, shutDown := context.WithCancel(ctx)
	defer shutDown()
	worker.HandleFunc(jobType, func(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
		fmt.Println("begun", job.ID)
		shutDown() // As SIGTERM would.
		select {
		case <-time.After(time.Second):
			return "finished", nil
		case <-ctx.Done(): // Not before the drain's grace is over.
			return nil, ctx.Err()
		}
	})
	if err := worker.Run(working); err != nil {
		return err
	}
	fmt.Println("the worker has drained")

	for _, id := range ids {
		job, err := client.GetJob(ctx, id)
		if err != nil {
			return err
		}
		fmt.Println(id, job.State, job.Interruptions, "interruptions")
	}
	// The others went back to their queue unharmed; they are not needed any more.
	_, err = client.CancelJobs(ctx, ids, orchestrator.WithReason("end of the example"))
	return err
}
