package orchestrator_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

type enqueueResponse = pb.EnqueueJobsResponse

// scriptedJobs answers with what a test says.
type scriptedJobs struct {
	pb.UnimplementedJobServiceServer
	enqueue func(context.Context, *pb.EnqueueJobsRequest) (*enqueueResponse, error)
	get     func() error
	watch   func(grpc.ServerStreamingServer[pb.WatchJobsResponse]) error
}

func (j *scriptedJobs) EnqueueJobs(
	ctx context.Context, request *pb.EnqueueJobsRequest,
) (*pb.EnqueueJobsResponse, error) {
	return j.enqueue(ctx, request)
}

func (j *scriptedJobs) GetJob(
	_ context.Context, request *pb.GetJobRequest,
) (*pb.GetJobResponse, error) {
	if err := j.get(); err != nil {
		return nil, err
	}
	return &pb.GetJobResponse{Job: &pb.Job{JobId: request.GetJobId()}}, nil
}

func (j *scriptedJobs) WatchJobs(
	_ *pb.WatchJobsRequest, stream grpc.ServerStreamingServer[pb.WatchJobsResponse],
) error {
	return j.watch(stream)
}

// created answers that every job of a request was created.
func created(request *pb.EnqueueJobsRequest) *pb.EnqueueJobsResponse {
	response := &pb.EnqueueJobsResponse{}
	for _, job := range request.GetJobs() {
		response.Results = append(response.Results, &pb.EnqueueResult{
			Outcome: pb.EnqueueOutcome_ENQUEUE_OUTCOME_CREATED, JobId: job.GetJobId(),
		})
	}
	return response
}

