//! Several gateways on one PostgreSQL: any of them is killed or cut off from it, and so is the server.

use std::time::Duration;

use waymark_testkit::{Random, wait_until};

use super::asks::Got;
use super::books::{Books, Verified};
use super::house::{ASKED, House};
use super::rounds;

const GATEWAYS: usize = 3;

/// What befalls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// SIGKILL of a gateway.
    GatewayKilled(usize),
    /// SIGKILL of the server.
    ServerKilled,
    /// The server stands still.
    ServerStill,
    /// A gateway's connections to the server are reset.
    Cut(usize),
    /// The same once it has sent so many bytes.
    CutAfter(usize, usize),
    /// A gateway's connections are reset and it gets no new ones.
    Refused(usize),
    /// Nothing passes between a gateway and the server.
    Stalled(usize),
    /// All takes a while between a gateway and the server.
    Slow(usize),
}

/// What happens in a round, and after how many steps.
#[derive(Debug)]
struct Plan {
    fault: Fault,
    strike: usize,
    relieve: usize,
    /// Whether the gateway that is cut off is killed before the way is open again.
    is_killed_too: bool,
}

impl Fault {
    fn draw(random: &mut Random) -> Self {
        let gateway = random.below(GATEWAYS);
        match random.below(12) {
            0..2 => Self::GatewayKilled(gateway),
            2..4 => Self::ServerKilled,
            4 => Self::ServerStill,
            5 => Self::Cut(gateway),
            6..9 => Self::CutAfter(gateway, random.below(40_000)),
            9 => Self::Refused(gateway),
            10 => Self::Stalled(gateway),
            _ => Self::Slow(gateway),
        }
    }

    /// The gateway that it befalls.
    fn gateway(self) -> Option<usize> {
        match self {
            Self::ServerKilled | Self::ServerStill => None,
            Self::GatewayKilled(gateway)
            | Self::Cut(gateway)
            | Self::CutAfter(gateway, _)
            | Self::Refused(gateway)
            | Self::Stalled(gateway)
            | Self::Slow(gateway) => Some(gateway),
        }
    }

    fn strike(self, house: &mut House) {
        let server = house.server.as_ref().unwrap();
        let proxy = |gateway: usize| house.gateways[gateway].proxy.as_ref().unwrap();
        match self {
            Self::GatewayKilled(gateway) => house.gateways[gateway].kill(),
            Self::ServerKilled => server.kill(),
            Self::ServerStill => server.pause(),
            Self::Cut(gateway) => proxy(gateway).cut(),
            Self::CutAfter(gateway, bytes) => proxy(gateway).cut_after(bytes),
            Self::Refused(gateway) => proxy(gateway).refuse(),
            Self::Stalled(gateway) => proxy(gateway).stall(),
            Self::Slow(gateway) => proxy(gateway).delay(Duration::from_millis(3)),
        }
    }

    fn relieve(self, house: &House) {
        let server = house.server.as_ref().unwrap();
        match self {
            Self::ServerKilled => server.restart(),
            Self::ServerStill => server.resume(),
            _ => {}
        }
        if let Some(proxy) = self.gateway().and_then(|gateway| house.gateways[gateway].proxy.as_ref()) {
            proxy.delay(Duration::ZERO);
            proxy.pass();
        }
    }
}

impl Plan {
    fn draw(random: &mut Random) -> Self {
        let fault = Fault::draw(random);
        let (strike, relieve) = (House::steps(random), House::steps(random) / 2);
        let may_be_killed = fault.gateway().is_some() && !matches!(fault, Fault::GatewayKilled(_));
        Self { fault, strike, relieve, is_killed_too: may_be_killed && random.below(4) == 0 }
    }

    fn is_kill_of(&self, gateway: usize) -> bool {
        self.fault == Fault::GatewayKilled(gateway)
            || (self.is_killed_too && self.fault.gateway() == Some(gateway))
    }
}

#[test]
fn gateways_that_share_a_ledger_lose_nothing_and_write_nothing_twice_whatever_breaks() {
    let seed = Random::seed();
    eprintln!("seed: {}={seed}", Random::SEED_VARIABLE);
    let mut random = Random::seeded(seed);
    let (mut house, mut books) = (House::shared(GATEWAYS), Books::default());
    books.count(&Verified::of(&house.gateways[0].waymark));
    for round in 0..rounds() {
        let plan = Plan::draw(&mut random);
        eprintln!("{round}: {plan:?}");
        let asks = house.draw(round, &mut random, |gateway| plan.is_kill_of(gateway));
        let got = house.ask(&asks, |house, done| {
            house.wait(plan.strike, done);
            plan.fault.strike(house);
            house.wait(plan.relieve, done);
            if plan.is_killed_too {
                house.gateways[plan.fault.gateway().unwrap()].kill();
            }
            plan.fault.relieve(house);
        });
        let (whole, refused) = (
            got.iter().filter(|got| got.is_whole()).count(),
            got.iter().filter(|got| got.status == 503).count(),
        );
        eprintln!("    {whole} whole, {refused} refused");
        let http = house.is_well()[round % GATEWAYS];
        books.enter(ASKED, got, &Verified::of(&house.gateways[0].waymark), http, false);
    }
    let spared = house.draw(rounds(), &mut random, |_| false);
    let spared = house.ask(&spared, |_, _| {});
    assert!(spared.iter().all(Got::is_whole), "with nothing broken every answer is whole: {spared:?}");
    for gateway in &mut house.gateways {
        assert_eq!(gateway.stop(), Some(0));
    }
    // What killed gateways left open is closed once they have not been heard of for long enough.
    house.server.as_ref().unwrap().sql("ledger", "UPDATE gateways SET seen = seen - 3600");
    let http = house.is_well()[0];
    let waymark = &house.gateways[0].waymark;
    wait_until("everything is under the tree", || Verified::of(waymark).is_settled());
    books.enter(ASKED, spared, &Verified::of(waymark), http, true);
    eprintln!("{}", books.close(http, waymark));
    books.count(&Verified::of(waymark));
}
