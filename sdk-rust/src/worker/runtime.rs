//! The loop that ties a worker's link to its agent.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::client::connection::Address;
use crate::contract::truncate;
use crate::error::Error;
use crate::proto::constants::DRAIN_REASON_MAX_BYTES;
use crate::proto::v1;
use crate::proto::v1::server_frame::Frame as ServerFrame;
use crate::proto::v1::worker_frame::Frame;
use crate::worker::agent::{Agent, Ended};
use crate::worker::drain::{Drain, Step, View};
use crate::worker::job_context::Told;
use crate::worker::link::{Link, News};
use crate::worker::session::Incoming;

const SDK: &str = concat!("sdk-rust/", env!("CARGO_PKG_VERSION"));

/// How long a worker without anything to wait for waits.
const IDLE: Duration = Duration::from_secs(3600);

/// What a worker says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) worker_id: String,
    pub(crate) labels: HashMap<String, String>,
    pub(crate) pools: Vec<v1::Pool>,
    pub(crate) lease_at_once: bool,
    pub(crate) host: String,
}

/// A worker at work: all its state, in one task.
#[derive(Debug)]
pub(crate) struct Runtime {
    identity: Identity,
    /// New for every run: an old process's leases are interrupted by it.
    instance_id: String,
    agent: Agent,
    link: Link,
    drain: Option<Drain>,
    drain_grace: Option<Duration>,
    incoming: mpsc::Receiver<Incoming>,
    /// What the server was told last about each pool's slots, in the pools' order.
    credit: Vec<i32>,
    /// What the newest Hello said of them; it counts once its session is up.
    announced: Vec<i32>,
}

/// What happened.
enum Happened {
    Incoming(Incoming),
    Ended(Ended),
    Told(Told),
    Stop,
    Nothing,
}

impl Runtime {
    pub(crate) fn new(
        identity: Identity,
        agent: Agent,
        address: Address,
        drain_grace: Option<Duration>,
    ) -> Self {
        let (link, incoming) = Link::new(address);
        Self {
            identity,
            instance_id: Uuid::new_v4().to_string(),
            agent,
            link,
            drain: None,
            drain_grace,
            incoming,
            credit: Vec::new(),
            announced: Vec::new(),
        }
    }

    pub(crate) fn worker_id(&self) -> &str {
        &self.identity.worker_id
    }

