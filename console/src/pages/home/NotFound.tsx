/** An address of the console that is no page. */
import Box from "@cloudscape-design/components/box";

import { PageLink } from "../../ui/links";

export { NotFound as Component };

export function NotFound() {
  return (
    <Box textAlign="center" padding="xxl">
      <Box variant="h1">Page not found</Box>
      <Box variant="p">There is no page at this address.</Box>
      <PageLink to="/">Console home</PageLink>
    </Box>
  );
}
