//! Compares the model of the table with the product's adapter over the embedded DynamoDB, on random sequences of requests.
//!
//! The model has no faults here, except that the SDK may lose a response and repeat a write. Every response must be the
//! same: rows and their order, failed conditions, the kind of error and the consumed capacity. At the end all rows and both
//! indexes must be the same.
//!
//! Requests on which the embedded DynamoDB is known to differ from DynamoDB are not drawn: see [`known_differences`].

use std::sync::{Arc, Mutex, PoisonError};

use store::Item;
use store::keys::{GSI1, GSI2};
use store::table::{Condition, Table, WriteError};

use crate::core::Start;
use crate::embedded::EmbeddedDynamo;
use crate::fault_profile::FaultProfile;
use crate::mirror::{same, shown, sorted, without_message};
use crate::simulation::Simulation;
use crate::table::{SimTable, version};

mod generator;

pub use generator::{PlannedWrite, Request, known_differences, sequence};

/// How much was compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Compared {
    /// The number of requests.
    pub requests: u64,
    /// The number of refused requests.
    pub refused: u64,
    /// The number of rows that were read, and that existed at the end.
    pub rows: u64,
}

impl Compared {
    /// Adds the figures of another sequence.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.refused += other.refused;
        self.rows += other.rows;
    }
}

/// A response. An error has only its kind, not its message.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    /// The rows, in their order where it is defined; empty for a write.
    rows: Result<Vec<Item>, WriteError>,
    /// The consumed capacity in tenths of units.
    cost: u64,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.rows {
            Ok(items) => {
                write!(out, "{} rows for {} tenths of units", items.len(), self.cost)?;
                items.iter().try_for_each(|item| write!(out, "\n    {}", shown(item)))
            }
            Err(error) => write!(out, "{error:?}"),
        }
    }
}

/// The first difference of a sequence.
#[derive(Debug)]
pub struct Difference {
    /// The requests up to the one that differs.
    pub made: Vec<String>,
    /// Both responses.
    pub what: String,
}

async fn send(table: &dyn Table, request: Request) -> Result<Vec<Item>, WriteError> {
    match request {
        Request::Get(key, consistency) => Ok(Vec::from_iter(table.get(&key, consistency).await?)),
        Request::GetMany(keys, consistency) => Ok(sorted(table.get_many(&keys, consistency).await?)),
        Request::Query(query) => Ok(table.query(&query).await?),
        Request::Write { writes, .. } => {
            let writes = writes.into_iter().map(|wanted| wanted.write).collect();
            table.write(writes).await.map(|()| Vec::new())
        }
    }
}

/// The model of the table.
struct Model(Simulation);

impl Model {
    /// Fills in the current version where a request expects it.
    fn with_current_versions(&self, mut request: Request) -> Request {
        if let Request::Write { writes, .. } = &mut request {
            let core = self.0.shared.lock();
            for PlannedWrite { write, right } in writes.iter_mut().filter(|wanted| wanted.right) {
                *right = false;
                write.condition = match core.table.get(&write.key) {
                    None => Condition::Absent,
                    Some(item) => version(item).map_or(Condition::Version(7), Condition::Version),
                };
            }
        }
        request
    }

    fn answer(&mut self, request: Request) -> Answer {
        let slot = Arc::new(Mutex::new(None));
        let (table, laid_out) = (SimTable(self.0.shared.clone()), slot.clone());
        let response_lost = matches!(request, Request::Write { response_lost: true, .. });
        let before = {
            let core = &mut *self.0.shared.lock();
            core.faults.sdk_retry = if response_lost { 10_000 } else { 0 };
            // All lags have passed.
            core.now += 1_000;
            core.starts.push(Start {
                name: "request".to_owned(),
                limit: 60_000,
                body: Box::new(|_| {
                    Box::pin(async move {
                        let answer = send(&table, request).await;
                        *laid_out.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
                    })
                }),
                on_end: Box::new(|_, _| {}),
            });
            core.table.capacity
        };
        self.0.start();
        let rows = loop {
            if let Some(rows) = slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
                break rows;
            }
            assert!(self.0.step(), "the model does not answer");
        };
        let core = &mut *self.0.shared.lock();
        // In a history a rejected request is a violation; here it is a response like any other.
        core.violations.clear();
        let after = core.table.capacity;
        let cost = 5 * (after.half_reads - before.half_reads) + 10 * (after.writes - before.writes);
        Answer { rows: without_message(rows), cost }
    }
}

