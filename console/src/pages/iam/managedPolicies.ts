/** The managed policies of this account and of AWS, loaded once for all tables that offer them. */
import { paginateListPolicies, type Policy } from "@aws-sdk/client-iam";

import { type Answer, every, useAnswer } from "../../aws/answers";
import { iam } from "../../aws/clients";

/** All of them, those of this account first. */
export function useManagedPolicies(): [Answer<Policy[]>, () => void] {
  return useAnswer(
    () => every(paginateListPolicies({ client: iam(), pageSize: 1000 }, { Scope: "All" }), (page) => page.Policies),
    [],
  );
}

export function isAwsManaged(arn: string | undefined): boolean {
  return arn?.startsWith("arn:aws:iam::aws:") ?? false;
}

export function policyType(arn: string | undefined): string {
  return isAwsManaged(arn) ? "AWS managed" : "Customer managed";
}

export function policyPage(arn: string): string {
  return `/iam/policies/details/${encodeURIComponent(arn)}`;
}
