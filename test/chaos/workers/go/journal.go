package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// journal is the process's own log: a line of JSON a write, so that a process which is killed has
// said all that it said.
type journal struct {
	mu      sync.Mutex
	file    *os.File
	process string
	seq     int
}

func openJournal(path, process string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &journal{file: file, process: process}, nil
}

// note writes a line. The monotonic clock is the machine's, the same for all processes.
func (j *journal) note(tenant, event string, fields map[string]any) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	line := map[string]any{
		"process": j.process, "tenant": tenant, "event": event,
		"monoNs":  strconv.FormatInt(now.Nano(), 10),
		"clockMs": time.Now().UnixMilli(),
	}
	for name, value := range fields {
		line[name] = value
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seq++
	line["seq"] = j.seq
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	if _, err := j.file.Write(append(text, '\n')); err != nil {
		panic(err)
	}
}

// hearing is a log handler that hears what became of results, which no handler is told.
type hearing struct {
	journal *journal
	tenant  string
	fields  map[string]any
}

var heard = map[string]string{
	"result dropped: the lease is stale": "refused",
	"lease lost":                         "lost",
}

var names = map[string]string{
	"job_id": "jobId", "attempt": "attempt", "lease_epoch": "leaseEpoch",
}

func (h *hearing) Enabled(context.Context, slog.Level) bool { return true }

func (h *hearing) Handle(_ context.Context, record slog.Record) error {
	if event, ok := heard[record.Message]; ok {
		h.journal.note(h.tenant, event, h.fields)
	}
	return nil
}

func (h *hearing) WithAttrs(attrs []slog.Attr) slog.Handler {
	fields := map[string]any{}
	for name, value := range h.fields {
		fields[name] = value
	}
	for _, attr := range attrs {
		if name, ok := names[attr.Key]; ok {
			fields[name] = attr.Value.Any()
		}
	}
	return &hearing{journal: h.journal, tenant: h.tenant, fields: fields}
}

func (h *hearing) WithGroup(string) slog.Handler { return h }
