//! One stream on a connection of its own, with its signs of life.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use crate::client::connection::Address;
use crate::contract::LeaseClocks;
use crate::error::{Error, ErrorKind};
use crate::proto::v1;
use crate::proto::v1::server_frame::Frame as ServerFrame;
use crate::proto::v1::worker_frame::Frame;

/// How many frames may wait for the transport. Few: what waits longer in the outbox goes in
/// larger frames.
const FRAMES_AHEAD: usize = 4;

/// How many frames of the server may wait for the worker.
pub(crate) const INBOX: usize = 256;

/// What a session's task reports.
#[derive(Debug)]
pub(crate) enum Incoming {
    Frame(u64, Box<ServerFrame>),
    /// The stream is over; none when the server ended it in order.
    Ended(u64, Option<Error>),
}

/// One stream. Dropping it cuts the connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: u64,
    /// The clocks in force: the server's, once it has welcomed.
    pub(crate) clocks: LeaseClocks,
    pub(crate) opened_at: Instant,
    received_at: Instant,
    sent_at: Instant,
    next_tick: Instant,
    nonce: i64,
    /// Frames of the session itself, ahead of everything else.
    control: VecDeque<Frame>,
    /// None once no frame follows.
    frames: Option<mpsc::Sender<v1::WorkerFrame>>,
    /// Whether the transport was not ready for all there was to send.
    is_blocked: bool,
    task: AbortHandle,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Session {
    /// Opens a stream that says Hello.
    pub(crate) fn open(
        id: u64,
        address: Address,
        hello: v1::Hello,
        clocks: LeaseClocks,
        inbox: mpsc::Sender<Incoming>,
    ) -> Self {
        let (frames, outgoing) = mpsc::channel(FRAMES_AHEAD);
        let now = Instant::now();
        let task = tokio::spawn(async move {
            let end = carry(id, &address, outgoing, &inbox).await.err();
            let _ = inbox.send(Incoming::Ended(id, end)).await;
        });
        let mut session = Self {
            id,
            clocks,
            opened_at: now,
            received_at: now,
            sent_at: now,
            next_tick: now + clocks.renew_interval,
            nonce: 0,
            control: VecDeque::from([Frame::Hello(hello)]),
            frames: Some(frames),
            is_blocked: false,
            task: task.abort_handle(),
        };
        session.pump(now, || None);
        session
    }

    /// The server has welcomed: its clocks count from now on.
    pub(crate) fn welcome(&mut self, policy: Option<&v1::LeasePolicy>, now: Instant) {
        if let Some(policy) = policy {
            self.clocks = self.clocks.overlaid(policy);
        }
        self.next_tick = now + self.clocks.renew_interval;
    }

    /// Queues a frame of the session itself.
    pub(crate) fn send(&mut self, frame: Frame) {
        self.control.push_back(frame);
    }

    /// A frame came.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.received_at = now;
    }

    /// Hands frames to the transport until it takes no more or there are none.
    pub(crate) fn pump(&mut self, now: Instant, mut next: impl FnMut() -> Option<Frame>) {
        let Some(frames) = &self.frames else { return };
        self.is_blocked = false;
        loop {
            let Ok(room) = frames.try_reserve() else {
                self.is_blocked = !frames.is_closed();
                return;
            };
            let Some(frame) = self.control.pop_front().or_else(&mut next) else { return };
            room.send(v1::WorkerFrame { frame: Some(frame) });
            self.sent_at = now;
        }
    }

    /// Resolves when a transport that was not ready is again.
    pub(crate) async fn writable(&self) {
        match &self.frames {
            Some(frames) if self.is_blocked => drop(frames.reserve().await),
            _ => std::future::pending().await,
        }
    }

    /// Whether a renew interval is over.
    pub(crate) fn take_tick(&mut self, now: Instant) -> bool {
        let is_due = self.next_tick <= now;
        while self.next_tick <= now {
            self.next_tick += self.clocks.renew_interval.max(Duration::from_millis(1));
        }
        is_due
    }

    /// Asks for a sign of life, unless something was said just now.
    pub(crate) fn ping(&mut self, now: Instant) {
        if now - self.sent_at > self.clocks.renew_interval / 10 {
            self.nonce += 1;
            self.send(Frame::Ping(v1::Ping { nonce: self.nonce }));
        }
    }

    /// When the peer counts as dead: nothing was received for two renew intervals. A half-open
    /// connection looks alive to TCP for minutes; this does not wait for it.
    fn dead_at(&self) -> Instant {
        self.received_at + 2 * self.clocks.renew_interval
    }

    /// Why the session must be given up; none while it need not.
    pub(crate) fn silence(&self, now: Instant) -> Option<Error> {
        (self.dead_at() <= now).then(|| {
            let quiet = now - self.received_at;
            let message = format!("nothing was received for {quiet:?}");
            Error::new(ErrorKind::Unavailable, "CONNECTION_SILENT", message)
        })
    }

    /// When the session wants to be looked at next.
    pub(crate) fn next_look(&self, is_up: bool) -> Instant {
        if is_up { self.next_tick.min(self.dead_at()) } else { self.dead_at() }
    }

    /// Says that no frame follows, once those of the session itself have gone.
    pub(crate) fn finish(&mut self, now: Instant) {
        self.pump(now, || None);
        self.frames = None;
    }
}

async fn carry(
    id: u64,
    address: &Address,
    outgoing: mpsc::Receiver<v1::WorkerFrame>,
    inbox: &mpsc::Sender<Incoming>,
) -> Result<(), Error> {
    let mut client = address.dial().await?.task_runner();
    let mut incoming = client.session(ReceiverStream::new(outgoing)).await?.into_inner();
    while let Some(message) = incoming.message().await? {
        // A frame of a kind that is newer than this SDK reads as none, and is skipped.
        let Some(frame) = message.frame else { continue };
        if inbox.send(Incoming::Frame(id, Box::new(frame))).await.is_err() {
            break;
        }
    }
    Ok(())
}
