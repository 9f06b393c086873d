package main

import (
	"context"
	"os"
	"strconv"

	orchestrator "stellaops.org/orchestrator/sdk-go"
	pb "stellaops.org/orchestrator/sdk-go/internal/gen/conformancev1"
)

func (p *program) enqueue(ctx context.Context, c *pb.Enqueue, result *pb.CallResult) error {
	request := toRequest(c.GetJob())
	job, err := p.client.Enqueue(ctx, request.Type, request.Payload, sameAs(request))
	if err != nil {
		return err
	}
	result.Value = enqueued(orchestrator.EnqueueResult{EnqueuedJob: job})
	return nil
}

func (p *program) enqueueMany(ctx context.Context, c *pb.EnqueueMany, result *pb.CallResult) {
	var requests []orchestrator.JobRequest
	for _, job := range c.GetJobs() {
		requests = append(requests, toRequest(job))
	}
	for i := range int(c.GetRepeat()) {
		request := toRequest(c.GetRepeatedJob())
		request.Payload = []byte(strconv.Itoa(i))
		requests = append(requests, request)
	}
	result.Value = enqueued(p.client.EnqueueMany(ctx, requests)...)
}

func (p *program) listJobs(ctx context.Context, c *pb.ListJobs, result *pb.CallResult) error {
	filter := orchestrator.JobFilter{
		Types: c.GetJobTypes(), RunID: c.GetRunId(), Labels: c.GetLabels(),
	}
	for _, name := range c.GetStates() {
		filter.States = append(filter.States, named(orchestrator.JobBlocked, name))
	}
	var found []*pb.Job
	for job, err := range p.client.ListJobs(ctx, filter) {
		if err != nil {
			return err
		}
		found = append(found, toJob(job))
		if len(found) == int(c.GetLimit()) {
			break
		}
	}
	result.Value = jobs(found...)
	return nil
}

func (p *program) watchJobs(ctx context.Context, id uint32, c *pb.WatchJobs) error {
	updates := p.client.WatchJobs(ctx, c.GetJobIds()...)
	if c.GetRunId() != "" {
		updates = p.client.WatchRun(ctx, c.GetRunId())
	}
	for job, err := range updates {
		if err != nil {
			return err
		}
		p.out.emit(&pb.Event{Event: &pb.Event_WatchUpdate{
			WatchUpdate: &pb.WatchUpdate{Id: id, Job: toJob(job)},
		}})
	}
	return nil
}

func (p *program) cancelJobs(ctx context.Context, c *pb.CancelJobs, result *pb.CallResult) error {
	options := why(c)
	if ms := c.GetGraceMs(); ms > 0 {
		options = append(options, orchestrator.WithGrace(milliseconds(ms)))
	}
	cancelled, err := p.client.CancelJobs(ctx, c.GetJobIds(), options...)
	outcomes := &pb.Outcomes{}
	for _, job := range cancelled {
		outcomes.Outcomes = append(outcomes.Outcomes, &pb.Outcome{
			JobId: job.JobID, Outcome: job.Outcome.String(), State: stateName(job.State),
		})
	}
	result.Value = &pb.CallResult_Outcomes{Outcomes: outcomes}
	return err
}

func (p *program) retryJobs(ctx context.Context, c *pb.RetryJobs, result *pb.CallResult) error {
	retried, err := p.client.RetryJobs(ctx, c.GetJobIds(), why(c)...)
	outcomes := &pb.Outcomes{}
	for _, job := range retried {
		outcomes.Outcomes = append(outcomes.Outcomes, &pb.Outcome{
			JobId: job.JobID, Outcome: job.Outcome.String(), State: stateName(job.State),
		})
	}
	result.Value = &pb.CallResult_Outcomes{Outcomes: outcomes}
	return err
}

func (p *program) explainJob(ctx context.Context, c *pb.ExplainJob, result *pb.CallResult) error {
	explanation, err := p.client.ExplainJob(ctx, c.GetJobId())
	if err != nil {
		return err
	}
	wire := &pb.Explanation{State: stateName(explanation.State)}
	switch cause := explanation.BlockedBy.(type) {
	case *orchestrator.BlockedByDependency:
		wire.BlockedBy, wire.JobIds = "dependency", cause.JobIDs
	case *orchestrator.BlockedBySchedule:
		wire.BlockedBy = "schedule"
	case *orchestrator.BlockedByWorkers:
		wire.BlockedBy = "workers"
	case *orchestrator.BlockedByPause:
		wire.BlockedBy = "pause"
	case *orchestrator.BlockedByBlackout:
		wire.BlockedBy = "blackout"
	case *orchestrator.BlockedByQuota:
		wire.BlockedBy = "quota"
	case *orchestrator.BlockedByConcurrency:
		wire.BlockedBy = "concurrency"
	case *orchestrator.BlockedByLimiter:
		wire.BlockedBy = "limiter"
	case *orchestrator.BlockedByBreaker:
		wire.BlockedBy = "breaker"
	}
	result.Value = &pb.CallResult_Explanation{Explanation: wire}
	return nil
}

func (p *program) listJobEvents(
	ctx context.Context, c *pb.ListJobEvents, result *pb.CallResult,
) error {
	wire := &pb.JobEvents{}
	for event, err := range p.client.JobEvents(ctx, c.GetJobId()) {
		if err != nil {
			return err
		}
		wire.Kinds = append(wire.Kinds, event.Kind)
	}
	result.Value = &pb.CallResult_JobEvents{JobEvents: wire}
	return nil
}

func (p *program) checkLease(ctx context.Context, c *pb.CheckLease, result *pb.CallResult) error {
	lease := c.GetLease()
	checked, err := p.client.CheckLease(ctx, orchestrator.Lease{
		JobID: lease.GetJobId(), Attempt: int(lease.GetAttempt()),
		Epoch: lease.GetLeaseEpoch(), Token: lease.GetLeaseToken(),
	})
	if err != nil {
		return err
	}
	result.Value = &pb.CallResult_CheckedLease{CheckedLease: &pb.CheckedLease{
		IsCurrent: checked.IsCurrent, NewestLeaseEpoch: checked.NewestEpoch,
	}}
	return nil
}

func (p *program) upload(ctx context.Context, c *pb.UploadArtifact, result *pb.CallResult) error {
	source := orchestrator.FromFile(c.GetPath())
	if c.GetInMemory() {
		content, err := os.ReadFile(c.GetPath())
		if err != nil {
			bug(err)
		}
		source = orchestrator.FromBytes(content)
	}
	artifact, err := p.client.Artifacts().Upload(ctx, source, mediaType(c.GetMediaType())...)
	if err != nil {
		return err
	}
	result.Value = &pb.CallResult_Artifact{Artifact: toArtifact(artifact)}
	return nil
}

func (p *program) download(
	ctx context.Context, c *pb.DownloadArtifact, result *pb.CallResult,
) error {
	var size int64
	if c.GetPath() == "" {
		content, err := p.client.Artifacts().DownloadBytes(ctx, c.GetDigest())
		if err != nil {
			return err
		}
		size = int64(len(content))
	} else {
		err := p.client.Artifacts().DownloadFile(ctx, c.GetDigest(), c.GetPath())
		if err != nil {
			return err
		}
		info, err := os.Stat(c.GetPath())
		if err != nil {
			bug(err)
		}
		size = info.Size()
	}
	result.Value = &pb.CallResult_Artifact{
		Artifact: &pb.Artifact{Digest: c.GetDigest(), SizeBytes: size},
	}
	return nil
}
