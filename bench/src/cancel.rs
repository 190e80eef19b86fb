//! How long an upstream goes on working for a client that has left: directly, through the gateway, through nginx.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::Setting;
use crate::client::{Wire, find};
use crate::peers::{Gateway, Nginx};
use crate::report::{Cell, Report, Table};
use crate::samples::quantile;
use crate::sides::{Side, millis, take_turns};
use crate::traffic;

/// How long an upstream may be kept waiting for the news; reaching it is a failure.
const DEADLINE: Duration = Duration::from_secs(10);

/// What an upstream saw of a client.
struct Seen {
    /// Each request, once it is here.
    asked: Receiver<()>,
    /// When each client was found gone.
    left: Receiver<Instant>,
}

/// Measures both moments at which a client may leave.
pub(crate) fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let call = traffic::agent();
    let begun = call.answer.writes[..3].concat();
    for (moment, answer) in [("in the middle of a stream", begun.as_slice()), ("before the first byte", &[])]
    {
        let (address, seen) = upstream(answer.to_vec())?;
        let gateway = Gateway::start(&setting.binary, address, None)?;
        let nginx = Nginx::start(address)?;
        let ways = [("direct", address), ("waymark", gateway.address)];
        let nginx = nginx.as_ref().map(|nginx| ("nginx", nginx.address));
        let mut sides: Vec<Side<'_>> = ways
            .into_iter()
            .chain(nginx)
            .map(|(name, address)| {
                let (seen, request, streams) = (&seen, &call.request, !answer.is_empty());
                Side::new(name, move || leave(address, request, streams, seen))
            })
            .collect();
        take_turns(setting.rounds(20), 20, &mut sides)?;
        report.add(tabulate(moment, &sides));
    }
    Ok(())
}

/// An upstream that answers so far and no further.
fn upstream(answer: Vec<u8>) -> Result<(SocketAddr, Seen)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let ((tell, asked), (note, left)) = (channel(), channel());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answer, tell, note) = (answer.clone(), tell.clone(), note.clone());
            std::thread::spawn(move || serve(stream, &answer, &tell, &note));
        }
    });
    Ok((address, Seen { asked, left }))
}

/// Takes one request, answers so far, and waits for the peer to go.
fn serve(mut stream: TcpStream, answer: &[u8], tell: &Sender<()>, note: &Sender<Instant>) -> Option<()> {
    let (mut buffer, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    let mut whole = None;
    while whole.is_none_or(|whole| buffer.len() < whole) {
        let length = stream.read(&mut piece).ok().filter(|&length| length > 0)?;
        buffer.extend_from_slice(&piece[..length]);
        whole = find(&buffer, b"\r\n\r\n").and_then(|head| {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?;
            Some(head + 4 + length.trim().parse::<usize>().ok()?)
        });
    }
    stream.write_all(answer).ok()?;
    tell.send(()).ok()?;
    // An end and an error both mean that the peer is gone.
    let _ = stream.read(&mut piece);
    note.send(Instant::now()).ok()
}

/// Asks, leaves, and waits until the upstream has noticed.
fn leave(address: SocketAddr, request: &Wire, streams: bool, seen: &Seen) -> Result<[f64; 2]> {
    let mut client = TcpStream::connect(address)?;
    client.set_nodelay(true)?;
    client.write_all(request.bytes())?;
    seen.asked.recv_timeout(DEADLINE).context("the upstream was not asked")?;
    let mut piece = [0; 16 * 1024];
    let mut answered = Vec::new();
    while streams && find(&answered, b"message_start").is_none() {
        let length = client.read(&mut piece)?;
        answered.extend_from_slice(&piece[..length]);
    }
    let left = Instant::now();
    drop(client);
    let noticed = seen.left.recv_timeout(DEADLINE).context("the upstream goes on without its client")?;
    Ok([millis(noticed.saturating_duration_since(left)); 2])
}

fn tabulate(moment: &str, sides: &[Side<'_>]) -> Table {
    let title = format!("a client that leaves {moment}: until the upstream's connection is closed (ms)");
    let mut table = Table::new(&title, &["way", "clients", "p50", "p99", "longest"]);
    for side in sides {
        let all = side.total.all();
        let figures = [0.5, 0.99, 1.0].map(|share| Cell::Figure(quantile(&all, share), 2));
        table.row(side.name, std::iter::once(Cell::count(all.len())).chain(figures));
    }
    table
}
