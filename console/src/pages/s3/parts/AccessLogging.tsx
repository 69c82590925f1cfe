/** Server access logging: whether requests are written to a bucket, and to which. */
import { GetBucketLoggingCommand, type LoggingEnabled, PutBucketLoggingCommand } from "@aws-sdk/client-s3";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Toggle from "@cloudscape-design/components/toggle";
import { useState } from "react";

import { s3 } from "../../../aws/clients";
import { bucketNameProblem, s3Uri } from "../addresses";
import { EditModal } from "./EditModal";
import { type Closing, Setting } from "./Setting";

interface Props {
  bucket: string;
}

export function AccessLogging({ bucket }: Props) {
  return (
    <Setting<LoggingEnabled | null>
      title="Server access logging"
      description="Writes a record of each request to the bucket into another bucket."
      keys={[bucket]}
      load={async () => (await s3().send(new GetBucketLoggingCommand({ Bucket: bucket }))).LoggingEnabled ?? null}
      edit={(value, closing) => <EditLogging bucket={bucket} value={value} {...closing} />}
    >
      {(value) => (
        <KeyValuePairs
          minColumnWidth={220}
          columns={2}
          items={[
            { label: "Server access logging", value: value === null ? "Disabled" : "Enabled" },
            ...(value === null
              ? []
              : [
                  {
                    label: "Destination",
                    value: (
                      <span className="breaks">
                        {s3Uri({ bucket: value.TargetBucket ?? "", key: value.TargetPrefix ?? "" })}
                      </span>
                    ),
                  },
                ]),
          ]}
        />
      )}
    </Setting>
  );
}

function EditLogging({ bucket, value, ...closing }: Props & Closing & { value: LoggingEnabled | null }) {
  const [enabled, setEnabled] = useState(value !== null);
  const [target, setTarget] = useState(value?.TargetBucket ?? "");
  const [prefix, setPrefix] = useState(value?.TargetPrefix ?? "");
  return (
    <EditModal
      {...closing}
      header="Edit server access logging"
      saved={`Server access logging is ${enabled ? "enabled" : "disabled"}.`}
      problem={enabled ? bucketNameProblem(target) : ""}
      save={async () => {
        // What else was set, grants and the form of the keys, stays.
        const LoggingEnabled = { ...value, TargetBucket: target, TargetPrefix: prefix };
        const BucketLoggingStatus = enabled ? { LoggingEnabled } : {};
        await s3().send(new PutBucketLoggingCommand({ Bucket: bucket, BucketLoggingStatus }));
      }}
    >
      <Toggle checked={enabled} onChange={({ detail }) => setEnabled(detail.checked)}>
        Server access logging
      </Toggle>
      {enabled && (
        <>
          <FormField
            label="Destination bucket"
            description="Its policy must allow logging.s3.amazonaws.com to put objects into it."
          >
            <Input value={target} spellcheck={false} onChange={({ detail }) => setTarget(detail.value)} />
          </FormField>
          <FormField label="Prefix">
            <Input value={prefix} spellcheck={false} onChange={({ detail }) => setPrefix(detail.value)} />
          </FormField>
        </>
      )}
    </EditModal>
  );
}
