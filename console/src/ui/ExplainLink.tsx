/** The way from a refusal to its explanation; nothing for errors that are no refusals. */
import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import { useHref, useNavigate } from "react-router";

import { type Failure, failureOf } from "../aws/errors";

interface Props {
  error: unknown;
  /** Within a text; a button otherwise. */
  inline?: boolean;
}

export function ExplainLink({ error, inline = false }: Props) {
  const navigate = useNavigate();
  const failure = failureOf(error);
  const path = explanationPath(failure.requestId);
  const href = useHref(path);
  const message = failure.denial?.encodedMessage ?? undefined;
  if (failure.denial === null || (message === undefined && failure.requestId === null)) return null;
  const follow = (event: CustomEvent<unknown>): void => {
    event.preventDefault();
    // The message is long and tells of policies: it travels in the history entry, not in the address.
    void navigate(path, { state: { message, text: textOf(failure) } });
  };
  return inline ? (
    <Link href={href} onFollow={follow} ariaLabel={`Explain: ${failure.message}`}>
      Explain
    </Link>
  ) : (
    <Button href={href} onFollow={follow}>
      Explain
    </Button>
  );
}

/** The page that explains a refused request. */
export function explanationPath(requestId: string | null): string {
  return requestId === null ? "/explain" : `/explain?request=${encodeURIComponent(requestId)}`;
}

function textOf(failure: Failure): string {
  return failure.message === "" ? failure.code : failure.message;
}
