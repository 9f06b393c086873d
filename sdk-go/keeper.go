package orchestrator

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// keeperPorts is what a keeper needs from its worker.
type keeperPorts struct {
	// open opens a stream that says Hello with what is held now.
	open func(context.Context) *session
	// onUp: a session is up, and everything unanswered shall go through it.
	onUp func(*session)
	// onDown: no session is up.
	onDown func()
	// policy returns the policy in force.
	policy func() LeasePolicy
	logger *slog.Logger
}

// keeper keeps one session up, for ever: it reconnects with full jitter after a loss, moves to a
// new stream at a random moment of the window that a Goaway gives, and leaves the old stream open
// until the new one is up.
type keeper struct {
	ports keeperPorts
	wasUp bool
	tries int

	mu  sync.Mutex
	now *session
}

// current returns the session that is up; nil if none is.
func (k *keeper) current() *session {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

// replace makes next the current session and returns the one before.
func (k *keeper) replace(next *session) *session {
	k.mu.Lock()
	defer k.mu.Unlock()
	previous := k.now
	k.now = next
	return previous
}

// run returns nil when ctx ends, and an error when connecting again is pointless: a newer
// instance took over, or the very first Hello was refused.
func (k *keeper) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // Ends the sessions that are left.
	for ctx.Err() == nil {
		s := k.ports.open(ctx)
		var goaway *pb.Goaway
		select {
		case welcome := <-s.welcome:
			goaway = k.whileUp(s, welcome)
		case <-s.ended:
		}
		var err error
		if goaway != nil {
			err = k.afterGoaway(ctx, s, goaway)
		} else {
			err = k.afterLoss(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// whileUp returns the Goaway that ends a session's time, or nil when it just ended.
func (k *keeper) whileUp(s *session, welcome *pb.Welcome) *pb.Goaway {
	k.wasUp = true
	previous := k.replace(s)
	k.ports.logger.Info("session up",
		"session_id", welcome.GetSessionId(), "server_id", welcome.GetServerId())
	if previous != nil {
		previous.writer.pullFrom(nil)
	}
	k.ports.onUp(s)
	if previous != nil {
		// Its answers are welcome until the server ends it.
		go previous.close(s.policy.RenewInterval)
	}
	select {
	case goaway := <-s.goaway:
		return goaway
	case <-s.ended:
	}
	select {
	case goaway := <-s.goaway: // It came right before the end.
		return goaway
	default:
		return nil
	}
}

func (k *keeper) afterGoaway(ctx context.Context, s *session, goaway *pb.Goaway) error {
	if goaway.GetReason() == pb.GoawayReason_GOAWAY_REASON_SUPERSEDED {
		return superseded()
	}
	window := max(0, goaway.GetReconnectWindow().AsDuration())
	delay := time.Duration(rand.Float64() * float64(window))
	k.ports.logger.Info("goaway: will reconnect",
		"reason", goaway.GetReason().String(), "delay", delay)
	k.tries = 0
	timer := time.NewTimer(delay)
	defer timer.Stop()
	ended := s.ended
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			return nil
		case <-ended:
			// The moment stays random: everybody lost the server at once.
			k.down(s)
			ended = nil
		}
	}
}

func (k *keeper) afterLoss(ctx context.Context, s *session) error {
	<-s.ended
	k.down(s)
	if s.isClosed.Load() {
		<-ctx.Done() // The worker is about to end: nothing was lost, and none shall follow.
	}
	if ctx.Err() != nil {
		return nil
	}
	failure := s.err
	if failure == nil {
		failure = newError(CodeUnavailable, "", "the server ended the stream")
	}
	if failure.Reason == ReasonSessionSuperseded {
		return superseded()
	}
	if !k.wasUp && isMisconfigured(failure.Code) {
		return failure
	}
	policy := k.ports.policy()
	// A session that lived counts as a success; one that dies at once must not be hammered.
	if time.Since(s.openedAt) > policy.RenewInterval {
		k.tries = 0
	}
	k.tries++
	delay := backoff(k.tries, policy.ReconnectMin, policy.ReconnectMax, 0, rand.Float64())
	k.ports.logger.Warn("session lost", "error", failure, "delay", delay)
	pause(ctx, delay)
	return nil
}

func (k *keeper) down(s *session) {
	if k.current() == s {
		k.replace(nil)
		k.ports.onDown()
	}
}

// isMisconfigured: a first connection cannot get over these by trying again.
func isMisconfigured(code Code) bool {
	return code == CodeInvalidArgument || code == CodeUnauthenticated ||
		code == CodePermissionDenied
}

func superseded() *Error {
	err := newError(CodeAborted, ReasonSessionSuperseded,
		"a newer instance of this worker connected")
	err.isRetryable = false
	return err
}
