package orchestrator

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestAttemptContextEndsWithItsCause(t *testing.T) {
	type key struct{}
	base := context.WithValue(t.Context(), key{}, "value")
	for name, c := range map[string]struct {
		cause, wantErr, wantCause error
	}{
		"deadline":  {AbortDeadline, context.DeadlineExceeded, AbortDeadline},
		"cancelled": {AbortCancelled, context.Canceled, AbortCancelled},
		"over":      {nil, context.Canceled, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := newAttemptContext(base, time.Now().Add(time.Hour))
			child, free := context.WithCancel(ctx)
			defer free()
			timed, freeTimed := context.WithTimeout(ctx, time.Minute)
			defer freeTimed()
			if ctx.Err() != nil || child.Err() != nil || context.Cause(child) != nil {
				t.Fatalf("ended before its time: %v, %v", ctx.Err(), child.Err())
			}
			if timed.Value(key{}) != "value" {
				t.Error("the values of the base are lost")
			}
			go ctx.cancel(c.cause)
			for _, derived := range []context.Context{ctx, child, timed} {
				<-derived.Done()
				if err := derived.Err(); err != c.wantErr {
					t.Errorf("%T ended with %v, not %v", derived, err, c.wantErr)
				}
				if cause := context.Cause(derived); cause != c.wantCause {
					t.Errorf("%T ended because of %v, not %v", derived, cause, c.wantCause)
				}
			}
			ctx.cancel(AbortLeaseLost) // Too late.
			if cause := context.Cause(ctx); cause != c.wantCause {
				t.Errorf("the cause became %v", cause)
			}
			late, freeLate := context.WithTimeout(ctx, time.Hour)
			defer freeLate()
			<-late.Done()
			if late.Err() != c.wantErr {
				t.Errorf("derived too late, it has %v", late.Err())
			}
		})
	}
}

func TestAttemptContextMovesItsDeadline(t *testing.T) {
	begin := time.Now()
	ctx := newAttemptContext(t.Context(), begin.Add(time.Hour))
	later, free := context.WithTimeout(ctx, 2*time.Hour) // The attempt's deadline comes first.
	defer free()
	sooner, freeSooner := context.WithTimeout(ctx, time.Minute)
	defer freeSooner()
	at := func(ctx context.Context) time.Duration {
		deadline, ok := ctx.Deadline()
		if !ok {
			t.Fatalf("%v has no deadline", ctx)
		}
		return deadline.Sub(begin).Round(time.Minute)
	}
	if at(ctx) != time.Hour || at(later) != time.Hour || at(sooner) != time.Minute {
		t.Errorf("%v, %v and %v", at(ctx), at(later), at(sooner))
	}
	ctx.moveDeadline(begin.Add(3 * time.Hour))
	if at(ctx) != 3*time.Hour || at(later) != 3*time.Hour || at(sooner) != time.Minute {
		t.Errorf("%v, %v and %v after the move", at(ctx), at(later), at(sooner))
	}
	if later.Err() != nil {
		t.Errorf("what was derived ended with %v", later.Err())
	}
}

func TestAttemptContextStopsWhatFollowsIt(t *testing.T) {
	ctx := newAttemptContext(t.Context(), time.Now().Add(time.Hour))
	called := make(chan error, 2)
	context.AfterFunc(ctx, func() { called <- context.Cause(ctx) })
	stop := context.AfterFunc(ctx, func() { called <- errors.New("was stopped") })
	if !stop() {
		t.Error("it was too late to stop")
	}
	ctx.cancel(AbortDrain)
	if cause := <-called; cause != AbortDrain || len(called) > 0 {
		t.Errorf("called with %v", cause)
	}
}
