package orchestrator_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// signalTimeout is how long a test waits for what must come.
const signalTimeout = 20 * time.Second

// scriptedServer is a real gRPC server whose every answer is a test's.
type scriptedServer struct {
	url      string
	sessions chan *scriptedSession
}

// services are what a test serves; nil ones answer UNIMPLEMENTED.
type services struct {
	jobs      pb.JobServiceServer
	artifacts pb.ArtifactServiceServer
	runs      pb.RunServiceServer
	pipelines pb.PipelineServiceServer
}

// scriptedSession is the server's end of a session's stream.
type scriptedSession struct {
	t      *testing.T
	stream grpc.BidiStreamingServer[pb.WorkerFrame, pb.ServerFrame]
	hello  *pb.Hello
	frames chan *pb.WorkerFrame
	end    chan error
	// drains: the test answers Drain itself; otherwise it is answered at once.
	drains  atomic.Bool
	sending sync.Mutex
}

type scriptedRunner struct {
	pb.UnimplementedTaskRunnerServiceServer
	t        *testing.T
	sessions chan *scriptedSession
}

// startScripted starts a server until the test ends.
func startScripted(t *testing.T, s services) *scriptedServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	runner := &scriptedRunner{t: t, sessions: make(chan *scriptedSession, 16)}
	server := grpc.NewServer()
	pb.RegisterTaskRunnerServiceServer(server, runner)
	if s.jobs != nil {
		pb.RegisterJobServiceServer(server, s.jobs)
	}
	if s.artifacts != nil {
		pb.RegisterArtifactServiceServer(server, s.artifacts)
	}
	if s.runs != nil {
		pb.RegisterRunServiceServer(server, s.runs)
	}
	if s.pipelines != nil {
		pb.RegisterPipelineServiceServer(server, s.pipelines)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return &scriptedServer{url: "http://" + listener.Addr().String(), sessions: runner.sessions}
}

// Session hands the stream to the test and reads its frames.
func (r *scriptedRunner) Session(
	stream grpc.BidiStreamingServer[pb.WorkerFrame, pb.ServerFrame],
) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	s := &scriptedSession{
		t: r.t, stream: stream, hello: first.GetHello(),
		frames: make(chan *pb.WorkerFrame, 1024), end: make(chan error, 1),
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			frame, err := stream.Recv()
			if err != nil {
				return
			}
			if frame.GetDrain() != nil && !s.drains.Load() {
				s.sendAck()
			}
			s.frames <- frame
		}
	}()
	r.sessions <- s
	select {
	case err := <-s.end:
		return err
	case <-over:
		return nil
	}
}

// session returns the next session that opens, welcomed with a policy of fast clocks.
func (s *scriptedServer) session(t *testing.T, renewInterval time.Duration) *scriptedSession {
	t.Helper()
	select {
	case session := <-s.sessions:
		session.send(&pb.ServerFrame{Frame: &pb.ServerFrame_Welcome{Welcome: &pb.Welcome{
			SessionId: "s",
			LeasePolicy: &pb.LeasePolicy{
				RenewInterval: durationpb.New(renewInterval),
				ReconnectMin:  durationpb.New(time.Millisecond),
				ReconnectMax:  durationpb.New(50 * time.Millisecond),
				DrainGrace:    durationpb.New(2 * time.Second),
			},
		}}})
		return session
	case <-time.After(signalTimeout):
		t.Fatal("no session was opened")
		return nil
	}
}

func (s *scriptedSession) send(frame *pb.ServerFrame) {
	s.t.Helper()
	s.sending.Lock()
	defer s.sending.Unlock()
	if err := s.stream.Send(frame); err != nil {
		s.t.Errorf("the session takes no frame: %v", err)
	}
}

// sendAck answers Drain; the stream may be over.
func (s *scriptedSession) sendAck() {
	s.sending.Lock()
	defer s.sending.Unlock()
	_ = s.stream.Send(&pb.ServerFrame{
		Frame: &pb.ServerFrame_DrainAck{DrainAck: &pb.DrainAck{}},
	})
}

// offer offers jobs of the type test.job.
func (s *scriptedSession) offer(leases ...*pb.LeaseRef) {
	s.t.Helper()
	s.sendOffers(&pb.Offers{}, leases)
}

// offerActive hands out jobs of the type test.job whose leases need no accept.
func (s *scriptedSession) offerActive(leases ...*pb.LeaseRef) {
	s.t.Helper()
	s.sendOffers(&pb.Offers{Active: true}, leases)
}

func (s *scriptedSession) sendOffers(offers *pb.Offers, leases []*pb.LeaseRef) {
	s.t.Helper()
	for _, lease := range leases {
		offers.Offers = append(offers.Offers, &pb.Offer{
			Lease: lease,
			Pool:  s.hello.GetPools()[0].GetName(),
			Spec:  &pb.JobSpec{JobType: "test.job"},
		})
	}
	s.send(&pb.ServerFrame{Frame: &pb.ServerFrame_Offers{Offers: offers}})
}

