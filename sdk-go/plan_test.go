package orchestrator_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

const someRun = "01890a5d-ac96-774b-bcce-b302099a8057"

// scriptedRuns fails the first try of each call and remembers what was asked.
type scriptedRuns struct {
	pb.UnimplementedRunServiceServer
	appends []*pb.AppendJobsRequest
	cancels []*pb.CancelRunRequest
}

func (r *scriptedRuns) AppendJobs(
	_ context.Context, request *pb.AppendJobsRequest,
) (*pb.AppendJobsResponse, error) {
	if r.appends = append(r.appends, request); len(r.appends) == 1 {
		return nil, status.Error(codes.Unavailable, "not now")
	}
	return &pb.AppendJobsResponse{JobIds: []string{"1", "2"}, Existing: 2}, nil
}

func (r *scriptedRuns) CancelRun(
	_ context.Context, request *pb.CancelRunRequest,
) (*pb.CancelRunResponse, error) {
	if r.cancels = append(r.cancels, request); len(r.cancels) == 1 {
		return nil, status.Error(codes.Unavailable, "not now")
	}
	return &pb.CancelRunResponse{Operation: &pb.Operation{
		OperationId: request.GetRequestId(), Kind: pb.OperationKind_OPERATION_KIND_CANCEL_RUN,
		State: pb.OperationState_OPERATION_STATE_RUNNING,
	}}, nil
}

func TestRunCallsAreRepeatedAsTheyWere(t *testing.T) {
	runs := &scriptedRuns{}
	client := scriptedClient(t, services{runs: runs})
	lease := orchestrator.Lease{JobID: someRun, Attempt: 2, Epoch: 5, Token: "t"}
	appended, err := client.Runs().Append(t.Context(), someRun, []orchestrator.RunJob{
		{Name: "a", JobRequest: orchestrator.JobRequest{Type: "t"}},
		{
			Name:       "b",
			JobRequest: orchestrator.JobRequest{Type: "t"},
			DependsOn: []orchestrator.Dependency{
				{Name: "a", When: orchestrator.WhenFailure, IncludeFanOut: true},
			},
		},
	}, orchestrator.WithClose(), orchestrator.WithFanOut(lease))
	if err != nil || appended.Existing != 2 || appended.JobIDs["b"] != "2" {
		t.Errorf("appended %v (%v)", appended, err)
	}
	sent := runs.appends[1]
	edge := sent.GetJobs()[1].GetDependsOn()[0]
	if !sent.GetClose() || sent.GetFanOut().GetLeaseEpoch() != 5 ||
		edge.GetCondition() != pb.EdgeCondition_EDGE_CONDITION_FAILURE ||
		!edge.GetIncludeFanOut() || sent.GetJobs()[0].GetSpec().GetJobId() != "" {
		t.Errorf("sent %v", sent)
	}
	operation, err := client.Runs().Cancel(t.Context(), someRun, orchestrator.WithReason("r"),
		orchestrator.WithTicket("OPS-1"), orchestrator.WithGrace(0))
	if err != nil || operation.Kind != orchestrator.OperationCancelRun {
		t.Fatalf("%v (%v)", operation, err)
	}
	for _, cancel := range runs.cancels {
		if cancel.GetRequestId() != operation.ID || cancel.GetReason() != "r" ||
			cancel.GetTicket() != "OPS-1" || cancel.GetGrace() == nil {
			t.Errorf("sent %v", cancel)
		}
	}
}

// scriptedPipelines refuses what is put because somebody else's version came first.
type scriptedPipelines struct {
	pb.UnimplementedPipelineServiceServer
	t    *testing.T
	puts int
}

func (p *scriptedPipelines) PutPipeline(
	context.Context, *pb.PutPipelineRequest,
) (*pb.PutPipelineResponse, error) {
	p.puts++
	return nil, detailed(p.t, codes.Aborted, &errdetails.ErrorInfo{Reason: "ETAG_MISMATCH"})
}

func TestVersionsNeedAName(t *testing.T) {
	client := scriptedClient(t, services{pipelines: &scriptedPipelines{t: t}})
	for _, err := range client.Pipelines().Versions(t.Context(), "") {
		if !errors.Is(err, orchestrator.CodeInvalidArgument) {
			t.Error(err)
		}
		return
	}
	t.Error("nothing was refused")
}

func TestWhatSomebodyElseChangedIsNotRepeated(t *testing.T) {
	pipelines := &scriptedPipelines{t: t}
	client := scriptedClient(t, services{pipelines: pipelines})
	_, err := client.Pipelines().Put(t.Context(), orchestrator.Pipeline{Name: "p", ETag: "old"})
	if !errors.Is(err, orchestrator.CodeAborted) || orchestrator.IsRetryable(err) ||
		!orchestrator.HasReason(err, orchestrator.ReasonETagMismatch) || pipelines.puts != 1 {
		t.Errorf("%v after %d tries", err, pipelines.puts)
	}
}

