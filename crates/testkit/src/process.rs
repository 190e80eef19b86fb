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
        self.stated("VmHWM:") << 10
    }

    /// The memory it has, in bytes.
    pub fn memory(&self) -> usize {
        self.stated("VmRSS:") << 10
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        self.stated("Threads:")
    }

    /// How many files and connections it has open.
    pub fn open_files(&self) -> usize {
        self.descriptors().count()
    }

    /// How many of them are sockets.
    pub fn open_sockets(&self) -> usize {
        // One that was closed meanwhile is none.
        let target = |descriptor: std::fs::DirEntry| std::fs::read_link(descriptor.path()).ok();
        self.descriptors()
            .filter_map(target)
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    }

    fn descriptors(&self) -> impl Iterator<Item = std::fs::DirEntry> {
        std::fs::read_dir(self.folder.join("fd")).expect("Linux's /proc").flatten()
    }

    /// What its status says under this name, a number, of kB where it is memory.
    fn stated(&self, name: &str) -> usize {
        let status = std::fs::read_to_string(self.folder.join("status")).expect("Linux's /proc");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of its status");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_told_from_files() {
        let own = Process::new(std::process::id());
        assert!(own.memory() > 0 && own.memory() <= own.peak_memory() && own.threads() > 0);
        // Other tests of this process open and close theirs, so that only a great many are surely seen.
        let open =
            || -> Vec<_> { (0..100).map(|_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).collect() };
        let (sockets, files) = (own.open_sockets(), own.open_files());
        let held = open();
        assert!(own.open_sockets() >= sockets + held.len() / 2);
        assert!(own.open_files() > own.open_sockets() && own.open_files() >= files + held.len() / 2);
    }
}
