package main

import (
	"slices"
	"sync"
)

// gates bring Proceed commands to the Holds that wait for them; none is lost.
type gates struct {
	mu         sync.Mutex
	waiting    []*gate
	remembered []proceed
}

// gate is a Hold that waits; opened is closed by its Proceed.
type gate struct {
	proceed
	opened chan struct{}
}

// proceed is a job and one of its attempts; 0 means any.
type proceed struct {
	jobID   string
	attempt int
}

func newGates() *gates { return &gates{} }

func (p proceed) fits(hold proceed) bool {
	return p.jobID == hold.jobID && (p.attempt == 0 || p.attempt == hold.attempt)
}

// proceed lets a handler go on, now or when it comes to its next Hold.
func (g *gates) proceed(jobID string, attempt int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := proceed{jobID, attempt}
	i := slices.IndexFunc(g.waiting, func(waiting *gate) bool { return p.fits(waiting.proceed) })
	if i < 0 {
		g.remembered = append(g.remembered, p)
		return
	}
	close(g.waiting[i].opened)
	g.waiting = slices.Delete(g.waiting, i, i+1)
}

// wait begins a Hold.
func (g *gates) wait(jobID string, attempt int) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	hold := &gate{proceed{jobID, attempt}, make(chan struct{})}
	i := slices.IndexFunc(g.remembered, func(p proceed) bool { return p.fits(hold.proceed) })
	if i < 0 {
		g.waiting = append(g.waiting, hold)
		return hold
	}
	close(hold.opened)
	g.remembered = slices.Delete(g.remembered, i, i+1)
	return hold
}

// leave: the Hold ended otherwise.
func (g *gates) leave(hold *gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = slices.DeleteFunc(g.waiting, func(waiting *gate) bool { return waiting == hold })
}
