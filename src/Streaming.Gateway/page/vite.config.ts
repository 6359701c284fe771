import { defineConfig } from "vitest/config";

// `npm run dev` shows the page with a hub of its own in the browser (dev/fake-hub.ts); with `?server` it talks to a running
// host through this proxy. `npm run build` writes what the gateway serves.
const host = process.env.STREAMING_HOST ?? "http://localhost:5080";

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
    environment: "happy-dom",
    include: ["test/**/*.test.ts"],
  },
});
