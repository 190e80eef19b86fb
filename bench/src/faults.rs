//! What a fault costs: one of three deployments that is dead, fails or hangs, beside three that are well.

use std::cell::Cell as Counter;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Setting;
use crate::client::{Client, Wire};
use crate::peers::Gateway;
use crate::report::{Cell, Report, Table};
use crate::samples::quantile;
use crate::sides::{Side, millis, take_turns};
use crate::traffic;
use crate::upstream::Upstream;

/// How long a model thinks: less than any real one does.
const THINKING: Duration = Duration::from_millis(20);
/// How long the first byte of an answer is waited for. What is usual for a model that reasons would hide everything else.
const PATIENCE: &str = "500ms";

/// A gateway before three deployments, and what is wrong with the third.
struct House {
    name: &'static str,
    gateway: Gateway,
    /// Calls that did not end well.
    failed: Counter<usize>,
    /// Calls made, each of which is a session of its own.
    made: Counter<usize>,
}

/// Measures each fault beside none.
pub(crate) fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let well = Upstream::start(vec![traffic::chat().answer])?;
    well.keep(THINKING, Duration::ZERO);
    let houses = [
        ("three well", well.address()),
        ("one dead", dead()?),
        ("one failing", failing()?),
        ("one hanging", hanging()?),
    ];
    let houses = houses.into_iter().map(|(name, third)| {
        let gateway = Gateway::configured(&setting.binary, &configuration(well.address(), third))?;
        Ok(House { name, gateway, failed: Counter::new(0), made: Counter::new(0) })
    });
    let houses = houses.collect::<Result<Vec<_>>>()?;
    let mut sides: Vec<Side<'_>> =
        houses.iter().map(|house| Side::new(house.name, move || house.call())).collect();
    take_turns(setting.rounds(20), 30, &mut sides)?;
    report.add(tabulate(&houses, &sides));
    Ok(())
}

impl House {
    /// One call on a connection of its own. One that fails counts with the time that it took.
    fn call(&self) -> Result<[f64; 2]> {
        self.made.set(self.made.get() + 1);
        let session = format!("session-{}", self.made.get());
        let body = br#"{"model":"large","stream":true,"messages":[{"role":"user","content":"Say hello."}]}"#;
        let request = Wire::post("/v1/chat/completions", &[("x-session-id", &session)], body);
        let mut client = Client::connect(self.gateway.address)?;
        let began = Instant::now();
        Ok(match client.call(&request) {
            Ok(timed) => [millis(timed.first), millis(timed.total)],
            Err(_) => {
                self.failed.set(self.failed.get() + 1);
                [millis(began.elapsed()); 2]
            }
        })
    }
}

/// An address that nobody listens at.
fn dead() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// One that answers every request with an error.
fn failing() -> Result<SocketAddr> {
    let body = r#"{"error":{"message":"broken","type":"server_error","param":null,"code":null}}"#;
    let answer = format!(
        "HTTP/1.1 500 Broken\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    accepting(move |mut stream| {
        let _ = stream.read(&mut [0; 16 * 1024]);
        let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
    })
}

/// One that takes requests and never answers.
fn hanging() -> Result<SocketAddr> {
    accepting(|mut stream| {
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    })
}

fn accepting(serve: impl Fn(std::net::TcpStream) + Clone + Send + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    Ok(address)
}

fn configuration(well: SocketAddr, third: SocketAddr) -> String {
    let provider = |name: &str, address: SocketAddr| {
        format!(
            "[providers.{name}]\nkind = \"openai\"\nbase_url = \"http://{address}/v1\"\n\
             first_byte_timeout = \"{PATIENCE}\"\n\n"
        )
    };
    let providers = [provider("a", well), provider("b", well), provider("c", third)].concat();
    format!(
        "{providers}[models.large]\nid = \"large-1\"\n\n[models.large.deployments]\n\
         a = {{ provider = \"a\" }}\nb = {{ provider = \"b\" }}\nc = {{ provider = \"c\" }}\n"
    )
}

fn tabulate(houses: &[House], sides: &[Side<'_>]) -> Table {
    let title =
        "a streamed chat call over three deployments, each a session of its own: to the first byte (ms)";
    let columns = ["deployments", "calls", "failed", "p50", "p99", "longest", "p99 added"];
    let mut table = Table::new(title, &columns);
    let of_well = sides.first().map_or(f64::NAN, |side| quantile(&side.first.all(), 0.99));
    for (house, side) in houses.iter().zip(sides) {
        let all = side.first.all();
        let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|share| quantile(&all, share));
        let times = [p50, p99, longest, p99 - of_well].map(|time| Cell::Figure(time, 2));
        let counts = [Cell::count(house.made.get()), Cell::count(house.failed.get())];
        table.row(side.name, counts.into_iter().chain(times));
    }
    table.note(format!(
        "the first round counts in `calls` and `failed` and not in the times; the first byte is waited for {PATIENCE}"
    ));
    table
}
