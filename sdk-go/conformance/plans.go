package main

import (
	"context"
	"encoding/json"
	"fmt"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/conformancev1"
)

// callPlans makes the calls that are about pipelines, watermarks and backfills.
func (p *program) callPlans(
	ctx context.Context, command *pb.Command, result *pb.CallResult,
) error {
	switch c := command.GetCommand().(type) {
	case *pb.Command_PutPipeline:
		pipeline, err := p.client.Pipelines().Put(ctx, toPipeline(c.PutPipeline.GetPipeline()),
			why(c.PutPipeline)...)
		return pipelineInto(result, pipeline, err)
	case *pb.Command_GetPipeline:
		pipeline, err := p.client.Pipelines().Get(ctx, c.GetPipeline.GetName(),
			int(c.GetPipeline.GetVersion()))
		return pipelineInto(result, pipeline, err)
	case *pb.Command_ListPipelines:
		return p.listPipelines(ctx, c.ListPipelines, result)
	case *pb.Command_RunPipeline:
		return p.runPipeline(ctx, c.RunPipeline, result)
	case *pb.Command_PutWindowSeries:
		series := c.PutWindowSeries
		watermark, err := p.client.Watermarks().PutSeries(ctx, orchestrator.WindowSeries{
			Source: series.GetSource(), Scope: series.GetScope(),
			Width:           milliseconds(series.GetWidthMs()),
			AllowedLateness: milliseconds(series.GetAllowedLatenessMs()),
			Origin:          moment(series.GetOriginMs()),
		}, why(series)...)
		return watermarkInto(result, watermark, err)
	case *pb.Command_GetWatermark:
		watermark, err := p.client.Watermarks().Get(ctx, c.GetWatermark.GetSource(),
			c.GetWatermark.GetScope())
		return watermarkInto(result, watermark, err)
	case *pb.Command_ListGaps:
		return p.listGaps(ctx, c.ListGaps, result)
	case *pb.Command_PreviewBackfill:
		preview, err := p.client.Backfills().Preview(ctx, toSpec(c.PreviewBackfill.GetSpec()))
		if err == nil {
			result.Value = &pb.CallResult_BackfillPreview{BackfillPreview: toPreview(preview)}
		}
		return err
	case *pb.Command_CreateBackfill:
		backfill, err := p.client.Backfills().Create(ctx, toSpec(c.CreateBackfill.GetSpec()),
			c.CreateBackfill.GetReason(), why(c.CreateBackfill)...)
		return backfillInto(result, backfill, err)
	case *pb.Command_GetBackfill:
		backfill, err := p.client.Backfills().Get(ctx, c.GetBackfill.GetBackfillId())
		return backfillInto(result, backfill, err)
	case *pb.Command_ListBackfills:
		return p.listBackfills(ctx, c.ListBackfills, result)
	case *pb.Command_SteerBackfill:
		backfill, err := p.steer(ctx, c.SteerBackfill)
		return backfillInto(result, backfill, err)
	default:
		bug(fmt.Errorf("unknown command %T", c))
		return nil
	}
}

func (p *program) listPipelines(
	ctx context.Context, c *pb.ListPipelines, result *pb.CallResult,
) error {
	wire := &pb.Pipelines{}
	list := p.client.Pipelines().List(ctx)
	if name := c.GetVersionsOf(); name != "" {
		list = p.client.Pipelines().Versions(ctx, name)
	}
	for head, err := range list {
		if err != nil {
			return err
		}
		wire.Pipelines = append(wire.Pipelines, fromPipelineHead(head))
	}
	result.Value = &pb.CallResult_Pipelines{Pipelines: wire}
	return nil
}

func (p *program) runPipeline(
	ctx context.Context, c *pb.RunPipeline, result *pb.CallResult,
) error {
	run := orchestrator.PipelineRun{
		Version: int(c.GetVersion()), DisplayName: c.GetDisplayName(), Project: c.GetProject(),
		CorrelationID: c.GetCorrelationId(),
	}
	if text := c.GetParametersJson(); text != "" {
		if err := json.Unmarshal([]byte(text), &run.Parameters); err != nil {
			bug(err)
		}
	}
	created, err := p.client.Pipelines().Run(ctx, c.GetName(), run)
	if err == nil {
		result.Value = createdRun(created)
	}
	return err
}

func (p *program) listGaps(ctx context.Context, c *pb.ListGaps, result *pb.CallResult) error {
	wire := &pb.Gaps{}
	filter := orchestrator.GapFilter{Source: c.GetSource(), Scope: c.GetScope()}
	for gap, err := range p.client.Watermarks().Gaps(ctx, filter) {
		if err != nil {
			return err
		}
		wire.Gaps = append(wire.Gaps, &pb.Gap{
			StartMs: gap.Start.UnixMilli(), EndMs: gap.End.UnixMilli(), Windows: gap.Windows,
			InProgress: gap.InProgress,
		})
	}
	result.Value = &pb.CallResult_Gaps{Gaps: wire}
	return nil
}

func (p *program) listBackfills(
	ctx context.Context, c *pb.ListBackfills, result *pb.CallResult,
) error {
	wire := &pb.Backfills{}
	for backfill, err := range p.client.Backfills().List(ctx, c.GetSource()) {
		if err != nil {
			return err
		}
		wire.Backfills = append(wire.Backfills, toBackfill(backfill))
	}
	result.Value = &pb.CallResult_Backfills{Backfills: wire}
	return nil
}

func (p *program) steer(ctx context.Context, c *pb.SteerBackfill) (*orchestrator.Backfill, error) {
	backfills := p.client.Backfills()
	switch c.GetHow() {
	case "pause":
		return backfills.Pause(ctx, c.GetBackfillId(), why(c)...)
	case "resume":
		return backfills.Resume(ctx, c.GetBackfillId(), why(c)...)
	case "cancel":
		return backfills.Cancel(ctx, c.GetBackfillId(), why(c)...)
	}
	bug(fmt.Errorf("unknown way to steer a backfill: %q", c.GetHow()))
	return nil, nil
}

func pipelineInto(
	result *pb.CallResult, pipeline *orchestrator.Pipeline, err error,
) error {
	if err == nil {
		result.Value = &pb.CallResult_Pipeline{Pipeline: fromPipeline(pipeline)}
	}
	return err
}

func watermarkInto(
	result *pb.CallResult, watermark *orchestrator.Watermark, err error,
) error {
	if err == nil {
		result.Value = &pb.CallResult_Watermark{Watermark: toWatermark(watermark)}
	}
	return err
}

func backfillInto(
	result *pb.CallResult, backfill *orchestrator.Backfill, err error,
) error {
	if err == nil {
		result.Value = &pb.CallResult_Backfill{Backfill: toBackfill(backfill)}
	}
	return err
}
