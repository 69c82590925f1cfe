/** A copy that may be one in parts, which takes its time: how much of it is done, and how it is cancelled. */
import type { HeadObjectOutput } from "@aws-sdk/client-s3";
import Alert from "@cloudscape-design/components/alert";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import { type ReactNode, useEffect, useRef, useState } from "react";

import type { ObjectId } from "../../../aws/s3";
import { type Changes, copyOntoItself, type Following } from "../copying";
import { EditModal } from "./EditModal";
import type { Closing } from "./Setting";

interface Copy<Given extends unknown[]> {
  run: (...given: Given) => Promise<void>;
  /** Of a copy in parts that is under way, from 0 to 1; else null. */
  share: number | null;
  cancel: () => void;
}

/** A copy that is followed; it is cancelled when what shows it is gone, since nobody could do it then. */
export function useCopy<Given extends unknown[]>(
  copy: (following: Following, ...given: Given) => Promise<void>,
): Copy<Given> {
  const [share, setShare] = useState<number | null>(null);
  const cancellation = useRef<AbortController | null>(null);
  useEffect(() => () => cancellation.current?.abort(), []);
  useEffect(() => {
    if (share === null) return undefined;
    // Closing the tab would leave the parts that are there: the browser asks first.
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [share]);
  return {
    run: async (...given) => {
      const mine = new AbortController();
      cancellation.current = mine;
      try {
        await copy({ signal: mine.signal, progress: setShare }, ...given);
      } finally {
        setShare(null);
      }
    },
    share,
    cancel: () => cancellation.current?.abort(),
  };
}

export function CopyProgress({ share }: { share: number | null }) {
  return (
    share !== null && (
      <ProgressBar
        label="Copying"
        value={Math.floor(share * 100)}
        description="An object of more than 5 GB is copied in parts. It stays as it is until all of them are there."
      />
    )
  );
}

interface CopyModalProps extends Closing {
  object: ObjectId;
  head: HeadObjectOutput;
  header: string;
  saved: string;
  problem?: string;
  size?: "medium" | "large";
  changes: () => Changes;
  children: ReactNode;
}

/** A dialog that changes an object by a copy of it onto itself. Closing it cancels a copy that is under way. */
export function CopyModal({ object, head, changes, onDismiss, children, ...rest }: CopyModalProps) {
  const copy = useCopy((following) => copyOntoItself(object, head, changes(), following));
  return (
    <EditModal
      {...rest}
      save={copy.run}
      onDismiss={() => {
        copy.cancel();
        onDismiss();
      }}
    >
      <Alert type="info">
        The object is copied onto itself: it gets a new date, and with versioning a new version. Its ACL becomes
        private.
      </Alert>
      <CopyProgress share={copy.share} />
      {children}
    </EditModal>
  );
}
