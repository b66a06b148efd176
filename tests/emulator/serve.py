"""Starts ministack with two changes of its behaviour; its settings come from the environment, see aws.py."""

import socketserver

from ministack.services import scheduler

# The Lambda runtime API writes headers and body apart; with Nagle's algorithm each invocation would wait 40 ms twice.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

# Looks for due schedules every second in place of every ten.
scheduler._SCHEDULE_TICK_INTERVAL = 1

if __name__ == "__main__":
    from ministack.app import main

    main()
