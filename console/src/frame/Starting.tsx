/** While the first files of the console are on their way; it is seen only when they take their time. */
export function Starting() {
  return (
    <output className="starting" aria-live="polite">
      Loading the console
    </output>
  );
}
