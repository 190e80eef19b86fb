//! The processes under measurement: `waymark serve`, and nginx as the plainest proxy there is.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use waymark_testkit::Waymark;

/// How long nginx may take to start.
const DEADLINE: Duration = Duration::from_secs(10);

/// Writes the shell's process id, which becomes the server's, where it can be read.
const LAUNCH: &str = "echo $$ > process && exec \"$@\"";

/// A running `waymark serve` with a ledger of its own.
pub(crate) struct Gateway {
    waymark: Waymark,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its process.
    pub(crate) process: u32,
}

impl Gateway {
    /// Starts it before `upstream`, with the ledger on as it is by default, reading `repo` where one is given.
    pub(crate) fn start(binary: &Path, upstream: SocketAddr, repo: Option<&Path>) -> Result<Self> {
        Self::configured(binary, &configuration(upstream, repo))
    }

    /// The same with this configuration.
    pub(crate) fn configured(binary: &Path, configuration: &str) -> Result<Self> {
        let mut waymark = Waymark::new("sh");
        waymark.env("FIXED_KEY", "upstream-key");
        waymark.configure(configuration);
        let mut command = waymark.command();
        command.args(["-c", LAUNCH, "sh"]).arg(binary).args(["serve", "--listen", "127.0.0.1:0", "--config"]);
        command.arg(waymark.config()).arg("--data-dir").arg(waymark.data_dir());
        waymark.launch(command);
        let process = std::fs::read_to_string(waymark.home().join("process"))?;
        let process = process.trim().parse().context("the server's process id")?;
        Ok(Self { address: waymark.address(), process, waymark })
    }

    /// Where the ledger is.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.waymark.data_dir()
    }
}

fn configuration(upstream: SocketAddr, repo: Option<&Path>) -> String {
    let repository = repo.map_or(String::new(), |repo| {
        let path = serde_json::Value::from(repo.to_string_lossy());
        format!("[repository]\npath = {path}\n")
    });
    format!(
        "{repository}
[providers.fixed-openai]
kind = \"openai\"
base_url = \"http://{upstream}/v1\"
api_key_env = \"FIXED_KEY\"

[providers.fixed-anthropic]
kind = \"anthropic\"
base_url = \"http://{upstream}\"
api_key_env = \"FIXED_KEY\"

[models.small]
provider = \"fixed-openai\"
id = \"fixed-small\"
price = {{ input = 1.0, output = 4.0 }}

[models.large]
provider = \"fixed-anthropic\"
id = \"fixed-large\"
price = {{ input = 3.0, cached_input = 0.3, cache_write = 3.75, output = 15.0 }}
"
    )
}

/// A running nginx: one process that passes everything on unbuffered and keeps its connections.
pub(crate) struct Nginx {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it before `upstream`; `None` where it is not installed.
    pub(crate) fn start(upstream: SocketAddr) -> Result<Option<Self>> {
        let folder = TempDir::new()?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, nginx_configuration(address, upstream))?;
        let mut command = Command::new(program());
        command.arg("-p").arg(folder.path()).arg("-c").arg(&path).args(["-e", "stderr"]);
        let Ok(child) = command.stdin(Stdio::null()).spawn() else { return Ok(None) };
        let mut nginx = Self { child, address, _folder: folder };
        let until = Instant::now() + DEADLINE;
        while TcpStream::connect(address).is_err() {
            if nginx.child.try_wait()?.is_some() || Instant::now() > until {
                bail!("nginx is installed but does not start");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(nginx))
    }

    /// Its one process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian keeps it where only the administrator's search path looks.
fn program() -> &'static str {
    if Path::new("/usr/sbin/nginx").is_file() { "/usr/sbin/nginx" } else { "nginx" }
}

fn nginx_configuration(listen: SocketAddr, upstream: SocketAddr) -> String {
    let folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("    {name}_temp_path {name};\n"))
        .collect();
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 256; }}
http {{
{folders}    access_log off;
    keepalive_requests 100000000;
    client_body_buffer_size 1m;
    client_max_body_size 64m;
    upstream fixed {{
        server {upstream};
        keepalive 32;
        keepalive_requests 100000000;
    }}
    server {{
        listen {listen};
        location / {{
            proxy_pass http://fixed;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
            proxy_request_buffering off;
        }}
    }}
}}
"
    )
}
