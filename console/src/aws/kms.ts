/** KMS, of which S3's pages know the keys to choose from. */
import { paginateListAliases } from "@aws-sdk/client-kms";

import { every } from "./answers";
import { kms } from "./clients";

export interface KeyAlias {
  name: string;
  arn: string;
}

/** The aliases of the account that belong to a key. */
export async function keyAliases(): Promise<KeyAlias[]> {
  const found = await every(paginateListAliases({ client: kms() }, {}), (page) => page.Aliases);
  return found
    .filter(({ TargetKeyId }) => TargetKeyId !== undefined)
    .map(({ AliasName = "", AliasArn = "" }) => ({ name: AliasName, arn: AliasArn }));
}
