/**
 * The router: one page, one file, loaded when it is first visited.
 *
 * A page module exports `Component`. Paths are relative to `/-/console/`. Without a session every path shows the
 * sign-in page and, once signed in, the page that was asked for. `trail` is what stands in the breadcrumbs.
 */
import { createBrowserRouter, type RouteObject } from "react-router";

import type { Crumb } from "./frame/Breadcrumbs";
import { Frame } from "./frame/Frame";
import { PageFailure } from "./frame/PageFailure";
import { Starting } from "./frame/Starting";

const iam: Crumb = { text: "IAM", to: "/iam" };
const groups: Crumb = { text: "User groups", to: "/iam/groups" };
const users: Crumb = { text: "Users", to: "/iam/users" };
const roles: Crumb = { text: "Roles", to: "/iam/roles" };
const policies: Crumb = { text: "Policies", to: "/iam/policies" };
const providers: Crumb = { text: "Identity providers", to: "/iam/identity-providers" };
const activity: Crumb = { text: "Event history", to: "/activity" };
// A parameter of the path: its value is the text.
const entity: Crumb = { parameter: "name", to: "/iam/:kind/:name" };
const kind: Crumb = {
  parameter: "kind",
  to: "/iam/:kind",
  names: { groups: "User groups", users: "Users", roles: "Roles" },
};

const s3: Crumb[] = [
  { text: "S3", to: "/s3" },
  { text: "Buckets", to: "/s3" },
];
const bucket: Crumb = { parameter: "bucket", to: "/s3/buckets/:bucket" };

function page(path: string, trail: Crumb[], lazy: NonNullable<RouteObject["lazy"]>): RouteObject {
  return { path, handle: { trail }, lazy };
}

const pages: RouteObject[] = [
  { index: true, lazy: () => import("./pages/home/Home") },
  page("signin", [], () => import("./pages/home/Home")),
  page("switchrole", [{ text: "Switch Role" }], () => import("./pages/home/SwitchRole")),

  page("iam", [iam, { text: "Dashboard" }], () => import("./pages/iam/Dashboard")),
  page("iam/groups", [iam, groups], () => import("./pages/iam/Groups")),
  page("iam/groups/create", [iam, groups, { text: "Create user group" }], () => import("./pages/iam/CreateGroup")),
  page("iam/groups/:name", [iam, groups, { parameter: "name" }], () => import("./pages/iam/Group")),
  page("iam/users", [iam, users], () => import("./pages/iam/Users")),
  page("iam/users/create", [iam, users, { text: "Create user" }], () => import("./pages/iam/CreateUser")),
  page("iam/users/:name", [iam, users, { parameter: "name" }], () => import("./pages/iam/User")),
  page("iam/roles", [iam, roles], () => import("./pages/iam/Roles")),
  page("iam/roles/create", [iam, roles, { text: "Create role" }], () => import("./pages/iam/CreateRole")),
  page("iam/roles/:name", [iam, roles, { parameter: "name" }], () => import("./pages/iam/Role")),
  page(
    "iam/roles/:name/trust",
    [iam, roles, { parameter: "name", to: "/iam/roles/:name" }, { text: "Edit trust policy" }],
    () => import("./pages/iam/EditTrust"),
  ),
  page(
    "iam/roles/:name/edit",
    [iam, roles, { parameter: "name", to: "/iam/roles/:name" }, { text: "Edit" }],
    () => import("./pages/iam/EditRole"),
  ),
  page("iam/policies", [iam, policies], () => import("./pages/iam/Policies")),
  page("iam/policies/create", [iam, policies, { text: "Create policy" }], () => import("./pages/iam/CreatePolicy")),
  page("iam/policies/details/:arn", [iam, policies, { parameter: "arn" }], () => import("./pages/iam/Policy")),
  page(
    "iam/policies/details/:arn/edit",
    [iam, policies, { parameter: "arn", to: "/iam/policies/details/:arn" }, { text: "Edit" }],
    () => import("./pages/iam/EditPolicy"),
  ),
  page("iam/identity-providers", [iam, providers], () => import("./pages/iam/IdentityProviders")),
  page(
    "iam/identity-providers/create",
    [iam, providers, { text: "Add Identity provider" }],
    () => import("./pages/iam/AddProvider"),
  ),
  page(
    "iam/identity-providers/details/:arn",
    [iam, providers, { parameter: "arn" }],
    () => import("./pages/iam/IdentityProvider"),
  ),
  page("iam/account-settings", [iam, { text: "Account settings" }], () => import("./pages/iam/AccountSettings")),
  page("iam/credential-report", [iam, { text: "Credential report" }], () => import("./pages/iam/CredentialReport")),
  page(
    "iam/security-credentials",
    [iam, { text: "Security credentials" }],
    () => import("./pages/iam/SecurityCredentials"),
  ),
  page(
    "iam/:kind/:name/add-permissions",
    [iam, kind, entity, { text: "Add permissions" }],
    () => import("./pages/iam/AddPermissions"),
  ),
  page(
    "iam/:kind/:name/create-inline-policy",
    [iam, kind, entity, { text: "Create inline policy" }],
    () => import("./pages/iam/InlinePolicy"),
  ),
  page(
    "iam/:kind/:name/edit-inline-policy/:policy",
    [iam, kind, entity, { parameter: "policy" }],
    () => import("./pages/iam/InlinePolicy"),
  ),
  page(
    "iam/:kind/:name/allow-assume-role",
    [iam, kind, entity, { text: "Allow this to assume a role in another account" }],
    () => import("./pages/iam/AllowAssumeRole"),
  ),
  page(
    "iam/:kind/:name/permissions-boundary",
    [iam, kind, entity, { text: "Permissions boundary" }],
    () => import("./pages/iam/PermissionsBoundary"),
  ),

  page("s3", s3, () => import("./pages/s3/Buckets")),
  page("s3/bucket/create", [...s3, { text: "Create bucket" }], () => import("./pages/s3/CreateBucket")),
  page("s3/buckets/:bucket", [...s3, bucket], () => import("./pages/s3/Bucket")),
  page("s3/object/:bucket", [...s3, bucket, { text: "Object" }], () => import("./pages/s3/ObjectDetail")),
  page("s3/uploads", [...s3, { text: "Uploads" }], () => import("./pages/s3/Uploads")),
  page("s3/upload/:bucket", [...s3, bucket, { text: "Upload" }], () => import("./pages/s3/Upload")),

  page("explain", [{ text: "Explain" }], () => import("./pages/explain/Explain")),
  page("activity", [activity], () => import("./pages/activity/Activity")),
  page("activity/:region/:id", [activity, { parameter: "id" }], () => import("./pages/activity/Event")),

  { path: "*", lazy: () => import("./pages/home/NotFound") },
];

export const router = createBrowserRouter(
  [
    {
      Component: Frame,
      ErrorBoundary: PageFailure,
      HydrateFallback: Starting,
      children: [{ ErrorBoundary: PageFailure, children: pages }],
    },
  ],
  { basename: "/-/console" },
);
