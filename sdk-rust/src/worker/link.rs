//! Keeps one session up, for ever.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::client::connection::Address;
use crate::contract::{LeaseClocks, from_duration};
use crate::error::{Error, ErrorKind};
use crate::proto::v1;
use crate::proto::v1::server_frame::Frame as ServerFrame;
use crate::proto::v1::worker_frame::Frame;
use crate::retry::Backoff;
use crate::worker::session::{INBOX, Incoming, Session};

/// What the worker learns from its link.
#[derive(Debug)]
pub(crate) enum News {
    /// A session is up: everything unanswered shall go through it.
    Up,
    /// No session is up.
    Down,
    /// A frame that the session does not deal with itself.
    Frame(Box<ServerFrame>),
    /// Connecting again is pointless.
    Hopeless(Error),
}

/// Keeps one session up: reconnects with full jitter after a loss, moves to a new stream at a
/// random moment of the window that a Goaway gives, and uses the old stream until the new one is
/// up.
#[derive(Debug)]
pub(crate) struct Link {
    address: Address,
    clocks: LeaseClocks,
    current: Option<Session>,
    /// A session that has not been welcomed yet.
    opening: Option<Session>,
    /// Sessions that were replaced: their answers are welcome until then.
    closing: Vec<(Session, Instant)>,
    /// When to open a session; none while there is no need.
    open_at: Option<Instant>,
    tries: u32,
    was_up: bool,
    next_id: u64,
    inbox: mpsc::Sender<Incoming>,
}

impl Link {
    /// A link that opens its first session at the first look, and what its sessions report.
    pub(crate) fn new(address: Address) -> (Self, mpsc::Receiver<Incoming>) {
        let (inbox, incoming) = mpsc::channel(INBOX);
        let link = Self {
            address,
            clocks: LeaseClocks::CONTRACT,
            current: None,
            opening: None,
            closing: Vec::new(),
            open_at: Some(Instant::now()),
            tries: 0,
            was_up: false,
            next_id: 0,
            inbox,
        };
        (link, incoming)
    }

    /// The clocks in force: the last server's, the contract's before the first.
    pub(crate) fn clocks(&self) -> &LeaseClocks {
        &self.clocks
    }

    pub(crate) fn is_up(&self) -> bool {
        self.current.is_some()
    }

    /// The session that is up.
    pub(crate) fn current(&mut self) -> Option<&mut Session> {
        self.current.as_mut()
    }

    /// Takes what a session's task reported.
    pub(crate) fn take(&mut self, incoming: Incoming) -> Option<News> {
        let now = Instant::now();
        let (id, frame) = match incoming {
            Incoming::Ended(id, error) => return self.on_end(id, error, now),
            Incoming::Frame(id, frame) => (id, frame),
        };
        let is_current = self.current.as_ref().is_some_and(|session| session.id == id);
        let session = self.find(id)?;
        session.heard(now);
        match *frame {
            ServerFrame::Welcome(welcome) => self.on_welcome(id, &welcome, now),
            ServerFrame::Goaway(goaway) if is_current => self.on_goaway(&goaway, now),
            ServerFrame::Ping(ping) => {
                session.send(Frame::Pong(v1::Pong { nonce: ping.nonce }));
                session.pump(now, || None);
                None
            }
            ServerFrame::Pong(_) => None,
            _ => Some(News::Frame(frame)),
        }
    }

    fn find(&mut self, id: u64) -> Option<&mut Session> {
        let closing = self.closing.iter_mut().map(|(session, _)| session);
        let live = self.current.iter_mut().chain(&mut self.opening);
        live.chain(closing).find(|session| session.id == id)
    }

    fn on_welcome(&mut self, id: u64, welcome: &v1::Welcome, now: Instant) -> Option<News> {
        let mut session = self.opening.take_if(|session| session.id == id)?;
        session.welcome(welcome.lease_policy.as_ref(), now);
        self.clocks = session.clocks;
        self.was_up = true;
        self.open_at = None;
        tracing::info!(
            session_id = welcome.session_id,
            server_id = welcome.server_id,
            "session up"
        );
        if let Some(mut old) = self.current.replace(session) {
            old.finish(now);
            self.closing.push((old, now + self.clocks.renew_interval));
        }
        Some(News::Up)
    }

