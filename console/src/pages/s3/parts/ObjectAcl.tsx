/** Who has access to an object by its ACL. */
import { GetObjectAclCommand } from "@aws-sdk/client-s3";

import { s3 } from "../../../aws/clients";
import { type ObjectId } from "../../../aws/s3";
import { Acl } from "./Acl";
import { Setting } from "./Setting";

export function ObjectAcl({ object }: { object: ObjectId }) {
  return (
    <Setting
      title="Access control list (ACL)"
      description="Where the bucket's Object Ownership is bucket owner enforced, ACLs have no effect."
      keys={[object.Bucket, object.Key, object.VersionId ?? ""]}
      load={() => s3().send(new GetObjectAclCommand(object))}
    >
      {(acl) => <Acl acl={acl} />}
    </Setting>
  );
}
