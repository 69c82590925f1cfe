/**
 * Copying where the browser has no `navigator.clipboard`: it gives that to pages over HTTPS and localhost only, and the
 * console is also used over plain HTTP in a closed network.
 */
export function provideClipboard(): void {
  if ("clipboard" in navigator && navigator.clipboard !== undefined) return;
  Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: copyBySelection } });
}

function copyBySelection(text: string): Promise<void> {
  const field = document.createElement("textarea");
  field.value = text;
  field.setAttribute("aria-hidden", "true");
  field.className = "off-screen";
  document.body.append(field);
  const focused = document.activeElement;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done ? Promise.resolve() : Promise.reject(new Error("The browser did not copy."));
}
