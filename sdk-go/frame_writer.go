package orchestrator

import (
	"context"
	"runtime"
	"sync"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// frameSink is the outgoing half of a stream.
type frameSink interface {
	Send(*pb.WorkerFrame) error
	CloseSend() error
}

// frameWriter is the outgoing half of a session. It pulls: while the transport takes one frame,
// what comes up meanwhile gathers and goes as the next. So an idle stream adds no delay and a busy
// one sends large frames.
type frameWriter struct {
	wake chan struct{}

	mu      sync.Mutex
	control []*pb.WorkerFrame
	source  func() *pb.WorkerFrame
	closed  bool
	sentAt  time.Time
}

func newFrameWriter() *frameWriter {
	return &frameWriter{wake: make(chan struct{}, 1), sentAt: time.Now()}
}

// send sends a frame of the session itself, ahead of everything else.
func (w *frameWriter) send(frame *pb.WorkerFrame) {
	w.mu.Lock()
	if !w.closed {
		w.control = append(w.control, frame)
	}
	w.mu.Unlock()
	w.poke()
}

// pullFrom lets frames come from source too.
func (w *frameWriter) pullFrom(source func() *pb.WorkerFrame) {
	w.mu.Lock()
	if !w.closed {
		w.source = source
	}
	w.mu.Unlock()
	w.poke()
}

// poke says that there may be something to send.
func (w *frameWriter) poke() {
	select {
	case w.wake <- struct{}{}:
	default: // It is awake already.
	}
}

// close ends the outgoing half once the frames of the session itself have gone.
func (w *frameWriter) close() {
	w.mu.Lock()
	w.closed, w.source = true, nil
	w.mu.Unlock()
	w.poke()
}

// quiet is how long nothing was sent.
func (w *frameWriter) quiet() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.sentAt)
}

// run writes until the writer is closed or the stream is broken; how it broke is for the stream's
// reader to see.
func (w *frameWriter) run(ctx context.Context, to frameSink) {
	for {
		frame, closed := w.next()
		switch {
		case frame != nil:
			if to.Send(frame) != nil {
				return
			}
		case closed:
			_ = to.CloseSend() // It fails only for a stream that is over.
			return
		default:
			select {
			case <-ctx.Done():
				return
			case <-w.wake:
				// What other goroutines are about to say shall share the frame.
				runtime.Gosched()
			}
		}
	}
}

func (w *frameWriter) next() (frame *pb.WorkerFrame, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.control) > 0:
		frame, w.control = w.control[0], w.control[1:]
	case w.source != nil:
		frame = w.source()
	}
	if frame != nil {
		w.sentAt = time.Now()
	}
	return frame, w.closed
}
