package orchestrator

import (
	"context"
	"iter"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Backfills covers event time that was missed, or covers it again: see [Client.Backfills].
//
// A backfill makes a job per window, a few at a time. A window that is covered, or that an
// unfinished job of the same source and scope is to cover, is not repeated.
type Backfills struct{ client *Client }

// Preview says what a backfill would do. Errors: WINDOW_SERIES_NOT_FOUND, BACKFILL_TOO_LARGE (at
// most 1,000,000 windows).
func (b *Backfills) Preview(ctx context.Context, spec BackfillSpec) (*BackfillPreview, error) {
	message, err := spec.toMessage()
	if err != nil {
		return nil, err
	}
	response, err := call(ctx, b.client,
		func(ctx context.Context) (*pb.PreviewBackfillResponse, error) {
			return b.client.conn.backfills().PreviewBackfill(ctx,
				&pb.PreviewBackfillRequest{Spec: message})
		})
	if err != nil {
		return nil, err
	}
	return toPreview(response), nil
}

// Create starts a backfill; the history wants a reason. Errors: those of [Backfills.Preview],
// PAYLOAD_TOO_LARGE, PAYLOAD_ARTIFACT_NOT_FOUND.
func (b *Backfills) Create(
	ctx context.Context, spec BackfillSpec, reason string, options ...OperationOption,
) (*Backfill, error) {
	message, err := spec.toMessage()
	if err != nil {
		return nil, err
	}
	request := &pb.CreateBackfillRequest{
		Spec: message, RequestId: newID(), Reason: reason, Ticket: operationOf(options).ticket,
	}
	return b.ask(ctx, func(ctx context.Context) (backfillAnswer, error) {
		return b.client.conn.backfills().CreateBackfill(ctx, request)
	})
}

// Get returns a backfill with its progress. Errors: BACKFILL_NOT_FOUND.
func (b *Backfills) Get(ctx context.Context, backfillID string) (*Backfill, error) {
	request := &pb.GetBackfillRequest{BackfillId: backfillID}
	return b.ask(ctx, func(ctx context.Context) (backfillAnswer, error) {
		return b.client.conn.backfills().GetBackfill(ctx, request)
	})
}

// List yields backfills, newest first, those of one source unless it is empty, fetching pages as
// they are wanted. The sequence ends after an error.
func (b *Backfills) List(ctx context.Context, source string) iter.Seq2[*Backfill, error] {
	return pages(func(token string) ([]*Backfill, string, error) {
		page, err := call(ctx, b.client,
			func(ctx context.Context) (*pb.ListBackfillsResponse, error) {
				return b.client.conn.backfills().ListBackfills(ctx,
					&pb.ListBackfillsRequest{Source: source, PageToken: token})
			})
		return convert(page.GetBackfills(), toBackfill), page.GetNextPageToken(), err
	})
}

// Pause stops a backfill from making jobs; those that it made go on. Safe to repeat. Errors:
// BACKFILL_NOT_FOUND, BACKFILL_FINISHED.
func (b *Backfills) Pause(
	ctx context.Context, backfillID string, options ...OperationOption,
) (*Backfill, error) {
	o := operationOf(options)
	request := &pb.PauseBackfillRequest{
		BackfillId: backfillID, Reason: o.reason, Ticket: o.ticket,
	}
	return b.ask(ctx, func(ctx context.Context) (backfillAnswer, error) {
		return b.client.conn.backfills().PauseBackfill(ctx, request)
	})
}

// Resume ends a pause. Safe to repeat. Errors: BACKFILL_NOT_FOUND, BACKFILL_FINISHED.
func (b *Backfills) Resume(
	ctx context.Context, backfillID string, options ...OperationOption,
) (*Backfill, error) {
	o := operationOf(options)
	request := &pb.ResumeBackfillRequest{
		BackfillId: backfillID, Reason: o.reason, Ticket: o.ticket,
	}
	return b.ask(ctx, func(ctx context.Context) (backfillAnswer, error) {
		return b.client.conn.backfills().ResumeBackfill(ctx, request)
	})
}

// Cancel cancels a backfill and, soon after it returns, its unfinished jobs; what is covered stays
// covered. Safe to repeat. Errors: BACKFILL_NOT_FOUND, BACKFILL_FINISHED.
func (b *Backfills) Cancel(
	ctx context.Context, backfillID string, options ...OperationOption,
) (*Backfill, error) {
	o := operationOf(options)
	request := &pb.CancelBackfillRequest{
		BackfillId: backfillID, Reason: o.reason, Ticket: o.ticket,
	}
	return b.ask(ctx, func(ctx context.Context) (backfillAnswer, error) {
		return b.client.conn.backfills().CancelBackfill(ctx, request)
	})
}

// backfillAnswer is a response that has a backfill.
type backfillAnswer interface{ GetBackfill() *pb.Backfill }

func (b *Backfills) ask(
	ctx context.Context, rpc func(context.Context) (backfillAnswer, error),
) (*Backfill, error) {
	response, err := call(ctx, b.client, rpc)
	if err != nil {
		return nil, err
	}
	return toBackfill(response.GetBackfill()), nil
}
