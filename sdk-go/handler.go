package orchestrator

import (
	"context"
	"fmt"
	"time"
)

// Handler does the work of jobs of one type.
//
// What Handle returns is the job's result: nil for none, []byte as it is, anything else as JSON;
// at most MaxPayloadBytes of the lease policy, more is a terminal failure. An error makes the
// attempt fail: a [*TerminalError] for good, a [*RetryableError] or [*ThrottledError] with a hint
// when to try again, anything else as the job's retry policy says. A panic fails the attempt with
// ClassPanic.
//
// ctx ends when the handler must stop; [context.Cause] is then an [AbortReason]. Its deadline is
// the attempt's, and moves when an operator moves that. A handler that goes on after that loses its
// slot when the grace is over, and its result is dropped. Jobs enqueued with ctx inherit the job's
// trace and correlation id.
type Handler interface {
	Handle(ctx context.Context, job *ActiveJob) (result any, err error)
}

// HandlerFunc is a function as a [Handler].
type HandlerFunc func(ctx context.Context, job *ActiveJob) (result any, err error)

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, job *ActiveJob) (any, error) { return f(ctx, job) }

// TerminalError fails an attempt for good: no further attempt could succeed, and the job goes to
// the dead letters at once.
type TerminalError struct {
	// Err is what went wrong.
	Err error
	// Class is what caused it; ClassUser if 0.
	Class FailureClass
}

// Terminal wraps an error that no further attempt can get over.
func Terminal(err error) error { return &TerminalError{Err: err} }

// Terminalf formats an error that no further attempt can get over.
func Terminalf(format string, args ...any) error { return Terminal(fmt.Errorf(format, args...)) }

// Error returns Err's message.
func (e *TerminalError) Error() string { return messageOf(e.Err) }

// Unwrap returns Err.
func (e *TerminalError) Unwrap() error { return e.Err }

// RetryableError fails an attempt with a hint when to try again.
type RetryableError struct {
	// Err is what went wrong.
	Err error
	// RetryAfter is a floor under the backoff; jitter comes on top. 0 for none, at most 7 days.
	RetryAfter time.Duration
	// Class is what caused it; ClassUser if 0.
	Class FailureClass
}

// RetryAfter wraps an error that an attempt may get over no earlier than d from now.
func RetryAfter(err error, d time.Duration) error {
	return &RetryableError{Err: err, RetryAfter: d}
}

// Error returns Err's message.
func (e *RetryableError) Error() string { return messageOf(e.Err) }

// Unwrap returns Err.
func (e *RetryableError) Unwrap() error { return e.Err }

// ThrottledError fails an attempt because an upstream asked to slow down (HTTP 429). The limiter
// of ResourceKey hears of it, so that the whole fleet slows down for that host and for no other.
type ThrottledError struct {
	// Err is what went wrong.
	Err error
	// ResourceKey is what is throttled: the source's host.
	ResourceKey string
	// RetryAfter is how long the upstream asked to wait.
	RetryAfter time.Duration
	// Remaining is how many calls it says are left; nil if it does not say.
	Remaining *int64
}

// Throttled wraps an upstream's request to slow down.
func Throttled(err error, resourceKey string, retryAfter time.Duration) error {
	return &ThrottledError{Err: err, ResourceKey: resourceKey, RetryAfter: retryAfter}
}

// Error returns Err's message.
func (e *ThrottledError) Error() string { return messageOf(e.Err) }

// Unwrap returns Err.
func (e *ThrottledError) Unwrap() error { return e.Err }

func messageOf(err error) string {
	if err == nil {
		return "no message"
	}
	return err.Error()
}

// AbortReason is why a handler must stop: the [context.Cause] of its context. It is an error
// itself:
//
//	if errors.Is(context.Cause(ctx), orchestrator.AbortLeaseLost) { … }
type AbortReason string

// Why a handler must stop.
const (
	// AbortCancelled: the job was cancelled.
	AbortCancelled AbortReason = "cancelled"
	// AbortDeadline: the attempt ran past its deadline.
	AbortDeadline AbortReason = "deadline"
	// AbortLeaseLost: the job moved on without this attempt; whatever it still does is dropped.
	AbortLeaseLost AbortReason = "lease_lost"
	// AbortPreempted: the slot is needed for something more urgent.
	AbortPreempted AbortReason = "preempted"
	// AbortDrain: the worker is draining and the drain's grace is over.
	AbortDrain AbortReason = "drain"
)

var abortMessages = map[AbortReason]string{
	AbortCancelled: "the job was cancelled",
	AbortDeadline:  "the attempt ran past its deadline",
	AbortLeaseLost: "the lease was lost: the job moved on without this attempt",
	AbortPreempted: "the slot is needed for something more urgent",
	AbortDrain:     "the worker is draining",
}

// Error says why in words.
func (r AbortReason) Error() string { return abortMessages[r] }
