package main

import (
	"context"
	"errors"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/conformancev1"
)

// scriptedHandler runs the script of one attempt.
type scriptedHandler struct {
	ctx   context.Context
	job   *orchestrator.ActiveJob
	out   *events
	gates *gates
	// wasTold: HandlerCancelled was emitted. ignores: the request to stop stays ignored.
	wasTold, ignores bool
}

func (h *scriptedHandler) run(handler *pb.Handler) (any, error) {
	h.started()
	scripts := handler.GetAttempts()
	var steps []*pb.Step
	if n := len(scripts); n > 0 {
		steps = scripts[min(h.job.Attempt, n)-1].GetSteps()
	}
	for i, step := range steps {
		switch s := step.GetStep().(type) {
		case *pb.Step_ReturnResult:
			h.ended(pb.How_HOW_RETURNED)
			if result := s.ReturnResult.GetResult(); len(result) > 0 {
				return result, nil
			}
			return nil, nil
		case *pb.Step_Fail:
			h.ended(pb.How_HOW_FAILED)
			return nil, failureOf(s.Fail)
		case *pb.Step_Panic:
			h.ended(pb.How_HOW_PANICKED)
			panic(s.Panic.GetMessage())
		case *pb.Step_Hold:
			if err := h.hold(s.Hold); err != nil {
				h.ended(pb.How_HOW_CANCELLED)
				return nil, err
			}
		default:
			if err := h.step(i, step); err != nil {
				h.ended(pb.How_HOW_FAILED)
				return nil, err
			}
		}
	}
	h.ended(pb.How_HOW_RETURNED)
	return nil, nil
}

func (h *scriptedHandler) step(index int, step *pb.Step) error {
	switch s := step.GetStep().(type) {
	case *pb.Step_Progress:
		return h.progress(s.Progress)
	case *pb.Step_Throttle:
		h.job.Throttle(s.Throttle.GetResourceKey(), milliseconds(s.Throttle.GetRetryAfterMs()), nil)
	case *pb.Step_Artifact:
		artifact, err := h.job.UploadArtifact(h.ctx, s.Artifact.GetName(),
			orchestrator.FromFile(s.Artifact.GetPath()), mediaType(s.Artifact.GetMediaType())...)
		h.report(index, err, func(e *pb.HandlerStep) {
			e.Value = &pb.HandlerStep_Artifact{Artifact: toArtifact(artifact)}
		})
	case *pb.Step_Enqueue:
		request := toRequest(s.Enqueue)
		job, err := h.job.Client.Enqueue(h.ctx, request.Type, request.Payload, sameAs(request))
		h.report(index, err, func(e *pb.HandlerStep) {
			result := orchestrator.EnqueueResult{EnqueuedJob: job}
			e.Value = &pb.HandlerStep_Enqueued{Enqueued: toEnqueueResult(result)}
		})
	case *pb.Step_FanOut:
		appended, err := h.job.FanOut(h.ctx, toRunJobs(s.FanOut.GetJobs()))
		h.report(index, err, func(e *pb.HandlerStep) {
			e.Value = &pb.HandlerStep_Appended{Appended: toAppended(appended)}
		})
	case *pb.Step_LoadPayload:
		payload, err := h.job.LoadPayload(h.ctx)
		h.report(index, err, func(e *pb.HandlerStep) {
			e.Value = &pb.HandlerStep_Payload{Payload: payload}
		})
	}
	return nil
}

func (h *scriptedHandler) progress(s *pb.ReportProgress) error {
	times := max(1, int(s.GetTimes()))
	for i := 1; i <= times; i++ {
		if i > 1 {
			time.Sleep(milliseconds(s.GetPauseMs()))
		}
		options := []orchestrator.ProgressOption{orchestrator.WithMessage(s.GetMessage())}
		if len(s.GetCheckpoint()) > 0 {
			options = append(options, orchestrator.WithCheckpoint(s.GetCheckpoint()))
		}
		err := h.job.Progress(s.GetFraction()*float64(i)/float64(times), options...)
		if err != nil {
			return err
		}
	}
	return nil
}

