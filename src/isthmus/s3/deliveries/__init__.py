"""What S3 delivers outside of requests: event notifications, replicas, access logs, inventory reports.

`changes` is called by the operations that change objects, `outbox` keeps what is owed, `courier` takes it to its
targets; the other modules are the four kinds of delivery, each with what its configuration must satisfy.
"""
