//! Compares the Stripe simulator's books before the payment, after the payment, and after the refund.

use std::collections::BTreeMap;

use domain::Money;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Mismatch;
use super::api_client::text;
use super::journey::Journey;

/// The balances at Stripe in the demo's currency, in minor units.
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
/// The price of the demo's session, in minor units.
pub(super) const PRICE: i64 = 8_000;

/// Reads the current balances.
pub(super) async fn read(journey: &Journey) -> Result<Books, Mismatch> {
    let path = format!("/v1/experts/{}/payment-accounts/stripe", journey.expert.user.expert_id);
    let account = journey.api.get(&path).signed_in(&journey.expert.token).quiet().send().await?;
    let account: Value = account.document(200)?;
    let address = format!("{}/_simulator/balances", journey.stripe);
    let lines: Vec<Line> = journey.api.get(&address).quiet().send().await?.document(200)?;
    let lines = lines.into_iter().filter(|line| line.currency.eq_ignore_ascii_case(CURRENCY));
    Ok(Books {
        balances: lines.map(|line| (line.owner, line.amount)).collect(),
        account: text(&account, "/account")?.to_owned(),
    })
}

impl Books {
    /// The change of an owner's balance.
    fn change(&self, owner: &str, before: &Self) -> i64 {
        let of = |books: &Self| books.balances.get(owner).copied().unwrap_or(0);
        of(self) - of(before)
    }
}

fn format_amount(amount: i64) -> String {
    let money = json!({ "amount": amount.unsigned_abs(), "currency": CURRENCY });
    let money = serde_json::from_value::<Money>(money).ok();
    let sign = match amount.signum() {
        -1 => "−",
        0 => "",
        _ => "+",
    };
    money.map_or_else(|| amount.to_string(), |money| format!("{sign}{money}"))
}

fn check(books: &Books, owner: &str, before: &Books, expected: i64) -> Result<(), Mismatch> {
    let actual = books.change(owner, before);
    if actual == expected {
        return Ok(());
    }
    let what =
        format!("the change of {owner}'s balance (is another program using the simulator at the same time?)");
    Err(Mismatch::new(what, format_amount(expected), format_amount(actual)))
}

/// Checks the balances after the payment: the client paid the price, and the platform has it less the processing fee of Stripe and
/// less the expert's share, if the expert has that already. Otherwise, the platform holds it until one day after the session.
pub(super) async fn check_paid(journey: &mut Journey, before: &Books) -> Result<(), Mismatch> {
    journey.step("The balances after the payment");
    let now = read(journey).await?;
    let (expert, stripe) = (now.change(&now.account, before), now.change("stripe", before));
    let platform = now.change("platform", before);
    journey.print(format_args!("client   {}", format_amount(now.change("clients", before))));
    journey.print(format_args!("expert   {}", format_amount(expert)));
    let holds = if expert == 0 { "the expert's share until after the session, and " } else { "" };
    journey.print(format_args!(
        "platform {} ({holds}its fee less Stripe's processing fee)",
        format_amount(platform)
    ));
    journey.print(format_args!("Stripe   {}", format_amount(stripe)));
    check(&now, "clients", before, -PRICE)?;
    if !(0..=PRICE).contains(&expert) {
        return Err(Mismatch::new(
            "the expert's share",
            format!("up to {}", format_amount(PRICE)),
            format_amount(expert),
        ));
    }
    check(&now, "platform", before, PRICE - expert - stripe)
}

/// Checks the balances after the refund: the client and the expert are even, and the platform has paid Stripe's processing fee.
pub(super) async fn check_refunded(journey: &mut Journey, before: &Books) -> Result<(), Mismatch> {
    journey.step("The balances after the refund");
    let now = read(journey).await?;
    let stripe = now.change("stripe", before);
    check(&now, "clients", before, 0)?;
    check(&now, &now.account, before, 0)?;
    check(&now, "platform", before, -stripe)?;
    journey.print(format_args!("client   {}: the whole payment was refunded", format_amount(0)));
    journey.print(format_args!("expert   {}: nothing is left of their share", format_amount(0)));
    journey.print(format_args!(
        "platform {}: its fee was returned, and Stripe keeps its processing fee",
        format_amount(-stripe)
    ));
    let all: i64 = now.balances.values().sum();
    if all != 0 {
        return Err(Mismatch::new("the sum of all balances", "0", all.to_string()));
    }
    journey.print("The sum of all balances at Stripe is zero.");
    Ok(())
}
