package orchestrator

import (
	"context"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// toTemplateSpec encodes a job that is made later, and maybe often: it has no id, and inherits
// nothing from the handler that happens to store it.
func (r *JobRequest) toTemplateSpec() (*pb.JobSpec, error) {
	spec, err := r.toSpec(context.Background(), nil)
	if err != nil {
		return nil, err
	}
	spec.JobId = ""
	return spec, nil
}

// toJobRequest tells of a spec that the server keeps, in the words of a request: it can be sent
// again.
func toJobRequest(spec *pb.JobSpec) JobRequest {
	request := JobRequest{
		Type: spec.GetJobType(), PayloadMediaType: spec.GetPayloadMediaType(),
		IdempotencyKey: spec.GetIdempotencyKey(), Queue: spec.GetQueue(),
		Priority: int(spec.GetPriority()), Project: spec.GetProject(), Source: spec.GetSource(),
		Window: toWindow(spec.GetWindow()), ConcurrencyKey: spec.GetConcurrencyKey(),
		Labels: spec.GetLabels(), NotBefore: toTime(spec.GetNotBefore()),
		AttemptDeadline: spec.GetAttemptDeadline().AsDuration(),
		CorrelationID:   spec.GetCorrelationId(), Trace: toTrace(spec),
		Retry: RetryPolicy{
			MaxAttempts:    int(spec.GetRetry().GetMaxAttempts()),
			InitialBackoff: spec.GetRetry().GetInitialBackoff().AsDuration(),
			Multiplier:     spec.GetRetry().GetMultiplier(),
			MaxBackoff:     spec.GetRetry().GetMaxBackoff().AsDuration(),
			MaxElapsed:     spec.GetRetry().GetMaxElapsed().AsDuration(),
		},
	}
	switch {
	case spec.GetPayloadArtifact() != "":
		request.Payload = ArtifactRef{Digest: spec.GetPayloadArtifact()}
	case len(spec.GetPayload()) > 0:
		request.Payload = spec.GetPayload()
	}
	return request
}
