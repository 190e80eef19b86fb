//! Reading and writing files that belong to somebody else: symlinks stay, permissions stay, nothing is half written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::problem::ConnectError;

/// What a backup's name ends in.
const BACKUP: &str = ".waymark-backup";
/// More links than this in a row are a loop.
const MOST_LINKS: usize = 16;

/// A file's text; `None` when there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<String>, ConnectError> {
    match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| ConnectError::NotText(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConnectError::Read { path: path.to_owned(), source }),
    }
}

/// The SHA-256 of a text, in hexadecimal digits.
pub(crate) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file whole or not at all. One that is a symlink stays one; permissions stay. Returns the folders made,
/// the outermost first.
pub(crate) fn write(path: &Path, text: &str, private: bool) -> Result<Vec<PathBuf>, ConnectError> {
    let failed = |source| ConnectError::Write { path: path.to_owned(), source };
    let target = target(path).map_err(failed)?;
    let folder = target.parent().unwrap_or(Path::new("."));
    let made: Vec<PathBuf> =
        folder.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
    fs::create_dir_all(folder).map_err(failed)?;
    replace(&target, text, private).map_err(failed)?;
    Ok(made.into_iter().rev().collect())
}

/// Copies a file beside itself under a name that nothing has yet, and returns it. A copy with the same bytes is as
/// good.
pub(crate) fn back_up(path: &Path, text: &str) -> Result<PathBuf, ConnectError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    for number in 1_u32.. {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        let backup = path.with_file_name(format!("{name}{BACKUP}{number}"));
        let failed = |source| ConnectError::Write { path: backup.clone(), source };
        if fs::read(&backup).is_ok_and(|bytes| bytes == text.as_bytes()) {
            return Ok(backup);
        }
        match create(&backup, fs::metadata(path).ok().as_ref(), true) {
            Ok(mut file) => {
                let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
                return written.map(|()| backup.clone()).map_err(failed);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => return Err(failed(source)),
        }
    }
    Err(ConnectError::Write { path: path.to_owned(), source: ErrorKind::AlreadyExists.into() })
}

/// Removes a file; that it is gone already is no failure.
pub(crate) fn remove(path: &Path) -> Result<(), ConnectError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(ConnectError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Removes folders that are empty, the innermost first.
pub(crate) fn remove_empty(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        // One that holds something by now stays, which is no failure.
        let _ = fs::remove_dir(folder);
    }
}

/// The file a path leads to when it is a symlink, even one whose file is not there yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(link) => path = path.parent().unwrap_or(Path::new(".")).join(link),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symlinks"))
}

fn replace(target: &Path, text: &str, private: bool) -> io::Result<()> {
    let known = fs::metadata(target).ok();
    if known.as_ref().is_some_and(|known| known.permissions().readonly()) {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "it is read-only"));
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let temporary = target.with_file_name(format!(".{name}.waymark-{}", std::process::id()));
    let mut file = create(&temporary, known.as_ref(), private)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    drop(file);
    let done = written.and_then(|()| fs::rename(&temporary, target));
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    done
}

/// Makes a new file with another's permissions from its first moment on.
fn create(path: &Path, like: Option<&fs::Metadata>, private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let mode = like.map(|like| like.permissions().mode() & 0o7777);
        if let Some(mode) = mode.or(private.then_some(0o600)) {
            options.mode(mode);
        }
        let file = options.open(path)?;
        // The process's mask may have taken bits away.
        if let Some(mode) = mode {
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        Ok(file)
    }
    #[cfg(not(unix))]
    {
        let _ = (like, private);
        options.open(path)
    }
}
