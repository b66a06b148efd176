//! Journeys of experts, clients and administrators over HTTP.

mod booking;
mod booking_limits;
mod cancelling;
mod capacity;
mod durations;
mod exchange_rates;
mod expected_price;
mod failing_jobs;
mod groups;
mod history;
mod members;
mod money;
mod not_live;
mod notes;
mod notifications;
mod payments;
mod paypal;
mod person;
mod prices;
mod profiles;
mod publishing;
mod receipts;
mod reconciliation;
mod reports;
mod slots;
mod violations;
