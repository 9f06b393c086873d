package main

import (
	"encoding/json"
	"time"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/conformancev1"
)

func toPipeline(wire *pb.Pipeline) orchestrator.Pipeline {
	pipeline := orchestrator.Pipeline{
		Name: wire.GetName(), Description: wire.GetDescription(), ETag: wire.GetEtag(),
	}
	for _, parameter := range wire.GetParameters() {
		converted := orchestrator.PipelineParameter{
			Name: parameter.GetName(), Description: parameter.GetDescription(),
			Default: fromText(parameter.GetDefaultJson()),
		}
		if kind := parameter.GetKind(); kind != "" {
			converted.Kind = named(orchestrator.ParameterString, kind)
		}
		pipeline.Parameters = append(pipeline.Parameters, converted)
	}
	for _, job := range wire.GetJobs() {
		pipeline.Jobs = append(pipeline.Jobs, orchestrator.PipelineJob{
			Name: job.GetName(), JobRequest: toRequest(job.GetJob()),
			PayloadTemplate: fromText(job.GetPayloadTemplateJson()),
			DependsOn:       toDependencies(job.GetDependsOn()),
		})
	}
	return pipeline
}

// fromText is JSON as the SDK takes it; nil for no text.
func fromText(text string) any {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// toText is JSON as the SDK hands it out; empty for nil.
func toText(value any) string {
	if value == nil {
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil {
		bug(err)
	}
	return string(text)
}

func fromPipeline(pipeline *orchestrator.Pipeline) *pb.Pipeline {
	wire := &pb.Pipeline{
		Name: pipeline.Name, Description: pipeline.Description, Etag: pipeline.ETag,
		Version: int32(pipeline.Version), Parameters: fromParameters(pipeline.Parameters),
	}
	for i := range pipeline.Jobs {
		job := &pipeline.Jobs[i]
		wire.Jobs = append(wire.Jobs, &pb.PipelineJob{
			Name: job.Name, Job: fromRequest(&job.JobRequest),
			PayloadTemplateJson: toText(job.PayloadTemplate),
			DependsOn:           fromDependencies(job.DependsOn),
		})
	}
	return wire
}

func fromPipelineHead(head *orchestrator.PipelineHead) *pb.Pipeline {
	return &pb.Pipeline{
		Name: head.Name, Description: head.Description, Etag: head.ETag,
		Version: int32(head.Version), Parameters: fromParameters(head.Parameters),
	}
}

func fromParameters(parameters []orchestrator.PipelineParameter) (wire []*pb.PipelineParameter) {
	for _, parameter := range parameters {
		wire = append(wire, &pb.PipelineParameter{
			Name: parameter.Name, Kind: parameter.Kind.String(),
			Description: parameter.Description, DefaultJson: toText(parameter.Default),
		})
	}
	return wire
}

func fromRequest(request *orchestrator.JobRequest) *pb.JobRequest {
	wire := &pb.JobRequest{
		JobType: request.Type, Queue: request.Queue, Project: request.Project,
		Source: request.Source, Priority: int32(request.Priority), Labels: request.Labels,
		CorrelationId: request.CorrelationID, ConcurrencyKey: request.ConcurrencyKey,
	}
	switch payload := request.Payload.(type) {
	case []byte:
		wire.Payload = payload
	case orchestrator.ArtifactRef:
		wire.PayloadArtifact = payload.Digest
	}
	return wire
}

func fromDependencies(dependencies []orchestrator.Dependency) []*pb.Dependency {
	var wire []*pb.Dependency
	for _, dependency := range dependencies {
		d := &pb.Dependency{Name: dependency.Name, IncludeFanOut: dependency.IncludeFanOut}
		if dependency.OnFailure != 0 {
			d.OnFailure = dependency.OnFailure.String()
		}
		if dependency.When != 0 {
			d.When = dependency.When.String()
		}
		wire = append(wire, d)
	}
	return wire
}

func toWatermark(w *orchestrator.Watermark) *pb.Watermark {
	wire := &pb.Watermark{
		Source: w.Series.Source, Scope: w.Series.Scope, WidthMs: w.Series.Width.Milliseconds(),
		AllowedLatenessMs: w.Series.AllowedLateness.Milliseconds(),
		OriginMs:          w.Series.Origin.UnixMilli(), WatermarkMs: w.Watermark.UnixMilli(),
		DueMs: w.Due.UnixMilli(), LagMs: w.Lag.Milliseconds(), MissingWindows: w.MissingWindows,
		Gaps: w.Gaps,
	}
	if !w.CoveredUntil.IsZero() {
		wire.CoveredUntilMs = new(w.CoveredUntil.UnixMilli())
	}
	return wire
}

func toSpec(spec *pb.BackfillSpec) orchestrator.BackfillSpec {
	return orchestrator.BackfillSpec{
		Source: spec.GetSource(), Scope: spec.GetScope(), Start: moment(spec.GetStartMs()),
		End: moment(spec.GetEndMs()), Job: toRequest(spec.GetJob()),
		MaxParallel: int(spec.GetMaxParallel()), RepeatCovered: spec.GetRepeatCovered(),
	}
}

func toPreview(preview *orchestrator.BackfillPreview) *pb.BackfillPreview {
	wire := &pb.BackfillPreview{
		Windows: preview.Windows, Covered: preview.Covered, InProgress: preview.InProgress,
		NotDue: preview.NotDue, Jobs: preview.Jobs, StartMs: preview.Start.UnixMilli(),
		EndMs: preview.End.UnixMilli(), MeanJobMs: known(preview.MeanJob),
		EstimatedMs: known(preview.Estimated),
	}
	for i := range preview.Sample {
		wire.Sample = append(wire.Sample, toWindow(&preview.Sample[i]))
	}
	return wire
}

// known leaves 0 out.
func known(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return new(d.Milliseconds())
}

func toBackfill(b *orchestrator.Backfill) *pb.Backfill {
	return &pb.Backfill{
		BackfillId: b.ID, State: b.State.String(), Reason: b.Reason, Ticket: b.Ticket,
		Windows: b.Windows, Covered: b.Covered, Shared: b.Shared, InProgress: b.InProgress,
		Failed: b.Failed, StartMs: b.Spec.Start.UnixMilli(), EndMs: b.Spec.End.UnixMilli(),
	}
}
