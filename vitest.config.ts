import { defineConfig } from "vitest/config";

export default defineConfig({
  // "source" lets the tests run the SDK from its TypeScript, as a user would from its build.
  ssr: { resolve: { conditions: ["source"] } },
  resolve: { conditions: ["source"] },
  test: {
    include: ["{server,sdk-ts,demo,test}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    globalSetup: ["test/support/global-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