    fn on_goaway(&mut self, goaway: &v1::Goaway, now: Instant) -> Option<News> {
        if goaway.reason() == v1::GoawayReason::Superseded {
            return Some(News::Hopeless(superseded()));
        }
        let window = goaway.reconnect_window.map(from_duration).unwrap_or_default();
        let delay = window.mul_f64(fastrand::f64());
        tracing::info!(reason = goaway.reason().as_str_name(), ?delay, "goaway: will reconnect");
        self.tries = 0;
        self.open_at = Some(now + delay);
        None
    }

    fn on_end(&mut self, id: u64, error: Option<Error>, now: Instant) -> Option<News> {
        self.closing.retain(|(session, _)| session.id != id);
        if let Some(session) = self.opening.take_if(|session| session.id == id) {
            return self.after_loss(&session, error, now);
        }
        let session = self.current.take_if(|session| session.id == id)?;
        // After a Goaway the moment to reconnect is set, and the end was announced.
        let is_superseded = error.as_ref().is_some_and(is_superseded);
        if self.opening.is_some() || (self.open_at.is_some() && !is_superseded) {
            return Some(News::Down);
        }
        Some(self.after_loss(&session, error, now).unwrap_or(News::Down))
    }

    fn after_loss(&mut self, lost: &Session, error: Option<Error>, now: Instant) -> Option<News> {
        let error = error.unwrap_or_else(|| {
            Error::new(ErrorKind::Unavailable, "", "the server ended the stream")
        });
        if is_superseded(&error) {
            return Some(News::Hopeless(superseded()));
        }
        if !self.was_up && is_misconfigured(error.kind()) {
            return Some(News::Hopeless(error));
        }
        // A session that lived counts as a success; one that dies at once must not be hammered.
        let has_lived = now - lost.opened_at > self.clocks.renew_interval;
        self.tries = if has_lived { 1 } else { self.tries.saturating_add(1) };
        let delay = Backoff::of(&self.clocks).delay(self.tries, fastrand::f64(), None);
        tracing::warn!(error = %error, ?delay, "session lost");
        self.open_at = Some(now + delay);
        None
    }

    /// Does what time has come for. `hello` is asked for when a session is to be opened.
    pub(crate) fn look(&mut self, now: Instant, hello: impl FnOnce() -> v1::Hello) -> Option<News> {
        self.closing.retain(|(_, until)| *until > now);
        let live = self.current.iter().chain(&self.opening);
        let dead = live.filter_map(|s| Some((s.id, s.silence(now)?))).next();
        if let Some((id, error)) = dead {
            return self.on_end(id, Some(error), now);
        }
        if self.opening.is_none() && self.open_at.is_some_and(|at| at <= now) {
            self.open_at = None;
            self.next_id += 1;
            let (address, inbox) = (self.address.clone(), self.inbox.clone());
            let session = Session::open(self.next_id, address, hello(), self.clocks, inbox);
            self.opening = Some(session);
        }
        None
    }

    /// When [`look`](Self::look) is next worth a call.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        let current = self.current.as_ref().map(|session| session.next_look(true));
        let opening = self.opening.as_ref().map(|session| session.next_look(false));
        let open_at = self.open_at.filter(|_| self.opening.is_none());
        let closing = self.closing.iter().map(|(_, until)| *until).min();
        [current, opening, open_at, closing].into_iter().flatten().min()
    }

    /// Resolves when the current session's transport takes frames again.
    pub(crate) async fn writable(&self) {
        match &self.current {
            Some(session) => session.writable().await,
            None => std::future::pending().await,
        }
    }

    /// Ends the session in order and waits for the server to do so too, but not for long.
    pub(crate) async fn close(&mut self, incoming: &mut mpsc::Receiver<Incoming>, wait: Duration) {
        let Some(mut session) = self.current.take() else { return };
        session.finish(Instant::now());
        let ended = async {
            while let Some(incoming) = incoming.recv().await {
                if matches!(incoming, Incoming::Ended(id, _) if id == session.id) {
                    break;
                }
            }
        };
        if tokio::time::timeout(wait, ended).await.is_err() {
            tracing::debug!("the server did not end the stream in time");
        }
    }
}

