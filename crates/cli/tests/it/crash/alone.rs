//! One gateway with a ledger of its own: it is killed, its disk fails, its clock goes back, the power goes.

use std::time::Duration;

use waymark_testkit::{Faults, Random};

use super::asks::Got;
use super::books::{Books, Verified};
use super::house::{ASKED, House};
use super::rounds;

/// What befalls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
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
enum Relief {
    /// SIGKILL while it lasts, and a start on a disk that is well.
    Kill,
    /// The same, and what was not synced is lost.
    PowerCut,
    /// It goes away, and the gateway goes on.
    Mend,
    /// SIGINT while it lasts.
    Stop,
}

/// What happens in a round, and after how many steps.
#[derive(Debug)]
struct Plan {
    fault: Fault,
    strike: usize,
    relief: Relief,
    relieve: usize,
    /// What a power cut leaves.
    chance: u64,
}

impl Fault {
    fn draw(random: &mut Random) -> Self {
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

    /// Lets it befall the process; what ends the process is the relief.
    fn strike(self, faults: &Faults) {
        match self {
            Self::Kill | Self::PowerCut => {}
            Self::DiskFull(left) => faults.fill_disk(left),
            Self::ReadOnly => faults.make_read_only(),
            Self::SyncsFail { skip, times } => faults.fail_syncs(skip, times),
            Self::ClockBack(by) => faults.set_clock_back(by),
        }
    }
}

impl Relief {
    fn draw(fault: Fault, random: &mut Random) -> Self {
        match fault {
            Fault::Kill => Self::Kill,
            Fault::PowerCut => Self::PowerCut,
            _ => [Self::Kill, Self::PowerCut, Self::Mend, Self::Mend, Self::Stop][random.below(5)],
        }
    }
}

impl Plan {
    fn draw(random: &mut Random) -> Self {
        let fault = Fault::draw(random);
        let relief = Relief::draw(fault, random);
        let is_end = matches!(fault, Fault::Kill | Fault::PowerCut);
        let (strike, relieve) = (House::steps(random), House::steps(random) / 2);
        let relieve = if is_end { 0 } else { relieve };
        Self { fault, strike, relief, relieve, chance: random.bits() >> 16 }
    }
}

#[test]
fn every_answer_a_client_saw_has_its_record_whatever_breaks_and_whenever() {
    let seed = Random::seed();
    // The seed repeats what is asked and after how many steps what breaks; threads still race as they like.
    eprintln!("seed: {}={seed}", Random::SEED_VARIABLE);
    let mut random = Random::seeded(seed);
    let (mut house, mut books, mut lost) = (House::alone(), Books::default(), 0);
    house.up();
    books.count(&Verified::of(&house.gateways[0].waymark));
    for round in 0..rounds() {
        let plan = Plan::draw(&mut random);
        eprintln!("{round}: {plan:?}");
        let is_kill = matches!(plan.relief, Relief::Kill | Relief::PowerCut);
        let asks = house.draw(round, &mut random, |_| is_kill);
        let got = house.ask(&asks, |house, done| {
            house.wait(plan.strike, done);
            plan.fault.strike(&house.gateways[0].faults);
            house.wait(plan.relieve, done);
            let gateway = &mut house.gateways[0];
            match plan.relief {
                Relief::Mend => gateway.faults.mend(),
                Relief::Kill => gateway.kill(),
                Relief::PowerCut => {
                    gateway.kill();
                    lost += gateway.faults.cut_power(&mut Random::seeded(plan.chance));
                }
                Relief::Stop => {
                    gateway.stop();
                }
            }
        });
        let (whole, gateway) = (got.iter().filter(|got| got.is_whole()).count(), &house.gateways[0]);
        let failed = gateway.faults.injected();
        eprintln!("    {whole} whole; so far {failed} calls failed and {lost} writes were lost");
        let stood = Verified::of(&gateway.waymark);
        let restarted = !gateway.is_up();
        let http = house.is_well()[0];
        books.enter(ASKED, got, &stood, http, restarted);
    }
    house.gateways[0].kill();
    let spared = house.draw(rounds(), &mut random, |_| false);
    let spared = house.ask(&spared, |_, _| {});
    assert!(spared.iter().all(Got::is_whole), "with nothing broken every answer is whole: {spared:?}");
    let (http, gateway) = (house.is_well()[0], &mut house.gateways[0]);
    books.enter(ASKED, spared, &Verified::of(&gateway.waymark), http, true);
    eprintln!("{}", books.close(http, &gateway.waymark));
    assert_eq!(gateway.stop(), Some(0));
    books.count(&Verified::of(&gateway.waymark));
}
