// Package orchestrator is the Go SDK of StellaOps Orchestrator: put jobs in with [Client], run
// handlers for them with [Worker].
//
// Jobs are kept in a ledger that never loses, doubles or mixes them up. A worker holds each of
// them under a lease that it renews for as long as the handler runs; a handler whose lease is lost
// is told so through its context, and whatever it still says changes nothing.
//
// # Producers
//
// [Client.Enqueue] puts one job in; concurrent calls share a batch. [Client.EnqueueMany] puts many
// in with a result for each, [Client.CreateRun] a graph of jobs with dependencies. Every call is
// safe to repeat and is repeated, with full jitter, until its context's deadline or [WithTimeout]
// is over.
//
// # Runs and plans
//
// [Client.Runs] appends to live runs, cancels and replays them; [Client.Pipelines] keeps named runs
// with parameters. [Client.Watermarks] tells up to which event time sources are complete, and
// [Client.Backfills] covers what was missed. A handler that finds out what there is to do appends
// to its own run with [ActiveJob.FanOut].
//
// # Workers
//
// [Worker.Run] keeps one stream to the server for ever, starts a handler for each job that it was
// granted, and drains at SIGTERM, at SIGINT, or when its context ends: what runs may finish within
// the drain's grace, the rest is given back to its queue.
//
// # Errors
//
// Every call of a client fails with an [*Error], whose Code is one of the canonical codes, whose
// Reason is machine-readable, and which carries what the server sent along:
//
//	_, err := client.GetJob(ctx, id)
//	switch {
//	case errors.Is(err, orchestrator.CodeNotFound): // by kind
//	case orchestrator.HasReason(err, "IDEMPOTENCY_CONFLICT"): // by reason
//	case orchestrator.IsRetryable(err): // it may work later
//	}
//
// # Clocks and sizes
//
// All defaults come out of the contract: see [ContractLeasePolicy]. A worker goes by the policy
// that its server sends.
package orchestrator
