import { defineConfig } from "vitest/config";

const CONFORMANCE = "test/conformance/conformance.test.ts";

export default defineConfig({
  // "source" lets the tests run the SDK from its TypeScript, as a user would from its build.
  ssr: { resolve: { conditions: ["source"] } },
  resolve: { conditions: ["source"] },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: "tests",
          include: ["{server,sdk-ts,demo,test,bench}/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/dist/**", CONFORMANCE],
          globalSetup: ["test/support/global-setup.ts"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Afterwards and alone: its scenarios look at clocks, and compiled SDKs are built first.
        extends: true,
        test: { name: "conformance", include: [CONFORMANCE], sequence: { groupOrder: 1 } },
      },
    ],
  },
});
