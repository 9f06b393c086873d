package orchestrator

import (
	"slices"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// leaseState is where a lease stands in this worker.
type leaseState uint8

const (
	// leaseOffered: its accept has no answer yet, the handler has not begun.
	leaseOffered leaseState = iota
	// leaseRunning: the handler runs.
	leaseRunning
	// leaseStopping: the handler runs and was asked to stop, the lease is still ours.
	leaseStopping
	// leaseLingering: the handler still runs although the lease is lost.
	leaseLingering
	// leaseReporting: the handler is done with, the server has not answered the outcome yet.
	leaseReporting
	// leaseGone: not in the table any more.
	leaseGone
)

// leaseEvent is what can happen to a lease.
type leaseEvent uint8

const (
	// leaseAccepted: the server applied the accept, or the lease came active.
	leaseAccepted leaseEvent = iota
	// leaseRefused: the server refused the accept.
	leaseRefused
	// leaseStop: the handler is asked to stop.
	leaseStop
	// leaseLost: the job moved on without this lease.
	leaseLost
	// leaseFinished: the handler ended, or will never begin.
	leaseFinished
	// leaseGaveUp: the handler ignored its context until the grace was over.
	leaseGaveUp
	// leaseAnswered: the server answered the outcome.
	leaseAnswered
)

// leaseMoves lists every legal move; an absent entry is illegal.
var leaseMoves = map[leaseState]map[leaseEvent]leaseState{
	leaseOffered: {
		leaseAccepted: leaseRunning,
		leaseRefused:  leaseGone,
		leaseLost:     leaseGone,
		leaseFinished: leaseReporting,
	},
	leaseRunning: {
		leaseStop:     leaseStopping,
		leaseLost:     leaseLingering,
		leaseFinished: leaseReporting,
	},
	leaseStopping: {
		leaseLost:     leaseLingering,
		leaseFinished: leaseReporting,
		leaseGaveUp:   leaseReporting,
	},
	leaseLingering: {
		leaseFinished: leaseGone,
		leaseGaveUp:   leaseGone,
	},
	leaseReporting: {
		leaseAnswered: leaseGone,
	},
}

// heldLease is a lease that this worker holds, or held until its handler ends.
type heldLease struct {
	ref   *pb.LeaseRef
	offer *pb.Offer
	state leaseState
	// abort is why the handler was asked to stop, the first reason; empty if it was not.
	abort AbortReason
	// timeLeft is how long the attempt may run once it begins, if an operator said so; else 0.
	timeLeft time.Duration
	// ctx is the handler's; nil before it runs.
	ctx *attemptContext
	// timer is the attempt's deadline or the grace of its stop; nil before the handler runs.
	timer    *time.Timer
	progress *progressReporter
}

func (l *heldLease) key() leaseKey { return keyOf(l.ref) }

// leaseKey: a job can be here twice, under an old epoch and its successor.
type leaseKey struct {
	jobID string
	epoch int64
}

func keyOf(ref *pb.LeaseRef) leaseKey { return leaseKey{ref.GetJobId(), ref.GetLeaseEpoch()} }

// leaseTable has the leases of one worker, each moved along its state machine. Not safe for
// concurrent use.
type leaseTable struct {
	leases map[leaseKey]*heldLease
	// newest is the newest lease of each job.
	newest map[string]*heldLease
	counts [leaseGone]int
}

func newLeaseTable() *leaseTable {
	return &leaseTable{
		leases: make(map[leaseKey]*heldLease),
		newest: make(map[string]*heldLease),
	}
}

func (t *leaseTable) add(offer *pb.Offer) *heldLease {
	lease := &heldLease{ref: offer.GetLease(), offer: offer}
	t.leases[lease.key()] = lease
	t.newest[lease.ref.GetJobId()] = lease
	t.counts[leaseOffered]++
	return lease
}

// move moves a lease; false if the event means nothing in its state.
func (t *leaseTable) move(lease *heldLease, event leaseEvent) bool {
	next, ok := leaseMoves[lease.state][event]
	if !ok {
		return false
	}
	t.counts[lease.state]--
	lease.state = next
	if next != leaseGone {
		t.counts[next]++
		return true
	}
	delete(t.leases, lease.key())
	if id := lease.ref.GetJobId(); t.newest[id] == lease {
		delete(t.newest, id)
	}
	return true
}

// in returns the leases in any of these states, in no order.
func (t *leaseTable) in(states ...leaseState) []*heldLease {
	var found []*heldLease
	for _, lease := range t.leases {
		if slices.Contains(states, lease.state) {
			found = append(found, lease)
		}
	}
	return found
}

// count returns how many leases are in any of these states.
func (t *leaseTable) count(states ...leaseState) int {
	sum := 0
	for _, state := range states {
		sum += t.counts[state]
	}
	return sum
}

func refsOf(leases []*heldLease) []*pb.LeaseRef {
	return convert(leases, func(lease *heldLease) *pb.LeaseRef { return lease.ref })
}
