//! Pointing a client at this server by its own settings, and taking that back.
//!
//! `clients` is what is known of each client, `edit` changes texts, `files` and `memory` touch the disk. The user's
//! folders and environment come in as a [`Home`]; nothing here reads them by itself.

mod address;
mod clients;
mod diff;
mod edit;
mod files;
mod home;
mod memory;
mod probe;
mod problem;
mod state;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use edit::{Applied, EditError, apply, take_back};
use memory::{Connection, Touched};

pub(crate) use address::{Address, AddressError};
pub(crate) use clients::{ALL, Client, Plan};
pub(crate) use diff::print as print_diff;
pub(crate) use home::{Home, Platform};
pub(crate) use probe::{Answer, ask};
pub(crate) use problem::ConnectError;
pub(crate) use state::{Here, State, state};

/// What becomes, or would become, of one file.
pub(crate) struct FileChange {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its text; none when it is not there.
    pub(crate) before: Option<String>,
    /// Its text afterwards; none when it goes.
    pub(crate) after: Option<String>,
    /// The copy of the text before, once it is made.
    pub(crate) backup: Option<PathBuf>,
    /// What to say of it beside that.
    pub(crate) remarks: Vec<String>,
    /// What to write by hand, where it cannot be edited safely.
    pub(crate) by_hand: Option<String>,
}

impl FileChange {
    /// Whether the file does not stay as it is.
    pub(crate) fn is_change(&self) -> bool {
        self.before != self.after
    }
}

/// Everything needed to do it.
struct Prepared {
    change: FileChange,
    touched: Option<Touched>,
}

/// The names clients are typed by.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|client| client.name)
}

/// The client of a name.
pub(crate) fn client(name: &str) -> Option<&'static Client> {
    ALL.into_iter().find(|client| client.name == name)
}

/// Points a client here, or with `dry_run` says what that would change. Every file is read and edited in memory
/// before the first is written.
pub(crate) fn connect(
    client: &Client,
    plan: &Plan,
    address: &Address,
    data_dir: &Path,
    dry_run: bool,
) -> Result<Vec<FileChange>, ConnectError> {
    let earlier = memory::load(data_dir, client.name)?;
    let prepared: Result<Vec<Prepared>, _> = plan.files.iter().map(prepare).collect();
    let mut prepared = prepared?;
    let any = prepared.iter().any(|prepared| prepared.change.is_change());
    if dry_run || !any {
        return Ok(prepared.into_iter().map(|prepared| prepared.change).collect());
    }
    let fresh = || Connection { client: client.name.to_owned(), address: String::new(), files: Vec::new() };
    let mut connection = earlier.unwrap_or_else(fresh);
    connection.address = address.base().to_owned();
    for prepared in &mut prepared {
        carry_out(prepared, &mut connection, data_dir)?;
    }
    Ok(prepared.into_iter().map(|prepared| prepared.change).collect())
}

/// Backs up, remembers, writes: in this order, so that whatever is done can be taken back.
fn carry_out(
    Prepared { change, touched }: &mut Prepared,
    connection: &mut Connection,
    data_dir: &Path,
) -> Result<(), ConnectError> {
    let (Some(touched), Some(after)) = (touched.take(), &change.after) else { return Ok(()) };
    let index = connection.files.iter().position(|known| known.file == touched.file);
    let earlier = index.and_then(|index| connection.files.get(index));
    change.backup = match earlier.filter(|earlier| touched.continues(earlier)) {
        Some(earlier) => earlier.backup.clone(),
        None => change.before.as_ref().map(|text| files::back_up(&change.path, text)).transpose()?,
    };
    let touched = Touched { backup: change.backup.clone(), ..touched };
    let touched = match earlier {
        Some(earlier) => touched.after(earlier),
        None => touched,
    };
    let index = index.unwrap_or(connection.files.len());
    match connection.files.get_mut(index) {
        Some(known) => *known = touched,
        None => connection.files.push(touched),
    }
    memory::save(data_dir, connection)?;
    let folders = files::write(&change.path, after, false)?;
    if let Some(known) = connection.files.get_mut(index).filter(|_| !folders.is_empty()) {
        known.folders = folders;
        memory::save(data_dir, connection)?;
    }
    Ok(())
}

