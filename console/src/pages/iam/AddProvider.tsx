/** Add an identity provider. */
import { CreateOpenIDConnectProviderCommand, CreateSAMLProviderCommand } from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FileUpload from "@cloudscape-design/components/file-upload";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tiles from "@cloudscape-design/components/tiles";
import { useState } from "react";
import { useNavigate } from "react-router";

import { useAction } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { FailureAlert } from "../../ui/FailureAlert";
import { succeeded } from "../../ui/notifications";
import { showFirstError } from "../../ui/Revealed";
import { providerPage } from "./IdentityProviders";
import { type EditedTag, enteredTags, NO_TAGS, TagFields } from "./parts/Tags";

export function Component() {
  const navigate = useNavigate();
  const [type, setType] = useState("oidc");
  const [url, setUrl] = useState("https://");
  const [audience, setAudience] = useState("");
  const [name, setName] = useState("");
  const [files, setFiles] = useState<File[]>([]);
  const [tags, setTags] = useState<readonly EditedTag[]>(NO_TAGS);
  const [tried, setTried] = useState(false);
  const bad = {
    url:
      type === "oidc" && !/^https:\/\/[^\s/]+/.test(url) ? "Enter the issuer's address. It begins with https://." : "",
    audience: type === "oidc" && audience === "" ? "Enter the client ID that tokens are made out to." : "",
    name: type === "saml" && !/^[\w.-]{1,128}$/.test(name) ? "Use 1 to 128 letters, digits and ._- characters." : "",
    file: type === "saml" && files.length === 0 ? "Choose the metadata document of the provider." : "",
  };
  const creation = useAction(async () => {
    let arn: string | undefined;
    if (type === "oidc") {
      const answer = await iam().send(
        new CreateOpenIDConnectProviderCommand({ Url: url, ClientIDList: [audience], Tags: enteredTags(tags) }),
      );
      arn = answer.OpenIDConnectProviderArn;
    } else {
      const answer = await iam().send(
        new CreateSAMLProviderCommand({
          Name: name,
          SAMLMetadataDocument: await files[0]?.text(),
          Tags: enteredTags(tags),
        }),
      );
      arn = answer.SAMLProviderArn;
    }
    succeeded("Identity provider added.");
    void navigate(providerPage(arn ?? ""));
  });
  const submit = (): void => {
    setTried(true);
    if (Object.values(bad).every((problem) => problem === "")) void creation.run();
    else showFirstError();
  };
  const problem = (field: keyof typeof bad): string => (tried ? bad[field] : "");
  return (
    <form
      className="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Form
        header={<Header variant="h1">Add Identity provider</Header>}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button formAction="none" variant="link" onClick={() => void navigate("/iam/identity-providers")}>
              Cancel
            </Button>
            <Button variant="primary" formAction="submit" loading={creation.running}>
              Add provider
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {creation.error !== null && <FailureAlert error={creation.error} header="The provider was not added" />}
          <Container header={<Header variant="h2">Provider details</Header>}>
            <SpaceBetween size="l">
              <FormField label="Provider type" stretch>
                <Tiles
                  value={type}
                  columns={2}
                  items={[
                    {
                      value: "oidc",
                      label: "OpenID Connect",
                      description:
                        "Establish trust between your account and Identity Provider services, such as GitHub or Kubernetes.",
                    },
                    {
                      value: "saml",
                      label: "SAML",
                      description: "Establish trust between your account and a SAML 2.0 compatible Identity Provider.",
                    },
                  ]}
                  onChange={({ detail }) => setType(detail.value)}
                />
              </FormField>
              {type === "oidc" && (
                <FormField
                  label="Provider URL"
                  description="Specify the secure OpenID Connect URL for authentication requests."
                  errorText={problem("url")}
                >
                  <Input
                    value={url}
                    type="url"
                    spellcheck={false}
                    onChange={({ detail }) => setUrl(detail.value.trim())}
                  />
                </FormField>
              )}
              {type === "oidc" && (
                <FormField
                  label="Audience"
                  description="Specify the client ID issued by the Identity provider for your app."
                  errorText={problem("audience")}
                >
                  <Input
                    value={audience}
                    spellcheck={false}
                    placeholder="sts.amazonaws.com"
                    onChange={({ detail }) => setAudience(detail.value.trim())}
                  />
                </FormField>
              )}
              {type === "saml" && (
                <FormField
                  label="Provider name"
                  description="Enter a meaningful name to identify this provider."
                  errorText={problem("name")}
                >
                  <Input value={name} spellcheck={false} onChange={({ detail }) => setName(detail.value)} />
                </FormField>
              )}
              {type === "saml" && (
                <FormField
                  label="Metadata document"
                  description="This document is issued by your IdP."
                  errorText={problem("file")}
                >
                  <FileUpload
                    value={files}
                    accept=".xml"
                    showFileSize
                    onChange={({ detail }) => setFiles(detail.value)}
                    i18nStrings={{
                      uploadButtonText: () => "Choose file",
                      dropzoneText: () => "Drop file to upload",
                      removeFileAriaLabel: () => "Remove file",
                      limitShowFewer: "Show fewer files",
                      limitShowMore: "Show more files",
                      errorIconAriaLabel: "Error",
                    }}
                  />
                </FormField>
              )}
            </SpaceBetween>
          </Container>
          <Container header={<Header variant="h2">Add tags - optional</Header>}>
            <TagFields tags={tags} onChange={setTags} />
          </Container>
        </SpaceBetween>
      </Form>
    </form>
  );
}
