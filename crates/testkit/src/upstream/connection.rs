//! One connection of a scripted upstream: read a request, follow the script, watch for the peer going away.

use std::io::{self, ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::reply::{Composed, Script};
use super::{Captured, Fate, Framing, Reply, Shared};
use crate::Gate;
use crate::http::{Headers, find, more};

/// How often a held answer looks whether its peer is still there.
const LOOK: Duration = Duration::from_millis(5);

/// Why an answer stopped before its end.
enum Stop {
    PeerClosed,
    ServerStopping,
}

pub(super) fn serve(mut stream: TcpStream, connection: usize, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    while let Ok(captured) = read_request(&mut stream, &mut buffer, connection) {
        let script_of = captured.clone();
        let (number, reply) = shared.capture(captured);
        let ending = answer(&mut stream, &reply, &script_of, shared);
        match ending {
            Ok(keep_alive) => {
                if !keep_alive {
                    // Closed before it is counted, so that whoever waits for the count finds it closed.
                    let _ = stream.shutdown(Shutdown::Both);
                }
                shared.settle(number, Fate::Answered);
                if !keep_alive {
                    return;
                }
            }
            Err(Stop::PeerClosed) => return shared.settle(number, Fate::PeerClosed),
            Err(Stop::ServerStopping) => return,
        }
    }
}

fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>, connection: usize) -> io::Result<Captured> {
    let end = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, buffer)?;
    };
    let head: Vec<u8> = buffer.drain(..end).collect();
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.split("\r\n").take_while(|line| !line.is_empty());
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers = Headers::parse(lines)?;
    let body = if headers.get("transfer-encoding").is_some() {
        read_chunked(stream, buffer)?
    } else {
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        take(stream, buffer, length)?
    };
    Ok(Captured { connection, method, target, head, headers, body, fate: Fate::Pending })
}

fn read_chunked(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = find(buffer, b"\r\n") {
                break at;
            }
            more(stream, buffer)?;
        };
        let line = take(stream, buffer, end + 2)?;
        let size = String::from_utf8_lossy(&line[..end]).trim().to_owned();
        let size = usize::from_str_radix(&size, 16).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
        body.extend(take(stream, buffer, size)?);
        take(stream, buffer, 2)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn take(stream: &mut TcpStream, buffer: &mut Vec<u8>, length: usize) -> io::Result<Vec<u8>> {
    while buffer.len() < length {
        more(stream, buffer)?;
    }
    Ok(buffer.drain(..length).collect())
}

/// Follows the script; says whether the connection can take another request.
fn answer(stream: &mut TcpStream, reply: &Reply, request: &Captured, shared: &Shared) -> Result<bool, Stop> {
    if let Some(gate) = &reply.head_gate {
        hold(stream, gate, shared)?;
    }
    match reply.script(request) {
        Script::Raw(bytes) => send(stream, &bytes, shared).map(|()| false),
        Script::Silence => hold(stream, &Gate::new(), shared).map(|()| false),
        Script::Response(composed) => respond(stream, reply, &composed, shared),
    }
}

fn respond(
    stream: &mut TcpStream,
    reply: &Reply,
    composed: &Composed,
    shared: &Shared,
) -> Result<bool, Stop> {
    let framing = match reply.framing {
        Framing::Usual if composed.is_stream => Framing::Chunked,
        Framing::Usual => Framing::Length,
        chosen => chosen,
    };
    send(stream, head(composed, framing).as_bytes(), shared)?;
    for (number, piece) in composed.pieces.iter().enumerate() {
        if let Some((writes, gate)) = &reply.piece_gate
            && *writes == number
        {
            hold(stream, gate, shared)?;
        }
        let mut bytes = Vec::with_capacity(piece.len() + 16);
        if framing == Framing::Chunked {
            bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        }
        bytes.extend_from_slice(piece);
        if framing == Framing::Chunked {
            bytes.extend_from_slice(b"\r\n");
        }
        send(stream, &bytes, shared)?;
    }
    if let Some((writes, gate)) = &reply.piece_gate
        && *writes >= composed.pieces.len()
    {
        hold(stream, gate, shared)?;
    }
    if composed.is_cut {
        return Ok(false);
    }
    if framing == Framing::Chunked {
        send(stream, b"0\r\n\r\n", shared)?;
    }
    Ok(framing != Framing::UntilClose)
}

fn head(composed: &Composed, framing: Framing) -> String {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", composed.status);
    for (name, value) in &composed.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match framing {
        Framing::Chunked => head.push_str("transfer-encoding: chunked\r\n"),
        Framing::Length => head.push_str(&format!("content-length: {}\r\n", composed.length)),
        Framing::Usual | Framing::UntilClose => head.push_str("connection: close\r\n"),
    }
    head + "\r\n"
}

fn send(stream: &mut TcpStream, bytes: &[u8], shared: &Shared) -> Result<(), Stop> {
    look(stream, shared)?;
    stream
        .write_all(bytes)
        .map_err(|_| if shared.is_stopping() { Stop::ServerStopping } else { Stop::PeerClosed })
}

fn hold(stream: &TcpStream, gate: &Gate, shared: &Shared) -> Result<(), Stop> {
    while !gate.wait(LOOK) {
        look(stream, shared)?;
    }
    Ok(())
}

/// Whether there is still someone to answer: bytes may wait unread, but the end of the stream may not.
fn look(stream: &TcpStream, shared: &Shared) -> Result<(), Stop> {
    if shared.is_stopping() {
        return Err(Stop::ServerStopping);
    }
    let seen = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    let _ = stream.set_nonblocking(false);
    match seen {
        Ok(0) => Err(Stop::PeerClosed),
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(Stop::PeerClosed),
        _ => Ok(()),
    }
}
