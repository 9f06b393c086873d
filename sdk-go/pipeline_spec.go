package orchestrator

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Pipeline is a named run with parameters. What [Pipelines.Get] returns can be put again.
type Pipeline struct {
	// Name is unique in the tenant.
	Name string
	// Description is for people.
	Description string
	// Parameters are what it has to be told, up to 64.
	Parameters []PipelineParameter
	// Jobs are its jobs, up to 1,000.
	Jobs []PipelineJob
	// ETag is that of the version that you saw: stores only on top of it, unless empty.
	ETag string
	// Version grows by one with each change. Set by the server.
	Version int
	// CreateTime is when this version was stored. Set by the server.
	CreateTime time.Time
}

// PipelineHead is a version of a pipeline without its jobs, as lists have it.
type PipelineHead struct {
	// Name is unique in the tenant.
	Name string
	// Description is for people.
	Description string
	// Parameters are what it has to be told.
	Parameters []PipelineParameter
	// ETag is that of this version.
	ETag string
	// Version grows by one with each change.
	Version int
	// CreateTime is when this version was stored.
	CreateTime time.Time
}

// PipelineParameter is what a pipeline has to be told.
type PipelineParameter struct {
	// Name is as templates say it: "${name}".
	Name string
	// Kind is what values it takes; ParameterString if 0.
	Kind ParameterKind
	// Description is for people.
	Description string
	// Default is its value where none is given, anything that JSON carries; without one, nil, it
	// must be given. A [json.RawMessage] is taken as it is, and is what the server's answers have.
	Default any
}

// PipelineJob is a job of a pipeline. "${name}" in Project, Source, Labels, CorrelationID and
// ConcurrencyKey stands for a parameter's text. IdempotencyKey, NotBefore and Window must be zero.
type PipelineJob struct {
	// Name is unique in the pipeline.
	Name string
	// JobRequest is the job.
	JobRequest
	// PayloadTemplate is the payload as a JSON value, instead of Payload; nil for none. A string
	// that is "${name}" as a whole stands for the parameter's value, "${name}" within a string for
	// its text, "$${" for "${". A [json.RawMessage] is taken as it is, and is what the server's
	// answers have.
	PayloadTemplate any
	// DependsOn is what must end before it starts.
	DependsOn []Dependency
}

// fromJSON makes a message of the well-known JSON types from anything that JSON carries.
func fromJSON(value any, to proto.Message) error {
	encoded, err := encodeJSON(value)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(encoded, to); err != nil {
		return newError(CodeInvalidArgument, "", "a parameter cannot be a %T: %v", value, err).
			because(err)
	}
	return nil
}

func (p *Pipeline) toMessage() (*pb.Pipeline, error) {
	message := &pb.Pipeline{Name: p.Name, Description: p.Description, Etag: p.ETag}
	for i := range p.Parameters {
		parameter, err := p.Parameters[i].toMessage()
		if err != nil {
			return nil, err
		}
		message.Parameters = append(message.Parameters, parameter)
	}
	for i := range p.Jobs {
		job, err := p.Jobs[i].toMessage()
		if err != nil {
			return nil, err
		}
		message.Jobs = append(message.Jobs, job)
	}
	return message, nil
}

func (p *PipelineParameter) toMessage() (*pb.PipelineParameter, error) {
	message := &pb.PipelineParameter{
		Name: p.Name, Kind: pb.ParameterKind(p.Kind), Description: p.Description,
	}
	if p.Default == nil {
		return message, nil
	}
	message.DefaultValue = &structpb.Value{}
	return message, fromJSON(p.Default, message.DefaultValue)
}

func (j *PipelineJob) toMessage() (*pb.PipelineJob, error) {
	spec, err := j.toTemplateSpec()
	if err != nil {
		return nil, err
	}
	message := &pb.PipelineJob{
		Name: j.Name, Spec: spec, DependsOn: convert(j.DependsOn, Dependency.toMessage),
	}
	if j.PayloadTemplate != nil {
		template, err := encodeJSON(j.PayloadTemplate)
		if err != nil {
			return nil, err
		}
		message.PayloadTemplate = string(template)
	}
	return message, nil
}

func toPipeline(p *pb.Pipeline) (*Pipeline, error) {
	pipeline := &Pipeline{
		Name: p.GetName(), Description: p.GetDescription(),
		Jobs: convert(p.GetJobs(), toPipelineJob), ETag: p.GetEtag(),
		Version: int(p.GetVersion()), CreateTime: toTime(p.GetCreateTime()),
	}
	for _, parameter := range p.GetParameters() {
		converted := PipelineParameter{
			Name: parameter.GetName(), Kind: ParameterKind(parameter.GetKind()),
			Description: parameter.GetDescription(),
		}
		if value := parameter.GetDefaultValue(); value != nil {
			encoded, err := encodeJSON(value.AsInterface())
			if err != nil {
				return nil, err
			}
			converted.Default = json.RawMessage(encoded)
		}
		pipeline.Parameters = append(pipeline.Parameters, converted)
	}
	return pipeline, nil
}

func toPipelineHead(p *pb.Pipeline) (*PipelineHead, error) {
	pipeline, err := toPipeline(p)
	if err != nil {
		return nil, err
	}
	return &PipelineHead{
		Name: pipeline.Name, Description: pipeline.Description, Parameters: pipeline.Parameters,
		ETag: pipeline.ETag, Version: pipeline.Version, CreateTime: pipeline.CreateTime,
	}, nil
}

func toPipelineJob(j *pb.PipelineJob) PipelineJob {
	job := PipelineJob{
		Name: j.GetName(), JobRequest: toJobRequest(j.GetSpec()),
		DependsOn: convert(j.GetDependsOn(), toDependency),
	}
	if template := j.GetPayloadTemplate(); template != "" {
		job.PayloadTemplate = json.RawMessage(template)
	}
	return job
}
