/** My security credentials: of whoever is signed in, not of a role in use. */
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";

import { actAs, signedIn } from "../../session/session";
import { Copyable } from "../../ui/Copyable";
import { SecurityCredentials } from "./parts/SecurityCredentials";

export function Component() {
  const session = signedIn();
  const root = session.kind === "root";
  if (session.role !== null) {
    return (
      <Alert type="info" header="You act as a role" action={<Button onClick={() => actAs(null)}>Switch back</Button>}>
        A role has no credentials of its own. Switch back to see those of {session.name}.
      </Alert>
    );
  }
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={root ? "Root user" : "IAM user"}>
        My security credentials
      </Header>
      <Container header={<Header variant="h2">Account details</Header>}>
        <KeyValuePairs
          minColumnWidth={220}
          columns={3}
          items={[
            { label: root ? "Email address" : "User name", value: session.name },
            { label: "AWS account ID", value: <Copyable text={session.account} name="Account ID" /> },
            { label: "ARN", value: <Copyable text={session.arn} name="ARN" /> },
          ]}
        />
      </Container>
      <SecurityCredentials owner={{ name: root ? null : session.name, account: session.account, oneself: true }} />
    </SpaceBetween>
  );
}
