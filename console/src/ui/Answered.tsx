/** Shows what was answered, or that it is loading, or how it failed. */
import Box from "@cloudscape-design/components/box";
import Spinner from "@cloudscape-design/components/spinner";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { ReactNode } from "react";

import type { Answer } from "../aws/answers";
import { failureOf } from "../aws/errors";
import { ExplainLink } from "./ExplainLink";
import { FailureAlert } from "./FailureAlert";

interface Props<Value> {
  answer: Answer<Value>;
  reload: () => void;
  /** "The role could not be loaded" */
  failed: string;
  children: (value: Value) => ReactNode;
}

export function Answered<Value>({ answer, reload, failed, children }: Props<Value>) {
  if (answer.status === "loading") return <Loading />;
  if (answer.status === "failed") return <FailureAlert error={answer.error} header={failed} onRetry={reload} />;
  return <>{children(answer.value)}</>;
}

export function Loading() {
  return (
    <Box textAlign="center" padding="l">
      <StatusIndicator type="loading">Loading</StatusIndicator>
    </Box>
  );
}

/** A value within a line of text: a spinner while it loads, `-` where it may not be read. */
export function Inline<Value>({ answer, children }: { answer: Answer<Value>; children: (value: Value) => ReactNode }) {
  if (answer.status === "loading") return <Spinner />;
  if (answer.status === "failed") {
    return (
      <>
        <StatusIndicator type="error">
          {failureOf(answer.error).denial === null ? "Not loaded" : "Access denied"}
        </StatusIndicator>{" "}
        <ExplainLink error={answer.error} inline />
      </>
    );
  }
  return <>{children(answer.value)}</>;
}
