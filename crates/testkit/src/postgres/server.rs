//! A running server: the postmaster and the processes it has begotten, each a leader of its own group.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::cluster::{Cluster, as_server};
use crate::{DEADLINE, wait_until};

/// How often a server is looked at while it starts or ends.
const LOOK: Duration = Duration::from_millis(5);

/// A running server; dropping it leaves it running, for the cluster clears up.
#[derive(Debug)]
pub(super) struct Server {
    postmaster: Child,
}

impl Server {
    /// Starts it and waits until it takes connections.
    pub(super) fn start(cluster: &Cluster) -> Self {
        let until = Instant::now() + DEADLINE;
        loop {
            let log = || File::options().create(true).append(true).open(cluster.log_file()).expect("a log");
            let mut command = as_server("postgres");
            let postmaster = command
                .arg("-D")
                .arg(cluster.data())
                .stdout(Stdio::from(log()))
                .stderr(Stdio::from(log()))
                .spawn()
                .expect("postgres starts");
            let mut server = Self { postmaster };
            if server.is_ready(cluster, until) {
                return server;
            }
            // A foreign socket may hold the port for a moment, and a killed server's memory may still be going.
            assert!(Instant::now() < until, "PostgreSQL does not start\n{}", cluster.log());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until it says so in its own file; `false` when it has ended instead.
    fn is_ready(&mut self, cluster: &Cluster, until: Instant) -> bool {
        let (id, file) = (self.postmaster.id().to_string(), cluster.data().join("postmaster.pid"));
        while Instant::now() < until {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let mut lines = text.lines();
            if lines.next() == Some(&id) && lines.nth(6).is_some_and(|status| status.trim() == "ready") {
                return true;
            }
            if self.postmaster.try_wait().expect("a child of ours").is_some() {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        self.signal(Signal::KILL);
        let _ = self.postmaster.wait();
        false
    }

    /// Ends all of it at once and waits until it is gone.
    pub(super) fn kill(mut self) {
        let family = self.standing_still();
        self.signal(Signal::KILL);
        signal_all(&family, Signal::KILL);
        let _ = self.postmaster.wait();
        wait_until("the killed server's processes are gone", || !family.iter().any(|id| is_alive(*id)));
    }

    /// Ends it in good order, whoever is connected.
    pub(super) fn stop(mut self) {
        self.resume();
        self.signal(Signal::INT);
        wait_until("PostgreSQL ends", || self.postmaster.try_wait().expect("a child of ours").is_some());
    }

    pub(super) fn pause(&self) {
        self.standing_still();
    }

    pub(super) fn resume(&self) {
        signal_all(&self.family(), Signal::CONT);
        self.signal(Signal::CONT);
    }

    /// Stops all of it where it is, the postmaster first, so that nothing new comes; says who else there is.
    fn standing_still(&self) -> Vec<u32> {
        self.signal(Signal::STOP);
        wait_until("the postmaster stands still", || state(self.postmaster.id()) == Some('T'));
        let family = self.family();
        signal_all(&family, Signal::STOP);
        family
    }

    /// The postmaster's children.
    fn family(&self) -> Vec<u32> {
        let id = self.postmaster.id();
        let text = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("Linux's /proc");
        text.split_whitespace().map(|id| id.parse().expect("a process id")).collect()
    }

    fn signal(&self, signal: Signal) {
        signal_all(&[self.postmaster.id()], signal);
    }
}

/// Signals those that are still there.
fn signal_all(ids: &[u32], signal: Signal) {
    for id in ids {
        let id = i32::try_from(*id).ok().and_then(Pid::from_raw).expect("a process id");
        let _ = kill_process(id, signal);
    }
}

/// The letter of its state; `None` when there is no such process.
fn state(id: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn is_alive(id: u32) -> bool {
    state(id).is_some_and(|state| state != 'Z' && state != 'X')
}
