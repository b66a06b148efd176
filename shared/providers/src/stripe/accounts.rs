//! Experts' connected accounts, and their payouts.

use app::payments::ports::{AccountState, ConnectedAccounts, GatewayError, OnboardingPage, Payouts};
use async_trait::async_trait;
use domain::payments::ledger::{Movement, MovementKind};
use domain::{ExpertId, Timestamp};
use stripe_connect::account::RetrieveAccount;
use stripe_connect::account_link::{CreateAccountLink, CreateAccountLinkType};

use super::convert::from_stripe;
use super::errors::NO_ACCESS;
use super::wire::{AccountLink, Expandable, Payout};
use super::{Stripe, convert};

#[async_trait]
impl ConnectedAccounts for Stripe {
    async fn create_account(&self, expert: ExpertId) -> Result<AccountState, GatewayError> {
        let key = format!("{expert}:account");
        Ok(convert::account(self.send_once(&convert::new_account(expert, &key), &key).await?))
    }

    async fn read_account(&self, account: &str) -> Result<AccountState, GatewayError> {
        match self.send(&RetrieveAccount::new(account)).await {
            Ok(read) => Ok(convert::account(read)),
            Err(failure) if failure.code() == Some(NO_ACCESS) => Ok(AccountState {
                id: account.to_owned(),
                charges_enabled: false,
                payouts_enabled: false,
                requirements_due: Vec::new(),
                disabled_reason: Some("deauthorized".to_owned()),
            }),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn onboarding_page(
        &self,
        account: &str,
        return_url: &str,
        refresh_url: &str,
    ) -> Result<OnboardingPage, GatewayError> {
        let link = CreateAccountLink::new(account, CreateAccountLinkType::AccountOnboarding)
            .return_url(return_url)
            .refresh_url(refresh_url);
        let link: AccountLink = self.send(&link).await?;
        Ok(OnboardingPage { url: link.url, expires_at: Timestamp::from_seconds(link.expires_at) })
    }
}

#[async_trait]
impl Payouts for Stripe {
    async fn payouts(&self, account: &str) -> Result<Vec<Movement>, GatewayError> {
        let payouts = match self.latest_payouts(account).await {
            Ok(payouts) => payouts,
            // The owner revoked the platform's access, so no payouts can be read.
            Err(failure) if failure.code() == Some(NO_ACCESS) => Vec::new(),
            Err(failure) => return Err(failure.into()),
        };
        let movements = payouts.iter().rev().map(payout_movements).collect::<Result<Vec<_>, _>>()?;
        let mut movements: Vec<Movement> = movements.into_iter().flatten().collect();
        movements.sort_by_key(|movement| movement.at);
        Ok(movements)
    }
}

/// The movements of a payout: none before it arrives at the bank, one after, and two if the bank returned it.
fn payout_movements(payout: &Payout) -> Result<Vec<Movement>, GatewayError> {
    let returned = payout.status == "failed";
    if !returned && payout.status != "paid" {
        return Ok(Vec::new());
    }
    let amount = from_stripe(payout.amount, &payout.currency)?;
    let movement = |kind, at| Movement::new(kind, amount, &payout.id, Timestamp::from_seconds(at), None);
    let mut movements = vec![movement(MovementKind::Payout, payout.created)];
    if returned {
        let line = payout.failure_balance_transaction.as_ref().and_then(Expandable::object);
        let returned_at = line.map_or(payout.arrival_date.max(payout.created), |line| line.created);
        movements.push(movement(MovementKind::PayoutFailed, returned_at));
    }
    Ok(movements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payout(status: &str, amount: i64, currency: &str) -> Payout {
        let payout = serde_json::json!({
            "id": "po_3Q1", "object": "payout", "status": status, "amount": amount, "currency": currency,
            "created": 100, "arrival_date": 200, "failure_balance_transaction": null,
        });
        serde_json::from_value(payout).expect("Stripe's shape")
    }

    #[test]
    fn payout_counts_once_it_arrived() {
        let movements = |status: &str| {
            let movements = payout_movements(&payout(status, 9_000, "eur")).expect("an amount");
            movements.into_iter().map(|movement| (movement.kind, movement.at.seconds())).collect::<Vec<_>>()
        };
        for status in ["pending", "in_transit", "canceled", "something_new"] {
            assert_eq!(movements(status), [], "{status}");
        }
        assert_eq!(movements("paid"), [(MovementKind::Payout, 100)]);
        assert_eq!(movements("failed"), [(MovementKind::Payout, 100), (MovementKind::PayoutFailed, 200)]);
    }

    #[test]
    fn payout_may_exceed_the_largest_charge() {
        let movements = payout_movements(&payout("paid", 250_000_000_000, "huf")).expect("an amount");
        assert_eq!(movements.first().map(|movement| movement.amount.amount()), Some(250_000_000_000));
    }
}
