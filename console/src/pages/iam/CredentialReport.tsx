/** The credential report: generated, shown as a table, downloaded as CSV. */
import { GenerateCredentialReportCommand, GetCredentialReportCommand } from "@aws-sdk/client-iam";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";

import { type Answer, useAction, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";
import { failureOf } from "../../aws/errors";
import { FailureAlert } from "../../ui/FailureAlert";
import { ResourceTable } from "../../ui/ResourceTable";
import { moment } from "../../ui/times";
import { parseCsv, saveCsv } from "./csv";

interface Report {
  content: string;
  generated: Date | undefined;
}

/** The report there is; null if there is none, or none that is still good. */
async function load(): Promise<Report | null> {
  try {
    const answer = await iam().send(new GetCredentialReportCommand({}));
    return { content: new TextDecoder().decode(answer.Content), generated: answer.GeneratedTime };
  } catch (error) {
    if (["ReportNotPresent", "ReportExpired"].includes(failureOf(error).code)) return null;
    throw error;
  }
}

const SHOWN: readonly [string, string][] = [
  ["user", "User"],
  ["password_enabled", "Password enabled"],
  ["password_last_used", "Password last used"],
  ["password_last_changed", "Password last changed"],
  ["mfa_active", "MFA active"],
  ["access_key_1_active", "Access key 1 active"],
  ["access_key_1_last_used_date", "Access key 1 last used"],
  ["access_key_2_active", "Access key 2 active"],
  ["access_key_2_last_used_date", "Access key 2 last used"],
];

export function Component() {
  const [answer, reload] = useAnswer(load, []);
  const making = useAction(async () => {
    // It says STARTED until the report is there.
    for (let tries = 0; tries < 20; tries += 1) {
      const { State } = await iam().send(new GenerateCredentialReportCommand({}));
      if (State === "COMPLETE") break;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    reload();
  });
  const report = answer.value;
  const rows: Answer<Record<string, string>[]> =
    answer.status === "ready" ? { status: "ready", value: parseCsv(report?.content ?? "") } : answer;

  const download = (): void => {
    if (report === undefined || report === null) return;
    saveCsv(`status_reports_${(report.generated ?? new Date()).toISOString()}.csv`, report.content);
  };
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description="The credentials report lists all your IAM users in this account and the status of their various credentials. After a report is created, it is stored for up to four hours."
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button loading={making.running} onClick={() => void making.run()}>
              Generate credentials report
            </Button>
            <Button
              variant="primary"
              iconName="download"
              disabled={report === undefined || report === null}
              onClick={download}
            >
              Download credentials report
            </Button>
          </SpaceBetween>
        }
      >
        Credentials report of IAM users in this account
      </Header>
      {making.error !== null && <FailureAlert error={making.error} header="The report was not generated" />}
      {report === null && <Alert type="info">There is no report of the last four hours. Generate one.</Alert>}
      {report !== null && (
        <ResourceTable
          title="Users of the report"
          headingLevel="h2"
          description={report?.generated === undefined ? undefined : `Created ${moment(report.generated)}`}
          answer={rows}
          reload={reload}
          id={(row: Record<string, string>) => row["user"] ?? ""}
          columns={SHOWN.map(([field, header], index) => ({
            id: field,
            header,
            isRowHeader: index === 0,
            cell: (row: Record<string, string>) => row[field] ?? "-",
            sortingField: field,
          }))}
        />
      )}
    </SpaceBetween>
  );
}
