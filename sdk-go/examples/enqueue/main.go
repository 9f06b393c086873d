// Enqueues one job, waits until it has finished and prints what became of it. Needs the worker
// example.
//
//	go run ./examples/enqueue [NAME]
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
)

func main() {
	name := "world"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	if err := run(context.Background(), name); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, name string) error {
	client, err := orchestrator.NewClient()
	if err != nil {
		return err
	}
	defer client.Close()

	// The same key enqueues the same job once, however often this runs within the minute.
	key := fmt.Sprintf("greet-%s-%s", name, time.Now().Format("15:04"))
	queued, err := client.Enqueue(ctx, "example.greet", map[string]string{"name": name},
		orchestrator.WithIdempotencyKey(key), orchestrator.WithLabel("from", "docs"))
	if err != nil {
		return err
	}
	fmt.Println(queued.Outcome, queued.ID)

	job, err := client.WaitForJob(ctx, queued.ID)
	if err != nil {
		return err
	}
	if job.State != orchestrator.JobSucceeded {
		return fmt.Errorf("%v: %s", job.State, job.LastFailure.Message)
	}
	var result struct{ Greeting string }
	if err := job.DecodeResult(&result); err != nil {
		return err
	}
	fmt.Println(result.Greeting)
	return nil
}
