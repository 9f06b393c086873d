//! Events, on stdout.

use std::io::{self, Write};

use prost::Message;

use crate::driver::event::Event as Kind;
use crate::driver::{
    CallResult, Event, HandlerCancelled, HandlerEnded, HandlerStarted, HandlerStep, Ready,
    WatchUpdate, WorkerStopped,
};

/// Writes events whole, one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Emit;

impl Emit {
    pub(crate) fn ready(self, event: Ready) {
        self.emit(Kind::Ready(event));
    }

    pub(crate) fn call_result(self, event: CallResult) {
        self.emit(Kind::CallResult(event));
    }

    pub(crate) fn watch_update(self, event: WatchUpdate) {
        self.emit(Kind::WatchUpdate(event));
    }

    pub(crate) fn handler_started(self, event: HandlerStarted) {
        self.emit(Kind::HandlerStarted(event));
    }

    pub(crate) fn handler_cancelled(self, event: HandlerCancelled) {
        self.emit(Kind::HandlerCancelled(event));
    }

    pub(crate) fn handler_step(self, event: HandlerStep) {
        self.emit(Kind::HandlerStep(event));
    }

    pub(crate) fn handler_ended(self, event: HandlerEnded) {
        self.emit(Kind::HandlerEnded(event));
    }

    pub(crate) fn worker_stopped(self, event: WorkerStopped) {
        self.emit(Kind::WorkerStopped(event));
    }

    fn emit(self, event: Kind) {
        let bytes = Event { event: Some(event) }.encode_to_vec();
        let length = u32::try_from(bytes.len()).expect("an event of at most 16 MiB");
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(&length.to_be_bytes())
            .and_then(|()| stdout.write_all(&bytes))
            .and_then(|()| stdout.flush());
        if written.is_err() {
            // The runner is gone, and so is the reason to run.
            std::process::exit(0);
        }
    }
}
