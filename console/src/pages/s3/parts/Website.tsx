/** Static website hosting: which object is the page of a folder, or where requests are sent. */
import {
  DeleteBucketWebsiteCommand,
  GetBucketWebsiteCommand,
  PutBucketWebsiteCommand,
  type WebsiteConfiguration,
} from "@aws-sdk/client-s3";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import RadioGroup from "@cloudscape-design/components/radio-group";
import { useState } from "react";

import { s3 } from "../../../aws/clients";
import { orNone } from "../../../aws/s3";
import { EditModal } from "./EditModal";
import { type Closing, Setting } from "./Setting";

interface Props {
  bucket: string;
}

type Hosting = "off" | "host" | "redirect";

export function Website({ bucket }: Props) {
  return (
    <Setting<WebsiteConfiguration | null>
      title="Static website hosting"
      description="Serves the bucket as a website, to those that may read its objects."
      keys={[bucket]}
      load={() => orNone(s3().send(new GetBucketWebsiteCommand({ Bucket: bucket })), "NoSuchWebsiteConfiguration")}
      edit={(value, closing) => <EditWebsite bucket={bucket} value={value} {...closing} />}
    >
      {(value) => <KeyValuePairs minColumnWidth={220} columns={2} items={items(value)} />}
    </Setting>
  );
}

function hostingOf(value: WebsiteConfiguration | null): Hosting {
  if (value === null) return "off";
  return value.RedirectAllRequestsTo === undefined ? "host" : "redirect";
}

function items(value: WebsiteConfiguration | null): { label: string; value: string }[] {
  const hosting = hostingOf(value);
  if (value === null || hosting === "off") return [{ label: "Static website hosting", value: "Disabled" }];
  if (hosting === "redirect") {
    return [
      { label: "Static website hosting", value: "Enabled" },
      { label: "Requests are redirected to", value: value.RedirectAllRequestsTo?.HostName ?? "-" },
    ];
  }
  return [
    { label: "Static website hosting", value: "Enabled" },
    { label: "Index document", value: value.IndexDocument?.Suffix ?? "-" },
    { label: "Error document", value: value.ErrorDocument?.Key ?? "-" },
    { label: "Redirection rules", value: String(value.RoutingRules?.length ?? 0) },
  ];
}

function EditWebsite({ bucket, value, ...closing }: Props & Closing & { value: WebsiteConfiguration | null }) {
  const [hosting, setHosting] = useState<Hosting>(hostingOf(value));
  const [index, setIndex] = useState(value?.IndexDocument?.Suffix ?? "index.html");
  const [error, setError] = useState(value?.ErrorDocument?.Key ?? "");
  const [host, setHost] = useState(value?.RedirectAllRequestsTo?.HostName ?? "");
  const problem =
    hosting === "host" && (index === "" || index.includes("/"))
      ? 'Enter the name of the index document, without "/".'
      : hosting === "redirect" && host === ""
        ? "Enter the host name that requests are redirected to."
        : "";
  const save = async (): Promise<void> => {
    if (hosting === "off") {
      await s3().send(new DeleteBucketWebsiteCommand({ Bucket: bucket }));
      return;
    }
    const WebsiteConfiguration: WebsiteConfiguration =
      hosting === "redirect"
        ? { RedirectAllRequestsTo: { ...value?.RedirectAllRequestsTo, HostName: host } }
        : {
            IndexDocument: { Suffix: index },
            ...(error === "" ? {} : { ErrorDocument: { Key: error } }),
            // Rules are not edited here, and stay.
            ...(value?.RoutingRules === undefined ? {} : { RoutingRules: value.RoutingRules }),
          };
    await s3().send(new PutBucketWebsiteCommand({ Bucket: bucket, WebsiteConfiguration }));
  };
  return (
    <EditModal
      {...closing}
      header="Edit static website hosting"
      saved="Static website hosting saved."
      problem={problem}
      save={save}
    >
      <RadioGroup
        ariaLabel="Static website hosting"
        value={hosting}
        items={[
          { value: "off", label: "Disable" },
          { value: "host", label: "Host a static website" },
          { value: "redirect", label: "Redirect requests to another host" },
        ]}
        onChange={({ detail }) => setHosting(detail.value as Hosting)}
      />
      {hosting === "host" && (
        <>
          <FormField label="Index document">
            <Input value={index} spellcheck={false} onChange={({ detail }) => setIndex(detail.value)} />
          </FormField>
          <FormField label="Error document - optional">
            <Input value={error} spellcheck={false} onChange={({ detail }) => setError(detail.value)} />
          </FormField>
        </>
      )}
      {hosting === "redirect" && (
        <FormField label="Host name">
          <Input value={host} spellcheck={false} onChange={({ detail }) => setHost(detail.value)} />
        </FormField>
      )}
    </EditModal>
  );
}
