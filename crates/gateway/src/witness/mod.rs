//! A witness of transparency logs, ours and others': it cosigns a checkpoint only when that adds to what it cosigned
//! before. [`Asker`] is the other side: a log that asks witnesses.

mod ask;
mod book;
mod cosign;
mod routes;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waymark_ledger::{cosignature, note};
use waymark_types::Clock;

use self::book::Book;
use self::routes::Desk;
use crate::connections;
use crate::keys::{self, KeyError};

pub use ask::{AskError, Witness};

pub(crate) use ask::Asker;
pub use book::BookError;
pub(crate) use cosign::Witnesses;

/// How long answers under way may take to end once the witness is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// What a witness is told.
#[derive(Debug, Clone)]
pub struct WitnessConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where its key is, and what it cosigned.
    pub data_dir: PathBuf,
    /// What its addresses begin with: empty, or a slash and more, without one at the end.
    pub prefix: String,
    /// The name of a new key; a random one where nothing is given.
    pub name: Option<String>,
    /// The keys of the logs it cosigns. Several of one name are the keys of one log.
    pub logs: Vec<note::Verifier>,
}

/// The witness cannot start or run.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// The address cannot be listened on.
    #[error("could not listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The directory cannot be used, or another witness uses it.
    #[error(transparent)]
    Directory(#[from] KeyError),
    /// What was cosigned cannot be told.
    #[error(transparent)]
    Book(#[from] BookError),
    /// Serving failed.
    #[error("the witness failed")]
    Serve(#[source] io::Error),
}

/// A witness that has begun to serve.
pub struct RunningWitness {
    address: SocketAddr,
    key: cosignature::Verifier,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<io::Result<()>>,
    // Held as long as the witness runs.
    _lock: File,
}

/// Takes the directory, binds the address and starts serving.
pub async fn start_witness(
    config: WitnessConfig,
    clock: Arc<dyn Clock>,
) -> Result<RunningWitness, WitnessError> {
    let WitnessConfig { listen, data_dir, prefix, name, logs } = config;
    let lock = keys::lock(&data_dir)?;
    let book = Book::open(&data_dir, name.as_deref(), logs)?;
    let bind = |source| WitnessError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let (key, stop) = (book.verifier(), CancellationToken::new());
    let router = routes::router(Arc::new(Desk::new(book, clock)), &prefix);
    let serving = TaskTracker::new().spawn(connections::serve(listener, router, stop.clone()));
    Ok(RunningWitness { address, key, stop, serving, _lock: lock })
}

impl RunningWitness {
    /// The address listened on, its port filled in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key that checks its cosignatures.
    pub fn key(&self) -> &cosignature::Verifier {
        &self.key
    }

    /// Takes no more requests and lets answers under way end.
    pub async fn drain(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(DRAIN, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
    }

    /// Waits for the witness to fail by itself.
    pub async fn failed(&mut self) -> WitnessError {
        match (&mut self.serving).await {
            Ok(Err(error)) => WitnessError::Serve(error),
            Ok(Ok(())) => WitnessError::Serve(io::Error::other("it stopped by itself")),
            Err(error) => WitnessError::Serve(io::Error::other(error)),
        }
    }
}
