package orchestrator

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// LeasePolicy is the set of clocks and sizes that the server and every SDK share.
type LeasePolicy struct {
	// OfferAcceptDeadline is how long an offer waits for its accept.
	OfferAcceptDeadline time.Duration
	// LeaseTTL is how long a lease lives without a renewal.
	LeaseTTL time.Duration
	// RenewInterval is how often leases are renewed and how often both sides ping in-band.
	RenewInterval time.Duration
	// ExpirySweep is how often the server looks for expired leases.
	ExpirySweep time.Duration
	// AttemptDeadline is how long one attempt may run unless its job says otherwise.
	AttemptDeadline time.Duration
	// DrainGrace is how long a draining worker may go on with what it holds.
	DrainGrace time.Duration
	// UnaryPollDefault is how long a unary claim waits unless told.
	UnaryPollDefault time.Duration
	// UnaryPollMax is the longest wait that a unary claim is granted.
	UnaryPollMax time.Duration
	// StreamMaxAge is the age at which the server ends a session's stream.
	StreamMaxAge time.Duration
	// GoawayNotice is how far ahead of the end of a stream its goaway comes.
	GoawayNotice time.Duration
	// ReconnectMin is the smallest reconnect delay.
	ReconnectMin time.Duration
	// ReconnectMax is the largest reconnect delay.
	ReconnectMax time.Duration
	// Retry is what happens after a failed attempt unless its job says otherwise.
	Retry RetryPolicy
	// MaxInterruptions is how many interruptions a job survives in InterruptionWindow.
	MaxInterruptions int
	// InterruptionWindow is the window in which interruptions are counted.
	InterruptionWindow time.Duration
	// ArtifactChunkBytes is the largest artifact chunk, in bytes.
	ArtifactChunkBytes int
	// MaxMessageBytes is the largest message that the server reads, in bytes.
	MaxMessageBytes int
	// MaxPayloadBytes is the largest inline payload, result or checkpoint, in bytes.
	MaxPayloadBytes int
	// IdempotencyRetention is how long an idempotency key is remembered.
	IdempotencyRetention time.Duration
}

// RetryPolicy says how failed attempts are repeated. As an override on a job, zero fields take
// the lease policy's value.
type RetryPolicy struct {
	// MaxAttempts is how many attempts a job gets in all, the first included.
	MaxAttempts int
	// InitialBackoff is the bound of the first delay.
	InitialBackoff time.Duration
	// Multiplier is what the bound is multiplied with after each failure.
	Multiplier float64
	// MaxBackoff is the largest bound.
	MaxBackoff time.Duration
	// MaxElapsed: no attempt starts later than this after the first one started.
	MaxElapsed time.Duration
}

// contractPolicy is the lease_policy option on TaskRunnerService, the one place where these
// numbers are typed.
var contractPolicy = overlay(LeasePolicy{}, optionOf())

// ContractLeasePolicy returns the defaults as the contract states them. A server may override
// them; a worker goes by what its server said.
func ContractLeasePolicy() LeasePolicy { return contractPolicy }

func optionOf() *pb.LeasePolicy {
	services := pb.File_stellaops_orchestrator_v1_task_runner_proto.Services()
	options := services.ByName("TaskRunnerService").Options()
	return proto.GetExtension(options, pb.E_LeasePolicy).(*pb.LeasePolicy)
}

// overlay lays a policy over another: what it does not set stays as it is in base.
func overlay(base LeasePolicy, p *pb.LeasePolicy) LeasePolicy {
	setDuration(&base.OfferAcceptDeadline, p.GetOfferAcceptDeadline())
	setDuration(&base.LeaseTTL, p.GetLeaseTtl())
	setDuration(&base.RenewInterval, p.GetRenewInterval())
	setDuration(&base.ExpirySweep, p.GetExpirySweep())
	setDuration(&base.AttemptDeadline, p.GetAttemptDeadline())
	setDuration(&base.DrainGrace, p.GetDrainGrace())
	setDuration(&base.UnaryPollDefault, p.GetUnaryPollDefault())
	setDuration(&base.UnaryPollMax, p.GetUnaryPollMax())
	setDuration(&base.StreamMaxAge, p.GetStreamMaxAge())
	setDuration(&base.GoawayNotice, p.GetGoawayNotice())
	setDuration(&base.ReconnectMin, p.GetReconnectMin())
	setDuration(&base.ReconnectMax, p.GetReconnectMax())
	setDuration(&base.InterruptionWindow, p.GetInterruptionWindow())
	setDuration(&base.IdempotencyRetention, p.GetIdempotencyRetention())
	setInt(&base.MaxInterruptions, p.GetMaxInterruptions())
	setInt(&base.ArtifactChunkBytes, p.GetArtifactChunkBytes())
	setInt(&base.MaxMessageBytes, p.GetMaxMessageBytes())
	setInt(&base.MaxPayloadBytes, p.GetMaxPayloadBytes())
	setInt(&base.Retry.MaxAttempts, p.GetRetry().GetMaxAttempts())
	setDuration(&base.Retry.InitialBackoff, p.GetRetry().GetInitialBackoff())
	setDuration(&base.Retry.MaxBackoff, p.GetRetry().GetMaxBackoff())
	setDuration(&base.Retry.MaxElapsed, p.GetRetry().GetMaxElapsed())
	if multiplier := p.GetRetry().GetMultiplier(); multiplier > 0 {
		base.Retry.Multiplier = multiplier
	}
	return base
}

func setDuration(to *time.Duration, from *durationpb.Duration) {
	if d := from.AsDuration(); d > 0 {
		*to = d
	}
}

func setInt(to *int, from int32) {
	if from > 0 {
		*to = int(from)
	}
}
