/** Copy to the clipboard from a button or menu, and say so. */
import { notify, succeeded } from "../../../ui/notifications";

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    succeeded(`${what} copied.`);
  } catch {
    notify({ type: "error", content: `${what} could not be copied: ${text}` });
  }
}
