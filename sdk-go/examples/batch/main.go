// Enqueues many jobs: a result per job, and a bad one does not stop its neighbours.
//
//	go run ./examples/batch [COUNT]
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
)

func main() {
	count := 1000
	if len(os.Args) > 1 {
		var err error
		if count, err = strconv.Atoi(os.Args[1]); err != nil {
			log.Fatal(err)
		}
	}
	if err := run(context.Background(), count); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, count int) error {
	client, err := orchestrator.NewClient()
	if err != nil {
		return err
	}
	defer client.Close()

	requests := make([]orchestrator.JobRequest, count)
	for i := range requests {
		requests[i] = orchestrator.JobRequest{
			Type:     "example.greet",
			Payload:  map[string]string{"name": fmt.Sprintf("number %d", i)},
			Priority: -5,
		}
	}
	requests = append(requests, orchestrator.JobRequest{Type: "Not A Job Type"})

	begin := time.Now()
	results := client.EnqueueMany(ctx, requests)
	elapsed := time.Since(begin)

	created := 0
	for _, result := range results {
		var rejection *orchestrator.Error
		switch {
		case result.Outcome == orchestrator.EnqueueCreated:
			created++
		case errors.As(result.Err, &rejection):
			fmt.Printf("rejected: %v %v\n", rejection.Code, rejection.Violations)
		}
	}
	fmt.Printf("created %d of %d in %.2f s\n", created, len(results), elapsed.Seconds())
	return nil
}
