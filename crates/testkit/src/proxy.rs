//! A way to a server that a test can break: cut, stalled, closed or slow.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{DEADLINE, port};

/// How often a connection with nothing to pass looks whether it has been cut.
const LOOK: Duration = Duration::from_millis(5);

/// Listens on a port of its own on 127.0.0.1 and passes what comes there to a server and back.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    delay: Duration,
    /// Bytes that may still pass towards the server before everything is cut.
    left: Option<usize>,
    /// Goes up with every cut; what belongs to an earlier one is over.
    era: usize,
    /// The eras of the connections there are.
    open: Vec<usize>,
    /// Bytes that went towards the server.
    passed: usize,
    is_listening: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    Stall,
    Refuse,
    End,
}

/// The two ends of a connection. Where it is cut, both are reset: neither takes what came for all there was.
#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
    is_broken: AtomicBool,
    // Last, so that it goes after the ends have.
    listed: Listed,
}

/// A connection's place on the list of those there are.
#[derive(Debug)]
struct Listed {
    era: usize,
    shared: Arc<Shared>,
}

impl Proxy {
    /// A way to the server at `target`, open until told otherwise.
    pub fn to(target: SocketAddr) -> Self {
        let state = State {
            mode: Mode::Pass,
            delay: Duration::ZERO,
            left: None,
            era: 0,
            open: Vec::new(),
            passed: 0,
            is_listening: false,
        };
        let shared = Arc::new(Shared { target, state: Mutex::new(state), changed: Condvar::new() });
        let port = port::free();
        let listener = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || listen(port, &shared)
        });
        let proxy = Self { port, shared, listener: Some(listener) };
        proxy.settle(|state| state.is_listening, "the proxy listens");
        proxy
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many bytes have gone towards the server.
    pub fn passed(&self) -> usize {
        self.shared.state.lock().expect("proxy lock").passed
    }

    /// Resets every connection there is, whatever was on its way; new ones are as before.
    pub fn cut(&self) {
        self.change(|state| state.era += 1);
        self.settle(State::is_cut, "every connection is cut");
    }

    /// Resets every connection once `bytes` more have gone towards the server; new ones are as before.
    pub fn cut_after(&self, bytes: usize) {
        self.change(|state| state.left = Some(bytes));
    }

    /// Resets every connection and refuses new ones.
    pub fn refuse(&self) {
        self.change(|state| (state.mode, state.era) = (Mode::Refuse, state.era + 1));
        // A last connection wakes the listener, which then goes.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.settle(|state| !state.is_listening && state.is_cut(), "the proxy refuses");
    }

    /// Keeps connections open, takes new ones, and passes nothing until told otherwise.
    pub fn stall(&self) {
        self.reopen(Mode::Stall);
    }

    /// Passes everything, what was held back included; takes new connections.
    pub fn pass(&self) {
        self.change(|state| state.left = None);
        self.reopen(Mode::Pass);
    }

    /// Passes each piece this much later than it came, in both directions.
    pub fn delay(&self, by: Duration) {
        self.change(|state| state.delay = by);
    }

    fn reopen(&self, mode: Mode) {
        self.change(|state| state.mode = mode);
        self.settle(|state| state.is_listening, "the proxy listens");
    }

    fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.shared.state.lock().expect("proxy lock"));
        self.shared.changed.notify_all();
    }

    fn settle(&self, holds: impl Fn(&State) -> bool, what: &str) {
        let state = self.shared.state.lock().expect("proxy lock");
        let settled = self.shared.changed.wait_timeout_while(state, DEADLINE, |state| !holds(state));
        assert!(!settled.expect("proxy lock").1.timed_out(), "in vain: {what}");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.change(|state| (state.mode, state.era) = (Mode::End, state.era + 1));
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl State {
    /// Whether nothing of an earlier era is left.
    fn is_cut(&self) -> bool {
        self.open.iter().all(|era| *era == self.era)
    }
}

impl Shared {
    /// Waits while there is nothing to be done in the mode there is; says which comes next.
    fn next_mode(&self, while_in: Mode) -> Mode {
        let state = self.state.lock().expect("proxy lock");
        let changed = self.changed.wait_while(state, |state| state.mode == while_in);
        changed.expect("proxy lock").mode
    }

    fn listening(&self, is_listening: bool) {
        self.state.lock().expect("proxy lock").is_listening = is_listening;
        self.changed.notify_all();
    }
}

/// Takes connections as long as it may.
fn listen(port: u16, shared: &Arc<Shared>) {
    loop {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the proxy's port");
        shared.listening(true);
        for client in listener.incoming() {
            let Some(listed) = Listed::new(shared) else { break };
            // A server that is not there is a closed connection here.
            if let (Ok(client), Ok(server)) = (client, TcpStream::connect(shared.target)) {
                Connection::open(client, server, listed);
            }
        }
        drop(listener);
        shared.listening(false);
        if shared.next_mode(Mode::Refuse) == Mode::End {
            return;
        }
    }
}

impl Connection {
    fn open(client: TcpStream, server: TcpStream, listed: Listed) {
        for end in [&client, &server] {
            end.set_nodelay(true).expect("a socket option");
            end.set_read_timeout(Some(LOOK)).expect("a socket option");
            end.set_write_timeout(Some(LOOK)).expect("a socket option");
        }
        let connection = Arc::new(Self { client, server, is_broken: AtomicBool::new(false), listed });
        std::thread::spawn({
            let connection = Arc::clone(&connection);
            move || connection.pump(&connection.client, &connection.server, true)
        });
        std::thread::spawn(move || connection.pump(&connection.server, &connection.client, false));
    }

    /// Passes what comes from one end to the other until it ends or is cut.
    fn pump(&self, mut from: &TcpStream, to: &TcpStream, to_server: bool) {
        let mut buffer = [0; 16 << 10];
        while !self.is_over() {
            match from.read(&mut buffer) {
                Ok(length) => {
                    let is_end = length == 0;
                    let Some(length) = self.admitted(length, to_server) else { return };
                    if is_end {
                        let _ = to.shutdown(Shutdown::Write);
                        return;
                    }
                    if self.write(to, &buffer[..length]).is_err() {
                        return self.is_broken.store(true, Ordering::Relaxed);
                    }
                }
                Err(error) if is_pause(&error) => {}
                // One end broke off, and so must the other.
                Err(_) => return self.is_broken.store(true, Ordering::Relaxed),
            }
        }
    }

    /// Waits as the mode and the delay say; how many of the bytes may go then, `None` when the connection is over.
    fn admitted(&self, length: usize, to_server: bool) -> Option<usize> {
        let Listed { shared, era } = &self.listed;
        let state = shared.state.lock().expect("proxy lock");
        let delay = state.delay;
        let state = shared.changed.wait_timeout_while(state, delay, |state| state.era == *era);
        let is_held = |state: &mut State| state.mode == Mode::Stall && state.era == *era;
        let mut state = shared.changed.wait_while(state.expect("proxy lock").0, is_held).expect("proxy lock");
        if state.era != *era {
            return None;
        }
        let mut admitted = length;
        if to_server {
            if let Some(left) = state.left {
                admitted = length.min(left);
                state.left = Some(left - admitted);
            }
            state.passed += admitted;
        }
        Some(admitted)
    }

    /// Writes all of it, and cuts everything where these were the last bytes that might pass.
    fn write(&self, mut to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match to.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => bytes = &bytes[length..],
                Err(error) if is_pause(&error) && !self.is_over() => {}
                Err(error) => return Err(error),
            }
        }
        let mut state = self.listed.shared.state.lock().expect("proxy lock");
        if state.left == Some(0) && state.era == self.listed.era {
            (state.left, state.era) = (None, state.era + 1);
            self.listed.shared.changed.notify_all();
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        let era = self.listed.shared.state.lock().expect("proxy lock").era;
        self.is_broken.load(Ordering::Relaxed) || era != self.listed.era
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.is_over() {
            for end in [&self.client, &self.server] {
                let _ = rustix::net::sockopt::set_socket_linger(end, Some(Duration::ZERO));
            }
        }
    }
}

