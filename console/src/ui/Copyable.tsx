/** A text with a button that copies it. */
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";

interface Props {
  text: string;
  /** What it is, for the button's label: "ARN". */
  name: string;
}

export function Copyable({ text, name }: Props) {
  return (
    <span className="breaks">
      <CopyToClipboard
        variant="inline"
        textToCopy={text}
        copyButtonAriaLabel={`Copy ${name}`}
        copySuccessText={`${name} copied`}
        copyErrorText={`${name} could not be copied`}
      />
    </span>
  );
}
