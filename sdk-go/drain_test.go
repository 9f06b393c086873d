package orchestrator_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

func TestWorkerDrains(t *testing.T) {
	server := startScripted(t, services{})
	started, proceed := make(chan struct{}), make(chan struct{})
	var log bytes.Buffer // A handler of slog locks it; read at the end.
	logger := slog.New(slog.NewTextHandler(&log, nil))
	worker := server.work(t, func(context.Context, *orchestrator.ActiveJob) (any, error) {
		close(started)
		<-proceed
		return nil, nil
	}, orchestrator.WithLogger(logger))
	s := server.session(t, slow)
	s.drains.Store(true)
	s.offer(lease(1))
	s.acceptAll(lease(1))
	receive(t, started)
	worker.stop()
	await(s, (*pb.WorkerFrame).GetDrain, func(d *pb.Drain) bool { return d != nil })
	s.offer(lease(2)) // It was on its way when Drain was.
	if release := s.release(); release.GetLease().GetLeaseEpoch() != 2 ||
		release.GetReason() != pb.ReleaseReason_RELEASE_REASON_UNSTARTED {
		t.Errorf("released %v", release)
	}
	s.answer(pb.WriteKind_WRITE_KIND_RELEASE, lease(2), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	s.sendAck()
	close(proceed)
	s.completions()
	s.answer(pb.WriteKind_WRITE_KIND_COMPLETE, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	if err := receive(t, worker.ended); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
	if strings.Contains(log.String(), "session lost") {
		t.Errorf("a stream that the worker ended itself counts as lost:\n%s", &log)
	}
}

func TestWorkerReleasesWhatOutlivesTheDrainGrace(t *testing.T) {
	server := startScripted(t, services{})
	started, reasons := make(chan struct{}), make(chan orchestrator.AbortReason, 1)
	worker := server.work(t, func(ctx context.Context, _ *orchestrator.ActiveJob) (any, error) {
		close(started)
		reasons <- causeOf(ctx)
		return nil, ctx.Err()
	}, orchestrator.WithDrainGrace(200*time.Millisecond))
	s := server.session(t, slow)
	s.drains.Store(true)
	s.offer(lease(1))
	s.acceptAll(lease(1))
	receive(t, started)
	worker.stop()
	await(s, (*pb.WorkerFrame).GetDrain, func(d *pb.Drain) bool { return d != nil })
	s.sendAck()
	if reason := receive(t, reasons); reason != orchestrator.AbortDrain {
		t.Errorf("stopped because of %q", reason)
	}
	if release := s.release(); release.GetReason() != pb.ReleaseReason_RELEASE_REASON_DRAINED {
		t.Errorf("released %v", release)
	}
	s.answer(pb.WriteKind_WRITE_KIND_RELEASE, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	if err := receive(t, worker.ended); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
}
