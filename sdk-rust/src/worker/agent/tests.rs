use std::collections::HashMap;

use super::*;
use crate::proto::v1::worker_frame::Frame as Sent;
use crate::worker::failure::HandlerError;

const MAX: usize = 4 << 20;

/// An agent whose handler waits to be stopped, and fails then.
fn agent() -> Agent {
    let wait = |job: crate::JobContext| async move {
        Err::<(), _>(HandlerError::from(job.stopped().await))
    };
    let handlers = HashMap::from([("t".to_owned(), AnyHandler::new(wait))]);
    Agent::new(handlers, Orchestrator::new().expect("a client"))
}

fn offers(epoch: i64) -> Frame {
    offers_with(epoch, false)
}

fn offers_with(epoch: i64, active: bool) -> Frame {
    let lease = v1::LeaseRef { job_id: "j".into(), lease_epoch: epoch, ..Default::default() };
    let spec = v1::JobSpec { job_type: "t".into(), ..Default::default() };
    let offer = v1::Offer { lease: Some(lease), spec: Some(spec), ..Default::default() };
    Frame::Offers(v1::Offers { offers: vec![offer], active })
}

fn result(kind: v1::WriteKind, verdict: v1::WriteVerdict) -> Frame {
    let result = v1::WriteResult {
        kind: kind.into(),
        job_id: "j".into(),
        lease_epoch: 1,
        verdict: verdict.into(),
        ..Default::default()
    };
    Frame::Results(v1::Results { results: vec![result] })
}

fn verdicts(verdict: v1::LeaseVerdict) -> Frame {
    verdicts_with(verdict, None)
}

fn verdicts_with(verdict: v1::LeaseVerdict, left: Option<Duration>) -> Frame {
    let verdict = v1::Verdict {
        job_id: "j".into(),
        lease_epoch: 1,
        verdict: verdict.into(),
        attempt_time_left: left.map(crate::contract::to_duration),
    };
    Frame::Verdicts(v1::Verdicts { verdicts: vec![verdict] })
}

fn take_all(agent: &mut Agent) -> Vec<Sent> {
    std::iter::from_fn(|| agent.outbox.take(Instant::now(), MAX)).collect()
}

fn started() -> Agent {
    let mut agent = agent();
    agent.take(offers(1));
    assert!(matches!(take_all(&mut agent)[..], [Sent::Accept(_)]));
    agent.take(result(v1::WriteKind::Accept, v1::WriteVerdict::Applied));
    assert_eq!(agent.leases.count(&[State::Running]), 1);
    agent
}

async fn end(agent: &mut Agent) {
    let ended = agent.running.join_next_with_id().await.expect("a handler");
    agent.on_ended(ended);
}

#[tokio::test]
async fn nothing_starts_before_the_accept_is_applied() {
    let mut agent = agent();
    agent.take(offers(1));
    assert!(agent.running.is_empty());
    agent.take(result(v1::WriteKind::Accept, v1::WriteVerdict::StaleLease));
    assert!(agent.running.is_empty() && agent.is_idle());
}

#[tokio::test]
async fn a_duplicate_offer_of_a_running_lease_changes_nothing() {
    let mut agent = started();
    agent.take(offers(1));
    assert!(take_all(&mut agent).is_empty());
    assert_eq!(agent.running.len(), 1);
}

#[tokio::test]
async fn an_active_lease_starts_at_once_and_is_held_from_the_start() {
    let mut agent = agent();
    agent.take(offers_with(1, true));
    assert_eq!((agent.running.len(), agent.held().len(), agent.renewable().len()), (1, 1, 1));
    agent.take(offers_with(1, true));
    assert_eq!(agent.running.len(), 1);
    assert!(take_all(&mut agent).is_empty(), "no accept");
    agent.take(verdicts(v1::LeaseVerdict::Cancelled));
    end(&mut agent).await;
    assert!(matches!(take_all(&mut agent)[..], [Sent::Fail(_)]));
}

#[tokio::test]
async fn a_drain_gives_back_an_active_lease_that_was_not_begun() {
    let mut agent = agent();
    agent.stop_accepting();
    agent.take(offers_with(1, true));
    assert!(agent.running.is_empty());
    let sent = take_all(&mut agent);
    let [Sent::Release(request)] = &sent[..] else { panic!("sent {sent:?}") };
    assert_eq!(request.releases[0].reason(), v1::ReleaseReason::Unstarted);
}

#[tokio::test]
async fn a_lost_lease_stops_its_handler_and_reports_nothing() {
    let mut agent = started();
    agent.take(verdicts(v1::LeaseVerdict::Superseded));
    assert!(agent.held().is_empty());
    end(&mut agent).await;
    assert!(take_all(&mut agent).is_empty() && agent.is_idle());
}

