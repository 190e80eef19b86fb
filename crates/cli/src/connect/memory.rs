//! What was done to a client's files, kept in the data directory so that it can be taken back.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::edit::{Format, Trace, same_value};
use super::files;
use super::problem::ConnectError;

/// A client as connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Connection {
    /// Its name, as typed.
    pub(crate) client: String,
    /// The base URL it was pointed at.
    pub(crate) address: String,
    /// What was changed.
    pub(crate) files: Vec<Touched>,
}

/// A file as changed. Previous values may be secrets of the user's: this never leaves its file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Touched {
    /// The file.
    pub(crate) file: PathBuf,
    /// The kind of text.
    pub(crate) format: Format,
    /// SHA-256 of the text before; none when there was no file.
    pub(crate) before: Option<String>,
    /// SHA-256 of the text after.
    pub(crate) after: String,
    /// The copy of the text before.
    pub(crate) backup: Option<PathBuf>,
    /// Whether `before` is the text before anything was done; not so once others wrote in between.
    pub(crate) whole: bool,
    /// Folders made for it, the outermost first.
    pub(crate) folders: Vec<PathBuf>,
    /// What was done, in order.
    pub(crate) traces: Vec<Trace>,
}

impl std::fmt::Debug for Touched {
    /// Without the traces, whose previous values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Touched")
            .field("file", &self.file)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

impl Touched {
    /// Whether nobody wrote between what was done earlier and what is done now.
    pub(crate) fn continues(&self, earlier: &Self) -> bool {
        earlier.whole && self.before.as_ref() == Some(&earlier.after)
    }

    /// Joins what was done earlier with what was done now, so that both are taken back at once.
    pub(crate) fn after(self, earlier: &Self) -> Self {
        let unbroken = self.continues(earlier);
        let of =
            |traces: &[Trace], trace: &Trace| traces.iter().find(|other| same_place(other, trace)).cloned();
        // Each keeps its place: what was made first must go last.
        let mut traces: Vec<Trace> = earlier
            .traces
            .iter()
            .map(|old| of(&self.traces, old).map_or(old.clone(), |new| inherited(new, old)))
            .collect();
        traces.extend(self.traces.iter().filter(|new| of(&earlier.traces, new).is_none()).cloned());
        let folders = earlier.folders.clone();
        match unbroken {
            true => Self {
                before: earlier.before.clone(),
                backup: earlier.backup.clone(),
                whole: true,
                folders,
                traces,
                ..self
            },
            false => Self { whole: false, folders, traces, ..self },
        }
    }
}

fn same_place(one: &Trace, other: &Trace) -> bool {
    match (one, other) {
        (Trace::Key { path: one, .. }, Trace::Key { path: other, .. }) => one == other,
        (Trace::Block { .. }, Trace::Block { .. }) => true,
        _ => false,
    }
}

/// A key set anew over our own value goes back to what stood there before ours.
fn inherited(new: Trace, old: &Trace) -> Trace {
    match (new, old) {
        (
            Trace::Key { path, set, previous: Some(replaced), .. },
            Trace::Key { set: ours, previous, made, .. },
        ) if same_value(&replaced, ours) => Trace::Key { path, set, previous: previous.clone(), made: *made },
        (new, _) => new,
    }
}

/// Where a client's memory is.
fn path(data_dir: &Path, client: &str) -> PathBuf {
    data_dir.join("connections").join(format!("{client}.json"))
}

/// What was done to a client; `None` when nothing was.
pub(crate) fn load(data_dir: &Path, client: &str) -> Result<Option<Connection>, ConnectError> {
    let path = path(data_dir, client);
    let text = files::read(&path)?;
    let parsed = text.map(|text| serde_json::from_str(&text));
    parsed.transpose().map_err(|source| ConnectError::Memory { path, source })
}

/// Remembers it, for this user's eyes only.
pub(crate) fn save(data_dir: &Path, connection: &Connection) -> Result<(), ConnectError> {
    let path = path(data_dir, &connection.client);
    let text = serde_json::to_string_pretty(connection)
        .map_err(|source| ConnectError::Memory { path: path.clone(), source })?;
    files::write(&path, &format!("{text}\n"), true).map(drop)
}

/// Forgets it.
pub(crate) fn forget(data_dir: &Path, client: &str) -> Result<(), ConnectError> {
    files::remove(&path(data_dir, client))
}
