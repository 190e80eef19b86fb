//! The command line as it is typed.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use waymark_routing::replay::{Resampling, Verifier};
use waymark_types::{Dialect, Limits};

/// Waymark: your team's own default path for coding assistants.
#[derive(Debug, Parser)]
#[command(name = "waymark", version, about, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Read the configuration from this file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Keep the ledger and its key in this folder
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Index this repository, find models, serve, and print how to connect
    Up {
        /// The repository, or a folder in it
        #[arg(long, value_name = "DIR")]
        repo: Option<PathBuf>,
        /// Listen on this address
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
    },
    /// Serve a team from a configuration file
    Serve {
        /// Listen on this address
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
    },
    /// Tell which model wrote it, why that one, and the proof: of a line, a commit, a range, or an answer
    Why(Why),
    /// Tell for each line of a file which model wrote it
    Blame(Blame),
    /// Tell what a repository is made of, by models and routes
    Report {
        #[command(subcommand)]
        what: Report,
    },
    /// Write what is known of commits beside them, as notes that git-ai and others read
    Attribute(Attribute),
    /// Git hooks that write those notes as commits are made and rewritten
    Hook {
        #[command(subcommand)]
        what: Hook,
    },
    /// Check the whole ledger, offline, and name the first bad record
    Verify {
        /// Checkpoints saved earlier, one or a file of many: history must only have been appended to since
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// The repository whose anchored checkpoints are checked too; by default the configured one, else this one
        #[arg(long, value_name = "DIR")]
        repo: Option<PathBuf>,
    },
    /// Anchor the newest checkpoint now, where the configuration says
    Anchor {
        /// The repository to anchor in, in place of the configured one
        #[arg(long, value_name = "DIR")]
        repo: Option<PathBuf>,
    },
    /// Cosign the checkpoints of transparency logs that were only appended to
    Witness(Witness),
    /// Destroy what a person or a record has beside the tree: keys, salts, texts
    Erase(Erase),
    /// Copy the ledger into a folder, or bring the copy there up to date, while a server runs
    Backup(Backup),
    /// Virtual keys: who may ask, for what, and how much
    Key {
        #[command(subcommand)]
        what: Key,
    },
    /// What concerns the database that the ledger is kept in
    Store {
        #[command(subcommand)]
        what: Store,
    },
    /// Complete one line with the embedded model, with citations
    Complete(Cursor),
    /// Measure the embedded model
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// Point an assistant or editor here, reversibly
    Connect(Connect),
    /// Tell for each assistant whether it is installed, connected, and reaches Waymark
    Doctor {
        /// The server's address; by default the one it is set to listen on
        #[arg(long, value_name = "URL")]
        base_url: Option<String>,
    },
    /// Tell what routing would decide, or would have decided
    Route {
        #[command(subcommand)]
        what: Route,
    },
    /// Write records in a form that other programs read
    Export(Export),
    /// Print the effective configuration
    Config {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
        /// Print the names that clients ask for by themselves, which ship with Waymark, and what takes them
        #[arg(long, conflicts_with = "origin")]
        stock_names: bool,
    },
}

/// What is asked about.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// A record's id, as in the x-waymark-record header; PATH:LINE; a commit; or a range of commits, as main..HEAD
    #[arg(value_name = "RECORD|PATH:LINE|COMMIT|A..B")]
    pub(crate) what: String,
    /// Look at the file in this commit, not in the working tree
    #[arg(long, value_name = "REV")]
    pub(crate) rev: Option<String>,
    /// The repository, or a folder in it
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
    /// Write a block for a review, in Markdown
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// Write leaf, body, salt, proof, checkpoint and key into this folder, to be checked with other tools
    #[arg(long, value_name = "DIR")]
    pub(crate) proof: Option<PathBuf>,
}

/// A file whose lines are asked about.
#[derive(Debug, Args)]
pub(crate) struct Blame {
    /// The file
    pub(crate) path: PathBuf,
    /// Look at the file in this commit, not in the working tree
    #[arg(long, value_name = "REV")]
    pub(crate) rev: Option<String>,
    /// Only these lines, as 10,20
    #[arg(short = 'L', long, value_name = "FIRST,LAST", value_parser = lines)]
    pub(crate) lines: Option<RangeInclusive<u32>>,
    /// The repository, or a folder in it
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    /// Whose every line of a revision is: by served model, route and class, with the records
    Provenance(Provenance),
}

