//! What `help` says.

pub(super) const TEXT: &str = "\
Expert Connect on one machine: the API, its database, the event bus, a sign-in service, and simulators of Stripe, PayPal and
the European Central Bank.
Everything listens on 127.0.0.1 only.

  cargo run                    starts everything; Ctrl-C ends it
  cargo run -- demo            walks through the product against what runs, in a second shell
  cargo run -- demo money      shows what happens to money over weeks, in a system and on a clock of its own
  cargo run -- simulators      starts only the simulators and the sign-in service
  cargo run -- help            says this

demo
  --url URL                    where the API is (EXPERT_CONNECT_URL; by default http://127.0.0.1:8080)
  --time-zone ZONE             the zone in which times are shown, such as Europe/Berlin (by default this machine's)

simulators
  --port-base PORT             sign-in service on PORT, Stripe simulator on PORT + 1, the bank's on PORT + 2,
                               PayPal simulator on PORT + 3
  --sign-in-port PORT          (EXPERT_CONNECT_SIGN_IN_PORT; 8082)
  --stripe-port PORT           (EXPERT_CONNECT_STRIPE_PORT; 8081)
  --ecb-port PORT              (EXPERT_CONNECT_ECB_PORT; 8084)
  --paypal-port PORT           (EXPERT_CONNECT_PAYPAL_PORT; 8085)
  --webhook-url URL            where Stripe's events go to, http only; without it there are none
  --paypal-webhook-url URL     the same for PayPal's
  --issuer URL                 the issuer of the tokens, when others reach the sign-in service at another address
  --redirect-url URL           where people may be sent back to after they signed in
  --secret-key KEY             Stripe's secret key (sk_test_local)
  --webhook-secret SECRET      the secret that events are signed with (whsec_local)
  --data FOLDER                keeps the simulators' state; without it everything is forgotten at the end

Settings of `cargo run`, as environment variables
  EXPERT_CONNECT_DATA          the data folder (.expert-connect)
  EXPERT_CONNECT_PORT          the API and the pages (8080); 0 takes any free port
  EXPERT_CONNECT_STRIPE_PORT   the Stripe simulator (8081)
  EXPERT_CONNECT_SIGN_IN_PORT  the sign-in service (8082); at another address the demo people are other people
  EXPERT_CONNECT_DATABASE_PORT the database (8083)
  EXPERT_CONNECT_ECB_PORT      the simulator of the European Central Bank (8084)
  EXPERT_CONNECT_PAYPAL_PORT   the PayPal simulator (8085)
  STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET
                               your own Stripe keys, both; they take the simulator away
  PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET, PAYPAL_PARTNER_ID, PAYPAL_WEBHOOK_ID
                               your own PayPal keys, all of them; they take the simulator away
  PAYPAL_API_BASE              where they are good (https://api-m.sandbox.paypal.com/)
  ECB_RATES_URL                where the real exchange rates are; it takes their simulator away. The bank publishes them at
                               https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml
  PLATFORM_FEE_BASIS_POINTS    what the platform keeps (1000, which is 10 %)
  SETTLEMENT_CURRENCIES        in which prices can be, such as EUR,USD (all)
  HOLD_MINUTES                 how long a slot is held for payment (10)
  LOG_LEVEL                    error, warn, info, debug or trace (info)
";
