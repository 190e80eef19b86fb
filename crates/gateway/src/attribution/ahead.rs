//! Reading ahead: what the first question about a line would wait for, done before anybody asks.

use super::{Attribution, AttributionError};

/// A file that changed in so many commits since the ledger began is blamed ahead, and at most so many files are.
const OFTEN: usize = 20;
const MOST: usize = 100;

impl Attribution {
    /// Makes the repository's history quick to walk, seconds for a hundred thousand commits the first time and little after
    /// that; and blames files that change often, so that later questions walk only what came since.
    pub async fn read_ahead(&mut self) -> Result<(), AttributionError> {
        self.repository.refresh(&mut |_, _| {})?;
        let Some(head) = self.repository.head()? else { return Ok(()) };
        let since = self.since().await?;
        let since = self.noted_since()?.map_or(since, |noted| noted.min(since));
        let often = self.repository.often_changed(&head, since, OFTEN)?;
        for path in often.iter().take(MOST) {
            // A file that is gone, or is no text, is nobody's question.
            let _ = self.repository.blame_since(Some(&head), path, None, Some(since));
        }
        Ok(())
    }
}
