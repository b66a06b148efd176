//! What the Stripe simulator's books say: before, after the payment, after the refund.

use std::collections::BTreeMap;

use domain::Money;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Wrong;
use super::caller::text;
use super::journey::Journey;

/// AppointmentsOf money the demo moves, in minor units of its currency.
#[derive(Debug, Clone)]
pub(super) struct Books {
    balances: BTreeMap<String, i64>,
    /// The expert's account.
    account: String,
}

#[derive(Deserialize)]
struct Line {
    owner: String,
    currency: String,
    amount: i64,
}

/// The currency of the demo's session.
pub(super) const CURRENCY: &str = "EUR";
/// What it costs.
pub(super) const PRICE: i64 = 8_000;

/// The books as they are.
pub(super) async fn read(journey: &Journey) -> Result<Books, Wrong> {
    let path = format!("/v1/experts/{}/payment-accounts/stripe", journey.expert.somebody.expert_id);
    let account = journey.caller.get(&path).signed_in(&journey.expert.token).quietly().send().await?;
    let account: Value = account.document(200)?;
    let address = format!("{}/_simulator/balances", journey.stripe);
    let lines: Vec<Line> = journey.caller.get(&address).quietly().send().await?.document(200)?;
    let lines = lines.into_iter().filter(|line| line.currency.eq_ignore_ascii_case(CURRENCY));
    Ok(Books {
        balances: lines.map(|line| (line.owner, line.amount)).collect(),
        account: text(&account, "/account")?.to_owned(),
    })
}

impl Books {
    /// What an owner has more than before.
    fn more(&self, owner: &str, before: &Self) -> i64 {
        let of = |books: &Self| books.balances.get(owner).copied().unwrap_or(0);
        of(self) - of(before)
    }
}

fn shown(amount: i64) -> String {
    let money = json!({ "amount": amount.unsigned_abs(), "currency": CURRENCY });
    let money = serde_json::from_value::<Money>(money).ok();
    let sign = match amount.signum() {
        -1 => "−",
        0 => "",
        _ => "+",
    };
    money.map_or_else(|| amount.to_string(), |money| format!("{sign}{money}"))
}

fn check(books: &Books, owner: &str, before: &Books, expected: i64) -> Result<(), Wrong> {
    let came = books.more(owner, before);
    if came == expected {
        return Ok(());
    }
    let what =
        format!("what {owner} has more than before (does somebody else pay at the simulator just now?)");
    Err(Wrong::new(what, shown(expected), shown(came)))
}

/// After the payment: the client paid, the expert has their part, the platform its fee less what Stripe keeps.
pub(super) async fn check_paid(journey: &mut Journey, before: &Books) -> Result<(), Wrong> {
    journey.step("Where the money is");
    let now = read(journey).await?;
    let (expert, stripe) = (now.more(&now.account, before), now.more("stripe", before));
    let platform = now.more("platform", before);
    journey.say(format_args!("client   {}", shown(now.more("guests", before))));
    journey.say(format_args!("expert   {}", shown(expert)));
    journey.say(format_args!("platform {} (its fee, less what Stripe keeps)", shown(platform)));
    journey.say(format_args!("Stripe   {}", shown(stripe)));
    check(&now, "guests", before, -PRICE)?;
    if expert <= 0 || expert > PRICE {
        return Err(Wrong::new("the expert's part", format!("up to {}", shown(PRICE)), shown(expert)));
    }
    check(&now, "platform", before, PRICE - expert - stripe)
}

/// After the refund: fee and transfer have gone back, and nobody but Stripe, which keeps its fee, is left with anything.
pub(super) async fn check_refunded(journey: &mut Journey, before: &Books) -> Result<(), Wrong> {
    journey.step("The books add up");
    let now = read(journey).await?;
    let stripe = now.more("stripe", before);
    check(&now, "guests", before, 0)?;
    check(&now, &now.account, before, 0)?;
    check(&now, "platform", before, -stripe)?;
    journey.say(format_args!("client   {}: all of it came back", shown(0)));
    journey.say(format_args!("expert   {}: the transfer was reversed", shown(0)));
    journey
        .say(format_args!("platform {}: its fee went back, and Stripe keeps what it took", shown(-stripe)));
    let all: i64 = now.balances.values().sum();
    if all != 0 {
        return Err(Wrong::new("the sum of all balances", "0", all.to_string()));
    }
    journey.say("All balances at Stripe add up to zero.");
    Ok(())
}
