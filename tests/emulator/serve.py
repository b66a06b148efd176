"""Starts ministack with three changes of its behavior. Its settings come from the environment; see aws.py."""

import socketserver

from ministack.core import iam_actions
from ministack.services import scheduler

# The Lambda runtime API writes headers and body separately, so Nagle's algorithm would delay each invocation by 40 ms twice.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

# Starts due schedules every second instead of every ten seconds.
scheduler._SCHEDULE_TICK_INTERVAL = 1

# Sending a batch needs the permission sqs:SendMessage. ministack requires an action that AWS does not have.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
original = iam_actions.extract_iam_action


def extract_iam_action(*request):
    action = original(*request)
    return "sqs:SendMessage" if action == "sqs:SendMessageBatch" else action


iam_actions.extract_iam_action = extract_iam_action

if __name__ == "__main__":
    from ministack.app import main

    main()
