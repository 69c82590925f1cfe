/** The bar at the top: where one is, as whom and in which account; always in sight. */
import ButtonDropdown, { type ButtonDropdownProps } from "@cloudscape-design/components/button-dropdown";
import { useHref, useNavigate } from "react-router";

import { actAs, end, type Session, signedIn, useSession } from "../session/session";
import { dashed } from "../session/accountId";
import { RECENT_ROLE, recentRoles } from "../session/recentRoles";
import { readSwitchQuery, switchRole } from "../session/switchRole";
import { SERVICES } from "./services";
import { chooseTheme, type Theme, useTheme } from "./theme";

export function TopBar() {
  const session = useSession();
  const navigate = useNavigate();
  const home = useHref("/");
  return (
    <header className="top-bar awsui-context-top-navigation">
      <a
        className="top-bar-title"
        href={home}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          void navigate("/");
        }}
      >
        Isthmus
      </a>
      <div className="top-bar-tools">
        <ButtonDropdown
          variant="icon"
          iconName="grid-view"
          ariaLabel="Services"
          expandToViewport
          items={[
            {
              text: "Services",
              items: SERVICES.map(({ name, path, description }) => ({
                id: path,
                text: name,
                secondaryText: description,
              })),
            },
          ]}
          onItemClick={({ detail }) => void navigate(detail.id)}
        />
        <ThemeMenu />
        {session !== null && <AccountMenu session={session} />}
      </div>
    </header>
  );
}

function ThemeMenu() {
  const theme = useTheme();
  const item = (id: Theme, text: string): ButtonDropdownProps.CheckboxItem => ({
    id,
    text,
    itemType: "checkbox",
    checked: theme === id,
  });
  return (
    <ButtonDropdown
      variant="icon"
      iconName="settings"
      ariaLabel="Settings"
      expandToViewport
      items={[
        {
          text: "Visual mode",
          items: [item("system", "Browser default"), item("light", "Light"), item("dark", "Dark")],
        },
      ]}
      onItemClick={({ detail }) => chooseTheme(detail.id as Theme)}
    />
  );
}

function AccountMenu({ session }: { session: Session }) {
  const navigate = useNavigate();
  const { role } = session;
  const account = dashed(role?.account ?? session.account);
  const who = role?.displayName ?? session.name;

  const switchTo = async (query: string): Promise<void> => {
    try {
      await switchRole(readSwitchQuery(new URLSearchParams(query)));
      void navigate("/");
    } catch (error) {
      void navigate(`/switchrole?${query}`, { state: { error } });
    }
  };
  const choose = (id: string): void => {
    if (id === "switch-back") {
      actAs(null);
      void navigate("/");
    } else if (id === "sign-out") end();
    else if (id === "switch-role") void navigate("/switchrole");
    else if (id === "security-credentials") void navigate("/iam/security-credentials");
    else if (id.startsWith(RECENT_ROLE)) void switchTo(id.slice(RECENT_ROLE.length));
  };
  return (
    <div className="top-bar-account">
      <div className="top-bar-where">
        {role === null ? (
          <span>{who}</span>
        ) : (
          <span
            className="role-badge"
            style={role.color === "" ? undefined : { backgroundColor: `#${role.color}` }}
            title={`Role ${role.roleName}`}
          >
            {who}
          </span>
        )}
        <span>{account}</span>
      </div>
      <ButtonDropdown
        variant="icon"
        iconName="user-profile"
        items={accountItems(session)}
        onItemClick={({ detail }) => choose(detail.id)}
        expandToViewport
        ariaLabel={`Account menu of ${who}, account ${account}`}
      />
    </div>
  );
}

function accountItems(session: Session): ButtonDropdownProps.ItemOrGroup[] {
  const { role } = session;
  const recent = recentRoles(signedIn());
  return [
    {
      text: role === null ? "Signed in" : "Currently active as",
      items: [
        {
          id: "active",
          text: role === null ? session.name : role.roleName,
          secondaryText: `Account ID ${dashed(role?.account ?? session.account)}`,
          disabled: true,
        },
        ...(role === null
          ? []
          : [
              {
                id: "self",
                text: `Signed in as ${session.name}`,
                secondaryText: `Account ID ${dashed(session.account)}`,
                disabled: true,
              },
            ]),
      ],
    },
    ...(role === null ? [{ id: "security-credentials", text: "Security credentials" }] : []),
    ...(recent.length === 0 ? [] : [{ text: "Role history", items: recent }]),
    ...(session.kind === "user" ? [{ id: "switch-role", text: "Switch role" }] : []),
    ...(role === null ? [] : [{ id: "switch-back", text: "Switch back" }]),
    { id: "sign-out", text: "Sign out" },
  ];
}
