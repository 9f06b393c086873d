package orchestrator

import (
	"context"

	"google.golang.org/protobuf/proto"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// open opens a session that says what this worker is and holds.
func (w *Worker) open(ctx context.Context) *session {
	slots := w.slots()
	hello := &pb.Hello{
		WorkerId:    w.config.workerID,
		InstanceId:  w.instanceID,
		HeldLeases:  look(w.agent, w.agent.held),
		Sdk:         sdkName,
		Labels:      w.config.labels,
		Host:        truncate(w.config.host, limits.hostBytes),
		LeaseAtOnce: w.config.leaseAtOnce,
	}
	for _, pool := range w.pools {
		pool = proto.CloneOf(pool)
		pool.Slots = slots[pool.GetName()]
		hello.Pools = append(hello.Pools, pool)
	}
	return openSession(ctx, sessionPorts{
		endpoint: w.config.endpoint,
		hello:    hello,
		policy:   w.policy(),
		onFrame:  w.onFrame,
		onTick:   w.onTick,
	})
}

func (w *Worker) onUp(s *session) {
	w.agent.do(func() {
		w.agent.policy = s.policy
		w.agent.outbox.resend()
	})
	w.mu.Lock()
	for _, pool := range s.ports.hello.GetPools() {
		w.credit[pool.GetName()] = pool.GetSlots()
	}
	w.lingering = -1 // The leases may have changed since Hello: count again.
	if w.isDraining {
		s.writer.send(drainFrame(w.drainReason))
	}
	w.mu.Unlock()
	s.writer.pullFrom(func() *pb.WorkerFrame {
		return look(w.agent, func() *pb.WorkerFrame {
			return w.agent.outbox.take(w.agent.policy.MaxMessageBytes)
		})
	})
	w.changed()
}

func (w *Worker) onFrame(frame *pb.ServerFrame) {
	switch f := frame.GetFrame().(type) {
	case *pb.ServerFrame_DrainAck:
		w.mu.Lock()
		w.drainAcked = true
		w.mu.Unlock()
		w.notifier.changed()
	case *pb.ServerFrame_Hint:
		w.onHint(f.Hint)
	default:
		w.agent.do(func() { w.agent.take(frame) })
	}
}

// onHint logs why no job comes, or none more.
func (w *Worker) onHint(hint *pb.Hint) {
	text := "idle"
	if hint.GetMoreWorkersHelp() && len(hint.GetBlockedBy()) == 0 {
		text = "all slots are taken and more jobs wait"
	}
	w.config.logger.Debug(text, "ready_jobs", hint.GetReadyJobs(),
		"blocked_by", convert(hint.GetBlockedBy(), causeName))
}

// onTick renews what is held; true if there was something to renew.
func (w *Worker) onTick(s *session) bool {
	if w.keeper.current() != s {
		return true // Its successor does it.
	}
	var leases []*pb.LeaseRef
	w.agent.do(func() {
		w.agent.outbox.resendOlder(resendAge(w.agent.policy))
		leases = w.agent.renewable()
	})
	if len(leases) == 0 {
		return false
	}
	heartbeat := &pb.Heartbeat{Leases: leases}
	s.writer.send(&pb.WorkerFrame{Frame: &pb.WorkerFrame_Heartbeat{Heartbeat: heartbeat}})
	return true
}

// slots returns the slots per pool: none in a drain, and none for those that the handler of a lost
// lease still holds.
func (w *Worker) slots() map[string]int32 {
	w.mu.Lock()
	isDraining := w.isDraining
	w.mu.Unlock()
	slots := make(map[string]int32, len(w.pools))
	for _, pool := range w.pools {
		if !isDraining {
			slots[pool.GetName()] = pool.GetSlots()
		}
	}
	look(w.agent, func() any {
		for _, lease := range w.agent.leases.in(leaseLingering) {
			if pool := lease.offer.GetPool(); slots[pool] > 0 {
				slots[pool]--
			}
		}
		return nil
	})
	return slots
}

// changed is called after every change of the agent's state.
func (w *Worker) changed() {
	if s := w.keeper.current(); s != nil {
		w.sendCredit(s)
		s.writer.poke()
	}
	w.notifier.changed()
}

// sendCredit tells the server when handlers of lost leases begin or end to hold slots.
func (w *Worker) sendCredit(s *session) {
	lingering := look(w.agent, func() int { return w.agent.leases.count(leaseLingering) })
	w.mu.Lock()
	isNews := lingering != w.lingering && !w.isDraining
	w.lingering = lingering
	w.mu.Unlock()
	if !isNews {
		return
	}
	slots := w.slots()
	credit := &pb.Credit{}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, pool := range w.pools {
		if name := pool.GetName(); w.credit[name] != slots[name] {
			w.credit[name] = slots[name]
			credit.Pools = append(credit.Pools, &pb.PoolCredit{Pool: name, Slots: slots[name]})
		}
	}
	if len(credit.GetPools()) > 0 {
		s.writer.send(&pb.WorkerFrame{Frame: &pb.WorkerFrame_Credit{Credit: credit}})
	}
}
