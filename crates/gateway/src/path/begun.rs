//! A record's two halves on their way to the disk: never the second without the first.

use std::sync::Arc;

use waymark_ledger::{Entry, Intent};

use crate::limits::Hold;
use crate::recorder::{Payload, Pending, Recorder, Unrecorded};

/// A record whose intent is made.
pub(super) struct Begun {
    /// What the intent says.
    pub(super) intent: Arc<Intent>,
    /// What is held for the call, where it is counted.
    pub(super) hold: Option<Hold>,
    stage: Stage,
}

/// How far the intent has come.
enum Stage {
    /// Not handed to the writer yet: an answer that is whole at once has both halves in one batch.
    Held(Box<(Entry, Payload)>),
    /// With the writer.
    Sent(Pending),
    /// The writer did not take it.
    Lost(Unrecorded),
}

impl Begun {
    pub(super) fn new(intent: Intent, payload: Payload) -> Self {
        let intent = Arc::new(intent);
        let entry = Entry::Intent((*intent).clone());
        Self { intent, hold: None, stage: Stage::Held(Box::new((entry, payload))) }
    }

    /// Holds what the call is counted by until its record is complete.
    pub(super) fn holding(self, hold: Option<Hold>) -> Self {
        Self { hold, ..self }
    }

    /// Hands the intent to the writer, which works while an upstream is waited for.
    pub(super) async fn send(self, recorder: &Recorder) -> Self {
        let stage = match self.stage {
            Stage::Held(held) => {
                let (intent, payload) = *held;
                recorder.append(vec![intent], vec![payload]).await.map_or_else(Stage::Lost, Stage::Sent)
            }
            stage => stage,
        };
        Self { stage, ..self }
    }

    /// Waits until the intent is durable, once it was sent.
    pub(super) async fn durable(&mut self) -> Result<(), Unrecorded> {
        match &mut self.stage {
            Stage::Held(_) => Ok(()),
            Stage::Sent(pending) => pending.durable().await,
            Stage::Lost(error) => Err(error.clone()),
        }
    }

    /// Adds the completion and waits until the whole record is durable. Without an intent there is none.
    pub(super) async fn complete(
        self,
        recorder: &Recorder,
        completion: Entry,
        payloads: Vec<Payload>,
    ) -> Result<(), Unrecorded> {
        let mut pending = match self.stage {
            Stage::Held(held) => {
                let (intent, first) = *held;
                let payloads = std::iter::once(first).chain(payloads).collect();
                recorder.append(vec![intent, completion], payloads).await?
            }
            Stage::Sent(mut pending) => {
                pending.durable().await?;
                recorder.append(vec![completion], payloads).await?
            }
            Stage::Lost(error) => return Err(error),
        };
        pending.durable().await
    }
}
