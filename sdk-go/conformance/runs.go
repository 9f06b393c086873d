package main

import (
	"context"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/conformancev1"
)

// callRuns makes the calls that are about runs.
func (p *program) callRuns(
	ctx context.Context, command *pb.Command, result *pb.CallResult,
) (err error) {
	switch c := command.GetCommand().(type) {
	case *pb.Command_CreateRun:
		err = p.createRun(ctx, c.CreateRun, result)
	case *pb.Command_GetRun:
		var run *orchestrator.Run
		if run, err = p.client.GetRun(ctx, c.GetRun.GetRunId()); err == nil {
			result.Value = &pb.CallResult_Run{Run: toRun(run)}
		}
	case *pb.Command_AppendJobs:
		err = p.appendJobs(ctx, c.AppendJobs, result)
	case *pb.Command_CloseRun:
		var run *orchestrator.Run
		if run, err = p.client.Runs().Close(ctx, c.CloseRun.GetRunId()); err == nil {
			result.Value = &pb.CallResult_Run{Run: toRun(run)}
		}
	case *pb.Command_ListRuns:
		err = p.listRuns(ctx, c.ListRuns, result)
	case *pb.Command_CancelRun:
		err = p.cancelRun(ctx, c.CancelRun, result)
	case *pb.Command_ReplayRun:
		err = p.replayRun(ctx, c.ReplayRun, result)
	default:
		return p.callPlans(ctx, command, result)
	}
	return err
}

func (p *program) createRun(ctx context.Context, c *pb.CreateRun, result *pb.CallResult) error {
	run, err := p.client.CreateRun(ctx, orchestrator.RunRequest{
		DisplayName: c.GetDisplayName(), Project: c.GetProject(),
		CorrelationID: c.GetCorrelationId(), Jobs: toRunJobs(c.GetJobs()),
		KeepOpen: c.GetKeepOpen(),
	})
	if err == nil {
		result.Value = createdRun(run)
	}
	return err
}

func (p *program) appendJobs(ctx context.Context, c *pb.AppendJobs, result *pb.CallResult) error {
	var options []orchestrator.AppendOption
	if c.GetClose() {
		options = append(options, orchestrator.WithClose())
	}
	appended, err := p.client.Runs().Append(ctx, c.GetRunId(), toRunJobs(c.GetJobs()), options...)
	if err == nil {
		result.Value = &pb.CallResult_Appended{Appended: toAppended(appended)}
	}
	return err
}

func (p *program) listRuns(ctx context.Context, c *pb.ListRuns, result *pb.CallResult) error {
	wire := &pb.Runs{}
	filter := orchestrator.RunFilter{
		Project: c.GetProject(), Pipeline: c.GetPipeline(), ReplayOf: c.GetReplayOf(),
	}
	for run, err := range p.client.Runs().List(ctx, filter) {
		if err != nil {
			return err
		}
		wire.Runs = append(wire.Runs, toRun(run))
	}
	result.Value = &pb.CallResult_Runs{Runs: wire}
	return nil
}

func (p *program) cancelRun(ctx context.Context, c *pb.CancelRun, result *pb.CallResult) error {
	options := why(c)
	if ms := c.GetGraceMs(); ms > 0 {
		options = append(options, orchestrator.WithGrace(milliseconds(ms)))
	}
	o, err := p.client.Runs().Cancel(ctx, c.GetRunId(), options...)
	if err != nil {
		return err
	}
	result.Value = &pb.CallResult_Operation{Operation: &pb.Operation{
		OperationId: o.ID, Kind: o.Kind.String(), State: o.State.String(), Reason: o.Reason,
		Ticket: o.Ticket, RunId: o.RunID, Matching: o.Matching, Applied: o.Applied,
		Unchanged: o.Unchanged, Refused: o.Refused,
	}}
	return nil
}

func (p *program) replayRun(ctx context.Context, c *pb.ReplayRun, result *pb.CallResult) error {
	replay, err := p.client.Runs().Replay(ctx, c.GetRunId(), orchestrator.ReplayRequest{
		JobNames: c.GetJobNames(), IncludeDownstream: c.GetIncludeDownstream(),
		RerunUpstream: c.GetRerunUpstream(), DryRun: c.GetDryRun(),
	}, why(c)...)
	if err != nil {
		return err
	}
	wire := &pb.Replay{
		RunId: replay.RunID, RunningCount: int32(replay.RunningCount),
		ReusedCount: int32(replay.ReusedCount),
	}
	for _, job := range replay.Jobs {
		wire.Jobs = append(wire.Jobs, &pb.ReplayedJob{
			Name: job.Name, JobId: job.JobID, Cause: job.Cause.String(), State: job.State.String(),
		})
	}
	result.Value = &pb.CallResult_Replay{Replay: wire}
	return nil
}

// why are the options of a command that says why; what is not said is left out.
func why(command interface {
	GetReason() string
	GetTicket() string
}) (options []orchestrator.OperationOption) {
	if reason := command.GetReason(); reason != "" {
		options = append(options, orchestrator.WithReason(reason))
	}
	if ticket := command.GetTicket(); ticket != "" {
		options = append(options, orchestrator.WithTicket(ticket))
	}
	return options
}

func toRunJobs(list []*pb.RunJob) []orchestrator.RunJob {
	var runJobs []orchestrator.RunJob
	for _, job := range list {
		runJobs = append(runJobs, orchestrator.RunJob{
			Name: job.GetName(), JobRequest: toRequest(job.GetJob()),
			DependsOn: toDependencies(job.GetDependsOn()),
		})
	}
	return runJobs
}

func toDependencies(list []*pb.Dependency) []orchestrator.Dependency {
	var dependencies []orchestrator.Dependency
	for _, d := range list {
		dependency := orchestrator.After(d.GetName())[0]
		if d.GetOnFailure() != "" {
			dependency.OnFailure = named(orchestrator.OnFailureCancel, d.GetOnFailure())
		}
		if d.GetWhen() != "" {
			dependency.When = named(orchestrator.WhenSuccess, d.GetWhen())
		}
		dependency.IncludeFanOut = d.GetIncludeFanOut()
		dependencies = append(dependencies, dependency)
	}
	return dependencies
}

func createdRun(run *orchestrator.CreatedRun) *pb.CallResult_CreatedRun {
	return &pb.CallResult_CreatedRun{CreatedRun: &pb.CreatedRun{
		RunId: run.ID, JobIds: run.JobIDs, AlreadyExisted: run.AlreadyExisted,
	}}
}

func toAppended(appended *orchestrator.AppendedJobs) *pb.Appended {
	return &pb.Appended{JobIds: appended.JobIDs, Existing: int32(appended.Existing)}
}

func toRun(run *orchestrator.Run) *pb.Run {
	wire := &pb.Run{
		RunId: run.ID, Edges: int32(len(run.Edges)), Open: run.IsOpen,
		CancelRequested: run.IsCancelRequested, ReplayOf: run.ReplayOf, Pipeline: run.Pipeline,
		PipelineVersion: int32(run.PipelineVersion), Skipped: int32(run.Skipped),
		Building: run.IsBuilding,
	}
	if run.State != 0 {
		wire.State = run.State.String()
	}
	for _, job := range run.Jobs {
		wire.Jobs = append(wire.Jobs, toJob(job))
	}
	return wire
}
