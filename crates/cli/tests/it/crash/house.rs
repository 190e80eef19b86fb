//! Gateways to break, what they stand on, and the steps by which moments are told.

use std::net::SocketAddr;
use std::time::Duration;

use waymark_testkit::{Faults, Http, Postgres, Proxy, Random, Tally, Waymark, wait_until};

use super::asks::{Ask, EVENTS, Got, ask_at_once, upstream};
use crate::rig::{BINARY, Rig};

pub(super) const CLIENTS: usize = 6;
pub(super) const ASKS: usize = 3;
/// What the clients of one round ask.
pub(super) const ASKED: usize = CLIENTS * ASKS;
const LOOK: Duration = Duration::from_millis(20);
/// After so many looks at which nothing had happened, a moment has come all the same.
const PATIENCE: usize = 5;

/// Gateways on one ledger.
pub(super) struct House {
    pub(super) gateways: Vec<Gateway>,
    /// What they share, unless there is one with a ledger of its own.
    pub(super) server: Option<Postgres>,
    pub(super) progress: Tally,
    /// The upstreams.
    _rig: Rig,
}

/// One gateway, running or not.
pub(super) struct Gateway {
    pub(super) waymark: Waymark,
    /// Of its disk and its clock.
    pub(super) faults: Faults,
    /// Its way to the server.
    pub(super) proxy: Option<Proxy>,
    running: Option<Http>,
}

impl House {
    /// One gateway with SQLite.
    pub(super) fn alone() -> Self {
        Self::new(None, 1)
    }

    /// So many gateways, running, with one key on one PostgreSQL.
    pub(super) fn shared(gateways: usize) -> Self {
        let server = Postgres::start();
        server.create_database("ledger");
        let mut house = Self::new(Some(server), gateways);
        let (first, others) = house.gateways.split_first_mut().unwrap();
        first.up();
        for gateway in others {
            std::fs::create_dir_all(gateway.waymark.data_dir()).unwrap();
            for file in ["ledger.key", "ledger.vkey"] {
                let there = gateway.waymark.data_dir().join(file);
                std::fs::copy(first.waymark.data_dir().join(file), there).unwrap();
            }
            gateway.up();
        }
        house
    }

    fn new(server: Option<Postgres>, gateways: usize) -> Self {
        let progress = Tally::new();
        let rig = Rig::stopped(upstream(&progress), upstream(&progress));
        let gateway = || {
            let mut waymark = Waymark::new(BINARY);
            waymark.env("SCRIPTED_KEY", "upstream-key");
            waymark.configure(&rig.configuration());
            let faults = Faults::below(&waymark.data_dir());
            let port = |server: &Postgres| SocketAddr::from(([127, 0, 0, 1], server.port()));
            let proxy = server.as_ref().map(|server| Proxy::to(port(server)));
            if let Some(server) = &server {
                // Commands reach the server whatever befalls a gateway's way.
                waymark.env("WAYMARK_STORE_URL", &server.url("ledger"));
            }
            Gateway { waymark, faults, proxy, running: None }
        };
        let gateways = (0..gateways).map(|_| gateway()).collect();
        Self { gateways, server, progress, _rig: rig }
    }

    /// Starts whoever is down.
    pub(super) fn up(&mut self) -> Vec<Http> {
        self.gateways.iter_mut().map(Gateway::up).collect()
    }

    /// What the clients of a round ask; `may_hold`: of which gateways an answer may be one that the upstream holds.
    pub(super) fn draw(
        &self,
        round: usize,
        random: &mut Random,
        may_hold: impl Fn(usize) -> bool,
    ) -> Vec<Vec<Ask>> {
        let mut asks = |client| {
            let may_hold = may_hold(client % self.gateways.len());
            let number = |ask| (round * CLIENTS + client) * ASKS + ask;
            (0..ASKS).map(|ask| Ask::draw(number(ask), may_hold, random)).collect()
        };
        (0..CLIENTS).map(&mut asks).collect()
    }

    /// Lets every client ask, and something happen meanwhile; says what clients got.
    pub(super) fn ask(&mut self, asks: &[Vec<Ask>], meanwhile: impl FnOnce(&mut Self, &Tally)) -> Vec<Got> {
        let (gateways, progress) = (self.up(), self.progress.clone());
        ask_at_once(asks, &gateways, &progress, |done| meanwhile(self, done))
    }

    /// Waits for so many steps, or until nothing happens any more.
    pub(super) fn wait(&self, steps: usize, done: &Tally) {
        let moment = self.progress.count() + steps;
        let (mut last, mut idle) = (self.progress.count(), 0);
        while !self.progress.wait(moment, LOOK) && done.count() < CLIENTS && idle < PATIENCE {
            let count = self.progress.count();
            idle = if count == last { idle + 1 } else { 0 };
            last = count;
        }
    }

    /// A number of steps within a round.
    pub(super) fn steps(random: &mut Random) -> usize {
        random.below(ASKED * EVENTS / 2)
    }

    /// Waits until every gateway says that it can write.
    pub(super) fn is_well(&mut self) -> Vec<Http> {
        let gateways = self.up();
        for (http, gateway) in gateways.iter().zip(&self.gateways) {
            wait_until("a gateway writes again", || http.get("/healthz", &[]).status == 200);
            assert!(!gateway.waymark.stderr().contains("panicked"), "{}", gateway.waymark.stderr());
        }
        gateways
    }
}

impl Gateway {
    /// The gateway, started where it is down.
    pub(super) fn up(&mut self) -> Http {
        if let Some(http) = self.running {
            return http;
        }
        self.faults.settle();
        let mut environment = self.faults.environment().to_vec();
        if let Some(proxy) = &self.proxy {
            environment.push(("WAYMARK_STORE_URL", Postgres::url_at(proxy.port(), "ledger").into()));
        }
        *self.running.insert(self.waymark.start_with(&environment))
    }

    pub(super) fn is_up(&self) -> bool {
        self.running.is_some()
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        self.running = None;
        self.waymark.kill();
        self.faults.mend();
    }

    /// SIGINT; says with which code it ended.
    pub(super) fn stop(&mut self) -> Option<i32> {
        self.running = None;
        let output = self.waymark.stop();
        assert!(output.code.is_some() && !output.stderr.contains("panicked"), "{output:?}");
        self.faults.mend();
        output.code
    }
}
