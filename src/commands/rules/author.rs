//! In whose name rules are saved.

use anyhow::Context;
use clap::Args;
use orderbridge_schema::rules::Author;

use crate::commands::arguments::operator;

/// Who saves.
#[derive(Debug, Args)]
pub struct By {
    /// In whose name new rules are saved, instead of the system user's
    #[arg(long, value_name = "NAME", env = "ORDERBRIDGE_AUTHOR")]
    author: Option<Author>,
}

impl By {
    /// The name given, or the system user's.
    ///
    /// # Errors
    /// The system user's name cannot be an author's.
    pub fn author(&self) -> anyhow::Result<Author> {
        match &self.author {
            Some(author) => Ok(author.clone()),
            None => Author::new(&operator()).context("the system user's name cannot be used; say --author NAME"),
        }
    }
}