func (s *scriptedSession) answer(
	kind pb.WriteKind, lease *pb.LeaseRef, verdict pb.WriteVerdict,
) {
	s.t.Helper()
	s.send(&pb.ServerFrame{Frame: &pb.ServerFrame_Results{Results: &pb.Results{
		Results: []*pb.WriteResult{{
			Kind: kind, JobId: lease.GetJobId(), LeaseEpoch: lease.GetLeaseEpoch(),
			Verdict: verdict,
		}},
	}}})
}

func (s *scriptedSession) verdict(lease *pb.LeaseRef, verdict pb.LeaseVerdict) {
	s.t.Helper()
	s.send(&pb.ServerFrame{Frame: &pb.ServerFrame_Verdicts{Verdicts: &pb.Verdicts{
		Verdicts: []*pb.Verdict{{
			JobId: lease.GetJobId(), LeaseEpoch: lease.GetLeaseEpoch(), Verdict: verdict,
		}},
	}}})
}

// await returns the next frame of a kind; signs of life on the way to it are skipped.
func await[T any](s *scriptedSession, kind func(*pb.WorkerFrame) T, isThere func(T) bool) T {
	s.t.Helper()
	timeout := time.After(signalTimeout)
	for {
		select {
		case frame := <-s.frames:
			if found := kind(frame); isThere(found) {
				return found
			}
			if frame.GetPing() == nil && frame.GetHeartbeat() == nil && frame.GetPong() == nil {
				s.t.Fatalf("an unexpected frame: %v", frame)
			}
		case <-timeout:
			s.t.Fatal("the frame did not come")
		}
	}
}

func (s *scriptedSession) accepts() []*pb.LeaseRef {
	s.t.Helper()
	return await(s, (*pb.WorkerFrame).GetAccept,
		func(a *pb.Accept) bool { return a != nil }).GetLeases()
}

func (s *scriptedSession) completions() []*pb.Completion {
	s.t.Helper()
	return await(s, (*pb.WorkerFrame).GetComplete,
		func(c *pb.CompleteAttemptsRequest) bool { return c != nil }).GetCompletions()
}

func (s *scriptedSession) failure() *pb.FailureReport {
	s.t.Helper()
	return await(s, (*pb.WorkerFrame).GetFail,
		func(f *pb.FailAttemptsRequest) bool { return f != nil }).GetFailures()[0]
}

func (s *scriptedSession) release() *pb.Release {
	s.t.Helper()
	return await(s, (*pb.WorkerFrame).GetRelease,
		func(r *pb.ReleaseLeasesRequest) bool { return r != nil }).GetReleases()[0]
}

func (s *scriptedSession) credit() []*pb.PoolCredit {
	s.t.Helper()
	return await(s, (*pb.WorkerFrame).GetCredit,
		func(c *pb.Credit) bool { return c != nil }).GetPools()
}

// acceptAll answers the accepts of all leases.
func (s *scriptedSession) acceptAll(leases ...*pb.LeaseRef) {
	s.t.Helper()
	for count := 0; count < len(leases); {
		for _, lease := range s.accepts() {
			s.answer(pb.WriteKind_WRITE_KIND_ACCEPT, lease, pb.WriteVerdict_WRITE_VERDICT_APPLIED)
			count++
		}
	}
}

// lease makes the n-th lease of a test.
func lease(n int64) *pb.LeaseRef {
	const ids = "01890a5d-ac96-774b-bcce-b302099a805"
	return &pb.LeaseRef{
		JobId: ids + string(rune('0'+n%10)), Attempt: 1, LeaseEpoch: n, LeaseToken: "token",
	}
}

// scriptedWorker runs a worker for a scripted server; stop makes it drain.
type scriptedWorker struct {
	stop  context.CancelFunc
	ended chan error
}

func (s *scriptedServer) work(
	t *testing.T, handler orchestrator.HandlerFunc, options ...orchestrator.WorkerOption,
) *scriptedWorker {
	t.Helper()
	worker, err := orchestrator.NewWorker(append(options, orchestrator.WithURL(s.url),
		orchestrator.WithoutSignals())...)
	if err != nil {
		t.Fatal(err)
	}
	worker.Handle("test.job", handler)
	ctx, stop := context.WithCancel(context.Background())
	w := &scriptedWorker{stop: stop, ended: make(chan error, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.ended <- worker.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		select {
		case <-done:
		case <-time.After(signalTimeout):
			t.Error("the worker did not end")
		}
	})
	return w
}

// receive returns what a channel must bring.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(signalTimeout):
		t.Fatal("what was waited for did not come")
		panic("unreachable")
	}
}

// causeOf returns why a context ended.
func causeOf(ctx context.Context) orchestrator.AbortReason {
	<-ctx.Done()
	reason, _ := errors.AsType[orchestrator.AbortReason](context.Cause(ctx))
	return reason
}
