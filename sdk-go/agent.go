package orchestrator

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// agent is what a worker does about its leases: it accepts what is offered, runs handlers under
// what was accepted or came active, and reports how they ended. It knows nothing of streams.
type agent struct {
	handlers map[string]Handler
	client   *Client
	logger   *slog.Logger
	// base is what handlers' contexts derive from; it does not end with the worker.
	base context.Context
	// changed is called, without the lock, whenever something can be sent or has changed.
	changed func()

	mu         sync.Mutex
	policy     LeasePolicy
	leases     *leaseTable
	outbox     *outbox
	isDraining bool
}

// do changes the agent's state and says so. All methods below need the lock that it holds.
func (a *agent) do(change func()) {
	a.mu.Lock()
	change()
	a.mu.Unlock()
	a.changed()
}

// look reads the agent's state.
func look[T any](a *agent, read func() T) T {
	a.mu.Lock()
	defer a.mu.Unlock()
	return read()
}

// isIdle reports whether every handler has ended or was given up, and every outcome was answered.
func (a *agent) isIdle() bool { return len(a.leases.leases) == 0 && len(a.outbox.pending) == 0 }

// held returns the leases to name in a Hello: everything that may still be ours.
func (a *agent) held() []*pb.LeaseRef {
	return refsOf(a.leases.in(leaseOffered, leaseRunning, leaseStopping, leaseReporting))
}

// renewable returns the leases to renew. Offers are not: their accept is on its way, and a server
// that looks at both at once might find the lease not active yet and call it superseded.
func (a *agent) renewable() []*pb.LeaseRef {
	return refsOf(a.leases.in(leaseRunning, leaseStopping, leaseReporting))
}

// take takes a frame of the server.
func (a *agent) take(frame *pb.ServerFrame) {
	switch frame := frame.GetFrame().(type) {
	case *pb.ServerFrame_Offers:
		for _, offer := range frame.Offers.GetOffers() {
			a.onOffer(offer, frame.Offers.GetActive())
		}
	case *pb.ServerFrame_Results:
		for _, result := range frame.Results.GetResults() {
			a.outbox.answer(result)
		}
	case *pb.ServerFrame_Verdicts:
		for _, verdict := range frame.Verdicts.GetVerdicts() {
			a.onVerdict(verdict)
		}
	case *pb.ServerFrame_Cancels:
		for _, cancel := range frame.Cancels.GetCancels() {
			a.onCancel(cancel)
		}
	}
}

// stopAll asks every handler to stop, for the drain; they have grace.
func (a *agent) stopAll(grace time.Duration) {
	for _, lease := range a.leases.in(leaseRunning) {
		a.stop(lease, AbortDrain, grace)
	}
}

// giveUpAll gives up every handler that was asked to stop and still runs.
func (a *agent) giveUpAll() {
	for _, lease := range a.leases.in(leaseStopping, leaseLingering) {
		a.giveUp(lease)
	}
}

// loseAll takes all leases for lost: another instance of this worker has them now.
func (a *agent) loseAll() {
	for _, lease := range a.leases.in(leaseOffered, leaseRunning, leaseStopping) {
		a.lose(lease)
	}
}

func (a *agent) onOffer(offer *pb.Offer, active bool) {
	if offer.GetLease() == nil || offer.GetSpec() == nil {
		return
	}
	known := a.leases.leases[keyOf(offer.GetLease())]
	if known != nil {
		if known.state == leaseOffered {
			// The same offer again: its accept may be lost. Repeating it changes nothing else.
			a.accept(known)
		}
		return
	}
	if older := a.leases.newest[offer.GetLease().GetJobId()]; older != nil {
		a.lose(older)
	}
	lease := a.leases.add(offer)
	switch {
	case a.isDraining:
		a.giveBack(lease)
	case active:
		a.start(lease)
	default:
		a.accept(lease)
	}
}

