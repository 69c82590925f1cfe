/**
 * What went wrong is brought into sight: the button that was pressed stands at the end of a form that may be longer
 * than the window, and the error at its beginning.
 */
import { type ReactNode, useEffect, useRef } from "react";

/** Content that is scrolled to when it appears. */
export function Revealed({ children }: { children: ReactNode }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Some browsers answer with a promise, which is nothing to clean up with.
    void element.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <div ref={element} className="revealed">
      {children}
    </div>
  );
}

/** Puts the focus on the first field of the page with an error, when it has been drawn. */
export function showFirstError(): void {
  setTimeout(() => document.querySelector<HTMLElement>('main [aria-invalid="true"]')?.focus());
}
