/** A place on which files and folders can be dropped. Buttons do the same for the keyboard. */
import { type DragEvent, type ReactNode, useState } from "react";

import { type ChosenFile, droppedFiles } from "../droppedFiles";

interface Props {
  onFiles: (files: ChosenFile[]) => void;
  children: ReactNode;
}

export function Dropzone({ onFiles, children }: Props) {
  const [over, setOver] = useState(false);
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className={over ? "dropzone dropzone-over" : "dropzone"}
      onDragOver={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(false);
        void droppedFiles(event.dataTransfer).then((files) => files.length > 0 && onFiles(files));
      }}
    >
      {children}
    </div>
  );
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer.types.includes("Files");
}
