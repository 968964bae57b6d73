/** The pages of site/ as files that any server can hold: npm run build:site, to build/site. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const { version } = JSON.parse(readFileSync(here('../package.json'), 'utf8'))

/** Plans of methods that read files, which pages do not offer: they would bring Node's modules along. */
const leftOut = ['layerwise/snows-plan.ts', 'second-order/plan.ts'].map((path) => here(`../src/methods/${path}`))

const withoutFiles = (): Plugin => ({
  name: 'without-files',
  load: (id) => (leftOut.includes(id) ? 'throw new Error("this method reads files")' : undefined),
})

export default defineConfig({
  root: here('.'),
  // Relative: the pages may lie in any folder of a server.
  base: './',
  define: { ESPALIER_VERSION: JSON.stringify(version) },
  plugins: [withoutFiles()],
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
  // Methods load their plans when they are asked; some are part of what is loaded anyway.
  worker: {
    format: 'es',
    plugins: () => [withoutFiles()],
    rolldownOptions: { checks: { ineffectiveDynamicImport: false } },
  },
})
