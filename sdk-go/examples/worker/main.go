// Runs handlers until Ctrl-C.
//
//	go run ./examples/worker
package main

import (
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"log"
	"strconv"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
)

func main() {
	worker, err := orchestrator.NewWorker(orchestrator.WithConcurrency(4))
	if err != nil {
		log.Fatal(err)
	}
	worker.HandleFunc("example.greet", greet)
	worker.HandleFunc("example.count", count)
	worker.HandleFunc("example.fingerprint", fingerprint)
	if err := worker.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func greet(_ context.Context, job *orchestrator.ActiveJob) (any, error) {
	var payload struct{ Name string }
	if err := job.Decode(&payload); err != nil {
		return nil, err
	}
	if payload.Name == "" {
		err := errors.New("nobody to greet")
		return nil, &orchestrator.TerminalError{Err: err, Class: orchestrator.ClassSchemaMismatch}
	}
	job.Log.Info("greeting", "name", payload.Name)
	return map[string]string{"greeting": "Hello, " + payload.Name + "!"}, nil
}

// count counts slowly. An attempt that is interrupted leaves its count to the next one.
func count(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
	var payload struct{ To int }
	if err := job.Decode(&payload); err != nil {
		return nil, err
	}
	counted, _ := strconv.Atoi(string(job.Checkpoint)) // 0 for the first attempt.
	for counted < payload.To {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		counted++
		err := job.Progress(float64(counted)/float64(payload.To),
			orchestrator.WithMessage(fmt.Sprintf("%d of %d", counted, payload.To)),
			orchestrator.WithCheckpoint([]byte(strconv.Itoa(counted))))
		if err != nil {
			return nil, err
		}
	}
	return map[string]int{"counted": counted}, nil
}

// fingerprint reads an input of any size and binds what it made to the job.
func fingerprint(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
	input, err := job.LoadPayload(ctx)
	if err != nil {
		return nil, err
	}
	text := fmt.Appendf(nil, "%x\n", sha512.Sum512(input))
	_, err = job.UploadArtifact(ctx, "sha512.txt", orchestrator.FromBytes(text),
		orchestrator.WithMediaType("text/plain"))
	return map[string]int{"bytes": len(input)}, err
}
