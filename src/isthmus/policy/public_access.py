from .document import PolicyDocument
def is_public(document: PolicyDocument) -> bool:
    return False
