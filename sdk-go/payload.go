package orchestrator

import (
	"encoding/json"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

const (
	mediaTypeBytes = "application/octet-stream"
	mediaTypeJSON  = "application/json"
)

// ArtifactRef names an artifact. As a payload it makes the artifact the job's input, for inputs
// beyond the inline limit.
type ArtifactRef struct {
	// Digest is "sha256:" and 64 lower-case hexadecimal digits.
	Digest string
}

// setPayload encodes a job's input into spec.
func setPayload(spec *pb.JobSpec, payload any) error {
	switch payload := payload.(type) {
	case nil:
		return nil
	case []byte:
		spec.Payload, spec.PayloadMediaType = payload, mediaTypeBytes
	case ArtifactRef:
		spec.PayloadArtifact = payload.Digest
	case *Artifact:
		spec.PayloadArtifact, spec.PayloadMediaType = payload.Digest, payload.MediaType
	default:
		encoded, err := encodeJSON(payload)
		if err != nil {
			return err
		}
		spec.Payload, spec.PayloadMediaType = encoded, mediaTypeJSON
	}
	return nil
}

// encodeResult encodes what a handler returned: nil for nothing, bytes as they are, the rest as
// JSON.
func encodeResult(result any) ([]byte, error) {
	switch result := result.(type) {
	case nil:
		return nil, nil
	case []byte:
		return result, nil
	default:
		return encodeJSON(result)
	}
}

func encodeJSON(value any) ([]byte, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, newError(CodeInvalidArgument, "", "JSON cannot carry a %T: %v", value, err).
			because(err)
	}
	return encoded, nil
}
