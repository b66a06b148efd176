//! The people who pay again. Source: <https://docs.stripe.com/api/customers>.

use super::api_error::ApiError;
use super::events::emit;
use super::form::Form;
use super::state::Customer;
use super::work::{Outcome, Work};
use super::{render, validate};
use crate::random;

/// `POST /v1/customers`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&["email", "expand[]", "metadata", "metadata[*]", "name"])?;
    let customer = Customer {
        id: format!("cus_{}", random::letters(14)),
        account: work.origin.account.clone(),
        name: form.owned("name"),
        email: validate::email(form, "email")?,
        metadata: validate::metadata(form, &Default::default())?,
        created: work.now,
    };
    let answer = render::customer(&customer);
    let account = customer.account.clone();
    work.state.customers.add(customer);
    emit(work, "customer.created", answer.clone(), account.as_deref());
    Ok(answer)
}

/// The customer that the form names, when it names one.
pub(super) fn named(work: &Work, form: &Form) -> Result<Option<String>, ApiError> {
    let Some(id) = form.filled("customer") else { return Ok(None) };
    let own = work.state.customers.get(id).filter(|customer| customer.account == work.origin.account);
    own.map(|customer| Some(customer.id.clone())).ok_or_else(|| ApiError::missing("customer", id, "customer"))
}
