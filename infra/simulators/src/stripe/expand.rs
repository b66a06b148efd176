//! `expand[]`: objects in place of their ids. Source: <https://docs.stripe.com/api/expanding_objects>.

use super::prelude::*;

/// The most levels of a path.
const DEEPEST: usize = 4;

/// The kind of an object that may be of any kind.
const ANYTHING: &str = "*";

/// What `member` of an object of a kind expands to; `None` when it cannot be expanded. The kind of a list is
/// that of its items with `[]`.
fn target(kind: &str, member: &str) -> Option<&'static str> {
    Some(match (kind, member) {
        ("payment_intent", "latest_charge") => "charge",
        ("payment_intent" | "charge", "transfer_data") => "transfer_data",
        ("transfer_data", "destination") => "account",
        ("payment_intent" | "setup_intent", "payment_method") => "payment_method",
        ("payment_intent" | "setup_intent" | "payment_method" | "charge", "customer") => "customer",
        ("charge" | "refund" | "payout", "balance_transaction" | "failure_balance_transaction")
        | ("transfer" | "transfer_reversal" | "application_fee" | "fee_refund", "balance_transaction") => {
            "balance_transaction"
        }
        ("charge", "transfer" | "source_transfer") | ("transfer_reversal", "transfer") => "transfer",
        ("charge", "application_fee") | ("fee_refund", "fee") => "application_fee",
        ("charge" | "refund" | "dispute", "payment_intent") => "payment_intent",
        ("charge", "refunds") => "refund[]",
        ("refund" | "dispute" | "application_fee", "charge")
        | ("application_fee", "originating_transaction")
        | ("transfer", "destination_payment" | "source_transaction") => "charge",
        ("refund", "transfer_reversal" | "source_transfer_reversal") => "transfer_reversal",
        ("transfer", "destination") | ("application_fee", "account") => "account",
        ("transfer", "reversals") => "transfer_reversal[]",
        ("transfer_reversal", "source_refund" | "destination_payment_refund") => "refund",
        ("application_fee", "refunds") => "fee_refund[]",
        ("tax.calculation", "line_items") => "tax.calculation_line_item[]",
        ("tax.transaction", "line_items") | ("tax.calculation_line_item", "tax_breakdown") => "nothing",
        ("balance_transaction", "source") => ANYTHING,
        (ANYTHING, member) => KINDS.split_ascii_whitespace().find_map(|kind| target(kind, member))?,
        (list, "data") => {
            KINDS.split_ascii_whitespace().find(|kind| list.strip_suffix("[]") == Some(*kind))?
        }
        _ => return None,
    })
}

/// The kinds of objects that have something to expand.
const KINDS: &str = "account application_fee balance_transaction charge customer dispute event fee_refund \
    payment_intent payment_method payout refund setup_intent tax.calculation_line_item transfer transfer_reversal";

/// Refuses paths that lead nowhere from an object of `kind`.
pub(super) fn check_expansions(kind: &str, paths: &[String]) -> Result<(), ApiError> {
    for path in paths {
        if path.split('.').count() > DEEPEST {
            let message =
                format!("You cannot expand more than {DEEPEST} levels of a property. Property: {path}");
            return Err(ApiError::invalid(message));
        }
        let mut place = kind.to_owned();
        for member in path.split('.') {
            match target(&place, member) {
                Some(next) => next.clone_into(&mut place),
                None => {
                    return Err(ApiError::invalid(format!("This property cannot be expanded ({path}).")));
                }
            }
        }
    }
    Ok(())
}

/// Replaces the ids at `paths` such as `latest_charge.balance_transaction` by their objects. In a list the path
/// starts with `data`.
pub(super) fn expand(state: &State, object: &mut Value, paths: &[String]) {
    for path in paths {
        expand_path(state, object, path);
    }
}

fn expand_path(state: &State, object: &mut Value, path: &str) {
    if let Value::Array(items) = object {
        for item in items {
            expand_path(state, item, path);
        }
        return;
    }
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    // The refunds of a charge are there only when they are expanded.
    if first == "refunds" && object.get(first).is_none() && object.get("object") == Some(&json!("charge")) {
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        object[first] = render::refunds_of(state, &id);
    }
    let Some(member) = object.get_mut(first) else { return };
    if let Some(found) = member.as_str().and_then(|id| render::any(state, id)) {
        *member = found;
    }
    if let Some(rest) = rest {
        expand_path(state, member, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::check_expansions;

    #[test]
    fn paths_lead_somewhere_or_are_refused() {
        let check = |kind, path: &str| check_expansions(kind, &[path.to_owned()]).is_ok();
        assert!(check("payment_intent", "latest_charge.refunds.data.balance_transaction"));
        assert!(check("payment_intent", "latest_charge.transfer.reversals"));
        assert!(check("balance_transaction[]", "data.source"));
        assert!(check("balance_transaction[]", "data.source.charge"));
        assert!(!check("payment_intent", "amount"));
        assert!(!check("payment_intent", "data.latest_charge"));
        assert!(!check("charge", "payment_method"));
        assert!(!check("charge[]", "data"[..3].into()));
        assert!(!check("charge", "payment_intent.latest_charge.transfer.destination_payment.transfer"));
    }
}