// hold returns an error when the handler shall end as a cancelled one.
func (h *scriptedHandler) hold(s *pb.Hold) error {
	gate := h.gates.wait(h.job.ID, h.job.Attempt)
	defer h.gates.leave(gate)
	var timeUp <-chan time.Time
	if ms := s.GetForMs(); ms > 0 {
		timeUp = time.After(milliseconds(ms))
	}
	stopped := h.ctx.Done()
	if h.ignores {
		stopped = nil
	}
	for {
		select {
		case <-gate.opened:
			return nil
		case <-timeUp:
			return nil
		case <-stopped:
		}
		h.cancelled()
		switch s.GetOnCancel() {
		case pb.OnCancel_ON_CANCEL_NEXT:
			return nil
		case pb.OnCancel_ON_CANCEL_IGNORE:
			h.ignores, stopped = true, nil
		default:
			return h.ctx.Err()
		}
	}
}

func failureOf(s *pb.Fail) error {
	err := errors.New(s.GetMessage())
	class := orchestrator.FailureClass(0)
	if s.GetFailureClass() != "" {
		class = named(orchestrator.ClassUser, s.GetFailureClass())
	}
	after := milliseconds(s.GetRetryAfterMs())
	switch s.GetKind() {
	case pb.FailKind_FAIL_KIND_TERMINAL:
		return &orchestrator.TerminalError{Err: err, Class: class}
	case pb.FailKind_FAIL_KIND_RETRYABLE:
		return &orchestrator.RetryableError{Err: err, Class: class, RetryAfter: after}
	case pb.FailKind_FAIL_KIND_THROTTLED:
		return orchestrator.Throttled(err, s.GetResourceKey(), after)
	default:
		return err
	}
}

func (h *scriptedHandler) started() {
	job := h.job
	h.out.emit(&pb.Event{Event: &pb.Event_HandlerStarted{HandlerStarted: &pb.HandlerStarted{
		Lease: toLease(job.Lease), JobType: job.Type, Payload: job.Payload,
		PayloadMediaType: job.PayloadMediaType, PayloadArtifact: job.PayloadArtifact,
		Checkpoint: job.Checkpoint, Traceparent: job.Trace.Traceparent,
		Tracestate: job.Trace.Tracestate, CorrelationId: job.CorrelationID, Labels: job.Labels,
		RunId: job.RunID, Name: job.Name, Project: job.Project, Source: job.Source,
		ConcurrencyKey: job.ConcurrencyKey, Window: toWindow(job.Window),
	}}})
}

func (h *scriptedHandler) cancelled() {
	if h.wasTold {
		return
	}
	h.wasTold = true
	reason, _ := errors.AsType[orchestrator.AbortReason](context.Cause(h.ctx))
	h.out.emit(&pb.Event{Event: &pb.Event_HandlerCancelled{HandlerCancelled: &pb.HandlerCancelled{
		Lease: toLease(h.job.Lease), Reason: string(reason),
	}}})
}

// report says what a step came to; an error does not end the handler.
func (h *scriptedHandler) report(index int, err error, fill func(*pb.HandlerStep)) {
	step := &pb.HandlerStep{Lease: toLease(h.job.Lease), Step: int32(index)}
	if err != nil {
		step.Error = toError(err)
	} else {
		fill(step)
	}
	h.out.emit(&pb.Event{Event: &pb.Event_HandlerStep{HandlerStep: step}})
}

func (h *scriptedHandler) ended(how pb.How) {
	h.out.emit(&pb.Event{Event: &pb.Event_HandlerEnded{HandlerEnded: &pb.HandlerEnded{
		Lease: toLease(h.job.Lease), How: how,
	}}})
}
