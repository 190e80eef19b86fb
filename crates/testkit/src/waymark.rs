//! Drives the real binary: its own home, its own data directory, nothing inherited from the user.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use crate::{DEADLINE, Gate, Http, Process};

/// What the binary prints on stderr when it can be asked.
const LISTENING: &str = "listening on http://";

/// The binary with a home of its own, running or not; a running one is killed when this is dropped.
#[derive(Debug)]
pub struct Waymark {
    binary: PathBuf,
    home: TempDir,
    environment: Vec<(String, String)>,
    server: Option<Server>,
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it answered.
    pub stdout: String,
    /// What it told.
    pub stderr: String,
}

#[derive(Debug)]
struct Server {
    child: Child,
    address: SocketAddr,
    stderr: Reader,
    stdout: Reader,
}

/// Collects what a process prints, as it prints it.
#[derive(Debug)]
struct Reader {
    text: Arc<Mutex<String>>,
    seen: Gate,
    thread: Option<JoinHandle<()>>,
}

impl Waymark {
    /// The binary at `binary`: pass `env!("CARGO_BIN_EXE_waymark")`.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let home = TempDir::new().expect("temporary folder");
        Self { binary: binary.into(), home, environment: Vec::new(), server: None }
    }

    /// Writes the configuration file.
    pub fn configure(&self, text: &str) {
        std::fs::write(self.config(), text).expect("configuration written");
    }

    /// Sets a variable for every process started from here on.
    pub fn env(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Where the configuration file is.
    pub fn config(&self) -> PathBuf {
        self.home.path().join("waymark.toml")
    }

    /// Where the ledger and its key are.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The home folder processes see.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A command with the isolated environment and no arguments yet.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        let home = self.home.path();
        command.env_clear().stdin(Stdio::null()).current_dir(home).env("HOME", home).env("NO_COLOR", "1");
        for name in ["PATH", "LLVM_PROFILE_FILE", "TMPDIR"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        for (name, folder) in
            [("CONFIG", ".config"), ("DATA", ".local/share"), ("CACHE", ".cache"), ("STATE", ".state")]
        {
            command.env(format!("XDG_{name}_HOME"), home.join(folder));
        }
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end on this data directory.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command.args(arguments).arg("--data-dir").arg(self.data_dir());
        finish(command)
    }

    /// Runs a command to its end with exactly these arguments, in `folder`.
    pub fn run_in(&self, folder: &Path, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command.current_dir(folder).args(arguments);
        finish(command)
    }

    /// `why RECORD --json`; anything but success and JSON fails the test.
    pub fn why(&self, record: &str) -> Value {
        let output = self.run(&["why", record, "--json"]);
        assert_eq!(output.code, Some(0), "why {record}: {output:?}");
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Starts the server from the configuration file on a port of its own; says where it listens.
    pub fn start(&mut self) -> Http {
        self.start_with(&[])
    }

    /// The same with variables that only the server sees.
    pub fn start_with(&mut self, environment: &[(&str, PathBuf)]) -> Http {
        self.try_start_with(environment)
            .unwrap_or_else(|output| panic!("the server did not start: {output:?}"))
    }

    /// The same for a server that may end instead: how it did.
    pub fn try_start_with(&mut self, environment: &[(&str, PathBuf)]) -> Result<Http, Output> {
        let mut command = self.command();
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.arg("serve").arg("--config").arg(self.config());
        command.args(["--listen", "127.0.0.1:0"]).arg("--data-dir").arg(self.data_dir());
        self.try_launch(command)
    }

    /// Starts a server command of the test's own making; says where it listens.
    pub fn launch(&mut self, command: Command) -> Http {
        self.try_launch(command).unwrap_or_else(|output| panic!("the server did not start: {output:?}"))
    }

    fn try_launch(&mut self, mut command: Command) -> Result<Http, Output> {
        assert!(self.server.is_none(), "one server at a time");
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let stdout = Reader::new(child.stdout.take().expect("piped"));
        let stderr = Reader::new(child.stderr.take().expect("piped"));
        if !stderr.seen.wait(DEADLINE) || stderr.address().is_none() {
            // Where it told its end on stderr, it is about to end by itself.
            let status = wait(&mut child).unwrap_or_else(|| {
                let _ = child.kill();
                child.wait().expect("a child of ours")
            });
            let code = status.code();
            return Err(Output { code, stdout: stdout.join(), stderr: stderr.join() });
        }
        let address = stderr.address().expect("just seen");
        self.server = Some(Server { child, address, stderr, stdout });
        Ok(Http::new(address))
    }

    /// Where the running server listens.
    pub fn address(&self) -> SocketAddr {
        self.running().address
    }

    /// The running server's process.
    pub fn process(&self) -> Process {
        Process::new(self.running().child.id())
    }

    /// A client of the running server.
    pub fn http(&self) -> Http {
        Http::new(self.address())
    }

    /// What the running server has told so far.
    pub fn stderr(&self) -> String {
        self.running().stderr.text()
    }

    /// What the running server has answered on stdout so far.
    pub fn stdout(&self) -> String {
        self.running().stdout.text()
    }

    /// Ends the server at once (SIGKILL) and waits until it is gone.
    ///
    /// What it had written stays in the system's cache, so this shows what a crash of the process leaves behind and
    /// not what a power cut would.
    pub fn kill(&mut self) {
        let mut server = self.server.take().expect("a running server");
        server.child.kill().expect("killed");
        server.child.wait().expect("gone");
    }

    /// Sends a signal by name (`INT`, `TERM`) and returns at once.
    pub fn signal(&self, name: &str) {
        let id = self.running().child.id().to_string();
        let status = Command::new("kill").arg(format!("-{name}")).arg(id).status().expect("kill runs");
        assert!(status.success(), "the server took SIG{name}");
    }

    /// Asks the server to stop (SIGINT) and waits until it has.
    pub fn stop(&mut self) -> Output {
        self.signal("INT");
        self.wait()
    }

    /// Waits for the server's own end.
    pub fn wait(&mut self) -> Output {
        let mut server = self.server.take().expect("a running server");
        let status = wait(&mut server.child).unwrap_or_else(|| panic!("no end: {}", server.stderr.text()));
        Output { code: status.code(), stdout: server.stdout.join(), stderr: server.stderr.join() }
    }

    fn running(&self) -> &Server {
        self.server.as_ref().expect("a running server")
    }
}

impl Drop for Waymark {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.child.kill();
            let _ = server.child.wait();
        }
    }
}

