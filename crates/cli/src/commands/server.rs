//! `waymark serve`, and the life of a server that `up` shares.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal;
use waymark_flash::{Flash, Watch};
use waymark_gateway::attribution::{Attribution, AttributionError};
use waymark_gateway::{Config, KeyError, RecorderError, Running, ServerError, SystemClock};
use waymark_store::{Address, LedgerStore, StoreError};

use super::sources::{self, Given};
use super::{Outcome, block_on, index};
use crate::args::Common;
use crate::failure::{Failure, UNREACHABLE, USAGE, talk};

pub(crate) fn serve(common: &Common, listen: Option<String>) -> Outcome {
    if common.config.is_none() {
        return Err(Failure::new(USAGE, "`waymark serve` needs a configuration")
            .hint("name one with --config waymark.toml, or use `waymark up` to start without one"));
    }
    let config = sources::load(common, Given { listen, ..Given::default() })?.config().clone();
    free(&config)?;
    let flash = match &config.repository {
        Some(repository) => index::open(repository)?,
        None => Flash::empty(),
    };
    runtime()?.block_on(async {
        let signals = Signals::listen()?;
        let watch = watch(&flash, &config);
        let running = begin(config, flash).await?;
        listening(&running);
        finish(running, watch, signals).await
    })
}

/// A server's runtime: all cores.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Finds a taken port before the repository is indexed for nothing.
pub(super) fn free(config: &Config) -> Result<(), Failure> {
    std::net::TcpListener::bind(config.listen)
        .map(drop)
        .map_err(|source| unstarted(&ServerError::Listen { address: config.listen, source }))
}

/// Follows saved files and new commits. A repository too large for the system's watcher is served all the same.
pub(super) fn watch(flash: &Flash, config: &Config) -> Option<Watch> {
    config.repository.as_ref()?;
    flash.watch().inspect_err(|error| tracing::warn!(%error, "saved files and commits are not followed")).ok()
}

pub(super) async fn begin(config: Config, flash: Flash) -> Result<Running, Failure> {
    let (store, data_dir) = (config.store.clone(), config.data_dir.clone());
    let repository = config.repository.clone();
    let started = waymark_gateway::start(config, flash, Arc::new(SystemClock)).await;
    let running = started.map_err(|error| unstarted(&error))?;
    if let Some(repository) = repository {
        read_ahead(store, data_dir, repository);
    }
    Ok(running)
}

/// Reads the repository's history while nobody has asked about a line of it yet. Who stops the server does not wait for it.
fn read_ahead(store: Address, data_dir: PathBuf, repository: PathBuf) {
    let read = async move || -> Result<(), AttributionError> {
        let store = LedgerStore::open_to_read(&store).await?;
        Attribution::open(store, &data_dir, &repository, Arc::new(SystemClock))?.read_ahead().await
    };
    let read = move || {
        if let Ok(Err(error)) = block_on(async { Ok(read().await) }) {
            tracing::warn!(%error, "the repository's history is not made quick to walk");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("history".to_owned()).spawn(read) {
        tracing::warn!(%error, "the repository's history is not read ahead");
    }
}

/// Says on stderr where the server listens; scripts wait for this line.
pub(super) fn listening(running: &Running) {
    if running.is_open_to_all() {
        tracing::warn!(
            "listening beyond this machine without virtual keys: whoever reaches {} can use the models and their keys; \
             `waymark key create --owner NAME` makes the first one, and from then on a key is needed",
            running.address()
        );
    }
    talk(format_args!("listening on http://{}", running.address()));
}

/// Serves until it is told to stop, then drains.
pub(super) async fn finish(mut running: Running, watch: Option<Watch>, mut signals: Signals) -> Outcome {
    tokio::select! {
        () = signals.stop() => {}
        error = running.failed() => return Err(Failure::from_error(UNREACHABLE, &error)),
    }
    drop(watch);
    talk("stopping: answers under way may end; once more to stop at once");
    let cut_off = tokio::select! {
        cut_off = running.drain() => cut_off,
        () = signals.stop() => {
            let message = "stopped at once; answers under way were cut off and their records will say so";
            return Err(Failure::new(UNREACHABLE, message));
        }
    };
    if cut_off > 0 {
        talk(format_args!("{cut_off} answers were cut off; their records will say so"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C, and what a service manager sends, heard from the moment this is made.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: signal::unix::Signal,
    #[cfg(unix)]
    terminate: signal::unix::Signal,
}

impl Signals {
    /// Starts to listen, before anything that a signal could break has begun.
    #[cfg(unix)]
    pub(super) fn listen() -> Result<Self, Failure> {
        use signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(not(unix))]
    pub(super) fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(super) async fn stop(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        {
            let _ = signal::ctrl_c().await;
        }
    }
}

/// What keeps a server from starting, and what to do about it.
fn unstarted(error: &ServerError) -> Failure {
    let failure = Failure::from_error(UNREACHABLE, error);
    match error {
        ServerError::Listen { address, source } => match source.kind() {
            std::io::ErrorKind::AddrInUse => {
                Failure::new(UNREACHABLE, format!("{address} is taken by another program")).hint(format!(
                    "another Waymark may be running: look at http://{address}/, or listen elsewhere with \
                     --listen {}:{}",
                    address.ip(),
                    address.port().wrapping_add(1)
                ))
            }
            _ => failure.hint("choose another address with --listen, such as 127.0.0.1:4115"),
        },
        ServerError::Ledger(RecorderError::Directory(KeyError::Locked(_))) => {
            failure.hint("stop it, or give this one its own folder with --data-dir DIR")
        }
        ServerError::Ledger(RecorderError::Directory(KeyError::File { .. })) => {
            failure.hint("name a folder you can write to with --data-dir DIR")
        }
        ServerError::Ledger(RecorderError::Store(StoreError::Diverged(_)) | RecorderError::RolledBack { .. } | RecorderError::Checkpoint(_)) => {
            failure.hint("nothing was written; see what `waymark verify` says, restore the data directory from a backup, or use another one")
        }
        _ => failure,
    }
}
