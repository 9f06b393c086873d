package orchestrator_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

const slow = time.Minute // A renew interval that does not show.

func returning(result any) orchestrator.HandlerFunc {
	return func(context.Context, *orchestrator.ActiveJob) (any, error) { return result, nil }
}

func failing(err error) orchestrator.HandlerFunc {
	return func(context.Context, *orchestrator.ActiveJob) (any, error) { return nil, err }
}

func TestWorkerStartsWhatWasAccepted(t *testing.T) {
	server := startScripted(t, services{})
	started := make(chan string, 4)
	server.work(t, func(_ context.Context, job *orchestrator.ActiveJob) (any, error) {
		started <- job.ID
		return []byte("result"), nil
	})
	s := server.session(t, slow)
	s.offer(lease(1), lease(2))
	if accepts := s.accepts(); len(accepts) != 2 {
		t.Fatalf("%d accepts in the frame, not 2", len(accepts))
	}
	s.offer(lease(1)) // Its accept is repeated, nothing starts twice.
	if accepts := s.accepts(); len(accepts) != 1 {
		t.Fatalf("%d accepts in the frame, not 1", len(accepts))
	}
	s.answer(pb.WriteKind_WRITE_KIND_ACCEPT, lease(2), pb.WriteVerdict_WRITE_VERDICT_STALE_LEASE)
	s.answer(pb.WriteKind_WRITE_KIND_ACCEPT, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	s.answer(pb.WriteKind_WRITE_KIND_ACCEPT, lease(1),
		pb.WriteVerdict_WRITE_VERDICT_ALREADY_APPLIED)
	completion := s.completions()[0]
	if id := completion.GetLease().GetJobId(); id != lease(1).GetJobId() ||
		string(completion.GetResult()) != "result" {
		t.Errorf("completed %v", completion)
	}
	s.answer(pb.WriteKind_WRITE_KIND_COMPLETE, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	if len(started) != 1 {
		t.Errorf("%d handlers started, not 1", len(started))
	}
}

func TestWorkerFailures(t *testing.T) {
	remaining := int64(3)
	for name, c := range map[string]struct {
		handler  orchestrator.HandlerFunc
		class    orchestrator.FailureClass
		terminal bool
		after    time.Duration
		text     string
	}{
		"plain": {failing(errors.New("oops")), orchestrator.ClassUser, false, 0, "oops"},
		"terminal": {
			failing(&orchestrator.TerminalError{
				Err: errors.New("no"), Class: orchestrator.ClassParseError}),
			orchestrator.ClassParseError, true, 0, "no",
		},
		"retryable": {
			failing(orchestrator.RetryAfter(errors.New("later"), time.Hour)),
			orchestrator.ClassUser, false, time.Hour, "later",
		},
		"retryable too late": {
			failing(orchestrator.RetryAfter(errors.New("later"), 30*24*time.Hour)),
			orchestrator.ClassUser, false, 7 * 24 * time.Hour, "later",
		},
		"throttled": {
			failing(&orchestrator.ThrottledError{Err: errors.New("slow"), ResourceKey: "osv.dev",
				RetryAfter: time.Minute, Remaining: &remaining}),
			orchestrator.ClassHTTP429, false, time.Minute, "slow",
		},
		"panic": {
			func(context.Context, *orchestrator.ActiveJob) (any, error) { panic("at the disco") },
			orchestrator.ClassPanic, false, 0, "panic: at the disco",
		},
		"goexit": {
			func(context.Context, *orchestrator.ActiveJob) (any, error) {
				runtime.Goexit()
				return nil, nil
			},
			orchestrator.ClassPanic, false, 0, "Goexit",
		},
		"oversize": {
			returning(make([]byte, 256<<10+1)), orchestrator.ClassOversize, true, 0, "262145 bytes",
		},
		"not JSON": {returning(func() {}), orchestrator.ClassUser, true, 0, "JSON cannot carry"},
		"oversize checkpoint": {
			func(_ context.Context, job *orchestrator.ActiveJob) (any, error) {
				return nil, job.Progress(0.5,
					orchestrator.WithCheckpoint(make([]byte, 256<<10+1)))
			},
			orchestrator.ClassOversize, true, 0, "262145 bytes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startScripted(t, services{})
			server.work(t, c.handler)
			s := server.session(t, slow)
			s.offer(lease(1))
			s.acceptAll(lease(1))
			var throttle *pb.Throttle
			report := await(s, func(frame *pb.WorkerFrame) *pb.FailAttemptsRequest {
				if frame.GetThrottle() != nil {
					throttle = frame.GetThrottle()
				}
				return frame.GetFail()
			}, func(f *pb.FailAttemptsRequest) bool { return f != nil }).GetFailures()[0]
			failure := report.GetFailure()
			if orchestrator.FailureClass(failure.GetFailureClass()) != c.class ||
				failure.GetTerminal() != c.terminal ||
				failure.GetRetryAfter().AsDuration() != c.after ||
				!strings.Contains(failure.GetMessage(), c.text) {
				t.Errorf("the failure is %v", failure)
			}
			s.answer(pb.WriteKind_WRITE_KIND_FAIL, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
			if name == "throttled" {
				throttle = await(s, func(frame *pb.WorkerFrame) *pb.Throttle {
					if throttle != nil {
						return throttle
					}
					return frame.GetThrottle()
				}, func(t *pb.Throttle) bool { return t != nil })
				if throttle.GetRemaining() != 3 || throttle.GetResourceKey() != "osv.dev" {
					t.Errorf("the throttle is %v", throttle)
				}
			}
		})
	}
}

func TestWorkerStopsForVerdicts(t *testing.T) {
	for verdict, want := range map[pb.LeaseVerdict]orchestrator.AbortReason{
		pb.LeaseVerdict_LEASE_VERDICT_SUPERSEDED: orchestrator.AbortLeaseLost,
		pb.LeaseVerdict_LEASE_VERDICT_UNKNOWN:    orchestrator.AbortLeaseLost,
		pb.LeaseVerdict_LEASE_VERDICT_CANCELLED:  orchestrator.AbortCancelled,
	} {
		t.Run(string(want)+verdict.String(), func(t *testing.T) {
			t.Parallel()
			server := startScripted(t, services{})
			reasons := make(chan orchestrator.AbortReason, 1)
			server.work(t, func(ctx context.Context, _ *orchestrator.ActiveJob) (any, error) {
				reasons <- causeOf(ctx)
				return nil, ctx.Err()
			}, orchestrator.WithConcurrency(1))
			s := server.session(t, slow)
			s.offer(lease(1))
			s.acceptAll(lease(1))
			s.verdict(lease(1), verdict)
			if got := receive(t, reasons); got != want {
				t.Errorf("stopped because of %q, not %q", got, want)
			}
			if want == orchestrator.AbortCancelled {
				failure := s.failure().GetFailure()
				if failure.GetFailureClass() != pb.FailureClass_FAILURE_CLASS_CANCELLED {
					t.Errorf("the failure is %v", failure)
				}
				s.answer(pb.WriteKind_WRITE_KIND_FAIL, lease(1),
					pb.WriteVerdict_WRITE_VERDICT_APPLIED)
			}
		})
	}
}

// A handler of a lost lease still holds its slot; the server must not fill it.
func TestWorkerTakesBackCreditForLingeringHandlers(t *testing.T) {
	server := startScripted(t, services{})
	proceed := make(chan struct{})
	server.work(t, func(context.Context, *orchestrator.ActiveJob) (any, error) {
		<-proceed
		return nil, nil
	}, orchestrator.WithConcurrency(3))
	s := server.session(t, slow)
	s.offer(lease(1))
	s.acceptAll(lease(1))
	s.verdict(lease(1), pb.LeaseVerdict_LEASE_VERDICT_SUPERSEDED)
	if slots := s.credit()[0].GetSlots(); slots != 2 {
		t.Errorf("%d slots while the handler lingers, not 2", slots)
	}
	close(proceed)
	if slots := s.credit()[0].GetSlots(); slots != 3 {
		t.Errorf("%d slots after it ended, not 3", slots)
	}
}

func TestWorkerGivesUpHandlersThatIgnoreTheirContext(t *testing.T) {
	server := startScripted(t, services{})
	proceed := make(chan struct{})
	defer close(proceed)
	server.work(t, func(context.Context, *orchestrator.ActiveJob) (any, error) {
		<-proceed
		return "too late", nil
	})
	s := server.session(t, slow)
	s.offer(lease(1))
	s.acceptAll(lease(1))
	s.send(&pb.ServerFrame{Frame: &pb.ServerFrame_Cancels{Cancels: &pb.Cancels{
		Cancels: []*pb.Cancel{{
			JobId: lease(1).GetJobId(), LeaseEpoch: 1, Reason: pb.CancelReason_CANCEL_REASON_USER,
			Grace: durationpb.New(10 * time.Millisecond),
		}},
	}}})
	failure := s.failure().GetFailure()
	if failure.GetFailureClass() != pb.FailureClass_FAILURE_CLASS_CANCELLED ||
		!strings.Contains(failure.GetMessage(), "ignored its context") {
		t.Errorf("the failure is %v", failure)
	}
	s.answer(pb.WriteKind_WRITE_KIND_FAIL, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
}

func TestWorkerResendsOutcomesOnNewStreams(t *testing.T) {
	server := startScripted(t, services{})
	server.work(t, returning("done"))
	first := server.session(t, slow)
	first.offer(lease(1))
	first.acceptAll(lease(1))
	sent := first.completions()[0]
	first.end <- errors.New("a broken stream")
	second := server.session(t, slow)
	if held := second.hello.GetHeldLeases(); len(held) != 1 || held[0].GetLeaseEpoch() != 1 {
		t.Errorf("Hello names %v", held)
	}
	if second.hello.GetInstanceId() != first.hello.GetInstanceId() {
		t.Error("the instance id has changed")
	}
	if again := second.completions()[0]; again.GetCompletionId() != sent.GetCompletionId() {
		t.Errorf("completed as %v, then as %v", sent, again)
	}
	second.answer(pb.WriteKind_WRITE_KIND_COMPLETE, lease(1),
		pb.WriteVerdict_WRITE_VERDICT_ALREADY_APPLIED)
}

func TestWorkerHeartbeatsAndNoticesSilence(t *testing.T) {
	const interval = 300 * time.Millisecond
	server := startScripted(t, services{})
	proceed := make(chan struct{})
	server.work(t, func(context.Context, *orchestrator.ActiveJob) (any, error) {
		<-proceed
		return nil, nil
	})
	s := server.session(t, interval)
	s.offer(lease(1))
	s.acceptAll(lease(1))
	heartbeat := await(s, (*pb.WorkerFrame).GetHeartbeat,
		func(h *pb.Heartbeat) bool { return h != nil })
	if len(heartbeat.GetLeases()) != 1 {
		t.Errorf("renewed %v", heartbeat.GetLeases())
	}
	// The server says nothing any more: the stream is dead although the connection is not.
	second := server.session(t, slow)
	if len(second.hello.GetHeldLeases()) != 1 {
		t.Errorf("Hello names %v", second.hello.GetHeldLeases())
	}
	close(proceed)
	second.completions()
	second.answer(pb.WriteKind_WRITE_KIND_COMPLETE, lease(1),
		pb.WriteVerdict_WRITE_VERDICT_APPLIED)
}

func TestWorkerUsesTheOldStreamUntilItsSuccessorIsUp(t *testing.T) {
	server := startScripted(t, services{})
	server.work(t, returning(nil))
	first := server.session(t, slow)
	first.send(&pb.ServerFrame{Frame: &pb.ServerFrame_Goaway{Goaway: &pb.Goaway{
		Reason:          pb.GoawayReason_GOAWAY_REASON_MAX_AGE,
		ReconnectWindow: durationpb.New(100 * time.Millisecond),
	}}})
	first.offer(lease(1))
	first.acceptAll(lease(1))
	// The outcome comes over either; the second stream is there in any case.
	second := server.session(t, slow)
	var over *scriptedSession
	for frame := new(pb.WorkerFrame); frame.GetComplete() == nil; {
		select {
		case frame = <-first.frames:
			over = first
		case frame = <-second.frames:
			over = second
		}
	}
	over.answer(pb.WriteKind_WRITE_KIND_COMPLETE, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	second.send(&pb.ServerFrame{Frame: &pb.ServerFrame_Ping{Ping: &pb.Ping{Nonce: 7}}})
	for receive(t, second.frames).GetPong().GetNonce() != 7 {
		continue // The outcome may have been sent here, too, before it was answered.
	}
}

func TestWorkerEndsWhenSuperseded(t *testing.T) {
	server := startScripted(t, services{})
	worker := server.work(t, returning(nil))
	s := server.session(t, slow)
	s.send(&pb.ServerFrame{Frame: &pb.ServerFrame_Goaway{Goaway: &pb.Goaway{
		Reason: pb.GoawayReason_GOAWAY_REASON_SUPERSEDED,
	}}})
	err := receive(t, worker.ended)
	if !orchestrator.HasReason(err, orchestrator.ReasonSessionSuperseded) ||
		orchestrator.IsRetryable(err) {
		t.Errorf("the worker ended with %v", err)
	}
}

func TestWorkerSavesCheckpoints(t *testing.T) {
	server := startScripted(t, services{})
	saved := make(chan error, 1)
	server.work(t, func(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
		saved <- job.SaveCheckpoint(ctx, 0.25, []byte("here"))
		return nil, nil
	})
	s := server.session(t, slow)
	s.offer(lease(1))
	s.acceptAll(lease(1))
	reports := await(s, (*pb.WorkerFrame).GetProgress,
		func(p *pb.ReportProgressRequest) bool { return p != nil }).GetReports()
	if string(reports[0].GetProgress().GetCheckpoint()) != "here" || len(saved) != 0 {
		t.Errorf("reported %v, returned %d", reports, len(saved))
	}
	s.answer(pb.WriteKind_WRITE_KIND_PROGRESS, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	if err := receive(t, saved); err != nil {
		t.Error(err)
	}
	s.completions()
	s.answer(pb.WriteKind_WRITE_KIND_COMPLETE, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
}

func TestWorkerRefusesWhatCannotWork(t *testing.T) {
	options := func(o ...orchestrator.WorkerOption) []orchestrator.WorkerOption { return o }
	for name, c := range map[string]struct {
		options []orchestrator.WorkerOption
		handled bool
		text    string
	}{
		"no handlers":    {nil, false, "no job types"},
		"no slots":       {options(orchestrator.WithConcurrency(0)), true, "positive"},
		"too many slots": {options(orchestrator.WithConcurrency(10_001)), true, "10000"},
		"no such handler": {options(orchestrator.WithPool(orchestrator.Pool{
			Name: "p", JobTypes: []string{"test.other"}, Concurrency: 1})), true, "no handler"},
	} {
		t.Run(name, func(t *testing.T) {
			worker, err := orchestrator.NewWorker(c.options...)
			if err != nil {
				t.Fatal(err)
			}
			if c.handled {
				worker.Handle("test.job", returning(nil))
			}
			err = worker.Run(t.Context())
			if !errors.Is(err, orchestrator.CodeInvalidArgument) ||
				!strings.Contains(err.Error(), c.text) {
				t.Errorf("Run returned %v", err)
			}
		})
	}
	if _, err := orchestrator.NewWorker(orchestrator.WithURL("ftp://x")); !orchestrator.HasReason(
		err, orchestrator.ReasonURLInvalid) {
		t.Errorf("NewWorker returned %v", err)
	}
}
