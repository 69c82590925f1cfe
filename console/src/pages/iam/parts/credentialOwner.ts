/** Whose credentials. `name` is null for the root user, who has no user name. */
export interface CredentialOwner {
  name: string | null;
  account: string;
  /** Whether it is the one who is signed in. */
  oneself: boolean;
}

/** The member that names the owner in calls: root's are made without. */
export function ofOwner(owner: CredentialOwner): { UserName?: string } {
  return owner.name === null ? {} : { UserName: owner.name };
}
