package orchestrator

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// WindowSeries is how the event time of a source and scope is cut into windows.
type WindowSeries struct {
	// Source is the source.
	Source string
	// Scope is the partition of the source, such as an ecosystem; empty if it has none.
	Scope string
	// Width is how wide a window is: whole seconds, up to 365 days. Windows begin at whole
	// multiples of it since the Unix epoch.
	Width time.Duration
	// AllowedLateness is how much later than a window's end its data may still come.
	AllowedLateness time.Duration
	// Origin is where the series begins; rounded down to the start of a window.
	Origin time.Time
}

// Watermark is how complete a series is.
type Watermark struct {
	// Series is what it is about.
	Series WindowSeries
	// Watermark: up to here everything is covered. Never goes back.
	Watermark time.Time
	// Due is the end of the last window that is due; the series' origin if none is.
	Due time.Time
	// Lag is from Watermark to Due; 0 if nothing is missing.
	Lag time.Duration
	// MissingWindows is how many windows are due and not covered.
	MissingWindows int64
	// Gaps is how many gaps they are.
	Gaps int64
	// CoveredUntil is the end of the newest window that is covered; zero if none is.
	CoveredUntil time.Time
}

// Gap is a span of event time that is due and not covered: neighbouring windows as one.
type Gap struct {
	// Start is the first moment, End the first one after it.
	Start, End time.Time
	// Windows is how many windows it has.
	Windows int64
	// InProgress is how many of them unfinished jobs are to cover, as far as a look at 10,000 jobs
	// tells.
	InProgress int64
}

// GapFilter says which gaps to list.
type GapFilter struct {
	// Source and Scope name the series.
	Source, Scope string
	// From is the first moment of interest; the beginning of the series if zero.
	From time.Time
	// Until is the first moment that is not of interest; up to what is due if zero.
	Until time.Time
}

// Watermarks tells up to which event time sources are complete: see [Client.Watermarks].
//
// A job declares the window that it covers with its [JobRequest.Window]; its success covers it. A
// success of an attempt that started before the window was due covers nothing: data could still
// have come.
type Watermarks struct{ client *Client }

// PutSeries declares the windows of a source and scope, or changes how late data may come. Safe to
// repeat. Errors: WINDOW_SERIES_IN_USE (width and origin cannot change once something is covered,
// nor while a backfill is under way).
func (w *Watermarks) PutSeries(
	ctx context.Context, series WindowSeries, options ...OperationOption,
) (*Watermark, error) {
	o := operationOf(options)
	request := &pb.PutWindowSeriesRequest{
		Series: &pb.WindowSeries{
			Source: series.Source, Scope: series.Scope, Width: durationpb.New(series.Width),
			AllowedLateness: durationpb.New(series.AllowedLateness),
			OriginTime:      toTimestamp(series.Origin),
		},
		Reason: o.reason, Ticket: o.ticket,
	}
	response, err := call(ctx, w.client,
		func(ctx context.Context) (*pb.PutWindowSeriesResponse, error) {
			return w.client.conn.watermarks().PutWindowSeries(ctx, request)
		})
	if err != nil {
		return nil, err
	}
	return toWatermark(response.GetWatermark()), nil
}

// Get returns the watermark of a source and scope; the scope is empty if the source has none.
// Errors: WINDOW_SERIES_NOT_FOUND.
func (w *Watermarks) Get(ctx context.Context, source, scope string) (*Watermark, error) {
	request := &pb.GetWatermarkRequest{Source: source, Scope: scope}
	response, err := call(ctx, w.client,
		func(ctx context.Context) (*pb.GetWatermarkResponse, error) {
			return w.client.conn.watermarks().GetWatermark(ctx, request)
		})
	if err != nil {
		return nil, err
	}
	return toWatermark(response.GetWatermark()), nil
}

// Gaps yields what is due and not covered, oldest first, fetching pages as they are wanted. The
// sequence ends after an error. Errors: WINDOW_SERIES_NOT_FOUND.
func (w *Watermarks) Gaps(ctx context.Context, filter GapFilter) iter.Seq2[*Gap, error] {
	return pages(func(token string) ([]*Gap, string, error) {
		page, err := call(ctx, w.client, func(ctx context.Context) (*pb.ListGapsResponse, error) {
			return w.client.conn.watermarks().ListGaps(ctx, &pb.ListGapsRequest{
				Source: filter.Source, Scope: filter.Scope, FromTime: toTimestamp(filter.From),
				UntilTime: toTimestamp(filter.Until), PageToken: token,
			})
		})
		return convert(page.GetGaps(), toGap), page.GetNextPageToken(), err
	})
}

func toWatermark(w *pb.Watermark) *Watermark {
	series := w.GetSeries()
	return &Watermark{
		Series: WindowSeries{
			Source: series.GetSource(), Scope: series.GetScope(),
			Width:           series.GetWidth().AsDuration(),
			AllowedLateness: series.GetAllowedLateness().AsDuration(),
			Origin:          toTime(series.GetOriginTime()),
		},
		Watermark: toTime(w.GetWatermarkTime()), Due: toTime(w.GetDueTime()),
		Lag: w.GetLag().AsDuration(), MissingWindows: w.GetMissingWindows(), Gaps: w.GetGaps(),
		CoveredUntil: toTime(w.GetCoveredUntilTime()),
	}
}

func toGap(g *pb.Gap) *Gap {
	return &Gap{
		Start: toTime(g.GetStartTime()), End: toTime(g.GetEndTime()), Windows: g.GetWindows(),
		InProgress: g.GetInProgress(),
	}
}
