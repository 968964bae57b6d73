// npm run bench [NAME]: measures this engine beside others and writes docs/results/bench-NAME.md.
import { fileURLToPath } from 'node:url'
import { benchConv } from './conv.mjs'
import { benchMlp } from './mlp.mjs'
import { benchSparse } from './sparse.mjs'

const benches = { mlp: benchMlp, conv: benchConv, sparse: benchSparse }
const chosen = process.argv[2] ?? Object.keys(benches)
for (const name of [chosen].flat()) {
  if (!benches[name]) {
    console.error(`there is no benchmark named ${name}; known: ${Object.keys(benches).join(', ')}`)
    process.exit(1)
  }
  await benches[name](fileURLToPath(new URL(`../docs/results/bench-${name}.md`, import.meta.url)))
}
process.exit(0)
