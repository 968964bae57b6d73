/** The pages of site/ as files that any server can hold: npm run build:site, to build/site. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('.'),
  // Relative: the pages may lie in any folder of a server.
  base: './',
  // What scripts/site-data.mjs writes: the sample network and digits.
  publicDir: here('../build/site-data'),
  build: {
    outDir: here('../build/site'),
    emptyOutDir: true,
    target: 'es2022',
    // Nothing as data: addresses, which the policy of the pages refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: [here('index.html'), here('train.html')] },
  },
  worker: { format: 'es' },
})