fn real_answer(real: &EmbeddedDynamo, request: Request) -> Answer {
    real.lose_answer(matches!(request, Request::Write { response_lost: true, .. }));
    let rows = real.wait(send(&real.table, request));
    real.lose_answer(false);
    Answer { rows: without_message(rows), cost: real.cost() }
}

/// Sends the requests of a sequence to both and compares the responses.
///
/// # Errors
/// At the first response that differs.
pub fn compare(requests: &[Request]) -> Result<Compared, Difference> {
    let mut compared = Compared::default();
    let mut made = Vec::new();
    let real = EmbeddedDynamo::start();
    let real = real.map_err(|what| Difference { made: Vec::new(), what })?;
    let mut model = Model(Simulation::new(1, FaultProfile::none(), false));
    for request in requests {
        let request = model.with_current_versions(request.clone());
        made.push(request.to_string());
        let mut expected = model.answer(request.clone());
        let mut answer = real_answer(&real, request.clone());
        if matches!(request, Request::Write { response_lost: true, .. }) || answer.rows.is_err() {
            // DynamoDB reports only the capacity of the last attempt, and none for a refusal.
            (expected.cost, answer.cost) = (0, 0);
        }
        if answer != expected {
            return Err(Difference { made, what: format!("model: {expected}\nreal:  {answer}") });
        }
        compared.requests += 1;
        compared.refused += u64::from(answer.rows.is_err());
        compared.rows += answer.rows.map_or(0, |rows| rows.len() as u64);
    }
    for index in [None, Some(GSI1), Some(GSI2)] {
        let items = model.0.shared.lock().table.all_items(index);
        let items = sorted(items.into_iter().map(|item| Item::clone(&item)));
        compared.rows += items.len() as u64;
        let of = index.map_or("the table", |index| index.name);
        same(of, &items, real.all(index).map(sorted))
            .map_err(|what| Difference { made: made.clone(), what })?;
    }
    Ok(compared)
}

/// Compares the sequence of a seed.
///
/// # Errors
/// If a response differs. The error holds the shortest sequence with a difference.
pub fn seed(seed: u64) -> Result<Compared, String> {
    let requests = sequence(seed);
    compare(&requests).map_err(|difference| {
        let (requests, difference) = shortened(requests, difference);
        let made = difference.made.join("\n  ");
        format!("seed {seed}, {} requests:\n  {made}\n{}", requests.len(), difference.what)
    })
}

/// Removes the requests, and the writes of transactions, that the difference does not need.
fn shortened(mut requests: Vec<Request>, mut difference: Difference) -> (Vec<Request>, Difference) {
    requests.truncate(difference.made.len());
    let mut try_without = |requests: &mut Vec<Request>, change: &dyn Fn(&mut Vec<Request>)| {
        let mut fewer = requests.clone();
        change(&mut fewer);
        let still = compare(&fewer).err();
        if let Some(still) = still {
            *requests = fewer;
            difference = still;
            return true;
        }
        false
    };
    for place in (0..requests.len()).rev() {
        try_without(&mut requests, &|requests| drop(requests.remove(place)));
    }
    for place in 0..requests.len() {
        let mut write = 0;
        while let Request::Write { writes, .. } = &requests[place] {
            if write >= writes.len() || writes.len() == 1 {
                break;
            }
            let gone = try_without(&mut requests, &|requests| {
                if let Request::Write { writes, .. } = &mut requests[place] {
                    writes.remove(write);
                }
            });
            write += usize::from(!gone);
        }
    }
    (requests, difference)
}
