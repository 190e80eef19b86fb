//! The server's life: open everything, bind, serve, drain.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waymark_flash::Flash;
use waymark_routing::content::{ContentError, ContentRules};
use waymark_store::Address;
use waymark_types::Clock;

use crate::anchor::Anchors;
use crate::bodies::Bodies;
use crate::config::Config;
use crate::connections;
use crate::door::Door;
use crate::health::Health;
use crate::hedges::Hedges;
use crate::ingress;
use crate::limits::{self, Limiting};
use crate::recorder::{self, Opened, RecorderError};
use crate::sessions::Sessions;
use crate::snapshot::{SnapshotError, snapshot};
use crate::state::State;
use crate::telemetry::{Telemetry, TelemetryError};
use crate::upstream::Upstreams;
use crate::witness::Witnesses;

/// How long answers under way may take to end once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// How long idle connections may take to close.
const CLOSE: Duration = Duration::from_secs(1);

/// The server cannot start or run.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("could not listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] RecorderError),
    /// The configuration is no policy.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The content rules cannot be used.
    #[error("the content rules cannot be used")]
    Content(#[from] ContentError),
    /// Telemetry cannot be sent as configured.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The HTTP client for providers cannot be made.
    #[error("could not prepare the connection to providers")]
    Upstream(#[from] reqwest::Error),
    /// Serving failed.
    #[error("the server failed")]
    Serve(#[source] io::Error),
}

/// A server that has begun to serve.
pub struct Running {
    address: SocketAddr,
    open_to_all: bool,
    origin: String,
    stop: CancellationToken,
    /// Stops the anchors, once every answer is on record.
    stop_anchors: CancellationToken,
    answers: TaskTracker,
    background: TaskTracker,
    serving: tokio::task::JoinHandle<io::Result<()>>,
    // Held as long as the server runs; releases the data directory at the very end.
    _lock: File,
}

/// Binds the address, opens the ledger and starts serving.
pub async fn start(config: Config, flash: Flash, clock: Arc<dyn Clock>) -> Result<Running, ServerError> {
    let bind = |source| ServerError::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let snapshot = snapshot(&config)?;
    let (answers, background) = (TaskTracker::new(), TaskTracker::new());
    let (stop, stop_anchors) = (CancellationToken::new(), CancellationToken::new());
    let opened = recorder::open(&config, &snapshot, &clock, &background, &stop).await?;
    let Opened { recorder, session_key, fingerprints, lock } = opened;
    let origin = recorder.verifier().name().to_owned();
    let shared = matches!(config.store, Address::Postgres { .. });
    let limits = Limiting::start(&recorder.shared_store(), shared, &background, &stop).await;
    let limits = limits.map_err(RecorderError::from)?;
    let telemetry = Telemetry::start(&config, &clock, &background)?;
    let state = Arc::new(State {
        anchors: Anchors::new(&config.anchors),
        witnesses: Witnesses::new(&config.witnesses, config.anchors.every)?,
        health: Health::new(&config, &snapshot.policy),
        hedges: Hedges::new(&config.routes),
        door: Door::new(config.max_concurrent),
        upstreams: Upstreams::new(&config.providers)?,
        config: Config { listen: address, ..config },
        content: ContentRules::new(&snapshot.policy.content)?,
        snapshot,
        recorder,
        limits,
        session_key,
        fingerprints,
        gates: crate::path::gate::Spent::default(),
        sessions: Sessions::default(),
        flash,
        telemetry,
        bodies: Bodies::new(),
        started: clock.now(),
        clock,
        answers: answers.clone(),
    });
    let open_to_all = !address.ip().is_loopback() && !limits::needs_key(&state);
    background.spawn(anchor(Arc::clone(&state), stop_anchors.clone()));
    background.spawn(warm(Arc::clone(&state), stop.clone()));
    let listener = listener.tap_io(|connection| {
        // Small events must leave at once, not wait for the client's acknowledgement.
        let _ = connection.set_nodelay(true);
    });
    let serving = background.spawn(connections::serve(listener, ingress::router(state), stop.clone()));
    Ok(Running {
        address,
        open_to_all,
        origin,
        stop,
        stop_anchors,
        answers,
        background,
        serving,
        _lock: lock,
    })
}

/// Opens connections to providers ahead of the first request.
async fn warm(state: Arc<State>, stop: CancellationToken) {
    tokio::select! {
        () = state.upstreams.warm(&state.config.providers) => {}
        () = stop.cancelled() => {}
    }
}

/// Anchors the ledger's checkpoints and has them cosigned. It holds the state, and so keeps the ledger open, until the last one is made.
async fn anchor(state: Arc<State>, stop: CancellationToken) {
    let (recorder, clock) = (&state.recorder, state.clock.as_ref());
    let anchors =
        state.anchors.run(recorder.store(), recorder.verifier(), clock, &state.upstreams, stop.clone());
    tokio::join!(anchors, state.witnesses.run(recorder.store(), clock, stop));
}

impl Running {
    /// The address listened on, its port filled in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether everybody who reaches the address from elsewhere may ask, without a key.
    pub fn is_open_to_all(&self) -> bool {
        self.open_to_all
    }

    /// The ledger's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Takes no more requests, lets answers under way end, and closes the ledger. Returns how many answers were
    /// cut off because they outlasted the drain.
    pub async fn drain(mut self) -> usize {
        self.stop.cancel();
        self.answers.close();
        let drained = tokio::time::timeout(DRAIN, self.answers.wait()).await;
        let cut_off = if drained.is_ok() { 0 } else { self.answers.len() };
        // Connections that stay open without a request are not waited for.
        let _ = tokio::time::timeout(CLOSE, &mut self.serving).await;
        self.serving.abort();
        self.stop_anchors.cancel();
        self.background.close();
        // The writer ends once the last holder of the state is gone.
        let closed = tokio::time::timeout(DRAIN, self.background.wait()).await;
        if closed.is_err() {
            tracing::error!(
                "the ledger did not close in time; nothing is lost, it is taken up at the next start"
            );
        }
        cut_off
    }

    /// Waits for the server to fail by itself.
    pub async fn failed(&mut self) -> ServerError {
        match (&mut self.serving).await {
            Ok(Err(error)) => ServerError::Serve(error),
            Ok(Ok(())) => ServerError::Serve(io::Error::other("it stopped by itself")),
            Err(error) => ServerError::Serve(io::Error::other(error)),
        }
    }
}