func scriptedClient(
	t *testing.T, s services, options ...orchestrator.ClientOption,
) *orchestrator.Client {
	t.Helper()
	server := startScripted(t, s)
	client, err := orchestrator.NewClient(append(options, orchestrator.WithURL(server.url))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// detailed makes a status with details.
func detailed(t *testing.T, code codes.Code, details ...protoadapt.MessageV1) error {
	t.Helper()
	s, err := status.New(code, "message").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return s.Err()
}

func TestEnqueueSharesBatches(t *testing.T) {
	var sizes []int
	entered, proceed := make(chan struct{}), make(chan struct{})
	client := scriptedClient(t, services{jobs: &scriptedJobs{
		enqueue: func(_ context.Context, r *pb.EnqueueJobsRequest) (*enqueueResponse, error) {
			sizes = append(sizes, len(r.GetJobs()))
			if len(sizes) == 1 {
				close(entered)
				<-proceed
			}
			return created(r), nil
		},
	}}, orchestrator.WithQueueLimits(1_500, 1<<30))
	ctx := t.Context()
	var group sync.WaitGroup
	enqueue := func() {
		if _, err := client.Enqueue(ctx, "test.job", nil); err != nil {
			t.Error(err)
		}
	}
	group.Go(enqueue)
	receive(t, entered)
	// One that is withdrawn while it waits is not sent.
	brief, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, err := client.Enqueue(brief, "test.job", nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a withdrawn job returned %v", err)
	}
	full := make(chan error, 2_000)
	for range 1_600 {
		group.Go(func() {
			if _, err := client.Enqueue(ctx, "test.job", nil); err != nil {
				full <- err
			}
		})
	}
	for range 100 {
		if err := receive(t, full); !orchestrator.HasReason(err, orchestrator.ReasonQueueFull) ||
			!orchestrator.IsRetryable(err) {
			t.Fatalf("a job too many returned %v", err)
		}
	}
	close(proceed)
	group.Wait()
	if !slices.Equal(sizes, []int{1, 1_000, 500}) {
		t.Errorf("batches of %v", sizes)
	}
}

func TestEnqueueIsolatesBadJobs(t *testing.T) {
	for name, violations := range map[string][]*errdetails.BadRequest_FieldViolation{
		"named":   {{Field: "jobs[1].job_type", Description: "bad"}},
		"unnamed": nil,
	} {
		t.Run(name, func(t *testing.T) {
			client := scriptedClient(t, services{jobs: &scriptedJobs{
				enqueue: func(
					_ context.Context, r *pb.EnqueueJobsRequest,
				) (*enqueueResponse, error) {
					for _, job := range r.GetJobs() {
						if job.GetJobType() == "bad" {
							return nil, detailed(t, codes.InvalidArgument,
								&errdetails.BadRequest{FieldViolations: violations})
						}
					}
					return created(r), nil
				},
			}})
			results := client.EnqueueMany(t.Context(), []orchestrator.JobRequest{
				{Type: "test.a"}, {Type: "bad"}, {Type: "test.b"},
			})
			for i, result := range results {
				isBad := errors.Is(result.Err, orchestrator.CodeInvalidArgument)
				if isBad != (i == 1) {
					t.Errorf("job %d: %v, %v", i, result.Outcome, result.Err)
				}
			}
		})
	}
}

// A lost answer must not make a second job, nor look like somebody else's.
func TestEnqueueRepeatsUnderTheSameID(t *testing.T) {
	var ids []string
	client := scriptedClient(t, services{jobs: &scriptedJobs{
		enqueue: func(_ context.Context, r *pb.EnqueueJobsRequest) (*enqueueResponse, error) {
			ids = append(ids, r.GetJobs()[0].GetJobId())
			if len(ids) == 1 {
				return nil, status.Error(codes.Unavailable, "the answer is lost")
			}
			response := created(r)
			response.Results[0].Outcome = pb.EnqueueOutcome_ENQUEUE_OUTCOME_DUPLICATE
			return response, nil
		},
	}})
	job, err := client.Enqueue(t.Context(), "test.job", nil)
	if err != nil || job.Outcome != orchestrator.EnqueueCreated {
		t.Errorf("%v (%v)", job, err)
	}
	if len(ids) != 2 || ids[0] != ids[1] || ids[0] != job.ID {
		t.Errorf("sent under %v, returned %v", ids, job.ID)
	}
}

func TestEnqueueSaysWhoItIs(t *testing.T) {
	seen := make(chan metadata.MD, 1)
	spec := make(chan *pb.JobSpec, 1)
	trace := orchestrator.TraceContext{
		Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Tracestate: "k=v",
	}
	client := scriptedClient(t, services{jobs: &scriptedJobs{
		enqueue: func(ctx context.Context, r *pb.EnqueueJobsRequest) (*enqueueResponse, error) {
			headers, _ := metadata.FromIncomingContext(ctx)
			seen <- headers
			spec <- r.GetJobs()[0]
			return created(r), nil
		},
	}}, orchestrator.WithTenant("acme"), orchestrator.WithHeader("X-Proxy", "yes"),
		orchestrator.WithTraceHook(func(context.Context) orchestrator.TraceContext {
			return trace
		}))
	if _, err := client.Enqueue(t.Context(), "test.job", map[string]int{"n": 1},
		orchestrator.WithQueue("q"), orchestrator.WithPriority(3), orchestrator.WithProject("p"),
		orchestrator.WithSource("osv.dev"), orchestrator.WithCorrelationID("c"),
		orchestrator.WithConcurrencyKey("k"),
		orchestrator.WithAttemptDeadline(time.Minute),
		orchestrator.WithNotBefore(time.Unix(1, 0)),
		orchestrator.WithRetryPolicy(orchestrator.RetryPolicy{MaxAttempts: 2}),
		orchestrator.WithPayloadMediaType("application/vnd.x+json")); err != nil {
		t.Fatal(err)
	}
	headers := receive(t, seen)
	if headers.Get("orch-tenant")[0] != "acme" || headers.Get("x-proxy")[0] != "yes" {
		t.Errorf("headers %v", headers)
	}
	s := receive(t, spec)
	if s.GetTraceparent() != trace.Traceparent || s.GetTracestate() != trace.Tracestate ||
		string(s.GetPayload()) != `{"n":1}` ||
		s.GetPayloadMediaType() != "application/vnd.x+json" ||
		s.GetConcurrencyKey() != "k" ||
		s.GetQueue() != "q" || s.GetPriority() != 3 || s.GetRetry().GetMaxAttempts() != 2 ||
		s.GetNotBefore().GetSeconds() != 1 || s.GetAttemptDeadline().GetSeconds() != 60 {
		t.Errorf("the spec is %v", s)
	}
}

func TestErrorsCarryTheirDetails(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		client := scriptedClient(t, services{jobs: &scriptedJobs{get: func() error {
			return detailed(t, code, &errdetails.ErrorInfo{
				Reason: "WHY", Domain: orchestrator.Domain, Metadata: map[string]string{"k": "v"},
			})
		}}}, orchestrator.WithTimeout(300*time.Millisecond))
		_, err := client.GetJob(t.Context(), "id")
		e, ok := errors.AsType[*orchestrator.Error](err)
		if !ok || !errors.Is(err, orchestrator.Code(code)) || e.Reason != "WHY" ||
			e.Domain != orchestrator.Domain || e.Metadata["k"] != "v" {
			t.Errorf("%v became %v", code, err)
		}
		if want := code == codes.Unavailable || code == codes.Aborted; e.IsRetryable() != want {
			t.Errorf("%v is retryable: %v", code, e.IsRetryable())
		}
	}
}

func TestRetriesHeedRetryInfo(t *testing.T) {
	const wait = 50 * time.Millisecond
	calls := 0
	client := scriptedClient(t, services{jobs: &scriptedJobs{get: func() error {
		if calls++; calls == 1 {
			return detailed(t, codes.ResourceExhausted,
				&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
		}
		return nil
	}}})
	begin := time.Now()
	if _, err := client.GetJob(t.Context(), "id"); err != nil || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
	if elapsed := time.Since(begin); elapsed < wait {
		t.Errorf("repeated after %v", elapsed)
	}
}

func TestCallsEndWithTheirContext(t *testing.T) {
	client := scriptedClient(t, services{jobs: &scriptedJobs{get: func() error {
		return status.Error(codes.Unavailable, "away")
	}}})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := client.GetJob(ctx, "id")
	if !errors.Is(err, context.Canceled) || !errors.Is(err, orchestrator.CodeCancelled) {
		t.Errorf("a cancelled call returned %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	hanging := scriptedClient(t, services{jobs: &scriptedJobs{get: func() error {
		<-t.Context().Done()
		return nil
	}}}, orchestrator.WithTimeout(20*time.Millisecond))
	if _, err = hanging.GetJob(t.Context(), "id"); !errors.Is(err, context.DeadlineExceeded) ||
		!orchestrator.HasReason(err, orchestrator.ReasonCallTimeout) {
		t.Errorf("a call without an answer returned %v", err)
	}
	// What the server said last tells more than that time is up.
	if _, err = client.GetJob(ctx, "id"); !errors.Is(err, orchestrator.CodeUnavailable) {
		t.Errorf("a timed-out call returned %v", err)
	}
}

