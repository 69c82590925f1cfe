import "@cloudscape-design/global-styles/index.css";
import "./console.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";

import { provideClipboard } from "./frame/clipboard";
import { applyTheme } from "./frame/theme";
import { router } from "./routes";
import { followNavigation } from "./ui/notifications";

applyTheme();
provideClipboard();
followNavigation(router);
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <RouterProvider router={router} />
  </StrictMode>,
);
