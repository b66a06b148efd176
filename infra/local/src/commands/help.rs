//! The text of `cargo run -- help`.

pub(super) const TEXT: &str = "\
Expert Connect on one machine: the API, its database, an event bus, a sign-in service, and simulators of Stripe, PayPal and
the European Central Bank. Everything listens on 127.0.0.1 only.

Commands
  cargo run                    starts everything; press Ctrl-C to stop
  cargo run -- demo            uses the running system as an expert and clients would; start it in a second shell
  cargo run -- demo money      shows what happens to payments over several weeks; starts its own system in memory
  cargo run -- simulators      starts only the simulators and the sign-in service
  cargo run -- help            prints this text

Options of `demo`
  --url URL                    URL of the API (EXPERT_CONNECT_URL; default http://127.0.0.1:8080)
  --time-zone ZONE             time zone for the output, such as Europe/Berlin (default: the time zone of this machine)

Options of `simulators`
  --port-base PORT             sign-in service on PORT, Stripe simulator on PORT + 1, exchange rates on PORT + 2,
                               PayPal simulator on PORT + 3
  --sign-in-port PORT          sign-in service (EXPERT_CONNECT_SIGN_IN_PORT; default 8082)
  --stripe-port PORT           Stripe simulator (EXPERT_CONNECT_STRIPE_PORT; default 8081)
  --ecb-port PORT              exchange rates (EXPERT_CONNECT_ECB_PORT; default 8084)
  --paypal-port PORT           PayPal simulator (EXPERT_CONNECT_PAYPAL_PORT; default 8085)
  --webhook-url URL            http URL that receives Stripe's webhooks (default: none are sent)
  --paypal-webhook-url URL     http URL that receives PayPal's webhooks (default: none are sent)
  --issuer URL                 issuer of the tokens, if clients reach the sign-in service at another URL
  --redirect-url URL           URL to which the sign-in service may redirect after sign-in
  --secret-key KEY             Stripe secret key that the simulator accepts (default sk_test_local)
  --webhook-secret SECRET      secret that signs Stripe's webhooks (default whsec_local)
  --data FOLDER                folder for the simulators' state (default: in memory)

Environment variables of `cargo run`
  EXPERT_CONNECT_DATA          data folder (default .expert-connect); delete it to start with an empty system
  EXPERT_CONNECT_PORT          port of the API and the pages (default 8080); 0 selects any free port
  EXPERT_CONNECT_STRIPE_PORT   port of the Stripe simulator (default 8081)
  EXPERT_CONNECT_SIGN_IN_PORT  port of the sign-in service (default 8082); ids of people depend on it
  EXPERT_CONNECT_DATABASE_PORT port of the database (default 8083)
  EXPERT_CONNECT_ECB_PORT      port of the exchange rates (default 8084)
  EXPERT_CONNECT_PAYPAL_PORT   port of the PayPal simulator (default 8085)
  STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET
                               set both to use your Stripe account instead of the simulator
  PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET, PAYPAL_PARTNER_ID, PAYPAL_WEBHOOK_ID
                               set all of them to use your PayPal application instead of the simulator
  PAYPAL_API_BASE              API of your PayPal application (default https://api-m.sandbox.paypal.com/)
  PAYPAL_DELAYED_DISBURSEMENT  whether PayPal may hold the experts' shares until after the sessions, true or false (default
                               true for the simulator, false for your application, which needs PayPal's approval)
  ECB_RATES_URL                URL of real exchange rates, used instead of the simulator; the European Central Bank
                               publishes them at https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml
  PLATFORM_FEE_BASIS_POINTS    fee of the platform (default 1000, which is 10 %)
  SETTLEMENT_CURRENCIES        currencies that prices may have, such as EUR,USD (default: all)
  PAYOUT_TIMING                when experts get their share, at_payment or after_session (default after_session)
  NEW_EXPERT_SESSIONS          paid sessions that a new expert completes before at_payment can apply (default 3)
  CORS_ORIGINS                 origins whose pages may use the API, such as https://app.example.org (default: none)
  HOLD_MINUTES                 minutes for which a slot is held while payment is pending (default 10)
  MAX_OPEN_HOLDS               unpaid holds of a client at the same time (default 2)
  MAX_OPEN_HOLDS_PER_EXPERT    unpaid holds of a client with one expert at the same time (default 1)
  MAX_UNPAID_HOLDS             holds of a client that end unpaid within 24 hours without a pause (default 1)
  MAX_BOOKINGS_PER_DAY         bookings of a client in a UTC day (default 20)
  MAX_PRICED_BOOKINGS          bookings of a client with a price within 30 days (default 30)
  MAX_PRICED_BOOKINGS_PER_EXPERT
                               bookings of a client with a price with one expert within 30 days (default 20)
  MAX_FREE_APPOINTMENTS        free appointments of a client that have not ended (default 6)
  MAX_FREE_APPOINTMENTS_PER_EXPERT
                               free appointments of a client with one expert that have not ended (default 3)
  MAX_UNPAID_APPOINTMENTS      appointments of a client that a saved card pays later (default 6)
  MAX_UNPAID_APPOINTMENTS_PER_EXPERT
                               appointments of a client with one expert that a saved card pays later (default 3)
  MAX_SEATS                    seats of a booking, and all unpaid seats of a client in a group session (default 10)
  MAX_CLIENT_PROPOSALS         proposals of other times by a client within 48 hours (default 4)
  MAX_ATTEMPTS_PER_ADDRESS     attempts to book from one network address in a UTC day (default 100)
  MAX_DECLINES_PER_PAYMENT     declined attempts of one payment (default 5)
  MAX_DECLINES_PER_CLIENT      declined attempts to pay of a client in a UTC day (default 10)
  MAX_DECLINES_PER_ADDRESS     declined attempts to pay from one network address in a UTC day (default 50)
  CHALLENGE_SITE_KEY, CHALLENGE_SECRET_KEY
                               set both to ask for a challenge of Cloudflare Turnstile after declined attempts
  CHALLENGE_VERIFY_URL         URL at which another service verifies tokens, such as that of hCaptcha
  CHALLENGE_AFTER_DECLINES     declined attempts of a client or an address in a UTC day before the challenge (default 3)
  LATE_CANCELLATION_HOURS      a cancellation less than this many hours before the start is late (default 24)
  WARNING_AFTER_INCIDENTS      late cancellations and no-shows in 90 days that lead to a warning, one for each counterpart
                               (default 3)
  SUSPENSION_AFTER_INCIDENTS   the same after which the platform suspends a person
                               (default 0, which leaves it to administrators)
  SUSPENSION_AFTER_LOST_DISPUTES
                               disputes that banks decide for a client in 90 days after which the platform suspends them
                               (default 2; 0 leaves it to administrators)
  MAX_PRICE_OF_NEW_EXPERT      largest price of an expert who is not established, as a multiple of the smallest price
                               (default 300, which is 900 euros)
  REFUND_BUDGET_PER_CLIENT     what refunds of a client may cost the platform in a month, as a multiple of the smallest
                               price (default 7, which is 21 euros)
  REFUND_BUDGET_PER_EXPERT     the same for the refunds of an expert (default 35, which is 105 euros)
  LOG_LEVEL                    error, warn, info, debug or trace (default info)
";
