/**
 * Lifecycle rules as a form has them (S3 User Guide, "Lifecycle configuration elements"). A rule that says more than the
 * form can is shown and edited as JSON, so that nothing of it gets lost.
 */
import type { LifecycleRule, LifecycleRuleFilter, TransitionStorageClass } from "@aws-sdk/client-s3";

/** Days are texts as they are typed; "" for "not". */
export interface RuleForm {
  id: string;
  enabled: boolean;
  prefix: string;
  transitionDays: string;
  transitionClass: TransitionStorageClass;
  expirationDays: string;
  noncurrentDays: string;
  /** Of an object that has nothing but a delete marker, the marker too. */
  expiredMarkers: boolean;
  abortDays: string;
}

export const NEW_RULE: RuleForm = {
  id: "",
  enabled: true,
  prefix: "",
  transitionDays: "",
  transitionClass: "STANDARD_IA",
  expirationDays: "",
  noncurrentDays: "",
  expiredMarkers: false,
  abortDays: "",
};

export function ruleOf(form: RuleForm): LifecycleRule {
  const { id, enabled, prefix, transitionDays, transitionClass, expirationDays, noncurrentDays, abortDays } = form;
  return {
    ID: id,
    Status: enabled ? "Enabled" : "Disabled",
    Filter: { Prefix: prefix },
    ...(transitionDays === ""
      ? {}
      : { Transitions: [{ Days: Number(transitionDays), StorageClass: transitionClass }] }),
    ...(expirationDays === ""
      ? form.expiredMarkers
        ? { Expiration: { ExpiredObjectDeleteMarker: true } }
        : {}
      : { Expiration: { Days: Number(expirationDays) } }),
    ...(noncurrentDays === "" ? {} : { NoncurrentVersionExpiration: { NoncurrentDays: Number(noncurrentDays) } }),
    ...(abortDays === "" ? {} : { AbortIncompleteMultipartUpload: { DaysAfterInitiation: Number(abortDays) } }),
  };
}

/** The rule as a form; null when it says more. */
export function formOf(rule: LifecycleRule): RuleForm | null {
  const [transition] = rule.Transitions ?? [];
  const form: RuleForm = {
    id: rule.ID ?? "",
    enabled: rule.Status === "Enabled",
    prefix: rule.Filter?.Prefix ?? rule.Prefix ?? "",
    transitionDays: text(transition?.Days),
    transitionClass: transition?.StorageClass ?? "STANDARD_IA",
    expirationDays: text(rule.Expiration?.Days),
    noncurrentDays: text(rule.NoncurrentVersionExpiration?.NoncurrentDays),
    expiredMarkers: rule.Expiration?.ExpiredObjectDeleteMarker === true,
    abortDays: text(rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation),
  };
  const { Prefix, Filter, ...given } = rule;
  const filter: LifecycleRuleFilter =
    Filter?.Prefix === undefined && Prefix !== undefined ? { Prefix } : (Filter ?? {});
  return same({ Filter: { Prefix: "", ...filter }, ...given }, ruleOf(form)) ? form : null;
}

/** What must be corrected; "" for nothing. */
export function ruleProblem(form: RuleForm, others: readonly string[]): string {
  const days = [form.transitionDays, form.expirationDays, form.noncurrentDays, form.abortDays].filter(
    (one) => one !== "",
  );
  if (form.id === "" || form.id.length > 255) return "Enter a name of up to 255 characters.";
  if (others.includes(form.id)) return "Another rule has this name.";
  if (days.some((one) => !/^\d+$/.test(one))) return "Days are whole numbers.";
  if ([form.expirationDays, form.noncurrentDays, form.abortDays].some((one) => one !== "" && Number(one) === 0)) {
    return "Days are at least 1.";
  }
  if (days.length === 0 && !form.expiredMarkers) return "Choose what the rule does.";
  if (form.expiredMarkers && form.expirationDays !== "") {
    return "Expired delete markers go by themselves when objects expire: choose one of the two.";
  }
  return "";
}

/** What a rule does, in words. */
export function actionTexts(rule: LifecycleRule): string[] {
  const texts: string[] = [];
  for (const one of rule.Transitions ?? []) texts.push(`Move to ${one.StorageClass} ${when(one)}`);
  if (rule.Expiration?.ExpiredObjectDeleteMarker === true) texts.push("Delete expired delete markers");
  else if (rule.Expiration !== undefined) texts.push(`Expire ${when(rule.Expiration)}`);
  for (const one of rule.NoncurrentVersionTransitions ?? []) {
    texts.push(`Move noncurrent versions to ${one.StorageClass} after ${one.NoncurrentDays} days`);
  }
  const noncurrent = rule.NoncurrentVersionExpiration;
  if (noncurrent !== undefined) {
    const kept = noncurrent.NewerNoncurrentVersions;
    texts.push(
      `Delete noncurrent versions after ${noncurrent.NoncurrentDays} days${kept === undefined ? "" : `, all but ${kept}`}`,
    );
  }
  const abort = rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation;
  if (abort !== undefined) texts.push(`Delete incomplete multipart uploads after ${abort} days`);
  return texts;
}

function when({ Days, Date: date }: { Days?: number | undefined; Date?: Date | undefined }): string {
  return date === undefined ? `after ${Days} days` : `on ${date.toISOString().slice(0, 10)}`;
}

/** Which objects a rule is about, in words. */
export function scopeText(rule: LifecycleRule): string {
  const filter = { ...rule.Filter, ...rule.Filter?.And };
  const tags = filter.Tags ?? (filter.Tag === undefined ? [] : [filter.Tag]);
  const prefix = filter.Prefix ?? rule.Prefix ?? "";
  const parts = [
    ...(prefix === "" ? [] : [`prefix ${prefix}`]),
    ...tags.map(({ Key, Value }) => `tag ${Key}=${Value}`),
    ...(filter.ObjectSizeGreaterThan === undefined ? [] : [`larger than ${filter.ObjectSizeGreaterThan} bytes`]),
    ...(filter.ObjectSizeLessThan === undefined ? [] : [`smaller than ${filter.ObjectSizeLessThan} bytes`]),
  ];
  return parts.length === 0 ? "Entire bucket" : parts.join(", ");
}

function text(days: number | undefined): string {
  return days === undefined ? "" : String(days);
}

/** Whether two values say the same; what is undefined says nothing. */
function same(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  const [first, second] = [entries(one), entries(other)];
  return first.size === second.size && [...first].every(([key, value]) => same(value, second.get(key)));
}

function entries(value: object): Map<string, unknown> {
  return new Map(Object.entries(value).filter(([, one]) => one !== undefined));
}
