//! Experts' PayPal accounts.

use app::payments::ports::{AccountState, ConnectedAccounts, GatewayError, OnboardingPage};
use async_trait::async_trait;
use domain::ExpertId;
use domain::kernel::time::HOUR;

use super::client::Request;
use super::errors::{Failure, refused};
use super::{PayPal, convert, wire};

/// The reported lifetime of an invitation, in seconds. PayPal documents none, and a new invitation costs nothing.
const INVITATION_LASTS: i64 = HOUR;

#[async_trait]
impl ConnectedAccounts for PayPal {
    /// PayPal creates the account when the expert accepts the invitation. Until then the account's id is the expert's id.
    async fn create_account(&self, expert: ExpertId) -> Result<AccountState, GatewayError> {
        self.read_account(&expert.to_string()).await
    }

    async fn read_account(&self, account: &str) -> Result<AccountState, GatewayError> {
        let merchant = if account.parse::<ExpertId>().is_ok() {
            match self.merchant_of(account).await? {
                Some(merchant) => merchant,
                None => return Ok(convert::invited(account)),
            }
        } else {
            account.to_owned()
        };
        match self.get::<wire::Seller>(self.seller_path(&merchant).await?).await {
            Ok(seller) => {
                let client_id = &self.client.session().await?.keys.client_id;
                Ok(convert::seller(seller, client_id, self.delayed_disbursement))
            }
            Err(failure) if failure.is_missing() => Ok(convert::unknown_account(&merchant)),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Creates an invitation. PayPal offers no idempotency key for it, and a superfluous invitation does no harm.
    async fn onboarding_page(
        &self,
        account: &str,
        return_url: &str,
        _: &str,
    ) -> Result<OnboardingPage, GatewayError> {
        let tracking_id = self.tracking_id(account).await?;
        let referral = convert::referral(&tracking_id, return_url, self.delayed_disbursement);
        let request = Request::post("/v2/customer/partner-referrals".to_owned(), &referral)?;
        let referral: wire::Referral = self.client.send(&request).await?;
        let page = wire::link(&referral.links, "action_url");
        let missing = || GatewayError::Unavailable("PayPal's invitation has no page".to_owned());
        let url = page.ok_or_else(missing)?.to_owned();
        Ok(OnboardingPage { url, expires_at: self.client.access.now().plus(INVITATION_LASTS) })
    }
}

impl PayPal {
    /// The tracking id with which an expert was invited: the expert's id.
    async fn tracking_id(&self, account: &str) -> Result<String, GatewayError> {
        if account.parse::<ExpertId>().is_ok() {
            return Ok(account.to_owned());
        }
        let seller: wire::Seller = self.get(self.seller_path(account).await?).await?;
        let message = "the account was not created by an invitation of this platform";
        seller.tracking_id.ok_or_else(|| refused("no_tracking_id", message.to_owned()))
    }

    async fn sellers_path(&self) -> Result<String, Failure> {
        let keys = self.client.session().await?.keys;
        Ok(format!("/v1/customer/partners/{}/merchant-integrations", keys.partner_id))
    }

    async fn seller_path(&self, merchant: &str) -> Result<String, Failure> {
        Ok(format!("{}/{merchant}", self.sellers_path().await?))
    }

    /// The merchant id of an expert who accepted an invitation.
    async fn merchant_of(&self, tracking_id: &str) -> Result<Option<String>, Failure> {
        let request = Request::get(self.sellers_path().await?).with("tracking_id", tracking_id);
        match self.client.send::<wire::FoundSeller>(&request).await {
            Ok(found) => Ok(Some(found.merchant_id)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
