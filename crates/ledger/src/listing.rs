//! What records are found by: a few of their fields, kept apart so that a store can index them.

use crate::entry::{Completion, Intent};

/// The fields that lists of records are filtered by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Who asked: a pseudonym.
    pub principal: String,
    /// The client's program and version.
    pub client: Option<String>,
    /// The conversation.
    pub session: Option<String>,
    /// The repository.
    pub repository: Option<String>,
    /// The route that decided.
    pub route: Option<String>,
    /// The served model, else what was sent upstream; none while nothing was.
    pub model: Option<String>,
    /// How it ended; none while it has not.
    pub outcome: Option<String>,
}

impl Listing {
    /// What an intent settles.
    pub fn of(intent: &Intent) -> Self {
        Self {
            principal: intent.principal.clone(),
            client: intent.client.clone(),
            session: intent.session.clone(),
            repository: intent.repository.clone(),
            route: intent.decision.route.clone(),
            model: None,
            outcome: None,
        }
    }

    /// What its completion adds.
    pub fn complete(&mut self, completion: &Completion) {
        self.model = Self::model(completion);
        self.outcome = Some(completion.outcome.as_str().to_owned());
    }

    /// The model a completed record is listed under.
    pub fn model(completion: &Completion) -> Option<String> {
        completion.served_model.clone().or_else(|| completion.resolved_model.clone())
    }
}
