/** Files and whole folders that are dropped or picked, each with its path below what was chosen. */

export interface ChosenFile {
  file: File;
  /** `photos/2026/a.jpg` of a folder `photos`; the name of a single file. */
  path: string;
}

/** Of `<input type="file">`, with `webkitdirectory` or without. */
export function pickedFiles(list: FileList | null): ChosenFile[] {
  return [...(list ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** Of a drop. The entries are taken at once: after the event the browser forgets them. */
export async function droppedFiles(transfer: DataTransfer): Promise<ChosenFile[]> {
  const dropped = [...transfer.items].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found: ChosenFile[] = [];
  for (const { entry, file } of dropped) {
    if (entry !== null) await collect(entry, found);
    // A file that a program made, as a mail program does with an attachment, stands in no folder.
    else if (file !== null) found.push({ file, path: file.name });
  }
  return found;
}

async function collect(entry: FileSystemEntry, found: ChosenFile[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // It gives a hundred at a time, and none when it is done.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const one of some) await collect(one, found);
  }
}
