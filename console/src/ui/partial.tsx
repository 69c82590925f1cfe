/** Something was made, but not all that belongs to it: what is missing, why, and for refusals the way to the reason. */
import { failureOf } from "../aws/errors";
import { ExplainLink } from "./ExplainLink";
import { notify } from "./notifications";

export interface Missing {
  /** "group analysts" */
  what: string;
  error: unknown;
}

/** header: "User alice created". lead: "Not set". */
export function partlyDone(header: string, lead: string, missing: readonly Missing[]): void {
  notify({
    type: "warning",
    header,
    content: (
      <>
        {lead}:
        <ul className="breaks">
          {missing.map(({ what, error }) => (
            <li key={what}>
              {what} ({failureOf(error).message}) <ExplainLink error={error} inline />
            </li>
          ))}
        </ul>
      </>
    ),
  });
}
