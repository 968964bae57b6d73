/**
 * @file `npm run bench real-models FOLDER [FILE]`: every ONNX file of a folder run here and in ONNX
 * Runtime, and pruned. Nothing is fetched. `models.json` in the folder, or else
 * bench/real-models/settings.json, says of files what they leave open: sizes, inputs that are known, the
 * range of whole numbers.
 *
 * Every step has a process of its own and `REAL_MODELS_SECONDS` (default 600); results are kept in
 * build/real-models.jsonl, so that running again does what is missing (`REAL_MODELS_AGAIN=1`: all of it),
 * and what took too long where there is more time now; a method that takes too long at one sparsity is not
 * tried at the next one. `REAL_MODELS_METHODS=magnitude,sparsegpt` prunes by
 * these alone. `REAL_MODELS_PAGE=1` measures nothing and writes the page of what is known.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Cells } from './cells.mjs'
import { page } from './real-models/page.mjs'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const SECONDS = Number(process.env.REAL_MODELS_SECONDS ?? 600)
const SPARSITIES = [0.5, 0.7]
const METHODS = (process.env.REAL_MODELS_METHODS ?? 'magnitude,sparsegpt,wanda,obc,cbs').split(',')
const PAGE = Boolean(process.env.REAL_MODELS_PAGE)

export async function benchRealModels(folder, file) {
  if (!folder || !existsSync(folder)) {
    console.error('expected a folder of ONNX models: npm run bench real-models FOLDER')
    process.exit(1)
  }
  const results = here('../build/real-models.jsonl')
  if (process.env.REAL_MODELS_AGAIN) rmSync(results, { force: true })
  const rows = await resultsOf(folder, new Cells(results))
  writeFileSync(file, page(rows))
}

/** What is found of every model of a folder, in order of their names. */
export async function resultsOf(folder, cells, { methods = METHODS, sparsities = SPARSITIES } = {}) {
  const told = [join(folder, 'models.json'), here('real-models/settings.json')].find(existsSync)
  const settings = JSON.parse(readFileSync(told, 'utf8'))
  const names = readdirSync(folder).filter((name) => name.endsWith('.onnx'))
  const rows = []
  for (const name of names.sort()) {
    const key = basename(name, '.onnx')
    const asked = { settings: settings[key] ?? {}, methods, sparsities }
    const row = await modelRow(join(folder, name), key, asked, cells)
    console.log(`${name}: ${row.agreement.reason ?? 'runs'}`)
    rows.push(row)
  }
  return rows
}

async function modelRow(file, name, { settings, methods, sparsities }, cells) {
  const { size, mtimeMs } = statSync(file)
  const scratch = mkdtempSync(join(tmpdir(), 'espalier-real-models-'))
  const out = join(scratch, 'pruned.onnx')
  /** A step, or what it found before. */
  const once = async (what, work) => {
    const key = [name, size, mtimeMs, JSON.stringify(settings), what].join(' | ')
    const known = cells.has(key) ? cells.get(key) : undefined
    if (PAGE) return known ?? {}
    // What failed is tried again, but for what took too long in as much time.
    const failed = known && (known.reason ?? known.distanceReason) !== undefined
    if (known && (known.limit === undefined ? !failed : known.limit >= SECONDS)) return known
    const found = await work()
    cells.set(key, found)
    return found
  }
  const step = (step, more = {}) =>
    run([here('real-models/step.mjs'), JSON.stringify({ step, file, called: name, settings, ...more })])
  const agreement = await once('agreement', () => step('agreement'))
  const pruned = []
  for (const method of methods)
    for (const sparsity of sparsities) {
      const found = await once(`${method} ${sparsity}`, async () => {
        const before = pruned.findLast((one) => one.method === method)
        if (before?.limit !== undefined) return { reason: before.reason, limit: before.limit }
        const made = await (method === 'magnitude'
          ? run([
              here('../dist/cli/main.js'),
              'prune',
              file,
              '--method',
              method,
              '--sparsity',
              `${sparsity}`,
              '-o',
              out,
              '--force',
              '--json',
            ])
          : step('prune', { method, sparsity, out }))
        if (made.reason !== undefined) return made
        const { distance, reason } = await step('distance', { pruned: out })
        return { ...made, distance, distanceReason: reason }
      })
      pruned.push({ ...found, method, asked: sparsity })
    }
  rmSync(scratch, { recursive: true })
  return { name, size, agreement, pruned }
}

/** The memory of a process, said when it ends. */
const PEAK = `data:text/javascript,process.on('exit',()=>console.error('peak '+process.resourceUsage().maxRSS))`

/** What a program prints as JSON, or the reason why it does not. */
function run(args) {
  const started = performance.now()
  const options = { timeout: 1000 * SECONDS, killSignal: 'SIGKILL', maxBuffer: 2 ** 28 }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', PEAK, ...args], options, (error, stdout, stderr) => {
      const seconds = (performance.now() - started) / 1000
      if (error?.killed) return resolve({ reason: `takes more than ${SECONDS} s`, limit: SECONDS, seconds })
      const peak = 1024 * Number(/peak (\d+)/.exec(stderr)?.[1] ?? Number.NaN)
      if (error) return resolve({ reason: stderr.split('\n')[0] || error.message, seconds, peak })
      const found = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1))
      resolve({ ...briefly(found), seconds: found.seconds ?? seconds, peak: found.peak ?? peak })
    })
  })
}

/** Of a report of `espalier prune`, what the page shows. */
const briefly = ({ layers, tensors, untouched, warnings, ...rest }) => rest
