//! The process's own log.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// A line of JSON a write, so that a process which is killed has said all that it said.
pub struct Journal {
    process: String,
    file: Mutex<(File, u64)>,
}

impl Journal {
    /// Appends to the file.
    pub fn open(path: &str, process: String) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { process, file: Mutex::new((file, 0)) })
    }

    /// Writes a line; the monotonic clock is the machine's, the same for all processes.
    pub fn note(&self, tenant: &str, event: &str, fields: &Value) {
        let now = clock_gettime(ClockId::Monotonic);
        let mono_ns = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let mut line = json!({
            "process": self.process, "tenant": tenant, "event": event,
            "monoNs": mono_ns.to_string(), "clockMs": clock.as_millis() as u64,
        });
        let mut guard = self.file.lock().expect("no writer panics");
        guard.1 += 1;
        line["seq"] = guard.1.into();
        for (name, value) in fields.as_object().expect("fields") {
            line[name] = value.clone();
        }
        guard.0.write_all(format!("{line}\n").as_bytes()).expect("the journal can be written");
    }
}
