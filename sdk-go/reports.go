package orchestrator

import (
	"fmt"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// report hands an outcome to the outbox. Needs the agent's lock, as all methods here.
func (a *agent) report(lease *heldLease, o outcome) {
	if p := lease.progress; p != nil {
		if o.completion != nil {
			p.drop()
		} else {
			p.flush()
		}
	}
	switch {
	case o.completion != nil:
		a.complete(lease, o.completion)
	case o.failure != nil:
		a.fail(lease, o.failure)
	case o.release != 0:
		a.outbox.add(pb.WriteKind_WRITE_KIND_RELEASE, lease.ref,
			&pb.Release{Lease: lease.ref, Reason: o.release}, a.onOutcome(lease))
	default:
		a.forget(lease)
	}
}

func (a *agent) complete(lease *heldLease, completion *pb.Completion) {
	a.outbox.add(pb.WriteKind_WRITE_KIND_COMPLETE, lease.ref, completion,
		func(result *pb.WriteResult) {
			if result.GetVerdict() != pb.WriteVerdict_WRITE_VERDICT_REJECTED {
				a.onOutcome(lease)(result)
				return
			}
			err := fromItem(result.GetError())
			a.loggerOf(lease).Error("completion rejected", "error", err)
			// The lease stands. A result that can never be stored is terminal; a lost artifact
			// is not.
			class, terminal := ClassUser, false
			if err.Reason == "RESULT_TOO_LARGE" {
				class, terminal = ClassOversize, true
			}
			text := fmt.Sprintf("the completion was rejected: %s %s", err.Reason, err.Message)
			a.fail(lease, newFailure(class, text, terminal))
		})
}

func (a *agent) fail(lease *heldLease, failure *pb.Failure) {
	report := &pb.FailureReport{Lease: lease.ref, CompletionId: newID(), Failure: failure}
	a.outbox.add(pb.WriteKind_WRITE_KIND_FAIL, lease.ref, report, a.onOutcome(lease))
}

func (a *agent) onOutcome(lease *heldLease) func(*pb.WriteResult) {
	return func(result *pb.WriteResult) {
		switch result.GetVerdict() {
		case pb.WriteVerdict_WRITE_VERDICT_STALE_LEASE:
			a.loggerOf(lease).Warn("result dropped: the lease is stale")
		case pb.WriteVerdict_WRITE_VERDICT_REJECTED:
			a.loggerOf(lease).Error("outcome rejected", "error", fromItem(result.GetError()))
		}
		a.forget(lease)
	}
}

func (a *agent) forget(lease *heldLease) {
	if lease.progress != nil {
		lease.progress.drop()
	}
	a.leases.move(lease, leaseAnswered)
}
