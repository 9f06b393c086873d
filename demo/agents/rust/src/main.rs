//! The SBOM demo's task runner for Rust crates, started by the demo as a child:
//!
//! ```text
//! sbom-agent --url URL --tenant NAME --queue NAME --root FOLDER
//! ```
//!
//! It drains at SIGTERM, and ends when its standard input does: then the demo that started it is
//! gone, and the server that jobs could be given back to goes with it.

mod cargo_lock;
mod files;
mod inventory;

use std::collections::HashMap;
use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use stellaops_orchestrator::{
    FailureClass, HandlerError, JobContext, Output, Progress, UploadOptions, Worker,
};
use tokio::sync::oneshot;

use crate::files::{ManifestFault, ManifestFile};
use crate::inventory::Inventory;

const CONCURRENCY: usize = 4;

/// A scan job's payload: one manifest with the files that belong to it.
#[derive(Deserialize)]
struct ScanRequest {
    kind: String,
    manifest: String,
    files: Vec<ManifestFile>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let said = options(std::env::args().skip(1))?;
    let option = |name: &str| said.get(name).ok_or_else(|| format!("--{name} is needed"));
    let root: Arc<Path> = PathBuf::from(option("root")?).into();
    let worker = Worker::builder()
        .url(option("url")?)
        .tenant(option("tenant")?)
        .queue(option("queue")?)
        .concurrency(CONCURRENCY)
        .handler("sbom.scan", move |job| handle_scan(job, Arc::clone(&root)))
        .build()?;
    tokio::select! {
        result = worker.run() => Ok(result?),
        _ = end_of_input() => Ok(()),
    }
}

/// `--name value` pairs by name.
fn options(mut words: impl Iterator<Item = String>) -> Result<HashMap<String, String>, String> {
    let mut said = HashMap::new();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").ok_or_else(|| format!("unexpected {word}"))?;
        let value = words.next().ok_or_else(|| format!("--{name} needs a value"))?;
        said.insert(name.to_owned(), value);
    }
    Ok(said)
}

/// Resolves at the end of the standard input, which a thread of its own waits for: a read of it
/// cannot be cancelled.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, is_over) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while std::io::stdin().read(&mut buffer).is_ok_and(|bytes| bytes > 0) {}
        let _ = ended.send(());
    });
    is_over
}

/// Scans one manifest under `root` and uploads its component list.
async fn handle_scan(job: JobContext, root: Arc<Path>) -> Result<Output, HandlerError> {
    let request: ScanRequest = job.json()?;
    let inventory = tokio::task::spawn_blocking(move || scan(&root, &request)).await??;
    let components = inventory.components.len();
    job.progress(Progress::new(0.5).message(format!("{components} components")))?;
    let options = UploadOptions::new().media_type("application/json");
    job.upload_artifact("components.json", inventory.encode()?, options).await?;
    Ok(Output::json(&serde_json::json!({ "components": components }))?)
}

fn scan(root: &Path, request: &ScanRequest) -> Result<Inventory, ScanError> {
    if request.kind != "cargo" {
        return Err(ScanError::UnknownKind(request.kind.clone()));
    }
    let texts = files::read_verified(root, &request.files)?;
    let text = texts.get(&request.manifest).map_or("", String::as_str);
    Ok(cargo_lock::scan(&request.manifest, text)?)
}

/// Why a scan did not succeed.
enum ScanError {
    UnknownKind(String),
    Manifest(ManifestFault),
}

impl From<ManifestFault> for ScanError {
    fn from(fault: ManifestFault) -> Self {
        Self::Manifest(fault)
    }
}

/// Errors that no further attempt could get past become terminal, with their failure class.
impl From<ScanError> for HandlerError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::UnknownKind(kind) => {
                Self::retryable(format!("no scanner for manifests of kind {kind}"))
            }
            ScanError::Manifest(fault @ ManifestFault::Malformed { .. }) => {
                Self::terminal(fault.to_string()).failure_class(FailureClass::ParseError)
            }
            ScanError::Manifest(fault) => Self::terminal(fault.to_string()),
        }
    }
}
