//! A small blocking HTTP/1.1 client that shows an answer as it arrives.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A server to ask.
#[derive(Debug, Clone, Copy)]
pub struct Http {
    address: SocketAddr,
    patience: Duration,
}

/// Headers in the order they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

/// An answer whose head has arrived and whose body is still to be read. Dropping it closes the connection.
#[derive(Debug)]
pub struct Exchange {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    stream: TcpStream,
    buffer: Vec<u8>,
    body: Body,
}

/// A whole answer, or what there was of one.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body, framing removed.
    pub body: Vec<u8>,
    /// Whether the body ended the way its framing says it must.
    pub whole: bool,
}

#[derive(Debug, Clone, Copy)]
enum Body {
    Left(usize),
    UntilClose,
    /// Between chunks; the flag says that the last chunk's line break is still to come.
    ChunkHead(bool),
    Chunk(usize),
    Ended,
}

impl Http {
    /// Asks the server at `address`.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, patience: crate::DEADLINE }
    }

    /// The same with another patience: how long it waits for bytes before it gives up with an error.
    #[must_use]
    pub fn waiting(self, at_most: Duration) -> Self {
        Self { patience: at_most, ..self }
    }

    /// `GET path`, read whole.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.open("GET", path, headers, b"").expect("an answer").finish()
    }

    /// `POST path`, read whole.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Response {
        self.open("POST", path, headers, body.as_ref()).expect("an answer").finish()
    }

    /// Sends a request on a connection of its own and reads the answer's head.
    ///
    /// A JSON content type is sent unless `headers` names one.
    pub fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Exchange> {
        Exchange::read(self.send(method, path, headers, body)?)
    }

    /// A connection on which nothing has been sent.
    pub fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.patience))?;
        Ok(stream)
    }

    /// Sends a request and leaves the answer on the connection, unread.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<TcpStream> {
        let mut stream = self.connect()?;
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        if method != "GET" {
            request.push_str(&format!("content-length: {}\r\n", body.len()));
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                request.push_str("content-type: application/json\r\n");
            }
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        stream.write_all(&bytes)?;
        Ok(stream)
    }
}

impl Headers {
    /// The first value under this name, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Name and value, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Reads header lines.
    pub(crate) fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> io::Result<Self> {
        lines
            .map(|line| {
                let (name, value) = line.split_once(':').ok_or_else(|| malformed(line))?;
                Ok((name.to_owned(), value.trim().to_owned()))
            })
            .collect::<io::Result<_>>()
            .map(Self)
    }
}

impl Body {
    fn of(status: u16, headers: &Headers) -> io::Result<Self> {
        if headers.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Ok(Self::ChunkHead(false));
        }
        match headers.get("content-length") {
            Some(length) => length.parse().map(Self::Left).map_err(|_| malformed(length)),
            None if status == 204 || status == 304 => Ok(Self::Ended),
            None => Ok(Self::UntilClose),
        }
    }
}

impl Exchange {
    /// Reads an answer's head from a connection on which a request was sent.
    pub fn read(mut stream: TcpStream) -> io::Result<Self> {
        let mut buffer = Vec::new();
        let end = loop {
            if let Some(at) = find(&buffer, b"\r\n\r\n") {
                break at + 4;
            }
            more(&mut stream, &mut buffer)?;
        };
        let (status, headers) = parse_head(&buffer[..end])?;
        buffer.drain(..end);
        let body = Body::of(status, &headers)?;
        Ok(Self { status, headers, stream, buffer, body })
    }

    /// The next piece of the body as it arrives; `None` at its proper end, an error when it breaks off.
    pub fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            match self.body {
                Body::Ended | Body::Left(0) => {
                    self.body = Body::Ended;
                    return Ok(None);
                }
                Body::Left(left) => {
                    let piece = self.take(left)?;
                    self.body = Body::Left(left - piece.len());
                    return Ok(Some(piece));
                }
                Body::UntilClose => {
                    if self.buffer.is_empty() && !more_or_end(&mut self.stream, &mut self.buffer)? {
                        self.body = Body::Ended;
                        continue;
                    }
                    return Ok(Some(std::mem::take(&mut self.buffer)));
                }
                Body::ChunkHead(after_chunk) => self.chunk_head(after_chunk)?,
                Body::Chunk(left) => {
                    let piece = self.take(left)?;
                    let left = left - piece.len();
                    self.body = if left == 0 { Body::ChunkHead(true) } else { Body::Chunk(left) };
                    return Ok(Some(piece));
                }
            }
        }
    }

    /// Reads the rest.
    pub fn finish(mut self) -> Response {
        let mut body = Vec::new();
        let whole = loop {
            match self.piece() {
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        Response { status: self.status, headers: std::mem::take(&mut self.headers), body, whole }
    }

    fn take(&mut self, at_most: usize) -> io::Result<Vec<u8>> {
        if self.buffer.is_empty() {
            more(&mut self.stream, &mut self.buffer)?;
        }
        let rest = self.buffer.split_off(at_most.min(self.buffer.len()));
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    fn chunk_head(&mut self, after_chunk: bool) -> io::Result<()> {
        if after_chunk {
            self.line()?;
        }
        let line = self.line()?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| malformed(&line))?;
        if size == 0 {
            while !self.line()?.is_empty() {}
        }
        self.body = if size == 0 { Body::Ended } else { Body::Chunk(size) };
        Ok(())
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                let line = String::from_utf8_lossy(&self.buffer[..at]).into_owned();
                self.buffer.drain(..at + 2);
                return Ok(line);
            }
            more(&mut self.stream, &mut self.buffer)?;
        }
    }
}

impl Response {
    /// The header's value; a missing one fails the test.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {self:?}"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; anything else fails the test.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

fn parse_head(bytes: &[u8]) -> io::Result<(u16, Headers)> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split("\r\n").take_while(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let status =
        first.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| malformed(first))?;
    Ok((status, Headers::parse(lines)?))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed: {what}"))
}

/// Where `needle` starts.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Reads some more; the end of the connection is an error.
pub(crate) fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    if more_or_end(stream, buffer)? { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads some more; says whether there was any.
fn more_or_end(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut piece = [0; 16 * 1024];
    let length = loop {
        match stream.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    buffer.extend_from_slice(&piece[..length]);
    Ok(length > 0)
}
