/** What stands around every page: the bar with account and role, the navigation, the messages. */
import AppLayoutToolbar from "@cloudscape-design/components/app-layout-toolbar";
import Flashbar from "@cloudscape-design/components/flashbar";
import { useState } from "react";
import { Outlet, useNavigation } from "react-router";

import { useExpiry } from "../session/expiry";
import { dismiss, useNotifications } from "../ui/notifications";
import { Breadcrumbs } from "./Breadcrumbs";
import { Navigation } from "./Navigation";
import { TopBar } from "./TopBar";

export default function SignedInFrame() {
  const loading = useNavigation().state === "loading";
  const [navigationOpen, setNavigationOpen] = useState(() => matchMedia("(min-width: 912px)").matches);
  useExpiry();
  return (
    <>
      <a className="skip-link" href="#content">
        Skip to main content
      </a>
      <div id="top-bar">
        <TopBar />
        {loading && (
          <output className="page-loading">
            <span className="off-screen">Loading the page</span>
          </output>
        )}
      </div>
      <AppLayoutToolbar
        headerSelector="#top-bar"
        toolsHide
        breadcrumbs={<Breadcrumbs />}
        navigation={<Navigation />}
        navigationOpen={navigationOpen}
        onNavigationChange={({ detail }) => setNavigationOpen(detail.open)}
        notifications={<Notifications />}
        stickyNotifications
        maxContentWidth={1600}
        content={
          <div id="content" tabIndex={-1}>
            <Outlet />
          </div>
        }
      />
    </>
  );
}

function Notifications() {
  const shown = useNotifications();
  return (
    <Flashbar
      items={shown.map(({ id, type, header, content, action }) => ({
        id,
        type,
        header,
        content,
        action,
        dismissible: true,
        dismissLabel: "Dismiss",
        onDismiss: () => dismiss(id),
      }))}
    />
  );
}
