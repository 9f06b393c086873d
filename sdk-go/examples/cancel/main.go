// Starts a long job, watches it, and cancels it when it has got somewhere. Needs the worker
// example.
//
//	go run ./examples/cancel
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
)

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

	queued, err := client.Enqueue(ctx, "example.count", map[string]int{"to": 600})
	if err != nil {
		return err
	}
	isCancelled := false
	for job, err := range client.WatchJobs(ctx, queued.ID) {
		if err != nil {
			return err
		}
		if job.Progress == nil {
			fmt.Println(job.State)
			continue
		}
		fmt.Println(job.State, job.Progress.Message)
		if isCancelled || job.Progress.Fraction < 0.01 {
			continue
		}
		isCancelled = true
		results, err := client.CancelJobs(ctx, []string{queued.ID},
			orchestrator.WithReason("seen enough"), orchestrator.WithGrace(2*time.Second))
		if err != nil {
			return err
		}
		fmt.Println("cancel:", results[0].Outcome)
	}
	for event, err := range client.JobEvents(ctx, queued.ID) {
		if err != nil {
			return err
		}
		fmt.Println(event.Time.Format(time.RFC3339), event.Kind, "by", event.Actor, event.Reason)
	}
	return nil
}
