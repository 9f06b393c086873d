package orchestrator

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// attemptContext is the context of a handler. Its deadline can be moved, in both directions, which
// no context of the standard library allows; who moves it keeps the timer and ends the context.
//
// Contexts derived from it follow: one with a later deadline than it had when it was derived has
// no timer of its own, and ends with it.
type attemptContext struct {
	// Context has the values and the cause.
	context.Context
	end      context.CancelCauseFunc
	isEnding atomic.Bool
	done     chan struct{}
	deadline atomic.Pointer[time.Time]
}

// newAttemptContext derives from a context that does not end and has no deadline.
func newAttemptContext(base context.Context, deadline time.Time) *attemptContext {
	c := &attemptContext{done: make(chan struct{})}
	c.Context, c.end = context.WithCancelCause(base)
	c.moveDeadline(deadline)
	return c
}

func (c *attemptContext) moveDeadline(deadline time.Time) { c.deadline.Store(&deadline) }

// cancel ends the context; only the first call counts.
func (c *attemptContext) cancel(cause error) {
	if c.isEnding.Swap(true) {
		return
	}
	c.end(cause) // First: whoever sees Done closed must find the cause.
	close(c.done)
}

// Deadline is where the attempt's deadline stands now.
func (c *attemptContext) Deadline() (time.Time, bool) { return *c.deadline.Load(), true }

// Done is closed by cancel.
func (c *attemptContext) Done() <-chan struct{} { return c.done }

// Err is [context.DeadlineExceeded] when the deadline ended the context.
func (c *attemptContext) Err() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	if errors.Is(context.Cause(c.Context), AbortDeadline) {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// AfterFunc lets derived contexts follow without a goroutine for each.
func (c *attemptContext) AfterFunc(f func()) (stop func() bool) {
	return context.AfterFunc(c.Context, func() {
		<-c.done // Not yet closed for a moment; until then Err is nil.
		f()
	})
}
