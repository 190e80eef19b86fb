//! One module a command.

mod anchor;
mod attribute;
mod attribution;
mod backup;
mod bench;
mod blame;
mod complete;
pub(crate) mod config;
mod connect;
mod doctor;
mod erase;
mod export;
mod hook;
mod index;
mod key;
mod leaves;
mod report;
mod route;
mod saved;
mod server;
mod sources;
mod store;
mod up;
mod verify;
mod why;
mod witness;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use waymark_routing::StockNames;
use waymark_store::{LedgerStore, StoreError};

use crate::args::{Arguments, Bench, Command, Common, Report, Route, Store};
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE};

type Outcome = Result<ExitCode, Failure>;

/// Runs the command that was asked for.
pub(crate) fn run(Arguments { command, common }: Arguments) -> Outcome {
    match command {
        Command::Up { repo, listen } => up::run(&common, repo.as_deref(), listen),
        Command::Serve { listen } => server::serve(&common, listen),
        Command::Why(asked) => why::run(&common, &asked),
        Command::Blame(asked) => blame::run(&common, &asked),
        Command::Report { what: Report::Provenance(asked) } => report::provenance(&common, &asked),
        Command::Attribute(asked) => attribute::run(&common, &asked),
        Command::Hook { what } => hook::run(&common, what),
        Command::Verify { checkpoint, repo } => verify::run(&common, &checkpoint, repo.as_deref()),
        Command::Anchor { repo } => anchor::run(&common, repo),
        Command::Witness(asked) => witness::run(&common, asked),
        Command::Backup(asked) => backup::run(&common, &asked),
        Command::Store { what: Store::Migrate(asked) } => store::migrate(&common, &asked),
        Command::Erase(asked) => erase::run(&common, asked),
        Command::Key { what } => key::run(&common, what),
        Command::Complete(cursor) => complete::run(&common, &cursor),
        Command::Bench { what: Bench::Completion { repo, commits } } => {
            bench::completion(&common, &repo, commits)
        }
        Command::Connect(asked) => connect::run(&common, &asked),
        Command::Doctor { base_url } => doctor::run(&common, base_url.as_deref()),
        Command::Route { what: Route::Explain(asked) } => route::explain(&common, &asked),
        Command::Route { what: Route::Replay(asked) } => route::replay(&common, &asked),
        Command::Export(asked) => export::run(&common, &asked),
        Command::Config { stock_names: true, .. } => stock_names(&common),
        Command::Config { origin, .. } => effective(&common, origin),
    }
}

fn effective(common: &Common, origin: bool) -> Outcome {
    let settings = sources::load(common, sources::Given::default())?;
    config::print(&settings, origin, common.json, &mut std::io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

fn stock_names(common: &Common) -> Outcome {
    let stock = StockNames::shipped().map_err(|error| Failure::from_error(CHECK_FAILED, &error))?;
    config::print_stock_names(&stock, common.json, &mut std::io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a command's asynchronous part on this thread; only servers need more of them.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(future)
}

/// A ledger opened to be read, with the key that checks it.
struct Ledger {
    store: LedgerStore,
    key: waymark_ledger::note::Verifier,
    /// The checkpoint kept beside the database: a floor under what it may claim to be.
    head: Option<String>,
    data_dir: PathBuf,
}

impl Ledger {
    async fn open(common: &Common) -> Result<Self, Failure> {
        let data_dir = sources::data_dir(common)?;
        // Read before the database is: what is written in between only makes the database larger.
        let head = waymark_gateway::read_head(&data_dir)
            .map_err(|error| Failure::from_error(UNREACHABLE, &error))?;
        let address = sources::store(common, &data_dir)?;
        let store = LedgerStore::open_to_read(&address).await.map_err(|error| unopened(&error, &data_dir))?;
        let key = waymark_gateway::read_verifier(&data_dir)
            .map_err(|error| Failure::from_error(UNREACHABLE, &error))?;
        Ok(Self { store, key, head, data_dir })
    }
}

fn unopened(error: &StoreError, data_dir: &Path) -> Failure {
    let missing = matches!(error, StoreError::Missing { .. });
    let failure = Failure::from_error(if missing { UNREACHABLE } else { CHECK_FAILED }, error);
    match error {
        StoreError::Missing { .. } => failure.hint(format!(
            "`waymark up` makes one in {}; name another place with --data-dir",
            data_dir.display()
        )),
        _ => failure,
    }
}

/// A ledger that cannot be read is one that does not verify.
fn unreadable(error: &StoreError) -> Failure {
    Failure::from_error(CHECK_FAILED, error)
}
