//! What unit tests of use cases need: a table in memory, and ports that do nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use store::keys::Key;
use store::table::{Action, Consistency, Query, Table, Write, WriteError};
use store::{FailureDomain, Item, JobName, Store, TableError};

use crate::events::DomainEvent;
use crate::identity::ports::NoUserInfo;
use crate::payments::ports::{Gateways, NoChallenges, NoExchangeRates};
use crate::ports::{Clock, EventBus, JobQueue, PortError, Random};
use crate::{App, Settings};

/// A table that keeps the rows that are put. It has no indexes and checks no conditions.
#[derive(Default)]
pub(crate) struct Rows(pub(crate) Mutex<BTreeMap<Key, Item>>);

#[async_trait]
impl Table for Rows {
    async fn get(&self, key: &Key, _: Consistency) -> Result<Option<Item>, TableError> {
        Ok(self.0.lock().expect("no poisoned lock").get(key).cloned())
    }

    async fn get_many(&self, _: &[Key], _: Consistency) -> Result<Vec<Item>, TableError> {
        Ok(Vec::new())
    }

    async fn query(&self, _: &Query) -> Result<Vec<Item>, TableError> {
        Ok(Vec::new())
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        for write in writes {
            if let Action::Put(item) = write.action {
                self.0.lock().expect("no poisoned lock").insert(write.key, item);
            }
        }
        Ok(())
    }

    async fn count(&self, _: &Key, _: Item) -> Result<u64, TableError> {
        unreachable!("nothing is counted")
    }
}

/// Ports that do nothing, at the same instant for ever.
struct Nothing;

#[async_trait]
impl Clock for Nothing {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn pause(&self, _: Duration) {}
}

impl Random for Nothing {
    fn bits(&self) -> u128 {
        7
    }
}

#[async_trait]
impl JobQueue for Nothing {
    async fn send(&self, _: FailureDomain, _: &[JobName]) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl EventBus for Nothing {
    async fn publish(&self, _: &DomainEvent) -> Result<(), PortError> {
        Ok(())
    }
}

/// The use cases over an empty table.
pub(crate) fn app() -> App {
    App {
        store: Store::new(Arc::new(Rows::default())),
        clock: Arc::new(Nothing),
        random: Arc::new(Nothing),
        gateways: Gateways::none(),
        issuer: Arc::new(NoUserInfo),
        challenges: Arc::new(NoChallenges),
        exchange_rates: Arc::new(NoExchangeRates),
        queue: Arc::new(Nothing),
        events: Arc::new(Nothing),
        settings: Settings::default(),
    }
}
