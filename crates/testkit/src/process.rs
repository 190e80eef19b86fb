//! What a process takes of the machine, as Linux tells it.

use std::path::PathBuf;

/// A running process.
#[derive(Debug, Clone)]
pub struct Process {
    folder: PathBuf,
}

impl Process {
    pub(crate) fn new(id: u32) -> Self {
        Self { folder: format!("/proc/{id}").into() }
    }

    /// The most memory it has had so far, in bytes.
    pub fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(self.folder.join("status")).expect("Linux's /proc");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak is stated");
        let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        kibibytes << 10
    }

    /// How many files and connections it has open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(self.folder.join("fd")).expect("Linux's /proc").count()
    }
}

/// Lets this process have `count` files open, where the system allows it: many start with 1,024.
#[cfg(unix)]
pub fn allow_files(count: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < count) {
        let current = Some(limit.maximum.map_or(count, |most| most.min(count)));
        setrlimit(Resource::Nofile, Rlimit { current, ..limit }).expect("a limit below the highest");
    }
}
