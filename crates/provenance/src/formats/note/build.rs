//! Notes from our own attribution.

use std::collections::BTreeMap;

use serde_json::Map;
use waymark_types::RecordId;

use super::{Agent, Attested, CONVERSATION, Note, Person, RECORD, REQUESTED_MODEL, Session, short, trace_of};
use crate::formats::lines::{LineSet, Lines};

/// Who wrote some lines, by our own attribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A model.
    Ai {
        /// The record of its answer.
        record: RecordId,
        /// The client's program.
        tool: String,
        /// The conversation, by the client's own key.
        session: String,
        /// The model that was served.
        model: String,
        /// The model that was asked for.
        requested: Option<String>,
        /// Who asked, if that is to be told: whoever can read the repository reads it.
        human: Option<String>,
    },
    /// A person.
    Human {
        /// The name.
        name: String,
        /// The address.
        email: String,
    },
}

impl Note {
    /// The note of a commit, by our own attribution: for each file, by its path, who wrote which lines. `version` is
    /// ours.
    pub fn build<'a>(
        base_commit: &str,
        version: &str,
        files: impl IntoIterator<Item = (&'a str, &'a [(Lines, By)])>,
    ) -> Self {
        let mut note = Self::new(base_commit, Some(format!("waymark/{version}")));
        for (path, spans) in files {
            let mut keys: Vec<String> = Vec::new();
            let mut runs: BTreeMap<String, Vec<Lines>> = BTreeMap::new();
            for (lines, by) in spans {
                let key = note.take(by);
                if !runs.contains_key(&key) {
                    keys.push(key.clone());
                }
                runs.entry(key).or_default().push(*lines);
            }
            let entries = keys.into_iter().filter_map(|key| {
                let lines: LineSet = runs.remove(&key)?.into_iter().collect();
                Some(Attested { key, lines })
            });
            let entries: Vec<Attested> = entries.collect();
            if !entries.is_empty() {
                note.files.entry(path.to_owned()).or_default().extend(entries);
            }
        }
        note
    }

    /// Takes in who wrote something, and returns the key.
    fn take(&mut self, by: &By) -> String {
        match by {
            By::Human { name, email } => {
                let author = format!("{name} <{email}>");
                let key = short("h_", &author);
                self.metadata.humans.entry(key.clone()).or_insert(Person { author, rest: Map::new() });
                key
            }
            By::Ai { record, tool, session, model, requested, human } => {
                let requested = requested.as_ref().filter(|requested| *requested != model);
                let id = conversation(session, requested, model);
                let key = short("s_", &format!("{tool}:{id}"));
                let known = self.metadata.sessions.entry(key.clone()).or_insert_with(|| {
                    let mut attributes = BTreeMap::from([(CONVERSATION.to_owned(), session.clone())]);
                    if let Some(requested) = requested {
                        attributes.insert(REQUESTED_MODEL.to_owned(), requested.clone());
                    }
                    Session {
                        agent_id: Agent { tool: tool.clone(), id, model: model.clone(), rest: Map::new() },
                        human_author: human.clone(),
                        custom_attributes: Some(attributes),
                        rest: Map::new(),
                    }
                });
                known.add_records([*record]);
                if known.human_author != *human {
                    // Two people in one session: the standard has room for one, and either would be wrong.
                    known.human_author = None;
                }
                format!("{key}::{}", trace_of(record))
            }
        }
    }
}

impl Session {
    /// Puts records among the session's, in order of their ids.
    pub(super) fn add_records(&mut self, records: impl IntoIterator<Item = RecordId>) {
        let mut all: Vec<RecordId> = self.records().chain(records).collect();
        if all.is_empty() {
            return;
        }
        all.sort_unstable();
        all.dedup();
        let ids: Vec<String> = all.iter().map(RecordId::to_string).collect();
        self.custom_attributes.get_or_insert_default().insert(RECORD.to_owned(), ids.join(" "));
    }
}

/// The id of a session of ours: the conversation and its models.
fn conversation(session: &str, requested: Option<&String>, served: &str) -> String {
    match requested {
        Some(requested) => format!("{session}#{requested}>{served}"),
        None => format!("{session}#{served}"),
    }
}
