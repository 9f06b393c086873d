// Command conformance is the Go SDK's program for the conformance suite: it does what the runner
// says on stdin, with the SDK's public API only. test/conformance/README.md has the protocol.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"google.golang.org/protobuf/proto"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/conformancev1"
)

const (
	protocolVersion = 1
	exitBug         = 2
	maxMessageBytes = 16 << 20
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr,
		&slog.HandlerOptions{Level: slog.LevelDebug})))
	out := &events{to: bufio.NewWriter(os.Stdout)}
	out.emit(&pb.Event{Event: &pb.Event_Ready{Ready: &pb.Ready{
		ProtocolVersion: protocolVersion,
		Sdk:             "sdk-go/" + orchestrator.Version,
	}}})
	program := newProgram(out)
	in := bufio.NewReader(os.Stdin)
	for {
		command, err := readCommand(in)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			bug(err)
		}
		program.begin(command)
	}
}

// bug ends the process: the program, not the SDK, did something wrong.
func bug(err error) {
	fmt.Fprintln(os.Stderr, "conformance program:", err)
	os.Exit(exitBug)
}

func readCommand(in io.Reader) (*pb.Command, error) {
	var length uint32
	if err := binary.Read(in, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	if length > maxMessageBytes {
		return nil, fmt.Errorf("a command of %d bytes", length)
	}
	encoded := make([]byte, length)
	if _, err := io.ReadFull(in, encoded); err != nil {
		return nil, err
	}
	command := &pb.Command{}
	return command, proto.Unmarshal(encoded, command)
}

// events writes events to the runner, each whole.
type events struct {
	mu sync.Mutex
	to *bufio.Writer
}

func (e *events) emit(event *pb.Event) {
	encoded, err := proto.Marshal(event)
	if err != nil {
		bug(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	err = binary.Write(e.to, binary.BigEndian, uint32(len(encoded)))
	if err == nil {
		_, err = e.to.Write(encoded)
	}
	if err == nil {
		err = e.to.Flush()
	}
	if err != nil {
		bug(err)
	}
}
