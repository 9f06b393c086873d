package orchestrator

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// backoff returns the delay before try tries+1: drawn evenly from lowest to a bound that doubles
// with every try up to highest (AWS, "Exponential Backoff And Jitter", full jitter). A
// retryAfter is a floor: the jitter comes on top of it.
func backoff(tries int, lowest, highest, retryAfter time.Duration, random float64) time.Duration {
	if retryAfter > 0 {
		return retryAfter + time.Duration(random*float64(lowest))
	}
	bound := min(float64(highest), math.Ldexp(float64(lowest), min(tries, 30)))
	return lowest + time.Duration(random*max(0, bound-float64(lowest)))
}

// callBackoff is the backoff of repeated calls: the contract's bounds for reconnecting.
func callBackoff(tries int, retryAfter time.Duration) time.Duration {
	lowest, highest := contractPolicy.ReconnectMin, contractPolicy.ReconnectMax
	return backoff(tries, lowest, highest, retryAfter, rand.Float64())
}

// pause waits for d, or until ctx is done; it reports whether it waited for all of d.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// withRetries makes a call until it answers, fails for good, or runs out of time. Only for calls
// that are safe to repeat. A ctx without a deadline gets one of timeout. The last error is
// returned at once when the next delay would pass the deadline.
func withRetries[T any](
	ctx context.Context, timeout time.Duration, call func(context.Context) (T, error),
) (T, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var none T
	var last *Error
	for tries := 0; ; tries++ {
		if ctx.Err() != nil {
			return none, callEnded(ctx, last)
		}
		answer, err := call(ctx)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return none, callEnded(ctx, last)
		}
		failure := toError(err)
		if failure.Reason == ReasonCallTimeout && last != nil {
			return none, last // What the server said last tells more.
		}
		last = failure
		if !last.isRetryable || last.Reason == ReasonCallTimeout {
			return none, last
		}
		delay := callBackoff(tries, last.RetryAfter)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
			return none, last
		}
		pause(ctx, delay)
	}
}