/// A repository at a revision.
#[derive(Debug, Args)]
pub(crate) struct Provenance {
    /// The revision
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub(crate) rev: String,
    /// The repository, or a folder in it
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
    /// Write it in Markdown
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// Do not go on from a report that was cut off
    #[arg(long)]
    pub(crate) afresh: bool,
}

/// Commits that get notes.
#[derive(Debug, Args)]
pub(crate) struct Attribute {
    /// A commit, or a range as main..HEAD; by default all that the ledger may know of
    #[arg(value_name = "COMMIT|A..B")]
    pub(crate) range: Option<String>,
    /// The repository, or a folder in it
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
    /// Look again at commits that have a note
    #[arg(long)]
    pub(crate) again: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Hook {
    /// Put them into a repository, in front of those that are there
    Install {
        /// The repository, or a folder in it
        #[arg(long, value_name = "DIR")]
        repo: Option<PathBuf>,
        /// Name the records in each commit's message too: one `Assisted-by:` line each
        #[arg(long)]
        trailer: bool,
    },
    /// Take them out again
    Uninstall {
        /// The repository, or a folder in it
        #[arg(long, value_name = "DIR")]
        repo: Option<PathBuf>,
    },
    /// Do what a hook does; git runs this
    #[command(hide = true)]
    Run {
        /// The hook's name
        hook: String,
        /// What git gives it
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// A range of lines, as git blame takes it.
fn lines(text: &str) -> Result<RangeInclusive<u32>, String> {
    let problem = || format!("`{text}` is no range of lines: write FIRST,LAST, as 10,20");
    let (first, last) = text.split_once(',').ok_or_else(problem)?;
    let (first, last) = (first.parse().map_err(|_| problem())?, last.parse().map_err(|_| problem())?);
    if first == 0 || last < first { Err(problem()) } else { Ok(first..=last) }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// The embedded model's accuracy on a repository's own history
    Completion {
        /// The repository, or a folder in it
        #[arg(long, value_name = "DIR", default_value = ".")]
        repo: PathBuf,
        /// Replay this many of its newest commits
        #[arg(long, value_name = "N", default_value_t = 100)]
        commits: usize,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Route {
    /// Tell what would be decided about a request, and why; nothing is sent anywhere
    ///
    /// The candidates and what rules each out, the evidence in the conversation and its weight, the score and what it
    /// takes to climb, what a change of model costs, the plan, and what the route's shadow would decide. The request is
    /// taken as the first of its session: the conversation in it is gone through from its beginning.
    Explain(Explain),
    /// Replay a policy over recorded sessions, or a ladder over per-task outcomes
    ///
    /// Recorded sessions, FILE or --ledger: each decision is made again by the configuration that --config names, from what
    /// its record holds. Told are the decisions that differ, the share of requests on each model, and the cost as
    /// recorded, as it would be, and on the cheapest and the strongest rung alone.
    ///
    /// Outcomes, --outcomes and --ladder: FILE.csv has a line for each run: instance_id, harness, model, resolved (1 or 0)
    /// and cost_usd, in any order, other columns beside them. Every rung that is asked is paid. An empty outcome counts as
    /// not solved, an empty or zero cost as the median of that row. Told are success and cost with intervals, beside what
    /// needs no router.
    Replay(Replay),
}

/// A request to explain.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The request's body as its client sends it; `-` reads it from standard input
    #[arg(value_name = "REQUEST.json")]
    pub(crate) request: PathBuf,
    /// The dialect it is in, where its fields do not tell
    #[arg(long, value_name = "D")]
    pub(crate) dialect: Option<Dialect>,
    /// A header it comes with; once for each
    #[arg(long, value_name = "K=V")]
    pub(crate) header: Vec<String>,
    /// The model asked for, in dialects that name it in the address
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
}

/// What takes records, and so none of what concerns outcomes.
const RECORDS: [&str; 2] = ["file", "ledger"];

/// What to replay, and how.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").required(true).args(["file", "ledger", "outcomes"]))]
pub(crate) struct Replay {
    /// The records of this file, as `waymark export --format jsonl` writes them
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The records of this data directory's ledger
    #[arg(long)]
    pub(crate) ledger: bool,
    /// The outcomes of this file
    #[arg(long, value_name = "FILE.csv", requires = "ladder")]
    pub(crate) outcomes: Option<PathBuf>,
    /// The rungs, the first that is asked first: harness/model, or the model where only one harness ran it
    #[arg(long, value_name = "CHEAP,STRONG[,...]", value_delimiter = ',', requires = "outcomes", conflicts_with_all = RECORDS)]
    pub(crate) ladder: Vec<String>,
    /// What decides whether to climb: how often it accepts what is solved, and rejects what is not
    #[arg(
        long,
        value_name = "perfect|SENSITIVITY,SPECIFICITY",
        default_value = "perfect",
        requires = "outcomes"
    )]
    pub(crate) verifier: Verifier,
    /// What one check by the verifier costs, in US dollars
    #[arg(long, value_name = "USD", default_value_t = 0.0, requires = "outcomes", conflicts_with_all = RECORDS, value_parser = dollars)]
    pub(crate) check_cost: f64,
    /// Draw the intervals' samples from this seed
    #[arg(long, value_name = "N", default_value_t = Resampling::USUAL.seed, requires = "outcomes", conflicts_with_all = RECORDS)]
    pub(crate) seed: u64,
    /// Draw this many samples
    #[arg(long, value_name = "N", default_value_t = Resampling::USUAL.resamples, requires = "outcomes", conflicts_with_all = RECORDS, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    pub(crate) resamples: u32,
    /// Draw success against cost into this file, as an SVG
    #[arg(long, value_name = "FILE.svg", requires = "outcomes", conflicts_with_all = RECORDS)]
    pub(crate) plot: Option<PathBuf>,
}

fn dollars(text: &str) -> Result<f64, String> {
    let dollars = text.parse().ok().filter(|dollars| (0.0..1e6).contains(dollars));
    dollars.ok_or_else(|| "write an amount of US dollars, as in 0.02".to_owned())
}

/// What a witness watches, and where.
#[derive(Debug, Args)]
pub(crate) struct Witness {
    /// Listen on this address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4116")]
    pub(crate) listen: SocketAddr,
    /// Cosign the log with this verifier key; once for each key
    #[arg(long = "log", value_name = "VKEY")]
    pub(crate) log: Vec<String>,
    /// Cosign the logs whose verifier keys are in this file, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) logs: Option<PathBuf>,
    /// The witness's own name; by default a random one
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Answer below this path
    #[arg(long, value_name = "PATH", default_value = "")]
    pub(crate) prefix: String,
}

/// A client to point here, and how.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The assistant or editor
    #[arg(value_parser = PossibleValuesParser::new(crate::connect::names()))]
    pub(crate) client: String,
    /// Take back what was changed
    #[arg(long)]
    pub(crate) undo: bool,
    /// Print the difference and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The server's address; by default the one it is set to listen on
    #[arg(long, value_name = "URL", conflicts_with = "undo")]
    pub(crate) base_url: Option<String>,
}

/// Where a backup goes. It holds the keys of people and the salts of records, and, unless told otherwise, the key that
/// signs the ledger: keep it as you keep those. An erasure reaches it only when it is brought up to date.
///
/// The folder is a data directory: `waymark verify --data-dir DIR` checks it, and `waymark serve --data-dir DIR` goes on
/// from it. `waymark store migrate --from sqlite:DIR/ledger.db --to ADDRESS` puts it into another database.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Into this folder: an empty one, a new one, or a backup of the same ledger
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// Leave out the key that signs the ledger
    #[arg(long)]
    pub(crate) without_key: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Copy the ledger into another database, and verify the copy
    ///
    /// An address is `sqlite:FILE`, `sqlite` for the data directory's, or `postgres://USER:PASSWORD@HOST/DATABASE`; the
    /// password may come from PGPASSWORD. The source is only read, and may be written to meanwhile: what comes later is
    /// not copied. The target is empty, or an older or unfinished copy of the same ledger. Restoring a backup is
    /// `--from sqlite:DIR/ledger.db`.
    Migrate(Migrate),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key and print its secret, this once
    Create(Box<NewKey>),
    /// List the keys, and what was used with each
    List,
    /// Let a key hold no more; a running server knows within a second
    Revoke {
        /// The key's id, as `waymark key list` prints it
        id: String,
    },
}

