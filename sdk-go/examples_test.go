package orchestrator_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestExamples runs the programs in examples/ as a user does, against a real server.
func TestExamples(t *testing.T) {
	if realURL == "" {
		t.Skip("there is no real server here")
	}
	folder := t.TempDir()
	build := exec.Command("go", "build", "-o", folder+string(filepath.Separator), "./examples/...")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	start := func(name string, arguments ...string) (*exec.Cmd, *bytes.Buffer) {
		var output bytes.Buffer
		command := exec.Command(filepath.Join(folder, name), arguments...)
		command.Stdout, command.Stderr = &output, &output
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		return command, &output
	}
	run := func(t *testing.T, want string, name string, arguments ...string) {
		t.Helper()
		command, output := start(name, arguments...)
		if err := command.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		if !regexp.MustCompile(want).MatchString(output.String()) {
			t.Errorf("%q does not match\n%s", want, output)
		}
	}
	worker, workerOutput := start("worker")
	input := filepath.Join(folder, "input")
	if err := os.WriteFile(input, []byte(strings.Repeat("x", 3<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("enqueue", func(t *testing.T) {
		run(t, `(?s)^created .*Hello, Gopher!\n$`, "enqueue", "Gopher")
		run(t, `(?s)^(created|duplicate) .*Hello, Gopher!\n$`, "enqueue", "Gopher")
	})
	t.Run("batch", func(t *testing.T) {
		run(t, `(?s)^rejected: invalid_argument .*job_type.*created 50 of 51 `, "batch", "50")
	})
	t.Run("cancel", func(t *testing.T) {
		run(t, `(?s)cancel: requested\n.*cancelled by worker`, "cancel")
	})
	t.Run("artifact", func(t *testing.T) {
		run(t, `(?s)3145728 bytes, sha256:.*succeeded\nsha512.txt sha256:`, "artifact", input)
	})
	t.Run("fan-out", func(t *testing.T) {
		run(t, `(?s)version 1\n.*5 jobs, succeeded: {"joined":"XYZ"}`, "fan-out", "x", "y", "z")
	})
	t.Run("graceful-shutdown", func(t *testing.T) {
		run(t, `(?s)the worker has drained.* succeeded 0 interruptions`, "graceful-shutdown")
	})
	if err := worker.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := worker.Wait(); err != nil || !strings.Contains(workerOutput.String(), "drained") {
		t.Errorf("the worker ended with %v\n%s", err, workerOutput)
	}
}
