package orchestrator

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// limits are what the contract's field rules allow, read from the descriptors so that no number
// is typed twice.
var limits = struct {
	enqueueItems, frameItems, heldLeases, poolJobTypes, boundArtifacts int
	failureMessageBytes, progressMessageBytes, drainReasonBytes        int
	artifactNameBytes, resourceKeyBytes, hostBytes                     int
}{
	enqueueItems:         maxItems(&pb.EnqueueJobsRequest{}, "jobs"),
	frameItems:           maxItems(&pb.Accept{}, "leases"),
	heldLeases:           maxItems(&pb.Heartbeat{}, "leases"),
	poolJobTypes:         maxItems(&pb.Pool{}, "job_types"),
	boundArtifacts:       maxItems(&pb.Completion{}, "artifacts"),
	failureMessageBytes:  maxBytes(&pb.Failure{}, "message"),
	progressMessageBytes: maxBytes(&pb.Progress{}, "message"),
	drainReasonBytes:     maxBytes(&pb.Drain{}, "reason"),
	artifactNameBytes:    maxBytes(&pb.ArtifactBinding{}, "name"),
	resourceKeyBytes:     maxBytes(&pb.Throttle{}, "resource_key"),
	hostBytes:            maxBytes(&pb.Hello{}, "host"),
}

// maxEnqueueBytes bounds a batch of jobs: an eighth of the largest message is left for framing,
// so that an estimate never has to be exact.
var maxEnqueueBytes = contractPolicy.MaxMessageBytes / 8 * 7

// maxRetryAfter is the longest retry_after that a failure may carry.
var maxRetryAfter = rulesOf(&pb.Failure{}, "retry_after").GetDuration().GetLte().AsDuration()

func rulesOf(message proto.Message, field protoreflect.Name) *validate.FieldRules {
	descriptor := message.ProtoReflect().Descriptor().Fields().ByName(field)
	return proto.GetExtension(descriptor.Options(), validate.E_Field).(*validate.FieldRules)
}

func maxItems(message proto.Message, field protoreflect.Name) int {
	return must(message, field, rulesOf(message, field).GetRepeated().GetMaxItems())
}

func maxBytes(message proto.Message, field protoreflect.Name) int {
	return must(message, field, rulesOf(message, field).GetString().GetMaxBytes())
}

func must(message proto.Message, field protoreflect.Name, limit uint64) int {
	if limit == 0 {
		panic(fmt.Sprintf("orchestrator: %T.%s has lost its limit", message, field))
	}
	return int(limit)
}

// truncate cuts text to at most size bytes of valid UTF-8, so that a long message never breaks a
// field rule.
func truncate(text string, size int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= size {
		return text
	}
	const ellipsis = "…"
	end := max(0, size-len(ellipsis))
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
