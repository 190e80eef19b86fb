//! What befalls a gateway, and what comes of it.

use std::time::Duration;

use waymark_testkit::{Faults, Random};

/// What befalls it, once so many things have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// SIGKILL.
    Kill,
    /// SIGKILL, and of what was not synced only chance says what is left.
    PowerCut,
    /// The disk takes so many bytes more.
    DiskFull(usize),
    /// The disk takes nothing.
    ReadOnly,
    /// After `skip` syncs, so many fail, or all.
    SyncsFail { skip: usize, times: Option<usize> },
    /// The clock is so much behind.
    ClockBack(Duration),
}

/// What ends it, some things later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relief {
    /// SIGKILL while it lasts, and a start on a disk that is well.
    Kill,
    /// The same, and what was not synced is lost.
    PowerCut,
    /// It goes away, and the gateway goes on.
    Mend,
    /// SIGINT while it lasts.
    Stop,
}

impl Fault {
    pub(super) fn draw(random: &mut Random) -> Self {
        match random.below(10) {
            0..2 => Self::Kill,
            2..4 => Self::PowerCut,
            4..6 => Self::DiskFull(random.below(60_000)),
            6 => Self::ReadOnly,
            7..9 => {
                let times = [None, Some(1), Some(2)][random.below(3)];
                Self::SyncsFail { skip: random.below(12), times }
            }
            _ => Self::ClockBack(Duration::from_secs(1 + random.below(40 * 86_400) as u64)),
        }
    }

    /// Lets it befall the process; what ends the process is the caller's own.
    pub(super) fn strike(self, faults: &Faults) {
        match self {
            Self::Kill | Self::PowerCut => {}
            Self::DiskFull(left) => faults.fill_disk(left),
            Self::ReadOnly => faults.make_read_only(),
            Self::SyncsFail { skip, times } => faults.fail_syncs(skip, times),
            Self::ClockBack(by) => faults.set_clock_back(by),
        }
    }

    /// Whether it ends the process at once.
    pub(super) fn is_end(self) -> bool {
        matches!(self, Self::Kill | Self::PowerCut)
    }
}

impl Relief {
    /// Whether the process has no time to close anything.
    pub(super) fn is_kill(self) -> bool {
        matches!(self, Self::Kill | Self::PowerCut)
    }

    pub(super) fn draw(fault: Fault, random: &mut Random) -> Self {
        match fault {
            Fault::Kill => Self::Kill,
            Fault::PowerCut => Self::PowerCut,
            _ => [Self::Kill, Self::PowerCut, Self::Mend, Self::Mend, Self::Stop][random.below(5)],
        }
    }
}
