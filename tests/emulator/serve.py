"""Starts ministack with three changes of its behaviour; its settings come from the environment, see aws.py."""

import socketserver

from ministack.core import iam_actions
from ministack.services import scheduler

# The Lambda runtime API writes headers and body apart; with Nagle's algorithm each invocation would wait 40 ms twice.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

# Looks for due schedules every second in place of every ten.
scheduler._SCHEDULE_TICK_INTERVAL = 1

# The permission to send one message is the permission to send several; ministack asks for one that AWS does not know.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
original = iam_actions.extract_iam_action


def extract_iam_action(*request):
    action = original(*request)
    return "sqs:SendMessage" if action == "sqs:SendMessageBatch" else action


iam_actions.extract_iam_action = extract_iam_action

if __name__ == "__main__":
    from ministack.app import main

    main()
