import { defineConfig } from "vitest/config";

// `npm run dev` serves the page with a fake hub in the browser (dev/fake-hub.ts); with `?server` it calls a running
// host through this proxy. `npm run build` writes what the gateway serves.
const host = "http://localhost:5080";

export default defineConfig({
  build: {
    outDir: "../wwwroot",
    emptyOutDir: true,
    target: "es2022",
    // The page's content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/auth": { target: host },
      "/hubs": { target: host, ws: true },
    },
  },
  test: {
    // jsdom, because DOMPurify lets dangerous addresses through in happy-dom.
    environment: "jsdom",
    include: ["test/**/*.test.ts"],
    // A guard against tests that hang, not a measure of speed.
    testTimeout: 60_000,
  },
});
