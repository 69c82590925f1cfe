/** The files that were dropped on a list, until the upload page takes them. */
import type { ChosenFile } from "./droppedFiles";

let chosen: ChosenFile[] = [];

export function chooseFiles(files: ChosenFile[]): void {
  chosen = files;
}

export function takeChosenFiles(): ChosenFile[] {
  const taken = chosen;
  chosen = [];
  return taken;
}
