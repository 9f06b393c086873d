package orchestrator

import (
	"context"
	"iter"

	"google.golang.org/protobuf/types/known/structpb"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Pipelines keeps named runs in the ledger: see [Client.Pipelines].
type Pipelines struct{ client *Client }

// Put stores a pipeline: its first version, or a new one if its content differs from the newest.
// It returns the pipeline with its version. Errors: CodeInvalidArgument with every fault of its
// graph, parameters and templates as a violation; ETAG_MISMATCH (somebody stored a version since:
// get it again).
func (p *Pipelines) Put(
	ctx context.Context, pipeline Pipeline, options ...OperationOption,
) (*Pipeline, error) {
	message, err := pipeline.toMessage()
	if err != nil {
		return nil, err
	}
	o := operationOf(options)
	request := &pb.PutPipelineRequest{Pipeline: message, Reason: o.reason, Ticket: o.ticket}
	response, err := call(ctx, p.client,
		func(ctx context.Context) (*pb.PutPipelineResponse, error) {
			return p.client.conn.pipelines().PutPipeline(ctx, request)
		})
	if err != nil {
		return nil, err
	}
	return toPipeline(response.GetPipeline())
}

// Get returns a version of a pipeline, the newest for 0. Errors: PIPELINE_NOT_FOUND.
func (p *Pipelines) Get(ctx context.Context, name string, version int) (*Pipeline, error) {
	request := &pb.GetPipelineRequest{Name: name, Version: int32(version)}
	response, err := call(ctx, p.client,
		func(ctx context.Context) (*pb.GetPipelineResponse, error) {
			return p.client.conn.pipelines().GetPipeline(ctx, request)
		})
	if err != nil {
		return nil, err
	}
	return toPipeline(response.GetPipeline())
}

// List yields the newest versions of all pipelines by name, fetching pages as they are wanted. The
// sequence ends after an error.
func (p *Pipelines) List(ctx context.Context) iter.Seq2[*PipelineHead, error] {
	return p.heads(ctx, "")
}

// Versions yields the versions of a pipeline, newest first, like [Pipelines.List]; none of one that
// does not exist. Errors: CodeInvalidArgument for an empty name.
func (p *Pipelines) Versions(ctx context.Context, name string) iter.Seq2[*PipelineHead, error] {
	if name == "" {
		return pages(func(string) ([]*PipelineHead, string, error) {
			return nil, "", newError(CodeInvalidArgument, "", "versions need a pipeline's name")
		})
	}
	return p.heads(ctx, name)
}

// heads yields the versions of a pipeline, or the newest of all for an empty name.
func (p *Pipelines) heads(ctx context.Context, name string) iter.Seq2[*PipelineHead, error] {
	return pages(func(token string) ([]*PipelineHead, string, error) {
		page, err := call(ctx, p.client,
			func(ctx context.Context) (*pb.ListPipelinesResponse, error) {
				return p.client.conn.pipelines().ListPipelines(ctx,
					&pb.ListPipelinesRequest{Name: name, PageToken: token})
			})
		if err != nil {
			return nil, "", err
		}
		heads := make([]*PipelineHead, len(page.GetPipelines()))
		for i, pipeline := range page.GetPipelines() {
			if heads[i], err = toPipelineHead(pipeline); err != nil {
				return nil, "", err
			}
		}
		return heads, page.GetNextPageToken(), nil
	})
}

// PipelineRun says how a pipeline is run. Zero fields take their defaults.
type PipelineRun struct {
	// Parameters are the values by name: anything that JSON carries.
	Parameters map[string]any
	// Version is the pipeline's; the newest if 0.
	Version int
	// DisplayName is for people; the pipeline's name if empty.
	DisplayName string
	// Project is the project within the tenant; jobs without one inherit it.
	Project string
	// CorrelationID is inherited by jobs without one: inside a handler its own job's, else the
	// run's id, if empty.
	CorrelationID string
}

// Run makes a run from a pipeline. Errors: PIPELINE_NOT_FOUND; PARAMETER_INVALID, with a violation
// per parameter that is missing, unknown or of the wrong kind; those of [Client.CreateRun].
func (p *Pipelines) Run(ctx context.Context, name string, run PipelineRun) (*CreatedRun, error) {
	request := &pb.RunPipelineRequest{
		Name: name, Version: int32(run.Version), RunId: newID(), DisplayName: run.DisplayName,
		Project: run.Project, CorrelationId: correlationFor(ctx, run.CorrelationID),
	}
	if len(run.Parameters) > 0 {
		request.Parameters = &structpb.Struct{}
		if err := fromJSON(run.Parameters, request.Parameters); err != nil {
			return nil, err
		}
	}
	response, err := call(ctx, p.client,
		func(ctx context.Context) (*pb.RunPipelineResponse, error) {
			return p.client.conn.pipelines().RunPipeline(ctx, request)
		})
	if err != nil {
		return nil, err
	}
	created := &CreatedRun{
		ID:             response.GetRun().GetRunId(),
		JobIDs:         idsByName(response.GetJobNames(), response.GetJobIds()),
		AlreadyExisted: response.GetAlreadyExisted(),
	}
	if created.ID == "" {
		created.ID = request.GetRunId()
	}
	return created, nil
}
