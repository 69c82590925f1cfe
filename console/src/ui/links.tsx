/** Links within the console: Cloudscape's look, the router's navigation (and the browser's, with a modifier key). */
import Button, { type ButtonProps } from "@cloudscape-design/components/button";
import Link, { type LinkProps } from "@cloudscape-design/components/link";
import { useHref, useNavigate } from "react-router";

/** A link to a page of the console; `to` is a path without the base. */
export function PageLink({ to, ...rest }: Omit<LinkProps, "href" | "onFollow"> & { to: string }) {
  const navigate = useNavigate();
  return (
    <Link
      {...rest}
      href={useHref(to)}
      onFollow={(event) => {
        event.preventDefault();
        void navigate(to);
      }}
    />
  );
}

/** A button that leads to a page of the console. */
export function PageButton({ to, ...rest }: Omit<ButtonProps, "href" | "onFollow"> & { to: string }) {
  const navigate = useNavigate();
  return (
    <Button
      {...rest}
      href={useHref(to)}
      onFollow={(event) => {
        event.preventDefault();
        void navigate(to);
      }}
    />
  );
}
