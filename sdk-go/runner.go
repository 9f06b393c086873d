package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// outcome is how an attempt ended, as far as the worker is concerned: one of the two, a release,
// or nothing at all.
type outcome struct {
	completion *pb.Completion
	failure    *pb.Failure
	release    pb.ReleaseReason
}

// runHandler runs a handler to its end and says how it ended. A handler that succeeds although it
// was asked to stop has succeeded; one that fails after that was stopped.
func runHandler(ctx context.Context, handler Handler, job *ActiveJob, maxResult int) outcome {
	result, err := invoke(ctx, handler, job)
	if err == nil {
		var encoded []byte
		if encoded, err = encodeResult(result); err == nil {
			return completed(job, encoded, maxResult)
		}
		err = Terminal(err)
	}
	if throttled, ok := errors.AsType[*ThrottledError](err); ok {
		job.Throttle(throttled.ResourceKey, throttled.RetryAfter, throttled.Remaining)
	}
	if reason, ok := errors.AsType[AbortReason](context.Cause(ctx)); ok {
		return stopOutcome(reason, detailOf(err))
	}
	job.Log.LogAttrs(ctx, slog.LevelWarn, "attempt failed", slog.Any("error", err))
	return outcome{failure: toFailureReport(err)}
}

// panicError is what a handler panicked with.
type panicError struct{ value any }

// Error says that it is a panic.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// invoke calls a handler and turns a panic, or an exit of its goroutine, into an error.
func invoke(ctx context.Context, handler Handler, job *ActiveJob) (result any, err error) {
	err = &panicError{"the handler ended its goroutine (runtime.Goexit)"}
	done := make(chan struct{})
	// A goroutine of its own: Goexit would take the caller along.
	go func() {
		defer close(done)
		defer func() {
			if value := recover(); value != nil {
				err = &panicError{value}
				job.Log.LogAttrs(ctx, slog.LevelError, "handler panicked",
					slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
			}
		}()
		result, err = handler.Handle(ctx, job)
	}()
	<-done
	return result, err
}

// completed is the outcome of a success; an oversize result is a terminal failure.
func completed(job *ActiveJob, result []byte, maxResult int) outcome {
	if len(result) > maxResult {
		text := fmt.Sprintf("a result of %d bytes exceeds the limit of %d", len(result), maxResult)
		text += ": upload it as an artifact"
		return outcome{failure: newFailure(ClassOversize, text, true)}
	}
	return outcome{completion: &pb.Completion{
		Lease:        job.lease.ref,
		CompletionId: newID(),
		Result:       result,
		Artifacts:    job.takeArtifacts(),
	}}
}

// detailOf is what a stopped handler had to say beyond that it was stopped.
func detailOf(err error) string {
	if _, ok := errors.AsType[AbortReason](err); ok || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) {
		return ""
	}
	return err.Error()
}

// stopOutcome is the outcome of an attempt that was stopped.
func stopOutcome(reason AbortReason, detail string) outcome {
	message := reason.Error()
	if detail != "" {
		message += ": " + detail
	}
	switch reason {
	case AbortCancelled:
		return outcome{failure: newFailure(ClassCancelled, message, false)}
	case AbortDeadline:
		return outcome{failure: newFailure(ClassTimeout, message, false)}
	case AbortPreempted, AbortDrain:
		return outcome{release: pb.ReleaseReason_RELEASE_REASON_DRAINED}
	default: // The lease is lost: nothing that is said under it counts.
		return outcome{}
	}
}

// toFailureReport translates what a handler returned.
func toFailureReport(err error) *pb.Failure {
	if e, ok := errors.AsType[*TerminalError](err); ok {
		return newFailure(e.Class, err.Error(), true)
	}
	if e, ok := errors.AsType[*RetryableError](err); ok {
		failure := newFailure(e.Class, err.Error(), false)
		if e.RetryAfter > 0 {
			failure.RetryAfter = durationpb.New(min(e.RetryAfter, maxRetryAfter))
		}
		return failure
	}
	if e, ok := errors.AsType[*ThrottledError](err); ok {
		failure := newFailure(ClassHTTP429, err.Error(), false)
		failure.RetryAfter = durationpb.New(min(max(0, e.RetryAfter), maxRetryAfter))
		return failure
	}
	if _, ok := errors.AsType[*panicError](err); ok {
		return newFailure(ClassPanic, err.Error(), false)
	}
	return newFailure(ClassUser, err.Error(), false)
}

// newFailure cuts the message to what the contract allows.
func newFailure(class FailureClass, message string, terminal bool) *pb.Failure {
	if class == 0 {
		class = ClassUser
	}
	if message == "" {
		message = class.String()
	}
	return &pb.Failure{
		FailureClass: pb.FailureClass(class),
		Message:      truncate(message, limits.failureMessageBytes),
		Terminal:     terminal,
	}
}
