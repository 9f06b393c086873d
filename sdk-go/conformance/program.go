package main

import (
	"context"
	"errors"
	"os"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/conformancev1"
)

// program carries out commands.
type program struct {
	out        *events
	gates      *gates
	connection []orchestrator.ConnectionOption
	client     *orchestrator.Client
	stopWorker context.CancelFunc
}

func newProgram(out *events) *program {
	return &program{out: out, gates: newGates(), stopWorker: func() {}}
}

// begin begins a command; all but those that prepare something go on in the background.
func (p *program) begin(command *pb.Command) {
	switch c := command.GetCommand().(type) {
	case *pb.Command_Configure:
		p.answer(command, &pb.CallResult{}, p.configure(c.Configure))
	case *pb.Command_StartWorker:
		p.answer(command, &pb.CallResult{}, p.startWorker(c.StartWorker))
	case *pb.Command_StopWorker:
		p.stopWorker()
		p.answer(command, &pb.CallResult{}, nil)
	case *pb.Command_Proceed:
		p.gates.proceed(c.Proceed.GetJobId(), int(c.Proceed.GetAttempt()))
		p.answer(command, &pb.CallResult{}, nil)
	default:
		go func() {
			result := &pb.CallResult{}
			p.answer(command, result, p.call(context.Background(), command, result))
		}()
	}
}

func (p *program) answer(command *pb.Command, result *pb.CallResult, err error) {
	result.Id = command.GetId()
	if err != nil {
		result.Error, result.Value = toError(err), nil
	}
	p.out.emit(&pb.Event{Event: &pb.Event_CallResult{CallResult: result}})
}

func (p *program) configure(c *pb.Configure) error {
	p.connection = []orchestrator.ConnectionOption{
		orchestrator.WithURL(c.GetServerUrl()), orchestrator.WithTenant(c.GetTenant()),
	}
	var options []orchestrator.ClientOption
	for _, option := range p.connection {
		options = append(options, option)
	}
	if ms := c.GetCallTimeoutMs(); ms > 0 {
		options = append(options, orchestrator.WithTimeout(milliseconds(ms)))
	}
	var err error
	p.client, err = orchestrator.NewClient(options...)
	return err
}

func (p *program) startWorker(c *pb.StartWorker) error {
	options := []orchestrator.WorkerOption{
		orchestrator.WithWorkerID(c.GetWorkerId()),
		orchestrator.WithConcurrency(int(c.GetSlots())),
		orchestrator.WithQueues(c.GetQueues()...),
	}
	for _, option := range p.connection {
		options = append(options, option)
	}
	for key, value := range c.GetLabels() {
		options = append(options, orchestrator.WithWorkerLabel(key, value))
	}
	if ms := c.GetDrainGraceMs(); ms > 0 {
		options = append(options, orchestrator.WithDrainGrace(milliseconds(ms)))
	}
	if c.Host != nil {
		options = append(options, orchestrator.WithHost(c.GetHost()))
	}
	if c.GetLeaseAtOnce() {
		options = append(options, orchestrator.WithLeaseAtOnce())
	}
	if !c.GetHandleSignals() {
		options = append(options, orchestrator.WithoutSignals())
	}
	worker, err := orchestrator.NewWorker(options...)
	if err != nil {
		return err
	}
	for _, handler := range c.GetHandlers() {
		worker.HandleFunc(handler.GetJobType(),
			func(ctx context.Context, job *orchestrator.ActiveJob) (any, error) {
				scripted := &scriptedHandler{ctx: ctx, job: job, out: p.out, gates: p.gates}
				return scripted.run(handler)
			})
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stopWorker = stop
	go func() { p.stopped(c, worker.Run(ctx)) }()
	return nil
}

func (p *program) stopped(c *pb.StartWorker, err error) {
	stopped := &pb.WorkerStopped{}
	exitCode := 0
	if err != nil {
		stopped.Error, exitCode = toError(err), 1
	}
	p.out.emit(&pb.Event{Event: &pb.Event_WorkerStopped{WorkerStopped: stopped}})
	if c.GetHandleSignals() {
		os.Exit(exitCode)
	}
}

// call makes a call of the client and puts what it returned into result.
func (p *program) call(
	ctx context.Context, command *pb.Command, result *pb.CallResult,
) (err error) {
	switch c := command.GetCommand().(type) {
	case *pb.Command_GetLeaseDefaults:
		result.Value = &pb.CallResult_LeaseDefaults{LeaseDefaults: leaseDefaults()}
	case *pb.Command_Enqueue:
		err = p.enqueue(ctx, c.Enqueue, result)
	case *pb.Command_EnqueueMany:
		p.enqueueMany(ctx, c.EnqueueMany, result)
	case *pb.Command_GetJob:
		var job *orchestrator.JobDetail
		if job, err = p.client.GetJob(ctx, c.GetJob.GetJobId()); err == nil {
			result.Value = jobs(toJobDetail(job))
		}
	case *pb.Command_WaitForJob:
		var job *orchestrator.JobDetail
		if job, err = p.client.WaitForJob(ctx, c.WaitForJob.GetJobId()); err == nil {
			result.Value = jobs(toJobDetail(job))
		}
	case *pb.Command_ListJobs:
		err = p.listJobs(ctx, c.ListJobs, result)
	case *pb.Command_WatchJobs:
		err = p.watchJobs(ctx, command.GetId(), c.WatchJobs)
	case *pb.Command_CancelJobs:
		err = p.cancelJobs(ctx, c.CancelJobs, result)
	case *pb.Command_RetryJobs:
		err = p.retryJobs(ctx, c.RetryJobs, result)
	case *pb.Command_ExplainJob:
		err = p.explainJob(ctx, c.ExplainJob, result)
	case *pb.Command_ListJobEvents:
		err = p.listJobEvents(ctx, c.ListJobEvents, result)
	case *pb.Command_CheckLease:
		err = p.checkLease(ctx, c.CheckLease, result)
	case *pb.Command_UploadArtifact:
		err = p.upload(ctx, c.UploadArtifact, result)
	case *pb.Command_DownloadArtifact:
		err = p.download(ctx, c.DownloadArtifact, result)
	default:
		return p.callRuns(ctx, command, result)
	}
	return err
}

func milliseconds(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// toError translates the SDK's error; any other is a bug of the program.
func toError(err error) *pb.Error {
	e, ok := errors.AsType[*orchestrator.Error](err)
	if !ok {
		bug(err)
	}
	wire := &pb.Error{
		Code: e.Code.String(), Reason: e.Reason, Domain: e.Domain, Metadata: e.Metadata,
		IsRetryable: e.IsRetryable(), Message: e.Message,
	}
	if e.RetryAfter > 0 {
		wire.RetryAfterMs = new(e.RetryAfter.Milliseconds())
	}
	for _, violation := range e.Violations {
		wire.Violations = append(wire.Violations,
			&pb.Violation{Field: violation.Field, Description: violation.Description})
	}
	return wire
}
