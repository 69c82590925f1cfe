/** A secret that is shown once: hidden until asked for, with a button that copies it. */
import Button from "@cloudscape-design/components/button";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";

export function SecretShown({ secret, name }: { secret: string; name: string }) {
  const [visible, setVisible] = useState(false);
  return (
    <SpaceBetween direction="horizontal" size="xs" alignItems="center">
      <CopyToClipboard
        variant="icon"
        textToCopy={secret}
        copyButtonAriaLabel={`Copy ${name}`}
        copySuccessText={`${name} copied`}
        copyErrorText={`${name} could not be copied`}
      />
      <span className="breaks">{visible ? <code>{secret}</code> : "••••••••••••"}</span>
      <Button
        variant="inline-link"
        onClick={() => setVisible(!visible)}
        ariaLabel={`${visible ? "Hide" : "Show"} ${name}`}
      >
        {visible ? "Hide" : "Show"}
      </Button>
    </SpaceBetween>
  );
}
