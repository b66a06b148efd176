//! Stripe's books: the platform's lines, and experts' payouts. Pure.

use app::payments::ports::{BookLine, PaymentError};
use domain::Timestamp;
use domain::payments::ledger::{Movement, MovementKind};

use super::convert::{APPOINTMENT, from_stripe, minor_units};
use super::wire::{BalanceTransaction, Expandable, Payout, Source};

/// A line of the platform's books. Refunds and transfers that came with others carry nothing of ours: they are known by their
/// object alone.
pub(super) fn line(line: BalanceTransaction) -> Result<BookLine, PaymentError> {
    let (amount, currency) = minor_units(line.amount, &line.currency)?;
    let (fee, _) = minor_units(line.fee, &line.currency)?;
    let (object, appointment) = match line.source {
        Some(Expandable::Object(source)) => {
            let Source { id, metadata, transfer_group } = *source;
            let named = metadata.get(APPOINTMENT).or(transfer_group.as_ref());
            (id, named.and_then(|name| name.parse().ok()))
        }
        Some(Expandable::Id(id)) => (id, None),
        // A correction by Stripe itself is about nothing but itself.
        None => (line.id.clone(), None),
    };
    let at = Timestamp::from_seconds(line.created);
    Ok(BookLine { id: line.id, object, kind: line.kind, amount, fee, currency, at, appointment })
}

/// What a payout moved: nothing until it arrived, and twice when it came back.
pub(super) fn payout(payout: &Payout) -> Result<Vec<Movement>, PaymentError> {
    let returned = payout.status == "failed";
    if !returned && payout.status != "paid" {
        return Ok(Vec::new());
    }
    let amount = from_stripe(payout.amount, &payout.currency)?;
    let moved = |kind, at| Movement::new(kind, amount, &payout.id, Timestamp::from_seconds(at), None);
    let mut movements = vec![moved(MovementKind::Payout, payout.created)];
    if returned {
        let line = payout.failure_balance_transaction.as_ref().and_then(Expandable::object);
        let returned_at = line.map_or(payout.arrival_date.max(payout.created), |line| line.created);
        movements.push(moved(MovementKind::PayoutFailed, returned_at));
    }
    Ok(movements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_of_every_kind() {
        let recorded: super::super::wire::List<BalanceTransaction> =
            serde_json::from_slice(include_bytes!("recorded/balance_transactions.json"))
                .expect("Stripe's shape");
        let lines: Vec<BookLine> = recorded.data.into_iter().map(|one| line(one).expect("whole")).collect();
        let told: Vec<_> = lines
            .iter()
            .map(|line| (line.object.as_str(), line.kind.as_str(), line.amount, line.fee))
            .collect();
        let expected = [
            ("po_3Q1", "payout", -20_000, 0),
            ("trr_3Q1", "transfer_refund", 5_000, 0),
            ("tr_3Q1", "transfer", -10_000, 0),
            ("ch_3Q1", "charge", 10_000, 175),
            ("txn_3Q1correction", "adjustment", -100, 0),
            ("ch_3Q1kronur", "charge", 500, 30),
        ];
        assert_eq!(told, expected);
        let named: Vec<bool> = lines.iter().map(|line| line.appointment.is_some()).collect();
        assert_eq!(named, [false, false, true, true, false, false]);
        assert_eq!(lines.last().map(|line| line.currency.as_str()), Some("ISK"));
    }

    #[test]
    fn payouts_count_once_they_arrived() {
        let of = |status: &str| {
            let payout = serde_json::json!({
                "id": "po_3Q1", "object": "payout", "status": status, "amount": 9000, "currency": "eur",
                "created": 100, "arrival_date": 200, "failure_balance_transaction": null,
            });
            let read: Payout = serde_json::from_value(payout).expect("Stripe's shape");
            let moved = super::payout(&read).expect("an amount");
            moved.into_iter().map(|movement| (movement.kind, movement.at.seconds())).collect::<Vec<_>>()
        };
        for under_way in ["pending", "in_transit", "canceled", "something_new"] {
            assert_eq!(of(under_way), [], "{under_way}");
        }
        // Many charges come together in one.
        let of_millions = serde_json::json!({
            "id": "po_3Q2", "object": "payout", "status": "paid", "amount": 250_000_000_000_i64, "currency": "huf",
            "created": 100, "arrival_date": 200, "failure_balance_transaction": null,
        });
        let read: Payout = serde_json::from_value(of_millions).expect("Stripe's shape");
        let moved = super::payout(&read).expect("an amount");
        assert_eq!(moved.first().map(|movement| movement.amount.amount()), Some(250_000_000_000));
        assert_eq!(of("paid"), [(MovementKind::Payout, 100)]);
        assert_eq!(of("failed"), [(MovementKind::Payout, 100), (MovementKind::PayoutFailed, 200)]);
    }
}
