import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** `make dev` serves the page itself and asks this server for everything else. */
const server = "http://127.0.0.1:8010";

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "../src/filmstrip/server/static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the content security policy allows no data: but for pictures
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/api": server, "/picture": server, "/thumbnail": server, "/thumbnails": server, "/mask": server } },
  test: { include: ["src/**/*.test.ts"] },
});
