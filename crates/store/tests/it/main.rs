//! The store's promises, the same ones over real databases of every kind.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken rig must fail the test that uses it, loudly"
)]

mod conformance;
mod copy;
mod limits;
mod outside;
mod samples;
mod sharing;
mod tamper;

/// The same tests over every database.
macro_rules! on_every_store {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::samples::Bench::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::samples::Bench::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_every_store;
