/** The navigation at the side: the pages of the service that is open. */
import SideNavigation, { type SideNavigationProps } from "@cloudscape-design/components/side-navigation";
import { useHref, useLocation, useNavigate } from "react-router";

import { type NavigationLink, type Service, SERVICES } from "./services";

const HOME: Service = {
  name: "Services",
  description: "",
  path: "/",
  items: SERVICES.map((service) => ({ text: service.name, to: service.path })),
};

export function Navigation() {
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const base = useHref("/").replace(/\/$/, "");
  const service = SERVICES.find(({ path }) => pathname === path || pathname.startsWith(`${path}/`)) ?? HOME;
  const href = (to: string): string => base + to;
  const item = ({ text, to }: NavigationLink): SideNavigationProps.Link => ({ type: "link", text, href: href(to) });
  return (
    <SideNavigation
      header={{ text: service.name, href: href(service.path) }}
      activeHref={href(activeLink(service, pathname))}
      items={service.items.map((one) =>
        "section" in one ? { type: "section", text: one.section, items: one.items.map(item) } : item(one),
      )}
      onFollow={(event) => {
        event.preventDefault();
        void navigate(event.detail.href.slice(base.length));
      }}
    />
  );
}

/** The link whose path is the longest prefix of the address: `/iam/roles/x` is under Roles. */
function activeLink(service: Service, pathname: string): string {
  const links = service.items.flatMap((one) => ("section" in one ? one.items : [one]));
  const open = links.filter(({ to }) => pathname === to || pathname.startsWith(`${to}/`));
  return open.reduce((best, { to }) => (to.length > best.length ? to : best), "");
}
