package orchestrator

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Statuses that grpc-go makes itself when a stream breaks before the server's answer. It codes
// them INTERNAL or CANCELLED; here every call is safe to repeat, so they are one more broken
// connection. The server's own errors carry details and never come this far.
var brokenStreams = []string{
	"stream terminated by RST_STREAM",
	"server closed the stream without sending trailers",
	"unexpected EOF",
}

// toError turns whatever a call failed with into an [Error] with the details that came along.
func toError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	s, ok := status.FromError(err)
	if !ok {
		s = status.FromContextError(err)
	}
	e := fromStatus(s)
	if len(s.Proto().GetDetails()) > 0 {
		return e
	}
	if e.Code == CodeDeadlineExceeded {
		// Either side's timer may be the first to fire: both mean the same.
		return timedOut(errors.Join(context.DeadlineExceeded, err))
	}
	if isBroken(s) {
		return newError(CodeUnavailable, ReasonConnectionFailed, "%s", s.Message()).because(err)
	}
	return e.because(err)
}

func isBroken(s *status.Status) bool {
	if s.Code() == codes.Unavailable {
		return true
	}
	for _, text := range brokenStreams {
		if strings.Contains(s.Message(), text) {
			return true
		}
	}
	return false
}

// fromItem turns the error of one item of a batch into an [Error].
func fromItem(item *rpcstatus.Status) *Error {
	if item == nil {
		return newError(CodeUnknown, "", "rejected without a reason")
	}
	return fromStatus(status.FromProto(item))
}

func fromStatus(s *status.Status) *Error {
	e := &Error{Code: Code(s.Code()), Message: s.Message()}
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			e.Reason, e.Domain = detail.GetReason(), detail.GetDomain()
			e.Metadata = detail.GetMetadata()
		case *errdetails.RetryInfo:
			e.RetryAfter = max(0, detail.GetRetryDelay().AsDuration())
			e.isRetryable = e.Code == CodeResourceExhausted
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				e.Violations = append(e.Violations, FieldViolation{
					Field:       violation.GetField(),
					Description: violation.GetDescription(),
				})
			}
		}
	}
	switch {
	case e.Code == CodeUnavailable:
		e.isRetryable = true
	case e.Code == CodeAborted:
		// After somebody else's write the same call would be refused for ever.
		e.isRetryable = e.Reason != ReasonETagMismatch
	}
	return e
}
