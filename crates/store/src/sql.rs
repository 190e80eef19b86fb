//! The narrow waist between the ledger's storage and a database: values, statements, scripts. Everything above it is
//! written once; a database is what can run these.

use futures_util::future::BoxFuture;

use crate::StoreError;

/// A value on its way into or out of a statement. The kinds are told apart even where there is no value, since a
/// database may insist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u64> for Value {
    /// Databases' integers are signed; positions in a log fit.
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<Option<&String>> for Value {
    fn from(value: Option<&String>) -> Self {
        Self::Text(value.cloned())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

/// A row that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) Vec<Value>);

impl Fields {
    /// An integer.
    pub(crate) fn int(&self, at: usize) -> Result<i64, StoreError> {
        match self.0.get(at) {
            Some(Value::Int(Some(value))) => Ok(*value),
            _ => Err(StoreError::Damaged("a number is missing".to_owned())),
        }
    }

    /// An integer that is a position or a count.
    pub(crate) fn position(&self, at: usize) -> Result<u64, StoreError> {
        let value = self.int(at)?;
        u64::try_from(value).map_err(|_| StoreError::Damaged(format!("a position is {value}")))
    }

    /// Text, taken out of the row.
    pub(crate) fn text(&mut self, at: usize) -> Result<String, StoreError> {
        self.maybe_text(at).ok_or_else(|| StoreError::Damaged("a text is missing".to_owned()))
    }

    /// Text that may be missing, taken out of the row.
    pub(crate) fn maybe_text(&mut self, at: usize) -> Option<String> {
        match self.0.get_mut(at) {
            Some(Value::Text(text)) => text.take(),
            _ => None,
        }
    }

    /// Bytes, taken out of the row.
    pub(crate) fn bytes(&mut self, at: usize) -> Result<Vec<u8>, StoreError> {
        match self.0.get_mut(at) {
            Some(Value::Bytes(Some(bytes))) => Ok(std::mem::take(bytes)),
            _ => Err(StoreError::Damaged("bytes are missing".to_owned())),
        }
    }
}

/// What a statement must come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Whatever it comes to.
    Any,
    /// The ledger has this many leaves.
    Size(u64),
    /// A lock is free: the answer is 1.
    Free,
    /// The subject of this id is still known: there is a row.
    Known(String),
    /// This many rows are changed; if not, this is what is wrong.
    Changed(u64, String),
}

impl Outcome {
    /// Whether a statement came to what it must, by its last row and the number of rows it changed.
    pub(crate) fn check(self, row: Option<&Fields>, changed: u64) -> Result<(), StoreError> {
        match self {
            Self::Any => Ok(()),
            Self::Size(expected) => {
                let found = row.map_or(Ok(0), |row| row.position(0))?;
                if found == expected { Ok(()) } else { Err(StoreError::Conflict { expected, found }) }
            }
            Self::Free => match row.map_or(Ok(0), |row| row.int(0))? {
                1 => Ok(()),
                _ => Err(StoreError::Busy),
            },
            Self::Known(_) if row.is_some() => Ok(()),
            Self::Known(subject) => Err(StoreError::Forgotten(subject)),
            Self::Changed(expected, _) if changed == expected => Ok(()),
            Self::Changed(_, problem) => Err(StoreError::Refused(problem)),
        }
    }
}

/// One statement, `?` standing for its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
    pub(crate) outcome: Outcome,
}

/// Statements of one transaction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pub(crate) statements: Vec<Statement>,
}

/// Bound values a statement may have, with room to spare below SQLite's limit of 32,766 and PostgreSQL's of 65,535.
const MAX_BOUND: usize = 8_000;

impl Script {
    /// Adds a statement.
    pub(crate) fn add(&mut self, sql: impl Into<String>, values: Vec<Value>, outcome: Outcome) {
        self.statements.push(Statement { sql: sql.into(), values, outcome });
    }

    /// Adds an insertion of rows of equal length, in as many statements as it takes. `into` names table and columns;
    /// `after` is what follows the values.
    pub(crate) fn insert(&mut self, into: &str, rows: Vec<Vec<Value>>, after: &str) {
        let Some(width) = rows.first().map(Vec::len) else { return };
        let places = format!("({})", vec!["?"; width].join(", "));
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let chunk: Vec<Vec<Value>> = rows.by_ref().take(MAX_BOUND / width).collect();
            let values = vec![places.as_str(); chunk.len()].join(", ");
            let sql = format!("INSERT INTO {into} VALUES {values}{after}");
            self.add(sql, chunk.into_iter().flatten().collect(), Outcome::Any);
        }
    }
}

/// What a database answers, in its own time.
pub(crate) type Reply<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A database.
pub(crate) trait Database: Send + Sync {
    /// Reads rows. `operation` is what an error says was being done.
    fn fetch<'a>(
        &'a self,
        operation: &'static str,
        sql: &'a str,
        values: Vec<Value>,
    ) -> Reply<'a, Vec<Fields>>;

    /// Runs a script in one transaction, whole or not at all, and returns once it is durable.
    fn transact(&self, script: Script) -> Reply<'_, ()>;

    /// Keeps other processes from writing until the next script has run, where a script can be overtaken by them. Returns
    /// once they are kept out.
    fn keep_out(&self) -> Reply<'_, ()>;

    /// Lets other processes write again after all.
    fn let_in(&self) -> Reply<'_, ()>;

    /// Whether entries go under the tree in the transaction that makes them durable. If not they wait in `pending`.
    fn seals_at_once(&self) -> bool;

    /// What this database's SQL differs in.
    fn dialect(&self) -> &'static Dialect;

    /// What the database itself finds wrong with its files, beyond what is stored in them.
    fn integrity(&self) -> Reply<'_, Option<String>>;

    /// Makes what was deleted unreadable in the files too; returns what it could not reach, in words.
    fn wipe(&self) -> Reply<'_, Vec<String>>;

    /// Writes everything back to where it is kept for good, and lets go of it. Every later call fails.
    fn close(&self) -> Reply<'_, ()>;
}

/// What databases' SQL differs in.
pub(crate) struct Dialect {
    /// The tables of a week, `{week}` standing for its number.
    pub(crate) week: &'static [&'static str],
    /// Names of all tables.
    pub(crate) tables: &'static str,
    /// Seconds since 1970, by the database's clock.
    pub(crate) now: &'static str,
    /// What a query ends in that keeps its rows from being deleted until the transaction's end.
    pub(crate) keep: &'static str,
    /// What follows a text that is to be compared byte by byte.
    pub(crate) bytewise: &'static str,
    /// The statement that makes sure no other process seals: its answer is 1.
    pub(crate) lock: Option<&'static str>,
    /// The statement that keeps other processes from reserving until the transaction's end.
    pub(crate) lock_spend: Option<&'static str>,
    /// What precedes the deletion of a lot, and what follows it.
    pub(crate) around_drop: [&'static str; 2],
}
