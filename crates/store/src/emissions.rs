//! Emissions by what they are looked up by: the lines they add, and the files they are for.

use std::collections::BTreeSet;

use waymark_ledger::Week;
use waymark_types::{RecordId, Timestamp};

use crate::append::record_id;
use crate::sql::Value;
use crate::{LedgerStore, StoreError, WeekTables};

/// Marks that are looked up at a time.
const AT_ONCE: usize = 2_000;
/// Rows of a week that are read for one question.
const MOST_ROWS: usize = 100_000;
/// Records that are read for the mark of a file, the newest of each week.
const NEWEST: usize = 64;
/// Emissions read at a time.
const READ_AT_ONCE: usize = 500;

/// Emissions as they are kept, and the record they belong to.
pub type StoredEmissions = (RecordId, Vec<u8>);

impl LedgerStore {
    /// Which of these marks records have, the newest week first, and in it the newest record.
    pub async fn marked(&self, marks: &[u64]) -> Result<Vec<(u64, RecordId)>, StoreError> {
        let mut found = Vec::new();
        if marks.is_empty() {
            return Ok(found);
        }
        for week in self.weeks_with_emissions().await?.into_iter().rev() {
            for marks in marks.chunks(AT_ONCE) {
                let places = vec!["?"; marks.len()].join(", ");
                let sql = format!(
                    "SELECT mark, record FROM marks_{} WHERE mark IN ({places}) ORDER BY record DESC LIMIT {MOST_ROWS}",
                    week.0
                );
                let values = marks.iter().map(|mark| Value::from(mark.cast_signed())).collect();
                for mut row in self.database.fetch("look up code", &sql, values).await? {
                    found.push((row.int(0)?.cast_unsigned(), record_id(&row.bytes(1)?)?));
                }
            }
        }
        Ok(found)
    }

    /// The newest records of each week that have a mark which many have, a file's, and were begun before `until`; and whether
    /// there are no others.
    pub async fn newest_marked(
        &self,
        mark: u64,
        until: Timestamp,
    ) -> Result<(Vec<RecordId>, bool), StoreError> {
        let newest = format!("ORDER BY record DESC LIMIT {NEWEST}");
        let end = RecordId::new(until, [0; 10]);
        let (mut found, mut is_all) = (Vec::new(), true);
        for week in self.weeks_with_emissions().await?.into_iter().rev().filter(|week| week.start() < until) {
            let sql = format!("SELECT record FROM marks_{} WHERE mark = ? AND record < ? {newest}", week.0);
            let values = vec![Value::from(mark.cast_signed()), Value::from(&end.as_bytes()[..])];
            let rows = self.database.fetch("look up code", &sql, values).await?;
            is_all &= rows.len() < NEWEST;
            for mut row in rows {
                found.push(record_id(&row.bytes(0)?)?);
            }
        }
        Ok((found, is_all))
    }

    /// The emissions of these records; those that are gone are left out.
    pub async fn emissions(&self, records: &[RecordId]) -> Result<Vec<StoredEmissions>, StoreError> {
        let mut found = Vec::new();
        if records.is_empty() {
            return Ok(found);
        }
        for week in self.weeks_with_emissions().await? {
            let of_week: Vec<&RecordId> = records.iter().filter(|record| Week::of(record) == week).collect();
            for records in of_week.chunks(READ_AT_ONCE) {
                let places = vec!["?"; records.len()].join(", ");
                let sql =
                    format!("SELECT record, emissions FROM emissions_{} WHERE record IN ({places})", week.0);
                let values = records.iter().map(|record| Value::from(&record.as_bytes()[..])).collect();
                for mut row in self.database.fetch("read emissions", &sql, values).await? {
                    found.push((record_id(&row.bytes(0)?)?, row.bytes(1)?));
                }
            }
        }
        Ok(found)
    }

    async fn weeks_with_emissions(&self) -> Result<BTreeSet<Week>, StoreError> {
        let weeks = self.weeks().await?.into_iter();
        let has =
            |tables: &WeekTables| ["marks", "emissions"].iter().all(|name| tables.there.contains(*name));
        Ok(weeks.filter(|(_, tables)| has(tables)).map(|(week, _)| week).collect())
    }
}
