// The SBOM demo's task runner for Go modules, started by the demo as a child:
//
//	sbom-agent --url URL --tenant NAME --queue NAME --root FOLDER
//
// It drains at SIGTERM, and when its standard input ends: then the demo that started it is gone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
)

const (
	concurrency = 4
	// orphanGrace bounds the drain when the demo is gone: its server goes at the same time.
	orphanGrace = 5 * time.Second
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	if err := run(); err != nil {
		slog.Error("the Go agent broke", "error", err)
		os.Exit(1)
	}
}

func run() error {
	url := flag.String("url", "", "the server's address")
	tenant := flag.String("tenant", "", "the tenant to work as")
	queue := flag.String("queue", "", "the queue to take jobs from")
	root := flag.String("root", "", "the scanned folder")
	flag.Parse()
	if *url == "" || *tenant == "" || *queue == "" || *root == "" {
		flag.Usage()
		return errors.New("--url, --tenant, --queue and --root are needed")
	}
	worker, err := orchestrator.NewWorker(
		orchestrator.WithURL(*url),
		orchestrator.WithTenant(*tenant),
		orchestrator.WithQueues(*queue),
		orchestrator.WithConcurrency(concurrency),
	)
	if err != nil {
		return err
	}
	worker.Handle("sbom.scan", scanner{root: *root})
	return worker.Run(untilOrphaned())
}

// untilOrphaned returns a context that ends with the standard input.
func untilOrphaned() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
		time.AfterFunc(orphanGrace, func() { os.Exit(1) })
	}()
	return ctx
}

// scanRequest is a scan job's payload: one manifest with the files that belong to it.
type scanRequest struct {
	Kind     string         `json:"kind"`
	Manifest string         `json:"manifest"`
	Files    []manifestFile `json:"files"`
}

// scanner handles scan jobs for manifests under root.
type scanner struct{ root string }

// Handle scans one manifest and uploads its component list.
func (s scanner) Handle(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
	var request scanRequest
	if err := job.Decode(&request); err != nil {
		return nil, err
	}
	list, err := s.scan(request)
	if err != nil {
		return nil, terminalIfHopeless(err)
	}
	components := len(list.Components)
	message := fmt.Sprintf("%d components", components)
	if err := job.Progress(0.5, orchestrator.WithMessage(message)); err != nil {
		return nil, err
	}
	document, err := list.encode()
	if err != nil {
		return nil, err
	}
	_, err = job.UploadArtifact(ctx, "components.json", orchestrator.FromBytes(document),
		orchestrator.WithMediaType("application/json"))
	return map[string]int{"components": components}, err
}

func (s scanner) scan(request scanRequest) (*inventory, error) {
	if request.Kind != "go" {
		return nil, fmt.Errorf("no scanner for manifests of kind %q", request.Kind)
	}
	texts, err := readVerified(s.root, request.Files)
	if err != nil {
		return nil, err
	}
	return scanGo(request.Manifest, texts)
}

// terminalIfHopeless makes errors terminal that no further attempt could get past.
func terminalIfHopeless(err error) error {
	var malformed *manifestError
	switch {
	case errors.As(err, &malformed):
		return &orchestrator.TerminalError{Err: err, Class: orchestrator.ClassParseError}
	case errors.Is(err, errChanged):
		return orchestrator.Terminal(err)
	default:
		return err
	}
}
