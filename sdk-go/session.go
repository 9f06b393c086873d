package orchestrator

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// sessionPorts is what a session needs from its worker.
type sessionPorts struct {
	endpoint endpoint
	hello    *pb.Hello
	// policy is in force before the server's Welcome.
	policy LeasePolicy
	// onFrame takes every frame that the session does not deal with itself.
	onFrame func(*pb.ServerFrame)
	// onTick is called every renew interval, to renew what is held; true if it said something.
	onTick func(*session) bool
}

// session is one stream on a connection of its own, with its signs of life: a Ping when nothing
// else was sent within a renew interval, and death when nothing was received within two. A
// half-open connection looks alive to TCP for minutes; this does not wait for it.
type session struct {
	ports  sessionPorts
	writer *frameWriter
	// welcome has the server's Welcome once it has come.
	welcome chan *pb.Welcome
	// goaway has the server's Goaway if one comes.
	goaway chan *pb.Goaway
	// ended is closed when the stream is over; err then says why, nil if the server ended it.
	ended    chan struct{}
	err      *Error
	openedAt time.Time

	// isClosed: this end closed it.
	isClosed atomic.Bool

	cancel     context.CancelCauseFunc
	policy     LeasePolicy // Written once, before welcome is sent.
	receivedAt atomic.Int64
	nonce      int64
}

// openSession opens a session that says Hello. It ends with ctx.
func openSession(ctx context.Context, ports sessionPorts) *session {
	s := &session{
		ports:    ports,
		writer:   newFrameWriter(),
		welcome:  make(chan *pb.Welcome, 1),
		goaway:   make(chan *pb.Goaway, 1),
		ended:    make(chan struct{}),
		openedAt: time.Now(),
		policy:   ports.policy,
	}
	ctx, s.cancel = context.WithCancelCause(ctx)
	s.heard()
	s.writer.send(&pb.WorkerFrame{Frame: &pb.WorkerFrame_Hello{Hello: ports.hello}})
	welcomed := make(chan struct{})
	go s.keepAlive(ctx, welcomed)
	go func() {
		defer close(s.ended)
		err := s.run(ctx, welcomed)
		if cause, ok := errors.AsType[*Error](context.Cause(ctx)); ok {
			s.err = cause
		} else if err != nil {
			s.err = toError(err)
		}
		s.cancel(nil)
	}()
	return s
}

// close says that no frame follows and waits for the server to end the stream, but not for long.
func (s *session) close(wait time.Duration) {
	s.isClosed.Store(true)
	s.writer.close()
	select {
	case <-s.ended:
	case <-time.After(wait):
		s.cancel(nil)
		<-s.ended
	}
}

// run carries the stream to its end.
func (s *session) run(ctx context.Context, welcomed chan<- struct{}) error {
	conn, err := s.ports.endpoint.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // Whatever it says, the connection is gone.
	stream, err := pb.NewTaskRunnerServiceClient(conn).Session(ctx)
	if err != nil {
		return err
	}
	var writing sync.WaitGroup
	writing.Go(func() { s.writer.run(ctx, stream) })
	defer writing.Wait()
	defer s.cancel(nil) // Lets the writer go.
	for {
		frame, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.heard()
		if welcomed == nil && frame.GetWelcome() != nil {
			continue // One is enough.
		}
		switch f := frame.GetFrame().(type) {
		case *pb.ServerFrame_Welcome:
			s.policy = overlay(s.ports.policy, f.Welcome.GetLeasePolicy())
			close(welcomed)
			welcomed = nil
			s.welcome <- f.Welcome
		case *pb.ServerFrame_Goaway:
			select {
			case s.goaway <- f.Goaway:
			default: // One is enough.
			}
		case *pb.ServerFrame_Ping:
			pong := &pb.Pong{Nonce: f.Ping.GetNonce()}
			s.writer.send(&pb.WorkerFrame{Frame: &pb.WorkerFrame_Pong{Pong: pong}})
		case *pb.ServerFrame_Pong:
		default:
			s.ports.onFrame(frame)
		}
	}
}

func (s *session) heard() { s.receivedAt.Store(int64(time.Since(s.openedAt))) }

// silence is how long nothing was received.
func (s *session) silence() time.Duration {
	return time.Since(s.openedAt) - time.Duration(s.receivedAt.Load())
}

// keepAlive sends signs of life once the server has welcomed, and ends a silent session.
func (s *session) keepAlive(ctx context.Context, welcomed <-chan struct{}) {
	limit := 2 * s.ports.policy.RenewInterval
	watchdog := time.NewTimer(limit)
	defer watchdog.Stop()
	var tick <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-welcomed:
			welcomed = nil
			ticker := time.NewTicker(s.policy.RenewInterval)
			defer ticker.Stop()
			tick, limit = ticker.C, 2*s.policy.RenewInterval
			watchdog.Reset(limit - s.silence())
		case <-tick:
			if !s.ports.onTick(s) {
				s.pingUnlessBusy()
			}
		case <-watchdog.C:
			silence := s.silence()
			if silence >= limit {
				s.cancel(newError(CodeUnavailable, ReasonConnectionSilent,
					"nothing was received for %v", silence.Round(time.Millisecond)))
				return
			}
			watchdog.Reset(limit - silence)
		}
	}
}

// pingUnlessBusy asks for a sign of life unless traffic goes both ways anyway. Half an interval,
// so that the answer has another half before the watchdog's two are over.
func (s *session) pingUnlessBusy() {
	half := s.policy.RenewInterval / 2
	if s.writer.quiet() < half && s.silence() < half {
		return
	}
	s.nonce++
	ping := &pb.Ping{Nonce: s.nonce}
	s.writer.send(&pb.WorkerFrame{Frame: &pb.WorkerFrame_Ping{Ping: ping}})
}
