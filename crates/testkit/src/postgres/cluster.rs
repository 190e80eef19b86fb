//! A cluster's files, from a template that is made once, and the shell that clears them up.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{hand_over, is_root};
use crate::port;

/// Whom the server runs as when this process is root.
pub(super) const USER: &str = "postgres";

/// Where Debian has its servers, by version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// What a server is told: durable like the real thing, small, and with nothing outside its own folder.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 60
shared_buffers = 16MB
min_wal_size = 4MB
max_wal_size = 64MB
fsync = on
synchronous_commit = on
full_page_writes = on
dynamic_shared_memory_type = mmap
logging_collector = off
log_line_prefix = '%m [%p] %d '
lc_messages = 'C'
timezone = 'UTC'
jit = off
";

/// Waits for the end of its input, which comes when the test process closes it or is gone; then ends the server, first
/// by asking, and takes away its files and what the system keeps of its memory.
const CLEAR_UP: &str = r#"
read -r _
data=$1/data
pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null)
memory=$(sed -n 7p "$data/postmaster.pid" 2>/dev/null)
runs() { [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$data" ]; }
if runs; then
    family=$(cat /proc/$pid/task/*/children 2>/dev/null)
    kill -CONT $pid $family 2>/dev/null
    kill -QUIT $pid 2>/dev/null
    tries=0
    while runs && [ $tries -lt 200 ]; do sleep 0.02; tries=$((tries + 1)); done
    runs && kill -KILL $pid $family 2>/dev/null
fi
[ -n "$memory" ] && ipcrm -m "${memory##* }" 2>/dev/null
# A copy that the test process had begun may still be going on.
tries=0
until rm -rf "$1" 2>/dev/null || [ $tries -ge 200 ]; do sleep 0.02; tries=$((tries + 1)); done
"#;

/// The folder of a cluster and the port of its server.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) port: u16,
    folder: PathBuf,
    clear_up: Child,
}

impl Cluster {
    /// The files of a new cluster, its server not started.
    pub(super) fn new() -> Self {
        let folder = TempDir::with_prefix("waymark-postgres-").expect("temporary folder");
        let clear_up = Command::new("sh")
            .args(["-c", CLEAR_UP, "sh"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Whoever interrupts the tests at a terminal must not interrupt this.
            .process_group(0)
            .current_dir("/")
            .spawn()
            .expect("a shell starts");
        let cluster = Self { port: port::free(), folder: folder.keep(), clear_up };
        copy(&template(), &cluster.data());
        let settings = format!("{SETTINGS}port = {}\n", cluster.port);
        fs::write(cluster.data().join("postgresql.auto.conf"), settings).expect("settings written");
        hand_over(&cluster.folder);
        cluster
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(super) fn log(&self) -> String {
        let bytes = fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.clear_up.stdin.take());
        let _ = self.clear_up.wait();
    }
}

/// A program of the newest server that is installed.
pub(super) fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions
        .map(|entry| entry.path())
        .filter(|path| path.join("bin").join("initdb").exists() && path.join("bin").join(name).exists())
        .max_by_key(|path| number(path));
    newest.map_or_else(|| name.into(), |version| version.join("bin").join(name))
}

/// A program of the server, run as [`USER`] where this process is root.
pub(super) fn as_server(name: &str) -> Command {
    let program = program(name);
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={USER}")).arg(format!("--regid={USER}")).arg("--clear-groups");
        command.arg("--").arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").env("LC_ALL", "C").env_remove("PGOPTIONS").stdin(Stdio::null());
    command
}

/// An empty cluster to copy. Making one takes seconds, so that it is kept beside what cargo builds.
fn template() -> PathBuf {
    let version = as_server("postgres").arg("--version").output().unwrap_or_else(|error| {
        panic!("PostgreSQL's server cannot be started ({error}): `cargo xtask test` installs it")
    });
    let version =
        String::from_utf8_lossy(&version.stdout).trim().replace(|c: char| !c.is_alphanumeric(), "-");
    let cache = target().join(format!("{version}-cluster"));
    let lock = File::create(cache.with_extension("lock")).expect("a lock in cargo's folder");
    lock.lock().expect("locked");
    if !cache.exists() {
        let new = TempDir::with_prefix("waymark-postgres-").expect("temporary folder");
        hand_over(new.path());
        let made = as_server("initdb")
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .args(["--wal-segsize=1", "--no-instructions", "--pgdata"])
            .arg(new.path().join("data"))
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let unfinished = cache.with_extension("new");
        let _ = fs::remove_dir_all(&unfinished);
        copy(&new.path().join("data"), &unfinished);
        fs::rename(&unfinished, &cache).expect("the template in its place");
    }
    cache
}

/// The folder cargo builds in, as the running program's own place says.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("this program's path");
    let marked = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    marked.expect("tests run from cargo's folder").to_owned()
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("--archive").arg("--no-target-directory").arg(from).arg(to).status();
    assert!(status.is_ok_and(|status| status.success()), "{} copied", from.display());
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).expect("the mode PostgreSQL asks for");
}
