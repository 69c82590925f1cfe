/** Console home: the services, and who one is. */
import Cards from "@cloudscape-design/components/cards";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";

import { SERVICES } from "../../frame/services";
import { dashed } from "../../session/accountId";
import { activeCredentials, signedIn } from "../../session/session";
import { Copyable } from "../../ui/Copyable";
import { PageLink } from "../../ui/links";
import { moment } from "../../ui/times";

export function Component() {
  const session = signedIn();
  const { role } = session;
  return (
    <SpaceBetween size="l">
      <Header variant="h1">Console home</Header>
      <Cards
        header={<Header variant="h2">Services</Header>}
        items={SERVICES}
        trackBy="path"
        cardsPerRow={[{ cards: 1 }, { minWidth: 600, cards: 2 }, { minWidth: 1100, cards: 3 }]}
        cardDefinition={{
          header: ({ name, path }) => (
            <PageLink to={path} fontSize="heading-m">
              {name}
            </PageLink>
          ),
          sections: [{ id: "description", content: ({ description }) => description }],
        }}
      />
      <Container header={<Header variant="h2">You</Header>}>
        <KeyValuePairs
          minColumnWidth={220}
          columns={2}
          items={[
            { label: "Signed in as", value: `${session.name} (${session.kind === "root" ? "root user" : "IAM user"})` },
            { label: "Account", value: `${session.accountName} (${dashed(session.account)})` },
            ...(role === null
              ? []
              : [
                  { label: "Acting as role", value: role.roleName },
                  { label: "Account of the role", value: dashed(role.account) },
                ]),
            { label: "ARN", value: <Copyable text={session.arn} name="ARN" /> },
            { label: "Signed in with MFA", value: session.mfa ? "Yes" : "No" },
            { label: "Session ends", value: moment(new Date(activeCredentials(session).expires)) },
          ]}
        />
      </Container>
    </SpaceBetween>
  );
}
