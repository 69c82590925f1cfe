from .document import PolicyDocument
def check_identity_policy(text: str) -> PolicyDocument: return PolicyDocument.parse(text)
def check_trust_policy(text: str) -> PolicyDocument: return PolicyDocument.parse(text)
def check_session_policy(text: str) -> PolicyDocument: return PolicyDocument.parse(text)
def check_bucket_policy(text: str, bucket: str) -> PolicyDocument: return PolicyDocument.parse(text)
