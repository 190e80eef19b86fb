//! What the system says of itself and of processes. Linux tells all of this; elsewhere it is left out.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// The load average above which figures are not worth having.
const LOADED: f64 = 0.7;
/// How long to wait for a build's own load to fade; the average covers a minute.
const PATIENCE: Duration = Duration::from_secs(180);
/// Parts of a second in which Linux counts processor time for readers.
const TICKS: f64 = 100.0;

/// How busy the machine is.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// Processes that ran or wanted to, over the last minute.
    pub(crate) average: f64,
    /// Seconds of processor time spent since boot: by all, and by this program and what it has waited for.
    busy: Option<[f64; 2]>,
    at: Instant,
}

impl Load {
    /// Looks now.
    pub(crate) fn read() -> Self {
        Self::beside(&[])
    }

    /// Looks now; what `processes` have spent is not others'.
    pub(crate) fn beside(processes: &[u32]) -> Self {
        let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let average = text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0);
        let running: f64 = processes.iter().filter_map(|&process| processor_time(process)).sum();
        let busy = busy().zip(own()).map(|(all, own)| [all, own + running]);
        Self { average, busy, at: Instant::now() }
    }

    /// A line on how much others disturbed what was measured since.
    pub(crate) fn disturbance(&self, processes: &[u32]) -> String {
        let share = Self::beside(processes).others_since(self);
        share.map_or_else(String::new, |share| {
            format!("other processes took {:.1} % of the processors in these rounds", share * 100.0)
        })
    }

    /// The share of all processors that others took since `earlier`.
    pub(crate) fn others_since(&self, earlier: &Self) -> Option<f64> {
        let ([all, own], [all_before, own_before]) = (self.busy?, earlier.busy?);
        let elapsed = self.at.duration_since(earlier.at).as_secs_f64() * processors() as f64;
        Some(((all - all_before - (own - own_before)) / elapsed).clamp(0.0, 1.0))
    }
}

/// Processor seconds of the whole machine that were neither idle nor spent waiting.
fn busy() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<f64> = text.lines().next()?.split(' ').filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    (fields.len() >= 8).then(|| ([0, 1, 2, 5, 6, 7].map(|at| fields[at]).iter().sum::<f64>()) / TICKS)
}

/// Processor seconds of this program and of the children it has waited for.
fn own() -> Option<f64> {
    stat("self").map(|fields| fields.iter().sum())
}

/// User, system, children's user and children's system seconds.
fn stat(process: &str) -> Option<[f64; 4]> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, which may hold anything, ends at the last bracket; the fields below count from behind it.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let seconds = |at: usize| fields.get(at)?.parse::<f64>().ok().map(|ticks| ticks / TICKS);
    Some([seconds(11)?, seconds(12)?, seconds(13)?, seconds(14)?])
}

/// Processor seconds a process has spent, user and system.
pub(crate) fn processor_time(process: u32) -> Option<f64> {
    stat(&process.to_string()).map(|[user, system, ..]| user + system)
}

/// Resident memory of a process in MiB.
pub(crate) fn resident(process: u32) -> Option<f64> {
    memory(process, "VmRSS:")
}

/// The most resident memory a process has had so far, in MiB.
pub(crate) fn peak(process: u32) -> Option<f64> {
    memory(process, "VmHWM:")
}

fn memory(process: u32, what: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(what))?;
    line.trim().trim_end_matches(" kB").parse::<f64>().ok().map(|kib| kib / 1024.0)
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The machine in a few words.
pub(crate) fn describe() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = text.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok());
    let memory = kib.map_or(String::new(), |kib| format!(", {:.0} GiB memory", kib / 1024.0 / 1024.0));
    format!("{}-core {} machine{memory}", processors(), std::env::consts::OS)
}

/// The kind of file system a folder is on.
pub(crate) fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let over = fields.filter(|fields| fields.len() > 2 && folder.starts_with(fields[1]));
    over.max_by_key(|fields| fields[1].len())
        .map_or_else(|| "unknown".to_owned(), |fields| fields[2].to_owned())
}

/// Waits for the machine to come to rest; refuses one that does not, unless `loaded` is allowed.
pub(crate) fn settle(loaded: bool) -> Result<Load> {
    let started = Instant::now();
    loop {
        let load = Load::read();
        if load.average <= LOADED {
            return Ok(load);
        }
        if loaded {
            eprintln!(
                "warning: the load average is {:.2}; figures will be worse than they are",
                load.average
            );
            return Ok(load);
        }
        if started.elapsed() > PATIENCE {
            bail!(
                "the load average is {:.2}, above {LOADED}: end what else runs, or measure all the same with --loaded",
                load.average
            );
        }
        if started.elapsed() < Duration::from_secs(1) {
            eprintln!("waiting for the load average, {:.2}, to fall below {LOADED} ...", load.average);
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}
