// Uploads a file, lets a job work on it, and downloads what the job made. Needs the worker
// example.
//
//	go run ./examples/artifact [FILE]
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	orchestrator "stellaops.org/orchestrator/sdk-go"
)

func main() {
	path := os.Args[0]
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if err := run(context.Background(), path); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, path string) error {
	client, err := orchestrator.NewClient()
	if err != nil {
		return err
	}
	defer client.Close()

	input, err := client.Artifacts().Upload(ctx, orchestrator.FromFile(path),
		orchestrator.WithUploadProgress(func(sent, total int64) {
			fmt.Fprintf(os.Stderr, "\r%d %%", 100*sent/total)
		}))
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes, %s\n", path, input.SizeBytes, input.Digest)
	if input.AlreadyExisted {
		fmt.Println("the server had it already")
	}

	// An artifact is an input like any other, however large.
	queued, err := client.Enqueue(ctx, "example.fingerprint", input)
	if err != nil {
		return err
	}
	job, err := client.WaitForJob(ctx, queued.ID)
	if err != nil {
		return err
	}
	fmt.Println(job.State)
	for _, artifact := range job.Artifacts {
		text, err := client.Artifacts().DownloadBytes(ctx, artifact.Digest)
		if err != nil {
			return err
		}
		fmt.Printf("%s %s\n%s", artifact.Name, artifact.Digest, text)
	}
	return nil
}
