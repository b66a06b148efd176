//! The model of the table against the real adapter over the embedded DynamoDB, on random sequences of requests.
//!
//! The model answers without weather: nothing is slow, lags, conflicts or is lost, except that the client library may not hear
//! of a write and repeats it. Every answer has to be the same: rows and their order, which keys moved, the kind of error, and what
//! it costs; and in the end all rows and both indexes.
//!
//! Where the embedded DynamoDB is known to differ from DynamoDB itself, requests are drawn around it: see [`known_differences`].

use std::sync::{Arc, Mutex, PoisonError};

use store::Item;
use store::keys::{GSI1, GSI2};
use store::table::{Expect, Table, WriteError};

use crate::core::Start;
use crate::mirror::{same, shown, sorted, wordless};
use crate::real::Real;
use crate::simulation::Simulation;
use crate::table::{SimTable, version};
use crate::weather::Weather;

mod drawn;

pub use drawn::{Request, Wanted, known_differences, sequence};

/// How much was compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Compared {
    /// Requests.
    pub requests: u64,
    /// Of these, such as were refused.
    pub refused: u64,
    /// Rows that were read, and those of the end.
    pub rows: u64,
}

impl Compared {
    /// Adds what another sequence came to.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.refused += other.refused;
        self.rows += other.rows;
    }
}

/// An answer; what failed is of a kind, without words.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    /// Rows in the order in which they were answered, if that has a meaning; none to a write.
    rows: Result<Vec<Item>, WriteError>,
    /// Tenths of capacity units.
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

/// What a sequence came to differ in.
#[derive(Debug)]
pub struct Difference {
    /// The requests up to the one in question, as they were made.
    pub made: Vec<String>,
    /// Both answers.
    pub what: String,
}

async fn ask(table: &dyn Table, request: Request) -> Result<Vec<Item>, WriteError> {
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

/// The model, and the world it needs.
struct Model(Simulation);

impl Model {
    /// What was wanted, now that it is known what stands there.
    fn settle(&self, mut request: Request) -> Request {
        if let Request::Write { writes, .. } = &mut request {
            let core = self.0.shared.lock();
            for Wanted { write, right } in writes.iter_mut().filter(|wanted| wanted.right) {
                *right = false;
                write.expect = match core.table.get(&write.key) {
                    None => Expect::Absent,
                    Some(item) => version(item).map_or(Expect::Version(7), Expect::Version),
                };
            }
        }
        request
    }

    fn answer(&mut self, request: Request) -> Answer {
        let slot = Arc::new(Mutex::new(None));
        let (table, laid_out) = (SimTable(self.0.shared.clone()), slot.clone());
        let unheard = matches!(request, Request::Write { unheard: true, .. });
        let before = {
            let core = &mut *self.0.shared.lock();
            core.weather.repeated = if unheard { 10_000 } else { 0 };
            // Nothing lags any more.
            core.now += 1_000;
            core.starts.push(Start {
                name: "request".to_owned(),
                limit: 60_000,
                body: Box::new(|_| {
                    Box::pin(async move {
                        let answer = ask(&table, request).await;
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
        // To refuse something for good is wrong in a history, and an answer like any other here.
        core.wrong.clear();
        let after = core.table.capacity;
        let cost = 5 * (after.half_reads - before.half_reads) + 10 * (after.writes - before.writes);
        Answer { rows: wordless(rows), cost }
    }
}

fn real_answer(real: &Real, request: Request) -> Answer {
    real.lose_answer(matches!(request, Request::Write { unheard: true, .. }));
    let rows = real.wait(ask(&real.table, request));
    real.lose_answer(false);
    Answer { rows: wordless(rows), cost: real.cost() }
}

/// Makes the requests of a sequence, and compares.
///
/// # Errors
/// At the first answer that differs.
pub fn compare(requests: &[Request]) -> Result<Compared, Difference> {
    let mut compared = Compared::default();
    let mut made = Vec::new();
    let real = Real::start();
    let real = real.map_err(|what| Difference { made: Vec::new(), what })?;
    let mut model = Model(Simulation::new(1, Weather::calm(), false));
    for request in requests {
        let request = model.settle(request.clone());
        made.push(request.to_string());
        let mut expected = model.answer(request.clone());
        let mut answer = real_answer(&real, request.clone());
        if matches!(request, Request::Write { unheard: true, .. }) || answer.rows.is_err() {
            // What the library's repeats cost, the service says of the last one only, and of a refusal nothing.
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
        let items = model.0.shared.lock().table.everything(index);
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
/// When an answer differs: the shortest sequence of which that is so as well, and both answers.
pub fn seed(seed: u64) -> Result<Compared, String> {
    let requests = sequence(seed);
    compare(&requests).map_err(|difference| {
        let (requests, difference) = shortened(requests, difference);
        let made = difference.made.join("\n  ");
        format!("seed {seed}, {} requests:\n  {made}\n{}", requests.len(), difference.what)
    })
}

/// Leaves out whatever the difference does not need: requests, and then writes of transactions.
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
