//! Files that say what conversions give.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cases::tests_folder;

/// One folder of them.
pub(crate) struct Golden {
    folder: PathBuf,
    seen: BTreeSet<PathBuf>,
    wrong: Vec<String>,
}

/// Whether the files are to be written.
pub(crate) fn updating() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value != "0")
}

impl Golden {
    pub(crate) fn new(folder: &str) -> Self {
        Self { folder: tests_folder().join("golden").join(folder), seen: BTreeSet::new(), wrong: Vec::new() }
    }

    /// Compares what came out with the file, or makes it the file's content.
    pub(crate) fn check(&mut self, path: &str, content: &str) {
        let path = self.folder.join(path);
        if updating() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
        } else {
            match std::fs::read_to_string(&path) {
                Ok(expected) if expected == content => {}
                Ok(expected) => self.wrong.push(first_difference(&path, &expected, content)),
                Err(error) => self.wrong.push(format!("{}: {error}", path.display())),
            }
        }
        self.seen.insert(path);
    }

    /// Tells of everything that differs, and of files that no conversion gives any more.
    pub(crate) fn finish(mut self) {
        for path in files(&self.folder).difference(&self.seen) {
            if updating() {
                std::fs::remove_file(path).unwrap();
            } else {
                self.wrong.push(format!("{}: nothing is converted to this any more", path.display()));
            }
        }
        assert!(self.wrong.is_empty(), "run with UPDATE=1 if this is right:\n{}", self.wrong.join("\n"));
    }
}

fn first_difference(path: &Path, expected: &str, content: &str) -> String {
    let mut lines = expected.lines().zip(content.lines()).enumerate();
    let at = lines.find(|(_, (expected, content))| expected != content);
    match at {
        Some((line, (expected, content))) => {
            format!("{}:{}\n  - {expected}\n  + {content}", path.display(), line + 1)
        }
        None => format!("{}: one goes on where the other ends", path.display()),
    }
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeSet::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { BTreeSet::from([path]) }).collect()
}
