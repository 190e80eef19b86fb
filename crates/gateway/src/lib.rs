//! The server: the only crate that knows HTTP.
//!
//! A request goes one way through the house: [`path`] reads it top to bottom. Around it stand the ingress
//! (sockets, guards, dialect endpoints), the upstreams, the recorder that makes records durable, the admin API
//! and the dashboard.

mod admin;
mod anchor;
pub mod attribution;
mod backup;
mod bodies;
mod clock;
mod config;
mod connections;
mod dashboard;
mod discovery;
mod door;
mod explain;
mod feedback;
mod generations;
mod guard;
mod health;
mod hedges;
mod ingress;
mod keys;
mod limits;
mod lists;
mod log;
mod path;
mod recorder;
mod relay;
mod replay;
mod server;
mod sessions;
mod snapshot;
mod state;
mod telemetry;
mod upstream;
mod witness;

pub use anchor::{
    AnchorConfig, AnchorError, Anchored, SavedNote, SavedNotes, anchor_now, saved_in_file,
    saved_in_repository,
};
pub use backup::{BackedUp, BackupError, backup, key_of, migrate};
pub use clock::SystemClock;
pub use config::{
    Config, DeploymentConfig, GateConfig, HedgeConfig, LedgerConfig, ModelConfig, OnFailure, Patience,
    Payloads, ProviderConfig, RouteConfig, TelemetryConfig,
};
pub use discovery::{Discovery, Found, discover};
pub use explain::{Decided, ExplainError, Explained, Rung, explain_route};
pub use keys::{DATABASE, KeyError, read_head, read_signer, read_verifier};
pub use limits::{
    KeyReport, KeyUse, KeysError, LimitsConfig, ListedKey, NewKey, Unpriced, Used, create_key, list_keys,
    revoke_key,
};
pub use recorder::{Erase, EraseError, ErasedReport, RecorderError, erase};
pub use replay::{Change, Cost, LeftOut, Replay, Replayed, Share, Side};
pub use server::{Running, ServerError, start};
pub use snapshot::SnapshotError;
pub use telemetry::TelemetryError;
pub use witness::{AskError, BookError, RunningWitness, Witness, WitnessConfig, WitnessError, start_witness};