impl Reader {
    fn new(source: impl Read + Send + 'static) -> Self {
        let (text, seen) = (Arc::new(Mutex::new(String::new())), Gate::new());
        let thread = std::thread::spawn({
            let (text, seen) = (Arc::clone(&text), seen.clone());
            move || {
                for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line);
                    text.lock().expect("text lock").push_str(&format!("{line}\n"));
                    if line.contains(LISTENING) {
                        seen.open();
                    }
                }
                seen.open();
            }
        });
        Self { text, seen, thread: Some(thread) }
    }

    fn text(&self) -> String {
        self.text.lock().expect("text lock").clone()
    }

    fn join(mut self) -> String {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.text()
    }

    fn address(&self) -> Option<SocketAddr> {
        let text = self.text();
        let (_, after) = text.split_once(LISTENING)?;
        after.split(|c: char| c.is_whitespace() || c == '/').next()?.parse().ok()
    }
}

fn finish(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let stdout = Reader::new(child.stdout.take().expect("piped"));
    let stderr = Reader::new(child.stderr.take().expect("piped"));
    let Some(status) = wait(&mut child) else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{command:?} did not end\n{}\n{}", stdout.join(), stderr.join());
    };
    Output { code: status.code(), stdout: stdout.join(), stderr: stderr.join() }
}

/// Waits for an end within the deadline.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + DEADLINE;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return Some(status);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(script: &str) -> Waymark {
        let mut shell = Waymark::new("sh");
        let mut command = shell.command();
        command.args(["-c", script]);
        shell.launch(command);
        shell
    }

    #[test]
    fn the_address_is_read_and_the_end_is_seen() {
        let mut shell = server(
            "trap 'exit 7' TERM; echo 'listening on http://127.0.0.1:4114/ now' >&2; while :; do sleep 0.01; done",
        );
        assert_eq!(shell.address(), "127.0.0.1:4114".parse().unwrap());
        // A shell that was started with SIGINT ignored, in the background of another, cannot trap it.
        shell.signal("TERM");
        assert_eq!(shell.wait().code, Some(7));
        let mut shell = server("echo 'listening on http://127.0.0.1:4114' >&2; exec sleep 60");
        shell.kill();
    }

    #[test]
    fn a_command_sees_a_home_of_its_own_and_no_keys() {
        let mut shell = Waymark::new("sh");
        shell.env("SET_HERE", "yes");
        let output = shell.run_in(shell.home(), &["-c", "echo $HOME $SET_HERE $CARGO_MANIFEST_DIR; exit 3"]);
        assert_eq!(output.code, Some(3));
        assert_eq!(output.stdout, format!("{} yes\n", shell.home().display()));
    }
}
