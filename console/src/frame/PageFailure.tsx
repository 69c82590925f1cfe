/** A page that could not be loaded or drawn: the rest of the console stays. */
import Box from "@cloudscape-design/components/box";
import { useRouteError } from "react-router";

import { FailureAlert } from "../ui/FailureAlert";

export function PageFailure() {
  return (
    <Box padding="l">
      <FailureAlert
        error={useRouteError()}
        header="This page could not be shown"
        // A new release has other files than the page that asks for them: loading it anew finds those.
        onRetry={() => location.reload()}
      />
    </Box>
  );
}
