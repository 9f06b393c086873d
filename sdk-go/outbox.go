package orchestrator

import (
	"time"

	"google.golang.org/protobuf/proto"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// flushOrder is the order within a flush: an attempt's checkpoint goes before its failure, so that
// the next attempt has it.
var flushOrder = []pb.WriteKind{
	pb.WriteKind_WRITE_KIND_ACCEPT,
	pb.WriteKind_WRITE_KIND_PROGRESS,
	pb.WriteKind_WRITE_KIND_FAIL,
	pb.WriteKind_WRITE_KIND_COMPLETE,
	pb.WriteKind_WRITE_KIND_RELEASE,
}

type writeKey struct {
	kind  pb.WriteKind
	lease leaseKey
}

// pendingWrite is a write under a lease that the server has not answered.
type pendingWrite struct {
	key          writeKey
	message      proto.Message
	size         int
	completionID string
	onAnswer     func(*pb.WriteResult)
	// sentAt is when it went out last; zero while it never did.
	sentAt   time.Time
	isStaged bool
}

// outbox is what the worker has to say and must not lose. Writes stay here until they are answered
// and are staged again for every new stream, so that an outcome survives any number of broken
// ones. Whatever is staged when the stream takes a frame goes in one frame per kind. Not safe for
// concurrent use.
type outbox struct {
	pending map[writeKey]*pendingWrite
	staged  map[pb.WriteKind][]*pendingWrite
	// throttles are keyed by resource: what counts is the newest word about it.
	throttles map[string]*pb.Throttle
}

func newOutbox() *outbox {
	return &outbox{
		pending:   make(map[writeKey]*pendingWrite),
		staged:    make(map[pb.WriteKind][]*pendingWrite),
		throttles: make(map[string]*pb.Throttle),
	}
}

// add adds a write; the newest of a kind for a lease replaces the one before.
func (o *outbox) add(
	kind pb.WriteKind, lease *pb.LeaseRef, message proto.Message, onAnswer func(*pb.WriteResult),
) {
	w := &pendingWrite{
		key:      writeKey{kind, keyOf(lease)},
		message:  message,
		size:     proto.Size(message) + itemFraming,
		onAnswer: onAnswer,
	}
	if completed, ok := message.(interface{ GetCompletionId() string }); ok {
		w.completionID = completed.GetCompletionId()
	}
	o.forget(w.key)
	o.pending[w.key] = w
	o.stage(w)
}

// itemFraming bounds the tag and length of an item in its frame, in bytes.
const itemFraming = 8

// answer settles the write that a result answers; a result that answers none is dropped. So is one
// for a write that was never sent: it answers its predecessor, which was sent twice.
func (o *outbox) answer(result *pb.WriteResult) {
	key := writeKey{result.GetKind(), leaseKey{result.GetJobId(), result.GetLeaseEpoch()}}
	w := o.pending[key]
	if w == nil || w.sentAt.IsZero() {
		return
	}
	if id := result.GetCompletionId(); id != "" && w.completionID != "" && id != w.completionID {
		return
	}
	o.forget(key)
	w.onAnswer(result)
}

func (o *outbox) forget(key writeKey) {
	if w := o.pending[key]; w != nil {
		w.isStaged = false
		delete(o.pending, key)
	}
}

// resend stages again what has no answer, for a new stream.
func (o *outbox) resend() {
	for _, w := range o.pending {
		o.stage(w)
	}
}

// resendOlder stages again what was sent at least age ago and has no answer, on the same stream.
// Not progress: its results carry no id, and the second answer would pass for that of the next
// report.
func (o *outbox) resendOlder(age time.Duration) {
	for key, w := range o.pending {
		isSent := !w.sentAt.IsZero()
		if key.kind != pb.WriteKind_WRITE_KIND_PROGRESS && isSent && time.Since(w.sentAt) >= age {
			o.stage(w)
		}
	}
}

func (o *outbox) stage(w *pendingWrite) {
	if w.isStaged {
		return
	}
	w.isStaged = true
	o.staged[w.key.kind] = append(o.staged[w.key.kind], w)
}

// take returns the next frame: as many staged writes of one kind as fit; nil if none is staged.
func (o *outbox) take(maxBytes int) *pb.WorkerFrame {
	for _, kind := range flushOrder {
		if messages := o.takeOf(kind, maxBytes); len(messages) > 0 {
			return frameOf(kind, messages)
		}
	}
	for key, throttle := range o.throttles {
		delete(o.throttles, key)
		return &pb.WorkerFrame{Frame: &pb.WorkerFrame_Throttle{Throttle: throttle}}
	}
	return nil
}

func (o *outbox) takeOf(kind pb.WriteKind, maxBytes int) []proto.Message {
	var messages []proto.Message
	queue, size, now := o.staged[kind], frameFraming, time.Now()
	for len(queue) > 0 {
		w := queue[0]
		if w.isStaged {
			if len(messages) == limits.frameItems {
				break
			}
			if len(messages) > 0 && size+w.size > maxBytes {
				break
			}
			w.isStaged, w.sentAt = false, now
			size += w.size
			messages = append(messages, w.message)
		}
		queue = queue[1:]
	}
	o.staged[kind] = queue
	return messages
}

// frameFraming bounds what a frame has beside its items, in bytes.
const frameFraming = 64

func frameOf(kind pb.WriteKind, messages []proto.Message) *pb.WorkerFrame {
	frame := &pb.WorkerFrame{}
	switch kind {
	case pb.WriteKind_WRITE_KIND_ACCEPT:
		frame.Frame = &pb.WorkerFrame_Accept{Accept: &pb.Accept{
			Leases: as[*pb.LeaseRef](messages)}}
	case pb.WriteKind_WRITE_KIND_PROGRESS:
		frame.Frame = &pb.WorkerFrame_Progress{Progress: &pb.ReportProgressRequest{
			Reports: as[*pb.ProgressReport](messages)}}
	case pb.WriteKind_WRITE_KIND_COMPLETE:
		frame.Frame = &pb.WorkerFrame_Complete{Complete: &pb.CompleteAttemptsRequest{
			Completions: as[*pb.Completion](messages)}}
	case pb.WriteKind_WRITE_KIND_FAIL:
		frame.Frame = &pb.WorkerFrame_Fail{Fail: &pb.FailAttemptsRequest{
			Failures: as[*pb.FailureReport](messages)}}
	case pb.WriteKind_WRITE_KIND_RELEASE:
		frame.Frame = &pb.WorkerFrame_Release{Release: &pb.ReleaseLeasesRequest{
			Releases: as[*pb.Release](messages)}}
	}
	return frame
}

func as[T proto.Message](messages []proto.Message) []T {
	return convert(messages, func(message proto.Message) T { return message.(T) })
}
