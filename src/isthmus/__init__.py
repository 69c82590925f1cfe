"""Isthmus: S3 that several accounts can share safely, behind AWS's own wire protocols."""

__version__ = "0.1.0"
