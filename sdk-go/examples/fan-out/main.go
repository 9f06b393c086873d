// A pipeline whose first job finds out what there is to do: it fans out, and a join waits for all.
//
//	go run ./examples/fan-out [TEXT …]
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	orchestrator "stellaops.org/orchestrator/sdk-go"
)

func main() {
	texts := os.Args[1:]
	if len(texts) == 0 {
		texts = []string{"a", "b", "c"}
	}
	client, err := orchestrator.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	worker, err := orchestrator.NewWorker(orchestrator.WithConcurrency(4))
	if err != nil {
		log.Fatal(err)
	}
	worker.HandleFunc("example.split", split)
	worker.HandleFunc("example.part", part)
	worker.HandleFunc("example.join", join)
	working, stop := context.WithCancel(context.Background())
	drained := make(chan error)
	go func() { drained <- worker.Run(working) }()

	if err := shout(context.Background(), client, texts); err != nil {
		log.Fatal(err)
	}
	stop()
	if err := <-drained; err != nil {
		log.Fatal(err)
	}
}

// shout stores the pipeline, runs it and says what came of it.
func shout(ctx context.Context, client *orchestrator.Client, texts []string) error {
	pipeline, err := client.Pipelines().Put(ctx, orchestrator.Pipeline{
		Name: "example.shout",
		Parameters: []orchestrator.PipelineParameter{
			{Name: "texts", Kind: orchestrator.ParameterJSON},
		},
		Jobs: []orchestrator.PipelineJob{
			{
				Name:            "split",
				JobRequest:      orchestrator.JobRequest{Type: "example.split"},
				PayloadTemplate: map[string]string{"texts": "${texts}"},
			},
			{
				Name:       "join",
				JobRequest: orchestrator.JobRequest{Type: "example.join"},
				DependsOn:  []orchestrator.Dependency{{Name: "split", IncludeFanOut: true}},
			},
		},
	}, orchestrator.WithReason("the example"))
	if err != nil {
		return err
	}
	fmt.Printf("pipeline %s, version %d\n", pipeline.Name, pipeline.Version)
	created, err := client.Pipelines().Run(ctx, pipeline.Name, orchestrator.PipelineRun{
		Parameters: map[string]any{"texts": texts},
	})
	if err != nil {
		return err
	}
	joined, err := client.WaitForJob(ctx, created.JobIDs["join"])
	if err != nil {
		return err
	}
	run, err := client.GetRun(ctx, created.ID)
	if err != nil {
		return err
	}
	fmt.Printf("%d jobs, %v: %s\n", len(run.Jobs), run.State, joined.Result)
	return nil
}

// split makes one part per text. In a second attempt the same names find the first one's parts.
func split(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
	var payload struct{ Texts []string }
	if err := job.Decode(&payload); err != nil {
		return nil, err
	}
	parts := make([]orchestrator.RunJob, len(payload.Texts))
	for i, text := range payload.Texts {
		parts[i] = orchestrator.RunJob{
			Name:       fmt.Sprintf("part-%d", i+1),
			JobRequest: orchestrator.JobRequest{Type: "example.part", Payload: text},
		}
	}
	_, err := job.FanOut(ctx, parts)
	return nil, err
}

func part(_ context.Context, job *orchestrator.ActiveJob) (any, error) {
	var text string
	if err := job.Decode(&text); err != nil {
		return nil, err
	}
	return strings.ToUpper(text), nil
}

func join(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
	run, err := job.Client.GetRun(ctx, job.RunID)
	if err != nil {
		return nil, err
	}
	var joined strings.Builder
	for _, sibling := range run.Jobs {
		if !strings.HasPrefix(sibling.Name, "part-") {
			continue
		}
		done, err := job.Client.GetJob(ctx, sibling.ID) // The run's view has no results.
		if err != nil {
			return nil, err
		}
		var text string
		if err := done.DecodeResult(&text); err != nil {
			return nil, err
		}
		joined.WriteString(text)
	}
	return map[string]string{"joined": joined.String()}, nil
}
