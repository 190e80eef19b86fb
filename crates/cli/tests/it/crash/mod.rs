//! Promise 1 while things break: whoever got a byte of an answer finds its record, whoever got its end finds that on
//! record too, nothing is there twice, and no partial answer passes for whole.

mod asks;
mod books;
mod fault;
mod start;

use std::time::Duration;

use waymark_testkit::{Faults, Http, Random, Tally};

use asks::{Ask, EVENTS, Got, ask_at_once, upstream};
use books::{Books, Verified};
use fault::{Fault, Relief};

use crate::rig::Rig;

/// Moments at which something breaks, unless [`ROUNDS_VARIABLE`] says otherwise.
const ROUNDS: usize = 60;
const ROUNDS_VARIABLE: &str = "WAYMARK_CRASH_ROUNDS";
const CLIENTS: usize = 6;
const ASKS: usize = 3;

/// One gateway, what can befall it, and the steps by which moments are told.
struct House {
    rig: Rig,
    faults: Faults,
    progress: Tally,
    /// Counts the answers that the upstreams hold.
    held: Tally,
    running: Option<Http>,
    /// Writes of which power cuts took something.
    lost: usize,
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

impl Plan {
    fn draw(random: &mut Random) -> Self {
        let fault = Fault::draw(random);
        let relief = Relief::draw(fault, random);
        let (strike, relieve) = (random.below(CLIENTS * ASKS * EVENTS / 2), random.below(CLIENTS * EVENTS));
        Self { fault, strike, relief, relieve, chance: random.bits() >> 16 }
    }
}

impl House {
    fn new() -> Self {
        let (progress, held) = (Tally::new(), Tally::new());
        let rig = Rig::stopped(upstream(&progress, &held), upstream(&progress, &held));
        let faults = Faults::below(&rig.waymark.data_dir());
        Self { rig, faults, progress, held, running: None, lost: 0 }
    }

    /// The gateway, started where it is down.
    fn up(&mut self) -> Http {
        match self.running {
            Some(http) => http,
            None => {
                self.faults.settle();
                *self.running.insert(self.rig.waymark.start_with(&self.faults.environment()))
            }
        }
    }

    fn draw(&self, round: usize, may_hold: bool, random: &mut Random) -> Vec<Vec<Ask>> {
        let number = |client, ask| (round * CLIENTS + client) * ASKS + ask;
        let asks = |client| (0..ASKS).map(|ask| Ask::draw(number(client, ask), may_hold, random)).collect();
        (0..CLIENTS).map(asks).collect()
    }

    /// Lets every client ask, the fault strike and the relief come; says what clients got.
    fn broken(&mut self, plan: &Plan, asks: &[Vec<Ask>]) -> Vec<Got> {
        let http = self.up();
        let (progress, held, before) = (self.progress.clone(), self.held.clone(), self.held.count());
        ask_at_once(asks, &[http], &progress, |done| {
            let wait = |steps: usize| {
                let moment = progress.count() + steps;
                // Once every client has done or waits for what never comes, nothing more happens.
                let is_over = || done.count() + held.count() - before >= CLIENTS;
                while !progress.wait(moment, Duration::from_millis(20)) && !is_over() {}
            };
            wait(plan.strike);
            plan.fault.strike(&self.faults);
            if !plan.fault.is_end() {
                wait(plan.relieve);
            }
            match plan.relief {
                Relief::Mend => self.faults.mend(),
                Relief::Kill => self.kill(),
                Relief::PowerCut => {
                    self.kill();
                    self.lost += self.faults.cut_power(&mut Random::seeded(plan.chance));
                }
                Relief::Stop => self.stop(),
            }
        })
    }

    fn kill(&mut self) {
        self.rig.waymark.kill();
        self.down();
    }

    fn stop(&mut self) {
        let output = self.rig.waymark.stop();
        assert!(output.code.is_some() && !output.stderr.contains("panicked"), "{output:?}");
        self.down();
    }

    fn down(&mut self) {
        self.running = None;
        self.faults.mend();
    }
}

#[test]
fn every_answer_a_client_saw_has_its_record_whatever_breaks_and_whenever() {
    let seed = Random::seed();
    // The seed repeats what is asked and after how many steps what breaks; threads still race as they like.
    eprintln!("seed: {}={seed}", Random::SEED_VARIABLE);
    let rounds = std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let mut random = Random::seeded(seed);
    let (mut house, mut books) = (House::new(), Books::default());
    house.up();
    books.count(&Verified::of(&house.rig.waymark));
    for round in 0..rounds {
        let plan = Plan::draw(&mut random);
        eprintln!("{round}: {plan:?}");
        let asks = house.draw(round, plan.relief.is_kill(), &mut random);
        let got = house.broken(&plan, &asks);
        let (whole, failed) = (got.iter().filter(|got| got.is_whole()).count(), house.faults.injected());
        eprintln!("    {whole} whole; so far {failed} calls failed and {} writes lost", house.lost);
        let stood = Verified::of(&house.rig.waymark);
        let restarted = house.running.is_none();
        let http = house.up();
        assert_eq!(http.get("/healthz", &[]).status, 200, "{}", house.rig.waymark.stderr());
        books.enter(CLIENTS * ASKS, got, &stood, http, restarted);
    }
    house.kill();
    let http = house.up();
    let spared = house.draw(rounds, false, &mut random);
    let spared = ask_at_once(&spared, &[http], &house.progress, |_| {});
    assert!(spared.iter().all(Got::is_whole), "with nothing broken every answer is whole: {spared:?}");
    books.enter(CLIENTS * ASKS, spared, &Verified::of(&house.rig.waymark), http, true);
    eprintln!("{}", books.close(http, &house.rig.waymark));
    assert_eq!(house.rig.waymark.stop().code, Some(0));
    books.count(&Verified::of(&house.rig.waymark));
}
