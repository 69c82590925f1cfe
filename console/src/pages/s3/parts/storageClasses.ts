/** The storage classes that an object can be put into (S3 API reference, PutObject), those of one place left out. */
import type { StorageClass } from "@aws-sdk/client-s3";

export const STORAGE_CLASSES: readonly StorageClass[] = [
  "STANDARD",
  "INTELLIGENT_TIERING",
  "STANDARD_IA",
  "ONEZONE_IA",
  "GLACIER_IR",
  "GLACIER",
  "DEEP_ARCHIVE",
  "REDUCED_REDUNDANCY",
];
