package orchestrator_test

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"testing"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	"stellaops.org/orchestrator/sdk-go/internal/realserver"
)

// realURL is the address of a real server; empty if there is none here.
var realURL string

// TestMain starts one real server for all tests and examples. Outside of the repository there is
// none: then the tests that need it are skipped, and so are the examples.
func TestMain(m *testing.M) {
	flag.Parse()
	// The examples print to stdout; what the SDK logs goes to where nobody has to read it.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(run(m))
}

func run(m *testing.M) int {
	server, err := realserver.Start()
	switch {
	case errors.Is(err, realserver.ErrAbsent):
		fmt.Fprintln(os.Stderr, "tests against the real server are skipped:", err)
		if err := flag.Set("test.skip", "^Example"); err != nil {
			panic(err)
		}
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	default:
		defer server.Stop()
		realURL = server.URL
		if err := os.Setenv("ORCH_URL", realURL); err != nil {
			panic(err)
		}
	}
	return m.Run()
}

// realClient returns a client of the real server.
func realClient(t *testing.T, options ...orchestrator.ClientOption) *orchestrator.Client {
	t.Helper()
	if realURL == "" {
		t.Skip("there is no real server here")
	}
	client, err := orchestrator.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
