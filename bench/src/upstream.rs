//! The upstream under every measurement: fixed bytes, ready before the first request, one thread a connection.
//!
//! The scripted upstream of the tests reads every request as JSON and keeps it; that would be what is measured here.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::client::find;
use crate::traffic::Answer;

/// A model server that answers by path, after thinking for as long as it is told. Its threads end with the program.
pub(crate) struct Upstream {
    address: SocketAddr,
    tempo: Arc<Tempo>,
}

/// How long it takes its time, in microseconds: before an answer, and between the answer's writes.
#[derive(Debug, Default)]
struct Tempo {
    thinking: AtomicU64,
    pause: AtomicU64,
}

impl Upstream {
    /// Starts on a loopback port of its own.
    pub(crate) fn start(answers: Vec<Answer>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (tempo, answers) = (Arc::new(Tempo::default()), Arc::new(answers));
        let kept = Arc::clone(&tempo);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, tempo) = (Arc::clone(&answers), Arc::clone(&kept));
                std::thread::spawn(move || {
                    if let Err(error) = serve(stream, &answers, &tempo) {
                        eprintln!("upstream: {error:#}");
                    }
                });
            }
        });
        Ok(Self { address, tempo })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From here on, waits this long before an answer's first byte, and between two writes of a stream.
    pub(crate) fn keep(&self, thinking: Duration, pause: Duration) {
        for (place, time) in [(&self.tempo.thinking, thinking), (&self.tempo.pause, pause)] {
            place.store(u64::try_from(time.as_micros()).unwrap_or(0), Ordering::SeqCst);
        }
    }
}

fn serve(mut stream: TcpStream, answers: &[Answer], tempo: &Tempo) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let head = loop {
            if let Some(at) = find(&buffer, b"\r\n\r\n") {
                break at + 4;
            }
            if !more(&mut stream, &mut buffer, &mut piece)? {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("a request without a length")?.trim().parse()?;
        let path = text.split(' ').nth(1).unwrap_or_default();
        let answer = answers.iter().find(|answer| path == answer.path).context("an unknown path")?;
        while buffer.len() < head + length {
            if !more(&mut stream, &mut buffer, &mut piece)? {
                return Ok(());
            }
        }
        buffer.drain(..head + length);
        wait(&tempo.thinking);
        for (number, bytes) in answer.writes.iter().enumerate() {
            if number > 1 {
                wait(&tempo.pause);
            }
            stream.write_all(bytes)?;
        }
    }
}

fn wait(micros: &AtomicU64) {
    let micros = micros.load(Ordering::SeqCst);
    if micros > 0 {
        std::thread::sleep(Duration::from_micros(micros));
    }
}

/// Reads some more; `false` once the peer has gone, which ends a connection whenever it happens.
fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>, piece: &mut [u8]) -> Result<bool> {
    match stream.read(piece) {
        Ok(length) => {
            buffer.extend_from_slice(&piece[..length]);
            Ok(length > 0)
        }
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
        Err(error) => Err(error.into()),
    }
}
