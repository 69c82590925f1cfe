/** The services of the console: what the home page and the navigation at the side show. */

export interface NavigationLink {
  text: string;
  to: string;
}

export interface NavigationSection {
  section: string;
  items: NavigationLink[];
}

export interface Service {
  name: string;
  description: string;
  /** The path under which its pages are. */
  path: string;
  items: (NavigationLink | NavigationSection)[];
}

export const SERVICES: Service[] = [
  {
    name: "IAM",
    description: "Manage access: users, groups, roles, policies",
    path: "/iam",
    items: [
      { text: "Dashboard", to: "/iam" },
      {
        section: "Access management",
        items: [
          { text: "User groups", to: "/iam/groups" },
          { text: "Users", to: "/iam/users" },
          { text: "Roles", to: "/iam/roles" },
          { text: "Policies", to: "/iam/policies" },
          { text: "Identity providers", to: "/iam/identity-providers" },
          { text: "Account settings", to: "/iam/account-settings" },
        ],
      },
      { section: "Access reports", items: [{ text: "Credential report", to: "/iam/credential-report" }] },
    ],
  },
  {
    name: "S3",
    description: "Store and retrieve objects: buckets, files, who may reach them",
    path: "/s3",
    items: [
      { text: "General purpose buckets", to: "/s3" },
      { text: "Uploads", to: "/s3/uploads" },
    ],
  },
  {
    name: "Explain",
    description: "Why a request is allowed or refused, and what would help",
    path: "/explain",
    items: [{ text: "Explain a request", to: "/explain" }],
  },
  {
    name: "Activity",
    description: "Who did what: the event history of CloudTrail",
    path: "/activity",
    items: [{ text: "Event history", to: "/activity" }],
  },
];
