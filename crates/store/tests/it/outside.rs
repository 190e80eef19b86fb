//! Somebody who may write to the database and does: without the ledger's key, and without asking.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqliteConnection};
use waymark_store::Address;

use crate::samples::Bench;

/// A connection from outside.
pub(crate) enum Outside {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A stored value: where it is, and its bytes, or its digits where it is a number.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) kind: Kind,
    /// The condition that finds its row.
    pub(crate) row: String,
    pub(crate) value: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bytes,
    Text,
    Number,
}

/// What finds a row, by the table's name without its week.
const KEYS: [(&str, &[&str]); 13] = [
    ("ledger", &["origin"]),
    ("leaves", &["leaf_index"]),
    ("nodes", &["level", "position"]),
    ("checkpoints", &["size"]),
    ("cosignatures", &["size", "witness"]),
    ("bodies", &["record", "part"]),
    ("records", &["record"]),
    ("salts", &["record"]),
    ("texts", &["record", "part"]),
    ("emissions", &["record"]),
    ("marks", &["mark", "record"]),
    ("open_records", &["record"]),
    ("subjects", &["id"]),
];

/// Columns that say nothing about the ledger: who answers an open record is for the gateways alone.
const FREE: [(&str, &str); 1] = [("open_records", "gateway")];

impl Outside {
    pub(crate) async fn of(bench: &Bench) -> Self {
        match bench.home.address() {
            Address::Sqlite(path) => Self::Sqlite(
                SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap(),
            ),
            Address::Postgres { url, .. } => {
                Self::Postgres(PgConnection::connect(url.expose()).await.unwrap())
            }
        }
    }

    /// Runs statements; says whether they could be.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => connection.execute(sql).await.map(|done| done.rows_affected()),
            Self::Postgres(connection) => connection.execute(sql).await.map(|done| done.rows_affected()),
        }
    }

    /// Reads rows of texts.
    pub(crate) async fn read(&mut self, sql: &str) -> Vec<Vec<String>> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query(sql).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query(sql).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect()
            }
        }
    }

    /// Bytes as the database's SQL has them.
    pub(crate) fn literal(&self, kind: Kind, value: &[u8]) -> String {
        let digits = waymark_ledger::commitment::hex(value);
        match (kind, self) {
            (Kind::Number, _) => String::from_utf8_lossy(value).into_owned(),
            (Kind::Bytes, Self::Sqlite(_)) => format!("x'{digits}'"),
            (Kind::Bytes, Self::Postgres(_)) => format!("'\\x{digits}'::bytea"),
            (Kind::Text, Self::Sqlite(_)) => format!("CAST(x'{digits}' AS TEXT)"),
            (Kind::Text, Self::Postgres(_)) => format!("convert_from('\\x{digits}'::bytea, 'UTF8')"),
        }
    }

    /// Every stored value of the first, a middle and the last row of every table.
    pub(crate) async fn cells(&mut self) -> Vec<Cell> {
        let columns = match self {
            Self::Sqlite(_) => {
                "SELECT m.name, c.name, upper(c.type) FROM sqlite_master m, pragma_table_info(m.name) c \
                 WHERE m.type = 'table' ORDER BY m.name, c.cid"
            }
            Self::Postgres(_) => {
                "SELECT table_name::text, column_name::text, upper(data_type)::text FROM information_schema.columns \
                 WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
            }
        };
        let mut cells = Vec::new();
        for column in self.read(columns).await {
            let (table, column, kind) = (&column[0], &column[1], &column[2]);
            let family = table.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
            let Some((_, keys)) = KEYS.iter().find(|(name, _)| *name == family) else { continue };
            if FREE.contains(&(family, column)) {
                continue;
            }
            let kind = match kind.as_str() {
                "BLOB" | "BYTEA" => Kind::Bytes,
                "TEXT" => Kind::Text,
                _ => Kind::Number,
            };
            cells.extend(self.column(table, column, kind, keys).await);
        }
        cells
    }

    async fn column(&mut self, table: &str, column: &str, kind: Kind, keys: &[&str]) -> Vec<Cell> {
        let shown = |name: &str, kind: Kind, sqlite: bool| match (kind, sqlite) {
            (Kind::Number, _) => format!("CAST({name} AS TEXT)"),
            (_, true) => format!("hex({name})"),
            (Kind::Bytes, false) => format!("upper(encode({name}, 'hex'))"),
            (Kind::Text, false) => format!("upper(encode(convert_to({name}, 'UTF8'), 'hex'))"),
        };
        let is_sqlite = matches!(self, Self::Sqlite(_));
        let kind_of = |name: &str| match name {
            "record" => Kind::Bytes,
            "id" | "witness" | "origin" => Kind::Text,
            _ => Kind::Number,
        };
        let named: Vec<String> = keys.iter().map(|key| shown(key, kind_of(key), is_sqlite)).collect();
        let sql = format!(
            "SELECT {}, {} FROM {table} WHERE {column} IS NOT NULL ORDER BY {}",
            shown(column, kind, is_sqlite),
            named.join(", "),
            keys.join(", ")
        );
        let rows = self.read(&sql).await;
        let mut picked = vec![0, rows.len() / 2, rows.len().saturating_sub(1)];
        picked.dedup();
        let cell = |row: &Vec<String>| Cell {
            table: table.to_owned(),
            column: column.to_owned(),
            kind,
            row: keys
                .iter()
                .zip(&row[1..])
                .map(|(key, value)| match kind_of(key) {
                    Kind::Number => format!("{key} = {value}"),
                    kind => format!("{key} = {}", self.literal(kind, &unhex(value))),
                })
                .collect::<Vec<_>>()
                .join(" AND "),
            value: if kind == Kind::Number { row[0].clone().into_bytes() } else { unhex(&row[0]) },
        };
        picked.into_iter().filter_map(|at| rows.get(at)).map(cell).collect()
    }

    /// Puts a value in a cell's place; says whether the database took it.
    pub(crate) async fn set(&mut self, cell: &Cell, row: &str, value: &[u8]) -> bool {
        let literal = self.literal(cell.kind, value);
        let sql = format!("UPDATE {} SET {} = {literal} WHERE {row}", cell.table, cell.column);
        self.run(&sql).await.is_ok_and(|rows| rows == 1)
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    digits.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
