import { render, screen, within } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import { createMemoryRouter, RouterProvider } from "react-router";

import { type Change, type Decision, policySource, readDecision } from "../src/pages/explain/decision";
import {
  changed,
  highlighted,
  NotApplicable,
  owns,
  placeOfChange,
  placeOfResource,
} from "../src/pages/explain/documents";
import { DecisionView } from "../src/pages/explain/DecisionView";
import { begin } from "../src/session/session";

const HERE = "111122223333";
const OTHER = "444455556666";
const ALICE = `arn:aws:iam::${HERE}:user/people/alice`;
const ALLOW = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::reports/*" };
const DENY = { Sid: "No", Effect: "Deny", Action: "s3:*", Resource: "*" };

function statement(index: number, line: number, column: number): Record<string, unknown> {
  return {
    statementId: null, effect: "DENY", index, line, column, endLine: line, endColumn: column + 10,
    sourcePolicyId: "guard", sourcePolicyArn: null, sourcePolicyHolder: "",
  }; // prettier-ignore
}

function change(more: Partial<Change>): Change {
  return {
    side: "caller", account: HERE, kind: "add", policyType: "identity-based policy",
    where: `an identity-based policy of ${ALICE}`, statement: ALLOW, replacement: [], context: {}, explanation: "",
    line: null, index: 0, ...more,
  }; // prettier-ignore
}

function decision(more: object = {}): Decision {
  const told = {
    allowed: false,
    explicitDeny: true,
    decidedBy: "service control policy",
    context: {
      principal: { arn: ALICE },
      action: "s3:GetObject",
      resource: "arn:aws:s3:::reports/a",
      conditions: { items: [{ key: "aws:sourceip", values: { items: [{ value: "10.0.0.1" }] } }] },
    },
    layers: { items: [] },
    changes: { items: [] },
    ...more,
  };
  return readDecision(JSON.stringify(told));
}

function statements(text: string): unknown {
  return (JSON.parse(text) as { Statement: unknown }).Statement;
}

function places(line: number, column: number): Parameters<typeof highlighted>[1] {
  return [statement(1, line, column)] as unknown as Parameters<typeof highlighted>[1];
}

function show(given: Decision, onAskAgain?: () => void): void {
  const element = <DecisionView decision={given} given={new Map()} onAskAgain={onAskAgain} />;
  render(<RouterProvider router={createMemoryRouter([{ path: "/", element }])} />);
}

beforeEach(() => {
  const credentials = { accessKeyId: "ASIA", secretAccessKey: "", sessionToken: "", expires: Date.now() + 3_600_000 };
  begin({
    account: HERE, accountAlias: null, accountName: "", kind: "user", name: "admin", arn: "", mfa: false,
    region: "us-east-1", credentials, role: null,
  }); // prettier-ignore
});

test("each level of an organization is shown with what it says, and layers that are not there have no say", () => {
  const root = "arn:aws:organizations::999988887777:root/o-a/r-1";
  const unit = "arn:aws:organizations::999988887777:ou/o-a/ou-1-abcd";
  const scp = {
    type: "service control policy", side: "caller", account: HERE, verdict: "explicit deny",
    statements: [{ ...statement(0, 3, 5), sourcePolicyHolder: unit }], nearest: [],
    levels: [
      { holder: root, verdict: "allow", policies: [{ name: "FullAWSAccess", arn: null }] },
      { holder: unit, verdict: "explicit deny", policies: [{ name: "guard", arn: null }] },
    ],
  }; // prettier-ignore
  const guard = { policyType: "service control policy", kind: "narrow", where: "guard", statement: DENY } as const;
  show(decision({ layers: { items: [scp] }, changes: { items: [change(guard)] } }));
  expect(screen.getByText("Explicitly denied: service control policy")).toBeTruthy();
  const levels = [...document.querySelectorAll(".levels > li")].map(({ textContent }) => textContent);
  expect(levels).toEqual(["r-1 Allows FullAWSAccess", "ou-1-abcd Denies guard"]);
  expect(screen.getByText("Statement 1, line 3, column 5")).toBeTruthy();
  // Its document is the organization's; the statement is told with the change.
  expect(screen.getByLabelText("Statement of guard").textContent).toContain('"Sid": "No"');
  const boundary = screen.getByText("Permissions boundary").parentElement;
  expect(within(boundary as HTMLElement).getByText("No say")).toBeTruthy();
});

test("of a side that may not be seen nothing is shown but that it refuses", () => {
  const hidden = { side: "owner", account: OTHER, explanation: "the other account does not allow it" };
  show(decision({ layers: { items: [hidden] } }));
  expect(screen.getByText(/4444-5555-6666: the other account does not allow it/)).toBeTruthy();
  expect(screen.queryByText("Resource-based policy")).toBeNull();
  expect(screen.queryByRole("button", { name: "Apply" })).toBeNull();
});

test("a decision too large for its message says so", () => {
  show(readDecision('{"allowed":false,"action":"s3:GetObject","resource":"*"}'));
  expect(screen.getByText(/its layers were not kept/)).toBeTruthy();
});

test("a change is applied only to a document of the account in use", () => {
  show(decision({ changes: { items: [change({}), change({ account: OTHER, kind: "remove", statement: DENY })] } }));
  expect(screen.getAllByRole("button", { name: "Apply" })).toHaveLength(1);
  expect(screen.getByText("It is for account 4444-5555-6666 to do.")).toBeTruthy();
  const added = change({});
  const place = placeOfChange(added, decision());
  expect(place).toEqual({ kind: "inline", holder: "user", name: "alice", policy: "Allow-s3-GetObject" });
  expect(place !== null && owns(HERE, place, added)).toBe(true);
  expect(place !== null && owns(OTHER, place, added)).toBe(false);
  const managed = (arn: string): unknown => placeOfChange(change({ kind: "narrow", where: arn }), decision());
  expect(managed("arn:aws:iam::aws:policy/ReadOnlyAccess")).toBeNull();
  expect(managed(`arn:aws:iam::${HERE}:policy/p`)).toEqual({ kind: "managed", arn: `arn:aws:iam::${HERE}:policy/p` });
  for (const policyType of ["service control policy", "session policy", "access control list"] as const) {
    expect(placeOfChange(change({ policyType }), decision())).toBeNull();
  }
});

test("a document is changed where the statement stands, and not when it stands there no more", () => {
  const document = JSON.stringify({ Version: "2012-10-17", Id: "kept", Statement: [ALLOW, DENY] });
  const more = { ...ALLOW, Action: "s3:PutObject" };
  expect(statements(changed(document, change({ statement: more })))).toEqual([ALLOW, DENY, more]);
  expect(changed(document, change({ statement: more }))).toContain('"Id": "kept"');
  expect(() => changed(document, change({}))).toThrow(NotApplicable);
  const narrowed = { ...DENY, Action: "s3:PutObject" };
  const narrow = change({ kind: "narrow", statement: DENY, replacement: [narrowed], index: 0 });
  expect(statements(changed(document, narrow))).toEqual([ALLOW, narrowed]);
  expect(() => changed(JSON.stringify({ Statement: [ALLOW] }), narrow)).toThrow(/was changed since/);
  const remove = change({ kind: "remove", statement: DENY });
  expect(statements(changed(document, remove))).toEqual([ALLOW]);
  expect(() => changed(JSON.stringify({ Statement: DENY }), remove)).toThrow(/only statement/);
  expect(statements(changed("", change({})))).toEqual([ALLOW]);
});

test("statements are highlighted at their lines, also in a document of one line, and not where others stand now", () => {
  const value = { Version: "2012-10-17", Statement: [ALLOW, DENY] };
  const lines = JSON.stringify(value, null, 2);
  expect(highlighted(lines, places(9, 5))).toEqual({ text: lines, lines: [{ from: 9, to: 14 }], moved: false });
  expect(highlighted(lines, places(8, 5))).toEqual({ text: lines, lines: [], moved: true });
  const line = JSON.stringify(value);
  const column = line.indexOf('{"Sid"') + 1;
  expect(highlighted(line, places(1, column))).toEqual({ text: lines, lines: [{ from: 9, to: 14 }], moved: false });
  expect(highlighted("no JSON", places(1, 1)).moved).toBe(true);
});

test("what the simulator decided does not pass for a refusal that was made", () => {
  const warning = "The policy simulator decided this about policies that somebody chose; no such request was made.";
  show(decision(), () => undefined);
  expect(screen.queryByText(warning)).toBeNull();
  show(decision({ simulated: true }), () => undefined);
  screen.getByText(warning);
});

test("a session is asked about as its role, and whom the simulator does not know not at all", () => {
  expect(policySource(`arn:aws:sts::${HERE}:assumed-role/Reader/alice`)).toBe(`arn:aws:iam::${HERE}:role/Reader`);
  expect(policySource(ALICE)).toBe(ALICE);
  expect(policySource(`arn:aws:iam::${HERE}:root`)).toBeNull();
  expect(policySource("")).toBeNull();
});

test("buckets with their objects, roles and keys have a policy of their own", () => {
  expect(placeOfResource("arn:aws:s3:::reports/a/b")).toEqual({ kind: "bucket", bucket: "reports" });
  expect(placeOfResource(`arn:aws:iam::${HERE}:role/path/R`)).toEqual({ kind: "trust", role: "R" });
  const key = `arn:aws:kms:eu-west-1:${HERE}:key/1234`;
  expect(placeOfResource(key)).toEqual({ kind: "key", arn: key });
  expect(placeOfResource(ALICE)).toBeNull();
  expect(placeOfResource("*")).toBeNull();
});
