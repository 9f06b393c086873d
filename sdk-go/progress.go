package orchestrator

import (
	"math"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// progressInterval is how often a handler's progress is reported at most; a checkpoint does not
// wait for it.
const progressInterval = 500 * time.Millisecond

// progressReporter reports the progress of one attempt. At most one report is on its way; what is
// said meanwhile is merged into the next, so a handler may report as often as it likes. The
// agent's lock guards it.
type progressReporter struct {
	agent *agent
	lease *heldLease

	next    *pb.Progress
	onWay   *pb.Progress
	waiting []chan<- bool // Those who wait for next.
	told    []chan<- bool // Those who wait for onWay.
	sentAt  time.Time
	timer   *time.Timer
	closed  bool
}

// report merges a report into the next one. The channel, if there is one, is told whether the
// ledger has this or a newer report, or never will.
func (p *progressReporter) report(report *pb.Progress, done chan<- bool) {
	if p.closed {
		tell(done, false)
		return
	}
	if done != nil {
		p.waiting = append(p.waiting, done)
	}
	if last := p.next; last != nil {
		inherit(report, last)
	}
	p.next = report
	p.sendWhenDue()
}

// inherit keeps what a newer report leaves out.
func inherit(report, last *pb.Progress) {
	if report.Message == "" {
		report.Message = last.GetMessage()
	}
	if len(report.GetCheckpoint()) == 0 {
		report.Checkpoint = last.GetCheckpoint()
	}
}

func (p *progressReporter) sendWhenDue() {
	if p.next == nil || p.onWay != nil || p.closed {
		return
	}
	wait := progressInterval - time.Since(p.sentAt)
	if wait <= 0 || len(p.next.GetCheckpoint()) > 0 {
		p.send()
	} else if p.timer == nil {
		p.timer = time.AfterFunc(wait, func() {
			p.agent.do(func() {
				p.timer = nil
				p.sendWhenDue()
			})
		})
	}
}

func (p *progressReporter) send() {
	if p.onWay != nil {
		// It is replaced unanswered and may be lost; what it said must not be.
		inherit(p.next, p.onWay)
	}
	p.onWay, p.next = p.next, nil
	p.told, p.waiting = append(p.told, p.waiting...), nil
	p.sentAt = time.Now()
	message := &pb.ProgressReport{Lease: p.lease.ref, Progress: p.onWay}
	p.agent.outbox.add(pb.WriteKind_WRITE_KIND_PROGRESS, p.lease.ref, message, p.onAnswer)
}

func (p *progressReporter) onAnswer(result *pb.WriteResult) {
	p.onWay = nil
	p.tellAll(&p.told, isApplied(result))
	p.sendWhenDue()
}

// flush sends what is left, for the next attempt to have the newest checkpoint.
func (p *progressReporter) flush() {
	if p.next != nil {
		p.send()
	}
	p.closed = true
	p.stopTimer()
}

// drop ends the reports: there is nothing left to report on.
func (p *progressReporter) drop() {
	p.closed, p.next, p.onWay = true, nil, nil
	p.stopTimer()
	p.agent.outbox.forget(writeKey{pb.WriteKind_WRITE_KIND_PROGRESS, p.lease.key()})
	p.tellAll(&p.told, false)
	p.tellAll(&p.waiting, false)
}

func (p *progressReporter) stopTimer() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

func (p *progressReporter) tellAll(to *[]chan<- bool, isStored bool) {
	for _, done := range *to {
		tell(done, isStored)
	}
	*to = nil
}

// tell needs a channel with room for one.
func tell(done chan<- bool, isStored bool) {
	if done != nil {
		done <- isStored
	}
}

// clampFraction makes any number a fraction.
func clampFraction(fraction float64) float64 {
	if math.IsNaN(fraction) {
		return 0
	}
	return min(1, max(0, fraction))
}