impl Listed {
    /// On the list, unless the proxy takes no connections.
    fn new(shared: &Arc<Shared>) -> Option<Self> {
        let mut state = shared.state.lock().expect("proxy lock");
        if matches!(state.mode, Mode::Refuse | Mode::End) {
            return None;
        }
        let era = state.era;
        state.open.push(era);
        Some(Self { era, shared: Arc::clone(shared) })
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock().expect("proxy lock");
        if let Some(at) = state.open.iter().position(|era| *era == self.era) {
            state.open.swap_remove(at);
        }
        self.shared.changed.notify_all();
    }
}

/// Whether a socket's own time limit ended a call, or a signal.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it is sent, and a proxy before it.
    fn echo() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || io::copy(&mut stream.try_clone().unwrap(), &mut stream));
            }
        });
        Proxy::to(address)
    }

    fn connect(proxy: &Proxy) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", proxy.port()))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(stream)
    }

    fn say(mut stream: &TcpStream, word: &[u8]) {
        stream.write_all(word).unwrap();
    }

    fn hear(mut stream: &TcpStream, length: usize) -> io::Result<Vec<u8>> {
        let mut heard = vec![0; length];
        stream.read_exact(&mut heard).map(|()| heard)
    }

    #[test]
    fn what_is_cut_is_reset_and_what_comes_next_passes() {
        let proxy = echo();
        for _ in 0..3 {
            let stream = connect(&proxy).unwrap();
            say(&stream, b"hello");
            assert_eq!(hear(&stream, 5).unwrap(), b"hello");
            proxy.cut();
            assert_eq!(hear(&stream, 1).unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
        proxy.refuse();
        assert_eq!(connect(&proxy).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        proxy.pass();
        let stream = connect(&proxy).unwrap();
        say(&stream, b"again");
        stream.shutdown(Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        (&stream).read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"again", "an end is passed as an end");
    }

    #[test]
    fn a_cut_in_the_middle_lets_so_many_bytes_through() {
        let proxy = echo();
        let stream = connect(&proxy).unwrap();
        say(&stream, b"12345");
        assert_eq!(hear(&stream, 5).unwrap(), b"12345");
        proxy.cut_after(3);
        say(&stream, b"12345");
        assert_eq!(hear(&stream, 4).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(proxy.passed(), 8);
    }

    #[test]
    fn what_is_held_back_passes_once_it_may() {
        let proxy = echo();
        proxy.delay(Duration::from_millis(1));
        let early = connect(&proxy).unwrap();
        say(&early, b"a");
        assert_eq!(hear(&early, 1).unwrap(), b"a");
        proxy.stall();
        let late = connect(&proxy).unwrap();
        [&early, &late].iter().for_each(|stream| say(stream, b"b"));
        early.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        assert!(is_pause(&hear(&early, 1).unwrap_err()));
        early.set_read_timeout(Some(DEADLINE)).unwrap();
        proxy.pass();
        for stream in [early, late] {
            assert_eq!(hear(&stream, 1).unwrap(), b"b");
        }
    }
}
