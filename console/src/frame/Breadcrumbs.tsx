/** Where a page is: the trail that its route names. */
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import { useEffect } from "react";
import { generatePath, type Params, useHref, useMatches, useNavigate } from "react-router";

/** One step: a fixed text, or a parameter of the path, with the page that it leads to. */
export type Crumb =
  | { text: string; to?: string }
  | { parameter: string; to?: string; /** Texts for values of the parameter. */ names?: Record<string, string> };

const TITLE = "Isthmus";

export function Breadcrumbs() {
  const match = useMatches().at(-1);
  const navigate = useNavigate();
  const base = useHref("/").replace(/\/$/, "");
  const trail = (match?.handle as { trail?: Crumb[] } | undefined)?.trail ?? [];
  const params = match?.params ?? {};
  const items = trail.map((crumb) => ({
    text: textOf(crumb, params),
    href: crumb.to === undefined ? "#" : base + generatePath(crumb.to, params),
  }));
  const title = items
    .map(({ text }) => text)
    .toReversed()
    .join(" | ");
  useEffect(() => {
    document.title = title === "" ? TITLE : `${title} | ${TITLE}`;
  }, [title]);
  if (items.length === 0) return null;
  return (
    <BreadcrumbGroup
      ariaLabel="Breadcrumbs"
      items={items}
      onFollow={(event) => {
        event.preventDefault();
        if (event.detail.href !== "#") void navigate(event.detail.href.slice(base.length));
      }}
    />
  );
}

function textOf(crumb: Crumb, params: Params): string {
  if ("text" in crumb) return crumb.text;
  const value = params[crumb.parameter] ?? "";
  // Of an ARN the name says enough.
  return crumb.names?.[value] ?? value.split("/").at(-1) ?? value;
}