func (a *agent) accept(lease *heldLease) {
	a.outbox.add(pb.WriteKind_WRITE_KIND_ACCEPT, lease.ref, lease.ref,
		func(result *pb.WriteResult) { a.onAccept(lease, result) })
}

func (a *agent) onAccept(lease *heldLease, result *pb.WriteResult) {
	switch {
	case !isApplied(result):
		a.leases.move(lease, leaseRefused)
	case lease.state == leaseGone:
		// A verdict took it away while its accept was on its way, yet it is ours: give it back.
		a.report(lease, outcome{release: pb.ReleaseReason_RELEASE_REASON_UNSTARTED})
	case lease.state != leaseOffered:
	case lease.abort != "":
		if o := stopOutcome(lease.abort, ""); o.failure != nil {
			a.settle(lease, o)
		} else {
			a.giveBack(lease)
		}
	case a.isDraining:
		a.giveBack(lease)
	default:
		a.start(lease)
	}
}

// giveBack releases a lease whose handler never began.
func (a *agent) giveBack(lease *heldLease) {
	a.settle(lease, outcome{release: pb.ReleaseReason_RELEASE_REASON_UNSTARTED})
}

func (a *agent) start(lease *heldLease) {
	spec := lease.offer.GetSpec()
	handler := a.handlers[spec.GetJobType()]
	if handler == nil {
		text := fmt.Sprintf("no handler for the job type %q", spec.GetJobType())
		a.settle(lease, outcome{failure: newFailure(ClassIncapable, text, false)})
		return
	}
	a.leases.move(lease, leaseAccepted)
	timeLeft := lease.timeLeft
	if timeLeft <= 0 {
		timeLeft = lease.offer.GetAttemptDeadline().AsDuration()
	}
	if timeLeft <= 0 {
		timeLeft = a.policy.AttemptDeadline
	}
	inherited := lineage{trace: toTrace(spec), correlationID: correlationOf(lease.offer)}
	ctx := newAttemptContext(withLineage(a.base, inherited), time.Now().Add(timeLeft))
	lease.ctx = ctx
	lease.progress = &progressReporter{agent: a, lease: lease}
	a.armDeadline(lease, timeLeft)
	job, maxResult := newActiveJob(ctx, a, lease), a.policy.MaxPayloadBytes
	go func() {
		o := runHandler(ctx, handler, job, maxResult)
		a.do(func() { a.settle(lease, o) })
	}()
}

func (a *agent) armDeadline(lease *heldLease, timeLeft time.Duration) {
	a.setTimer(lease, timeLeft, func() { a.stop(lease, AbortDeadline, a.policy.DrainGrace) })
}

// moveDeadline: an operator moved the attempt's deadline; what the offer said counts no longer.
func (a *agent) moveDeadline(lease *heldLease, timeLeft time.Duration) {
	switch lease.state {
	case leaseOffered:
		lease.timeLeft = max(timeLeft, 1) // Its clock starts when it begins.
	case leaseRunning:
		lease.ctx.moveDeadline(time.Now().Add(timeLeft))
		a.armDeadline(lease, timeLeft)
	}
}

func (a *agent) onVerdict(verdict *pb.Verdict) {
	lease := a.leases.leases[leaseKey{verdict.GetJobId(), verdict.GetLeaseEpoch()}]
	if lease == nil {
		return
	}
	switch verdict.GetVerdict() {
	case pb.LeaseVerdict_LEASE_VERDICT_RENEWED:
		if verdict.GetAttemptTimeLeft() != nil {
			a.moveDeadline(lease, verdict.GetAttemptTimeLeft().AsDuration())
		}
	case pb.LeaseVerdict_LEASE_VERDICT_CANCELLED:
		a.stop(lease, AbortCancelled, a.policy.DrainGrace)
	case pb.LeaseVerdict_LEASE_VERDICT_SUPERSEDED, pb.LeaseVerdict_LEASE_VERDICT_UNKNOWN:
		a.lose(lease)
	}
}