/// Whose key, and what it allows. Days and months are UTC's, money is US dollars.
#[derive(Debug, Args)]
pub(crate) struct NewKey {
    /// Whose key it is; records carry a pseudonym of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: String,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) label: String,
    /// Allow this route; once for each. Without routes and models it may use any
    #[arg(long = "route", value_name = "NAME")]
    pub(crate) routes: Vec<String>,
    /// Allow this model to be asked for by its name; once for each
    #[arg(long = "model", value_name = "NAME")]
    pub(crate) models: Vec<String>,
    /// Money in a day at most
    #[arg(long, value_name = "USD")]
    pub(crate) budget_day: Option<String>,
    /// Money in a month at most
    #[arg(long, value_name = "USD")]
    pub(crate) budget_month: Option<String>,
    /// Tokens in a day at most, in and out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=Limits::MOST))]
    pub(crate) tokens_day: Option<u64>,
    /// Tokens in a month at most, in and out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=Limits::MOST))]
    pub(crate) tokens_month: Option<u64>,
    /// Requests in a minute at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=Limits::MOST))]
    pub(crate) requests_per_minute: Option<u64>,
    /// Tokens in a minute at most, in and out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=Limits::MOST))]
    pub(crate) tokens_per_minute: Option<u64>,
    /// It ends by itself at this time: the beginning of a day (UTC), or a time with its zone
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
}

