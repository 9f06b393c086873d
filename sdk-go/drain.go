package orchestrator

import (
	"sync"
	"time"
)

// notifier lets goroutines wait until something is true of a state that says when it changes.
type notifier struct {
	mu      sync.Mutex
	waiting chan struct{}
}

// changed says that the state changed.
func (n *notifier) changed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.waiting != nil {
		close(n.waiting)
		n.waiting = nil
	}
}

func (n *notifier) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.waiting == nil {
		n.waiting = make(chan struct{})
	}
	return n.waiting
}

// until returns true once holds does, false after timeout.
func (n *notifier) until(timeout time.Duration, holds func() bool) bool {
	timer := time.NewTimer(max(0, timeout))
	defer timer.Stop()
	for {
		next := n.next()
		if holds() {
			return true
		}
		select {
		case <-next:
		case <-timer.C:
			return holds()
		}
	}
}

// drain ends a worker's time without losing anything: no new offers, then what is held ends by
// itself within the grace, then the rest is asked to stop and released, then the answers are
// waited for. After the grace come two short waits of a tenth of it each, so with the contract's
// 25 s all is over in 30 s, which is what Kubernetes gives.
func (w *Worker) drain(reason string) {
	grace := w.config.drainGrace
	if grace == 0 {
		grace = w.policy().DrainGrace
	}
	deadline, short := time.Now().Add(grace), grace/10
	left := func() time.Duration { return time.Until(deadline) }
	held := look(w.agent, func() int { return len(w.agent.leases.leases) })
	w.config.logger.Info("draining", "reason", reason, "grace", grace, "held", held)
	w.announceDrain(reason)
	// The barrier: after it, every offer that was on its way has arrived.
	w.notifier.until(left(), func() bool {
		return w.isDrainAcknowledged() || w.keeper.current() == nil && w.isIdle()
	})
	if !w.notifier.until(left(), w.isQuiet) {
		w.agent.do(func() { w.agent.stopAll(short) })
		w.notifier.until(short, w.isQuiet)
		w.agent.do(w.agent.giveUpAll)
	}
	w.notifier.until(max(left(), short), w.isIdle)
	unanswered := look(w.agent, func() int { return len(w.agent.outbox.pending) })
	w.config.logger.Info("drained", "unanswered", unanswered)
}

// isQuiet reports whether no handler runs and none is about to.
func (w *Worker) isQuiet() bool {
	return look(w.agent, func() bool {
		return w.agent.leases.count(leaseOffered, leaseRunning, leaseStopping, leaseLingering) == 0
	})
}

func (w *Worker) isIdle() bool { return look(w.agent, w.agent.isIdle) }
