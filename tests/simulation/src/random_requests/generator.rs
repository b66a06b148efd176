//! Generates random requests on few keys, so that they interact.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use store::Item;
use store::keys::{GSI1, GSI2, Key, PK, SK, VERSION};
use store::table::{Action, Condition, Consistency, Query, Write};

use crate::mirror::shown;
use crate::random::Rng;
use crate::table::limits::size;

/// A request to the table.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Reads a row.
    Get(Key, Consistency),
    /// Reads several rows.
    GetMany(Vec<Key>, Consistency),
    /// Queries a range.
    Query(Query),
    /// Writes rows.
    Write {
        /// The writes.
        writes: Vec<PlannedWrite>,
        /// Whether the SDK loses the first response.
        response_lost: bool,
    },
}

/// A write that may condition the current version of the row.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedWrite {
    /// The write.
    pub write: Write,
    /// Whether to replace the expectation of the write by the current version.
    pub right: bool,
}

impl std::fmt::Display for Request {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Get(key, consistency) => write!(out, "get {key:?} {consistency:?}"),
            Self::GetMany(keys, consistency) => write!(out, "get {keys:?} {consistency:?}"),
            Self::Query(query) => write!(out, "{query:?}"),
            Self::Write { writes, response_lost } => {
                write!(out, "write{}", if *response_lost { ", response lost at first" } else { "" })?;
                for PlannedWrite { write: Write { key, condition, action }, .. } in writes {
                    match action {
                        Action::Put(item) => write!(out, "\n    put if {condition:?} {}", shown(item))?,
                        other => write!(out, "\n    {other:?} if {condition:?} {key:?}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

const PARTITIONS: [&str; 6] = ["P", "P ", "P#A", "Ü", "日本", "~"];
const SORTS: [&str; 10] = ["A", "A#1", "A#10", "A#2", "a", "É", "E\u{301}", "日", "😀", "~"];
const PLACES: [&str; 4] = ["X", "X#1", "Ÿ", "😀"];
const BOUNDS: [&str; 6] = [" ", "A", "A#1~", "a", "~", "\u{10ffff}"];
const KB: usize = 1_024;

/// Where the embedded DynamoDB is known to differ from DynamoDB. The model follows DynamoDB. None of these is drawn.
pub fn known_differences() -> [(&'static str, Request); 2] {
    let put = |pk: &str, sk: &str| {
        let key = Key { pk: pk.to_owned(), sk: sk.to_owned() };
        let item = HashMap::from([(PK.to_owned(), text(pk)), (SK.to_owned(), text(sk))]);
        PlannedWrite {
            write: Write { key, condition: Condition::None, action: Action::Put(item) },
            right: false,
        }
    };
    [
        (
            "it takes two rows of a transaction for one when partition and sort key, joined by `#S:`, read the same; \
             DynamoDB tells a row by both: \
             https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html",
            Request::Write { writes: vec![put("A#S:B", "C"), put("A", "B#S:C")], response_lost: false },
        ),
        (
            "it looks for an empty partition key; DynamoDB refuses that, as a key's text has a length \
             greater than zero: \
             https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html, \
             https://github.com/getmoto/moto/issues/7062",
            Request::Query(Query {
                index: None,
                pk: String::new(),
                from: "A".to_owned(),
                to: "Z".to_owned(),
                descending: false,
                limit: None,
                consistency: Consistency::Eventual,
            }),
        ),
    ]
}

/// Draws the requests of a sequence.
struct Generator {
    rng: Rng,
    partitions: Vec<String>,
    sorts: Vec<String>,
    /// The last row that was put, so that another writer can put the same.
    last: Option<PlannedWrite>,
}

/// Generates the sequence of a seed.
pub fn sequence(seed: u64) -> Vec<Request> {
    let mut rng = Rng::new(seed ^ 0x7ab1_e5ee_d000_0000);
    let some = |of: &[&str], rng: &mut Rng, most: i64| -> Vec<String> {
        (0..rng.between(1, most)).map(|_| (*rng.pick(of)).to_owned()).collect()
    };
    let partitions = some(&PARTITIONS, &mut rng, 3);
    let sorts = some(&SORTS, &mut rng, 8);
    let length = rng.between(5, 60);
    let mut drawer = Generator { rng, partitions, sorts, last: None };
    (0..length).map(|_| drawer.request()).collect()
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

impl Generator {
    fn request(&mut self) -> Request {
        let consistency = *self.rng.pick(&[Consistency::Strong, Consistency::Eventual]);
        match self.rng.below(20) {
            0..3 => Request::Get(self.key(), consistency),
            3..5 => self.get_many(consistency),
            5..9 => Request::Query(self.query()),
            _ => Request::Write { writes: self.writes(), response_lost: self.rng.happens(1_000) },
        }
    }

    fn key(&mut self) -> Key {
        let pk = self.rng.pick(&self.partitions).clone();
        let sk = self.rng.pick(&self.sorts).clone();
        match self.rng.below(400) {
            0 => Key { pk: String::new(), sk },
            1 => Key { pk, sk: String::new() },
            2 => Key { pk: "p".repeat(2_048), sk: "s".repeat(1_024) },
            3 => Key { pk: "p".repeat(2_049), sk },
            4 => Key { pk, sk: "é".repeat(513) },
            _ => Key { pk, sk },
        }
    }

    /// Keys of a partition with more than 100 rows, the limit of a request.
    fn many(&mut self, count: usize) -> Vec<Key> {
        (0..count).map(|place| Key { pk: "wide".to_owned(), sk: format!("{place:03}") }).collect()
    }

    fn keys(&mut self, most: i64) -> Vec<Key> {
        let twice = self.rng.happens(300);
        let mut keys: Vec<Key> = Vec::new();
        for _ in 0..self.rng.between(1, most) {
            let key = self.key();
            if twice || !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn get_many(&mut self, consistency: Consistency) -> Request {
        let keys = match self.rng.below(40) {
            0 => Vec::new(),
            1 => {
                let count = *self.rng.pick(&[99, 100, 101, 130]);
                self.many(count)
            }
            _ => self.keys(12),
        };
        Request::GetMany(keys, consistency)
    }

    fn query(&mut self) -> Query {
        let index = *self.rng.pick(&[None, None, Some(GSI1), Some(GSI2)]);
        let mut bound = || {
            let of_row = (*self.rng.pick(&SORTS)).to_owned();
            if self.rng.happens(7_000) { (*self.rng.pick(&BOUNDS)).to_owned() } else { of_row }
        };
        let (mut from, mut to) = (bound(), bound());
        if from > to && !self.rng.happens(200) {
            std::mem::swap(&mut from, &mut to);
        }
        let pk = match index {
            None if self.rng.happens(500) => "wide".to_owned(),
            None => self.rng.pick(&self.partitions).clone(),
            Some(_) => (*self.rng.pick(&PLACES)).to_owned(),
        };
        let strong = if index.is_some() { self.rng.happens(100) } else { self.rng.happens(5_000) };
        let limit = match self.rng.below(10) {
            0..5 => None,
            5..9 => u16::try_from(self.rng.between(1, 6)).ok(),
            _ => *self.rng.pick(&[Some(0), Some(100), Some(u16::MAX)]),
        };
        Query {
            index,
            pk,
            from,
            to,
            descending: self.rng.happens(5_000),
            limit,
            consistency: if strong { Consistency::Strong } else { Consistency::Eventual },
        }
    }

    fn writes(&mut self) -> Vec<PlannedWrite> {
        let keys = match self.rng.below(2_000) {
            0..5 => Vec::new(),
            5..20 => {
                let count = *self.rng.pick(&[99, 100, 101]);
                self.many(count)
            }
            20..25 => return self.heavy(),
            25..150 => return self.last.clone().into_iter().collect(),
            150..1_000 => vec![self.key()],
            _ => self.keys(7),
        };
        keys.into_iter().map(|key| self.wanted(key)).collect()
    }

    fn wanted(&mut self, key: Key) -> PlannedWrite {
        let action = match self.rng.below(10) {
            0..6 => Action::Put(self.row(&key)),
            6..8 => Action::Delete,
            _ => Action::Check,
        };
        let right = self.rng.happens(7_000);
        let some = u64::try_from(self.rng.between(1, 3)).unwrap_or(1);
        let conditions = [
            Condition::None,
            Condition::None,
            Condition::Absent,
            Condition::Version(some),
            Condition::Version(some),
            Condition::Same(None),
            Condition::Same(Some(AttributeValue::N(some.to_string()))),
        ];
        let condition = self.rng.pick(&conditions).clone();
        let wanted = PlannedWrite { write: Write { key, condition, action }, right };
        if matches!(wanted.write.action, Action::Put(_)) {
            self.last = Some(PlannedWrite { right: false, ..wanted.clone() });
        }
        wanted
    }

    /// A transaction of about 4 MB.
    fn heavy(&mut self) -> Vec<PlannedWrite> {
        let over = usize::try_from(self.rng.between(0, 1)).unwrap_or(0);
        let mut keys = self.many(11);
        let last = keys.pop();
        let mut wanted = Vec::new();
        for (key, bytes) in
            keys.into_iter().map(|key| (key, 400 * KB)).chain(last.map(|key| (key, 96 * KB + over)))
        {
            let mut item = self.bare(&key);
            pad(&mut item, bytes);
            let write = Write { key, condition: Condition::None, action: Action::Put(item) };
            wanted.push(PlannedWrite { write, right: false });
        }
        wanted
    }

    fn bare(&mut self, key: &Key) -> Item {
        let mut item = HashMap::from([(PK.to_owned(), text(&key.pk)), (SK.to_owned(), text(&key.sk))]);
        if self.rng.happens(9_500) {
            let version = self.rng.between(1, 3);
            item.insert(VERSION.to_owned(), AttributeValue::N(version.to_string()));
        }
        for index in [GSI1, GSI2] {
            // A row without one of the two is not in the index.
            if self.rng.happens(8_000) {
                item.insert(index.pk.to_owned(), text(*self.rng.pick(&PLACES)));
            }
            if self.rng.happens(8_000) {
                item.insert(index.sk.to_owned(), text(*self.rng.pick(&SORTS)));
            }
            if self.rng.happens(30) {
                let violations = [text(""), AttributeValue::N("1".to_owned()), AttributeValue::Null(true)];
                item.insert(index.sk.to_owned(), self.rng.pick(&violations).clone());
            }
        }
        item
    }

    fn row(&mut self, key: &Key) -> Item {
        let mut item = self.bare(key);
        if self.rng.happens(3_000) {
            let number = *self.rng.pick(&["0", "-1", "100", "1234567", "-900"]);
            let list = vec![AttributeValue::Bool(true), AttributeValue::Null(true), text("é")];
            let inner = HashMap::from([
                ("list".to_owned(), AttributeValue::L(list)),
                ("number".to_owned(), AttributeValue::N(number.to_owned())),
                ("bytes".to_owned(), AttributeValue::B(vec![0, 255, 7].into())),
                ("nothing".to_owned(), text("")),
            ]);
            item.insert("map".to_owned(), AttributeValue::M(inner));
            item.insert("number".to_owned(), AttributeValue::N(number.to_owned()));
        }
        let edge = usize::try_from(self.rng.between(0, 2)).unwrap_or(0);
        match self.rng.below(300) {
            0 => pad(&mut item, 400 * KB - 1 + edge),
            1..90 => {
                let edges = usize::try_from(self.rng.between(1, 9)).unwrap_or(1);
                pad(&mut item, edges * KB - 1 + edge);
            }
            _ => {}
        }
        item
    }
}

/// Pads a row to a size in bytes.
fn pad(item: &mut Item, bytes: usize) {
    const NAME: &str = "é";
    let missing = bytes.saturating_sub(size(item) + NAME.len());
    item.insert(NAME.to_owned(), text("x".repeat(missing)));
}
