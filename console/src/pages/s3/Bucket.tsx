/** One bucket: its objects, properties, permissions and management, each loaded when it is looked at. */
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useParams, useSearchParams } from "react-router";

import { arn } from "./addresses";
import { copyText } from "./parts/copyText";
import { ManagementTab } from "./parts/ManagementTab";
import { ObjectsTab } from "./parts/ObjectsTab";
import { PermissionsTab } from "./parts/PermissionsTab";
import { PropertiesTab } from "./parts/PropertiesTab";

export function Component() {
  const { bucket = "" } = useParams();
  const [query, setQuery] = useSearchParams();
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        actions={
          <Button iconName="copy" onClick={() => void copyText(arn({ bucket, key: "" }), "ARN")}>
            Copy ARN
          </Button>
        }
      >
        <span className="breaks">{bucket}</span>
      </Header>
      <Tabs
        key={bucket}
        ariaLabel="Bucket"
        activeTabId={query.get("tab") ?? "objects"}
        onChange={({ detail }) => {
          const next = new URLSearchParams(query);
          if (detail.activeTabId === "objects") next.delete("tab");
          else next.set("tab", detail.activeTabId);
          setQuery(next);
        }}
        tabs={[
          {
            id: "objects",
            label: "Objects",
            content: <ObjectsTab bucket={bucket} prefix={query.get("prefix") ?? ""} />,
          },
          { id: "properties", label: "Properties", content: <PropertiesTab bucket={bucket} /> },
          { id: "permissions", label: "Permissions", content: <PermissionsTab bucket={bucket} /> },
          { id: "management", label: "Management", content: <ManagementTab bucket={bucket} /> },
        ]}
      />
    </SpaceBetween>
  );
}