/// Errors that a first connection cannot get over by trying again: the settings are wrong.
fn is_misconfigured(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidArgument | ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
    )
}

const SUPERSEDED: &str = "SESSION_SUPERSEDED";

fn is_superseded(error: &Error) -> bool {
    error.reason() == SUPERSEDED
}

fn superseded() -> Error {
    let message = "a newer instance of this worker connected";
    Error::new(ErrorKind::Aborted, SUPERSEDED, message).retryable(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::connection::Target;
    use crate::contract::to_duration;

    /// A link to nobody: what its sessions report comes from the test.
    fn link() -> Link {
        let target = Target { url: Some("http://127.0.0.1:9".into()), ..Target::default() };
        Link::new(target.resolve().expect("an address")).0
    }

    fn look(link: &mut Link) -> Option<News> {
        link.look(Instant::now(), v1::Hello::default)
    }

    fn frame(id: u64, frame: ServerFrame) -> Incoming {
        Incoming::Frame(id, Box::new(frame))
    }

    fn welcome(id: u64) -> Incoming {
        frame(id, ServerFrame::Welcome(v1::Welcome::default()))
    }

    fn goaway(id: u64, reason: v1::GoawayReason) -> Incoming {
        let reconnect_window = Some(to_duration(Duration::from_secs(10)));
        let reason = reason.into();
        frame(
            id,
            ServerFrame::Goaway(v1::Goaway { reason, reconnect_window, ..Default::default() }),
        )
    }

    fn up() -> Link {
        let mut link = link();
        look(&mut link);
        assert!(matches!(link.take(welcome(1)), Some(News::Up)));
        link
    }

    #[tokio::test(start_paused = true)]
    async fn a_goaway_moves_within_its_window_and_uses_the_old_stream_meanwhile() {
        let mut link = up();
        assert!(link.take(goaway(1, v1::GoawayReason::MaxAge)).is_none());
        assert!(link.is_up());
        let at = link.open_at.expect("a moment");
        assert!(at <= Instant::now() + Duration::from_secs(10));
        tokio::time::advance(at - Instant::now()).await;
        look(&mut link);
        assert!(link.is_up() && link.opening.is_some());
        assert!(matches!(link.take(welcome(2)), Some(News::Up)));
        assert!(link.take(Incoming::Ended(1, None)).is_none());
        assert!(link.is_up() && link.closing.is_empty());
    }

    #[tokio::test]
    async fn a_newer_instance_is_the_end() {
        let news = up().take(goaway(1, v1::GoawayReason::Superseded));
        let Some(News::Hopeless(error)) = news else { panic!("not the end: {news:?}") };
        assert!(is_superseded(&error) && !error.is_retryable());
        let news = up().take(Incoming::Ended(1, Some(superseded())));
        assert!(matches!(news, Some(News::Hopeless(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_for_two_intervals_is_death() {
        let mut link = up();
        tokio::time::advance(2 * link.clocks.renew_interval).await;
        assert!(matches!(look(&mut link), Some(News::Down)));
        assert!(link.open_at.expect("a moment") <= Instant::now() + link.clocks.reconnect_max);
    }

    #[tokio::test]
    async fn only_a_first_hello_that_is_refused_is_hopeless() {
        let refused = || Error::new(ErrorKind::PermissionDenied, "", "no");
        let mut link = link();
        look(&mut link);
        let news = link.take(Incoming::Ended(1, Some(refused())));
        assert!(matches!(news, Some(News::Hopeless(_))));
        assert!(matches!(up().take(Incoming::Ended(1, Some(refused()))), Some(News::Down)));
    }
}
