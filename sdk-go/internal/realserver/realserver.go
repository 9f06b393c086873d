// Package realserver starts the orchestrator's server for tests.
package realserver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// ErrAbsent means that there is no server to start: the SDK is used outside of its repository, or
// the repository's packages are not installed.
var ErrAbsent = errors.New("the server is not here: run npm ci in the repository's root")

// fastLeases makes faults show within seconds.
const fastLeases = `{"default":{"leaseTtl":"4s","renewInterval":"1s","expirySweep":"0.5s"}}`

// stopGrace is how long the server may take to stop.
const stopGrace = 15 * time.Second

// Server is a server that runs.
type Server struct {
	// URL is its address.
	URL     string
	command *exec.Cmd
	folder  string
}

// Start starts a server on a free port with an empty embedded database and waits until it is
// ready. Its error is ErrAbsent if it is not there.
func Start() (*Server, error) {
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..", "..")
	node := filepath.Join(root, "node_modules", ".bin", "node")
	entry := filepath.Join(root, "server", "src", "main.ts")
	for _, needed := range []string{node, entry} {
		if _, err := os.Stat(needed); err != nil {
			return nil, ErrAbsent
		}
	}
	folder, err := os.MkdirTemp("", "orch-sdk-go-")
	if err != nil {
		return nil, err
	}
	command := exec.Command(node, "--conditions=source", entry, "--log-format", "json")
	command.Dir = root
	command.Env = append(os.Environ(),
		"ORCH_PORT=0", "ORCH_DATA_DIR="+folder, "ORCH_LEASE_POLICY="+fastLeases)
	s := &Server{command: command, folder: folder}
	if err := s.start(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) start() error {
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		return err
	}
	var stderr strings.Builder
	s.command.Stderr = &stderr
	if err := s.command.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			s.URL = line.URL
			go func() {
				for lines.Scan() { // Its log must not fill the pipe.
				}
			}()
			return nil
		}
	}
	return fmt.Errorf("the server ended before it was ready: %s", stderr.String())
}

// Stop stops the server and removes its data.
func (s *Server) Stop() {
	if s.command.Process != nil {
		_ = s.command.Process.Signal(syscall.SIGTERM) // It fails for a process that has ended.
		timer := time.AfterFunc(stopGrace, func() { _ = s.command.Process.Kill() })
		_ = s.command.Wait() // How it ended is no test's concern.
		timer.Stop()
	}
	_ = os.RemoveAll(s.folder)
}
