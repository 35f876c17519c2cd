import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

/** The script and the style of the page that `filmstrip export --format html` writes, one file each. */
export default defineConfig({
  plugins: [svelte()],
  publicDir: false,
  build: {
    outDir: "../src/filmstrip/export/static",
    emptyOutDir: true,
    target: "es2022",
    cssCodeSplit: false,
    lib: {
      entry: "src/page/main.ts",
      formats: ["iife"],
      name: "filmstripPage",
      fileName: () => "page.js",
      cssFileName: "page",
    },
  },
});
