/** Which encryption: with keys of S3, or with a KMS key that is chosen from the account's aliases or named. */
import type { ServerSideEncryption, ServerSideEncryptionRule } from "@aws-sdk/client-s3";
import Autosuggest from "@cloudscape-design/components/autosuggest";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";

import { useAnswer } from "../../../aws/answers";
import { failureOf } from "../../../aws/errors";
import { keyAliases } from "../../../aws/kms";

export interface EncryptionChoice {
  algorithm: ServerSideEncryption;
  /** ARN, id or alias of a KMS key; "" for AWS's own key of the account. */
  key: string;
  bucketKey: boolean;
}

export const SSE_S3: EncryptionChoice = { algorithm: "AES256", key: "", bucketKey: true };

export function encryptionOf(rule: ServerSideEncryptionRule | undefined): EncryptionChoice {
  const given = rule?.ApplyServerSideEncryptionByDefault;
  return {
    algorithm: given?.SSEAlgorithm ?? "AES256",
    key: given?.KMSMasterKeyID ?? "",
    bucketKey: rule?.BucketKeyEnabled === true,
  };
}

/** Keeps of the rule that was there what the form does not ask for. */
export function encryptionRule(
  { algorithm, key, bucketKey }: EncryptionChoice,
  before: ServerSideEncryptionRule = {},
): ServerSideEncryptionRule {
  return {
    ...before,
    ApplyServerSideEncryptionByDefault: {
      SSEAlgorithm: algorithm,
      ...(algorithm !== "AES256" && key !== "" ? { KMSMasterKeyID: key } : {}),
    },
    BucketKeyEnabled: algorithm === "aws:kms" && bucketKey,
  };
}

export function encryptionProblem({ algorithm, key }: EncryptionChoice): string {
  return algorithm === "AES256" || key === "" || /^(?:arn:aws[\w-]*:kms:|alias\/|[0-9a-f-]{36}$|mrk-)/.test(key)
    ? ""
    : "Enter the ARN, id or alias of a KMS key: alias/my-key.";
}

/** `Server-side encryption with AWS KMS keys (SSE-KMS)`, in AWS's words. */
export function encryptionText(algorithm: string | undefined): string {
  if (algorithm === "aws:kms") return "Server-side encryption with AWS KMS keys (SSE-KMS)";
  if (algorithm === "aws:kms:dsse") return "Dual-layer server-side encryption with AWS KMS keys (DSSE-KMS)";
  return "Server-side encryption with Amazon S3 managed keys (SSE-S3)";
}

interface Props {
  value: EncryptionChoice;
  onChange: (value: EncryptionChoice) => void;
  errorText: string;
}

export function Encryption({ value, onChange, errorText }: Props) {
  return (
    <SpaceBetween size="m">
      <FormField label="Encryption type">
        <RadioGroup
          value={value.algorithm}
          items={[
            { value: "AES256", label: encryptionText("AES256") },
            { value: "aws:kms", label: encryptionText("aws:kms") },
            ...(value.algorithm === "aws:kms:dsse"
              ? [{ value: "aws:kms:dsse", label: encryptionText("aws:kms:dsse") }]
              : []),
          ]}
          onChange={({ detail }) => onChange({ ...value, algorithm: detail.value as ServerSideEncryption })}
        />
      </FormField>
      {value.algorithm !== "AES256" && (
        <KeyField value={value.key} onChange={(key) => onChange({ ...value, key })} errorText={errorText} />
      )}
      {value.algorithm === "aws:kms" && (
        <Checkbox
          checked={value.bucketKey}
          description="One key of the bucket seals the keys of objects, so that KMS is asked less often."
          onChange={({ detail }) => onChange({ ...value, bucketKey: detail.checked })}
        >
          Bucket Key
        </Checkbox>
      )}
    </SpaceBetween>
  );
}

interface KeyProps {
  value: string;
  onChange: (key: string) => void;
  errorText: string;
}

/** Keys of another account are named by their ARN. */
function KeyField({ value, onChange, errorText }: KeyProps) {
  const [answer, reload] = useAnswer(keyAliases, []);
  return (
    <FormField
      label="AWS KMS key"
      description="An alias of this account, or the ARN of any key. Empty: the key alias/aws/s3 of the account."
      errorText={errorText}
    >
      <Autosuggest
        value={value}
        enteredTextLabel={(text) => `Use "${text}"`}
        ariaLabel="AWS KMS key"
        options={(answer.value ?? []).map(({ name, arn }) => ({ value: arn, label: name }))}
        statusType={answer.status === "loading" ? "loading" : answer.status === "failed" ? "error" : "finished"}
        loadingText="Loading keys"
        errorText={answer.status === "failed" ? failureOf(answer.error).message : undefined}
        recoveryText="Retry"
        onLoadItems={() => answer.status === "failed" && reload()}
        empty="No keys with an alias"
        onChange={({ detail }) => onChange(detail.value)}
      />
    </FormField>
  );
}