    /// Works until told to stop, then drains. A link that becomes hopeless in a drain ends it: a
    /// newer instance has the leases, and that is no failure of a worker that was told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken, reason: &str) -> Result<(), Error> {
        let mut result = self.work(&stop, reason).await;
        if let Err(error) = result.as_ref()
            && self.drain.is_some()
        {
            tracing::warn!(%error, "the drain was cut short");
            result = Ok(());
        }
        self.abandon().await;
        let wait = 4 * self.agent.clocks.reconnect_min;
        self.link.close(&mut self.incoming, wait).await;
        result
    }

    async fn work(&mut self, stop: &CancellationToken, reason: &str) -> Result<(), Error> {
        loop {
            let now = Instant::now();
            self.look(now)?;
            let Some(until) = self.advance_drain(now) else { return Ok(()) };
            self.pump(Instant::now());
            match self.wait(until, stop).await {
                Happened::Stop => self.start_drain(reason),
                happened => self.take(happened)?,
            }
            // What is ready together goes together: one frame for many results.
            tokio::task::yield_now().await;
            self.take_ready()?;
        }
    }

    async fn wait(&mut self, until: Instant, stop: &CancellationToken) -> Happened {
        let alarms = [self.link.next_look(), self.agent.leases.next_alarm()];
        let alarm = alarms.into_iter().flatten().fold(until, Instant::min);
        let has_running = !self.agent.running.is_empty();
        tokio::select! {
            () = stop.cancelled(), if self.drain.is_none() => Happened::Stop,
            Some(incoming) = self.incoming.recv() => Happened::Incoming(incoming),
            Some(ended) = self.agent.running.join_next_with_id(), if has_running => {
                Happened::Ended(ended)
            }
            Some(told) = self.agent.told.recv() => Happened::Told(told),
            () = self.link.writable() => Happened::Nothing,
            () = sleep_until(alarm) => Happened::Nothing,
        }
    }

    fn take(&mut self, happened: Happened) -> Result<(), Error> {
        match happened {
            Happened::Incoming(incoming) => {
                if let Some(news) = self.link.take(incoming) {
                    self.on_news(news)?;
                }
            }
            Happened::Ended(ended) => self.agent.on_ended(ended),
            Happened::Told(told) => self.agent.on_told(told),
            Happened::Stop | Happened::Nothing => {}
        }
        Ok(())
    }

    fn take_ready(&mut self) -> Result<(), Error> {
        // What a handler told comes before how it ended.
        while let Ok(told) = self.agent.told.try_recv() {
            self.agent.on_told(told);
        }
        while let Some(ended) = self.agent.running.try_join_next_with_id() {
            self.agent.on_ended(ended);
        }
        while let Ok(incoming) = self.incoming.try_recv() {
            self.take(Happened::Incoming(incoming))?;
        }
        Ok(())
    }

    fn on_news(&mut self, news: News) -> Result<(), Error> {
        match news {
            News::Up => self.on_up(),
            News::Down => {}
            News::Frame(frame) => match *frame {
                ServerFrame::DrainAck(_) => self.drain.iter_mut().for_each(Drain::acknowledge),
                frame => self.agent.take(frame),
            },
            News::Hopeless(error) => return Err(error),
        }
        Ok(())
    }

    /// Everything that has no answer goes again, at once.
    fn on_up(&mut self) {
        self.agent.clocks = *self.link.clocks();
        self.credit.clone_from(&self.announced);
        self.agent.outbox.resend(Instant::now(), Duration::ZERO);
        if let Some(drain) = &self.drain {
            let reason = drain.reason.clone();
            self.send(Frame::Drain(v1::Drain { reason }));
        }
    }

    fn send(&mut self, frame: Frame) {
        if let Some(session) = self.link.current() {
            session.send(frame);
        }
    }

    /// Does what time has come for: alarms, renewals, reconnects.
    fn look(&mut self, now: Instant) -> Result<(), Error> {
        self.agent.look(now);
        let slots = self.slots();
        let Self { identity, instance_id, agent, link, announced, .. } = self;
        let news = link.look(now, || {
            announced.clone_from(&slots);
            let pools = identity
                .pools
                .iter()
                .zip(&slots)
                .map(|(pool, &slots)| v1::Pool { slots, ..pool.clone() });
            v1::Hello {
                worker_id: identity.worker_id.clone(),
                instance_id: instance_id.clone(),
                pools: pools.collect(),
                held_leases: agent.held(),
                max_payload_bytes: 0,
                sdk: SDK.into(),
                labels: identity.labels.clone(),
                lease_at_once: identity.lease_at_once,
                host: identity.host.clone(),
            }
        });
        if let Some(news) = news {
            self.on_news(news)?;
        }
        self.tick(now);
        self.send_credit(slots);
        Ok(())
    }

    /// Renews what is held, or at least gives a sign of life.
    fn tick(&mut self, now: Instant) {
        let Some(session) = self.link.current() else { return };
        if !session.take_tick(now) {
            return;
        }
        // Half an interval: what was sent just before a tick must not wait for two.
        let age = session.clocks.renew_interval / 2;
        let leases = self.agent.renewable();
        if leases.is_empty() {
            session.ping(now);
        } else {
            session.send(Frame::Heartbeat(v1::Heartbeat { leases }));
        }
        self.agent.outbox.resend(now, age);
    }

    /// Slots per pool: none in a drain, and none for those that a lost lease's handler holds.
    fn slots(&self) -> Vec<i32> {
        let pools = &self.identity.pools;
        if self.drain.is_some() {
            return vec![0; pools.len()];
        }
        let mut slots: Vec<i32> = pools.iter().map(|pool| pool.slots).collect();
        for name in self.agent.leases.lingering_pools() {
            if let Some(index) = pools.iter().position(|pool| pool.name == name) {
                slots[index] = (slots[index] - 1).max(0);
            }
        }
        slots
    }

    fn send_credit(&mut self, slots: Vec<i32>) {
        if self.drain.is_some() || !self.link.is_up() || slots == self.credit {
            return;
        }
        let pools = self.identity.pools.iter().zip(&slots).zip(&self.credit);
        let changed = pools.filter(|((_, slots), told)| slots != told);
        let pools = changed
            .map(|((pool, &slots), _)| v1::PoolCredit { pool: pool.name.clone(), slots })
            .collect();
        self.credit = slots;
        self.send(Frame::Credit(v1::Credit { pools }));
    }

    fn pump(&mut self, now: Instant) {
        let Self { link, agent, .. } = self;
        if let Some(session) = link.current() {
            let max_bytes = session.clocks.max_message_bytes;
            session.pump(now, || agent.outbox.take(now, max_bytes));
        }
    }

    fn start_drain(&mut self, reason: &str) {
        let grace = self.drain_grace.unwrap_or(self.agent.clocks.drain_grace);
        tracing::info!(reason, ?grace, held = self.agent.leases.len(), "draining");
        let reason = truncate(reason.to_owned(), DRAIN_REASON_MAX_BYTES);
        self.drain = Some(Drain::start(reason.clone(), grace, Instant::now()));
        self.agent.stop_accepting();
        self.send(Frame::Drain(v1::Drain { reason }));
    }

    /// Moves a drain on as far as it goes. Says when to look again; none when it is over.
    fn advance_drain(&mut self, now: Instant) -> Option<Instant> {
        loop {
            let view = View {
                is_connected: self.link.is_up(),
                is_idle: self.agent.is_idle(),
                unfinished: self.agent.unfinished(),
            };
            let Some(drain) = &mut self.drain else { return Some(now + IDLE) };
            match drain.step(view, now) {
                Step::Wait(until) => return Some(until),
                Step::StopAll(grace) => self.agent.stop_all(grace),
                Step::GiveUpAll => self.agent.give_up_all(),
                Step::Done => return None,
            }
        }
    }

    /// Stops what a drain left, or what runs when another instance took over.
    async fn abandon(&mut self) {
        self.agent.lose_all();
        let grace = self.agent.clocks.drain_grace / 10;
        let stopping = async {
            while let Some(ended) = self.agent.running.join_next_with_id().await {
                self.agent.on_ended(ended);
            }
        };
        if tokio::time::timeout(grace, stopping).await.is_err() {
            self.agent.running.abort_all();
        }
        tracing::info!(unanswered = self.agent.outbox.unanswered(), "drained");
    }
}
