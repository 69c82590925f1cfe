/** The one way in which errors are shown. A refusal says which permission is missing and leads to its explanation. */
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";

import { type Denial, failureOf } from "../aws/errors";
import { ExplainLink } from "./ExplainLink";
import { Revealed } from "./Revealed";

interface Props {
  error: unknown;
  /** What was tried, for errors that are no refusals: "The role was not created". */
  header?: string;
  onRetry?: () => void;
  onDismiss?: () => void;
  /** It comes while the user does something else. */
  inBackground?: boolean;
}

/** Of what the user tried it is scrolled to; what failed to load stands where it would have been. */
export function FailureAlert(props: Props) {
  const { onRetry, inBackground = false } = props;
  if (onRetry !== undefined || inBackground) return <Failed {...props} />;
  return (
    <Revealed>
      <Failed {...props} />
    </Revealed>
  );
}

function Failed({ error, header, onRetry, onDismiss }: Props) {
  const failure = failureOf(error);
  const retry = onRetry && <Button onClick={onRetry}>Retry</Button>;
  if (failure.denial?.action != null) {
    return <DenialAlert error={error} denial={failure.denial} retry={retry} onDismiss={onDismiss} />;
  }
  const explain = failure.denial !== null && <ExplainLink error={error} />;
  return (
    <Alert
      type="error"
      header={header ?? failure.code}
      action={actions(explain, retry)}
      dismissible={onDismiss !== undefined}
      onDismiss={onDismiss}
    >
      <span className="breaks">{failure.message}</span>
      {failure.requestId !== null && (
        <Box variant="small" display="block">
          {header !== undefined && `${failure.code}, `}request ID {failure.requestId}
        </Box>
      )}
    </Alert>
  );
}

function actions(explain: React.ReactNode, retry: React.ReactNode): React.ReactNode {
  if (!explain && !retry) return null;
  return (
    <SpaceBetween direction="horizontal" size="xs">
      {explain}
      {retry}
    </SpaceBetween>
  );
}

interface DenialProps {
  error: unknown;
  denial: Denial;
  retry: React.ReactNode;
  onDismiss?: (() => void) | undefined;
}

function DenialAlert({ error, denial, retry, onDismiss }: DenialProps) {
  return (
    <Alert
      type="error"
      header={`Access denied to ${denial.action}`}
      action={actions(<ExplainLink error={error} />, retry)}
      dismissible={onDismiss !== undefined}
      onDismiss={onDismiss}
    >
      <Box variant="p">
        You don't have permission to {denial.action}. To request access, send the following to your administrator.
      </Box>
      <dl className="denial breaks">
        {facts(denial).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Alert>
  );
}

function facts(denial: Denial): [string, string][] {
  const all: [string, string | null][] = [
    ["User", denial.principal],
    ["Action", denial.action],
    ["Resource", denial.resource],
    ["Context", denial.reason],
  ];
  return all.filter((fact): fact is [string, string] => fact[1] !== null);
}