fn prepare(file: &clients::FileEdit) -> Result<Prepared, ConnectError> {
    let before = files::read(&file.path)?;
    let path = file.path.clone();
    let mut change = FileChange {
        path: path.clone(),
        after: before.clone(),
        before,
        backup: None,
        remarks: Vec::new(),
        by_hand: None,
    };
    let Applied { text, traces } = match apply(change.before.as_deref().unwrap_or_default(), &file.edit) {
        Ok(applied) => applied,
        Err(error @ EditError::NotSafe(_)) => {
            change.remarks.push(error.to_string());
            change.by_hand = Some(file.edit.by_hand());
            return Ok(Prepared { change, touched: None });
        }
        Err(source) => return Err(ConnectError::Edit { path, source }),
    };
    if traces.is_empty() {
        return Ok(Prepared { change, touched: None });
    }
    let touched = Touched {
        file: path,
        format: file.edit.format(),
        before: change.before.as_deref().map(files::digest),
        after: files::digest(&text),
        backup: None,
        whole: true,
        folders: Vec::new(),
        traces,
    };
    change.after = Some(text);
    Ok(Prepared { change, touched: Some(touched) })
}

/// Takes back what [`connect`] did, or with `dry_run` says what that would change; `None` when nothing was done.
pub(crate) fn undo(
    client: &Client,
    data_dir: &Path,
    dry_run: bool,
) -> Result<Option<Vec<FileChange>>, ConnectError> {
    let Some(connection) = memory::load(data_dir, client.name)? else { return Ok(None) };
    let changes: Result<Vec<FileChange>, _> = connection.files.iter().map(undone).collect();
    let mut changes = changes?;
    if dry_run {
        return Ok(Some(changes));
    }
    for (touched, change) in connection.files.iter().zip(&mut changes) {
        let restored = change.after.as_deref().map(files::digest) == touched.before && touched.whole;
        match (&change.before, &change.after) {
            (before, after) if before == after => {}
            (_, Some(after)) => {
                if let (false, Some(before)) = (restored, &change.before) {
                    change.backup = Some(files::back_up(&change.path, before)?);
                }
                files::write(&change.path, after, false).map(drop)?;
            }
            (_, None) => {
                files::remove(&change.path)?;
                files::remove_empty(&touched.folders);
            }
        }
        // The file is its own backup again.
        if let (true, Some(backup)) = (restored, &touched.backup) {
            files::remove(backup)?;
        }
    }
    memory::forget(data_dir, client.name)?;
    Ok(Some(changes))
}

/// What a file is with our keys taken back: the very bytes it had when nobody wrote in between.
fn undone(touched: &Touched) -> Result<FileChange, ConnectError> {
    let before = files::read(&touched.file)?;
    let mut change = FileChange {
        path: touched.file.clone(),
        after: before.clone(),
        before,
        backup: None,
        remarks: Vec::new(),
        by_hand: None,
    };
    let Some(text) = &change.before else {
        change.remarks.push("it is gone, with our keys".to_owned());
        return Ok(change);
    };
    let digest = files::digest(text);
    if Some(&digest) == touched.before.as_ref() {
        return Ok(change);
    }
    if digest == touched.after && touched.whole {
        match (&touched.before, original(touched)) {
            (None, _) => {
                change.after = None;
                return Ok(change);
            }
            (Some(_), Some(original)) => {
                change.after = Some(original);
                return Ok(change);
            }
            (Some(_), None) => change.remarks.push("its backup is gone or was changed".to_owned()),
        }
    } else {
        change.remarks.push("others wrote to it since, so only our keys were taken out".to_owned());
    }
    let taken = take_back(text, touched.format, &touched.traces)
        .map_err(|source| ConnectError::Edit { path: touched.file.clone(), source })?;
    for key in taken.kept {
        change.remarks.push(format!("`{key}` was changed since and stays"));
    }
    change.after = Some(taken.text);
    Ok(change)
}

/// The text before, when its backup still is what was backed up.
fn original(touched: &Touched) -> Option<String> {
    let text = files::read(touched.backup.as_ref()?).ok()??;
    (Some(files::digest(&text)) == touched.before).then_some(text)
}
