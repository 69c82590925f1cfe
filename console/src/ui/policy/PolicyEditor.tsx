/**
 * The policy editor: the same text as JSON or, for identity policies, in the visual editor, and what is wrong with it.
 */
import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";

import { type Catalogue, loadCatalogue } from "../../policy/catalogue";
import { checkPolicy, type Finding, type PolicyKind } from "../../policy/check";
import { readVisual } from "../../policy/visual";
import { Loading } from "../Answered";
import { JsonEditor } from "./JsonEditor";

const VisualEditor = lazy(() => import("./VisualEditor"));

interface Props {
  kind: PolicyKind;
  text: string;
  onChange: (text: string) => void;
  findings: readonly Finding[];
  header?: string;
  description?: string;
  label?: string;
}

/** The findings of a text, with the catalogue once it is there. */
export function usePolicyFindings(text: string, kind: PolicyKind, bucket = ""): Finding[] {
  const catalogue = useCatalogue();
  return useMemo(() => checkPolicy(text, kind, catalogue, bucket), [text, kind, catalogue, bucket]);
}

/** The catalogue; null while it loads, and where it cannot be: findings and editors do without. */
export function useCatalogue(): Catalogue | null {
  const [catalogue, setCatalogue] = useState<Catalogue | null>(null);
  useEffect(() => {
    let wanted = true;
    loadCatalogue().then(
      (loaded) => wanted && setCatalogue(loaded),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, []);
  return catalogue;
}

export function PolicyEditor({ kind, text, onChange, findings, header = "Policy editor", description, label }: Props) {
  const [visual, setVisual] = useState(false);
  const readable = kind !== "identity" || readVisual(text) !== null;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={description}
          actions={
            kind === "identity" ? (
              <SegmentedControl
                label="Policy editor mode"
                selectedId={visual ? "visual" : "json"}
                options={[
                  { id: "visual", text: "Visual" },
                  { id: "json", text: "JSON" },
                ]}
                onChange={({ detail }) => setVisual(detail.selectedId === "visual")}
              />
            ) : undefined
          }
        >
          {header}
        </Header>
      }
    >
      <SpaceBetween size="m">
        {visual && readable && (
          <Suspense fallback={<Loading />}>
            <VisualEditor text={text} onChange={onChange} />
          </Suspense>
        )}
        {visual && !readable && (
          <Alert type="warning" header="The visual editor cannot show this policy">
            The text is not valid JSON, or has elements that a policy does not have. Correct it below.
          </Alert>
        )}
        {(!visual || !readable) && (
          <JsonEditor value={text} onChange={onChange} findings={findings} label={label ?? header} />
        )}
      </SpaceBetween>
    </Container>
  );
}
