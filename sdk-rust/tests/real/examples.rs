use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::server::url;

/// A program of `examples/`, which `cargo test` has built beside this one.
fn program(name: &str) -> Command {
    let this = std::env::current_exe().unwrap();
    let built: PathBuf = this.ancestors().nth(2).unwrap().join("examples").join(name);
    let mut command = Command::new(built);
    command.env("ORCH_URL", url());
    command
}

fn output_of(name: &str) -> String {
    let output = program(name).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{name}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn enqueue_and_worker() {
    let mut worker = program("worker").stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(worker.stdout.take().unwrap()).lines();
    assert!(said.next().unwrap().unwrap().starts_with("worker "));
    let output = output_of("enqueue");
    assert!(output.contains("again: duplicate true"), "{output}");
    assert!(output.contains("IDEMPOTENCY_CONFLICT"), "{output}");
    assert!(output.ends_with("succeeded with 2\n"), "{output}");
    let kill = Command::new("kill").args(["-TERM", &worker.id().to_string()]).status();
    assert!(kill.unwrap().success());
    assert_eq!(said.next().unwrap().unwrap(), "drained");
    assert_eq!(worker.wait().unwrap().code(), Some(0));
}

#[test]
fn batch() {
    let output = output_of("batch");
    assert!(output.starts_with("created 1000 of 1001"), "{output}");
    assert!(output.contains("rejected: invalid_argument"), "{output}");
}

#[test]
fn cancel() {
    let output = output_of("cancel");
    assert!(output.contains("the handler stops: cancelled"), "{output}");
    assert!(output.contains("cancel: requested"), "{output}");
}

#[test]
fn artifact() {
    let output = output_of("artifact");
    assert!(output.starts_with("sha256:"), "{output}");
    assert!(output.contains("succeeded\nreport.txt: "), "{output}");
}

#[test]
fn fan_out() {
    let output = output_of("fan-out");
    assert!(output.starts_with("pipeline example.shout, version 1\n"), "{output}");
    assert!(output.contains("split into part-1, part-2, part-3\n"), "{output}");
    assert!(output.ends_with("5 jobs, succeeded: {\"joined\":\"ABC\"}\n"), "{output}");
}

#[test]
fn graceful_shutdown() {
    let output = output_of("graceful-shutdown");
    let count = |line: &str| output.lines().filter(|found| *found == line).count();
    assert_eq!(count("succeeded, 0 interruptions"), 2, "{output}");
    assert_eq!(count("ready, 0 interruptions"), 2, "{output}");
}
