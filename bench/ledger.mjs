// Records for the ledger, one `espalier prune --record` after the other:
//
//   npm run build && node bench/ledger.mjs --checkpoints DIR [--out DIR] [--methods magnitude,obc,...]
//     [--network mlpnet] [--sparsities .5,.6,...] [--seeds 0,1,2,3,4] [--flags="--polish 0"]
//   node bench/ledger.mjs --network NAME --checkpoint FILE --data NAME [...]
//
// A record that is there already is not made again, so that an interrupted bench goes on where it stopped;
// flags are part of its name. Methods that draw nothing at random have one seed. Afterwards: espalier ledger
// DIR -o FILE.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { methods } from '../dist/methods/index.js'

/** The published networks that the ledger begins with. */
const PUBLISHED = [
  { network: 'mlpnet', file: 'mlpnet-mnist.safetensors', data: 'mnist', sparsities: '.5,.6,.7,.8,.9,.95,.98' },
  {
    network: 'resnet20',
    file: 'resnet20-cifar10.safetensors',
    data: 'cifar10',
    sparsities: '.5,.6,.7,.8,.9',
    flags: '--mean 0.5 --std 0.5',
  },
]

const { values: given } = parseArgs({
  options: {
    checkpoints: { type: 'string' },
    network: { type: 'string' },
    checkpoint: { type: 'string' },
    data: { type: 'string' },
    out: { type: 'string', default: 'docs/results/ledger' },
    methods: { type: 'string', default: 'magnitude,obd,woodfisher,cbs,chita,obc,sparsegpt' },
    sparsities: { type: 'string' },
    seeds: { type: 'string', default: '0,1,2,3,4' },
    flags: { type: 'string', default: '' },
  },
})
const main = fileURLToPath(new URL('../lib/cli.js', import.meta.url))

let failed = 0
for (const row of rows()) {
  const record = join(given.out, row.network, `${row.name}.record.json`)
  if (existsSync(record)) {
    console.log(`${row.name}: there already`)
    continue
  }
  mkdirSync(join(given.out, row.network), { recursive: true })
  const pruned = join(tmpdir(), `${row.name}.${process.pid}.safetensors`)
  const began = performance.now()
  try {
    const args = ['prune', row.checkpoint, '--model', row.network, '--data', row.data, ...row.flags]
    execFileSync(process.execPath, [main, ...args, '-o', pruned, '--record', record, '--json'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    console.log(`${row.name}: ${((performance.now() - began) / 1000).toFixed(0)} s`)
  } catch {
    // The command has said why; the others are done all the same.
    failed++
    console.log(`${row.name}: failed`)
  } finally {
    rmSync(pruned, { force: true })
  }
}
process.exitCode = failed > 0 ? 1 : 0

/** All rows that are asked for; the quick ones of a network come first. */
function rows() {
  const networks = given.checkpoints
    ? PUBLISHED.map((one) => ({ ...one, checkpoint: join(given.checkpoints, one.file) }))
    : [{ network: given.network, checkpoint: given.checkpoint, data: given.data }]
  const chosen = networks.filter(({ network }) => given.network === undefined || network === given.network)
  for (const { network, checkpoint, data } of chosen)
    if (!network || !checkpoint || !data)
      throw new Error('expected --checkpoints with a folder, or --network, --checkpoint and --data')
  return chosen.flatMap(({ network, checkpoint, data, sparsities = '.9', flags = '' }) =>
    given.methods.split(',').flatMap((method) =>
      (given.sparsities ?? sparsities).split(',').flatMap((text) =>
        seedsOf(method).map((seed) => {
          const sparsity = Number(text)
          const drawn = seed === undefined ? [] : ['--seed', String(seed)]
          const own = `${flags} ${given.flags}`.split(' ').filter(Boolean)
          const asked = given.flags.replace(/[^a-z0-9.]+/gi, '-').replace(/^-|-$/g, '')
          return {
            name: [network, method, Number((100 * sparsity).toFixed(4)), seed ?? 0, asked]
              .filter((x) => x !== '')
              .join('-'),
            network,
            checkpoint,
            data: given.data ?? data,
            flags: ['--method', method, '--sparsity', String(sparsity), ...drawn, ...own],
          }
        }),
      ),
    ),
  )
}

/** Undefined stands for the only one of a method that draws nothing. */
function seedsOf(method) {
  if (!Object.hasOwn(methods, method)) throw new Error(`--methods: there is no method ${method}`)
  const draws = methods[method].takes.includes('samples') || method === 'random'
  return draws ? given.seeds.split(',').map(Number) : [undefined]
}
