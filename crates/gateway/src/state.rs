//! What every request shares.

use std::sync::Arc;

use tokio_util::task::TaskTracker;
use waymark_flash::Flash;
use waymark_routing::Snapshot;
use waymark_routing::content::ContentRules;
use waymark_types::{Clock, Timestamp};

use crate::anchor::Anchors;
use crate::attribution::FingerprintKey;
use crate::bodies::Bodies;
use crate::config::Config;
use crate::door::Door;
use crate::health::Health;
use crate::hedges::Hedges;
use crate::limits::Limiting;
use crate::path::SessionKey;
use crate::recorder::Recorder;
use crate::sessions::Sessions;
use crate::telemetry::Telemetry;
use crate::upstream::Upstreams;
use crate::witness::Witnesses;

/// What every request shares.
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) snapshot: Snapshot,
    /// The snapshot's content rules, made ready.
    pub(crate) content: ContentRules,
    pub(crate) recorder: Recorder,
    /// Who may ask, and what they used.
    pub(crate) limits: Limiting,
    /// Where the ledger's checkpoints are anchored.
    pub(crate) anchors: Anchors,
    pub(crate) witnesses: Witnesses,
    pub(crate) session_key: SessionKey,
    pub(crate) fingerprints: FingerprintKey,
    /// What output gates have thrown away.
    pub(crate) gates: crate::path::gate::Spent,
    /// Where sessions stand.
    pub(crate) sessions: Sessions,
    pub(crate) upstreams: Upstreams,
    pub(crate) flash: Flash,
    pub(crate) health: Health,
    /// How many requests are answered at a time.
    pub(crate) door: Door,
    /// What is left to hedge completions with.
    pub(crate) hedges: Hedges,
    pub(crate) telemetry: Telemetry,
    /// The room for bodies in memory.
    pub(crate) bodies: Bodies,
    pub(crate) clock: Arc<dyn Clock>,
    /// Answers under way; the drain waits for them.
    pub(crate) answers: TaskTracker,
    /// When the server started.
    pub(crate) started: Timestamp,
}
