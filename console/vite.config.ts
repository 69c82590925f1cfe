import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

import { catalogue } from "./build/catalogue.ts";

const OUTPUT = path.resolve(import.meta.dirname, "../src/isthmus/console_files");
const COMPRESSIBLE = /\.(?:html|js|css|svg|json)$/;

/** Beside every text file its gzip and brotli form, so that the server never compresses. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    async closeBundle() {
      const names = await readdir(OUTPUT, { recursive: true });
      await Promise.all(
        names
          .filter((name) => COMPRESSIBLE.test(name))
          .map(async (name) => {
            const file = path.join(OUTPUT, name);
            const bytes = await readFile(file);
            const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
            await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes, quality));
            await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }));
          }),
      );
    },
  };
}

export default defineConfig({
  base: "/-/console/",
  plugins: [react(), catalogue(), compressed()],
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: "es2022",
    // The content security policy allows files of our own only: nothing is inlined, neither scripts nor images.
    assetsInlineLimit: 0,
    license: { fileName: "licences/packages.md" },
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
  server: {
    // `npx vite` beside a running `isthmus serve`: everything that is not a page goes to the server.
    proxy: { "^/(?!-/console/)": "http://127.0.0.1:9000" },
  },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    server: { deps: { inline: [/@cloudscape-design/] } },
  },
});
