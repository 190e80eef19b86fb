//! Whether this server answers at an address. Only this machine is ever asked.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::address::Address;

/// How long connecting, and then each read, may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// More than our own answer ever has.
const LONGEST: u64 = 16 * 1024;

/// Who is at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This server, ready to answer.
    Ready,
    /// This server, which says that it cannot answer now.
    Unwell,
    /// Another program.
    Other,
    /// Nobody, and what the system says.
    Nobody(String),
    /// It is not on this machine, so it was not asked.
    NotAsked,
}

/// Asks for the server's health.
pub(crate) fn ask(address: &Address) -> Answer {
    let Some(socket) = address.loopback() else { return Answer::NotAsked };
    let stream = match TcpStream::connect_timeout(&socket, PATIENCE) {
        Ok(stream) => stream,
        Err(error) => return Answer::Nobody(error.to_string()),
    };
    let reply = exchange(stream, &socket.to_string()).unwrap_or_default();
    let head = reply.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    // Every answer of ours carries this header, and nobody else's does.
    match head.contains("\r\nx-waymark-record:") {
        true if head.starts_with("http/1.1 200") => Answer::Ready,
        true => Answer::Unwell,
        false => Answer::Other,
    }
}

fn exchange(mut stream: TcpStream, host: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // At once: who answers the first part and closes would reset what is still on its way.
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut reply = Vec::new();
    let mut part = [0; 2048];
    // One that trickles must not hold us: a head is here within a few reads.
    for _ in 0..8 {
        let length = stream.read(&mut part)?;
        reply.extend_from_slice(part.get(..length).unwrap_or_default());
        let whole = reply.windows(4).any(|window| window == b"\r\n\r\n");
        if length == 0 || whole || reply.len() as u64 > LONGEST {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn answered(reply: &'static str) -> Answer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::of_listener(listener.local_addr().unwrap()).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(reply.as_bytes()).unwrap();
        });
        let answer = ask(&address);
        server.join().unwrap();
        answer
    }

    #[test]
    fn this_server_is_told_from_others() {
        assert_eq!(answered("HTTP/1.1 200 OK\r\nx-waymark-record: none\r\n\r\n{}"), Answer::Ready);
        assert_eq!(answered("HTTP/1.1 503 No\r\nX-Waymark-Record: none\r\n\r\n{}"), Answer::Unwell);
        assert_eq!(answered("HTTP/1.1 200 OK\r\nserver: x\r\n\r\n"), Answer::Other);
        assert_eq!(answered("SSH-2.0\r\n"), Answer::Other);
        assert_eq!(ask(&Address::parse("https://gateway.example").unwrap()), Answer::NotAsked);
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(matches!(ask(&Address::of_listener(free).unwrap()), Answer::Nobody(_)));
    }
}
