// Measures the tables of costs that come with the package anew: node scripts/costs.mjs [SET...], with sets of
// avx2, baseline (on an x86-64 processor), neon (on an arm64 one), avx512 and wasm. It needs a machine that
// does nothing else, and minutes.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { calibrate } from '../dist/calibrate/calibrate.js'
import { openMachine } from '../dist/engine/machines/open.js'

const MILLISECONDS = 12

const given = process.argv.slice(2)
for (const set of given.length > 0 ? given : ['avx2', 'baseline', 'wasm']) {
  const options = set === 'wasm' ? { engine: 'wasm' } : { instructionSet: set === 'neon' ? 'baseline' : set }
  const machine = await openMachine({ engine: 'native', threads: 1, ...options })
  const onLayer = (done, all) => process.stderr.write(`\r${set}: ${done} of ${all} layers`)
  const table = calibrate(machine, {
    name: set,
    milliseconds: Number(process.env.MILLISECONDS ?? MILLISECONDS),
    onLayer,
  })
  process.stderr.write('\n')
  writeFileSync(fileURLToPath(new URL(`../src/engine/costs/${set}.ts`, import.meta.url)), moduleText(set, table))
}

/** A module in Biome's layout. */
function moduleText(set, { costs, ...about }) {
  const quoted = (value) => (typeof value === 'string' ? `'${value}'` : value)
  const flat = (object) =>
    `{ ${Object.entries(object)
      .map(([key, value]) => `${key}: ${value}`)
      .join(', ')} }`
  const lines = [
    `/** @file Costs of ${set} kernels, as \`node scripts/costs.mjs ${set}\` measured them. */`,
    `import type { CostTable } from '../cost.ts'`,
    '',
    `export const ${set}: CostTable = {`,
    ...Object.entries(about).map(([key, value]) => `  ${key}: ${quoted(value)},`),
    '  costs: {',
    ...Object.entries(costs).flatMap(([pass, kinds]) => [
      `    ${pass}: {`,
      ...Object.entries(kinds).flatMap(([kind, { dense, sparse }]) => [
        `      ${kind}: {`,
        `        dense: ${flat(dense)},`,
        `        sparse: ${flat(sparse)},`,
        '      },',
      ]),
      '    },',
    ]),
    '  },',
    '}',
  ]
  return `${lines.join('\n')}\n`
}
