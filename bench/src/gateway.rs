//! A call through the gateway beside the same call made directly and through nginx.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::client::Client;
use crate::machine::Load;
use crate::peers::{Gateway, Nginx};
use crate::report::{Cell, Report, Table};
use crate::samples::{Blocks, interleave};
use crate::sides::{Side, millis, take_turns};
use crate::traffic::{self, Call};
use crate::upstream::Upstream;
use crate::{Setting, disk, machine};

/// Connections that call at once.
const AT_ONCE: usize = 8;
/// How long a model thinks: less than any real one does.
const THINKING: Duration = Duration::from_millis(20);
/// What lies between two events of a stream: less than any real model takes.
const PAUSE: Duration = Duration::from_micros(500);

/// A way to the upstream.
#[derive(Debug, Clone, Copy)]
struct Way {
    name: &'static str,
    address: SocketAddr,
    process: Option<u32>,
}

/// One measurement of one call.
struct Scene<'a> {
    call: &'a Call,
    tempo: &'a str,
    rounds: usize,
    calls: usize,
}

/// Measures both calls one at a time and eight at once.
pub(crate) fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let (agent, chat) = (traffic::agent(), traffic::chat());
    let upstream = Upstream::start(vec![agent.answer.clone(), chat.answer.clone()])?;
    let gateway = Gateway::start(&setting.binary, upstream.address(), None)?;
    let nginx = Nginx::start(upstream.address())?;
    let mut ways = vec![
        Way { name: "direct", address: upstream.address(), process: None },
        Way { name: "waymark", address: gateway.address, process: Some(gateway.process) },
    ];
    ways.extend(nginx.as_ref().map(|nginx| Way {
        name: "nginx",
        address: nginx.address,
        process: Some(nginx.process()),
    }));
    let at_rest = memory(&ways);
    let mut served = 0;
    let (at_once, none) = ("an upstream that answers at once", Duration::ZERO);
    let thinks = "an upstream that thinks for 20 ms";
    let streams = "an upstream that thinks for 20 ms and sends an event every 0.5 ms";
    for (call, tempo, thinking, pause, rounds, calls) in [
        (&agent, at_once, none, none, 20, 50),
        (&agent, thinks, THINKING, none, 20, 15),
        (&agent, streams, THINKING, PAUSE, 20, 5),
        (&chat, at_once, none, none, 20, 100),
        (&chat, thinks, THINKING, none, 20, 15),
    ] {
        let rounds = setting.rounds(rounds);
        upstream.keep(thinking, pause);
        report.add(one_by_one(&Scene { call, tempo, rounds, calls }, &ways, &gateway)?);
        served += (rounds + 1) * calls;
    }
    upstream.keep(none, none);
    for call in [&agent, &chat] {
        let (rounds, calls) = (setting.rounds(7), 40);
        report.add(many(call, &ways, rounds, calls)?);
        served += (rounds + 1) * calls * AT_ONCE;
    }
    report.add(grown(&ways, &at_rest, served));
    Ok(())
}

/// Calls one after another on one connection a way, with the disk's own time in the same rounds.
fn one_by_one(scene: &Scene<'_>, ways: &[Way], gateway: &Gateway) -> Result<Table> {
    let mut sides = Vec::new();
    for way in ways {
        let mut client = Client::connect(way.address)?;
        let side = Side::new(way.name, move || once(&mut client, scene.call));
        sides.push(side.in_process(way.process));
    }
    sides.push(disk::overwrite(&gateway.data_dir())?);
    let load = Load::beside(&processes(ways));
    take_turns(scene.rounds, scene.calls, &mut sides)?;
    let mut table = tabulate(scene, &sides, &machine::file_system(&gateway.data_dir()));
    table.note(load.disturbance(&processes(ways)));
    Ok(table)
}

/// Makes the call and checks that the answer came through whole.
fn once(client: &mut Client, call: &Call) -> Result<[f64; 2]> {
    let timed = client.call(&call.request)?;
    ensure!(timed.body == call.answer.body, "{}: the answer is not the upstream's", call.name);
    Ok([timed.first, timed.total].map(millis))
}

