"""Setting up, proving, explaining and auditing cross-account access through AWS's public APIs alone.

Everything here speaks boto3 with ordinary AWS profiles, so it does the same on Isthmus, on AWS and on anything else
that speaks the API. It knows nothing of our server.
"""