// The calls' own retries set the pace of dialling, not the transport's.
func TestClientSurvivesARefusedConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	client, err := orchestrator.NewClient(orchestrator.WithURL("http://" + address))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err = client.GetJob(ctx, "id"); !orchestrator.HasReason(
		err, orchestrator.ReasonConnectionFailed) {
		t.Errorf("a refused connection is %v", err)
	}
	if listener, err = net.Listen("tcp", address); err != nil {
		t.Skip("somebody else has the port now:", err)
	}
	server := grpc.NewServer()
	pb.RegisterJobServiceServer(server, &scriptedJobs{get: func() error { return nil }})
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	if _, err := client.GetJob(t.Context(), "id"); err != nil {
		t.Error(err)
	}
}

func TestWatchGoesOnAfterABrokenStream(t *testing.T) {
	running := &pb.Job{JobId: "id", State: pb.JobState_JOB_STATE_RUNNING}
	succeeded := &pb.Job{JobId: "id", State: pb.JobState_JOB_STATE_SUCCEEDED}
	streams := 0
	client := scriptedClient(t, services{jobs: &scriptedJobs{
		watch: func(stream grpc.ServerStreamingServer[pb.WatchJobsResponse]) error {
			if err := stream.Send(&pb.WatchJobsResponse{Jobs: []*pb.Job{running}}); err != nil {
				return err
			}
			if streams++; streams == 1 {
				return status.Error(codes.Unavailable, "the server stops")
			}
			return stream.Send(&pb.WatchJobsResponse{Jobs: []*pb.Job{succeeded}})
		},
	}})
	var states []string
	for job, err := range client.WatchJobs(t.Context(), "id") {
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, job.State.String())
	}
	if got := strings.Join(states, " "); got != "running succeeded" || streams != 2 {
		t.Errorf("saw %q over %d streams", got, streams)
	}
}

func TestClosedClient(t *testing.T) {
	client := scriptedClient(t, services{})
	for range 2 { // Idempotent.
		_ = client.Close()
	}
	_, enqueueErr := client.Enqueue(t.Context(), "test.job", nil)
	_, getErr := client.GetJob(t.Context(), "id")
	for _, err := range []error{enqueueErr, getErr} {
		if !orchestrator.HasReason(err, orchestrator.ReasonClientClosed) {
			t.Errorf("a closed client returned %v", err)
		}
	}
}