func TestFanOutNeedsARun(t *testing.T) {
	server := startScripted(t, services{})
	errs := make(chan error, 1)
	server.work(t, func(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
		_, err := job.FanOut(ctx, []orchestrator.RunJob{{Name: "a"}})
		errs <- err
		return nil, nil
	})
	s := server.session(t, slow)
	s.offerActive(lease(1))
	err := receive(t, errs)
	if !errors.Is(err, orchestrator.CodeFailedPrecondition) ||
		!orchestrator.HasReason(err, orchestrator.ReasonJobNotInRun) {
		t.Errorf("fanned out with %v", err)
	}
	s.completions()
	s.answer(pb.WriteKind_WRITE_KIND_COMPLETE, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
}

// timeLeft says that an operator moved the deadline of a lease's attempt.
func (s *scriptedSession) timeLeft(lease *pb.LeaseRef, left time.Duration) {
	s.t.Helper()
	s.send(&pb.ServerFrame{Frame: &pb.ServerFrame_Verdicts{Verdicts: &pb.Verdicts{
		Verdicts: []*pb.Verdict{{
			JobId: lease.GetJobId(), LeaseEpoch: lease.GetLeaseEpoch(),
			Verdict:         pb.LeaseVerdict_LEASE_VERDICT_RENEWED,
			AttemptTimeLeft: durationpb.New(left),
		}},
	}}})
}

func TestWorkerMovesDeadlines(t *testing.T) {
	server := startScripted(t, services{})
	begin := time.Now()
	left := func(ctx context.Context) time.Duration {
		deadline, _ := ctx.Deadline()
		return deadline.Sub(begin)
	}
	contexts := make(chan context.Context, 1)
	server.work(t, func(ctx context.Context, _ *orchestrator.ActiveJob) (any, error) {
		contexts <- ctx
		<-ctx.Done()
		return nil, ctx.Err()
	})
	s := server.session(t, slow)
	s.offer(lease(1))
	accepted := s.accepts()
	s.timeLeft(lease(1), 9*time.Hour) // Before it begins: from its beginning on.
	s.answer(pb.WriteKind_WRITE_KIND_ACCEPT, accepted[0], pb.WriteVerdict_WRITE_VERDICT_APPLIED)
	ctx := receive(t, contexts)
	if got := left(ctx); got < 9*time.Hour || got > 9*time.Hour+signalTimeout {
		t.Errorf("begun with %v left", got)
	}
	s.timeLeft(lease(1), 50*time.Millisecond)
	if reason := causeOf(ctx); reason != orchestrator.AbortDeadline {
		t.Errorf("stopped because of %q", reason)
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) || left(ctx) > signalTimeout {
		t.Errorf("ended with %v, %v after the beginning", ctx.Err(), left(ctx))
	}
	class := s.failure().GetFailure().GetFailureClass()
	if class != pb.FailureClass_FAILURE_CLASS_TIMEOUT {
		t.Errorf("failed with %v", class)
	}
	s.answer(pb.WriteKind_WRITE_KIND_FAIL, lease(1), pb.WriteVerdict_WRITE_VERDICT_APPLIED)
}

func TestWorkerSaysItsHost(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for want, options := range map[string][]orchestrator.WorkerOption{
		host:     nil,
		"":       {orchestrator.WithHost("")},
		"rack-7": {orchestrator.WithHost("rack-7")},
		// As long as the contract allows.
		strings.Repeat("x", 252) + "…": {orchestrator.WithHost(strings.Repeat("x", 256))},
	} {
		server := startScripted(t, services{})
		server.work(t, returning(nil), options...)
		if got := server.session(t, slow).hello.GetHost(); got != want {
			t.Errorf("Hello says %q, not %q", got, want)
		}
	}
}

// logged hands on the messages of a logger.
type logged struct {
	slog.Handler
	messages chan string
}

func (l logged) Enabled(context.Context, slog.Level) bool { return true }

func (l logged) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(attr slog.Attr) bool {
		if attr.Key == "blocked_by" {
			causes, _ := attr.Value.Any().([]string)
			l.messages <- strings.Join(append([]string{record.Message}, causes...), " ")
		}
		return true
	})
	return nil
}

func TestWorkerLogsWhyNothingComes(t *testing.T) {
	server := startScripted(t, services{})
	messages := make(chan string, 3)
	server.work(t, returning(nil),
		orchestrator.WithLogger(slog.New(logged{slog.DiscardHandler, messages})))
	s := server.session(t, slow)
	pause := &pb.BlockedBy{Cause: &pb.BlockedBy_Pause{Pause: &pb.BlockedByPause{}}}
	for _, hint := range []*pb.Hint{
		{},
		{ReadyJobs: 1, MoreWorkersHelp: true},
		{ReadyJobs: 1, BlockedBy: []*pb.BlockedBy{pause, {}}},
	} {
		s.send(&pb.ServerFrame{Frame: &pb.ServerFrame_Hint{Hint: hint}})
	}
	got := []string{receive(t, messages), receive(t, messages), receive(t, messages)}
	want := []string{"idle", "all slots are taken and more jobs wait", "idle pause "}
	if !slices.Equal(got, want) {
		t.Errorf("logged %q, not %q", got, want)
	}
}
