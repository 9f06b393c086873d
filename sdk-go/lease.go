package orchestrator

import (
	"context"
	"time"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Lease is a lease with its fence: hand it to a store that must refuse a stale writer.
type Lease struct {
	// JobID is the job.
	JobID string
	// Attempt is for people; 1 for the first.
	Attempt int
	// Epoch grows with every lease of the job; a store can order by it.
	Epoch int64
	// Token is opaque; compared for equality.
	Token string
}

// CheckedLease says whether a lease is the current one, true of the moment at which the database
// said so.
type CheckedLease struct {
	// IsCurrent: it is.
	IsCurrent bool
	// NewestEpoch is the newest epoch that was handed out for the job.
	NewestEpoch int64
	// ExpiresIn is how long the lease lives unless it is renewed; 0 when it is not current.
	ExpiresIn time.Duration
}

// CheckLease says whether a lease is the current one, so that any store can refuse a stale
// writer. For a fence that holds, store the epoch with what you write and refuse a smaller one.
// Errors: JOB_NOT_FOUND.
func (c *Client) CheckLease(ctx context.Context, lease Lease) (*CheckedLease, error) {
	request := &pb.CheckLeaseRequest{Lease: lease.toRef()}
	response, err := call(ctx, c, func(ctx context.Context) (*pb.CheckLeaseResponse, error) {
		return c.conn.taskRunner().CheckLease(ctx, request)
	})
	if err != nil {
		return nil, err
	}
	return &CheckedLease{
		IsCurrent:   response.GetCurrent(),
		NewestEpoch: response.GetNewestLeaseEpoch(),
		ExpiresIn:   response.GetExpiresIn().AsDuration(),
	}, nil
}

func toLease(ref *pb.LeaseRef) Lease {
	return Lease{
		JobID:   ref.GetJobId(),
		Attempt: int(ref.GetAttempt()),
		Epoch:   ref.GetLeaseEpoch(),
		Token:   ref.GetLeaseToken(),
	}
}

func (l Lease) toRef() *pb.LeaseRef {
	return &pb.LeaseRef{
		JobId:      l.JobID,
		Attempt:    int32(l.Attempt),
		LeaseEpoch: l.Epoch,
		LeaseToken: l.Token,
	}
}
