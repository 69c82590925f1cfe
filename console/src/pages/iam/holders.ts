/** What users, groups and roles have in common: attached and inline policies. One table of calls for all three. */
import {
  AttachGroupPolicyCommand,
  AttachRolePolicyCommand,
  type AttachedPolicy,
  AttachUserPolicyCommand,
  DeleteGroupPolicyCommand,
  DeleteRolePolicyCommand,
  DeleteUserPolicyCommand,
  DetachGroupPolicyCommand,
  DetachRolePolicyCommand,
  DetachUserPolicyCommand,
  GetGroupPolicyCommand,
  GetRolePolicyCommand,
  GetUserPolicyCommand,
  paginateListAttachedGroupPolicies,
  paginateListAttachedRolePolicies,
  paginateListAttachedUserPolicies,
  paginateListGroupPolicies,
  paginateListRolePolicies,
  paginateListUserPolicies,
  PutGroupPolicyCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";

import { every } from "../../aws/answers";
import { iam } from "../../aws/clients";

export type HolderKind = "user" | "group" | "role";

export interface Holder {
  kind: HolderKind;
  /** "User", "User group", "Role" */
  title: string;
  /** The path of its pages: `/iam/users`. */
  path: string;
  attached: (name: string) => Promise<AttachedPolicy[]>;
  attach: (name: string, arn: string) => Promise<unknown>;
  detach: (name: string, arn: string) => Promise<unknown>;
  inlineNames: (name: string) => Promise<string[]>;
  /** The document, as it was stored. */
  inline: (name: string, policy: string) => Promise<string>;
  putInline: (name: string, policy: string, document: string) => Promise<unknown>;
  deleteInline: (name: string, policy: string) => Promise<unknown>;
}

const client = (): { client: ReturnType<typeof iam> } => ({ client: iam() });

export const HOLDERS: Readonly<Record<HolderKind, Holder>> = {
  user: {
    kind: "user",
    title: "User",
    path: "/iam/users",
    attached: (UserName) =>
      every(paginateListAttachedUserPolicies(client(), { UserName }), (page) => page.AttachedPolicies),
    attach: (UserName, PolicyArn) => iam().send(new AttachUserPolicyCommand({ UserName, PolicyArn })),
    detach: (UserName, PolicyArn) => iam().send(new DetachUserPolicyCommand({ UserName, PolicyArn })),
    inlineNames: (UserName) => every(paginateListUserPolicies(client(), { UserName }), (page) => page.PolicyNames),
    inline: async (UserName, PolicyName) =>
      documentOf(await iam().send(new GetUserPolicyCommand({ UserName, PolicyName }))),
    putInline: (UserName, PolicyName, PolicyDocument) =>
      iam().send(new PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument })),
    deleteInline: (UserName, PolicyName) => iam().send(new DeleteUserPolicyCommand({ UserName, PolicyName })),
  },
  group: {
    kind: "group",
    title: "User group",
    path: "/iam/groups",
    attached: (GroupName) =>
      every(paginateListAttachedGroupPolicies(client(), { GroupName }), (page) => page.AttachedPolicies),
    attach: (GroupName, PolicyArn) => iam().send(new AttachGroupPolicyCommand({ GroupName, PolicyArn })),
    detach: (GroupName, PolicyArn) => iam().send(new DetachGroupPolicyCommand({ GroupName, PolicyArn })),
    inlineNames: (GroupName) => every(paginateListGroupPolicies(client(), { GroupName }), (page) => page.PolicyNames),
    inline: async (GroupName, PolicyName) =>
      documentOf(await iam().send(new GetGroupPolicyCommand({ GroupName, PolicyName }))),
    putInline: (GroupName, PolicyName, PolicyDocument) =>
      iam().send(new PutGroupPolicyCommand({ GroupName, PolicyName, PolicyDocument })),
    deleteInline: (GroupName, PolicyName) => iam().send(new DeleteGroupPolicyCommand({ GroupName, PolicyName })),
  },
  role: {
    kind: "role",
    title: "Role",
    path: "/iam/roles",
    attached: (RoleName) =>
      every(paginateListAttachedRolePolicies(client(), { RoleName }), (page) => page.AttachedPolicies),
    attach: (RoleName, PolicyArn) => iam().send(new AttachRolePolicyCommand({ RoleName, PolicyArn })),
    detach: (RoleName, PolicyArn) => iam().send(new DetachRolePolicyCommand({ RoleName, PolicyArn })),
    inlineNames: (RoleName) => every(paginateListRolePolicies(client(), { RoleName }), (page) => page.PolicyNames),
    inline: async (RoleName, PolicyName) =>
      documentOf(await iam().send(new GetRolePolicyCommand({ RoleName, PolicyName }))),
    putInline: (RoleName, PolicyName, PolicyDocument) =>
      iam().send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument })),
    deleteInline: (RoleName, PolicyName) => iam().send(new DeleteRolePolicyCommand({ RoleName, PolicyName })),
  },
};

/** IAM answers documents URL-encoded (RFC 3986). */
export function decoded(document: string | undefined): string {
  return decodeURIComponent(document ?? "");
}

function documentOf(answer: { PolicyDocument?: string | undefined }): string {
  return decoded(answer.PolicyDocument);
}

/** The holder that a path names: `users`, `groups`, `roles`. */
export function holderOf(segment: string | undefined): Holder | null {
  return Object.values(HOLDERS).find(({ path }) => path === `/iam/${segment}`) ?? null;
}

/** The page of an entity. */
export function pageOf(holder: Holder, name: string): string {
  return `${holder.path}/${encodeURIComponent(name)}`;
}

/** Remove everything that keeps an entity from being deleted: attached and inline policies. */
export async function removePolicies(holder: Holder, name: string): Promise<void> {
  for (const { PolicyArn } of await holder.attached(name)) await holder.detach(name, PolicyArn ?? "");
  for (const policy of await holder.inlineNames(name)) await holder.deleteInline(name, policy);
}
