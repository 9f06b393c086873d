package orchestrator

import (
	"context"
	"maps"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// JobRequest is a job as its producer describes it. Zero fields take their defaults.
type JobRequest struct {
	// Type is a dotted name, such as "concelier.ingest.osv".
	Type string
	// Payload is the input: nil for none, []byte as it is, an [ArtifactRef] or [*Artifact] for
	// an artifact, anything else as JSON. Inline at most MaxPayloadBytes of the lease policy.
	Payload any
	// PayloadMediaType is the payload's; follows from the payload if empty.
	PayloadMediaType string
	// IdempotencyKey makes one job per key and tenant; the same key with other content is
	// refused with IDEMPOTENCY_CONFLICT.
	IdempotencyKey string
	// Queue is where the job waits; "default" if empty.
	Queue string
	// Priority is −10 to 10; higher goes first.
	Priority int
	// Project is the project within the tenant.
	Project string
	// Source is the upstream that the job reads from, such as "osv.dev".
	Source string
	// Window is the event time of its source that the job covers when it succeeds; nil for none.
	// It needs a Source, and a series that [Watermarks.PutSeries] declared.
	Window *EventWindow
	// ConcurrencyKey: jobs with the same key share its concurrency limit, whatever their type
	// and queue.
	ConcurrencyKey string
	// Labels are for people and filters, up to 32.
	Labels map[string]string
	// NotBefore: the job starts no earlier than this.
	NotBefore time.Time
	// Retry overrides single fields of the contract's retry policy.
	Retry RetryPolicy
	// AttemptDeadline is how long one attempt may run; the lease policy's if 0.
	AttemptDeadline time.Duration
	// CorrelationID ties jobs together: inside a handler its own job's, else the new job's id.
	CorrelationID string
	// Trace is the W3C trace context; see [WithTraceHook] and inheritance inside handlers.
	Trace TraceContext
}

// JobOption sets a field of a [JobRequest].
type JobOption func(*JobRequest)

// WithIdempotencyKey makes one job per key and tenant.
func WithIdempotencyKey(key string) JobOption {
	return func(r *JobRequest) { r.IdempotencyKey = key }
}

// WithQueue says where the job waits.
func WithQueue(queue string) JobOption {
	return func(r *JobRequest) { r.Queue = queue }
}

// WithPriority is −10 to 10; higher goes first.
func WithPriority(priority int) JobOption {
	return func(r *JobRequest) { r.Priority = priority }
}

// WithProject names the project within the tenant.
func WithProject(project string) JobOption {
	return func(r *JobRequest) { r.Project = project }
}

// WithSource names the upstream that the job reads from.
func WithSource(source string) JobOption {
	return func(r *JobRequest) { r.Source = source }
}

// WithWindow is the event time of its source that the job covers when it succeeds.
func WithWindow(window EventWindow) JobOption {
	return func(r *JobRequest) { r.Window = &window }
}

// WithConcurrencyKey lets the job share the concurrency limit of all jobs with the same key.
func WithConcurrencyKey(key string) JobOption {
	return func(r *JobRequest) { r.ConcurrencyKey = key }
}

// WithLabel adds a label.
func WithLabel(key, value string) JobOption {
	return func(r *JobRequest) {
		if r.Labels == nil {
			r.Labels = make(map[string]string)
		}
		r.Labels[key] = value
	}
}

// WithNotBefore lets the job start no earlier than t.
func WithNotBefore(t time.Time) JobOption {
	return func(r *JobRequest) { r.NotBefore = t }
}

// WithRetryPolicy overrides single fields of the contract's retry policy.
func WithRetryPolicy(policy RetryPolicy) JobOption {
	return func(r *JobRequest) { r.Retry = policy }
}

// WithAttemptDeadline is how long one attempt may run.
func WithAttemptDeadline(d time.Duration) JobOption {
	return func(r *JobRequest) { r.AttemptDeadline = d }
}

// WithCorrelationID ties jobs together.
func WithCorrelationID(id string) JobOption {
	return func(r *JobRequest) { r.CorrelationID = id }
}

// WithTrace sets the W3C trace context.
func WithTrace(trace TraceContext) JobOption {
	return func(r *JobRequest) { r.Trace = trace }
}

// WithPayloadMediaType overrides the media type that follows from the payload.
func WithPayloadMediaType(mediaType string) JobOption {
	return func(r *JobRequest) { r.PayloadMediaType = mediaType }
}

// toSpec encodes a request, with a job id of the SDK's own choosing: a UUIDv7, so that a call
// repeated after a lost answer finds the job of the first try.
func (r *JobRequest) toSpec(
	ctx context.Context, hook func(context.Context) TraceContext,
) (*pb.JobSpec, error) {
	trace := traceOf(ctx, r.Trace, hook)
	spec := &pb.JobSpec{
		JobId:           newID(),
		JobType:         r.Type,
		Queue:           r.Queue,
		Project:         r.Project,
		Source:          r.Source,
		ConcurrencyKey:  r.ConcurrencyKey,
		Priority:        int32(r.Priority),
		IdempotencyKey:  r.IdempotencyKey,
		Labels:          maps.Clone(r.Labels),
		NotBefore:       toTimestamp(r.NotBefore),
		Retry:           toRetryPolicy(r.Retry),
		AttemptDeadline: toDuration(r.AttemptDeadline),
		CorrelationId:   r.CorrelationID,
		Traceparent:     trace.Traceparent,
		Tracestate:      trace.Tracestate,
		Window:          r.Window.toMessage(),
	}
	if spec.CorrelationId == "" {
		spec.CorrelationId = lineageOf(ctx).correlationID
	}
	if err := setPayload(spec, r.Payload); err != nil {
		return nil, err
	}
	if r.PayloadMediaType != "" {
		spec.PayloadMediaType = r.PayloadMediaType
	}
	return spec, checkText(spec)
}

// checkText refuses text that is not UTF-8: it would make a whole batch impossible to encode.
func checkText(spec *pb.JobSpec) error {
	bad := badText(spec.ProtoReflect())
	if bad == "" {
		return nil
	}
	err := newError(CodeInvalidArgument, "", "%s is not UTF-8", bad)
	err.Violations = []FieldViolation{{Field: bad, Description: "is not UTF-8"}}
	return err
}

// badText returns the path of a field whose text is not UTF-8; empty if there is none.
func badText(message protoreflect.Message) (path string) {
	isBad := func(v protoreflect.Value) bool { return !utf8.ValidString(v.String()) }
	message.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := string(f.Name())
		switch {
		case f.IsMap():
			v.Map().Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
				if isBad(key.Value()) || isBad(value) {
					path = name
				}
				return path == ""
			})
		case f.Kind() == protoreflect.MessageKind:
			if inner := badText(v.Message()); inner != "" {
				path = name + "." + inner
			}
		case f.Kind() == protoreflect.StringKind && isBad(v):
			path = name
		}
		return path == ""
	})
	return path
}

func specSize(spec *pb.JobSpec) int { return proto.Size(spec) }

func toRetryPolicy(r RetryPolicy) *pb.RetryPolicy {
	if r == (RetryPolicy{}) {
		return nil
	}
	return &pb.RetryPolicy{
		MaxAttempts:    int32(r.MaxAttempts),
		InitialBackoff: toDuration(r.InitialBackoff),
		Multiplier:     r.Multiplier,
		MaxBackoff:     toDuration(r.MaxBackoff),
		MaxElapsed:     toDuration(r.MaxElapsed),
	}
}

// newID returns a UUIDv7; within a process each is greater than the one before.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// toDuration leaves 0 unset.
func toDuration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// toTimestamp leaves the zero time unset.
func toTimestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// optional leaves nil unset; unlike with toDuration, 0 is a value.
func optional(d *time.Duration) *durationpb.Duration {
	if d == nil {
		return nil
	}
	return durationpb.New(*d)
}
