//! The server of the repository, one for all tests of this process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use stellaops_orchestrator::Orchestrator;

struct Server {
    url: String,
    /// Closed by the end of this process, whatever ends it, and that stops the server.
    _stdin: ChildStdin,
}

/// Runs a command until stdin is closed, then ends it and removes its data.
const UNTIL_STDIN_CLOSES: &str =
    "\"$@\" & server=$!; cat >/dev/null; kill $server; wait $server; rm -rf \"$ORCH_DATA_DIR\"";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn start() -> Server {
    let local = root().join("node_modules/.bin/node");
    let node = if local.exists() { local } else { "node".into() };
    let data = std::env::temp_dir().join(format!("orch-rust-{}", std::process::id()));
    let mut child = Command::new("sh")
        .args(["-c", UNTIL_STDIN_CLOSES, "sh"])
        .arg(node)
        .args(["--conditions=source", "server/src/main.ts", "--log-format", "json"])
        .current_dir(root())
        .env("ORCH_PORT", "0")
        .env("ORCH_DATA_DIR", data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines
        .by_ref()
        .map(|line| line.unwrap())
        .find(|line| line.contains("\"msg\":\"ready\""))
        .expect("a server that gets ready");
    // A pipe that nobody reads would block the server one day.
    std::thread::spawn(move || {
        lines.for_each(drop);
        child.wait()
    });
    let url = ready.split("\"url\":\"").nth(1).and_then(|rest| rest.split('"').next());
    Server { url: url.unwrap().to_owned(), _stdin: stdin }
}

/// The address of the server.
pub(crate) fn url() -> &'static str {
    static SERVER: OnceLock<Server> = OnceLock::new();
    &SERVER.get_or_init(start).url
}

/// A client of a tenant of its own.
pub(crate) fn client(tenant: &str) -> Orchestrator {
    Orchestrator::builder().url(url()).tenant(tenant).build().unwrap()
}
