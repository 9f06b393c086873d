package orchestrator_test

import (
	"context"
	"errors"
	"testing"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// What came active starts without an accept, is renewed and named from the start, and only once.
func TestWorkerStartsActiveLeasesAtOnce(t *testing.T) {
	server := startScripted(t, services{})
	started, proceed := make(chan string, 4), make(chan struct{})
	server.work(t, func(_ context.Context, job *orchestrator.ActiveJob) (any, error) {
		started <- job.ID
		<-proceed
		return nil, nil
	}, orchestrator.WithLeaseAtOnce())
	first := server.session(t, 300*time.Millisecond)
	if !first.hello.GetLeaseAtOnce() {
		t.Error("Hello does not ask for active leases")
	}
	first.offerActive(lease(1))
	first.offerActive(lease(1))
	receive(t, started)
	// An accept would be unexpected here.
	heartbeat := await(first, (*pb.WorkerFrame).GetHeartbeat,
		func(h *pb.Heartbeat) bool { return h != nil })
	if len(heartbeat.GetLeases()) != 1 {
		t.Errorf("renewed %v", heartbeat.GetLeases())
	}
	first.end <- errors.New("a broken stream")
	second := server.session(t, slow)
	if held := second.hello.GetHeldLeases(); len(held) != 1 || held[0].GetLeaseEpoch() != 1 {
		t.Errorf("Hello names %v", held)
	}
	close(proceed)
	second.completions()
	second.answer(pb.WriteKind_WRITE_KIND_COMPLETE, lease(1),
		pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	if len(started) != 0 {
		t.Error("the handler started twice")
	}
}

func TestWorkerAsksForOffersUnlessTold(t *testing.T) {
	server := startScripted(t, services{})
	server.work(t, returning(nil))
	if server.session(t, slow).hello.GetLeaseAtOnce() {
		t.Error("Hello asks for active leases")
	}
}

func TestWorkerReleasesActiveLeasesWhileItDrains(t *testing.T) {
	server := startScripted(t, services{})
	started, proceed := make(chan string, 2), make(chan struct{})
	worker := server.work(t, func(_ context.Context, job *orchestrator.ActiveJob) (any, error) {
		started <- job.ID
		<-proceed
		return nil, nil
	}, orchestrator.WithLeaseAtOnce(), orchestrator.WithDrainGrace(signalTimeout))
	s := server.session(t, slow)
	s.drains.Store(true)
	s.offerActive(lease(1))
	receive(t, started)
	worker.stop()
	await(s, (*pb.WorkerFrame).GetDrain, func(d *pb.Drain) bool { return d != nil })
	s.offerActive(lease(2))
	release := await(s, (*pb.WorkerFrame).GetRelease,
		func(r *pb.ReleaseLeasesRequest) bool { return r != nil }).GetReleases()[0]
	if release.GetLease().GetLeaseEpoch() != 2 ||
		release.GetReason() != pb.ReleaseReason_RELEASE_REASON_UNSTARTED {
		t.Errorf("released %v", release)
	}
	s.answer(pb.WriteKind_WRITE_KIND_RELEASE, lease(2), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	s.sendAck()
	close(proceed)
	s.completions()
	s.answer(pb.WriteKind_WRITE_KIND_COMPLETE, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	if err := receive(t, worker.ended); err != nil || len(started) != 0 {
		t.Errorf("the worker ended with %v, %d more handlers started", err, len(started))
	}
}
