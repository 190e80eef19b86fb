//! Private PostgreSQL clusters on Debian's server, made to be killed.
//!
//! A cluster lives in a temporary folder, listens on loopback only and takes everybody who comes from there. Nothing
//! of it outlives the test process, not even one that was killed: a shell waits for the end of a pipe and clears up.

mod cluster;
mod server;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use cluster::Cluster;
use server::Server;

/// A cluster of its own, running unless it was stopped or killed; dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Postgres {
    server: Mutex<Option<Server>>,
    cluster: Cluster,
}

impl Postgres {
    /// Makes a cluster and starts its server.
    pub fn start() -> Self {
        let cluster = Cluster::new();
        let server = Server::start(&cluster);
        Self { server: Mutex::new(Some(server)), cluster }
    }

    /// The one cluster that this process's tests share: give each test a database of its own, and leave the server
    /// running.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Makes an empty database and says how it is reached.
    pub fn create_database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\""));
        self.url(name)
    }

    /// How a database is reached.
    pub fn url(&self, database: &str) -> String {
        Self::url_at(self.port(), database)
    }

    /// How a database is reached through something else that listens on loopback, such as a [`crate::Proxy`].
    pub fn url_at(port: u16, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{database}")
    }

    /// The server's port on 127.0.0.1, which stays what it is through kills and restarts.
    pub fn port(&self) -> u16 {
        self.cluster.port
    }

    /// Where the cluster's files are.
    pub fn data_dir(&self) -> PathBuf {
        self.cluster.data()
    }

    /// What the server has told so far.
    pub fn log(&self) -> String {
        self.cluster.log()
    }

    /// Runs statements, each in a transaction of its own, and says what they answered: a line a row, `|` between
    /// columns. A failing one fails the test.
    pub fn sql(&self, database: &str, text: &str) -> String {
        self.try_sql(database, text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// The same for statements that may fail: what psql told.
    pub fn try_sql(&self, database: &str, text: &str) -> Result<String, String> {
        let mut psql = Command::new(cluster::program("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]);
        psql.arg("--file=-").arg("--dbname").arg(self.url(database)).env_remove("PGOPTIONS");
        let mut child = psql
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql starts");
        // A psql that cannot connect reads nothing, and its own words say more than the broken pipe.
        let _ = child.stdin.take().expect("piped").write_all(text.as_bytes());
        let output = child.wait_with_output().expect("psql ends");
        let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(told(&output.stdout)) } else { Err(told(&output.stderr)) }
    }

    /// Ends every process of the server at once (SIGKILL) and waits until they are gone.
    pub fn kill(&self) {
        self.take().kill();
    }

    /// Asks the server to end without waiting for its clients, and waits until it has.
    pub fn stop(&self) {
        self.take().stop();
    }

    /// Starts the server again, after a kill, a stop or while it runs, and waits until it takes connections.
    pub fn restart(&self) {
        let mut server = self.server.lock().expect("server lock");
        if let Some(running) = server.take() {
            running.stop();
        }
        *server = Some(Server::start(&self.cluster));
    }

    /// Lets every process of the server stand still (SIGSTOP): connections stay open and nothing answers.
    pub fn pause(&self) {
        self.server.lock().expect("server lock").as_ref().expect("a running server").pause();
    }

    /// Lets a server that stands still go on.
    pub fn resume(&self) {
        self.server.lock().expect("server lock").as_ref().expect("a running server").resume();
    }

    fn take(&self) -> Server {
        self.server.lock().expect("server lock").take().expect("a running server")
    }
}

/// Hands a path to the user that the server runs as, where that is another.
fn hand_over(path: &Path) {
    if is_root() {
        let owner = format!("{0}:{0}", cluster::USER);
        let status = Command::new("chown").arg("--recursive").arg(owner).arg(path).status();
        assert!(status.is_ok_and(|status| status.success()), "{} is handed over", path.display());
    }
}

/// Whether this process is root, as whom PostgreSQL refuses to run.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests;
