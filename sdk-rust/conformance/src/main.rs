//! The conformance program of the Rust SDK: see `test/conformance/README.md`.

mod commands;
mod driver;
mod emit;
mod from_wire;
mod gates;
mod handler;
mod plans;
mod plans_to_wire;
mod to_wire;

use std::io;
use std::sync::Arc;

use prost::Message;
use tokio::io::{AsyncReadExt, Stdin};

use crate::commands::Commands;
use crate::driver::{Command, Ready};
use crate::emit::Emit;

/// What the process ends with when the program itself is wrong.
const BUG: i32 = 2;

/// One thread: commands begin in the order in which they arrive.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Scripted panics are many, and printing a backtrace holds up the one thread for seconds.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    tracing_subscriber::fmt()
        .with_env_filter("info,stellaops_orchestrator=debug")
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    Emit.ready(Ready {
        protocol_version: 1,
        sdk: concat!("sdk-rust/", env!("CARGO_PKG_VERSION")).into(),
    });
    let commands = Arc::new(Commands::new(Emit));
    let mut stdin = tokio::io::stdin();
    loop {
        match next(&mut stdin).await {
            Ok(Some(command)) => drop(tokio::spawn(answer(Arc::clone(&commands), command))),
            Ok(None) => std::process::exit(0),
            Err(error) => {
                eprintln!("stdin: {error}");
                std::process::exit(BUG);
            }
        }
    }
}

/// The next command; none at the end of file.
async fn next(stdin: &mut Stdin) -> io::Result<Option<Command>> {
    let length = match stdin.read_u32().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; length as usize];
    stdin.read_exact(&mut bytes).await?;
    Command::decode(&*bytes).map(Some).map_err(io::Error::other)
}

async fn answer(commands: Arc<Commands>, command: Command) {
    let running = tokio::spawn(async move { commands.run(command).await });
    if let Err(panic) = running.await {
        eprintln!("{panic}");
        std::process::exit(BUG);
    }
}