var cancelReasons = map[pb.CancelReason]AbortReason{
	pb.CancelReason_CANCEL_REASON_USER:       AbortCancelled,
	pb.CancelReason_CANCEL_REASON_DEADLINE:   AbortDeadline,
	pb.CancelReason_CANCEL_REASON_SUPERSEDED: AbortLeaseLost,
	pb.CancelReason_CANCEL_REASON_PREEMPTED:  AbortPreempted,
	pb.CancelReason_CANCEL_REASON_DRAIN:      AbortDrain,
}

func (a *agent) onCancel(cancel *pb.Cancel) {
	lease := a.leases.leases[leaseKey{cancel.GetJobId(), cancel.GetLeaseEpoch()}]
	if lease == nil {
		return
	}
	reason, known := cancelReasons[cancel.GetReason()]
	if !known {
		reason = AbortCancelled
	}
	grace := a.policy.DrainGrace
	if cancel.GetGrace() != nil {
		grace = cancel.GetGrace().AsDuration()
	}
	if reason == AbortLeaseLost {
		a.lose(lease)
	} else {
		a.stop(lease, reason, grace)
	}
}

// stop asks a handler to stop; after the grace it is given up.
func (a *agent) stop(lease *heldLease, reason AbortReason, grace time.Duration) {
	if lease.state == leaseOffered && lease.abort == "" {
		lease.abort = reason
	}
	if a.leases.move(lease, leaseStop) {
		a.abort(lease, reason, grace)
	}
}

// lose: the lease is no longer ours; whatever its handler still does comes to nothing.
func (a *agent) lose(lease *heldLease) {
	if !a.leases.move(lease, leaseLost) {
		return
	}
	if lease.state == leaseLingering {
		lease.progress.drop()
		a.loggerOf(lease).Warn("lease lost")
		a.abort(lease, AbortLeaseLost, a.policy.DrainGrace)
	}
}

func (a *agent) abort(lease *heldLease, reason AbortReason, grace time.Duration) {
	lease.abort = reason
	a.setTimer(lease, grace, func() { a.giveUp(lease) })
	lease.ctx.cancel(reason)
}

func (a *agent) giveUp(lease *heldLease) {
	if !a.leases.move(lease, leaseGaveUp) {
		return
	}
	lease.timer.Stop()
	a.loggerOf(lease).Error("handler ignored its context and was given up",
		"reason", string(lease.abort))
	if lease.state == leaseReporting {
		a.report(lease, stopOutcome(lease.abort, "the handler ignored its context"))
	}
}

// settle: the handler ended, or never begins.
func (a *agent) settle(lease *heldLease, o outcome) {
	if lease.timer != nil {
		lease.timer.Stop()
	}
	if lease.ctx != nil {
		lease.ctx.cancel(nil)
	}
	// Not a move after it was given up: the result is dropped.
	if a.leases.move(lease, leaseFinished) && lease.state == leaseReporting {
		a.report(lease, o)
	}
}

func (a *agent) setTimer(lease *heldLease, d time.Duration, onTime func()) {
	if lease.timer != nil {
		lease.timer.Stop()
	}
	lease.timer = time.AfterFunc(d, func() { a.do(onTime) })
}

// loggerOf returns a logger with the job's fields bound.
func (a *agent) loggerOf(lease *heldLease) *slog.Logger {
	return a.logger.With(
		"job_id", lease.ref.GetJobId(),
		"job_type", lease.offer.GetSpec().GetJobType(),
		"attempt", lease.ref.GetAttempt(),
		"lease_epoch", lease.ref.GetLeaseEpoch(),
		"correlation_id", correlationOf(lease.offer),
	)
}

func isApplied(result *pb.WriteResult) bool {
	verdict := result.GetVerdict()
	return verdict == pb.WriteVerdict_WRITE_VERDICT_APPLIED ||
		verdict == pb.WriteVerdict_WRITE_VERDICT_ALREADY_APPLIED
}
