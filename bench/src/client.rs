//! A keep-alive client that times one call after another on one connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// How long a call may take; reaching it is a failure.
const DEADLINE: Duration = Duration::from_secs(60);
const HEAD_END: &[u8] = b"\r\n\r\n";
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// One connection, kept open.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    piece: Box<[u8; 64 * 1024]>,
}

/// A request as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Wire(Vec<u8>);

impl Wire {
    /// `POST path` with a JSON body.
    pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self([head.as_bytes(), b"\r\n", body].concat())
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// `GET path`.
    pub(crate) fn get(path: &str) -> Self {
        Self(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes())
    }
}

/// When the parts of an answer came, and the answer's body.
#[derive(Debug)]
pub(crate) struct Timed {
    /// From the request's first byte to the body's first byte.
    pub(crate) first: Duration,
    /// From the request's first byte to the body's last.
    pub(crate) total: Duration,
    /// The body, transfer framing removed.
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Opens the connection.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self { stream, buffer: Vec::new(), piece: Box::new([0; 64 * 1024]) })
    }

    /// Makes one call. An answer other than 200 is an error: its time would mean something else.
    pub(crate) fn call(&mut self, request: &Wire) -> Result<Timed> {
        self.buffer.clear();
        let started = Instant::now();
        self.stream.write_all(&request.0)?;
        let head = loop {
            if let Some(at) = find(&self.buffer, HEAD_END) {
                break at + HEAD_END.len();
            }
            self.more()?;
        };
        let framing = Framing::of(&self.buffer[..head])?;
        while self.buffer.len() == head && !framing.is_whole(&self.buffer[head..]) {
            self.more()?;
        }
        let first = started.elapsed();
        while !framing.is_whole(&self.buffer[head..]) {
            self.more()?;
        }
        let total = started.elapsed();
        Ok(Timed { first, total, body: framing.body(&self.buffer[head..])? })
    }

    fn more(&mut self) -> Result<()> {
        let length = self.stream.read(&mut self.piece[..])?;
        ensure!(length > 0, "the connection was closed in the middle of an answer");
        self.buffer.extend_from_slice(&self.piece[..length]);
        Ok(())
    }
}

/// How an answer's end is told.
#[derive(Debug, Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
}

impl Framing {
    fn of(head: &[u8]) -> Result<Self> {
        let text = String::from_utf8_lossy(head).to_ascii_lowercase();
        if !text.starts_with("http/1.1 200 ") {
            bail!("answered {}", text.lines().next().unwrap_or_default());
        }
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        match value("content-length:") {
            Some(length) => Ok(Self::Length(length.parse()?)),
            None if value("transfer-encoding:") == Some("chunked") => Ok(Self::Chunked),
            None => bail!("the answer does not say where it ends"),
        }
    }

    /// Whether everything is here. No payload of ours holds the bytes of a last chunk.
    fn is_whole(self, raw: &[u8]) -> bool {
        match self {
            Self::Length(length) => raw.len() >= length,
            Self::Chunked => raw.ends_with(LAST_CHUNK),
        }
    }

    fn body(self, raw: &[u8]) -> Result<Vec<u8>> {
        if let Self::Length(_) = self {
            return Ok(raw.to_vec());
        }
        let (mut body, mut rest) = (Vec::with_capacity(raw.len()), raw);
        loop {
            let line = find(rest, b"\r\n").context("a chunk without a head")?;
            let size = usize::from_str_radix(std::str::from_utf8(&rest[..line])?, 16)?;
            if size == 0 {
                return Ok(body);
            }
            let chunk = rest.get(line + 2..line + 2 + size).context("a chunk cut short")?;
            body.extend_from_slice(chunk);
            rest = rest.get(line + 2 + size + 2..).context("a chunk without an end")?;
        }
    }
}

/// Where `needle` starts.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_is_removed() {
        let chunked = Framing::of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let raw = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert!(chunked.is_whole(raw) && !chunked.is_whole(&raw[..raw.len() - 1]));
        assert_eq!(chunked.body(raw).unwrap(), b"abcde");
        let length = Framing::of(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").unwrap();
        assert!(length.is_whole(b"ab") && !length.is_whole(b"a"));
        assert!(Framing::of(b"HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\n").is_err());
    }
}