#[tokio::test]
async fn a_newer_epoch_takes_the_place_of_an_older() {
    let mut agent = started();
    agent.take(offers(2));
    assert_eq!(agent.leases.count(&[State::Lingering]), 1);
    assert!(matches!(take_all(&mut agent)[..], [Sent::Accept(_)]));
}

#[tokio::test]
async fn a_cancelled_handler_fails_with_its_class() {
    let mut agent = started();
    agent.take(verdicts(v1::LeaseVerdict::Cancelled));
    end(&mut agent).await;
    let sent = take_all(&mut agent);
    let [Sent::Fail(request)] = &sent[..] else { panic!("sent {sent:?}") };
    let failure = request.failures[0].failure.as_ref().expect("a failure");
    assert_eq!(failure.failure_class(), v1::FailureClass::Cancelled);
    assert!(!agent.renewable().is_empty(), "it is held until it is answered");
}

#[tokio::test]
async fn a_drain_gives_back_what_was_not_begun() {
    let mut agent = agent();
    agent.take(offers(1));
    agent.stop_accepting();
    agent.take(result(v1::WriteKind::Accept, v1::WriteVerdict::Applied));
    let sent = take_all(&mut agent);
    let Some(Sent::Release(request)) = sent.last() else { panic!("sent {sent:?}") };
    assert_eq!(request.releases[0].reason(), v1::ReleaseReason::Unstarted);
    agent.take(result(v1::WriteKind::Release, v1::WriteVerdict::Applied));
    assert!(agent.is_idle());
}

#[tokio::test]
async fn an_accept_that_is_applied_after_the_lease_was_lost_is_given_back() {
    let mut agent = agent();
    agent.take(offers(1));
    agent.take(verdicts(v1::LeaseVerdict::Superseded));
    agent.take(result(v1::WriteKind::Accept, v1::WriteVerdict::Applied));
    assert!(matches!(take_all(&mut agent)[..], [Sent::Release(_)]));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_stops_and_then_gives_up() {
    let stubborn = |_: crate::JobContext| std::future::pending::<Result<(), HandlerError>>();
    let handlers = HashMap::from([("t".to_owned(), AnyHandler::new(stubborn))]);
    let mut agent = Agent::new(handlers, Orchestrator::new().expect("a client"));
    agent.take(offers(1));
    agent.take(result(v1::WriteKind::Accept, v1::WriteVerdict::Applied));
    tokio::time::advance(agent.clocks.attempt_deadline).await;
    agent.look(Instant::now());
    assert_eq!(agent.leases.count(&[State::Stopping]), 1);
    tokio::time::advance(agent.clocks.drain_grace).await;
    agent.look(Instant::now());
    let sent = take_all(&mut agent);
    let [Sent::Fail(request)] = &sent[..] else { panic!("sent {sent:?}") };
    let failure = request.failures[0].failure.as_ref().expect("a failure");
    assert_eq!(failure.failure_class(), v1::FailureClass::Timeout);
    end(&mut agent).await;
    assert!(take_all(&mut agent).is_empty(), "what an aborted task came to is dropped");
}

#[tokio::test(start_paused = true)]
async fn a_verdict_moves_the_deadline_in_both_directions() {
    let renewed = |left| verdicts_with(v1::LeaseVerdict::Renewed, left);
    let mut agent = started();
    let contract = agent.clocks.attempt_deadline;
    agent.take(renewed(Some(2 * contract)));
    tokio::time::advance(contract).await;
    agent.look(Instant::now());
    assert_eq!(agent.leases.count(&[State::Running]), 1, "it was given more time");
    agent.take(renewed(Some(Duration::from_secs(1))));
    agent.take(renewed(None));
    tokio::time::advance(Duration::from_secs(1)).await;
    agent.look(Instant::now());
    assert_eq!(agent.leases.count(&[State::Stopping]), 1, "it was given less");
    agent.take(renewed(Some(contract)));
    end(&mut agent).await;
    let sent = take_all(&mut agent);
    let [Sent::Fail(request)] = &sent[..] else { panic!("sent {sent:?}") };
    let failure = request.failures[0].failure.as_ref().expect("a failure");
    assert_eq!(failure.failure_class(), v1::FailureClass::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_moved_before_the_start_counts_from_the_start() {
    let mut agent = agent();
    agent.take(offers(1));
    agent.take(verdicts_with(v1::LeaseVerdict::Renewed, Some(Duration::from_secs(1))));
    tokio::time::advance(Duration::from_secs(5)).await;
    agent.take(result(v1::WriteKind::Accept, v1::WriteVerdict::Applied));
    agent.look(Instant::now());
    assert_eq!(agent.leases.count(&[State::Running]), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    agent.look(Instant::now());
    assert_eq!(agent.leases.count(&[State::Stopping]), 1);
}
