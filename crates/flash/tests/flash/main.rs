//! The model over real repositories made with git.

mod completing;
mod fixture;
mod following;
mod reading;
