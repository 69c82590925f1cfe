/** Create bucket, with the options of AWS's page. */
import {
  BucketLocationConstraint,
  CreateBucketCommand,
  HeadBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate } from "react-router";

import { useAction } from "../../aws/answers";
import { s3, s3In } from "../../aws/clients";
import { signedIn } from "../../session/session";
import { FailureAlert } from "../../ui/FailureAlert";
import { succeeded } from "../../ui/notifications";
import { type Missing, partlyDone } from "../../ui/partial";
import { showFirstError } from "../../ui/Revealed";
import { type EditedTag, enteredTags, NO_TAGS, TagFields } from "../iam/parts/Tags";
import { bucketNameProblem, bucketPage } from "./addresses";
import { BlockPublicAccess, type PublicAccessBlock, BLOCK_ALL } from "./parts/BlockPublicAccess";
import { Encryption, encryptionProblem, encryptionRule, SSE_S3 } from "./parts/Encryption";
import { Ownership, type OwnershipChoice } from "./parts/Ownership";

const CLASSIC = "us-east-1";

/** Regions to choose from: the server's own, and those that the SDK knows. */
function regions(home: string): string[] {
  const known = Object.values(BucketLocationConstraint).filter((one) => /^[a-z]{2}-[a-z]+-\d$/.test(one));
  return [...new Set([home, ...known.toSorted()])];
}

/** In us-east-1 a bucket can be "created" again by its owner, and what follows would change the settings it has. */
async function checkFree(name: string): Promise<void> {
  const own = await s3()
    .send(new HeadBucketCommand({ Bucket: name }))
    .then(
      () => true,
      () => false,
    );
  if (own) throw new Error(`There is a bucket ${name} already, and you can open it. Choose another name.`);
}

export function Component() {
  const navigate = useNavigate();
  const home = signedIn().region;
  const [name, setName] = useState("");
  const [region, setRegion] = useState(home);
  const [ownership, setOwnership] = useState<OwnershipChoice>("BucketOwnerEnforced");
  const [block, setBlock] = useState<PublicAccessBlock>(BLOCK_ALL);
  const [versioning, setVersioning] = useState(false);
  const [lock, setLock] = useState(false);
  const [encryption, setEncryption] = useState(SSE_S3);
  const [tags, setTags] = useState<readonly EditedTag[]>(NO_TAGS);
  const [tagsValid, setTagsValid] = useState(true);
  const [tried, setTried] = useState(false);
  const badName = bucketNameProblem(name);
  const badKey = encryptionProblem(encryption);

  const creation = useAction(async () => {
    await checkFree(name);
    const Tags = enteredTags(tags);
    const place = region === CLASSIC ? {} : { LocationConstraint: region as BucketLocationConstraint };
    await s3In(region).send(
      new CreateBucketCommand({
        Bucket: name,
        ObjectOwnership: ownership,
        ...(lock ? { ObjectLockEnabledForBucket: true } : {}),
        ...(region === CLASSIC && Tags === undefined ? {} : { CreateBucketConfiguration: { ...place, Tags } }),
      }),
    );
    // The bucket is there: what does not follow is told, and can be made good on its page.
    const notSet: Missing[] = [];
    const follow = async (what: string, done: Promise<unknown>): Promise<void> => {
      await done.catch((error: unknown) => notSet.push({ what, error }));
    };
    await follow(
      "Block Public Access",
      s3().send(new PutPublicAccessBlockCommand({ Bucket: name, PublicAccessBlockConfiguration: block })),
    );
    if (versioning && !lock) {
      const VersioningConfiguration = { Status: "Enabled" } as const;
      await follow("Versioning", s3().send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration })));
    }
    if (encryption.algorithm !== "AES256") {
      const ServerSideEncryptionConfiguration = { Rules: [encryptionRule(encryption)] };
      await follow(
        "Default encryption",
        s3().send(new PutBucketEncryptionCommand({ Bucket: name, ServerSideEncryptionConfiguration })),
      );
    }
    if (notSet.length === 0) succeeded(`Bucket ${name} created.`);
    else partlyDone(`Bucket ${name} created`, "Not set", notSet);
  });
  const submit = async (): Promise<void> => {
    setTried(true);
    if (badName !== "" || badKey !== "" || !tagsValid) showFirstError();
    else if (await creation.run()) void navigate(bucketPage(name));
  };
  return (
    <Form
      header={
        <Header variant="h1" description="Buckets are containers for data stored in S3.">
          Create bucket
        </Header>
      }
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={() => void navigate("/s3")}>
            Cancel
          </Button>
          <Button variant="primary" loading={creation.running} onClick={() => void submit()}>
            Create bucket
          </Button>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {creation.error !== null && <FailureAlert error={creation.error} header="The bucket was not created" />}
        <Container header={<Header variant="h2">General configuration</Header>}>
          <SpaceBetween size="l">
            <FormField
              label="Bucket name"
              constraintText="3 to 63 lowercase letters, digits, dots and hyphens; a name that no bucket of any account has."
              errorText={tried ? badName : ""}
            >
              <Input value={name} spellcheck={false} onChange={({ detail }) => setName(detail.value)} />
            </FormField>
            <FormField label="AWS Region">
              <Select
                filteringType="auto"
                selectedOption={{ value: region, label: region }}
                options={regions(home).map((value) => ({ value, label: value }))}
                onChange={({ detail }) => setRegion(detail.selectedOption.value ?? home)}
              />
            </FormField>
          </SpaceBetween>
        </Container>
        <Container header={<Header variant="h2">Object Ownership</Header>}>
          <Ownership value={ownership} onChange={setOwnership} />
        </Container>
        <Container header={<Header variant="h2">Block Public Access settings for this bucket</Header>}>
          <BlockPublicAccess value={block} onChange={setBlock} />
        </Container>
        <Container header={<Header variant="h2">Bucket Versioning</Header>}>
          <FormField
            label="Bucket Versioning"
            description="Versioning keeps multiple variants of an object in the same bucket, so that what was overwritten or deleted can be restored."
          >
            <RadioGroup
              value={versioning || lock ? "Enabled" : "Disabled"}
              onChange={({ detail }) => setVersioning(detail.value === "Enabled")}
              items={[
                { value: "Disabled", label: "Disable", disabled: lock },
                { value: "Enabled", label: "Enable" },
              ]}
            />
          </FormField>
        </Container>
        <Container header={<Header variant="h2">Tags - optional</Header>}>
          <TagFields tags={tags} onChange={setTags} onValid={setTagsValid} />
        </Container>
        <Container header={<Header variant="h2">Default encryption</Header>}>
          <Encryption value={encryption} onChange={setEncryption} errorText={tried ? badKey : ""} />
        </Container>
        <Container header={<Header variant="h2">Object Lock</Header>}>
          <FormField
            label="Object Lock"
            description="Objects can be kept from being deleted or overwritten for a time or for good. It includes versioning."
          >
            <RadioGroup
              value={lock ? "Enabled" : "Disabled"}
              onChange={({ detail }) => setLock(detail.value === "Enabled")}
              items={[
                { value: "Disabled", label: "Disable Object Lock" },
                { value: "Enabled", label: "Enable Object Lock" },
              ]}
            />
          </FormField>
        </Container>
      </SpaceBetween>
    </Form>
  );
}
