package orchestrator

import (
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// EventWindow is a span of event time of a source, from Start up to but not including End.
type EventWindow struct {
	// Scope is the partition of the source, such as an ecosystem; empty if it has none.
	Scope string
	// Start is the first moment, End the first one after it.
	Start, End time.Time
}

func (w *EventWindow) toMessage() *pb.EventWindow {
	if w == nil {
		return nil
	}
	return &pb.EventWindow{
		Scope: w.Scope, StartTime: toTimestamp(w.Start), EndTime: toTimestamp(w.End),
	}
}

// toWindow answers nil for none, and for one without both ends.
func toWindow(w *pb.EventWindow) *EventWindow {
	if w.GetStartTime() == nil || w.GetEndTime() == nil {
		return nil
	}
	return &EventWindow{
		Scope: w.GetScope(), Start: toTime(w.GetStartTime()), End: toTime(w.GetEndTime()),
	}
}
