//! Reading: nothing here believes what it reads.

use std::ops::Range;

use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{ColumnIndex, Decode, Row as _, Type};
use waymark_ledger::Batch;
use waymark_ledger::tree::{Coordinate, Frontier, Hash};
use waymark_types::RecordId;

use super::{SqliteStore, failed, signed, unsigned};
use crate::ledger::{Reply, StoredNode, StoredPayload};
use crate::{LedgerStore, Payload, Row, StoreError, StoredCheckpoint};

impl LedgerStore for SqliteStore {
    fn commit<'a>(&'a self, batch: &'a Batch, payloads: &'a [Payload]) -> Reply<'a, ()> {
        Box::pin(self.write(batch, payloads))
    }

    fn frontier(&self) -> Reply<'_, Frontier> {
        Box::pin(async {
            let query = sqlx::query("SELECT coalesce(max(leaf_index) + 1, 0) FROM entries");
            let row = query.fetch_one(&self.readers).await.map_err(failed("read the ledger's size"))?;
            let size = unsigned(column(&row, 0)?)?;
            let hashes = self.nodes(&Frontier::coordinates(size)).await?;
            hashes
                .into_iter()
                .collect::<Option<Vec<Hash>>>()
                .and_then(|hashes| Frontier::resume(size, hashes))
                .ok_or_else(|| StoreError::Damaged("a node at the tree's right edge is missing".to_owned()))
        })
    }

    fn rows(&self, range: Range<u64>) -> Reply<'_, Vec<Row>> {
        Box::pin(async move {
            let query = sqlx::query(
                "SELECT leaf_index, e.record, CAST(kind AS BLOB) AS kind, body, salt, request, response \
                 FROM entries e LEFT JOIN payloads p ON p.record = e.record \
                 WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index",
            );
            let query = query.bind(signed(range.start)).bind(signed(range.end));
            let rows = query.fetch_all(&self.readers).await.map_err(failed("read leaves"))?;
            rows.iter().map(|row| leaf(row, true)).collect()
        })
    }

    fn record(&self, record: RecordId) -> Reply<'_, Vec<Row>> {
        Box::pin(async move {
            let query = sqlx::query(
                "SELECT leaf_index, record, CAST(kind AS BLOB) AS kind, body FROM entries WHERE record = ? ORDER BY leaf_index",
            );
            let query = query.bind(&record.as_bytes()[..]);
            let rows = query.fetch_all(&self.readers).await.map_err(failed("read a record"))?;
            rows.iter().map(|row| leaf(row, false)).collect()
        })
    }

    fn newest_records(&self, limit: u32) -> Reply<'_, Vec<Row>> {
        Box::pin(async move {
            let query = sqlx::query(
                "SELECT e.leaf_index, e.record, CAST(e.kind AS BLOB) AS kind, e.body \
                 FROM (SELECT leaf_index, record FROM entries WHERE kind = 'intent' \
                       ORDER BY leaf_index DESC LIMIT ?) newest \
                 JOIN entries e ON e.record = newest.record \
                 ORDER BY newest.leaf_index DESC, e.leaf_index",
            );
            let rows = query
                .bind(limit)
                .fetch_all(&self.readers)
                .await
                .map_err(failed("read the newest records"))?;
            rows.iter().map(|row| leaf(row, false)).collect()
        })
    }

    fn newest_snapshot(&self) -> Reply<'_, Option<Row>> {
        Box::pin(async {
            let query = sqlx::query(
                "SELECT leaf_index, record, CAST(kind AS BLOB) AS kind, body FROM entries WHERE kind = 'snapshot' \
                 ORDER BY leaf_index DESC LIMIT 1",
            );
            let row =
                query.fetch_optional(&self.readers).await.map_err(failed("read the newest snapshot"))?;
            row.as_ref().map(|row| leaf(row, false)).transpose()
        })
    }

    fn nodes<'a>(&'a self, places: &'a [Coordinate]) -> Reply<'a, Vec<Option<Hash>>> {
        Box::pin(async move {
            let mut hashes = Vec::with_capacity(places.len());
            for at in places {
                let query = sqlx::query("SELECT hash FROM nodes WHERE level = ? AND position = ?");
                let query = query.bind(i64::from(at.level)).bind(signed(at.index));
                let row = query.fetch_optional(&self.readers).await.map_err(failed("read a tree node"))?;
                let hash: Option<Vec<u8>> = row.map(|row| column(&row, 0)).transpose()?;
                hashes.push(hash.and_then(|hash| hash.try_into().ok()));
            }
            Ok(hashes)
        })
    }

    fn level(&self, level: u8, positions: Range<u64>) -> Reply<'_, Vec<StoredNode>> {
        Box::pin(async move {
            let query = sqlx::query(
                "SELECT position, hash FROM nodes WHERE level = ? AND position >= ? AND position < ? \
                 ORDER BY position",
            );
            let query =
                query.bind(i64::from(level)).bind(signed(positions.start)).bind(signed(positions.end));
            let rows = query.fetch_all(&self.readers).await.map_err(failed("read tree nodes"))?;
            rows.iter().map(|row| Ok((unsigned(column(row, 0)?)?, column(row, 1)?))).collect()
        })
    }

    fn checkpoints(&self, sizes: Range<u64>) -> Reply<'_, Vec<StoredCheckpoint>> {
        Box::pin(async move {
            let query = sqlx::query(
                "SELECT size, CAST(note AS BLOB) FROM checkpoints WHERE size >= ? AND size < ? ORDER BY size",
            );
            let query = query.bind(signed(sizes.start)).bind(signed(sizes.end));
            let rows = query.fetch_all(&self.readers).await.map_err(failed("read checkpoints"))?;
            rows.iter().map(checkpoint).collect()
        })
    }

    fn newest_checkpoint(&self) -> Reply<'_, Option<StoredCheckpoint>> {
        Box::pin(async {
            let query =
                sqlx::query("SELECT size, CAST(note AS BLOB) FROM checkpoints ORDER BY size DESC LIMIT 1");
            let row =
                query.fetch_optional(&self.readers).await.map_err(failed("read the newest checkpoint"))?;
            row.as_ref().map(checkpoint).transpose()
        })
    }

    fn open_records(&self) -> Reply<'_, Vec<(Vec<u8>, u64)>> {
        Box::pin(async {
            let query = sqlx::query("SELECT record, leaf_index FROM open_records ORDER BY leaf_index");
            let rows = query.fetch_all(&self.readers).await.map_err(failed("read open records"))?;
            rows.iter().map(|row| Ok((column(row, 0)?, unsigned(column(row, 1)?)?))).collect()
        })
    }

    fn integrity(&self) -> Reply<'_, Option<String>> {
        Box::pin(async {
            let query = sqlx::query("PRAGMA integrity_check(1)");
            let row = query.fetch_one(&self.readers).await.map_err(failed("check the database's files"))?;
            let said: String = column(&row, 0)?;
            Ok((said != "ok").then_some(said))
        })
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(self.shut())
    }

    fn counts(&self) -> Reply<'_, [u64; 4]> {
        Box::pin(async {
            let query = sqlx::query(
                "SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM nodes), \
                 (SELECT count(*) FROM checkpoints), (SELECT count(*) FROM payloads)",
            );
            let row = query.fetch_one(&self.readers).await.map_err(failed("count rows"))?;
            let count = |at: usize| unsigned(column(&row, at)?);
            Ok([count(0)?, count(1)?, count(2)?, count(3)?])
        })
    }
}

fn leaf(row: &SqliteRow, with_payload: bool) -> Result<Row, StoreError> {
    let salt: Option<Vec<u8>> = if with_payload { column(row, "salt")? } else { None };
    let payload = match salt {
        Some(salt) => {
            Some(StoredPayload { salt, request: column(row, "request")?, response: column(row, "response")? })
        }
        None => None,
    };
    Ok(Row {
        leaf_index: unsigned(column(row, "leaf_index")?)?,
        record: column(row, "record")?,
        kind: text(column(row, "kind")?),
        body: column(row, "body")?,
        payload,
    })
}

fn checkpoint(row: &SqliteRow) -> Result<StoredCheckpoint, StoreError> {
    Ok(StoredCheckpoint { size: unsigned(column(row, 0)?)?, note: text(column(row, 1)?) })
}

/// Text is read as bytes: a damaged one must still be readable, to be named.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn column<'r, T, I>(row: &'r SqliteRow, index: I) -> Result<T, StoreError>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
    I: ColumnIndex<SqliteRow>,
{
    row.try_get(index).map_err(failed("read a column"))
}
