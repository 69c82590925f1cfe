/** How a call came out; a refusal leads to its explanation. */
import StatusIndicator from "@cloudscape-design/components/status-indicator";

import { explanationPath } from "../../ui/ExplainLink";
import { PageLink } from "../../ui/links";
import { type TrailEvent, wasRefused } from "./events";

export function Outcome({ event }: { event: TrailEvent }) {
  if (event.errorCode === "") return <StatusIndicator type="success">Succeeded</StatusIndicator>;
  return (
    <>
      <StatusIndicator type="error">{event.errorCode}</StatusIndicator>{" "}
      {wasRefused(event) && event.requestId !== "" && (
        <PageLink to={explanationPath(event.requestId)} ariaLabel={`Explain ${event.name}, request ${event.requestId}`}>
          Explain
        </PageLink>
      )}
    </>
  );
}
