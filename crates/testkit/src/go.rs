//! Programs in Go, which tests compare ours with.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian puts the sources of Go libraries.
const LIBRARIES: &str = "/usr/share/gocode";

/// Builds the program in `folder` from its sources and the libraries that Debian ships, and puts it into `output`:
/// pass `env!("CARGO_TARGET_TMPDIR")`. Nothing is fetched.
pub fn build_go(folder: &Path, output: &Path) -> PathBuf {
    let name = folder.file_name().expect("a folder with a name").to_string_lossy();
    let (program, new) =
        (output.join(format!("go-{name}")), output.join(format!("go-{name}-{}", std::process::id())));
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&new).arg(".").current_dir(folder);
    go.env("GO111MODULE", "off")
        .env("GOPATH", LIBRARIES)
        .env("GOFLAGS", "")
        .env("GOCACHE", output.join("go-cache"));
    let built = go.output().expect("Go is installed: `cargo xtask test` does it, or see its packages");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    std::fs::rename(&new, &program).expect("the program is put in place");
    program
}