fn tabulate(scene: &Scene<'_>, sides: &[Side<'_>], file_system: &str) -> Table {
    let title = format!("{}: {}; one connection, one call at a time (ms)", scene.call.name, scene.tempo);
    let columns = [
        "way",
        "calls",
        "first byte p50",
        "its p99",
        "added p50",
        "quartiles",
        "added p99",
        "whole p50",
        "whole p99",
        "whole added",
        "processor us",
    ];
    let mut table = Table::new(&title, &columns);
    let direct = &sides[0];
    for side in sides {
        let is_disk = side.name.contains("fdatasync");
        let is_baseline = side.name == direct.name || is_disk;
        let over = |own: &Blocks, base: &Blocks| {
            if is_baseline { Cell::None } else { Cell::Figure(own.added(base), 3) }
        };
        let added_p99 = side.first.p99() - direct.first.p99();
        let [low, high] = side.first.spread(&direct.first);
        let spread = format!("{low:.3}..{high:.3}");
        table.row(
            side.name,
            [
                Cell::count(side.total.count()),
                Cell::Figure(side.first.median(), 3),
                Cell::Figure(side.first.p99(), 3),
                over(&side.first, &direct.first),
                if is_baseline { Cell::None } else { Cell::Words(spread) },
                if is_baseline { Cell::None } else { Cell::Figure(added_p99, 3) },
                if is_disk { Cell::None } else { Cell::Figure(side.total.median(), 3) },
                if is_disk { Cell::None } else { Cell::Figure(side.total.p99(), 3) },
                over(&side.total, &direct.total),
                side.processor().map_or(Cell::None, |micros| Cell::Figure(micros, 0)),
            ],
        );
    }
    for note in notes(sides, file_system) {
        table.note(note);
    }
    table
}

fn notes(sides: &[Side<'_>], file_system: &str) -> Vec<String> {
    let find = |name| sides.iter().find(|side| side.name == name);
    let mut notes = vec![
        "added p50: the middle of the rounds' differences between block medians; added p99: between the p99s"
            .to_owned(),
        format!(
            "the ledger is on {file_system}; the last row is one durable write there, in the same rounds"
        ),
    ];
    let processor = |name| find(name).and_then(Side::processor);
    match processor("waymark").zip(processor("nginx")) {
        Some((waymark, nginx)) => {
            notes.push(format!("processor time a call: waymark is {:.1} times nginx", waymark / nginx));
        }
        None => notes.push("nginx is not installed: there is no peer in this run".to_owned()),
    }
    notes
}

/// Eight connections that call as fast as they are answered.
fn many(call: &Call, ways: &[Way], rounds: usize, calls: usize) -> Result<Table> {
    let mut sides = Vec::new();
    for way in ways {
        let clients = (0..AT_ONCE).map(|_| Client::connect(way.address)).collect::<Result<Vec<_>>>()?;
        sides.push((way.name, clients, Blocks::default()));
    }
    let load = Load::beside(&processes(ways));
    interleave(rounds, &mut sides, |(_, clients, rates), counts| {
        let rate = rate(clients, call, calls)?;
        if counts {
            rates.push(vec![rate]);
        }
        Ok(())
    })?;
    let columns = ["way", "rounds", "calls/s", "of direct", "of nginx"];
    let title = format!("{}: {AT_ONCE} connections at once", call.name);
    let mut table = Table::new(&title, &columns);
    let of = |name: &str| sides.iter().find(|(side, ..)| *side == name).map(|(.., rates)| rates.median());
    for (name, _, rates) in &sides {
        let rate = rates.median();
        let share =
            |base: &str| of(base).filter(|_| name != &base).map_or(Cell::None, |b| Cell::Figure(rate / b, 2));
        table.row(name, [Cell::count(rates.count()), Cell::Figure(rate, 0), share("direct"), share("nginx")]);
    }
    table.note("client and upstream share the processors with what is measured");
    table.note(load.disturbance(&processes(ways)));
    Ok(table)
}

/// Calls a second over all connections.
fn rate(clients: &mut [Client], call: &Call, calls: usize) -> Result<f64> {
    let made = clients.len() * calls;
    let started = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter_mut()
            .map(|client| scope.spawn(move || (0..calls).try_for_each(|_| once(client, call).map(drop))))
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a caller died")))
    })?;
    Ok(made as f64 / started.elapsed().as_secs_f64())
}

fn processes(ways: &[Way]) -> Vec<u32> {
    ways.iter().filter_map(|way| way.process).collect()
}

fn memory(ways: &[Way]) -> Vec<Option<f64>> {
    ways.iter().map(|way| way.process.and_then(machine::resident)).collect()
}

fn grown(ways: &[Way], at_rest: &[Option<f64>], calls: usize) -> Table {
    let title = format!("resident memory over the {calls} calls above (MiB)");
    let mut table = Table::new(&title, &["way", "at start", "at the end"]);
    let cell = |mib: Option<f64>| mib.map_or(Cell::None, |mib| Cell::Figure(mib, 1));
    for ((way, before), after) in ways.iter().zip(at_rest).zip(memory(ways)) {
        if way.process.is_some() {
            table.row(way.name, [cell(*before), cell(after)]);
        }
    }
    table
}
