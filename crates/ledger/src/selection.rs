//! Which records are meant: by time and by name.

use waymark_types::Timestamp;

use crate::record::Record;

/// Which records are meant. What is left open holds for all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those that began at this time or later.
    pub since: Option<Timestamp>,
    /// Those that began before this time.
    pub until: Option<Timestamp>,
    /// Those in which this model was requested, resolved or served.
    pub model: Option<String>,
    /// Those that this route decided.
    pub route: Option<String>,
    /// Those of this session.
    pub session: Option<String>,
    /// Those of this client: its name, or its name and version.
    pub client: Option<String>,
}

impl Selection {
    /// Whether `record` is meant.
    pub fn takes(&self, record: &Record) -> bool {
        let (intent, completion) = (&record.intent, record.completion.as_ref());
        let models = [
            intent.requested_model.as_ref(),
            completion.and_then(|completion| completion.resolved_model.as_ref()),
            completion.and_then(|completion| completion.served_model.as_ref()),
        ];
        self.since.is_none_or(|since| intent.started >= since)
            && self.until.is_none_or(|until| intent.started < until)
            && self.model.as_ref().is_none_or(|model| models.contains(&Some(model)))
            && is(&self.route, &intent.decision.route)
            && is(&self.session, &intent.session)
            && self
                .client
                .as_ref()
                .is_none_or(|client| intent.client.as_ref().is_some_and(|of| names(client, of)))
    }
}

fn is(wanted: &Option<String>, found: &Option<String>) -> bool {
    wanted.is_none() || wanted == found
}

/// Whether `client`, a program and its version, is the one called `wanted`.
fn names(wanted: &str, client: &str) -> bool {
    client.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn takes(selection: &Selection) -> bool {
        selection.takes(&samples::record(1))
    }

    #[test]
    fn an_empty_selection_takes_everything() {
        assert!(takes(&Selection::default()));
    }

    #[test]
    fn a_model_is_meant_by_each_of_its_three_names() {
        for (name, taken) in [("auto", true), ("small-1", true), ("small-1-2026", true), ("small", false)] {
            assert_eq!(
                takes(&Selection { model: Some(name.into()), ..Selection::default() }),
                taken,
                "{name}"
            );
        }
    }

    #[test]
    fn a_client_is_meant_with_and_without_its_version() {
        for (name, taken) in [("test", true), ("test/1", true), ("test/2", false), ("te", false)] {
            assert_eq!(
                takes(&Selection { client: Some(name.into()), ..Selection::default() }),
                taken,
                "{name}"
            );
        }
    }

    #[test]
    fn the_first_moment_is_in_and_the_last_is_not() {
        let started = samples::intent(1).started;
        assert!(takes(&Selection { since: Some(started), ..Selection::default() }));
        assert!(!takes(&Selection { until: Some(started), ..Selection::default() }));
    }

    #[test]
    fn routes_and_sessions_are_meant_by_name() {
        assert!(takes(&Selection { route: Some("auto".into()), ..Selection::default() }));
        assert!(!takes(&Selection { session: Some("one".into()), ..Selection::default() }));
    }
}
