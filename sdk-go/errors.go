package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
)

// Domain is the ErrorInfo domain of every error that the server or this SDK makes.
const Domain = "orchestrator.stellaops"

// Code is the kind of an [Error]: one of the canonical codes. It is an error itself, so that a
// kind can be asked for by name:
//
//	if errors.Is(err, orchestrator.CodeNotFound) { … }
type Code uint32

// The canonical codes.
const (
	CodeCancelled          = Code(codes.Canceled)
	CodeUnknown            = Code(codes.Unknown)
	CodeInvalidArgument    = Code(codes.InvalidArgument)
	CodeDeadlineExceeded   = Code(codes.DeadlineExceeded)
	CodeNotFound           = Code(codes.NotFound)
	CodeAlreadyExists      = Code(codes.AlreadyExists)
	CodePermissionDenied   = Code(codes.PermissionDenied)
	CodeResourceExhausted  = Code(codes.ResourceExhausted)
	CodeFailedPrecondition = Code(codes.FailedPrecondition)
	CodeAborted            = Code(codes.Aborted)
	CodeOutOfRange         = Code(codes.OutOfRange)
	CodeUnimplemented      = Code(codes.Unimplemented)
	CodeInternal           = Code(codes.Internal)
	CodeUnavailable        = Code(codes.Unavailable)
	CodeDataLoss           = Code(codes.DataLoss)
	CodeUnauthenticated    = Code(codes.Unauthenticated)
)

var codeNames = map[Code]string{
	CodeCancelled:          "cancelled",
	CodeUnknown:            "unknown",
	CodeInvalidArgument:    "invalid_argument",
	CodeDeadlineExceeded:   "deadline_exceeded",
	CodeNotFound:           "not_found",
	CodeAlreadyExists:      "already_exists",
	CodePermissionDenied:   "permission_denied",
	CodeResourceExhausted:  "resource_exhausted",
	CodeFailedPrecondition: "failed_precondition",
	CodeAborted:            "aborted",
	CodeOutOfRange:         "out_of_range",
	CodeUnimplemented:      "unimplemented",
	CodeInternal:           "internal",
	CodeUnavailable:        "unavailable",
	CodeDataLoss:           "data_loss",
	CodeUnauthenticated:    "unauthenticated",
}

// String returns the code's name in lower case, such as "not_found".
func (c Code) String() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return codeNames[CodeUnknown]
}

// Error makes a Code a target for [errors.Is].
func (c Code) Error() string { return c.String() }

// Reasons that this SDK gives itself or goes by. All others are the server's; the contract's
// comments list them per RPC.
const (
	// ReasonQueueFull: too much waits to be enqueued already. Retryable.
	ReasonQueueFull = "QUEUE_FULL"
	// ReasonClientClosed: the [Client] was closed.
	ReasonClientClosed = "CLIENT_CLOSED"
	// ReasonCallAborted: the caller's context was cancelled. Wraps [context.Canceled].
	ReasonCallAborted = "CALL_ABORTED"
	// ReasonCallTimeout: no answer came in time. Wraps [context.DeadlineExceeded].
	ReasonCallTimeout = "CALL_TIMEOUT"
	// ReasonConnectionFailed: the connection broke or could not be made. Retryable.
	ReasonConnectionFailed = "CONNECTION_FAILED"
	// ReasonConnectionSilent: a session's connection was silent for two renew intervals.
	ReasonConnectionSilent = "CONNECTION_SILENT"
	// ReasonDigestMismatch: bytes do not have the digest that they were asked for by.
	ReasonDigestMismatch = "DIGEST_MISMATCH"
	// ReasonSourceChanged: what is uploaded changed meanwhile.
	ReasonSourceChanged = "FILE_CHANGED"
	// ReasonSourceUnreadable: what is to be uploaded cannot be read.
	ReasonSourceUnreadable = "FILE_UNREADABLE"
	// ReasonSessionSuperseded: a newer instance of the same worker id connected.
	ReasonSessionSuperseded = "SESSION_SUPERSEDED"
	// ReasonJobNotInRun: a job outside of a run cannot fan out.
	ReasonJobNotInRun = "JOB_NOT_IN_RUN"
	// ReasonETagMismatch: somebody stored a version since; get it again. Not retryable.
	ReasonETagMismatch = "ETAG_MISMATCH"
	// ReasonURLInvalid: the server's address is not an http or https URL.
	ReasonURLInvalid = "URL_INVALID"
)

// FieldViolation is one field of a request that broke a rule.
type FieldViolation struct {
	// Field is the path, such as "jobs[3].job_type".
	Field string
	// Description says what is wrong.
	Description string
}

// Error is whatever a call can fail with. Decide by Code and Reason, never by Message.
type Error struct {
	// Code is the kind.
	Code Code
	// Reason is machine-readable, such as "IDEMPOTENCY_CONFLICT"; empty if none was sent.
	Reason string
	// Domain says who defines the reason: [Domain] for the server's and this SDK's own.
	Domain string
	// Message is for people.
	Message string
	// Metadata has facts that go with the reason; nil if there are none.
	Metadata map[string]string
	// Violations are the fields that broke a rule, for CodeInvalidArgument.
	Violations []FieldViolation
	// RetryAfter is how long the server asked to wait before trying again; 0 if it did not.
	RetryAfter time.Duration

	cause       error
	isRetryable bool
}

// Error returns the code, the reason and the message on one line.
func (e *Error) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("orchestrator: %s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("orchestrator: %s (%s): %s", e.Code, e.Reason, e.Message)
}

// Is reports whether target is the [Code] of e.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// Unwrap returns the cause, such as [context.Canceled]; nil if the server made the error.
func (e *Error) Unwrap() error { return e.cause }

// IsRetryable reports whether the same call can succeed later: the code is CodeUnavailable,
// CodeAborted without ReasonETagMismatch, or CodeResourceExhausted with a RetryAfter, or the SDK
// itself gave up (ReasonCallTimeout, ReasonQueueFull). The SDK already tried until its deadline.
func (e *Error) IsRetryable() bool { return e.isRetryable }

// IsRetryable reports whether err is an [Error] whose call can succeed later.
func IsRetryable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.isRetryable
}

// HasReason reports whether err is an [Error] with this reason.
func HasReason(err error, reason string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Reason == reason
}

// newError makes an error of the SDK's own.
func newError(code Code, reason, format string, args ...any) *Error {
	return &Error{
		Code:        code,
		Reason:      reason,
		Domain:      Domain,
		Message:     fmt.Sprintf(format, args...),
		isRetryable: code == CodeUnavailable || code == CodeAborted,
	}
}

// because sets the cause.
func (e *Error) because(cause error) *Error {
	e.cause = cause
	return e
}

// with adds a fact.
func (e *Error) with(key, value string) *Error {
	if e.Metadata == nil {
		e.Metadata = make(map[string]string)
	}
	e.Metadata[key] = value
	return e
}

// callEnded is the error of a call whose caller's context is done. last is what the newest try
// failed with, nil if none did: what the server said last tells more than that time is up.
func callEnded(ctx context.Context, last *Error) *Error {
	cause := ctx.Err()
	switch {
	case !errors.Is(cause, context.DeadlineExceeded):
		return newError(CodeCancelled, ReasonCallAborted, "the caller gave the call up").
			because(cause)
	case last == nil:
		return timedOut(cause)
	default:
		e := *last
		return e.because(errors.Join(cause, last.cause))
	}
}

func timedOut(cause error) *Error {
	e := newError(CodeDeadlineExceeded, ReasonCallTimeout, "no answer in time").because(cause)
	e.isRetryable = true
	return e
}