/// From where to where.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Copy this ledger
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: String,
    /// Into this database
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: String,
}

/// What to erase. It cannot be taken back.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["subject", "record"]))]
pub(crate) struct Erase {
    /// A person: their name, their key, and with it every kept text of theirs
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// One record's salt and kept texts
    #[arg(long, value_name = "ID")]
    pub(crate) record: Option<String>,
    /// Why, for the erasure's own record; do not name the person here
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What to export, and how.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The form
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// Write to this file instead of stdout; for tiles, into this folder
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// These commits, and not records: one, or a range as main..HEAD; by default all that the ledger may know of
    #[arg(long, value_name = "COMMIT|A..B")]
    pub(crate) commits: Option<String>,
    /// The repository of the commits, or a folder in it
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
    /// Only records that began at this time or later: a day (UTC), or a time with its zone
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only records that began before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only records in which this model was requested, resolved or served
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Only records that this route decided
    #[arg(long, value_name = "NAME")]
    pub(crate) route: Option<String>,
    /// Only records of this session
    #[arg(long, value_name = "KEY")]
    pub(crate) session: Option<String>,
    /// Only records of this client, by its name or its name and version
    #[arg(long, value_name = "NAME")]
    pub(crate) client: Option<String>,
}

/// A form that other programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One record a line, by docs/schema/record.schema.json
    Jsonl,
    /// One signed in-toto statement a line, for each answer that a model gave; with --commits, for each commit
    InToto,
    /// One Agent Trace record a line, for each commit
    AgentTrace,
    /// One of git-ai's notes a line, for each commit
    GitAi,
    /// The public log as static files (C2SP tlog-tiles) in the folder that --output names
    Tiles,
}

/// A place in a file.
#[derive(Debug, Args)]
pub(crate) struct Cursor {
    /// The file
    #[arg(long, value_name = "F")]
    pub(crate) file: PathBuf,
    /// The line, from 1
    #[arg(long, value_name = "N")]
    pub(crate) line: usize,
    /// The column before which the cursor stands, in characters from 1
    #[arg(long, value_name = "C")]
    pub(crate) column: usize,
    /// Decline below this confidence, 0 to 1
    #[arg(long, value_name = "P")]
    pub(crate) threshold: Option<f64>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
